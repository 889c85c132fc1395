"""Moves a database to another server, physically, while the service runs.

The other server is a streaming standby of the database's server. The database is closed to everybody, the standby
replays the last of it and is promoted, the map is replaced, and the database opens at its new place. A standby has all
databases of its server: of those that stay, the copies are closed for good before anybody could write to them.

Until the promotion everything can be undone, and is when something fails. After it the old place stays closed, whatever
happens, because two places must never take writes; a command that was ended there goes on when it is given again.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import time
import tomllib
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import asyncpg
from msgspec import Struct

from api.cluster.map_file import store
from api.cluster.migrate import address
from api.cluster_map import ADDRESSES, ClusterError, Member, load, parse
from api.errors import CommandError
from api.setup import deploy
from api.setup.deploy import connected
from api.urls import database, fault, libpq_variables, with_database, without_password

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from api.cluster_map import ClusterMap

    Connection = asyncpg.Connection[asyncpg.Record]

MAINTENANCE: Final = "postgres"
"""The database from which others are opened and closed."""
SHARED: Final = ("postgres", "template0", "template1")
CATCH_UP_SECONDS: Final = 60.0
"""For a standby that is far behind, before anybody is locked out."""
NEAR: Final = 1024 * 1024
"""Bytes: what a standby replays in an instant."""
LOCKED_OUT_SECONDS: Final = 10.0
"""The longest time that users wait for a move that fails."""
GRACE: Final = 0.2
"""Seconds in which statements under way may end by themselves; the service repeats those that are cut."""
NOTICED_SECONDS: Final = 3.0
"""In this time every service has read the map again."""
TICK: Final = 0.01
CLOSED: Final = "_closed"
"""What the names of databases end in that a move has left behind."""
STEPS: Final = ("checked", "closed", "replayed", "promoted", "open", "named")

SERVER: Final = """
select c.system_identifier::text as system, pg_is_in_recovery() as standby,
  current_setting('synchronous_standby_names') as synchronous,
  case when pg_is_in_recovery() then null else pg_walfile_name(pg_current_wal_lsn()) end as file
from pg_control_system() c
"""
FOLLOWS: Final = """
select w.status = 'streaming' as streaming, current_setting('primary_conninfo') as conninfo,
  current_setting('cluster_name') as name
from pg_stat_wal_receiver w
"""
DATABASES: Final = "select datname, datallowconn from pg_catalog.pg_database where not datname = any ($1)"
SESSIONS: Final = """
select pid, coalesce(state, 'idle') = 'idle' as idle from pg_catalog.pg_stat_activity where datname = $1
"""
PREPARED: Final = "select gid from pg_catalog.pg_prepared_xacts where database = $1"
SLOTS: Final = "select slot_name from pg_catalog.pg_replication_slots where database = $1"
# What it commits is the last of the database: with it everything before is on disk, too, and sent.
LAST: Final = "select pg_logical_emit_message(true, 'pgwallet', 'moved')"

END_OF_LOG: Final = "select pg_current_wal_flush_lsn()::text"


class MoveError(CommandError):
    """The database was not moved, or not quite; the text says how things are."""


class Moved(Struct):
    """A move that is done: where to, how long the database was closed, and what is left of it that can be dropped.

    `slots` are replication slots of the database that stayed behind: what reads them must begin anew.
    """

    number: int
    database: str
    server: str
    closed_seconds: float
    left_behind: str
    left_on_server: list[str]
    slots: list[str]


def at(url: str, target: str) -> str:
    """Return the address of the same database and login on the server of `target`."""
    parts, there = urlsplit(url), urlsplit(target)
    login, at_sign, _ = parts.netloc.rpartition("@")
    where = ("host", "port", "hostaddr", "target_session_attrs")
    query = [(name, value) for name, value in parse_qsl(parts.query) if name not in where]
    query += [(name, value) for name, value in parse_qsl(there.query) if name in where[:3]]
    netloc = f"{login}{at_sign}{there.netloc.rpartition('@')[2]}"
    return urlunsplit(parts._replace(netloc=netloc, query=urlencode(query, safe="/,:")))


def moved_member(member: Member, target: str) -> Member:
    """Return the database with its addresses on the other server."""
    found = {name: getattr(member, name) for name in ADDRESSES}
    return Member(member.number, **{name: at(url, target) for name, url in found.items() if url is not None})


def moved_map(text: str, before: ClusterMap, member: Member, after: Member) -> str:
    """Return the text of the map with the new addresses, and all else as it was. Raises ClusterError."""
    for name in ADDRESSES:
        old, new = getattr(member, name), getattr(after, name)
        if old is not None:
            for quote in (json.dumps(old, ensure_ascii=False), f"'{old}'"):
                text = text.replace(quote, json.dumps(new, ensure_ascii=False))
    expected = replace(before, members=tuple(after if one == member else one for one in before.members))
    if parse(tomllib.loads(text)) != expected:
        raise ClusterError("the addresses in the map cannot be replaced: write each as one text in quotes")
    return text


def servers(url: str) -> set[tuple[str, str]]:
    """Return host and port of each server of a URL."""
    found = libpq_variables(url)
    hosts, ports = found.get("PGHOST", "").split(","), found.get("PGPORT", "").split(",")
    return {
        (host, port or "5432") for host, port in zip(hosts, ports * (len(hosts) if len(ports) == 1 else 1), strict=True)
    }


def _servers(member: Member) -> set[tuple[str, str]]:
    return set().union(*(servers(url) for name in ADDRESSES if (url := getattr(member, name)) is not None))


class Move:
    """One move. `done` is called after each of STEPS."""

    def __init__(self, file: Path, number: int, target: str, done: Callable[[], None]) -> None:
        if wrong := fault(target):
            raise MoveError(f"--to must be {wrong}")
        if "," in libpq_variables(target)["PGHOST"]:
            raise MoveError("--to must name one server: its standbys can be added to the map afterwards")
        self._file = file
        self._map = load(file)
        found = [member for member in self._map.members if member.number == number]
        if not found:
            raise MoveError(f"the map has no database {number}")
        self._member = found[0]
        self._after = moved_member(self._member, target)
        self._text = moved_map(file.read_text(encoding="utf-8"), self._map, self._member, self._after)
        self._name = database(address(self._member))
        if self._name in SHARED:
            raise MoveError(f"database {number} is named {self._name}, which every server has: it cannot be moved")
        if shared := [
            one.number for one in self._map.members if one != self._member and _servers(one) & servers(target)
        ]:
            raise MoveError(
                f"addresses of database {shared[0]} name that server, too, and it will have no such database:"
                " take it out of them first"
            )
        self._target = target
        self._done = done
        self._stamp = datetime.now(UTC).strftime("%Y%m%d%H%M%S")
        self._promoting = False

    async def run(self) -> Moved:
        """Move. Raises CommandError; then everything is as before, unless the text says otherwise."""
        store(self._file, self._file.read_text(encoding="utf-8"))
        async with (
            connected(with_database(address(self._member), MAINTENANCE)) as source,
            connected(with_database(self._target, MAINTENANCE)) as target,
        ):
            resumed = await self._is_promoted(source, target)
            slots = [row["slot_name"] for row in await source.fetch(SLOTS, self._name)]
            if not resumed:
                await self._check(source, target)
            self._done()
            began = time.monotonic()
            if not resumed:
                await self._hand_over(source, target)
            try:
                others = await self._open(target)
                store(self._file, self._text)
            except (CommandError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                raise MoveError(
                    f"{error}; the other server takes writes, and the database is closed at its old place:"
                    " give the command again, and it goes on"
                ) from error
            seconds = time.monotonic() - began
            self._done()
            await self._new_epoch()
            closed = [await self._rename(target, name) for name in others]
            # a service that has not yet read the map waits for a database that is closed, and for none that is gone
            await asyncio.sleep(NOTICED_SECONDS)
            left = await self._rename(source, self._name)
            self._done()
        server = without_password(with_database(self._target, ""))
        return Moved(self._member.number, self._name, server, round(seconds, 3), left, closed, slots)

    async def _is_promoted(self, source: Connection, target: Connection) -> bool:
        """Whether an earlier run was ended after the promotion. Raises MoveError where no move is possible."""
        here, there = await source.fetchrow(SERVER), await target.fetchrow(SERVER)
        if here is None or there is None or here["standby"]:
            raise MoveError(
                f"the server of database {self._member.number} takes no writes: it can be moved when it does"
            )
        if here["system"] != there["system"]:
            raise MoveError(f"{without_password(self._target)} is no standby of the database's server: copy that first")
        if there["standby"]:
            return False
        open_here = await source.fetchval(
            "select datallowconn from pg_catalog.pg_database where datname = $1", self._name
        )
        if open_here or there["file"][:8] <= here["file"][:8]:
            raise MoveError(
                f"{without_password(self._target)} is no standby: it takes writes, and so does the database"
            )
        return True

    async def _check(self, source: Connection, target: Connection) -> None:
        """Find every reason not to move before anybody notices. Raises MoveError."""
        follows = await target.fetchrow(FOLLOWS)
        if follows is None or not follows["streaming"]:
            raise MoveError(f"{without_password(self._target)} receives nothing from its primary: look into its log")
        if await target.fetchval("show synchronous_standby_names"):
            raise MoveError(
                "the other server waits for standbys of its own (synchronous_standby_names), and has none:"
                " empty that setting there"
            )
        await self._check_synchronous(source, follows)
        if await source.fetchval("select datallowconn from pg_catalog.pg_database where datname = $1", self._name):
            for url in (self._after.api_url, self._after.relay_url):
                if url is not None:
                    async with connected(url):
                        pass
        if gids := await source.fetch(PREPARED, self._name):
            raise MoveError(f"the prepared transaction {gids[0]['gid']} is open: end it, and give the command again")
        began = time.monotonic()
        while (behind := await _behind(target, await source.fetchval(END_OF_LOG))) > NEAR:
            if time.monotonic() > began + CATCH_UP_SECONDS:
                raise MoveError(f"the standby is {behind / 2**20:,.0f} MiB behind: wait until it has caught up")
            await asyncio.sleep(0.2)

    async def _check_synchronous(self, source: Connection, follows: asyncpg.Record) -> None:
        """Refuse to take away the last standby for which commits there wait."""
        named = re.search(r"application_name=('(?:[^'\\]|\\.)*'|\S+)", follows["conninfo"])
        name = named[1].strip("'") if named else follows["name"] or "walreceiver"
        rows = await source.fetch("select application_name, sync_state from pg_stat_replication")
        waited_for = [row["application_name"] for row in rows if row["sync_state"] != "async"]
        if waited_for == [name]:
            raise MoveError(
                f"commits there wait for {name} alone (synchronous_standby_names): without it none would end;"
                " make another standby, and move to that one"
            )

    async def _hand_over(self, source: Connection, target: Connection) -> None:
        """Close the database, let the standby replay the last of it, and promote. Undoes all that where it fails."""
        try:
            # whatever gets in there after the promotion can read only, until all else is closed
            await _alter_system(target, "set default_transaction_read_only = on")
            end = await self._close(source)
            self._done()
            async with _patience(f"the standby did not replay the last of it within {LOCKED_OUT_SECONDS:.0f} s"):
                while await _behind(target, end) > 0:  # noqa: ASYNC110 - nothing tells when
                    await asyncio.sleep(TICK)
            self._done()
            self._promoting = True
            await _promote(target)
            self._done()
        except BaseException as error:
            if self._promoting:
                raise MoveError(
                    f"{str(error) or 'ended'}; the database stays closed at both places, because the other server may"
                    " take writes: give the command again, and it goes on"
                ) from error
            with contextlib.suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                await asyncio.shield(_alter_system(target, "reset default_transaction_read_only"))
            await asyncio.shield(source.execute(f"alter database {_quoted(self._name)} allow_connections true"))
            raise

    async def _close(self, source: Connection) -> str:
        """Let nobody into the database, end what is in it, and return where the log ends then."""
        await source.execute(f"alter database {_quoted(self._name)} allow_connections false")
        await _empty(source, self._name, GRACE)
        if gids := await source.fetch(PREPARED, self._name):
            raise MoveError(f"the prepared transaction {gids[0]['gid']} is open: end it, and give the command again")
        await source.execute(LAST)
        return str(await source.fetchval(END_OF_LOG))

    async def _open(self, target: Connection) -> list[str]:
        """Close the copies of databases that stay where they are, then open the one that has moved."""
        others = [row["datname"] for row in await target.fetch(DATABASES, [*SHARED, self._name])]
        await target.execute("set default_transaction_read_only = off")
        for name in others:
            await target.execute(f"alter database {_quoted(name)} allow_connections false")
        for name in others:
            await _empty(target, name, 0.0)
        await _alter_system(target, "reset default_transaction_read_only")
        async with _patience("the other server does not read its settings again"):
            while True:
                async with connected(with_database(self._target, MAINTENANCE)) as new:
                    if await new.fetchval("show transaction_read_only") == "off":
                        break
                await asyncio.sleep(TICK)
        await target.execute(f"alter database {_quoted(self._name)} allow_connections true")
        return [name for name in others if not name.endswith(CLOSED)]

    async def _new_epoch(self) -> None:
        """Let numbers jump ahead, as after a restore: who reads events is told that history has a new line."""
        async with connected(with_database(self._target, self._name)) as moved:
            await deploy.begin_epoch(moved)

    async def _rename(self, connection: Connection, name: str) -> str:
        """Give what is closed for good a name that says so."""
        new = f"{name[:40]}_{self._stamp}{CLOSED}"
        if not await connection.fetchval(
            "select exists (select from pg_catalog.pg_database where datname = $1 and not datallowconn)", name
        ):
            return name
        await _empty(connection, name, 0.0)
        await connection.execute(f"alter database {_quoted(name)} rename to {_quoted(new)}")
        return new


async def _empty(connection: Connection, name: str, grace: float) -> None:
    """End all sessions of a closed database: idle ones at once, others after `grace` seconds."""
    began = time.monotonic()
    async with _patience(f"sessions of {name} did not end within {LOCKED_OUT_SECONDS:.0f} s"):
        while rows := await connection.fetch(SESSIONS, name):
            late = time.monotonic() > began + grace
            for row in rows:
                if late or row["idle"]:
                    await connection.execute("select pg_terminate_backend($1)", row["pid"])
            await asyncio.sleep(TICK)


async def _behind(target: Connection, end: str) -> int:
    """Return how many bytes up to `end` the standby has not replayed."""
    behind = "select pg_wal_lsn_diff($1::text::pg_lsn, coalesce(pg_last_wal_replay_lsn(), '0/0'))::bigint"
    return int(await target.fetchval(behind, end))


async def _promote(target: Connection) -> None:
    if not await target.fetchval("select pg_promote(true, 30)"):
        raise MoveError("the other server was told to take writes and does not yet")


async def _alter_system(connection: Connection, change: str) -> None:
    await connection.execute(f"alter system {change}")
    await connection.execute("select pg_reload_conf()")


@contextlib.asynccontextmanager
async def _patience(failure: str) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(LOCKED_OUT_SECONDS):
            yield
    except TimeoutError:
        raise MoveError(failure) from None


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
