"""The owner's holds: a list, and one of them with what can be done with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, get_args
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath

from api.auth.guards import AuthenticatedRequest
from api.database.requests import Details
from api.errors import BAD_REQUEST, ServiceError
from api.pages.forms import Form, convert
from api.pages.sending import answered, outcome
from api.pages.site import Site, see
from api.routes.parameters import decode_cursor, encode_cursor
from api.schemas.holds import CaptureRequest, VoidRequest
from api.schemas.inspection import HoldStatus

if TYPE_CHECKING:
    from litestar.handlers import HTTPRouteHandler

PAGE: Final = 20
STATUSES: Final = get_args(get_args(HoldStatus)[0])


def hold_pages(site: Site) -> list[HTTPRouteHandler]:
    """Return the pages."""
    database, words = site.database, site.words
    signed_in = site.guard()

    @get("/holds", before_request=signed_in)
    async def holds(request: AuthenticatedRequest) -> Response[Any]:
        query = site.query(request)
        wallet, wallets = await site.wallets(request, query.text("asset"))
        status = query["status"] if query["status"] in STATUSES else None
        before_id = decode_cursor(query.text("cursor"))
        page = await database.holds(wallet.wallet_id, status, PAGE, before_id, request.user.user_id)
        return site.page(
            request,
            "holds.html",
            wallet=wallet,
            wallets=wallets,
            items=page.items,
            only=status,
            statuses=STATUSES,
            next_cursor=encode_cursor(page.next),
            first_page=before_id is None,
        )

    @get("/holds/{txn_id:uuid}", before_request=signed_in)
    async def hold(request: AuthenticatedRequest, txn_id: FromPath[UUID]) -> Response[Any]:
        query = site.query(request)
        wallet, _ = await site.wallets(request, query.text("asset"))
        found = await database.own_hold(wallet.wallet_id, txn_id, request.user.user_id)
        # said only while it is so: an address is opened again later
        true = {"hold": found.status == "open" and len(found.events) == 1, "void": found.status == "voided"}
        done = query["done"] if true.get(query["done"]) else None
        return site.page(request, "hold.html", wallet=wallet, hold=found, form=Form(), first=None, done=done)

    @post("/holds/{txn_id:uuid}", before_request=signed_in)
    async def end(request: AuthenticatedRequest, txn_id: FromPath[UUID]) -> Response[Any]:
        form = await site.form(request)
        wallet, _ = await site.wallets(request, form.text("asset"))
        user_id = request.user.user_id

        async def capture() -> Response[Any]:
            asked = convert(
                CaptureRequest,
                txn_id=form.txn_id(),
                amount=form.amount(words, wallet.scale),
                final="final" in form,
                reference=form.text("reference"),
            )
            details = Details(asked.reference, None, None)
            result = await database.capture(
                wallet.wallet_id, asked.txn_id, txn_id, asked.amount, details, user_id, final=asked.final
            )
            return see(f"/transactions/{result.id}", asset=wallet.asset, done=outcome(result))

        async def release() -> Response[Any]:
            asked = convert(VoidRequest, txn_id=form.txn_id())
            await database.void(wallet.wallet_id, asked.txn_id, txn_id, user_id)
            return see(f"/holds/{txn_id}", asset=wallet.asset, done="void")

        found = await database.own_hold(wallet.wallet_id, txn_id, user_id)
        act = {"capture": capture, "release": release}.get(form["do"])
        if act is None:
            raise ServiceError(BAD_REQUEST, "The form must say whether to capture or to release.")
        return await answered(site, request, "hold.html", form, wallet, act, hold=found, done=None)

    return [holds, hold, end]
