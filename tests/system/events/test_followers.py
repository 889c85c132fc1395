"""Sixteen writers that dawdle and roll back, and readers beside them: nothing is lost or comes twice, all in order."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest

from tests.database import Database
from tests.system.events.followers import Follower, Poller, connect, ledger, moved, on_record
from tests.system.events.writers import Writer

WRITERS = 16
TRANSACTIONS = 25
DELAY = 0.03
TYPES = ["transaction.transfer", "hold.opened", "hold.expired", "user.signed_up"]


class Loaded:
    """What was followed during the load, by name, and a session to look at what was written."""

    def __init__(self, database: Database) -> None:
        self.connection = connect(database)
        people = [self.register(f"person-{number}") for number in range(8)]
        users = [person["user_id"] for person in people[:2]]
        self.wallets = [person["wallet_id"] for person in people]
        self.user, self.wallet = people[0]["user_id"], people[0]["wallet_id"]
        (row,) = self.connection.execute("select wallet.system_wallet_id('UC', 'topup') as id")
        self.followers = {
            "all": Follower(database),
            "large pages": Follower(database, limit=1000),
            "types": Follower(database, "wallet_events({page}, p_types => %(types)s)", types=TYPES),
            "wallet": Follower(database, "wallet_events({page}, p_wallet_id => %(wallet)s)", wallet=self.wallet),
            "system wallet": Follower(database, "wallet_events({page}, p_wallet_id => %(wallet)s)", wallet=row["id"]),
            "user": Follower(database, "wallet_user_events({page}, p_user_id => %(user)s)", user=self.user),
            "feed": Follower(database, "wallet_event_feed({page}, p_listening => %(users)s)", users=users),
        }
        self.poller = Poller(database)

    def register(self, name: str) -> dict[str, Any]:
        (row,) = self.connection.execute("select user_id, wallet_id from wallet_register(%s, 'hash')", [name])
        return row

    def load(self, database: Database) -> None:
        """Write and follow at once; at the end everybody follows once more."""
        readers: list[Follower | Poller] = [*self.followers.values(), self.poller]
        with ThreadPoolExecutor(WRITERS + len(readers)) as pool:
            writing = [pool.submit(self._write, database, number) for number in range(WRITERS)]
            reading = [pool.submit(self._read, reader, writing) for reader in readers]
            for task in writing + reading:
                task.result()

    def _write(self, database: Database, number: int) -> None:
        with connect(database) as connection:
            writer = Writer(connection, self.wallets, number, DELAY)
            for _ in range(TRANSACTIONS):
                writer.transact()

    def _read(self, reader: Follower | Poller, writing: list[Future[None]]) -> None:
        while not all(task.done() for task in writing):
            reader.follow()
        reader.follow()


@pytest.fixture(scope="module")
def loaded(module_database: Database) -> Iterator[Loaded]:
    with ExitStack() as stack:
        found = Loaded(module_database)
        stack.callback(found.connection.close)
        stack.callback(found.poller.close)
        for follower in found.followers.values():
            stack.callback(follower.close)
        found.load(module_database)
        yield found


EXPECTED = {
    "all": "true",
    "large pages": "true",
    "types": "e.type = any (%(types)s)",
    "wallet": "%(wallet)s in (e.wallet_id, e.counterparty_id)",
    "system wallet": "e.type = 'transaction.topup'",
    "user": "%(wallet)s in (e.wallet_id, e.counterparty_id)",
}


@pytest.mark.parametrize("name", EXPECTED)
def test_each_event_is_read_once_and_in_order(loaded: Loaded, name: str) -> None:
    expected = on_record(loaded.connection, EXPECTED[name], types=TYPES, wallet=loaded.wallet)
    assert len(expected) > 10
    assert loaded.followers[name].ids == expected


def test_the_feed_has_each_event_once_for_each_wallet_that_is_followed(loaded: Loaded) -> None:
    sides: list[tuple[int, str]] = []
    for wallet in loaded.wallets[:2]:
        ids = on_record(loaded.connection, EXPECTED["wallet"], wallet=wallet)
        sides += [(number, str(wallet)) for number in ids]
    feed = loaded.followers["feed"]
    assert feed.ids == sorted(feed.ids)
    assert sorted((row["id"], row["event"]["subject"]) for row in feed.rows) == sorted(sides)


@pytest.mark.parametrize("name", ["all", "large pages"])
def test_amounts_of_events_add_up_to_the_ledger_in_every_wallet(loaded: Loaded, name: str) -> None:
    assert moved(row["event"] for row in loaded.followers[name].rows) == ledger(loaded.connection)


def test_a_user_adds_up_the_own_balance(loaded: Loaded) -> None:
    sums = moved(row["event"] for row in loaded.followers["user"].rows)
    wallet = str(loaded.wallet)
    assert sums == {wallet: ledger(loaded.connection)[wallet]}


def test_every_kind_of_event_was_there(loaded: Loaded) -> None:
    seen = {row["type"] for row in loaded.followers["all"].rows}
    assert seen >= {"transaction.capture", "hold.opened", "hold.voided", "hold.expired", "wallet.status_changed"}
    assert seen >= {"transaction.transfer", "wallet.limits_changed", "user.signed_up", "wallet.opened"}


def test_the_load_is_hard_whoever_polls_by_id_loses_events(loaded: Loaded) -> None:
    lost = set(on_record(loaded.connection)) - set(loaded.poller.ids)
    assert len(lost) > 10
