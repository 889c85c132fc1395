"""Balances that are asked for at the same time are read in one call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from api.database.admission import Admission
from api.database.call_queue import CallQueue

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from uuid import UUID

    from api.database.call_queue import Pending
    from api.schemas.wallets import Balance

    Holder = tuple[UUID, UUID, UUID | None]


class BalanceReads:
    """Reads balances: `together`, which leaves out what it cannot read, or `alone`, which says why it cannot.

    A holder is a wallet, the user on whose behalf it is read, and the key that reads it, if one does.
    """

    def __init__(
        self,
        together: Callable[[Sequence[Holder]], Awaitable[Sequence[Balance | None]]],
        alone: Callable[[UUID, UUID, UUID | None], Awaitable[Balance]],
        *,
        limit: int,
    ) -> None:
        self.admission = Admission(limit)
        self._together = together
        self._alone = alone
        self._queue: CallQueue[Holder, Balance] = CallQueue(self._read, "balances together")

    async def balance(self, wallet_id: UUID, actor: UUID, key_id: UUID | None = None) -> Balance:
        """Read a balance: as of after this call began. Raises ServiceError."""
        caller = key_id or actor
        self.admission.enter(caller)
        try:
            if self.admission.inside == 1:
                return await self._alone(wallet_id, actor, key_id)
            return await self._queue.add((wallet_id, actor, key_id))
        finally:
            self.admission.leave(caller)

    async def _read(self, group: list[Pending[Holder, Balance]]) -> None:
        try:
            balances = await self._together([pending.request for pending in group])
        except Exception as error:  # noqa: BLE001 - whatever it is, it is not one request's fault
            for pending in group:
                pending.settle(error)
            return
        unread = []
        for pending, balance in zip(group, balances, strict=True):
            if balance is None:
                unread.append(pending)
            else:
                pending.settle(balance)
        for pending in unread:
            try:
                pending.settle(await self._alone(*pending.request))
            except Exception as error:  # noqa: BLE001 - as above
                pending.settle(error)
