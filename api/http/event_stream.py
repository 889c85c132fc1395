"""Answers with a stream of events, as server-sent events (WHATWG HTML, 9.2).

Litestar's ServerSentEvent formats each event anew for each client, begins each stream in a thread, and waits without an
end for a client that does not read. Here 1,000 streams took 28 MB.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from litestar import Response

from api.errors import TIMEOUT, ServiceError
from api.events.streams import ending
from api.http.problems import OPERATORS, problem

if TYPE_CHECKING:
    from litestar.types import Receive, Scope, Send

    from api.events.streams import Stream, Streams

EVENT_STREAM: Final = "text/event-stream"
HEADERS: Final = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    # nginx would hold events until a buffer is full
    (b"x-accel-buffering", b"no"),
]


class EventStream(Response[str]):
    """Sends what the stream has, until either side ends it. A client that takes nothing for `patience` seconds is cut.

    It loses nothing: it comes again with the id of the last event that it read.
    """

    def __init__(self, streams: Streams, stream: Stream, patience: float) -> None:
        self._streams = streams
        self._stream = stream
        self._patience = patience
        self.status_code = 200

    def to_asgi_response(self, *_: Any, **__: Any) -> Any:
        """Return itself."""
        return self

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send head, events and, where we end it, why. Raises ServiceError for a client that takes nothing."""
        stream = self._stream
        gone = asyncio.ensure_future(disconnected(scope, receive))
        gone.add_done_callback(lambda _: stream.leave())

        async def write(body: bytes, *, more: bool = True) -> None:
            async with asyncio.timeout(self._patience) as stream.limit:
                await send({"type": "http.response.body", "body": body, "more_body": more})
            stream.limit = None

        try:
            await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
            try:
                piece = stream.opening
                while piece:
                    await write(piece)
                    piece = await stream.take()
            except ServiceError as reason:
                state = scope["state"]
                state["code"] = reason.kind.code
                to_operator = scope["path"].startswith(OPERATORS)
                await write(ending(problem(reason, state.get("request_id"), to_operator=to_operator)))
            await write(b"", more=False)
        except TimeoutError:
            scope["state"]["code"] = TIMEOUT.code
            raise ServiceError(TIMEOUT, "The client took too long to read the events.") from None
        finally:
            gone.cancel()
            self._streams.close(stream)


async def disconnected(scope: Scope, receive: Receive) -> None:
    """Return when the client has gone. The server then takes also a half-closed connection for one that is gone."""
    scope["state"]["follows"] = True
    while (await receive())["type"] != "http.disconnect":
        pass
