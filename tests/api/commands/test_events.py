"""`pgwallet events`: what happened, for pipes."""

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from typing import Any

from tests.command import Pgwallet, Service, wait_until


def lines(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]


def sign_up(service: Service, username: str) -> None:
    assert service.request("/api/auth/signup", {"username": username, "password": "password123"})[0] == 201


def test_events_come_once_and_in_order(wallet: Pgwallet) -> None:
    everything = lines(wallet.call("events", "--json"))
    ids = [int(event["id"]) for event in everything]
    assert len(ids) > 3
    assert ids == sorted(set(ids))
    rest = lines(wallet.call("events", "--json", "--after", str(ids[1])))
    assert rest == everything[2:]
    assert lines(wallet.call("events", "--json", "--limit", "2")) == everything[:2]
    assert wallet.call("events", "--after", "latest") == ""
    bonus = wallet.call("events", "--type", "transaction.bonus", "--type", "user.erased", "--limit", "1").split("  ")
    event = next(event for event in everything if event["type"] == "pgwallet.transaction.bonus")
    assert [part.strip() for part in bonus] == [
        *(event["id"], event["time"], "transaction.bonus", event["subject"]),
        f"{event['data']['amount']} UC",
    ]
    of_one = lines(wallet.call("events", "--json", "--wallet", event["subject"]))
    assert {one["subject"] for one in of_one} == {event["subject"]}


def test_what_cannot_be_read_is_refused_in_one_line(wallet: Pgwallet) -> None:
    assert wallet.refusal("events", "--after", "soon") == (
        "--after takes the number of an event, a cursor, or latest, not 'soon'"
    )
    assert wallet.refusal("events", "--type", "transaction.unheard").startswith(
        "types must be names of events, like transaction.topup: one of transaction.bonus, "
    )
    stale = "ASkYM2QAAAAAAAAAKg"
    assert wallet.refusal("events", "--after", stale) == (
        "the history of this database has changed: events that were read are gone. Read on with --after 0"
    )


def test_a_reader_that_has_enough_ends_it_quietly(wallet: Pgwallet) -> None:
    with wallet.spawn("events", "--json") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert (process.wait(60), process.stderr.read()) == (128 + signal.SIGPIPE, "")


@contextlib.contextmanager
def following(wallet: Pgwallet, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """What follows has no end: it ends with the test, also with one that fails."""
    with wallet.spawn("events", "--follow", *arguments) as process:
        try:
            yield process
        finally:
            process.kill()


def test_who_follows_misses_nothing_when_the_database_restarts(wallet: Pgwallet) -> None:
    service = wallet.start()
    newest = lines(wallet.call("events", "--json"))[-1]["id"]
    with following(wallet, "--after", newest, "--type", "user.signed_up", "--json") as process:
        assert process.stdout is not None
        sign_up(service, "carl")
        seen = [json.loads(process.stdout.readline())]
        [postgres] = service.children("postgres")
        os.kill(postgres, signal.SIGQUIT)
        wait_until(lambda: service.children("postgres") not in ([], [postgres]))
        wait_until(service.healthy)
        for username in ("dora", "emil"):
            sign_up(service, username)
        seen += [json.loads(process.stdout.readline()) for _ in range(2)]
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 128 + signal.SIGINT
        assert process.stdout.read() == ""
        assert process.stderr is not None
        told = process.stderr.read().splitlines()
    ids = [int(event["id"]) for event in seen]
    assert ids == sorted(set(ids))
    assert {event["type"] for event in seen} == {"pgwallet.user.signed_up"}
    assert [line.partition(": ")[2].partition(":")[0] for line in told] == [
        "the database is away",
        "the database is back",
    ]


def test_a_terminal_shows_each_event_as_it_comes(wallet: Pgwallet) -> None:
    """Nothing waits in a buffer of the command for more."""
    service = wallet.start()
    newest = lines(wallet.call("events", "--json"))[-1]["id"]
    with following(wallet, "--after", newest, "--type", "wallet.opened") as process:
        assert process.stdout is not None
        sign_up(service, "fritz")
        assert "  wallet.opened  " in process.stdout.readline()
        process.terminate()
        assert process.wait(30) == 128 + signal.SIGTERM
        assert process.stderr is not None
        assert process.stderr.read() == ""
