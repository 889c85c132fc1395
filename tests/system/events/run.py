"""A service with a relay under load, to whose processes everything happens; at the end the receiver has the ledger."""

import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from uuid import UUID

import psycopg
from psycopg.rows import DictRow, dict_row

from api.events.secrets import SecretBox, new_secret
from tests.command import Pgwallet, wait_until
from tests.system.crash import faults
from tests.system.crash.arena import Arena
from tests.system.crash.check import quiet
from tests.system.events.followers import IDS
from tests.system.events.receiver import Receiver
from tests.system.events.subscriptions import Subscription
from tests.system.events.writers import Writer

KEY = "the key of the webhooks' secrets in this run"
SETTINGS = {"PGWALLET_WEBHOOK_NETWORKS": "127.0.0.0/8", "PGWALLET_WEBHOOK_KEY": KEY}
WRITERS = 3
DELAY = 0.05
PATIENCE = 300.0
BEHIND = 300


class Run:
    """`pgwallet run`, clients over HTTP and of SQL, a receiver with some webhooks; and what was found."""

    def __init__(self, arena: Arena, receiver: Receiver, subscriptions: list[Subscription]) -> None:
        self.arena = arena
        self.receiver = receiver
        self.subscriptions = subscriptions
        self.wrong, self.hanging = 0.0, False
        """How many of the receiver's answers are faults, and whether it also hangs."""
        self._writing = True
        self._written = 0

    def load(self, kills: list[str], seconds: float, say: Callable[[str], object]) -> list[str]:
        """Load for so many seconds at least, do all of `kills` meanwhile; returns the findings."""
        load, ends, left = self.arena.load, time.monotonic() + seconds, list(kills)
        self.receiver.start(self.wrong, hanging=self.hanging)
        with self.connect() as connection, self._writers():
            while left or time.monotonic() < ends:
                load.start()
                self.arena.acknowledge(random.randint(10, 100))
                if left:
                    KILLS[left[0]](self)
                    say(left.pop(0))
                load.stop()
                # the clients are faster than any receiver, and everything is to happen while events are delivered
                with suppress(AssertionError, psycopg.OperationalError):
                    wait_until(lambda: behind(connection) < BEHIND, 3)
        wait_until(lambda: quiet(self.arena.url), PATIENCE)
        load.settle(PATIENCE)
        say("the load has ended")
        if self.wrong:
            self.receiver.kill()
            self.receiver.start()
        with self.connect() as connection:
            wait_until(lambda: holds_ended(connection), PATIENCE)
            wait_until(lambda: delivered(connection), PATIENCE)
            say("all is delivered")
            found = self.arena.judge(load.requests) + dead(connection)
            for subscription in self.subscriptions:
                found += subscription.findings(connection, self.receiver.notes.read())
        return found

    def figures(self) -> str:
        """What this run had to deal with, for people."""
        times: dict[int, int] = {}
        for note in self.receiver.notes.read():
            for event in note["events"]:
                key = hash((note["webhook"], event["id"]))
                times[key] = times.get(key, 0) + 1
        return (
            f"{self.arena.load.acknowledged:,} requests acknowledged, {self._written:,} "
            f"transactions by SQL, {len(times):,} events delivered to {len(self.subscriptions)} webhooks, "
            f"{sum(times.values()) - len(times):,} of them again"
        )

    def connect(self) -> psycopg.Connection[DictRow]:
        return psycopg.Connection[DictRow].connect(self.arena.url, autocommit=True, row_factory=dict_row)

    @contextmanager
    def _writers(self) -> Iterator[None]:
        """Writers of SQL meanwhile, who have wallets of their own."""
        with self.connect() as connection:
            query = "select wallet_id from wallet_register(%s, 'hash')"
            wallets = [row["wallet_id"] for n in range(4) for row in connection.execute(query, [f"by-sql-{n}"])]
        with ThreadPoolExecutor(WRITERS) as pool:
            writing = [pool.submit(self._write, wallets, number) for number in range(WRITERS)]
            try:
                yield
            finally:
                self._writing = False
        for task in writing:
            task.result()

    def _write(self, wallets: list[UUID], number: int) -> None:
        while self._writing:
            # the server is killed now and then, also while a savepoint is rolled back
            with suppress(psycopg.OperationalError, psycopg.Rollback), self.connect() as connection:
                writer = Writer(connection, wallets, number, DELAY)
                while self._writing:
                    writer.transact()
                    self._written += 1


def relay(run: Run) -> None:
    """The process that delivers."""
    killed = relays(run.arena)
    faults.kill(*killed)
    wait_until(lambda: set(relays(run.arena)) - set(killed))


def relays(arena: Arena) -> list[int]:
    return wait_until(lambda: arena.service.children("relay"))


def receiver(run: Run) -> None:
    """The receiver, which is away for a moment."""
    run.receiver.kill()
    run.arena.acknowledge(random.randint(1, 100))
    run.receiver.start(run.wrong, hanging=run.hanging)


def relay_and_receiver(run: Run) -> None:
    """Both at once."""
    run.receiver.kill()
    relay(run)
    run.receiver.start(run.wrong, hanging=run.hanging)


def of_service(fault: Callable[[Arena], int]) -> Callable[[Run], None]:
    """A kill of the crash test, after which the service is awaited."""

    def strike(run: Run) -> None:
        fault(run.arena)
        wait_until(run.arena.back, PATIENCE)

    return strike


KILLS: dict[str, Callable[[Run], None]] = {
    "relay": relay,
    "receiver": receiver,
    "relay and receiver": relay_and_receiver,
    **{kind: of_service(fault) for kind, fault in faults.KILLS.items()},
}


def holds_ended(connection: psycopg.Connection[DictRow]) -> bool:
    """Whether no hold is due any more, nor will be soon: nothing happens by itself from now on."""
    connection.execute("select wallet_sweep()")
    soon = "select from wallet.holds where status = 'open' and expires_at < clock_timestamp() + interval '10 minutes'"
    return connection.execute(soon).fetchone() is None


def behind(connection: psycopg.Connection[DictRow]) -> int:
    """How many events the slowest webhook has before it."""
    query = f"select count(*) as count from ({IDS}) e where e.id > (select min(w.position) from wallet.webhooks w)"
    (row,) = connection.execute(query.encode())
    return int(row["count"])


def delivered(connection: psycopg.Connection[DictRow]) -> bool:
    """Whether every webhook is past the last event, and none waits."""
    query = f"""select from wallet.webhooks w
        where w.position < (select max(e.id) from ({IDS}) e)
          or exists (select from wallet.webhook_backlog b where b.webhook_id = w.id)""".encode()
    # it reads whole tables, so not all the time
    connection.execute("select pg_sleep(0.2)")
    return connection.execute(query).fetchone() is None


def dead(connection: psycopg.Connection[DictRow]) -> list[str]:
    """Events that were given up, and webhooks that were: nothing failed for long enough."""
    lost = connection.execute("select event_id, error from wallet.webhook_dead_letters").fetchall()
    paused = connection.execute("select url, pause_reason from wallet.webhooks where status <> 'active'").fetchall()
    return [f"dead letter: {row}" for row in lost] + [f"paused: {row}" for row in paused]


@contextmanager
def running(folder: Path, *, wrong: float = 0.0, hanging: bool = False, brief: bool = False) -> Iterator[Run]:
    """A service in `folder` with its webhooks; `wrong` (0 to 1) of the receiver's answers are faults."""
    with ExitStack() as stack:
        wallet = stack.enter_context(Pgwallet(folder / "data"))
        arena = stack.enter_context(Arena(wallet, **SETTINGS))
        single = Subscription("single", types=["transaction.transfer", "hold.opened", "hold.voided"] if brief else None)
        subscriptions = [single, Subscription("batches", batch_size=100)]
        if not brief:
            shared = UUID(arena.load.accounts[0].wallet_id)
            subscriptions.append(Subscription("wallet", batch_size=3, wallet_id=shared))
            subscriptions.append(
                Subscription("types", types=["transaction.topup", "transaction.transfer", "user.signed_up"])
            )
        secrets = {subscription.name: new_secret() for subscription in subscriptions}
        receiver = stack.enter_context(Receiver(folder / "notes", secrets))
        run = Run(arena, receiver, subscriptions)
        run.wrong, run.hanging = wrong, hanging
        with run.connect() as connection:
            for one in subscriptions:
                sealed = SecretBox(KEY).seal(secrets[one.name])
                connection.execute(
                    """select from wallet_create_webhook(
                      null, %s, p_types => %s, p_wallet_id => %s, p_batch_size => %s, p_secret => %s, p_after => 0
                    )""",
                    [f"{receiver.url}/{one.name}", one.types, one.wallet_id, one.batch_size, sealed],
                )
        yield run
        arena.service.end()
