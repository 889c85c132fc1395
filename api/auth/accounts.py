"""Opens accounts, signs users in, and changes their passwords: the steps that the API and the pages share."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from api.auth.passwords import usable
from api.auth.tokens import home_in, reset_token_hash, unauthorized
from api.errors import WRONG_PASSWORD, FieldError, ServiceError

if TYPE_CHECKING:
    from uuid import UUID

    from api.auth.passwords import Passwords
    from api.auth.sign_in import SignIn
    from api.auth.tokens import Tokens
    from api.database.functions import Database
    from api.database.rows import NewUser, SignedIn, UserWithPassword
    from api.schemas.accounts import Credentials, PasswordChange, PasswordReset

REFUSED_AFTER: Final = 0.25
"""Seconds."""


class Accounts:
    """What happens between a password and a signed-in user. `address` is the client's."""

    def __init__(self, database: Database, passwords: Passwords, sign_in: SignIn, tokens: Tokens) -> None:
        self._database = database
        self._passwords = passwords
        self._sign_in = sign_in
        self._tokens = tokens

    async def require_room(self, address: str) -> None:
        """Raise ServiceError (503) where no password could be hashed now: a flood must cost little.

        After a moment, because clients that try again at once would take up every turn of the event loop.
        """
        try:
            self._passwords.require_room(address)
        except ServiceError:
            await asyncio.sleep(REFUSED_AFTER)
            raise

    async def open(self, asked: Credentials, address: str) -> NewUser:
        """Open an account. Raises ServiceError: WA002, WA005, WA046."""
        usable(asked.password)
        # checked before the costly hash; if two users take a name at once, register() refuses the later one
        await self._database.require_username(asked.username)
        password_hash = await self._passwords.hash(asked.password, by=address)
        return await self._database.register(asked.username, password_hash)

    async def sign_in(self, asked: Credentials, address: str) -> UserWithPassword:
        """Return the user. Raises ServiceError: 401, WA033."""
        user = await self._sign_in.check(asked.username, asked.password, address)
        if user is None:
            raise unauthorized("Username or password is wrong.", "Username or password is wrong.")
        await self._sign_in.upgrade(user, asked.password, address)
        return user

    async def reset(self, asked: PasswordReset, address: str) -> SignedIn:
        """Set a password by a one-time token, and end all tokens of the user. Raises ServiceError: WA037."""
        usable(asked.new_password, "new_password")
        # checked before the costly hash; of two that use a token at once, reset_password() refuses the later one
        token_hash, home = reset_token_hash(asked.token), home_in(asked.token)
        await self._database.require_password_reset(token_hash, home=home)
        new_hash = await self._passwords.hash(asked.new_password, "new_password", by=address)
        user = await self._database.reset_password(token_hash, new_hash, address, home=home)
        self._tokens.forget({user.user_id})
        return user

    async def confirm(self, user_id: UUID, password: str, address: str, field: str = "password") -> UserWithPassword:
        """Return the user, whose password this is. Raises ServiceError: WA034, WA033; 401 for a user who is gone."""
        user = await self._database.principal(user_id)
        if user is None:
            raise unauthorized()
        checked = await self._sign_in.check(user.username, password, address)
        if checked is None:
            fault = FieldError(field, WRONG_PASSWORD.title)
            raise ServiceError(WRONG_PASSWORD, "Give the password that you sign in with now.", [fault])
        return checked

    async def change_password(self, user_id: UUID, asked: PasswordChange, address: str) -> tuple[UserWithPassword, int]:
        """Set another password and end all tokens; returns the generation of those to come. Errors as `confirm`."""
        usable(asked.new_password, "new_password")
        checked = await self.confirm(user_id, asked.current_password, address, "current_password")
        new_hash = await self._passwords.hash(asked.new_password, "new_password", by=address)
        generation = await self._database.change_password(checked.user_id, checked.password_hash, new_hash)
        self._tokens.forget({checked.user_id})
        return checked, generation
