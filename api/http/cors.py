"""Which pages of other origins may call the API: Litestar's CORSConfig decides, and its middleware is private."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from litestar.config.cors import CORSConfig
    from litestar.types import HTTPScope, Message, Receive, Send

    from api.http import HttpApp


class Cors:
    """ASGI: answers preflight requests, and lets pages of allowed origins read the other answers."""

    def __init__(self, app: HttpApp, config: CORSConfig) -> None:
        self.app = app
        self._config = config

    async def __call__(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        """Pass the request on, unless it is a preflight."""
        asked = {name: value.decode("latin-1") for name, value in scope["headers"]}
        origin = asked.get(b"origin")
        if not origin:
            await self.app(scope, receive, send)
            return
        if scope["method"] == "OPTIONS":
            await self._preflight(asked, origin, send)
            return
        added = _encoded(self._config.simple_headers | self._origin(origin))

        async def shared(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *added]
            await send(message)

        await self.app(scope, receive, shared)

    def _origin(self, origin: str) -> dict[str, str]:
        if self._config.is_allow_all_origins or not self._config.is_origin_allowed(origin):
            return {}
        return {"Access-Control-Allow-Origin": origin, "Vary": "Origin"}

    async def _preflight(self, asked: dict[bytes, str], origin: str, send: Send) -> None:
        """Answer 204 with what a page may send, or 400 where it asks for more."""
        headers = self._config.preflight_headers | self._origin(origin)
        names = asked.get(b"access-control-request-headers", "").lower().replace(" ", "").split(",")
        if self._config.is_allow_all_headers:
            headers["Access-Control-Allow-Headers"] = ", ".join(names)
        allowed = headers["Access-Control-Allow-Headers"].lower().split(", ")
        faults = [
            part
            for part, fault in (
                ("origin", not self._config.is_origin_allowed(origin)),
                ("method", asked.get(b"access-control-request-method", "GET") not in self._config.allow_methods),
                ("headers", not {name for name in names if name} <= set(allowed)),
            )
            if fault
        ]
        status, body = (400, f"Disallowed CORS {', '.join(faults)}".encode()) if faults else (204, b"")
        if faults:
            headers = {"Content-Type": "text/plain; charset=utf-8", "Content-Length": str(len(body))}
        await send({"type": "http.response.start", "status": status, "headers": _encoded(headers)})
        await send({"type": "http.response.body", "body": body, "more_body": False})


def _encoded(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
