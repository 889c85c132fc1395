"""Makes a user of a cluster an operator, or a user again: at home, and in the copies that all other databases have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import UUID

import asyncpg
from msgspec import Struct

from api.cluster.migrate import COPY, address, refusal
from api.errors import CommandError
from api.setup.deploy import NoWalletsError, connected

if TYPE_CHECKING:
    from api.cluster_map import ClusterMap

LIVES_HERE: Final = """
select exists (
  select
  from wallet.users
  where username = wallet.username($1) and wallet.number_of(id) = (select number from wallet.shard)
)
"""
SET: Final = "select user_id, username, role from public.wallet_set_role($1, $2)"


class Changed(Struct):
    """Whose role it is, what it is now, and where the user lives. `away` are databases whose copy is not changed."""

    user_id: UUID
    username: str
    role: str
    home: int
    away: dict[int, str]


async def set_role(found: ClusterMap, username: str, role: str) -> Changed:
    """Set the role at home, then in all copies. Doing it again changes what was away. Raises CommandError."""
    members = {member.number: member for member in found.members}
    for number in found.homes_of(username):
        try:
            async with connected(address(members[number])) as connection:
                if not await connection.fetchval(LIVES_HERE, username):
                    continue
                row = await connection.fetchrow(SET, username, role)
        except CommandError as error:
            raise _explained(error, number) from error
        if row is not None:
            changed = Changed(row["user_id"], row["username"], row["role"], number, {})
            for member in found.members:
                if member.number != number:
                    try:
                        async with connected(address(member)) as connection:
                            await connection.execute(COPY, changed.user_id, changed.username, role)
                    except CommandError as error:
                        changed.away[member.number] = str(_explained(error, member.number))
            return changed
    raise CommandError(f"there is no user {username} in any database")


def _explained(error: CommandError, number: int) -> CommandError:
    """Return the error in words, where a function has refused."""
    cause = error.__cause__
    if isinstance(cause, asyncpg.UndefinedFunctionError | asyncpg.UndefinedTableError):
        return NoWalletsError(f"database {number} was never migrated: run `pgwallet cluster migrate`")
    if isinstance(cause, asyncpg.PostgresError) and (cause.sqlstate or "").startswith("WA"):
        return CommandError(f"database {number}: {refusal(cause)}")
    return CommandError(f"database {number}: {error}")
