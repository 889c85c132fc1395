"""`pgwallet status`: how the database is, on one screen."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import click

from api.commands.output import JSON, age, show_json, show_lines
from api.setup.administrator import administrator
from api.setup.status import Holder, Status, WebhookStatus
from api.setup.status import status as look

if TYPE_CHECKING:
    from api.settings import Settings


@click.command()
@JSON
@click.pass_obj
def status(settings: Settings, *, as_json: bool) -> None:
    """Tell how the database is: server, events and who holds them back, webhooks, verification, holds."""
    with administrator(settings, "status") as url:
        found = asyncio.run(look(url))
    if as_json:
        show_json(found)
    else:
        show_lines(lines(found))


def lines(found: Status) -> list[tuple[str, Any]]:
    """Put it into lines for people: a name and what there is to say of it."""
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
