"""Two databases of one cluster on the tests' server, and a relay between them that stops where a test tells it to."""

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from api.integrity.cross_check import Crossed, cross_check
from api.integrity.hash_chain import Finding
from tests.database import ASSETS, Database, PostgresServer, clone

NUMBERS = (1, 2)


class KilledError(Exception):
    """The relay stops here, as if somebody had killed it."""


@dataclass(frozen=True)
class Owner:
    """A user with a wallet."""

    user_id: UUID
    wallet_id: UUID
    name: str


class Side:
    """One of the databases: what an administrator can do in it, and the relay's login."""

    def __init__(self, database: Database, number: int) -> None:
        self.database = database
        self.number = number
        self.connection: psycopg.Connection[dict[str, Any]] = psycopg.connect(
            database.url, autocommit=True, row_factory=dict_row
        )
        self._relay: psycopg.Connection[dict[str, Any]] = psycopg.connect(
            database.url, autocommit=True, row_factory=dict_row
        )
        self._relay.execute("set session authorization wallet_relay")
        self._registered = 0

    def run(self, query: str, *values: object) -> list[dict[str, Any]]:
        """Run one statement as the administrator."""
        cursor = self.connection.execute(query.encode(), values)
        return cursor.fetchall() if cursor.description else []

    def value(self, query: str, *values: object) -> Any:
        """Run one statement that has one value."""
        ((value,),) = (row.values() for row in self.run(query, *values))
        return value

    def tries(self, query: str, *values: object) -> bool:
        """Run one statement that may be refused; tell whether it was not."""
        try:
            self.run(query, *values)
        except psycopg.Error as error:
            if not (error.sqlstate or "").startswith("WA"):
                raise
            return False
        return True

    def relay(self, query: str, *values: object) -> list[dict[str, Any]]:
        """Run one statement as the relay."""
        return self._relay.execute(query.encode(), values).fetchall()

    def register(self, balance: int = 1000) -> Owner:
        """Register a user whose name lives here, with so much money."""
        while True:
            self._registered += 1
            name = f"user{self._registered}"
            if self.value("select wallet.home_of(%s, %s::smallint[])", name, list(NUMBERS)) == self.number:
                break
        (row,) = self.run("select user_id, wallet_id from wallet_register(%s, 'hash')", name)
        owner = Owner(row["user_id"], row["wallet_id"], name)
        difference = balance - self.balance(owner)
        if difference:
            self.run("select wallet_adjust(%s, %s, %s, 'a test')", owner.wallet_id, uuid4(), difference)
        return owner

    def balance(self, owner: Owner) -> int:
        """Return the balance of the user's wallet."""
        found = self.value("select balance from wallet_balance(%s)", owner.wallet_id)
        assert isinstance(found, int)
        return found

    def transfer(self, owner: Owner, to: UUID, amount: int, txn_id: UUID | None = None, **more: object) -> int:
        """Send money; return the number of the transaction."""
        found = self.value(
            "select id from wallet_transfer(%s, %s, %s, %s, null, %s)",
            owner.wallet_id, txn_id or uuid4(), amount, to, more.get("reference"),
        )  # fmt: skip
        assert isinstance(found, int)
        return found

    def set_status(self, owner: Owner, status: str) -> None:
        """Set the status of the user's wallet."""
        self.run("select wallet_set_status(%s, %s, 'a test')", owner.wallet_id, status)

    def set_most(self, owner: Owner, most: int | None) -> None:
        """Set what the user's wallet holds at most."""
        self.run("select wallet_set_limits(%s, p_max_balance => %s)", owner.wallet_id, most)

    def violations(self) -> list[dict[str, Any]]:
        """Return what verification finds."""
        return self.run("select * from wallet_verify() where not starts_with(violation, 'warning')")

    def close(self) -> None:
        """End the connections."""
        self.connection.close()
        self._relay.close()


def received(side: Side, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Hand rows of an outbox to the database that they go to."""
    names = (
        "transaction_id",
        "from_wallet_id",
        "to_wallet_id",
        "amount",
        "asset",
        "reference",
        "metadata",
        "effective_at",
    )
    arrays = [[row[name] for row in rows] for name in names]
    arrays[6] = [None if value is None else Jsonb(value) for value in arrays[6]]
    return side.relay(
        "select * from wallet_receive(%s::bigint[], %s::uuid[], %s::uuid[], %s::bigint[], %s::text[], %s::text[],"
        " %s::jsonb[], %s::timestamptz[])",
        *arrays,
    )


def outbox(source: Side, target: Side, limit: int = 100) -> list[dict[str, Any]]:
    """Read what is in transit from one database to the other."""
    return source.relay("select * from wallet_outbox(%s::smallint, %s)", target.number, limit)


def conclude(source: Side, decided: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Tell the senders' database what the recipients' has decided."""
    return source.relay(
        "select * from wallet_conclude(%s::bigint[], %s::text[])",
        [row["origin_id"] for row in decided], [row["code"] for row in decided],
    )  # fmt: skip


def carry(source: Side, target: Side, killed_at: int = 0, limit: int = 100) -> None:
    """Carry all that is in transit, and what was erased. Raises KilledError before step 1 to 5."""

    def step(place: int) -> None:
        if place == killed_at:
            raise KilledError

    step(1)
    rows = outbox(source, target, limit)
    step(2)
    if rows:
        decided = received(target, rows)
        step(3)
        conclude(source, decided)
    erased = [
        row["transaction_id"]
        for row in source.relay("select * from wallet_erased_outbox(%s::smallint, 100)", target.number)
    ]
    step(4)
    target.relay("select wallet_erase_received(%s::bigint[])", erased)
    step(5)
    source.relay("select wallet_conclude_erasures(%s::bigint[])", erased)


@contextlib.contextmanager
def two_databases(server: PostgresServer, name: str) -> Iterator[tuple[Side, Side]]:
    """Two databases without users, numbered 1 and 2, between which names are spread."""
    with server.database("postgres").connect() as administrator, contextlib.ExitStack() as stack:
        sides = []
        for number in NUMBERS:
            database = server.database(f"{name}_{number}")
            stack.callback(administrator.execute, f"drop database if exists {database.name} with (force)")
            clone(server, ASSETS, database.name)
            side = Side(database, number)
            side.run("select wallet_join_cluster(%s::smallint, '[[1, 2]]')", number)
            stack.callback(side.close)
            sides.append(side)
        yield sides[0], sides[1]


def settle(one: Side, two: Side) -> None:
    """Carry all there is, both ways."""
    carry(one, two)
    carry(two, one)


def crossed(*sides: Side) -> tuple[Crossed, list[Finding]]:
    """Compare the databases, as `pgwallet cluster verify` does."""
    findings: list[Finding] = []
    urls = {side.number: side.database.url for side in sides}
    result = asyncio.run(cross_check(urls, findings.append, lambda _: contextlib.nullcontext(lambda _: None)))
    return result, findings
