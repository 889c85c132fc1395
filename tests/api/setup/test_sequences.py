"""After a restore of tables alone, or logical replication, sequences stand where they stood: a deploy mends that."""

from uuid import uuid4

import psycopg
import pytest

from tests.database import Database

SEQUENCES = "select oid::regclass::text from pg_class where relnamespace = 'wallet'::regnamespace and relkind = 'S'"
BEHIND = "select split_part(detail, ' ', 1) from wallet_verify() where violation = 'sequence_behind'"
WRITES = (
    "select wallet_topup(wallet_id, gen_random_uuid(), 10) from wallet_credentials('alice')",
    "select wallet_hold(wallet_id, gen_random_uuid(), 1) from wallet_credentials('alice')",
    "select wallet_set_limits(wallet_id, p_floor => -5) from wallet_credentials('alice')",
    "select wallet_erase_user(user_id, 'a test') from wallet_register(%s, 'hash')",
    "select wallet_record_verification(0, 1)",
    "select wallet_sign_out_everywhere(user_id) from wallet_credentials('alice')",
)


def write(administrator: psycopg.Connection, statement: str) -> None:
    administrator.execute(statement, [f"user-{uuid4().hex[:12]}"] if "%s" in statement else None)


def test_a_deploy_sets_sequences_past_what_is_stored(database: Database, administrator: psycopg.Connection) -> None:
    for statement in WRITES:
        write(administrator, statement)
    names = {name for (name,) in administrator.execute(SEQUENCES)}
    assert "wallet.transaction_ids" in names
    used = {name for name in names if administrator.execute(f"select is_called from {name}").fetchone() == (True,)}
    assert administrator.execute("select * from wallet_verify()").fetchall() == []
    for name in names:
        administrator.execute("select setval(%s, 1, false)", [name])
    behind = {name for (name,) in administrator.execute(BEHIND)}
    assert behind == used
    with pytest.raises(psycopg.errors.UniqueViolation):
        write(administrator, "select wallet_register(%s, 'hash')")

    database.migrate()
    assert administrator.execute("select * from wallet_verify()").fetchall() == []
    for statement in WRITES:
        write(administrator, statement)
    assert administrator.execute("select * from wallet_verify()").fetchall() == []


def test_events_of_holds_count_for_the_sequence_that_they_share(
    database: Database, administrator: psycopg.Connection
) -> None:
    write(administrator, WRITES[1])
    administrator.execute("select setval('wallet.transaction_ids', max(id)) from wallet.transactions")
    assert administrator.execute(BEHIND).fetchall() == [("wallet.transaction_ids",)]
    database.migrate()
    write(administrator, WRITES[1])


def test_a_deploy_sets_no_sequence_back(database: Database, administrator: psycopg.Connection) -> None:
    write(administrator, WRITES[0])
    administrator.execute("select setval('wallet.transaction_ids', 5000)")
    database.migrate()
    assert administrator.execute("select nextval('wallet.transaction_ids')").fetchone() == (5001,)
