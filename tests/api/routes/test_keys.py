"""Keys of machines: operators make, look at and revoke them, on record."""

from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from tests.api.machine import Machine, made
from tests.api.service import Service, User, data, problem
from tests.database import Database

KEYS = "/api/operator/keys"


def record(operator: User, key_id: str) -> list[dict[str, Any]]:
    """What is on record of a key, newest first."""
    rows = [
        row
        for action in ("key_created", "key_revoked")
        for row in data(operator.get("/api/operator/audit", params={"action": action, "limit": 200}))["items"]
        if row["key_id"] == key_id
    ]
    return sorted(rows, key=lambda row: str(row["created_at"]), reverse=True)


def test_a_key_is_made_and_its_secret_is_shown_once(operator: User, alice: User, bob: User) -> None:
    expires_at = (datetime.now(UTC) + timedelta(days=1)).replace(microsecond=0)
    asked = {
        "name": "shop, back end",
        "scopes": ["spend", "read", "spend"],
        "subjects": [alice.username.upper(), bob.account["id"], alice.account["id"]],
        "networks": ["203.0.113.0/24", "2001:db8::1"],
        "expires_at": expires_at.isoformat(),
        "calls_per_minute": 60,
    }
    found = data(operator.post(KEYS, json=asked), 201)
    secret = found.pop("secret")
    assert secret.startswith(found["prefix"])
    assert found | {"created_at": None} == {
        "id": found["id"],
        "name": "shop, back end",
        "prefix": secret[:12],
        "scopes": ["read", "spend"],
        "all_users": False,
        "user_ids": sorted([alice.account["id"], bob.account["id"]]),
        "networks": ["203.0.113.0/24", "2001:db8::1/128"],
        "calls_per_minute": 60,
        "expires_at": expires_at.isoformat().replace("+00:00", "Z"),
        "created_at": None,
        "created_by": operator.account["id"],
        "revoked_at": None,
        "last_used_at": None,
    }
    shown = operator.get(f"{KEYS}/{found['id']}")
    assert data(shown) == found
    listed = operator.get(KEYS)
    assert data(listed)["items"][0] == found
    for answer in (shown, listed, operator.get("/api/operator/audit")):
        assert secret not in answer.text


def test_what_operators_do_with_keys_is_on_record(operator: User, alice: User, pytestconfig: pytest.Config) -> None:
    key = made(operator, alice, scopes=("read",))
    first = data(operator.delete(f"{KEYS}/{key['id']}"))
    assert first["revoked_at"] is not None
    assert data(operator.delete(f"{KEYS}/{key['id']}")) == first, "again it is the same"
    rows = record(operator, key["id"])
    # each database has its own
    databases = pytestconfig.getoption("databases")
    assert [row["action"] for row in rows] == ["key_revoked"] * databases + ["key_created"] * databases
    assert {row["actor"] for row in rows} == {operator.account["id"]}
    for created in rows[databases:]:
        assert created["after"]["scopes"] == ["read"]
        assert created["after"]["name"] == "shop"
        assert key["secret"] not in str(created)


def test_keys_are_listed_by_pages_without_the_revoked(operator: User, alice: User) -> None:
    keys = [made(operator, alice, scopes=("read",))["id"] for _ in range(5)]
    data(operator.delete(f"{KEYS}/{keys[2]}"))

    def listed(**params: str) -> list[str]:
        found: list[str] = []
        cursor = None
        while len(found) < 5:
            asked: dict[str, str | int] = {"limit": 2, **params, **({"cursor": cursor} if cursor else {})}
            page = data(operator.get(KEYS, params=asked))
            assert len(page["items"]) <= 2
            found += [key["id"] for key in page["items"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        return found

    assert listed()[:4] == [keys[4], keys[3], keys[1], keys[0]]
    assert listed(revoked="true")[:5] == keys[::-1]
    problem(operator.get(KEYS, params={"cursor": "x"}), 422, "WA024")
    problem(operator.get(KEYS, params={"revoked": "perhaps"}), 422, "validation", "revoked")


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 65}, "name"),
        ({"name": "a\0b"}, "name"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["admin"]}, "scopes[0]"),
        ({"subjects": []}, "subjects"),
        ({"subjects": ["abc"] * 1001}, "subjects"),
        ({"subjects": ["a b"]}, "subjects[0]"),
        ({"networks": []}, "networks"),
        ({"networks": ["shop.example"]}, "networks[0]"),
        ({"calls_per_minute": 0}, "calls_per_minute"),
        ({"calls_per_minute": 1_000_001}, "calls_per_minute"),
        ({"expires_at": "2030-01-01T00:00:00"}, "expires_at"),
        ({"secret": "pgw_mine"}, "secret"),
    ],
)
def test_what_is_no_key_is_not_made(operator: User, alice: User, changed: dict[str, Any], field: str) -> None:
    asked = {"name": "shop", "scopes": ["read"], "subjects": [alice.username], **changed}
    problem(operator.post(KEYS, json=asked), 422, "validation", field)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"name": "a\nb"}, "name"),
        ({"networks": ["203.0.113.7/24"]}, "networks"),
        ({"networks": ["203.0.113.0/99"]}, "networks"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"all_users": True}, "subjects"),
        ({"subjects": None}, "subjects"),
    ],
)
def test_what_the_database_refuses_is_not_made(
    operator: User, alice: User, changed: dict[str, Any], field: str
) -> None:
    asked = {"name": "shop", "scopes": ["read"], "subjects": [alice.username], **changed}
    problem(operator.post(KEYS, json=asked), 422, "WA002", field)


def test_who_cannot_be_acted_for_is_named(operator: User, alice: User) -> None:
    def ask(*subjects: str) -> httpx.Response:
        return operator.post(KEYS, json={"name": "shop", "scopes": ["read"], "subjects": subjects})

    nobody = f"nobody-{uuid4().hex[:8]}"
    body = problem(ask(alice.username, nobody, "nobody-else"), 404, "WA029", "subjects[1]")
    assert [error["field"] for error in body["errors"]] == ["subjects[1]", "subjects[2]"]
    unknown = str(uuid4())
    assert unknown in problem(ask(alice.username, unknown), 404, "WA029", "subjects")["detail"]
    body = problem(ask(alice.username, operator.username), 422, "WA002", "subjects")
    assert body["detail"] == f"subjects: must not be an operator (user_id {operator.account['id']})."
    data(operator.post(f"/api/operator/users/{alice.account['id']}/erase", json={"reason": "asked to"}))
    problem(ask(alice.account["id"]), 422, "WA002", "subjects")


def test_keys_are_for_operators(client: httpx.Client, alice: User) -> None:
    some = f"{KEYS}/{uuid4()}"
    for method, path in (("POST", KEYS), ("GET", KEYS), ("GET", some), ("DELETE", some)):
        problem(client.request(method, path), 401, "unauthorized")
        problem(alice.request(method, path), 403, "WA027")


def test_a_key_that_is_unknown_is_told(operator: User) -> None:
    for method in ("GET", "DELETE"):
        problem(operator.request(method, f"{KEYS}/{uuid4()}"), 404, "WA048")
        problem(operator.request(method, f"{KEYS}/shop"), 404, "not_found")


def test_operators_see_which_key_did_it_and_users_do_not(operator: User, alice: User, service: Service) -> None:
    key = made(operator, alice, scopes=("spend", "hold"))
    used = {name: key[name] for name in ("id", "name", "prefix")}
    hold = str(uuid4())
    with closing(Machine(service, key["secret"], alice.username)) as machine:
        spent = data(machine.do("spend", amount=10), 201)
        data(machine.do("holds", txn_id=hold, amount=20), 201)
        taken = data(machine.do(f"holds/{hold}/capture", amount=5), 201)
    own = data(alice.spend(1), 201)
    data(alice.post(f"/api/wallet/holds/{hold}/void", json={"txn_id": str(uuid4())}), 201)

    def seen(path: str) -> dict[str, Any]:
        return data(operator.get(f"/api/operator/{path}"))

    assert [seen(f"transactions/{one['id']}")["key"] for one in (spent, taken, own)] == [used, used, None]
    lines = seen(f"wallets/{alice.account['wallet_id']}/transactions")["items"]
    assert [(line["id"], line["key"]) for line in lines[:3]] == [
        *((own["id"], None), (taken["id"], used), (spent["id"], used))
    ]
    captured = seen(f"transactions/{taken['id']}")["hold"]
    assert captured["key"] == used
    held = seen(f"holds/{captured['id']}")
    assert held["key"] == used
    assert [(event["event"], event["key"]) for event in held["events"]] == [
        *(("void", None), ("capture", used), ("hold", used))
    ]
    for path in ("transactions", "holds"):
        assert "key" not in data(alice.get(f"/api/wallet/{path}"))["items"][0]


def test_the_database_is_as_verified_with_keys(
    operator: User, alice: User, service: Service, service_database: Database
) -> None:
    key = made(operator, alice)
    with closing(Machine(service, key["secret"], alice.username)) as machine:
        data(machine.do("topup", amount=10), 201)
    with service_database.connect() as administrator:
        assert administrator.execute("select * from wallet_verify()").fetchall() == []
        uses = administrator.execute("select key_id from wallet.key_uses where key_id = %s", [UUID(key["id"])])
        assert len(uses.fetchall()) == 1
