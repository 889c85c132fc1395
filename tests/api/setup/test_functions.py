"""What lies in db/functions is what a database has, however often and from whatever state it is deployed."""

import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from api.setup import deploy
from tests.api.setup.conftest import dump
from tests.database import Database

Apply = Callable[[Database], None]
FUNCTION_FILES = sorted(file for file in (deploy.DB / "functions").rglob("*.sql") if not file.name.startswith("_"))

GREETING = """
create or replace function public.wallet_greeting() returns text
language sql
as $$ select 'hello' $$;
"""

SPARE = "create or replace function wallet.spare() returns integer language sql as $$ select 1 $$"
WAITING = "perform pg_advisory_lock(1); return wallet.spare();"
SLOW = """
create or replace function public.wallet_slow() returns integer
language plpgsql
as $$ begin {} end $$;
"""


def test_every_function_of_the_database_has_its_file(database: Database) -> None:
    with database.connect() as administrator:
        found = administrator.execute(
            """
            select proname from pg_proc
            where pronamespace = 'wallet'::regnamespace
              or pronamespace = 'public'::regnamespace and proname ^@ 'wallet_'
            order by 1
            """
        ).fetchall()
    assert sorted(name for (name,) in found) == sorted(file.stem for file in FUNCTION_FILES)


def test_deploying_again_changes_nothing(database: Database, apply: Apply) -> None:
    # privileges on a database are not cloned with it
    apply(database)
    before = dump(database)
    assert "alice" in before
    apply(database)
    assert dump(database) == before


def test_an_erasure_by_functions_of_before_is_put_on_record_once(database: Database, apply: Apply) -> None:
    with database.connect() as administrator:
        administrator.execute(
            """
            insert into wallet.erasures (user_id, reason, transactions, holds)
            select u.id, 'asked for', 2, 1 from wallet.users u where u.username = 'alice'
            """
        )
        for _ in range(2):
            apply(database)
            noted = administrator.execute(
                """
                select a.username, a.action, a.reason, a.after, a.created_at = e.created_at
                from wallet_audit() a join wallet.erasures e on e.user_id = a.user_id
                """
            ).fetchall()
            assert noted == [("alice", "erase", "asked for", {"transactions": 2, "holds": 1}, True)]


def test_a_database_deployed_step_by_step_equals_one_deployed_at_once(
    database: Database, empty_database: Database, db: Path, apply: Apply
) -> None:
    held_back = (
        db / "functions" / "transactions" / "wallet_topup.sql",
        db / "functions" / "_grants.sql",
        db / "seeds" / "02_accounts.sql",
    )
    kept = [(file, file.read_text()) for file in held_back]
    for file, _ in kept:
        file.unlink()
    apply(empty_database)
    for file, text in kept:
        file.write_text(text)
    apply(empty_database)
    apply(database)
    assert dump(empty_database, "--schema-only") == dump(database, "--schema-only")


def test_a_new_function_is_nobodys_until_it_is_granted(database: Database, db: Path, apply: Apply) -> None:
    (db / "functions" / "wallet_greeting.sql").write_text(GREETING)
    apply(database)
    with database.connect() as administrator:
        sql = "select has_function_privilege('wallet_api', 'public.wallet_greeting()', 'execute')"
        assert administrator.execute(sql).fetchone() == (False,)


def test_a_privilege_that_left_the_grants_is_revoked(database: Database, db: Path, apply: Apply) -> None:
    grants = db / "functions" / "_grants.sql"
    shorter = re.sub(r"^ *public\.wallet_spend,\n", "", grants.read_text(), flags=re.MULTILINE)
    assert shorter != grants.read_text()
    grants.write_text(shorter)
    apply(database)
    with database.connect() as administrator:
        spend = "wallet_spend(uuid,uuid,bigint,text,jsonb,timestamptz,uuid,uuid)"
        sql = "select has_function_privilege('wallet_api', %s, 'execute')"
        assert administrator.execute(sql, [spend]).fetchone() == (False,)


def test_seeding_again_keeps_what_was_changed_since(database: Database, apply: Apply) -> None:
    with database.connect() as administrator:
        administrator.execute("update wallet.users set password_hash = 'changed' where username = 'alice'")
        administrator.execute("update wallet.assets set signup_bonus = 5")
        apply(database)
        assert administrator.execute("select signup_bonus from wallet.assets where code = 'UC'").fetchone() == (5,)
        hashes = administrator.execute("select password_hash from wallet.users where username = 'alice'").fetchall()
        assert hashes == [("changed",)]


def test_a_call_that_is_under_way_still_finds_the_functions_that_it_calls(
    database: Database, db: Path, apply: Apply
) -> None:
    (db / "functions" / "spare.sql").write_text(SPARE)
    (db / "functions" / "wallet_slow.sql").write_text(SLOW.format(WAITING))
    apply(database)
    (db / "functions" / "spare.sql").unlink()
    (db / "functions" / "wallet_slow.sql").write_text(SLOW.format("return 2;"))
    waits = "select count(*) from pg_locks where locktype = 'advisory' and objid = 1 and not granted"
    deployed = "select count(*) from pg_proc where proname = 'wallet_slow' and prosrc ~ 'return 2'"
    spare = "select to_regprocedure('wallet.spare()') is not null"
    with database.connect() as holder, database.connect() as caller, ThreadPoolExecutor() as threads:
        holder.execute("select pg_advisory_lock(1)")
        call = threads.submit(lambda: caller.execute("select wallet_slow()").fetchone())
        while holder.execute(waits).fetchone() == (0,):
            time.sleep(0.01)
        deploy_again = threads.submit(apply, database)
        while holder.execute(deployed).fetchone() == (0,):
            time.sleep(0.01)
        assert holder.execute(spare).fetchone() == (True,)
        holder.execute("select pg_advisory_unlock(1)")
        assert call.result() == (1,)
        deploy_again.result()
        assert holder.execute(spare).fetchone() == (False,)
        assert holder.execute("select wallet_slow()").fetchone() == (2,)
