"""Checks passwords, as often as the database lets somebody try."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from api.errors import ServiceError

if TYPE_CHECKING:
    from api.auth.passwords import Passwords
    from api.database.functions import Database
    from api.database.rows import UserWithPassword


class SignIn:
    """Checks passwords. The database throttles; a hash of an earlier cost is replaced."""

    def __init__(self, database: Database, passwords: Passwords) -> None:
        self._database = database
        self._passwords = passwords

    async def check(self, username: str, password: str, address: str) -> UserWithPassword | None:
        """Return the user if name and password are right, None otherwise. Raises ServiceError: 429 (WA033), 503.

        An unknown user takes the same steps.
        """
        self._passwords.require_room(address)
        user, highest_cost = await self._database.sign_in(username, address)
        password_hash = None if user is None else user.password_hash
        if not await self._passwords.matches(password, password_hash, highest_cost, by=address) or user is None:
            await self._database.sign_in_failed(username, address)
            return None
        if not user.settled:
            await self._database.sign_in_succeeded(username, address)
        return user

    async def upgrade(self, user: UserWithPassword, password: str, address: str) -> None:
        """Replace the hash of a right password where hashes cost more now. What fails is done at the next sign-in."""
        if self._passwords.outdated(user.password_hash):
            with suppress(ServiceError):
                new_hash = await self._passwords.hash(password, by=address)
                await self._database.rehash(user.user_id, user.password_hash, new_hash)
