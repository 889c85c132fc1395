"""Holds over HTTP."""

import time
from typing import Any
from uuid import uuid4

import httpx

from tests.api.service import User, data, problem


def hold(user: User, amount: int, **more: Any) -> str:
    txn_id = str(uuid4())
    data(user.post("/api/wallet/holds", json={"txn_id": txn_id, "amount": amount, **more}), 201)
    return txn_id


def capture(user: User, held: str, **more: Any) -> httpx.Response:
    return user.post(f"/api/wallet/holds/{held}/capture", json={"txn_id": str(uuid4()), **more})


def void(user: User, held: str, **more: Any) -> httpx.Response:
    return user.post(f"/api/wallet/holds/{held}/void", json={"txn_id": str(uuid4()), **more})


def test_what_is_held_cannot_be_spent(alice: User) -> None:
    held = hold(alice, 600, reference="hotel", metadata={"nights": 2})
    balance = data(alice.get("/api/wallet/balance"))
    assert (balance["balance"], balance["held"], balance["available"]) == (1000, 600, 400)
    assert problem(alice.spend(401), 402, "WA003")["available"] == 400
    (found,) = data(alice.get("/api/wallet/holds"))["items"]
    assert found["txn_id"] == held
    assert (found["status"], found["amount"], found["captured"], found["remaining"]) == ("open", 600, 0, 600)
    assert (found["reference"], found["metadata"]) == ("hotel", {"nights": 2})
    assert alice.history()["items"][0]["type"] == "bonus"


def test_captures_in_parts_and_the_rest_released(alice: User) -> None:
    held = hold(alice, 600)
    part = data(capture(alice, held, amount=100), 201)
    assert (part["type"], part["amount"], part["balance"], part["available"]) == ("capture", 100, 900, 400)
    assert problem(capture(alice, held, amount=501), 422, "WA019", "amount")["left"] == 500
    last = data(capture(alice, held, amount=200, final=True), 201)
    assert (last["balance"], last["available"]) == (700, 700)
    problem(capture(alice, held), 409, "WA016")
    problem(void(alice, held), 409, "WA016")
    assert data(alice.get("/api/wallet/holds"))["items"][0]["captured"] == 300


def test_replays(alice: User) -> None:
    body = {"txn_id": str(uuid4()), "amount": 100, "expires_in": 60}
    first = data(alice.post("/api/wallet/holds", json=body), 201)
    assert data(alice.post("/api/wallet/holds", json=body)) == {**first, "replayed": True}
    problem(alice.post("/api/wallet/holds", json={**body, "expires_in": 61}), 409, "WA004", "expires_in")
    path, request = f"/api/wallet/holds/{body['txn_id']}/capture", {"txn_id": str(uuid4())}
    taken = data(alice.post(path, json=request), 201)
    assert taken["amount"] == 100
    assert data(alice.post(path, json=request)) == {**taken, "replayed": True}


def test_a_void_ends_a_hold(alice: User) -> None:
    held = hold(alice, 600)
    released = data(void(alice, held), 201)
    assert (released["type"], released["amount"], released["available"]) == ("void", 600, 1000)
    problem(capture(alice, held), 409, "WA017")
    problem(void(alice, held), 409, "WA017")


def test_a_hold_expires(alice: User) -> None:
    held = hold(alice, 600, expires_in=1)
    time.sleep(1.1)
    assert problem(capture(alice, held), 409, "WA018")["expires_at"].endswith("Z")
    assert data(alice.get("/api/wallet/balance"))["available"] == 1000
    assert data(alice.get("/api/wallet/holds", params={"status": "expired"}))["items"][0]["txn_id"] == held
    assert data(alice.get("/api/wallet/holds", params={"status": "open"}))["items"] == []


def test_what_holds_refuse(alice: User, bob: User) -> None:
    held = hold(alice, 1)
    problem(capture(bob, held), 404, "WA015")
    problem(void(bob, held), 404, "WA015")
    problem(capture(alice, str(uuid4())), 404, "WA015")
    problem(capture(alice, "17"), 404, "not_found")
    too_much = {"txn_id": str(uuid4()), "amount": 1000}
    assert problem(alice.post("/api/wallet/holds", json=too_much), 402, "WA003", "amount")["available"] == 999
    problem(alice.post("/api/wallet/holds", json={**too_much, "expires_in": 0}), 422, "validation", "expires_in")
    problem(alice.post("/api/wallet/holds", json={**too_much, "effective_at": None}), 422, "validation")


def test_open_holds_are_capped(alice: User) -> None:
    requests = [{"type": "hold", "txn_id": str(uuid4()), "amount": 1} for _ in range(100)]
    results = data(alice.post("/api/wallet/batch", json={"requests": requests}))["results"]
    assert {result["outcome"] for result in results} == {"ok"}
    problem(alice.post("/api/wallet/holds", json={"txn_id": str(uuid4()), "amount": 1}), 409, "WA025")


def test_pages_of_holds_stay_while_new_ones_arrive(alice: User) -> None:
    made = [hold(alice, 1) for _ in range(5)]
    first = data(alice.get("/api/wallet/holds", params={"limit": 2}))
    hold(alice, 1)
    second = data(alice.get("/api/wallet/holds", params={"limit": 2, "cursor": first["next_cursor"]}))
    third = data(alice.get("/api/wallet/holds", params={"limit": 2, "cursor": second["next_cursor"]}))
    found = [item["txn_id"] for page in (first, second, third) for item in page["items"]]
    assert found == made[::-1]
    assert third["next_cursor"] is None
    problem(alice.get("/api/wallet/holds", params={"cursor": "x"}), 422, "WA024", "cursor")
    problem(alice.get("/api/wallet/holds", params={"status": "lost"}), 422, "validation", "status")
