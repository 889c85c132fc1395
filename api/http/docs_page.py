"""The documentation for people: Swagger UI, and the glossary of errors.

Litestar's plugin takes Swagger UI from a CDN and starts it by an inline script. This one works without internet, and
under a policy that allows nothing inline.
"""

from __future__ import annotations

import asyncio
import functools
import gzip
from hashlib import blake2b
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
from litestar import MediaType, Request, get
from litestar.openapi.plugins import OpenAPIRenderPlugin
from litestar.response import Stream
from swagger_ui_bundle import swagger_ui_path

from api.http.error_examples import EXAMPLES, NEXT_STEPS
from api.http.problems import problem
from api.http.security_headers import ASSET, CHOSEN, PAGE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from litestar import Router
    from litestar.handlers import HTTPRouteHandler

OURS: Final = Path(__file__).parent
ASSETS: Final = (
    (swagger_ui_path / "swagger-ui-bundle.js", "text/javascript"),
    (swagger_ui_path / "swagger-ui.css", "text/css"),
    (OURS / "docs_page.js", "text/javascript"),
    (OURS / "docs_page.css", "text/css"),
)
PIECE: Final = 65_536
"""Bytes of an asset that may wait in memory for one slow reader."""
GLOSSARY: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>Errors of the pgwallet API</title>
<link rel="stylesheet" href="{docs_page.css}">
</head>
<body>
<article>
<p><a href="/api/docs">pgwallet API</a></p>
<h1>Errors</h1>
<p>Every error is a problem (RFC 9457, <code>application/problem+json</code>). Show the <code>message</code> to the
person; <code>detail</code> is for programmers. Decide by <code>code</code>, never by the words. With status 429 or 503,
wait as many seconds as <code>Retry-After</code> says and send the same request again.</p>
{entries}
</article>
</body>
</html>
"""


class DocsPage(OpenAPIRenderPlugin):
    """The page at `path`, what it loads, and the glossary."""

    def __init__(self, path: str) -> None:
        super().__init__(path=path)
        self._assets = {file.name: (file.read_bytes(), media_type) for file, media_type in ASSETS}
        page = (OURS / "docs_page.html").read_text(encoding="utf-8")
        self._page, self._glossary = self._linked(page), self._linked(GLOSSARY.replace("{entries}", entries()))

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """Return the page, which reads openapi.json by itself."""
        del openapi_schema
        request.scope["state"][CHOSEN] = PAGE
        return self._page

    def receive_router(self, router: Router) -> None:
        """Add what the page loads, and the glossary."""

        @get("/errors", media_type=MediaType.HTML, sync_to_thread=False)
        def glossary(request: Request[Any, Any, Any]) -> bytes:
            request.scope["state"][CHOSEN] = PAGE
            return self._glossary

        router.register(glossary)
        for name, (content, media_type) in self._assets.items():
            router.register(asset(self._place(name), content, media_type))

    def _place(self, name: str) -> str:
        """Return a path that changes with the content: browsers keep what is there for good."""
        return f"/{blake2b(self._assets[name][0], digest_size=8).hexdigest()}/{name}"

    def _linked(self, page: str) -> bytes:
        for name in self._assets:
            page = page.replace(f"{{{name}}}", f"/api/docs{self._place(name)}")
        return page.encode()


def asset(path: str, content: bytes, media_type: str) -> HTTPRouteHandler:
    """Return the route of a file, which is compressed when it is asked for first: for all that takes 0.2 seconds."""

    @functools.cache
    def compressed() -> bytes:
        return gzip.compress(content, mtime=0)

    @get(path)
    async def file(request: Request[Any, Any, Any]) -> Stream:
        request.scope["state"][CHOSEN] = ASSET
        zipped = takes_gzip(request.headers.get("accept-encoding", ""))
        body = await asyncio.to_thread(compressed) if zipped else content
        headers = {"vary": "accept-encoding", "content-length": str(len(body))}
        if zipped:
            headers["content-encoding"] = "gzip"
        return Stream(pieces(body), media_type=media_type, headers=headers)

    return file


async def pieces(body: bytes) -> AsyncIterator[bytes]:
    """Yield a body in pieces: the server asks for the next one when the client has read enough."""
    for start in range(0, len(body), PIECE):
        yield body[start : start + PIECE]


def takes_gzip(accepted: str) -> bool:
    """Whether an Accept-Encoding names gzip, and not with the weight 0, which refuses it."""
    for item in accepted.lower().split(","):
        coding, _, weight = item.partition(";")
        if coding.strip() == "gzip":
            return weight.strip() not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False


def entries() -> str:
    """Return where the `type` of a problem leads: for each code what a person reads, what to do, and an example."""
    return "\n".join(
        f'<section id="{code}">\n<h2>{error.kind.status} {code} {escape(error.kind.title)}</h2>\n'
        f"<p>{escape(error.message)}</p>\n<p><b>What to do:</b> {escape(NEXT_STEPS[code])}</p>\n"
        f"<pre>{escape(example.decode())}</pre>\n</section>"
        for code, error in EXAMPLES.items()
        for example in [msgspec.json.format(msgspec.json.encode(problem(error, "5f2c9a1d7e3b4c60")))]
    )
