"""The service of the version before keeps serving while its database is migrated to this version, and afterwards.

Its calls are the statements that it prepares, on connections that it opened before.
"""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import psycopg
import pytest

from tests.api.setup import before
from tests.database import Database, PostgresServer, cloned

STATEMENTS = before.recorded()
ARGUMENTS = {statement: before.Arguments(statement) for statement in STATEMENTS}
# what one asks for, by the names of parameters; of what has none, null
VALUES = {
    "p_wallet_id": "'{wallet}'", "p_wallet_ids": "array['{wallet}'::uuid]", "p_to_wallet_id": "'{other}'",
    "p_actor": "'{actor}'", "p_actors": "array['{actor}'::uuid]", "p_owner_id": "'{actor}'", "p_user_id": "'{actor}'",
    "p_txn_id": "gen_random_uuid()", "p_txn_ids": "array[gen_random_uuid()]", "p_amount": "1",
    "p_original_txn_id": "gen_random_uuid()", "p_hold_txn_id": "gen_random_uuid()", "p_final": "false",
    "p_asset": "'UC'", "p_at": "'2001-01-01'", "p_from": "'2001-01-01'", "p_to": "'2002-01-01'", "p_limit": "10",
    "p_username": "'dora'", "p_password_hash": "'hash'", "p_old_hash": "'other'", "p_new_hash": "'hash'",
    "p_address": "'here'", "p_token_id": "gen_random_uuid()", "p_expires_at": "'2100-01-01'", "p_since": "0",
    "p_reason": "'r'", "p_status": "'active'", "p_query": "'dora'", "p_points": "2", "p_skip_locked": "false",
    "p_after": "0", "p_up_to": "100", "p_fence": "3", "p_generation": "0", "p_four_eyes": "0", "p_type": "'topup'",
    "wallet_batch.p_types": "array['topup']", "wallet_batch.p_amounts": "array[1000::bigint]",
    "wallet_topup.p_amount": "1000", "wallet_hold.p_txn_id": "md5('{lap}')::uuid",
    "wallet_register.p_username": "'n-' || left(gen_random_uuid()::text, 8)",
    "wallet_require_username.p_username": "'n-' || left(gen_random_uuid()::text, 8)",
    "wallet_erase_user.p_user_id": "gen_random_uuid()", "wallet_names.p_wallet_ids": "array['{wallet}'::uuid]",
    "wallet_holds.p_status": "null", "wallet_inspect_holds.p_status": "null",
    "wallet_adjust.p_reference": "'r'", "wallet_fund.p_reference": "'r'",
}  # fmt: skip
# what must be answered for the comparison to mean something
ANSWERED = {
    "topup", "spend", "transfer", "hold", "batch", "balance", "balances", "balance_at", "balance_history", "entries",
    "holds", "statement", "list", "find", "find_request", "me", "open", "assets", "register", "sign_in", "principal",
    "sign_out", "revocations", "user_events", "preview_transfer", "trial_balance", "search", "users", "audit",
    "webhooks", "inspect_wallet", "inspect_user", "inspect_entries", "relay_webhooks", "event_mark",
    "outbox", "outbox_destinations",
}  # fmt: skip
Outcome = str | tuple[str, ...]
"""The SQLSTATE, or the names of the columns."""


@dataclass
class OldService:
    """A connection of the service of before, with its statements prepared, on behalf of somebody."""

    connection: psycopg.Connection
    parameters: dict[str, list[str]]
    ids: dict[str, object]
    statements: list[str]
    prepared: dict[str, str] = field(default_factory=dict)

    def call(self, statement: str, lap: object) -> Outcome:
        """Answer as a service does: prepared anew where the plan is of another version."""
        self.ids["lap"] = lap
        try:
            return self._execute(statement)
        except psycopg.errors.FeatureNotSupported:
            self.connection.execute(f"deallocate {self.prepared.pop(statement)}".encode())
            return self._execute(statement)

    def _execute(self, statement: str) -> Outcome:
        if statement not in self.prepared:
            name = f"s{STATEMENTS.index(statement)}"
            self.connection.execute(f"prepare {name} as {statement}".encode())
            self.prepared[statement] = name
        values = ", ".join(self._values(statement))
        call = f"execute {self.prepared[statement]}{f'({values})' if values else ''}"
        try:
            return tuple(column.name for column in self.connection.execute(call.encode()).description or ())
        except psycopg.errors.FeatureNotSupported:
            raise
        except psycopg.Error as error:
            return str(error.sqlstate)

    def _values(self, statement: str) -> Iterator[str]:
        found = {number: (function, named) for function, named, number in ARGUMENTS[statement].found}
        for number in sorted(found):
            function, named = found[number]
            name = self.parameters[function][named] if isinstance(named, int) else named
            yield VALUES.get(f"{function}.{name}", VALUES.get(name, "null")).format(**self.ids)


@dataclass(frozen=True)
class Upgrade:
    """What each call said before, while the database was migrated, and after."""

    before: dict[tuple[str, str], Outcome]
    meanwhile: list[tuple[str, Outcome, Outcome]]
    after: dict[tuple[str, str], Outcome]


@pytest.fixture(scope="module")
def upgrade(postgres_server: PostgresServer) -> Iterator[Upgrade]:
    with cloned(postgres_server, "of_before", "template0") as database:
        yield upgraded(database)


def upgraded(database: Database) -> Upgrade:
    before.restore(database)
    with database.connect() as administrator:
        administrator.execute("grant connect on database of_before to wallet_api, wallet_relay")
        rows = administrator.execute(
            "select proname, proargnames[1:pronargs] from pg_proc where oid::regprocedure::text ^@ 'wallet_'"
        )
        parameters = {name: names or [] for name, names in rows}
        make = "select user_id, wallet_id from wallet_register(%s, 'hash')"
        ids = {name: administrator.execute(make, [name]).fetchone() or () for name in ("dora", "olga", "oscar")}
        administrator.execute("select wallet_set_role(name, 'operator') from unnest(array['olga', 'oscar']) name")
        services: dict[str, OldService] = {}
        refused = STATEMENTS
        for name, login in (("dora", "wallet_api"), ("olga", "wallet_api"), ("relay", "wallet_relay")):
            connection = psycopg.connect(database.url, autocommit=True)
            connection.execute(f"set session authorization {login}".encode())
            people = {"actor": ids.get(name, ids["dora"])[0], "wallet": ids["dora"][1], "other": ids["oscar"][1]}
            services[name] = service = OldService(connection, parameters, people, refused)
            # what one is refused, the next one asks for
            refused = [statement for statement in refused if isinstance(service.call(statement, 0), str)]

        def answers(lap: object) -> dict[tuple[str, str], Outcome]:
            return {
                (name, statement): service.call(statement, lap)
                for name, service in services.items()
                for statement in service.statements
            }

        # the sixth time plans are generic
        known = [answers(lap) for lap in range(1, 6)][-1]
        meanwhile: list[tuple[str, Outcome, Outcome]] = []
        migrated = threading.Event()

        def serve() -> None:
            answered = [statement for statement in STATEMENTS if not isinstance(known["dora", statement], str)]
            while not migrated.is_set():
                for statement in answered:
                    said = services["dora"].call(statement, "meanwhile")
                    meanwhile.append((statement, known["dora", statement], said))

        serving = threading.Thread(target=serve)
        serving.start()
        try:
            database.migrate()
        finally:
            migrated.set()
            serving.join(60)
        try:
            return Upgrade(known, meanwhile, answers("after"))
        finally:
            for service in services.values():
                service.connection.close()


def same(old: Outcome, new: Outcome) -> bool:
    """Whether a service that reads by name is answered as before."""
    return old == new if isinstance(old, str) or isinstance(new, str) else set(old) <= set(new)


def test_its_calls_are_answered_to_begin_with(upgrade: Upgrade) -> None:
    answered = {
        function.removeprefix("wallet_")
        for (_, statement), outcome in upgrade.before.items()
        if not isinstance(outcome, str)
        for function in ARGUMENTS[statement].functions
    }
    assert ANSWERED - answered == set()


def test_they_are_answered_while_the_database_is_migrated(upgrade: Upgrade) -> None:
    assert upgrade.meanwhile
    assert [said for said in upgrade.meanwhile if not same(*said[1:])] == []


@pytest.mark.parametrize("statement", STATEMENTS)
def test_they_are_answered_by_the_new_functions(upgrade: Upgrade, statement: str) -> None:
    for name in (name for name, asked in upgrade.before if asked == statement):
        old, new = upgrade.before[name, statement], upgrade.after[name, statement]
        assert same(old, new), (name, old, new)
