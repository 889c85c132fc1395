"""The hash chain of a user wallet, computed without the database's functions. ADR-005 specifies the bytes."""

from __future__ import annotations

import json
import struct
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from struct import pack
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from asyncpg import Record as Row

START: Final = bytes(32)
EPOCH_2000: Final = datetime(2000, 1, 1, tzinfo=UTC)
SECONDS_1970: Final = 946_684_800
INFINITIES: Final = {2**63 - 1: "Infinity", -(2**63): "-Infinity"}
WARNING: Final = "warning: "
DETAILS: Final = ("reference", "metadata", "effective_at")
DEBITS: Final = frozenset({"spend", "transfer", "capture"})
BETWEEN_WALLETS: Final = frozenset({"transfer", "received", "returned"})


class Place(NamedTuple):
    """How far a wallet's chain was followed: `seq` 0 before its first entry."""

    seq: int = 0
    hash: bytes = START
    balance: int = 0
    time: int | None = None


class Finding(NamedTuple):
    """A violation or a warning, in the names of wallet_verify()."""

    violation: str
    wallet_id: UUID | None
    seq: int | None
    transaction_id: int | None
    detail: str

    @property
    def is_warning(self) -> bool:
        """Whether it is only unusual, and may have an honest cause."""
        return self.violation.startswith(WARNING)


# Times stay in PostgreSQL's binary form, microseconds since 2000: `datetime` has neither BC nor infinity.
def _count(moment: bytes) -> int:
    return int.from_bytes(moment, signed=True)


def _text(count: int | None) -> str:
    if count is None or count in INFINITIES:
        return "nothing" if count is None else INFINITIES[count]
    try:
        return str(EPOCH_2000 + timedelta(microseconds=count))
    except OverflowError:
        return f"{count} microseconds from {EPOCH_2000}"


def entry_hash(previous: bytes, row: Row) -> bytes:
    """Return the hash of an entry, given the one of the entry before."""
    text = previous + row["wallet_id"].bytes
    text += pack(">4q", row["seq"], row["transaction_id"], row["amount"], row["balance_after"])
    text += row["txn_id"].bytes + row["created_at"] + row["type"].encode()
    if row["counterparty_id"] is not None:
        received = row["from_wallet_id"] != row["wallet_id"]
        text += (row["from_wallet_id"] if received else row["counterparty_id"]).bytes
    return sha256(text + (row["details_hash"] or b"") + (row["recorded_at"] or b"")).digest()


def details_hash(row: Row) -> bytes:
    """Return the hash of the details; needs their salt."""
    moment = "null"
    if row["effective_at"] is not None:
        count = _count(row["effective_at"])
        since_1970 = count + SECONDS_1970 * 1_000_000
        moment = f"{'-' * (since_1970 < 0)}{abs(since_1970) // 1_000_000}.{abs(since_1970) % 1_000_000:06}"
        if count in INFINITIES:
            moment = f'"{INFINITIES[count]}"'
    text = f"[{json.dumps(row['reference'], ensure_ascii=False)}, {row['metadata'] or 'null'}, {moment}]"
    return sha256(row["salt"].bytes + text.encode()).digest()


def place_of(row: Row) -> Place:
    """Return the place after an entry, even after a faulty one."""
    time = row["recorded_at"] or row["created_at"]
    return Place(row["seq"], row["hash"] or b"", row["balance_after"] or 0, None if time is None else _count(time))


def follow(place: Place, row: Row) -> list[Finding]:
    """Judge the entry that comes after `place` in its wallet; return what is wrong with it."""
    faults = []
    try:
        # keep the faults found before an exception
        for fault in _faults(place, row):
            faults.append(fault)  # noqa: PERF402
    except (TypeError, ValueError, AttributeError, ArithmeticError, struct.error) as error:
        faults.append(("hash", f"the entry, its transaction or its details are not what can be hashed: {error}"))
    return [
        Finding(violation, row["wallet_id"], row["seq"], row["transaction_id"], detail) for violation, detail in faults
    ]


def _faults(place: Place, row: Row) -> Iterator[tuple[str, str]]:
    if row["seq"] != place.seq + 1:
        yield "sequence", f"seq {row['seq']} where {place.seq + 1} was expected"
    if row["from_wallet_id"] is None:
        yield "entry_transaction", "the entry's transaction does not exist"
        return
    expected = place.balance + (row["amount"] or 0)
    if row["balance_after"] != expected:
        yield "running_balance", f"balance_after {row['balance_after']} where {expected} was expected"
    created, recorded = _count(row["created_at"]), row["recorded_at"] and _count(row["recorded_at"])
    if recorded is None and place.time is not None and created < place.time:
        yield "created_at", f"recorded at {_text(created)}, before its predecessor at {_text(place.time)}"
    if recorded is not None and (recorded != place.time or recorded <= created):
        yield (
            "created_at",
            f"recorded_at {_text(recorded)} where its predecessor has {_text(place.time)} "
            f"and its transaction {_text(created)}",
        )
    if not _agrees(row):
        yield "transaction_amount", "the entry and its transaction do not agree on wallet, place and amount"
    if row["salt"] is not None and details_hash(row) != row["details_hash"]:
        yield "hash", "the details are not what was hashed"
    if row["salt"] is None and any(row[name] is not None for name in DETAILS):
        yield "hash", "the details have no salt, and are not erased"
    if row["balance_after"] is None or entry_hash(place.hash, row) != row["hash"]:
        yield "hash", "the entry, its transaction or its details are not what was hashed"


def _agrees(row: Row) -> bool:
    """Whether the transaction's copies of the entry's values agree: the hash omits them."""
    if (row["type"] in BETWEEN_WALLETS) != (row["counterparty_id"] is not None):
        return False
    if row["from_wallet_id"] == row["wallet_id"]:
        signed = -row["transaction_amount"] if row["type"] in DEBITS else row["transaction_amount"]
        return bool(row["transaction_seq"] == row["seq"] and signed == row["amount"])
    return bool(row["counterparty_id"] == row["wallet_id"] and row["transaction_amount"] == row["amount"])
