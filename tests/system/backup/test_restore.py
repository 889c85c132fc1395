"""Backups of a service under load, made and restored by the commands of docs/operations/backup-and-restore.md."""

import contextlib
import json
import subprocess
import threading
from collections.abc import Iterator
from itertools import groupby
from uuid import uuid4

import pytest

from api.postgres import embedded
from tests.command import ROOT, Pgwallet, Service, wait_until
from tests.docs.markdown import Command, commands
from tests.docs.reader import Reader, reader

pytestmark = pytest.mark.timeout(300)
PASSWORD = "correct horse battery"
DOCUMENT = ROOT / "docs/operations/backup-and-restore.md"


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


def tool(name: str, *arguments: str) -> None:
    command = [str(embedded.binaries() / name), *arguments]
    done = subprocess.run(command, env=embedded.environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def query(wallet: Pgwallet, sql: str) -> str:
    return wallet.call("psql", "-XAtqc", sql).strip()


def steps() -> list[list[Command]]:
    """The commands of the document, block by block."""
    return [list(block) for _, block in groupby(commands(DOCUMENT), key=lambda command: command.place)]


def enter(one: Reader, block: list[Command]) -> None:
    for command in block:
        if command.text != "make run":
            one.enter(command)


@contextlib.contextmanager
def live() -> Iterator[tuple[Reader, Pgwallet]]:
    """A reader of the document, in whose folder the service runs."""
    with reader() as one:
        # the account that runs PostgreSQL writes the archive
        one.folder.chmod(0o755)
        (one.folder / "backup/wal").mkdir(parents=True)
        (one.folder / "backup/wal").chmod(0o777)
        with Pgwallet(one.folder / ".pgwallet") as wallet:
            yield one, wallet


@contextlib.contextmanager
def loaded(service: Service) -> Iterator[Client]:
    client = Client(service)
    client.start()
    try:
        yield client
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


@pytest.mark.long
def test_both_ways_out_of_a_live_service() -> None:
    dump, fresh, archiving, files, point = steps()
    with live() as (one, wallet):
        service = wallet.start()
        enter(one, archiving)
        service.stop()
        service = wallet.start()
        with loaded(service) as client:
            client.under_load(50)
            in_the_dump = list(client.acknowledged)
            enter(one, dump)
            noted = json.loads((one.folder / ".pgwallet/last-backup.json").read_text())
            assert noted["file"] == str(one.folder / "wallet.dump")
            enter(one, files[:1])
            client.under_load(50)
        before = list(client.acknowledged)
        enter(one, files[1:])
        after = str(uuid4())
        client.topup(after)
        balance = client.balance(service)
        # which archives the last of the WAL
        service.stop()

        enter(one, fresh)
        with Pgwallet(one.folder / "restored") as restored:
            holds_what_was_acknowledged(restored, client, restored.start(), in_the_dump)
            guarded(restored)

        enter(one, point)
        with Pgwallet(one.folder / "at-the-point") as restored:
            service = restored.start()
            holds_what_was_acknowledged(restored, client, service, before)
            assert client.balance(service) == balance - 1
            assert client.topup(after) is False, "what the point left out is new again"
            assert client.balance(service) == balance
            left = "select name from pg_settings where sourcefile like '%auto.conf' and name ~ 'recovery|restore'"
            assert query(restored, left) == ""
            assert query(restored, "show archive_mode") == "off"
