"""The wallet: its balance and what moved it, as it is now; and wallets for other money."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, get_args

from litestar import Request, Response, get, post

from api.auth.guards import AuthenticatedRequest
from api.database.requests import Filters
from api.events.streams import Caller
from api.http.client_address import client_address
from api.http.event_stream import EventStream
from api.pages.charts import steps
from api.pages.forms import Form, convert
from api.pages.site import Refusal, Site, see
from api.schemas.events import EventName
from api.schemas.wallets import WalletRequest

if TYPE_CHECKING:
    from litestar.handlers import HTTPRouteHandler

NEWEST: Final = 8
"""Entries on the first page."""
DAYS: Final = 30
"""Of the chart."""


def wallet_pages(site: Site) -> list[HTTPRouteHandler]:
    """Return the pages of the wallet itself."""
    database, services = site.database, site.services
    signed_in = site.guard()

    @get("/")
    async def home(request: Request[Any, Any, Any]) -> Response[Any]:
        if await site.sessions.find(request) is None:
            return site.page(request, "welcome.html", demo=await database.demo_accounts())
        services.limits.user(request.user.user_id)
        query = site.query(request)
        user_id = request.user.user_id
        wallet, wallets = await site.wallets(request, query.text("asset"))
        start, end = shown_time(wallet.created_at)
        page, points = await asyncio.gather(
            database.entries(wallet.wallet_id, NEWEST, None, Filters(None, None, None, None), user_id),
            database.balance_history(wallet.wallet_id, start, end, DAYS + 1, user_id),
        )
        return site.page(
            request,
            "home.html",
            wallet=wallet,
            wallets=wallets,
            items=page.items,
            deliveries=await services.deliveries(wallet.wallet_id, page.items, user_id),
            more=page.next is not None,
            points=points,
            chart=steps([*(point.balance for point in points), wallet.balance]),
            days=None if start == wallet.created_at else DAYS,
            self_topup=services.self_topup,
            welcome="welcome" in query,
            opened="opened" in query,
            live=get_args(EventName),
        )

    async def choice(request: AuthenticatedRequest) -> dict[str, Any]:
        wallets, assets = await asyncio.gather(site.wallets(request, None), database.assets())
        there = {wallet.asset for wallet in wallets[1]}
        return {"wallets": wallets[1], "assets": [asset for asset in assets if asset.code not in there]}

    @get("/wallets", before_request=signed_in)
    async def wallets(request: AuthenticatedRequest) -> Response[Any]:
        return site.page(request, "wallets.html", form=Form(), **await choice(request))

    @post("/wallets", before_request=signed_in)
    async def open_wallet(request: AuthenticatedRequest) -> Response[Any]:
        form = await site.form(request)
        user_id = request.user.user_id
        try:
            asked = convert(WalletRequest, asset=form["asset"])
            wallet, opened = await database.open_wallet(user_id, asked.asset, user_id)
        except Refusal as refusal:
            return site.refused(request, "wallets.html", form, refusal, **await choice(request))
        return see("/", asset=wallet.asset, opened=1 if opened else None)

    @get("/live", before_request=signed_in)
    async def live(request: AuthenticatedRequest) -> EventStream:
        user = request.user

        async def verify() -> None:
            await site.sessions.require(request)

        caller = Caller(user.user_id, client_address(request.scope), user.expires_at, verify)
        stream = await services.streams.user(caller, None, None, None)
        return EventStream(services.streams, stream, services.download_timeout)

    return [home, wallets, open_wallet, live]


def shown_time(opened: datetime) -> tuple[datetime, datetime]:
    """Return from when until when the chart is: all the time of a wallet that is younger than the chart is long."""
    now = datetime.now(UTC)
    # midnights, so that a page which is read again is the same until something happens
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    start = today - timedelta(days=DAYS)
    return (opened, max(now, opened + timedelta(seconds=1))) if opened > start else (start, today)
