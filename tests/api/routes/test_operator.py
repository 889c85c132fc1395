"""What operators can do, and that nobody else can."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import jwt
import pytest

from tests.api.service import JWT_SECRET, TLS, Service, User, data, problem, serve
from tests.database import Database

SOMEBODY = "018f6b5e-0000-7000-8000-00000000a11c"


def path(user: User, action: str) -> str:
    return f"/api/operator/wallets/{user.account['wallet_id']}/{action}"


def status(operator: User, user: User, wanted: str) -> Any:
    return operator.post(path(user, "status"), json={"status": wanted, "reason": "a test"})


@pytest.mark.parametrize(
    ("method", "url", "body"),
    [
        ("POST", f"/api/operator/wallets/{SOMEBODY}/status", None),
        ("PUT", f"/api/operator/wallets/{SOMEBODY}/limits", None),
        ("POST", f"/api/operator/wallets/{SOMEBODY}/adjust", {"txn_id": SOMEBODY, "amount": 1, "reason": "x"}),
        ("POST", f"/api/operator/wallets/{SOMEBODY}/topup", {"txn_id": SOMEBODY, "amount": 1}),
        ("POST", f"/api/operator/wallets/{SOMEBODY}/refund", {"txn_id": SOMEBODY, "original_txn_id": SOMEBODY}),
        ("POST", f"/api/operator/users/{SOMEBODY}/erase", None),
        ("POST", f"/api/operator/users/{SOMEBODY}/password-reset", None),
        ("GET", "/api/operator/trial-balance", None),
        ("GET", "/api/operator/search?q=alice", None),
        ("GET", "/api/operator/users", None),
        ("GET", f"/api/operator/users/{SOMEBODY}", None),
        ("GET", "/api/operator/audit", None),
        ("GET", "/api/operator/verifications", None),
    ],
)
def test_users_are_kept_out(alice: User, client: Any, method: str, url: str, body: object) -> None:
    problem(alice.request(method, url, json=body), 403, "WA027")
    problem(client.request(method, url), 401, "unauthorized")


def test_the_stored_role_counts_and_not_the_claim(alice: User) -> None:
    claims = jwt.decode(alice.token, JWT_SECRET, algorithms=["HS256"], issuer="pgwallet")
    forged = jwt.encode(claims | {"role": "operator"}, JWT_SECRET, "HS256")
    headers = {"Authorization": f"Bearer {forged}"}
    problem(alice.get("/api/operator/trial-balance", headers=headers), 403, "WA027")


def test_a_role_that_was_taken_away_is_gone_at_once(operator: User, alice: User, service_database: Database) -> None:
    data(status(operator, alice, "active"))
    with service_database.connect() as administrator:
        administrator.execute("select public.wallet_set_role(%s, 'user')", [operator.username])
    # the database refuses the role, or the service, which may have heard of it already, the token
    assert status(operator, alice, "frozen").status_code in {401, 403}
    operator.sign_in()
    problem(status(operator, alice, "frozen"), 403, "WA027")


def test_operators_have_the_claim(operator: User) -> None:
    body = {"username": operator.username, "password": "correct horse battery"}
    token = data(operator.post("/api/auth/signin", json=body))["access_token"]
    assert jwt.decode(token, JWT_SECRET, algorithms=["HS256"], issuer="pgwallet")["role"] == "operator"


def test_a_frozen_wallet_takes_and_gives_not(operator: User, alice: User) -> None:
    changed = data(status(operator, alice, "frozen"))
    assert (changed["previous_status"], changed["status"], changed["reason"]) == ("active", "frozen", "a test")
    problem(alice.spend(1), 409, "WA012")
    problem(alice.post("/api/wallet/holds", json={"txn_id": str(uuid4()), "amount": 1}), 409, "WA012")
    data(alice.topup(1), 201)
    assert data(alice.get("/api/wallet/balance"))["status"] == "frozen"
    data(status(operator, alice, "active"))
    data(alice.spend(1), 201)


def test_only_an_empty_wallet_closes(operator: User, alice: User) -> None:
    assert problem(status(operator, alice, "closed"), 409, "WA022")["balance"] == 1000
    alice.spend(1000)
    data(status(operator, alice, "closed"))
    problem(alice.topup(1), 409, "WA013")
    problem(status(operator, alice, "lost"), 422, "validation", "status")
    problem(operator.post(path(alice, "status"), json={"status": "active"}), 422, "validation", "reason")


def test_limits_and_overdraft(operator: User, alice: User) -> None:
    body = {"limits": {"spend": {"per_transaction": 500, "per_day": 800}}, "floor": -200, "max_balance": 1100}
    found = data(operator.put(path(alice, "limits"), json=body))
    none = {"per_transaction": None, "per_day": None, "per_30_days": None}
    assert found == {
        "wallet_id": alice.account["wallet_id"],
        "limits": {"topup": None, "spend": none | {"per_transaction": 500, "per_day": 800}, "transfer": None},
        "floor": -200,
        "max_balance": 1100,
    }
    assert problem(alice.spend(501), 422, "WA014", "amount")["limit"] == "per_transaction"
    data(alice.spend(500), 201)
    refused = problem(alice.spend(301), 422, "WA014", "amount")
    assert (refused["limit"], refused["kind"], refused["left"]) == ("per_day", "spend", 300)
    problem(alice.topup(601), 422, "WA006")
    gone = data(operator.put(path(alice, "limits"), json={"floor": -200}))
    assert gone["limits"] == {"topup": None, "spend": None, "transfer": None}
    assert data(alice.spend(700), 201)["balance"] == -200
    twice = '{"limits": {"spend": {"per_day": 1, "per_day": 2}}}'
    headers = {"Content-Type": "application/json"}
    problem(operator.put(path(alice, "limits"), content=twice, headers=headers), 422, "validation", "limits")
    wrong = {"limits": {"spend": {"per_day": -1}}}
    problem(operator.put(path(alice, "limits"), json=wrong), 422, "validation", "limits.spend.per_day")
    problem(operator.put(path(alice, "limits"), json={"limits": {"hold": {}}}), 422, "validation", "limits.hold")


def test_adjustments_go_both_ways_and_say_why(operator: User, alice: User) -> None:
    body = {"txn_id": str(uuid4()), "amount": -50, "reason": "charged twice", "metadata": {"case": 7}}
    first = data(operator.post(path(alice, "adjust"), json=body), 201)
    assert (first["type"], first["amount"], first["balance"]) == ("adjustment", -50, 950)
    assert data(operator.post(path(alice, "adjust"), json=body)) == {**first, "replayed": True}
    data(operator.post(path(alice, "adjust"), json=body | {"txn_id": str(uuid4()), "amount": 50}), 201)
    newest, before = alice.history()["items"][:2]
    assert (newest["amount"], before["amount"], before["reference"]) == (50, -50, "charged twice")
    for wrong, field in (({"amount": 0}, "amount"), ({"reason": ""}, "reason"), ({"reason": None}, "reason")):
        response = operator.post(path(alice, "adjust"), json=body | {"txn_id": str(uuid4())} | wrong)
        problem(response, 422, "WA002" if field == "amount" else "validation", field)
    body = {"txn_id": str(uuid4()), "amount": -1001, "reason": "too much"}
    refused = problem(operator.post(path(alice, "adjust"), json=body), 402, "WA003")
    assert refused["message"] == "This wallet has 1000 UC available; 1001 UC cannot be taken."
    assert refused["requested"] == -1001


def test_topups_and_refunds_for_a_user(operator: User, alice: User) -> None:
    funded = data(operator.post(path(alice, "topup"), json={"txn_id": str(uuid4()), "amount": 10}), 201)
    assert (funded["wallet_id"], funded["balance"]) == (alice.account["wallet_id"], 1010)
    spent = str(uuid4())
    alice.spend(10, spent)
    refund = {"txn_id": str(uuid4()), "original_txn_id": spent}
    assert data(operator.post(path(alice, "refund"), json=refund), 201)["balance"] == 1010
    assert data(operator.post(path(alice, "refund"), json=refund))["replayed"] is True
    url = f"/api/operator/wallets/{uuid4()}/topup"
    problem(operator.post(url, json={"txn_id": str(uuid4()), "amount": 10}), 404, "WA001")
    url = "/api/operator/wallets/17/topup"
    found = problem(operator.post(url, json={"txn_id": str(uuid4()), "amount": 10}), 404, "not_found")
    assert "An id in it is what a search found" in found["detail"]


def test_the_trial_balance_nets_to_zero(operator: User, alice: User) -> None:
    alice.spend(1)
    found = data(operator.get("/api/operator/trial-balance"))
    assert (found["asset"], found["at"], found["balance"]) == ("UC", None, 0)
    accounts = {account["account"]: account for account in found["accounts"]}
    assert accounts["users"]["balance"] == accounts["users"]["credit"] - accounts["users"]["debit"] > 0
    assert accounts["spend"]["balance"] > 0 > accounts["bonus"]["balance"]
    before = data(operator.get("/api/operator/trial-balance", params={"at": "2025-01-01T00:00:00Z", "asset": "EUR"}))
    assert {account["entries"] for account in before["accounts"]} == {0}
    problem(operator.get("/api/operator/trial-balance", params={"asset": "XYZ"}), 404, "WA026", "asset")
    future = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    problem(operator.get("/api/operator/trial-balance", params={"at": future}), 422, "WA023", "at")


@pytest.fixture(scope="module")
def strict(service_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service where operators alone top up and refund."""
    folder: Path = tmp_path_factory.mktemp("strict")
    with serve(service_database.api_url, folder, PGWALLET_SELF_TOPUP="off", PGWALLET_SELF_REFUND="off") as running:
        yield running


def test_topups_and_refunds_can_be_left_to_operators(strict: Service, operator: User) -> None:
    with closing(User(strict)) as user:
        assert "top up" in problem(user.topup(1), 403, "operators_only")["detail"]
        spent = str(uuid4())
        data(user.spend(10, spent), 201)
        refund = {"txn_id": str(uuid4()), "original_txn_id": spent}
        assert "refund" in problem(user.post("/api/wallet/refund", json=refund), 403, "operators_only")["detail"]
        for request in ({"type": "topup", "txn_id": str(uuid4()), "amount": 1}, {"type": "refund", **refund}):
            spend = {"type": "spend", "txn_id": str(uuid4()), "amount": 1}
            response = user.post("/api/wallet/batch", json={"requests": [spend, request]})
            problem(response, 403, "operators_only")
        assert user.balance() == 990
        data(operator.post(path(user, "topup"), json={"txn_id": str(uuid4()), "amount": 5}), 201)
        data(operator.post(path(user, "refund"), json=refund), 201)
        assert user.balance() == 1005


def test_an_operators_own_top_up_is_left_to_another_one(strict: Service, operator: User, alice: User) -> None:
    """With the setting off, operators are users like all others; what they may do for others they do elsewhere."""
    own = {"Authorization": f"Bearer {operator.token}"}
    body = {"txn_id": str(uuid4()), "amount": 1}
    with httpx.Client(base_url=strict.url, timeout=20, verify=TLS, headers=own) as client:
        problem(client.post("/api/wallet/topup", json=body), 403, "operators_only")
        batch = {"requests": [{"type": "topup", **body}]}
        problem(client.post("/api/wallet/batch", json=batch), 403, "operators_only")
        problem(client.post(path(operator, "topup"), json=body), 403, "WA038")
        data(client.post(path(alice, "topup"), json=body), 201)
    assert operator.balance() == 1000


def test_operators_change_nothing_of_their_own(operator: User) -> None:
    spent = data(operator.spend(10), 201)
    for action, body in (
        ("topup", {"txn_id": str(uuid4()), "amount": 1}),
        ("adjust", {"txn_id": str(uuid4()), "amount": 1, "reason": "a gift"}),
        ("refund", {"txn_id": str(uuid4()), "original_txn_id": spent["txn_id"]}),
        ("status", {"status": "active", "reason": "a test"}),
    ):
        problem(operator.post(path(operator, action), json=body), 403, "WA038")
    problem(operator.put(path(operator, "limits"), json={"floor": -1000}), 403, "WA038")
    erase = f"/api/operator/users/{operator.account['id']}/erase"
    problem(operator.post(erase, json={"reason": "a test"}), 403, "WA038")
    assert operator.balance() == 990
