"""Above an amount an operator's request waits for another operator."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.api.service import Service, User, data, problem, serve
from tests.database import Database

CONFIRMATIONS = "/api/operator/confirmations"


@pytest.fixture(scope="module")
def careful(service_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service where more than 100 needs two."""
    folder: Path = tmp_path_factory.mktemp("careful")
    with serve(service_database.api_url, folder, PGWALLET_FOUR_EYES="100") as running:
        yield running


@pytest.fixture
def hire(careful: Service, service_database: Database) -> Iterator[Callable[[], User]]:
    """Make users of that service, who are operators."""
    with ExitStack() as stack:

        def one() -> User:
            user = stack.enter_context(closing(User(careful)))
            with service_database.connect() as administrator:
                administrator.execute("select public.wallet_set_role(%s, 'operator')", [user.username])
            user.sign_in()
            return user

        yield one


@pytest.fixture
def olga(hire: Callable[[], User]) -> User:
    return hire()


@pytest.fixture
def otto(hire: Callable[[], User]) -> User:
    return hire()


def adjustment(user: User, amount: int, **more: object) -> tuple[str, dict[str, Any]]:
    body = {"txn_id": str(uuid4()), "amount": amount, "reason": "charged twice", **more}
    return f"/api/operator/wallets/{user.account['wallet_id']}/adjust", body


def confirm(operator: User, confirmation: dict[str, Any]) -> Any:
    return operator.post(f"{CONFIRMATIONS}/{confirmation['id']}/confirm")


def reject(operator: User, confirmation: dict[str, Any], reason: str = "no such charge") -> Any:
    return operator.post(f"{CONFIRMATIONS}/{confirmation['id']}/reject", json={"reason": reason})


def test_up_to_the_amount_one_is_enough(olga: User, alice: User) -> None:
    url, body = adjustment(alice, -100)
    data(olga.post(url, json=body), 201)
    assert data(olga.post(url, json=body))["replayed"] is True
    assert alice.balance() == 900


def test_above_it_another_operator_confirms(olga: User, otto: User, alice: User) -> None:
    moment = "2026-01-02T03:04:05.678901Z"
    url, body = adjustment(alice, -101, metadata={"case": 7}, effective_at=moment)
    waiting = data(olga.post(url, json=body), 202)
    assert waiting == {
        "id": waiting["id"],
        "status": "waiting",
        "type": "adjustment",
        "wallet_id": alice.account["wallet_id"],
        "username": alice.username,
        "txn_id": body["txn_id"],
        "original_txn_id": None,
        "amount": -101,
        "expected": 101,
        "asset": "UC",
        "scale": 0,
        "reference": "charged twice",
        "metadata": {"case": 7},
        "effective_at": moment,
        "actor": olga.account["id"],
        "actor_username": olga.username,
        "created_at": waiting["created_at"],
        "decided_by": None,
        "decided_at": None,
        "reason": None,
        "transaction_id": None,
    }
    assert data(olga.post(url, json=body), 202) == waiting
    assert problem(olga.post(url, json=body | {"amount": -102}), 409, "WA004", "amount")["txn_id"] == body["txn_id"]
    problem(confirm(olga, waiting), 403, "WA038")
    assert alice.balance() == 1000

    done = data(confirm(otto, waiting), 201)
    assert (done["type"], done["amount"], done["balance"], done["replayed"]) == ("adjustment", -101, 899, False)
    assert data(confirm(otto, waiting)) == done | {"replayed": True}
    assert data(olga.post(url, json=body)) == done | {"replayed": True}
    problem(reject(otto, waiting), 409, "WA040")
    assert alice.balance() == 899
    (listed,) = data(otto.get(CONFIRMATIONS, params={"status": "confirmed", "limit": 1}))["items"]
    decided = {"status": "confirmed", "decided_by": otto.account["id"], "transaction_id": done["id"]}
    assert listed == waiting | decided | {"decided_at": listed["decided_at"]}


def test_a_refund_counts_as_what_is_left(olga: User, otto: User, alice: User) -> None:
    spent = str(uuid4())
    alice.spend(300, spent)
    url = f"/api/operator/wallets/{alice.account['wallet_id']}/refund"
    waiting = data(olga.post(url, json={"txn_id": str(uuid4()), "original_txn_id": spent}), 202)
    assert (waiting["amount"], waiting["expected"], waiting["original_txn_id"]) == (None, 300, spent)
    part = {"txn_id": str(uuid4()), "original_txn_id": spent, "amount": 100}
    data(olga.post(url, json=part), 201)
    too_much = {"txn_id": str(uuid4()), "original_txn_id": spent, "amount": 201}
    refused = problem(olga.post(url, json=too_much), 422, "WA020")
    assert (refused["left"], refused["asset"], refused["scale"]) == (200, "UC", 0)
    unknown = {"txn_id": str(uuid4()), "original_txn_id": str(uuid4())}
    problem(olga.post(url, json=unknown), 404, "WA028")
    assert data(confirm(otto, waiting), 201)["amount"] == 200
    assert alice.balance() == 1000


@pytest.mark.parametrize("spelled", ["+{}", "0{}", "{}_0", "%20{}", "{}%20", "%D9%A1"])
def test_no_other_spelling_of_a_number_decides(olga: User, otto: User, alice: User, spelled: str) -> None:
    url, body = adjustment(alice, 101)
    named = {"id": spelled.format(data(olga.post(url, json=body), 202)["id"])}
    problem(confirm(otto, named), 404, "not_found")
    problem(reject(otto, named), 404, "not_found")
    assert alice.balance() == 1000


def test_what_the_wallet_refuses_goes_on_waiting(olga: User, otto: User, alice: User) -> None:
    url, body = adjustment(alice, -1001)
    waiting = data(olga.post(url, json=body), 202)
    assert problem(confirm(otto, waiting), 402, "WA003")["available"] == 1000
    alice.topup(1)
    assert data(confirm(otto, waiting), 201)["balance"] == 0


def test_what_was_rejected_never_moves(olga: User, otto: User, alice: User) -> None:
    url, body = adjustment(alice, 500)
    waiting = data(olga.post(url, json=body), 202)
    problem(reject(otto, waiting, ""), 422, "validation", "reason")
    rejected = data(reject(otto, waiting))
    decided = {"status": "rejected", "decided_by": otto.account["id"], "reason": "no such charge"}
    assert rejected == waiting | decided | {"decided_at": rejected["decided_at"]}
    assert data(reject(olga, waiting, "another reason")) == rejected
    assert problem(confirm(otto, waiting), 409, "WA040")["decision"] == "rejected"
    assert problem(olga.post(url, json=body), 409, "WA040")["decision"] == "rejected"
    assert alice.balance() == 1000


def test_who_asked_for_how_much_and_why_is_in_the_audit(
    olga: User, otto: User, alice: User, service_database: Database
) -> None:
    def proposed() -> dict[str, Any]:
        (row,) = data(otto.get("/api/operator/audit", params={"wallet_id": wallet_id, "action": "propose"}))["items"]
        return dict(row)

    wallet_id = alice.account["wallet_id"]
    url, body = adjustment(alice, -101)
    waiting = data(olga.post(url, json=body), 202)
    row = proposed()
    assert (row["actor_username"], row["username"], row["reason"]) == (olga.username, alice.username, "charged twice")
    after = {"type": "adjustment", "amount": -101, "asset": "UC", "scale": 0}
    assert row["after"] == {"confirmation_id": waiting["id"]} | after
    with service_database.connect() as administrator:
        administrator.execute("select public.wallet_erase_user(%s, 'her wish')", [alice.account["id"]])
    # the text goes with its person
    assert proposed()["reason"] == "erased"


def test_pages(olga: User, alice: User) -> None:
    asked = [data(olga.post(url, json=body), 202) for url, body in (adjustment(alice, 101 + n) for n in range(3))]
    first = data(olga.get(CONFIRMATIONS, params={"status": "waiting", "limit": 2}))
    assert first["items"] == [asked[2], asked[1]]
    assert data(olga.get(CONFIRMATIONS, params={"limit": 1, "cursor": first["next_cursor"]}))["items"] == [asked[0]]
    problem(olga.get(CONFIRMATIONS, params={"status": "gone"}), 422, "validation", "status")
    problem(olga.get(CONFIRMATIONS, params={"cursor": "x"}), 422, "WA024", "cursor")


def test_users_are_kept_out(alice: User, client: Any, olga: User) -> None:
    url, body = adjustment(alice, 101)
    waiting = data(olga.post(url, json=body), 202)
    for call in (confirm, reject):
        problem(call(alice, waiting), 403, "WA027")
    problem(alice.get(CONFIRMATIONS), 403, "WA027")
    problem(client.post(f"{CONFIRMATIONS}/1/confirm"), 401, "unauthorized")


def test_operators_ask_for_nothing_of_their_own(olga: User, otto: User) -> None:
    url, body = adjustment(olga, 500)
    problem(olga.post(url, json=body), 403, "WA038")
    url, body = adjustment(otto, 500)
    waiting = data(olga.post(url, json=body), 202)
    problem(confirm(otto, waiting), 403, "WA038")
    problem(reject(otto, waiting), 403, "WA038")


def test_operators_of_before(olga: User, otto: User, hire: Any, alice: User, service_database: Database) -> None:
    def demote(user: User) -> None:
        with service_database.connect() as administrator:
            administrator.execute("select public.wallet_set_role(%s, 'user')", [user.username])
        user.sign_in()

    confirmed, waiting = (
        data(olga.post(url, json=body), 202) for url, body in (adjustment(alice, 101), adjustment(alice, 102))
    )
    done = data(confirm(otto, confirmed), 201)
    demote(olga)
    demote(otto)
    # the result of what they did, and nothing else
    assert data(confirm(otto, confirmed)) == done | {"replayed": True}
    problem(confirm(otto, waiting), 403, "WA027")
    # whose request it was is no operator any more
    assert problem(confirm(hire(), waiting), 403, "WA027")["actor"] == olga.account["id"]


@pytest.mark.parametrize("number", ["0", "-1", "9223372036854775808", "1" * 60])
def test_numbers_of_none(olga: User, number: str) -> None:
    assert olga.post(f"{CONFIRMATIONS}/{number}/confirm").status_code in {404, 422}


def test_an_unknown_one(olga: User) -> None:
    unknown = {"id": 2**53 - 1}
    problem(confirm(olga, unknown), 404, "WA039")
    problem(reject(olga, unknown), 404, "WA039")
    problem(olga.post(f"{CONFIRMATIONS}/first/confirm"), 404, "not_found")


def test_without_the_setting_one_is_enough(operator: User, alice: User) -> None:
    url, body = adjustment(alice, 9_007_199_254_739_991)
    data(operator.post(url, json=body), 201)
