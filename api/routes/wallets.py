"""The signed-in user's wallets: one per asset."""

from __future__ import annotations

from litestar import Router, get, post
from litestar.openapi import ResponseSpec
from litestar.params import JSONBody

from api.auth.guards import AuthenticatedRequest, signed_in
from api.http.responses import BODY_ERRORS, Answer, errors, success
from api.routes.parameters import Parts
from api.schemas.common import Envelope, Wallet, WalletList, WalletRequest, reader

read_wallet = reader(Wallet)
OPEN = {200: ResponseSpec(Envelope[Wallet], generate_examples=False, description="The wallet was open already")}


def wallets_routes(parts: Parts) -> Router:
    """Return `/api/wallets`."""
    single = parts.single

    @post(
        operation_id="openWallet",
        summary="Open a wallet",
        response_description="The wallet was opened",
        responses={**OPEN, **errors(*BODY_ERRORS, "unauthorized", "WA026", "busy", "timeout")},
    )
    async def open_wallet(request: AuthenticatedRequest, data: JSONBody[WalletRequest]) -> Answer[Envelope[Wallet]]:
        """Open a wallet in an asset. One that is open already is answered as it is."""
        user = request.user
        row = await single.open_wallet(user.user_id, data.asset, user.user_id)
        return success("wallet open", read_wallet(row), 201 if row["opened"] else 200)

    @get(operation_id="listWallets", summary="Wallets", responses=errors("validation", "unauthorized", "timeout"))
    async def list_wallets(request: AuthenticatedRequest) -> Answer[Envelope[WalletList]]:
        """Show the user's wallets, by asset, with their balances."""
        user = request.user
        rows = await single.wallets(user.user_id, user.user_id)
        return success("wallets", WalletList([read_wallet(row) for row in rows]))

    return Router(
        "/api/wallets",
        route_handlers=[open_wallet, list_wallets],
        before_request=signed_in(parts.tokens, parts.limits),
        security=[{"bearer": []}],
        tags=["Wallets"],
    )
