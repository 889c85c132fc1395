"""Sign-up and sign-in."""

from __future__ import annotations

from datetime import UTC, datetime

from litestar import Router, post
from litestar.params import JSONBody

from api.auth import TOKEN_SECONDS, AuthenticatedRequest, Passwords, Tokens, signed_in, token_id, unauthorized
from api.database import Database
from api.routes.answers import BODY_ERRORS, Answer, errors, success
from api.schemas import Account, Credentials, Envelope, Session, SignedOut


def auth_routes(database: Database, passwords: Passwords, tokens: Tokens) -> Router:
    """Return `/api/auth`."""

    @post(
        "/signup",
        operation_id="signUp",
        summary="Sign up",
        response_description="The account is open",
        responses=errors(*BODY_ERRORS, "WA002", "WA005"),
    )
    async def signup(data: JSONBody[Credentials]) -> Answer[Envelope[Account]]:
        """Open an account: user, wallet in the default asset and sign-up bonus, all or nothing. Signs the user in."""
        password_hash = await passwords.hash(data.password)
        row = await database.register(data.username, password_hash)
        account = Account(
            id=row["user_id"],
            username=row["username"],
            wallet_id=row["wallet_id"],
            asset=row["asset"],
            scale=row["scale"],
            balance=row["balance"],
            available=row["available"],
            access_token=tokens.issue(row["user_id"], row["wallet_id"], "user", 0),
            token_type="Bearer",  # noqa: S106
            expires_in=TOKEN_SECONDS,
        )
        return success("account opened", account, 201)

    @post(
        "/signin",
        status_code=200,
        operation_id="signIn",
        summary="Sign in",
        response_description="A token",
        responses=errors(*BODY_ERRORS, "unauthorized"),
    )
    async def signin(data: JSONBody[Credentials]) -> Answer[Envelope[Session]]:
        """Get a token for an account. An unknown user and a wrong password get the same answer, in the same time."""
        row = await database.credentials(data.username)
        if not await passwords.matches(data.password, row["password_hash"] if row else None) or row is None:
            raise unauthorized("Username or password is wrong.")
        session = Session(
            id=row["user_id"],
            username=row["username"],
            wallet_id=row["wallet_id"],
            access_token=tokens.issue(row["user_id"], row["wallet_id"], row["role"], row["token_generation"]),
            token_type="Bearer",  # noqa: S106
            expires_in=TOKEN_SECONDS,
        )
        return success("signed in", session)

    @post(
        "/signout",
        status_code=200,
        operation_id="signOut",
        summary="Sign out",
        responses=errors("unauthorized", "timeout"),
    )
    async def signout(request: AuthenticatedRequest) -> Answer[Envelope[SignedOut]]:
        """End this token, in every process of the service within a second."""
        user = request.user
        expires_at = datetime.fromtimestamp(user.expires_at, UTC)
        header = next(value for name, value in request.scope["headers"] if name == b"authorization")
        await database.sign_out(user.user_id, token_id(header), expires_at)
        tokens.forget({user.user_id})
        return success("signed out", SignedOut("token"))

    @post(
        "/signout-everywhere",
        status_code=200,
        operation_id="signOutEverywhere",
        summary="Sign out everywhere",
        responses=errors("unauthorized", "timeout"),
    )
    async def signout_everywhere(request: AuthenticatedRequest) -> Answer[Envelope[SignedOut]]:
        """End all tokens of the user that were issued until now, in every process of the service within a second."""
        await database.sign_out_everywhere(request.user.user_id)
        tokens.forget({request.user.user_id})
        return success("signed out everywhere", SignedOut("all"))

    with_token = Router(
        "/",
        route_handlers=[signout, signout_everywhere],
        before_request=signed_in(tokens),
        security=[{"bearer": []}],
    )
    return Router("/api/auth", route_handlers=[signup, signin, with_token], tags=["Accounts"])
