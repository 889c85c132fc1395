"""One wallet per asset, and how calls name the one they mean."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import pytest

from tests.api.service import User, data, problem


def test_a_wallet_is_opened_once(alice: User) -> None:
    first = data(alice.post("/api/wallets", json={"asset": "EUR"}), 201)
    assert (first["asset"], first["scale"], first["status"]) == ("EUR", 2, "active")
    assert (first["balance"], first["held"], first["available"]) == (0, 0, 0)
    assert data(alice.post("/api/wallets", json={"asset": "EUR"})) == first
    wallets = data(alice.get("/api/wallets"))["items"]
    assert [wallet["asset"] for wallet in wallets] == ["EUR", "UC"]
    assert wallets[0] == first
    assert wallets[1]["wallet_id"] == alice.account["wallet_id"]


def test_unknown_assets(alice: User) -> None:
    problem(alice.post("/api/wallets", json={"asset": "XYZ"}), 404, "WA026", "asset")
    problem(alice.post("/api/wallets", json={"asset": "eur"}), 422, "validation", "asset")


def test_calls_name_the_asset_they_mean(alice: User) -> None:
    euros = data(alice.post("/api/wallets", json={"asset": "EUR"}), 201)["wallet_id"]
    assert data(alice.topup(500, asset="EUR"), 201)["wallet_id"] == euros
    assert data(alice.spend(200, asset="EUR"), 201)["balance"] == 300
    assert data(alice.get("/api/wallet/balance", params={"asset": "EUR"}))["balance"] == 300
    assert alice.balance() == 1000
    assert data(alice.get("/api/wallet/balance", params={"asset": "UC"}))["balance"] == 1000
    assert [item["amount"] for item in alice.history(asset="EUR")["items"]] == [-200, 500]
    body = {"asset": "EUR", "requests": [{"type": "spend", "txn_id": str(uuid4()), "amount": 1}]}
    assert data(alice.post("/api/wallet/batch", json=body))["results"][0]["result"]["balance"] == 299


def test_without_a_wallet_in_that_asset(alice: User) -> None:
    unknown = problem(alice.get("/api/wallet/balance", params={"asset": "JPY"}), 404, "WA001", "asset")
    assert unknown["message"] == "You have no JPY wallet yet."
    problem(alice.topup(1, asset="JPY"), 404, "WA001", "asset")
    problem(alice.get("/api/wallet/balance", params={"asset": "\x00"}), 422, "validation", "asset")


def test_the_balance_at_a_moment(alice: User) -> None:
    alice.topup(100)
    moment = alice.history()["items"][0]["created_at"]
    found = data(alice.get("/api/wallet/balance", params={"at": moment}))
    assert set(found) == {"kind", "wallet_id", "asset", "scale", "balance", "at"}
    assert (found["balance"], found["at"]) == (1000, moment)
    later = datetime.fromisoformat(moment) + timedelta(microseconds=1)
    assert data(alice.get("/api/wallet/balance", params={"at": later.isoformat()}))["balance"] == 1100
    future = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    problem(alice.get("/api/wallet/balance", params={"at": future}), 422, "WA023", "at")


@pytest.mark.parametrize("at", ["now", "2025-06-01T12:00:00", "1750000000"])
def test_a_moment_needs_its_offset(alice: User, at: str) -> None:
    problem(alice.get("/api/wallet/balance", params={"at": at}), 422, "validation", "at")


def test_which_assets_there_are(client: httpx.Client, alice: User) -> None:
    assets = data(alice.get("/api/assets"))["items"]
    assert {"code": "EUR", "name": "Euro", "scale": 2} in assets
    codes = [asset["code"] for asset in assets]
    assert codes == sorted(codes)
    assert {"EUR", "JPY", "UC", "USD"} <= set(codes)
    problem(client.get("/api/assets"), 401, "unauthorized")
