"""The hash chain of a user wallet, computed without the database's functions: ADR-005 says what the bytes are."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from struct import pack
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from asyncpg import Record as Row

START: Final = bytes(32)
MICROSECOND: Final = timedelta(microseconds=1)
EPOCH_2000: Final = datetime(2000, 1, 1, tzinfo=UTC)
EPOCH_1970: Final = datetime(1970, 1, 1, tzinfo=UTC)
DEBITS: Final = frozenset({"spend", "transfer", "capture"})


class Place(NamedTuple):
    """How far a wallet's chain was followed: `seq` 0 before its first entry."""

    seq: int = 0
    hash: bytes = START
    balance: int = 0
    created_at: datetime | None = None


class Finding(NamedTuple):
    """Something that is not as it must be, named as by wallet_verify()."""

    violation: str
    wallet_id: UUID | None
    seq: int | None
    transaction_id: int | None
    detail: str


def entry_hash(previous: bytes, row: Row) -> bytes:
    """Return the hash of an entry, given the one of the entry before."""
    text = previous + row["wallet_id"].bytes
    text += pack(">4q", row["seq"], row["transaction_id"], row["amount"], row["balance_after"])
    text += row["txn_id"].bytes + pack(">q", (row["created_at"] - EPOCH_2000) // MICROSECOND) + row["type"].encode()
    if row["counterparty_id"] is not None:
        received = row["from_wallet_id"] != row["wallet_id"]
        text += (row["from_wallet_id"] if received else row["counterparty_id"]).bytes
    return sha256(text + (row["details_hash"] or b"")).digest()


def details_hash(row: Row) -> bytes:
    """Return the hash of the details, which have a salt."""
    moment = "null"
    if row["effective_at"] is not None:
        count = (row["effective_at"] - EPOCH_1970) // MICROSECOND
        moment = f"{'-' * (count < 0)}{abs(count) // 1_000_000}.{abs(count) % 1_000_000:06}"
    text = f"[{json.dumps(row['reference'], ensure_ascii=False)}, {row['metadata'] or 'null'}, {moment}]"
    return sha256(row["salt"].bytes + text.encode()).digest()


def place_of(row: Row) -> Place:
    """Return where an entry leads, whatever is wrong with it."""
    return Place(row["seq"], row["hash"] or b"", row["balance_after"] or 0, row["created_at"])


def follow(place: Place, row: Row) -> list[Finding]:
    """Judge the entry that comes after `place` in its wallet; return what is wrong with it."""
    return [
        Finding(violation, row["wallet_id"], row["seq"], row["transaction_id"], detail)
        for violation, detail in _faults(place, row)
    ]


def _faults(place: Place, row: Row) -> Iterator[tuple[str, str]]:
    if row["seq"] != place.seq + 1:
        yield "sequence", f"seq {row['seq']} where {place.seq + 1} was expected"
    if row["txn_id"] is None:
        yield "entry_transaction", "the entry's transaction does not exist"
        return
    if row["balance_after"] != place.balance + row["amount"]:
        yield (
            "running_balance",
            f"balance_after {row['balance_after']} where {place.balance + row['amount']} was expected",
        )
    if place.created_at is not None and row["created_at"] < place.created_at:
        yield "created_at", f"created at {row['created_at']}, before its predecessor at {place.created_at}"
    if not _agrees(row):
        yield "transaction_amount", "the entry and its transaction do not agree on wallet, place and amount"
    if row["salt"] is not None and details_hash(row) != row["details_hash"]:
        yield "hash", "the details are not what was hashed"
    if row["balance_after"] is None or entry_hash(place.hash, row) != row["hash"]:
        yield "hash", "the entry, its transaction or its details are not what was hashed"


def _agrees(row: Row) -> bool:
    """Whether the transaction says of itself what the entry says: it is not hashed twice."""
    if (row["type"] == "transfer") != (row["counterparty_id"] is not None):
        return False
    if row["from_wallet_id"] == row["wallet_id"]:
        signed = -row["transaction_amount"] if row["type"] in DEBITS else row["transaction_amount"]
        return bool(row["transaction_seq"] == row["seq"] and signed == row["amount"])
    return bool(row["counterparty_id"] == row["wallet_id"] and row["transaction_amount"] == row["amount"])
