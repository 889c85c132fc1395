"""`pgwallet demo`: a story that the ledger accepts, which is told once, and not among other people."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import bcrypt
import pytest
from click.testing import CliRunner, Result

from api.cli import pgwallet
from api.commands import demo
from tests.database import Database

TYPES = {"topup", "spend", "transfer", "hold", "capture", "void", "refund"}


@pytest.fixture
def command(tmp_path: Path, module_database: Database) -> Callable[..., Result]:
    def run(*arguments: str, **settings: str) -> Result:
        ours = {"DATABASE_URL": module_database.url, "PGWALLET_DATA_DIR": str(tmp_path), "PGWALLET_BCRYPT_COST": "4"}
        return CliRunner().invoke(pgwallet, ["demo", *arguments, "--json"], env={**ours, **settings})

    return run


def told(result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_a_story_is_told_once_and_goes_on_where_it_was_interrupted(
    command: Callable[..., Result], module_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def interrupted(total: int, label: str) -> Iterator[Callable[[int], None]]:
        def advance(_: int) -> None:
            if label == "transactions":
                raise KeyboardInterrupt

        yield advance
        assert total

    story = ("--users", "7", "--transactions", "1200")
    with monkeypatch.context() as patch:
        patch.setattr(demo, "progress", interrupted)
        assert command(*story).exit_code == 1
    made = told(command(*story))
    assert (made["users"], made["new_users"]) == (7, 0)
    assert (made["transactions"], made["new_transactions"], made["refused"]) == (1200, 1200 - demo.BATCH, {})
    assert made["types"].keys() == TYPES
    assert told(command(*story))["new_transactions"] == 0
    more = told(command("--users", "9", "--transactions", "600"))
    assert (more["new_users"], more["new_transactions"], more["refused"]) == (2, 600, {}), "on top of the other one"
    with module_database.connect() as administrator:
        assert administrator.execute("select * from wallet_verify()").fetchall() == []
        found = administrator.execute(
            "select count(*), count(distinct c.password_hash), min(c.password_hash)"
            " from generate_series(1, 9) n, wallet_credentials('demo-1-' || n) c"
        ).fetchone()
        assert found is not None
        assert found[:2] == (9, 2), "a hash for each run"
        assert bcrypt.checkpw(b"password123", found[2].encode())
        times = (
            "select count(*) filter (where effective_at > now()), count(distinct effective_at::date) > 80"
            " from wallet.transaction_details"
        )
        assert administrator.execute(times).fetchone() == (0, True)


def test_it_stays_away_from_other_people(command: Callable[..., Result], module_database: Database) -> None:
    with module_database.connect() as administrator:
        administrator.execute("select wallet_register('somebody', 'hash')")
        before = administrator.execute("select count(*) from wallet.users").fetchone()
        refused = command("--users", "2", "--transactions", "10", "--seed", "5")
        assert (refused.exit_code, "other people (1)" in refused.stderr) == (1, True), refused.output
        assert administrator.execute("select count(*) from wallet.users").fetchone() == before
        made = told(command("--users", "2", "--transactions", "10", "--seed", "5", "--yes"))
        assert (made["new_users"], made["new_transactions"], made["password"]) == (2, 10, None)
        row = administrator.execute("select password_hash from wallet_credentials('demo-5-1')").fetchone()
        assert row is not None
        assert not bcrypt.checkpw(b"password123", row[0].encode()), "nobody knows it"


def test_of_several_databases_it_takes_none(command: Callable[..., Result], tmp_path: Path) -> None:
    refused = command(PGWALLET_CLUSTER=str(tmp_path / "map.toml"))
    assert (refused.exit_code, "demo fills one database" in refused.stderr) == (1, True), refused.output
