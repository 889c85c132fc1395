"""The short commands, and what is said when one cannot do its work: one line, no traceback."""

import os
from pathlib import Path

import pytest

from api.postgres.embedded import LOG_LIMIT
from tests.command import Pgwallet, no_server_left
from tests.database import SERVICE_PASSWORD, Database

NOBODY_LISTENS = "postgresql://postgres:secret@127.0.0.1:1/x"


def test_commands_start_the_server_for_themselves_and_stop_it(wallet: Pgwallet) -> None:
    assert wallet.call("verify") == "ok: no violations\n"
    assert no_server_left(wallet)
    assert wallet.call("psql", "-Atc", "select count(*) from wallet.users where username = 'alice'") == "1\n"
    wallet.call("seed")
    assert no_server_left(wallet)


def test_two_commands_at_once_wait_for_one_another(wallet: Pgwallet) -> None:
    processes = [wallet.spawn("psql", "-Atc", "select pg_sleep(0.5)") for _ in range(3)]
    errors = [process.communicate(timeout=60)[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * 3, errors


def test_a_long_log_makes_room(wallet: Pgwallet) -> None:
    log = wallet.data_dir / "postgres.log"
    os.truncate(log, LOG_LIMIT + 1)
    wallet.call("psql", "-c", "select 1")
    assert log.stat().st_size < LOG_LIMIT
    log.with_name("postgres.log.1").unlink()


def test_psql_passes_its_exit_status_on(wallet: Pgwallet) -> None:
    status, _, errors = wallet.attempt("psql", "-v", "ON_ERROR_STOP=1", "-c", "select 1/0", "-f", "/nonexistent")
    assert status == 1
    assert "division by zero" in errors
    assert wallet.attempt("psql", "-f", "/nonexistent")[0] == 1


def test_verify_reports_what_is_wrong(database: Database, wallet: Pgwallet) -> None:
    with database.connect() as administrator:
        administrator.execute("alter table wallet.ledger disable trigger all")
        administrator.execute("update wallet.ledger set amount = amount + 1 where balance_after is not null")
    status, output, errors = wallet.attempt("verify", DATABASE_URL=database.url)
    assert status == 1
    assert output.startswith("violation=")
    assert errors.startswith(f"pgwallet: {len(output.splitlines())} violations, the first: running_balance in wallet ")


def test_verify_is_recorded_but_not_on_a_standby(database: Database, wallet: Pgwallet) -> None:
    read_only = f"{database.url}&options=-c%20default_transaction_read_only%3Don"
    status, output, errors = wallet.attempt("verify", DATABASE_URL=read_only)
    assert (status, output) == (0, "ok: no violations\n")
    assert errors.startswith("pgwallet: this run is not on record: cannot execute ")
    with database.connect() as administrator:
        recorded = "select violations, seconds > 0 from wallet.verifications order by id"
        assert administrator.execute(recorded).fetchall() == []
        wallet.call("verify", DATABASE_URL=database.url)
        administrator.execute("alter table wallet.ledger disable trigger all")
        administrator.execute("update wallet.ledger set amount = amount + 1 where balance_after is not null")
        _, output, _ = wallet.attempt("verify", DATABASE_URL=database.url)
        found = len(output.splitlines())
        assert administrator.execute(recorded).fetchall() == [(0, True), (found, True)]


def test_verify_shows_warnings_and_does_not_count_them(database: Database, wallet: Pgwallet) -> None:
    with database.connect() as administrator:
        administrator.execute("select wallet_erase_user(user_id, 'a test') from wallet_credentials('bob')")
        administrator.execute(
            "alter table wallet.reserved_names disable trigger all; delete from wallet.reserved_names"
        )
        status, output, errors = wallet.attempt("verify", DATABASE_URL=database.url)
        assert (status, errors) == (0, "")
        warning, summary = output.splitlines()
        assert warning.startswith("violation=warning: name  detail=user ")
        assert summary == "ok: no violations, 1 warnings"
        noted = administrator.execute("select violations from wallet.verifications").fetchall()
        assert noted == [(0,)]


def test_url_needs_a_running_server(wallet: Pgwallet) -> None:
    assert wallet.refusal("url") == f"no server runs on {wallet.data_dir}: start one with `pgwallet run`"


def test_verify_before_migrate_says_what_to_do(fresh: Pgwallet) -> None:
    assert fresh.refusal("verify") == (
        f"no wallets yet in the data dir {fresh.data_dir}: run `pgwallet migrate`,"
        " or set PGWALLET_DATA_DIR as the service has it"
    )


@pytest.mark.parametrize("command", ["status", "psql", "seed", "sweep"])
def test_a_mistyped_data_dir_does_not_become_a_database(fresh: Pgwallet, command: str) -> None:
    assert fresh.attempt(command)[0] != 0
    assert not fresh.pgdata.exists()


def test_a_data_dir_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path, reason in (
        (tmp_path / "file", "is not a folder"),
        (tmp_path / "file" / "data", "cannot be made: Not a directory;"),
    ):
        line = Pgwallet(path).refusal("run")
        assert line.startswith(f"the data dir {path} {reason}")


def test_a_data_dir_that_everybody_can_write(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    line = Pgwallet(tmp_path).refusal("run")
    assert line == f"the data dir {tmp_path} can be written by every user: choose a folder of its own"


def test_a_database_of_another_version(tmp_path: Path) -> None:
    pgdata = tmp_path / "postgres"
    pgdata.mkdir(0o700)
    (pgdata / "PG_VERSION").write_text("17\n")
    line = Pgwallet(tmp_path).refusal("run")
    assert line == f"{pgdata} was made by PostgreSQL 17; this is 18: run `pgwallet upgrade`"


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"PORT": "x"}, "PORT must be a whole number from 0 to 65535, not 'x'"),
        ({"JWT_SECRET": "short"}, "JWT_SECRET must be at least 32 bytes long"),
        (
            {"DATABASE_URL": NOBODY_LISTENS},
            "JWT_SECRET (at least 32 bytes) or JWT_SECRET_FILE must be set for this server",
        ),
        (
            {"PGWALLET_API_URL": NOBODY_LISTENS},
            "PGWALLET_API_URL is set, DATABASE_URL is not: set both, or use `pgwallet serve`",
        ),
        (
            {"DATABASE_URL": NOBODY_LISTENS, "JWT_SECRET": "x" * 32},
            "no answer from the PostgreSQL server at postgresql://postgres@127.0.0.1:1/x: ",
        ),
    ],
)
def test_run_names_the_setting_at_fault(fresh: Pgwallet, variables: dict[str, str], said: str) -> None:
    line = fresh.refusal("run", **variables)
    assert line.startswith(said)
    assert "secret@" not in line


def test_serve_needs_an_address_and_a_secret(fresh: Pgwallet) -> None:
    assert fresh.refusal("serve").startswith("PGWALLET_API_URL must be set")
    line = fresh.refusal("serve", PGWALLET_API_URL=NOBODY_LISTENS)
    assert line.startswith("JWT_SECRET (at least 32 bytes) or JWT_SECRET_FILE must be set")


def test_a_foreign_server_is_set_up_and_served(database: Database, fresh: Pgwallet) -> None:
    settings = {"DATABASE_URL": database.url, "JWT_SECRET": "x" * 32, "PGWALLET_API_PASSWORD": SERVICE_PASSWORD}
    service = fresh.start(**settings)
    body = {"username": "somebody", "password": "password123"}
    assert service.request("/api/auth/signup", body)[0] == 201
    assert service.stop() == 0
    assert not (fresh.data_dir / "postgres").exists()
    assert fresh.call("url", **settings).strip() == database.url


def test_serve_only_serves(database: Database, fresh: Pgwallet) -> None:
    secret = fresh.data_dir / "secret"
    service = fresh.start("serve", PGWALLET_API_URL=database.api_url, JWT_SECRET_FILE=str(secret))
    body = {"username": "somebody", "password": "password123"}
    assert service.request("/api/auth/signup", body)[0] == 201
    assert service.stop() == 0
    assert list(fresh.data_dir.iterdir()) == [secret]
