"""The judge: what clients were told against what all databases hold, by its own queries and by pgwallet's checks."""

import asyncio
import contextlib
from collections import Counter
from typing import Any
from uuid import UUID

import psycopg

from api.integrity.cross_check import cross_check
from tests.system.cluster.world import World

OUTBOX = """
select o.transaction_id as id, o.wallet_id, o.to_wallet_id, o.status, o.code, t.amount, t.txn_id, w.asset,
  r.type::text as returned_type, r.amount as returned_amount
from wallet.outbox o
join wallet.transactions t on t.id = o.transaction_id
join wallet.wallets w on w.id = o.wallet_id
left join wallet.transactions r on r.id = o.returned_id and r.wallet_id = o.wallet_id
"""
INBOX = """
select i.origin_id as id, i.from_wallet_id, i.to_wallet_id, i.amount, i.asset, i.code,
  t.type::text, t.amount as credited
from wallet.inbox i
left join wallet.transactions t on t.id = i.transaction_id and t.wallet_id = i.to_wallet_id
"""
BALANCES = """
select w.id, coalesce(sum(l.amount), 0)::bigint as balance
from wallet.wallets w left join wallet.ledger l on l.wallet_id = w.id
where w.kind = 'user' group by w.id
"""
IN_TRANSIT = """
select coalesce(sum(l.amount), 0)::bigint
from wallet.wallets w join wallet.ledger l on l.wallet_id = w.id
where w.kind = 'system' and w.purpose in ('transfer', 'received', 'returned')
"""
Row = dict[str, Any]


def findings(world: World, before: dict[UUID, int]) -> list[str]:
    """What is wrong; nothing may be under way. `before`: the balances at the beginning."""
    outbox: dict[int, Row] = {}
    inbox: dict[int, Row] = {}
    after: dict[UUID, int] = {}
    found: list[str] = []
    transit = 0
    for number, database in enumerate(world.databases.members):
        with psycopg.connect(database.url, row_factory=psycopg.rows.dict_row) as connection:
            outbox |= {row["id"]: row for row in connection.execute(OUTBOX)}
            inbox |= {row["id"]: row for row in connection.execute(INBOX)}
            found += [
                f"database {number}: wallet_verify(): {row}"
                for row in connection.execute("select * from public.wallet_verify()")
            ]
        with database.connect() as connection_of_rows:
            transit += (connection_of_rows.execute(IN_TRANSIT).fetchone() or (0,))[0]
        after |= balances_of(database.url)
    if transit:
        found.append(f"{transit} is in transit for ever")
    if sum(after.values()) != sum(before.values()):
        found.append(f"the sum of money differs by {sum(after.values()) - sum(before.values())}")
    found += mismatches(outbox, inbox)
    urls = {number: database.url for number, database in enumerate(world.databases.members)}
    compared = cross_check(
        urls,
        lambda finding: found.append(f"cross-check: {finding}"),
        lambda _: contextlib.nullcontext(lambda _: None),
    )
    asyncio.run(compared)
    found += untold(world, outbox)
    expected = Counter(before)
    for row in outbox.values():
        if row["status"] == "delivered":
            expected[row["wallet_id"]] -= row["amount"]
            expected[row["to_wallet_id"]] += row["amount"]
    found += [
        f"wallet {wallet}: {after.get(wallet)}, expected {balance}"
        for wallet, balance in expected.items()
        if after.get(wallet) != balance
    ]
    return found


def mismatches(outbox: dict[int, Row], inbox: dict[int, Row]) -> list[str]:
    """The rows of outboxes and inboxes that do not tell the same."""
    found = []
    for number, row in outbox.items():
        match inbox.get(number), row["status"]:
            case _, "pending":
                found.append(f"{number} is pending")
            case None, status:
                found.append(f"{number} is {status}, and no database has decided it")
            case {} as other, status:
                sides = [(one["to_wallet_id"], one["amount"], one["asset"], one["code"]) for one in (row, other)]
                credited = (other["type"], other["credited"])
                returned = (row["returned_type"], row["returned_amount"])
                whole = {
                    "delivered": credited == ("received", row["amount"]) and returned == (None, None),
                    "returned": credited == (None, None) and returned == ("returned", row["amount"]),
                }[status]
                if sides[0] != sides[1] or row["wallet_id"] != other["from_wallet_id"] or not whole:
                    found.append(f"{number} is not the same on both sides: {row} {other}")
    return found + [f"{number} was decided, and nobody sent it" for number in inbox.keys() - outbox.keys()]


def untold(world: World, outbox: dict[int, Row]) -> list[str]:
    """What was acknowledged and is not there once, and what is there and was not acknowledged."""
    there = Counter((row["wallet_id"], row["txn_id"], row["to_wallet_id"], row["amount"]) for row in outbox.values())
    told = {(t.sender, t.txn_id, t.recipient, t.amount) for t in world.transfers if t.acknowledged}
    found = [f"acknowledged, but there {there[one]} times: {one}" for one in told if there[one] != 1]
    return found + [f"there, but not acknowledged: {one}" for one in there if one not in told]


def balances(world: World) -> dict[UUID, int]:
    """Every user wallet's balance, by its entries."""
    return {
        wallet: balance for database in world.databases.members for wallet, balance in balances_of(database.url).items()
    }


def balances_of(url: str) -> dict[UUID, int]:
    with psycopg.connect(url) as connection:
        return dict(connection.execute(BALANCES).fetchall())
