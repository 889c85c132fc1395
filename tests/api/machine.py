"""A machine with a key: a client that acts for users of the service."""

from typing import Any
from uuid import uuid4

import httpx

from tests.api.service import TLS, Service, User, data

SCOPES = ("hold", "read", "refund", "spend", "topup", "transfer")


def made(operator: User, *subjects: User, scopes: tuple[str, ...] = SCOPES, **terms: Any) -> dict[str, Any]:
    """A key with its secret, which acts for these users, or for all."""
    whom = {"subjects": [user.username for user in subjects]} if subjects else {"all_users": True}
    asked = {"name": "shop", "scopes": scopes, **whom, **terms}
    return data(operator.post("/api/operator/keys", json=asked), 201)


class Machine(httpx.Client):
    """A client with a key, for the first of its users."""

    def __init__(self, service: Service, secret: str, user: str, **headers: str) -> None:
        headers = {"Authorization": f"Bearer {secret}", "On-Behalf-Of": user, **headers}
        super().__init__(base_url=service.url, timeout=20, verify=TLS, headers=headers)

    def balance(self, **headers: str) -> httpx.Response:
        return self.get("/api/wallet/balance", headers=headers)

    def do(self, path: str, **body: object) -> httpx.Response:
        """A request that moves money or sets it aside."""
        return self.post(f"/api/wallet/{path}", json={"txn_id": str(uuid4()), **body})
