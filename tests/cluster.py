"""Several migrated databases that serve one set of users: their map, and connections that find the one concerned."""

import contextlib
import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, cast
from uuid import UUID

import psycopg

from api.cluster_map import SHIFT, ClusterMap, Member, load, number_of
from api.postgres import embedded
from tests.database import ASSETS, SERVICE_PASSWORD, Database, clone, own_server

MAPS: dict[str, Path] = {}
"""The map by the address of database 0: whoever serves this address serves the cluster."""
JOIN = "select public.wallet_join_cluster(%s::smallint, %s::jsonb)"


@dataclass(frozen=True)
class Databases:
    """The databases of a cluster by their numbers, and the file that is their map."""

    members: tuple[Database, ...]
    file: Path
    servers: tuple[embedded.Server, ...] = ()
    """Their own ones, database n on server n modulo their count; none where they are on the tests' server."""

    @property
    def map(self) -> ClusterMap:
        return load(self.file)

    def of(self, identifier: UUID | int) -> Database:
        """The database of a user or wallet, or of the row with this number."""
        return self.members[number_of(identifier) if isinstance(identifier, UUID) else identifier >> SHIFT]

    def home(self, username: str) -> Database:
        """The database where a new user of this name goes."""
        return self.members[self.map.homes_of(username)[0]]

    def server(self, number: int) -> embedded.Server:
        """The own server that this database is on."""
        return self.servers[number % len(self.servers)]

    @property
    def settings(self) -> dict[str, str]:
        """The setting by which the service serves all of them."""
        return {"PGWALLET_CLUSTER": str(self.file)}


@dataclass(frozen=True)
class Everywhere(Database):
    """A cluster that looks like its database 0, to tests written for one: what they do reaches whom it concerns."""

    databases: Databases = field(kw_only=True)

    def connect(self, *, service: bool = False) -> psycopg.Connection:
        """Connect to all of them."""
        return cast("psycopg.Connection", Connections(self.databases, service=service))


class Connections:
    """A connection to each database, used as one: a statement goes where its first id, number or name lives.

    A statement that has none goes to all of them, and answers with the rows of all.
    """

    def __init__(self, databases: Databases, *, service: bool = False) -> None:
        self._databases = databases
        self._opened = [database.connect(service=service) for database in databases.members]
        self.info = self._opened[0].info

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        for connection in self._opened:
            connection.close()

    def execute(self, query: Any, params: Any = None) -> Any:
        values = params.values() if isinstance(params, dict) else params or ()
        for value in values:
            if (number := self._number(value)) is not None:
                found = self._opened[number].execute(query, params)
                if "wallet_set_role" in str(query):
                    self._copy(number, value)
                return found
        return Rows([connection.execute(query, params) for connection in self._opened])

    @contextlib.contextmanager
    def transaction(self, **options: Any) -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            for connection in self._opened:
                stack.enter_context(connection.transaction(**options))
            yield

    def __getattr__(self, name: str) -> Any:
        """Anything else is of database 0."""
        return getattr(self._opened[0], name)

    def _copy(self, home: int, username: str) -> None:
        """Tell all other databases which role a user has, as the command does it."""
        query = "select id, username, role::text from wallet.users where username = wallet.username(%s)"
        user = self._opened[home].execute(query, [username]).fetchone()
        for number, connection in enumerate(self._opened):
            if number != home:
                connection.execute("select public.wallet_copy_operator(%s, %s, %s)", user)

    def _number(self, value: object) -> int | None:
        if isinstance(value, str):
            with contextlib.suppress(ValueError):
                value = UUID(value)
        # of another version: the client's own, a txn_id
        if isinstance(value, UUID):
            return number_of(value) if value.version == 8 and number_of(value) < len(self._opened) else None
        if isinstance(value, int) and value >> SHIFT:
            return value >> SHIFT if value >> SHIFT < len(self._opened) else None
        if isinstance(value, str):
            for number in self._databases.map.homes_of(value):
                known = "select from wallet.users where username = wallet.username(%s)"
                if self._opened[number].execute(known, [value]).rowcount:
                    return number
        return None


class Rows:
    """What all databases answered to one statement."""

    def __init__(self, cursors: Sequence[psycopg.Cursor[Any]]) -> None:
        self.rowcount = sum(cursor.rowcount for cursor in cursors)
        self._rows = (row for cursor in cursors if cursor.description for row in cursor)

    def __iter__(self) -> Iterator[Any]:
        return self._rows

    def fetchall(self) -> list[Any]:
        return list(self._rows)

    def fetchone(self) -> Any:
        return next(self._rows, None)


@contextlib.contextmanager
def own_databases(count: int = 4, servers: int = 2, *settings: str) -> Iterator[Databases]:
    """So many databases without users, on so many servers of their own, which can be killed and frozen."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pgwallet-")))
        started = [stack.enter_context(own_server(*settings, number=number)) for number in range(servers)]
        members = [clone(started[number % servers][1].server, ASSETS, f"wallet{number}") for number in range(count)]
        yield join(members, [list(range(count))], folder, tuple(server for server, _ in started))


@contextlib.contextmanager
def spread(first: Database, count: int) -> Iterator[Everywhere]:
    """Make this database, which has users, number 0 of so many on its server; new users spread over all of them."""
    others = [first.server.database(f"{first.name}_{number}") for number in range(1, count)]
    with first.server.database("postgres").connect() as administrator, tempfile.TemporaryDirectory() as folder:
        for database in others:
            clone(first.server, ASSETS, database.name)
        databases = join([first, *others], [[0], list(range(count))], Path(folder))
        MAPS[first.api_url] = databases.file
        yield Everywhere(first.server, first.name, databases=databases)
        for database in others:
            administrator.execute(f"drop database {database.name} with (force)".encode())


def join(
    members: Sequence[Database], homes: list[list[int]], folder: Path, servers: tuple[embedded.Server, ...] = ()
) -> Databases:
    """Make a cluster of migrated databases, which get their numbers in this order; its map is in the folder."""
    for server in {database.server.host: database.server for database in members}.values():
        with server.database("postgres").connect() as administrator:
            administrator.execute(f"alter role wallet_relay login password '{SERVICE_PASSWORD}'".encode())
    for number, database in enumerate(members):
        with database.connect() as administrator:
            administrator.execute(JOIN, [number, json.dumps(homes)])
    file = folder / "cluster.toml"
    file.write_text(ClusterMap(tuple(_member(*one) for one in enumerate(members)), tuple(map(tuple, homes))).text())
    return Databases(tuple(members), file, servers)


def _member(number: int, database: Database) -> Member:
    relay_url = database.api_url.replace("wallet_api:", "wallet_relay:", 1)
    return Member(number, api_url=database.api_url, relay_url=relay_url, url=database.url)
