"""The hash chain as ADR-005 states it, computed anew without the database's functions."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from struct import pack
from uuid import UUID

import psycopg
import pytest
from psycopg.rows import dict_row

from tests.database import Database

ENTRIES = """
select l.*, t.txn_id, t.type::text, t.created_at, t.wallet_id as from_wallet_id, t.counterparty_id,
  d.salt, d.reference, d.metadata::text, d.effective_at
from wallet.ledger l
join wallet.transactions t on t.id = l.transaction_id
join wallet.wallets w on w.id = l.wallet_id and w.kind = 'user'
left join wallet.transaction_details d on d.transaction_id = t.id
order by l.wallet_id, l.seq
"""
ALICE = "(select wallet_id from wallet_credentials('alice'))"
WRITES = [
    f"select wallet_topup({ALICE}, gen_random_uuid(), 9007199254740991 - 1000)",
    f"select wallet_spend({ALICE}, gen_random_uuid(), 7, 'Größe \"1\" \\ \t€ 𝄞')",
    f"""select wallet_spend({ALICE}, gen_random_uuid(), 7, 'x', '{{"b": 1.10, "aa": [1e3, null, "é"], "c": {{}}}}')""",
    f"select wallet_spend({ALICE}, gen_random_uuid(), 7, null, null, '1969-12-31 23:59:59.5+00')",
    f"select wallet_transfer({ALICE}, gen_random_uuid(), 5, p_to_username => 'bob', p_effective_at => '2026-01-02')",
    f"select wallet_adjust({ALICE}, gen_random_uuid(), -3, 'a mistake')",
    f"""select wallet_batch(array_fill('spend'::text, array[20]), array_fill({ALICE}, array[20]),
      array(select gen_random_uuid() from generate_series(1, 20)), array_fill(2::bigint, array[20]),
      array(select case when n % 5 = 0 then 'item ' || n end from generate_series(1, 20) n))""",
]


@pytest.fixture
def connection(database: Database) -> Iterator[psycopg.Connection]:
    with database.connect() as one:
        one.execute("set timezone = 'Asia/Kathmandu'")
        yield one


def microseconds(moment: datetime, since: int) -> int:
    span = moment.astimezone(UTC) - datetime(since, 1, 1, tzinfo=UTC)
    return (span.days * 86_400 + span.seconds) * 1_000_000 + span.microseconds


def details(salt: UUID, reference: str | None, metadata: str | None, effective_at: datetime | None) -> bytes:
    moment = "null"
    if effective_at is not None:
        count = microseconds(effective_at, 1970)
        moment = f"{'-' * (count < 0)}{abs(count) // 1_000_000}.{abs(count) % 1_000_000:06}"
    text = f"[{json.dumps(reference, ensure_ascii=False)}, {metadata or 'null'}, {moment}]"
    return sha256(salt.bytes + text.encode()).digest()


def test_the_hashes_are_those_of_the_decision(connection: psycopg.Connection) -> None:
    for write in WRITES:
        connection.execute(write)
    entries = connection.cursor(row_factory=dict_row).execute(ENTRIES).fetchall()
    assert len(entries) > 25
    assert {entry["type"] for entry in entries} == {"bonus", "topup", "spend", "transfer", "adjustment"}
    previous = {entry["wallet_id"]: bytes(32) for entry in entries}
    for entry in entries:
        wallet = entry["wallet_id"]
        text = previous[wallet] + wallet.bytes
        text += pack(">4q", entry["seq"], entry["transaction_id"], entry["amount"], entry["balance_after"])
        text += entry["txn_id"].bytes + pack(">q", microseconds(entry["created_at"], 2000)) + entry["type"].encode()
        if entry["type"] == "transfer":
            text += ({entry["from_wallet_id"], entry["counterparty_id"]} - {wallet}).pop().bytes
        if entry["salt"] is not None:
            given = (entry[name] for name in ("salt", "reference", "metadata", "effective_at"))
            text += details(*given)
        assert entry["hash"] == sha256(text).digest(), entry
        previous[wallet] = entry["hash"]
