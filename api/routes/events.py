"""What happened, in order: by pages, and as streams. See docs/guides/events.md."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

from litestar import Router, get
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIResponse, Schema
from litestar.openapi.spec.enums import OpenAPIType
from litestar.params import HeaderParameter, QueryParameter
from msgspec import Raw

from api.auth.guards import AuthenticatedRequest, operator, signed_in
from api.auth.keys import HEADER
from api.auth.tokens import bearer
from api.database.requests import EventFilters
from api.errors import NOT_OPERATOR, ServiceError
from api.events.cursors import Cursors, read_cursors
from api.events.pages import Asked, page
from api.events.streams import Caller
from api.http.client_address import client_address
from api.http.event_stream import EVENT_STREAM, EventStream, disconnected
from api.http.openapi import BY_KEYS, EVENTS, Documented
from api.http.responses import JsonResponse, errors, success
from api.routes.operator import OPERATOR_ERRORS
from api.routes.parameters import named
from api.routes.services import Services
from api.schemas.envelope import Envelope
from api.schemas.events import CURSOR_PATTERN, LONGEST_CURSOR, EventName, EventPage
from api.schemas.fields import ASSET_PATTERN

if TYPE_CHECKING:
    from api.events.streams import Stream

LONGEST_WAIT = 30
POSITION = f"^(beginning|latest|{CURSOR_PATTERN})$"

After = Annotated[
    str | None,
    QueryParameter(
        pattern=POSITION,
        description="After which event: `next` of a page or `id` of a stream; the `beginning` for all, `latest` for "
        "those from now on.",
    ),
]
Types = Annotated[
    list[EventName] | None,
    QueryParameter(max_items=16, description="Only these; give it several times for several."),
]
OfAsset = Annotated[str | None, QueryParameter(pattern=ASSET_PATTERN, description="Only of wallets in this asset.")]
OfWallet = Annotated[UUID | None, QueryParameter(description="Only of this wallet: either side of a transfer.")]
Seconds = Annotated[
    int | None,
    QueryParameter(
        ge=0,
        le=86400,
        description="When it ends by itself: 0 sends what has happened. Without: when the token or key expires.",
    ),
]
LastEventId = Annotated[
    str | None,
    HeaderParameter(
        name="Last-Event-ID",
        max_length=LONGEST_CURSOR,
        description="`id` of the last event; it has precedence over `after`.",
    ),
]
STREAM_ERRORS = ("validation", "too_many_streams", "WA024", "WA036", "WA041", "timeout")


@dataclass
class StreamOperation(Documented):
    """Documents a stream."""

    def __post_init__(self) -> None:
        """Add the schema, which is none of Litestar's."""
        super().__post_init__()
        response = (self.responses or {}).get("200")
        if isinstance(response, OpenAPIResponse) and response.content is not None:
            response.content[EVENT_STREAM] = OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING))


def event_routes(services: Services) -> Router:
    """Return `/api/operator/events` and its stream."""
    database, sources, streams = services.database, services.sources, services.streams

    @get(
        "/events",
        operation_id="listEvents",
        summary="Events",
        response_description="A page, oldest first",
        responses=errors(*OPERATOR_ERRORS, *STREAM_ERRORS, "WA001", "WA026"),
    )
    async def events(
        request: AuthenticatedRequest,
        after: After = None,
        limit: Annotated[int, QueryParameter(ge=1, le=1000, description="Events in the page.")] = 100,
        type: Types = None,  # noqa: A002 - the parameter's name, which errors show
        asset: OfAsset = None,
        wallet_id: OfWallet = None,
        wait: Annotated[
            int, QueryParameter(ge=0, le=LONGEST_WAIT, description="Seconds to wait for an event where there is none.")
        ] = 0,
    ) -> JsonResponse[Envelope[EventPage]]:
        """Page through what happened to all wallets and users: nothing is missed, and nothing comes twice.

        A page covers what was committed before the call. With `wallet_id` the look at its owner is on record.
        """
        filters = EventFilters(type, asset, wallet_id)
        asked = Asked(_position(after, Cursors()), limit, filters, request.user.user_id)
        waiting: Stream | None = None
        try:
            async with sources.with_resume(asked.after):
                if wait:
                    # before the page is read, so that nothing that happens meanwhile is overlooked
                    waiting = await streams.waiting(_caller(services, request, to_operators=True), filters)
                found = await page(sources, asked)
                if waiting and not found.items and not found.more and await _news(request, waiting, wait):
                    found = await page(sources, asked._replace(after=found.next))
        finally:
            if waiting is not None:
                streams.close(waiting)
        items = [Raw(row.event) for row in found.items]
        return success("events", EventPage(items, str(found.next), named(found.away)))

    @get(
        "/events/stream",
        operation_id="streamEvents",
        summary="Events as they happen",
        response_description="Server-sent events: `id` is a cursor, `event` the type, `data` the event",
        media_type=EVENT_STREAM,
        operation_class=StreamOperation,
        responses=errors(*OPERATOR_ERRORS, *STREAM_ERRORS, "not_found", "WA001", "WA026"),
    )
    async def stream(
        request: AuthenticatedRequest,
        last_event_id: LastEventId = None,
        after: After = None,
        type: Types = None,  # noqa: A002 - as above
        asset: OfAsset = None,
        wallet_id: OfWallet = None,
        seconds: Seconds = None,
    ) -> EventStream:
        """Follow what happens to all wallets and users, from now on or after an event.

        When it ends, the last event is `end`, with the reason as a problem. With `wallet_id` the look is on record.
        """
        filters = EventFilters(type, asset, wallet_id)
        caller = _caller(services, request, to_operators=True)
        home = None
        if wallet_id is not None and (await database.inspect_wallet(wallet_id, request.user.user_id)).kind == "user":
            home = wallet_id
        position = _position(last_event_id or after, None)
        async with sources.with_resume(position):
            opened = await streams.operator(caller, filters, position, seconds, home)
        return EventStream(streams, opened, services.download_timeout)

    return Router(
        "/api/operator",
        route_handlers=[events, stream],
        before_request=operator(services.tokens, services.limits),
        security=[{"bearer": []}],
        tags=[EVENTS],
    )


def own_event_routes(services: Services) -> Router:
    """Return `/api/wallet/events/stream`."""
    streams = services.streams

    @get(
        "/events/stream",
        operation_id="streamOwnEvents",
        summary="Own events as they happen",
        response_description="Server-sent events: `id` is a cursor, `event` the type, `data` the event",
        media_type=EVENT_STREAM,
        operation_class=StreamOperation,
        responses=errors("unauthorized", *STREAM_ERRORS),
    )
    async def stream(
        request: AuthenticatedRequest,
        last_event_id: LastEventId = None,
        after: After = None,
        type: Types = None,  # noqa: A002 - as above
        seconds: Seconds = None,
    ) -> EventStream:
        """Follow what happens in the user's wallets, from now on or after an event. Of a transfer it has one side.

        When it ends, the last event is `end`, with the reason as a problem.
        """
        caller = _caller(services, request, to_operators=False)
        position = _position(last_event_id or after, None)
        async with services.sources.with_resume(position):
            opened = await streams.user(caller, type, position, seconds)
        return EventStream(streams, opened, services.download_timeout)

    return Router(
        "/api/wallet",
        route_handlers=[stream],
        before_request=signed_in(services.tokens, services.limits, keys=True),
        security=BY_KEYS,
        tags=[EVENTS],
    )


def _position(after: str | None, otherwise: Cursors | None) -> Cursors | None:
    """Read where to begin; None is from now on. Raises ServiceError (WA024)."""
    if after is None:
        return otherwise
    return {"beginning": Cursors(), "latest": None}[after] if after in {"beginning", "latest"} else read_cursors(after)


def _caller(services: Services, request: AuthenticatedRequest, *, to_operators: bool) -> Caller:
    headers = dict(request.scope["headers"])  # of these there is one each: the guard has looked
    token = b"Bearer " + bearer(headers[b"authorization"])

    async def verify() -> None:
        user = await services.tokens.principal(token, request.scope, headers.get(HEADER))
        if to_operators and user.role != "operator":
            raise ServiceError(NOT_OPERATOR, "Ask an operator.")

    user = request.user
    return Caller(user.user_id, client_address(request.scope), user.expires_at, verify, user.key_id)


async def _news(request: AuthenticatedRequest, waiting: Stream, seconds: int) -> bool:
    """Wait for events. False when none came, or nobody wants them any more. Raises ServiceError."""
    gone = asyncio.ensure_future(disconnected(request.scope, request.receive))
    gone.add_done_callback(lambda _: waiting.leave())
    try:
        async with asyncio.timeout(seconds):
            await waiting.news()
    except TimeoutError:
        return False
    finally:
        gone.cancel()
    return not waiting.gone
