"""`pgwallet grant`, `revoke` and `roles`: logins of people and their programs, and what they may do."""

from __future__ import annotations

import os
import secrets
import sys
from typing import TYPE_CHECKING, Any, Final

import click

from api.commands.databases import Databases, answered, on_databases
from api.commands.output import JSON, printable, show_json, show_rows
from api.errors import CommandError
from api.setup.deploy import scram_verifier

if TYPE_CHECKING:
    import asyncpg

APP: Final = "wallet_app"
READER: Final = "wallet_reader"
OPERATOR: Final = "wallet_operator"
PEOPLE: Final = (APP, READER, OPERATOR)
MAY: Final = {
    "superuser": "anything",
    "wallet_owner": "anything, as an administrator",
    "wallet_api": "serve",
    "wallet_relay": "carry transfers between databases",
    APP: "move and read money for users",
    READER: "read reports",
    OPERATOR: "what operators do",
}

# Whom nobody grants more: who has powers, or is the service.
LOGIN: Final = """
select r.rolcanlogin as can_login,
  r.rolsuper or r.rolcreaterole or r.rolcreatedb or r.rolreplication or r.rolbypassrls
    or pg_has_role(r.oid, 'wallet_owner', 'member') or pg_has_role(r.oid, $2, 'member')
    or pg_has_role(r.oid, 'wallet_relay', 'member') as is_powerful,
  r.rolname = any ($3) as is_ours, has_database_privilege(r.oid, current_database(), 'connect') as connects
from pg_catalog.pg_roles r
where r.rolname = $1
"""
HELD: Final = """
select g.rolname::text as role
from pg_catalog.pg_auth_members m
join pg_catalog.pg_roles g on g.oid = m.roleid
where m.member = quote_ident($1)::regrole and g.rolname = any ($2)
"""
# Who made a role is a member that can neither use nor take it.
WHO: Final = """
select r.rolname::text as login, case when r.rolsuper then 'superuser' else g.role end as role,
  case g.role when 'wallet_operator' then l.user_id end as user_id,
  case g.role when 'wallet_operator' then u.username end as operator
from pg_catalog.pg_roles r
cross join unnest($1::text[]) with ordinality as g (role, place)
left join wallet.operator_logins l on l.login = r.rolname
left join wallet.users u on u.id = l.user_id
where r.rolcanlogin and has_database_privilege(r.oid, current_database(), 'connect')
  and case when r.rolsuper then g.place = 1 else pg_has_role(r.oid, g.role, 'usage, set') end
order by r.rolsuper desc, g.place, r.rolname
"""


class LoginError(CommandError):
    """The login cannot have the role; the text says why."""


@click.command()
@click.argument("role", type=click.Choice(PEOPLE))
@click.argument("to", type=click.Choice(["to"]), metavar="to", expose_value=False)
@click.argument("login")
@click.option("--operator", metavar="USERNAME", help="Whose login it is, for wallet_operator")
@click.option("--create", is_flag=True, help="Make the login, with a password that is shown once")
@click.option("--password", "given", is_flag=True, help="With --create: ask for the password, show none")
@on_databases
async def grant(
    databases: Databases, *, role: str, login: str, operator: str | None, create: bool, given: bool
) -> None:
    """Give LOGIN, a login to PostgreSQL, a role: wallet_app, wallet_reader or wallet_operator.

    With --password it is asked for on a terminal, else it is PGWALLET_USER_PASSWORD or the first line of the standard
    input.
    """
    if (role == OPERATOR) != (operator is not None):
        raise click.UsageError(f"give --operator with {OPERATOR}, and only with it")
    if given and not create:
        raise click.UsageError("give --password with --create")
    if create and databases.map is not None:
        raise click.UsageError("make the login on each server of the cluster first, without --create here")
    password = None if not create else _asked() if given else secrets.token_urlsafe(24)
    for number in databases.numbers:
        connection = await databases.at(number)
        async with connection.transaction():
            if password is not None:
                await _make(connection, login, password)
            await _grant(connection, role, login, operator, databases.settings.api_role)
    whose = f", for {operator}" if operator else ""
    click.echo(printable(f"{login} may {MAY[role]}{whose}"))
    if password is not None and not given:
        click.echo(f"password  {password}")


@click.command()
@click.argument("role", type=click.Choice(PEOPLE))
@click.argument("from", type=click.Choice(["from"]), metavar="from", expose_value=False)
@click.argument("login")
@on_databases
async def revoke(databases: Databases, *, role: str, login: str) -> None:
    """Take a role from LOGIN. With its last one goes what `grant` gave it to connect; the login itself stays.

    Sessions that are open lose the role at once.
    """
    taken = False
    for number in databases.numbers:
        connection = await databases.at(number)
        if not await connection.fetchval("select to_regrole(quote_ident($1)) is not null", login):
            raise LoginError(f"there is no login {login}")
        held = [row["role"] for row in await connection.fetch(HELD, login, list(PEOPLE))]
        async with connection.transaction():
            if role == OPERATOR:
                await answered(connection.fetch("select from public.wallet_remove_login($1)", login))
            if role in held:
                await _run(connection, "revoke %I from %I", role, login)
                taken = True
            # a server has its roles once for all of its databases, and the right to connect for each
            if taken and not {*held} - {role}:
                await _run(connection, "revoke connect on database %I from %I", await _name(connection), login)
    if not taken:
        raise LoginError(f"{login} has no role {role}")
    click.echo(printable(f"{login} may no longer {MAY[role]}"))


@click.command()
@JSON
@on_databases
async def roles(databases: Databases, *, as_json: bool) -> None:
    """List who may log in and do what: administrators, the service, programs, analysts, operators."""
    names = [databases.settings.api_role if name == "wallet_api" else name for name in MAY if name != "superuser"]
    found: list[dict[str, Any]] = []
    for number in databases.numbers:
        for row in await databases.fetch(number, WHO, names):
            named = {} if databases.map is None else {"database": number}
            role = "wallet_api" if row["role"] == databases.settings.api_role else row["role"]
            found.append({**named, **dict(row), "may": MAY[role]})
    if as_json:
        show_json(found)
        return
    columns = databases.named({"login": "login", "role": "role", "may": "may", "operator": "operator"})
    show_rows(found, columns, as_json=False, none="nobody")


def _asked() -> str:
    password = os.environ.get("PGWALLET_USER_PASSWORD") or (
        click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
        if sys.stdin.isatty()
        else sys.stdin.readline().rstrip("\r\n")
    )
    if len(password) < 8:
        raise LoginError("give a password of at least 8 characters")
    return password


async def _make(connection: asyncpg.Connection[asyncpg.Record], login: str, password: str) -> None:
    if await connection.fetchval("select to_regrole(quote_ident($1)) is not null", login):
        raise LoginError(f"there is a login {login}: leave --create out")
    # a verifier, because logs of statements must not have the password
    await _run(connection, "create role %I login password %L", login, scram_verifier(password))


async def _grant(
    connection: asyncpg.Connection[asyncpg.Record], role: str, login: str, operator: str | None, service: str
) -> None:
    found = await connection.fetchrow(LOGIN, login, service, list(MAY))
    if found is None:
        raise LoginError(f"there is no login {login}: make it, or say --create")
    if found["is_ours"] or found["is_powerful"] or not found["can_login"]:
        raise LoginError(f"{login} is no plain login: it cannot log in, has powers, or is the service's")
    if operator is not None:
        await answered(connection.fetch("select from public.wallet_record_login($1, $2)", login, operator))
    await _run(connection, "grant %I to %I", role, login)
    if not found["connects"]:
        await _run(connection, "grant connect on database %I to %I", await _name(connection), login)


async def _name(connection: asyncpg.Connection[asyncpg.Record]) -> str:
    return str(await connection.fetchval("select current_database()"))


async def _run(connection: asyncpg.Connection[asyncpg.Record], statement: str, *names: str) -> None:
    """Run a statement with these names in it, quoted by the server."""
    await connection.execute(
        await connection.fetchval("select format($1, variadic $2::text[])", statement, list(names))
    )
