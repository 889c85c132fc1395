"""Far more connections than may wait: all are answered, nothing acknowledged is lost, nothing refused is written.

`make test-flood` runs it for longer and with more connections: FLOOD_CONNECTIONS, FLOOD_SECONDS, FLOOD_QUEUE.
"""

import os
import re
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.settings import Settings
from tests.api.service import Service, User, serve
from tests.database import Database
from tests.system.flood.clients import Book, flood

CONNECTIONS = int(os.environ.get("FLOOD_CONNECTIONS", "300"))
SECONDS = float(os.environ.get("FLOOD_SECONDS", "3"))
QUEUE = os.environ.get("FLOOD_QUEUE", "100") or str(Settings().queue_size)
WALLETS = 20
MEGABYTES = 150
FILES = 200
"""What the clients' process has open beside its connections, and what the service is started with."""


@pytest.fixture
def service(database: Database, tmp_path: Path) -> Iterator[Service]:
    """One that is started with few open files allowed; then the test itself may have as many as it needs."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS + FILES
    assert hard == resource.RLIM_INFINITY or hard >= wanted, f"ulimit -Hn must be at least {wanted}"
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, hard))
    try:
        settings = {"PGWALLET_QUEUE_SIZE": QUEUE, "PGWALLET_LOG_LEVEL": "warning"}
        with serve(database.api_url, tmp_path, **settings) as running:
            resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
            yield running
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.timeout(600)
def test_a_flood(database: Database, service: Service, capsys: pytest.CaptureFixture[str]) -> None:
    users = [User(service) for _ in range(WALLETS)]
    tokens = [user.token for user in users]
    book = flood(service.url, tokens, connections=CONNECTIONS, seconds=SECONDS)
    memory = peak(service.process.pid)
    with capsys.disabled():
        print(report(book, memory))  # noqa: T201
    assert service.process.poll() is None
    assert set(book.codes) == {"overloaded"}
    assert memory < MEGABYTES
    check(database, book, [user.account["wallet_id"] for user in users], sum(user.balance() for user in users))
    for user in users:
        user.close()
    # at its end it has written all that it had to say
    service.process.terminate()
    service.process.wait(30)
    assert service.lines(level="error") == []


def check(database: Database, book: Book, wallets: list[str], balances: int) -> None:
    """Compare what clients were told with the tables themselves."""
    assert book.recorded
    with database.connect() as administrator:
        rows = administrator.execute(
            "select txn_id from wallet.transactions where wallet_id = any (%s::uuid[]) and amount = 1", [wallets]
        ).fetchall()
        assert sorted(row[0] for row in rows) == sorted(book.recorded)
        assert balances == 1000 * WALLETS + len(book.recorded)
        assert administrator.execute("select * from wallet_verify()").fetchall() == []


def peak(process: int) -> float:
    """The most memory that the process has had, in megabytes."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
    assert found
    return int(found[1]) / 1024


def report(book: Book, memory: float) -> str:
    lines = [f"\n{CONNECTIONS} connections, {SECONDS:.0f} s, a queue of {QUEUE}, one worker: "]
    for status, times in sorted(book.times.items()):
        middle, late = book.slowest(status)
        lines.append(f"  {status}: {len(times):,}, p50 {middle * 1000:.0f} ms, p99 {late * 1000:.0f} ms")
    return "\n".join([*lines, f"  refused as {book.codes}; the worker had {memory:.0f} MB at most"])
