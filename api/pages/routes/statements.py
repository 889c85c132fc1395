"""Statements: to print, and as CSV. Operators get those of any user's wallet, as its owner does."""

from __future__ import annotations

import contextlib
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from litestar import Response, get

from api.auth.guards import AuthenticatedRequest
from api.database.rows import StatementBound
from api.errors import NOT_FOUND, SQLSTATES, ServiceError
from api.pages import amounts
from api.pages.forms import Form, MistakeError
from api.pages.periods import period
from api.pages.site import Refusal, Site
from api.routes.operator import WalletPath
from api.routes.statement_formats import CSV, StatementResponse, as_csv, harmless
from api.schemas.history import Entry

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from uuid import UUID

    from litestar.handlers import HTTPRouteHandler

    from api.schemas.inspection import InspectedWallet
    from api.schemas.wallets import OwnWallet

    Lines = AsyncGenerator[list[StatementBound | Entry], None]

MOST_LINES: Final = 1_000
"""On a page: a browser shows and prints them at once, and they are in memory here."""
COLUMNS: Final = ("date", "kind", "amount", "balance", "currency", "reference", "other_party", "number", "request_id")
"""Of the CSV: names of the words."""
FUTURE: Final = SQLSTATES["WA023"]


def statement_pages(site: Site) -> list[HTTPRouteHandler]:
    """Return the pages of owners, and those of operators, who get the same statement."""
    database, words = site.database, site.words
    signed_in, operators = site.guard(), site.guard(operator=True)

    async def own(request: AuthenticatedRequest) -> Shown:
        form, actor = site.query(request), request.user.user_id
        wallet, wallets = await site.wallets(request, form.text("asset"))
        lines = partial(database.statement, wallet.wallet_id, actor=actor)
        return Shown(form, wallet, lines, {"wallets": wallets, "where": "/statement", "which": {"asset": wallet.asset}})

    async def inspected(request: AuthenticatedRequest, wallet_id: UUID) -> Shown:
        actor = request.user.user_id
        wallet = await database.inspect_wallet(wallet_id, actor)
        if wallet.user_id is None:
            raise ServiceError(NOT_FOUND)
        lines = partial(database.inspect_statement, wallet_id, actor=actor)
        where = f"/operator/wallets/{wallet_id}/statement"
        return Shown(site.query(request), wallet, lines, {"where": where, "which": {}})

    def chosen(request: AuthenticatedRequest, shown: Shown) -> Response[Any]:
        often = spans(datetime.now(UTC).date())
        _, start, end = often[0]
        shown.form.values.setdefault("from", start)
        shown.form.values.setdefault("to", end)
        return site.page(request, "statement.html", form=shown.form, wallet=shown.wallet, spans=often, **shown.more)

    def refused(request: AuthenticatedRequest, shown: Shown, refusal: ServiceError | MistakeError) -> Response[Any]:
        more = {"wallet": shown.wallet, "spans": spans(datetime.now(UTC).date()), **shown.more}
        return site.refused(request, "statement.html", shown.form, refusal, **more)

    async def printed(request: AuthenticatedRequest, shown: Shown) -> Response[Any]:
        try:
            lines = await begun(shown.lines, *both(shown.form, words))
            found: list[StatementBound | Entry] = []
            async with contextlib.aclosing(lines):
                async for piece in lines:
                    found += piece
                    if len(found) > MOST_LINES + 2:
                        raise MistakeError("to", words.statement.too_long.format(most=MOST_LINES))
        except Refusal as refusal:
            return refused(request, shown, refusal)
        opening, *entries, closing = found
        bounds: dict[str, Any] = {"opening": opening, "items": entries, "closing": closing}
        return site.page(request, "statement_print.html", wallet=shown.wallet, **bounds, **shown.more)

    async def downloaded(request: AuthenticatedRequest, shown: Shown) -> Response[Any]:
        try:
            lines = await begun(shown.lines, *both(shown.form, words))
        except Refusal as refusal:
            return refused(request, shown, refusal)
        pieces = as_csv(lines, [getattr(words.statement_column, name) for name in COLUMNS], cells(shown.wallet, words))
        patience, name = site.services.download_timeout, file_name(shown)
        return await StatementResponse.begun(CSV, pieces, patience, name)

    @get("/statement", before_request=signed_in)
    async def statement(request: AuthenticatedRequest) -> Response[Any]:
        return chosen(request, await own(request))

    @get("/statement/print", before_request=signed_in)
    async def printable(request: AuthenticatedRequest) -> Response[Any]:
        return await printed(request, await own(request))

    @get("/statement.csv", before_request=signed_in)
    async def table(request: AuthenticatedRequest) -> Response[Any]:
        return await downloaded(request, await own(request))

    @get("/operator/wallets/{wallet_id:uuid}/statement", before_request=operators)
    async def statement_of(request: AuthenticatedRequest, wallet_id: WalletPath) -> Response[Any]:
        return chosen(request, await inspected(request, wallet_id))

    @get("/operator/wallets/{wallet_id:uuid}/statement/print", before_request=operators)
    async def printable_of(request: AuthenticatedRequest, wallet_id: WalletPath) -> Response[Any]:
        return await printed(request, await inspected(request, wallet_id))

    @get("/operator/wallets/{wallet_id:uuid}/statement.csv", before_request=operators)
    async def table_of(request: AuthenticatedRequest, wallet_id: WalletPath) -> Response[Any]:
        return await downloaded(request, await inspected(request, wallet_id))

    return [statement, printable, table, statement_of, printable_of, table_of]


class Shown(NamedTuple):
    """Whose statement it is, how it is read, and what its pages say of that."""

    form: Form
    wallet: OwnWallet | InspectedWallet
    lines: Callable[[datetime, datetime], Lines]
    more: dict[str, Any]


async def begun(read: Callable[[datetime, datetime], Lines], start: datetime, end: datetime) -> Lines:
    """Begin to read, up to now where the period ends later. Raises ServiceError."""
    lines = read(start, min(end, datetime.now(UTC)))
    try:
        first = await anext(lines)
    except ServiceError as refusal:
        # the clock that counts is the database's
        now = refusal.members.get("now")
        if refusal.kind is not FUTURE or not isinstance(now, datetime) or now <= start:
            raise
        lines = read(start, now)
        first = await anext(lines)

    async def all_of_it() -> Lines:
        async with contextlib.aclosing(lines):
            yield first
            async for piece in lines:
                yield piece

    return all_of_it()


def cells(wallet: OwnWallet | InspectedWallet, words: Any) -> Callable[[StatementBound | Entry], list[object]]:
    """Return how a line is written for people, who have no use for minor units: in the order of `COLUMNS`."""

    def written(line: StatementBound | Entry) -> list[object]:
        at = f"{line.created_at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
        balance = amounts.plain(line.balance, wallet.scale)
        if isinstance(line, StatementBound):
            kind = words.statement.opening if line.line == "opening" else words.statement.closing
            return [at, kind, None, balance, wallet.asset, *[None] * 4]
        return [
            *(at, getattr(words.entry, line.type), amounts.plain(line.amount, wallet.scale), balance, wallet.asset),
            *(harmless(line.reference), harmless(line.counterparty_username), line.id, line.txn_id),
        ]

    return written


def file_name(shown: Shown) -> str:
    """Name the file by what is in it, so that two of them can lie in one folder."""
    first, last = (date.fromisoformat(shown.form[name].strip()) for name in ("from", "to"))
    return f"statement-{shown.wallet.asset}-{first}-{last}.csv"


def both(form: Form, words: Any) -> tuple[datetime, datetime]:
    """Return the period, which has a beginning and an end. Raises MistakeError."""
    start, end = period(form, words)
    if start is None or end is None:
        raise MistakeError("from" if start is None else "to", words.forms.no_day)
    if start > datetime.now(UTC):
        raise MistakeError("from", words.statement.future)
    return start, end


def spans(today: date) -> list[tuple[str, str, str]]:
    """Return what is often asked for: a key of the words, the first and the last day."""
    month = today.replace(day=1)
    before = month - timedelta(days=1)
    found = [("this_month", month, today), ("last_month", before.replace(day=1), before)]
    found.append(("this_year", today.replace(month=1, day=1), today))
    return [(name, first.isoformat(), last.isoformat()) for name, first, last in found]
