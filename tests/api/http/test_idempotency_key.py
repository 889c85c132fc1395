"""The header Idempotency-Key: a second spelling of `txn_id`, by both ways of the hottest routes."""

import itertools
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from tests.api.service import User, data, problem

HEADER = "Idempotency-Key"
WAYS = ("/api/wallet/topup", "/api/wallet/topup/", "/api/wallet/spend", "/api/wallet/transfer")


def send(user: User, path: str, body: dict[str, Any], *keys: str) -> httpx.Response:
    headers = [*user.headers.items(), *((HEADER, key) for key in keys)]
    return httpx.post(f"{user.base_url}{path}".replace("//api", "/api"), json=body, headers=headers)


def body(user: User, path: str, **more: object) -> dict[str, object]:
    recipient = {"to_username": user.username} if "transfer" in path else {}
    return {"amount": 1, **recipient, **more}


@pytest.mark.parametrize("path", WAYS)
def test_the_header_is_the_txn_id(alice: User, bob: User, path: str) -> None:
    key = str(uuid4())
    first = data(send(alice, path, body(bob, path), key), 201)
    assert first["txn_id"] == key
    for keys in ([key], [f'"{key}"'], [key.upper()]):
        again = data(send(alice, path, body(bob, path), *keys))
        assert (again["id"], again["replayed"]) == (first["id"], True)
    # the body's spelling is the same request, alone or with the header
    assert data(send(alice, path, body(bob, path, txn_id=key)))["id"] == first["id"]
    assert data(send(alice, path, body(bob, path, txn_id=key), key))["id"] == first["id"]


@pytest.mark.parametrize("path", WAYS)
def test_two_that_differ_are_refused(alice: User, bob: User, path: str) -> None:
    found = problem(send(alice, path, body(bob, path, txn_id=str(uuid4())), str(uuid4())), 422, "validation", "txn_id")
    assert found["errors"] == [{"field": "txn_id", "message": "must be the same as Idempotency-Key"}]
    assert alice.balance() == 1000


@pytest.mark.parametrize("path", WAYS)
def test_without_either_the_request_is_invalid(alice: User, bob: User, path: str) -> None:
    found = problem(send(alice, path, body(bob, path)), 422, "validation", "txn_id")
    assert found["detail"] == "txn_id is required, here or as the header Idempotency-Key."


@pytest.mark.parametrize("path", WAYS)
@pytest.mark.parametrize("key", ["", '""', '"', "x", "{018f6b5e-7c1a-7f00-9a3b-2f5c1d9e4a77}", "\xe9", "a" * 5000])
def test_a_key_that_is_no_uuid_is_refused(alice: User, bob: User, path: str, key: str) -> None:
    headers: Any = {**alice.headers, HEADER: key.encode("latin-1")}
    response = alice.post(path, json=body(bob, path, txn_id=str(uuid4())), headers=headers)
    found = problem(response, 422, "validation", HEADER)
    assert len(found["detail"]) < 100
    assert alice.balance() == 1000


@pytest.mark.parametrize("path", WAYS)
@pytest.mark.parametrize("same", [True, False])
def test_a_repeated_header_is_refused(alice: User, bob: User, path: str, same: bool) -> None:
    keys = [str(UUID(int=1)), str(UUID(int=1 if same else 2))]
    problem(send(alice, path, body(bob, path), *keys), 422, "validation", HEADER)
    problem(send(alice, path, body(bob, path), ", ".join(keys)), 422, "validation", HEADER)


def test_the_body_is_checked_as_without_the_header(alice: User) -> None:
    path, key = WAYS[0], str(uuid4())
    found = problem(send(alice, path, {"amount": 0, "more": 1}, key), 422, "validation")
    assert [error["field"] for error in found["errors"]] == ["more", "amount"]
    for wrong in (None, 7, "x"):
        problem(send(alice, path, {"amount": 1, "txn_id": wrong}, key), 422, "validation", "txn_id")
    twice = f'{{"amount": 1, "txn_id": "{key}", "txn_id": "{key}"}}'
    headers = {HEADER: key, "Content-Type": "application/json"}
    problem(alice.post(path, content=twice, headers=headers), 422, "validation", "txn_id")
    problem(alice.post(path, content=b"", headers=headers), 400, "malformed_json")
    data(send(alice, path, {"amount": 1, "metadata": {"a": 1}, "reference": "order"}, key), 201)


def test_every_call_with_a_txn_id_takes_it(alice: User, operator: User) -> None:
    keys = (str(UUID(int=number)) for number in itertools.count(1))
    wallet = f"/api/operator/wallets/{alice.account['wallet_id']}"
    spent = data(send(alice, "/api/wallet/spend", {"amount": 100}, next(keys)), 201)["txn_id"]
    for _ in range(2):
        hold = data(send(alice, "/api/wallet/holds", {"amount": 5}, next(keys)), 201)["txn_id"]
    captured = data(send(alice, f"/api/wallet/holds/{hold}/capture", {"amount": 2}, next(keys)), 201)
    assert captured["txn_id"] != hold
    data(send(alice, f"/api/wallet/holds/{hold}/void", {}, next(keys)), 201)
    data(send(alice, "/api/wallet/refund", {"original_txn_id": spent, "amount": 1}, next(keys)), 201)
    data(send(operator, f"{wallet}/topup", {"amount": 7}, next(keys)), 201)
    data(send(operator, f"{wallet}/refund", {"original_txn_id": spent, "amount": 1}, next(keys)), 201)
    adjusted = data(send(operator, f"{wallet}/adjust", {"amount": -1, "reason": "test"}, next(keys)), 201)
    assert adjusted["txn_id"] == str(UUID(int=9))


def test_a_batch_refuses_it(alice: User) -> None:
    order = {"requests": [{"type": "topup", "txn_id": str(uuid4()), "amount": 1}]}
    problem(send(alice, "/api/wallet/batch", order, str(uuid4())), 422, "validation", HEADER)
    assert alice.balance() == 1000


def test_calls_without_a_txn_id_ignore_it(alice: User) -> None:
    assert data(send(alice, "/api/wallets", {"asset": "UC"}, "anything"))["asset"] == "UC"


def test_the_document_says_which_calls_take_it(client: httpx.Client) -> None:
    document = client.get("/api/docs/openapi.json").json()
    for path, item in document["paths"].items():
        for operation in item.values():
            content = operation.get("requestBody", {}).get("content", {})
            reference = content.get("application/json", {}).get("schema", {}).get("$ref", "")
            schema = document["components"]["schemas"].get(reference.rpartition("/")[2], {})
            taken = [found for found in operation.get("parameters", []) if found["name"] == HEADER]
            assert len(taken) == ("txn_id" in schema.get("properties", {})), path
            assert "txn_id" not in schema.get("required", [])
            for parameter in taken:
                assert (parameter["in"], parameter.get("required", False)) == ("header", False)
    assert "txn_id" in document["components"]["schemas"]["BatchItemRequest"]["required"]
