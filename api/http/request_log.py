"""Logs on stderr: one JSON object per line, readable columns on a terminal; and one line per request.

No line holds a body, a query string or a header (but for the client's address), so none can hold a password, a token or
a secret.
"""

from __future__ import annotations

import asyncio
import logging
import random
import re
import sys
from datetime import UTC, datetime
from functools import cache
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import msgspec
import structlog
from litestar.enums import ScopeType

from api.telemetry.log_writer import Outlet

if TYPE_CHECKING:
    from collections.abc import Callable

    from litestar.types import ASGIApp, Message, Receive, Scope, Send

LINES_AT_ONCE: Final = 10
"""So many are shorter than what a pipe takes in one piece, and do not mix with those of other processes."""
LONGEST_ADDRESS: Final = 45
"""Of IPv6 with an IPv4 address in it: what a trusted proxy passes on may be longer, and is none."""
SANE_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._-]{1,64}")

log = structlog.get_logger("pgwallet.http")


@cache
def outlet() -> Outlet:
    """Return the one that all lines of this process leave through."""
    return Outlet()


def configure(level: str) -> None:
    """Send everything, also what libraries log, through one format to stderr, from `level` (like `info`) upwards."""
    number = logging.getLevelNamesMapping()[level.upper()]
    shared: list[Any] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
    ]
    traceback: list[Any] = [] if sys.stderr.isatty() else [structlog.processors.format_exc_info]
    renderer: Any = (
        structlog.dev.ConsoleRenderer()
        if sys.stderr.isatty()
        else structlog.processors.JSONRenderer(
            serializer=lambda event, **_: msgspec.json.encode(event, enc_hook=repr).decode()
        )
    )
    structlog.configure(
        processors=[*shared, *traceback, renderer, _encoded],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.BytesLoggerFactory(outlet()),  # type: ignore[arg-type]
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(outlet().as_text())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                renderer,
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=max(number, logging.INFO), force=True)


def _encoded(_: object, __: str, line: Any) -> bytes:
    return str(line).encode(errors="backslashreplace")


class Line(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What is said of a request; the members that all lines have come last."""

    method: str
    ms: float
    path: str | None
    status: int
    request_id: str
    client: str | None = None
    user_id: UUID | None = None
    code: str | None = None
    event: str
    level: str
    time: datetime


class Lines:
    """Writes lines in the form of all others, as JSON, those of one turn of the event loop together."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write
        self._encode = msgspec.json.Encoder().encode
        self._held: list[bytes] = []

    def add(self, line: Line) -> None:
        """Write it in a moment."""
        if not self._held:
            asyncio.get_running_loop().call_soon(self._flush)
        self._held.append(self._encode(line))

    def _flush(self) -> None:
        held, self._held = self._held, []
        for start in range(0, len(held), LINES_AT_ONCE):
            self._write(b"\n".join([*held[start : start + LINES_AT_ONCE], b""]))


class RequestLog:
    """ASGI: gives every request its id and writes its line."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._add = _to_stderr()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; the answer carries X-Request-Id, the caller's own where that is sane."""
        if scope["type"] != ScopeType.HTTP:
            await self.app(scope, receive, send)
            return
        started = perf_counter()
        request_id = _request_id(scope)
        state: dict[str, Any] = scope["state"]
        state["request_id"] = request_id
        status = 0

        async def observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            await self.app(scope, receive, observed)
        finally:
            if self._add is not None:
                user = scope.get("user")
                line = Line(
                    method=scope["method"],
                    ms=round((perf_counter() - started) * 1000, 2),
                    path=scope.get("path_template"),
                    status=status,
                    request_id=request_id,
                    client=scope["client"][0][:LONGEST_ADDRESS] if scope["client"] else None,
                    user_id=user.user_id if user else None,
                    code=state.get("code"),
                    event="request",
                    level="info",
                    time=datetime.now(UTC),
                )
                self._add(line)


def _to_stderr() -> Callable[[Line], object] | None:
    """Return what writes the lines of requests, None where the level is above theirs."""
    if not log.bind().is_enabled_for(logging.INFO):
        return None
    if sys.stderr.isatty():
        return lambda line: log.info(**msgspec.to_builtins(line))
    return Lines(outlet().write).add


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and SANE_REQUEST_ID.fullmatch(value):
            return value.decode()
    # a name, no secret: without the system call that those cost
    return f"{random.getrandbits(64):016x}"
