"""Every function for callers, with values that nobody should pass: it does its work or refuses by a documented code."""

from collections import Counter
from typing import Any, NamedTuple
from uuid import uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from psycopg.types.string import TextLoader

from api.errors import SQLSTATES
from tests.database import Database
from tests.sql.catalogue.hostile import Argument, calls, misshapen

EXAMPLES = 12
REFUSALS = {code for code in SQLSTATES if code.startswith("WA")}
OUTCOMES = {"ok", "replayed"} | REFUSALS
FUNCTIONS = """
    select p.proname, p.prorettype::regtype::text,
      array(
        select array[p.proargnames[a.place], format_type(a.type, null)]
        from unnest(p.proargtypes) with ordinality a (type, place)
        order by a.place
      ),
      has_function_privilege('wallet_api', p.oid, 'execute')
    from pg_proc p
    where p.pronamespace = 'public'::regnamespace and p.proname ^@ 'wallet_'
    order by 1
"""
SETTINGS = settings(
    deadline=None,
    database=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)


class Function(NamedTuple):
    name: str
    arguments: list[Argument]
    service: bool


@pytest.mark.timeout(0)
@pytest.mark.parametrize("role", ["wallet_api", pytest.param("administrator", marks=pytest.mark.long)])
def test_every_function_refuses_by_a_documented_code(
    database: Database, role: str, pytestconfig: pytest.Config
) -> None:
    thorough: int = pytestconfig.getoption("thorough")
    some = settings(SETTINGS, max_examples=EXAMPLES * thorough, derandomize=thorough == 1)
    told: Counter[str] = Counter()
    faults: list[str] = []
    with database.connect() as connection:
        connection.execute("set statement_timeout = '5s'")
        # Python's own type ends at the years 1 and 9999
        connection.adapters.register_loader("timestamptz", TextLoader)
        ids = populate(connection)
        functions = found(connection)
        assert len(functions) > 30
        for function in functions:
            if role == "administrator" or function.service:
                try:
                    told += try_out(connection, role, function, ids, some)
                except AssertionError as error:
                    faults.append(str(error))
    assert not faults, "\n".join(faults)
    # calls that are all refused would find nothing
    assert told["ok"] > len(functions)
    assert len(told) > 8, told


def try_out(
    connection: psycopg.Connection, role: str, function: Function, ids: dict[str, list[str]], some: settings
) -> Counter[str]:
    """Call the function with many values. Returns how often it answered what."""
    told = Counter(attempt(connection, role, function, literals) for literals in misshapen(function.arguments, ids))

    @some
    @given(calls(function.arguments, ids))
    def call(literals: list[str | None]) -> None:
        told[attempt(connection, role, function, literals)] += 1

    call()
    return told


def attempt(connection: psycopg.Connection, role: str, function: Function, literals: list[str | None]) -> str:
    """Call the function, look at its answer and at the ledger, and undo all of it. Returns the answer in a word."""
    arguments = ", ".join(f"{argument.name} => %s::{argument.type}" for argument in function.arguments)
    connection.execute("begin")
    try:
        if role == "wallet_api":
            connection.execute("set session authorization wallet_api")
        cursor = connection.execute(f"select * from public.{function.name}({arguments})".encode(), literals)
        rows = cursor.fetchall()
        columns = [column.name for column in cursor.description or []]
        if "outcome" in columns:
            assert {row[columns.index("outcome")] for row in rows} <= OUTCOMES
        connection.execute("reset session authorization")
        connection.execute("set constraints all immediate")
        # without a number of its own the transaction has written nothing, and the ledger is the one of before
        if connection.execute("select pg_current_xact_id_if_assigned() is not null").fetchone() == (True,):
            assert connection.execute("select * from wallet_verify()").fetchall() == []
    except psycopg.Error as error:
        answer = str(error.sqlstate)
        said = f"{function.name}{literals!r:.2000}: {answer} {error}"
    else:
        answer = said = "ok"
    finally:
        connection.execute("rollback")
        connection.execute("reset session authorization")
    assert answer == "ok" or answer in REFUSALS, said
    return answer


def found(connection: psycopg.Connection) -> list[Function]:
    return [
        Function(name, [Argument(*pair) for pair in arguments], service)
        for name, _, arguments, service in connection.execute(FUNCTIONS).fetchall()
    ]


def populate(connection: psycopg.Connection) -> dict[str, list[str]]:
    """Give alice a past, bob a wallet in two assets and olga the role of an operator; their ids by use."""

    def scalar(sql: str, *parameters: Any) -> Any:
        row = connection.execute(sql.encode(), parameters).fetchone()
        return row and row[0]

    scalar("select wallet_create_asset('USD', 'US dollar', 2::smallint)") if not scalar(
        "select 1 from wallet.assets where code = 'USD'"
    ) else None
    scalar("select user_id from wallet_register('olga', 'hash')")
    scalar("select wallet_set_role('olga', 'operator')")
    users = [scalar("select id from wallet.users where username = %s", name) for name in ("alice", "bob", "olga")]
    for user in users[:2]:
        scalar("select wallet_id from wallet_open(%s, 'USD')", user)
    alice, bob = (scalar("select wallet_id from wallet_credentials(%s)", name) for name in ("alice", "bob"))
    spent, held, sent = uuid4(), uuid4(), uuid4()
    scalar("select id from wallet_spend(%s, %s, 300)", alice, spent)
    scalar("select id from wallet_hold(%s, %s, 200)", alice, held)
    scalar("select id from wallet_transfer(%s, %s, 50, %s)", alice, sent, bob)
    # the number that an ordinary call has
    scalar("select setval(pg_get_serial_sequence('wallet.confirmations', 'id'), 99)")
    proposal = "'refund', %s, gen_random_uuid(), %s, 100, null, null, null, 0, %s"
    scalar("select wallet_set_role('bob', 'operator')")
    scalar(f"select id from wallet_propose({proposal})", alice, spent, users[1])
    webhook = uuid4()
    scalar("select id from wallet_create_webhook(%s, 'https://example.com')", webhook)
    key = uuid4()
    scalar(
        "select id from wallet_create_key(%s, 'a', sha256('a'), 'pgw_12345678', '{read,topup}', p_all_users => true)",
        key,
    )
    others = connection.execute("select id from wallet.wallets where id <> %s order by kind desc limit 4", [alice])
    return {
        "wallet": [str(one) for one in [alice, alice, alice, bob, *(row[0] for row in others), uuid4()]],
        "actor": [str(one) for one in [users[0], users[2], users[0], users[2], users[1], uuid4()]],
        "webhook": [str(webhook), str(webhook), str(uuid4())],
        "key": [str(key), str(key), str(uuid4())],
        "hold": [str(held)],
        "original": [str(spent), str(spent), str(held)],
        "txn": [str(one) for one in [uuid4(), uuid4(), uuid4(), spent, held, sent]],
        "owner": [str(one) for one in users],
        "user": [str(one) for one in users],
    }
