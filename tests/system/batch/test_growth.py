"""What a call costs does not grow with history, nor while a connection lives, whatever the planner knew of the tables.

Costs are 8 KiB blocks touched, cached or not, which no other load on the machine changes.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from math import log2
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.database import Database, PostgresServer, cloned

LONG = 100_000
SHORT = 60
WALLETS = 5_000
PAGE = 50
CALLS = 8
"""More than the five for which PostgreSQL plans anew before it may keep a plan."""
POINTS = 31
KEY = uuid4()
KEYS = 5_000
PROBE = 4
"""Blocks of one row by index: three levels of the index and the table."""
BALANCES = 9
"""Of one wallet each: whether it remembers what it read for the one before is the planner's choice."""


class Owner(NamedTuple):
    """A user with a wallet, and a transaction in its history, with its moment."""

    user_id: UUID
    wallet_id: UUID
    moment: datetime = datetime.max.replace(tzinfo=UTC)
    transaction_id: int = 0


HALFWAY = """select t.created_at, t.id from wallet.transactions t where t.wallet_id = %s
    and t.seq = (select (max(l.seq) + 1) / 2 from wallet.ledger l where l.wallet_id = %s)"""


MAKE_KEY = "select wallet_create_key(%s, 'a key', sha256('a key'), 'pgw_12345678', '{read,topup}', %s::uuid[])"
MORE_KEYS = (
    """
    insert into wallet.api_keys (id, name, prefix, secret_hash, scopes)
    select gen_random_uuid(), 'another', 'pgw_12345678', sha256(n::text::bytea), '{read}'
    from generate_series(1, %(keys)s) n
    """,
    "insert into wallet.key_subjects select k.id, k.id from wallet.api_keys k",
    "insert into wallet.key_subjects select %(key)s, gen_random_uuid() from generate_series(1, %(keys)s)",
    "insert into wallet.key_uses select -n, %(key)s from generate_series(1, 10 * %(keys)s) n",
)


def batch(items: int, owner: Owner) -> tuple[str, list[Any]]:
    arrays = ["topup"] * items, [owner.wallet_id] * items, [uuid4() for _ in range(items)], [1] * items
    metadata = [Jsonb({"a": 1})] * items
    return "wallet_batch(%s, %s, %s, %s::bigint[], null, %s, %s, true)", [*arrays, metadata, [owner.user_id] * items]


def with_key(call: Callable[[Owner], tuple[str, list[Any]]], owner: Owner) -> tuple[str, list[Any]]:
    """The call by a key: where there are many users, many keys."""
    sql, arguments = call(owner)
    several = "wallet_batch(" in sql or "wallet_balances(" in sql
    items = len(arguments[0]) if several else 0
    named = "p_key_ids => %s" if several else "p_key_id => %s"
    return f"{sql[:-1]}, {named})", [*arguments, [KEY] * items if several else KEY]


def mutation(name: str, owner: Owner) -> tuple[str, list[Any]]:
    return f"wallet_{name}(%s, %s, 1, 'a reference', p_actor => %s)", [owner.wallet_id, uuid4(), owner.user_id]


def pair(first: str, second: str, owner: Owner) -> tuple[str, list[Any]]:
    """A request and the one that refers to it, with what both cost."""
    earlier, later = uuid4(), uuid4()
    call = (
        "wallet_batch(%s, %s, %s, '{1,1}', p_actors => %s, p_original_txn_ids => %s, p_finals => %s)"
        if first != second
        else "wallet_batch(%s, %s, %s, '{1,1}', p_actors => %s)"
    )
    arguments = [[first, second], [owner.wallet_id] * 2, [earlier, later], [owner.user_id] * 2]
    if first == second:
        return call, [arguments[0], arguments[1], [earlier] * 2, arguments[3]]
    return call, [*arguments, [None, earlier], [None, False if second == "capture" else None]]


def transfer(owner: Owner) -> tuple[str, list[Any]]:
    arguments = [owner.wallet_id, uuid4(), owner.user_id]
    return "wallet_transfer(%s, %s, 1, p_to_username => 'alice', p_actor => %s)", arguments


def page(limit: int, before: int | None, owner: Owner) -> tuple[str, list[Any]]:
    return "wallet_entries(%s, %s, %s, p_actor => %s)", [owner.wallet_id, limit, before, owner.user_id]


def balance_at(owner: Owner) -> tuple[str, list[Any]]:
    return "wallet_balance_at(%s, %s, %s)", [owner.wallet_id, owner.moment, owner.user_id]


def points(owner: Owner) -> tuple[str, list[Any]]:
    arguments = [owner.wallet_id, owner.moment, owner.moment, POINTS, owner.user_id]
    return "wallet_balance_history(%s, %s::timestamptz - interval '1 second', %s, %s, %s)", arguments


COSTS: dict[str, Callable[[Owner], tuple[str, list[Any]]]] = {
    "topup": partial(mutation, "topup"),
    "spend": partial(mutation, "spend"),
    "transfer": transfer,
    "hold and capture": partial(pair, "hold", "capture"),
    "spend and refund": partial(pair, "spend", "refund"),
    "spend and its replay": partial(pair, "spend", "spend"),
    "balance": lambda owner: ("wallet_balance(%s, %s)", [owner.wallet_id, owner.user_id]),
    "balance_at": balance_at,
    "balance history": points,
    "entry": lambda owner: ("wallet_entry(%s, %s, %s)", [owner.wallet_id, owner.transaction_id, owner.user_id]),
    "receipt": lambda owner: (
        "wallet_verify_entry(%s, %s, 'x', %s)",
        [owner.wallet_id, owner.transaction_id, owner.user_id],
    ),
    "first page": partial(page, PAGE, None),
    "deep page": partial(page, PAGE, SHORT),
    "longest page of the API": partial(page, 201, None),
    "longest page": partial(page, 1000, None),
    "batch of 3": partial(batch, 3),
    "batch of 12": partial(batch, 12),
    "topup with a key": partial(with_key, partial(mutation, "topup")),
    "batch of 12 with a key": partial(with_key, partial(batch, 12)),
    "balance with a key": partial(with_key, lambda owner: ("wallet_balance(%s, %s)", [owner.wallet_id, owner.user_id])),
    "balances with a key": partial(
        with_key, lambda owner: ("wallet_balances(%s, %s)", [[owner.wallet_id] * BALANCES, [owner.user_id] * BALANCES])
    ),
    "key": lambda owner: ("wallet_authorize_key(sha256('a key'), null, %s)", [owner.user_id]),
    "sign-in": lambda owner: ("wallet_sign_in('short', 'here')", []),  # noqa: ARG005
    "session": lambda owner: ("wallet_session(sha256('nobody'))", []),  # noqa: ARG005
    "token": lambda owner: ("wallet_principal(%s, %s, 0)", [owner.user_id, uuid4()]),
}
PAST = {"balance_at": 1, "balance history": POINTS}
FLAT = [name for name in COSTS if "page" not in name and name not in PAST]


class Meter:
    """Calls as the service's pool makes them, through one connection, which has made every call before."""

    def __init__(self, connection: psycopg.Connection, owner: Owner) -> None:
        self.connection = connection
        # what a new connection reads of the catalogs is no call's cost
        self.costs(owner)

    def costs(self, owner: Owner) -> dict[str, int]:
        """The most blocks that one of some calls touches, by kind of call."""
        return {name: max(self._cost(*call(owner)) for _ in range(CALLS)) for name, call in COSTS.items()}

    def _cost(self, call: str, arguments: Sequence[Any]) -> int:
        explain = f"explain (analyze, buffers, format json) select * from {call}"
        row = self.connection.execute(explain.encode(), arguments).fetchone()
        assert row is not None
        plan: dict[str, int] = row[0][0]["Plan"]
        return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]


class Growth(NamedTuple):
    """What calls cost before and after the tables grew, through a connection from before and through a new one."""

    before: dict[str, int]
    old_short: dict[str, int]
    old_long: dict[str, int]
    new_short: dict[str, int]
    new_long: dict[str, int]


@pytest.fixture(scope="module", params=["never analysed", pytest.param("analysed when empty", marks=pytest.mark.long)])
def growth(postgres_server: PostgresServer, request: pytest.FixtureRequest) -> Iterator[Growth]:
    """A database that grows under a connection; no plan is made anew because the planner learnt something."""
    with cloned(postgres_server, "growth") as found:
        yield grow(found, analysed=request.param == "analysed when empty")


def grow(database: Database, *, analysed: bool) -> Growth:
    with (
        database.connect() as administrator,
        database.connect(service=True) as old,
        database.connect(service=True) as new,
    ):

        def owner(name: str) -> Owner:
            row = administrator.execute("select user_id, wallet_id from wallet_register(%s, 'hash')", [name]).fetchone()
            assert row is not None
            return Owner(*row)

        def halfway(owner: Owner) -> Owner:
            # most entries are of one burst with seconds around it, so not where they would be if they came evenly
            row = administrator.execute(HALFWAY, [owner.wallet_id] * 2).fetchone()
            assert row is not None
            return owner._replace(moment=row[0], transaction_id=row[1])

        short, long, other = owner("short"), owner("long"), halfway(owner("other"))
        users = [short.user_id, long.user_id, other.user_id]
        administrator.execute(MAKE_KEY, [KEY, users])
        administrator.execute(Path(__file__).with_name("history.sql").read_bytes())
        if analysed:
            administrator.execute("analyze")
        old_meter = Meter(old, other)
        administrator.execute("select history.add(%s, %s)", [[short.wallet_id], SHORT])
        short = halfway(short)
        before = old_meter.costs(short)

        administrator.execute("select history.add(history.add_wallets(%s), %s)", [WALLETS, WALLETS])
        administrator.execute("select history.add(%s, %s)", [[long.wallet_id], LONG])
        for statement in MORE_KEYS:
            administrator.execute(statement, {"key": KEY, "keys": KEYS})
        long = halfway(long)
        new_meter = Meter(new, other)
        return Growth(
            before, old_meter.costs(short), old_meter.costs(long), new_meter.costs(short), new_meter.costs(long)
        )


Pair = tuple[dict[str, int], dict[str, int]]


@pytest.fixture(params=["old connection", "new connection"])
def short_and_long(growth: Growth, request: pytest.FixtureRequest) -> Pair:
    """The costs on a wallet with a short history and on one with a long history."""
    if request.param == "old connection":
        return growth.old_short, growth.old_long
    return growth.new_short, growth.new_long


@pytest.mark.parametrize("call", FLAT)
def test_a_call_costs_as_much_on_a_long_wallet_as_on_a_short_one(short_and_long: Pair, call: str) -> None:
    short, long = short_and_long
    # a page of an index or a table may just be full, and in a batch several
    assert long[call] <= short[call] + (12 if "batch" in call else 4)


@pytest.mark.parametrize("call", ["first page", "deep page"])
def test_so_does_a_page_of_its_history_wherever_it_is(short_and_long: Pair, call: str) -> None:
    short, long = short_and_long
    assert long[call] <= 1.1 * short[call]


@pytest.mark.parametrize(("call", "entries"), [("longest page of the API", 201), ("longest page", 1000)])
def test_a_page_costs_what_its_entries_cost(short_and_long: Pair, call: str, entries: int) -> None:
    # an entry's transaction and its details; the entries themselves lie side by side
    assert short_and_long[1][call] <= 2 * PROBE * entries


@pytest.mark.parametrize("call", PAST)
def test_a_balance_of_the_past_costs_probes_as_the_logarithm_of_the_history(short_and_long: Pair, call: str) -> None:
    _, long = short_and_long
    # an entry and its transaction each; at worst every third probe halves what is left
    assert long[call] <= long["balance"] + PAST[call] * 2 * PROBE * (3 * log2(LONG) + 4)


@pytest.mark.parametrize("call", [*FLAT, "first page", "deep page", *PAST])
def test_tables_that_grow_under_a_connection_make_its_calls_no_dearer_than_deeper_indexes_do(
    growth: Growth, call: str
) -> None:
    # from one level of an index to three, by 100,000 rows
    assert growth.old_short[call] <= 2 * growth.before[call] + 8


@pytest.mark.parametrize("call", COSTS)
def test_an_old_connection_is_as_good_as_a_new_one(growth: Growth, call: str) -> None:
    remembered = PROBE * BALANCES if call == "balances with a key" else PROBE
    assert growth.old_long[call] <= 1.2 * growth.new_long[call] + remembered


def test_every_function_of_the_service_keeps_its_plans_to_indexes(shared_database: Database) -> None:
    """Also those that are not written yet: what they call is planned once for all of them in a connection."""
    with shared_database.connect() as administrator:
        functions = administrator.execute(
            """
            select p.proname, p.proconfig
            from pg_proc p
            where p.pronamespace = 'public'::regnamespace and has_function_privilege('wallet_api', p.oid, 'execute')
              and p.proowner = 'wallet_owner'::regrole
            """
        ).fetchall()
    assert len(functions) > 5
    for name, settings in functions:
        if name == "wallet_trial_balance":
            # it reads the whole ledger, and says so
            continue
        assert {"enable_seqscan=off", "enable_bitmapscan=off"} <= set(settings), name
