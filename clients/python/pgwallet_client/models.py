"""What answers are made of. python -m tests.api.python_client.generate writes this file."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal
from uuid import UUID, uuid4

from msgspec import field

from pgwallet_client._model import Event, Model, Outcome

Action = Literal[
    "read",
    "status",
    "limits",
    "topup",
    "adjustment",
    "refund",
    "propose",
    "confirm",
    "reject",
    "password_reset_created",
    "password_reset",
    "role",
    "erase",
    "export",
    "webhook_created",
    "webhook_changed",
    "webhook_paused",
    "webhook_resumed",
    "webhook_secret",
    "webhook_replayed",
    "webhook_tested",
    "webhook_retried",
    "webhook_deleted",
    "verify",
    "key_created",
    "key_revoked",
    "login_recorded",
    "login_removed",
    "prune",
    "retention",
]

EventName = Literal[
    "transaction.bonus",
    "transaction.topup",
    "transaction.spend",
    "transaction.transfer",
    "transaction.capture",
    "transaction.refund",
    "transaction.adjustment",
    "transaction.received",
    "transaction.returned",
    "hold.opened",
    "hold.voided",
    "hold.expired",
    "user.signed_up",
    "user.role_changed",
    "user.erased",
    "wallet.opened",
    "wallet.status_changed",
    "wallet.limits_changed",
]


class Account(Model, frozen=True, kw_only=True):
    """A new user with wallet and sign-up bonus, signed in."""

    id: UUID
    """The user."""
    username: str
    wallet_id: UUID
    asset: str
    """Code of the asset."""
    scale: int
    """Decimal places: one unit is 10^scale minor units."""
    balance: int
    """The sign-up bonus, in minor units."""
    available: int
    """What can be spent now, in minor units."""
    access_token: str
    """JWT for `Authorization: Bearer`."""
    token_type: str
    expires_in: int
    """Seconds."""


class AccountBalance(Model, frozen=True, kw_only=True):
    """One line of the trial balance, in minor units."""

    account: str
    """`users`, or what a system account collects."""
    entries: int
    debit: int
    credit: int
    balance: int


class AccountData(Model, frozen=True, kw_only=True):
    """What happened to a user or a wallet."""

    user_id: UUID
    wallet_id: UUID | None
    """Null for what happened to a user."""
    asset: str | None
    """Of the wallet."""
    change: dict[str, Any]
    """What is so since then: status and previous_status, all limits, role and previous_role; empty where the name
    says it all."""
    created_at: datetime
    """RFC 3339, UTC."""


class Adjustment(Model, frozen=True, kw_only=True):
    """The result of an adjustment: like any mutation's, with a signed amount."""

    id: int
    """The server's number of the transaction."""
    txn_id: UUID
    """The client's idempotency key, unique within the wallet: the same request again answers 200 with the first
    result; another request with the same id is refused (WA004)."""
    wallet_id: UUID
    type: str
    """One of `bonus`, `topup`, `spend`, `transfer`, `capture`, `refund`, `adjustment`, `hold`, `void`."""
    amount: int
    """Signed, in minor units."""
    asset: str
    """Code of the asset."""
    scale: int
    """Decimal places: one unit is 10^scale minor units."""
    balance: int
    """Everything in the wallet, in minor units."""
    available: int
    """What can be spent now, in minor units."""
    replayed: bool
    """Already on record: nothing was written now."""
    created_at: datetime
    """RFC 3339, UTC."""
    receipt: str | None
    """The hash of the wallet's entry, over all entries before it too, in hex: what is altered or removed later
    contradicts it. Null for what posts nothing."""


class AssetInfo(Model, frozen=True, kw_only=True):
    """What a wallet can hold."""

    code: str
    """Code of the asset."""
    name: str
    scale: int
    """Decimal places: one unit is 10^scale minor units."""


class AssetList(Model, frozen=True, kw_only=True):
    """All assets, by code."""

    items: list[AssetInfo]


class AuditPage(Model, frozen=True, kw_only=True):
    """A page of the record, newest first; with filters it can be short or empty and yet not the last."""

    items: list[AuditRow]
    next_cursor: str | None
    """For the next page; null on the last one."""
    away: list[int] | None = None
    """Databases of a cluster that did not answer: what they have is missing. Left out where all did."""


class AuditRow(Model, frozen=True, kw_only=True):
    """What an operator did, or whom they looked at."""

    id: int
    actor: UUID | None
    """The operator; null: an administrator of the database."""
    actor_username: str | None
    action: str
    """What was done; `read`: somebody was shown."""
    user_id: UUID | None
    """Whom it was about."""
    username: str | None
    """As stored now."""
    wallet_id: UUID | None
    """Null: no wallet in particular."""
    reason: str | None
    """Of what moved money: its reference, until the user is erased."""
    before: dict[str, Any] | None
    """What was so before, where that is on record."""
    after: dict[str, Any] | None
    """What is so since then."""
    transaction_id: int | None
    """The transaction that it made."""
    webhook_id: UUID | None
    """The webhook that it was done with, or to."""
    key_id: UUID | None
    """The key that was made or revoked."""
    asset: str | None
    """Of the wallet."""
    scale: int | None
    """Of the asset: amounts in it are minor units."""
    created_at: datetime
    """RFC 3339, UTC."""


class Balance(Model, frozen=True, kw_only=True, tag_field="kind", tag="now"):
    """The balance now."""

    wallet_id: UUID
    asset: str
    """Code of the asset."""
    scale: int
    """Decimal places: one unit is 10^scale minor units."""
    balance: int
    """Everything in the wallet, in minor units."""
    held: int
    """What open holds set aside, in minor units."""
    available: int
    """What can be spent now, in minor units."""
    status: str
    """One of `active`, `frozen`, `closed`."""


class BalanceAt(Model, frozen=True, kw_only=True, tag_field="kind", tag="at"):
    """The balance at a moment: the sum of what was recorded before it. It never changes later."""

    wallet_id: UUID
    asset: str
    """Code of the asset."""
    scale: int
    """Decimal places: one unit is 10^scale minor units."""
    balance: int
    """Everything in the wallet, in minor units."""
    at: datetime
    """RFC 3339 with an offset."""


class BatchItemRequest(Model, frozen=True, kw_only=True, omit_defaults=True):
    """One request: the fields that the call of its type takes."""

    type: Literal["topup", "spend", "transfer", "hold", "capture", "void", "refund"]
    txn_id: UUID = field(default_factory=uuid4)
    """The client's idempotency key, unique within the wallet: the same request again answers 200 with the first
    result; another request with the same id is refused (WA004)."""
    amount: int | None = None
    """Minor units."""
    to_wallet_id: UUID | None = None
    to_username: str | None = None
    """3 to 64 of letters, digits, `_`, `.` and `-`; folded to lower case. Nothing that reads as a UUID."""
    original_txn_id: UUID | None = None
    """Refunds: what to give back."""
    hold_txn_id: UUID | None = None
    """Captures and voids: the hold."""
    final: bool | None = None
    expires_in: int | None = None
    """Holds: seconds."""
    reference: str | None = None
    """Free text, without U+0000."""
    metadata: Mapping[str, Any] | None = None
    """A JSON object of at most 4 KiB."""
    effective_at: datetime | None = None
    """When it happened in the client's world: RFC 3339 with an offset, not in the future. Shown, never computed
    with."""


class BatchItemResult(Outcome, Model, frozen=True, kw_only=True):
    """What became of one request."""

    txn_id: UUID
    outcome: str
    """One of `ok`, `replayed`, `refused`, `rolled_back`. `rolled_back`: nothing wrong with it, but the atomic
    batch was refused."""
    status: int
    """HTTP status of the single call; 0 for `rolled_back`."""
    result: Transaction | None
    """As the single call answers it."""
    problem: dict[str, Any] | None
    """As the single call answers it."""


class BatchResult(Model, frozen=True, kw_only=True):
    """What became of each request, in their order."""

    results: list[BatchItemResult]


class Confirmation(Model, frozen=True, kw_only=True):
    """An operator's request that needs another operator's confirmation: nothing moves before."""

    id: int
    """The server's number of the confirmation."""
    status: str
    """One of `waiting`, `confirmed`, `rejected`."""
    type: str
    """One of `adjustment`, `refund`."""
    wallet_id: UUID
    username: str
    """Whose wallet it is, as stored now."""
    txn_id: UUID
    """The client's idempotency key, unique within the wallet: the same request again answers 200 with the first
    result; another request with the same id is refused (WA004)."""
    original_txn_id: UUID | None
    """Of a refund: the `txn_id` of the spend or capture."""
    amount: int | None
    """As in the request: signed, in minor units; null for all that is left."""
    expected: int
    """What it moves, in minor units, as known when it was asked for."""
    asset: str
    """Code of the asset."""
    scale: int
    """Decimal places: one unit is 10^scale minor units."""
    reference: str | None
    """Of an adjustment: why it is asked for."""
    metadata: dict[str, Any] | None
    """A JSON object of at most 4 KiB."""
    effective_at: datetime | None
    actor: UUID
    """The operator who asks."""
    actor_username: str
    """As stored now."""
    created_at: datetime
    """RFC 3339, UTC."""
    decided_by: UUID | None
    """Who confirmed or rejected it; null for an administrator."""
    decided_at: datetime | None
    reason: str | None
    """Why it was rejected."""
    transaction_id: int | None
    """The `id` of the transaction that it became."""


class ConfirmationPage(Model, frozen=True, kw_only=True):
    """A page of confirmations, newest first."""

    items: list[Confirmation]
    next_cursor: str | None
    """For the next page; null on the last one."""
    away: list[int] | None = None
    """Databases of a cluster that did not answer: what they have is missing. Left out where all did."""


class DeadLetter(Model, frozen=True, kw_only=True):
    """An event that was given up."""

    event_id: int
    """The number of an event, as its `id` says."""
    attempts: int
    first_at: datetime
    """RFC 3339, UTC."""
    last_at: datetime
    """RFC 3339, UTC."""
    status: int | None
    """Of the receiver's HTTP answer; null: there was none, and `error` says why."""
    error: str | None
    """Why there was no answer."""


class DeadLetterPage(Model, frozen=True, kw_only=True):
    """A page of the dead letters, newest first."""

    items: list[DeadLetter]
    next_cursor: str | None
    """For the next page; null on the last one."""
    away: list[int] | None = None
    """Databases of a cluster that did not answer: what they have is missing. Left out where all did."""


class Delivery(Model, frozen=True, kw_only=True):
    """An attempt to deliver."""

    id: int
    """The server's number of the attempt."""
    first_event_id: int
    """The number of an event, as its `id` says."""
    last_event_id: int
    """The number of an event, as its `id` says."""
    events: int
    """How many."""
    attempt: int
    """The first is 1."""
    outcome: str
    """One of `delivered`, `failed`."""
    status: int | None
    """Of the receiver's HTTP answer; null: there was none, and `error` says why."""
    error: str | None
    """Why there was no answer."""
    milliseconds: int
    """How long it took."""
    answer: str | None
    """The first 1,024 bytes of the answer."""
    created_at: datetime
    """RFC 3339, UTC."""


class DeliveryPage(Model, frozen=True, kw_only=True):
    """A page of the deliveries, newest first."""

    items: list[Delivery]
    next_cursor: str | None
    """For the next page; null on the last one."""
    away: list[int] | None = None
    """Databases of a cluster that did not answer: what they have is missing. Left out where all did."""


class Entry(Model, frozen=True, kw_only=True):
    """One ledger entry of the wallet."""

    id: int
    """The server's number of the transaction."""
    txn_id: UUID
    type: str
    """One of `bonus`, `topup`, `spend`, `transfer`, `capture`, `refund`, `adjustment`, `returned`."""
    amount: int
    """Signed, in minor units: negative leaves the wallet."""
    balance: int
    """After this entry, in minor units."""
    reference: str | None
    metadata: dict[str, Any] | None
    """A JSON object of at most 4 KiB."""
    counterparty_wallet_id: UUID | None
    """The other side of a transfer."""
    counterparty_username: str | None
    """Whose wallet that is."""
    effective_at: datetime | None
    """As the request gave it."""
    created_at: datetime
    """RFC 3339, UTC."""


class EntryPage(Model, frozen=True, kw_only=True):
    """A page of the wallet's history, newest first; with a filter it can be short or empty and yet not the
    last."""

    items: list[Entry]
    next_cursor: str | None
    """For the next page; null on the last one."""


class Erasure(Model, frozen=True, kw_only=True):
    """Who was erased, and of how many transactions and holds the details."""

    user_id: UUID
    username: str
    """The name from now on."""
    transactions: int
    holds: int
    erased_at: datetime
    """RFC 3339, UTC."""


class EventEntry(Model, frozen=True, kw_only=True):
    """One side of a transaction."""

    wallet_id: UUID
    seq: int
    """Its place in a user's wallet."""
    amount: int
    """Signed, in minor units: negative leaves the wallet."""
    balance: int | None
    """After it, in minor units; null in a system wallet."""
    purpose: str | None
    """One of `bonus`, `topup`, `spend`, `transfer`, `capture`, `refund`, `adjustment`, `returned`, `received`. Of
    a system wallet: what it collects. Null for a user's."""


class EventPage(Model, frozen=True, kw_only=True):
    """Events in order, and the cursor from which the next page goes on."""

    items: list[Event]
    next: str
    """Give it as `after`. A page can be short or empty and yet not the last: there is more as long as this
    changes."""
    away: list[int] | None = None
    """Databases of a cluster that did not answer: what they have is missing. Left out where all did."""


class FoundHold(Model, frozen=True, kw_only=True, tag_field="kind", tag="hold"):
    """A hold, found by its reference, or the `txn_id` of it, its captures or its void."""

    id: int
    """The server's number of the hold."""
    txn_id: UUID
    """The `txn_id` with which it was made."""
    wallet_id: UUID
    user_id: UUID
    username: str
    """As stored; `erased-…` of an erased user."""
    status: str
    """One of `open`, `expired`, `captured`, `voided`."""
    amount: int
    """What it set aside at first, in minor units."""
    asset: str
    """Code of the asset."""
    scale: int
    """Decimal places: one unit is 10^scale minor units."""
    reference: str | None
    created_at: datetime
    """RFC 3339, UTC."""


class FoundTransaction(Model, frozen=True, kw_only=True, tag_field="kind", tag="transaction"):
    """A transaction, found by `txn_id` or reference: a transfer in both wallets."""

    id: int
    """The server's number of the transaction."""
    txn_id: UUID
    """The `txn_id` of the request."""
    wallet_id: UUID
    user_id: UUID
    username: str
    """As stored; `erased-…` of an erased user."""
    type: str
    """One of `bonus`, `topup`, `spend`, `transfer`, `capture`, `refund`, `adjustment`, `returned`, `received`."""
    amount: int
    """Signed, as it moved this wallet, in minor units."""
    asset: str
    """Code of the asset."""
    scale: int
    """Decimal places: one unit is 10^scale minor units."""
    reference: str | None
    created_at: datetime
    """RFC 3339, UTC."""


class FoundUser(Model, frozen=True, kw_only=True, tag_field="kind", tag="user"):
    """A user, found by id or by the beginning of the name."""

    user_id: UUID
    username: str
    """As stored; `erased-…` of an erased user."""
    role: str
    """One of `user`, `operator`."""
    created_at: datetime
    """RFC 3339, UTC."""
    erased_at: datetime | None
    """Since when nobody is behind it."""


class FoundWallet(Model, frozen=True, kw_only=True, tag_field="kind", tag="wallet"):
    """A user's wallet, found by id."""

    wallet_id: UUID
    user_id: UUID
    username: str
    """As stored; `erased-…` of an erased user."""
    asset: str
    """Code of the asset."""
    scale: int
    """Decimal places: one unit is 10^scale minor units."""
    status: str
    """One of `active`, `frozen`, `closed`."""
    balance: int
    """Everything in the wallet, in minor units."""
    created_at: datetime
    """RFC 3339, UTC."""


class Hold(Model, frozen=True, kw_only=True):
    """Money set aside."""

    id: int
    """The server's number of the hold."""
    txn_id: UUID
    """The `txn_id` of the hold."""
    status: str
    """One of `open`, `expired`, `captured`, `voided`."""
    amount: int
    """Minor units of the asset, above 0."""
    captured: int
    """What captures took, in minor units."""
    remaining: int
    """What it still sets aside, in minor units."""
    reference: str | None
    metadata: dict[str, Any] | None
    """A JSON object of at most 4 KiB."""
    expires_at: datetime
    """RFC 3339, UTC."""
    created_at: datetime
    """RFC 3339, UTC."""


class HoldData(Model, frozen=True, kw_only=True):
    """What happened to a hold, except captures: those are transactions."""

    id: int
    """The server's number of the hold."""
    txn_id: UUID
    """Of the hold."""
    wallet_id: UUID
    event: str
    """One of `hold`, `void`, `expired`."""
    event_txn_id: UUID | None
    """Of the request that did it; null where it expired."""
    amount: int
    """Minor units of the asset, above 0."""
    balance: int | None
    """After it, in minor units."""
    available: int | None
    """After it, in minor units."""
    asset: str
    """Code of the asset."""
    scale: int
    """Decimal places: one unit is 10^scale minor units."""
    reference: str | None
    metadata: dict[str, Any] | None
    """A JSON object of at most 4 KiB."""
    expires_at: datetime
    """RFC 3339, UTC."""
    created_at: datetime
    """RFC 3339, UTC."""


class HoldEvent(Model, frozen=True, kw_only=True):
    """What happened to a hold: `expired` by itself, all else by a request."""

    event: str
    """One of `hold`, `capture`, `void`, `expired`."""
    txn_id: UUID | None
    """Of the request."""
    amount: int
    """Set aside, taken or released, in minor units."""
    transaction_id: int | None
    """The transaction of a capture."""
    balance: int | None
    """After the request, in minor units."""
    available: int | None
    """After the request, in minor units."""
    created_at: datetime
    """RFC 3339, UTC."""
    key: UsedKey | None = None
    """Null: no key did it. Shown to operators."""


class HoldPage(Model, frozen=True, kw_only=True):
    """A page of the wallet's holds, newest first."""

    items: list[Hold]
    next_cursor: str | None
    """For the next page; null on the last one."""


class InspectedEntry(Model, frozen=True, kw_only=True):
    """One of the two entries of a transaction."""

    wallet_id: UUID
    kind: str
    """One of `user`, `system`."""
    purpose: str | None
    """Of a system wallet: which transactions have their other entry there (`spend`: the merchants)."""
    user_id: UUID | None
    """Null: a system wallet."""
    username: str | None
    """As stored; `erased-…` of an erased user."""
    seq: int
    """Its place in a user's wallet."""
    amount: int
    """Signed, in minor units: negative leaves the wallet."""
    balance: int | None
    """After it, in minor units; null in a system wallet."""
    recorded_at: datetime
    """RFC 3339, UTC."""


class InspectedHold(Model, frozen=True, kw_only=True):
    """A hold, whose it is, and what happened to it."""

    id: int
    """The server's number of the hold."""
    txn_id: UUID
    """The `txn_id` of the hold."""
    status: str
    """One of `open`, `expired`, `captured`, `voided`."""
    amount: int
    """Minor units of the asset, above 0."""
    captured: int
    """What captures took, in minor units."""
    remaining: int
    """What it still sets aside, in minor units."""
    reference: str | None
    metadata: dict[str, Any] | None
    """A JSON object of at most 4 KiB."""
    expires_at: datetime
    """RFC 3339, UTC."""
    created_at: datetime
    """RFC 3339, UTC."""
    wallet_id: UUID
    user_id: UUID
    username: str
    """As stored; `erased-…` of an erased user."""
    asset: str
    """Code of the asset."""
    scale: int
    """Decimal places: one unit is 10^scale minor units."""
    events: list[HoldEvent]
    """Newest first, at most 100."""
    key: UsedKey | None = None
    """Null: no key did it. Shown to operators."""


class InspectedLine(Model, frozen=True, kw_only=True):
    """One ledger entry of a user's wallet, as operators see it."""

    id: int
    """The server's number of the transaction."""
    txn_id: UUID
    type: str
    """One of `bonus`, `topup`, `spend`, `transfer`, `capture`, `refund`, `adjustment`, `returned`."""
    amount: int
    """Signed, in minor units: negative leaves the wallet."""
    balance: int
    """After this entry, in minor units."""
    reference: str | None
    metadata: dict[str, Any] | None
    """A JSON object of at most 4 KiB."""
    counterparty_wallet_id: UUID | None
    """The other side of a transfer."""
    counterparty_username: str | None
    """Whose wallet that is."""
    effective_at: datetime | None
    """As the request gave it."""
    created_at: datetime
    """RFC 3339, UTC."""
    key: UsedKey | None
    """Null: no key did it. Shown to operators."""


class InspectedPage(Model, frozen=True, kw_only=True):
    """A page of a user's history, newest first; with a filter it can be short or empty and yet not the last."""

    items: list[InspectedLine]
    next_cursor: str | None
    """For the next page; null on the last one."""


class InspectedTransaction(Model, frozen=True, kw_only=True):
    """A transaction with all that belongs to it."""

    id: int
    """The server's number of the transaction."""
    txn_id: UUID
    """The `txn_id` of the request."""
    wallet_id: UUID
    """Whose request it was."""
    type: str
    """One of `bonus`, `topup`, `spend`, `transfer`, `capture`, `refund`, `adjustment`, `returned`, `received`."""
    amount: int
    """Minor units, above 0; of an adjustment signed."""
    asset: str
    """Code of the asset."""
    scale: int
    """Decimal places: one unit is 10^scale minor units."""
    reference: str | None
    metadata: dict[str, Any] | None
    """A JSON object of at most 4 KiB."""
    effective_at: datetime | None
    """As the request gave it."""
    counterparty_wallet_id: UUID | None
    """The recipient's wallet of a transfer."""
    counterparty_username: str | None
    """Whose wallet that is."""
    receipt: str | None
    """The hash of the wallet's entry, over all entries before it too, in hex: what is altered or removed later
    contradicts it. Null for what posts nothing."""
    refundable: int | None
    """What is left to refund; null: no spend or capture."""
    entries: list[InspectedEntry]
    refunds: list[RefundOf]
    """Newest first, at most 100."""
    original: Refunded | None
    """Of a refund."""
    hold: InspectedHold | None
    """Of a capture."""
    operator: MadeBy | None
    """Null: its user made it."""
    created_at: datetime
    """RFC 3339, UTC."""
    key: UsedKey | None = None
    """Null: no key did it. Shown to operators."""


class InspectedUser(Model, frozen=True, kw_only=True):
    """A user, with the wallets."""

    id: UUID
    username: str
    """As stored; `erased-…` of an erased user."""
    role: str
    """One of `user`, `operator`."""
    created_at: datetime
    """RFC 3339, UTC."""
    last_sign_in_at: datetime | None
    """To a minute; null: none on record."""
    erased_at: datetime | None
    """Since when nobody is behind it."""
    wallets: list[Wallet]


class InspectedWallet(Model, frozen=True, kw_only=True):
    """A wallet as it is now. One of the system has a purpose, no owner, and no balance that is kept: these are
    null."""

    wallet_id: UUID
    kind: str
    """One of `user`, `system`."""
    purpose: str | None
    """Of a system wallet: which transactions have their other entry there (`spend`: the merchants)."""
    user_id: UUID | None
    """Null: a system wallet."""
    username: str | None
    """As stored; `erased-…` of an erased user."""
    asset: str
    """Code of the asset."""
    scale: int
    """Decimal places: one unit is 10^scale minor units."""
    status: str
    """One of `active`, `frozen`, `closed`."""
    balance: int | None
    """Everything in the wallet, in minor units."""
    held: int | None
    """What open holds set aside, in minor units."""
    available: int | None
    """What can be spent now, in minor units."""
    floor: int | None
    """The lowest balance: below 0 is an overdraft."""
    max_balance: int | None
    """Minor units; null is no maximum of its own."""
    limits: LimitsLeftByKind
    status_history: list[StatusRecord]
    """Newest first, at most 50."""
    created_at: datetime
    """RFC 3339, UTC."""


class Key(Model, frozen=True, kw_only=True):
    """A key, without its secret. In a cluster: as all databases have it."""

    id: UUID
    name: str
    prefix: str
    """The first 12 characters of its secret, to tell keys apart."""
    scopes: list[str]
    """What it may do."""
    all_users: bool
    """Whether it acts for all users."""
    user_ids: list[UUID] | None
    """For whom it acts; null: all users."""
    networks: list[str] | None
    """Null: from anywhere."""
    calls_per_minute: int | None
    """Null: as the service is set."""
    expires_at: datetime | None
    """Null: never."""
    created_at: datetime
    """RFC 3339, UTC."""
    created_by: UUID | None
    """Null: an administrator."""
    revoked_at: datetime | None
    """Null: it is not revoked."""
    last_used_at: datetime | None
    """To a minute or two; null: never."""
    missing: list[int] | None = None
    """Databases that do not have it: revoke it and make another."""
    away: list[int] | None = None
    """Databases of a cluster that did not answer: what they have is missing. Left out where all did."""


class KeyPage(Model, frozen=True, kw_only=True):
    """A page of the keys, newest first."""

    items: list[Key]
    next_cursor: str | None
    """For the next page; null on the last one."""
    away: list[int] | None = None
    """Databases of a cluster that did not answer: what they have is missing. Left out where all did."""


class KeyWithSecret(Model, frozen=True, kw_only=True):
    """A key with the secret that whoever uses it sends."""

    id: UUID
    name: str
    prefix: str
    """The first 12 characters of its secret, to tell keys apart."""
    scopes: list[str]
    """What it may do."""
    all_users: bool
    """Whether it acts for all users."""
    user_ids: list[UUID] | None
    """For whom it acts; null: all users."""
    networks: list[str] | None
    """Null: from anywhere."""
    calls_per_minute: int | None
    """Null: as the service is set."""
    expires_at: datetime | None
    """Null: never."""
    created_at: datetime
    """RFC 3339, UTC."""
    created_by: UUID | None
    """Null: an administrator."""
    revoked_at: datetime | None
    """Null: it is not revoked."""
    last_used_at: datetime | None
    """To a minute or two; null: never."""
    missing: list[int] | None = None
    """Databases that do not have it: revoke it and make another."""
    away: list[int] | None = None
    """Databases of a cluster that did not answer: what they have is missing. Left out where all did."""
    secret: str
    """For `Authorization: Bearer`. It is shown once."""


class KindLimits(Model, frozen=True, kw_only=True):
    """The limits of one kind of transaction."""

    per_transaction: int | None = None
    """Minor units; null is no limit."""
    per_day: int | None = None
    """Minor units; null is no limit."""
    per_30_days: int | None = None
    """Minor units; null is no limit."""


class KindLimitsLeft(Model, frozen=True, kw_only=True):
    """The limits of one kind of transaction; null is no limit. A window's edge is an hour."""

    per_transaction: LimitLeft | None = None
    per_day: LimitLeft | None = None
    per_30_days: LimitLeft | None = None


class LimitLeft(Model, frozen=True, kw_only=True):
    """A limit of a wallet, in minor units."""

    maximum: int
    """What may move."""
    used: int
    """What has moved in the window."""
    left: int
    """What may still move now."""


class LimitsByKind(Model, frozen=True, kw_only=True):
    """Kinds with limits; `spend` counts captures, `transfer` what is sent."""

    topup: KindLimits | None = None
    spend: KindLimits | None = None
    transfer: KindLimits | None = None


class LimitsLeftByKind(Model, frozen=True, kw_only=True):
    """Kinds with limits; `spend` counts captures, `transfer` what is sent."""

    topup: KindLimitsLeft | None = None
    spend: KindLimitsLeft | None = None
    transfer: KindLimitsLeft | None = None


class MadeBy(Model, frozen=True, kw_only=True):
    """The operator who made the transaction."""

    actor: UUID | None
    """The operator; null: an administrator of the database."""
    actor_username: str | None
    created_at: datetime
    """RFC 3339, UTC."""


class Me(Model, frozen=True, kw_only=True):
    """The signed-in user, as stored now."""

    id: UUID
    """The user."""
    username: str
    role: str
    """One of `user`, `operator`."""
    created_at: datetime
    """RFC 3339, UTC."""
    last_sign_in_at: datetime | None
    """To a minute; null: none since the account was opened."""
    wallets: list[OwnWallet]


class OwnWallet(Model, frozen=True, kw_only=True):
    """One of the user's wallets, with what limits it."""

    wallet_id: UUID
    asset: str
    """Code of the asset."""
    scale: int
    """Decimal places: one unit is 10^scale minor units."""
    status: str
    """One of `active`, `frozen`, `closed`."""
    balance: int
    """Everything in the wallet, in minor units."""
    held: int
    """What open holds set aside, in minor units."""
    available: int
    """What can be spent now, in minor units."""
    created_at: datetime
    """RFC 3339, UTC."""
    floor: int
    """The lowest balance: below 0 is an overdraft."""
    max_balance: int | None
    """Minor units; null is no maximum of its own."""
    limits: LimitsLeftByKind


class PasswordResetToken(Model, frozen=True, kw_only=True):
    """A one-time token, shown once: the user sets another password with it."""

    user_id: UUID
    token: str
    """For `POST /api/auth/reset`."""
    expires_at: datetime
    """RFC 3339, UTC."""


class ReceiptCheck(Model, frozen=True, kw_only=True):
    """What became of the entry that a receipt is of."""

    id: int
    """The server's number of the transaction."""
    receipt: str
    verdict: str
    """One of `ok`, `altered`, `rewritten`, `removed`. `ok`: it is on record as it was answered. `altered`: it was
    changed since. `rewritten`: this is not its receipt any more. `removed`: this wallet has no such
    transaction."""


class RecordedVerification(Model, frozen=True, kw_only=True):
    """A recorded verification: of `pgwallet verify`, or of one that an operator started."""

    id: int
    ended_at: datetime
    """RFC 3339, UTC."""
    seconds: float
    """How long it took."""
    violations: int
    """How many it found."""


class RefundOf(Model, frozen=True, kw_only=True):
    """A refund of the transaction."""

    id: int
    """The server's number of the transaction."""
    txn_id: UUID
    """The `txn_id` of the request."""
    amount: int
    """Minor units of the asset, above 0."""
    created_at: datetime
    """RFC 3339, UTC."""


class Refunded(Model, frozen=True, kw_only=True):
    """What the transaction gave back."""

    id: int
    """The server's number of the transaction."""
    txn_id: UUID
    """The `txn_id` of the request."""
    amount: int
    """Minor units of the asset, above 0."""
    created_at: datetime
    """RFC 3339, UTC."""
    type: str
    """One of `bonus`, `topup`, `spend`, `transfer`, `capture`, `refund`, `adjustment`, `hold`, `void`."""


class RequestedEntry(Model, frozen=True, kw_only=True):
    """The ledger entry of a transaction that the user requested."""

    id: int
    """The server's number of the transaction."""
    txn_id: UUID
    type: str
    """One of `bonus`, `topup`, `spend`, `transfer`, `capture`, `refund`, `adjustment`, `returned`."""
    amount: int
    """Signed, in minor units: negative leaves the wallet."""
    balance: int
    """After this entry, in minor units."""
    reference: str | None
    metadata: dict[str, Any] | None
    """A JSON object of at most 4 KiB."""
    counterparty_wallet_id: UUID | None
    """The other side of a transfer."""
    counterparty_username: str | None
    """Whose wallet that is."""
    effective_at: datetime | None
    """As the request gave it."""
    created_at: datetime
    """RFC 3339, UTC."""
    delivery: str | None = None
    """One of `pending`, `delivered`, `returned`. Only of a transfer to a wallet of another database of the
    service: whether the money is there, or has come back because that wallet refused it. Pending: ask for the
    transaction again."""


class Retried(Model, frozen=True, kw_only=True):
    """How many dead letters are delivered again."""

    retried: int


class SearchResult(Model, frozen=True, kw_only=True):
    """At most 50 of what was found, exact names and ids first."""

    items: list[FoundUser | FoundWallet | FoundTransaction | FoundHold]
    away: list[int] | None = None
    """Databases of a cluster that did not answer: what they have is missing. Left out where all did."""


class Session(Model, frozen=True, kw_only=True):
    """A signed-in user."""

    id: UUID
    """The user."""
    username: str
    wallet_id: UUID
    access_token: str
    """JWT for `Authorization: Bearer`."""
    token_type: str
    expires_in: int
    """Seconds."""


class SignedOut(Model, frozen=True, kw_only=True):
    """Which tokens are valid no more: the one of this request, or all of the user."""

    ended: str
    """One of `token`, `all`."""


class Statement(Model, frozen=True, kw_only=True):
    """All entries from `from` until before `to`, oldest first: they lead from one balance to the other."""

    wallet_id: UUID
    asset: str
    """Code of the asset."""
    scale: int
    """Decimal places: one unit is 10^scale minor units."""
    start: datetime = field(name="from")
    end: datetime = field(name="to")
    opening_balance: int
    """In minor units."""
    entries: list[Entry]
    closing_balance: int
    """In minor units."""


class StatusChange(Model, frozen=True, kw_only=True):
    """What changed."""

    wallet_id: UUID
    status: str
    """One of `active`, `frozen`, `closed`."""
    previous_status: str
    """One of `active`, `frozen`, `closed`."""
    reason: str
    """Kept on record."""
    changed_at: datetime
    """RFC 3339, UTC."""


class StatusRecord(Model, frozen=True, kw_only=True):
    """A change of a wallet's status."""

    status: str
    """One of `active`, `frozen`, `closed`."""
    previous_status: str
    """One of `active`, `frozen`, `closed`."""
    reason: str
    actor: UUID | None
    """The operator; null: an administrator of the database."""
    actor_username: str | None
    changed_at: datetime
    """RFC 3339, UTC."""


class StoredUser(Model, frozen=True, kw_only=True):
    """A user, as operators see one."""

    id: UUID
    username: str
    """As stored; `erased-…` of an erased user."""
    role: str
    """One of `user`, `operator`."""
    created_at: datetime
    """RFC 3339, UTC."""
    last_sign_in_at: datetime | None
    """To a minute; null: none on record."""
    erased_at: datetime | None
    """Since when nobody is behind it."""


class Transaction(Model, frozen=True, kw_only=True):
    """The result of a mutation, with the balance right after it; the same for every replay but for `replayed`."""

    id: int
    """The server's number of the transaction."""
    txn_id: UUID
    """The client's idempotency key, unique within the wallet: the same request again answers 200 with the first
    result; another request with the same id is refused (WA004)."""
    wallet_id: UUID
    type: str
    """One of `bonus`, `topup`, `spend`, `transfer`, `capture`, `refund`, `adjustment`, `hold`, `void`."""
    amount: int
    """Minor units of the asset, above 0."""
    asset: str
    """Code of the asset."""
    scale: int
    """Decimal places: one unit is 10^scale minor units."""
    balance: int
    """Everything in the wallet, in minor units."""
    available: int
    """What can be spent now, in minor units."""
    replayed: bool
    """Already on record: nothing was written now."""
    created_at: datetime
    """RFC 3339, UTC."""
    receipt: str | None
    """The hash of the wallet's entry, over all entries before it too, in hex: what is altered or removed later
    contradicts it. Null for what posts nothing."""
    delivery: str | None = None
    """One of `pending`, `delivered`, `returned`. Only of a transfer to a wallet of another database of the
    service: whether the money is there, or has come back because that wallet refused it. Pending: ask for the
    transaction again."""


class TransactionData(Model, frozen=True, kw_only=True):
    """A transaction: the entry of its wallet, as history shows it, and all entries that the reader may see. An
    operator sees both sides: it is shown from the side of the wallet that asked for it. A user sees the own
    side."""

    id: int
    """The server's number of the transaction; the event's id."""
    txn_id: UUID
    """Of the request."""
    wallet_id: UUID
    type: str
    """One of `bonus`, `topup`, `spend`, `transfer`, `capture`, `refund`, `adjustment`, `returned`, `received`."""
    amount: int
    """Signed, in minor units: negative leaves the wallet."""
    balance: int
    """After it, in minor units."""
    asset: str
    """Code of the asset."""
    scale: int
    """Decimal places: one unit is 10^scale minor units."""
    reference: str | None
    metadata: dict[str, Any] | None
    """A JSON object of at most 4 KiB."""
    counterparty_wallet_id: UUID | None
    """The other side of a transfer."""
    original_txn_id: UUID | None
    """Of a refund, or of a transfer that came back."""
    hold_txn_id: UUID | None
    """Of a capture: its hold."""
    effective_at: datetime | None
    """As the request gave it."""
    created_at: datetime
    """RFC 3339, UTC."""
    receipt: str | None
    """The hash of the wallet's entry, over all entries before it too, in hex: what is altered or removed later
    contradicts it. Null for what posts nothing."""
    entries: list[EventEntry]


class TrialBalance(Model, frozen=True, kw_only=True):
    """The system accounts and all user wallets together: they net to zero."""

    asset: str
    """Code of the asset."""
    at: datetime | None
    """Only what was recorded before; null is all."""
    accounts: list[AccountBalance]
    balance: int
    """The sum of the accounts' balances: 0."""
    away: list[int] | None = None
    """Databases of a cluster that did not answer: what they have is missing. Left out where all did."""


class UsedKey(Model, frozen=True, kw_only=True):
    """The key of a machine that did it, in place of the user."""

    id: UUID
    name: str | None
    prefix: str | None


class UserPage(Model, frozen=True, kw_only=True):
    """A page of the users, newest first."""

    items: list[StoredUser]
    next_cursor: str | None
    """For the next page; null on the last one."""
    away: list[int] | None = None
    """Databases of a cluster that did not answer: what they have is missing. Left out where all did."""


class VerificationFinding(Model, frozen=True, kw_only=True):
    """A violation, or what is odd: then its name begins with `warning: `."""

    violation: str
    wallet_id: UUID | None
    seq: int | None
    """Of the entry in its wallet."""
    transaction_id: int | None
    detail: str


class VerificationPage(Model, frozen=True, kw_only=True):
    """A page of the verifications, newest first."""

    items: list[RecordedVerification]
    next_cursor: str | None
    """For the next page; null on the last one."""
    away: list[int] | None = None
    """Databases of a cluster that did not answer: what they have is missing. Left out where all did."""


class VerificationRun(Model, frozen=True, kw_only=True):
    """A verification that an operator started, and how far it is."""

    id: int
    status: str
    """One of `running`, `finished`, `interrupted`. `interrupted`: it ended without a result. Start another."""
    actor: UUID | None
    """The operator; null: an administrator of the database."""
    actor_username: str | None
    started_at: datetime
    """RFC 3339, UTC."""
    ended_at: datetime | None
    """Null while it runs; of an interrupted one: when it was last heard of."""
    seconds: float | None
    """How long it took; null without a result."""
    violations: int | None
    """How many it found; null without a result."""
    warnings: int | None
    """How much it found that is odd and no violation."""
    rule: str | None
    """The part of the rules that is judged now."""
    rules_done: int
    """How many parts are judged."""
    rules: int | None
    """Of how many; null: not known yet."""
    part: float | None
    """How much of `rule` is judged, about: 0 to 1; null: not known."""
    error: str | None
    """Why it was interrupted, if that is known."""


class VerificationRunDetails(Model, frozen=True, kw_only=True):
    """A verification with what it found."""

    id: int
    status: str
    """One of `running`, `finished`, `interrupted`. `interrupted`: it ended without a result. Start another."""
    actor: UUID | None
    """The operator; null: an administrator of the database."""
    actor_username: str | None
    started_at: datetime
    """RFC 3339, UTC."""
    ended_at: datetime | None
    """Null while it runs; of an interrupted one: when it was last heard of."""
    seconds: float | None
    """How long it took; null without a result."""
    violations: int | None
    """How many it found; null without a result."""
    warnings: int | None
    """How much it found that is odd and no violation."""
    rule: str | None
    """The part of the rules that is judged now."""
    rules_done: int
    """How many parts are judged."""
    rules: int | None
    """Of how many; null: not known yet."""
    part: float | None
    """How much of `rule` is judged, about: 0 to 1; null: not known."""
    error: str | None
    """Why it was interrupted, if that is known."""
    findings: list[VerificationFinding]
    """The first 100."""
    started: list[int] | None = None
    """Of a cluster: the verifications that were started with it, one in each database."""
    away: list[int] | None = None
    """Databases of a cluster that did not answer: what they have is missing. Left out where all did."""


class VerificationRunPage(Model, frozen=True, kw_only=True):
    """A page of the verifications that operators started, newest first."""

    items: list[VerificationRun]
    next_cursor: str | None
    """For the next page; null on the last one."""
    away: list[int] | None = None
    """Databases of a cluster that did not answer: what they have is missing. Left out where all did."""


class Wallet(Model, frozen=True, kw_only=True):
    """One of the user's wallets, as it is now."""

    wallet_id: UUID
    asset: str
    """Code of the asset."""
    scale: int
    """Decimal places: one unit is 10^scale minor units."""
    status: str
    """One of `active`, `frozen`, `closed`."""
    balance: int
    """Everything in the wallet, in minor units."""
    held: int
    """What open holds set aside, in minor units."""
    available: int
    """What can be spent now, in minor units."""
    created_at: datetime
    """RFC 3339, UTC."""


class WalletLimits(Model, frozen=True, kw_only=True):
    """The limits as set."""

    wallet_id: UUID
    limits: LimitsByKind
    floor: int
    """The lowest balance: below 0 is an overdraft."""
    max_balance: int | None
    """Minor units; null is no maximum of its own."""


class WalletList(Model, frozen=True, kw_only=True):
    """The user's wallets, by asset."""

    items: list[Wallet]


class Webhook(Model, frozen=True, kw_only=True):
    """A webhook, and how far it is. In a cluster: all databases together, paused if it is in any of them."""

    id: UUID
    url: str
    description: str | None
    types: list[str] | None
    """Null: all."""
    asset: str | None
    """Null: all."""
    wallet_id: UUID | None
    """Null: all."""
    batch_size: int
    """Events in a delivery, at most: above 1 they come as a JSON array."""
    status: str
    """One of `active`, `paused`."""
    pause_reason: str | None
    """Why it is paused: an operator's words, or the relay's."""
    position: int
    """The number of the event that it has got to; 0 for none."""
    behind: int
    """Events that it has not got to; from 1,000 on a bound, not a count."""
    backlog: int
    """Events that it has got to, and that wait for another try; counted up to 10,000."""
    dead_letters: int
    """Events that were given up; counted up to 10,000."""
    oldest_at: datetime | None
    """When the oldest event happened that is not delivered yet."""
    failures: int
    """Attempts that failed since the last one that did not."""
    last_success_at: datetime | None
    last_failure_at: datetime | None
    previous_until: datetime | None
    """Until when the secret before this one signs, too."""
    actor: UUID | None
    """Who made it; null: an administrator."""
    actor_username: str | None
    created_at: datetime
    """RFC 3339, UTC."""
    databases: list[WebhookPart] | None = None
    """Of a cluster: how far it is in each database; `position` is of the one furthest behind."""
    missing: list[int] | None = None
    """Databases that do not have it: delete it and make another."""
    away: list[int] | None = None
    """Databases of a cluster that did not answer: what they have is missing. Left out where all did."""


class WebhookList(Model, frozen=True, kw_only=True):
    """All webhooks, at most 100, newest first."""

    items: list[Webhook]
    away: list[int] | None = None
    """Databases of a cluster that did not answer: what they have is missing. Left out where all did."""


class WebhookPart(Model, frozen=True, kw_only=True):
    """How far a webhook is in one database of a cluster."""

    database: int
    """The number of the database."""
    status: str
    """One of `active`, `paused`."""
    position: int
    """The number of the event that it has got to; 0 for none."""
    behind: int
    """Events that it has not got to; from 1,000 on a bound, not a count."""
    backlog: int
    """Events that it has got to, and that wait for another try; counted up to 10,000."""
    dead_letters: int
    """Events that were given up; counted up to 10,000."""
    failures: int
    """Attempts that failed since the last one that did not."""


class WebhookTest(Model, frozen=True, kw_only=True):
    """What a receiver made of an event that says nothing but that it is a test: `pgwallet.webhook.test`."""

    event_id: str
    """The `id` of that event: no number."""
    delivered: bool
    """The receiver answered with a 2xx."""
    status: int | None
    """Of the receiver's HTTP answer; null: there was none, and `error` says why."""
    error: str | None
    """Why there was no answer."""
    milliseconds: int
    """How long it took."""
    answer: str
    """The first 1,024 bytes of the answer; empty for none."""


class WebhookWithSecret(Model, frozen=True, kw_only=True):
    """A webhook with the secret that signs its deliveries from now on."""

    id: UUID
    url: str
    description: str | None
    types: list[str] | None
    """Null: all."""
    asset: str | None
    """Null: all."""
    wallet_id: UUID | None
    """Null: all."""
    batch_size: int
    """Events in a delivery, at most: above 1 they come as a JSON array."""
    status: str
    """One of `active`, `paused`."""
    pause_reason: str | None
    """Why it is paused: an operator's words, or the relay's."""
    position: int
    """The number of the event that it has got to; 0 for none."""
    behind: int
    """Events that it has not got to; from 1,000 on a bound, not a count."""
    backlog: int
    """Events that it has got to, and that wait for another try; counted up to 10,000."""
    dead_letters: int
    """Events that were given up; counted up to 10,000."""
    oldest_at: datetime | None
    """When the oldest event happened that is not delivered yet."""
    failures: int
    """Attempts that failed since the last one that did not."""
    last_success_at: datetime | None
    last_failure_at: datetime | None
    previous_until: datetime | None
    """Until when the secret before this one signs, too."""
    actor: UUID | None
    """Who made it; null: an administrator."""
    actor_username: str | None
    created_at: datetime
    """RFC 3339, UTC."""
    databases: list[WebhookPart] | None = None
    """Of a cluster: how far it is in each database; `position` is of the one furthest behind."""
    missing: list[int] | None = None
    """Databases that do not have it: delete it and make another."""
    away: list[int] | None = None
    """Databases of a cluster that did not answer: what they have is missing. Left out where all did."""
    secret: str
    """Verifies deliveries (Standard Webhooks). It is shown once."""
