"""A migrated database of a test: who can connect to it, and how."""

import asyncio
import contextlib
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg

from api.postgres import embedded
from api.setup import deploy
from api.urls import PORT

SERVICE_PASSWORD = "a password of the tests"


@dataclass(frozen=True)
class PostgresServer:
    """The test server, with the attributes that pytest-postgresql asks a server fixture for."""

    host: str
    port: int
    user: str = "postgres"
    password: str | None = None
    options: str = ""
    maintenance_dbname: str = "postgres"
    template_dbname: str = "template0"

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
        return f"postgresql://{self.server.user}@/{self.name}?host={quote(self.server.host)}&port={self.server.port}"

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


def load_template(host: str, port: int, user: str, dbname: str, **_: object) -> None:
    """Fill the template that pytest-postgresql clones for every test."""
    Database(PostgresServer(host, port, user), dbname).migrate()


@contextlib.contextmanager
def own_server(*settings: str) -> Iterator[tuple[embedded.Server, Database]]:
    """A server with settings that not all tests can have, and a migrated database on it."""
    with tempfile.TemporaryDirectory(prefix="pgwallet-") as folder:
        server = embedded.Server(Path(folder))
        try:
            server.start()
            postgres_server = PostgresServer(host=str(server.socket), port=PORT)
            with postgres_server.database("postgres").connect() as administrator:
                for setting in ("fsync = off", *settings):
                    administrator.execute(f"alter system set {setting}".encode())
                administrator.execute("create database wallet")
            server.stop()
            server.start()
            database = postgres_server.database("wallet")
            database.migrate()
            yield server, database
        finally:
            server.stop(patience=5.0)
