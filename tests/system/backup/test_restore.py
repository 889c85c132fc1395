"""Backups of a service under load, made and restored by PostgreSQL's own tools, as docs/operations tells it."""

import contextlib
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from api.postgres import embedded
from api.postgres.os_account import server_account
from tests.command import ROOT, Pgwallet, Service, wait_until

pytestmark = pytest.mark.timeout(180)
PASSWORD = "correct horse battery"
SECRETS = ("jwt_secret", "api_password", "webhook_key")


class Client(threading.Thread):
    """A user who tops up without a pause; `acknowledged` are the txn_ids that were answered."""

    def __init__(self, service: Service) -> None:
        super().__init__(daemon=True)
        self.service = service
        self.username = f"user-{uuid4().hex[:12]}"
        account = service.request("/api/auth/signup", {"username": self.username, "password": PASSWORD})[1]["data"]
        self.token: str = account["access_token"]
        self.acknowledged: list[str] = []
        self._ended = threading.Event()

    def run(self) -> None:
        while not self._ended.is_set():
            self.topup()

    def topup(self, txn_id: str | None = None) -> bool:
        """Top up by 1. Returns whether it was on record already."""
        txn_id = txn_id or str(uuid4())
        status, body = self.service.request("/api/wallet/topup", {"txn_id": txn_id, "amount": 1}, self.token)
        assert status in {200, 201}, body
        self.acknowledged.append(txn_id)
        return status == 200

    def under_load(self, count: int) -> None:
        """Wait until so many more were answered."""
        goal = len(self.acknowledged) + count
        wait_until(lambda: len(self.acknowledged) >= goal)

    def end(self) -> None:
        self._ended.set()
        self.join(20)

    def balance(self, service: Service) -> int:
        balance: int = service.request("/api/wallet/balance", token=self.token)[1]["data"]["balance"]
        return balance


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the account which runs PostgreSQL can reach, too."""
    with tempfile.TemporaryDirectory(prefix="pgwallet-backup-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def tool(name: str, *arguments: str) -> None:
    command = [str(embedded.binaries() / name), *arguments]
    done = subprocess.run(command, env=embedded.environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def query(wallet: Pgwallet, sql: str) -> str:
    return wallet.call("psql", "-XAtqc", sql).strip()


@contextlib.contextmanager
def live(folder: Path) -> Iterator[tuple[Pgwallet, Service, Client]]:
    """A service with a client that loads it, which archives its WAL."""
    archive = folder / "archive"
    archive.mkdir()
    archive.chmod(0o777)
    with Pgwallet(folder / "live") as wallet:
        query(wallet, "alter system set archive_mode = on")
        query(wallet, f"alter system set archive_command = 'test ! -f {archive}/%f && cp %p {archive}/%f'")
        service = wallet.start()
        client = Client(service)
        client.start()
        try:
            yield wallet, service, client
        finally:
            client.end()


def holds_what_was_acknowledged(wallet: Pgwallet, client: Client, service: Service, txn_ids: list[str]) -> None:
    """Compare by the token of before, by a new sign-in, by retries, and by the ledger's own verification."""
    assert wallet.call("verify") == "ok: no violations\n"
    signed_in = service.request("/api/auth/signin", {"username": client.username, "password": PASSWORD})
    assert signed_in[0] == 200
    listed = ",".join(f"'{txn_id}'" for txn_id in txn_ids)
    assert query(wallet, f"select count(*) from wallet.transactions where txn_id in ({listed})") == str(len(txn_ids))
    client.service = service
    balance = client.balance(service)
    for txn_id in (txn_ids[0], txn_ids[-1]):
        assert client.topup(txn_id)
    assert client.balance(service) == balance


def guarded(wallet: Pgwallet) -> None:
    """The guards of the ledger are in force, and the service may read no table."""
    for sql in ("update wallet.ledger set amount = 1", "delete from wallet.transactions", "truncate wallet.ledger"):
        assert "WA008" in wallet.attempt("psql", "-Xqv", "VERBOSITY=verbose", "-c", sql)[2]
    assert "permission denied" in wallet.attempt("psql", "-Xqc", "set role wallet_api; table wallet.ledger")[2]
    connect = "select has_database_privilege('public', current_database(), 'connect')"
    assert query(wallet, connect.replace("'public', ", "0::oid, ")) == "f"


def test_a_dump_of_a_live_service_is_restored_into_a_fresh_cluster(folder: Path) -> None:
    dump, script = folder / "wallet.dump", folder / "wallet.sql"
    with live(folder) as (wallet, service, client):
        client.under_load(50)
        before = list(client.acknowledged)
        tool("pg_dump", "-Fc", "-f", str(dump), "-d", wallet.call("url").strip())
        client.under_load(10)
        client.end()
        service.stop()
    with Pgwallet(folder / "fresh") as wallet:
        wallet.call("psql", "-Xqf", str(ROOT / "db" / "roles.sql"))
        tool("pg_restore", "-f", str(script), str(dump))
        wallet.call("psql", "-Xq1v", "ON_ERROR_STOP=1", "-f", str(script))
        for secret in SECRETS:
            shutil.copy(folder / "live" / secret, folder / "fresh" / secret)
        wallet.call("migrate")
        service = wallet.start()
        holds_what_was_acknowledged(wallet, client, service, before)
        guarded(wallet)


def test_base_backup_and_wal_lead_to_a_point_in_time(folder: Path) -> None:
    with live(folder) as (wallet, service, client):
        client.under_load(20)
        base = folder / "restored" / "postgres"
        base.parent.mkdir(mode=0o700)
        tool("pg_basebackup", "-D", str(base), "-c", "fast", "-d", wallet.call("url").strip())
        client.under_load(50)
        client.end()
        before = list(client.acknowledged)
        query(wallet, "select pg_create_restore_point('before_the_mistake')")
        after = str(uuid4())
        client.topup(after)
        balance = client.balance(service)
        last = query(wallet, "select pg_walfile_name(pg_switch_wal())")
        wait_until(lambda: (folder / "archive" / last).exists())
        service.stop()
    for secret in SECRETS:
        shutil.copy(folder / "live" / secret, base.parent / secret)
    (base / "recovery.signal").touch()
    with (base / "postgresql.auto.conf").open("a") as file:
        file.write(f"restore_command = 'cp {folder}/archive/%f %p'\n")
        file.write("recovery_target_name = 'before_the_mistake'\nrecovery_target_action = 'promote'\n")
    account = server_account(folder / "live" / "postgres")
    for path in [base, *base.rglob("*")]:
        os.chown(path, account.uid, account.gid, follow_symlinks=False)
    with Pgwallet(base.parent) as wallet:
        service = wallet.start()
        holds_what_was_acknowledged(wallet, client, service, before)
        guarded(wallet)
        assert client.balance(service) == balance - 1
        assert client.topup(after) is False, "what the point left out is new again"
        assert client.balance(service) == balance
