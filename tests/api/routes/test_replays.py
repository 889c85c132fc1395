"""A request that is on record is answered with its first result, whatever has changed since."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from tests.api.service import User, data, problem, serve
from tests.database import Database


def erase(operator: User, user: User) -> None:
    data(operator.post(f"/api/operator/users/{user.account['id']}/erase", json={"reason": "a request"}))


def in_batch(user: User, *requests: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = data(user.post("/api/wallet/batch", json={"requests": requests}))["results"]
    return found


def test_a_transfer_to_a_name_that_nobody_has_any_more(operator: User, alice: User, bob: User) -> None:
    asked = {"txn_id": str(uuid4()), "amount": 7, "to_username": bob.username}
    first = data(alice.post("/api/wallet/transfer", json=asked), 201)
    batched = {"type": "transfer", "txn_id": str(uuid4()), "amount": 5, "to_username": bob.username}
    assert [item["status"] for item in in_batch(alice, batched)] == [201]
    erase(operator, bob)

    again = data(alice.post("/api/wallet/transfer", json=asked))
    assert again == {**first, "replayed": True}
    assert [item["outcome"] for item in in_batch(alice, batched, {"type": "transfer", **asked})] == ["replayed"] * 2
    problem(alice.post("/api/wallet/transfer", json={**asked, "amount": 8}), 409, "WA004", "amount")
    # what is not on record is refused as ever, and the name is nobody else's
    problem(alice.post("/api/wallet/transfer", json={**asked, "txn_id": str(uuid4())}), 404, "WA009", "to_username")
    signup = {"username": bob.username, "password": "correct horse battery"}
    problem(alice.post("/api/auth/signup", json=signup), 409, "WA005", "username")


def test_what_a_setting_has_left_to_operators_since(service_database: Database, alice: User, tmp_path: Path) -> None:
    topup = {"txn_id": str(uuid4()), "amount": 7}
    first = data(alice.topup(7, topup["txn_id"]), 201)
    spend = data(alice.spend(5), 201)
    refund = {"txn_id": str(uuid4()), "original_txn_id": spend["txn_id"], "amount": 2}
    refunded = data(alice.post("/api/wallet/refund", json=refund), 201)
    off = {"PGWALLET_SELF_TOPUP": "off", "PGWALLET_SELF_REFUND": "off"}
    with (
        serve(service_database.api_url, tmp_path, **off) as running,
        httpx.Client(base_url=running.url, headers={"Authorization": f"Bearer {alice.token}"}) as client,
    ):
        assert data(client.post("/api/wallet/topup", json=topup)) == {**first, "replayed": True}
        assert data(client.post("/api/wallet/refund", json=refund)) == {**refunded, "replayed": True}
        both = [{"type": "topup", **topup}, {"type": "refund", **refund}]
        results = data(client.post("/api/wallet/batch", json={"requests": both}))["results"]
        assert [item["outcome"] for item in results] == ["replayed"] * 2
        fresh = {**topup, "txn_id": str(uuid4())}
        problem(client.post("/api/wallet/topup", json=fresh), 403, "operators_only")
        problem(client.post("/api/wallet/refund", json={**refund, "txn_id": str(uuid4())}), 403, "operators_only")
        mixed = {"requests": [both[0], {"type": "topup", **fresh}]}
        problem(client.post("/api/wallet/batch", json=mixed), 403, "operators_only")
        problem(client.post("/api/wallet/topup", json={**topup, "amount": 8}), 409, "WA004", "amount")


def test_what_an_operator_did_who_is_none_any_more(
    operator: User, alice: User, bob: User, service_database: Database
) -> None:
    def on(user: User, what: str, body: dict[str, Any]) -> httpx.Response:
        return operator.post(f"/api/operator/wallets/{user.account['wallet_id']}/{what}", json=body)

    spend = data(alice.spend(5), 201)
    asked = {
        "adjust": {"txn_id": str(uuid4()), "amount": 9, "reason": "a correction"},
        "topup": {"txn_id": str(uuid4()), "amount": 9},
        "refund": {"txn_id": str(uuid4()), "original_txn_id": spend["txn_id"]},
    }
    first = {what: data(on(alice, what, body), 201) for what, body in asked.items()}
    own = data(alice.topup(3), 201)
    with service_database.connect() as administrator:
        administrator.execute("select wallet_set_role(%s, 'user')", [operator.username])
    operator.sign_in()
    for what, body in asked.items():
        assert data(on(alice, what, body)) == {**first[what], "replayed": True}
        problem(on(alice, what, {**body, "txn_id": str(uuid4())}), 403, "WA027")
        problem(on(bob, what, body), 403, "WA027")
    # what others did is not theirs to ask for
    problem(on(alice, "topup", {"txn_id": own["txn_id"], "amount": 3}), 403, "WA027")
