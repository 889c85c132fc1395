"""The only module that calls PostgreSQL functions: one typed method per SQL function, which picks the pool."""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar
from uuid import UUID

import msgspec

from api.database.balance_reads import BalanceReads
from api.database.counts import Counts
from api.database.group_commit import GroupCommit
from api.database.pool import PING_SECONDS, Pool
from api.database.requests import Places
from api.database.rows import (
    WRITTEN,
    AuthorizedKey,
    BalancePoint,
    Delivered,
    EventMark,
    EventRow,
    Events,
    FenceHolder,
    InTransit,
    NewUser,
    Page,
    Revocations,
    S,
    ServerFacts,
    SessionUser,
    SignedIn,
    StatementBound,
    TransferPreview,
    User,
    UserEvent,
    UserWithPassword,
    WebhookTrial,
    page_of_entries,
    page_of_events,
    page_of_holds,
    page_of_user_events,
    read_audit_row,
    read_confirmation,
    read_entry,
    read_found,
    read_inspected_line,
    read_inspected_user,
    read_outcome,
    read_own_entry,
    read_requested_entry,
    read_statement_line,
    read_transaction,
    reader,
)
from api.database.standby import Age, Standby
from api.errors import INVALID_CURSOR, NOT_FINAL, NOT_FOUND, TIMEOUT, FieldError, ServiceError
from api.schemas.accounts import Me
from api.schemas.history import Entry, OwnEntry, RequestedEntry
from api.schemas.holds import Hold
from api.schemas.inspection import (
    AuditRow,
    Found,
    InspectedHold,
    InspectedLine,
    InspectedTransaction,
    InspectedUser,
    InspectedWallet,
    RecordedVerification,
    StoredUser,
    VerificationFinding,
    VerificationRun,
    VerificationRunDetails,
)
from api.schemas.keys import Key
from api.schemas.operator import (
    AccountBalance,
    Adjustment,
    Confirmation,
    Erasure,
    KindLimits,
    LimitsByKind,
    LimitsRequest,
    StatusChange,
    WalletLimits,
)
from api.schemas.transactions import Transaction
from api.schemas.wallets import AssetInfo, Balance, BalanceAt, OwnWallet, Wallet
from api.schemas.webhooks import DeadLetter, Delivery, Webhook, WebhookRequest

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
    from datetime import datetime

    import asyncpg

    from api.database.balance_reads import Holder
    from api.database.pool import Argument
    from api.database.requests import (
        AuditFilters,
        BatchItem,
        Before,
        Bound,
        Correction,
        Details,
        EventFilters,
        Filters,
        KeyTerms,
        Mutation,
        Starts,
    )
    from api.settings import Settings

LOCKING_CONNECTIONS: Final = 6
PATIENT_CONNECTIONS: Final = 3
DEFAULT_ASSET: Final = "UC"
"""Of which every user has a wallet: `wallet.default_asset()`."""
EVENT_CONNECTIONS: Final = 3
"""One that looks for new events, one that reads them for all streams, one for streams that are behind."""

R = TypeVar("R", Transaction, Adjustment)
T = TypeVar("T")

_ALONE: Final = {
    name: f"select * from public.wallet_{name}"  # noqa: S608
    "($1, $2, $3, $4, $5, p_actor => $6, p_effective_at => $7, p_key_id => $8)"
    for name in ("topup", "spend")
}
_TOGETHER: Final = (
    "select * from public.wallet_batch($1, $2, $3, $4, $5, $6, $7, p_skip_locked => $8, p_effective_at => $9)"
)
_TOGETHER_BY_KEYS: Final = f"{_TOGETHER[:-1]}, p_key_ids => $10)"
_TOGETHER_BY_KEY: Final = f"{_TOGETHER[:-1]}, p_key_ids => array_fill($10::uuid, array[cardinality($1::text[])]))"
_BATCH: Final = "select * from public.wallet_batch($1, $2, $3, $4, $5, $6, $7, false, $8, $9, $10, $11, $12, $13, $14)"

_TELLING: Final = frozenset({"balance", "left"})
"""Members of refusals that tell what a wallet has, or may still do."""

_read_new_user = reader(NewUser)
_read_transfer_preview = reader(TransferPreview)
_read_user = reader(User)
_read_signed_in = reader(SignedIn)
_read_user_with_password = reader(UserWithPassword)
_read_revocations = reader(Revocations)
_read_me = reader(Me)
_read_wallet = reader(Wallet)
_read_asset = reader(AssetInfo)
_read_balance = reader(Balance)
_read_balance_at = reader(BalanceAt)
_read_status_change = reader(StatusChange)
_read_adjustment = reader(Adjustment)
_read_erasure = reader(Erasure)
_read_kind_limits = reader(KindLimits)
_read_facts = reader(ServerFacts)
_read_fence_holder = reader(FenceHolder)
_read_stored_user = reader(StoredUser)
_read_recorded_verification = reader(RecordedVerification)
_read_verification_run = reader(VerificationRun)
_read_event_mark = reader(EventMark)
_read_webhook = reader(Webhook)
_read_webhook_trial = reader(WebhookTrial)
_read_delivery = reader(Delivery)
_read_dead_letter = reader(DeadLetter)
_read_delivered = reader(Delivered)
_read_in_transit = reader(InTransit)
_read_authorized_key = reader(AuthorizedKey)
_read_key = reader(Key)


def _terms(request: WebhookRequest) -> tuple[Argument, ...]:
    """What is set of a webhook, as the functions take it."""
    return (
        request.url,
        request.description,
        request.types,
        request.asset,
        request.wallet_id,
        request.batch_size,
    )


def _alone(before: Before) -> int | None:
    """Return where a list of one database goes on. Raises ServiceError (WA024) for a cursor of several."""
    if isinstance(before, Places):
        fault = FieldError("cursor", "is not a cursor of this service")
        raise ServiceError(INVALID_CURSOR, "Use the cursor that the page before returned, or none.", [fault])
    return before


class Database:
    """The calls of the service. Each raises ServiceError, with the errors of the SQL function that its docstring names.

    Calls that may wait for a wallet or take long have connections of their own, so that the others find some free. If
    the wallet stays held, they wait on the patient connections. `observe` is told how many mutations share a
    transaction. `number` is that of the database, for the log, where there are several.
    """

    def __init__(
        self, settings: Settings, observe: Callable[[int], None] = lambda _: None, number: int | None = None
    ) -> None:
        self.members: dict[int, Database] = {0 if number is None else number: self}
        """All databases by number: this one. Of a cluster there are several."""
        self.settings = settings
        self._shared = Pool(settings, settings.pool_size, number=number)
        self._patient = Pool(settings, PATIENT_CONNECTIONS, held=True, number=number)
        self._locking = Pool(settings, LOCKING_CONNECTIONS, patient=self._patient, number=number)
        self._revocations = Pool(settings, 1, silent=True, number=number)
        self._events = Pool(settings, EVENT_CONNECTIONS, silent=True, number=number)
        self._standby = Standby(settings, self._events, number) if settings.read_url else None
        self._observe = observe
        self._counts = Counts()
        self._together = settings.group_commit
        self._group_commit = GroupCommit(
            self.mutate_together, partial(self.mutate_alone, admitted=True), limit=settings.queue_size
        )
        self._balance_reads = BalanceReads(
            self.balances, partial(self.balance_alone, admitted=True), limit=settings.queue_size
        )

    async def open(self) -> None:
        """Make the pools in the running event loop. Connects nowhere yet."""
        for pool in (self._shared, self._patient, self._locking, self._revocations, self._events):
            await pool.open()
        if self._standby is not None:
            await self._standby.open()

    async def close(self) -> None:
        """Let calls in flight finish within the shutdown timeout, then close every connection."""
        if self._standby is not None:
            await self._standby.close()
        for pool in (self._events, self._revocations, self._locking, self._patient, self._shared):
            await pool.close()

    def redirect(self, settings: Settings) -> None:
        """Make new connections as these settings have them: the database is on another server now."""
        for pool in (self._shared, self._patient, self._locking, self._revocations, self._events):
            pool.redirect(settings)

    def of(self, identifier: UUID) -> Database:
        """Return the database in which a user or wallet lives."""
        del identifier
        return self

    def of_row(self, row_id: int) -> Database:
        """Return the database that drew the number of a transaction, hold or other row."""
        del row_id
        return self

    def numbered(self, number: int) -> Database:
        """Return the database of this number."""
        del number
        return self

    def elsewhere(self, here: Database, wallet_id: UUID) -> bool:
        """Whether a wallet lives in another database than this."""
        del here, wallet_id
        return False

    def mark(self, user_id: UUID) -> str:
        """Return what a secret of this user ends in, which has no id: nothing where there is one database."""
        del user_id
        return ""

    def waiting(self) -> dict[str, int]:
        """How many requests wait, and where."""
        admissions = {
            "mutations": self._group_commit.admission,
            "balances": self._balance_reads.admission,
            "shared": self._shared.admission,
            "single": self._locking.admission,
        }
        return {name: admission.inside for name, admission in admissions.items()}

    def connections(self) -> dict[str, dict[str, int]]:
        """How many connections each pool has, by state."""
        pools = {"shared": self._shared, "single": self._locking, "patient": self._patient}
        found = {name: pool.connections() for name, pool in pools.items()}
        return found if self._standby is None else {**found, "standby": self._standby.connections()}

    def take_counts(self) -> Counts:
        """What was written since the last call of this."""
        taken, self._counts = self._counts, Counts()
        return taken

    async def ping(self) -> None:
        """Make one round trip to a server that can write. Raises ServiceError when that takes more than two seconds."""
        await self._shared.ping()

    async def register(self, username: str, password_hash: str) -> NewUser:
        """`wallet_register`: a new user with wallet and bonus. Errors: WA002, WA005, WA046."""
        call = "select * from public.wallet_register($1, $2)"
        # not repeated on a lost connection: if the first attempt was written, the second would say "name taken"
        user = _read_new_user(await self._shared.row(call, username, password_hash, again=False))
        self._counts.add_sign_up(user.asset, user.balance)
        return user

    async def require_username(self, username: str) -> None:
        """`wallet_require_username`: checks that a new user can have the name. Errors: WA002, WA005."""
        await self._shared.row("select public.wallet_require_username($1)", username)

    async def sign_in(self, username: str, address: str) -> tuple[UserWithPassword | None, int]:
        """`wallet_sign_in`: the user, None for an unknown name. Errors: WA033.

        And the cost of the dearest hash, of `wallet_highest_cost`.
        """
        call = (
            "select c.cost as highest_cost, s.* from public.wallet_highest_cost() c"
            " left join public.wallet_sign_in($1, $2) s on true"
        )
        row = await self._shared.row(call, username, address)
        user = None if row["user_id"] is None else _read_user_with_password(row)
        return user, int(row["highest_cost"])

    async def sign_in_failed(self, username: str, address: str) -> None:
        """`wallet_sign_in_failed`: counts a failed sign-in."""
        await self._shared.row("select public.wallet_sign_in_failed($1, $2)", username, address)

    async def sign_in_succeeded(self, username: str, address: str) -> None:
        """`wallet_sign_in_succeeded`: forgets failed sign-ins, and remembers the address."""
        await self._shared.row("select public.wallet_sign_in_succeeded($1, $2)", username, address)

    async def rehash(self, user_id: UUID, old_hash: str, new_hash: str) -> None:
        """`wallet_rehash`: another hash of the same password, unless it was changed meanwhile."""
        await self._shared.row("select public.wallet_rehash($1, $2, $3)", user_id, old_hash, new_hash)

    async def change_password(self, user_id: UUID, old_hash: str, new_hash: str) -> int:
        """`wallet_change_password`: the generation of the tokens to come. Errors: WA034."""
        call = "select public.wallet_change_password($1, $2, $3) as generation"
        # not repeated on a lost connection: if the first attempt was written, the second would not know the old hash
        row = await self._shared.row(call, user_id, old_hash, new_hash, again=False)
        return int(row["generation"])

    async def create_password_reset(
        self, user_id: UUID, token_hash: bytes, reason: str, expires_in: int, actor: UUID
    ) -> datetime:
        """`wallet_create_password_reset`: when the token expires. Errors: WA002, WA027, WA029, WA038."""
        call = "select expires_at from public.wallet_create_password_reset($1, $2, $3, $4, $5)"
        row = await self._locking.row(call, user_id, token_hash, reason, expires_in, actor)
        expires_at: datetime = row["expires_at"]
        return expires_at

    async def require_password_reset(self, token_hash: bytes, *, home: int | None = None) -> None:
        """`wallet_require_password_reset`: checks that a password can be reset by this token. Errors: WA037.

        Here and below, `home` is the number of the database that came with a secret; None: none did.
        """
        del home
        await self._shared.row("select public.wallet_require_password_reset($1)", token_hash)

    async def reset_password(
        self, token_hash: bytes, new_hash: str, address: str, *, home: int | None = None
    ) -> SignedIn:
        """`wallet_reset_password`: uses the token up. Errors: WA037."""
        del home
        call = "select * from public.wallet_reset_password($1, $2, $3)"
        # not repeated on a lost connection: if the first attempt was written, the second would not know the token
        return _read_signed_in(await self._shared.row(call, token_hash, new_hash, address, again=False))

    async def principal(
        self, user_id: UUID, token_id: UUID | None = None, generation: int | None = None
    ) -> User | None:
        """`wallet_principal`: the user as stored now; None for an unknown one, or with a revoked token."""
        call = "select * from public.wallet_principal($1, $2, $3)"
        rows = await self._shared.rows(call, user_id, token_id, generation)
        return _read_user(rows[0]) if rows else None

    async def authorize_key(
        self, secret_hash: bytes, user: UUID | str, address: str | None, caller: str
    ) -> AuthorizedKey | None:
        """`wallet_authorize_key`: for whom the key acts, by id or name; None: it is no key, now. Errors: WA047.

        `address` is where it is used from, None: unknown. `caller` is who waits.
        """
        call = "select * from public.wallet_authorize_key($1, $2, p_user_id => $3, p_username => $4)"
        user_id, username = (user, None) if isinstance(user, UUID) else (None, user)
        rows = await self._shared.run(
            lambda connection: connection.fetch(call, secret_hash, address, user_id, username), touches=(caller,)
        )
        return _read_authorized_key(rows[0]) if rows else None

    async def user_named(self, username: str, actor: UUID) -> UUID | None:
        """Return the id of the user of this name, for an operator, whose look is on record. Errors: WA027."""
        wallet_id = await self.locate(username, DEFAULT_ASSET)
        return None if wallet_id is None else (await self.inspect_wallet(wallet_id, actor)).user_id

    async def note_key_use(self, key_ids: Sequence[UUID]) -> None:
        """`wallet_note_key_use`: these were used now."""
        await self._shared.rows("select public.wallet_note_key_use($1)", list(key_ids))

    async def create_key(self, key_id: UUID, terms: KeyTerms, actor: UUID) -> Key:
        """`wallet_create_key`: the same again is the same key. Errors: WA002, WA027, WA029, WA049."""
        call = (
            "select * from public.wallet_create_key($1, p_name => $2, p_secret_hash => $3, p_prefix => $4,"
            " p_scopes => $5, p_user_ids => $6, p_all_users => $7, p_networks => $8, p_expires_at => $9,"
            " p_calls_per_minute => $10, p_actor => $11)"
        )
        return _read_key(await self._locking.row(call, key_id, *terms, actor))

    async def keys(self, limit: int, before_id: UUID | None, *, with_revoked: bool, actor: UUID) -> Page[Key]:
        """`wallet_keys`: the newest `limit` below `before_id`. Errors: WA027."""
        call = "select * from public.wallet_keys($1, $2, $3, p_actor => $4)"
        rows = await self._locking.rows(call, limit + 1, before_id, with_revoked, actor)
        found = [_read_key(row) for row in rows[:limit]]
        return Page(found, found[-1].id if len(rows) > limit else None)

    async def key(self, key_id: UUID, actor: UUID) -> Key:
        """`wallet_key`. Errors: WA027, WA048."""
        return _read_key(await self._locking.row("select * from public.wallet_key($1, $2)", key_id, actor))

    async def revoke_key(self, key_id: UUID, actor: UUID) -> Key:
        """`wallet_revoke_key`: for good; again it is the same. Errors: WA027, WA048."""
        return _read_key(await self._locking.row("select * from public.wallet_revoke_key($1, $2)", key_id, actor))

    async def sign_out(self, user_id: UUID, token_id: UUID, expires_at: datetime) -> None:
        """`wallet_sign_out`: ends one token. Errors: WA029."""
        await self._shared.row("select public.wallet_sign_out($1, $2, $3)", user_id, token_id, expires_at)

    async def sign_out_everywhere(self, user_id: UUID) -> None:
        """`wallet_sign_out_everywhere`: ends all tokens of the user. Errors: WA029."""
        await self._shared.row("select public.wallet_sign_out_everywhere($1)", user_id)

    async def start_session(self, session_hash: bytes, user_id: UUID, generation: int) -> datetime:
        """`wallet_start_session`: when the session of the pages expires. Errors: WA029."""
        call = "select public.wallet_start_session($1, $2, $3) as expires_at"
        row = await self._shared.row(call, session_hash, user_id, generation)
        expires_at: datetime = row["expires_at"]
        return expires_at

    async def session(self, session_hash: bytes, *, home: int | None = None) -> SessionUser | None:
        """`wallet_session`: whose session of the pages it is; None for nobody's, now."""
        del home
        rows = await self._shared.rows("select * from public.wallet_session($1)", session_hash)
        return SessionUser(*(rows[0][name] for name in SessionUser._fields)) if rows else None

    async def end_session(self, session_hash: bytes, *, home: int | None = None) -> None:
        """`wallet_end_session`: ends a session of the pages."""
        del home
        await self._shared.row("select public.wallet_end_session($1)", session_hash)

    async def demo_accounts(self) -> list[str]:
        """`wallet_demo_accounts`: names of those that can be offered."""
        rows = await self._shared.rows("select public.wallet_demo_accounts() as username")
        return [row["username"] for row in rows]

    async def revocations(self, since: int | None) -> Revocations:
        """`wallet_revocations` since an earlier call's `next`. It never waits behind requests."""
        return _read_revocations(await self._revocations.row("select * from public.wallet_revocations($1)", since))

    async def me(self, user_id: UUID, actor: UUID) -> Me:
        """`wallet_me`: the user, the wallets, and what is left of their limits. Errors: WA029."""
        row = await self._locking.row("select * from public.wallet_me($1, $2)", user_id, actor)
        me = _read_me(row)
        me.wallets = msgspec.json.decode(row["wallets"], type=list[OwnWallet])
        return me

    async def assets(self) -> list[AssetInfo]:
        """`wallet_assets`: all of them, by code."""
        return [_read_asset(row) for row in await self._shared.rows("select * from public.wallet_assets()")]

    async def open_wallet(self, owner_id: UUID, asset: str, actor: UUID) -> tuple[Wallet, bool]:
        """`wallet_open`: the user's wallet in the asset, and whether it was opened now. Errors: WA026, WA029."""
        row = await self._locking.row("select * from public.wallet_open($1, $2, $3)", owner_id, asset, actor)
        return _read_wallet(row), bool(row["opened"])

    async def wallets(self, owner_id: UUID, actor: UUID, key_id: UUID | None = None) -> list[Wallet]:
        """`wallet_list`: the user's wallets, by asset. Errors: WA029.

        Here and below, `key_id` is the key that acts for the user. Errors: WA047.
        """
        call = "select * from public.wallet_list($1, p_key_id => $2, p_actor => $3)"
        rows = await self._locking.rows(call, owner_id, key_id, actor)
        return [_read_wallet(row) for row in rows]

    async def find_wallet(self, owner_id: UUID, asset: str, actor: UUID) -> UUID:
        """`wallet_find`: the id of the user's wallet in the asset. Errors: WA001, WA029."""
        row = await self._shared.row("select public.wallet_find($1, $2, $3) as id", owner_id, asset, actor)
        return UUID(int=row["id"].int)

    def balance(self, wallet_id: UUID, actor: UUID, key_id: UUID | None = None) -> Awaitable[Balance]:
        """Read the balance now, together with others that are asked for at the same time. Errors: WA001."""
        if self._together:
            return self._balance_reads.balance(wallet_id, actor, key_id)
        return self.balance_alone(wallet_id, actor, key_id)

    async def balance_alone(
        self, wallet_id: UUID, actor: UUID, key_id: UUID | None = None, *, admitted: bool = False
    ) -> Balance:
        """`wallet_balance`; `admitted` as above. Errors: WA001."""
        call = "select * from public.wallet_balance($1, p_key_id => $2, p_actor => $3)"
        return _read_balance(await self._shared.row(call, wallet_id, key_id, actor, admitted=admitted))

    async def balances(self, holders: Sequence[Holder]) -> list[Balance | None]:
        """`wallet_balances` of these wallets, in order; None for one that is unknown, another's, or not for the key."""
        wallet_ids, actors, key_ids = (list(column) for column in zip(*holders, strict=True))
        call = "select * from public.wallet_balances($1, p_actors => $2)"
        asked: list[list[Any]] = [wallet_ids, actors]
        if any(key_ids):
            call = "select * from public.wallet_balances($1, p_actors => $2, p_key_ids => $3)"
            asked.append(key_ids)
        balances: list[Balance | None] = [None] * len(holders)
        for row in await self._shared.rows(call, *asked, admitted=True):
            balances[row["ordinal"] - 1] = _read_balance(row)
        return balances

    async def balance_at(
        self, wallet_id: UUID, at: datetime, actor: UUID, age: Age | None = None, key_id: UUID | None = None
    ) -> BalanceAt:
        """`wallet_balance_at`: the balance of what was recorded before a moment. Errors: WA001, WA023, WA036.

        With `age` a standby may say it, here and in all reads of the past: it must be as young as that, and tells.
        """
        call = "select * from public.wallet_balance_at($1, $2, p_key_id => $3, p_actor => $4)"
        rows = await self._past(age, self._locking, call, wallet_id, at, key_id, actor)
        return _read_balance_at(rows[0])

    def mutate(self, mutation: Mutation) -> Awaitable[Transaction]:
        """Run the mutation, together with others that arrive at the same time. When this returns, it is on disk."""
        return self._group_commit.mutate(mutation) if self._together else self.mutate_alone(mutation)

    async def mutate_alone(self, mutation: Mutation, *, admitted: bool = False) -> Transaction:
        """`wallet_topup` or `wallet_spend`, by the mutation's type. `admitted`: another queue has admitted it."""
        self._observe(1)
        row = await self._shared.row(_ALONE[mutation.type], *mutation[1:], touches=(mutation.actor,), admitted=admitted)
        return self._counted(read_transaction(row))

    async def mutate_together(
        self, mutations: Sequence[Mutation], *, wait: bool
    ) -> list[Transaction | ServiceError | None]:
        """`wallet_batch` for many users' mutations, in one transaction: the outcome of each, in order.

        Without `wait`, a mutation of a held wallet is not run, and its outcome is None.
        """
        self._observe(len(mutations))
        types, wallet_ids, txn_ids, amounts, references, metadata, actors, moments, key_ids = map(
            list, zip(*mutations, strict=True)
        )
        touches = tuple({item.wallet_id for item in mutations}) if wait else ()
        # an array of nulls costs as much as any other
        described = [None if column.count(None) == len(column) else column for column in (references, metadata)]
        more: list[Any] = [moments if any(moments) else None]
        call = _TOGETHER
        if any(key_ids):
            # mostly of one key, and to send it for each costs more than anything else about it
            one = key_ids.count(key_ids[0]) == len(key_ids)
            call = _TOGETHER_BY_KEY if one else _TOGETHER_BY_KEYS
            more.append(key_ids[0] if one else key_ids)
        pool = self._patient if wait else self._shared
        columns = (types, wallet_ids, txn_ids, amounts, *described, actors)
        rows = await pool.rows(call, *columns, not wait, *more, touches=touches, admitted=True)
        outcomes = [None if not wait and row["outcome"] == "busy" else read_outcome(row) for row in rows]
        self._counts.add(outcomes)
        return outcomes

    async def batch(
        self, items: Sequence[BatchItem], *, atomic: bool, refused: Sequence[str] = ()
    ) -> list[Transaction | ServiceError]:
        """`wallet_batch` for one client's batch: the outcome of each item, in order.

        `atomic`: if an item is refused, nothing is written. `refused` are the codes of items that are refused already,
        and are not among these.
        """
        *columns, key_ids = (list(column) for column in zip(*items, strict=True))
        by_keys = key_ids if any(key_ids) else None

        def written(rows: Sequence[asyncpg.Record]) -> bool:
            return not refused and all(row["outcome"] in WRITTEN for row in rows)

        wallets = {wallet_id for item in items for wallet_id in (item.wallet_id, item.to_wallet_id) if wallet_id}
        rows = await self._locking.run(
            lambda connection: connection.fetch(_BATCH, *columns, by_keys),
            touches=(*wallets, items[0].actor),
            size=len(items),
            keep=written if atomic else None,
        )
        outcomes = [read_outcome(row) for row in rows]
        refused = [*refused, *(outcome.kind.code for outcome in outcomes if isinstance(outcome, ServiceError))]
        self._counts.refused_items.update(refused)
        if not (atomic and refused):
            self._counts.add(outcomes)
        return outcomes

    def require_room(self, user_id: UUID) -> None:
        """Raise ServiceError (503) where there is no room for a batch of this user."""
        self._locking.admission.require_room(user_id)

    async def recorded(self, wallet_id: UUID, txn_ids: Sequence[UUID], actor: UUID) -> set[UUID]:
        """`wallet_recorded`: which of these are on record, so that requests with them are replays. Errors: WA001."""
        call = "select public.wallet_recorded($1, $2, $3) as ids"
        row = await self._locking.row(call, wallet_id, list(txn_ids), actor)
        return set(row["ids"])

    async def transfer(
        self,
        wallet_id: UUID,
        txn_id: UUID,
        amount: int,
        to: UUID | str,
        details: Details,
        actor: UUID,
        key_id: UUID | None = None,
    ) -> Transaction:
        """`wallet_transfer`, `to` a wallet or a username. Errors: WA003, WA009, WA010, WA011 and more."""
        to_wallet_id, to_username = (to, None) if isinstance(to, UUID) else (None, to)
        call = "select * from public.wallet_transfer($1, $2, $3, $4, $5, $6, $7, $8, p_key_id => $9, p_actor => $10)"
        arguments = (wallet_id, txn_id, amount, to_wallet_id, to_username, *details, key_id, actor)
        return await self._transaction(call, *arguments, touches=(to.lower() if isinstance(to, str) else to,))

    async def preview_transfer(
        self, wallet_id: UUID, txn_id: UUID, amount: int, to: UUID | str, actor: UUID, key_id: UUID | None = None
    ) -> TransferPreview | None:
        """`wallet_preview_transfer`: what it would do; None: the txn_id is on record. Errors: those of a transfer."""
        to_wallet_id, to_username = (to, None) if isinstance(to, UUID) else (None, to)
        call = "select * from public.wallet_preview_transfer($1, $2, $3, $4, $5, p_key_id => $6, p_actor => $7)"
        arguments = (wallet_id, txn_id, amount, to_wallet_id, to_username, key_id, actor)
        row = await self._locking.row(call, *arguments, touches=(to.lower() if isinstance(to, str) else to,))
        return None if row["is_recorded"] else _read_transfer_preview(row)

    async def locate(self, username: str, asset: str) -> UUID | None:
        """`wallet_locate`: the wallet of the user of this name, to whom a user of another database sends. Quick."""
        rows = await self._at_once("select wallet_id from public.wallet_locate($1, $2)", username, asset)
        return UUID(int=rows[0]["wallet_id"].int) if rows else None

    async def require_receivable(self, to_wallet_id: UUID, asset: str, amount: int, field: str) -> None:
        """`wallet_can_receive`: checks a transfer from another database. Quick. Errors: WA006, WA009, WA011, WA013."""
        await self._at_once("select public.wallet_can_receive($1, $2, $3, $4)", to_wallet_id, asset, amount, field)

    async def deliveries(self, wallet_id: UUID, txn_ids: Sequence[UUID], actor: UUID) -> dict[UUID, Delivered]:
        """`wallet_deliveries`: how far transfers to other databases are, by `txn_id`. Quick. Errors: WA001."""
        call = "select * from public.wallet_deliveries($1, $2, $3)"
        rows = await self._at_once(call, wallet_id, list(txn_ids), actor)
        return {row["txn_id"]: _read_delivered(row) for row in rows}

    async def names(self, wallet_ids: Sequence[UUID]) -> dict[UUID, str]:
        """`wallet_names`: whose wallets these are, for users of other databases. Quick."""
        rows = await self._at_once("select * from public.wallet_names($1)", list(wallet_ids))
        return {row["wallet_id"]: row["username"] for row in rows}

    async def in_transit(self) -> list[InTransit]:
        """`wallet_in_transit`: what is on its way to other databases. Waits as long as `ping`."""
        return [_read_in_transit(row) for row in await self._at_once("select * from public.wallet_in_transit()")]

    async def find_request(self, wallet_id: UUID, txn_id: UUID, actor: UUID) -> tuple[int | None, UUID | None]:
        """`wallet_find_request`: the transaction's number, or the `txn_id` of the hold. Errors: WA001."""
        call = "select * from public.wallet_find_request($1, $2, p_actor => $3)"
        rows = await self._shared.rows(call, wallet_id, txn_id, actor)
        return (rows[0]["transaction_id"], rows[0]["hold_txn_id"]) if rows else (None, None)

    async def hold(
        self,
        wallet_id: UUID,
        txn_id: UUID,
        amount: int,
        expires_in: int | None,
        details: Details,
        actor: UUID,
        key_id: UUID | None = None,
    ) -> Transaction:
        """`wallet_hold`; `expires_in` in seconds. Errors: WA003, WA025 and more."""
        call = "select * from public.wallet_hold($1, $2, $3, $4, $5, $6, p_key_id => $7, p_actor => $8)"
        return await self._transaction(call, wallet_id, txn_id, amount, expires_in, *details[:2], key_id, actor)

    async def capture(
        self,
        wallet_id: UUID,
        txn_id: UUID,
        hold_txn_id: UUID,
        amount: int | None,
        details: Details,
        actor: UUID,
        key_id: UUID | None = None,
        *,
        final: bool,
    ) -> Transaction:
        """`wallet_capture`; no amount is all that is left. Errors: WA015 to WA019 and more."""
        call = "select * from public.wallet_capture($1, $2, $3, $4, $5, $6, $7, $8, p_key_id => $9, p_actor => $10)"
        return await self._transaction(call, wallet_id, txn_id, hold_txn_id, amount, final, *details, key_id, actor)

    async def void(
        self, wallet_id: UUID, txn_id: UUID, hold_txn_id: UUID, actor: UUID, key_id: UUID | None = None
    ) -> Transaction:
        """`wallet_void`. Errors: WA015 to WA018 and more."""
        call = "select * from public.wallet_void($1, $2, $3, p_key_id => $4, p_actor => $5)"
        return await self._transaction(call, wallet_id, txn_id, hold_txn_id, key_id, actor)

    async def holds(
        self,
        wallet_id: UUID,
        status: str | None,
        limit: int,
        before_id: int | None,
        actor: UUID,
        key_id: UUID | None = None,
    ) -> Page[Hold]:
        """`wallet_holds`: the newest `limit` holds below `before_id`. Errors: WA001, WA024."""
        call = "select * from public.wallet_holds($1, $2, $3, $4, p_key_id => $5, p_actor => $6)"
        # one more tells whether there is a next page
        rows = await self._locking.rows(call, wallet_id, status, limit + 1, before_id, key_id, actor)
        return page_of_holds(rows, limit)

    async def own_hold(self, wallet_id: UUID, hold_txn_id: UUID, actor: UUID) -> InspectedHold:
        """`wallet_own_hold`: one hold, with what happened to it. Errors: WA001, WA015."""
        call = "select to_jsonb(h) as found from public.wallet_own_hold($1, $2, p_actor => $3) h"
        row = await self._locking.row(call, wallet_id, hold_txn_id, actor)
        return msgspec.json.decode(row["found"], type=InspectedHold)

    async def refund(
        self,
        wallet_id: UUID,
        txn_id: UUID,
        original_txn_id: UUID,
        amount: int | None,
        details: Details,
        actor: UUID,
        key_id: UUID | None = None,
    ) -> Transaction:
        """`wallet_refund`; no amount is all that is left. Errors: WA020, WA021, WA028 and more."""
        call = "select * from public.wallet_refund($1, $2, $3, $4, $5, $6, $7, p_key_id => $8, p_actor => $9)"
        return await self._transaction(call, wallet_id, txn_id, original_txn_id, amount, *details, key_id, actor)

    async def entries(
        self,
        wallet_id: UUID,
        limit: int,
        before_seq: int | None,
        filters: Filters,
        actor: UUID,
        age: Age | None = None,
        key_id: UUID | None = None,
    ) -> Page[Entry]:
        """`wallet_entries`: the newest `limit` entries below `before_seq`. Errors: WA001."""
        call = "select * from public.wallet_entries($1, $2, $3, $4, $5, $6, $7, p_key_id => $8, p_actor => $9)"
        rows = await self._past(age, self._shared, call, wallet_id, limit + 1, before_seq, *filters, key_id, actor)
        return page_of_entries(rows, limit, read_entry)

    async def transaction(
        self, wallet_id: UUID, txn_id: UUID, actor: UUID, age: Age | None = None, key_id: UUID | None = None
    ) -> RequestedEntry:
        """`wallet_transaction`: one entry, as `entries` has it. Errors: WA001, WA028."""
        call = "select * from public.wallet_transaction($1, $2, p_key_id => $3, p_actor => $4)"
        rows = await self._past(age, self._shared, call, wallet_id, txn_id, key_id, actor)
        return read_requested_entry(rows[0])

    async def entry(self, wallet_id: UUID, transaction_id: int, actor: UUID) -> OwnEntry:
        """`wallet_entry`: one entry by the server's number of its transaction. Errors: WA001, WA028."""
        call = "select * from public.wallet_entry($1, $2, p_actor => $3)"
        return read_own_entry(await self._shared.row(call, wallet_id, transaction_id, actor))

    async def verify_entry(
        self, wallet_id: UUID, transaction_id: int, receipt: str, actor: UUID, key_id: UUID | None = None
    ) -> str:
        """`wallet_verify_entry`: 'ok', 'altered', 'rewritten' or 'removed'. Errors: WA001."""
        call = "select public.wallet_verify_entry($1, $2, $3, p_key_id => $4, p_actor => $5) as verdict"
        row = await self._shared.row(call, wallet_id, transaction_id, receipt, key_id, actor)
        return str(row["verdict"])

    async def balance_history(
        self, wallet_id: UUID, start: datetime, end: datetime, points: int, actor: UUID
    ) -> list[BalancePoint]:
        """`wallet_balance_history`: the balance at evenly spaced moments, oldest first. Errors: WA001, WA002."""
        call = "select * from public.wallet_balance_history($1, $2, $3, $4, p_actor => $5)"
        rows = await self._shared.rows(call, wallet_id, start, end, points, actor)
        return [BalancePoint(row["at"], row["balance"]) for row in rows]

    async def statement(
        self,
        wallet_id: UUID,
        start: datetime,
        end: datetime,
        actor: UUID,
        age: Age | None = None,
        key_id: UUID | None = None,
    ) -> AsyncGenerator[list[StatementBound | Entry], None]:
        """`wallet_statement`, in pieces: opening line, entries, closing line. Errors: WA001, WA002, WA023, WA036."""
        call = "select * from public.wallet_statement($1, $2, $3, p_key_id => $4, p_actor => $5)"
        asked = (read_statement_line, call, wallet_id, start, end, key_id, actor)
        sources = [self._locking.stream(*asked)]
        if age is not None and self._standby is not None:
            sources.insert(0, self._standby.stream(age, *asked))
        for source in sources:
            async with contextlib.aclosing(source) as pieces:
                answered = False
                async for piece in pieces:
                    answered = True
                    yield piece
            if answered:
                return

    async def fund(self, wallet_id: UUID, txn_id: UUID, amount: int, details: Details, actor: UUID) -> Transaction:
        """`wallet_fund`: an operator's top-up. Errors: WA027 and those of a top-up."""
        call = "select * from public.wallet_fund($1, $2, $3, $4, $5, $6, $7)"
        funded = self._transaction(call, wallet_id, txn_id, amount, *details, actor)
        return await self._noted(funded, wallet_id, actor)

    async def give_back(self, asked: Correction) -> Transaction:
        """`wallet_give_back`: an operator's refund. Errors: WA027, WA038 and those of a refund."""
        call = "select * from public.wallet_give_back($1, $2, $3, $4, $5, $6, $7, $8)"
        given = self._transaction(call, *asked[1:5], *asked.details, asked.actor)
        return await self._noted(given, asked.wallet_id, asked.actor)

    async def adjust(self, asked: Correction) -> Adjustment:
        """`wallet_adjust`: a signed correction; the reference is its reason. Errors: WA003, WA027, WA038 and more."""
        call = "select * from public.wallet_adjust($1, $2, $3, $4, $5, $6, $7)"
        arguments = (asked.wallet_id, asked.txn_id, asked.amount, *asked.details, asked.actor)
        row = await self._noted(self._locking.row(call, *arguments), asked.wallet_id, asked.actor)
        return self._counted(_read_adjustment(row))

    async def propose(self, asked: Correction, four_eyes: int) -> Confirmation | None:
        """`wallet_propose`: the confirmation that an amount above `four_eyes` needs; None where it needs none.

        Errors: WA004, WA020, WA027, WA038, WA040 and more.
        """
        call = "select * from public.wallet_propose($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
        arguments = (*asked[:5], *asked.details, four_eyes, asked.actor)
        rows = await self._noted(self._locking.rows(call, *arguments), asked.wallet_id, asked.actor)
        return read_confirmation(rows[0]) if rows else None

    async def confirmations(self, status: str | None, limit: int, before_id: Before, actor: UUID) -> Page[Confirmation]:
        """`wallet_confirmations`: the newest `limit` of them below `before_id`. Errors: WA024, WA027."""
        call = "select * from public.wallet_confirmations($1, $2, $3, $4)"
        rows = await self._locking.rows(call, status, limit + 1, _alone(before_id), actor)
        found = [read_confirmation(row) for row in rows[:limit]]
        return Page(found, found[-1].id if len(rows) > limit else None)

    async def confirm(self, confirmation_id: int, actor: UUID) -> Adjustment:
        """`wallet_confirm`: the transaction. Errors: WA027, WA038 to WA040, and those of the request."""
        call = "select * from public.wallet_confirm($1, $2)"
        row = await self._noted(self._locking.row(call, confirmation_id, actor), None, actor)
        return self._counted(_read_adjustment(row))

    async def reject(self, confirmation_id: int, reason: str, actor: UUID) -> Confirmation:
        """`wallet_reject`. Errors: WA027, WA038 to WA040."""
        call = "select * from public.wallet_reject($1, $2, $3)"
        return read_confirmation(await self._locking.row(call, confirmation_id, reason, actor))

    async def erase_user(self, user_id: UUID, reason: str, actor: UUID) -> Erasure:
        """`wallet_erase_user`. Errors: WA027, WA029, WA030."""
        call = "select * from public.wallet_erase_user($1, $2, $3)"
        # not repeated on a lost connection: the second attempt would say "already erased"
        return _read_erasure(await self._locking.row(call, user_id, reason, actor, again=False))

    async def set_status(self, wallet_id: UUID, status: str, reason: str, actor: UUID) -> StatusChange:
        """`wallet_set_status`. Errors: WA001, WA022, WA027."""
        call = "select * from public.wallet_set_status($1, $2, $3, $4)"
        row = await self._noted(self._locking.row(call, wallet_id, status, reason, actor), wallet_id, actor)
        return _read_status_change(row)

    async def set_limits(self, wallet_id: UUID, request: LimitsRequest, actor: UUID) -> WalletLimits:
        """`wallet_set_limits`: replaces them all. Errors: WA001, WA002, WA027."""
        asked = {kind: getattr(request.limits, kind) for kind in LimitsByKind.__struct_fields__}
        given: dict[str, KindLimits] = {kind: limits for kind, limits in asked.items() if limits is not None}
        columns = [[getattr(limits, name) for limits in given.values()] for name in KindLimits.__struct_fields__]
        call = "select * from public.wallet_set_limits($1, $2, $3, $4, $5, $6, $7, $8, $9)"
        arguments = (wallet_id, list(given), *columns, request.floor, request.max_balance, actor, request.reason)
        rows = await self._noted(self._locking.rows(call, *arguments), wallet_id, actor)
        kinds = {row["kind"]: _read_kind_limits(row) for row in rows if row["kind"] is not None}
        return WalletLimits(wallet_id, LimitsByKind(**kinds), rows[0]["floor"], rows[0]["max_balance"])

    async def trial_balance(self, asset: str, at: datetime | None, actor: UUID) -> Page[AccountBalance]:
        """`wallet_trial_balance`: each system account, and all users. Errors: WA023, WA026, WA027, WA036."""
        rows = await self._locking.rows("select * from public.wallet_trial_balance($1, $2, $3)", asset, at, actor)
        found = [
            AccountBalance(row["account"], row["entries"], int(row["debit"]), int(row["credit"]), int(row["balance"]))
            for row in rows
        ]
        return Page(found, None)

    async def search(self, query: str, actor: UUID) -> Page[Found]:
        """`wallet_search`: at most 50 users, wallets, transactions and holds. Errors: WA002, WA027."""
        rows = await self._locking.rows("select * from public.wallet_search($1, $2)", query, actor)
        return Page([read_found(row) for row in rows], None)

    async def inspect_user(self, user_id: UUID, actor: UUID) -> InspectedUser:
        """`wallet_inspect_user`: a user with wallets. Errors: WA027, WA029."""
        return read_inspected_user(
            await self._locking.row("select * from public.wallet_inspect_user($1, $2)", user_id, actor)
        )

    async def users(self, limit: int, before_id: UUID | None, actor: UUID) -> Page[StoredUser]:
        """`wallet_users`: the newest `limit` users below `before_id`. Errors: WA027."""
        rows = await self._locking.rows("select * from public.wallet_users($1, $2, $3)", limit, before_id, actor)
        users = [_read_stored_user(row) for row in rows]
        return Page(users, users[-1].id if rows and not rows[-1]["is_last"] else None)

    async def audit(self, filters: AuditFilters, limit: int, before_id: Before, actor: UUID) -> Page[AuditRow]:
        """`wallet_audit`: the newest `limit` rows below `before_id`. Errors: WA024, WA027."""
        call = "select * from public.wallet_audit($1, $2, $3, $4, $5, $6, $7)"
        rows = await self._locking.rows(call, *filters, limit + 1, _alone(before_id), actor)
        next_id = None
        if len(rows) > limit:
            rows = rows[:limit]
            next_id = rows[-1]["id"]
        elif rows and rows[-1]["action"] is None:
            # no row of the record: it says how far a filtered page got
            *rows, stopped = rows
            next_id = stopped["id"]
        return Page([read_audit_row(row) for row in rows], next_id)

    async def verifications(self, limit: int, before_id: Before, actor: UUID) -> Page[RecordedVerification]:
        """`wallet_verifications`: the newest `limit` below `before_id`. Errors: WA024, WA027."""
        call = "select * from public.wallet_verifications($1, $2, $3)"
        rows = await self._locking.rows(call, limit + 1, _alone(before_id), actor)
        found = [_read_recorded_verification(row) for row in rows[:limit]]
        return Page(found, found[-1].id if len(rows) > limit else None)

    async def verification_runs(self, limit: int, before_id: Before, actor: UUID) -> Page[VerificationRun]:
        """`wallet_verification_runs`: the newest `limit` below `before_id`. Errors: WA024, WA027."""
        call = "select * from public.wallet_verification_runs($1, $2, p_actor => $3)"
        rows = await self._locking.rows(call, limit + 1, _alone(before_id), actor)
        found = [_read_verification_run(row) for row in rows[:limit]]
        return Page(found, found[-1].id if len(rows) > limit else None)

    async def verification_run(self, run_id: int, actor: UUID) -> VerificationRunDetails:
        """`wallet_verification_runs`: one, with what it found. Errors: WA027, not found."""
        call = "select * from public.wallet_verification_runs(1, p_run_id => $1, p_actor => $2)"
        rows = await self._locking.rows(call, run_id, actor)
        if not rows:
            raise ServiceError(NOT_FOUND)
        findings = msgspec.json.decode(rows[0]["findings"], type=list[VerificationFinding])
        return VerificationRunDetails(**msgspec.structs.asdict(_read_verification_run(rows[0])), findings=findings)

    async def start_verification(self, holder: int, actor: UUID) -> int:
        """`wallet_start_verification`: its id. Errors: WA027."""
        call = "select public.wallet_start_verification($1, $2) as id"
        # not repeated on a lost connection: if the first attempt was written, the second would start another
        row = await self._locking.row(call, holder, actor, again=False)
        return int(row["id"])

    async def note_verification(
        self,
        run_id: int,
        rule: str | None = None,
        rules_done: int | None = None,
        rules: int | None = None,
        part: float | None = None,
        error: str | None = None,
    ) -> None:
        """`wallet_note_verification`. Waits behind no request."""
        call = "select public.wallet_note_verification($1, $2, $3, $4, $5, $6)"
        await self._events.row(call, run_id, rule, rules_done, rules, part, error)

    async def inspect_wallet(self, wallet_id: UUID, actor: UUID) -> InspectedWallet:
        """`wallet_inspect_wallet`. Errors: WA001, WA027."""
        return await self._inspect(InspectedWallet, "wallet", wallet_id, actor)

    async def inspect_entries(
        self, wallet_id: UUID, limit: int, before_seq: int | None, filters: Filters, actor: UUID
    ) -> Page[InspectedLine]:
        """`wallet_inspect_entries`: `entries` for operators, with keys. Errors: WA001, WA027."""
        call = "select * from public.wallet_inspect_entries($1, $2, $3, $4, $5, $6, $7, $8)"
        rows = await self._locking.rows(call, wallet_id, limit + 1, before_seq, *filters, actor)
        return page_of_entries(rows, limit, read_inspected_line)

    async def inspect_holds(
        self, wallet_id: UUID, status: str | None, limit: int, before_id: int | None, actor: UUID
    ) -> Page[Hold]:
        """`wallet_inspect_holds`: `holds` for operators. Errors: WA001, WA024, WA027."""
        call = "select * from public.wallet_inspect_holds($1, $2, $3, $4, $5)"
        rows = await self._locking.rows(call, wallet_id, status, limit + 1, before_id, actor)
        return page_of_holds(rows, limit)

    def inspect_statement(
        self, wallet_id: UUID, start: datetime, end: datetime, actor: UUID
    ) -> AsyncGenerator[list[StatementBound | Entry], None]:
        """`wallet_inspect_statement`: `statement` for operators. Errors: WA001, WA002, WA023, WA027, WA036."""
        call = "select * from public.wallet_inspect_statement($1, $2, $3, $4)"
        return self._locking.stream(read_statement_line, call, wallet_id, start, end, actor)

    async def inspect_transaction(self, transaction_id: int, actor: UUID) -> InspectedTransaction:
        """`wallet_inspect_transaction`. Errors: WA027, WA028."""
        return await self._inspect(InspectedTransaction, "transaction", transaction_id, actor)

    async def inspect_hold(self, hold_id: int, actor: UUID) -> InspectedHold:
        """`wallet_inspect_hold`. Errors: WA015, WA027."""
        return await self._inspect(InspectedHold, "hold", hold_id, actor)

    async def create_webhook(
        self,
        webhook_id: UUID,
        request: WebhookRequest,
        secret: bytes,
        start: Starts | None,
        actor: UUID,
    ) -> Webhook:
        """`wallet_create_webhook`: from an epoch and event on, None for now. Errors: WA001, WA002, WA026, WA027, WA044.

        And WA024, WA041 for `start`. The secret is encrypted.
        """
        epoch, after = (None, None) if start is None else self._place(start)
        call = "select * from public.wallet_create_webhook($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
        arguments = (webhook_id, *_terms(request), secret, after, epoch, actor)
        return _read_webhook(await self._locking.row(call, *arguments))

    async def webhooks(self, actor: UUID) -> Page[Webhook]:
        """`wallet_webhooks`: all, newest first. Errors: WA027."""
        rows = await self._locking.rows("select * from public.wallet_webhooks($1)", actor)
        return Page([_read_webhook(row) for row in rows], None)

    async def webhook(self, webhook_id: UUID, actor: UUID) -> Webhook:
        """`wallet_webhook`. Errors: WA027, WA042."""
        return _read_webhook(await self._locking.row("select * from public.wallet_webhook($1, $2)", webhook_id, actor))

    async def change_webhook(self, webhook_id: UUID, request: WebhookRequest, actor: UUID) -> Webhook:
        """`wallet_change_webhook`: replaces all. Errors: WA001, WA002, WA026, WA027, WA042."""
        call = "select * from public.wallet_change_webhook($1, $2, $3, $4, $5, $6, $7, $8)"
        return _read_webhook(await self._locking.row(call, webhook_id, *_terms(request), actor))

    async def pause_webhook(self, webhook_id: UUID, reason: str | None, actor: UUID) -> Webhook:
        """`wallet_pause_webhook`. Errors: WA002, WA027, WA042."""
        call = "select * from public.wallet_pause_webhook($1, $2, $3)"
        return _read_webhook(await self._locking.row(call, webhook_id, reason, actor))

    async def resume_webhook(self, webhook_id: UUID, actor: UUID) -> Webhook:
        """`wallet_resume_webhook`. Errors: WA027, WA042."""
        return _read_webhook(
            await self._locking.row("select * from public.wallet_resume_webhook($1, $2)", webhook_id, actor)
        )

    async def rotate_webhook_secret(self, webhook_id: UUID, secret: bytes, actor: UUID) -> Webhook:
        """`wallet_rotate_webhook_secret`: the secret is encrypted. Errors: WA027, WA042."""
        call = "select * from public.wallet_rotate_webhook_secret($1, $2, $3)"
        return _read_webhook(await self._locking.row(call, webhook_id, secret, actor))

    async def replay_webhook(self, webhook_id: UUID, start: Starts, actor: UUID) -> Webhook:
        """`wallet_replay_webhook`: from an epoch and event on. Errors: WA002, WA024, WA027, WA041, WA042."""
        epoch, after = self._place(start)
        call = "select * from public.wallet_replay_webhook($1, $2, $3, $4)"
        return _read_webhook(await self._locking.row(call, webhook_id, after, epoch, actor))

    async def delete_webhook(self, webhook_id: UUID, actor: UUID) -> Webhook:
        """`wallet_delete_webhook`: the webhook as it was. Errors: WA027, WA042."""
        call = "select * from public.wallet_delete_webhook($1, $2)"
        # not repeated on a lost connection: if the first attempt was written, the second would not know the webhook
        return _read_webhook(await self._locking.row(call, webhook_id, actor, again=False))

    async def test_webhook(self, webhook_id: UUID, actor: UUID) -> WebhookTrial:
        """`wallet_test_webhook`: what a test delivery needs. Errors: WA027, WA042."""
        call = "select * from public.wallet_test_webhook($1, $2)"
        return _read_webhook_trial(await self._locking.row(call, webhook_id, actor))

    async def webhook_deliveries(self, webhook_id: UUID, limit: int, before_id: Before, actor: UUID) -> Page[Delivery]:
        """`wallet_webhook_deliveries`: the newest `limit` below `before_id`. Errors: WA024, WA027, WA042."""
        call = "select * from public.wallet_webhook_deliveries($1, $2, $3, $4)"
        rows = await self._locking.rows(call, webhook_id, limit + 1, _alone(before_id), actor)
        found = [_read_delivery(row) for row in rows[:limit]]
        return Page(found, found[-1].id if len(rows) > limit else None)

    async def webhook_dead_letters(
        self, webhook_id: UUID, limit: int, before_id: Before, actor: UUID
    ) -> Page[DeadLetter]:
        """`wallet_webhook_dead_letters`: the newest `limit` below `before_id`. Errors: WA024, WA027, WA042."""
        call = "select * from public.wallet_webhook_dead_letters($1, $2, $3, $4)"
        rows = await self._locking.rows(call, webhook_id, limit + 1, _alone(before_id), actor)
        found = [_read_dead_letter(row) for row in rows[:limit]]
        return Page(found, found[-1].event_id if len(rows) > limit else None)

    async def retry_dead_letters(self, webhook_id: UUID, event_ids: Sequence[int] | None, actor: UUID) -> int:
        """`wallet_retry_dead_letters`: how many of these, None for all. Errors: WA027, WA042."""
        call = "select public.wallet_retry_dead_letters($1, $2, $3) as moved"
        # not repeated on a lost connection: if the first attempt was written, the second would find none
        row = await self._locking.row(call, webhook_id, event_ids, actor, again=False)
        return int(row["moved"])

    async def sweep(self) -> int:
        """`wallet_sweep`: ends due holds of wallets that nothing touches; how many."""
        row = await self._locking.row("select public.wallet_sweep() as ended")
        return int(row["ended"])

    async def facts(self) -> ServerFacts:
        """`wallet_last_verification`, and the server's version. Waits as long as `ping`."""
        (row,) = await self._at_once(
            "select split_part(current_setting('server_version'), ' ', 1) as postgres, v.*"
            " from (select) s left join public.wallet_last_verification() v on true"
        )
        return _read_facts(row)

    async def open_holds(self) -> int:
        """`wallet_open_holds`: how many there are. Waits as long as `ping`."""
        (row,) = await self._at_once("select public.wallet_open_holds() as number")
        return int(row["number"])

    async def fence_holders(self, fence: int) -> list[FenceHolder]:
        """`wallet_fence_holders`: who holds a fence back, the oldest first. Waits behind no request."""
        rows = await self._events.rows("select * from public.wallet_fence_holders($1)", fence)
        return [_read_fence_holder(row) for row in rows]

    async def event_mark(self, known: int | None) -> EventMark:
        """`wallet_event_mark`: how far ids are drawn, and a fence unless that is `known`. Waits behind no request."""
        return _read_event_mark(await self._events.row("select * from public.wallet_event_mark($1)", known))

    async def event_settled(self, fence: int) -> bool:
        """`wallet_event_settled`: whether the fence has passed. Waits behind no request."""
        row = await self._events.row("select public.wallet_event_settled($1) as settled", fence)
        return bool(row["settled"])

    async def newest_event(self, bound: Bound) -> int:
        """`wallet_newest_event`: its id, 0 for none. Errors: WA036 where the fence is of another history."""
        row = await self._events.row("select public.wallet_newest_event($1, $2) as id", bound.up_to, bound.fence)
        if row["id"] is None:
            raise ServiceError(NOT_FINAL)
        return int(row["id"])

    async def events(
        self, after: int, bound: Bound, limit: int, filters: EventFilters, epoch: int | None, actor: UUID
    ) -> Events[EventRow]:
        """`wallet_events`: the next `limit` after an event of this epoch. Errors: WA024, WA027, WA041."""
        return await self._page_of_events(self._locking, after, bound, limit, filters, epoch, actor)

    async def stream_events(
        self, after: int, bound: Bound, limit: int, filters: EventFilters, epoch: int | None, actor: UUID
    ) -> Events[EventRow]:
        """`events` for streams. Waits behind no request, and keeps none waiting."""
        return await self._page_of_events(self._events, after, bound, limit, filters, epoch, actor)

    async def user_events(
        self,
        user_id: UUID,
        after: int,
        bound: Bound,
        limit: int,
        types: Sequence[str] | None,
        epoch: int | None,
        key_id: UUID | None = None,
    ) -> Events[EventRow]:
        """`wallet_user_events`: `stream_events` of the user's wallets, as their owner sees them. Errors: as above."""
        call = "select * from public.wallet_user_events($1, $2, $3, $4, $5, $6, $7, p_key_id => $8, p_actor => $9)"
        arguments = (user_id, after, bound.up_to, bound.fence, limit, types, epoch, key_id, user_id)
        return page_of_events(await self._events.rows(call, *arguments))

    async def event_feed(self, after: int, bound: Bound, limit: int, user_ids: Sequence[UUID]) -> Events[UserEvent]:
        """`wallet_event_feed`: the next `limit` events, each once for every one of these users who sees it."""
        call = "select * from public.wallet_event_feed($1, $2, $3, $4, $5)"
        return page_of_user_events(await self._events.rows(call, after, bound.up_to, bound.fence, limit, user_ids))

    def _place(self, start: Starts) -> tuple[int | None, int]:
        return start.get(next(iter(self.members)), (None, 0))

    async def _page_of_events(
        self, pool: Pool, after: int, bound: Bound, limit: int, filters: EventFilters, epoch: int | None, actor: UUID
    ) -> Events[EventRow]:
        call = "select * from public.wallet_events($1, $2, $3, $4, $5, $6, $7, $8, $9)"
        return page_of_events(await pool.rows(call, after, bound.up_to, bound.fence, limit, *filters, epoch, actor))

    async def _past(self, age: Age | None, pool: Pool, call: str, *arguments: Argument) -> Sequence[asyncpg.Record]:
        """Read from the standby where the caller accepts its age, else from the primary, by `pool`."""
        if age is not None and self._standby is not None:
            rows = await self._standby.rows(age, call, *arguments)
            if rows is not None:
                return rows
        return await pool.rows(call, *arguments)

    async def _at_once(self, call: str, *arguments: Argument) -> Sequence[asyncpg.Record]:
        """Run a call. Raises ServiceError when that takes more than two seconds."""
        try:
            async with asyncio.timeout(PING_SECONDS):
                return await self._shared.run(lambda connection: connection.fetch(call, *arguments), admitted=True)
        except TimeoutError:
            raise ServiceError(TIMEOUT) from None

    async def _noted(self, call: Awaitable[T], wallet_id: UUID | None, actor: UUID) -> T:
        """Await an operator's call. A refusal that tells what the wallet has is a look at it, and is noted as one.

        The database cannot: what it writes is rolled back with the refusal. Without `wallet_id` the refusal names it.
        """
        try:
            return await call
        except ServiceError as refusal:
            found = wallet_id or refusal.members.get("wallet_id")
            if found and not _TELLING.isdisjoint(refusal.members):
                await self.inspect_wallet(UUID(str(found)), actor)
            raise

    async def _inspect(self, struct: type[S], what: str, which: UUID | int, actor: UUID) -> S:
        """Run `wallet_inspect_…`, whose row has lists in it: it comes as JSON."""
        call = f"select to_jsonb(i) as found from public.wallet_inspect_{what}($1, $2) i"  # noqa: S608 - names of ours
        row = await self._locking.row(call, which, actor)
        return msgspec.json.decode(row["found"], type=struct)

    async def _transaction(self, call: str, *arguments: Argument, touches: Sequence[UUID | str] = ()) -> Transaction:
        """Run a call that may wait for a wallet, and returns a transaction."""
        return self._counted(read_transaction(await self._locking.row(call, *arguments, touches=touches)))

    def _counted(self, result: R) -> R:
        self._counts.add((result,))
        return result
