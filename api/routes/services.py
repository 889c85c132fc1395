"""What routes use."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from api.errors import OPERATORS_ONLY, ServiceError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from api.auth.tokens import Tokens
    from api.database.functions import Database
    from api.database.requests import Correction
    from api.database.rows import Status
    from api.database.verifier import Verifier
    from api.events.hooks import Hooks
    from api.events.sources import Sources
    from api.events.streams import Streams
    from api.http.rate_limit import Limits
    from api.routes.wallet_ids import WalletIds
    from api.schemas.history import Entry, OwnEntry, RequestedEntry
    from api.schemas.operator import Confirmation
    from api.telemetry.activity import Activity


class Services(NamedTuple):
    """The database, whom a token stands for, rate limits, which wallet is meant, the settings of routes, and events.

    And who verifies, what operators do to webhooks, and what the service does now.
    """

    database: Database
    tokens: Tokens
    limits: Limits
    wallet_ids: WalletIds
    self_topup: bool
    self_refund: bool
    four_eyes: int | None
    download_timeout: float
    sources: Sources
    streams: Streams
    verifier: Verifier
    hooks: Hooks
    activity: Activity

    async def let_top_up(
        self, wallet_id: UUID, txn_ids: Sequence[UUID], actor: UUID, key_id: UUID | None = None
    ) -> None:
        """Raise ServiceError (403) where only operators top up; a replay is answered as before.

        Here and below, an operator has let a key that has the scope: the database asks for that.
        """
        if not self.self_topup and key_id is None:
            await self._let_replay("top up a wallet", wallet_id, txn_ids, actor)

    async def let_refund(
        self, wallet_id: UUID, txn_ids: Sequence[UUID], actor: UUID, key_id: UUID | None = None
    ) -> None:
        """Raise ServiceError (403) where only operators refund; a replay is answered as before."""
        if not self.self_refund and key_id is None:
            await self._let_replay("refund a transaction", wallet_id, txn_ids, actor)

    async def propose(self, asked: Correction) -> Confirmation | None:
        """Return the confirmation for which an operator's request waits; None where it can go on."""
        return None if self.four_eyes is None else await self.database.propose(asked, self.four_eyes)

    async def deliveries(self, wallet_id: UUID, entries: Sequence[Entry], actor: UUID) -> dict[UUID, Status]:
        """Return how far those of these that were sent to other databases are, by `txn_id`. Raises ServiceError."""
        here = self.database.of(wallet_id)
        sent = [
            entry.txn_id
            for entry in entries
            if entry.type == "transfer"
            and entry.amount < 0
            and entry.counterparty_wallet_id is not None
            and self.database.elsewhere(here, entry.counterparty_wallet_id)
        ]
        found = await here.deliveries(wallet_id, sent, actor) if sent else {}
        return {txn_id: delivered.delivery for txn_id, delivered in found.items()}

    async def tell_delivery(self, wallet_id: UUID, entry: RequestedEntry | OwnEntry, actor: UUID) -> None:
        """Let an entry tell how far it is, where it was sent to another database. Raises ServiceError."""
        for status in (await self.deliveries(wallet_id, [entry], actor)).values():
            entry.delivery = status

    async def _let_replay(self, what: str, wallet_id: UUID, txn_ids: Sequence[UUID], actor: UUID) -> None:
        if len(await self.database.recorded(wallet_id, txn_ids, actor)) < len(set(txn_ids)):
            raise ServiceError(OPERATORS_ONLY, f"Only an operator can {what} of this service.")
