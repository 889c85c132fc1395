"""Security headers, built once and added to every answer."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from litestar.types import HTTPScope, Message, Receive, Send

    from api.http import HttpApp

DOCS_PAGE: Final = Path(__file__).with_name("docs.html")
DOCS_PATHS: Final = frozenset({"/api/docs", "/api/docs/"})
DATA_POLICY: Final = "default-src 'none'; frame-ancestors 'none'"


def page_policy(page: str) -> str:
    """Return a page's content security policy: its own inline scripts and styles by hash, and this API."""

    def hashes(tag: str) -> str:
        found = re.findall(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digests = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in found)
        return " ".join(f"'sha256-{digest}'" for digest in digests)

    return (
        f"default-src 'none'; script-src {hashes('script')}; style-src {hashes('style')}; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def fields(policy: str) -> list[tuple[bytes, bytes]]:
    """Return the headers, with this policy: answers are private, so nothing may cache or frame them."""
    return [
        (b"cache-control", b"no-store"),
        (b"content-security-policy", policy.encode()),
        (b"referrer-policy", b"no-referrer"),
        (b"x-content-type-options", b"nosniff"),
    ]


class SecurityHeaders:
    """ASGI: adds the headers. `hsts` is how many seconds browsers insist on TLS; 0 sends no such header.

    RFC 6797 allows that header over TLS only. The trusted proxy tells the scheme.
    """

    def __init__(self, app: HttpApp, *, hsts: int) -> None:
        self.app = app
        self._data = fields(DATA_POLICY)
        self._page = fields(page_policy(DOCS_PAGE.read_text(encoding="utf-8")))
        self._hsts = [(b"strict-transport-security", b"max-age=%d" % hsts)] if hsts else []

    async def __call__(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        added = self._page if scope["path"] in DOCS_PATHS else self._data
        if self._hsts and scope["scheme"] == "https":
            added = added + self._hsts

        async def secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *added]
            await send(message)

        await self.app(scope, receive, secured)
