"""Webhooks of operators: who may do what with them, what they are shown, and that a secret is shown once."""

import contextlib
import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import standardwebhooks

from api.events.cursors import Cursor
from api.events.secrets import SecretBox
from tests.api.receiver import Receiver
from tests.api.service import WEBHOOK_KEY, Service, User, data, problem, serve
from tests.database import Database

WEBHOOKS = "/api/operator/webhooks"
URL = "https://example.com/pgwallet?key=of-the-receiver"


@pytest.fixture(autouse=True)
def no_others(service_database: Database) -> None:
    """There can be 100 webhooks, and all tests share a database."""
    with service_database.connect() as administrator:
        administrator.execute("delete from wallet.webhooks")


def make(operator: User, **more: object) -> dict[str, Any]:
    return data(operator.post(WEBHOOKS, json={"url": URL, **more}), 201)


def path(webhook: dict[str, Any], *more: object) -> str:
    return "/".join([WEBHOOKS, webhook["id"], *map(str, more)])


def newest_event(database: Database) -> int:
    with database.connect() as administrator:
        row = administrator.execute("select max(id) from wallet.transactions").fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.one_database(reason="a webhook of several databases is shown with how far each is")
def test_a_webhook_is_made_and_shown_without_its_secret(operator: User, alice: User) -> None:
    wallet = alice.account["wallet_id"]
    asked = {
        "url": URL,
        "description": "receipts",
        "types": ["transaction.topup", "hold.expired"],
        "asset": "UC",
        "wallet_id": wallet,
        "batch_size": 100,
    }
    made = data(operator.post(WEBHOOKS, json=asked), 201)
    secret = made.pop("secret")
    standardwebhooks.Webhook(secret)
    assert made == {
        **asked,
        "types": ["hold.expired", "transaction.topup"],
        "id": made["id"],
        "status": "active",
        "pause_reason": None,
        "position": made["position"],
        "behind": 0,
        "backlog": 0,
        "dead_letters": 0,
        "oldest_at": None,
        "failures": 0,
        "last_success_at": None,
        "last_failure_at": None,
        "previous_until": None,
        "actor": operator.account["id"],
        "actor_username": operator.username,
        "created_at": made["created_at"],
    }
    assert data(operator.get(path(made))) == made
    assert data(operator.get(WEBHOOKS))["items"] == [made]
    alice.topup()
    assert data(operator.get(path(made)))["behind"] == 1


@pytest.mark.one_database(reason="a position is of one database")
def test_it_begins_now_or_after_an_event_or_at_the_beginning(
    operator: User, alice: User, service_database: Database
) -> None:
    event = int(data(alice.topup(), 201)["id"])
    assert make(operator)["position"] >= event
    with service_database.connect() as administrator:
        row = administrator.execute("select epoch from wallet_event_mark()").fetchone()
    assert row is not None
    assert make(operator, after=str(Cursor(row[0], event)))["position"] == event
    assert make(operator, after="beginning")["position"] == 0


def test_a_change_replaces_all_but_the_secret(operator: User, service_database: Database) -> None:
    made = make(operator, description="old", types=["user.erased"], batch_size=2)
    changed = data(operator.put(path(made), json={"url": "https://example.com/2", "asset": "UC"}))
    assert changed == {
        **{name: value for name, value in made.items() if name != "secret"},
        "url": "https://example.com/2",
        "description": None,
        "types": None,
        "asset": "UC",
        "batch_size": 1,
    }
    assert stored(service_database, made)["secret"] == made["secret"]


def stored(database: Database, webhook: dict[str, Any]) -> dict[str, Any]:
    """The secrets of a webhook, as the relay reads them."""
    with database.connect() as administrator:
        row = administrator.execute(
            "select secret, previous_secret from wallet.webhooks where id = %s", [webhook["id"]]
        ).fetchone()
    assert row is not None
    box = SecretBox(WEBHOOK_KEY)
    return {"secret": box.open(row[0]), "previous": row[1] and box.open(row[1])}


def test_another_secret_leaves_the_one_before_for_a_day(operator: User, service_database: Database) -> None:
    made = make(operator)
    changed = data(operator.post(path(made, "secret")))
    assert changed["secret"] != made["secret"]
    assert changed["previous_until"] is not None
    assert stored(service_database, made) == {"secret": changed["secret"], "previous": made["secret"]}
    again = data(operator.post(path(made, "secret")))
    assert stored(service_database, made) == {"secret": again["secret"], "previous": changed["secret"]}


def test_pause_and_resume(operator: User) -> None:
    made = make(operator)
    paused = data(operator.post(path(made, "pause"), json={"reason": "the shop moves"}))
    assert (paused["status"], paused["pause_reason"]) == ("paused", "the shop moves")
    resumed = data(operator.post(path(made, "resume")))
    assert (resumed["status"], resumed["pause_reason"]) == ("active", None)
    assert data(operator.post(path(made, "pause"), json={}))["pause_reason"] is None


@pytest.mark.one_database(reason="each database has its own record")
def test_a_deleted_webhook_is_gone_and_its_record_stays(operator: User) -> None:
    made = make(operator)
    data(operator.put(path(made), json={"url": "https://example.com/2"}))
    assert data(operator.delete(path(made)))["url"] == "https://example.com/2"
    problem(operator.get(path(made)), 404, "WA042")
    problem(operator.delete(path(made)), 404, "WA042")
    record = data(operator.get("/api/operator/audit", params={"actor": operator.account["id"], "limit": 3}))["items"]
    assert [row["action"] for row in record] == ["webhook_deleted", "webhook_changed", "webhook_created"]
    assert {row["webhook_id"] for row in record} == {made["id"]}
    assert (record[1]["before"]["url"], record[1]["after"]["url"]) == (URL, "https://example.com/2")
    only = operator.get("/api/operator/audit", params={"action": "webhook_deleted", "limit": 1})
    assert data(only)["items"] == record[:1]


@pytest.mark.one_database(reason="a position is of one database")
def test_a_replay_goes_back_and_never_forward(operator: User, alice: User, service_database: Database) -> None:
    event = int(data(alice.topup(), 201)["id"])
    made = make(operator)
    with service_database.connect() as administrator:
        row = administrator.execute("select epoch from wallet_event_mark()").fetchone()
    assert row is not None
    epoch = row[0]
    back = data(operator.post(path(made, "replay"), json={"after": str(Cursor(epoch, event - 1))}))
    assert back["position"] == event - 1
    assert back["behind"] >= 1
    refused = operator.post(path(made, "replay"), json={"after": str(Cursor(epoch, event))})
    problem(refused, 422, "WA002", "after")
    other = problem(operator.post(path(made, "replay"), json={"after": str(Cursor(epoch ^ 1, 1))}), 410, "WA041")
    assert (other["after"], other["known"], other["resume"]) == (1, 0, str(Cursor(epoch, 0)))
    assert data(operator.post(path(made, "replay"), json={"after": "beginning"}))["position"] == 0
    problem(operator.post(path(made, "replay"), json={}), 422, "validation", "after")


@pytest.mark.one_database(reason="it writes deliveries beside the service, which are then in each database")
def test_deliveries_and_dead_letters_are_shown_by_pages(operator: User, service_database: Database) -> None:
    made = make(operator)
    with service_database.connect() as administrator:
        administrator.execute(
            "insert into wallet.webhook_deliveries"
            " (webhook_id, first_event_id, last_event_id, events, attempt, outcome, status, milliseconds, answer)"
            " select %s, n, n + 1, 2, n, 'failed', 503, 7, 'busy' from generate_series(1, 3) n",
            [made["id"]],
        )
        administrator.execute(
            "insert into wallet.webhook_dead_letters (webhook_id, event_id, attempts, first_at, last_at, error)"
            " select %s, n, 20, '2026-01-01', '2026-01-04', 'no answer' from generate_series(1, 3) n",
            [made["id"]],
        )
    for what, number in (("deliveries", "first_event_id"), ("dead-letters", "event_id")):
        first = data(operator.get(path(made, what), params={"limit": 2}))
        assert [row[number] for row in first["items"]] == [3, 2]
        rest = data(operator.get(path(made, what), params={"cursor": first["next_cursor"]}))
        assert [row[number] for row in rest["items"]] == [1]
        assert rest["next_cursor"] is None
        problem(operator.get(path(made, what), params={"cursor": "x"}), 422, "WA024", "cursor")
    assert data(operator.get(path(made, "deliveries")))["items"][0] | {"id": 0, "created_at": ""} == {
        "id": 0,
        "first_event_id": 3,
        "last_event_id": 4,
        "events": 2,
        "attempt": 3,
        "outcome": "failed",
        "status": 503,
        "error": None,
        "milliseconds": 7,
        "answer": "busy",
        "created_at": "",
    }
    assert data(operator.get(path(made)))["dead_letters"] == 3


@pytest.mark.one_database(reason="it writes dead letters beside the service, which are then in each database")
def test_dead_letters_are_retried_one_by_one_or_all(operator: User, service_database: Database) -> None:
    made = make(operator)
    with service_database.connect() as administrator:
        administrator.execute(
            "insert into wallet.webhook_dead_letters (webhook_id, event_id, attempts, first_at, last_at)"
            " select %s, n, 20, '2026-01-01', '2026-01-04' from generate_series(1, 3) n",
            [made["id"]],
        )
    assert data(operator.post(path(made, "dead-letters", 2, "retry"))) == {"retried": 1}
    problem(operator.post(path(made, "dead-letters", 2, "retry")), 404, "not_found")
    problem(operator.post(path(made, "dead-letters", "+1", "retry")), 404, "not_found")
    assert data(operator.post(path(made, "dead-letters", "retry"))) == {"retried": 2}
    assert data(operator.post(path(made, "dead-letters", "retry"))) == {"retried": 0}
    now = data(operator.get(path(made)))
    assert (now["dead_letters"], now["backlog"]) == (0, 3)


def test_a_test_is_signed_and_tells_what_the_receiver_said(operator: User, receiver: Receiver) -> None:
    made = make(operator, url=receiver.url)
    rotated = data(operator.post(path(made, "secret")))
    told = data(operator.post(path(made, "test")))
    assert told | {"milliseconds": 0} == {
        "event_id": told["event_id"],
        "delivered": True,
        "status": 200,
        "error": None,
        "milliseconds": 0,
        "answer": "thanks",
    }
    headers, body = receiver.taken.pop()
    for secret in (made["secret"], rotated["secret"]):
        standardwebhooks.Webhook(secret).verify(body, headers)
    assert headers["content-type"] == "application/cloudevents+json"
    event = json.loads(body)
    assert (event["type"], event["subject"]) == ("pgwallet.webhook.test", made["id"])
    assert event["id"] == headers["webhook-id"] == told["event_id"]

    data(operator.put(path(made), json={"url": receiver.url, "batch_size": 2}))
    receiver.status, receiver.body = 307, b"x" * 2000
    told = data(operator.post(path(made, "test")))
    assert (told["delivered"], told["status"], told["answer"]) == (False, 307, "x" * 1024)
    headers, body = receiver.taken.pop()
    assert not receiver.taken
    assert headers["content-type"] == "application/cloudevents-batch+json"
    assert [one["type"] for one in json.loads(body)] == ["pgwallet.webhook.test"]


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9/closed",
        "http://[::1]:9",
        "https://169.254.169.254/latest/meta-data",
        "https://0.0.0.0",
        "http://[::ffff:10.0.0.1]/",
        "http://10.0.0.1",
    ],
)
def test_a_test_says_why_nothing_was_delivered(operator: User, url: str) -> None:
    told = data(operator.post(path(make(operator, url=url), "test")))
    assert (told["delivered"], told["status"], told["answer"]) == (False, None, "")
    assert told["error"]


def test_a_secret_under_another_key_is_said(operator: User, service_database: Database) -> None:
    made = make(operator)
    with service_database.connect() as administrator:
        administrator.execute("update wallet.webhooks set secret = %s", [SecretBox("another key" * 5).seal("whsec_")])
    assert "PGWALLET_WEBHOOK_KEY" in data(operator.post(path(made, "test")))["error"]
    with service_database.connect() as administrator:
        administrator.execute("update wallet.webhooks set secret = null")
    assert "no secret yet" in data(operator.post(path(made, "test")))["error"]


CALLS = [
    *[("GET", "", None), ("POST", "", {"url": URL}), ("GET", "/{id}", None), ("PUT", "/{id}", {"url": URL})],
    *[
        ("DELETE", "/{id}", None),
        ("POST", "/{id}/test", None),
        ("POST", "/{id}/pause", {}),
        ("POST", "/{id}/resume", None),
    ],
    *[
        ("POST", "/{id}/secret", None),
        ("POST", "/{id}/replay", {"after": "beginning"}),
        ("GET", "/{id}/deliveries", None),
    ],
    *[("GET", "/{id}/dead-letters", None), ("POST", "/{id}/dead-letters/1/retry", None)],
    ("POST", "/{id}/dead-letters/retry", None),
]


@pytest.mark.parametrize(("method", "where", "body"), CALLS, ids=lambda part: str(part))
def test_only_operators_may(
    client: httpx.Client, alice: User, operator: User, method: str, where: str, body: object
) -> None:
    made = make(operator)
    url = WEBHOOKS + where.format(id=made["id"])
    problem(client.request(method, url, json=body), 401, "unauthorized")
    problem(alice.request(method, url, json=body), 403, "WA027")
    assert data(operator.get(path(made)))["status"] == "active"
    assert len(data(operator.get(WEBHOOKS))["items"]) == 1
    if where:
        problem(operator.request(method, WEBHOOKS + where.format(id=uuid4()), json=body), 404, "WA042")
        problem(operator.request(method, WEBHOOKS + where.format(id="42"), json=body), 404, "not_found")


@pytest.mark.parametrize(
    "url",
    [
        *["", "example.com", "ftp://example.com", "javascript:alert(1)", "https://", "https:///x", "//example.com"],
        *["https://a b", "https://a\nb", "https://a/\u0000", "https://a/\t", "https://user:password@example.com"],
        *["https://user@example.com", "https://example.com/#part", "https://example.com\\@evil.example"],
        *["https://bücher.example", "https://example.com:99999", "https://example.com:0", "https://example.com:x"],
        *["https://[::1", "https://exa<mple.com", "https://example.com/" + "x" * 2030, "https://[v1.x]/"],
    ],
)
def test_what_is_no_url_of_a_receiver_is_refused(operator: User, url: str) -> None:
    made = make(operator)
    for refused in (operator.post(WEBHOOKS, json={"url": url}), operator.put(path(made), json={"url": url})):
        assert refused.json()["code"] in {"validation", "WA002"}
        problem(refused, 422, refused.json()["code"], "url")
        assert "password" not in refused.text or "user name or password" in refused.text
    assert data(operator.get(path(made)))["url"] == URL


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *[("url", None), ("url", 7), ("url", ["https://a"]), ("description", ""), ("description", "x" * 257)],
        *[("description", "\u0000"), ("types", []), ("types", ["gift"]), ("types", ["pgwallet.hold.opened"])],
        *[("types", "hold.opened"), ("types", [None]), ("types", ["hold.opened"] * 65), ("asset", "uc")],
        *[("wallet_id", "x"), ("batch_size", 0), ("batch_size", 101), ("batch_size", 1.0), ("batch_size", 2**64)],
        *[
            ("after", ""),
            ("after", "now"),
            ("after", 0),
            ("after", "x" * 100),
            ("secret", "whsec_"),
            ("id", "7517aabd-a2b7-4256-ad12-86fd7f5aa99c"),
        ],
        *[("status", "paused"), ("position", 0)],
    ],
)
def test_a_field_at_fault_is_named(operator: User, field: str, value: object) -> None:
    named = {"types": "types[0]"} if isinstance(value, list) and value and value[0] != "hold.opened" else {}
    problem(operator.post(WEBHOOKS, json={"url": URL, field: value}), 422, "validation", named.get(field, field))
    assert data(operator.get(WEBHOOKS))["items"] == []


def test_what_a_webhook_is_about_must_exist(operator: User) -> None:
    problem(operator.post(WEBHOOKS, json={"url": URL, "asset": "XYZ"}), 404, "WA026", "asset")
    problem(operator.post(WEBHOOKS, json={"url": URL, "wallet_id": str(uuid4())}), 404, "WA001", "wallet_id")
    problem(operator.post(WEBHOOKS, json={"url": URL, "after": "x" * 18}), 422, "WA024", "after")
    beyond = str(Cursor(1, 2**62))
    problem(operator.post(WEBHOOKS, json={"url": URL, "after": beyond}), 410, "WA041", "after")


@pytest.mark.one_database(reason="it writes webhooks beside the service, with ids of their own in each database")
def test_there_are_at_most_a_hundred(operator: User, service_database: Database) -> None:
    with service_database.connect() as administrator:
        administrator.execute(
            "insert into wallet.webhooks (id, url, position) select gen_random_uuid(), 'https://a', 0"
            " from generate_series(1, 100)"
        )
    assert problem(operator.post(WEBHOOKS, json={"url": URL}), 409, "WA044")["maximum"] == 100
    assert len(data(operator.get(WEBHOOKS))["items"]) == 100


def test_a_secret_is_in_no_other_answer_and_in_no_log(
    service: Service, operator: User, receiver: Receiver, service_database: Database
) -> None:
    made = make(operator, url=receiver.url)
    rotated = data(operator.post(path(made, "secret")))
    said = ""
    for method, where, body in CALLS:
        if (method, where) not in {("POST", ""), ("POST", "/{id}/secret"), ("DELETE", "/{id}")}:
            said += operator.request(method, WEBHOOKS + where.format(id=made["id"]), json=body).text
    said += operator.delete(path(made)).text
    said += operator.get("/api/operator/audit", params={"limit": 50}).text
    with service_database.connect() as administrator:
        (kept,) = administrator.execute("select jsonb_agg(a)::text from wallet.operator_actions a").fetchone() or ("",)
    service.all_lines()
    for secret in (made["secret"], rotated["secret"], WEBHOOK_KEY):
        assert secret not in said
        assert secret.removeprefix("whsec_") not in service.log.read_text()
        assert secret not in kept
    assert receiver.url not in service.log.read_text()


def test_without_a_key_no_webhook_is_made(service_database: Database, operator: User, tmp_path: Path) -> None:
    made = make(operator)
    with serve(service_database.api_url, tmp_path, PGWALLET_WEBHOOK_KEY="") as keyless, contextlib.ExitStack() as stack:
        other = stack.enter_context(httpx.Client(base_url=keyless.url, headers=operator.headers, timeout=20))
        for url, body in ((WEBHOOKS, {"url": URL}), (path(made, "secret"), None), (path(made, "test"), None)):
            assert "PGWALLET_WEBHOOK_KEY" in problem(other.post(url, json=body), 409, "no_webhooks")["detail"]
        assert len(data(other.get(WEBHOOKS))["items"]) == 1
        assert data(other.post(path(made, "pause"), json={}))["status"] == "paused"
