"""What the calls of the database take where it is more than a few arguments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID


class Mutation(NamedTuple):
    """A top-up or spend. `amount` in minor units, `metadata` JSON text, `actor` the user it is made for.

    `key_id` is the key that acts for the user, here and below; None: it is the user.
    """

    type: str
    wallet_id: UUID
    txn_id: UUID
    amount: int
    reference: str | None
    metadata: str | None
    actor: UUID
    effective_at: datetime | None = None
    key_id: UUID | None = None


class BatchItem(NamedTuple):
    """A request of a batch: what any type of request takes; see `wallet_batch`."""

    type: str
    wallet_id: UUID
    txn_id: UUID
    amount: int | None
    reference: str | None
    metadata: str | None
    actor: UUID
    to_wallet_id: UUID | None
    original_txn_id: UUID | None
    final: bool | None
    expires_in: int | None
    effective_at: datetime | None
    to_username: str | None
    key_id: UUID | None = None


class KeyTerms(NamedTuple):
    """All that is set of a key, once and for good; see `wallet_create_key`."""

    name: str
    secret_hash: bytes
    prefix: str
    scopes: Sequence[str]
    user_ids: Sequence[UUID] | None
    all_users: bool
    networks: Sequence[str] | None
    expires_at: datetime | None
    calls_per_minute: int | None


class Details(NamedTuple):
    """What every transaction can carry beside its amount. `metadata` is JSON text."""

    reference: str | None
    metadata: str | None
    effective_at: datetime | None


class Correction(NamedTuple):
    """An operator's adjustment or refund. `amount` in minor units, signed; of a refund None is all that is left."""

    type: str
    wallet_id: UUID
    txn_id: UUID
    original_txn_id: UUID | None
    amount: int | None
    details: Details
    actor: UUID


class AuditFilters(NamedTuple):
    """Which rows of the record of operators' actions: None is any."""

    user_id: UUID | None
    wallet_id: UUID | None
    actor: UUID | None
    action: str | None


class Filters(NamedTuple):
    """Which entries of a history: None is any; `start` included, `end` not."""

    type: str | None
    start: datetime | None
    end: datetime | None
    reference: str | None


class Bound(NamedTuple):
    """How far events can be read: a fence that has passed, and the line of history. See ADR-008."""

    up_to: int
    fence: int
    epoch: int


class EventFilters(NamedTuple):
    """Which events: None is any. `types` are names without `pgwallet.`."""

    types: Sequence[str] | None = None
    asset: str | None = None
    wallet_id: UUID | None = None


class Places(NamedTuple):
    """Below which row the list of each database goes on, where a page is of several. One that is missing begins."""

    before: Mapping[int, int]

    def __str__(self) -> str:
        """Spell it, for a cursor."""
        return ",".join(f"{number}:{row}" for number, row in sorted(self.before.items()))


Before = int | Places | None
"""Where a list goes on: below a row, in several databases below one of each; None at its beginning."""

Starts = Mapping[int, tuple[int | None, int]]
"""After which event deliveries begin in each database: its epoch and number. One that is missing begins."""
