"""Whatever is killed comes back, and what was written is still there."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest

from tests.setup.command import Pgwallet, Service, no_server_left, wait_until


@contextmanager
def written(service: Service, wallet: Pgwallet) -> Iterator[None]:
    """Register a user before the kill, find it after; and let one register after it."""
    name = f"u{uuid4().hex[:12]}"
    body = {"username": name, "password": "password123"}
    assert service.request("/api/auth/signup", body)[0] == 201
    yield
    assert wallet.call("psql", "-Atc", f"select count(*) from wallet.users where username = '{name}'") == "1\n"
    assert wallet.call("verify") == "ok: no violations\n"


def test_a_killed_pgwallet_is_started_again(wallet: Pgwallet) -> None:
    first = wallet.start()
    workers = first.children("api.worker")
    [server] = first.children("postgres")
    with written(first, wallet):
        assert first.stop(signal.SIGKILL) == -signal.SIGKILL
        second = wallet.start(PORT=str(first.port))
    assert second.healthy()
    assert second.children("postgres") != [server]
    assert not set(second.children("api.worker")) & set(workers)


def test_the_workers_of_a_killed_pgwallet_end(wallet: Pgwallet) -> None:
    service = wallet.start()
    assert service.stop(signal.SIGKILL) == -signal.SIGKILL
    wait_until(lambda: service.request("/api/health/live")[0] == 0, 5)


def test_a_short_command_replaces_the_server_of_a_killed_pgwallet(wallet: Pgwallet) -> None:
    service = wallet.start()
    with written(service, wallet):
        service.stop(signal.SIGKILL)
    assert no_server_left(wallet)


def test_a_killed_server_is_started_again(wallet: Pgwallet) -> None:
    service = wallet.start()
    [server] = service.children("postgres")
    with written(service, wallet):
        os.kill(server, signal.SIGKILL)
        wait_until(lambda: service.children("postgres") not in ([], [server]))
        wait_until(service.healthy)


def test_a_killed_worker_is_replaced(wallet: Pgwallet) -> None:
    service = wallet.start(PGWALLET_WORKERS="2")
    workers = service.children("api.worker")
    os.kill(workers[0], signal.SIGKILL)
    wait_until(lambda: len(set(service.children("api.worker")) - {workers[0]}) == 2)
    assert service.healthy()


def test_everything_killed_at_once_is_started_again(wallet: Pgwallet) -> None:
    first = wallet.start()
    [server] = first.children("postgres")
    with written(first, wallet):
        # first ourselves: nobody waits for the server then, and it stays a zombie for a while
        os.kill(first.process.pid, signal.SIGKILL)
        os.kill(server, signal.SIGKILL)
        second = wallet.start()
    assert second.healthy()


@pytest.mark.parametrize("zombie", [False, True])
def test_a_process_that_got_the_servers_number_is_left_alone(wallet: Pgwallet, zombie: bool) -> None:
    service = wallet.start()
    service.stop()
    command = ["true"] if zombie else ["sleep", "60"]
    # with the user who runs the server, so that its number looks alive to PostgreSQL
    owner = wallet.pgdata.stat()
    switch = {"user": owner.st_uid, "group": owner.st_gid} if os.geteuid() == 0 else {}
    with subprocess.Popen(command, **switch) as other:
        try:
            stale = wallet.pgdata / "postmaster.pid"
            stale.write_text(f"{other.pid}\n{wallet.pgdata}\n1\n5432\n{wallet.data_dir / 'run'}\n\n 1 1\nready\n")
            wallet.start()
            assert other.poll() in ((0,) if zombie else (None,))
        finally:
            other.kill()
