"""What stands before protected routes: a valid token, the user's rate limit, a query string that the route knows.

They are `before_request` hooks and no guards of Litestar, which copies the whole route handler for every guarded
request. They are closures because Litestar copies other callables deeply when it registers routes; a second cache of
tokens must not come of that.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from litestar import Request
from litestar.datastructures import State

from api.auth.tokens import Principal, unauthorized
from api.errors import NOT_OPERATOR, ServiceError
from api.http.query_string import check_query

if TYPE_CHECKING:
    from api.auth.tokens import Tokens
    from api.http.rate_limit import Limits

AuthenticatedRequest = Request[Principal, None, State]
Guard = Callable[[Request[Any, Any, Any]], Awaitable[None]]


def signed_in(tokens: Tokens, limits: Limits) -> Guard:
    """Let only users with a valid token pass; the handler finds the user as `request.user`."""

    async def admit(request: Request[Any, Any, Any]) -> None:
        for name, value in request.scope["headers"]:
            if name == b"authorization":
                request.scope["user"] = user = await tokens.principal(value)
                limits.user(user.user_id)
                if request.scope["query_string"]:
                    check_query(request)
                return
        raise unauthorized()

    return admit


def operator(tokens: Tokens, limits: Limits) -> Guard:
    """Let only operators pass. The database checks the role again."""
    admit = signed_in(tokens, limits)

    async def admit_operator(request: Request[Any, Any, Any]) -> None:
        await admit(request)
        if request.user.role != "operator":
            raise ServiceError(NOT_OPERATOR, "Ask an operator.")

    return admit_operator
