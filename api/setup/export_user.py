"""Gives an administrator all that is stored about a person, as JSON."""

from __future__ import annotations

from collections.abc import Callable

import asyncpg

from api.setup.create_user import UserError
from api.setup.deploy import NoWalletsError, connected

CALL = "select section, item::text from public.wallet_export_user($1)"
ROWS = 500


async def export(url: str, username: str, write: Callable[[str], object]) -> None:
    """Pass a JSON object to `write`, in pieces, however large it is. Raises UserError, NoWalletsError."""
    end, comma = "", ""
    async with connected(url) as connection:
        try:
            # one moment for all lists
            reading = connection.transaction(isolation="repeatable_read")
            await reading.start()
            try:
                async for section, item in connection.cursor(CALL, username, prefetch=ROWS):
                    if item is None:
                        write(f'{end},\n"{section}": [')
                        end, comma = "\n]", ""
                    elif end:
                        write(f"{comma}\n{item}")
                        comma = ","
                    else:
                        write(f'{{\n"{section}": {item}')
                write(f"{end}\n}}\n")
            finally:
                # on record also where nobody wanted to read it to its end
                await reading.commit()
        except asyncpg.UndefinedFunctionError:
            raise NoWalletsError from None
        except asyncpg.PostgresError as error:
            if error.sqlstate != "WA029":
                raise
            raise UserError(f"there is no user {username}") from None
