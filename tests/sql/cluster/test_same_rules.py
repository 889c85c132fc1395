"""The service finds the database of an id and of a name by the same rules as the database."""

from collections.abc import Iterator
from uuid import UUID

import psycopg
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from api.cluster_map import home_of, number_of, number_of_row
from tests.database import Database

# whatever PostgreSQL can store as text
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
NUMBERS = st.lists(st.integers(0, 4095), min_size=1, max_size=20, unique=True)


@pytest.fixture(scope="module")
def connection(module_database: Database) -> Iterator[psycopg.Connection]:
    with module_database.connect() as one:
        yield one


@given(names=st.lists(TEXTS, min_size=1, max_size=30), numbers=NUMBERS)
@example(
    names=["alice", "ALICE", "Ⅷ", "İSTANBUL", "ß", "ẞ", "Σίσυφος", "\u0130", "ÄÖÜ", "K", "", " ", "\U0001f600", "a\n"],
    numbers=[7, 3, 9],
)
def test_of_names(connection: psycopg.Connection, names: list[str], numbers: list[int]) -> None:
    found = connection.execute(
        "select array_agg(wallet.home_of(n, %s::smallint[]) order by place)"
        " from unnest(%s::text[]) with ordinality n (n, place)",
        [numbers, names],
    ).fetchone()
    assert found == ([home_of(name, tuple(numbers)) for name in names],)


@given(
    ids=st.lists(st.uuids() | st.uuids(version=4) | st.integers(0, 2**128 - 1).map(lambda n: UUID(int=n)), min_size=1)
)
@example(ids=[UUID(int=0), UUID(int=2**128 - 1), UUID("0197c3b4-5d6e-8abc-9def-012345678fff")])
def test_of_ids(connection: psycopg.Connection, ids: list[UUID]) -> None:
    # of version 8, too, which random ones rarely are
    ids += [UUID(int=one.int & ~(15 << 76) | 8 << 76) for one in ids]
    found = connection.execute(
        "select array_agg(wallet.number_of(i) order by place) from unnest(%s::uuid[]) with ordinality i (i, place)",
        [ids],
    ).fetchone()
    assert found == ([number_of(one) for one in ids],)


@pytest.mark.parametrize("number", [0, 1, 7, 4095])
def test_of_what_a_database_makes(connection: psycopg.Connection, number: int) -> None:
    with connection.transaction(force_rollback=True):
        connection.execute("set local session_replication_role = replica")
        for table in ("account_events", "ledger", "transactions", "users"):
            connection.execute(f"delete from wallet.{table}")
        connection.execute("delete from wallet.wallets where kind = 'user'")
        connection.execute("set local session_replication_role = origin")
        connection.execute("select wallet_join_cluster(%s::smallint, %s::jsonb)", [number, f"[[{number}]]"])
        row = connection.execute("""
            select r.user_id, r.wallet_id, t.id
            from wallet_register('dora', 'a hash') r
            cross join lateral wallet_topup(r.wallet_id, gen_random_uuid(), 1) t
        """).fetchone()
        assert row is not None
        user_id, wallet_id, transaction_id = row
        assert number_of(user_id) == number_of(wallet_id) == number_of_row(transaction_id) == number
        assert transaction_id < 2**53
