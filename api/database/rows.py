"""Typed rows: what makes a Struct of a record, and the Structs of rows that are no answer of the service."""

from __future__ import annotations

from datetime import datetime
from operator import itemgetter
from typing import TYPE_CHECKING, Final, Generic, Literal, NamedTuple, TypeVar
from uuid import UUID

from msgspec import UNSET, Raw, Struct, json, structs

from api.errors import ServiceError, from_postgres
from api.schemas.history import Entry, OwnEntry, RequestedEntry
from api.schemas.holds import Hold
from api.schemas.inspection import (
    AuditRow,
    Found,
    FoundHold,
    FoundTransaction,
    FoundUser,
    FoundWallet,
    InspectedLine,
    InspectedUser,
    StoredUser,
    UsedKey,
)
from api.schemas.operator import Confirmation
from api.schemas.transactions import Transaction
from api.schemas.wallets import Wallet

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import asyncpg

    from api.database.requests import Before

T = TypeVar("T")
S = TypeVar("S", bound=Struct)
E = TypeVar("E", bound=Entry)

WRITTEN: Final = frozenset({"ok", "replayed"})
"""The outcomes of what is on record now; every other one is the SQLSTATE of a refusal."""


class NewUser(Struct):
    """A user who has just signed up, with wallet and bonus."""

    user_id: UUID
    username: str
    wallet_id: UUID
    asset: str
    scale: int
    balance: int
    available: int


class User(Struct):
    """A user as stored now, and the default wallet."""

    user_id: UUID
    username: str
    role: str
    wallet_id: UUID


class AuthorizedKey(Struct):
    """A key, and the user for whom it acts. `expires_at` None: never; `calls_per_minute` None: as the settings say."""

    key_id: UUID
    user_id: UUID
    wallet_id: UUID
    calls_per_minute: int | None
    expires_at: datetime | None


class SessionUser(NamedTuple):
    """The user of a session of the pages, as stored now, and the default wallet."""

    user_id: UUID
    username: str
    role: str
    wallet_id: UUID
    expires_at: datetime


class SignedIn(User):
    """A user to sign in; `token_generation` is that of valid tokens."""

    token_generation: int


class UserWithPassword(SignedIn):
    """What a sign-in needs. `settled`: no failed sign-in is remembered, and the address is known."""

    password_hash: str
    settled: bool


class Revocations(Struct):
    """Ids of revocations and, in the same order, whose tokens they ended; `next` is where the next call starts."""

    next: int
    ids: list[int]
    user_ids: list[UUID]


class ServerFacts(Struct):
    """The server's version, and of the last verification: how long ago it ended, what it found, how long it took."""

    postgres: str
    age_seconds: float | None
    violations: int | None
    seconds: float | None


class FenceHolder(Struct):
    """A session or prepared transaction that holds a fence back; `since` is null where the database may not see it."""

    pid: int | None
    gid: str | None
    login: str | None
    application: str | None
    database: str | None
    since: datetime | None


class StatementBound(Struct):
    """The first or last line of a statement: the balance at a moment."""

    line: Literal["opening", "closing"]
    created_at: datetime
    balance: int


class TransferPreview(Struct):
    """Who would receive a transfer, and what the sender has after it, in minor units."""

    to_wallet_id: UUID
    to_username: str
    balance: int
    available: int


Status = Literal["pending", "delivered", "returned"]


class Delivered(Struct):
    """How far a transfer to another database is; `code`: why its money came back."""

    delivery: Status
    code: str | None


class InTransit(Struct):
    """What is on its way to another database in one asset: how many transfers, and how old the oldest one is."""

    destination: int
    asset: str
    pending: int
    oldest_seconds: float


class BalancePoint(NamedTuple):
    """The balance at a moment, in minor units."""

    at: datetime
    balance: int


class EventMark(Struct):
    """How far ids are drawn, and the fence behind which all of them are final; null: nothing is new. See ADR-008."""

    up_to: int
    fence: int | None
    epoch: int


class EventRow(NamedTuple):
    """An event: its number, its name, whose it is, and the event itself, as JSON on one line."""

    id: int
    type: str
    wallet_id: UUID | None
    counterparty_wallet_id: UUID | None
    event: bytes


class Events(Struct, Generic[T]):
    """Events in order, and the last id that was examined; None where there was none."""

    items: list[T]
    next: int | None


class UserEvent(NamedTuple):
    """An event as the owner of one of its wallets sees it."""

    id: int
    type: str
    user_id: UUID
    event: bytes


class WebhookTrial(Struct):
    """What a test delivery needs. The secrets are encrypted; None: there is none. `event` is JSON."""

    url: str
    secret: bytes | None
    previous_secret: bytes | None
    batch_size: int
    event_id: str
    event: str


class Page(Struct, Generic[T]):
    """Items, and below which of them the next page starts; None on the last page.

    `away`: the databases of a cluster that did not answer. What they have is missing.
    """

    items: list[T]
    next: Before | UUID
    away: Sequence[int] = ()


def reader(struct: type[S]) -> Callable[[asyncpg.Record], S]:
    """Return what makes a `struct` of a record: columns by name, so that a new column in SQL breaks nothing."""
    # what can be missing in an answer is no column
    extra = sum(default is UNSET for default in struct.__struct_defaults__)
    values = itemgetter(*struct.__struct_fields__[: len(struct.__struct_fields__) - extra])

    def read(record: asyncpg.Record) -> S:
        return struct(*values(record))

    return read


read_transaction = reader(Transaction)
_read_entry = reader(Entry)
_read_requested_entry = reader(RequestedEntry)
_read_own_entry = reader(OwnEntry)
_read_inspected_line = reader(InspectedLine)
_read_hold = reader(Hold)
_read_confirmation = reader(Confirmation)
_read_bound = reader(StatementBound)
_read_audit_row = reader(AuditRow)
_read_stored_user = reader(StoredUser)
_read_found: Final[dict[str, Callable[[asyncpg.Record], Found]]] = {
    "user": reader(FoundUser),
    "wallet": reader(FoundWallet),
    "transaction": reader(FoundTransaction),
    "hold": reader(FoundHold),
}


def read_outcome(record: asyncpg.Record) -> Transaction | ServiceError:
    """Make the result of a row of `wallet_batch`, or its refusal."""
    outcome = record["outcome"]
    if outcome in WRITTEN:
        return read_transaction(record)
    refusal = from_postgres(outcome, record["detail"], record["hint"])
    if refusal is None:
        raise RuntimeError(f"unexpected outcome {outcome!r} from wallet_batch")
    return refusal


def read_entry(record: asyncpg.Record) -> Entry:
    """Make an entry."""
    entry = _read_entry(record)
    entry.metadata = _raw(record["metadata"])
    return entry


def read_requested_entry(record: asyncpg.Record) -> RequestedEntry:
    """Make the entry of a transaction that its user requested."""
    entry = _read_requested_entry(record)
    entry.metadata = _raw(record["metadata"])
    return entry


def read_own_entry(record: asyncpg.Record) -> OwnEntry:
    """Make an entry with its receipt."""
    entry = _read_own_entry(record)
    entry.metadata = _raw(record["metadata"])
    return entry


def read_hold(record: asyncpg.Record) -> Hold:
    """Make a hold."""
    hold = _read_hold(record)
    hold.metadata = _raw(record["metadata"])
    return hold


def read_confirmation(record: asyncpg.Record) -> Confirmation:
    """Make a confirmation."""
    confirmation = _read_confirmation(record)
    confirmation.metadata = _raw(record["metadata"])
    return confirmation


def read_statement_line(record: asyncpg.Record) -> StatementBound | Entry:
    """Make a line of a statement."""
    return read_entry(record) if record["line"] == "entry" else _read_bound(record)


def read_inspected_line(record: asyncpg.Record) -> InspectedLine:
    """Make an entry with the key that made it."""
    line = _read_inspected_line(record)
    line.metadata = _raw(record["metadata"])
    line.key = json.decode(record["key"] or "null", type=UsedKey | None)
    return line


def page_of_entries(rows: Sequence[asyncpg.Record], limit: int, read: Callable[[asyncpg.Record], E]) -> Page[E]:
    """Make a page of one row more than its limit: that tells whether there is a next page."""
    next_seq = None
    if len(rows) > limit:
        rows = rows[:limit]
        next_seq = rows[-1]["seq"]
    elif rows and rows[-1]["id"] is None:
        # no entry: it says how far a filtered page got
        *rows, stopped = rows
        next_seq = stopped["seq"]
    return Page([read(row) for row in rows], next_seq)


def page_of_holds(rows: Sequence[asyncpg.Record], limit: int) -> Page[Hold]:
    """Make a page, as of entries."""
    holds = [read_hold(row) for row in rows[:limit]]
    return Page(holds, holds[-1].id if len(rows) > limit else None)


def read_found(record: asyncpg.Record) -> Found:
    """Make what a search found, by its kind."""
    return _read_found[record["kind"]](record)


def read_inspected_user(record: asyncpg.Record) -> InspectedUser:
    """Make a user with wallets."""
    wallets = json.decode(record["wallets"], type=list[Wallet])
    return InspectedUser(**structs.asdict(_read_stored_user(record)), wallets=wallets)


def read_audit_row(record: asyncpg.Record) -> AuditRow:
    """Make a row of the record of operators' actions."""
    row = _read_audit_row(record)
    row.before, row.after = _raw(record["before"]), _raw(record["after"])
    return row


def page_of_events(rows: Sequence[asyncpg.Record]) -> Events[EventRow]:
    """Make a page; a row without an event tells how far it went."""
    found = [
        EventRow(row["id"], row["type"], row["wallet_id"], row.get("counterparty_wallet_id"), _line(row["event"]))
        for row in rows
        if row["event"] is not None
    ]
    return Events(found, rows[-1]["id"] if rows else None)


def page_of_user_events(rows: Sequence[asyncpg.Record]) -> Events[UserEvent]:
    """Make a page, as above."""
    found = [
        UserEvent(row["id"], row["type"], row["user_id"], _line(row["event"]))
        for row in rows
        if row["event"] is not None
    ]
    return Events(found, rows[-1]["id"] if rows else None)


def _line(text: str) -> bytes:
    """Return JSON on one line: inside of its strings a line break is escaped, between its parts it means nothing."""
    return text.replace("\n", " ").replace("\r", " ").encode()


def _raw(text: str | None) -> Raw:
    """JSON as it is stored, null for none."""
    return Raw((text or "null").encode())
