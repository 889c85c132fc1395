"""The judge finds what must not be: it is shown records and tables that do not agree."""

from collections.abc import Callable
from uuid import uuid4

import psycopg
import pytest
from psycopg.rows import dict_row

from tests.database import Database
from tests.system.crash.check import findings, weaknesses
from tests.system.crash.requests import Account, Request

Tamper = Callable[["Told"], object]


class Told:
    """Two users, and what they did and were told; each request is on record as it was answered."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.ann, self.ben = self._register("ann"), self._register("ben")
        self.requests: list[Request] = []
        self.topup = self.ask(Request("topup", self.ann, 50))
        self.spend = self.ask(Request("spend", self.ann, 20))
        self.transfer = self.ask(Request("transfer", self.ben, 70, self.ann.wallet_id))
        self.refused = self.ask(Request("spend", self.ben, 10**6))

    def ask(self, request: Request) -> Request:
        self.requests.append(request)
        to = {"p_to_wallet_id": request.to_wallet_id} if request.to_wallet_id else {}
        arguments = {"p_wallet_id": request.account.wallet_id, "p_txn_id": request.txn_id, "p_amount": request.amount}
        try:
            request.told(201, {"data": self._call(f"wallet_{request.type}", **arguments, **to)})
        except psycopg.Error:
            request.told(402, {})
        return request

    def run(self, query: str, *arguments: object) -> None:
        """Change what the tables hold, as no caller could."""
        with self.database.connect() as connection:
            connection.execute("set session_replication_role = replica")
            connection.execute(query, arguments)

    def _register(self, name: str) -> Account:
        return Account(str(self._call("wallet_register", p_username=name, p_password_hash="hash")["wallet_id"]), "")

    def _call(self, function: str, **arguments: object) -> dict[str, object]:
        named = ", ".join(f"{name} => %({name})s" for name in arguments)
        with self.database.connect() as connection:
            row = connection.cursor(row_factory=dict_row).execute(f"select * from {function}({named})", arguments)
            return row.fetchone() or {}


@pytest.fixture
def told(database: Database) -> Told:
    return Told(database)


def judged(told: Told) -> set[str]:
    found = findings(told.database.url, told.requests, [told.ann, told.ben])
    return {finding.partition(":")[0] for finding in found}


def test_nothing_is_found_where_all_agrees(told: Told) -> None:
    assert judged(told) == set()


def lost(told: Told) -> None:
    for table, column in (("ledger", "transaction_id"), ("transactions", "id")):
        assert told.transfer.answer is not None
        told.run(f"delete from wallet.{table} where {column} = %s", told.transfer.answer["id"])


def doubled(told: Told) -> None:
    twice = Request("topup", told.ben, 50, txn_id=told.topup.txn_id)
    told.ask(twice)
    told.requests.remove(twice)


def answered(told: Told, **values: object) -> None:
    assert told.topup.answer is not None
    told.topup.answer.update(values)


DISAGREEMENTS: dict[str, tuple[Tamper, str]] = {
    "a lost transaction": (lost, "acknowledged, but not there exactly once"),
    "a doubled one": (doubled, "acknowledged, but not there exactly once"),
    "one that was refused": (lambda told: told.spend.told(402, {}), "refused, but there"),
    "one that nobody was told of": (lambda told: told.requests.remove(told.spend), "there, but nobody was told"),
    "another id": (lambda told: answered(told, id=10**6), "there, but not as acknowledged"),
    "another balance": (lambda told: answered(told, balance=1), "there, but not as acknowledged"),
    "another amount": (lambda told: answered(told, amount=51), "there, but not as acknowledged"),
    "another receipt": (lambda told: answered(told, receipt="00"), "there, but not as acknowledged"),
    "another txn_id": (lambda told: answered(told, txn_id=uuid4()), "there, but not as acknowledged"),
    "another recipient": (
        lambda told: told.run("update wallet.transactions set counterparty_id = %s where type = 'transfer'", uuid4()),
        "there, but not as acknowledged",
    ),
    "an entry too few": (
        lambda told: told.run("delete from wallet.ledger where balance_after is null and amount = 20"),
        "entries of an acknowledged transaction",
    ),
    "a balance that is not the sum": (
        lambda told: told.run("update wallet.ledger set amount = amount + 1 where amount = 1000"),
        "balance",
    ),
    "a bonus from nowhere": (
        lambda told: told.run("update wallet.transactions set amount = 999 where type = 'bonus'"),
        "wallet_verify()",
    ),
}


@pytest.mark.parametrize("case", DISAGREEMENTS)
def test_what_must_not_be_is_found(told: Told, case: str) -> None:
    tamper, finding = DISAGREEMENTS[case]
    tamper(told)
    assert finding in judged(told)


def test_settings_without_which_nothing_is_durable_are_found(database: Database) -> None:
    with database.connect() as connection:
        # the server of the tests itself does without fsync
        connection.execute(f"alter role wallet_api in database {database.name} set synchronous_commit = off")
    assert weaknesses(database.url) == ["fsync", "synchronous_commit=off"]
