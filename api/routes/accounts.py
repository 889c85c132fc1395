"""Sign-up and sign-in."""

from __future__ import annotations

from typing import Any

from litestar import Request, Router, post
from litestar.params import JSONBody

from api.auth.passwords import Passwords, usable
from api.auth.sign_in import SignIn
from api.auth.tokens import TOKEN_SECONDS, Tokens, unauthorized
from api.database.functions import Database
from api.http.client_address import client_address
from api.http.fast_path import DIRECT
from api.http.responses import BODY_ERRORS, Answer, errors, success
from api.routes.session import session
from api.schemas.common import Account, Credentials, Envelope, Session


def auth_routes(database: Database, passwords: Passwords, sign_in: SignIn, tokens: Tokens) -> Router:
    """Return the part of `/api/auth` that gives tokens."""

    async def require_room(request: Request[Any, Any, Any]) -> None:
        passwords.require_room(client_address(request.scope))

    @post(
        "/signup",
        opt=DIRECT,  # and looked at before the body is: a flood of them must cost little
        before_request=require_room,
        operation_id="signUp",
        summary="Sign up",
        response_description="The account is open",
        responses=errors(*BODY_ERRORS, "WA002", "WA005"),
    )
    async def signup(request: Request[Any, Any, Any], data: JSONBody[Credentials]) -> Answer[Envelope[Account]]:
        """Open an account: user, wallet in the default asset and sign-up bonus, all or nothing. Signs the user in."""
        usable(data.password)
        # asked before the name's hash is paid for; of two at once the later one hears of it when it registers
        await database.require_username(data.username)
        password_hash = await passwords.hash(data.password, by=client_address(request.scope))
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
        opt=DIRECT,  # as above
        before_request=require_room,
        operation_id="signIn",
        summary="Sign in",
        response_description="A token",
        responses=errors(*BODY_ERRORS, "unauthorized", "WA033", "timeout"),
    )
    async def signin(request: Request[Any, Any, Any], data: JSONBody[Credentials]) -> Answer[Envelope[Session]]:
        """Get a token for an account. An unknown user and a wrong password get the same answer, in the same time.

        After some wrong ones the next try has to wait, a minute at most (WA033).
        """
        address = client_address(request.scope)
        row = await sign_in.check(data.username, data.password, address)
        if row is None:
            raise unauthorized("Username or password is wrong.")
        await sign_in.upgrade(row, data.password, address)
        return success("signed in", session(tokens, row, row["token_generation"]))

    return Router("/api/auth", route_handlers=[signup, signin], tags=["Accounts"])
