"""`pgwallet cluster`: the commands for several databases."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import click

from api.cluster import local, map_file
from api.cluster.migrate import migrate
from api.cluster.move import STEPS, Move
from api.cluster.status import Standby, Status
from api.cluster.status import status as look
from api.cluster.verify import verify_all
from api.cluster_map import NUMBERS
from api.commands.output import JSON, age, printable, progress, show_json
from api.commands.user import change_role
from api.errors import CommandError

if TYPE_CHECKING:
    from api.integrity.hash_chain import Finding
    from api.settings import Settings


@click.group()
def cluster() -> None:
    """Work with a cluster: several databases that serve one set of users. The map is in PGWALLET_CLUSTER."""


@cluster.command("run")
@click.pass_obj
def run(settings: Settings) -> None:
    """Start a cluster on this machine, to try and to rehearse with: four databases, two servers, a standby for each."""
    local.run(settings)


@cluster.group("server")
def server() -> None:
    """Kill, start, promote and copy servers of `pgwallet cluster run`."""


def _order(name: str, text: str, *arguments: str) -> None:
    @click.pass_obj
    def command(settings: Settings, /, **servers: str) -> None:
        click.echo(local.ask(settings, name, *(servers[argument] for argument in arguments)))

    for argument in reversed(arguments):
        command = click.argument(argument, metavar=argument.upper())(command)
    server.command(name, help=text)(command)


_order("kill", "End server NAME as a crash does; it stays down until it is started.", "name")
_order("start", "Start server NAME again.", "name")
_order("promote", "Let standby NAME take over from its dead primary, which becomes its standby.", "name")
_order(
    "copy",
    "Make server NAME, a standby of SOURCE; a letter of its own keeps it out of that one's group.",
    "source",
    "name",
)
_order("url", "Print the administrator's address of server NAME.", "name")


def show(found: object, text: str, *, as_json: bool) -> None:
    """Print it, as JSON or as this text."""
    if as_json:
        show_json(found)
    else:
        click.echo("\n".join(printable(line) for line in text.split("\n")))


@cluster.command("status")
@JSON
@click.pass_obj
def status(settings: Settings, *, as_json: bool) -> None:
    """Tell how every database is, and where map and databases differ."""
    found = asyncio.run(look(map_file.read(settings)))
    show(found, on_one_screen(found), as_json=as_json)


@cluster.command("migrate")
@JSON
@click.pass_obj
def migrate_all(settings: Settings, *, as_json: bool) -> None:
    """Bring every database up to date, and tell it the homes of the map; doing it again changes nothing."""
    found = map_file.read(settings)
    with progress(2 * len(found.members), "databases") as advance:
        outcomes = asyncio.run(migrate(found, settings, lambda: advance(1)))
    show(outcomes, "\n".join(f"database {one.number}: {one.error or 'ok'}" for one in outcomes), as_json=as_json)
    if failed := [outcome for outcome in outcomes if outcome.error]:
        raise CommandError(
            f"{len(failed)} of {len(outcomes)} databases are not up to date, the first: {failed[0].number}"
        )


@cluster.command("move")
@click.argument("number", type=click.IntRange(0, NUMBERS - 1))
@click.option("--to", "target", required=True, metavar="URL", help="The administrator's address of the other server")
@JSON
@click.pass_obj
def move(settings: Settings, number: int, target: str, *, as_json: bool) -> None:
    """Move database NUMBER to a server that is a streaming standby of its server, while the service runs.

    Its users wait for about a second; those of other databases notice nothing. The map in PGWALLET_CLUSTER is replaced.
    """
    with progress(len(STEPS), "moving") as advance:
        moved = asyncio.run(Move(map_file.place(settings), number, target, lambda: advance(1)).run())
    closed = "closed for good, to be dropped when nobody needs it"
    lines = [
        f"ok: database {number} is on {moved.server}, and was closed for {moved.closed_seconds:.1f} s",
        f'{closed}: "{moved.left_behind}" at the old place',
        *(f'{closed}: "{name}" at the new place' for name in moved.left_on_server),
        *(f"replication slot {slot} stayed behind: what reads it must begin anew" for slot in moved.slots),
    ]
    show(moved, "\n".join(lines), as_json=as_json)


@cluster.command("verify")
@JSON
@click.pass_obj
def verify(settings: Settings, *, as_json: bool) -> None:
    """Verify every database, then hold all of them against one another; exit status 1 when anything is violated."""
    found = map_file.read(settings)

    def report(number: int | None, finding: Finding) -> None:
        if not as_json:
            told = {"database": number, **finding._asdict()}
            click.echo(printable("  ".join(f"{name}={value}" for name, value in told.items() if value is not None)))

    result = asyncio.run(verify_all(found, report, progress))
    lines = [
        f"database {one.number}: {one.error or f'{one.entries} entries, no violations'}" for one in result.databases
    ]
    if result.cross_error is None:
        lines.append(f"between them: {result.rows} rows of transfers, {result.cross_violations or 'no'} violations")
        lines += [f"in transit: {amount} {asset}" for asset, amount in result.in_transit.items() if amount]
    else:
        lines.append(f"between them: {result.cross_error}")
    show(result, "\n".join(lines), as_json=as_json)
    if not result.ok:
        raise CommandError("not everything is as it must be")


@cluster.command("role")
@click.argument("username", metavar="NAME")
@click.argument("role", type=click.Choice(["operator", "user"]))
@JSON
@click.pass_obj
def role(settings: Settings, username: str, role: str, *, as_json: bool) -> None:
    """Make the user NAME an operator in every database, or a user again: as `pgwallet user role`."""
    asyncio.run(change_role(map_file.read(settings), username, role, as_json=as_json))


def on_one_screen(found: Status) -> str:
    """Return it as text."""
    lines = [f"homes {json.dumps(found.homes)}"]
    for one in found.databases:
        lines += ["", f"database {one.number}  {one.address}"]
        if one.facts is None:
            lines.append(f"  away: {one.error}")
            continue
        facts = one.facts
        lines.append(f"  {facts.role} on {one.server}, PostgreSQL {facts.postgres}, migration {facts.migration}")
        lines += [f"  standby {_standby(standby)}" for standby in facts.standbys]
        verified = facts.verification
        lines.append(
            f"  {facts.users} users, verified: "
            + (
                "never"
                if verified is None
                else f"{verified.violations or 'no'} violations, {age(verified.age_seconds)} ago"
            )
        )
        lines += [
            f"  in transit to database {transit.destination}: {transit.pending} transfers, {transit.amount}"
            f" {transit.asset} in minor units, the oldest for {age(transit.oldest_seconds)}"
            for transit in facts.in_transit
        ]
    lines += ["", *(f"database {one.number}: {one.difference}: {one.remedy}" for one in found.differences)]
    if not found.differences:
        lines.append("map and databases agree")
    return "\n".join(lines)


def _standby(standby: Standby) -> str:
    behind = "" if standby.behind_bytes is None else f", {standby.behind_bytes} bytes behind"
    late = "" if standby.behind_seconds is None else f" ({standby.behind_seconds:.3f} s)"
    return f"{standby.name}: {standby.state}{behind}{late}{', commits wait for it' if standby.waited_for else ''}"
