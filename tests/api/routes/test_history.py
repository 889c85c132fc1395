"""The wallet's history, page by page."""

from base64 import urlsafe_b64encode
from uuid import uuid4

import httpx
import pytest

from tests.api.service import TLS, User, data, problem


def test_entries_show_what_happened_newest_first(alice: User) -> None:
    first, second = str(uuid4()), str(uuid4())
    alice.topup(100, first, reference="order 17", metadata={"a": 1})
    alice.spend(300, second)
    page = alice.history()
    assert page["next_cursor"] is None
    spend, topup, bonus = page["items"]
    assert set(spend) == {
        *("id", "txn_id", "type", "amount", "balance", "reference", "metadata", "created_at"),
        *("counterparty_wallet_id", "counterparty_username", "effective_at"),
    }
    assert (spend["txn_id"], spend["type"], spend["amount"], spend["balance"]) == (second, "spend", -300, 800)
    assert (topup["txn_id"], topup["type"], topup["amount"], topup["balance"]) == (first, "topup", 100, 1100)
    assert (bonus["type"], bonus["amount"], bonus["balance"]) == ("bonus", 1000, 1000)
    assert (topup["reference"], topup["metadata"]) == ("order 17", {"a": 1})
    assert (spend["reference"], spend["metadata"]) == (None, None)
    assert spend["created_at"] >= topup["created_at"] >= bonus["created_at"]
    assert spend["created_at"].endswith("Z")


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
def test_pages_join_without_gap_or_overlap(alice: User, limit: int) -> None:
    for amount in range(1, 7):
        alice.topup(amount)
    everything = alice.history()["items"]
    assert len(everything) == 7
    found = []
    cursor: dict[str, str] = {}
    while True:
        page = alice.history(limit=limit, **cursor)
        assert len(page["items"]) <= limit
        found += page["items"]
        alice.topup(1000)  # what is new comes before the first page and moves no later one
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert found == everything


def test_a_page_has_50_entries_unless_asked_otherwise(alice: User) -> None:
    for _ in range(50):
        alice.topup(1)
    assert len(alice.history()["items"]) == 50
    assert alice.history()["next_cursor"] is not None
    page = alice.history(limit=200)
    assert len(page["items"]) == 51
    assert page["next_cursor"] is None


@pytest.mark.parametrize("limit", ["0", "-1", "201", "x", "", "1.5", "true", "99999999999999999999", "\x00"])
def test_limits_outside_1_to_200_are_refused(alice: User, limit: str) -> None:
    problem(alice.get("/api/wallet/transactions", params={"limit": limit}), 422, "validation", "limit")


def spelled(text: bytes) -> str:
    return urlsafe_b64encode(text).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    ["", "x", "!", "=", "é", "\x00", "MQ==", "M", spelled(b"0"), spelled(b"-1"), spelled(b"01"), spelled(b"1.0"),
     spelled(b"9223372036854775808"), spelled(b"\xb2"), spelled("\u0661".encode()), "x" * 65, spelled(b"1" * 3000)],
    ids=len,
)  # fmt: skip
def test_cursors_of_somebody_elses_making_are_refused(alice: User, cursor: str) -> None:
    code = "WA024" if len(cursor) <= 64 else "validation"
    problem(alice.get("/api/wallet/transactions", params={"cursor": cursor}), 422, code, "cursor")


def test_both_parameters_at_fault_are_named(alice: User) -> None:
    body = problem(alice.get("/api/wallet/transactions", params={"limit": "x", "cursor": "y" * 99}), 422, "validation")
    assert {error["field"] for error in body["errors"]} == {"limit", "cursor"}


def test_invalid_percent_encoding_is_no_server_error(alice: User) -> None:
    response = httpx.get(f"{alice.base_url}/api/wallet/transactions?cursor=%ff%fe", headers=alice.headers, verify=TLS)
    problem(response, 422, "WA024", "cursor")


def test_one_transaction_by_its_id(alice: User, bob: User) -> None:
    txn_id = str(uuid4())
    alice.topup(100, txn_id, reference="order 17", effective_at="2025-06-01T12:00:00+02:00")
    entry = data(alice.get(f"/api/wallet/transactions/{txn_id}"))
    assert entry == alice.history()["items"][0]
    assert entry["effective_at"] == "2025-06-01T10:00:00Z"
    problem(alice.get(f"/api/wallet/transactions/{uuid4()}"), 404, "WA028")
    problem(bob.get(f"/api/wallet/transactions/{txn_id}"), 404, "WA028")
    problem(alice.get("/api/wallet/transactions/17"), 404, "not_found")


def test_a_receipt_is_held_against_what_is_on_record(alice: User, bob: User) -> None:
    first, second = (data(alice.topup(amount), 201) for amount in (100, 200))

    def verdict(user: User, number: int, receipt: str) -> str:
        found = data(user.get("/api/wallet/receipt", params={"id": number, "receipt": receipt}))
        assert (found.pop("id"), found.pop("receipt")) == (number, receipt)
        return str(found["verdict"])

    assert verdict(alice, first["id"], first["receipt"]) == "ok"
    assert verdict(alice, first["id"], second["receipt"]) == "rewritten"
    assert verdict(alice, second["id"] + 1_000_000, second["receipt"]) == "removed"
    assert verdict(bob, first["id"], first["receipt"]) == "removed", "it tells nothing of other wallets"
    other_asset = {"id": first["id"], "receipt": first["receipt"], "asset": "EUR"}
    problem(alice.get("/api/wallet/receipt", params=other_asset), 404, "WA001")
    for wrong in ({"id": 0}, {"id": 2**53}, {"id": "x"}, {"receipt": "x"}, {"receipt": first["receipt"].upper()}):
        given = {"id": first["id"], "receipt": first["receipt"], **wrong}
        problem(alice.get("/api/wallet/receipt", params=given), 422, "validation", next(iter(wrong)))


def test_filters(alice: User) -> None:
    for number in range(3):
        alice.topup(10 + number, reference="tips")
        alice.spend(1 + number)
    entries = alice.history()["items"]
    assert [item["amount"] for item in alice.history(type="topup")["items"]] == [12, 11, 10]
    assert [item["amount"] for item in alice.history(reference="tips")["items"]] == [12, 11, 10]
    assert alice.history(reference="Tips")["items"] == []
    middle = entries[3]["created_at"]
    assert alice.history(**{"from": middle})["items"] == entries[:4]
    assert alice.history(to=middle)["items"] == entries[4:]
    page = alice.history(type="spend", limit=2)
    assert [item["amount"] for item in page["items"]] == [-3, -2]
    alice.spend(50)
    page = alice.history(type="spend", limit=2, cursor=page["next_cursor"])
    assert [item["amount"] for item in page["items"]] == [-1]
    assert page["next_cursor"] is None


def test_a_filtered_page_looks_at_1000_entries_and_can_be_empty(alice: User) -> None:
    requests = [{"type": "topup", "txn_id": str(uuid4()), "amount": 1} for _ in range(1000)]
    alice.post("/api/wallet/batch", json={"requests": requests}).raise_for_status()
    alice.topup(1)
    page = alice.history(type="bonus")
    assert page["items"] == []
    page = alice.history(type="bonus", cursor=page["next_cursor"])
    assert [item["type"] for item in page["items"]] == ["bonus"]
    assert page["next_cursor"] is None


@pytest.mark.parametrize("moment", ["", "x", "2025-06-01", "2025-06-01T12:00:00", "0001-01-01T00:00:00+14:00", "1e9"])
@pytest.mark.parametrize("name", ["from", "to"])
def test_moments_without_an_offset_or_out_of_range_are_refused(alice: User, name: str, moment: str) -> None:
    problem(alice.get("/api/wallet/transactions", params={name: moment}), 422, "validation", name)


def test_types_that_are_none_are_refused(alice: User) -> None:
    problem(alice.get("/api/wallet/transactions", params={"type": "gift"}), 422, "validation", "type")
    problem(alice.get("/api/wallet/transactions", params={"reference": "\x00"}), 422, "validation", "reference")
