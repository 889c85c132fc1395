"""The programs of the guides work as they stand there."""

import json
import os
import re
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from api.urls import with_login
from tests.api.service import User, serve
from tests.command import Pgwallet, wait_until
from tests.database import Database
from tests.docs.event_files import STORY, examples
from tests.docs.markdown import FENCE, ROOT
from tests.docs.reader import free_port

pytestmark = pytest.mark.timeout(120)


def programs(guide: str) -> list[str]:
    """The programs that the guide shows."""
    return [block[2] for block in FENCE.finditer((ROOT / guide).read_text()) if block[1] == "python"]


def statements(guide: str) -> list[str]:
    """The SQL that the guide shows."""
    return [block[2] for block in FENCE.finditer((ROOT / guide).read_text()) if block[1] == "sql"]


def program(guide: str) -> str:
    """The one program that the guide shows."""
    (found,) = programs(guide)
    return found


def test_balances_that_are_added_up_from_events_are_those_of_the_ledger(database: Database, tmp_path: Path) -> None:
    with database.connect() as administrator, serve(database.api_url, tmp_path) as service:
        assert len(examples(administrator)) > len(STORY) - 2
        with closing(User(service)) as operator:
            for _ in range(3):
                operator.topup()
                operator.spend(30)
            administrator.execute("select wallet_set_role(%s, 'operator')", [operator.username])
            operator.sign_in()
            # pages of three, so that there are some
            paged = program("docs/guides/events.md").replace("limit=1000", "limit=3")
            done = subprocess.run(
                [sys.executable, "-c", paged],
                env={**os.environ, "URL": service.url, "TOKEN": operator.token},
                capture_output=True,
                text=True,
                check=False,
            )
        assert done.returncode == 0, done.stderr
        balances = administrator.execute("select wallet_id::text, sum(amount)::bigint from wallet.ledger group by 1")
        assert json.loads(done.stdout) == dict(balances.fetchall())


class Hook:
    """A webhook of top-ups to a port of this machine."""

    def __init__(self, wallet: Pgwallet, *options: str) -> None:
        self._wallet = wallet
        self.port = free_port()
        address = f"http://127.0.0.1:{self.port}/"
        made = json.loads(wallet.call("webhooks", "create", address, "--type", "transaction.topup", *options, "--json"))
        self.id, self.secret = made["id"], made["secret"]

    @contextmanager
    def receiver(self, secret: str) -> Iterator["subprocess.Popen[str]"]:
        """The guide's receiver, which listens."""
        with subprocess.Popen(
            [sys.executable, "-c", program("docs/guides/webhooks.md")],
            env={**os.environ, "SECRET": secret, "PORT": str(self.port)},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as process:
            try:
                wait_until(self._listens)
                yield process
            finally:
                process.terminate()

    def _listens(self) -> bool:
        with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", self.port)):
            return True
        return False

    def topup(self, amount: int) -> int:
        wallet = "(select wallet_id from wallet_credentials('alice'))"
        sql = f"select id from wallet_topup({wallet}, gen_random_uuid(), {amount})"
        return int(self._wallet.call("psql", "-XAtqc", sql))

    def attempts(self, event: int) -> list[dict[str, Any]]:
        """How often an event was sent, the newest first."""
        found = json.loads(self._wallet.call("webhooks", "deliveries", self.id, "--json"))
        return [one for one in found if one["first_event_id"] == event]


@pytest.mark.long
def test_the_receiver_verifies_and_drops_what_it_has_seen() -> None:
    with tempfile.TemporaryDirectory(prefix="pgwallet-") as folder, Pgwallet(Path(folder) / "data") as wallet:
        wallet.start("run", PGWALLET_WEBHOOK_NETWORKS="127.0.0.0/8")
        hook = Hook(wallet)
        with hook.receiver(hook.secret) as receiver:
            assert receiver.stdout is not None
            wallet.call("webhooks", "test", hook.id, PGWALLET_WEBHOOK_NETWORKS="127.0.0.0/8")
            assert receiver.stdout.readline() == "pgwallet.webhook.test None\n"
            first = hook.topup(100)
            assert receiver.stdout.readline() == "pgwallet.transaction.topup 100\n"
            # an attempt that is under way while it is told to begin anew is in no log
            wait_until(lambda: len(hook.attempts(first)) == 1)
            wallet.call("webhooks", "replay", hook.id, "--after", "beginning")
            wait_until(lambda: len(hook.attempts(first)) == 2)
            assert [one["status"] for one in hook.attempts(first)] == [204, 204]
            wallet.call("webhooks", "secret", hook.id)
            second = hook.topup(7)
            assert receiver.stdout.readline() == "pgwallet.transaction.topup 7\n", "not the first one again"
            wait_until(lambda: hook.attempts(second))

        with hook.receiver("whsec_" + "A" * 43 + "=") as stranger:
            refused = hook.topup(8)
            wait_until(lambda: hook.attempts(refused))
            assert {(one["outcome"], one["status"]) for one in hook.attempts(refused)} == {("failed", 401)}
            stranger.terminate()
            assert stranger.stdout is not None
            assert stranger.stdout.read() == ""

        with hook.receiver(hook.secret) as receiver:
            assert receiver.stdout is not None
            assert receiver.stdout.readline() == "pgwallet.transaction.topup 8\n", "nothing is lost"

        several = Hook(wallet, "--batch-size", "10")
        with several.receiver(several.secret) as receiver:
            assert receiver.stdout is not None
            wallet.call("webhooks", "pause", several.id)
            first, _ = several.topup(1), several.topup(2)
            wallet.call("webhooks", "resume", several.id)
            told = [receiver.stdout.readline() for _ in range(2)]
            assert told == ["pgwallet.transaction.topup 1\n", "pgwallet.transaction.topup 2\n"]
            wait_until(lambda: several.attempts(first))
            assert [(one["events"], one["status"]) for one in several.attempts(first)] == [(2, 204)]


@pytest.mark.parametrize("written", programs("docs/guides/embedding.md"), ids=["psycopg", "sqlalchemy", "asyncpg"])
def test_an_order_and_its_payment_are_committed_together_or_not_at_all(database: Database, written: str) -> None:
    with database.connect() as administrator:
        administrator.execute("create role embedding_shop login password 'a secret' in role wallet_app")
        try:
            administrator.execute(f"grant connect on database {database.name} to embedding_shop".encode())
            administrator.execute("create schema shop authorization embedding_shop")
            administrator.execute(
                "create table shop.orders (id uuid primary key, user_id uuid, amount bigint, status text)"
            )
            administrator.execute("alter table shop.orders owner to embedding_shop")
            made = administrator.execute("select user_id, wallet_id from wallet_register('customer', 'x')").fetchone()
            assert made is not None
            order = str(uuid4())
            given = {"CUSTOMER": str(made[0]), "WALLET": str(made[1]), "ORDER": order, "OTHER_ORDER": str(uuid4())}
            done = subprocess.run(
                [sys.executable, "-c", written],
                env={**os.environ, **given, "SHOP": with_login(database.url, "embedding_shop", "a secret")},
                capture_output=True,
                text=True,
                check=False,
            )
            assert (done.stdout, done.returncode) == (
                "paid, 970 left\nthere already\nrefused: only 970 left\n",
                0,
            ), done.stderr
            orders = administrator.execute("select id::text, amount, status from shop.orders")
            assert orders.fetchall() == [(order, 30, "paid")]
            spent = administrator.execute("select txn_id::text, amount from wallet.transactions where type = 'spend'")
            assert spent.fetchall() == [(order, 30)]
        finally:
            administrator.execute("drop owned by embedding_shop")
            administrator.execute("drop role embedding_shop")


def test_what_is_set_for_a_large_ledger_stays_set(database: Database) -> None:
    def options(administrator: psycopg.Connection) -> list[tuple[str, str]]:
        found = administrator.execute(
            "select c.relname::text, o from pg_class c cross join unnest(c.reloptions) o"
            " where c.relnamespace = 'wallet'::regnamespace order by 1, 2"
        )
        return found.fetchall()

    with database.connect() as administrator:
        (set_all,) = statements("docs/operations/growth.md")
        administrator.execute(set_all.encode())
        before = options(administrator)
        assert {table for table, _ in before} == {"ledger", "transactions"}
        database.migrate()
        assert options(administrator) == before


def test_the_report_that_is_shown(database: Database) -> None:
    with database.connect() as administrator:
        administrator.execute("set role wallet_reader")
        (report,) = statements("docs/guides/reports.md")
        assert administrator.execute(report.encode()).fetchall()


def test_what_is_reserved_with_the_order_is_taken_or_let_go(database: Database) -> None:
    with database.connect() as administrator:
        made = administrator.execute("select user_id, wallet_id from wallet_register('customer', 'x')").fetchone()
        assert made is not None
        given = {"1": made[1], "2": made[0]} | {str(number): uuid4() for number in range(3, 8)}
        (written,) = statements("docs/guides/embedding.md")
        named = re.sub(r"\$(\d)", r"%(\1)s", written)
        for call in filter(str.strip, named.split(";")):
            administrator.execute(call.encode(), given)
        types = administrator.execute(
            "select type::text from wallet.transactions where amount > 0 order by id desc limit 2"
        )
        assert types.fetchall() == [("refund",), ("capture",)]
        left = administrator.execute("select balance, available from wallet_balance(%s)", [made[1]])
        assert left.fetchone() == (850, 850)
