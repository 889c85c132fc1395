"""`pgwallet webhooks`: the administrator's webhooks on the command line."""

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import standardwebhooks

from api.events.cursors import Cursor
from tests.api.commands.conftest import Cli
from tests.api.receiver import Receiver
from tests.database import Database

KEY = {"PGWALLET_WEBHOOK_KEY": "the key that encrypts the secrets of webhooks"}


@pytest.fixture
def command(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """The command line on a database of the test's own."""
    monkeypatch.chdir(tmp_path)
    settings = {**KEY, "DATABASE_URL": database.url, "PGWALLET_DATA_DIR": str(tmp_path)}
    return Cli(**settings, PGWALLET_WEBHOOK_NETWORKS="127.0.0.0/8")


def told(command: Cli, *arguments: str) -> Any:
    return json.loads(command.call("webhooks", *arguments, "--json"))


def test_a_webhook_from_its_making_to_its_end(command: Cli, database: Database, receiver: Receiver) -> None:
    options = ("--type", "transaction.topup", "--type", "hold.opened", "--asset", "UC", "--batch-size", "7")
    made = told(command, "create", receiver.url, "--description", "receipts", *options, "--after", "beginning")
    secret = made.pop("secret")
    assert (made["url"], made["types"], made["batch_size"]) == (receiver.url, ["hold.opened", "transaction.topup"], 7)
    assert (made["position"], made["actor"]) == (0, None)
    webhook = made["id"]
    assert told(command, "show", webhook) == made
    assert told(command, "list") == [made]

    sent = told(command, "test", webhook)
    assert (sent["delivered"], sent["status"], sent["answer"]) == (True, 200, "thanks")
    headers, body = receiver.taken.pop()
    standardwebhooks.Webhook(secret).verify(body, headers)

    assert told(command, "pause", webhook, "--reason", "it moves")["pause_reason"] == "it moves"
    assert told(command, "resume", webhook)["status"] == "active"
    changed = told(command, "change", webhook, receiver.url)
    assert (changed["description"], changed["types"], changed["batch_size"]) == (None, None, 1)
    another = told(command, "secret", webhook)
    assert another["secret"] != secret
    assert told(command, "test", webhook)["delivered"]
    headers, body = receiver.taken.pop()
    for one in (secret, another["secret"]):
        standardwebhooks.Webhook(one).verify(body, headers)

    with database.connect() as administrator:
        administrator.execute("update wallet.webhooks set position = 5")
        administrator.execute(
            "insert into wallet.webhook_dead_letters (webhook_id, event_id, attempts, first_at, last_at)"
            " select id, n, 20, '2026-01-01', '2026-01-04' from wallet.webhooks, generate_series(1, 3) n"
        )
        administrator.execute(
            "insert into wallet.webhook_deliveries"
            " (webhook_id, first_event_id, last_event_id, events, attempt, outcome, milliseconds)"
            " select id, n, n, 1, 1, 'failed', 1 from wallet.webhooks, generate_series(1, 3) n"
        )
        row = administrator.execute("select epoch from wallet_event_mark()").fetchone()
    assert row is not None
    assert [one["event_id"] for one in told(command, "dead-letters", webhook, "--limit", "2")] == [3, 2]
    assert [one["event_id"] for one in told(command, "dead-letters", webhook, "--before", "2")] == [1]
    assert [one["first_event_id"] for one in told(command, "deliveries", webhook)] == [3, 2, 1]
    assert told(command, "retry", webhook, "2", "9") == {"retried": 1}
    assert told(command, "retry", webhook, "--all") == {"retried": 2}
    assert told(command, "replay", webhook, "--after", "4")["position"] == 4
    assert told(command, "replay", webhook, "--after", str(Cursor(row[0], 3)))["position"] == 3

    line = command.call("webhooks", "list")
    assert line.startswith(f"id={webhook}  url={receiver.url}  batch_size=1  status=active  position=3  behind=")
    assert secret not in command.call("webhooks", "list") + command.call("webhooks", "delete", webhook)
    assert told(command, "list") == []


def test_what_fails_is_said_in_a_line(command: Cli, receiver: Receiver) -> None:
    webhook = told(command, "create", receiver.url)["id"]
    receiver.status = 500
    status, output, errors = command.attempt("webhooks", "test", webhook)
    assert (status, errors) == (1, "pgwallet: the receiver did not take it\n")
    assert "delivered=False  status=500" in output
    receiver.body = "\x1b[2J\x9b1A\u202e\n".encode()
    assert "answer=?[2J?1A??\n" in command.attempt("webhooks", "test", webhook)[1]
    output = command.attempt("webhooks", "test", webhook, "--json")[1]
    assert "\\u001b[2J\\u009b1A\\u202e" in output
    assert json.loads(output)["answer"] == receiver.body.decode()
    assert "body" not in json.loads(output)
    assert command.refusal("webhooks", "create", "ftp://a").startswith("url must begin with https://")
    assert command.refusal("webhooks", "create", "https://a", "--type", "gift").startswith("types must be names")
    assert command.refusal("webhooks", "create", "https://a", "--asset", "XYZ").startswith("unknown asset")
    assert command.refusal("webhooks", "show", str(uuid4())).startswith("unknown webhook: ")
    assert command.refusal("webhooks", "replay", webhook, "--after", "9000000000000000000").startswith("after must not")
    assert "PGWALLET_WEBHOOK_KEY" in command.refusal("webhooks", "create", "https://a", PGWALLET_WEBHOOK_KEY="")
    for wrong in (
        ["show", "x"],
        ["replay", webhook, "--after", "-"],
        ["retry", webhook],
        ["retry", webhook, "1", "--all"],
    ):
        assert command.attempt("webhooks", *wrong)[0] == 2
