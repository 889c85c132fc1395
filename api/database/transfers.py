"""Transfers to wallets of other databases: who receives them, what refuses them there, and what became of them."""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict, defaultdict
from collections.abc import Hashable
from typing import TYPE_CHECKING, Final, TypeVar
from uuid import UUID

from api.cluster_map import number_of
from api.database.call_queue import NOT_REACHED
from api.errors import KEY_REFUSED, SQLSTATES, UNAUTHORIZED, ServiceError
from api.schemas.transactions import Transaction

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence

    from api.database.carrier import Carrier
    from api.database.cluster import Cluster
    from api.database.functions import Database
    from api.database.requests import BatchItem, Details
    from api.database.rows import TransferPreview
    from api.schemas.history import Entry
    from api.schemas.inspection import InspectedTransaction

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")
To = UUID | str
"""A recipient: a wallet, or a username."""

AT_A_TIME: Final = 10
"""Questions to other databases on behalf of one batch."""
NAMES_SECONDS: Final = 0.5
"""How long entries wait for names of users of other databases."""
MAX_KNOWN: Final = 20_000
FULL: Final = SQLSTATES["WA006"]
FORBIDDING: Final = frozenset({KEY_REFUSED, UNAUTHORIZED, *NOT_REACHED})
"""Answers after which nothing is asked on behalf of a key."""


class Transfers:
    """What the service does beyond one database's `wallet_transfer`."""

    def __init__(self, cluster: Cluster, carrier: Carrier) -> None:
        self._cluster = cluster
        self._carrier = carrier
        self._assets: OrderedDict[UUID, str] = OrderedDict()

    async def transfer(
        self,
        wallet_id: UUID,
        txn_id: UUID,
        amount: int,
        to: To,
        details: Details,
        actor: UUID,
        key_id: UUID | None,
    ) -> Transaction:
        """Transfer to a recipient of any database. Raises ServiceError."""
        here = self._cluster.of(wallet_id)
        if key_id is not None:
            await self._require_key(here, wallet_id, txn_id, actor, key_id)
        there = await self._found(here, wallet_id, to, actor, {})
        if there is None:
            transaction = await here.transfer(wallet_id, txn_id, amount, to, details, actor, key_id)
            await self._deliver(here, wallet_id, [(transaction, None)] if transaction.replayed else [], actor)
            return transaction
        try:
            await self._require_receivable(here, wallet_id, there, amount, to, actor)
        except ServiceError as error:
            # what is on record is answered as before
            recorded = await here.recorded(wallet_id, [txn_id], actor)
            if not recorded and await self._to_tell({to: error}, {to: amount}, here, wallet_id, actor):
                raise
        transaction = await here.transfer(wallet_id, txn_id, amount, there, details, actor, key_id)
        await self._deliver(here, wallet_id, [(transaction, there)], actor)
        return transaction

    async def preview(
        self, wallet_id: UUID, txn_id: UUID, amount: int, to: To, actor: UUID, key_id: UUID | None
    ) -> TransferPreview | None:
        """Return what the transfer would do; None: the txn_id is on record. Raises ServiceError."""
        here = self._cluster.of(wallet_id)
        if key_id is not None:
            await self._require_key(here, wallet_id, txn_id, actor, key_id)
        there = await self._found(here, wallet_id, to, actor, {})
        if there is None:
            return await here.preview_transfer(wallet_id, txn_id, amount, to, actor, key_id)
        preview = await here.preview_transfer(wallet_id, txn_id, amount, there, actor, key_id)
        if preview is not None:
            await self._require_receivable(here, wallet_id, there, amount, to, actor)
            preview.to_username = (await self._cluster.of(there).names([there]))[there]
        return preview

    async def batch(
        self, items: Sequence[BatchItem], *, atomic: bool, refused: Sequence[str]
    ) -> list[Transaction | ServiceError]:
        """Run a batch, one transaction of the sender's database. Raises ServiceError."""
        wallet_id, actor, key_id = items[0].wallet_id, items[0].actor, items[0].key_id
        here = self._cluster.of(wallet_id)
        wanted = {index: to for index, item in enumerate(items) if (to := _recipient(item)) is not None}
        if wanted and key_id is not None:
            try:
                await self._require_key(here, wallet_id, items[next(iter(wanted))].txn_id, actor, key_id)
            except ServiceError as error:
                if error.kind in NOT_REACHED:
                    raise
                # the sender's database refuses each transfer
                wanted = {}
        away: dict[int, ServiceError] = {}
        recipients = await self._all({to: self._found(here, wallet_id, to, actor, away) for to in set(wanted.values())})
        there = {index: found for index, to in wanted.items() if isinstance(found := recipients[to], UUID)}
        refusals = {index: found for index, to in wanted.items() if isinstance(found := recipients[to], ServiceError)}
        judged = await self._judged(
            here,
            wallet_id,
            actor,
            {index: (found, items[index].amount or 0, wanted[index]) for index, found in there.items()},
            away,
        )
        if judged:
            # what is on record is answered as before
            known = await here.recorded(wallet_id, [items[index].txn_id for index in judged], actor)
            fresh = {index: error for index, error in judged.items() if items[index].txn_id not in known}
            amounts = {index: items[index].amount or 0 for index in fresh}
            refusals |= await self._to_tell(fresh, amounts, here, wallet_id, actor)
        codes = [*refused, *(error.kind.code for error in refusals.values())]
        rest = {
            index: item._replace(to_wallet_id=there[index], to_username=None) if index in there else item
            for index, item in enumerate(items)
            if index not in refusals
        }
        ran = await here.batch(list(rest.values()), atomic=atomic, refused=codes) if rest else []
        outcomes: dict[int, Transaction | ServiceError] = {**refusals, **dict(zip(rest, ran, strict=True))}
        undone = atomic and any(isinstance(outcome, ServiceError) for outcome in outcomes.values())
        sent = [
            (outcome, there.get(index))
            for index, outcome in outcomes.items()
            if index in wanted
            and isinstance(outcome, Transaction)
            and (outcome.replayed or (index in there and not undone))
        ]
        await self._deliver(here, wallet_id, sent, actor)
        return [outcomes[index] for index in range(len(items))]

    async def name(self, entries: Iterable[Entry | InspectedTransaction]) -> None:
        """Let entries name users of other databases; of one that does not answer now they name none."""
        unnamed = defaultdict(list)
        for entry in entries:
            found = entry.counterparty_wallet_id
            if found is not None and entry.counterparty_username is None:
                unnamed[number_of(found)].append(entry)

        def asking(those: Sequence[Entry | InspectedTransaction]) -> Callable[[Database], Awaitable[dict[UUID, str]]]:
            wallet_ids = {entry.counterparty_wallet_id for entry in those if entry.counterparty_wallet_id}
            return lambda member: member.names(list(wallet_ids))

        asked = {number: asking(those) for number, those in unnamed.items()}
        for number, names in (await self._cluster.answers(asked, NAMES_SECONDS)).items():
            for entry in unnamed[number]:
                entry.counterparty_username = names.get(entry.counterparty_wallet_id or UUID(int=0))

    async def _found(
        self, here: Database, wallet_id: UUID, to: To, actor: UUID, away: dict[int, ServiceError]
    ) -> UUID | None:
        """Return the recipient's wallet in another database; None: the sender's own one is to tell.

        `away` are databases that did not answer others who look for somebody: one question to them is enough.
        """
        if isinstance(to, UUID):
            return to if self._cluster.elsewhere(here, to) else None
        if [self._cluster.numbered(number) for number in self._cluster.homes(to)] == [here]:
            return None
        asset = await self._asset(here, wallet_id, actor)

        async def look(number: int) -> UUID | None:
            with _noted(number, away):
                return await self._cluster.numbered(number).locate(to, asset)

        found = await self._cluster.in_homes(to, look)
        if found is None:
            return None
        self._cluster.note(to, number_of(found))
        return None if number_of(found) == number_of(wallet_id) else found

    async def _require_key(self, here: Database, wallet_id: UUID, txn_id: UUID, actor: UUID, key_id: UUID) -> None:
        """Raise ServiceError where the key may not transfer: other databases tell it nothing then.

        Who looks at a transfer to oneself hears of that before anything else.
        """
        try:
            await here.preview_transfer(wallet_id, txn_id, 1, wallet_id, actor, key_id)
        except ServiceError as error:
            if error.kind in FORBIDDING:
                raise

    async def _require_receivable(
        self, here: Database, wallet_id: UUID, there: UUID, amount: int, to: To, actor: UUID
    ) -> None:
        """Raise ServiceError where the recipient's wallet would refuse it now, or its database does not answer."""
        asset = await self._asset(here, wallet_id, actor)
        field = "to_wallet_id" if isinstance(to, UUID) else "to_username"
        await self._cluster.of(there).require_receivable(there, asset, amount, field)

    async def _to_tell(
        self,
        refusals: Mapping[K, ServiceError],
        amounts: Mapping[K, int],
        here: Database,
        wallet_id: UUID,
        actor: UUID,
    ) -> dict[K, ServiceError]:
        """Return those of which the sender is told. How full a wallet is learns only who has what would be too much.

        Otherwise anybody could find a balance out by amounts. Such a transfer goes on: its own database refuses it.
        """
        if all(error.kind is not FULL for error in refusals.values()):
            return dict(refusals)
        available = (await here.balance(wallet_id, actor)).available
        return {key: error for key, error in refusals.items() if error.kind is not FULL or amounts[key] <= available}

    async def _judged(
        self,
        here: Database,
        wallet_id: UUID,
        actor: UUID,
        asked: Mapping[int, tuple[UUID, int, To]],
        away: dict[int, ServiceError],
    ) -> dict[int, ServiceError]:
        """Return which transfers of a batch the recipients' databases would refuse now."""

        async def judge(there: UUID, amount: int, to: To) -> None:
            with _noted(number_of(there), away):
                await self._require_receivable(here, wallet_id, there, amount, to, actor)

        verdicts = await self._all({case: judge(*case) for case in set(asked.values())})
        return {index: error for index, case in asked.items() if (error := verdicts[case]) is not None}

    async def _deliver(
        self, here: Database, wallet_id: UUID, sent: Sequence[tuple[Transaction, UUID | None]], actor: UUID
    ) -> None:
        """Try to carry transfers, and have them tell how far they are.

        A replay without a recipient's wallet may be of one that went to another database: its name is gone.
        """
        fresh = [(each, number_of(there)) for each, there in sent if there is not None and not each.replayed]
        for (transaction, _), status in zip(
            fresh, await asyncio.gather(*(self._carrier.bring(each.id, number) for each, number in fresh)), strict=True
        ):
            if status is not None:
                transaction.delivery = status
        unknown = [(each, there) for each, there in sent if not isinstance(each.delivery, str)]
        if unknown:
            try:
                known = await here.deliveries(wallet_id, [each.txn_id for each, _ in unknown], actor)
            except ServiceError:
                known = {}  # it is written, and nothing else is known of it now
            for transaction, there in unknown:
                if (found := known.get(transaction.txn_id)) is not None:
                    transaction.delivery = found.delivery
                elif there is not None:
                    transaction.delivery = "pending"

    async def _asset(self, here: Database, wallet_id: UUID, actor: UUID) -> str:
        """Return the asset of a wallet, which never changes. Raises ServiceError (WA001)."""
        asset = self._assets.get(wallet_id)
        if asset is None:
            asset = self._assets[wallet_id] = (await here.balance(wallet_id, actor)).asset
            if len(self._assets) > MAX_KNOWN:
                self._assets.popitem(last=False)
        return asset

    async def _all(self, asked: Mapping[K, Awaitable[T]]) -> dict[K, T | ServiceError]:
        """Await them, a few at a time; what one raises is its result."""
        turns = asyncio.Semaphore(AT_A_TIME)

        async def one(call: Awaitable[T]) -> T | ServiceError:
            async with turns:
                try:
                    return await call
                except ServiceError as error:
                    return error

        return dict(zip(asked, await asyncio.gather(*map(one, asked.values())), strict=True))


@contextlib.contextmanager
def _noted(number: int, away: dict[int, ServiceError]) -> Iterator[None]:
    """Ask a database, unless it did not answer another question. Raises ServiceError."""
    if error := away.get(number):
        raise error
    try:
        yield
    except ServiceError as error:
        if error.kind in NOT_REACHED:
            away[number] = error
        raise


def _recipient(item: BatchItem) -> To | None:
    return (item.to_wallet_id or item.to_username) if item.type == "transfer" else None
