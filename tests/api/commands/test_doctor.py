"""`pgwallet doctor`: what is wrong is found, with what to do."""

import json
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from api.setup import deploy
from tests.api.commands.conftest import Cli
from tests.database import Database

SECRET = {"JWT_SECRET": "a secret of 32 bytes at the least"}


@pytest.fixture
def administrator(module_database: Database) -> Iterator[psycopg.Connection]:
    with module_database.connect() as connection:
        yield connection


def look(cli: Cli, **variables: str) -> dict[tuple[str, str], Any]:
    """What is not ok, by check and outcome. The tests' server is not durable on purpose."""
    status, output, _ = cli.attempt("doctor", "--json", **SECRET, **variables)
    found = json.loads(output)
    assert status == (1 if any(one["outcome"] == "failed" for one in found) else 0)
    return {
        (one["check"], one["outcome"]): one
        for one in found
        if one["outcome"] != "ok" and one["check"] not in ("durability", "backup")
    }


def test_what_is_well(cli: Cli, administrator: psycopg.Connection, tmp_path: Path) -> None:
    administrator.execute("select wallet_record_verification(0, 0.5)")
    tmp_path.chmod(0o700)
    said = "wallet_api has no statement_timeout here"
    assert look(cli)["roles", "failed"]["finding"] == said, "what a database says of roles is not cloned with it"
    administrator.execute((deploy.DB / "roles.sql").read_bytes())
    assert look(cli) == {}
    text = cli.attempt("doctor", **SECRET)[1]
    assert text.splitlines()[0].split() == ["check", "outcome", "finding", "remedy"]
    (line,) = (line for line in text.splitlines() if "fsync is off" in line)
    assert line.split()[:2] == ["durability", "failed"]
    assert line.endswith("  set fsync = on")


def test_a_port_that_is_in_use(cli: Cli) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        found = look(cli, PORT=port)["port", "failed"]
    assert found["finding"] == f"127.0.0.1:{port} cannot be used: Address already in use"
    assert found["remedy"] == "end what listens there, or set PORT to another one"


def test_secrets_that_others_read_and_keys_that_are_short(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "jwt_secret").write_text("short\n")
    (tmp_path / "jwt_secret").chmod(0o644)
    tmp_path.chmod(0o777)
    status, output, _ = cli.attempt("doctor", "--json", JWT_SECRET_FILE=str(tmp_path / "jwt_secret"))
    found = {one["finding"]: one["remedy"] for one in json.loads(output) if one["outcome"] == "failed"}
    assert status == 1
    assert found[f"{tmp_path / 'jwt_secret'} has 5 bytes of 32"] == "run `pgwallet rotate-key --discard`"
    assert found[f"others can write {tmp_path} (mode 777)"] == f"chmod 700 {tmp_path}"
    assert found[f"others can read {tmp_path / 'jwt_secret'} (mode 644)"] == f"chmod 600 {tmp_path / 'jwt_secret'}"


def test_roles_grants_and_sequences(cli: Cli, administrator: psycopg.Connection) -> None:
    sequence = administrator.execute("select pg_get_serial_sequence('wallet.operator_actions', 'id')").fetchone()
    assert sequence is not None
    administrator.execute("select wallet_set_role('alice', 'user')")
    with administrator.transaction(force_rollback=False):
        administrator.execute("grant execute on function wallet_topup to public")
        administrator.execute("revoke execute on function wallet_spend from wallet_api")
        administrator.execute("grant execute on function wallet_receive to wallet_api")
        administrator.execute("grant select on wallet.users to wallet_api")
        administrator.execute("drop function wallet.moment")
        administrator.execute(f"select setval('{sequence[0]}', 1, false)".encode())
    status, output, _ = cli.attempt("doctor", "--json", **SECRET)
    failed = {one["finding"] for one in json.loads(output) if one["outcome"] == "failed"}
    assert status == 1
    assert {
        "anybody may call wallet_topup",
        "wallet_api may not call wallet_spend",
        "wallet_api may call wallet_receive, too",
        "wallet_api reaches tables: users",
        "1 functions are missing, the first: wallet.moment",
    } <= failed
    assert any(finding.startswith(f"{sequence[0]} is at 0, and ") for finding in failed)


def test_a_backup_that_was_noted(cli: Cli, tmp_path: Path) -> None:
    def backup() -> dict[str, Any]:
        found = json.loads(cli.attempt("doctor", "--json", **SECRET)[1])
        (one,) = (one for one in found if one["check"] == "backup")
        return dict(one)

    assert (backup()["outcome"], backup()["finding"]) == ("warning", "none is noted")
    note = tmp_path / "last-backup.json"

    def write(**age: int) -> None:
        at = (datetime.now(UTC) - timedelta(**age)).isoformat()
        note.write_text(json.dumps({"at": at, "file": str(tmp_path / "a.dump")}))

    write(hours=3)
    assert backup()["finding"].endswith("a.dump, of 3 hours ago, is not there any more")
    (tmp_path / "a.dump").touch()
    assert (backup()["outcome"], backup()["finding"]) == ("ok", f"3 hours ago, {tmp_path / 'a.dump'}")
    write(days=8)
    assert (backup()["outcome"], backup()["finding"][:18]) == ("warning", "the last is 8 days")
    for text in (
        "",
        "[]",
        '{"at": "yesterday", "file": "x"}',
        '{"at": "2026-01-01T00:00:00Z"}',
        '{"at": 1, "file": 2}',
    ):
        note.write_text(text)
        assert backup()["finding"].startswith(f"{note} cannot be read: ")


def test_transactions_that_are_left(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ("transaction ids", "warning") not in look(cli)
    monkeypatch.setattr("api.commands.doctor.MOST_TRANSACTIONS", 1)
    assert "vacuum (freeze)" in look(cli)["transaction ids", "warning"]["remedy"]


def test_a_ledger_that_was_found_unsound(cli: Cli, administrator: psycopg.Connection) -> None:
    administrator.execute("select wallet_record_verification(3, 0.5)")
    assert look(cli)["verification", "failed"]["finding"] == "the last found 3 violations"
    administrator.execute("select wallet_record_verification(0, 0.5)")


def test_a_database_that_is_away_or_has_no_wallets(cli: Cli, module_database: Database) -> None:
    away = look(cli, DATABASE_URL="postgresql://postgres:secret@127.0.0.1:1/x")["database", "failed"]
    assert away["finding"].startswith("no answer from the PostgreSQL server at postgresql://postgres@127.0.0.1:1/x")
    postgres = module_database.server.database("postgres").url
    remedy = look(cli, DATABASE_URL=postgres)["database", "failed"]["remedy"]
    assert remedy == "run `pgwallet migrate`, or set DATABASE_URL as the service has it"


def test_nothing_is_made_where_nothing_is_yet(cli: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "fresh"
    status, output, _ = cli.attempt("doctor", "--json", DATABASE_URL="", PGWALLET_DATA_DIR=str(folder))
    assert status == 0
    assert any(one["finding"].startswith("there is none yet in ") for one in json.loads(output))
    assert not folder.exists()
