"""Users that the administrator makes, and what the administrator tells of them."""

import asyncio
import json
import os
import pty
import subprocess
from uuid import uuid4

import pytest

from api.commands.user import export
from api.urls import with_login
from tests.api.commands.conftest import Cli
from tests.command import COMMAND, Pgwallet
from tests.database import Database, PostgresServer


@pytest.fixture
def name() -> str:
    return f"Operator-{uuid4().hex[:8]}"


def role(wallet: Pgwallet, name: str) -> str:
    query = f"select role from wallet.users where username = '{name.lower()}'"
    return wallet.call("psql", "-Atc", query).strip()


def test_an_operator_is_made_and_can_sign_in(wallet: Pgwallet, name: str) -> None:
    made = wallet.call("user", "create", name, "--role", "operator", PGWALLET_USER_PASSWORD="correct horse")
    assert made == f"made operator {name.lower()}\n"
    assert role(wallet, name) == "operator"
    service = wallet.start()
    status, body = service.request("/api/auth/signin", {"username": name, "password": "correct horse"})
    assert status == 200, body


def test_the_password_comes_from_standard_input(wallet: Pgwallet, name: str) -> None:
    result = subprocess.run(
        [*COMMAND, "user", "create", name], env=wallet.environment, input="correct horse\n", capture_output=True,
        text=True, check=True, timeout=30,
    )  # fmt: skip
    assert result.stdout == f"made user {name.lower()}\n"
    assert role(wallet, name) == "user"


def test_the_password_is_asked_for_twice_on_a_terminal(wallet: Pgwallet, name: str) -> None:
    near, far = pty.openpty()
    with subprocess.Popen(
        [*COMMAND, "user", "create", name], env=wallet.environment, stdin=far, stdout=subprocess.PIPE, stderr=far,
        start_new_session=True,
    ) as process:  # fmt: skip
        os.close(far)
        shown = b""
        for prompt in (b"Password: ", b"confirmation: "):
            while not shown.endswith(prompt):
                shown += os.read(near, 1024)
            os.write(near, b"correct horse\n")
        output, _ = process.communicate(timeout=30)
    os.close(near)
    assert output == f"made user {name.lower()}\n".encode()
    assert b"horse" not in shown


def test_what_is_refused(cli: Cli, module_database: Database, name: str) -> None:
    def refusal(wanted: str, password: str) -> str:
        return cli.refusal("user", "create", wanted, "--role", "operator", PGWALLET_USER_PASSWORD=password)

    assert refusal("alice", "correct horse") == "user alice was not made: username already taken"
    assert refusal("x", "correct horse") == ("user x was not made: username must be 3 to 64 of a-z, 0-9, _, . and -")
    for wrong in ("short", "", "x" * 73, "not UTF-8: \udcff"):
        assert refusal(name, wrong) == "a password has 8 to 72 bytes in UTF-8"
    with module_database.connect() as administrator:
        found = "select username, role::text from wallet.users where username in ('alice', %s)"
        assert administrator.execute(found, [name.lower()]).fetchall() == [("alice", "user")]


def test_before_migrate(fresh: Pgwallet, name: str) -> None:
    line = fresh.refusal("user", "create", name, PGWALLET_USER_PASSWORD="correct horse")
    assert line.startswith(f"no wallets yet in the data dir {fresh.data_dir}: run `pgwallet migrate`, or set")


def test_an_address_without_wallets_is_named(fresh: Pgwallet, postgres_server: PostgresServer, name: str) -> None:
    elsewhere = with_login(postgres_server.database("postgres").url, "postgres", "secret")
    line = fresh.refusal("user", "export", name, DATABASE_URL=elsewhere)
    assert line.endswith("run `pgwallet migrate`, or set DATABASE_URL as the service has it")
    assert "/postgres" in line
    assert "secret" not in line


def test_an_export_is_one_json_object(cli: Cli, name: str) -> None:
    cli.call("user", "create", name, PGWALLET_USER_PASSWORD="correct horse")
    exported = json.loads(cli.call("user", "export", name.upper()))
    assert exported["user"]["username"] == name.lower()
    assert "password_hash" not in exported["user"]
    (one,) = exported["wallets"]
    assert [(item["wallet_id"], item["type"], item["amount"]) for item in exported["transactions"]] == [
        (one["id"], "bonus", 1000)
    ]
    assert [item["action"] for item in exported["operator_actions"]] == ["role", "export"]
    assert exported["holds"] == exported["password_resets"] == []


def test_an_export_that_is_cut_off_is_on_record(database: Database) -> None:
    def closed(piece: str) -> None:
        raise EOFError(piece)

    with pytest.raises(EOFError):
        asyncio.run(export(database.url, "alice", closed))
    with database.connect() as administrator:
        noted = administrator.execute("select username, action from wallet_audit()").fetchall()
    assert noted == [("alice", "export")]


def test_an_export_of_nobody(cli: Cli, name: str) -> None:
    assert cli.attempt("user", "export", name) == (1, "", f"pgwallet: there is no user {name}\n")
