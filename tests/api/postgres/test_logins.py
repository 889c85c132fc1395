"""Logins of people at an embedded server: over the network of this machine where a port is set, and only they."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from api.postgres import embedded
from api.urls import with_login
from tests.api.commands.conftest import Cli
from tests.database import SERVICE_PASSWORD, PostgresServer
from tests.docs.reader import free_port

SECRET = "a long secret"


@pytest.fixture(scope="module")
def server() -> Iterator[embedded.Server]:
    """A server without anything on it, at a port."""
    with tempfile.TemporaryDirectory(prefix="pgwallet-") as root:
        folder = Path(root) / "data"
        folder.mkdir(0o700)
        found = embedded.Server(folder, free_port())
        try:
            found.start()
            yield found
        finally:
            found.stop(patience=5.0)
            assert list(folder.glob("run/.s.*")) == []


def over_tcp(server: embedded.Server, user: str, password: str, database: str) -> psycopg.Connection:
    return psycopg.connect(host="127.0.0.1", port=server.port, user=user, password=password, dbname=database)


def test_an_administrator_who_is_no_superuser_migrates_and_grants(server: embedded.Server, tmp_path: Path) -> None:
    here = PostgresServer(host=str(server.socket), port=5432)
    with here.role("admin"), here.database("postgres").connect() as superuser:
        superuser.execute(f"create role admin login createrole password '{SECRET}'".encode())
        superuser.execute("create database managed owner admin template template0")
        url = with_login(here.database("managed").url, "admin", SECRET)
        cli = Cli(DATABASE_URL=url, PGWALLET_DATA_DIR=str(tmp_path), PGWALLET_API_PASSWORD=SERVICE_PASSWORD)
        cli.call("migrate")
        cli.call("migrate")
        cli.call("user", "create", "olga", "--role", "operator", PGWALLET_USER_PASSWORD="correct horse")
        asked = ("grant", "wallet_operator", "to", "olgas", "--operator", "olga", "--create", "--password")
        cli.call(*asked, typed=f"{SECRET}\n")
        cli.call("grant", "wallet_app", "to", "shop", "--create", "--password", typed=f"{SECRET}\n")
        for address in (here.host, "127.0.0.1"):
            port = server.port if address == "127.0.0.1" else 5432
            with psycopg.connect(host=address, port=port, user="olgas", password=SECRET, dbname="managed") as login:
                assert login.execute("select username from wallet_whoami()").fetchone() == ("olga",)
        with over_tcp(server, "shop", SECRET, "managed") as shop:
            assert shop.execute("select balance from wallet_register('bob', 'x')").fetchone() == (1000,)
        assert {(row["login"], row["role"]) for row in cli.json("roles")} == {
            ("postgres", "superuser"),
            ("admin", "wallet_owner"),
            ("olgas", "wallet_operator"),
            ("shop", "wallet_app"),
            ("wallet_api", "wallet_api"),
        }
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            over_tcp(server, "shop", "another", "managed")
        # neither the service nor the superuser is let in over the network
        for user, password in (("wallet_api", SERVICE_PASSWORD), ("postgres", "")):
            with pytest.raises(psycopg.OperationalError, match=r"no pg_hba\.conf entry"):
                over_tcp(server, user, password, "managed")
        cli.call("revoke", "wallet_app", "from", "shop")
        with pytest.raises(psycopg.OperationalError, match=r"no pg_hba\.conf entry"):
            over_tcp(server, "shop", SECRET, "managed")
        superuser.execute("drop database managed with (force)")
        superuser.execute("drop owned by admin cascade")
        roles = "select rolname from pg_roles where rolname ^@ 'wallet_' or rolname in ('olgas', 'shop')"
        for (role,) in superuser.execute(roles).fetchall():
            superuser.execute(f"drop role {role}".encode())
