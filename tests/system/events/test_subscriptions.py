"""The judge of a long run finds what must not be: it is shown deliveries that do not agree with the tables."""

import copy
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg.rows import DictRow

from tests.database import Database
from tests.system.events.followers import Follower, connect
from tests.system.events.subscriptions import BATCHES, SINGLE, Subscription

Notes = list[dict[str, Any]]
ALL = Subscription("all")


@pytest.fixture
def connection(database: Database) -> Iterator[psycopg.Connection[DictRow]]:
    with connect(database) as found:
        yield found


@pytest.fixture
def notes(database: Database, connection: psycopg.Connection[DictRow]) -> Notes:
    """What a receiver notes to which everything is delivered, with one event twice."""
    query = "select wallet_id from wallet_register(%s, 'hash')"
    wallets = [row["wallet_id"] for name in ("ann", "ben") for row in connection.execute(query, [name])]
    connection.execute("select from wallet_topup(%s, %s, 10)", [wallets[0], uuid4()])
    connection.execute("select from wallet_transfer(%s, %s, 10, %s)", [wallets[0], uuid4(), wallets[1]])
    connection.execute("select from wallet_spend(%s, %s, 10)", [wallets[1], uuid4()])
    follower = Follower(database)
    follower.follow()
    follower.follow()
    follower.close()
    notes = [noted(row["event"]) for row in follower.rows]
    return [*notes, notes[-2]]


def noted(*events: dict[str, Any], **values: object) -> dict[str, Any]:
    note = {"webhook": "all", "id": events[0]["id"], "content_type": SINGLE, "events": list(events), "wrong": None}
    return copy.deepcopy({**note, **values})


def judged(connection: psycopg.Connection[DictRow], notes: Notes, subscription: Subscription = ALL) -> set[str]:
    return {one.split(": ")[1].split(", ")[0] for one in subscription.findings(connection, notes)}


def test_nothing_is_found_where_all_agrees(connection: psycopg.Connection[DictRow], notes: Notes) -> None:
    assert judged(connection, notes) == set()


def test_nothing_is_found_in_batches_and_with_filters(connection: psycopg.Connection[DictRow], notes: Notes) -> None:
    events = [note["events"][0] for note in notes[:-1]]
    span = f"{events[0]['id']}-{events[-1]['id']}"
    batch = noted(*events, id=span, content_type=BATCHES)
    assert judged(connection, [batch], Subscription("all", batch_size=100)) == set()
    mine = [note for note in notes if note["events"][0]["type"] == "pgwallet.transaction.spend"]
    assert judged(connection, mine, Subscription("all", types=["transaction.spend"])) == set()


def later_first(notes: Notes) -> None:
    """The transfer comes after the spend of the other wallet."""
    notes[-3], notes[-2] = notes[-2], notes[-3]


def bigger(notes: Notes) -> None:
    notes[-3]["events"][0]["data"]["entries"][0]["amount"] -= 1


def another(notes: Notes) -> None:
    notes.append(noted({**notes[-1]["events"][0], "id": "999999"}))


def unlike(notes: Notes) -> None:
    notes[-2]["events"][0]["type"] = "pgwallet.transaction.topup"


TAMPERED: dict[str, tuple[Callable[[Notes], object], str]] = {
    "one that never came": (lambda notes: notes.pop(2), "never delivered"),
    "one that does not exist": (another, "delivered"),
    "another type": (unlike, "of another type"),
    "the later one first": (later_first, "out of order"),
    "another amount": (bigger, "sums of entries"),
    "a wrong signature": (lambda notes: notes[0].update(wrong="no match"), "not signed as it should be"),
    "another id in front": (lambda notes: notes[0].update(id="1000"), "another header"),
    "two in one": (lambda notes: notes[0]["events"].append(notes[1]["events"][0]), "not a batch of its size in order"),
}


@pytest.mark.parametrize("case", TAMPERED)
def test_what_must_not_be_is_found(connection: psycopg.Connection[DictRow], notes: Notes, case: str) -> None:
    tamper, finding = TAMPERED[case]
    tamper(notes)
    assert finding in judged(connection, notes)
