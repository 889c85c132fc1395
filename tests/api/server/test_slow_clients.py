"""Clients that take their time, or send without end: their connections are ended, and others do not notice."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.api.service import TLS, Service, User, data, serve
from tests.command import wait_until
from tests.database import Database

PATIENCE = 1.0
HEAD = b"POST /api/auth/signin HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
ESTABLISHED = 1


@pytest.fixture(scope="module")
def impatient(service_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that waits a second for a request."""
    folder: Path = tmp_path_factory.mktemp("impatient")
    with serve(service_database.api_url, folder, PGWALLET_REQUEST_TIMEOUT=str(PATIENCE)) as running:
        yield running


def connect(service: Service) -> socket.socket:
    address = urlsplit(service.url)
    return socket.create_connection((address.hostname or "", address.port or 0), timeout=20)


def ended(connection: socket.socket) -> bool:
    """Whether the other side has left; reads nothing."""
    return connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] != ESTABLISHED


def trickle(connection: socket.socket, byte: bytes) -> Callable[[], bool]:
    """Return a condition that sends one byte more whenever it is asked."""

    def gone() -> bool:
        with suppress(OSError):
            connection.send(byte)
        return ended(connection)

    return gone


@pytest.mark.parametrize(
    ("start", "more"),
    [
        (b"", None),
        (b"", b"\n"),
        (b"GET /api/hea", None),
        (HEAD + b"X-Long: ", b"a"),
        (HEAD + b"Content-Length: 1000\r\n\r\n", b" "),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", None),
        (b"GET /api/health/live HTTP/1.1\r\nHost: x\r\n\r\nGET", b" "),
    ],
    ids=["says nothing", "empty lines", "half a line", "a long header", "a body", "chunks", "a second request"],
)
def test_who_does_not_finish_a_request_in_time_is_cut_off(impatient: Service, start: bytes, more: bytes | None) -> None:
    started = time.monotonic()
    with closing(connect(impatient)) as connection:
        connection.sendall(start)
        wait_until(trickle(connection, more) if more else lambda: ended(connection))
        assert time.monotonic() - started > PATIENCE * 0.9


def test_who_sends_in_pieces_but_in_time_is_answered(impatient: Service) -> None:
    with closing(connect(impatient)) as connection:
        for piece in (b"GET /api/health/live HTTP/1.1\r\n", b"Host: x\r\n", b"Connection: close\r\n", b"\r\n"):
            connection.sendall(piece)
        assert connection.recv(100).startswith(b"HTTP/1.1 200 ")


def test_a_crowd_of_slow_clients_stands_in_nobodys_way(impatient: Service) -> None:
    with ExitStack() as stack, closing(User(impatient)) as user:
        crowd = [stack.enter_context(closing(connect(impatient))) for _ in range(300)]
        for connection in crowd:
            connection.sendall(HEAD)
        data(user.topup(), 201)
        wait_until(lambda: all(ended(connection) for connection in crowd))
        data(user.topup(), 201)


def test_who_does_not_read_the_answers_is_cut_off(impatient: Service) -> None:
    def connections() -> int:
        found = 0
        for link in Path(f"/proc/{impatient.process.pid}/fd").iterdir():
            with suppress(FileNotFoundError):  # closed meanwhile
                found += link.readlink().name.startswith("socket:")
        return found

    before = connections()
    with closing(connect(impatient)) as connection:
        # some megabytes of answers, more than the buffers between us hold
        connection.sendall(b"GET /api/docs/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 100)
        wait_until(lambda: connections() > before)
        wait_until(lambda: connections() <= before)


def test_a_head_without_end_is_refused(impatient: Service) -> None:
    with closing(connect(impatient)) as connection, suppress(OSError):
        connection.sendall(HEAD + b"X-Long: " + b"a" * 1_000_000)
    with closing(connect(impatient)) as connection:
        connection.sendall(HEAD)
        for _ in range(70):
            with suppress(OSError):
                connection.sendall(b"X-Many: " + b"a" * 1000 + b"\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize("start", [b"0\r\n", b""], ids=["trailers", "chunks"])
def test_a_request_without_end_is_cut_off_before_its_time(service: Service, start: bytes) -> None:
    piece = b"X-Trailer: " + b"a" * 100_000 + b"\r\n" if start else b"186a0\r\n" + b"a" * 100_000 + b"\r\n"
    with closing(connect(service)) as connection:
        connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + start)
        wait_until(trickle(connection, piece), 10)


def test_large_headers_are_fine_up_to_64_kib(impatient: Service) -> None:
    headers = {f"X-{number}": "a" * 6000 for number in range(10)}
    assert httpx.get(f"{impatient.url}/api/health/live", headers=headers, verify=TLS).status_code == 200
