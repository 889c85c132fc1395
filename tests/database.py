"""A migrated database of a test: who can connect to it, and how.

A server begins as a copy of one that was prepared: its files are there at once, and a deploy needs seconds.
"""

import asyncio
import atexit
import contextlib
import fcntl
import functools
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg
from pytest_postgresql.janitor import DatabaseJanitor

from api.postgres import embedded
from api.setup import deploy
from api.urls import PORT

SERVICE_PASSWORD = "a password of the tests"
WALLET = "wallet"
"""A prepared database: migrated, with all seeds."""
ASSETS = "assets"
"""Another one: migrated, without users."""
PREPARED = "PREPARED_SERVERS"
"""The environment variable with the folder that all processes of one run of the tests share."""
PROGRAMS = "POSTGRES_PROGRAMS"
"""Another one, with the folder of PostgreSQL's programs: those of the servers of the tests, where they are others."""


class OtherServer(embedded.Server):
    """A server of another version than the embedded one, and otherwise like it."""

    oldest = deploy.OLDEST
    # PostgreSQL 16 has none of its own
    locale = ("--encoding=UTF8", "--locale=C.UTF-8")

    def __init__(self, data_dir: Path) -> None:
        super().__init__(data_dir)
        self.bin = Path(os.environ[PROGRAMS])


def new_server(data_dir: Path) -> embedded.Server:
    """A server of the version that is tested."""
    return OtherServer(data_dir) if PROGRAMS in os.environ else embedded.Server(data_dir)


@dataclass(frozen=True)
class PostgresServer:
    """A server: the folder of its socket, and its port."""

    host: str
    port: int

    @contextlib.contextmanager
    def role(self, name: str) -> Iterator[str]:
        """Let a role log in by password, which the embedded server allows wallet_api only; the role goes afterwards."""
        with self.database("postgres").connect() as administrator:
            (file,) = administrator.execute("show hba_file").fetchone() or ("",)
            before = Path(file).read_text()
            Path(file).write_text(f"{before}local all {name} scram-sha-256\n")
            loaded = administrator.execute("select pg_conf_load_time(), pg_reload_conf()").fetchone()
            # sessions are told when the server has read it, which it does before it takes another connection
            while loaded and administrator.execute("select pg_conf_load_time()").fetchone() == loaded[:1]:
                time.sleep(0.01)
            try:
                yield name
            finally:
                Path(file).write_text(before)
                administrator.execute("select pg_reload_conf()")
                administrator.execute(f"drop role if exists {name}")

    def database(self, name: str) -> "Database":
        return Database(self, name)


@dataclass(frozen=True)
class Database:
    """A database on the test server."""

    server: PostgresServer
    name: str

    @property
    def url(self) -> str:
        """The administrator's address of it."""
        return f"postgresql://postgres@/{self.name}?host={quote(self.server.host)}&port={self.server.port}"

    @property
    def api_url(self) -> str:
        """The address of it for the service's login, wallet_api."""
        login = f"wallet_api:{quote(SERVICE_PASSWORD, safe='')}"
        return f"postgresql://{login}@/{self.name}?host={quote(self.server.host)}&port={self.server.port}"

    def connect(self, *, service: bool = False) -> psycopg.Connection:
        """Connect in autocommit mode, as the administrator or as the service."""
        return psycopg.connect(self.api_url if service else self.url, autocommit=True)

    def migrate(self) -> None:
        """Deploy what lies in db/ here, with all seeds."""
        asyncio.run(deploy.migrate(self.url, password=SERVICE_PASSWORD, seeds="*.sql"))


@contextlib.contextmanager
def cloned(server: PostgresServer, name: str, template: str = WALLET) -> Iterator[Database]:
    """A database like the template, for a while."""
    with DatabaseJanitor(user="postgres", host=server.host, port=server.port, dbname=name, template_dbname=template):
        yield server.database(name)


def clone(server: PostgresServer, template: str, name: str) -> Database:
    """Make a database like the template, and all that the roles may do in it."""
    with server.database("postgres").connect() as administrator:
        administrator.execute(f"create database {name} template {template}".encode())
    database = server.database(name)
    set_privileges(database)
    return database


def set_privileges(database: Database) -> None:
    """Let the roles do in a clone what they may do in the template: privileges on a database are not cloned with it."""
    with database.connect() as administrator:
        administrator.execute((deploy.DB / "roles.sql").read_bytes())


def prepare() -> Path:
    """Make the folder of the prepared servers, for this process and those that it starts."""
    folder = tempfile.mkdtemp(prefix="pgwallet-prepared-")
    os.environ[PREPARED] = folder
    atexit.register(shutil.rmtree, folder)
    return Path(folder)


@functools.cache
def _prepared(number: int) -> Path:
    """The files of a stopped server. Another number is another server, by its system identifier, too."""
    root = Path(os.environ[PREPARED]) if PREPARED in os.environ else prepare()
    with (root / f"{number}.lock").open("w") as lock:
        # whoever comes first makes it
        fcntl.flock(lock, fcntl.LOCK_EX)
        files = root / str(number)
        if not files.exists():
            with tempfile.TemporaryDirectory(prefix="pgwallet-") as folder:
                server = new_server(Path(folder))
                try:
                    server.start()
                    _fill(PostgresServer(host=str(server.socket), port=PORT))
                finally:
                    server.stop(patience=60.0)
                server.pgdata.rename(files)
    return files


def _fill(server: PostgresServer) -> None:
    with server.database("postgres").connect() as administrator:
        # what the tests write need not survive a power cut
        administrator.execute("alter system set fsync = off")
        administrator.execute("select pg_reload_conf()")
        administrator.execute(f"create database {ASSETS}".encode())
    assets = server.database(ASSETS)
    asyncio.run(deploy.migrate(assets.url, password=SERVICE_PASSWORD, seeds="01_*.sql"))
    asyncio.run(deploy.seed(clone(server, ASSETS, WALLET).url))


@contextlib.contextmanager
def own_server(*settings: str, number: int = 1) -> Iterator[tuple[embedded.Server, Database]]:
    """A server with settings that not all tests can have, and a migrated database on it."""
    with tempfile.TemporaryDirectory(prefix="pgwallet-") as folder:
        subprocess.run(["cp", "-a", _prepared(number), Path(folder) / "postgres"], check=True)
        server = new_server(Path(folder))
        with (server.pgdata / "postgresql.auto.conf").open("a") as file:
            file.writelines(f"{setting}\n" for setting in settings)
        try:
            server.start()
            yield server, PostgresServer(host=str(server.socket), port=PORT).database(WALLET)
        finally:
            server.stop(patience=5.0)
