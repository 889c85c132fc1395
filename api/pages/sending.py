"""How forms that move the owner's money are answered: with what came of them, or with the form and why not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from api.errors import SQLSTATES, ServiceError
from api.pages.site import Refusal, Site

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from uuid import UUID

    from litestar import Response

    from api.auth.guards import AuthenticatedRequest
    from api.pages.forms import Form
    from api.schemas.history import Entry
    from api.schemas.inspection import InspectedHold
    from api.schemas.transactions import Transaction
    from api.schemas.wallets import OwnWallet

USED: Final = SQLSTATES["WA004"]


async def answered(
    site: Site,
    request: AuthenticatedRequest,
    template: str,
    form: Form,
    wallet: OwnWallet,
    act: Callable[[], Awaitable[Response[Any]]],
    **shown: Any,
) -> Response[Any]:
    """Let a form act, whose page is `template`. A used txn_id is answered with what is on record for it."""
    shown = {"wallet": wallet, "first": None, **shown}
    if "again" in form:
        form.fresh()
        return site.page(request, template, form=form, **shown)
    try:
        return await act()
    except Refusal as refusal:
        if isinstance(refusal, ServiceError) and refusal.kind is USED:
            shown["first"] = await recorded(site, wallet.wallet_id, form.txn_id(), request.user.user_id)
        return site.refused(request, template, form, refusal, **shown)


def outcome(result: Transaction) -> str:
    """Return what the next page is to say: that it was done, or that it was done before."""
    return "again" if result.replayed else "now"


async def recorded(site: Site, wallet_id: UUID, txn_id: UUID, actor: UUID) -> Entry | InspectedHold | None:
    """Return what is on record for a txn_id. Raises ServiceError."""
    transaction_id, hold_txn_id = await site.database.find_request(wallet_id, txn_id, actor)
    if transaction_id is not None:
        return await site.database.entry(wallet_id, transaction_id, actor)
    return None if hold_txn_id is None else await site.database.own_hold(wallet_id, hold_txn_id, actor)
