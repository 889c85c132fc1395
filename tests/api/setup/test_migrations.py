"""Migrations run in both directions, and leave nothing behind."""

import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from api.setup.deploy import DeployError
from tests.api.setup.conftest import dbmate, dump
from tests.command import wait_until
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


@pytest.mark.long
def test_each_later_migration_can_be_taken_back_by_itself(
    empty_database: Database, db: Path, tables_only: Callable[[Database], None], tmp_path: Path
) -> None:
    _, *files = sorted((db / "migrations").glob("*.sql"))
    for file in files:
        file.rename(tmp_path / file.name)
    tables_only(empty_database)
    before = dump(empty_database, "--schema-only")
    for file in files:
        (tmp_path / file.name).rename(file)
        tables_only(empty_database)
        after = dump(empty_database, "--schema-only")
        assert after != before
        assert dbmate(empty_database, "down").returncode == 0
        # a value of an enumeration cannot be dropped
        stays = file.stem.endswith("add_transfer_types")
        assert dump(empty_database, "--schema-only") == (after if stays else before), file.stem
        tables_only(empty_database)
        # that it is so the second time, too, shows when the next one is taken back
        before = after
    assert dump(empty_database, "--schema-only") == before


@pytest.mark.parametrize("name", ["find_and_audit", "add_confirmations", "note_looks_without_locks", "create_keys"])
def test_a_request_under_way_and_a_migration_never_wait_for_one_another(
    empty_database: Database, db: Path, tables_only: Callable[[Database], None], tmp_path: Path, name: str
) -> None:
    files = sorted((db / "migrations").glob("*.sql"))
    (at,) = (place for place, file in enumerate(files) if file.stem.endswith(name))
    for file in files[at:]:
        file.rename(tmp_path / file.name)
    tables_only(empty_database)
    (tmp_path / files[at].name).rename(files[at])

    with empty_database.connect() as observer, empty_database.connect() as request, ThreadPoolExecutor(1) as pool:
        request.execute("begin")
        request.execute("lock table wallet.users in row exclusive mode")  # as a sign-up does
        migrated = pool.submit(tables_only, empty_database)
        waits = "select from pg_locks where relation = 'wallet.users'::regclass and not granted"
        wait_until(lambda: observer.execute(waits).fetchall() != [])
        request.execute("lock table wallet.wallets, wallet.transactions, wallet.operator_actions in row exclusive mode")
        request.execute("commit")
        migrated.result(20)


def test_references_are_indexed_while_money_moves_and_a_part_of_the_index_is_none(
    empty_database: Database, db: Path, tables_only: Callable[[Database], None], tmp_path: Path
) -> None:
    files = [file for file in sorted((db / "migrations").glob("*.sql")) if file.stem >= "20261129000100"]
    for file in files:
        file.rename(tmp_path / file.name)
    tables_only(empty_database)
    with empty_database.connect() as administrator:
        index = "'wallet.transaction_details_reference_idx'::regclass"
        administrator.execute(f"update pg_index set indisvalid = false where indexrelid = {index}")
        (tmp_path / files[0].name).rename(files[0])
        with pytest.raises(DeployError, match="transaction_details_reference_idx is not valid"):
            tables_only(empty_database)
        administrator.execute("reindex index concurrently wallet.transaction_details_reference_idx")
    tables_only(empty_database)
