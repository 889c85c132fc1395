"""Who is signed in to the pages: a cookie with a random id, whose hash the database has."""

from __future__ import annotations

import re
from hashlib import sha256
from secrets import token_urlsafe
from typing import TYPE_CHECKING, Any, Final

from litestar.datastructures import Cookie

from api.auth.tokens import TOKEN_SECONDS, Principal, home_in, unauthorized

if TYPE_CHECKING:
    from uuid import UUID

    from litestar import Request
    from litestar.types import Scope

    from api.database.functions import Database
    from api.database.rows import SessionUser

NAME: Final = "pgwallet"
ID: Final = re.compile(r"[A-Za-z0-9_-]{43}(?:\.[0-9]{1,4})?")
"""256 random bits and, where there are several databases, the number of the user's."""
SESSION: Final = "session"
"""Where the state of a request has its session."""


def is_secure(scope: Scope) -> bool:
    """Whether the browser came over https: the trusted proxy tells."""
    return scope["scheme"] == "https"


def cookie(scope: Scope, value: str, max_age: int) -> Cookie:
    """Return the session's cookie. Over plain http browsers refuse the prefix, which binds it to this host."""
    secure = is_secure(scope)
    name = f"__Host-{NAME}" if secure else NAME
    return Cookie(key=name, value=value, max_age=max_age, secure=secure, httponly=True, samesite="lax")


class Sessions:
    """Starts, finds and ends the sessions of the pages."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def start(self, request: Request[Any, Any, Any], user_id: UUID, generation: int) -> Cookie:
        """Sign the user in, under a new id: one that was known before is worth nothing. Raises ServiceError."""
        await self.end(request)
        session_id = token_urlsafe(32) + self._database.mark(user_id)
        await self._database.start_session(_hash(session_id), user_id, generation)
        return cookie(request.scope, session_id, TOKEN_SECONDS)

    async def find(self, request: Request[Any, Any, Any], session_id: str | None = None) -> SessionUser | None:
        """Return the session of this request, or the one that it began, and note its user as the request's."""
        session_id = session_id or self._id(request)
        found = (
            None if session_id is None else await self._database.session(_hash(session_id), home=home_in(session_id))
        )
        if found is not None:
            request.scope["state"][SESSION] = found
            texts = str(found.user_id), str(found.wallet_id)
            expires_at = found.expires_at.timestamp()
            request.scope["user"] = Principal(found.user_id, found.wallet_id, found.role, expires_at, *texts)
        return found

    async def end(self, request: Request[Any, Any, Any]) -> Cookie:
        """Sign out; returns the cookie that takes the place of the session's."""
        if session_id := self._id(request):
            await self._database.end_session(_hash(session_id), home=home_in(session_id))
        return cookie(request.scope, "", 0)

    async def require(self, request: Request[Any, Any, Any]) -> None:
        """Raise ServiceError (401) where the session has ended: streams ask."""
        if await self.find(request) is None:
            raise unauthorized("The session has ended.")

    def _id(self, request: Request[Any, Any, Any]) -> str | None:
        found = request.cookies.get(cookie(request.scope, "", 0).key, "")
        return found if ID.fullmatch(found) else None


def _hash(session_id: str) -> bytes:
    return sha256(session_id.encode()).digest()
