"""Checks passwords, as often as the database lets somebody try."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from api.errors import ServiceError

if TYPE_CHECKING:
    import asyncpg

    from api.auth.passwords import Passwords
    from api.database.functions import Database


class SignIn:
    """Checks passwords. The database throttles; a hash of an earlier cost is replaced."""

    def __init__(self, database: Database, passwords: Passwords) -> None:
        self._database = database
        self._passwords = passwords

    async def check(self, username: str, password: str, address: str) -> asyncpg.Record | None:
        """Return the user if name and password are right, None otherwise. Raises ServiceError: 429 (WA033), 503.

        An unknown user takes the same steps.
        """
        self._passwords.require_room(address)
        row = await self._database.sign_in(username, address)
        if not await self._passwords.matches(password, row["password_hash"], row["highest_cost"], by=address):
            await self._database.sign_in_failed(username, address)
            return None
        if not row["settled"]:
            await self._database.sign_in_succeeded(username, address)
        return row

    async def upgrade(self, row: asyncpg.Record, password: str, address: str) -> None:
        """Replace the hash of a right password where hashes cost more now. What fails is done at the next sign-in."""
        if self._passwords.outdated(row["password_hash"]):
            with suppress(ServiceError):
                new_hash = await self._passwords.hash(password, by=address)
                await self._database.rehash(row["user_id"], row["password_hash"], new_hash)
