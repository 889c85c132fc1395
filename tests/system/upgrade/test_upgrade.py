"""`pgwallet upgrade`, here from a version to itself: what is dumped, restored and swapped is the same."""

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.postgres.embedded import binaries
from tests.command import Pgwallet, no_server_left
from tests.system.upgrade import data

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]
# the virtual environment of these tests has the programs
VENV = sys.prefix
SAID = "the files are of PostgreSQL 18, and this is 18: there is nothing to upgrade"


@pytest.fixture(scope="module")
def filled() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        data.make(Pgwallet(Path(folder, "data")))
        yield Path(folder, "data")


@pytest.fixture
def wallet(filled: Path) -> Iterator[Pgwallet]:
    """A copy of the filled data dir."""
    # not in tmp_path, whose parents every start of pytest closes to the account that runs PostgreSQL
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "data")
        shutil.copytree(filled, folder, symlinks=True)
        owner = (filled / "postgres").stat()
        for path in (folder / "postgres", *(folder / "postgres").rglob("*")):
            os.chown(path, owner.st_uid, owner.st_gid)
        yield Pgwallet(folder)


def test_all_of_it_arrives_and_the_old_files_stay(wallet: Pgwallet) -> None:
    with wallet:
        service = wallet.start()
        token = service.request("/api/auth/signin", {"username": "alice", "password": "password123"})[1]["data"]
        payment = {"txn_id": "7d4f1a52-9c3e-4b8a-a6f0-2f1f6f0f3b11", "amount": 100}
        assert service.request("/api/wallet/topup", payment, token["access_token"])[0] == 201
        assert wallet.refusal("upgrade", "--from-binaries", VENV).startswith("another pgwallet runs on ")
        service.stop()
        before, secrets = data.kept(wallet), data.secrets(wallet)

        done = data.upgraded(wallet, VENV)

        assert done.returncode == 0, done.stderr
        assert "entries, no violations" in done.stdout
        assert f"{wallet.data_dir}/postgres.18: remove it" in done.stdout
        for lost in ("replication slot a_follower", "setting archive_mode = 'on'"):
            assert f"left out  {lost}" in done.stdout
        assert data.kept(wallet) == before
        assert data.run(wallet, "show archive_mode") == "off"
        assert data.secrets(wallet) == secrets
        assert (wallet.data_dir / "postgres.18/PG_VERSION").read_text() == "18\n"
        assert not (wallet.data_dir / "upgrade").exists()
        service = wallet.start()
        assert service.request("/api/wallet/topup", payment, token["access_token"])[0] == 200, "a replay"
        service.stop()
        assert "is there already, from an earlier upgrade" in data.upgraded(wallet, VENV).stderr
    assert no_server_left(wallet)


def test_killed_at_any_step_nothing_is_lost(wallet: Pgwallet) -> None:
    before = data.kept(wallet)
    for step in ("dumping", "restoring", "verifying", "putting"):
        assert data.upgraded(wallet, VENV, step).returncode == -signal.SIGKILL
        assert not (wallet.data_dir / "postgres.18").exists()
        assert data.kept(wallet) == before, "the server starts on the files of before"
    data.run(wallet, "create table written_after_the_kill ()")
    assert data.upgraded(wallet, VENV, "swap").returncode == -signal.SIGKILL
    assert not wallet.pgdata.exists()
    assert (wallet.data_dir / "postgres.18").exists()
    assert data.run(wallet, "table written_after_the_kill") == "", "the next start goes on with the new files"
    assert data.kept(wallet) == before
    assert wallet.call("verify") == "ok: no violations\n"


def test_a_violation_keeps_the_old_files_in_place(wallet: Pgwallet) -> None:
    forge = (
        "set session_replication_role = replica; update wallet.ledger set amount = amount + 1 where hash is not null"
    )
    data.run(wallet, forge)
    done = data.upgraded(wallet, VENV)
    assert done.returncode == 1
    assert "violations" in done.stderr.splitlines()[-1]
    assert sorted(path.name for path in wallet.data_dir.glob("postgres*") if path.is_dir()) == ["postgres"]
    assert not (wallet.data_dir / "upgrade").exists()


def test_what_cannot_be_upgraded_is_refused_in_one_line(wallet: Pgwallet, tmp_path: Path) -> None:
    def refusal(*arguments: str, **variables: str) -> str:
        return wallet.refusal("upgrade", "--from-binaries", *(arguments or [VENV]), **variables)

    assert refusal() == SAID
    assert refusal(str(binaries())) == SAID
    assert "has no program postgres" in refusal(str(tmp_path))
    assert refusal(DATABASE_URL="postgresql://postgres@127.0.0.1/wallets").startswith("DATABASE_URL is set")
    assert refusal(PGWALLET_DATA_DIR=str(tmp_path / "none")).startswith("there is no database in ")
    version = wallet.pgdata / "PG_VERSION"
    version.write_text("17\n")
    assert "has PostgreSQL 18, and " in refusal()
    assert wallet.refusal("verify").endswith("was made by PostgreSQL 17; this is 18: run `pgwallet upgrade`")
    version.write_text("19\n")
    assert refusal().startswith("the files are of PostgreSQL 19, and this is 18")
    version.write_text("18\n")

    def refused(text: str) -> None:
        assert text in data.upgraded(wallet, VENV).stderr.splitlines()[-1]

    for file, said in (("standby.signal", "follows another server"), ("pg_tblspc/16400", "has tablespaces")):
        (wallet.pgdata / file).touch()
        refused(said)
        (wallet.pgdata / file).unlink()
    closed = 'alter database "other\'s \\ one" allow_connections {}'
    data.run(wallet, closed.format("false"))
    refused("allows no connections")
    data.run(wallet, closed.format("true"))
    data.run(wallet, "drop database pgwallet", database="postgres")
    refused("no wallets in any database")
