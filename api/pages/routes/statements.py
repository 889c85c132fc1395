"""The owner's statements: to print, and as CSV."""

from __future__ import annotations

import contextlib
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from litestar import Response, get

from api.auth.guards import AuthenticatedRequest
from api.database.rows import StatementBound
from api.errors import SQLSTATES, ServiceError
from api.pages.forms import Form, MistakeError
from api.pages.periods import period
from api.pages.site import Refusal, Site
from api.routes.statement_formats import statement_response
from api.schemas.history import Entry

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from uuid import UUID

    from litestar.handlers import HTTPRouteHandler

MOST_LINES: Final = 1_000
"""On a page: a browser shows and prints them at once, and they are in memory here."""
FUTURE: Final = SQLSTATES["WA023"]

Pieces = list[list[StatementBound | Entry]]


def statement_pages(site: Site) -> list[HTTPRouteHandler]:
    """Return the pages."""
    database, services, words = site.database, site.services, site.words
    signed_in = site.guard()

    async def chosen(request: AuthenticatedRequest, form: Form) -> dict[str, Any]:
        wallet, wallets = await site.wallets(request, form.text("asset"))
        return {"wallet": wallet, "wallets": wallets, "spans": spans(datetime.now(UTC).date())}

    async def begun(
        wallet_id: UUID, start: datetime, end: datetime, actor: UUID
    ) -> AsyncGenerator[list[StatementBound | Entry], None]:
        """Begin to read, up to now where the period ends later. Raises ServiceError."""
        lines = database.statement(wallet_id, start, min(end, datetime.now(UTC)), actor)
        try:
            first = await anext(lines)
        except ServiceError as refusal:
            # the clock that counts is the database's
            now = refusal.members.get("now")
            if refusal.kind is not FUTURE or not isinstance(now, datetime) or now <= start:
                raise
            lines = database.statement(wallet_id, start, now, actor)
            first = await anext(lines)

        async def all_of_it() -> AsyncGenerator[list[StatementBound | Entry], None]:
            async with contextlib.aclosing(lines):
                yield first
                async for piece in lines:
                    yield piece

        return all_of_it()

    def both(form: Form) -> tuple[datetime, datetime]:
        """Return the period, which has a beginning and an end. Raises MistakeError."""
        start, end = period(form, words)
        if start is None or end is None:
            raise MistakeError("from" if start is None else "to", words.forms.no_day)
        if start > datetime.now(UTC):
            raise MistakeError("from", words.statement.future)
        return start, end

    @get("/statement", before_request=signed_in)
    async def statement(request: AuthenticatedRequest) -> Response[Any]:
        form = site.query(request)
        more = await chosen(request, form)
        _, start, end = more["spans"][0]
        form.values.setdefault("from", start)
        form.values.setdefault("to", end)
        return site.page(request, "statement.html", form=form, **more)

    @get("/statement/print", before_request=signed_in)
    async def printable(request: AuthenticatedRequest) -> Response[Any]:
        form = site.query(request)
        more = await chosen(request, form)
        try:
            lines = await begun(more["wallet"].wallet_id, *both(form), request.user.user_id)
            found: list[StatementBound | Entry] = []
            async with contextlib.aclosing(lines):
                async for piece in lines:
                    found += piece
                    if len(found) > MOST_LINES + 2:
                        raise MistakeError("to", words.statement.too_long.format(most=MOST_LINES))
        except Refusal as refusal:
            return site.refused(request, "statement.html", form, refusal, **more)
        opening, *entries, closing = found
        return site.page(request, "statement_print.html", opening=opening, items=entries, closing=closing, **more)

    @get("/statement.csv", before_request=signed_in)
    async def as_csv(request: AuthenticatedRequest) -> Response[Any]:
        form = site.query(request)
        try:
            wallet_id = await site.wallet_id(request, form.text("asset"))
            wallet = await database.balance(wallet_id, request.user.user_id)
            lines = await begun(wallet_id, *both(form), request.user.user_id)
        except Refusal as refusal:
            return site.refused(request, "statement.html", form, refusal, **await chosen(request, form))
        return await statement_response(wallet, lines, "csv", "", services.download_timeout)

    return [statement, printable, as_csv]


def spans(today: date) -> list[tuple[str, str, str]]:
    """Return what is often asked for: a key of the words, the first and the last day."""
    month = today.replace(day=1)
    before = month - timedelta(days=1)
    found = [("this_month", month, today), ("last_month", before.replace(day=1), before)]
    found.append(("this_year", today.replace(month=1, day=1), today))
    return [(name, first.isoformat(), last.isoformat()) for name, first, last in found]
