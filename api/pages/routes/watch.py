"""What operators watch: the service now, whether the books balance, and verifications."""

from __future__ import annotations

import contextlib
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from litestar import Response, get, route

from api.auth.guards import AuthenticatedRequest
from api.errors import MESSAGES, SQLSTATES, ServiceError
from api.pages.acting import BOTH, Act, answer
from api.pages.charts import Span, over_time
from api.pages.forms import Form, MistakeError
from api.pages.periods import period
from api.pages.site import Refusal, Site, see
from api.routes.parameters import decode_places, encode_cursor, number
from api.routes.verifications import RunPath
from api.telemetry.activity import KEPT_SECONDS

if TYPE_CHECKING:
    from litestar.handlers import HTTPRouteHandler

    from api.database.rows import ServerFacts
    from api.telemetry.activity import Rates, Seen

PAGE: Final = 50
HEIGHT: Final = 28
"""Of a chart that is 100 wide."""
IN_A_ROW: Final = 15.0
"""Seconds of readings that a row of the table stands for."""
LINES: Final = ("requests", "transactions", "refusals", "waiting", "processor")
RUNS: Final = SQLSTATES["WA045"]


def watch_pages(site: Site) -> list[HTTPRouteHandler]:
    """Return the pages that show the service and its ledger as a whole."""
    database, services, words = site.database, site.services, site.words
    operators = site.guard(operator=True)

    @get("/operator/activity", before_request=operators)
    async def activity(request: AuthenticatedRequest) -> Response[Any]:
        seen = await services.activity.look()
        facts: ServerFacts | None = None
        holds: int | None = None
        # what is counted in the service is shown while the database is slow, too
        with contextlib.suppress(ServiceError):
            facts = await database.facts()
            holds = await database.open_holds()
        return site.page(
            request,
            "activity.html",
            seen=seen,
            facts=facts,
            holds=holds,
            charts=charts(seen),
            rows=in_rows(seen.history),
            messages=MESSAGES,
            height=HEIGHT,
            span=KEPT_SECONDS,
        )

    @get("/operator/trial-balance", before_request=operators)
    async def trial_balance(request: AuthenticatedRequest) -> Response[Any]:
        query = site.query(request)
        assets = {asset.code: asset for asset in await database.assets()}
        shown: dict[str, Any] = {"assets": assets, "asset": None, "accounts": None, "at": None}
        if not query["asset"]:
            return site.page(request, "trial_balance.html", form=query, **shown)
        try:
            if query["asset"] not in assets:
                raise MistakeError("asset", words.forms.choose)
            _, shown["at"] = period(query, words)
            page = await database.trial_balance(query["asset"], shown["at"], request.user.user_id)
        except Refusal as refusal:
            query.called["at"] = "to"
            return site.refused(request, "trial_balance.html", query, refusal, **shown)
        shown |= {"accounts": page.items, "asset": assets[query["asset"]], "away": page.away}
        total = sum(one.balance for one in page.items)
        return site.page(request, "trial_balance.html", form=query, total=total, **shown)

    # verifications

    @get("/operator/verifications", before_request=operators)
    async def verifications(request: AuthenticatedRequest) -> Response[Any]:
        query, me = site.query(request), request.user.user_id
        of = "all" if query["of"] == "all" else "console"
        cursor = decode_places(query.text("cursor"))
        page: Any = await (database.verifications if of == "all" else database.verification_runs)(PAGE, cursor, me)
        newest = await database.verification_runs(len(database.members), None, me)
        last = await database.verifications(1, None, me)
        running = [run for run in newest.items if run.status == "running"]
        return site.page(
            request,
            "verifications.html",
            of=of,
            items=page.items,
            running=next(iter(running), None),
            last=next(iter(last.items), None),
            next=encode_cursor(page.next),
            query={"of": "all"} if of == "all" else {},
            first=cursor is None,
            away=page.away,
        )

    @route("/operator/verifications/start", http_method=BOTH, before_request=operators)
    async def start(request: AuthenticatedRequest) -> Response[Any]:
        async def show() -> dict[str, Any]:
            last = await database.verifications(1, None, request.user.user_id)
            return {"last": next(iter(last.items), None)}

        async def do(_: Form) -> Response[Any]:
            try:
                started = await services.verifier.start(request.user.user_id)
            except ServiceError as refusal:
                running = refusal.members.get("run_id")
                if refusal.kind is RUNS and running is not None:
                    # pressed twice, or by two: both see the one that runs
                    return see(f"/operator/verifications/{running}", already=1)
                raise
            if len(database.members) > 1:
                return see("/operator/verifications")
            return see(f"/operator/verifications/{started.run_ids[0]}")

        act = Act(show, lambda _form, _context: {}, do, at_once=True)
        return await answer(site, request, "act_verify.html", act)

    @get("/operator/verifications/{run:int}", before_request=operators)
    async def verification(request: AuthenticatedRequest, run: RunPath) -> Response[Any]:
        found = await database.verification_run(number(request, run), request.user.user_id)
        return site.page(request, "verification.html", run=found, already="already" in site.query(request))

    return [activity, trial_balance, verifications, start, verification]


def charts(seen: Seen) -> list[tuple[str, float, float, str, str]]:
    """Return each line's name, its value now and at most, its path, and the area under it."""

    def at(moment: float) -> float:
        return max(100 - (seen.now.at - moment) * 100 / KEPT_SECONDS, 0.0)

    drawn = []
    for name in LINES:
        spans = [Span(at(one.at - one.seconds), at(one.at), getattr(one, name)) for one in seen.history]
        most = max((span.value for span in spans), default=getattr(seen.rates, name))
        now = getattr(seen.history[-1] if seen.history else seen.rates, name)
        drawn.append((name, now, most, *over_time(spans, HEIGHT)))
    return drawn


def in_rows(history: list[Rates]) -> list[dict[str, float]]:
    """Return the averages of a quarter of a minute each, the newest first, with their age in seconds."""
    now = history[-1].at if history else 0.0
    rows = []
    for place, some in groupby(reversed(history), key=lambda one: int((now - one.at) / IN_A_ROW)):
        found = list(some)
        seconds = sum(one.seconds for one in found)
        row = {name: sum(getattr(one, name) * one.seconds for one in found) / seconds for name in LINES}
        rows.append(row | {"age": place * IN_A_ROW})
    return rows
