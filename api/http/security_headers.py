"""Security headers, built once and added to every answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from litestar.types import HTTPScope, Message, Receive, Send

    from api.http import HttpApp

DATA_POLICY: Final = "default-src 'none'; frame-ancestors 'none'"
PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
SITE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
CHOSEN: Final = "security_headers"
"""Where the state of a request has the headers that its route chose; errors and other answers have `DATA`."""


def fields(policy: str, kept: str = "no-store", referrer: str = "no-referrer") -> list[tuple[bytes, bytes]]:
    """Return the headers, with this policy. Answers are private: nothing may frame them, nor keep them unless told."""
    return [
        (b"cache-control", kept.encode()),
        (b"content-security-policy", policy.encode()),
        (b"referrer-policy", referrer.encode()),
        (b"x-content-type-options", b"nosniff"),
    ]


DATA: Final = fields(DATA_POLICY)
PAGE: Final = fields(PAGE_POLICY)
"""Of a page of ours, which runs our own files, calls this API, and shows the pictures in them."""
SITE: Final = [*fields(SITE_POLICY, referrer="same-origin"), (b"cross-origin-opener-policy", b"same-origin")]
"""Of the wallet and the console. Without a referrer browsers would send forms as from an unknown origin."""
ASSET: Final = fields(DATA_POLICY, "public, max-age=31536000, immutable")
"""Of a file that everybody may read, at a path that changes with it."""


class SecurityHeaders:
    """ASGI: adds the headers. `hsts` is how many seconds browsers insist on TLS; 0 sends no such header.

    RFC 6797 allows that header over TLS only. The trusted proxy tells the scheme.
    """

    def __init__(self, app: HttpApp, *, hsts: int) -> None:
        self.app = app
        self._hsts = [(b"strict-transport-security", b"max-age=%d" % hsts)] if hsts else []

    async def __call__(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        state = scope["state"]
        hsts = self._hsts if scope["scheme"] == "https" else ()

        async def secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *state.get(CHOSEN, DATA), *hsts]
            await send(message)

        await self.app(scope, receive, secured)
