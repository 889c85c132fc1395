"""What stands before protected routes: a valid token or key, its rate limit, a query string that the route knows.

They are `before_request` hooks and no guards of Litestar, which copies the whole route handler for every guarded
request. They are closures because Litestar copies other callables deeply when it registers routes; a second cache of
tokens must not come of that.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final

from litestar import Request
from litestar.datastructures import State

from api.auth.keys import HEADER, ON_BEHALF_OF, SEVERAL_USERS
from api.auth.tokens import Principal, unauthorized
from api.errors import BAD_REQUEST, NOT_OPERATOR, ServiceError
from api.http.query_string import check_query

if TYPE_CHECKING:
    from litestar.types import Scope

    from api.auth.tokens import Tokens
    from api.http.rate_limit import Limits

AuthenticatedRequest = Request[Principal, None, State]
Guard = Callable[[Request[Any, Any, Any]], Awaitable[None]]

FOR_KEYS: Final = f"The header {ON_BEHALF_OF} is for keys: a token acts for its own user, so leave the header out."
SEVERAL: Final = "A request has one caller: send the header Authorization once."


def signed_in(tokens: Tokens, limits: Limits, *, keys: bool = False) -> Guard:
    """Let only users with a valid token pass, with `keys` also keys; the handler finds the user as `request.user`."""

    async def admit(request: Request[Any, Any, Any]) -> None:
        scope = request.scope
        given, named = _credentials(scope)
        scope["user"] = user = await tokens.principal(given, scope if keys else None, named)
        if user.key_text is not None:
            limits.key(user.key_text, user.key_rate, scope)
        elif named is not None:
            raise ServiceError(BAD_REQUEST, FOR_KEYS)
        else:
            limits.user(user.user_id)
        if scope["query_string"]:
            check_query(request)

    return admit


def _credentials(scope: Scope) -> tuple[bytes, bytes | None]:
    """Return the headers that say who calls, and for whom. Raises ServiceError: 400, 401."""
    given = named = None
    for name, value in scope["headers"]:
        if name == b"authorization":
            if given is not None:
                raise ServiceError(BAD_REQUEST, SEVERAL)
            given = value
        elif name == HEADER:
            if named is not None:
                raise ServiceError(BAD_REQUEST, SEVERAL_USERS)
            named = value
    if given is None:
        raise unauthorized()
    return given, named


def count(limits: Limits, user: Principal, calls: int) -> None:
    """Count calls of a caller beside the request itself. Raises ServiceError (429)."""
    if user.key_text is None:
        limits.user(user.user_id, calls)
    else:
        limits.key(user.key_text, user.key_rate, calls=calls)


def operator(tokens: Tokens, limits: Limits) -> Guard:
    """Let only operators pass. The database checks the role again."""
    admit = signed_in(tokens, limits)

    async def admit_operator(request: Request[Any, Any, Any]) -> None:
        await admit(request)
        if request.user.role != "operator":
            raise ServiceError(NOT_OPERATOR, "Ask an operator.")

    return admit_operator
