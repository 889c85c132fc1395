"""Refuses what another site makes a browser send, and reads forms before Litestar does."""

from __future__ import annotations

import hmac
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from litestar._parsers import parse_cookie_string
from litestar.config.csrf import CSRFConfig
from litestar.enums import ScopeType
from litestar.middleware import DefineMiddleware
from litestar.middleware.csrf import CSRF_SECRET_LENGTH, CSRFMiddleware, generate_csrf_hash
from litestar.utils.scope.state import ScopeState

from api.errors import BAD_REQUEST, UNSUPPORTED_MEDIA_TYPE, Kind, ServiceError
from api.http.json_body import JsonRequest
from api.pages.forms import parse
from api.pages.sessions import NAME, is_secure

if TYPE_CHECKING:
    from litestar.types import ASGIApp, Receive, Scope, Send

CROSS_SITE: Final = Kind(403, "cross_site", "From another site")
FORM: Final = b"application/x-www-form-urlencoded"
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
FIELD: Final = "_csrf_token"
OWNER: Final = "owner_of_form"
"""Where the state of a request has whose page the form was on; absent for a page that was nobody's."""


def cross_site(jwt_secret: str) -> DefineMiddleware:
    """Return the middleware of the pages. Its key comes from the service's, and is no use for tokens."""
    key = hmac.new(jwt_secret.encode(), b"forms of the pages", sha256).hexdigest()
    return DefineMiddleware(CrossSite, key=key)


class CrossSite:
    """ASGI: lets forms of our own pages pass. Raises ServiceError."""

    def __init__(self, app: ASGIApp, key: str) -> None:
        def checked(name: str, *, secure: bool) -> CSRFMiddleware:
            config = CSRFConfig(
                key, cookie_name=name, cookie_secure=secure, cookie_httponly=True, cookie_samesite="lax"
            )
            return CSRFMiddleware(app, config)

        self._key = key
        self._secure = checked(f"__Host-{NAME}-csrf", secure=True)
        self._plain = checked(f"{NAME}-csrf", secure=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        checked = self._secure if is_secure(scope) else self._plain
        if scope["type"] == ScopeType.HTTP:
            # Litestar would take a token from it, too
            scope["headers"] = [header for header in scope["headers"] if header[0] != b"x-csrftoken"]
            # Litestar would keep the last 1,024 headers, session ids with them
            cookies = parse_cookie_string.__wrapped__(dict(scope["headers"]).get(b"cookie", b"").decode("latin-1"))
            ScopeState.from_scope(scope).cookies = cookies
            # one of another key, or that was planted, would stay in the browser, and no form would ever count
            if not self._is_known(cookies.get(checked.config.cookie_name, "")):
                cookies.pop(checked.config.cookie_name, None)
        if scope["type"] == ScopeType.HTTP and scope["method"] not in SAFE:
            headers = dict(scope["headers"])
            if not is_ours(headers):
                raise ServiceError(CROSS_SITE, "Another site sent this form. Open the page here and try again.")
            if headers.get(b"content-type", b"").partition(b";")[0].strip().lower() != FORM:
                raise ServiceError(UNSUPPORTED_MEDIA_TYPE, "Send a form as application/x-www-form-urlencoded.")
            fields: dict[str, Any] = parse(await JsonRequest(scope, receive).body())
            token, _, owner = fields.pop(FIELD, "").partition(".")
            if self._is_known(token):
                fields[FIELD], scope["state"][OWNER] = token, owner
            ScopeState.from_scope(scope).form = fields
        await checked(scope, receive, send)

    def _is_known(self, token: str) -> bool:
        """Whether we made it: Litestar compares others, and fails for what is not ASCII."""
        secret, said = token[:CSRF_SECRET_LENGTH], token[CSRF_SECRET_LENGTH:]
        return token.isascii() and hmac.compare_digest(generate_csrf_hash(secret, self._key), said)


def mark(scope: Scope, owner: str) -> None:
    """Let the forms of this page say whose page it is: whoever signs in here later must not send them unawares."""
    state = ScopeState.from_scope(scope)
    if isinstance(state.csrf_token, str):
        state.csrf_token = f"{state.csrf_token.partition('.')[0]}.{owner}"


def is_ours(headers: dict[bytes, Any]) -> bool:
    """Whether a page of this origin sent the request, or no browser did: what no browser sends carries no cookie."""
    site = headers.get(b"sec-fetch-site")
    if site is not None:
        return bool(site == b"same-origin")
    origin = headers.get(b"origin")
    if origin is None:
        return True
    try:
        return bool(urlsplit(origin).netloc.lower() == headers.get(b"host", b"").lower() != b"")
    except ValueError:
        raise ServiceError(BAD_REQUEST, "The Origin header cannot be read.") from None
