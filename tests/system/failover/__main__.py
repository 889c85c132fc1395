"""`make test-failover`: servers are killed and frozen under load, and nothing that was answered is lost.

Two PostgreSQL servers under Patroni have database 1 of a cluster, and the service has both addresses. Database 0 is on
another server: its users must notice nothing. Ends with status 1 at the first finding.
"""

import argparse
import contextlib
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg

from tests.command import Pgwallet, wait_until
from tests.database import SERVICE_PASSWORD, Database, own_server
from tests.system.crash.arena import SETTINGS
from tests.system.crash.check import findings, quiet, weaknesses
from tests.system.crash.load import Load
from tests.system.failover.neighbour import Neighbour, cluster
from tests.system.failover.nodes import Node, Nodes, ttl

BEFORE, AFTER = 100, 50
"""So many requests are acknowledged before each failure, and once there is a leader again."""
PATIENCE = 120.0
SWITCHOVER_SECONDS = 5.0
LIMITS = {
    **dict.fromkeys(("killed", "crashed", "frozen"), ttl() + 5.0),
    **dict.fromkeys(("switchover", "undecided"), SWITCHOVER_SECONDS),
    "alone": 10.0,
}
"""The longest pause between two answers, in seconds."""

STAYS = ("undecided", "alone")
"""The failures that change no leader."""


class Run:
    """The servers, the service in front of them, and its clients."""

    def __init__(self, nodes: Nodes, other: Database, wallet: Pgwallet) -> None:
        self._nodes = nodes
        with psycopg.connect(nodes.leader_url("postgres"), autocommit=True) as administrator:
            administrator.execute("create database wallet")
        # the one that leads comes last in the address: migrate finds it
        wallet.call("migrate", DATABASE_URL=nodes.url(), PGWALLET_API_PASSWORD=SERVICE_PASSWORD)
        assert weaknesses(nodes.leader_url()) == [], "what is answered must be on disk"
        file = cluster(other, nodes, nodes.folder)
        self.service = wallet.start("serve", PGWALLET_CLUSTER=str(file), JWT_SECRET="s" * 32, **SETTINGS)
        self.load = Load(self.service.port)
        self.neighbour = Neighbour(self.service.port)
        self.late: list[str] = []
        self._started = time.monotonic()

    def round(self, kind: str, fail: Callable[[Node], object], repair: Callable[[Node], object]) -> list[str]:
        """Load, failure, another leader, repair, a whole cluster, judgement; returns the findings."""
        load, nodes = self.load, self._nodes
        leader = nodes.by_role("leader")
        load.start()
        self._acknowledge(BEFORE)
        began = time.monotonic()
        away = self._pause(lambda: fail(leader))
        self._acknowledge(AFTER)
        repair(leader)
        wait_until(nodes.whole, PATIENCE)
        assert (nodes.by_role("leader") is leader) == (kind in STAYS), "another one leads, if they can agree on it"
        whole = time.monotonic() - began
        self._acknowledge(AFTER)
        load.stop()
        settled = load.settle(PATIENCE)
        wait_until(lambda: quiet(nodes.leader_url()), PATIENCE)
        found = [request.fault for request in load.requests if request.fault]
        found += findings(nodes.leader_url(), load.requests, load.accounts) + self.neighbour.failures
        late = " LATE" if away > LIMITS[kind] else ""
        if late:
            self.late.append(kind)
        print(
            f"[{time.monotonic() - self._started:4.0f} s] {kind} {leader.name}: no answer for {away:.1f} s"
            f" (at most {LIMITS[kind]:.0f}){late}, both servers after {whole:.1f} s; {load.acknowledged} answered"
            f" so far, {len(settled)} in doubt, {len(found)} findings; database 0: {self.neighbour.answered} answered,"
            f" the slowest in {self.neighbour.slowest:.2f} s",
            flush=True,
        )
        return found

    def killed(self) -> list[str]:
        """PostgreSQL and Patroni of the leader end at once. Patroni is started again, as a service manager does."""
        return self.round("killed", lambda leader: leader.kill(), lambda leader: leader.start())

    def crashed(self) -> list[str]:
        """PostgreSQL of the leader ends, and Patroni does not: the other server takes over, before it can start again.

        It would show what it had written and not yet copied.
        """
        return self.round("crashed", lambda leader: leader.crash(), lambda _: None)

    def frozen(self) -> list[str]:
        """The leader stands still, and goes on once another one leads."""
        return self.round(
            "frozen",
            lambda leader: leader.signal(signal.SIGSTOP),
            lambda leader: leader.signal(signal.SIGCONT),
        )

    def alone(self) -> list[str]:
        """The standby ends. Commits wait for it, until Patroni lets the leader go on alone."""
        other = self._nodes.by_role("sync_standby")
        return self.round("alone", lambda _: other.kill(), lambda _: other.start())

    def undecided(self) -> list[str]:
        """Where the servers agree on who leads stands still, for longer than a leader may be silent."""
        nodes = self._nodes

        def stop(_: Node) -> None:
            nodes.etcd.send_signal(signal.SIGSTOP)
            time.sleep(ttl() + 5)

        return self.round("undecided", stop, lambda _: nodes.etcd.send_signal(signal.SIGCONT))

    def switchover(self) -> list[str]:
        """The leader hands over, as its operator asks."""
        other = self._nodes.by_role("sync_standby")

        def ask(leader: Node) -> None:
            leader.tell("switchover", "--leader", leader.name, "--candidate", other.name, "--force", "wallet")

        return self.round("switchover", ask, lambda _: None)

    def _pause(self, fail: Callable[[], object]) -> float:
        """Let something fail, and wait for the answer to a request that was sent afterwards.

        Returns the longest time without an answer.
        """
        load, longest, failed = self.load, 0.0, float("inf")
        answered, since = load.acknowledged, time.monotonic()
        deadline = since + PATIENCE
        with ThreadPoolExecutor() as executor:
            failing = executor.submit(fail)
            while load.newest_acknowledged <= failed:
                now = time.monotonic()
                assert now < deadline, "nothing is answered any more"
                if failing.done() and failed == float("inf"):
                    failing.result()
                    failed = now
                if load.acknowledged != answered:
                    answered, since = load.acknowledged, now
                longest = max(longest, now - since)
                time.sleep(0.01)
        return max(longest, time.monotonic() - since)

    def _acknowledge(self, count: int) -> None:
        wanted = self.load.acknowledged + count
        wait_until(lambda: self.load.acknowledged >= wanted, PATIENCE)


def main() -> int:
    options = argparse.ArgumentParser(prog="make test-failover", description=__doc__)
    options.add_argument("--kills", type=int, help="kills of the leader (default: one, and times are only shown)")
    options.add_argument("--only", choices=LIMITS, action="append", help="only failures of this kind")
    given = options.parse_args()
    # ended from outside, it cleans up as it does after Ctrl-C
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pgwallet-")))
        nodes = stack.enter_context(Nodes(folder))
        try:
            nodes.start()
            _, other = stack.enter_context(own_server())
            wallet = stack.enter_context(Pgwallet(folder / "data"))
            return _all(Run(nodes, other, wallet), given.kills, given.only or list(LIMITS))
        except BaseException:
            for node in nodes.nodes:
                print(f"The log of {node.name} ends with\n{node.log.read_text()[-3000:]}", file=sys.stderr)
            raise


def _all(run: Run, kills: int | None, kinds: list[str]) -> int:
    rounds = [
        "killed",
        "switchover",
        *["killed"] * ((kills or 1) - 1),
        "switchover",
        "crashed",
        "undecided",
        "alone",
        "frozen",
    ]
    with run.load, run.neighbour:
        for kind in rounds[: None if kills else 2] + ([] if kills else ["frozen"]):
            if kind in kinds and (found := getattr(run, kind)()):
                print(*found, f"The service's log ends with\n{run.service.errors[-5000:]}", sep="\n", file=sys.stderr)
                return 1
    run.service.end()
    print(f"nothing that was answered is lost: {run.load.acknowledged} requests")
    return 1 if kills and run.late else 0


if __name__ == "__main__":
    sys.exit(main())
