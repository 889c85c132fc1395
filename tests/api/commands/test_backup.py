"""`pgwallet backup` and `pgwallet restore` on a server of one's own; the embedded one is in tests/system/backup."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner, Result

from api.cli import pgwallet
from tests.database import SERVICE_PASSWORD, Database, PostgresServer, cloned

Command = Callable[..., Result]
TOTALS = "select count(*), sum(id) from wallet.ledger l join wallet.transactions t on t.id = l.transaction_id"


@pytest.fixture(scope="module")
def empty(postgres_server: PostgresServer) -> Iterator[Database]:
    with cloned(postgres_server, "restored", "template0") as database:
        yield database


@pytest.fixture
def command(tmp_path: Path, module_database: Database) -> Command:
    """Run a command on the module's database, or with other settings."""

    def run(*arguments: str, **settings: str | None) -> Result:
        ours = {"DATABASE_URL": module_database.url, "PGWALLET_DATA_DIR": str(tmp_path / "data")}
        return CliRunner().invoke(
            pgwallet, arguments, env={**ours, "PGWALLET_API_PASSWORD": SERVICE_PASSWORD, **settings}
        )

    return run


@pytest.fixture
def dump(command: Command, tmp_path: Path) -> Path:
    file = tmp_path / "wallet.dump"
    made = command("backup", str(file), "--json")
    assert made.exit_code == 0, made.output
    told = json.loads(made.stdout)
    assert told["file"] == str(file)
    assert told["bytes"] == file.stat().st_size
    noted = json.loads((tmp_path / "data/last-backup.json").read_text())
    assert noted == {"at": told["at"], "file": str(file)}
    return file


def refused(result: Result, text: str, code: int = 1) -> None:
    assert (result.exit_code, text in result.stderr) == (code, True), result.output


def no_wallets(database: Database) -> bool:
    with database.connect() as connection:
        return connection.execute("select to_regnamespace('wallet')").fetchone() == (None,)


def test_a_dump_is_restored_into_an_empty_database_and_into_no_other(
    command: Command, dump: Path, module_database: Database, empty: Database, tmp_path: Path
) -> None:
    assert dump.stat().st_mode & 0o077 == 0, "what is stored about people is in it"
    broken = tmp_path / "broken.dump"
    broken.write_bytes(dump.read_bytes()[:-3000])
    refused(command("restore", str(broken), DATABASE_URL=empty.url), "pg_restore failed")
    assert no_wallets(empty), "all or nothing"

    done = command("restore", str(dump), "--json", DATABASE_URL=empty.url)
    assert done.exit_code == 0, done.output
    with module_database.connect() as before, empty.connect() as after:
        totals = before.execute(TOTALS).fetchone()
        assert after.execute(TOTALS).fetchone() == totals
        assert (
            json.loads(done.stdout)["entries"]
            == (before.execute("select count(*) from wallet.ledger where hash is not null").fetchone() or ())[0]
        )
        after.execute("select wallet_topup((select wallet_id from wallet_credentials('alice')), gen_random_uuid(), 7)")
        totals = after.execute(TOTALS).fetchone()
        refused(command("restore", str(dump), DATABASE_URL=empty.url), "has wallets already")
        assert after.execute(TOTALS).fetchone() == totals
        with empty.connect(service=True) as service, pytest.raises(psycopg.errors.InsufficientPrivilege):
            service.execute("table wallet.ledger")


def test_a_violation_is_told(command: Command, tmp_path: Path, postgres_server: PostgresServer) -> None:
    file = tmp_path / "forged.dump"
    with cloned(postgres_server, "forged") as forged, cloned(postgres_server, "unsound", "template0") as unsound:
        with forged.connect() as attacker:
            attacker.execute("set session_replication_role = replica")
            attacker.execute("update wallet.ledger set amount = amount + 1 where hash is not null")
        assert command("backup", str(file), DATABASE_URL=forged.url).exit_code == 0
        refused(command("restore", str(file), DATABASE_URL=unsound.url), "violations")


def test_a_backup_replaces_nothing_and_leaves_nothing_half_made(
    command: Command, dump: Path, tmp_path: Path, module_database: Database
) -> None:
    content = dump.read_bytes()
    refused(command("backup", str(dump)), "is there already")
    assert dump.read_bytes() == content
    refused(command("backup", str(tmp_path / "none/wallet.dump")), "there is no folder")
    noted = (tmp_path / "data/last-backup.json").read_text()
    other = str(tmp_path / "other.dump")
    refused(command("backup", other, DATABASE_URL="postgresql://postgres@127.0.0.1:1/none"), "no answer", code=3)
    refused(command("backup", other, DATABASE_URL=module_database.server.database("postgres").url), "no wallets yet")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["data", "wallet.dump"]
    assert (tmp_path / "data/last-backup.json").read_text() == noted, "it says when one was made"


def test_of_several_databases_each_has_a_dump_of_its_own(
    command: Command, tmp_path: Path, module_database: Database, postgres_server: PostgresServer
) -> None:
    urls = [module_database.url, postgres_server.database("postgres").url]
    cluster = tmp_path / "map.toml"
    folder = tmp_path / "dumps"
    text = "homes = [[0, 1]]\n" + "".join(
        f'[[databases]]\nnumber = {number}\nurl = "{url}"\n' for number, url in enumerate(urls)
    )
    cluster.write_text(text)
    several = {"DATABASE_URL": None, "PGWALLET_CLUSTER": str(cluster)}
    refused(command("backup", str(folder), **several), "no wallets yet")
    assert not folder.exists()
    cluster.write_text(text.replace(urls[1], urls[0]))
    assert command("backup", str(folder), **several).exit_code == 0
    assert sorted(file.name for file in folder.iterdir()) == ["0.dump", "1.dump"]
    refused(command("backup", str(folder / "files"), "--files", **several), "--files copies one server")
    refused(command("restore", str(folder / "0.dump"), **several), "by itself")


def test_files_are_judged_before_they_are_copied(command: Command, tmp_path: Path, dump: Path) -> None:
    files, data = tmp_path / "files", tmp_path / "data"
    (files / "pg_tblspc").mkdir(parents=True)
    embedded = {"DATABASE_URL": None}
    refused(command("restore", str(files)), "unset DATABASE_URL")
    refused(command("restore", str(files), **embedded), "has no backup_manifest")
    (files / "backup_manifest").write_text("{}")
    refused(command("restore", str(files), **embedded), "pg_verifybackup failed")
    (files / "pg_tblspc/16400").symlink_to(tmp_path)
    refused(command("restore", str(files), **embedded), "tablespaces")
    assert not (data / "postgres").exists()
    refused(command("restore", str(files), "--until", "noon", **embedded), "--until needs --wal", code=2)
    refused(command("restore", str(dump), "--wal", str(files), **embedded), "a dump is one moment", code=2)
