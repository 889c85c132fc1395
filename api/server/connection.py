"""Bounds what a connection may cost: uvicorn limits neither a request's time to arrive nor the size of its head."""

from __future__ import annotations

import asyncio
from typing import ClassVar, Final

from api.errors import BAD_REQUEST, Kind, ServiceError
from api.server.protocol import Protocol

HEAD_TOO_LARGE: Final = Kind(431, BAD_REQUEST.code, BAD_REQUEST.title)

MAX_HEAD_BYTES: Final = 64 * 1024
MAX_REQUEST_BYTES: Final = 4 * 1024 * 1024
"""Of any incomplete request. The largest body that a route reads is a quarter of this."""


class Bounded(Protocol):
    """Ends connections that send no request, or read nothing of an answer, for `patience` seconds.

    Most requests arrive in one piece; for those it only sets a time and clears it.
    """

    patience: ClassVar[float] = 20.0

    # uvicorn narrows asyncio's BaseTransport in the same way
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the clock: a silent client is slow, too."""
        super().connection_made(transport)
        self._incomplete_since: float | None = self.loop.time()
        self._received = 0
        self._unread = 0
        self._check_task = self.loop.call_later(self.patience, self._check)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._check_task.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse the data; refuse a request that is too large."""
        if self._incomplete_since is None:
            self._incomplete_since = self.loop.time()
        else:
            self._received += len(data)
        self.large = self._received + len(data) > MAX_HEAD_BYTES
        super().data_received(data)
        if self.large and self._incomplete_since is not None:
            if self._received > MAX_HEAD_BYTES and (self.cycle is None or self.cycle.scope is not self.scope):
                self.refuse(_too_large())
            elif self._received > MAX_REQUEST_BYTES:
                self.transport.abort()

    def look(self) -> None:
        """Check the size of the head, too. Raises ServiceError."""
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > MAX_HEAD_BYTES:
            raise _too_large()
        super().look()

    def on_message_complete(self) -> None:
        """Mark the request complete."""
        if self.parser.should_upgrade():
            return  # only the head of an offer is complete
        self._incomplete_since = None
        self._received = 0
        super().on_message_complete()
        if self.cycle.response_complete:
            # answered before it was complete: uvicorn would set no keep-alive timeout
            self.cycle.more_body = False
            self._unset_keepalive_if_required()
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def _check(self) -> None:
        unread = self.transport.get_write_buffer_size()
        stuck = unread > 0 and unread == self._unread
        since = self._incomplete_since
        if stuck or (since is not None and self.loop.time() - since >= self.patience):
            # not close(): that would wait for the other side to read
            self.transport.abort()
            return
        self._unread = unread
        self._check_task = self.loop.call_later(self.patience / 2, self._check)


def _too_large() -> ServiceError:
    return ServiceError(HEAD_TOO_LARGE, f"The request line and headers may have at most {MAX_HEAD_BYTES // 1024} KiB.")
