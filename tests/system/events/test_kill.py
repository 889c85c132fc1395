"""PostgreSQL is killed, and ids that nobody committed are drawn again: what consumers hold stays good."""

import os
import signal
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from uuid import UUID, uuid4

import pytest

from api.postgres import embedded
from tests.database import Database, own_server
from tests.system.events.followers import Follower, connect, on_record

TOPUP = "select id from wallet_topup(%s, %s, 1)"
SETTINGS = ("wal_writer_delay = '10s'", "max_prepared_transactions = 4", "autovacuum = off")
DRAWN = 100
"""More ids than a sequence writes ahead (32)."""


@dataclass(frozen=True)
class Server:
    """A server with a wallet that can be killed."""

    _server: embedded.Server
    database: Database

    def kill(self) -> None:
        """Kill the first process; all others end without a word to the disk."""
        [number, *_] = (self._server.pgdata / "postmaster.pid").read_text().split()
        os.kill(int(number), signal.SIGKILL)
        self._server.stop(patience=5.0)
        self._server.start()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with own_server(*SETTINGS) as (found, database):
        yield Server(found, database)


@pytest.fixture
def wallet(server: Server) -> UUID:
    with connect(server.database) as connection:
        name = f"user-{uuid4().hex[:12]}"
        (row,) = connection.execute("select wallet_id from wallet_register(%s, 'hash')", [name])
        return UUID(str(row["wallet_id"]))


def topups(server: Server, wallet: UUID, count: int) -> list[int]:
    """Make top-ups, each in a transaction of its own; returns their ids."""
    with connect(server.database) as connection:
        return [row["id"] for _ in range(count) for row in connection.execute(TOPUP, [wallet, uuid4()])]


def read(server: Server, after: int = 0) -> tuple[list[int], int]:
    """Read all that is there after a cursor; returns the ids, and up to where ids were drawn."""
    with closing(Follower(server.database)) as follower:
        follower.after = after
        follower.follow()
        # the first mark of all is no bound
        follower.follow()
        return follower.ids, follower.mark()["up_to"]


def draw(server: Server, wallet: UUID) -> int:
    """Draw ids of which nothing comes, and which go to no disk by themselves; returns the newest."""
    with connect(server.database) as connection:
        connection.execute("begin")
        drawn = [row["id"] for _ in range(DRAWN) for row in connection.execute(TOPUP, [wallet, uuid4()])]
        connection.execute("rollback")
    return int(drawn[-1])


def test_a_cursor_is_good_after_a_kill_though_ids_are_drawn_again(server: Server, wallet: UUID) -> None:
    before = topups(server, wallet, 3)
    seen, _ = read(server)
    assert seen[-3:] == before
    drawn = draw(server, wallet)

    server.kill()

    after = topups(server, wallet, DRAWN)
    assert after[0] <= drawn, "no id is drawn twice, so this shows nothing"
    more, _ = read(server, seen[-1])
    assert more == after
    with connect(server.database) as connection:
        assert seen + more == on_record(connection)


def test_no_id_up_to_a_mark_is_drawn_again_after_a_kill(server: Server, wallet: UUID) -> None:
    drawn = draw(server, wallet)
    _, marked = read(server)
    assert marked >= drawn

    server.kill()

    [after] = topups(server, wallet, 1)
    assert after > marked


def test_a_prepared_transaction_holds_the_fence_back_over_a_kill(server: Server, wallet: UUID) -> None:
    seen, _ = read(server)
    with connect(server.database) as connection:
        connection.execute("begin")
        (prepared,) = connection.execute(TOPUP, [wallet, uuid4()])
        connection.execute("prepare transaction 'slow'")
        (row,) = connection.execute("select wallet_id from wallet_register('another', 'hash')")
    [later] = topups(server, row["wallet_id"], 1)
    for _ in range(2):
        with closing(Follower(server.database)) as follower:
            follower.after = seen[-1]
            mark = follower.mark()
            assert mark["up_to"] >= later
            assert not follower.settled(mark)
            assert follower.page(mark) == []
        server.kill()
    with connect(server.database) as connection:
        connection.execute("commit prepared 'slow'")
        more, _ = read(server, seen[-1])
        assert {prepared["id"], later} < set(more)
        assert seen + more == on_record(connection)
