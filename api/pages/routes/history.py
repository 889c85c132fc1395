"""The owner's past: the history, and one transaction with what can be done with it."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Annotated, Any, Final, get_args
from urllib.parse import quote, urlencode
from uuid import UUID

from litestar import Response, get, post
from litestar.params import PathParameter

from api.auth.guards import AuthenticatedRequest
from api.database.requests import Details, Filters
from api.database.rows import Page
from api.pages.forms import Form, MistakeError, convert
from api.pages.periods import period
from api.pages.routes.moves import PATHS
from api.pages.sending import answered, outcome
from api.pages.site import Site, see
from api.routes.parameters import MAX_ID, decode_cursor, encode_cursor, number
from api.schemas.events import EventName
from api.schemas.fields import TransactionKind
from api.schemas.history import Entry, OwnEntry
from api.schemas.transactions import RefundRequest
from api.schemas.wallets import OwnWallet

if TYPE_CHECKING:
    from litestar.handlers import HTTPRouteHandler

TransactionPath = Annotated[int, PathParameter(ge=1, le=MAX_ID)]
PAGE: Final = 25
LONGEST: Final = 256
KINDS: Final = get_args(TransactionKind)
FILTERS: Final = ("q", "type", "from", "to", "from_offset", "to_offset")
ANOTHER: Final = {kind: path for path, kind in PATHS.items()}
"""Where what was done can be done once more."""
RECEIPT: Final = re.compile(r"[0-9a-f]{64}")


def history_pages(site: Site) -> list[HTTPRouteHandler]:
    """Return the pages."""
    database, services, words = site.database, site.services, site.words
    signed_in = site.guard()

    @get("/history", before_request=signed_in)
    async def history(request: AuthenticatedRequest) -> Response[Any]:
        form = site.query(request)
        wallet_id = await site.wallet_id(request, form.text("asset"))
        if to := await named(request, wallet_id, form):
            return to
        before_seq = decode_cursor(form.text("cursor"))
        page: Page[Entry] = Page([], None)
        try:
            asked = database.entries(wallet_id, PAGE, before_seq, filters(form), request.user.user_id)
            page, (wallet, wallets) = await asyncio.gather(asked, site.wallets(request, form.text("asset")))
        except MistakeError as mistake:
            form.note(mistake)
            wallet, wallets = await site.wallets(request, form.text("asset"))
        deliveries = await services.deliveries(wallet_id, page.items, request.user.user_id)
        kept = {"asset": wallet.asset, **{name: form[name] for name in FILTERS if form.text(name)}}
        return site.page(
            request,
            "history.html",
            422 if form.mistakes else 200,
            wallet=wallet,
            wallets=wallets,
            form=form,
            kinds=KINDS,
            items=page.items,
            deliveries=deliveries,
            filtered=len(kept) > 1,
            first_page=before_seq is None,
            newest=f"/history?{urlencode(kept, quote_via=quote)}",
            older=page.next and f"/history?{urlencode({**kept, 'cursor': encode_cursor(page.next)}, quote_via=quote)}",
            live=get_args(EventName) if before_seq is None else (),
        )

    def filters(form: Form) -> Filters:
        """Read what is looked for. Raises MistakeError."""
        kind, reference = form["type"] if form["type"] in KINDS else None, form.text("q")
        if reference is not None and len(reference) > LONGEST:
            raise MistakeError("q", words.history.too_long)
        return Filters(kind, *period(form, words), reference)

    async def named(request: AuthenticatedRequest, wallet_id: UUID, form: Form) -> Response[Any] | None:
        """Go to what is on record for a request's id; what is none can be a reference."""
        try:
            txn_id = UUID(form["q"].strip())
        except ValueError:
            return None
        transaction_id, hold_txn_id = await database.find_request(wallet_id, txn_id, request.user.user_id)
        if transaction_id is not None:
            return see(f"/transactions/{transaction_id}", asset=form.text("asset"))
        return None if hold_txn_id is None else see(f"/holds/{hold_txn_id}", asset=form.text("asset"))

    async def found(request: AuthenticatedRequest, form: Form, transaction_id: int) -> tuple[OwnWallet, OwnEntry]:
        wallet_id = await site.wallet_id(request, form.text("asset"))
        entry = database.entry(wallet_id, number(request, transaction_id), request.user.user_id)
        entry_, (wallet, _) = await asyncio.gather(entry, site.wallets(request, form.text("asset")))
        await services.tell_delivery(wallet_id, entry_, request.user.user_id)
        return wallet, entry_

    @get("/transactions/{transaction_id:int}", before_request=signed_in)
    async def transaction(request: AuthenticatedRequest, transaction_id: TransactionPath) -> Response[Any]:
        form = site.query(request)
        wallet, entry = await found(request, form, transaction_id)
        verdict = None
        receipt = form["receipt"].strip().lower() or entry.receipt
        if receipt and "receipt" in form:
            if RECEIPT.fullmatch(receipt):
                user_id = request.user.user_id
                verdict = await database.verify_entry(wallet.wallet_id, transaction_id, receipt, user_id)
            else:
                form.note(MistakeError("receipt", words.check.no_receipt))
        return site.page(
            request,
            "transaction.html",
            422 if form.mistakes else 200,
            wallet=wallet,
            entry=entry,
            form=form,
            first=None,
            verdict=verdict,
            self_refund=services.self_refund,
            done=form["done"],
            another=ANOTHER,
        )

    @post("/transactions/{transaction_id:int}", before_request=signed_in)
    async def refund(request: AuthenticatedRequest, transaction_id: TransactionPath) -> Response[Any]:
        form = await site.form(request)
        wallet, entry = await found(request, form, transaction_id)
        user_id = request.user.user_id

        async def act() -> Response[Any]:
            asked = convert(
                RefundRequest,
                txn_id=form.txn_id(),
                original_txn_id=entry.txn_id,
                amount=form.amount(words, wallet.scale),
                reference=form.text("reference"),
            )
            await services.let_refund(wallet.wallet_id, [asked.txn_id], user_id)
            details = Details(asked.reference, None, None)
            result = await database.refund(
                wallet.wallet_id, asked.txn_id, asked.original_txn_id, asked.amount, details, user_id
            )
            return see(f"/transactions/{result.id}", asset=wallet.asset, done=outcome(result))

        shown: dict[str, Any] = {
            "entry": entry,
            "verdict": None,
            "self_refund": services.self_refund,
            "done": "",
            "another": {},
        }
        return await answered(site, request, "transaction.html", form, wallet, act, **shown)

    return [history, transaction, refund]
