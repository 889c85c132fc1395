"""`pgwallet webhooks`: what operators do with webhooks over HTTP, for the administrator."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar
from uuid import UUID, uuid4

import click

from api.cluster_map import number_of_row
from api.commands.databases import Arguments, call
from api.commands.output import JSON, printable, show_json
from api.database.rows import WebhookTrial
from api.errors import CommandError, ServiceError
from api.events.cursors import read_cursors
from api.events.networks import Networks
from api.postgres.data_dir import prepare
from api.settings import Settings
from api.setup import service_secrets

# The HTTP client and the ciphers are imported where they are used: they would cost every command of pgwallet 50 ms.
if TYPE_CHECKING:
    from api.events.secrets import SecretBox

F = TypeVar("F", bound=Callable[..., Any])

BEGINNING: Final = "beginning"
MAX_ID: Final = 2**63 - 1


class WebhookError(CommandError):
    """A webhook cannot be made, changed or found; the text says why."""


class Begin(NamedTuple):
    """After which event deliveries begin: its epoch, None for any, and number, by database; all that is missing begins.

    `only`: a number was given, which is of this database.
    """

    places: Mapping[int, tuple[int | None, int]]
    only: int | None = None

    def place(self, number: int, *, alone: bool) -> tuple[int, int | None]:
        """Return number and epoch in one database; `alone`: there is no other."""
        epoch, event = next(iter(self.places.values()), (None, 0)) if alone else self.places.get(number, (None, 0))
        return event, epoch


class Start(click.ParamType[Begin]):
    """After which event deliveries begin: its number, its cursor, or `beginning`."""

    name = "event"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Begin:
        """Return what it says."""
        if value == BEGINNING:
            return Begin({})
        if value.isascii() and value.isdecimal() and len(value) <= len(str(MAX_ID)) and int(value) <= MAX_ID:
            event = int(value)
            return Begin({number_of_row(event): (None, event)}, number_of_row(event) if event else None)
        try:
            return Begin(read_cursors(value))
        except ServiceError:
            self.fail("give the number of an event, its cursor, or beginning", param, ctx)


ID: Final = click.argument("webhook_id", metavar="ID", type=click.UUID)
AFTER_HELP: Final = "The number of an event, its cursor, or beginning"


def terms(command: F) -> F:
    """Add the options for what is set of a webhook."""
    for option in (
        click.option(
            "--batch-size", type=click.IntRange(1, 100), default=1, show_default=True, help="Events per delivery"
        ),
        click.option("--wallet", type=click.UUID, metavar="ID", help="Only of this user wallet"),
        click.option("--asset", metavar="CODE", help="Only of wallets in this asset"),
        click.option("--type", "types", multiple=True, metavar="NAME", help="Only these, like transaction.topup"),
        click.option("--description", metavar="TEXT", help="Free text"),
        click.argument("url"),
    ):
        command = option(command)
    return command


def page(command: F) -> F:
    """Add the options of a list."""
    for option in (
        click.option("--before", type=click.IntRange(1, MAX_ID), metavar="N", help="Only what is older than this one"),
        click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="Rows"),
    ):
        command = option(command)
    return command


@click.group()
def webhooks() -> None:
    """Make, change, test and delete webhooks, and look at their deliveries."""


@webhooks.command("list")
@JSON
@click.pass_obj
def list_all(settings: Settings, *, as_json: bool) -> None:
    """List all webhooks, newest first."""
    show(call(settings, "wallet_webhooks() r"), as_json=as_json)


@webhooks.command("show")
@ID
@JSON
@click.pass_obj
def show_one(settings: Settings, webhook_id: UUID, *, as_json: bool) -> None:
    """Show a webhook and how far it is, without its secret."""
    show_each(settings, call(settings, "wallet_webhook($1) r", webhook_id), as_json)


@webhooks.command("create")
@terms
@click.option("--after", type=Start(), metavar="EVENT", help=f"{AFTER_HELP}; without: from now on")
@JSON
@click.pass_obj
def create(
    settings: Settings,
    url: str,
    description: str | None,
    types: tuple[str, ...],
    asset: str | None,
    wallet: UUID | None,
    batch_size: int,
    after: Begin | None,
    *,
    as_json: bool,
) -> None:
    """Make a webhook to URL, and print it with its secret, which is shown once."""
    check_url(url)
    secret, sealed = new_sealed_secret(settings)

    def arguments(number: int, *, alone: bool) -> tuple[object, ...]:
        place = (None, None) if after is None else after.place(number, alone=alone)
        return (webhook_id, url, description, types or None, asset, wallet, batch_size, sealed, *place)

    webhook_id = uuid4()
    function = "wallet_create_webhook($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) r"
    made = call(settings, function, arguments)
    show_each(settings, [{**row, "secret": secret} for row in made], as_json)


@webhooks.command("change")
@ID
@terms
@JSON
@click.pass_obj
def change(
    settings: Settings,
    webhook_id: UUID,
    url: str,
    description: str | None,
    types: tuple[str, ...],
    asset: str | None,
    wallet: UUID | None,
    batch_size: int,
    *,
    as_json: bool,
) -> None:
    """Replace all that is set of a webhook: what is left out ends."""
    check_url(url)
    changed = call(
        settings,
        "wallet_change_webhook($1, $2, $3, $4, $5, $6, $7) r",
        *(webhook_id, url, description, types or None, asset, wallet, batch_size),
    )
    show_each(settings, changed, as_json)


@webhooks.command("test")
@ID
@JSON
@click.pass_obj
def test(settings: Settings, webhook_id: UUID, *, as_json: bool) -> None:
    """Send an event that is a test, once; exit status 1 unless the receiver takes it."""
    from api.events.trial import try_out

    opened = box(settings)
    (row,) = call(settings, "wallet_test_webhook($1) r", webhook_id, plain=True, one=True)
    trial = WebhookTrial(**row)
    answer = asyncio.run(try_out(trial, opened, Networks(settings.webhook_networks)))
    told = answer._asdict()
    told["answer"] = told.pop("body")
    show({"event_id": trial.event_id, "delivered": answer.delivered, **told}, as_json=as_json)
    if not answer.delivered:
        raise WebhookError("the receiver did not take it")


@webhooks.command("pause")
@ID
@click.option("--reason", metavar="TEXT", help="Shown with the webhook, and kept on record")
@JSON
@click.pass_obj
def pause(settings: Settings, webhook_id: UUID, reason: str | None, *, as_json: bool) -> None:
    """Deliver nothing until the webhook is resumed."""
    show_each(settings, call(settings, "wallet_pause_webhook($1, $2) r", webhook_id, reason), as_json)


@webhooks.command("resume")
@ID
@JSON
@click.pass_obj
def resume(settings: Settings, webhook_id: UUID, *, as_json: bool) -> None:
    """Go on delivering where the webhook was paused."""
    show_each(settings, call(settings, "wallet_resume_webhook($1) r", webhook_id), as_json)


@webhooks.command("secret")
@ID
@JSON
@click.pass_obj
def rotate(settings: Settings, webhook_id: UUID, *, as_json: bool) -> None:
    """Make another secret, and print it with the webhook; the one before signs, too, for 24 hours."""
    secret, sealed = new_sealed_secret(settings)
    changed = call(settings, "wallet_rotate_webhook_secret($1, $2) r", webhook_id, sealed)
    show_each(settings, [{**row, "secret": secret} for row in changed], as_json)


@webhooks.command("replay")
@ID
@click.option("--after", type=Start(), required=True, metavar="EVENT", help=AFTER_HELP)
@JSON
@click.pass_obj
def replay(settings: Settings, webhook_id: UUID, after: Begin, *, as_json: bool) -> None:
    """Deliver all events after this one again."""

    def arguments(number: int, *, alone: bool) -> tuple[object, ...] | None:
        if not alone and after.only not in (None, number):
            return None
        return (webhook_id, *after.place(number, alone=alone))

    replayed = call(settings, "wallet_replay_webhook($1, $2, $3) r", arguments)
    show_each(settings, replayed, as_json)


@webhooks.command("delete")
@ID
@JSON
@click.pass_obj
def delete(settings: Settings, webhook_id: UUID, *, as_json: bool) -> None:
    """Delete a webhook with its deliveries and dead letters; print it as it was."""
    show_each(settings, call(settings, "wallet_delete_webhook($1) r", webhook_id), as_json)


@webhooks.command("deliveries")
@ID
@page
@JSON
@click.pass_obj
def deliveries(settings: Settings, webhook_id: UUID, limit: int, before: int | None, *, as_json: bool) -> None:
    """List attempts to deliver, newest first; --before takes the id of the last one shown."""
    function = "wallet_webhook_deliveries($1, $2, $3) r"
    rows = call(settings, function, paged(webhook_id, limit, before))
    show(newest(rows, "created_at", limit), as_json=as_json)


@webhooks.command("dead-letters")
@ID
@page
@JSON
@click.pass_obj
def dead_letters(settings: Settings, webhook_id: UUID, limit: int, before: int | None, *, as_json: bool) -> None:
    """List events that were given up, newest first; --before takes the event_id of the last one shown."""
    function = "wallet_webhook_dead_letters($1, $2, $3) r"
    rows = call(settings, function, paged(webhook_id, limit, before))
    show(newest(rows, "first_at", limit), as_json=as_json)


def paged(webhook_id: UUID, limit: int, before: int | None) -> Arguments:
    """Return what a list takes. In a cluster, what is before a row is what its database has."""

    def arguments(number: int, *, alone: bool) -> tuple[object, ...] | None:
        return (webhook_id, limit, before) if alone or before is None or number_of_row(before) == number else None

    return arguments


def newest(rows: list[dict[str, Any]], moment: str, limit: int) -> list[dict[str, Any]]:
    """Merge the lists of several databases by time; of one it is what it was."""
    several = len({row.get("database") for row in rows}) > 1
    return sorted(rows, key=lambda row: str(row[moment]), reverse=True)[:limit] if several else rows


@webhooks.command("retry")
@ID
@click.argument("events", metavar="EVENT...", nargs=-1, type=click.IntRange(1, MAX_ID))
@click.option("--all", "everything", is_flag=True, help="All dead letters")
@JSON
@click.pass_obj
def retry(settings: Settings, webhook_id: UUID, events: tuple[int, ...], *, everything: bool, as_json: bool) -> None:
    """Deliver dead letters again: these events, or all."""
    if everything == bool(events):
        raise click.UsageError("give events, or --all")

    def arguments(number: int, *, alone: bool) -> tuple[object, ...] | None:
        mine = [event for event in events if alone or number_of_row(event) == number]
        return (webhook_id, mine or None) if mine or everything else None

    call_of = "wallet_retry_dead_letters($1, $2) r (retried)"
    show_each(settings, call(settings, call_of, arguments, plain=True), as_json)


def show_each(settings: Settings, rows: list[dict[str, Any]], as_json: bool) -> None:  # noqa: FBT001 - as click gives it
    """Print what is one row in one database, and of a cluster one for each."""
    show(rows[0] if settings.cluster is None else rows, as_json=as_json)


def show(found: dict[str, Any] | list[dict[str, Any]], *, as_json: bool) -> None:
    """Print it: as JSON, or each row on a line, without what is null."""
    if as_json:
        show_json(found)
        return
    for row in found if isinstance(found, list) else [found]:
        told = {name: ",".join(value) if isinstance(value, list) else value for name, value in row.items()}
        click.echo(printable("  ".join(f"{name}={value}" for name, value in told.items() if value is not None)))


def box(settings: Settings) -> SecretBox:
    """Return what opens the service's secrets. Raises WebhookError where their key is not known here."""
    from api.events.secrets import SecretBox

    if settings.embedded:
        prepare(settings.data_dir)
    key = service_secrets.webhook_key(settings)
    if key is None:
        raise WebhookError("set PGWALLET_WEBHOOK_KEY as the service has it: the secrets are encrypted under it")
    return SecretBox(key)


def new_sealed_secret(settings: Settings) -> tuple[str, bytes]:
    """Make a secret: as the receiver needs it, and as the database keeps it."""
    from api.events.secrets import new_secret

    secret = new_secret()
    return secret, box(settings).seal(secret)


def check_url(url: str) -> None:
    """Raise WebhookError where the form of the URL is wrong."""
    from api.events.sender import url_fault

    if fault := url_fault(url):
        raise WebhookError(f"url {fault}")
