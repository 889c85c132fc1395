"""Top-up, spend and balance, with the faults of the service that this one descends from."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from tests.api.service import User, data, problem
from tests.database import Database

MAX = 9_007_199_254_740_991


def test_the_balance_names_its_asset(alice: User) -> None:
    assert data(alice.get("/api/wallet/balance")) == {
        "kind": "now",
        "wallet_id": alice.account["wallet_id"],
        "asset": "UC",
        "scale": 0,
        "balance": 1000,
        "held": 0,
        "available": 1000,
        "status": "active",
    }


def test_a_topup_answers_the_mutation_row(alice: User) -> None:
    txn_id = str(uuid4())
    row = data(alice.topup(100, txn_id), 201)
    created_at = datetime.fromisoformat(row.pop("created_at"))
    assert abs(created_at - datetime.now(UTC)) < timedelta(minutes=1)
    assert created_at.utcoffset() == timedelta(0)
    assert isinstance(row.pop("id"), int)
    assert re.fullmatch("[0-9a-f]{64}", row.pop("receipt"))
    assert row == {
        "txn_id": txn_id,
        "wallet_id": alice.account["wallet_id"],
        "type": "topup",
        "amount": 100,
        "asset": "UC",
        "scale": 0,
        "balance": 1100,
        "available": 1100,
        "replayed": False,
    }
    assert alice.balance() == 1100


def test_a_spend_debits(alice: User) -> None:
    row = data(alice.spend(400), 201)
    assert (row["type"], row["amount"], row["balance"], row["available"]) == ("spend", 400, 600, 600)
    assert alice.balance() == 600


@pytest.mark.parametrize("kind", ["topup", "spend"])
def test_a_replay_answers_the_first_result_with_the_balance_of_then(alice: User, kind: str) -> None:
    move = getattr(alice, kind)
    txn_id = str(uuid4())
    first = data(move(100, txn_id, reference="order 17", metadata={"a": [1, {"b": None}]}), 201)
    alice.topup(5)
    again = data(move(100, txn_id, reference="order 17", metadata={"a": [1, {"b": None}]}), 200)
    assert again == {**first, "replayed": True}
    assert alice.balance() == first["balance"] + 5


def test_a_txn_id_is_the_same_in_every_spelling(alice: User) -> None:
    txn_id = uuid4()
    first = data(alice.topup(1, str(txn_id)), 201)
    for spelling in (str(txn_id).upper(), txn_id.hex):
        assert data(alice.topup(1, spelling), 200)["id"] == first["id"]


def test_the_same_txn_id_at_once_happens_once(alice: User) -> None:
    """The ancestor answered 500 to a race on one txn_id."""
    txn_id = str(uuid4())
    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(lambda _: alice.topup(7, txn_id), range(16)))
    assert sorted(answer.status_code for answer in answers) == [200] * 15 + [201]
    rows = [{**answer.json()["data"], "replayed": None} for answer in answers]
    assert all(row == rows[0] for row in rows)
    assert alice.balance() == 1007


@pytest.mark.parametrize("amount", [2**31 - 1, 2**31, 2**32, 4294967297, 2**53 - 1 - 1000])
def test_amounts_are_not_truncated(alice: User, amount: int) -> None:
    """The ancestor credited 1 for 4294967297."""
    row = data(alice.topup(amount), 201)
    assert (row["amount"], row["balance"]) == (amount, 1000 + amount)
    assert alice.balance() == 1000 + amount


@pytest.mark.parametrize(
    ("field", "request_"),
    [
        ("amount", {"amount": 101}),
        ("reference", {"amount": 100, "reference": "other"}),
        ("reference", {"amount": 100, "reference": None}),
        ("metadata", {"amount": 100, "reference": "r", "metadata": {"a": 2}}),
    ],
    ids=str,
)
def test_a_reused_txn_id_with_another_request_is_refused(alice: User, field: str, request_: dict[str, object]) -> None:
    """The ancestor answered success and did nothing."""
    txn_id = str(uuid4())
    first = data(alice.topup(100, txn_id, reference="r", metadata={"a": 1}), 201)
    body = problem(alice.topup(txn_id=txn_id, **request_), 409, "WA004", field)
    assert body["id"] == first["id"]
    assert alice.balance() == 1100


def test_a_reused_txn_id_with_another_type_is_refused(alice: User) -> None:
    """The ancestor answered success and did nothing."""
    txn_id = str(uuid4())
    data(alice.topup(100, txn_id), 201)
    problem(alice.spend(100, txn_id), 409, "WA004", "type")
    assert alice.balance() == 1100


def test_another_users_txn_id_is_free(alice: User, bob: User) -> None:
    """The ancestor answered success to the second user and did nothing."""
    txn_id = str(uuid4())
    data(alice.topup(100, txn_id), 201)
    data(bob.topup(30, txn_id), 201)
    assert (alice.balance(), bob.balance()) == (1100, 1030)


def test_insufficient_funds_are_refused_with_what_is_available(alice: User) -> None:
    """The ancestor answered 500."""
    txn_id = str(uuid4())
    body = problem(alice.spend(1001, txn_id), 402, "WA003", "amount")
    assert (body["available"], body["requested"]) == (1000, 1001)
    assert alice.balance() == 1000
    assert len(alice.history()["items"]) == 1
    data(alice.topup(1), 201)
    data(alice.spend(1001, txn_id), 201)
    assert alice.balance() == 0


def test_a_balance_beyond_the_limit_is_refused(alice: User) -> None:
    problem(alice.topup(MAX), 422, "WA006", "amount")
    assert alice.balance() == 1000
    data(alice.topup(MAX - 1000), 201)
    problem(alice.topup(1), 422, "WA006", "amount")
    assert alice.balance() == MAX


def test_many_spends_at_once_never_pass_zero(alice: User) -> None:
    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(lambda _: alice.spend(150), range(16)))
    assert sorted(answer.status_code for answer in answers) == [201] * 6 + [402] * 10
    assert alice.balance() == 100


@pytest.mark.parametrize(
    "metadata",
    [
        "{}",
        '{"a": 1.10, "b": 1e300, "c": 12345678901234567890123456789, "d": -0.1, "e": 1e-300}',
        '{"é": "ü", "emoji": "\\ud83d\\ude00", "backslash": "\\\\u0000", "quote": "\\""}',
        '{"deep": ' + "[" * 190 + "]" * 190 + "}",
    ],
    ids=len,
)
def test_metadata_is_stored_exactly(alice: User, service_database: Database, metadata: str) -> None:
    txn_id = str(uuid4())
    body = f'{{"txn_id": "{txn_id}", "amount": 1, "metadata": {metadata}}}'
    for status in (201, 200):
        response = alice.post("/api/wallet/topup", content=body.encode(), headers={"Content-Type": "application/json"})
        data(response, status)
    with service_database.connect() as connection:
        equal = connection.execute(
            "select d.metadata = %s::jsonb from wallet.transaction_details d"
            " join wallet.transactions t on t.id = d.transaction_id where t.txn_id = %s",
            [metadata, UUID(txn_id)],
        ).fetchone()
    assert equal == (True,)


def test_long_numbers_come_back_digit_for_digit(alice: User) -> None:
    metadata = '{"pi": 3.141592653589793238462643383279, "n": 9007199254740993}'
    body = f'{{"txn_id": "{uuid4()}", "amount": 1, "metadata": {metadata}}}'
    data(alice.post("/api/wallet/topup", content=body, headers={"Content-Type": "application/json"}), 201)
    assert '"pi": 3.141592653589793238462643383279' in alice.get("/api/wallet/transactions").text
    assert '"n": 9007199254740993' in alice.get("/api/wallet/transactions").text


def test_null_is_the_same_as_left_out(alice: User) -> None:
    txn_id = str(uuid4())
    data(alice.topup(1, txn_id, reference=None, metadata=None), 201)
    data(alice.topup(1, txn_id), 200)


def test_a_wallet_is_its_owners_alone(alice: User, bob: User) -> None:
    data(alice.topup(5), 201)
    assert bob.balance() == 1000
    assert [entry["type"] for entry in bob.history()["items"]] == ["bonus"]
