"""`pgwallet status`: one screen, and the same for programs."""

import asyncio
import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from api.commands.status import lines
from api.setup.status import status
from tests.api.commands.conftest import Cli
from tests.api.receiver import Receiver
from tests.api.service import serve
from tests.database import Database

METRICS_TOKEN = "the token of the metrics of the tests"
WEBHOOK = """
    select id from wallet_create_webhook(
      %s, 'https://example.com/a-secret-path', 'receipts', '{transaction.topup}', null, null, 1, null, 0
    )
"""
TOPUP = "select id from wallet_topup((select wallet_id from wallet_credentials('alice')), gen_random_uuid(), 1)"


@pytest.fixture
def command(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    monkeypatch.chdir(tmp_path)
    return Cli(DATABASE_URL=database.url, PGWALLET_DATA_DIR=str(tmp_path))


def look(command: Cli) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(command.call("status", "--json"))
    return found


def screen(command: Cli) -> dict[str, str]:
    lines = command.call("status").splitlines()
    return {line[:13].strip(): line[14:] for line in lines}


def test_a_new_database(command: Cli, administrator: psycopg.Connection) -> None:
    found = look(command)
    source = administrator.execute("select 'urn:uuid:' || source_id from wallet.installation").fetchone()
    assert (found["installation"],) == source
    assert found["database"]["takes_writes"] is True
    assert found["database"]["role"] == "primary"
    assert found["database"]["postgres"].startswith("18")
    assert found["events"]["epoch"] is None
    assert (found["webhooks"], found["verification"], found["open_holds"]) == ([], None, 0)
    shown = screen(command)
    names = ["version", "service", "database", "installation", "events", "webhooks", "verification", "open holds"]
    assert list(shown) == names
    assert shown["service"].startswith("not running on http://127.0.0.1:1: ")
    assert shown["events"].endswith("nobody has read any")
    assert (shown["webhooks"], shown["verification"], shown["open holds"]) == ("none", "never", "0")


def test_what_was_read_delivered_and_verified(command: Cli, administrator: psycopg.Connection) -> None:
    webhook = uuid4()
    administrator.execute("select wallet_event_mark()")
    administrator.execute(WEBHOOK, [webhook])
    (first,) = administrator.execute(TOPUP).fetchone() or (0,)
    (second,) = administrator.execute(TOPUP).fetchone() or (0,)
    administrator.execute("update wallet.webhooks set position = %s", [first])
    administrator.execute("insert into wallet.webhook_backlog values (%s, %s)", [webhook, first])
    administrator.execute(
        "insert into wallet.webhook_dead_letters values (%s, 1, 5, now(), now(), 500, null)", [webhook]
    )
    administrator.execute("select wallet_record_verification(0, 0.5)")
    administrator.execute(
        "select wallet_hold((select wallet_id from wallet_credentials('alice')), gen_random_uuid(), 1, 600)"
    )
    found = look(command)
    assert found["events"]["newest"] == second + 1
    assert found["events"]["epoch"] == 1
    (one,) = found["webhooks"]
    assert (one["id"], one["status"]) == (str(webhook), "active")
    assert (one["behind"], one["backlog"], one["dead_letters"]) == (1, 1, 1)
    assert one["oldest_seconds"] > 0
    assert "secret" not in command.call("status") + json.dumps(found), "addresses of receivers can hold secrets"
    assert found["verification"]["violations"] == 0
    assert found["open_holds"] == 1
    shown = screen(command)
    assert shown["webhook"].startswith(f"{webhook} receipts: active, 1 behind, 1 in the backlog, the oldest waits for ")
    assert shown["verification"].startswith("no violations, ")


def test_the_service_that_runs_here(command: Cli, database: Database, tmp_path: Path) -> None:
    with serve(database.api_url, tmp_path, PGWALLET_METRICS_TOKEN=METRICS_TOKEN) as running:
        host, _, port = running.url.removeprefix("http://").partition(":")
        here = {"PORT": port, "PGWALLET_HOST": host}
        without = json.loads(command.call("status", "--json", **here))["service"]
        assert (without["health"], without["measured"]) == ("healthy", None)
        assert "PGWALLET_METRICS_TOKEN is not set here" in without["reason"]
        wrong = json.loads(command.call("status", "--json", **here, PGWALLET_METRICS_TOKEN="x" * 32))["service"]
        assert wrong["reason"].startswith("no rates, no queue: /metrics answers 401")
        with_token = {**here, "PGWALLET_METRICS_TOKEN": METRICS_TOKEN}
        measured = json.loads(command.call("status", "--json", **with_token))["service"]["measured"]
        assert (measured["workers"], measured["waiting"]["mutations"]) == (1, 0)
        assert measured["rates"].keys() == {"requests", "refusals", "transactions"}
        text = command.call("status", **with_token)
        assert f"service       healthy on {running.url}, version " in text
        assert "queue         0 requests wait; connections: " in text


def test_what_answers_there_and_is_no_service(command: Cli, receiver: Receiver) -> None:
    port = receiver.url.rpartition(":")[2].strip("/").partition("/")[0]
    found = json.loads(command.call("status", "--json", PORT=port))["service"]
    assert (found["health"], found["reason"].startswith("something else answers there")) == (None, True)


def test_who_holds_events_back(command: Cli, database: Database) -> None:
    with database.connect() as busy:
        busy.execute("set application_name = 'a report'")
        busy.execute("begin")
        busy.execute("select pg_current_xact_id()")
        assert look(command)["events"]["held_back_by"] == [], "not for long"
        found = asyncio.run(status(database.url, 0.0))
        (holder,) = found.events.held_back_by
        assert (holder.pid, holder.gid) == (busy.info.backend_pid, None)
        holder.seconds = 300
        (line,) = (value for name, value in lines(found) if name == "held back")
        who = f"a report, login postgres, database {database.name}, idle in transaction"
        assert line == f"by pid {busy.info.backend_pid} for 5 minutes: {who}"
        busy.execute("rollback")
        assert asyncio.run(status(database.url, 0.0)).events.held_back_by == []


def test_one_who_may_not_see_when_transactions_began(command: Cli, database: Database) -> None:
    with database.server.role("modest") as modest, database.connect() as administrator, database.connect() as busy:
        administrator.execute("create role modest login password 'modest' in role wallet_owner")
        administrator.execute(f"grant connect on database {database.name} to modest".encode())
        administrator.execute("grant select on public.pgwallet_migrations to modest")
        busy.execute("begin")
        busy.execute("select pg_current_xact_id()")
        own = database.url.replace("://postgres@", f"://{modest}:modest@")
        assert json.loads(command.call("status", "--json", DATABASE_URL=own))["events"]["unseen"] == 1
        assert "modest may not see since when" in command.call("status", DATABASE_URL=own)
        administrator.execute(f"drop owned by {modest}".encode())


def test_a_database_that_takes_no_writes(command: Cli, database: Database) -> None:
    read_only = f"{database.url}&options=-c%20default_transaction_read_only%3Don"
    assert json.loads(command.call("status", "--json", DATABASE_URL=read_only))["database"]["takes_writes"] is False
    assert "takes no writes" in command.call("status", DATABASE_URL=read_only)


def test_what_others_named_writes_nothing_to_the_terminal(command: Cli, administrator: psycopg.Connection) -> None:
    administrator.execute(WEBHOOK.replace("'receipts'", "E'red\\x1b[31m'").encode(), [uuid4()])
    assert "\x1b" not in command.call("status")


def test_a_database_without_wallets(command: Cli, database: Database) -> None:
    postgres = database.server.database("postgres").url
    assert command.refusal("status", DATABASE_URL=postgres).startswith("no wallets yet in ")
