"""The fence holds where it must: nothing is read beyond a writer that may still commit."""

from collections.abc import Iterator
from contextlib import closing
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.rows import DictRow

from tests.database import Database
from tests.system.concurrency.sessions import Session, sessions, until_waiting
from tests.system.events.followers import Follower, connect, on_record

TOPUP = "select id from wallet_topup(%s, %s, 1)"


@pytest.fixture
def observer(database: Database) -> Iterator[psycopg.Connection[DictRow]]:
    with connect(database) as connection:
        yield connection


@pytest.fixture
def wallets(observer: psycopg.Connection[DictRow]) -> list[UUID]:
    query = "select wallet_id from wallet_register(%s, 'hash')"
    return [row["wallet_id"] for name in ("ann", "ben", "cat") for row in observer.execute(query, [name])]


@pytest.fixture
def follower(database: Database, wallets: list[UUID]) -> Iterator[Follower]:
    """A consumer that has read all that there is."""
    assert wallets
    with closing(Follower(database, limit=1000)) as found:
        found.follow()
        # the first mark begins an epoch, and is no bound
        found.follow()
        yield found


def test_a_writer_that_drew_an_id_holds_the_fence_back_until_it_ends(
    database: Database, follower: Follower, wallets: list[UUID]
) -> None:
    with sessions(database, 1) as [slow]:
        slow.run("begin")
        (drawn,) = slow.run(TOPUP, wallets[0], uuid4())
        with connect(database) as quick:
            (later,) = quick.execute(TOPUP, [wallets[1], uuid4()])
        mark = follower.mark()
        assert mark["up_to"] >= later["id"] > drawn["id"]
        assert not follower.settled(mark)
        assert follower.page(mark) == []
        slow.run("commit")
        assert follower.settled(mark)
        assert [row["id"] for row in follower.page(mark)] == [drawn["id"], later["id"]]


def test_an_older_writer_that_ends_does_not_open_the_fence_for_a_newer_one(
    database: Database, follower: Follower, wallets: list[UUID]
) -> None:
    with sessions(database, 2) as opened:
        drawn = []
        for session, wallet in zip(opened, wallets, strict=False):
            session.run("begin")
            drawn += session.run(TOPUP, wallet, uuid4())
        mark = follower.mark()
        opened[0].run("commit")
        assert not follower.settled(mark)
        assert follower.page(mark) == []
        opened[1].run("commit")
        assert [row["id"] for row in follower.page(mark)] == [row["id"] for row in drawn]


def test_a_writer_of_which_nothing_comes_holds_nothing_back_afterwards(
    database: Database, follower: Follower, wallets: list[UUID]
) -> None:
    with sessions(database, 1) as [slow]:
        slow.run("begin")
        slow.run("savepoint before")
        slow.run(TOPUP, wallets[0], uuid4())
        slow.run("rollback to before")
        mark = follower.mark()
        assert not follower.settled(mark)
        (second,) = slow.run(TOPUP, wallets[0], uuid4())
        slow.run("commit")
        # drawn after the mark, so it is for the next one
        assert follower.page(mark) == []
        follower.follow()
        assert follower.ids[-1] == second["id"]


def test_what_is_drawn_while_a_mark_is_under_way_is_beyond_it(
    database: Database, follower: Follower, wallets: list[UUID], observer: psycopg.Connection[DictRow]
) -> None:
    with (
        sessions(database, 2) as [holder, slow],
        closing(Session(database)) as marker,
        closing(Session(database)) as look,
    ):
        # a mark of every minute writes to this row, so it has its own xid by then
        observer.execute("update wallet.event_epochs set marked_at = marked_at - interval '1 hour'")
        holder.run("begin")
        holder.run("select from wallet.event_epochs for update")
        answer = marker.start("select * from wallet_event_mark()")
        until_waiting(look, marker)
        slow.run("begin")
        (drawn,) = slow.run(TOPUP, wallets[0], uuid4())
        holder.run("commit")
        (mark,) = answer.result(20)
        assert follower.settled(mark)
        assert mark["up_to"] < drawn["id"]
        slow.run("commit")
        follower.follow()
        assert follower.ids[-1] == drawn["id"]


def test_a_mark_reads_how_far_ids_are_drawn_before_it_draws_its_xid(database: Database, follower: Follower) -> None:
    assert follower.after
    with sessions(database, 1) as [holder], closing(Session(database)) as marker, closing(Session(database)) as look:
        holder.run("begin")
        # nobody reads the sequence now
        holder.run("alter sequence wallet.transaction_ids rename to away")
        answer = marker.start("select * from wallet_event_mark()")
        until_waiting(look, marker)
        (row,) = look.run("select backend_xid from pg_stat_activity where pid = %s", marker.pid)
        assert row["backend_xid"] is None
        holder.run("rollback")
        assert answer.result(20)[0]["fence"] is not None


def test_a_capture_is_one_event(observer: psycopg.Connection[DictRow], follower: Follower, wallets: list[UUID]) -> None:
    hold, capture = uuid4(), uuid4()
    observer.execute("select from wallet_hold(%s, %s, 100)", [wallets[0], hold])
    observer.execute("select from wallet_capture(%s, %s, %s)", [wallets[0], capture, hold])
    (row,) = observer.execute("select id, transaction_id from wallet.hold_events where event = 'capture'")
    assert row["id"] == row["transaction_id"]
    follower.follow()
    assert [one["type"] for one in follower.rows[-2:]] == ["hold.opened", "transaction.capture"]
    assert follower.rows[-1]["event"]["data"]["hold_txn_id"] == str(hold)
    assert follower.ids == on_record(observer)
