"""`pgwallet user`: makes users for the administrator, and tells what is stored about them."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING, Final

import asyncpg
import click
import msgspec

from api.errors import CommandError
from api.password_hash import PASSWORD_BYTES, hash_password
from api.setup.administrator import administrator
from api.setup.deploy import NoWalletsError, connected

if TYPE_CHECKING:
    from collections.abc import Callable

    from api.settings import Settings

EXPORT: Final = "select section, item::text from public.wallet_export_user($1)"
ROWS: Final = 500


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


async def export(url: str, username: str, write: Callable[[str], object]) -> None:
    """Pass a JSON object to `write`, in pieces, however large it is. Raises UserError, NoWalletsError."""
    end, comma = "", ""
    async with connected(url) as connection:
        try:
            # one moment for all lists
            reading = connection.transaction(isolation="repeatable_read")
            await reading.start()
            try:
                async for section, item in connection.cursor(EXPORT, username, prefetch=ROWS):
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


@click.group()
def user() -> None:
    """Make users, and tell what is stored about them."""


@user.command("create")
@click.argument("username", metavar="NAME")
@click.option("--role", type=click.Choice(["user", "operator"]), default="user", show_default=True, help="What it may")
@click.pass_obj
def create_user(settings: Settings, username: str, role: str) -> None:
    """Make a user with wallet and sign-up bonus; operators can be made only here.

    The password is asked for on a terminal, else it is PGWALLET_USER_PASSWORD or the first line of the standard input.
    """
    password = os.environ.get("PGWALLET_USER_PASSWORD") or (
        click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
        if sys.stdin.isatty()
        else sys.stdin.readline().rstrip("\r\n")
    )
    with administrator(settings, "user create") as url:
        made = asyncio.run(create(url, username, password, role=role, bcrypt_cost=settings.bcrypt_cost))
    click.echo(f"made {role} {made}")


@user.command("export")
@click.argument("username", metavar="NAME")
@click.pass_obj
def export_user(settings: Settings, username: str) -> None:
    """Print all that is stored about a person, as JSON; the export is on record.

    Hashes of passwords and tokens are left out. An erased user has the name that the erasure gave.
    """
    with administrator(settings, "user export") as url:
        asyncio.run(export(url, username, lambda piece: click.echo(piece, nl=False)))
