"""`pgwallet run`: from nothing to a service, and back to nothing."""

import os
import signal
import socket
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from tests.command import Pgwallet, no_server_left, wait_until

ALICE = {"username": "alice", "password": "password123"}


def test_the_first_run_sets_everything_up_and_says_one_line(fresh: Pgwallet) -> None:
    service = fresh.start(PGWALLET_RELAY="")
    assert service.request("/api/auth/signin", ALICE)[0] == 200
    assert service.stop(signal.SIGINT) == 0
    assert service.output == f"pgwallet ready on http://localhost:{service.port} (docs: /api/docs)\n"
    for name in ("jwt_secret", "api_password", "postgres.log", "lock"):
        assert stat.S_IMODE((fresh.data_dir / name).stat().st_mode) == 0o600
    assert stat.S_IMODE(fresh.pgdata.stat().st_mode) == 0o700
    assert not fresh.data_dir.stat().st_mode & 0o007


@pytest.mark.long
def test_a_new_key_ends_no_token_unless_the_old_one_is_discarded(wallet: Pgwallet) -> None:
    def status_after(*command: str) -> int:
        wallet.call(*command)
        service = wallet.start()
        try:
            return service.request("/api/wallet/balance", token=token)[0]
        finally:
            service.stop()

    service = wallet.start()
    token = service.request("/api/auth/signin", ALICE)[1]["data"]["access_token"]
    service.stop()
    assert status_after("rotate-key") == 200
    assert status_after("rotate-key", "--discard") == 401


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_everything(wallet: Pgwallet, number: signal.Signals) -> None:
    service = wallet.start(PGWALLET_WORKERS="2", PGWALLET_RELAY="on")
    workers = service.children("api.server.worker")
    assert len(workers) == 2
    assert service.stop(number) == 0
    assert no_server_left(wallet)
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)
    assert service.request("/api/health/live")[0] == 0
    assert "Traceback" not in service.errors


def test_a_signal_during_the_start_stops_everything(fresh: Pgwallet) -> None:
    process = fresh.spawn("run")
    wait_until(lambda: (fresh.data_dir / "postgres.log").exists())
    process.terminate()
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "Traceback" not in errors
    assert no_server_left(fresh)


def test_a_request_in_flight_is_finished(wallet: Pgwallet) -> None:
    service = wallet.start(PGWALLET_LOCK_TIMEOUT="20")
    token = service.request("/api/auth/signin", ALICE)[1]["data"]["access_token"]
    body = {"txn_id": str(uuid4()), "amount": 1}
    url = wallet.call("url").strip()
    with (
        psycopg.connect(url) as blocker,
        psycopg.connect(url, autocommit=True) as administrator,
        ThreadPoolExecutor(1) as pool,
    ):
        blocker.execute("select from wallet.wallets for update")
        answer = pool.submit(service.request, "/api/wallet/topup", body, token)
        waiting = "select from pg_stat_activity where usename = 'wallet_api' and wait_event_type = 'Lock'"
        wait_until(lambda: administrator.execute(waiting).fetchall())
        os.killpg(service.process.pid, signal.SIGINT)
        wait_until(lambda: service.request("/api/health/live")[0] == 0)
        blocker.rollback()
        assert answer.result()[0] == 201
    assert service.process.wait(30) == 0
    service.stop()


def test_a_second_run_is_refused(wallet: Pgwallet) -> None:
    service = wallet.start()
    line = wallet.refusal("run")
    assert line == f"another pgwallet runs on {wallet.data_dir} (process {service.process.pid})"
    assert service.healthy()


def test_short_commands_use_the_running_server(wallet: Pgwallet) -> None:
    service = wallet.start()
    [server] = service.children("postgres")
    assert wallet.call("verify") == "ok: no violations\n"
    assert wallet.call("psql", "-Atc", "select session_user, current_database()") == "postgres|pgwallet\n"
    address = wallet.call("url").strip()
    assert wallet.call("psql", "-Atc", "select session_user", address) == "postgres\n"
    service_address = wallet.call("url", "--role", "api").strip()
    assert wallet.call("psql", "-Atc", "select session_user", service_address) == "wallet_api\n"
    wallet.call("migrate")
    assert service.children("postgres") == [server]
    assert service.healthy()


def test_a_port_in_use_is_named_before_anything_is_made(fresh: Pgwallet) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = fresh.refusal("run", PORT=str(port))
    assert line == f"port {port} on 127.0.0.1: address already in use; set PORT to another one"
    assert not fresh.pgdata.exists()


def test_a_server_that_cannot_start_shows_its_log(wallet: Pgwallet) -> None:
    control = wallet.pgdata / "global" / "pg_control"
    hidden = control.rename(control.with_name("hidden"))
    try:
        status, _, errors = wallet.attempt("run")
    finally:
        hidden.rename(control)
    assert status == 1
    assert errors.startswith(f"pgwallet: PostgreSQL did not start. The end of {wallet.data_dir / 'postgres.log'}:\n")
    assert "pg_control" in errors
    assert "Traceback" not in errors
