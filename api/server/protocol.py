"""Fixes what uvicorn's HTTP protocol does slowly or against RFC 9110 and 9112.

uvicorn writes the head and body of an answer in two system calls and packets. Here one write at the end of a turn of
the event loop sends both.

uvicorn reads an offer to upgrade as a request without a body, adds trailers to the headers, answers unreadable requests
before earlier ones, and does not answer a client that has half-closed its connection.
"""

from __future__ import annotations

import asyncio
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, cast

import httptools
from uvicorn.protocols.http.httptools_impl import (
    HEADER_RE,
    HEADER_VALUE_RE,
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from api.errors import BAD_REQUEST, ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from uvicorn._types import ASGISendEvent

NOT_HTTP: Final = "What was sent is no valid HTTP request, and the connection ends here."
FRAMING: Final = frozenset({b"connection", b"transfer-encoding"})
"""Headers that say where an answer ends."""
MAX_CACHED: Final = 1024
"""Bytes of a header's value that the cache of header lines takes."""
CUT_OFF: Final = "The connection was closed before the request was complete."


class Joining:
    """A transport that joins small writes into one."""

    def __init__(self, transport: asyncio.Transport, soon: Callable[[Callable[[], None]], object]) -> None:
        self._transport = transport
        self._soon = soon
        self._held: list[bytes] = []
        self.is_closing = transport.is_closing

    def write(self, data: bytes) -> None:
        """Send this with the turn's other writes."""
        if not self._held:
            self._soon(self._flush)
        self._held.append(data)

    def close(self) -> None:
        """Send the rest, then close."""
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._held:
            # a write to a closed transport would be an error
            if not self.is_closing():
                self._transport.write(b"".join(self._held))
            self._held.clear()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class Cycle(RequestResponseCycle):
    """An answer that caches header checks. uvicorn checks every header each time: 6 µs of some 90."""

    async def send(self, message: ASGISendEvent) -> None:
        """Send a head with a known length. uvicorn sends everything else."""
        length = None
        if not (self.response_started or self.disconnected or self.flow.write_paused):
            lines = [STATUS_LINE[message["status"]]]  # type: ignore[typeddict-item] # the first message is the head
            for field in (*self.default_headers, *message["headers"]):  # type: ignore[typeddict-item]
                if field[0] == b"content-length":
                    length = int(field[1])
                elif field[0] in FRAMING:
                    length = None
                    break
                # each request's id is new and would fill the cache
                lines.append(b"%b: %b\r\n" % field if field[0] == b"x-request-id" else header_line(*field))
        if length is None:
            await RequestResponseCycle.send(self, message)
            return
        self.response_started, self.waiting_for_100_continue = True, False
        self.chunked_encoding, self.expected_content_length = False, length
        lines.append(b"\r\n" if self.keep_alive else b"connection: close\r\n\r\n")
        self.transport.write(b"".join(lines))


def header_line(name: bytes, value: bytes) -> bytes:
    """Return a header line. Raises RuntimeError for characters that would end it."""
    # a preflight repeats the names of headers that a client asks for, as many as fit in its head
    return cached_line(name, value) if len(value) <= MAX_CACHED else cached_line.__wrapped__(name, value)


@lru_cache(256)
def cached_line(name: bytes, value: bytes) -> bytes:
    """Return a header line, as above."""
    if HEADER_RE.search(name) or HEADER_VALUE_RE.search(value):
        raise RuntimeError(f"no header: {name!r}: {value!r}")
    return b"%b: %b\r\n" % (name, value)


class Unchunked(RequestResponseCycle):
    """An answer in HTTP/1.0, which has no chunks: without a length, closing ends it."""

    async def send(self, message: ASGISendEvent) -> None:
        """Send unchunked."""
        self.chunked_encoding = False
        self.expected_content_length = len(message["body"]) if message["type"] == "http.response.body" else 0
        await super().send(message)


class Deaf:
    """The parser of a refused connection: reads nothing more."""

    def feed_data(self, data: bytes) -> None:
        """Drop it."""


class Protocol(HttpToolsProtocol):
    """uvicorn's protocol, corrected."""

    large = False
    """Whether the head that arrives may be too large."""

    # uvicorn narrows asyncio's BaseTransport in the same way
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start to serve a connection."""
        super().connection_made(cast("asyncio.Transport", Joining(transport, self.loop.call_soon)))

    def data_received(self, data: bytes) -> None:
        """Read requests."""
        self._unset_keepalive_if_required()
        try:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as offer:
                self._decline(memoryview(data)[offer.args[0] :])
        except httptools.HttpParserError as error:
            cause = error.__context__
            self.refuse(cause if isinstance(cause, ServiceError) else ServiceError(BAD_REQUEST, NOT_HTTP))

    # in asyncio, True keeps the connection; uvicorn returns None
    def eof_received(self) -> bool:  # type: ignore[override]
        """Whether the connection stays: a client that has sent everything may still read answers.

        One that follows events has gone: nobody else would notice before the next heartbeats fail.
        """
        cycle = self.cycle
        if self.scope is not None and (cycle is None or cycle.scope is not self.scope):
            self.refuse(ServiceError(BAD_REQUEST, CUT_OFF))
            return True
        if cycle is None or cycle.response_complete:
            return False
        cycle.keep_alive = False
        if cycle.more_body:
            self._cut(cycle)
        return not cycle.scope["state"].get("follows")

    def on_headers_complete(self) -> None:
        """Start the request when its head is complete. Raises ServiceError for a bad one."""
        fields = dict(self.headers)
        if (
            len(fields) != len(self.headers)
            or b"host" not in fields
            or b"transfer-encoding" in fields
            or self.large
            or self.expect_100_continue
        ):
            self.look()
        if self.parser.should_upgrade():
            if self.parser.get_method() == b"CONNECT":
                raise ServiceError(BAD_REQUEST, "CONNECT is for proxies, and this is none.")
            return
        HttpToolsProtocol.on_headers_complete(self)  # super() takes longer, and this is in every request
        # trailers do not become headers: no proxy has checked them
        self.headers = []
        self.cycle.__class__ = Cycle if self.scope["http_version"] == "1.1" else Unchunked

    def look(self) -> None:
        """Check an unusual head in full. Raises ServiceError."""
        modern = self.parser.get_http_version() == "1.1"
        hosts = [value for name, value in self.headers if name == b"host"]
        if len(hosts) > 1 or (modern and not hosts):
            raise ServiceError(BAD_REQUEST, "A request needs one Host header.")
        codings = [value.lower() for name, value in self.headers if name == b"transfer-encoding"]
        if codings and not modern:
            raise ServiceError(BAD_REQUEST, "HTTP/1.0 knows no Transfer-Encoding.")
        if codings and codings != [b"chunked"]:
            raise ServiceError(BAD_REQUEST, "The only Transfer-Encoding that is read is chunked.")
        self.expect_100_continue = modern and self.expect_100_continue

    def refuse(self, error: ServiceError) -> None:
        """Read no further. Answer with this error after all earlier requests, and end the connection."""
        self.parser = cast("httptools.HttpRequestParser", Deaf())
        cycle = self.cycle
        if cycle is not None and cycle.scope is self.scope:
            if cycle.more_body:
                cycle.keep_alive = False
                self._cut(cycle)
                return
            self.on_message_begin()
        if self.scope is None:
            self.on_message_begin()
        # no client can send this path, and no route has it: the application answers with the state's refusal
        self.scope = {"method": "-", **self.scope, "path": "", "raw_path": b"", "query_string": b""}
        self.scope["state"]["refusal"] = error
        self.cycle = RequestResponseCycle(
            scope=self.scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=False,
            keep_alive=False,
            on_response=self.on_response_complete,
        )
        self.cycle.more_body = False
        if cycle is None or cycle.response_complete:
            self._start_asgi_task(self.cycle, self.app)
        else:
            self.pipeline.appendleft((self.cycle, self.app))

    def _cut(self, cycle: RequestResponseCycle) -> None:
        """End the body of a request in progress with an empty piece."""
        cycle.body.clear()
        cycle.message_event.set()
        if cycle.response_complete:
            self.transport.close()

    def _decline(self, rest: memoryview) -> None:
        """Ignore an offer to upgrade, as RFC 9110 §7.8 allows; `rest` is what follows its head.

        The parser believes that we accept offers. A new parser reads the same head without the offer, and the rest.
        """
        while True:
            method, version = self.parser.get_method(), self.parser.get_http_version().encode()
            fields = [b"%b: %b" % field for field in self.headers if field[0] != b"upgrade"]
            head = b"\r\n".join([b"%b %b HTTP/%b" % (method, self.url, version), *fields, b"", b""])
            self.parser = httptools.HttpRequestParser(self)
            self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
            try:
                self.parser.feed_data(head)
                self.parser.feed_data(rest)
            except httptools.HttpParserUpgrade as offer:
                rest = rest[offer.args[0] :]
            else:
                return
