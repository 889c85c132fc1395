"""One customer's story, from sign-up to refund, in the calls that a client would make."""

from datetime import UTC, datetime
from uuid import uuid4

from tests.api.service import User, data, problem


def test_from_sign_up_to_refund(alice: User, bob: User, operator: User) -> None:
    # a new account has a wallet with a bonus; another asset takes another wallet
    assert data(alice.get("/api/wallet/balance"))["available"] == 1000
    data(alice.post("/api/wallets", json={"asset": "EUR"}), 201)
    data(alice.topup(5000, asset="EUR", reference="card"), 201)

    # a hotel sets money aside, takes less than that, and releases the rest
    stay = str(uuid4())
    held = {"txn_id": stay, "amount": 3000, "expires_in": 86400, "asset": "EUR", "reference": "hotel"}
    assert data(alice.post("/api/wallet/holds", json=held), 201)["available"] == 2000
    problem(alice.spend(2001, asset="EUR"), 402, "WA003", "amount")
    bill = str(uuid4())
    capture = {"txn_id": bill, "amount": 2500, "final": True, "asset": "EUR"}
    paid = data(alice.post(f"/api/wallet/holds/{stay}/capture", json=capture), 201)
    assert (paid["balance"], paid["available"]) == (2500, 2500)

    # a friend pays a share back, and the hotel a part of the bill
    data(bob.post("/api/wallets", json={"asset": "EUR"}), 201)
    fund = {"txn_id": str(uuid4()), "amount": 1250}
    wallet_id = data(bob.get("/api/wallet/balance", params={"asset": "EUR"}))["wallet_id"]
    data(operator.post(f"/api/operator/wallets/{wallet_id}/topup", json=fund), 201)
    share = {"txn_id": str(uuid4()), "amount": 1250, "to_username": alice.username, "asset": "EUR"}
    assert data(bob.post("/api/wallet/transfer", json=share), 201)["balance"] == 0
    refund = {"txn_id": str(uuid4()), "original_txn_id": bill, "amount": 500, "asset": "EUR"}
    assert data(alice.post("/api/wallet/refund", json=refund), 201)["balance"] == 4250

    # whatever got lost on the way is simply sent again
    assert data(alice.post("/api/wallet/refund", json=refund))["replayed"] is True

    # it all adds up
    period = {"from": "2025-01-01T00:00:00Z", "to": datetime.now(UTC).isoformat(), "asset": "EUR"}
    statement = data(alice.get("/api/wallet/statement", params=period))
    assert [(entry["type"], entry["amount"]) for entry in statement["entries"]] == [
        ("topup", 5000),
        ("capture", -2500),
        ("transfer", 1250),
        ("refund", 500),
    ]
    assert (statement["opening_balance"], statement["closing_balance"]) == (0, 4250)
    books = data(operator.get("/api/operator/trial-balance", params={"asset": "EUR"}))
    assert books["balance"] == 0
