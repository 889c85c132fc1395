"""The only module that calls PostgreSQL functions: one typed method per SQL function."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, NamedTuple
from uuid import UUID

from api.database.pool import PING_SECONDS, Pool
from api.errors import TIMEOUT, ServiceError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence
    from datetime import datetime

    import asyncpg

_MUTATIONS: Final = {
    name: f"select * from public.wallet_{name}($1, $2, $3, $4, $5, p_actor => $6, p_effective_at => $7)"  # noqa: S608
    for name in ("topup", "spend")
}
_COALESCED: Final = (
    "select * from public.wallet_batch($1, $2, $3, $4, $5, $6, $7, p_skip_locked => $8, p_effective_at => $9)"
)
_BATCH: Final = "select * from public.wallet_batch($1, $2, $3, $4, $5, $6, $7, false, $8, $9, $10, $11, $12, $13)"
WRITTEN: Final = frozenset({"ok", "replayed"})
"""The outcomes of a batch's items that are no refusals."""


class Mutation(NamedTuple):
    """A top-up or spend. `amount` in minor units, `metadata` JSON text, `actor` the user it is made for."""

    type: str
    wallet_id: UUID
    txn_id: UUID
    amount: int
    reference: str | None
    metadata: str | None
    actor: UUID
    effective_at: datetime | None = None


class BatchItem(NamedTuple):
    """A request of a batch, with all that any type of request takes; see `wallet_batch`."""

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


class Details(NamedTuple):
    """What every transaction can carry beside its amount. `metadata` is JSON text."""

    reference: str | None
    metadata: str | None
    effective_at: datetime | None


class Filters(NamedTuple):
    """Which entries of a history: None is any; `start` included, `end` not."""

    type: str | None
    start: datetime | None
    end: datetime | None
    reference: str | None


class Limit(NamedTuple):
    """The limits of one kind of transaction, in minor units; None is no limit."""

    kind: str
    per_transaction: int | None
    per_day: int | None
    per_30_days: int | None


class Database(Pool):
    """The calls of the service. Each raises ServiceError; the errors are those of the function of its name."""

    async def register(self, username: str, password_hash: str) -> asyncpg.Record:
        """`wallet_register`: a new user with wallet and bonus. Errors: WA002, WA005."""
        # not repeated on a lost connection: if the first attempt was written, the second would say "name taken"
        return await self.row("select * from public.wallet_register($1, $2)", username, password_hash, again=False)

    async def require_username(self, username: str) -> None:
        """`wallet_require_username`: that a new user can have it. Errors: WA002, WA005."""
        await self.row("select public.wallet_require_username($1)", username)

    async def sign_in(self, username: str, address: str) -> asyncpg.Record:
        """`wallet_sign_in`: what a sign-in needs, nulls for an unknown name. Errors: WA033.

        And `highest_cost`, of `wallet_highest_cost`.
        """
        call = (
            "select c.cost as highest_cost, s.* from public.wallet_highest_cost() c"
            " left join public.wallet_sign_in($1, $2) s on true"
        )
        return await self.row(call, username, address)

    async def sign_in_failed(self, username: str, address: str) -> None:
        """`wallet_sign_in_failed`: counts it."""
        await self.row("select public.wallet_sign_in_failed($1, $2)", username, address)

    async def sign_in_succeeded(self, username: str, address: str) -> None:
        """`wallet_sign_in_succeeded`: forgets failures, and remembers the address."""
        await self.row("select public.wallet_sign_in_succeeded($1, $2)", username, address)

    async def rehash(self, user_id: UUID, old_hash: str, new_hash: str) -> None:
        """`wallet_rehash`: another hash of the same password, unless it was changed meanwhile."""
        await self.row("select public.wallet_rehash($1, $2, $3)", user_id, old_hash, new_hash)

    async def change_password(self, user_id: UUID, old_hash: str, new_hash: str) -> int:
        """`wallet_change_password`: the generation of the tokens to come. Errors: WA034."""
        call = "select public.wallet_change_password($1, $2, $3) as generation"
        # not repeated on a lost connection: if the first attempt was written, the second would not know the old hash
        row = await self.row(call, user_id, old_hash, new_hash, again=False)
        return int(row["generation"])

    async def principal(
        self, user_id: UUID, token_id: UUID | None = None, generation: int | None = None
    ) -> asyncpg.Record | None:
        """`wallet_principal`: user_id, username, role, wallet_id as stored now; None for an unknown or revoked one."""
        call = "select * from public.wallet_principal($1, $2, $3)"
        return await self.run(
            lambda connection: connection.fetchrow(call, user_id, token_id, generation), touches=(user_id,)
        )

    async def sign_out(self, user_id: UUID, token_id: UUID, expires_at: datetime) -> None:
        """`wallet_sign_out`: ends one token. Errors: WA029."""
        await self.row("select public.wallet_sign_out($1, $2, $3)", user_id, token_id, expires_at)

    async def sign_out_everywhere(self, user_id: UUID) -> None:
        """`wallet_sign_out_everywhere`: ends all tokens of the user. Errors: WA029."""
        await self.row("select public.wallet_sign_out_everywhere($1)", user_id)

    async def revocations(self, since: int | None) -> asyncpg.Record:
        """`wallet_revocations`: `ids` and `user_ids` since an earlier call's `next`, and the new `next`."""
        return await self.row("select * from public.wallet_revocations($1)", since)

    async def open_wallet(self, owner_id: UUID, asset: str, actor: UUID) -> asyncpg.Record:
        """`wallet_open`: the user's wallet in the asset, made if need be. Errors: WA026, WA029."""
        return await self.row("select * from public.wallet_open($1, $2, $3)", owner_id, asset, actor)

    async def wallets(self, owner_id: UUID, actor: UUID) -> Sequence[asyncpg.Record]:
        """`wallet_list`: the user's wallets, by asset. Errors: WA029."""
        return await self.rows("select * from public.wallet_list($1, $2)", owner_id, actor)

    async def find_wallet(self, owner_id: UUID, asset: str, actor: UUID) -> UUID:
        """`wallet_find`: the id of the user's wallet in the asset. Errors: WA001, WA029."""
        row = await self.row("select public.wallet_find($1, $2, $3) as id", owner_id, asset, actor)
        return UUID(int=row["id"].int)

    async def balance(self, wallet_id: UUID, actor: UUID) -> asyncpg.Record:
        """`wallet_balance`: the balance now. Errors: WA001."""
        return await self.row("select * from public.wallet_balance($1, $2)", wallet_id, actor)

    async def balance_at(self, wallet_id: UUID, at: datetime, actor: UUID) -> asyncpg.Record:
        """`wallet_balance_at`: the balance of what was recorded before a moment. Errors: WA001, WA023, WA036."""
        return await self.row("select * from public.wallet_balance_at($1, $2, $3)", wallet_id, at, actor)

    async def mutate(self, mutation: Mutation) -> asyncpg.Record:
        """`wallet_topup` or `wallet_spend`, by the mutation's type."""
        return await self.row(_MUTATIONS[mutation.type], *mutation[1:], touches=(mutation.actor,))

    async def batch(self, mutations: Sequence[Mutation], *, wait: bool) -> Sequence[asyncpg.Record]:
        """`wallet_batch`: one transaction; a row with its `outcome` for each, in order. `wait`: for locked wallets."""
        *columns, moments = (list(column) for column in zip(*mutations, strict=True))
        touches = tuple({item.wallet_id for item in mutations}) if wait else ()
        effective = moments if any(moments) else None
        return await self.rows(_COALESCED, *columns, not wait, effective, touches=touches, admitted=True)

    async def balances(self, holders: Sequence[tuple[UUID, UUID]]) -> Sequence[asyncpg.Record]:
        """`wallet_balances`: the balances now of these wallets for these actors; no row for one that is unknown."""
        wallet_ids, actors = (list(column) for column in zip(*holders, strict=True))
        return await self.rows("select * from public.wallet_balances($1, $2)", wallet_ids, actors, admitted=True)

    async def requests(self, items: Sequence[BatchItem], *, atomic: bool) -> Sequence[asyncpg.Record]:
        """`wallet_batch` for one client's list; `atomic`: nothing stays written when an item is refused."""
        columns = [list(column) for column in zip(*items, strict=True)]

        def written(rows: Sequence[asyncpg.Record]) -> bool:
            return all(row["outcome"] in WRITTEN for row in rows)

        wallets = {wallet_id for item in items for wallet_id in (item.wallet_id, item.to_wallet_id) if wallet_id}
        return await self.run(
            lambda connection: connection.fetch(_BATCH, *columns),
            touches=(*wallets, items[0].actor),
            size=len(items),
            keep=written if atomic else None,
        )

    async def recorded(self, wallet_id: UUID, txn_ids: Sequence[UUID], actor: UUID) -> set[UUID]:
        """`wallet_recorded`: which of these are on record: they would be replays. Errors: WA001."""
        row = await self.row("select public.wallet_recorded($1, $2, $3) as ids", wallet_id, list(txn_ids), actor)
        return set(row["ids"])

    async def transfer(
        self,
        wallet_id: UUID,
        txn_id: UUID,
        amount: int,
        to: UUID | str,
        details: Details,
        actor: UUID,
    ) -> asyncpg.Record:
        """`wallet_transfer`, `to` a wallet or a username. Errors: WA003, WA009, WA010, WA011 and more."""
        to_wallet_id, to_username = (to, None) if isinstance(to, UUID) else (None, to)
        call = "select * from public.wallet_transfer($1, $2, $3, $4, $5, $6, $7, $8, $9)"
        arguments = (wallet_id, txn_id, amount, to_wallet_id, to_username, *details, actor)
        return await self.row(call, *arguments, touches=(to.lower() if isinstance(to, str) else to,))

    async def hold(
        self, wallet_id: UUID, txn_id: UUID, amount: int, expires_in: int | None, details: Details, actor: UUID
    ) -> asyncpg.Record:
        """`wallet_hold`; `expires_in` in seconds. Errors: WA003, WA025 and more."""
        call = "select * from public.wallet_hold($1, $2, $3, $4, $5, $6, $7)"
        return await self.row(call, wallet_id, txn_id, amount, expires_in, *details[:2], actor)

    async def capture(
        self,
        wallet_id: UUID,
        txn_id: UUID,
        hold_txn_id: UUID,
        amount: int | None,
        details: Details,
        actor: UUID,
        *,
        final: bool,
    ) -> asyncpg.Record:
        """`wallet_capture`; no amount is all that is left. Errors: WA015 to WA019 and more."""
        call = "select * from public.wallet_capture($1, $2, $3, $4, $5, $6, $7, $8, $9)"
        return await self.row(call, wallet_id, txn_id, hold_txn_id, amount, final, *details, actor)

    async def void(self, wallet_id: UUID, txn_id: UUID, hold_txn_id: UUID, actor: UUID) -> asyncpg.Record:
        """`wallet_void`. Errors: WA015 to WA018 and more."""
        return await self.row("select * from public.wallet_void($1, $2, $3, $4)", wallet_id, txn_id, hold_txn_id, actor)

    async def holds(
        self, wallet_id: UUID, status: str | None, limit: int, before_id: int | None, actor: UUID
    ) -> Sequence[asyncpg.Record]:
        """`wallet_holds`: the newest `limit` holds below `before_id`. Errors: WA001, WA024."""
        call = "select * from public.wallet_holds($1, $2, $3, $4, $5)"
        return await self.rows(call, wallet_id, status, limit, before_id, actor)

    async def refund(
        self, wallet_id: UUID, txn_id: UUID, original_txn_id: UUID, amount: int | None, details: Details, actor: UUID
    ) -> asyncpg.Record:
        """`wallet_refund`; no amount is all that is left. Errors: WA020, WA021, WA028 and more."""
        call = "select * from public.wallet_refund($1, $2, $3, $4, $5, $6, $7, $8)"
        return await self.row(call, wallet_id, txn_id, original_txn_id, amount, *details, actor)

    async def entries(
        self, wallet_id: UUID, limit: int, before_seq: int | None, filters: Filters, actor: UUID
    ) -> Sequence[asyncpg.Record]:
        """`wallet_entries`: the newest `limit` entries below `before_seq`; metadata as JSON text. Errors: WA001.

        A last row without an id says how far a filtered page got.
        """
        call = "select * from public.wallet_entries($1, $2, $3, $4, $5, $6, $7, $8)"
        return await self.rows(call, wallet_id, limit, before_seq, *filters, actor)

    async def transaction(self, wallet_id: UUID, txn_id: UUID, actor: UUID) -> asyncpg.Record:
        """`wallet_transaction`: one entry, as `entries` has it. Errors: WA001, WA028."""
        return await self.row("select * from public.wallet_transaction($1, $2, $3)", wallet_id, txn_id, actor)

    def statement(
        self, wallet_id: UUID, start: datetime, end: datetime, actor: UUID
    ) -> AsyncGenerator[Sequence[asyncpg.Record], None]:
        """`wallet_statement`, in pieces: opening line, entries, closing line. Errors: WA001, WA002, WA023, WA036."""
        return self.stream("select * from public.wallet_statement($1, $2, $3, $4)", wallet_id, start, end, actor)

    async def fund(self, wallet_id: UUID, txn_id: UUID, amount: int, details: Details, actor: UUID) -> asyncpg.Record:
        """`wallet_fund`: an operator's top-up. Errors: WA027 and those of a top-up."""
        call = "select * from public.wallet_fund($1, $2, $3, $4, $5, $6, $7)"
        return await self.row(call, wallet_id, txn_id, amount, *details, actor)

    async def give_back(
        self, wallet_id: UUID, txn_id: UUID, original_txn_id: UUID, amount: int | None, details: Details, actor: UUID
    ) -> asyncpg.Record:
        """`wallet_give_back`: an operator's refund. Errors: WA027 and those of a refund."""
        call = "select * from public.wallet_give_back($1, $2, $3, $4, $5, $6, $7, $8)"
        return await self.row(call, wallet_id, txn_id, original_txn_id, amount, *details, actor)

    async def adjust(self, wallet_id: UUID, txn_id: UUID, amount: int, details: Details, actor: UUID) -> asyncpg.Record:
        """`wallet_adjust`: a signed correction; the reference is its reason. Errors: WA003, WA027 and more."""
        call = "select * from public.wallet_adjust($1, $2, $3, $4, $5, $6, $7)"
        return await self.row(call, wallet_id, txn_id, amount, *details, actor)

    async def erase_user(self, user_id: UUID, reason: str, actor: UUID) -> asyncpg.Record:
        """`wallet_erase_user`. Errors: WA027, WA029, WA030."""
        # not repeated on a lost connection: the second attempt would say "already erased"
        call = "select * from public.wallet_erase_user($1, $2, $3)"
        return await self.row(call, user_id, reason, actor, again=False)

    async def set_status(self, wallet_id: UUID, status: str, reason: str, actor: UUID) -> asyncpg.Record:
        """`wallet_set_status`. Errors: WA001, WA022, WA027."""
        return await self.row(
            "select * from public.wallet_set_status($1, $2, $3, $4)", wallet_id, status, reason, actor
        )

    async def set_limits(
        self, wallet_id: UUID, limits: Sequence[Limit], floor: int, max_balance: int | None, actor: UUID
    ) -> Sequence[asyncpg.Record]:
        """`wallet_set_limits`: replaces them all; a row for each kind. Errors: WA001, WA002, WA027."""
        columns = [[limit[place] for limit in limits] for place in range(len(Limit._fields))]
        call = "select * from public.wallet_set_limits($1, $2, $3, $4, $5, $6, $7, $8)"
        return await self.rows(call, wallet_id, *columns, floor, max_balance, actor)

    async def trial_balance(self, asset: str, at: datetime | None, actor: UUID) -> Sequence[asyncpg.Record]:
        """`wallet_trial_balance`: each system account, and all users. Errors: WA023, WA026, WA027, WA036."""
        return await self.rows("select * from public.wallet_trial_balance($1, $2, $3)", asset, at, actor)

    async def sweep(self) -> int:
        """`wallet_sweep`: ends due holds of wallets that nothing touches; how many."""
        row = await self.row("select public.wallet_sweep() as ended")
        return int(row["ended"])

    async def last_verification(self) -> asyncpg.Record | None:
        """`wallet_last_verification`: age_seconds, violations, seconds; None where there was none. Waits like ping."""
        call = "select * from public.wallet_last_verification()"
        try:
            async with asyncio.timeout(PING_SECONDS):
                return await self.run(lambda connection: connection.fetchrow(call), admitted=True)
        except TimeoutError:
            raise ServiceError(TIMEOUT) from None
