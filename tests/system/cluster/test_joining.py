"""A database joins a cluster beside whoever registers, and what a later release makes is numbered like the rest."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from tests.command import wait_until
from tests.database import Database
from tests.system.cluster.databases import Side, two_databases

WAITS = "select from pg_stat_activity where pid = %s and wait_event_type = 'Lock'"
REGISTER = "select wallet_register('newcomer', 'a hash')"


@pytest.fixture
def sides(database: Database) -> Iterator[tuple[Side, Side]]:
    with two_databases(database.server, "joining") as both:
        yield both


def test_whoever_registers_is_waited_for(administrator: psycopg.Connection, database: Database) -> None:
    """A name that is registered in the old generation is there before the new one is: older homes are asked first."""
    with database.connect() as registering, database.connect() as joining, ThreadPoolExecutor(1) as pool:
        registering.execute("begin")
        registering.execute(REGISTER)
        joined = pool.submit(joining.execute, "select wallet_join_cluster(0::smallint, '[[0], [1]]')")
        wait_until(lambda: administrator.execute(WAITS, [joining.info.backend_pid]).fetchall() != [])
        registering.execute("commit")
        joined.result(20)
    assert administrator.execute("select username from wallet.users where username = 'newcomer'").fetchall() != []


def test_whoever_registers_next_reads_the_new_homes(administrator: psycopg.Connection, database: Database) -> None:
    with database.connect() as registering, database.connect() as joining, ThreadPoolExecutor(1) as pool:
        joining.execute("begin")
        joining.execute("select wallet_join_cluster(0::smallint, '[[0], [1]]')")
        registered = pool.submit(registering.execute, REGISTER)
        wait_until(lambda: administrator.execute(WAITS, [registering.info.backend_pid]).fetchall() != [])
        joining.execute("commit")
        with pytest.raises(psycopg.Error) as refused:
            registered.result(20)
        assert refused.value.sqlstate == "WA046"
    assert administrator.execute("select from wallet.users where username = 'newcomer'").fetchall() == []


def test_joining_that_is_rolled_back_leaves_numbers_where_they_were(administrator: psycopg.Connection) -> None:
    before = administrator.execute("select last_value from wallet.transaction_ids").fetchall()
    administrator.execute("set session_replication_role = replica")
    administrator.execute("delete from wallet.users")
    administrator.execute("set session_replication_role = origin")
    administrator.execute("begin")
    administrator.execute("select wallet_join_cluster(9::smallint, '[[9]]')")
    assert administrator.execute("select nextval('wallet.transaction_ids')").fetchall() == [(9 * 2**40 + 1,)]
    administrator.execute("rollback")
    assert administrator.execute("select last_value from wallet.transaction_ids").fetchall() == before


def test_a_table_of_a_later_release_is_numbered_like_the_rest(sides: tuple[Side, Side]) -> None:
    _, second = sides
    second.run("set role wallet_owner")
    second.run(
        "create table wallet.later (id bigint generated always as identity, constraint later_pkey primary key (id))"
    )
    second.run("reset role")
    (found,) = second.violations()
    assert (found["violation"], found["detail"].split()[0]) == ("sequence_behind", "wallet.later_id_seq")
    second.database.migrate()
    assert second.violations() == []
    assert second.value("insert into wallet.later default values returning id") == 2 * 2**40 + 1


def test_demo_accounts_are_registered_where_they_live(sides: tuple[Side, Side]) -> None:
    homes: dict[str, int] = {}
    for side in sides:
        side.database.migrate()
        for row in side.run("select username from wallet.users"):
            assert homes.setdefault(row["username"], side.number) == side.number
        assert side.violations() == []
    assert homes == {
        name: sides[0].value("select wallet.home_of(%s, '{1,2}')", name) for name in ("alice", "bob", "charlie")
    }


def test_what_another_database_made_is_found(sides: tuple[Side, Side]) -> None:
    """Rows of another database, as where one was restored in another's place."""
    first, second = sides
    owner, other = first.register(), second.register()
    second.run("set session_replication_role = replica")

    def found(statement: str, *values: object) -> list[tuple[str, str]]:
        second.run("begin")
        second.run(statement, *values)
        violations = [(row["violation"], row["detail"]) for row in second.violations()]
        second.run("rollback")
        return violations

    assert second.violations() == []
    user = "insert into wallet.users (id, username, password_hash) values (%s, %s, 'a hash')"
    ((violation, detail),) = found(user, owner.user_id, owner.name)
    assert (violation, str(owner.user_id) in detail) == ("home", True)
    ((violation, detail),) = found("update wallet.users set username = %s where id = %s", owner.name, other.user_id)
    assert (violation, str(other.user_id) in detail, "name" in detail) == ("home", True, True)
    moved = found(
        "insert into wallet.wallets (id, owner_id, asset, kind) values (%s, %s, 'EUR', 'user')",
        owner.wallet_id,
        other.user_id,
    )
    assert [violation for violation, _ in moved] == ["home"]
    drawn = found(
        "insert into wallet.account_events (id, type, user_id) values (%s, 'user.erased', %s)", 2**40 + 5, other.user_id
    )
    assert [violation for violation, _ in drawn] == ["number"]
