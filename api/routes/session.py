"""What a signed-in user does about that: sign out, and change the password."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from litestar import Router, post
from litestar.params import JSONBody

from api.auth.guards import AuthenticatedRequest, signed_in
from api.auth.passwords import Passwords, usable
from api.auth.sign_in import SignIn
from api.auth.tokens import TOKEN_SECONDS, Tokens, bearer, token_id, unauthorized
from api.database.functions import Database
from api.errors import WRONG_PASSWORD, FieldError, ServiceError
from api.http.client_address import client_address
from api.http.rate_limit import Limits
from api.http.responses import BODY_ERRORS, Answer, errors, success
from api.schemas.common import Envelope, PasswordChange, Session, SignedOut

if TYPE_CHECKING:
    import asyncpg


def session(tokens: Tokens, row: asyncpg.Record, generation: int) -> Session:
    """Sign a user in."""
    return Session(
        id=row["user_id"],
        username=row["username"],
        wallet_id=row["wallet_id"],
        access_token=tokens.issue(row["user_id"], row["wallet_id"], row["role"], generation),
        token_type="Bearer",  # noqa: S106
        expires_in=TOKEN_SECONDS,
    )


def session_routes(database: Database, passwords: Passwords, sign_in: SignIn, tokens: Tokens, limits: Limits) -> Router:
    """Return the part of `/api/auth` that needs a token."""

    @post(
        "/signout",
        status_code=200,
        operation_id="signOut",
        summary="Sign out",
        responses=errors("validation", "unauthorized", "timeout"),
    )
    async def signout(request: AuthenticatedRequest) -> Answer[Envelope[SignedOut]]:
        """End this token, in every process of the service within a second."""
        user = request.user
        expires_at = datetime.fromtimestamp(user.expires_at, UTC)
        header = next(value for name, value in request.scope["headers"] if name == b"authorization")
        await database.sign_out(user.user_id, token_id(bearer(header)), expires_at)
        tokens.forget({user.user_id})
        return success("signed out", SignedOut("token"))

    @post(
        "/signout-everywhere",
        status_code=200,
        operation_id="signOutEverywhere",
        summary="Sign out everywhere",
        responses=errors("validation", "unauthorized", "timeout"),
    )
    async def signout_everywhere(request: AuthenticatedRequest) -> Answer[Envelope[SignedOut]]:
        """End all tokens of the user that were issued until now, in every process of the service within a second."""
        await database.sign_out_everywhere(request.user.user_id)
        tokens.forget({request.user.user_id})
        return success("signed out everywhere", SignedOut("all"))

    @post(
        "/password",
        status_code=200,
        operation_id="changePassword",
        summary="Change the password",
        response_description="A token",
        responses=errors(*BODY_ERRORS, "unauthorized", "WA033", "WA034", "timeout"),
    )
    async def change_password(
        request: AuthenticatedRequest, data: JSONBody[PasswordChange]
    ) -> Answer[Envelope[Session]]:
        """Set a new password. Ends all tokens of the user, and answers a new one."""
        usable(data.new_password, "new_password")
        user = await database.principal(request.user.user_id)
        if user is None:
            raise unauthorized()
        address = client_address(request.scope)
        row = await sign_in.check(user["username"], data.current_password, address)
        if row is None:
            raise ServiceError(
                WRONG_PASSWORD,
                "Give the password that you sign in with now.",
                [FieldError("current_password", WRONG_PASSWORD.title)],
            )
        new_hash = await passwords.hash(data.new_password, "new_password", by=address)
        generation = await database.change_password(row["user_id"], row["password_hash"], new_hash)
        tokens.forget({row["user_id"]})
        return success("password changed", session(tokens, row, generation))

    return Router(
        "/api/auth",
        route_handlers=[signout, signout_everywhere, change_password],
        before_request=signed_in(tokens, limits),
        security=[{"bearer": []}],
        tags=["Accounts"],
    )
