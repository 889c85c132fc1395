"""Whatever clients write, in however many different ways, the service remembers little of it."""

import random
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.api.service import Service, User, serve
from tests.database import Database

REQUESTS = 300
"""What remembers requests does so for a thousand at least: none of these would be forgotten before the end."""
LONG = 60_000
KEPT_MB = 8


@pytest.fixture(scope="module")
def remembering(service_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder: Path = tmp_path_factory.mktemp("remembering")
    with serve(service_database.api_url, folder) as running:
        yield running


PAGE = "/api/wallet/transactions"
# the path and the host of a request, by its number
WAYS: dict[str, Callable[[str], tuple[str, str]]] = {
    "one long parameter": lambda number: (f"{PAGE}?reference={number}{'x' * LONG}", ""),
    "many parameters": lambda number: (f"{PAGE}?{number}{'&a' * (LONG // 2)}", ""),
    "many parameters in a short query": lambda number: (f"{PAGE}?{number}{'&a' * 2000}", ""),
    "an id with many dashes": lambda number: (f"{PAGE}/018f6b5e7c1a7f009a3b2f5c{number}{'-' * LONG}", ""),
    "a long host": lambda number: ("/api/wallet/balance", number + "x" * LONG),
    "a long host where a parameter is missing": lambda number: ("/api/wallet/statement", number + "x" * LONG),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_requests_that_differ_are_not_remembered(remembering: Service, way: Callable[[str], tuple[str, str]]) -> None:
    where = urlsplit(remembering.url)
    first = random.randrange(10**7)
    with closing(User(remembering)) as user, socket.create_connection((where.hostname, where.port), 20) as connection:
        for number in range(first, first + REQUESTS):
            if number == first + 20:
                # what a few such requests take while they are answered is there by now
                before = megabytes(remembering)
            path, host = way(f"{number:08d}")
            assert ask(connection, path, host or where.netloc, user.token) in {200, 400, 404, 422}
    assert megabytes(remembering) - before < KEPT_MB


def ask(connection: socket.socket, path: str, host: str, token: str) -> int:
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
    answer = b""
    while not (parts := answer.partition(b"\r\n\r\n"))[1]:
        answer += connection.recv(65536)
    length = re.search(rb"content-length: (\d+)", parts[0])
    assert length is not None
    while len(answer) < len(parts[0]) + 4 + int(length[1]):
        answer += connection.recv(65536)
    return int(answer.split()[1])


def megabytes(service: Service) -> float:
    status = Path(f"/proc/{service.process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024
