"""`pgwallet user`: makes users for the administrator, changes their role, and tells what is stored about them."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING, Any, Final

import asyncpg
import click
import msgspec

from api.cluster.role import set_role
from api.cluster_map import load
from api.commands.databases import Databases, answered, on_databases
from api.commands.output import JSON, Cell, moment, money, printable, printable_json, show_json, show_record, show_rows
from api.errors import CommandError
from api.password_hash import PASSWORD_BYTES, hash_password
from api.setup.administrator import administrator, administrators
from api.setup.deploy import NoWalletsError, connected

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from api.cluster_map import ClusterMap
    from api.settings import Settings

EXPORT: Final = "select section, item::text from public.wallet_export_user($1)"
ROWS: Final = 500
PAGE: Final = 1000
ROLES: Final = ("user", "operator")


class UserError(CommandError):
    """The user cannot be made; the text says why."""


@click.group()
def user() -> None:
    """Make users, change their role, and tell what is stored about them."""


@user.command("list")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="So many, the newest")
@click.option("--all", "everybody", is_flag=True, help="All of them")
@JSON
@on_databases
async def list_users(databases: Databases, *, limit: int, everybody: bool, as_json: bool) -> None:
    """List users, newest first. Who is shown is on record."""

    async def newest(number: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while everybody or len(found) < limit:
            size = PAGE if everybody else min(PAGE, limit - len(found))
            before = found[-1]["id"] if found else None
            found += await databases.rows(number, "wallet_users($1, $2)", size, before)
            if not found or found[-1]["is_last"]:
                break
        return found

    rows = sorted(await databases.each(newest), key=lambda row: str(row["created_at"]), reverse=True)
    for row in rows:
        del row["is_last"]
    columns: dict[str, Cell] = {
        "name": "username",
        "id": "id",
        "role": "role",
        "made at": lambda row: moment(row["created_at"]),
        "last sign-in": lambda row: moment(row["last_sign_in_at"]),
        "erased at": lambda row: moment(row["erased_at"]),
    }
    show_rows(rows if everybody else rows[:limit], databases.named(columns), as_json=as_json, none="no users")


@user.command("show")
@click.argument("user", metavar="USER")
@JSON
@on_databases
async def show_user(databases: Databases, *, user: str, as_json: bool) -> None:
    """Show a user, by name or id, and the user's wallets. That it was shown is on record."""
    found = await databases.user(user)
    row = await databases.row(found.number, "wallet_inspect_user($1)", found.id)
    if as_json:
        show_json(row)
        return
    lines: dict[str, Cell] = {
        "user": "username",
        "id": "id",
        "role": "role",
        "made at": lambda row: moment(row["created_at"]),
        "last sign-in": lambda row: moment(row["last_sign_in_at"]),
        "erased at": lambda row: moment(row["erased_at"]),
    }
    show_record(row, databases.named(lines), as_json=False)
    wallets: dict[str, Cell] = {
        "wallet": "wallet_id",
        "status": "status",
        "balance": lambda row: money(row["balance"], row["asset"], row["scale"]),
        "held": lambda row: money(row["held"], row["asset"], row["scale"]),
        "available": lambda row: money(row["available"], row["asset"], row["scale"]),
    }
    show_rows(row["wallets"], wallets, as_json=False, right=("balance", "held", "available"), none="no wallets")


@user.command("create")
@click.argument("username", metavar="NAME")
@click.option("--role", type=click.Choice(ROLES), default="user", show_default=True, help="What it may")
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
    if settings.cluster is not None:
        made = asyncio.run(create_at_home(load(settings.cluster), username, password, role=role, settings=settings))
    else:
        with administrator(settings, "user create") as url:
            made = asyncio.run(create(url, username, password, role=role, bcrypt_cost=settings.bcrypt_cost))
    click.echo(printable(f"made {role} {made}"))


@user.command("role")
@click.argument("username", metavar="NAME")
@click.argument("role", type=click.Choice(ROLES))
@JSON
@on_databases
async def set_user_role(databases: Databases, *, username: str, role: str, as_json: bool) -> None:
    """Make the user NAME an operator, or a user again, in all databases. It ends their sessions, and is on record."""
    if databases.map is not None:
        await change_role(databases.map, username, role, as_json=as_json)
        return
    (number,) = databases.numbers
    row = await databases.row(number, "wallet_set_role($1, $2)", username, role)
    if as_json:
        show_json(row)
    else:
        click.echo(printable(f"{row['username']} is {row['role']}"))


async def change_role(found: ClusterMap, username: str, role: str, *, as_json: bool) -> None:
    """Set a role where the user lives and in all copies, and tell it. Raises CommandError where one is away."""
    changed = await set_role(found, username, role)
    if as_json:
        show_json(changed)
    else:
        click.echo(printable(f"{changed.username} of database {changed.home} is {changed.role}"))
    for number, error in changed.away.items():
        raise CommandError(f"not in all databases, give the command again when they are there; {number}: {error}")


@user.command("export")
@click.argument("username", metavar="NAME")
@click.pass_obj
def export_user(settings: Settings, username: str) -> None:
    """Print all that is stored about a person, as JSON; the export is on record.

    Hashes of passwords and tokens are left out. An erased user has the name that the erasure gave. In a cluster it is a
    list with what each database stores: an operator is known in all of them.
    """

    def write(piece: str) -> None:
        click.echo(printable_json(piece), nl=False)

    with administrators(settings, "user export") as urls:
        if settings.cluster is None:
            asyncio.run(export(urls[0], username, write))
        else:
            asyncio.run(export_all(urls, username, write))


async def create(url: str, username: str, password: str, *, role: str, bcrypt_cost: int) -> str:
    """Register a user with this role, all or nothing, and return the username as stored.

    Raises UserError, NoWalletsError.
    """
    encoded = password.encode(errors="replace")
    if len(encoded) not in PASSWORD_BYTES or encoded.decode() != password:
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


async def create_at_home(found: ClusterMap, username: str, password: str, *, role: str, settings: Settings) -> str:
    """Register a user in the database where new users of this name live; an operator becomes one in all databases.

    Raises CommandError, also where another database has the name from before.
    """
    urls = {member.number: member.url or "" for member in found.members}
    home, *older = found.homes_of(username)
    for number in older:
        async with connected(urls[number]) as connection:
            await answered(connection.fetch("select public.wallet_require_username($1)", username))
    made = await create(urls[home], username, password, role="user", bcrypt_cost=settings.bcrypt_cost)
    if role != "user":
        changed = await set_role(found, made, role)
        for number, error in changed.away.items():
            raise UserError(f"{made} is made, but not {role} in all databases: set the role again; {number}: {error}")
    return made


async def export(url: str, username: str, write: Callable[[str], object], begin: str = "{") -> None:
    """Pass a JSON object to `write`, in pieces, however large it is; `begin` is how it begins.

    Raises UserError, NoWalletsError.
    """
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
                        write(f'{begin}\n"{section}": {item}')
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


async def export_all(urls: Mapping[int, str], username: str, write: Callable[[str], object]) -> None:
    """Pass a list of such objects to `write`, one of each database that knows the user. Raises UserError."""
    before = "["
    for number, url in urls.items():
        try:
            await export(url, username, write, f'{before}{{\n"database": {number},')
        except UserError:
            continue
        before = ","
    if before == "[":
        raise UserError(f"there is no user {username}")
    write("]\n")
