"""Sign-up, sign-in and sign-out, the password, and who is signed in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from litestar import Request, Router, get, post
from litestar.params import JSONBody

from api.auth.accounts import Accounts
from api.auth.guards import AuthenticatedRequest, signed_in
from api.auth.tokens import TOKEN_SECONDS, Tokens, bearer, token_id
from api.database.functions import Database
from api.database.rows import SignedIn
from api.http.client_address import client_address
from api.http.fast_path import DIRECT
from api.http.rate_limit import Limits
from api.http.responses import BODY_ERRORS, JsonResponse, errors, success
from api.schemas.accounts import Account, Credentials, Me, PasswordChange, PasswordReset, Session, SignedOut
from api.schemas.envelope import Envelope


def account_routes(accounts: Accounts, tokens: Tokens) -> Router:
    """Return the part of `/api/auth` that gives tokens."""

    async def require_room(request: Request[Any, Any, Any]) -> None:
        await accounts.require_room(client_address(request.scope))

    @post(
        "/signup",
        opt=DIRECT,  # and checked before the body is read: a flood of sign-ups must cost little
        before_request=require_room,
        operation_id="signUp",
        summary="Sign up",
        response_description="The account is open",
        responses=errors(*BODY_ERRORS, "WA002", "WA005", "WA046"),
    )
    async def signup(request: Request[Any, Any, Any], data: JSONBody[Credentials]) -> JsonResponse[Envelope[Account]]:
        """Open an account: user, wallet in the default asset and sign-up bonus, all or nothing. Signs the user in."""
        user = await accounts.open(data, client_address(request.scope))
        account = Account(
            id=user.user_id,
            username=user.username,
            wallet_id=user.wallet_id,
            asset=user.asset,
            scale=user.scale,
            balance=user.balance,
            available=user.available,
            access_token=tokens.issue(user.user_id, user.wallet_id, "user", 0),
            token_type="Bearer",  # noqa: S106
            expires_in=TOKEN_SECONDS,
        )
        return success("account opened", account, 201)

    @post(
        "/signin",
        status_code=200,
        opt=DIRECT,  # as above
        before_request=require_room,
        operation_id="signIn",
        summary="Sign in",
        response_description="A token",
        responses=errors(*BODY_ERRORS, "unauthorized", "WA033", "timeout"),
    )
    async def signin(request: Request[Any, Any, Any], data: JSONBody[Credentials]) -> JsonResponse[Envelope[Session]]:
        """Get a token for an account. An unknown user and a wrong password get the same answer, in the same time.

        After some wrong ones the next try has to wait, a minute at most (WA033).
        """
        user = await accounts.sign_in(data, client_address(request.scope))
        return success("signed in", _session(tokens, user, user.token_generation))

    @post(
        "/reset",
        status_code=200,
        opt=DIRECT,  # as above
        before_request=require_room,
        operation_id="resetPassword",
        summary="Reset a forgotten password",
        response_description="A token",
        responses=errors(*BODY_ERRORS, "WA037", "busy", "timeout"),
    )
    async def reset_password(
        request: Request[Any, Any, Any], data: JSONBody[PasswordReset]
    ) -> JsonResponse[Envelope[Session]]:
        """Set a new password with a one-time token that an operator handed over. Ends all tokens of the user."""
        user = await accounts.reset(data, client_address(request.scope))
        return success("password reset", _session(tokens, user, user.token_generation))

    return Router("/api/auth", route_handlers=[signup, signin, reset_password], tags=["Accounts"])


def session_routes(database: Database, accounts: Accounts, tokens: Tokens, limits: Limits) -> Router:
    """Return the part of `/api/auth` that needs a token, and `/api/me`."""

    @post(
        "/auth/signout",
        status_code=200,
        operation_id="signOut",
        summary="Sign out",
        responses=errors("validation", "unauthorized", "timeout"),
    )
    async def signout(request: AuthenticatedRequest) -> JsonResponse[Envelope[SignedOut]]:
        """End this token, in every process of the service within a second."""
        user = request.user
        expires_at = datetime.fromtimestamp(user.expires_at, UTC)
        header = next(value for name, value in request.scope["headers"] if name == b"authorization")
        await database.sign_out(user.user_id, token_id(bearer(header)), expires_at)
        tokens.forget({user.user_id})
        return success("signed out", SignedOut("token"))

    @post(
        "/auth/signout-everywhere",
        status_code=200,
        operation_id="signOutEverywhere",
        summary="Sign out everywhere",
        responses=errors("validation", "unauthorized", "timeout"),
    )
    async def signout_everywhere(request: AuthenticatedRequest) -> JsonResponse[Envelope[SignedOut]]:
        """End all tokens of the user that were issued until now, in every process of the service within a second."""
        await database.sign_out_everywhere(request.user.user_id)
        tokens.forget({request.user.user_id})
        return success("signed out everywhere", SignedOut("all"))

    @post(
        "/auth/password",
        status_code=200,
        operation_id="changePassword",
        summary="Change the password",
        response_description="A token",
        responses=errors(*BODY_ERRORS, "unauthorized", "WA033", "WA034", "timeout"),
    )
    async def change_password(
        request: AuthenticatedRequest, data: JSONBody[PasswordChange]
    ) -> JsonResponse[Envelope[Session]]:
        """Set a new password. Ends all tokens of the user, and answers a new one."""
        address = client_address(request.scope)
        checked, generation = await accounts.change_password(request.user.user_id, data, address)
        return success("password changed", _session(tokens, checked, generation))

    @get("/me", operation_id="getMe", summary="Who I am", responses=errors("validation", "unauthorized", "timeout"))
    async def get_me(request: AuthenticatedRequest) -> JsonResponse[Envelope[Me]]:
        """Show the user: name, role, last sign-in; and the wallets, with what is left of their limits."""
        return success("me", await database.me(request.user.user_id, request.user.user_id))

    return Router(
        "/api",
        route_handlers=[signout, signout_everywhere, change_password, get_me],
        before_request=signed_in(tokens, limits),
        security=[{"bearer": []}],
        tags=["Accounts"],
    )


def _session(tokens: Tokens, user: SignedIn, generation: int) -> Session:
    """Sign a user in."""
    return Session(
        id=user.user_id,
        username=user.username,
        wallet_id=user.wallet_id,
        access_token=tokens.issue(user.user_id, user.wallet_id, user.role, generation),
        token_type="Bearer",  # noqa: S106
        expires_in=TOKEN_SECONDS,
    )
