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
        "/nothing",
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
        ("DELETE", "/api/wallet/balance", {"GET", "HEAD", "OPTIONS"}),
        ("POST", "/api/wallet/balance", {"GET", "HEAD", "OPTIONS"}),
        ("GET", "/api/wallet/topup", {"POST", "OPTIONS"}),
        ("PUT", "/api/auth/signup", {"POST", "OPTIONS"}),
        ("PATCH", "/api/health", {"GET", "HEAD", "OPTIONS"}),
        ("QUERY", "/api/health", {"GET", "HEAD", "OPTIONS"}),
        ("HEAD", "/api/wallet/topup", {"POST", "OPTIONS"}),
        ("PUT", "/api/wallet/holds", {"GET", "HEAD", "POST", "OPTIONS"}),
        ("PUT", "/api/wallets", {"GET", "HEAD", "POST", "OPTIONS"}),
    ],
)
def test_other_methods_are_refused_with_those_that_exist(
    alice: User, method: str, path: str, allowed: set[str]
) -> None:
    response = alice.request(method, path)
    assert response.status_code == 405
    if method != "HEAD":
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


@pytest.mark.parametrize("request_id", ["abc", "A-b_c.9", "x" * 64, "9e1f2a3b-4c5d-4e6f-8a7b-0c1d2e3f4a5b"])
def test_a_sane_request_id_is_kept(client: httpx.Client, request_id: str) -> None:
    for path in ("/api/health/live", "/none"):
        assert client.get(path, headers={"X-Request-Id": request_id}).headers["x-request-id"] == request_id


@pytest.mark.parametrize("request_id", [b"", b"x" * 65, b"a b", b'a"b', b"<script>", b"a;b", "é".encode()], ids=repr)
def test_another_request_id_is_replaced(client: httpx.Client, request_id: bytes) -> None:
    response = client.get("/none", headers={b"X-Request-Id": request_id})
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
    service.wait_for(request_id=request_id, event="request")
    assert service.lines(request_id=request_id, level="error") == []


def test_a_path_with_a_slash_at_its_end_is_the_same(client: httpx.Client) -> None:
    assert client.get("/api/health/live/").status_code == 200


PERIOD = "from=2025-01-01T00:00:00Z&to=2025-02-01T00:00:00Z"


@pytest.mark.parametrize(
    "path",
    [
        "/api/health/live",
        "/api/docs",
        "/api/docs/openapi.json",
        "/api/wallets",
        "/api/wallet/balance",
        "/api/wallet/balance?asset=XXX",
        f"/api/wallet/statement?{PERIOD}",
        "/none",
    ],
)
def test_head_is_get_without_the_body(service: Service, alice: User, path: str) -> None:
    request_id = uuid4().hex
    got = alice.get(path)
    head = alice.head(path, headers={"X-Request-Id": request_id})
    assert (head.status_code, head.content) == (got.status_code, b"")
    left_out = {"date", "x-request-id", "content-length", "transfer-encoding"}
    assert {name: value for name, value in head.headers.items() if name not in left_out} == {
        name: value for name, value in got.headers.items() if name not in left_out
    }
    assert ("content-length" in head.headers) == ("content-length" in got.headers)
    (line,) = service.wait_for(request_id=request_id)
    assert (line["method"], line["status"], "user_id" in line) == ("HEAD", got.status_code, "/wallet" in path)
    assert line.get("path") == (None if path == "/none" else path.partition("?")[0])
    # the connection goes on
    assert alice.get(path).text[:20] == got.text[:20]


def test_every_get_that_is_documented_is_there_for_head(client: httpx.Client) -> None:
    paths = client.get("/api/docs/openapi.json").json()["paths"]
    for path in (path for path, methods in paths.items() if "get" in methods):
        assert client.head(path).status_code == client.get(path).status_code != 405
