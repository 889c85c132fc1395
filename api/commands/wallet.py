"""`pgwallet wallet`: shows wallets and their statements, freezes them, sets their limits."""

from __future__ import annotations

import contextlib
import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import click

from api.commands.databases import AS, MAX_AMOUNT, AmountType, Databases, Wallet, WalletType, on_databases
from api.commands.output import (
    JSON,
    YES,
    Cell,
    confirm,
    moment,
    money,
    printable,
    show_json,
    show_lines,
    show_record,
    show_rows,
)
from api.errors import CommandError

KINDS: Final = ("topup", "spend", "transfer")
WINDOWS: Final = ("per_transaction", "per_day", "per_30_days")
DAYS: Final = 30
DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

Given = UUID | tuple[str, str]
Limits = dict[str, dict[str, int | None]]

WALLET: Final = click.argument("given", metavar="WALLET", type=WalletType())
REASON: Final = click.option("--reason", required=True, metavar="TEXT", help="Why; it is kept on record")


class MomentType(click.ParamType[datetime]):
    """A moment: a time with an offset, or a day, which begins in UTC."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Return the moment in UTC."""
        with contextlib.suppress(ValueError, OverflowError):
            found = datetime.fromisoformat(f"{value}T00:00:00Z" if DAY.fullmatch(value) else value)
            if found.tzinfo is not None:
                return found.astimezone(UTC)
        return self.fail("give a time with an offset, like 2026-11-22T12:00:00Z, or a day, like 2026-11-22", param, ctx)


class LimitType(click.ParamType[tuple[str, int | None]]):
    """A limit of a kind: spend=1000, or spend=none."""

    name = "limit"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, int | None]:
        """Return kind and maximum."""
        kind, _, maximum = value.partition("=")
        if kind not in KINDS or not maximum:
            self.fail(f"give a kind ({', '.join(KINDS)}) and minor units or none, like spend=1000", param, ctx)
        limit = AmountType(0, none=True).convert(maximum, param, ctx)
        return kind, None if limit < 0 else limit


@click.group()
def wallet() -> None:
    """Show wallets and their statements, freeze them, set their limits.

    WALLET is a wallet's id, or its owner and asset, like alice/UC. Amounts are given in minor units.
    """


@wallet.command("show")
@WALLET
@JSON
@on_databases
async def show_wallet(databases: Databases, *, given: Given, as_json: bool) -> None:
    """Show a wallet: balance, limits, who changed its status. That it was shown is on record."""
    found = await databases.wallet(given)
    row = await databases.row(found.number, "wallet_inspect_wallet($1)", found.id)
    if as_json:
        show_json(row)
        return

    def amount(name: str) -> Cell:
        return lambda row: money(row[name], row["asset"], row["scale"])

    lines: dict[str, Cell] = {
        "wallet": lambda _: str(found),
        "id": "wallet_id",
        "owner": "user_id",
        "purpose": "purpose",
        "status": "status",
        **{name.replace("_", " "): amount(name) for name in ("balance", "held", "available", "floor", "max_balance")},
        "made at": lambda row: moment(row["created_at"]),
    }
    show_record(row, databases.named(lines), as_json=False)
    if row["limits"]:
        _show_limits(found, row["limits"])
    show_lines(
        (
            "was set",
            f"{change['status']} at {moment(change['changed_at'])} by {change['actor_username'] or 'an administrator'}:"
            f" {change['reason']}",
        )
        for change in row["status_history"]
    )


@wallet.command("statement")
@WALLET
@click.option("--from", "since", type=MomentType(), metavar="TIME", help=f"Without: {DAYS} days before its end")
@click.option("--to", "until", type=MomentType(), metavar="TIME", help="Without: now")
@JSON
@on_databases
async def statement(
    databases: Databases, *, given: Given, since: datetime | None, until: datetime | None, as_json: bool
) -> None:
    """Show what a wallet had, each movement, and what it has since. That it was shown is on record."""
    found = await databases.wallet(given)
    if until is None:
        ((until,),) = await databases.fetch(found.number, "select clock_timestamp()")
    if since is None:
        since = max(until, datetime.min.replace(tzinfo=UTC) + timedelta(days=DAYS)) - timedelta(days=DAYS)
    rows = await databases.rows(found.number, "wallet_inspect_statement($1, $2, $3)", found.id, since, until)
    if as_json:
        opening, *entries, closing = rows
        for entry in entries:
            del entry["line"]
        bounds = {"from": since, "to": until, "opening": opening["balance"], "closing": closing["balance"]}
        of = {"wallet_id": found.id, "asset": found.asset, "scale": found.scale}
        show_json({**of, **bounds, "entries": entries})
        return
    columns: dict[str, Cell] = {
        "at": lambda row: moment(row["created_at"]),
        "type": lambda row: row["type"] or row["line"],
        "amount": lambda row: money(row["amount"], found.asset, found.scale),
        "balance": lambda row: money(row["balance"], found.asset, found.scale),
        "reference": "reference",
        "other side": lambda row: row["counterparty_username"] or row["counterparty_wallet_id"],
        "txn_id": "txn_id",
    }
    show_rows(rows, columns, as_json=False, right=("amount", "balance"))


@wallet.command("freeze")
@WALLET
@REASON
@AS
@YES
@JSON
@on_databases
async def freeze(
    databases: Databases, *, given: Given, reason: str, operator: str | None, yes: bool, as_json: bool
) -> None:
    """Let no money leave a wallet until it is unfrozen; money can still reach it."""
    await _set_status(databases, given, "active", "frozen", reason, operator, yes=yes, as_json=as_json)


@wallet.command("unfreeze")
@WALLET
@REASON
@AS
@YES
@JSON
@on_databases
async def unfreeze(
    databases: Databases, *, given: Given, reason: str, operator: str | None, yes: bool, as_json: bool
) -> None:
    """Let money leave a frozen wallet again."""
    await _set_status(databases, given, "frozen", "active", reason, operator, yes=yes, as_json=as_json)


async def _set_status(
    databases: Databases,
    given: Given,
    before: str,
    status: str,
    reason: str,
    operator: str | None,
    *,
    yes: bool,
    as_json: bool,
) -> None:
    """Set a status, of a wallet that has one of the two. A closed wallet stays closed."""
    found = await databases.wallet(given)
    if found.status not in (before, status):
        raise CommandError(f"{found} is {found.status}: only a wallet that is {before} becomes {status}")
    actor = await databases.actor(found.number, operator)
    confirm(f"Set {found} from {found.status} to {status}?", yes=yes)
    row = await databases.row(found.number, "wallet_set_status($1, $2, $3, $4)", found.id, status, reason, actor)
    if as_json:
        show_json(row)
    else:
        click.echo(printable(f"{found} is {status}, it was {row['previous_status']}"))


@wallet.command("limits")
@WALLET
@click.option("--per-transaction", type=LimitType(), multiple=True, metavar="KIND=N", help="At once, like spend=1000")
@click.option("--per-day", type=LimitType(), multiple=True, metavar="KIND=N", help="In 24 hours")
@click.option("--per-30-days", type=LimitType(), multiple=True, metavar="KIND=N", help="In 30 days")
@click.option("--floor", type=AmountType(-MAX_AMOUNT), metavar="N", help="The lowest balance, 0 or below: an overdraft")
@click.option("--max-balance", type=AmountType(0, none=True), metavar="N", help="The highest balance, or none")
@click.option("--reason", metavar="TEXT", help="Why; it is kept on record, and should not name the person")
@AS
@JSON
@on_databases
async def limits(
    databases: Databases,
    *,
    given: Given,
    per_transaction: tuple[tuple[str, int | None], ...],
    per_day: tuple[tuple[str, int | None], ...],
    per_30_days: tuple[tuple[str, int | None], ...],
    floor: int | None,
    max_balance: int | None,
    reason: str | None,
    operator: str | None,
    as_json: bool,
) -> None:
    """Show a wallet's limits, or change those that are named: the others stay.

    KIND is topup, spend or transfer; N are minor units, or none to end a limit. What has moved before counts at once.
    """
    found = await databases.wallet(given)
    named = dict(zip(WINDOWS, (per_transaction, per_day, per_30_days), strict=True))
    if not any(named.values()) and floor is None and max_balance is None:
        if reason is not None or operator is not None:
            raise click.UsageError("there is nothing to change: name a limit")
        row = await databases.row(found.number, "wallet_inspect_wallet($1)", found.id)
    else:
        actor = await databases.actor(found.number, operator)
        connection = await databases.at(found.number)
        async with connection.transaction():
            # nobody else changes them meanwhile
            await databases.fetch(found.number, "select from wallet.wallets where id = $1 for no key update", found.id)
            row = await databases.row(found.number, "wallet_inspect_wallet($1)", found.id)
            wanted: Limits = {
                kind: {window: row["limits"].get(kind, {}).get(window, {}).get("maximum") for window in WINDOWS}
                for kind in KINDS
            }
            for window, changes in named.items():
                for kind, value in changes:
                    wanted[kind][window] = value
            kinds = [kind for kind in KINDS if any(value is not None for value in wanted[kind].values())]
            await databases.rows(
                found.number,
                "wallet_set_limits($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                found.id,
                kinds,
                *([wanted[kind][window] for kind in kinds] for window in WINDOWS),
                row["floor"] if floor is None else floor,
                row["max_balance"] if max_balance is None else None if max_balance < 0 else max_balance,
                actor,
                reason,
            )
            row = await databases.row(found.number, "wallet_inspect_wallet($1)", found.id)
    kept = ("database", "wallet_id", "asset", "scale", "floor", "max_balance", "limits")
    told = {name: row[name] for name in kept if name in row}
    if as_json:
        show_json(told)
        return
    bounds = {name: money(row[name], found.asset, found.scale) for name in ("floor", "max_balance")}
    show_lines((name.replace("_", " "), bound) for name, bound in bounds.items() if bound is not None)
    _show_limits(found, row["limits"])


def _show_limits(found: Wallet, of: dict[str, dict[str, dict[str, int]]]) -> None:
    """Print a line for each limit."""
    rows = [
        {"kind": kind, "window": window, **of[kind][window]}
        for kind in KINDS
        for window in WINDOWS
        if window in of.get(kind, {})
    ]

    def amount(name: str) -> Cell:
        return lambda row: money(row[name], found.asset, found.scale)

    columns: dict[str, Cell] = {
        "limit": lambda row: f"{row['kind']} {row['window'].replace('_', ' ')}",
        **{name: amount(name) for name in ("maximum", "used", "left")},
    }
    show_rows(rows, columns, as_json=False, right=("maximum", "used", "left"), none="no limits")
