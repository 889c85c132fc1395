"""After a restore the ids of events jump ahead, and cursors from the history that is lost are refused."""

import asyncio
import contextlib
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from api.postgres import embedded
from api.postgres.os_account import server_account
from api.setup import deploy
from api.urls import PORT
from tests.command import ROOT, wait_until
from tests.database import SERVICE_PASSWORD, Database, PostgresServer, own_server
from tests.docs.markdown import FENCE
from tests.system.backup.test_restore import tool
from tests.system.cluster.databases import Side, carry, outbox, two_databases

pytestmark = [pytest.mark.long, pytest.mark.timeout(180)]
JUMP = 10_000_000
MISSING = "select origin_id from wallet.inbox where origin_id <> all (%s::bigint[]) order by origin_id"
MARK = "select up_to, fence, epoch from wallet_event_mark()"
READ = "select id from wallet_events(%s, %s, %s, 1000, p_epoch => %s) where type is not null"
(AS_IT_IS,) = (
    block[2]
    for block in FENCE.finditer((ROOT / "docs/operations/backup-and-restore.md").read_text())
    if block[1] == "sql" and "event_epochs" in block[2]
)


def topup(connection: psycopg.Connection) -> int:
    row = connection.execute(
        "select id from wallet_topup((select wallet_id from wallet_credentials('alice')), %s, 1)", [uuid4()]
    ).fetchone()
    assert row is not None
    return int(row[0])


def epoch(connection: psycopg.Connection) -> int:
    """Make a mark. Returns the token of the epoch."""
    return int((connection.execute(MARK).fetchone() or ())[2])


def read(connection: psycopg.Connection, after: int, token: int) -> list[int]:
    """All ids of events after a cursor."""

    def settled() -> tuple[int, int] | None:
        up_to, fence, _ = connection.execute(MARK).fetchone() or (0, 0, 0)
        passed = connection.execute("select wallet_event_settled(%s)", [fence]).fetchone()
        return (up_to, fence) if passed == (True,) and up_to else None

    bound = wait_until(settled)
    assert bound
    return [row[0] for row in connection.execute(READ, [after, *bound, token])]


def refused(connection: psycopg.Connection, after: int, token: int) -> int:
    """Read from a cursor that is refused. Returns the last id that both histories have."""
    with pytest.raises(psycopg.Error) as refusal:
        read(connection, after, token)
    assert refusal.value.sqlstate == "WA041"
    return int(re.search(r'"known": (\d+)', str(refusal.value.diag.message_detail))[1])  # type: ignore[index]


def a_minute_passes(connection: psycopg.Connection) -> None:
    connection.execute("update wallet.event_epochs set marked_at = marked_at - interval '1 minute'")


def known(connection: psycopg.Connection) -> int:
    """Top up, and let two minutes pass, after which the top-up is known to be final. Returns its id."""
    last = topup(connection)
    wait_until(lambda: read(connection, last - 1, epoch(connection)) == [last])
    for _ in range(2):
        a_minute_passes(connection)
        epoch(connection)
    return last


@contextlib.contextmanager
def copy_of(postgres_server: PostgresServer, name: str, **recovery: str) -> Iterator[Database]:
    """A base backup of the server, started: to a recovery's end and a new timeline, or as the files are."""
    with tempfile.TemporaryDirectory(prefix="pgwallet-") as folder:
        server = embedded.Server(Path(folder))
        tool("pg_basebackup", "-D", str(server.pgdata), "-c", "fast", "-d", postgres_server.database("postgres").url)
        if recovery:
            (server.pgdata / "recovery.signal").touch()
            with (server.pgdata / "postgresql.auto.conf").open("a") as settings:
                settings.writelines(f"{setting} = '{value}'\n" for setting, value in recovery.items())
        account = server_account(Path(postgres_server.host).parent / "postgres")
        for path in [Path(folder), server.pgdata, *server.pgdata.rglob("*")]:
            os.chown(path, account.uid, account.gid, follow_symlinks=False)
        try:
            server.start()
            yield PostgresServer(host=str(server.socket), port=PORT).database(name)
        finally:
            server.stop(patience=5.0)


def goes_on(copy: psycopg.Connection, last: int, between: int, lost: int, token: int) -> None:
    """What holds in every copy: `last` is known to both histories, `between` is in both, `lost` is not in the copy."""
    new = epoch(copy)
    assert new != token
    first = topup(copy)
    assert first > JUMP
    assert refused(copy, lost, token) == last
    assert refused(copy, between, token) == last, "cautious: the copy may have ended before it"
    assert read(copy, last, token) == [between, first]
    assert read(copy, between, new) == [first]
    assert read(copy, lost, new) == [first]
    assert epoch(copy) == new, "the jump comes once"
    assert topup(copy) == first + 1


def test_after_a_recovery_from_a_base_backup(administrator: psycopg.Connection, database: Database) -> None:
    token = epoch(administrator)
    last = known(administrator)
    administrator.execute(
        "insert into wallet.webhooks (id, url, position) values (gen_random_uuid(), 'https://example.com/', %s)", [last]
    )
    between = topup(administrator)
    recovery = {"restore_command": "false", "recovery_target": "immediate", "recovery_target_action": "promote"}
    with copy_of(database.server, database.name, **recovery) as restored, restored.connect() as copy:
        lost = topup(administrator)
        administrator.execute("update wallet.webhooks set position = %s", [lost])
        assert copy.execute("select position from wallet.webhooks").fetchall() == [(last,)]
        goes_on(copy, last, between, lost, token)
        assert read(administrator, between, token) == [lost], "the original goes on as before"


def test_a_second_recovery_of_the_same_backup_is_another_epoch(
    administrator: psycopg.Connection, database: Database
) -> None:
    epoch(administrator)
    recovery = {"restore_command": "false", "recovery_target": "immediate", "recovery_target_action": "promote"}
    with copy_of(database.server, database.name, **recovery) as restored, restored.connect() as copy:
        token, read_there = epoch(copy), topup(copy)
    with copy_of(database.server, database.name, **recovery) as restored, restored.connect() as copy:
        epoch(copy)
        assert refused(copy, read_there, token) == 0


def test_files_that_are_started_as_they_are(administrator: psycopg.Connection, database: Database) -> None:
    token = epoch(administrator)
    last = known(administrator)
    between = topup(administrator)
    with copy_of(database.server, database.name) as restored, restored.connect() as copy:
        lost = topup(administrator)
        # nothing in them tells that there is another history, but nobody can have read what was never drawn
        for _ in range(64):
            assert topup(administrator)
        ahead = topup(administrator)
        assert epoch(copy) == token
        assert refused(copy, ahead, token) < ahead
        copy.execute(AS_IT_IS.encode())
        goes_on(copy, last, between, lost, token)


@pytest.mark.parametrize("into", ["the same server", "a fresh server"])
def test_after_a_dump_is_restored(
    administrator: psycopg.Connection, database: Database, tmp_path: Path, into: str
) -> None:
    token = epoch(administrator)
    last = known(administrator)
    between = topup(administrator)
    dump = tmp_path / "dump"
    tool("pg_dump", "-Fc", "-f", str(dump), "-d", database.url)
    lost = topup(administrator)
    with contextlib.ExitStack() as stack:
        postgres_server = database.server if into == "the same server" else stack.enter_context(own_server())[1].server
        name = f"copy_{uuid4().hex}"
        with postgres_server.database("postgres").connect() as postgres:
            postgres.execute(f"create database {name} template template0")
            stack.callback(lambda: drop(postgres_server, name))
        tool("pg_restore", "-1", "-d", postgres_server.database(name).url, str(dump))
        with postgres_server.database(name).connect() as copy:
            goes_on(copy, last, between, lost, token)


def drop(postgres_server: PostgresServer, name: str) -> None:
    with postgres_server.database("postgres").connect() as postgres:
        postgres.execute(f"drop database {name} with (force)")


def test_a_deploy_lets_ids_jump_before_anybody_writes(
    administrator: psycopg.Connection, database: Database, tmp_path: Path
) -> None:
    name = f"copy_{uuid4().hex}"
    for marked in (False, True):
        if marked:
            epoch(administrator)
        lost = topup(administrator)
        with database.server.database("postgres").connect() as postgres:
            postgres.execute(f"create database {name} template template0")
        try:
            tool("pg_dump", "-Fc", "-f", str(tmp_path / "dump"), "-d", database.url)
            tool("pg_restore", "-1", "-d", database.server.database(name).url, str(tmp_path / "dump"))
            database.server.database(name).migrate()
            with database.server.database(name).connect() as copy:
                assert topup(copy) > lost + JUMP if marked else lost < topup(copy) < JUMP, "nobody has read events yet"
        finally:
            drop(database.server, name)


def test_one_database_of_a_cluster_is_restored(database: Database, tmp_path: Path) -> None:
    """What it sends then is no transfer that the other has met, and what it had received is delivered once more."""
    dump = tmp_path / "dump"
    with two_databases(database.server, "restored") as (first, second), contextlib.ExitStack() as stack:
        sender, recipient = first.register(), second.register()
        known = first.transfer(sender, recipient.wallet_id, 10)
        carry(first, second)
        tool("pg_dump", "-Fc", "-f", str(dump), "-d", first.database.url)
        # in the history that is lost: sent, received, and back
        lost = [first.transfer(sender, recipient.wallet_id, 100), first.transfer(sender, recipient.wallet_id, 100)]
        carry(first, second)
        back = second.transfer(recipient, sender.wallet_id, 30)
        carry(second, first)
        assert (first.balance(sender), second.balance(recipient)) == (820, 1180)

        name = f"copy_{uuid4().hex}"
        with database.server.database("postgres").connect() as postgres:
            postgres.execute(f"create database {name} template template0")
        stack.callback(drop, database.server, name)
        tool("pg_restore", "-1", "-d", database.server.database(name).url, str(dump))
        asyncio.run(deploy.migrate(database.server.database(name).url, password=SERVICE_PASSWORD))
        copy = Side(database.server.database(name), first.number)
        stack.callback(copy.close)
        assert copy.balance(sender) == 990
        # of the same recipient and amount as those that are lost: under their numbers it would count as received
        sent = copy.transfer(sender, recipient.wallet_id, 100)
        assert sent > lost[-1] + JUMP - 1000
        assert sent >> 40 == first.number
        carry(copy, second)
        assert second.balance(recipient) == 1280
        assert outbox(copy, second) == []

        assert second.run(MISSING, [known, sent]) == [{"origin_id": number} for number in lost]
        assert second.value("select wallet_redrive(%s::bigint[])", [back]) == 1
        carry(second, copy)
        assert copy.balance(sender) == 990 - 100 + 30
        assert second.value("select wallet_redrive(%s::bigint[])", [back]) == 1, "whoever says so twice"
        carry(second, copy)
        assert copy.balance(sender) == 990 - 100 + 30
        assert (copy.violations(), second.violations()) == ([], [])
