"""Makes users for the administrator; operators are made only here."""

from __future__ import annotations

import asyncpg
import msgspec

from api.errors import CommandError
from api.password_hash import PASSWORD_BYTES, hash_password
from api.setup.deploy import NoWalletsError, connected


class UserError(CommandError):
    """The user cannot be made; the text says why."""


async def create(url: str, username: str, password: str, *, role: str, bcrypt_cost: int) -> str:
    """Register a user with this role, all or nothing, and return the username as stored.

    Raises UserError, NoWalletsError.
    """
    encoded = password.encode()
    if len(encoded) not in PASSWORD_BYTES:
        raise UserError(f"a password has {PASSWORD_BYTES[0]} to {PASSWORD_BYTES[-1]} bytes in UTF-8")
    hashed = hash_password(encoded, bcrypt_cost)
    async with connected(url) as connection:
        try:
            async with connection.transaction():
                made = await connection.fetchval(
                    "select username from public.wallet_register($1, $2)", username, hashed
                )
                await connection.execute("select public.wallet_set_role($1, $2)", made, role)
        except asyncpg.UndefinedFunctionError:
            raise NoWalletsError from None
        except asyncpg.PostgresError as error:
            if not (error.sqlstate or "").startswith("WA"):
                raise
            detail = msgspec.json.decode(error.detail or "{}", type=dict[str, object])
            reason = f"{detail['field']} {detail['reason']}" if "reason" in detail else error.args[0]
            raise UserError(f"user {username} was not made: {reason}") from None
    return str(made)
