"""The signed-in user's wallets: one per asset; and which assets there are."""

from __future__ import annotations

from litestar import Router, get, post
from litestar.openapi import ResponseSpec
from litestar.params import JSONBody

from api.auth.guards import AuthenticatedRequest, signed_in
from api.http.openapi import KEY
from api.http.responses import BODY_ERRORS, JsonResponse, errors, success
from api.routes.services import Services
from api.schemas.envelope import Envelope
from api.schemas.wallets import AssetList, Wallet, WalletList, WalletRequest

READ_ERRORS = errors("validation", "unauthorized", "timeout")
OPEN = {200: ResponseSpec(Envelope[Wallet], generate_examples=False, description="The wallet was open already")}


def wallets_routes(services: Services) -> Router:
    """Return `/api/wallets` and `/api/assets`."""
    database = services.database

    @post(
        "/wallets",
        operation_id="openWallet",
        summary="Open a wallet",
        response_description="The wallet was opened",
        responses={**OPEN, **errors(*BODY_ERRORS, "unauthorized", "WA026", "WA029", "busy", "timeout")},
    )
    async def open_wallet(
        request: AuthenticatedRequest, data: JSONBody[WalletRequest]
    ) -> JsonResponse[Envelope[Wallet]]:
        """Open a wallet in an asset. One that is open already is answered as it is."""
        user = request.user
        wallet, opened = await database.open_wallet(user.user_id, data.asset, user.user_id)
        return success("wallet open", wallet, 201 if opened else 200)

    @get(
        "/wallets",
        operation_id="listWallets",
        summary="Wallets",
        before_request=signed_in(services.tokens, services.limits, keys=True),
        security=[{KEY: []}],  # beside that of the router
        responses=errors("validation", "unauthorized", "timeout"),
    )
    async def list_wallets(request: AuthenticatedRequest) -> JsonResponse[Envelope[WalletList]]:
        """Show the user's wallets, by asset, with their balances."""
        user = request.user
        return success("wallets", WalletList(await database.wallets(user.user_id, user.user_id, user.key_id)))

    @get("/assets", operation_id="listAssets", summary="Assets", responses=READ_ERRORS)
    async def list_assets(request: AuthenticatedRequest) -> JsonResponse[Envelope[AssetList]]:
        """Show what wallets can hold, with the scale in which its amounts are counted."""
        del request
        return success("assets", AssetList(await database.assets()))

    return Router(
        "/api",
        route_handlers=[open_wallet, list_wallets, list_assets],
        before_request=signed_in(services.tokens, services.limits),
        security=[{"bearer": []}],
        tags=["Wallets"],
    )
