"""Which wallet a signed-in user means: the one in the asset that the request names, or the default one."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from uuid import UUID

    from api.auth.guards import AuthenticatedRequest
    from api.auth.tokens import Principal
    from api.database.functions import Database

MAX_KNOWN: Final = 20_000


class WalletIds:
    """Finds the wallets of users. A wallet's id never changes, so it is remembered in a bounded cache."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: OrderedDict[tuple[UUID, str], UUID] = OrderedDict()

    async def find(self, request: AuthenticatedRequest, asset: str | None) -> UUID:
        """Return the user's wallet in the asset, None for the default one. Raises ServiceError (WA001).

        The request's line in the log names it, too.
        """
        scope = request.scope
        user: Principal = scope["user"]
        if asset is None:
            scope["state"]["wallet_id"] = user.wallet_text
            return user.wallet_id
        found = await self._of(user.user_id, asset)
        scope["state"]["wallet_id"] = found
        return found

    async def _of(self, user_id: UUID, asset: str) -> UUID:
        key = (user_id, asset)
        found = self._known.get(key)
        if found is not None:
            self._known.move_to_end(key)
            return found
        found = await self._database.find_wallet(user_id, asset, user_id)
        self._known[key] = found
        if len(self._known) > MAX_KNOWN:
            self._known.popitem(last=False)
        return found
