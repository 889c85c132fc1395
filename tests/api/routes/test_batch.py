"""Batches of one client."""

import asyncio
import json
import time
from itertools import pairwise
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import httpx
import pytest

from api.database.admission import Admission, Turns
from api.errors import OVERLOADED, ServiceError
from api.http.json_body import BatchRequest
from tests.api.service import User, data, problem


def item(kind: str, amount: int | None = None, **more: Any) -> dict[str, Any]:
    given = {} if amount is None else {"amount": amount}
    return {"type": kind, "txn_id": str(uuid4()), **given, **more}


def batch(user: User, *requests: dict[str, Any], **more: Any) -> httpx.Response:
    return user.post("/api/wallet/batch", json={"requests": requests, **more})


def test_everything_that_moves_money(alice: User, bob: User) -> None:
    held, spent = item("hold", 300, expires_in=60), item("spend", 50, effective_at="2025-06-01T12:00:00Z")
    requests = [
        item("topup", 100, reference="order 17", metadata={"n": 1.50}),
        spent,
        item("transfer", 10, to_username=bob.username.upper()),
        item("transfer", 10, to_wallet_id=bob.account["wallet_id"]),
        held,
        item("capture", 100, hold_txn_id=held["txn_id"]),
        item("capture", 50, hold_txn_id=held["txn_id"], final=True),
        item("refund", 20, original_txn_id=spent["txn_id"]),
    ]
    results = data(batch(alice, *requests))["results"]
    assert [result["outcome"] for result in results] == ["ok"] * 8, results
    assert [result["txn_id"] for result in results] == [request["txn_id"] for request in requests]
    assert [result["result"]["balance"] for result in results] == [1100, 1050, 1040, 1030, 1030, 930, 880, 900]
    assert all(result["status"] == 201 and result["problem"] is None for result in results)
    assert bob.balance() == 1020
    newest = alice.history()["items"]
    assert newest[-2]["metadata"] == {"n": 1.50}
    assert newest[-3]["effective_at"] == "2025-06-01T12:00:00Z"
    again = data(batch(alice, *requests))["results"]
    assert [result["outcome"] for result in again] == ["replayed"] * 8
    assert {result["status"] for result in again} == {200}
    assert [result["result"]["balance"] for result in again] == [result["result"]["balance"] for result in results]


def test_a_refused_item_does_not_stop_the_others(alice: User) -> None:
    results = data(batch(alice, item("spend", 600), item("spend", 600), item("topup", 1)))["results"]
    assert [result["outcome"] for result in results] == ["ok", "refused", "ok"]
    refused = results[1]
    assert (refused["status"], refused["result"]) == (402, None)
    assert (refused["problem"]["code"], refused["problem"]["available"]) == ("WA003", 400)
    assert alice.balance() == 401


def test_atomic_is_all_or_nothing(alice: User) -> None:
    before = item("topup", 5)
    data(batch(alice, before))
    requests = [before, item("spend", 600), item("spend", 600)]
    body = problem(batch(alice, *requests, atomic=True), 409, "batch_refused")
    assert [result["outcome"] for result in body["results"]] == ["replayed", "rolled_back", "refused"]
    assert body["results"][2]["problem"]["code"] == "WA003"
    assert alice.balance() == 1005
    results = data(batch(alice, *requests[:2], atomic=True))["results"]
    assert [result["outcome"] for result in results] == ["replayed", "ok"]
    assert alice.balance() == 405


def test_unknown_recipients_and_others_holds(alice: User, bob: User) -> None:
    held = item("hold", 5)
    data(batch(bob, held))
    results = data(
        batch(
            alice,
            item("transfer", 1, to_username="nobody-of-this-name"),
            item("transfer", 1),
            item("void", hold_txn_id=held["txn_id"]),
            item("refund", original_txn_id=held["txn_id"]),
            item("spend", 1, final=True),
        )
    )["results"]
    problems = [result["problem"] for result in results]
    assert [found["code"] for found in problems] == ["WA009", "WA002", "WA015", "WA028", "WA002"]
    assert problems[0]["errors"] == [{"field": "to_username", "message": "Unknown recipient"}]


@pytest.mark.parametrize(
    ("kind", "fields", "message"),
    [
        ("spend", {"amount": 5000}, "You have 1000 UC available, 5000 UC are needed."),
        ("transfer", {"amount": 1, "to_username": "nobody-of-this-name"},
         "There is no such recipient with a wallet for UC."),
    ],
)  # fmt: skip
def test_a_refused_item_says_what_the_single_call_says(
    alice: User, kind: str, fields: dict[str, Any], message: str
) -> None:
    single = alice.post(f"/api/wallet/{kind}", json={"txn_id": str(uuid4()), **fields}).json()
    (result,) = data(batch(alice, item(kind, **fields)))["results"]
    assert result["problem"] | {"request_id": None} == single | {"request_id": None}
    assert single["message"] == message


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"amount": 0}, "requests[1].amount"),
        ({"amount": "1"}, "requests[1].amount"),
        ({"type": "bonus"}, "requests[1].type"),
        ({"txn_id": None}, "requests[1].txn_id"),
        ({"metadata": []}, "requests[1].metadata"),
        ({"metadata": {"a": "\x00"}}, "requests[1].metadata"),
        ({"to_wallet_id": str(uuid4()), "to_username": "bob"}, "requests[1].to_wallet_id"),
        ({"original_txn_id": str(uuid4())}, "requests[1].original_txn_id"),
        ({"effective_at": "0001-01-01T00:00:00+14:00"}, "requests[1].effective_at"),
        ({"unknown": 1}, "requests[1].unknown"),
    ],
)
def test_an_item_that_is_none_stops_the_batch(alice: User, wrong: dict[str, Any], field: str) -> None:
    problem(batch(alice, item("topup", 1), item("topup", 1) | wrong), 422, "validation", field)
    assert alice.balance() == 1000


def test_repeated_keys_inside_are_refused(alice: User) -> None:
    twice = json.dumps({"requests": [item("topup", 1)]}).replace('"amount"', '"amount": 2, "amount"')
    response = alice.post("/api/wallet/batch", content=twice, headers={"Content-Type": "application/json"})
    problem(response, 422, "validation", "requests")


def test_null_metadata_is_none(alice: User) -> None:
    assert data(batch(alice, item("topup", 1, metadata=None)))["results"][0]["outcome"] == "ok"
    assert alice.history()["items"][0]["metadata"] is None


def test_sizes(alice: User) -> None:
    full = [item("topup", 1, reference="x" * 256) for _ in range(1000)]
    results = data(batch(alice, *full))["results"]
    assert len(results) == 1000
    assert results[-1]["result"]["balance"] == 2000
    problem(batch(alice, *full, item("topup", 1)), 422, "validation", "requests")
    problem(batch(alice), 422, "validation", "requests")
    body = problem(batch(alice, item("topup", 1, reference="x" * 1024 * 1024)), 413, "too_large")
    assert "1024 KiB" in body["detail"]


def test_large_bodies_take_turns_and_leave_the_event_loop_to_others() -> None:
    """Each is worked on for a while without an await, as the decoder does it."""
    worked: list[tuple[str, float, float]] = []

    class Sent(BatchRequest):
        turns = Turns(1, 1)
        waiting = Admission(20)

    def decode(user: str) -> None:
        began = time.monotonic()
        time.sleep(0.02)
        worked.append((user, began, time.monotonic()))

    async def work(user: str) -> None:
        async def receive() -> Any:
            return {"type": "http.request", "body": b" " * 100_000, "more_body": False}

        scope: Any = {"type": "http", "headers": [], "user": SimpleNamespace(user_id=user)}
        await Sent(scope, receive).body()
        decode(user)

    async def scene() -> list[Any]:
        # one is worked on at once; of twenty places a crowd of one user gets eleven
        flood = [work("flood") for _ in range(1 + 11 + 3)]
        return await asyncio.gather(*flood, work("other"), return_exceptions=True)

    answers = asyncio.run(scene())
    kinds = [error.kind for error in answers if isinstance(error, ServiceError)]
    assert kinds == [OVERLOADED] * 3
    assert "other" in [user for user, _, _ in worked[:3]]
    for (_, began, end), (_, after, _) in pairwise(worked):
        assert after - end >= 1.9 * (end - began)
