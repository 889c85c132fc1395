"""`pgwallet cluster run`: a cluster on one machine, whose servers are killed, promoted, copied and moved to."""

import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from api.cluster import move
from api.cluster.move import STEPS, Move, MoveError
from api.cluster_map import ClusterError, load
from api.postgres.orphans import processes
from api.urls import with_database
from tests.command import Pgwallet, Service, wait_until
from tests.database import PostgresServer
from tests.system.cluster.tellers import Tellers, tellers

pytestmark = pytest.mark.timeout(600)
"""The tests follow one another: each finds the cluster as the one before has left it."""

PASSWORDS = {"alice": "password123", "bob": "password456", "charlie": "password789"}
ON_A = {"alice": True, "bob": False, "charlie": True}
"""Whose home is on the servers a."""


@dataclass
class Local:
    """A running cluster, and the commands for it."""

    pgwallet: Pgwallet
    service: Service

    @property
    def map_file(self) -> Path:
        return self.pgwallet.data_dir / "cluster" / "map.toml"

    def server(self, *order: str) -> str:
        return self.pgwallet.call("cluster", "server", *order).strip()

    def json(self, *command: str) -> Any:
        return json.loads(self.pgwallet.call("cluster", *command, "--json"))

    def connect(self, server: str, database: str = "postgres") -> psycopg.Connection:
        return psycopg.connect(with_database(self.server("url", server), database), autocommit=True)

    def signs_in(self) -> dict[str, int]:
        """The status that each demo user gets."""
        return {
            name: self.service.request("/api/auth/signin", {"username": name, "password": password})[0]
            for name, password in PASSWORDS.items()
        }

    def copy(self, name: str) -> str:
        """Copy server a's primary, and return the copy's address."""
        self.server("copy", "a2", name)
        return self.server("url", name)


@pytest.fixture(scope="module")
def local() -> Iterator[Local]:
    """The cluster, as the test before has left it."""
    with tempfile.TemporaryDirectory(prefix="pgwallet-") as folder, Pgwallet(Path(folder) / "data") as pgwallet:
        yield Local(pgwallet, pgwallet.start("cluster", "run"))


def test_it_serves_demo_users_from_their_homes(local: Local) -> None:
    assert local.signs_in() == dict.fromkeys(PASSWORDS, 200)
    assert local.map_file.stat().st_mode & 0o777 == 0o600
    found = local.json("status")
    assert found["differences"] == []
    standbys = [one["facts"]["standbys"] for one in found["databases"]]
    assert [[(one["name"], one["waited_for"]) for one in found] for found in standbys] == [
        [(name, True)] for name in ("a2", "a2", "b2", "b2")
    ]
    assert "another pgwallet runs on " in local.pgwallet.refusal("cluster", "run")


def test_a_killed_server_is_back_or_its_standby_takes_over(local: Local) -> None:
    refused = local.pgwallet.refusal("cluster", "server", "promote", "a2")
    assert refused == "server a1 takes writes: two of a group must never do so"
    local.server("kill", "a1")
    told = local.signs_in()
    assert {name: status == 503 for name, status in told.items()} == ON_A
    local.server("start", "a1")
    wait_until(lambda: local.signs_in() == dict.fromkeys(PASSWORDS, 200))

    local.server("kill", "a1")
    local.server("promote", "a2")
    wait_until(lambda: local.signs_in() == dict.fromkeys(PASSWORDS, 200))
    # the killed one comes back as a copy of the other, and commits wait for it
    wait_until(lambda: local.json("status")["databases"][0]["facts"]["standbys"])
    with local.connect("a2") as administrator:
        wait_until(lambda: administrator.execute("show synchronous_standby_names").fetchone() == ("ANY 1 (a1)",))

    # a server that somebody else ends is started again
    (postmaster,) = (pid for pid, title in processes(server_files(local, "b1")).items() if "postgres:" not in title)
    os.kill(postmaster, 9)
    wait_until(lambda: local.signs_in() == dict.fromkeys(PASSWORDS, 200))


def server_files(local: Local, name: str) -> Path:
    return local.pgwallet.data_dir / "cluster" / name / "postgres"


def test_it_ends_whole_and_the_next_start_knows_which_server_took_over(local: Local) -> None:
    # as Ctrl-C does it
    assert local.service.stop() == 0
    for name in ("a1", "a2", "b1", "b2"):
        assert not processes(server_files(local, name))

    local.service = local.pgwallet.start("cluster", "run")
    assert local.signs_in() == dict.fromkeys(PASSWORDS, 200)
    with local.connect("a1") as administrator:
        assert administrator.execute("select pg_is_in_recovery()").fetchone() == (True,)
    assert local.json("status")["differences"] == []


def test_a_move_under_load_loses_nothing_and_neighbours_do_not_notice(local: Local) -> None:
    target = local.copy("c1")
    with tellers(local.service.port) as at_work:
        moved = local.json("move", "1", "--to", target)
        at_work.go_on()
    figures(at_work, 1, moved["closed_seconds"])
    assert {status for teller in at_work.others(1) for _, _, status in teller.answers} == {201}
    assert_nothing_lost(local, at_work)

    assert "c1" in (load(local.map_file).members[1].api_url or "")
    with local.connect("c1") as new, local.connect("a2") as old:
        assert open_databases(new) == {"pgwallet_1"}
        assert open_databases(old) == {"pgwallet_0"}
        assert moved["left_behind"] in all_databases(old)
        assert set(moved["left_on_server"]) < all_databases(new)
        new.execute(f'drop database "{moved["left_on_server"][0]}"'.encode())
        old.execute(f'drop database "{moved["left_behind"]}"'.encode())
    assert local.json("status")["differences"] == []
    assert [one["error"] for one in local.json("verify")["databases"]] == [None] * 4


def figures(at_work: Tellers, number: int, closed: float) -> None:
    """Print what a move cost: for whoever runs this with -s."""
    slowest = {
        one: max(seconds for teller in found for _, seconds, _ in teller.answers)
        for one, found in (("own", at_work.of(number)), ("neighbours", at_work.others(number)))
    }
    own = [status for teller in at_work.of(number) for _, _, status in teller.answers]
    lost = own.count(503)
    sys.stdout.write(f"closed for {closed:.2f} s; slowest answer {slowest}; {lost} of {len(own)} own answers 503\n")


def assert_nothing_lost(local: Local, at_work: Tellers) -> None:
    at_work.settle()
    for teller in at_work.found:
        member = load(local.map_file).members[teller.home]
        with psycopg.connect(member.url or "") as administrator:
            balance = administrator.execute("select balance from wallet_balance(%s)", [teller.wallet_id]).fetchone()
        assert balance == (1000 + teller.written,)


def open_databases(administrator: psycopg.Connection) -> set[str]:
    query = "select datname from pg_database where datallowconn and datname not in ('postgres', 'template1')"
    return {str(name) for (name,) in administrator.execute(query)}


def all_databases(administrator: psycopg.Connection) -> set[str]:
    return {str(name) for (name,) in administrator.execute("select datname from pg_database")}


def test_a_move_that_cannot_be_is_refused_before_anybody_notices(local: Local, postgres_server: PostgresServer) -> None:
    for target, reason in (
        (local.server("url", "b2"), "addresses of database 2 name that server, too"),
        (postgres_server.database("postgres").url, "is no standby of the database's server"),
        # database 1 is elsewhere by now, and this one is alone
        (local.server("url", "a1"), "commits there wait for a1 alone"),
    ):
        assert reason in local.pgwallet.refusal("cluster", "move", "0", "--to", target)
    with local.connect("a2") as administrator:
        assert "pgwallet_0" in open_databases(administrator)
    assert local.signs_in() == dict.fromkeys(PASSWORDS, 200)


def test_what_fails_before_the_promotion_is_undone(local: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    target = local.copy("d1")
    with local.connect("a2") as administrator, local.connect("d1") as standby:
        # what the standby does not replay in time
        standby.execute("select pg_wal_replay_pause()")
        monkeypatch.setattr(move, "LOCKED_OUT_SECONDS", 0.5)
        with pytest.raises(MoveError, match="did not replay"):
            run(local, 0, target)
        assert "pgwallet_0" in open_databases(administrator)
        assert standby.execute("select pg_is_in_recovery()").fetchone() == (True,)
        standby.execute("select pg_wal_replay_resume()")
    wait_until(lambda: local.signs_in() == dict.fromkeys(PASSWORDS, 200))
    with local.connect("d1") as new:
        assert new.execute("show default_transaction_read_only").fetchone() == ("off",)


def test_what_is_ended_after_the_promotion_goes_on(local: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    target = local.copy("e1")
    before = local.map_file.read_text()

    def full(_: Path, text: str) -> None:
        if text != before:
            raise ClusterError("the map cannot be written: no space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(move, "store", full)
        with pytest.raises(MoveError, match="give the command again, and it goes on"):
            run(local, 0, target)
    with local.connect("a2") as old:
        assert "pgwallet_0" not in open_databases(old)
    moved = run(local, 0, target)
    wait_until(lambda: local.signs_in() == dict.fromkeys(PASSWORDS, 200))
    assert moved.left_behind.startswith("pgwallet_0_")
    assert local.json("status")["databases"][0]["server"].startswith(str(local.pgwallet.data_dir / "cluster" / "e1"))


def run(local: Local, number: int, target: str) -> move.Moved:
    done: list[float] = []
    step: Callable[[], None] = lambda: done.append(time.monotonic())  # noqa: E731
    moved = asyncio.run(Move(local.map_file, number, target, step).run())
    assert len(done) <= len(STEPS)
    return moved
