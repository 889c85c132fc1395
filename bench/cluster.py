"""The benchmark's own PostgreSQL server: the embedded one, with durability on, in a folder of its own."""

import asyncio
import contextlib
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from api.postgres import embedded
from api.setup import deploy
from api.urls import libpq_variables, on_socket

ROOT = Path(__file__).resolve().parents[1]
SQL = Path(__file__).with_name("sql")
TEMPLATE = "seeded"
SERVICE = "wallet_api"


class BenchError(Exception):
    """The benchmark cannot go on; the text says why."""


@dataclass(frozen=True)
class Database:
    """A database of the benchmark's server. Methods act as the administrator, on a connection of their own."""

    socket: Path
    name: str
    password: str

    @property
    def url(self) -> str:
        """The administrator's URL."""
        return on_socket(self.socket, database=self.name)

    @property
    def api_url(self) -> str:
        """The service's URL."""
        return on_socket(self.socket, SERVICE, self.password, self.name)

    def execute(self, *statements: str) -> None:
        """Run statements, each a transaction of its own."""
        asyncio.run(self._execute(statements))

    def value(self, query: str, *arguments: Any) -> Any:
        """Return the one value that a query answers."""
        return asyncio.run(self._value(query, arguments))

    def run(
        self, program: str, *arguments: str, service: bool = False, settings: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run one of PostgreSQL's programs on this database, its sessions with `settings` (-c name=value).

        Raises BenchError when it fails.
        """
        command = [str(embedded.binaries() / program), *arguments]
        variables = embedded.environment() | libpq_variables(self.api_url if service else self.url)
        if settings:
            variables["PGOPTIONS"] = settings
        done = subprocess.run(command, check=False, capture_output=True, text=True, env=variables)
        if done.returncode != 0:
            raise BenchError(f"{program} {' '.join(arguments)} failed:\n{done.stderr[-2000:]}")
        return done

    async def _execute(self, statements: tuple[str, ...]) -> None:
        connection = await asyncpg.connect(self.url)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    async def _value(self, query: str, arguments: tuple[Any, ...]) -> Any:
        connection = await asyncpg.connect(self.url)
        try:
            return await connection.fetchval(query, *arguments)
        finally:
            await connection.close()


@dataclass(frozen=True)
class Cluster:
    """The running server. Every section has its own clone of one seeded database, without others' writes."""

    folder: Path
    socket: Path
    password: str

    def database(self, name: str) -> Database:
        """Return the database of this name, which need not exist yet."""
        return Database(self.socket, name, self.password)

    def create(self, name: str) -> Database:
        """Make an empty database."""
        self.database("postgres").execute(f'create database "{name}"')
        return self.database(name)

    def migrated(self, name: str) -> Database:
        """Make a database with assets and nothing else."""
        database = self.create(name)
        asyncio.run(deploy.migrate(database.url, password=self.password, seeds="01_*.sql"))
        return database

    @contextlib.contextmanager
    def clone(self, name: str) -> Iterator[Database]:
        """Make a clone of the seeded database."""
        self.database("postgres").execute(f'create database "{name}" template "{TEMPLATE}"')
        try:
            yield self.database(name)
        finally:
            self.drop(name)

    def drop(self, name: str) -> None:
        """Remove a database, even one in use."""
        self.database("postgres").execute(f'drop database "{name}" with (force)')


def script(name: str) -> str:
    """Return the text of a file of bench/sql."""
    return (SQL / f"{name}.sql").read_text(encoding="utf-8")


@contextlib.contextmanager
def cluster(preload: str = "") -> Iterator[Cluster]:
    """Start the server with a migrated and seeded template; stop it and remove its files afterwards.

    `preload` is a library that the server loads at its start.
    """
    # not in the temporary folder, which may be in memory: this measures the disk
    around = ROOT / "build"
    around.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=around))
    server = embedded.Server(folder)
    try:
        server.start()
        found = Cluster(folder, server.socket, secrets.token_urlsafe(24))
        if preload:
            found.database("postgres").execute(f"alter system set shared_preload_libraries = '{preload}'")
            server.stop(patience=10.0)
            server.start()
        seeded = found.migrated(TEMPLATE)
        seeded.execute(script("seed"), "vacuum analyze", "checkpoint")
        yield found
    finally:
        server.stop(patience=10.0)
        shutil.rmtree(folder, ignore_errors=True)
