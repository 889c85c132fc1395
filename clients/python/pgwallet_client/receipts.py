"""Receipts: what their hashes are made of, computed here, so that nobody has to be believed.

A receipt is a hash over an entry of a wallet and the receipt of the entry before it. The formula is in the decision on
the hash chain (ADR-005) of the service.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from hashlib import sha256
from struct import pack
from typing import Final, NamedTuple
from uuid import UUID

from pgwallet_client._model import Event
from pgwallet_client.models import TransactionData

BEGINNING: Final = "0" * 64
"""What stands for the receipt before a wallet's first entry."""
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)


class Checked(NamedTuple):
    """An entry of a wallet, and what its receipt proves."""

    event: Event
    wallet_id: UUID
    seq: int
    proven: bool
    """Whether the receipt is the hash of exactly these facts and of all before.

    Not where the transaction has a reference, metadata or a time of its own, which are hashed with a salt that the
    service keeps, or has lost them by an erasure; and not of an entry that was recorded while the clock was set back.
    Such a receipt is carried by the next one that is proven.
    """


def entry_hash(
    previous: str,
    *,
    wallet_id: UUID,
    seq: int,
    transaction_id: int,
    amount: int,
    balance: int,
    txn_id: UUID,
    created_at: datetime,
    kind: str,
    other_wallet_id: UUID | None = None,
    details_hash: str = "",
) -> str:
    """Return the receipt of an entry, in hex. `amount` is signed; `previous` the receipt of the entry before."""
    since = created_at.astimezone(UTC) - _EPOCH
    microseconds = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
    text = bytes.fromhex(previous) + wallet_id.bytes + pack(">4q", seq, transaction_id, amount, balance)
    text += txn_id.bytes + pack(">q", microseconds) + kind.encode()
    if other_wallet_id is not None:
        text += other_wallet_id.bytes
    return sha256(text + bytes.fromhex(details_hash)).hexdigest()


def check_chain(events: Iterable[Event], previous: dict[UUID, tuple[int, str]] | None = None) -> Iterator[Checked]:
    """Compute the receipts of a user's own events anew, as `client.events(after="beginning", seconds=0)` yields them.

    `previous` has, by wallet, the place and the receipt of the last entry that was checked, and is kept up to date:
    store it to go on later. What is no transaction is passed over, and so is what comes after a gap.
    """
    last = {} if previous is None else previous
    for event in events:
        data = event.data
        if not isinstance(data, TransactionData) or data.receipt is None:
            continue
        for entry in data.entries:
            if entry.wallet_id != data.wallet_id:
                continue
            at, receipt = last.get(entry.wallet_id, (0, BEGINNING))
            follows = entry.seq == at + 1
            if entry.seq > at:
                last[entry.wallet_id] = entry.seq, data.receipt
            yield Checked(
                event, entry.wallet_id, entry.seq, follows and _receipt(data, entry.seq, receipt) == data.receipt
            )


def _receipt(data: TransactionData, seq: int, previous: str) -> str:
    return entry_hash(
        previous,
        wallet_id=data.wallet_id,
        seq=seq,
        transaction_id=data.id,
        amount=data.amount,
        balance=data.balance,
        txn_id=data.txn_id,
        created_at=data.created_at,
        kind=data.type,
        other_wallet_id=data.counterparty_wallet_id,
    )
