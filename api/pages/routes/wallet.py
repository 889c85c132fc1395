"""The wallet: its balance, and what moves its owner's money."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, get_args

from litestar import Request, Response, get, post
from litestar.params import PathParameter

from api.auth.guards import AuthenticatedRequest
from api.database.requests import Filters, Mutation
from api.errors import SQLSTATES, ServiceError
from api.events.streams import Caller
from api.http.client_address import client_address
from api.http.event_stream import EventStream
from api.pages.forms import Form, convert
from api.pages.site import Refusal, Site, see
from api.routes.parameters import MAX_ID
from api.schemas.events import EventName
from api.schemas.transactions import TransactionRequest
from api.schemas.wallets import OwnWallet

if TYPE_CHECKING:
    from litestar.handlers import HTTPRouteHandler

    from api.schemas.transactions import Transaction

USED: Final = SQLSTATES["WA004"]
TransactionPath = Annotated[int, PathParameter(ge=1, le=MAX_ID)]
NEWEST: Final = 8
"""Entries on the first page."""


def wallet_pages(site: Site) -> list[HTTPRouteHandler]:
    """Return the pages of the wallet itself."""
    database, services, words = site.database, site.services, site.words
    signed_in = site.guard()

    @get("/")
    async def home(request: Request[Any, Any, Any]) -> Response[Any]:
        if await site.sessions.find(request) is None:
            return site.page(request, "welcome.html", demo=await database.demo_accounts())
        services.limits.user(request.user.user_id)
        query = site.query(request)
        wallet, wallets = await site.wallets(request, query.text("asset"))
        user_id = request.user.user_id
        page = await database.entries(wallet.wallet_id, NEWEST, None, Filters(None, None, None, None), user_id)
        return site.page(
            request,
            "home.html",
            wallet=wallet,
            wallets=wallets,
            items=page.items,
            more=page.next is not None,
            welcome="welcome" in query,
            live=get_args(EventName),
        )

    async def form_page(request: AuthenticatedRequest, kind: str) -> Response[Any]:
        query = site.query(request)
        wallet, wallets = await site.wallets(request, query.text("asset"))
        query.fresh()
        return site.page(request, "move.html", kind=kind, form=query, wallet=wallet, wallets=wallets, first=None)

    async def move(request: AuthenticatedRequest, kind: str) -> Response[Any]:
        form = await site.form(request)
        wallet, wallets = await site.wallets(request, form.text("asset"))
        shown: dict[str, Any] = {"kind": kind, "wallet": wallet, "wallets": wallets, "first": None}
        if "again" in form:
            form.fresh()
            return site.page(request, "move.html", form=form, **shown)
        try:
            result = await made(request, kind, wallet, form)
        except Refusal as refusal:
            if isinstance(refusal, ServiceError) and refusal.kind is USED:
                shown["first"] = await database.transaction(wallet.wallet_id, form.txn_id(), request.user.user_id)
            return site.refused(request, "move.html", form, refusal, **shown)
        return see(f"/transactions/{result.id}", asset=wallet.asset, done=1)

    async def made(request: AuthenticatedRequest, kind: str, wallet: OwnWallet, form: Form) -> Transaction:
        amount = form.amount(words, wallet.scale)
        asked = convert(TransactionRequest, txn_id=form.txn_id(), amount=amount, reference=form.text("reference"))
        user_id = request.user.user_id
        if kind == "topup":
            await services.let_top_up(wallet.wallet_id, [asked.txn_id], user_id)
        return await database.mutate(
            Mutation(kind, wallet.wallet_id, asked.txn_id, asked.amount, asked.reference, None, user_id)
        )

    @get("/top-up", before_request=signed_in)
    async def top_up_form(request: AuthenticatedRequest) -> Response[Any]:
        return await form_page(request, "topup")

    @post("/top-up", before_request=signed_in)
    async def top_up(request: AuthenticatedRequest) -> Response[Any]:
        return await move(request, "topup")

    @get("/spend", before_request=signed_in)
    async def spend_form(request: AuthenticatedRequest) -> Response[Any]:
        return await form_page(request, "spend")

    @post("/spend", before_request=signed_in)
    async def spend(request: AuthenticatedRequest) -> Response[Any]:
        return await move(request, "spend")

    @get("/transactions/{transaction_id:int}", before_request=signed_in)
    async def transaction(request: AuthenticatedRequest, transaction_id: TransactionPath) -> Response[Any]:
        query = site.query(request)
        wallet, _ = await site.wallets(request, query.text("asset"))
        entry = await database.entry(wallet.wallet_id, transaction_id, request.user.user_id)
        return site.page(request, "transaction.html", wallet=wallet, entry=entry, done="done" in query)

    @get("/live", before_request=signed_in)
    async def live(request: AuthenticatedRequest) -> EventStream:
        user = request.user

        async def verify() -> None:
            await site.sessions.require(request, operator=False)

        caller = Caller(user.user_id, client_address(request.scope), user.expires_at, verify)
        stream = await services.streams.user(caller, None, None, None)
        return EventStream(services.streams, stream, services.download_timeout)

    return [home, top_up_form, top_up, spend_form, spend, transaction, live]
