"""From one user to another, and back to the payer."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.api.service import User, data, problem


def transfer(user: User, amount: int, **more: Any) -> httpx.Response:
    return user.post("/api/wallet/transfer", json={"txn_id": str(uuid4()), "amount": amount, **more})


def refund(user: User, original: str, **more: Any) -> httpx.Response:
    return user.post("/api/wallet/refund", json={"txn_id": str(uuid4()), "original_txn_id": original, **more})


@pytest.mark.one_database(reason="in another database the recipient has a transaction of their own")
def test_both_sides_see_the_transfer(alice: User, bob: User) -> None:
    txn_id = str(uuid4())
    body = {"txn_id": txn_id, "amount": 300, "to_username": bob.username.upper(), "reference": "rent"}
    sent = data(alice.post("/api/wallet/transfer", json=body), 201)
    assert (sent["type"], sent["amount"], sent["balance"], sent["replayed"]) == ("transfer", 300, 700, False)
    again = data(alice.post("/api/wallet/transfer", json=body))
    assert again == {**sent, "replayed": True}
    assert bob.balance() == 1300
    mine, theirs = alice.history()["items"][0], bob.history()["items"][0]
    assert (mine["amount"], theirs["amount"]) == (-300, 300)
    assert mine["txn_id"] == theirs["txn_id"] == txn_id
    assert (mine["counterparty_username"], theirs["counterparty_username"]) == (bob.username, alice.username)
    assert mine["counterparty_wallet_id"] == bob.account["wallet_id"]
    assert theirs["counterparty_wallet_id"] == alice.account["wallet_id"]


def test_a_transfer_to_a_wallet_id(alice: User, bob: User) -> None:
    data(transfer(alice, 1, to_wallet_id=bob.account["wallet_id"]), 201)
    assert bob.balance() == 1001


def test_what_a_transfer_refuses(alice: User, bob: User) -> None:
    euros = data(bob.post("/api/wallets", json={"asset": "EUR"}), 201)["wallet_id"]
    data(alice.post("/api/wallets", json={"asset": "USD"}), 201)
    problem(transfer(alice, 1, to_username="nobody-of-this-name"), 404, "WA009", "to_username")
    problem(transfer(alice, 1, to_wallet_id=str(uuid4())), 404, "WA009", "to_wallet_id")
    problem(transfer(alice, 1, to_username=alice.username), 422, "WA010", "to_username")
    problem(transfer(alice, 1, to_wallet_id=euros), 422, "WA011", "to_wallet_id")
    problem(transfer(alice, 1, to_username=bob.username, asset="USD"), 404, "WA009", "to_username")
    assert problem(transfer(alice, 1001, to_username=bob.username), 402, "WA003", "amount")["available"] == 1000
    problem(transfer(alice, 1), 422, "validation", "to_wallet_id")
    both = {"to_username": bob.username, "to_wallet_id": bob.account["wallet_id"]}
    problem(transfer(alice, 1, **both), 422, "validation", "to_wallet_id")
    assert (alice.balance(), bob.balance()) == (1000, 1000)


def test_effective_at_is_shown_and_part_of_the_request(alice: User) -> None:
    txn_id = str(uuid4())
    body = {"txn_id": txn_id, "amount": 1, "effective_at": "2025-06-01T12:00:00Z"}
    data(alice.post("/api/wallet/topup", json=body), 201)
    data(alice.post("/api/wallet/topup", json={**body, "effective_at": "2025-06-01T14:00:00+02:00"}))
    problem(alice.topup(1, txn_id), 409, "WA004", "effective_at")
    future = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    problem(alice.topup(1, effective_at=future), 422, "WA023", "effective_at")
    problem(alice.topup(1, effective_at="2025-06-01T12:00:00"), 422, "validation", "effective_at")
    problem(alice.topup(1, effective_at="0001-01-01T00:00:00+14:00"), 422, "validation", "effective_at")


def test_refunds_never_pass_what_was_spent(alice: User) -> None:
    spent = str(uuid4())
    alice.spend(100, spent)
    first = data(refund(alice, spent, amount=30), 201)
    assert (first["type"], first["amount"], first["balance"]) == ("refund", 30, 930)
    assert problem(refund(alice, spent, amount=71), 422, "WA020", "amount")["left"] == 70
    assert data(refund(alice, spent), 201)["amount"] == 70
    problem(refund(alice, spent), 422, "WA020")
    assert alice.balance() == 1000


def test_what_a_refund_refuses(alice: User, bob: User) -> None:
    topup, spent = str(uuid4()), str(uuid4())
    alice.topup(1, topup)
    alice.spend(1, spent)
    problem(refund(alice, topup), 422, "WA021")
    problem(refund(alice, str(uuid4())), 404, "WA028")
    problem(refund(bob, spent), 404, "WA028")


@pytest.mark.parametrize("field", ["txn_id", "amount"])
def test_a_transfer_needs_its_fields(alice: User, field: str) -> None:
    body = {"txn_id": str(uuid4()), "amount": 1, "to_username": "whoever"}
    del body[field]
    problem(alice.post("/api/wallet/transfer", json=body), 422, "validation", field)
