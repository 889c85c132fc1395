"""What operators find and are shown, over HTTP."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.api.service import User, data, problem
from tests.command import wait_until
from tests.database import Database

NOBODYS = "018f6b5e-0000-7000-8000-0000000000ff"


def search(operator: User, query: object) -> Any:
    return data(operator.get("/api/operator/search", params={"q": str(query)}))["items"]


@pytest.mark.one_database(
    reason="a transfer between databases is found once by its txn_id, which the sender's database has"
)
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


@pytest.mark.one_database(reason="it reads the order of ids from one database")
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


@pytest.mark.parametrize(
    ("method", "what", "body", "code"),
    [
        ("POST", "status", {"status": "closed", "reason": "to see"}, "WA022"),
        ("POST", "adjust", {"txn_id": NOBODYS, "amount": -(2**53 - 1), "reason": "to see"}, "WA003"),
        ("POST", "topup", {"txn_id": NOBODYS, "amount": 2**53 - 1}, "WA006"),
        ("PUT", "limits", {"floor": 0}, "WA002"),
    ],
)
def test_a_refusal_that_tells_a_balance_is_on_record(
    operator: User, alice: User, service_database: Database, method: str, what: str, body: dict[str, Any], code: str
) -> None:
    wallet_id = alice.account["wallet_id"]
    if code == "WA002":
        with service_database.connect() as administrator:
            administrator.execute("select public.wallet_set_limits(%s, p_floor => -5000)", [wallet_id])
        data(alice.spend(2000), 201)
    refused = operator.request(method, f"/api/operator/wallets/{wallet_id}/{what}", json=body)
    assert refused.json()["code"] == code
    assert refused.json()["balance"] == alice.balance()
    looks = data(operator.get("/api/operator/audit", params={"wallet_id": wallet_id, "action": "read"}))["items"]
    assert [(look["actor"], look["after"]) for look in looks] == [(operator.account["id"], {"of": "wallet"})]


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
        "~" * 256,
    ):
        assert search(operator, query) == []


def wallet_path(user: User, what: str = "") -> str:
    return f"/api/operator/wallets/{user.account['wallet_id']}{what}"


def looks(operator: User, user: User) -> list[str]:
    """What of a user the operator has looked at, newest first."""
    filters = {"user_id": user.account["id"], "actor": operator.account["id"], "action": "read"}
    return [row["after"]["of"] for row in data(operator.get("/api/operator/audit", params=filters))["items"]]


def test_a_wallet_is_shown_with_its_limits_and_who_set_its_status(operator: User, alice: User) -> None:
    body = {"limits": {"spend": {"per_day": 500}}, "floor": -20, "max_balance": 9000}
    data(operator.put(wallet_path(alice, "/limits"), json=body))
    data(alice.spend(150), 201)
    data(alice.post("/api/wallet/holds", json={"txn_id": str(uuid4()), "amount": 30}), 201)
    changed = data(operator.post(wallet_path(alice, "/status"), json={"status": "frozen", "reason": "court order"}))
    shown = data(operator.get(wallet_path(alice)))
    assert shown.pop("created_at").endswith("Z")
    assert shown == {
        "wallet_id": alice.account["wallet_id"],
        "kind": "user",
        "purpose": None,
        "user_id": alice.account["id"],
        "username": alice.username,
        "asset": "UC",
        "scale": 0,
        "status": "frozen",
        "balance": 850,
        "held": 30,
        "available": 840,
        "floor": -20,
        "max_balance": 9000,
        "limits": {
            "topup": None,
            "spend": {
                "per_transaction": None,
                "per_day": {"maximum": 500, "used": 150, "left": 350},
                "per_30_days": None,
            },
            "transfer": None,
        },
        "status_history": [
            {
                "status": "frozen",
                "previous_status": "active",
                "reason": "court order",
                "actor": operator.account["id"],
                "actor_username": operator.username,
                "changed_at": changed["changed_at"],
            }
        ],
    }
    assert looks(operator, alice) == ["wallet"]


def test_a_system_wallet_has_nothing_to_show_but_what_it_is_for(operator: User, service_database: Database) -> None:
    with service_database.connect() as administrator:
        row = administrator.execute("select wallet.system_wallet_id('UC', 'spend')").fetchone()
    assert row is not None
    path = f"/api/operator/wallets/{row[0]}"
    shown = data(operator.get(path))
    assert (shown["kind"], shown["purpose"], shown["balance"], shown["user_id"]) == ("system", "spend", None, None)
    period = {"from": "2025-01-01T00:00:00Z", "to": "2025-01-01T00:00:00Z"}
    for what in ("/transactions", "/holds"):
        problem(operator.get(path + what), 404, "WA001")
    problem(operator.get(path + "/statement", params=period), 404, "WA001")


def without_keys(page: dict[str, Any]) -> dict[str, Any]:
    """A page as its owner has it: operators see which key made a transaction, too."""
    for item in page.get("items", ()):
        assert item.pop("key", None) is None
    return page


def test_histories_are_those_of_the_owner(operator: User, alice: User) -> None:
    for number in range(3):
        data(alice.topup(10, reference=f"order {number}"), 201)
        hold = {"txn_id": str(uuid4()), "amount": 1, "metadata": {"number": number}}
        data(alice.post("/api/wallet/holds", json=hold), 201)
    newest = alice.history()["items"][0]["created_at"]
    period = {"from": "2025-01-01T00:00:00Z", "to": newest}
    for what, params in (
        ("/transactions", {"limit": 2}),
        ("/transactions", {"type": "topup", "reference": "order 1", **period}),
        ("/holds", {"limit": 1}),
        ("/holds", {"status": "voided"}),
        ("/statement", period),
    ):
        own = data(alice.get(f"/api/wallet{what}", params=params))
        shown = data(operator.get(wallet_path(alice, what), params=params))
        assert without_keys(shown) == own
        if own.get("next_cursor"):
            params |= {"cursor": own["next_cursor"]}
            own = data(alice.get(f"/api/wallet{what}", params=params))
            assert without_keys(data(operator.get(wallet_path(alice, what), params=params))) == own
    csv = period | {"format": "csv"}
    table = operator.get(wallet_path(alice, "/statement"), params=csv)
    assert table.headers["content-type"].startswith("text/csv")
    assert table.text == alice.get("/api/wallet/statement", params=csv).text
    statement = ["statement", "wallet"] * 2
    assert looks(operator, alice) == [*statement, *["holds"] * 3, *["transactions"] * 3]


def test_a_statement_that_nobody_reads_to_its_end_is_on_record(operator: User, alice: User) -> None:
    for _ in range(2):
        requests = [{"type": "topup", "txn_id": str(uuid4()), "amount": 1} for _ in range(1000)]
        alice.post("/api/wallet/batch", json={"requests": requests}).raise_for_status()
    newest = alice.history()["items"][0]["created_at"]
    period = {"from": "2025-01-01T00:00:00Z", "to": newest}
    with operator.stream("GET", wallet_path(alice, "/statement"), params=period) as response:
        next(response.iter_bytes(100))
    wait_until(lambda: looks(operator, alice) == ["statement", "wallet"])


@pytest.mark.one_database(reason="the sender's database has no name of a recipient elsewhere")
def test_a_transaction_is_shown_with_all_that_belongs_to_it(operator: User, alice: User, bob: User) -> None:
    spent = data(alice.spend(300, reference="order 17", metadata={"price": 3.10}), 201)
    body = {"txn_id": str(uuid4()), "original_txn_id": spent["txn_id"], "amount": 120}
    refund = data(operator.post(wallet_path(alice, "/refund"), json=body), 201)
    shown = data(operator.get(f"/api/operator/transactions/{spent['id']}"))
    same = ("id", "txn_id", "wallet_id", "type", "amount", "asset", "scale", "created_at", "receipt")
    assert {name: shown[name] for name in same} == {name: spent[name] for name in same}
    assert (shown["reference"], shown["metadata"], shown["refundable"]) == ("order 17", {"price": 3.10}, 180)
    assert shown["refunds"] == [{name: refund[name] for name in ("id", "txn_id", "amount", "created_at")}]
    assert (shown["original"], shown["hold"], shown["operator"]) == (None, None, None)
    assert [(entry["kind"], entry["username"], entry["amount"]) for entry in shown["entries"]] == [
        ("user", alice.username, -300),
        ("system", None, 300),
    ]
    given = data(operator.get(f"/api/operator/transactions/{refund['id']}"))
    assert given["original"]["txn_id"] == spent["txn_id"]
    assert given["operator"]["actor_username"] == operator.username

    held = data(alice.post("/api/wallet/holds", json={"txn_id": str(uuid4()), "amount": 50}), 201)
    path = f"/api/wallet/holds/{held['txn_id']}/capture"
    captured = data(alice.post(path, json={"txn_id": str(uuid4()), "amount": 20}), 201)
    taken = data(operator.get(f"/api/operator/transactions/{captured['id']}"))
    hold = data(operator.get(f"/api/operator/holds/{held['id']}"))
    assert taken["hold"] == hold
    assert (hold["username"], hold["status"], hold["remaining"]) == (alice.username, "open", 30)
    assert [(event["event"], event["transaction_id"]) for event in hold["events"]] == [
        ("capture", captured["id"]),
        ("hold", None),
    ]

    transfer = {"txn_id": str(uuid4()), "amount": 70, "to_username": bob.username}
    sent = data(alice.post("/api/wallet/transfer", json=transfer), 201)
    both = data(operator.get(f"/api/operator/transactions/{sent['id']}"))
    assert (both["counterparty_wallet_id"], both["counterparty_username"]) == (bob.account["wallet_id"], bob.username)
    assert [(entry["username"], entry["balance"]) for entry in both["entries"]] == [
        (alice.username, alice.balance()),
        (bob.username, bob.balance()),
    ]
    assert looks(operator, alice) == ["transaction", "hold", *["transaction"] * 3]
    assert looks(operator, bob) == ["transaction"]


def test_from_a_txn_id_to_the_whole_picture_in_two_calls(operator: User, alice: User) -> None:
    txn_id = str(uuid4())
    data(alice.spend(40, txn_id), 201)
    (found,) = search(operator, txn_id)
    shown = data(operator.get(f"/api/operator/transactions/{found['id']}"))
    assert (shown["txn_id"], shown["entries"][0]["balance"]) == (txn_id, 960)


@pytest.mark.parametrize(
    ("url", "status", "code"),
    [
        (f"wallets/{NOBODYS}", 404, "WA001"),
        (f"wallets/{NOBODYS}/transactions", 404, "WA001"),
        (f"wallets/{NOBODYS}/holds", 404, "WA001"),
        (f"wallets/{NOBODYS}/statement?from=2025-01-01T00:00:00Z&to=2025-01-02T00:00:00Z", 404, "WA001"),
        ("wallets/17", 404, "not_found"),
        ("wallets/{wallet}/transactions?cursor=x", 422, "WA024"),
        ("wallets/{wallet}/transactions?limit=0", 422, "validation"),
        ("wallets/{wallet}/transactions?asset=UC", 422, "validation"),
        ("wallets/{wallet}/holds?status=lost", 422, "validation"),
        ("wallets/{wallet}/statement?from=2025-01-01T00:00:00Z", 422, "validation"),
        ("wallets/{wallet}/statement?from=2025-01-02T00:00:00Z&to=2025-01-01T00:00:00Z", 422, "WA002"),
        ("wallets/{wallet}/statement?from=2025-01-02T00:00:00Z&to=2999-01-01T00:00:00Z", 422, "WA023"),
        (f"transactions/{2**53 - 1}", 404, "WA028"),
        (f"transactions/{2**53}", 422, "validation"),
        ("transactions/0", 422, "validation"),
        ("transactions/-1", 422, "validation"),
        ("transactions/1_0", 404, "not_found"),
        ("transactions/+1", 404, "not_found"),
        ("transactions/%D9%A1", 404, "not_found"),
        ("transactions/seven", 404, "not_found"),
        (f"holds/{2**53 - 1}", 404, "WA015"),
        (f"holds/{'9' * 200}", 422, "validation"),
        ("holds/x", 404, "not_found"),
    ],
)
def test_what_is_not_there_is_not_shown(operator: User, alice: User, url: str, status: int, code: str) -> None:
    found = problem(operator.get("/api/operator/" + url.format(wallet=alice.account["wallet_id"])), status, code)
    assert ("no name and no txn_id" in found["detail"]) == (code == "not_found")
    assert looks(operator, alice) in ([], ["wallet"])


@pytest.mark.parametrize(
    "url",
    [
        *("wallets/{wallet}", "wallets/{wallet}/transactions", "wallets/{wallet}/holds", "transactions/1", "holds/1"),
        "wallets/{wallet}/statement?from=2025-01-01T00:00:00Z&to=2025-01-02T00:00:00Z",
    ],
)
def test_users_see_nothing_of_it_not_even_of_their_own(alice: User, client: httpx.Client, url: str) -> None:
    path = "/api/operator/" + url.format(wallet=alice.account["wallet_id"])
    problem(alice.get(path), 403, "WA027")
    problem(client.get(path), 401, "unauthorized")
