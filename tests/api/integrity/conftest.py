"""A ledger that a superuser attacks with all guards off, and its verification."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from api.integrity.hash_chain import Finding
from api.integrity.verification import Order, Summary, UnsoundError, verify
from tests.database import Database

KEY = "a key that signs checkpoints, of the tests"


@dataclass
class Ledger:
    """Filled, alice has 9 entries: a bonus, 4 top-ups with a reference, 4 spends."""

    database: Database
    attacker: psycopg.Connection
    alice: UUID
    folder: Path
    findings: list[Finding] = field(default_factory=list)

    def fill(self) -> None:
        for number in range(4):
            self.topup(100 + number, f"order {number}")
            self.spend(10 + number)

    def topup(self, amount: int = 10, reference: str | None = None) -> tuple[UUID, str]:
        """Returns txn_id and receipt."""
        return self._write("wallet_topup(%s, gen_random_uuid(), %s, %s)", amount, reference)

    def spend(self, amount: int = 1) -> tuple[UUID, str]:
        return self._write("wallet_spend(%s, gen_random_uuid(), %s, %s)", amount, None)

    def _write(self, call: str, *arguments: object) -> tuple[UUID, str]:
        row = self.attacker.execute(f"select txn_id, receipt from {call}".encode(), [self.alice, *arguments]).fetchone()
        assert row is not None
        return row[0], row[1]

    def verify(self, checkpoint: Path | None = None, *, full: bool = False, write: Path | None = None) -> Summary:
        """Raises UnsoundError; `findings` has what was found."""
        self.findings.clear()
        order = Order(KEY, checkpoint, full or checkpoint is None, write)
        return asyncio.run(verify(self.database.url, order, self.findings.append, silent))

    def checkpoint(self, since: Path | None = None) -> Path:
        """Take one."""
        file = self.folder / "checkpoint"
        self.verify(since, write=file)
        return file

    def finds(self, checkpoint: Path | None = None, *, full: bool = False) -> set[str]:
        """Which violations a verification finds, and warnings."""
        with contextlib.suppress(UnsoundError):
            self.verify(checkpoint, full=full)
            assert all(finding.is_warning for finding in self.findings)
        return {finding.violation for finding in self.findings}

    def receipt(self, txn_id: UUID, receipt: str) -> str:
        row = self.attacker.execute(
            "select wallet_verify_receipt(%s, %s, %s)", [self.alice, txn_id, receipt]
        ).fetchone()
        assert row is not None
        return str(row[0])

    def attack(self, sql: str) -> None:
        """With {alice} for her wallet."""
        self.attacker.execute(sql.format(alice=f"'{self.alice}'").encode())


@contextlib.contextmanager
def silent(_: int) -> Iterator[Callable[[int], None]]:
    """Show no progress."""
    yield lambda _: None


COLUMNS = """
select attname from pg_attribute
where attrelid = %s::regclass and attnum > 0 and not attisdropped and attgenerated = ''
"""
EMPTY = (
    *("hold_events", "holds", "refunds", "transaction_available", "limits", "limit_usage", "operator_actions"),
    *("erasures", "reserved_names"),
)
TABLES = ("users", "wallets", "transactions", "ledger", "transaction_details")


@pytest.fixture(scope="module")
def attacked(module_database: Database) -> Iterator[tuple[Database, psycopg.Connection]]:
    """A database whose tables are kept as they were, and an attacker's connection to it."""
    with module_database.connect() as attacker:
        attacker.execute(Path(__file__).with_name("attack.sql").read_bytes())
        for table in TABLES:
            attacker.execute(f"create table attack.{table} as table wallet.{table}".encode())
        yield module_database, attacker


@pytest.fixture
def empty_ledger(attacked: tuple[Database, psycopg.Connection], tmp_path: Path) -> Ledger:
    database, attacker = attacked
    # triggers are off for whoever may do this
    attacker.execute("set session_replication_role = replica")
    for table in EMPTY:
        attacker.execute(f"delete from wallet.{table}".encode())
    for table in TABLES:
        attacker.execute(f"delete from wallet.{table}".encode())
        columns = ", ".join(name for (name,) in attacker.execute(COLUMNS, [f"wallet.{table}"]))
        attacker.execute(f"insert into wallet.{table} ({columns}) select {columns} from attack.{table}".encode())
    row = attacker.execute("select wallet_id from wallet_credentials('alice')").fetchone()
    assert row is not None
    return Ledger(database, attacker, row[0], tmp_path)


@pytest.fixture
def ledger(empty_ledger: Ledger) -> Ledger:
    empty_ledger.fill()
    return empty_ledger
