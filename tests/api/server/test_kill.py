"""Whatever is killed comes back, and what was written is still there."""

import os
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from api.server import shared_memory
from api.server.signals import Signals
from api.server.workers import HUNG_TICKS, Workers
from tests.command import Pgwallet, Service, no_server_left, wait_until
from tests.system.crash.arena import Arena, arena
from tests.system.crash.faults import KILLS
from tests.system.crash.report import counts


@contextmanager
def written(service: Service, wallet: Pgwallet) -> Iterator[None]:
    """Register a user before the kill, find it after; and let one register after it."""
    name = f"u{uuid4().hex[:12]}"
    body = {"username": name, "password": "password123"}
    assert service.request("/api/auth/signup", body)[0] == 201
    yield
    assert wallet.call("psql", "-Atc", f"select count(*) from wallet.users where username = '{name}'") == "1\n"
    assert wallet.call("verify") == "ok: no violations\n"


@pytest.fixture(scope="module")
def crash() -> Iterator[Arena]:
    """A service under load, with durability on."""
    with tempfile.TemporaryDirectory(prefix="pgwallet-") as folder, arena(Pgwallet(Path(folder) / "data")) as found:
        yield found


@pytest.mark.parametrize(
    "kind", ["postmaster", *(pytest.param(kind, marks=pytest.mark.long) for kind in KILLS if kind != "postmaster")]
)
def test_what_is_killed_under_load_comes_back_with_all_that_was_answered(crash: Arena, kind: str) -> None:
    [server] = crash.service.children("postgres")
    workers = crash.service.children("api.server.worker")
    # one that left nobody without an answer says little
    for _ in range(10):
        found = crash.round(kind, KILLS[kind])
        assert found.findings == []
        if counts(found):
            break
    else:
        pytest.fail("no kill hit a request that ended unknown")
    assert (crash.service.children("postgres") == [server]) == (kind in {"worker", "PostgreSQL backend"})
    assert (crash.service.children("api.server.worker") == workers) == (kind in {"postmaster", "PostgreSQL backend"})


def test_a_worker_whose_event_loop_stands_still_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.server.workers.HUNG_TICKS", 100)
    with shared_memory.made(1) as memory, socket.create_server(("127.0.0.1", 0)) as listener:
        workers = Workers(listener, memory, 1, Signals(), relay=False)
        workers.load()
        try:
            workers.serve({"PGWALLET_API_URL": "postgresql://nobody@localhost:1/none", "JWT_SECRET": "x" * 32})
            [hung] = workers._processes
            assert hung is not None
            wait_until(lambda: memory.heartbeats()[0])
            hung.send_signal(signal.SIGSTOP)

            def replaced() -> bool:
                workers.restart()
                [process] = workers._processes
                return process not in (None, hung) and memory.heartbeats()[0] > 0

            wait_until(replaced)
            assert hung.returncode == -signal.SIGKILL
        finally:
            workers.stop(10)


def test_a_worker_that_is_only_slow_is_left_alone() -> None:
    with shared_memory.made(1) as memory, socket.socket() as listener:
        workers = Workers(listener, memory, 1, Signals(), relay=False)
        # it has not begun to serve yet
        assert not any(workers._hangs(0) for _ in range(HUNG_TICKS * 2))
        for _ in range(5):
            memory.heartbeats()[0] += 1
            assert not any(workers._hangs(0) for _ in range(HUNG_TICKS))
        assert [workers._hangs(0) for _ in range(5)].count(True) == 1


def test_the_workers_of_a_killed_pgwallet_end(wallet: Pgwallet) -> None:
    service = wallet.start()
    assert service.stop(signal.SIGKILL) == -signal.SIGKILL
    wait_until(lambda: service.request("/api/health/live")[0] == 0)


def test_a_short_command_replaces_the_server_of_a_killed_pgwallet(wallet: Pgwallet) -> None:
    service = wallet.start()
    with written(service, wallet):
        service.stop(signal.SIGKILL)
    assert no_server_left(wallet)


@pytest.mark.long
@pytest.mark.parametrize("zombie", [False, True])
def test_a_process_that_got_the_servers_number_is_left_alone(wallet: Pgwallet, zombie: bool) -> None:
    service = wallet.start()
    service.stop()
    command = ["true"] if zombie else ["sleep", "60"]
    # with the user who runs the server, so that its number looks alive to PostgreSQL
    owner = wallet.pgdata.stat()
    user, group = (owner.st_uid, owner.st_gid) if os.geteuid() == 0 else (None, None)
    with subprocess.Popen(command, user=user, group=group) as other:
        try:
            stale = wallet.pgdata / "postmaster.pid"
            stale.write_text(f"{other.pid}\n{wallet.pgdata}\n1\n5432\n{wallet.data_dir / 'run'}\n\n 1 1\nready\n")
            wallet.start()
            assert other.poll() in ((0,) if zombie else (None,))
        finally:
            other.kill()
