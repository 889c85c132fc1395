"""`pgwallet key`: makes, lists and revokes keys of machines."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import click

from api.commands.databases import AS, Databases, RefusedError, on_databases
from api.commands.output import JSON, Cell, moment, show_json, show_record, show_rows
from api.errors import CommandError

SCOPES: Final = ("read", "spend", "topup", "hold", "transfer", "refund")
PAGE: Final = 1000
DURATION: Final = re.compile(r"([1-9][0-9]{0,4})([mhd])")
UNITS: Final = {"m": "minutes", "h": "hours", "d": "days"}


class DurationType(click.ParamType[timedelta]):
    """How long something lasts: 30m, 12h, 90d."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Return the duration."""
        found = DURATION.fullmatch(value)
        if found is None:
            self.fail("give minutes, hours or days, like 30m, 12h or 90d", param, ctx)
        return timedelta(**{UNITS[found[2]]: int(found[1])})


@click.group()
def key() -> None:
    """Make, list and revoke keys of machines: what a shop's back end sends in place of a token."""


@key.command("create")
@click.argument("name")
@click.option("--scope", "scopes", type=click.Choice(SCOPES), multiple=True, required=True, help="Repeatable")
@click.option("--subject", "subjects", multiple=True, metavar="USER", help="For whom, by name or id; repeatable")
@click.option("--all-users", is_flag=True, help="For everybody, also those to come, but operators")
@click.option("--network", "networks", multiple=True, metavar="CIDR", help="Only from there; repeatable")
@click.option("--expires-in", type=DurationType(), metavar="TIME", help="Like 30m, 12h or 90d. Without: never")
@click.option("--calls-per-minute", type=click.IntRange(1, 1_000_000), metavar="N", help="Else as the service has it")
@AS
@JSON
@on_databases
async def create(
    databases: Databases,
    *,
    name: str,
    scopes: tuple[str, ...],
    subjects: tuple[str, ...],
    all_users: bool,
    networks: tuple[str, ...],
    expires_in: timedelta | None,
    calls_per_minute: int | None,
    operator: str | None,
    as_json: bool,
) -> None:
    """Make a key called NAME, and print it with its secret, which is shown once.

    What a key may do never changes: another right is another key.
    """
    # PyJWT and structlog come with it, which no other command needs
    from api.auth.keys import new_secret

    if all_users == bool(subjects):
        raise click.UsageError("give --subject for each user, or --all-users")
    users = [(await databases.user(subject)).id for subject in subjects]
    actor = await databases.actor(databases.numbers[0], operator)
    expires_at = None
    if expires_in is not None:
        ((expires_at,),) = await databases.fetch(
            databases.numbers[0], "select clock_timestamp() + $1::interval", expires_in
        )
    made = new_secret()
    key_id = uuid4()
    terms = (
        *(key_id, name, made.secret_hash, made.prefix, sorted(set(scopes))),
        *(users or None, all_users, list(networks) or None, expires_at, calls_per_minute, actor),
    )
    try:
        rows = await databases.everywhere("wallet_create_key($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) r", terms)
    except RefusedError:
        raise
    except CommandError as error:
        # its secret is not shown: nobody can use it, and nobody should keep it
        raise CommandError(f"{error}. End what may be there of it: `pgwallet key revoke {key_id}`") from error
    (row,) = merged(rows)
    _show({**row, "secret": made.secret}, as_json=as_json)


@key.command("list")
@click.option("--revoked", is_flag=True, help="Those, too")
@JSON
@on_databases
async def list_keys(databases: Databases, *, revoked: bool, as_json: bool) -> None:
    """List keys, newest first, without their secrets."""

    async def of(number: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:
            before = found[-1]["id"] if found else None
            page = await databases.rows(number, "wallet_keys($1, $2, $3)", PAGE, before, revoked)
            found += page
            if len(page) < PAGE:
                return found

    rows = sorted(merged(await databases.each(of)), key=lambda row: str(row["created_at"]), reverse=True)
    columns: dict[str, Cell] = {
        "prefix": "prefix",
        "name": "name",
        "scopes": "scopes",
        "for": _subjects,
        "expires at": lambda row: moment(row["expires_at"]),
        "last used": lambda row: moment(row["last_used_at"]),
        **({"revoked at": lambda row: moment(row["revoked_at"])} if revoked else {}),
        "id": "id",
    }
    show_rows(rows, columns, as_json=as_json, none="no keys")


@key.command("revoke")
@click.argument("key", metavar="KEY")
@AS
@JSON
@on_databases
async def revoke(databases: Databases, *, key: str, operator: str | None, as_json: bool) -> None:
    """End a key, by its id or prefix: no call with it is taken any more."""
    try:
        ids = {UUID(key)}
    except ValueError:
        ids = {
            row["id"]
            for number in databases.numbers
            for row in await databases.fetch(number, "select id from wallet.api_keys where prefix = $1", key)
        }
    if len(ids) != 1:
        raise CommandError(f"several keys begin with {key}: give the id of one" if ids else f"there is no key {key}")
    actor = await databases.actor(databases.numbers[0], operator)
    (row,) = merged(await databases.everywhere("wallet_revoke_key($1, $2) r", (*ids, actor)))
    _show(row, as_json=as_json)


def merged(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Make one row of those that the databases of a cluster have of a key: it names them, and the last use in any."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        number = row.pop("database", None)
        one = found.setdefault(row["id"], row)
        one["last_used_at"] = max(filter(None, (one["last_used_at"], row["last_used_at"])), default=None)
        if number is not None:
            one.setdefault("databases", []).append(number)
    return list(found.values())


def _subjects(row: Any) -> str:
    if row["all_users"]:
        return "all users"
    return "1 user" if len(row["user_ids"]) == 1 else f"{len(row['user_ids'])} users"


def _show(row: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        show_json(row)
        return
    lines: dict[str, Cell] = {
        "key": "name",
        "id": "id",
        "prefix": "prefix",
        "scopes": "scopes",
        "for": lambda row: "all users" if row["all_users"] else row["user_ids"],
        "from": lambda row: row["networks"] or "anywhere",
        "calls a minute": "calls_per_minute",
        "expires at": lambda row: moment(row["expires_at"]) or "never",
        "last used": lambda row: moment(row["last_used_at"]),
        "revoked at": lambda row: moment(row["revoked_at"]),
        "databases": "databases",
        "secret": "secret",
    }
    show_record(row, lines, as_json=False)
