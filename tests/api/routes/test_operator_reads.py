"""What operators find and are shown, over HTTP."""

from typing import Any
from uuid import uuid4

import pytest

from tests.api.service import User, data, problem
from tests.database import Database


def search(operator: User, query: object) -> Any:
    return data(operator.get("/api/operator/search", params={"q": str(query)}))["items"]


def test_each_kind_is_found_with_what_tells_it(operator: User, alice: User, bob: User) -> None:
    txn_id, hold_id = str(uuid4()), str(uuid4())
    transfer = {"txn_id": txn_id, "amount": 30, "to_username": bob.username, "reference": f"rent of {txn_id}"}
    moved = data(alice.post("/api/wallet/transfer", json=transfer), 201)
    held = data(alice.post("/api/wallet/holds", json={"txn_id": hold_id, "amount": 20, "expires_in": 60}), 201)
    ids = {"wallet_id": alice.account["wallet_id"], "user_id": alice.account["id"]}
    asset = {"asset": "UC", "scale": 0}

    (user,) = search(operator, alice.username.upper())
    assert user.pop("created_at")
    named = {"user_id": ids["user_id"], "username": alice.username}
    assert user == {"kind": "user", "role": "user", "erased_at": None, **named}

    (wallet,) = search(operator, ids["wallet_id"])
    assert wallet.pop("created_at")
    assert wallet == {"kind": "wallet", "status": "active", "balance": alice.balance(), **ids, **named, **asset}

    sent = {
        "kind": "transaction",
        "id": moved["id"],
        "txn_id": txn_id,
        "type": "transfer",
        "reference": transfer["reference"],
        "created_at": moved["created_at"],
        **asset,
    }
    receiver = {"wallet_id": bob.account["wallet_id"], "user_id": bob.account["id"], "username": bob.username}
    sides = [sent | ids | named | {"amount": -30}, sent | receiver | {"amount": 30}]
    assert sorted(search(operator, txn_id), key=lambda side: int(side["amount"])) == sides
    assert len(search(operator, transfer["reference"])) == 2

    (hold,) = search(operator, hold_id)
    assert hold == {
        "kind": "hold",
        "id": held["id"],
        "txn_id": hold_id,
        "status": "open",
        "amount": 20,
        "reference": None,
        "created_at": held["created_at"],
        **ids,
        **named,
        **asset,
    }


def test_a_user_is_shown_with_wallets(operator: User, alice: User) -> None:
    shown = data(operator.get(f"/api/operator/users/{alice.account['id']}"))
    assert shown["username"] == alice.username
    assert shown["role"] == "user"
    assert shown["erased_at"] is None
    assert shown["wallets"] == data(alice.get("/api/wallets"))["items"]
    problem(operator.get(f"/api/operator/users/{uuid4()}"), 404, "WA029")
    problem(operator.get("/api/operator/users/alice"), 404, "not_found")


def test_pages_of_users_have_everybody_once(operator: User, alice: User, service_database: Database) -> None:
    found: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = data(operator.get("/api/operator/users", params={"limit": 7, **cursor}))
        found += [user["id"] for user in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    with service_database.connect() as administrator:
        rows = administrator.execute("select id::text from wallet.users order by id desc").fetchall()
    assert found == [user_id for (user_id,) in rows]
    assert alice.account["id"] in found


def test_the_audit_has_who_did_what_why_and_what_was_before(operator: User, alice: User) -> None:
    wallet_id, user_id = alice.account["wallet_id"], alice.account["id"]
    path = f"/api/operator/wallets/{wallet_id}"
    data(operator.post(f"{path}/status", json={"status": "frozen", "reason": "court order"}))
    data(operator.put(f"{path}/limits", json={"limits": {"spend": {"per_day": 5}}, "reason": "too much"}))
    fix = data(operator.post(f"{path}/adjust", json={"txn_id": str(uuid4()), "amount": 3, "reason": "a mistake"}), 201)
    search(operator, alice.username)

    rows = data(operator.get("/api/operator/audit", params={"user_id": user_id}))["items"]
    assert {row["actor"] for row in rows} == {operator.account["id"]}
    assert {row["actor_username"] for row in rows} == {operator.username}
    assert {row["username"] for row in rows} == {alice.username}
    read, adjusted, limited, frozen = rows
    assert (read["action"], read["wallet_id"], read["after"]) == ("read", None, {"of": "search"})
    assert (adjusted["action"], adjusted["reason"], adjusted["transaction_id"]) == (
        "adjustment",
        "a mistake",
        fix["id"],
    )
    assert (limited["reason"], limited["before"]["limits"]) == ("too much", [])
    assert limited["after"]["limits"][0]["per_day"] == 5
    assert (frozen["reason"], frozen["before"], frozen["after"]) == (
        "court order",
        {"status": "active"},
        {"status": "frozen"},
    )

    for filters in (
        {"wallet_id": wallet_id},
        {"wallet_id": wallet_id, "actor": operator.account["id"]},
        {"user_id": user_id, "wallet_id": wallet_id},
    ):
        assert data(operator.get("/api/operator/audit", params=filters))["items"] == rows[1:]
    one = {"user_id": user_id, "action": "status"}
    assert data(operator.get("/api/operator/audit", params=one)) == {"items": [frozen], "next_cursor": None}


def test_pages_of_the_audit_go_on_where_they_stopped(operator: User, alice: User, service_database: Database) -> None:
    user_id = alice.account["id"]
    with service_database.connect() as administrator:
        administrator.execute(
            "insert into wallet.operator_actions (user_id, action, detail)"
            " select %s, case n when 1 then 'erase' else 'read' end, jsonb_build_object('n', n)"
            " from generate_series(1, 1500) n",
            [user_id],
        )
    for filters, expected in (({}, [1500, 1499]), ({"action": "read"}, [1500, 1499])):
        page = data(operator.get("/api/operator/audit", params={"user_id": user_id, "limit": 2, **filters}))
        assert [row["after"]["n"] for row in page["items"]] == expected
        more = {"user_id": user_id, "limit": 1, "cursor": page["next_cursor"], **filters}
        assert data(operator.get("/api/operator/audit", params=more))["items"][0]["after"] == {"n": 1498}
    one = {"user_id": user_id, "action": "erase"}
    short = data(operator.get("/api/operator/audit", params=one))
    assert short["items"] == []
    last = data(operator.get("/api/operator/audit", params=one | {"cursor": short["next_cursor"]}))
    assert [row["after"]["n"] for row in last["items"]] == [1]
    assert last["next_cursor"] is None


def test_verifications_come_by_pages(operator: User, service_database: Database) -> None:
    with service_database.connect() as administrator:
        administrator.execute("select public.wallet_record_verification(n, 0.5) from generate_series(8, 9) n")
    page = data(operator.get("/api/operator/verifications", params={"limit": 1}))
    assert page["items"][0]["violations"] == 9
    assert page["items"][0]["seconds"] == 0.5
    more = data(operator.get("/api/operator/verifications", params={"limit": 1, "cursor": page["next_cursor"]}))
    assert more["items"][0]["violations"] == 8


@pytest.mark.parametrize(
    ("url", "code", "field"),
    [
        ("search", "validation", "q"),
        ("search?q=", "validation", "q"),
        (f"search?q={'x' * 257}", "validation", "q"),
        ("search?q=%00", "validation", "q"),
        ("users?limit=0", "validation", "limit"),
        ("users?limit=201", "validation", "limit"),
        # a cursor of another list, a UUID in another spelling, nonsense
        ("users?cursor=MTc", "WA024", "cursor"),
        ("users?cursor=MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDA", "WA024", "cursor"),
        ("users?cursor=%C3%A9", "WA024", "cursor"),
        ("audit?cursor=MDAwMDAwMDAtMDAwMC0wMDAwLTAwMDAtMDAwMDAwMDAwMDAw", "WA024", "cursor"),
        ("audit?user_id=alice", "validation", "user_id"),
        ("audit?action=%27", "validation", "action"),
        ("verifications?cursor=-1", "WA024", "cursor"),
    ],
)
def test_what_makes_no_sense_is_refused(operator: User, url: str, code: str, field: str) -> None:
    problem(operator.get(f"/api/operator/{url}"), 422, code, field)


def test_odd_queries_find_nothing_and_break_nothing(operator: User) -> None:
    for query in (
        "%",
        "_",
        "'; --",
        "\\",
        "\u202e",
        "😀" * 64,
        "{00000000-0000-0000-0000-000000000000}",
        " ",
        "x" * 256,
    ):
        assert search(operator, query) == []
