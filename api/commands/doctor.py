"""`pgwallet doctor`: what is wrong or about to be, and what to do about it. It changes nothing."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import socket
import stat
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import asyncpg
import click
import msgspec
from msgspec import Struct

from api import __version__
from api.cluster.status import status as look_at_cluster
from api.cluster_map import load
from api.commands import service
from api.commands.backup import NOTE, SECRETS
from api.commands.output import JSON, REFUSED, age, show_json, show_rows
from api.commands.roles import PEOPLE
from api.errors import CommandError
from api.settings import OWNER, SECRET_BYTES, SettingsError
from api.setup.administrator import administrators
from api.setup.deploy import DB, FUNCTIONS, MIGRATIONS_TABLE, NAMED, POWERFUL, NoWalletsError, connected
from api.setup.service_secrets import key_file

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from api.cluster_map import ClusterMap
    from api.settings import Settings

    Connection = asyncpg.Connection[asyncpg.Record]

RELAY: Final = "wallet_relay"
DAYS: Final = 7
MOST_TRANSACTIONS: Final = 2**31
"""After so many PostgreSQL writes no more, unless autovacuum has frozen rows meanwhile."""
CLOCK_SECONDS: Final = 2.0
DISK_BYTES: Final = 1 << 30
DISK_SHARE: Final = 0.05
RESERVED: Final = 20
"""Connections for the relay, the commands and people, beside those of the workers."""
GRANTS: Final = re.compile(r"^grant execute on function\n([^;]*?)\nto (\w+);", re.MULTILINE)
MIGRATE: Final = "run `pgwallet migrate`"

MIGRATION: Final = f"select max(version) from public.{MIGRATIONS_TABLE}"  # noqa: S608 - a name of ours
ROLES: Final = """
select r.rolname::text as name, r.rolcanlogin as can_login,
  exists (
    select
    from pg_db_role_setting s
    join pg_database d on d.oid = s.setdatabase
    cross join unnest(s.setconfig) c
    where s.setrole = r.oid and d.datname = current_database() and c like 'statement\\_timeout=%'
  ) as gives_up
from pg_roles r
where r.rolname = any ($1::text[])
"""
# What anybody may call, and what a role may do beside its functions.
TO_PUBLIC: Final = f"""
select distinct p.proname::text as name
from pg_proc p
join pg_namespace n on n.oid = p.pronamespace
cross join lateral aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
where (n.nspname = 'wallet' or n.nspname = 'public' and p.proname ^@ 'wallet_') and p.proowner = '{OWNER}'::regrole
  and a.grantee = 0 and a.privilege_type = 'EXECUTE'
order by 1
"""  # noqa: S608 - a name of ours
TABLES: Final = """
select c.relname::text as name
from pg_class c
where c.relnamespace = 'wallet'::regnamespace and c.relkind in ('r', 'p', 'v')
  and has_table_privilege($1, c.oid, 'select, insert, update, delete, truncate')
order by 1
"""
EXECUTES: Final = f"""
select distinct p.proname::text as name
from pg_proc p
where p.pronamespace = 'public'::regnamespace and p.proowner = '{OWNER}'::regrole
  and has_function_privilege($1, p.oid, 'execute')
"""  # noqa: S608 - a name of ours
SERVER: Final = """
select current_setting('fsync') = 'on' as fsync, current_setting('full_page_writes') = 'on' as full_page_writes,
  current_setting('synchronous_commit') as synchronous_commit,
  current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int as connections,
  current_setting('transaction_read_only') = 'on' as read_only, pg_is_in_recovery() as is_standby,
  has_schema_privilege('public', 'public', 'create') as open_schema, wallet.is_trusted() as is_trusted
"""

Outcome = Literal["ok", "warning", "failed"]


class Finding(Struct):
    """What a check found, and what to do about it where it is not ok. `database` is None for what is of the machine."""

    check: str
    outcome: Outcome
    finding: str
    remedy: str | None = None
    database: int | None = None


def ok(check: str, finding: str) -> Finding:
    """Nothing to do."""
    return Finding(check, "ok", finding)


def warning(check: str, finding: str, remedy: str) -> Finding:
    """What can wait, and should not for long."""
    return Finding(check, "warning", finding, remedy)


def failed(check: str, finding: str, remedy: str) -> Finding:
    """What is wrong."""
    return Finding(check, "failed", finding, remedy)


@click.command()
@JSON
@click.pass_obj
def doctor(settings: Settings, *, as_json: bool) -> None:
    """Look for what is wrong, and say what to do: exit code 1 where something is. Changes nothing.

    It looks at ports, versions, settings, keys, roles, grants, clocks, disk, sequences, transaction ids, the last
    backup and verification, and at the map of a cluster. What is only a warning fails nothing.
    """
    found = list(examine(settings))
    if as_json:
        show_json(found)
    else:
        columns = {name: name for name in ("check", "outcome", "finding", "remedy")}
        rows = [msgspec.structs.asdict(finding) for finding in found]
        show_rows(rows, columns if settings.cluster is None else {"database": "database", **columns}, as_json=False)
    if any(finding.outcome == "failed" for finding in found):
        click.get_current_context().exit(REFUSED)


def examine(settings: Settings) -> Iterator[Finding]:
    """Make all checks."""
    running = service.ask(settings, interval=0.0)
    yield from _settings(settings)
    yield _port(settings, running)
    yield _key(settings)
    yield from _data_dir(settings)
    if settings.embedded and settings.cluster is None:
        yield _disk(settings)
    yield _backup(settings)
    yield _versions(running)
    if settings.embedded and settings.cluster is None and not _is_there(settings.data_dir / "postgres"):
        yield warning(
            "database",
            f"there is none yet in {settings.data_dir}",
            "run `pgwallet run`, which makes one, or set PGWALLET_DATA_DIR as the service has it",
        )
        return
    try:
        with administrators(settings, "doctor") as urls:
            for number, url in urls.items():
                for finding in asyncio.run(_database(settings, url)):
                    finding.database = None if settings.cluster is None else number
                    yield finding
    except CommandError as error:
        yield failed("database", str(error), "start its server, or correct the address in the settings")
    if settings.cluster is not None:
        yield from asyncio.run(_map(load(settings.cluster)))


def _settings(settings: Settings) -> Iterator[Finding]:
    if settings.embedded and settings.api_url is not None and settings.cluster is None:
        yield failed("settings", "PGWALLET_API_URL is set, DATABASE_URL is not", "set both, or neither")
    elif settings.host not in ("127.0.0.1", "::1", "localhost") and settings.trusted_proxies is None:
        yield warning(
            "settings",
            f"the service is reached from everywhere ({settings.host}), and believes no proxy",
            "behind a proxy, which should add TLS, set PGWALLET_TRUSTED_PROXIES: else all clients share one rate limit",
        )
    else:
        yield ok("settings", "can be read")


def _port(settings: Settings, running: service.Service) -> Finding:
    if running.health is not None:
        return ok("port", f"the service answers on {running.address}: {running.health}")
    if settings.port == 0:
        return ok("port", "PORT is 0: any free one is taken")
    try:
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((settings.host, settings.port))
    except OSError as error:
        remedy = "end what listens there, or set PORT to another one"
        return failed("port", f"{settings.host}:{settings.port} cannot be used: {error.strerror or error}", remedy)
    return ok("port", f"{settings.host}:{settings.port} is free; the service is not running")


def _key(settings: Settings) -> Finding:
    """Judge the key that signs tokens. Settings take none that is too short; a file can hold one."""
    if settings.jwt_secret is not None:
        length = len(settings.jwt_secret.encode())
        return ok("signing key", f"JWT_SECRET has {length} bytes")
    try:
        file = key_file(settings)
    except SettingsError as error:
        return warning("signing key", str(error), "set it where the service runs")
    try:
        length = len(file.read_text(encoding="utf-8").strip().encode())
    except FileNotFoundError:
        return ok("signing key", f"{file} is made at the first start")
    except (OSError, UnicodeDecodeError) as error:
        return failed("signing key", f"{file} cannot be read: {error}", "let the account of the service read it")
    if length < SECRET_BYTES:
        return failed(
            "signing key", f"{file} has {length} bytes of {SECRET_BYTES}", "run `pgwallet rotate-key --discard`"
        )
    return ok("signing key", f"{file} has {length} bytes")


def _data_dir(settings: Settings) -> Iterator[Finding]:
    folder = settings.data_dir
    try:
        mode = stat.S_IMODE(folder.stat().st_mode)
    except FileNotFoundError:
        yield ok("data dir", f"{folder} is made at the first start")
        return
    except OSError as error:
        yield failed("data dir", f"{folder} cannot be reached: {error.strerror}", "use the account of the service")
        return
    if mode & 0o022:
        yield failed("data dir", f"others can write {folder} (mode {mode:o})", f"chmod 700 {folder}")
    elif not os.access(folder, os.W_OK | os.X_OK):
        yield failed("data dir", f"this account cannot write {folder}", "use the account that the service runs as")
    elif mode & 0o044:
        yield warning("data dir", f"others can list {folder} (mode {mode:o})", f"chmod 700 {folder}")
    else:
        yield ok("data dir", f"{folder} is private")
    for name in (*SECRETS, "checkpoint_key", "metrics_token"):
        with contextlib.suppress(OSError):  # what this account cannot reach, it cannot judge
            if (mode := stat.S_IMODE((folder / name).stat().st_mode)) & 0o077:
                yield failed(
                    "data dir", f"others can read {folder / name} (mode {mode:o})", f"chmod 600 {folder / name}"
                )


def _is_there(path: Path) -> bool:
    """Whether this account finds it."""
    try:
        return path.exists()
    except OSError:
        return False


def _disk(settings: Settings) -> Finding:
    folder = settings.data_dir
    while not _is_there(folder):
        folder = folder.parent
    usage = shutil.disk_usage(folder)
    finding = f"{usage.free / 2**30:,.1f} GiB of {usage.total / 2**30:,.1f} GiB are free"
    if usage.free < DISK_BYTES or usage.free < DISK_SHARE * usage.total:
        remedy = f"make room where {folder} is: a full disk stops the database"
        return (failed if usage.free < DISK_BYTES else warning)("disk", finding, remedy)
    return ok("disk", finding)


def _backup(settings: Settings) -> Finding:
    """Judge the backup that was noted; other tools note none."""
    remedy = "run `pgwallet backup FILE`, or see docs/operations/backup-and-restore.md"
    file = settings.data_dir / NOTE
    try:
        noted = msgspec.json.decode(file.read_bytes(), type=dict[str, Any])
        at, where = datetime.fromisoformat(noted["at"]).astimezone(UTC), str(noted["file"])
    except FileNotFoundError:
        return warning("backup", "none is noted", remedy)
    except (OSError, ValueError, KeyError, TypeError, msgspec.DecodeError) as error:
        return warning("backup", f"{file} cannot be read: {error}", remedy)
    since = datetime.now(UTC) - at
    if not _is_there(Path(where)):
        return warning("backup", f"{where}, of {age(since.total_seconds())} ago, is not there any more", remedy)
    if since > timedelta(days=DAYS):
        return warning("backup", f"the last is {age(since.total_seconds())} old: {where}", remedy)
    return ok("backup", f"{age(since.total_seconds())} ago, {where}")


def _versions(running: service.Service) -> Finding:
    there = running.measured.version if running.measured is not None else None
    if there not in (None, __version__):
        return warning("version", f"the service that runs is {there}, this is {__version__}", "restart the service")
    return ok("version", __version__)


def _elsewhere(settings: Settings) -> str:
    """Say what to do where there is nothing: to migrate makes a second ledger, if the service has another database."""
    if settings.cluster is not None:
        return "run `pgwallet cluster migrate`"
    setting = "PGWALLET_DATA_DIR" if settings.embedded else "DATABASE_URL"
    return f"{MIGRATE}, or set {setting} as the service has it"


async def _database(settings: Settings, url: str) -> list[Finding]:
    """Make the checks of one database; what ends them is a finding, too."""
    found: list[Finding] = []
    try:
        async with connected(url) as connection:
            found += [finding async for finding in _checks(settings, connection)]
    except (NoWalletsError, asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError):
        found.append(failed("database", "it has no wallets yet", _elsewhere(settings)))
    except CommandError as error:
        cause = error.__cause__
        if isinstance(
            cause, asyncpg.UndefinedTableError | asyncpg.UndefinedFunctionError | asyncpg.InvalidSchemaNameError
        ):
            found.append(failed("database", "it was never migrated, or by an older version", _elsewhere(settings)))
        else:
            found.append(failed("database", str(error), "start its server, or correct the address in the settings"))
    return found


async def _checks(settings: Settings, connection: Connection) -> AsyncIterator[Finding]:
    yield await _clock(connection)
    yield await _migration(connection)
    row = await connection.fetchrow(SERVER)
    for finding in _server(settings, row or {}):
        yield finding
    for check in (_roles, _grants):
        for finding in await check(settings, connection):
            yield finding
    behind = await connection.fetch("select sequence::text, reached, due from wallet.sequences_behind()")
    for one in behind:
        yield failed("sequences", f"{one['sequence']} is at {one['reached']}, and {one['due']} is stored", MIGRATE)
    if not behind:
        yield ok("sequences", "none is behind what is stored")
    yield await _transaction_ids(connection)
    yield await _verification(connection)


async def _clock(connection: Connection) -> Finding:
    """Hold the clock of the database against this machine's: tokens end by the one, holds by the other."""
    before = time.time()
    there = await connection.fetchval("select extract(epoch from clock_timestamp())::float8")
    after = time.time()
    apart = abs(there - (before + after) / 2)
    if apart > CLOCK_SECONDS + (after - before):
        remedy = "set both by NTP: tokens end by this machine's clock, holds by the database's"
        return failed("clock", f"the database's is {apart:.1f} s from this machine's", remedy)
    return ok("clock", f"the database's is {apart:.3f} s from this machine's")


async def _transaction_ids(connection: Connection) -> Finding:
    """Say how many transactions PostgreSQL can still make before it has to freeze rows."""
    age = await connection.fetchval("select age(datfrozenxid) from pg_database where datname = current_database()")
    used = f"{age / MOST_TRANSACTIONS:.0%} were used since the oldest row that is not frozen"
    if age > MOST_TRANSACTIONS / 2:
        return warning(
            "transaction ids", used, "let autovacuum work, or run `vacuum (freeze)`: docs/operations/growth.md"
        )
    return ok("transaction ids", used)


async def _migration(connection: Connection) -> Finding:
    """Hold what a deploy would apply against what is there: migrations, and the names of functions."""
    there = await connection.fetchval(MIGRATION)
    here = max(file.name.partition("_")[0] for file in (DB / "migrations").glob("*.sql"))
    if there != here:
        newer = (there or "") > here
        remedy = "use the version of pgwallet that migrated it" if newer else MIGRATE
        return failed("database version", f"migration {there} is there, this version's is {here}", remedy)
    files = (DB / "functions").rglob("*.sql")
    wanted = {name for file in files for name in NAMED.findall(file.read_text(encoding="utf-8"))}
    known = {(row["schema"], row["name"]) for row in await connection.fetch(FUNCTIONS)}
    if missing := sorted(".".join(name) for name in wanted - known):
        return failed("database version", f"{len(missing)} functions are missing, the first: {missing[0]}", MIGRATE)
    postgres = await connection.fetchval("show server_version")
    return ok("database version", f"migration {there}, {len(known)} functions, PostgreSQL {postgres}")


def _server(settings: Settings, row: Any) -> Iterator[Finding]:
    if row["is_standby"] or row["read_only"]:
        yield failed("database", "it takes no writes", "name the primary in the settings, or promote this standby")
    if not row["is_trusted"]:
        remedy = f"grant {OWNER} to this login"
        yield failed("database", f"this login is no administrator: it is no member of {OWNER}", remedy)
    for name in ("fsync", "full_page_writes"):
        if not row[name]:
            yield failed(
                "durability", f"{name} is off: a power cut can lose or break what was committed", f"set {name} = on"
            )
    if row["synchronous_commit"] == "off":
        yield ok("durability", "synchronous_commit is off here; sessions of pgwallet set it on")
    elif row["fsync"] and row["full_page_writes"]:
        yield ok("durability", "what is committed is on disk")
    needed = settings.workers * settings.pool_size + RESERVED
    if row["connections"] < needed:
        yield warning(
            "connections",
            f"{row['connections']} can connect, {settings.workers} workers and others take up to {needed}",
            "raise max_connections, or lower PGWALLET_WORKERS or PGWALLET_POOL_SIZE",
        )
    else:
        yield ok("connections", f"{row['connections']} can connect, up to {needed} are needed")
    if row["open_schema"]:
        remedy = "revoke create on schema public from public"
        yield warning("grants", "anybody may create functions beside ours", remedy)


async def _roles(settings: Settings, connection: Connection) -> list[Finding]:
    names = [OWNER, settings.api_role, RELAY, *PEOPLE]
    there = {row["name"]: row for row in await connection.fetch(ROLES, names)}
    found = [failed("roles", f"there is no role {name}", MIGRATE) for name in names if name not in there]
    if OWNER in there and there[OWNER]["can_login"]:
        found.append(failed("roles", f"{OWNER}, which may do anything here, can log in", f"alter role {OWNER} nologin"))
    if settings.api_role in there:
        if not there[settings.api_role]["can_login"]:
            found.append(failed("roles", f"{settings.api_role} cannot log in", MIGRATE))
        elif not there[settings.api_role]["gives_up"]:
            remedy = f"{MIGRATE}: a caller that hangs must not hold a wallet's lock"
            found.append(failed("roles", f"{settings.api_role} has no statement_timeout here", remedy))
    for name in (settings.api_role, RELAY, *PEOPLE):
        if name in there and await connection.fetchval(POWERFUL, name):
            remedy = f"take them away: no superuser, no createrole, no member of {OWNER}"
            found.append(failed("roles", f"{name} has powers that it must not have", remedy))
    return found or [ok("roles", f"{', '.join(names)} may what they should")]


async def _grants(settings: Settings, connection: Connection) -> list[Finding]:
    """Hold what roles may call against the grants of this version."""
    text = (DB / "functions" / "_grants.sql").read_text(encoding="utf-8")
    granted = {role: set(re.findall(r"public\.(\w+)", names)) for names, role in GRANTS.findall(text)}
    found = []
    if names := [row["name"] for row in await connection.fetch(TO_PUBLIC)]:
        found.append(failed("grants", f"anybody may call {_first(names)}", MIGRATE))
    named = {settings.api_role: "wallet_api"} | {name: name for name in (RELAY, *PEOPLE)}
    for role, there in ((role, granted.get(name, set())) for role, name in named.items()):
        if not await connection.fetchval("select to_regrole($1) is not null", role):
            continue
        may = {row["name"] for row in await connection.fetch(EXECUTES, role)}
        if lacking := sorted(there - may):
            found.append(failed("grants", f"{role} may not call {_first(lacking)}", MIGRATE))
        if beyond := sorted(may - there):
            found.append(failed("grants", f"{role} may call {_first(beyond)}, too", MIGRATE))
        if tables := [row["name"] for row in await connection.fetch(TABLES, role)]:
            remedy = f"revoke all on all tables in schema wallet from {role}"
            found.append(failed("grants", f"{role} reaches tables: {_first(tables)}", remedy))
    return found or [ok("grants", "each role may call what this version gives it, nobody else anything")]


def _first(names: list[str]) -> str:
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"{names[0]}{more}"


async def _verification(connection: Connection) -> Finding:
    row = await connection.fetchrow("select * from public.wallet_last_verification()")
    if row is None:
        return warning("verification", "the ledger was never verified", "run `pgwallet verify`, best once a day")
    if row["violations"]:
        remedy = "run `pgwallet verify`, then see docs/operations/integrity.md"
        return failed("verification", f"the last found {row['violations']} violations", remedy)
    if row["age_seconds"] > DAYS * 86400:
        return warning(
            "verification", f"the last is {age(row['age_seconds'])} old", "run `pgwallet verify`, best once a day"
        )
    return ok("verification", f"no violations {age(row['age_seconds'])} ago")


async def _map(of: ClusterMap) -> list[Finding]:
    """Hold the map of the cluster against its databases."""
    found = await look_at_cluster(of)
    return [Finding("map", "failed", one.difference, one.remedy, one.number) for one in found.differences] or [
        ok("map", "map and databases agree")
    ]
