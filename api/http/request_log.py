"""One line of the log for each request.

It holds no body, no query string and no header but the client's address, so no password, token or secret.
"""

from __future__ import annotations

import asyncio
import logging
import random
import re
import sys
from datetime import UTC, datetime
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import msgspec
import structlog

from api.telemetry.log_config import log_writer
from api.telemetry.log_writer import joined

if TYPE_CHECKING:
    from collections.abc import Callable

    from litestar.types import HTTPScope, Message, Receive, Send

    from api.http import HttpApp

LONGEST_ADDRESS: Final = 45
"""Characters, of IPv6 with an IPv4 address in it. What a trusted proxy passes on may be longer, and is no address."""
SANE_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._-]{1,64}")

log = structlog.get_logger("pgwallet.http")


class RequestLine(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What the log says of a request. The fields that all lines of the log have come last."""

    method: str
    ms: float
    path: str | None
    status: int
    request_id: str
    client: str | None = None
    user_id: str | None = None
    key_id: str | None = None
    code: str | None = None
    wallet_id: UUID | str | None = None
    txn_id: UUID | None = None
    items: int | None = None
    event: str
    level: str
    time: datetime


class RequestLines:
    """Writes the lines of one turn of the event loop together: to hand each to the writer takes longer."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write
        # structlog would take 20 times as long to make the same line
        self._encode = msgspec.json.Encoder().encode
        self._held: list[bytes] = []

    def add(self, line: RequestLine) -> None:
        """Write the line at the end of the turn."""
        if not self._held:
            asyncio.get_running_loop().call_soon(self._flush)
        self._held.append(self._encode(line) + b"\n")

    def _flush(self) -> None:
        held, self._held = self._held, []
        for together in joined(held):
            self._write(together)


class RequestLog:
    """ASGI: gives every request its id and writes its line."""

    def __init__(self, app: HttpApp) -> None:
        self.app = app
        self._write = _write()

    async def __call__(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        """Pass the request on; the answer carries X-Request-Id, the caller's own where that is sane."""
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
            if self._write is not None:
                user = scope.get("user")
                wallet_id, txn_id = state.get("wallet_id"), state.get("txn_id")
                in_path: dict[str, Any] | None = scope.get("path_params")
                if in_path:
                    wallet_id = wallet_id or in_path.get("wallet_id")
                    txn_id = txn_id or in_path.get("txn_id")
                line = RequestLine(
                    method=scope["method"],
                    ms=round((perf_counter() - started) * 1000, 2),
                    path=scope.get("path_template"),
                    status=status,
                    request_id=request_id,
                    client=scope["client"][0][:LONGEST_ADDRESS] if scope["client"] else None,
                    user_id=user.user_text if user else None,
                    key_id=user.key_text if user else None,
                    code=state.get("code"),
                    wallet_id=wallet_id,
                    txn_id=txn_id,
                    items=state.get("items"),
                    event="request",
                    level="info",
                    time=datetime.now(UTC),
                )
                self._write(line)


def _write() -> Callable[[RequestLine], object] | None:
    """Return what writes the lines of requests, None where the level is above theirs."""
    if not log.bind().is_enabled_for(logging.INFO):
        return None
    if sys.stderr.isatty():
        return lambda line: log.info(**msgspec.to_builtins(line))
    return RequestLines(log_writer().write).add


def _request_id(scope: HTTPScope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and SANE_REQUEST_ID.fullmatch(value):
            return value.decode()
    # a name, no secret: without the system call that those cost
    return f"{random.getrandbits(64):016x}"
