"""`pgwallet status`: how service and databases are, on one screen."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import click
from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import asdict

from api import __version__
from api.commands import service
from api.commands.output import JSON, age, show_json, show_lines
from api.setup.administrator import administrators
from api.setup.deploy import UnreachableError
from api.setup.status import Holder, Status, WebhookStatus
from api.setup.status import status as look

if TYPE_CHECKING:
    from collections.abc import Mapping

    from api.settings import Settings


class Member(Struct):
    """One database of a cluster, as it is; `error` where it does not answer."""

    number: int
    status: Status | UnsetType = UNSET
    error: str | UnsetType = UNSET


@click.command()
@JSON
@click.pass_obj
def status(settings: Settings, *, as_json: bool) -> None:
    """Tell how it is: the service here, server, events and who holds them back, webhooks, verification, holds.

    Rates of the service are those of a second. In a cluster each database is told.
    """
    with administrators(settings, "status") as urls:
        running = service.ask(settings)
        if settings.cluster is None:
            found = asyncio.run(look(urls[0]))
            if as_json:
                show_json({**asdict(found), "service": running})
            else:
                first, *others = lines(found)
                show_lines([first, *service_lines(running), *others])
            return
        members = asyncio.run(look_at(urls))
    if as_json:
        show_json({"version": __version__, "service": running, "databases": members})
    else:
        show_lines([("version", __version__), *service_lines(running), *cluster_lines(members)])
    for member in members:
        if member.error:
            raise UnreachableError(f"database {member.number}: {member.error}")


async def look_at(urls: Mapping[int, str]) -> list[Member]:
    """Look at all databases at once."""

    async def one(number: int, url: str) -> Member:
        try:
            return Member(number, status=await look(url))
        except UnreachableError as error:
            return Member(number, error=str(error))

    return await asyncio.gather(*(one(number, url) for number, url in urls.items()))


def cluster_lines(members: list[Member]) -> list[tuple[str, Any]]:
    """Put databases into lines: their number, and what a line tells."""
    told: list[tuple[str, Any]] = []
    for member in members:
        if isinstance(member.status, Status):
            _, *of = lines(member.status)
            told += [(f"{member.number} {name}", value) for name, value in of]
        else:
            told.append((f"{member.number} database", f"away: {member.error}"))
    return told


def service_lines(found: service.Service) -> list[tuple[str, Any]]:
    """Put the service into lines."""
    if found.health is None:
        return [("service", f"not running on {found.address}: {found.reason}")]
    measured = found.measured
    if measured is None:
        return [("service", f"{found.health} on {found.address}; {found.reason}")]
    busy = {place: number for place, number in measured.waiting.items() if number}
    queue = f": {', '.join(f'{number} {place}' for place, number in busy.items())}" if busy else ""
    states = ", ".join(f"{number} {state}" for state, number in measured.connections.items())
    rates = ", ".join(f"{value} {name}" for name, value in measured.rates.items())
    return [
        ("service", f"{found.health} on {found.address}, version {measured.version}, workers: {measured.workers}"),
        ("a second", f"{rates} (over {measured.seconds:.1f} s)"),
        ("queue", f"{sum(busy.values())} requests wait{queue}; connections: {states or 'none'}"),
        ("streams", f"{measured.streams} of events are open"),
    ]


def lines(found: Status) -> list[tuple[str, Any]]:
    """Put a database into lines for people: a name, and what there is to say of it."""
    database, events, verification = found.database, found.events, found.verification
    writes = "takes writes" if database.takes_writes else "takes no writes"
    epoch = "nobody has read any" if events.epoch is None else f"epoch {events.epoch} since {events.epoch_started_at}"
    told: list[tuple[str, Any]] = [
        ("version", f"{found.version}, migration {database.migration}"),
        (
            "database",
            f"{database.name}, {database.size_bytes / 2**20:,.0f} MiB, on PostgreSQL {database.postgres},"
            f" {database.role}, {writes}; seen as {database.login}",
        ),
        ("installation", found.installation),
        ("events", f"newest {events.newest}, {epoch}"),
        *(("held back", _holder(one)) for one in events.held_back_by),
    ]
    if events.unseen:
        told.append(("held back", f"perhaps by {events.unseen} more: {database.login} may not see since when"))
    told += [("webhook", _webhook(one)) for one in found.webhooks] or [("webhooks", "none")]
    told += [
        (
            "verification",
            "never"
            if verification is None
            else f"{verification.violations or 'no'} violations, {age(verification.age_seconds)} ago",
        ),
        ("open holds", found.open_holds),
    ]
    return told


def _holder(one: Holder) -> str:
    who = f"pid {one.pid}" if one.gid is None else f"prepared transaction {one.gid}"
    known = (
        one.application,
        one.login and f"login {one.login}",
        one.database and f"database {one.database}",
        one.state,
    )
    return f"by {who} for {age(one.seconds)}: {', '.join(part for part in known if part)}"


def _webhook(one: WebhookStatus) -> str:
    oldest = "" if one.oldest_seconds is None else f", the oldest waits for {age(one.oldest_seconds)}"
    reason = f" ({one.pause_reason})" if one.pause_reason else ""
    failing = f", {one.failures} failures in a row" if one.failures else ""
    name = f" {one.description}" if one.description else ""
    return (
        f"{one.id}{name}: {one.status}{reason}, {one.behind} behind, {one.backlog} in the backlog{oldest},"
        f" {one.dead_letters} dead letters{failing}"
    )
