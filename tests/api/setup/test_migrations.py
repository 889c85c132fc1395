"""Migrations run in both directions, and leave nothing behind."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.api.setup.conftest import dbmate, dump
from tests.database import Database

OURS = """
select 'schema ' || nspname from pg_namespace where nspname = 'wallet'
union all
select 'relation ' || oid::regclass from pg_class where relnamespace = 'public'::regnamespace
union all
select 'function ' || oid::regprocedure from pg_proc where pronamespace = 'public'::regnamespace
union all
select 'type ' || oid::regtype from pg_type where typnamespace = 'public'::regnamespace
order by 1
"""


@pytest.fixture
def tables_only(db: Path, apply: Callable[[Database], None]) -> Callable[[Database], None]:
    """Deploy roles and migrations, and nothing else."""
    for folder in ("functions", "seeds"):
        shutil.rmtree(db / folder)
        (db / folder).mkdir()
    return apply


def down(database: Database) -> int:
    """Roll every migration back; returns how many there were."""
    count = 0
    while (result := dbmate(database, "down")).returncode == 0:
        count += 1
    assert "can't rollback" in result.stderr, result.stderr
    return count


def test_up_down_and_up_again_make_the_same_schema(
    empty_database: Database, db: Path, tables_only: Callable[[Database], None]
) -> None:
    tables_only(empty_database)
    first = dump(empty_database, "--schema-only")
    assert "CREATE TABLE wallet.ledger" in first
    assert down(empty_database) == len(list((db / "migrations").glob("*.sql")))
    tables_only(empty_database)
    assert dump(empty_database, "--schema-only") == first


def test_down_leaves_nothing_but_the_empty_table_of_migrations(
    empty_database: Database, tables_only: Callable[[Database], None]
) -> None:
    tables_only(empty_database)
    down(empty_database)
    with empty_database.connect() as administrator:
        assert [name for (name,) in administrator.execute(OURS)] == [
            "relation pgwallet_migrations",
            "relation pgwallet_migrations_pkey",
            "type pgwallet_migrations",
            "type pgwallet_migrations[]",
        ]
        assert administrator.execute("select * from pgwallet_migrations").fetchall() == []


def test_each_later_migration_can_be_taken_back_by_itself(
    empty_database: Database, db: Path, tables_only: Callable[[Database], None], tmp_path: Path
) -> None:
    _, *files = sorted((db / "migrations").glob("*.sql"))
    for file in files:
        file.rename(tmp_path / file.name)
    tables_only(empty_database)
    for file in files:
        before = dump(empty_database, "--schema-only")
        (tmp_path / file.name).rename(file)
        tables_only(empty_database)
        after = dump(empty_database, "--schema-only")
        assert after != before
        assert dbmate(empty_database, "down").returncode == 0
        assert dump(empty_database, "--schema-only") == before
        tables_only(empty_database)
        assert dump(empty_database, "--schema-only") == after
