"""HTTP around the routes: paths, methods, size, request ids, what a raw socket can send."""

import re
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest

from tests.api.service import Service, User, data, problem

LIMIT = 64 * 1024


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/api",
        "/api/wallet",
        "/api/wallet/none",
        "/api/docs/none",
        "/API/HEALTH",
        "/api//x",
        "/%00",
        "/%ff",
        "/..%2f",
    ],
)
def test_unknown_paths_are_not_found(client: httpx.Client, path: str) -> None:
    problem(client.get(path), 404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/api/wallet/balance", {"GET", "OPTIONS"}),
        ("POST", "/api/wallet/balance", {"GET", "OPTIONS"}),
        ("GET", "/api/wallet/topup", {"POST", "OPTIONS"}),
        ("PUT", "/api/auth/signup", {"POST", "OPTIONS"}),
        ("PATCH", "/api/health", {"GET", "OPTIONS"}),
        ("QUERY", "/api/health", {"GET", "OPTIONS"}),
        ("PUT", "/api/wallet/holds", {"GET", "POST", "OPTIONS"}),
        ("PUT", "/api/wallets", {"GET", "POST", "OPTIONS"}),
    ],
)
def test_other_methods_are_refused_with_those_that_exist(
    alice: User, method: str, path: str, allowed: set[str]
) -> None:
    response = alice.request(method, path)
    problem(response, 405, "method_not_allowed")
    assert set(re.split(r",\s*", response.headers["allow"])) == allowed
    options = alice.options(path)
    assert options.status_code == 204
    assert set(re.split(r",\s*", options.headers["allow"])) == allowed


def large(size: int) -> bytes:
    """A good top-up of exactly this many bytes."""
    content = f'{{"txn_id": "{uuid4()}", "amount": 1}}'.encode()
    return content + b" " * (size - len(content))


def in_chunks(content: bytes) -> Iterator[bytes]:
    for start in range(0, len(content), 10_000):
        yield content[start : start + 10_000]


@pytest.mark.parametrize("chunked", [False, True])
def test_bodies_of_up_to_64_kib_are_read(alice: User, chunked: bool) -> None:
    headers = {"Content-Type": "application/json"}

    def send(size: int) -> httpx.Response:
        content = large(size)
        return alice.post("/api/wallet/topup", content=in_chunks(content) if chunked else content, headers=headers)

    data(send(LIMIT), 201)
    for size in (LIMIT + 1, 1_000_000):
        problem(send(size), 413, "too_large")
    assert alice.balance() == 1001


def test_the_body_limit_holds_before_sign_in(client: httpx.Client) -> None:
    content = b'{"username": "' + b"x" * LIMIT + b'"}'
    problem(
        client.post("/api/auth/signin", content=content, headers={"Content-Type": "application/json"}), 413, "too_large"
    )


@pytest.mark.parametrize("request_id", ["abc", "A-b_c.9", "x" * 64, str(uuid4())])
def test_a_sane_request_id_is_kept(client: httpx.Client, request_id: str) -> None:
    for path in ("/api/health/live", "/none"):
        assert client.get(path, headers={"X-Request-Id": request_id}).headers["x-request-id"] == request_id


@pytest.mark.parametrize("request_id", ["", "x" * 65, "a b", 'a"b', "<script>", "a;b", "é".encode()], ids=repr)
def test_another_request_id_is_replaced(client: httpx.Client, request_id: str | bytes) -> None:
    response = client.get("/none", headers={"X-Request-Id": request_id})
    assert re.fullmatch("[0-9a-f]{16}", response.headers["x-request-id"])
    problem(response, 404, "not_found")


def test_every_request_without_an_id_gets_its_own(client: httpx.Client) -> None:
    assert len({client.get("/api/health/live").headers["x-request-id"] for _ in range(10)}) == 10


def exchange(service: Service, request: bytes) -> bytes:
    """Send raw bytes, and read until the server closes."""
    address = urlsplit(service.url)
    with socket.create_connection((address.hostname, address.port or 0), timeout=10) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        found = b""
        while said := connection.recv(65536):
            found += said
    return found


@pytest.mark.parametrize("host", [b"a b", b"a/b", b"a\\b"])
def test_an_invalid_host_is_a_client_error(service: Service, host: bytes) -> None:
    answer = exchange(service, b"GET /api/health/live HTTP/1.1\r\nHost: " + host + b"\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")


def test_a_client_that_leaves_early_is_no_error_of_ours(service: Service, alice: User) -> None:
    request_id = uuid4().hex
    head = f"POST /api/auth/signin HTTP/1.1\r\nHost: x\r\nX-Request-Id: {request_id}\r\nContent-Length: 100\r\n\r\n"
    exchange(service, head.encode() + b'{"username": ')
    alice.balance()
    assert service.lines(request_id=request_id, level="error") == []


def test_a_path_with_a_slash_at_its_end_is_the_same(client: httpx.Client) -> None:
    assert client.get("/api/health/live/").status_code == 200
