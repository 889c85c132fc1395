"""What happened, over HTTP: pages and streams."""

import contextlib
import re
import socket
import threading
import time
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from api.events.cursors import Cursor, read_cursor
from api.events.streams import HEARTBEAT_SECONDS, OF_A_USER
from tests.api.events.sse import Listener
from tests.api.service import TLS, Service, User, data, problem, serve
from tests.command import wait_until
from tests.database import Database

PAGE = "/api/operator/events"
STREAM = "/api/operator/events/stream"
OWN = "/api/wallet/events/stream"
SOON = 5.0
"""Seconds, in place of the second that it takes on a machine that has a processor for each."""


def names(page: dict[str, Any]) -> list[str]:
    return [event["type"].removeprefix("pgwallet.") for event in page["items"]]


def page(operator: User, **params: Any) -> dict[str, Any]:
    return data(operator.get(PAGE, params=params))


def latest(operator: User) -> str:
    found: str = page(operator, after="latest")["next"]
    return found


def test_a_page_has_what_was_committed_before_the_call(operator: User, alice: User) -> None:
    after = latest(operator)
    for amount in (1, 2, 3):
        data(alice.topup(amount), 201)
        found = page(operator, after=after)
        assert names(found) == ["transaction.topup"]
        assert found["items"][0]["data"]["amount"] == amount
        after = found["next"]
    assert page(operator, after=after) == {"items": [], "next": after}


@pytest.mark.long
@pytest.mark.one_database(reason="events of several databases are in the order of each, not of their numbers")
def test_pages_go_through_everything_from_the_beginning(operator: User, alice: User) -> None:
    alice.topup(1)
    seen: list[int] = []
    after = "beginning"
    while (found := page(operator, after=after, limit=7))["items"]:
        assert len(found["items"]) <= 7
        seen += [int(event["id"]) for event in found["items"]]
        after = found["next"]
    assert seen == sorted(set(seen))
    whole = page(operator, limit=1000)
    assert seen[: len(whole["items"])] == [int(event["id"]) for event in whole["items"]]


@pytest.mark.one_database(reason="a transfer to another database is two events")
def test_what_a_user_does_can_be_read(operator: User, alice: User, bob: User) -> None:
    after = latest(operator)
    held = str(uuid4())
    data(
        alice.post("/api/wallet/transfer", json={"txn_id": str(uuid4()), "amount": 7, "to_username": bob.username}), 201
    )
    data(alice.post("/api/wallet/holds", json={"txn_id": held, "amount": 5, "metadata": {"order": 1}}), 201)
    data(alice.post(f"/api/wallet/holds/{held}/capture", json={"txn_id": str(uuid4()), "amount": 5}), 201)
    data(alice.post("/api/wallets", json={"asset": "USD"}), 201)
    found = page(operator, after=after)
    assert names(found) == ["transaction.transfer", "hold.opened", "transaction.capture", "wallet.opened"]
    sent, opened, captured, wallet = (event["data"] for event in found["items"])
    assert [entry["amount"] for entry in sent["entries"]] == [-7, 7]
    assert (opened["txn_id"], opened["metadata"]) == (held, {"order": 1})
    assert captured["hold_txn_id"] == held
    assert (wallet["asset"], wallet["user_id"]) == ("USD", alice.account["id"])
    only = page(operator, after=after, type=["hold.opened", "wallet.opened"])
    assert names(only) == ["hold.opened", "wallet.opened"]
    assert names(page(operator, after=after, asset="USD")) == ["wallet.opened"]
    assert names(page(operator, after=after, wallet_id=bob.account["wallet_id"])) == ["transaction.transfer"]


@pytest.mark.parametrize(
    ("params", "status", "code", "field"),
    [
        ({"after": "AAAAAAAAAAAAAAAAAA"}, 422, "WA024", "after"),
        ({"after": "ASkYM2QAAAAAAAAAKh"}, 422, "WA024", "after"),
        ({"after": "17"}, 422, "validation", "after"),
        ({"type": "transaction.unheard"}, 422, "validation", "type"),
        ({"asset": "NONE"}, 404, "WA026", "asset"),
        ({"wallet_id": str(uuid4())}, 404, "WA001", None),
        ({"unknown": "1"}, 422, "validation", "unknown"),
    ],
)
@pytest.mark.parametrize("path", [PAGE, STREAM])
def test_what_cannot_be_read_is_refused(
    operator: User, path: str, params: dict[str, str], status: int, code: str, field: str | None
) -> None:
    problem(operator.get(path, params=params), status, code, field)


@pytest.mark.parametrize("params", [{"limit": 0}, {"limit": 1001}, {"wait": 31}, {"wait": -1}])
def test_bounds_of_a_page(operator: User, params: dict[str, int]) -> None:
    problem(operator.get(PAGE, params=params), 422, "validation", next(iter(params)))


@pytest.mark.parametrize("path", [PAGE, STREAM])
def test_only_operators_follow_everybody(alice: User, path: str) -> None:
    problem(alice.get(path), 403, "WA027")
    del alice.headers["Authorization"]
    problem(alice.get(path), 401, "unauthorized")
    problem(alice.get(path, params={"access_token": alice.token}), 401, "unauthorized")


@pytest.mark.one_database(reason="it takes a cursor apart, and that of several databases has one for each")
@pytest.mark.parametrize("path", [PAGE, STREAM, OWN])
def test_a_cursor_of_a_history_that_has_ended_is_refused(operator: User, alice: User, path: str) -> None:
    alice.topup(3)
    now = read_cursor(latest(operator))
    stale = str(Cursor((now.epoch + 1) % 2**31, now.id))
    body = problem(operator.get(path, params={"after": stale}), 410, "WA041", "after")
    assert (body["known"], body["resume"]) == (0, str(Cursor(now.epoch, 0)))
    # what no service has made
    forged = urlsafe_b64encode(bytes([1]) + b"\xff" * 4 + bytes(8)).decode().rstrip("=")
    problem(operator.get(PAGE, params={"after": forged}), 422, "WA024", "after")
    data(operator.get(PAGE, params={"after": body["resume"], "limit": 1}))


def test_a_page_waits_for_an_event(operator: User, alice: User, bob: User) -> None:
    after = latest(operator)
    found: list[dict[str, Any]] = []
    wallet_id = bob.account["wallet_id"]
    waiting = threading.Thread(target=lambda: found.append(page(operator, after=after, wait=30, wallet_id=wallet_id)))
    waiting.start()
    alice.topup(1)
    bob.topup(2)
    waiting.join(20)
    assert [event["data"]["amount"] for event in found[0]["items"]] == [2]


def test_a_page_waits_no_longer_than_was_asked_for(operator: User) -> None:
    after = latest(operator)
    began = time.monotonic()
    found = page(operator, after=after, wait=1, type="user.erased", wallet_id=operator.account["wallet_id"])
    assert found["items"] == []
    assert time.monotonic() - began >= 1


@pytest.mark.one_database(reason="it holds one database back, and others go on")
def test_a_transaction_that_stays_open_holds_events_back(
    service_database: Database, operator: User, alice: User, tmp_path: Path
) -> None:
    after = latest(operator)
    with service_database.connect() as open_one, open_one.transaction(force_rollback=True):
        open_one.execute("select pg_current_xact_id()")
        alice.topup(1)
        assert page(operator, after=after)["items"] == []
        # who has never had a fence that passed can say nothing
        with serve(service_database.api_url, tmp_path) as other:
            problem(operator.get(f"{other.url}{PAGE}"), 503, "WA036")
    assert names(page(operator, after=after)) == ["transaction.topup"]


def test_a_stream_is_no_page_that_somebody_keeps(service: Service, alice: User) -> None:
    with Listener(service, alice.token) as own:
        headers = own.response.headers
    assert headers["content-type"] == "text/event-stream; charset=utf-8"
    assert headers["cache-control"] == "no-store"
    assert headers["x-accel-buffering"] == "no"
    assert "content-encoding" not in headers


@pytest.mark.one_database(reason="a transfer to another database is two events")
def test_a_user_sees_the_own_side(service: Service, alice: User, bob: User) -> None:
    with Listener(service, bob.token) as own:
        data(alice.topup(50), 201)
        transfer = {"txn_id": str(uuid4()), "amount": 7, "to_username": bob.username}
        data(alice.post("/api/wallet/transfer", json=transfer), 201)
        # opened after the stream
        data(bob.post("/api/wallets", json={"asset": "USD"}), 201)
        received, opened = own.next(), own.next()
    assert (received.event, opened.event) == ("transaction.transfer", "wallet.opened")
    assert received.data["subject"] == bob.account["wallet_id"]
    assert [(entry["wallet_id"], entry["amount"]) for entry in received.data["data"]["entries"]] == [
        (bob.account["wallet_id"], 7)
    ]


@pytest.mark.one_database(
    reason="events of several databases are in the order of each, which a stream and a page may mix otherwise"
)
def test_an_operator_sees_everything_that_the_filters_let_through(
    service: Service, operator: User, alice: User, bob: User
) -> None:
    after = latest(operator)
    wallet_id = bob.account["wallet_id"]
    bonus = page(operator, type="transaction.bonus", limit=1)["items"][0]
    system = next(entry["wallet_id"] for entry in bonus["data"]["entries"] if entry["purpose"] == "bonus")
    filters: list[dict[str, Any]] = [
        {},
        {"type": ["transaction.spend", "wallet.opened"]},
        {"asset": "USD"},
        {"wallet_id": wallet_id},
        {"wallet_id": system},
    ]
    # who was there, and who comes later with a cursor, are told the same
    with contextlib.ExitStack() as stack:
        streams = [stack.enter_context(Listener(service, operator.token, STREAM, **given)) for given in filters]
        data(alice.topup(1, metadata={"of": wallet_id}), 201)
        data(bob.spend(2), 201)
        data(alice.post("/api/wallets", json={"asset": "USD"}), 201)
        with contextlib.closing(User(service)) as carol:
            data(carol.topup(3), 201)
            data(bob.topup(4), 201)
            data(bob.post("/api/wallets", json={"asset": "USD"}), 201)
            want = [names(page(operator, after=after, **given)) for given in filters]
        assert [len(some) for some in want] == [9, 4, 2, 2, 1]
        for seen, given in zip(streams, filters, strict=True):
            then = Listener(service, operator.token, STREAM, after=after, seconds=0, **given)
            with then:
                late = list(then.events)
            live = [seen.next() for _ in late]
            assert live == late
            assert [one.event for one in live] == want[filters.index(given)]


def test_who_comes_again_has_missed_nothing(service: Service, alice: User) -> None:
    amounts: list[int] = []
    with Listener(service, alice.token) as own:
        begin = own.last_event_id
        assert begin == ""
        alice.topup(1)
        amounts.append(own.next().data["data"]["amount"])
        seen = own.last_event_id
    for amount in (2, 3, 4):
        alice.topup(amount)
    # the header is of this connection, the parameter of an earlier one
    with Listener(service, alice.token, last_event_id=seen, after="latest") as again:
        amounts += [again.next().data["data"]["amount"] for _ in range(3)]
        alice.topup(5)
        amounts.append(again.next().data["data"]["amount"])
    assert amounts == [1, 2, 3, 4, 5]
    with Listener(service, alice.token, after="beginning", seconds=0) as whole:
        assert [one.event for one in whole.events] == ["wallet.opened", "transaction.bonus"] + ["transaction.topup"] * 5


def test_who_got_nothing_yet_has_a_cursor_too(service: Service, alice: User) -> None:
    with Listener(service, alice.token, seconds=0) as own:
        assert list(own.events) == []
        begin = own.last_event_id
        assert own.retry > 0
    alice.topup(9)
    with Listener(service, alice.token, last_event_id=begin, seconds=0) as again:
        assert [one.data["data"]["amount"] for one in again.events] == [9]


def test_a_client_that_does_not_read_loses_nothing(service: Service, alice: User) -> None:
    """More than a stream holds, and more than the buffers of the connection take."""
    filler = "x" * 250
    with socket.create_connection(("127.0.0.1", int(service.url.rpartition(":")[2]))) as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        head = f"GET {OWN} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {alice.token}\r\nConnection: close\r\n\r\n"
        slow.sendall(head.encode())
        slow.recv(15, socket.MSG_PEEK)
        for batch in range(12):
            items = [
                {"txn_id": str(uuid4()), "type": "topup", "amount": batch * 100 + one + 1, "reference": filler}
                for one in range(100)
            ]
            data(alice.post("/api/wallet/batch", json={"requests": items}), 200)
        read = b""
        slow.settimeout(20)
        while read.count(b"}\n\n") < 1200:
            piece = slow.recv(65536)
            assert piece
            read += piece
    amounts = [int(part.partition(b",")[0]) for part in read.split(b'"amount" : ')[1::2]]
    assert amounts == list(range(1, 1201))


@pytest.mark.parametrize("path", [OWN, STREAM])
@pytest.mark.parametrize("how", ["signout", "everywhere", "password", "demoted", "erased"])
def test_who_is_signed_out_is_told_so_and_no_more(
    service: Service, service_database: Database, operator: User, path: str, how: str
) -> None:
    with Listener(service, operator.token, path) as own, service_database.connect() as administrator:
        match how:
            case "signout":
                operator.post("/api/auth/signout")
            case "everywhere":
                operator.post("/api/auth/signout-everywhere")
            case "password":
                passwords = {"current_password": "correct horse battery", "new_password": "another good one"}
                data(operator.post("/api/auth/password", json=passwords))
            case "demoted":
                administrator.execute("select wallet_set_role(%s, 'user')", [operator.username])
            case "erased":
                administrator.execute("select wallet_erase_user(%s, 'asked')", [operator.account["id"]])
        changed = time.monotonic()
        events = list(own.events)
        assert time.monotonic() - changed < SOON
    assert events[-1].event == "end"
    assert events[-1].data["code"] == "unauthorized"
    lines = service.wait_for(request_id=own.response.headers["x-request-id"])
    assert (lines[0]["status"], lines[0]["code"]) == (200, "unauthorized")


def test_a_user_has_so_many_streams_and_others_have_theirs(service: Service, alice: User, bob: User) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(OF_A_USER):
            stack.enter_context(Listener(service, alice.token))
        body = problem(alice.get(OWN), 429, "too_many_streams")
        assert body["maximum"] == OF_A_USER
        stack.enter_context(Listener(service, bob.token))
    # at once: long before a heartbeat finds that nobody listens
    left = time.monotonic()
    wait_until(lambda: alice.get(OWN, params={"seconds": 0}).status_code == 200)
    assert time.monotonic() - left < HEARTBEAT_SECONDS / 2


def test_streams_end_at_once_when_the_service_stops(
    service_database: Database, operator: User, alice: User, tmp_path: Path
) -> None:
    params: dict[str, str | int] = {"after": latest(operator), "wait": 30, "type": "user.erased"}
    token = "t" * 32
    settings = {"PGWALLET_SHUTDOWN_TIMEOUT": "60", "PGWALLET_METRICS_TOKEN": token}
    answers: list[httpx.Response] = []
    with serve(service_database.api_url, tmp_path, **settings) as stopped:

        def wait() -> None:
            answers.append(operator.get(f"{stopped.url}{PAGE}", params=params))

        def open_now() -> set[str]:
            response = httpx.get(f"{stopped.url}/metrics", headers={"Authorization": f"Bearer {token}"}, verify=TLS)
            return set(re.findall(r'pgwallet_event_streams{kind="(\w+)"} 1\.0', response.text))

        waiting = threading.Thread(target=wait)
        with Listener(stopped, alice.token) as own:
            waiting.start()
            wait_until(lambda: open_now() == {"user", "wait"})
            stopped.process.terminate()
            (end,) = own.events
            assert (end.event, end.data["code"]) == ("end", "unavailable")
            assert own.retry > 0
        stopped.process.wait(20)
        waiting.join(20)
    problem(answers[0], 503, "unavailable")


def test_a_request_for_the_head_of_a_stream_ends(alice: User) -> None:
    response = alice.head(OWN)
    assert (response.status_code, response.content) == (200, b"")
    wait_until(lambda: alice.head(OWN).status_code == 200)
