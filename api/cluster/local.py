"""`pgwallet cluster run`: a cluster on this machine, to try and to rehearse with.

Two servers, a1 and b1, have two databases each, and a2 and b2 are their synchronous standbys. Servers whose names begin
with the same letters are one group: one of them is the primary, and the addresses in the map name all of them, so that
the service finds the one that takes writes. Everything lies in a folder of the data dir: the map, and a folder for each
server, which is a data dir of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import re
import socket
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from api.cluster.map_file import store
from api.cluster.migrate import RELAY, migrate
from api.cluster_map import ClusterMap, Member, load
from api.errors import CommandError
from api.postgres import data_dir, embedded
from api.postgres.secret_files import read_or_create
from api.server import supervisor
from api.server.supervisor import Keeper
from api.settings import SERVICE, Settings, SettingsError
from api.setup import deploy
from api.setup.service_secrets import api_password
from api.urls import DATABASE, PORT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from api.server.signals import Signals

logger = logging.getLogger(__name__)

FOLDER: Final = "cluster"
MAP: Final = "map.toml"
CONTROL: Final = "control"
NAME: Final = re.compile(r"([a-z]+)([1-9]\d?)")
FIRST: Final = {"a1": ("a2", (0, 1)), "b1": ("b2", (2, 3))}
"""The first servers: the standby of each, and its databases."""
SETTLE_EVERY: Final = 0.2
PATIENCE: Final = 30.0
HEADING: Final = "# Written by `pgwallet cluster run` at every start, with the addresses of its servers.\n"
DATABASES: Final = """
select (regexp_match(datname, '^' || $1 || '$'))[1] as number, datname as name
from pg_catalog.pg_database
where datname ~ ('^' || $1 || '$') and datallowconn and current_setting('default_transaction_read_only') = 'off'
"""
MOST_BYTES: Final = 4096
"""Of what a command asks for."""


class ServerError(CommandError):
    """A server of this machine cannot do what was asked; the text is one line."""


def group_of(name: str) -> str:
    """Return the group of a server. Raises ServerError for a name that is none."""
    found = NAME.fullmatch(name)
    if found is None:
        raise ServerError(f"{name} is no name for a server: letters and a number, like c1")
    return found[1]


def address(sockets: list[Path], login: str, password: str, name: str) -> str:
    """Return the URL of the one of these servers that takes writes."""
    hosts, ports = ",".join(quote(str(one)) for one in sockets), ",".join([str(PORT)] * len(sockets))
    who = f"{login}:{quote(password, safe='')}" if password else login
    writes = "&target_session_attrs=read-write" if len(sockets) > 1 else ""
    return f"postgresql://{who}@/{name}?host={hosts}&port={ports}{writes}"


class LocalCluster:
    """The servers of this machine, and the map that names their databases."""

    def __init__(self, settings: Settings) -> None:
        self.folder = settings.data_dir / FOLDER
        self.map_file = self.folder / MAP
        self._settings = settings
        self._servers: dict[str, embedded.Server] = {}
        self._keepers: dict[str, Keeper] = {}
        self._down: set[str] = set()
        self._unsettled = True
        self._settled_at = 0.0
        self._control: socket.socket | None = None
        self._signals: Signals

    def start(self, signals: Signals) -> dict[str, str]:
        """Start all servers, the first time on new databases, migrate, and return the workers' variables."""
        self._signals = signals
        fresh = not self.map_file.exists()
        primaries = self._find_servers(fresh=fresh)
        for name in primaries:
            self._spawn(name)
        for name in primaries:
            self._servers[name].wait()
            # a standby that is not there yet must hold nobody up
            asyncio.run(self._set_synchronous(name, []))
        for name in self._servers:
            if name not in primaries:
                self._spawn(name)
        found = asyncio.run(self._find(primaries, fresh=fresh))
        store(self.map_file, HEADING + found.text())
        accounts = self._settings.seed_accounts is not False
        for outcome in asyncio.run(migrate(found, self._settings, accounts=accounts)):
            if outcome.error is not None:
                logger.warning("database %s: %s", outcome.number, outcome.error)
        began = time.monotonic()
        while self._unsettled:
            self.look()
            if time.monotonic() > began + PATIENCE:
                logger.warning("a standby does not follow; its log is beside its folder postgres")
                break
            time.sleep(0.02)
        self._control = listen(self.folder)
        return {"PGWALLET_CLUSTER": str(self.map_file)}

    def _find_servers(self, *, fresh: bool) -> list[str]:
        """Note all servers that there are, or the first ones, and return which of them take writes."""
        names = {folder.name for folder in self.folder.iterdir() if NAME.fullmatch(folder.name)}
        names |= {name for first, (second, _) in FIRST.items() for name in (first, second)} if fresh else set()
        for name in sorted(names):
            self._add(name)
        primaries = sorted(FIRST if fresh else self._primaries())
        groups = {group_of(name) for name in primaries}
        for name, server in list(self._servers.items()):
            # nothing but what a copy left that was not completed
            if not server.pgdata.exists() and group_of(name) not in groups:
                del self._servers[name], self._keepers[name]
        return primaries

    def look(self) -> None:
        """Start again what ended, keep commits synchronous where there is a standby, and do what commands ask for."""
        for name, keeper in self._keepers.items():
            if name not in self._down:
                keeper.look()
        if self._unsettled and time.monotonic() > self._settled_at + SETTLE_EVERY:
            self._settle()
        if self._control is not None:
            with contextlib.suppress(BlockingIOError):
                asked, _ = self._control.accept()
                with asked:
                    self._answer(asked)

    def stop(self) -> None:
        """Stop all servers: standbys last, because the shutdown of a primary waits until they have everything."""
        if self._control is not None:
            self._control.close()
            (self.folder / CONTROL).unlink(missing_ok=True)
        for name in sorted(self._servers, key=self._is_standby):
            self._servers[name].stop()

    def hurry(self) -> None:
        """Make stop() end at once."""
        for server in self._servers.values():
            server.hurry()

    def _add(self, name: str) -> embedded.Server:
        folder = self.folder / name
        data_dir.prepare(folder)
        server = embedded.Server(folder)
        server.find_socket()
        self._servers[name] = server
        self._keepers[name] = Keeper(server, lambda: self._start_again(name), f"server {name}")
        return server

    def _group(self, name: str) -> list[str]:
        return [other for other in sorted(self._servers) if group_of(other) == group_of(name)]

    def _is_standby(self, name: str) -> bool:
        return (self._servers[name].pgdata / "standby.signal").exists()

    def _timeline(self, name: str) -> str:
        """Return the newest line of history that the server's files know of: a promotion begins one."""
        return max((file.stem for file in (self._servers[name].pgdata / "pg_wal").glob("*.history")), default="")

    def _primaries(self) -> set[str]:
        """Return the primary of each group: what a promotion left behind is none any more."""
        found: dict[str, str] = {}
        for name, server in sorted(self._servers.items()):
            if server.pgdata.exists() and not self._is_standby(name):
                group = group_of(name)
                if group not in found or self._timeline(name) > self._timeline(found[group]):
                    found[group] = name
        return set(found.values())

    def _spawn(self, name: str) -> None:
        """Start a server, without waiting for it; first copy its primary where it is none and has no copy."""
        server = self._servers[name]
        primary = next((one for one in self._group(name) if one in self._primaries() and one != name), None)
        if primary is not None and not (server.pgdata.exists() and self._is_standby(name)):
            self._copy(name, primary)
        server.prepare()
        with self._signals.held():
            server.spawn()

    def _start_again(self, name: str) -> None:
        self._spawn(name)
        self._unsettled = True

    def _copy(self, name: str, source: str) -> None:
        logger.info("copying server %s to %s", source, name)
        hosts = [str(self._servers[one].socket) for one in self._group(source) if one != name]
        quoted = ",".join(hosts).replace("\\", "\\\\").replace("'", "\\'")
        ports = ",".join([str(PORT)] * len(hosts))
        self._servers[name].copy(
            f"host='{quoted}' port={ports} user=postgres application_name={name} target_session_attrs=read-write"
        )

    def url(self, name: str, database: str = "postgres") -> str:
        """Return the administrator's address on one server."""
        return address([self._servers[name].socket], "postgres", "", database)

    async def _set_synchronous(self, name: str, standbys: list[str]) -> None:
        value = f"ANY 1 ({', '.join(standbys)})" if standbys else ""
        async with deploy.connected(self.url(name)) as connection:
            if await connection.fetchval("show synchronous_standby_names") != value:
                await connection.execute(f"alter system set synchronous_standby_names = '{value}'")
                await connection.execute("select pg_reload_conf()")

    def _settle(self) -> None:
        """Let commits wait for a standby where one follows, and for none where it was stopped on purpose."""
        self._settled_at = time.monotonic()
        settled = True
        for name in self._primaries() - self._down:
            wanted = [one for one in self._group(name) if one != name and one not in self._down]
            try:
                settled &= asyncio.run(self._follow(name, wanted))
            except (CommandError, OSError):
                settled = False
        self._unsettled = not settled

    async def _follow(self, name: str, wanted: list[str]) -> bool:
        """Whether the primary `name` has the standbys that it should have; then its commits wait for one of them."""
        async with deploy.connected(self.url(name)) as connection:
            rows = await connection.fetch("select application_name from pg_stat_replication where state = 'streaming'")
        if {row["application_name"] for row in rows} < set(wanted):
            return False
        await self._set_synchronous(name, wanted)
        return True

    async def _find(self, primaries: list[str], *, fresh: bool) -> ClusterMap:
        """Return the map: where each database of these servers is now, and others as the file has them."""
        known = ClusterMap((), (tuple(number for _, numbers in FIRST.values() for number in numbers),))
        if fresh:
            for name, (_, numbers) in FIRST.items():
                for number in numbers:
                    await deploy.create_database(self.url(name, f"{DATABASE}_{number}"))
        else:
            known = load(self.map_file)
        members = {member.number: member for member in known.members}
        login, relay = api_password(self._settings) or "", read_or_create(self._settings.data_dir / "relay_password")
        for name in primaries:
            sockets = [self._servers[one].socket for one in self._group(name)]
            for number, found in await self._databases(name):
                members[number] = Member(
                    number,
                    api_url=address(sockets, SERVICE, login, found),
                    relay_url=address(sockets, RELAY, relay, found),
                    url=address(sockets, "postgres", "", found),
                )
        return replace(known, members=tuple(members[number] for number in sorted(members)))

    async def _databases(self, name: str) -> list[tuple[int, str]]:
        """Return number and name of the databases of a server that may be used: none while it is being moved to."""
        async with deploy.connected(self.url(name)) as connection:
            rows = await connection.fetch(DATABASES, f"{DATABASE}\\_([0-9]+)")
        return [(int(row["number"]), row["name"]) for row in rows]

    def _answer(self, asked: socket.socket) -> None:
        """Do what a command asks for, and tell it how that went."""
        asked.settimeout(1.0)
        try:
            order = json.loads(asked.recv(MOST_BYTES))
            name, servers = str(order["order"]), [str(server) for server in order["servers"]]
        except (OSError, ValueError, KeyError, TypeError):
            return
        try:
            answer = {"said": self._obey(name, servers)}
        except (CommandError, OSError) as error:
            answer = {"error": str(error)}
        with contextlib.suppress(OSError):
            asked.sendall(json.dumps(answer).encode())

    def _obey(self, order: str, names: list[str]) -> str:
        name = names[-1]
        if order == "copy":
            return self._add_copy(*names)
        if name not in self._servers:
            raise ServerError(f"there is no server {name}; there are {', '.join(self._servers)}")
        if order == "url":
            return self.url(name)
        if order == "kill":
            self._down.add(name)
            self._unsettled = True
            self._servers[name].kill()
            return f"server {name} is dead, and stays so until `pgwallet cluster server start {name}`"
        if order == "start":
            if not self._servers[name].alive():
                self._start_again(name)
                self._down.discard(name)
                return f"server {name} is started"
            return f"server {name} runs"
        return self._promote(name)

    def _promote(self, name: str) -> str:
        """Let a standby take over from the dead primary of its group, which becomes its standby."""
        before = [one for one in self._group(name) if one in self._primaries()]
        if not self._is_standby(name) or not before:
            raise ServerError(f"server {name} is no standby of its group: only such a one can be promoted")
        if self._servers[before[0]].alive():
            raise ServerError(f"server {before[0]} takes writes: two of a group must never do so")
        self._down.add(before[0])
        asyncio.run(self._take_over(name))
        self._down.discard(before[0])
        self._unsettled = True
        return f"server {name} takes writes; server {before[0]} becomes its standby"

    async def _take_over(self, name: str) -> None:
        async with deploy.connected(self.url(name)) as connection:
            if not await connection.fetchval("select pg_promote(true, 60)"):
                raise ServerError(f"server {name} did not become the primary within 60 s")

    def _add_copy(self, source: str, name: str) -> str:
        group_of(name)
        if source not in self._servers or name in self._servers:
            raise ServerError(f"give a server that is there, of {', '.join(self._servers)}, and a new name")
        server = self._add(name)
        try:
            self._copy(name, source)
            self._spawn(name)
            server.wait()
        except CommandError:
            server.stop()
            del self._servers[name], self._keepers[name]
            raise
        self._unsettled = True
        return f"server {name} follows server {source}"


def listen(folder: Path) -> socket.socket:
    """Return the socket on which commands are heard."""
    control = socket.socket(socket.AF_UNIX)
    control.setblocking(False)  # noqa: FBT003
    with short(folder) as near:
        (folder / CONTROL).unlink(missing_ok=True)
        control.bind(f"{near}/{CONTROL}")
    control.listen()
    return control


def ask(settings: Settings, order: str, *servers: str) -> str:
    """Let the running `pgwallet cluster run` do something, and return what it says. Raises CommandError."""
    folder = settings.data_dir / FOLDER
    with socket.socket(socket.AF_UNIX) as control, contextlib.suppress(ValueError):
        try:
            with short(folder) as near:
                control.connect(f"{near}/{CONTROL}")
            control.sendall(json.dumps({"order": order, "servers": servers}).encode())
            answer = json.loads(b"".join(iter(lambda: control.recv(MOST_BYTES), b"")))
        except OSError:
            raise ServerError(
                f"no cluster runs on {settings.data_dir}: start one with `pgwallet cluster run`"
            ) from None
        if "error" in answer:
            raise ServerError(answer["error"])
        return str(answer["said"])
    raise ServerError("the cluster ended before it answered")


@contextlib.contextmanager
def short(folder: Path) -> Iterator[str]:
    """Give a short path of the folder: that of a socket may have about 100 bytes."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)


def run(settings: Settings) -> None:
    """Start the cluster and serve, until a signal. Raises CommandError."""
    for name, value in (("DATABASE_URL", settings.database_url), ("PGWALLET_API_URL", settings.api_url)):
        if value is not None:
            raise SettingsError(f"{name} is set: `pgwallet cluster run` starts servers of its own")
    cluster = LocalCluster(settings)
    if settings.cluster not in (None, cluster.map_file):
        raise SettingsError(f"PGWALLET_CLUSTER is set: `pgwallet cluster run` has its own map, {cluster.map_file}")
    if "," in str(cluster.folder):
        raise SettingsError("PGWALLET_DATA_DIR must have no comma, which separates the addresses of servers")
    supervisor.run_with(settings, cluster)
