"""Bytes on a connection: what is a request, whose answer is whose, and when the connection ends."""

import json
import re
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from tests.api.database.test_group_commit_over_http import HOLD_WALLET, held
from tests.api.server.test_slow_clients import ended
from tests.api.service import Service, User, serve
from tests.command import wait_until
from tests.database import Database

LIVE = b"GET /api/health/live HTTP/1.1\r\nHost: x\r\n"
LAST = LIVE + b"Connection: close\r\n\r\n"
OFFER = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAA\r\n"
GARBAGE = b"\x16\x03\x01\x02\x00 no request\r\n\r\n"


def connect(service: Service) -> socket.socket:
    address = urlsplit(service.url)
    return socket.create_connection((address.hostname or "", address.port or 0), timeout=20)


def read(connection: socket.socket) -> bytes:
    """Everything until the service closes."""
    found = b""
    while said := connection.recv(65536):
        found += said
    return found


def exchange(service: Service, sent: bytes) -> bytes:
    with closing(connect(service)) as connection:
        connection.sendall(sent)
        return read(connection)


def statuses(answers: bytes) -> list[int]:
    return [int(found) for found in re.findall(rb"HTTP/1\.1 (\d{3}) ", answers)]


def body(amount: int = 1) -> bytes:
    return json.dumps({"txn_id": str(uuid4()), "amount": amount}).encode()


def topup(user: User, content: bytes, *more: bytes, length: bool = True, version: bytes = b"1.1") -> bytes:
    """The head of a top-up."""
    lines = [
        b"POST /api/wallet/topup HTTP/" + version,
        b"Host: x",
        b"Authorization: Bearer " + user.token.encode(),
        b"Content-Type: application/json",
        *more,
    ]
    if length:
        lines.append(b"Content-Length: %d" % len(content))
    return b"\r\n".join([*lines, b"", b""])


def chunked(content: bytes, trailers: bytes = b"") -> bytes:
    return b"%x\r\n%b\r\n0\r\n%b\r\n" % (len(content), content, trailers)


@pytest.mark.parametrize(
    "offer", [OFFER, b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"]
)
@pytest.mark.parametrize("pause", [False, True], ids=["one packet", "two packets"])
@pytest.mark.parametrize("framing", ["length", "chunks"])
def test_an_offer_to_upgrade_changes_nothing(
    service: Service, alice: User, offer: bytes, pause: bool, framing: str
) -> None:
    content = body()
    if framing == "length":
        head, rest = topup(alice, content, offer[:-2]), content
    else:
        head, rest = topup(alice, content, offer[:-2], b"Transfer-Encoding: chunked", length=False), chunked(content)
    with closing(connect(service)) as connection:
        if pause:
            connection.sendall(head + rest[:5])
            # nothing else tells that the first packet was read: this comes after it
            alice.balance()
            connection.sendall(rest[5:] + LAST)
        else:
            connection.sendall(head + rest + LAST)
        assert statuses(read(connection)) == [201, 200]
    assert alice.balance() == 1001


def test_the_body_of_an_offer_is_no_request(service: Service, alice: User) -> None:
    hidden = LIVE + b"\r\n"
    with closing(connect(service)) as connection:
        connection.sendall(topup(alice, hidden, OFFER[:-2]))
        alice.balance()
        connection.sendall(hidden + LAST)
        assert statuses(read(connection)) == [400, 200]


def test_many_offers_at_once_are_many_requests(service: Service) -> None:
    answers = exchange(service, (LIVE + OFFER + b"\r\n") * 300 + LAST)
    assert statuses(answers) == [200] * 301


def test_who_waits_to_be_told_to_go_on_is_told_also_with_an_offer(service: Service, alice: User) -> None:
    content = body()
    with closing(connect(service)) as connection:
        connection.sendall(topup(alice, content, OFFER[:-2], b"Expect: 100-continue"))
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(content + LAST)
        assert statuses(read(connection)) == [201, 200]


@pytest.mark.parametrize(
    "sent",
    [
        GARBAGE,
        b"CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /api/health/live HTTP/1.1\r\n\r\n",
        LIVE + b"Host: y\r\n\r\n",
        LIVE + b"A : b\r\n\r\n",
        LIVE + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + chunked(b"{}"),
        LIVE + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(b"{}"),
        LIVE + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n" + chunked(b"{}"),
        LIVE.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(b"{}"),
        b"GET http://x HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
        LIVE + b"X: " + b"a" * 70_000 + b"\r\n\r\n",
        b"GET /?" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        LIVE + b"X: a\r\n" * 12_000 + b"\r\n",
    ],
    ids=lambda sent: repr(sent[:60]),
)
def test_what_is_no_request_is_answered_as_all_errors_are(service: Service, sent: bytes) -> None:
    request_id = uuid4().hex
    sent = sent.replace(b"Host: x\r\n", b"Host: x\r\nX-Request-Id: " + request_id.encode() + b"\r\n", 1)
    # one is good, the next is none, and what follows is not looked at
    answers = exchange(service, LIVE + b"\r\n" + sent + LAST)
    _, first, last = answers.split(b"HTTP/1.1 ")
    assert first.startswith(b"200 ")
    head, _, content = last.partition(b"\r\n\r\n")
    expected = 431 if len(sent) > 64 * 1024 else 400
    assert head.startswith(b"%d " % expected)
    fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    assert fields["content-type"] == "application/problem+json"
    assert fields["connection"] == "close"
    assert {"cache-control", "content-security-policy", "referrer-policy", "x-content-type-options"} <= set(fields)
    found = json.loads(content)
    assert (found["status"], found["code"], found["success"]) == (expected, "bad_request", False)
    assert found["request_id"] == fields["x-request-id"]
    (line,) = service.wait_for(request_id=found["request_id"])
    assert (line["event"], line["status"], line["code"]) == ("request", expected, "bad_request")


def test_a_head_of_up_to_64_kib_is_read_wherever_it_begins(service: Service) -> None:
    large = LIVE + b"X: " + b"a" * 60_000 + b"\r\n"
    assert statuses(exchange(service, (large + b"\r\n") * 5 + large + b"Connection: close\r\n\r\n")) == [200] * 6


@pytest.mark.parametrize("pause", [False, True], ids=["one packet", "two packets"])
def test_a_request_is_answered_whatever_follows_it(service: Service, alice: User, pause: bool) -> None:
    content = body()
    with closing(connect(service)) as connection:
        connection.sendall(topup(alice, content) + content + (b"" if pause else GARBAGE))
        if pause:
            alice.balance()
            connection.sendall(GARBAGE)
        assert statuses(read(connection)) == [201, 400]
    assert alice.balance() == 1001


def test_several_requests_are_answered_in_their_order_before_what_follows(service: Service, alice: User) -> None:
    spent = body(5000)
    one, other = body(), spent
    sent = topup(alice, one) + one + topup(alice, other).replace(b"topup", b"spend") + other + LIVE + b"\r\n" + GARBAGE
    assert statuses(exchange(service, sent)) == [201, 402, 200, 400]


def test_what_follows_the_last_request_is_not_read(service: Service, alice: User) -> None:
    content = body()
    sent = topup(alice, content, b"Connection: close") + content
    assert statuses(exchange(service, sent + sent.replace(b"topup", b"spend"))) == [201]
    assert alice.balance() == 1001


def test_who_has_said_everything_is_answered(service: Service, alice: User, service_database: Database) -> None:
    content = body()
    with closing(connect(service)) as connection:
        with held(service_database, HOLD_WALLET, alice.account["wallet_id"]):
            connection.sendall(topup(alice, content) + content + LIVE + b"\r\n")
            connection.shutdown(socket.SHUT_WR)
            # what the event loop was given later it does later: by then it knows that no more comes
            for _ in range(2):
                assert alice.get("/api/health/live").status_code == 200
        answers = read(connection)
    assert statuses(answers) == [201, 200]
    assert b"connection: close" in answers
    assert alice.balance() == 1001


@pytest.mark.parametrize("part", ["a head", "a body", "chunks"])
def test_a_part_of_a_request_is_none(service: Service, alice: User, part: str) -> None:
    content = body()
    sent = {
        "a head": topup(alice, content)[:-20],
        "a body": topup(alice, b"more" + content) + content,
        "chunks": topup(alice, content, b"Transfer-Encoding: chunked", length=False) + chunked(content)[:-5],
    }[part]
    with closing(connect(service)) as connection:
        connection.sendall(LIVE + b"\r\n" + sent)
        connection.shutdown(socket.SHUT_WR)
        assert statuses(read(connection)) == [200, 400]
    assert alice.balance() == 1000


def test_malformed_chunks_are_no_body(service: Service, alice: User) -> None:
    content = body()
    head = topup(alice, content, b"Transfer-Encoding: chunked", length=False)
    assert statuses(exchange(service, head + b"%x\r\n%b\r\nzz\r\n" % (len(content), content))) == [400]
    assert alice.balance() == 1000


def test_trailers_are_no_headers(service: Service, alice: User) -> None:
    content = body()
    head = topup(alice, content, b"Transfer-Encoding: chunked", length=False)
    without = head.replace(b"Content-Type: application/json\r\n", b"")
    trailers = b"Content-Type: application/json\r\nHost: y\r\n"
    assert statuses(exchange(service, without + chunked(content, trailers) + LAST)) == [415, 200]


def test_http_1_0_gets_no_chunks(service: Service, alice: User) -> None:
    period = b"from=2025-01-01T00:00:00Z&to=2025-02-01T00:00:00Z"
    sent = (
        b"GET /api/wallet/statement?"
        + period
        + b" HTTP/1.0\r\nAuthorization: Bearer "
        + alice.token.encode()
        + b"\r\n\r\n"
    )
    head, _, content = exchange(service, sent).partition(b"\r\n\r\n")
    assert statuses(head) == [200]
    assert b"transfer-encoding" not in head
    assert b"connection: close" in head
    assert json.loads(content)["data"]["entries"] == []


def test_http_1_0_is_not_told_to_go_on(service: Service, alice: User) -> None:
    content = body()
    head = topup(alice, content, b"Expect: 100-continue", version=b"1.0")
    with closing(connect(service)) as connection:
        connection.sendall(head)
        alice.balance()
        connection.sendall(content)
        assert statuses(read(connection)) == [201]


def test_who_leaves_before_the_answer_leaves_no_trace_in_the_log(service: Service, alice: User) -> None:
    request_id = uuid4().hex
    content = body()
    head = topup(alice, content, b"X-Request-Id: " + request_id.encode())
    before = len(service.all_lines())
    with closing(connect(service)) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        for part in (head + content, LIVE + b"\r\n" + GARBAGE):
            connection.sendall(part)
    service.wait_for(request_id=request_id, event="request")
    alice.balance()
    assert [line for line in service.all_lines()[before:] if "Traceback" in json.dumps(line)] == []


@pytest.fixture(scope="module")
def brief(service_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that keeps idle connections for a moment."""
    folder: Path = tmp_path_factory.mktemp("brief")
    with serve(service_database.api_url, folder, PGWALLET_KEEPALIVE="0.5") as running:
        yield running


def test_how_long_an_idle_connection_stays_is_a_setting(service: Service, brief: Service) -> None:
    with closing(connect(service)) as kept, closing(connect(brief)) as connection:
        for one in (kept, connection):
            one.sendall(LIVE + b"\r\n")
            assert one.recv(100).startswith(b"HTTP/1.1 200 ")
        wait_until(lambda: ended(connection))
        # the default is 75 seconds
        assert not ended(kept)


def test_a_connection_whose_request_was_answered_early_is_not_kept_for_ever(brief: Service) -> None:
    head = b"POST /api/wallet/topup HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n"
    with closing(connect(brief)) as connection:
        connection.sendall(head)
        assert connection.recv(100).startswith(b"HTTP/1.1 401 ")
        connection.sendall(b"12345")
        wait_until(lambda: ended(connection))
