"""Who it is, what they have, and where their money is: what operators look at. Each look is on record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, get_args

from litestar import Response, get

from api.auth.guards import AuthenticatedRequest
from api.database.requests import Filters
from api.pages.forms import Form, MistakeError
from api.pages.periods import period
from api.pages.site import Site
from api.routes.operator import UserPath, WalletPath
from api.routes.operator_reads import AnyWalletPath, NumberPath
from api.routes.parameters import decode_cursor, decode_uuid_cursor, encode_cursor, number
from api.schemas.fields import TransactionKind
from api.schemas.inspection import HoldStatus

if TYPE_CHECKING:
    from litestar.handlers import HTTPRouteHandler

PAGE: Final = 50
NEWEST: Final = 5
"""Entries, and open holds, where a wallet is one of several things on a page."""
FILTERS: Final = ("type", "reference", "from", "to", "from_offset", "to_offset")
KINDS: Final = get_args(TransactionKind)
HOLD_STATUSES: Final = get_args(get_args(HoldStatus)[0])
ANY: Final = Filters(None, None, None, None)


def care_pages(site: Site) -> list[HTTPRouteHandler]:
    """Return the pages that show users, wallets, transactions and holds."""
    database, words = site.database, site.words
    operators = site.guard(operator=True)

    def shown(request: AuthenticatedRequest, template: str, **context: Any) -> Response[Any]:
        done = site.query(request).text("done")
        return site.page(request, template, done=vars(words.care_done).get(done), me=request.user.user_id, **context)

    @get("/operator/users", before_request=operators)
    async def users(request: AuthenticatedRequest) -> Response[Any]:
        cursor = site.query(request).text("cursor")
        page = await database.users(PAGE, decode_uuid_cursor(cursor), request.user.user_id)
        return shown(
            request,
            "care_users.html",
            items=page.items,
            next=encode_cursor(page.next),
            query={},
            first=not cursor,
            away=page.away,
        )

    @get("/operator/users/{user_id:uuid}", before_request=operators)
    async def user(request: AuthenticatedRequest, user_id: UserPath) -> Response[Any]:
        me = request.user.user_id
        found = await database.inspect_user(user_id, me)
        wallets = [
            (
                wallet,
                await database.inspect_entries(wallet.wallet_id, NEWEST, None, ANY, me),
                await database.inspect_holds(wallet.wallet_id, "open", NEWEST, None, me),
            )
            for wallet in found.wallets
        ]
        return shown(request, "care_user.html", user=found, wallets=wallets)

    @get("/operator/wallets/{wallet_id:uuid}", before_request=operators)
    async def wallet(request: AuthenticatedRequest, wallet_id: AnyWalletPath) -> Response[Any]:
        me = request.user.user_id
        found = await database.inspect_wallet(wallet_id, me)
        if found.user_id is None:
            return shown(request, "care_system.html", wallet=found)
        entries = await database.inspect_entries(wallet_id, NEWEST, None, ANY, me)
        holds = await database.inspect_holds(wallet_id, "open", NEWEST, None, me)
        return shown(request, "care_wallet.html", wallet=found, entries=entries, holds=holds)

    @get("/operator/wallets/{wallet_id:uuid}/transactions", before_request=operators)
    async def entries(request: AuthenticatedRequest, wallet_id: WalletPath) -> Response[Any]:
        query, me = site.query(request), request.user.user_id
        found = await database.inspect_wallet(wallet_id, me)
        asked = {name: query[name] for name in FILTERS if query[name]}
        options = [(kind, getattr(words.entry, kind)) for kind in KINDS]
        context = {"wallet": found, "options": options, "query": asked, "first": not query["cursor"]}
        try:
            cursor = decode_cursor(query.text("cursor"))
            page = await database.inspect_entries(wallet_id, PAGE, cursor, read_filters(query, words), me)
        except MistakeError as mistake:
            return site.refused(request, "care_entries.html", query, mistake, items=[], next=None, **context)
        found_more = {"items": page.items, "next": encode_cursor(page.next)}
        return shown(request, "care_entries.html", form=query, **found_more, **context)

    @get("/operator/wallets/{wallet_id:uuid}/holds", before_request=operators)
    async def holds(request: AuthenticatedRequest, wallet_id: WalletPath) -> Response[Any]:
        query, me = site.query(request), request.user.user_id
        status = query["status"] if query["status"] in HOLD_STATUSES else None
        found = await database.inspect_wallet(wallet_id, me)
        page = await database.inspect_holds(wallet_id, status, PAGE, decode_cursor(query.text("cursor")), me)
        return shown(
            request,
            "care_holds.html",
            wallet=found,
            items=page.items,
            chosen=status,
            statuses=HOLD_STATUSES,
            next=encode_cursor(page.next),
            query={"status": status} if status else {},
            first=not query["cursor"],
        )

    @get("/operator/transactions/{transaction_id:int}", before_request=operators)
    async def transaction(request: AuthenticatedRequest, transaction_id: NumberPath) -> Response[Any]:
        found = await database.inspect_transaction(number(request, transaction_id), request.user.user_id)
        sides = sorted(found.entries, key=lambda entry: entry.amount)
        return shown(
            request,
            "care_transaction.html",
            transaction=found,
            source=sides[0],
            target=sides[-1],
        )

    @get("/operator/holds/{hold_id:int}", before_request=operators)
    async def hold(request: AuthenticatedRequest, hold_id: NumberPath) -> Response[Any]:
        found = await database.inspect_hold(number(request, hold_id), request.user.user_id)
        return shown(request, "care_hold.html", hold=found)

    return [users, user, wallet, entries, holds, transaction, hold]


def read_filters(query: Form, words: Any) -> Filters:
    """Return which entries are asked for. Raises MistakeError."""
    kind = query.text("type")
    if kind is not None and kind not in KINDS:
        raise MistakeError("type", words.forms.choose)
    return Filters(kind, *period(query, words), query.text("reference"))
