"""What moves the owner's money, or sets it aside: top up, spend, transfer, hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from litestar import Response, get, post

from api.auth.guards import AuthenticatedRequest
from api.database.requests import Details, Mutation
from api.pages.forms import Form, MistakeError, convert
from api.pages.sending import answered, outcome
from api.pages.site import Site, see
from api.schemas.holds import HoldRequest
from api.schemas.transactions import TransactionRequest, TransferRequest
from api.schemas.wallets import OwnWallet

if TYPE_CHECKING:
    from litestar.handlers import HTTPRouteHandler

HOLD_SECONDS: Final = (3_600, 86_400, 259_200, 604_800, 2_592_000, 31_536_000)
"""How long a hold can be chosen to last."""
WEEK: Final = 604_800
PATHS: Final = {"/top-up": "topup", "/spend": "spend", "/transfer": "transfer", "/hold": "hold"}


def move_pages(site: Site) -> list[HTTPRouteHandler]:
    """Return the pages with a form for each."""
    database, services, words = site.database, site.services, site.words
    signed_in = site.guard()

    async def shown(request: AuthenticatedRequest, form: Form) -> tuple[OwnWallet, dict[str, Any]]:
        wallet, wallets = await site.wallets(request, form.text("asset"))
        kind = PATHS[request.scope["path"]]
        closed = kind == "topup" and not services.self_topup
        return wallet, {"kind": kind, "wallets": wallets, "times": HOLD_SECONDS, "closed": closed}

    @get(list(PATHS), before_request=signed_in)
    async def form_page(request: AuthenticatedRequest) -> Response[Any]:
        query = site.drawn(request)
        if isinstance(query, Response):
            return query
        wallet, more = await shown(request, query)
        query.values.setdefault("expires_in", str(WEEK))
        return site.page(request, "move.html", form=query, wallet=wallet, first=None, **more)

    @post(["/top-up", "/spend"], before_request=signed_in)
    async def move(request: AuthenticatedRequest) -> Response[Any]:
        form = await site.form(request)
        wallet, more = await shown(request, form)
        user_id = request.user.user_id

        async def act() -> Response[Any]:
            amount = form.amount(words, wallet.scale)
            asked = convert(TransactionRequest, txn_id=form.txn_id(), amount=amount, reference=form.text("reference"))
            if more["kind"] == "topup":
                await services.let_top_up(wallet.wallet_id, [asked.txn_id], user_id)
            result = await database.mutate(
                Mutation(more["kind"], wallet.wallet_id, asked.txn_id, asked.amount, asked.reference, None, user_id)
            )
            return see(f"/transactions/{result.id}", asset=wallet.asset, done=outcome(result))

        return await answered(site, request, "move.html", form, wallet, act, **more)

    @post("/transfer", before_request=signed_in)
    async def transfer(request: AuthenticatedRequest) -> Response[Any]:
        form = await site.form(request)
        form.called = {"to_username": "to", "to_wallet_id": "to"}
        step = form.values.pop("step", "review")
        wallet, more = await shown(request, form)
        user_id = request.user.user_id
        if step == "change":
            return site.page(request, "move.html", form=form, wallet=wallet, first=None, **more)

        async def act() -> Response[Any]:
            to = _recipient(form.text("to"), words)
            asked = convert(
                TransferRequest,
                txn_id=form.txn_id(),
                amount=form.amount(words, wallet.scale),
                to_username=to if isinstance(to, str) else None,
                to_wallet_id=to if isinstance(to, UUID) else None,
                reference=form.text("reference"),
            )
            if step != "send":
                preview = await database.preview_transfer(wallet.wallet_id, asked.txn_id, asked.amount, to, user_id)
                if preview is not None:
                    return site.page(request, "review.html", form=form, wallet=wallet, preview=preview, asked=asked)
            details = Details(asked.reference, None, None)
            result = await database.transfer(wallet.wallet_id, asked.txn_id, asked.amount, to, details, user_id)
            return see(f"/transactions/{result.id}", asset=wallet.asset, done=outcome(result))

        return await answered(site, request, "move.html", form, wallet, act, **more)

    @post("/hold", before_request=signed_in)
    async def hold(request: AuthenticatedRequest) -> Response[Any]:
        form = await site.form(request)
        wallet, more = await shown(request, form)
        user_id = request.user.user_id

        async def act() -> Response[Any]:
            asked = convert(
                HoldRequest,
                txn_id=form.txn_id(),
                amount=form.amount(words, wallet.scale),
                expires_in=form.whole(words, "expires_in", HOLD_SECONDS[0], HOLD_SECONDS[-1]),
                reference=form.text("reference"),
            )
            details = Details(asked.reference, None, None)
            result = await database.hold(
                wallet.wallet_id, asked.txn_id, asked.amount, asked.expires_in, details, user_id
            )
            return see(f"/holds/{result.txn_id}", asset=wallet.asset, done="hold")

        return await answered(site, request, "move.html", form, wallet, act, **more)

    return [form_page, move, transfer, hold]


def _recipient(text: str | None, words: Any) -> UUID | str:
    """Read a wallet's id, or a username: none of these reads as an id. Raises MistakeError."""
    if text is None:
        raise MistakeError("to", words.transfer.to_missing)
    try:
        return UUID(text)
    except ValueError:
        return text
