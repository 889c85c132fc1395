"""`pgwallet backup` and `pgwallet restore`: PostgreSQL's own tools, and what belongs around them.

A dump is one file: the moment at which it began. Files are those of a whole server, from which archived WAL leads to
any later moment. Neither has the secrets of the data dir, so that who finds a backup alone can sign in as nobody.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import shutil
import subprocess
import tempfile
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, cast

import asyncpg
import click
import msgspec
from msgspec import Struct

from api.commands.output import JSON, age, note, progress, show_json, show_lines
from api.errors import CommandError
from api.integrity import verification
from api.postgres.data_dir import Lock, prepare
from api.postgres.embedded import Server, environment, program
from api.postgres.secret_files import write
from api.setup import deploy, service_secrets
from api.setup.administrator import administrator, administrators
from api.setup.deploy import MIGRATIONS_TABLE, NoWalletsError, connected
from api.urls import database, libpq_variables, on_socket, without_password

if TYPE_CHECKING:
    from collections.abc import Iterator

    from api.integrity.hash_chain import Finding
    from api.settings import Settings

NOTE: Final = "last-backup.json"
SECRETS: Final = ("jwt_secret", "jwt_secret.previous", "webhook_key", "api_password", "relay_password")
WITHOUT: Final = {
    "jwt_secret": "without it all users must sign in again",
    "webhook_key": "without it each webhook pauses until it has another secret",
}
"""What follows where a secret is missing after a restore; the others are made anew, and nobody notices."""
TARGET: Final = click.Path(path_type=Path)
# a copy must neither archive its WAL among the original's nor wait for the original's standbys
OWN: Final = {"archive_mode": "off", "synchronous_standby_names": ""}
RECOVERY: Final = (
    "restore_command",
    "recovery_target_action",
    "recovery_target",
    "recovery_target_time",
    "recovery_target_name",
)
"""Settings of a recovery, which are taken back after it: they would come into the way of the next one."""


class BackupError(CommandError):
    """Nothing was backed up or restored; the text says why."""


class Backup(Struct):
    """A backup that was made; `missing` are the secrets that are not in it."""

    at: datetime
    file: str
    bytes: int
    seconds: float
    missing: list[str]


class Restored(Struct):
    """A database that was restored and verified; `missing` says what follows from secrets that are not there."""

    source: str
    into: str
    entries: int
    missing: dict[str, str]


@click.command()
@click.argument("target", metavar="FILE|FOLDER", type=TARGET)
@click.option("--files", is_flag=True, help="Copy the server's files to FOLDER, in place of a dump to FILE")
@JSON
@click.pass_obj
def backup(settings: Settings, target: Path, *, files: bool, as_json: bool) -> None:
    """Dump the database to FILE, while the service runs; several databases to a FILE each, in FOLDER.

    With --files from which, with archived WAL, `pgwallet restore` leads to any moment. Secrets are in neither.
    """
    if files and settings.cluster is not None:
        raise BackupError("--files copies one server: set DATABASE_URL to a database of it, without PGWALLET_CLUSTER")
    target = _new(target)
    prepare(settings.data_dir)
    at, began = datetime.now(UTC), time.monotonic()
    draft = target.with_name(f".{target.name}.part")
    remove(draft)
    try:
        with administrators(settings, "backup") as urls:
            for url in urls.values():
                asyncio.run(require_wallets(url))
            if files:
                tool("pg_basebackup", f"--pgdata={draft}", "--checkpoint=fast", "--no-password", url=urls[0])
            elif settings.cluster is None:
                _dump(urls[0], draft)
            else:
                draft.mkdir(mode=0o700)
                for number, url in urls.items():
                    _dump(url, draft / f"{number}.dump")
        draft.rename(target)
    except OSError as error:
        raise BackupError(f"{target} cannot be written: {error.strerror}") from None
    finally:
        remove(draft)
    made = Backup(at, str(target), _size(target), time.monotonic() - began, _secrets(settings))
    try:
        write(settings.data_dir / NOTE, msgspec.json.encode({"at": made.at, "file": made.file}).decode() + "\n")
    except OSError as error:
        note(f"pgwallet: the backup is made, but {settings.data_dir / NOTE} cannot be written: {error.strerror}")
    if as_json:
        show_json(made)
        return
    told = [("backup", f"{made.file}, {made.bytes / 2**20:,.1f} MiB in {age(made.seconds)}")]
    if made.missing:
        told.append(("not in it", f"{', '.join(made.missing)}: keep a copy of that, too, in a safe place of its own"))
    show_lines(told)


@click.command()
@click.argument("source", metavar="FILE|FOLDER", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--wal",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="With files: go on with the WAL that was archived here, as far as it goes",
)
@click.option("--until", metavar="TIME|POINT", help="With --wal: only up to this time or restore point")
@JSON
@click.pass_obj
def restore(settings: Settings, source: Path, *, wal: Path | None, until: str | None, as_json: bool) -> None:
    """Restore a dump or files, bring them up to this version, and verify.

    It goes to an empty DATABASE_URL or PGWALLET_DATA_DIR: nothing is replaced. Files need a data dir.
    """
    source = source.absolute()
    if settings.cluster is not None:
        raise BackupError(
            "a database of a cluster is restored by itself: set DATABASE_URL to it, without PGWALLET_CLUSTER"
        )
    if source.is_file() and (wal or until):
        raise click.UsageError("--wal and --until are for files: a dump is one moment")
    if until and not wal:
        raise click.UsageError("--until needs --wal: later moments are in the WAL")
    given = {"jwt_secret": settings.jwt_secret or settings.jwt_secret_file, "webhook_key": settings.webhook_key}
    missing = {
        name: follows
        for name, follows in WITHOUT.items()
        if settings.embedded and not given[name] and not (settings.data_dir / name).exists()
    }
    password = service_secrets.api_password(settings)
    opened = _restored_dump(settings, source) if source.is_file() else _restored_files(settings, source, wal, until)
    with opened as url:
        asyncio.run(deploy.migrate(url, password=password, seeds="01_*.sql", role=settings.api_role))
        found = asyncio.run(verification.verify(url, verification.Order(), report, partial(progress, label="entries")))
        into = str(settings.data_dir) if settings.embedded else without_password(url)
    done = Restored(str(source), into, found.entries, missing)
    if as_json:
        show_json(done)
        return
    told = [("restored", done.into), ("verified", f"{done.entries} entries, no violations")]
    told += [("missing", f"{name} in {done.into}: {follows}") for name, follows in missing.items()]
    show_lines(told)


def _new(target: Path) -> Path:
    """Return where a backup can be written. Raises BackupError."""
    target = target.absolute()
    if target.exists() or target.is_symlink():
        raise BackupError(f"{target} is there already, and a backup replaces nothing: choose another name")
    if not target.parent.is_dir():
        raise BackupError(f"there is no folder {target.parent}: make it, or choose another name")
    return target


@contextlib.contextmanager
def _restored_dump(settings: Settings, file: Path) -> Iterator[str]:
    """Yield the address of the database that the dump went to: all of it, or nothing."""
    with administrator(settings, "restore", fresh=True) as url:
        asyncio.run(deploy.make_roles(url, role=settings.api_role))
        if asyncio.run(_major(url)) < 17:
            _restore_text(file, url)
        else:
            whole = ("--single-transaction", "--exit-on-error", f"--dbname={database(url)}")
            tool("pg_restore", *whole, str(file), url=url)
        yield url


async def _major(url: str) -> int:
    async with connected(url) as connection:
        return connection.get_server_version().major


def _restore_text(file: Path, url: str) -> None:
    """Restore a dump without the setting that pg_restore makes and PostgreSQL 16 refuses. Raises BackupError."""
    variables = libpq_variables(url)
    to_psql = [program("psql", variables), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1"]
    from_file = [program("pg_restore", variables), "--file=-", str(file)]
    with (
        tempfile.TemporaryFile("w+", errors="replace") as told,
        subprocess.Popen(from_file, stdout=subprocess.PIPE, stderr=told, env=environment()) as reader,  # noqa: S603
        subprocess.Popen(  # noqa: S603
            to_psql,
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=told,
            env=_environment(variables),
        ) as writer,
    ):
        text, sink = cast("IO[bytes]", reader.stdout), cast("IO[bytes]", writer.stdin)
        # a writer that has met an error is gone; what it had is rolled back, as all is that has no commit
        with contextlib.suppress(BrokenPipeError):
            sink.write(b"begin;\n")
            for line in text:
                if line == b"SET transaction_timeout = 0;\n":
                    break
                sink.write(line)
            shutil.copyfileobj(text, sink)
            if reader.wait() == 0:
                sink.write(b"commit;\n")
        text.close()
        sink.close()
        if reader.wait() | writer.wait():
            told.seek(0)
            raise BackupError(f"pg_restore failed: {' '.join(told.read().split())}")


@contextlib.contextmanager
def _restored_files(settings: Settings, folder: Path, wal: Path | None, until: str | None) -> Iterator[str]:
    """Yield the address of the embedded server on a copy of the files, which has recovered."""
    if not settings.embedded:
        raise BackupError("files are restored into a data dir: unset DATABASE_URL, or restore a dump")
    if not (folder / "backup_manifest").is_file():
        raise BackupError(f"{folder} has no backup_manifest: give a dump, or what `pgwallet backup --files` has made")
    if any((folder / "pg_tblspc").iterdir()):
        raise BackupError(f"{folder} has tablespaces, which would be those of the original: restore it by hand")
    tool("pg_verifybackup", "--quiet", str(folder))
    prepare(settings.data_dir)
    with Lock(settings.data_dir, "restore") as lock:
        lock.take(share=False)
        server = Server(settings.data_dir)
        server.adopt(folder, _recovery(wal, until))
        try:
            server.start()
            url = on_socket(server.socket)
            asyncio.run(_settle(url))
        except CommandError as error:
            server.stop()
            # what was copied is of no use, and would be in the way of the next attempt
            remove(server.pgdata)
            raise BackupError(str(error) or f"{folder} has no wallets in its database {database(url)}") from error
        try:
            yield url
        finally:
            server.stop()


def _recovery(wal: Path | None, until: str | None) -> dict[str, str]:
    """Return the settings of a recovery that ends in a history of its own."""
    recovery = {**OWN, "recovery_target_action": "promote"}
    if wal is None:
        return recovery | {"restore_command": "false", "recovery_target": "immediate"}
    recovery["restore_command"] = f"cp {shlex.quote(str(wal.absolute())).replace('%', '%%')}/%f %p"
    if until is None:
        return recovery
    try:
        at = datetime.fromisoformat(until)
    except ValueError:
        return recovery | {"recovery_target_name": until}
    return recovery | {"recovery_target_time": (at if at.tzinfo else at.replace(tzinfo=UTC)).isoformat(sep=" ")}


async def _settle(url: str) -> None:
    """Take back what was set for the recovery only."""
    await require_wallets(url)
    async with connected(url) as connection:
        for name in RECOVERY:
            await connection.execute(f"alter system reset {name}")


async def require_wallets(url: str) -> None:
    """Refuse a database that has no wallets: a backup of it would calm for no reason. Raises NoWalletsError."""
    async with connected(url) as connection:
        try:
            await connection.fetchval(f"select max(version) from public.{MIGRATIONS_TABLE}")  # noqa: S608 - ours
        except asyncpg.UndefinedTableError:
            raise NoWalletsError from None


def _dump(url: str, file: Path) -> None:
    tool("pg_dump", "--format=custom", f"--file={file}", "--no-password", url=url)


def tool(name: str, *arguments: str, url: str = "") -> None:
    """Run one of PostgreSQL's programs on the server at `url`. Raises BackupError with what it says."""
    variables = libpq_variables(url) if url else {}
    done = subprocess.run(  # noqa: S603 - a program of PostgreSQL's
        [program(name, variables), *arguments],
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        env=_environment(variables),
        umask=0o077,
    )
    if done.returncode != 0:
        raise BackupError(f"{name} failed: {' '.join(done.stderr.split()) or f'status {done.returncode}'}")


def _environment(variables: dict[str, str]) -> dict[str, str]:
    """Return the environment of a program that connects by these variables."""
    given = {variable: os.environ[variable] for variable in deploy.DRIVER if variable in os.environ}
    return environment() | given | variables


def _secrets(settings: Settings) -> list[str]:
    """Return the files with secrets that a backup must have beside it."""
    found = [settings.data_dir / name for name in SECRETS]
    if settings.jwt_secret_file is not None:
        found.insert(0, settings.jwt_secret_file)
    return [str(file) for file in found if file.exists()]


def _size(path: Path) -> int:
    return sum(file.stat().st_size for file in (path.rglob("*") if path.is_dir() else [path]) if file.is_file())


def report(finding: Finding) -> None:
    """Show on standard error what a verification has found."""
    click.echo("  ".join(f"{name}={value}" for name, value in finding._asdict().items() if value is not None), err=True)


def remove(path: Path) -> None:
    """Remove a file or folder of ours, if there is one."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
