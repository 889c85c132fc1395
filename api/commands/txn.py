"""`pgwallet txn`: finds transactions. `pgwallet topup`, `refund` and `adjust` make them in an operator's name."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar
from uuid import UUID, uuid4

import click

from api.commands.databases import MAX_AMOUNT, AmountType, Databases, RefusedError, WalletType, on_databases
from api.commands.output import (
    JSON,
    YES,
    Cell,
    Row,
    confirm,
    moment,
    money,
    note,
    show_json,
    show_record,
    show_rows,
)

F = TypeVar("F", bound=Callable[..., Any])

Given = UUID | tuple[str, str]

PAGE: Final = 1000
MAX_ID: Final = 2**63 - 1
FOUND: Final = (
    "kind",
    "user_id",
    "username",
    "wallet_id",
    "asset",
    "scale",
    "status",
    "id",
    "txn_id",
    "type",
    "amount",
)
"""What is told of each transaction and hold, before its reference and time."""
WALLET: Final = click.argument("given", metavar="WALLET", type=WalletType())


@click.group()
def txn() -> None:
    """Find transactions."""


@txn.command("find")
@click.argument("query")
@click.option("--amount", type=AmountType(), metavar="N", help="Only of so many minor units, in or out")
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="So many, the newest")
@JSON
@on_databases
async def find(databases: Databases, *, query: str, amount: int | None, limit: int, as_json: bool) -> None:
    """Find transactions and holds by QUERY: a number, a txn_id, a reference, the id of a wallet or user, a username.

    A transfer is found in both wallets. With --amount all of a user's history is looked through. Who is shown is on
    record.
    """

    async def search(number: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        if query.isascii() and query.isdecimal() and len(query) < len(str(MAX_ID)):
            found += await _by_number(databases, number, int(query))
        for row in await databases.rows(number, "wallet_search($1)", query):
            if row["kind"] in ("transaction", "hold"):
                found.append(row)
            elif row["kind"] == "wallet":
                found += await _of_wallet(databases, number, row, amount, limit)
            elif query.lower() in (row["username"], row["user_id"]):
                user = await databases.row(number, "wallet_inspect_user($1)", row["user_id"])
                for wallet in user["wallets"]:
                    found += await _of_wallet(databases, number, {**row, **wallet}, amount, limit)
            else:
                others.append(row["username"])
        return found

    others: list[str] = []
    rows = [row for row in await databases.each(search) if amount is None or abs(row["amount"] or 0) == amount]
    # one can be found in several ways
    once = {(row["kind"], row["wallet_id"], row["id"]): row for row in rows}
    newest = sorted(once.values(), key=lambda row: str(row["created_at"]), reverse=True)[:limit]
    if others:
        note(f"users whose names begin so: {', '.join(others)}")
    kept = ("database", *FOUND, "reference", "created_at")
    columns: dict[str, Cell] = {
        "number": "id",
        "at": lambda row: moment(row["created_at"]),
        "what": lambda row: f"hold, {row['status']}" if row["kind"] == "hold" else row["type"],
        "wallet": lambda row: f"{row['username'] or '?'}/{row['asset']}",
        "amount": lambda row: money(row["amount"], row["asset"], row["scale"]),
        "reference": "reference",
        "txn_id": "txn_id",
    }
    told = [{name: row[name] for name in kept if name in row} for row in newest]
    show_rows(told, databases.named(columns), as_json=as_json, right=("number", "amount"), none="nothing found")


async def _by_number(databases: Databases, number: int, transaction_id: int) -> list[dict[str, Any]]:
    """Return the transaction of this number, once for each user's wallet; [] where this database has none."""
    with contextlib.suppress(RefusedError):
        row = await databases.row(number, "wallet_inspect_transaction($1)", transaction_id)
        return [
            {**row, **entry, "kind": "transaction", "status": None, "created_at": entry["recorded_at"]}
            for entry in row["entries"]
            if entry["kind"] == "user"
        ]
    return []


async def _of_wallet(
    databases: Databases, number: int, wallet: Mapping[str, Any], amount: int | None, limit: int
) -> list[dict[str, Any]]:
    """Return the newest transactions of a wallet: of this amount, where there is one."""
    found: list[dict[str, Any]] = []
    before: int | None = None
    size = limit if amount is None else PAGE
    while len(found) < limit:
        call = "wallet_inspect_entries($1, $2, $3)"
        page = await databases.rows(number, call, wallet["wallet_id"], min(size, PAGE), before)
        found += (
            {**wallet, **entry, "kind": "transaction", "status": None}
            for entry in page
            if amount is None or abs(entry["amount"]) == amount
        )
        if len(page) < min(size, PAGE):
            break
        before = page[-1]["seq"]
    return found


def act(command: F) -> F:
    """Add what every act of an operator takes."""
    for option in (
        JSON,
        YES,
        click.option(
            "--txn-id", type=click.UUID, metavar="UUID", help="Of a request that is to happen once; else made"
        ),
        click.option("--reason", required=True, metavar="TEXT", help="Why; it is kept as the reference"),
        click.option(
            "--as", "operator", required=True, metavar="OPERATOR", help="In whose name: an operator's username"
        ),
    ):
        command = option(command)
    return command


@click.command()
@WALLET
@click.argument("amount", type=AmountType())
@act
@on_databases
async def topup(databases: Databases, /, *, given: Given, amount: int, **how: Any) -> None:
    """Credit WALLET, a wallet's id or like alice/UC, with AMOUNT minor units."""
    await _act(databases, "topup", given, None, amount, **how)


@click.command()
@WALLET
@click.argument("original", metavar="TXN_ID", type=click.UUID)
@click.argument("amount", type=AmountType(), required=False)
@act
@on_databases
async def refund(databases: Databases, /, *, given: Given, original: UUID, amount: int | None, **how: Any) -> None:
    """Give a spend or capture of WALLET back: AMOUNT minor units, else all that is left of it.

    TXN_ID is that of the spend or capture. Above PGWALLET_FOUR_EYES it waits for another operator.
    """
    await _act(databases, "refund", given, original, amount, **how)


@click.command(context_settings={"ignore_unknown_options": True})
@WALLET
@click.argument("amount", type=AmountType(-MAX_AMOUNT))
@act
@on_databases
async def adjust(databases: Databases, /, *, given: Given, amount: int, **how: Any) -> None:
    """Correct the balance of WALLET by AMOUNT minor units, up or, like -500, down.

    Above PGWALLET_FOUR_EYES it waits for another operator.
    """
    await _act(databases, "adjustment", given, None, amount, **how)


WORDS: Final = {"topup": "Top up {} by {}", "refund": "Refund to {} {}", "adjustment": "Adjust {} by {}"}


async def _act(
    databases: Databases,
    kind: str,
    given: Given,
    original: UUID | None,
    amount: int | None,
    *,
    operator: str,
    reason: str,
    txn_id: UUID | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Do it in the operator's name; or ask for the second operator that it needs."""
    wallet = await databases.wallet(given)
    actor = await databases.actor(wallet.number, operator)
    much = money(amount, wallet.asset, wallet.scale) or "all that is left"
    confirm(f"{WORDS[kind].format(wallet, much)}, as {operator}?", yes=yes)
    request: tuple[object, ...] = (wallet.id, txn_id or uuid4(), original, amount, reason)
    if txn_id is None:
        # before anything can be cut off
        note(f"txn_id {request[1]}: given again with --txn-id, it does not happen twice")
    four_eyes = databases.settings.four_eyes
    if four_eyes is not None and kind != "topup":
        propose = "wallet_propose($1, $2, $3, $4, $5, $6, null, null, $7, $8)"
        for waits in await databases.rows(wallet.number, propose, kind, *request, four_eyes, actor):
            _show(databases, waits, str(wallet), as_json=as_json, waits=True)
            return
    if kind == "refund":
        call, values = "wallet_give_back($1, $2, $3, $4, $5, p_actor => $6)", request
    else:
        call = f"wallet_{'fund' if kind == 'topup' else 'adjust'}($1, $2, $3, $4, p_actor => $5)"
        values = (*request[:2], *request[3:])
    row = await databases.row(wallet.number, call, *values, actor)
    _show(databases, row, str(wallet), as_json=as_json, waits=False)


def _show(databases: Databases, row: Row, wallet: str, *, as_json: bool, waits: bool) -> None:
    if as_json:
        show_json({"waits": waits, **row})
        return
    if waits:
        note("nothing moved: it waits for the confirmation of another operator")

    def amount(*names: str) -> Cell:
        return lambda row: money(
            next((row[name] for name in names if row.get(name) is not None), None), row["asset"], row["scale"]
        )

    lines: dict[str, Cell] = {
        "confirmation" if waits else "number": "id",
        "txn_id": "txn_id",
        "wallet": lambda _: wallet,
        "type": "type",
        "amount": amount("amount", "expected"),
        "balance": amount("balance"),
        "available": amount("available"),
        "status": "status",
        "at": lambda row: moment(row["created_at"]),
        "replayed": lambda row: "yes, it was done before" if row.get("replayed") else None,
    }
    show_record(row, databases.named(lines), as_json=False)
