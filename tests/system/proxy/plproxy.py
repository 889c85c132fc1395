"""A PostgreSQL server with PL/Proxy, and behind it a cluster of three databases on two servers."""

import contextlib
import os
import re
import shlex
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from api.postgres import embedded
from api.postgres.os_account import let_in, server_account
from api.urls import PORT
from tests.command import Pgwallet, wait_until
from tests.database import ASSETS, SERVICE_PASSWORD, Database, PostgresServer, clone, own_server

PROGRAMS = Path(os.environ.get("PLPROXY") or "/usr/lib/postgresql/15/bin")
PASSWORD = "a password of 'the' \\ tests"
HOMES = [[0], [2, 0, 1]]
DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "deployment" / "plproxy.md"


def blocks(language: str) -> list[str]:
    """The document's code in this language, with the passwords of the tests."""
    found = re.findall(
        rf"^ *```{language}\n(.*?)^ *```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    return [text.replace("'of your choice'", "'" + PASSWORD.replace("'", "''") + "'") for text in found]


ROLES, GRANTS, DOOR, CALLS = blocks("sql")
ARGUMENTS = shlex.split(re.findall(r"pgwallet proxy (.*) >", blocks("sh")[0])[0])
LOGINS = dict(text.split("=") for text in ARGUMENTS if "=" in text)


@dataclass(frozen=True)
class Door:
    """The PL/Proxy database, the databases behind it, and the command that makes the one from the map of the others."""

    proxy: Database
    log: Path
    members: dict[int, Database]
    servers: list[embedded.Server]
    command: Pgwallet
    sessions: dict[tuple[int | None, str], psycopg.Connection] = field(default_factory=dict)

    def connect(self, login: str = "clerk") -> psycopg.Connection:
        return psycopg.connect(self.proxy.url.replace("postgres@", f"{login}@", 1), autocommit=True)

    def member(self, number: int, role: str = "wallet_clerk") -> psycopg.Connection:
        """Connect to a database itself, as the role that a login is there."""
        url = self.members[number].url.replace("postgres@", f"{role}@", 1)
        password = SERVICE_PASSWORD if role == "wallet_api" else PASSWORD
        return psycopg.connect(url, password=password, autocommit=True)

    def script(self, *arguments: str, **variables: str) -> str:
        return self.command.call("proxy", *arguments, **variables)

    def session(self, number: int | None, role: str) -> psycopg.Connection:
        """A connection for many calls, of a role to a database, or of a login to the door."""
        if (number, role) not in self.sessions:
            self.sessions[number, role] = self.connect(role) if number is None else self.member(number, role)
        return self.sessions[number, role]

    def apply(self, script: str, database: Database | None = None) -> None:
        """Run the script as the document does."""
        psql = [str(embedded.binaries() / "psql"), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1"]
        url = (database or self.proxy).url
        done = subprocess.run([*psql, url], input=script, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


@contextlib.contextmanager
def plproxy() -> Iterator[tuple[Database, Path]]:
    """Run a server of Debian's PostgreSQL 15; yields an empty database of it, and its log."""
    with tempfile.TemporaryDirectory(prefix="plproxy-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        account = server_account(folder / "data")
        let_in(account, PROGRAMS)
        data = folder / "data"
        data.mkdir(mode=0o700)
        os.chown(data, account.uid, account.gid)
        roots = PROGRAMS.parents[3:5] if "build" in PROGRAMS.parts else ()
        paths = [str(path) for root in roots for path in root.glob("lib/*-linux-gnu")]
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("PG")},
            "LD_LIBRARY_PATH": ":".join(paths),
            "LC_ALL": "C.UTF-8",
        }
        log = folder / "log"
        with log.open("wb") as output:
            subprocess.run(
                [PROGRAMS / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"],
                check=True,
                stdout=output,
                stderr=output,
                env=environment,
                cwd="/",
                **account.popen(),
            )
            options = ["-c", "listen_addresses=", "-c", "fsync=off", "-c", "jit=off", "-c", "log_statement=all"]
            process = subprocess.Popen(
                [PROGRAMS / "postgres", "-D", data, "-p", str(PORT), "-k", data, *options],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=environment,
                cwd="/",
                start_new_session=True,
                **account.popen(),
            )
        try:
            server = PostgresServer(str(data), PORT)

            def ready() -> bool:
                assert process.poll() is None, log.read_text()
                with contextlib.suppress(psycopg.OperationalError), server.database("postgres").connect():
                    return True
                return False

            wait_until(ready)
            with server.database("postgres").connect() as administrator:
                for statement in (*DOOR.split(";")[:-1], "create role nobody login"):
                    administrator.execute(statement.encode())
            yield server.database("door"), log
        finally:
            process.terminate()
            process.wait(60)


@contextlib.contextmanager
def cluster() -> Iterator[Door]:
    """Run everything: databases 0 and 2 on a server, database 1 on another, and the door."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pgwallet-proxy-")))
        servers = [stack.enter_context(own_server(number=number)) for number in range(2)]
        members = {number: _member(number, servers[number % 2][1].server) for number in range(3)}
        map_file = folder / "cluster.toml"
        entries = (
            f'[[databases]]\nnumber = {number}\nurl = "{database.url}"\napi_url = "{database.api_url}"\n'
            for number, database in members.items()
        )
        map_file.write_text(f"homes = {HOMES}\n" + "\n".join(entries))
        command = stack.enter_context(
            Pgwallet(
                folder,
                PGWALLET_CLUSTER=str(map_file),
                WALLET_SHOP_PASSWORD=PASSWORD,
                WALLET_CLERK_PASSWORD=PASSWORD,
            )
        )
        door = Door(*stack.enter_context(plproxy()), members, [server for server, _ in servers], command)
        door.apply(door.script(*ARGUMENTS, "--timeout=60"))
        try:
            yield door
        finally:
            for session in door.sessions.values():
                session.close()


def _member(number: int, server: PostgresServer) -> Database:
    """Make one of the databases, without the users of the seeds: a database joins before it has any."""
    database = clone(server, ASSETS, f"wallet{number}")
    with database.connect() as administrator:
        administrator.execute("select wallet_join_cluster(%s::smallint, %s::jsonb)", (number, str(HOMES)))
        _let_in(administrator)
    return database


def _let_in(administrator: psycopg.Connection) -> None:
    """Make the roles that logins of the door are, once for each server, and let them in by password."""
    if administrator.execute("select from pg_roles where rolname = 'wallet_shop'").fetchone() is None:
        administrator.execute(ROLES.encode())
        (file,) = administrator.execute("show hba_file").fetchone() or ("",)
        with Path(file).open("a") as rules:
            rules.write("local all wallet_shop,wallet_clerk scram-sha-256\n")
        administrator.execute("select pg_reload_conf()")
    administrator.execute(GRANTS.encode())
    administrator.execute(
        f"grant connect on database {administrator.info.dbname} to wallet_shop, wallet_clerk".encode()
    )
