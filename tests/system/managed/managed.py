"""A server of the kind that providers run: TLS alone, and an administrator who is no superuser.

The embedded server is built without TLS, so `make test-versions` runs this on the others.
"""

import datetime as dt
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.api.commands.conftest import Cli
from tests.api.service import User, serve
from tests.command import wait_until
from tests.database import SERVICE_PASSWORD, PostgresServer, new_server
from tests.docs.markdown import ROOT, commands
from tests.docs.reader import free_port, reader

SECRET = "a secret: with / and @"
TLS_ONLY = """\
local all postgres peer map=pgwallet
hostssl all all 127.0.0.1/32 scram-sha-256
"""


@dataclass(frozen=True)
class Managed:
    """The server, its administrator `admin`, and the files of who signed its certificate and of who did not."""

    server: PostgresServer
    port: int
    authority: Path
    stranger: Path

    def url(self, login: str, password: str, host: str = "localhost", **parameters: str) -> str:
        given = {"sslmode": "verify-full", "sslrootcert": str(self.authority)} | parameters
        query = "&".join(f"{name}={quote(value)}" for name, value in given.items())
        return f"postgresql://{login}:{quote(password, safe='')}@{host}:{self.port}/managed?{query}"


def certificate(folder: Path, name: str) -> Path:
    """Make an authority, and a certificate by it for localhost beside it; returns the authority's file."""
    now, hour = dt.datetime.now(dt.UTC), dt.timedelta(hours=1)

    def signed(subject: str, issuer: str, key: ec.EllipticCurvePrivateKey, by: ec.EllipticCurvePrivateKey) -> bytes:
        of, from_ = (x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, who)]) for who in (subject, issuer))
        built = x509.CertificateBuilder(from_, of, key.public_key(), x509.random_serial_number())
        built = built.not_valid_before(now - hour).not_valid_after(now + hour)
        built = built.add_extension(x509.BasicConstraints(ca=subject == issuer, path_length=None), critical=True)
        if subject != issuer:
            built = built.add_extension(x509.SubjectAlternativeName([x509.DNSName(subject)]), critical=False)
        return built.sign(by, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    authority, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    (folder / f"{name}.crt").write_bytes(signed("localhost", name, key, authority))
    (folder / f"{name}.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    found = folder / f"{name}.pem"
    found.write_bytes(signed(name, name, authority, authority))
    return found


@pytest.fixture(scope="module")
def managed() -> Iterator[Managed]:
    with tempfile.TemporaryDirectory(prefix="pgwallet-") as root:
        folder = Path(root) / "data"
        folder.mkdir(0o700)
        server = new_server(folder)
        server.port = free_port()
        try:
            server.start()
            here = PostgresServer(host=str(server.socket), port=5432)
            authority, stranger = certificate(folder, "authority"), certificate(folder, "stranger")
            with here.database("postgres").connect() as superuser:
                for kind in ("crt", "key"):
                    server._write(server.pgdata / f"server.{kind}", (folder / f"authority.{kind}").read_text())
                (server.pgdata / "pg_hba.conf").write_text(TLS_ONLY)
                superuser.execute("alter system set ssl = on")
                superuser.execute("select pg_reload_conf()")
                wait_until(lambda: superuser.execute("show ssl").fetchone() == ("on",))
                superuser.execute(f"create role admin login createrole password '{SECRET}'".encode())
            yield Managed(here, server.port, authority, stranger)
        finally:
            server.stop(patience=5.0)


@pytest.fixture
def database(managed: Managed) -> Iterator[None]:
    """An empty database `managed`, which the administrator owns."""
    with managed.server.database("postgres").connect() as superuser:
        superuser.execute("create database managed owner admin template template0")
        yield
        superuser.execute("drop database managed with (force)")
        superuser.execute("drop role if exists shop")


@pytest.mark.usefixtures("database")
def test_who_is_no_superuser_migrates_over_tls_and_the_service_serves(managed: Managed, tmp_path: Path) -> None:
    cli = Cli(
        DATABASE_URL=managed.url("admin", SECRET),
        PGWALLET_DATA_DIR=str(tmp_path),
        PGWALLET_API_PASSWORD=SERVICE_PASSWORD,
    )
    cli.call("migrate")
    cli.call("migrate")
    cli.call("user", "create", "olga", "--role", "operator", PGWALLET_USER_PASSWORD="correct horse")
    cli.call("grant", "wallet_app", "to", "shop", "--create", "--password", typed=f"{SECRET}\n")
    assert {(row["login"], row["role"]) for row in cli.json("roles")} >= {
        ("admin", "wallet_owner"),
        ("shop", "wallet_app"),
        ("wallet_api", "wallet_api"),
    }
    assert cli.call("verify") == "ok: no violations\n"
    with (
        serve(managed.url("wallet_api", SERVICE_PASSWORD), tmp_path) as service,
        closing(User(service)) as user,
        managed.server.database("managed").connect() as superuser,
    ):
        user.topup()
        user.spend(30)
        sessions = superuser.execute(
            "select a.usename, bool_and(s.ssl) from pg_stat_ssl s join pg_stat_activity a using (pid)"
            " where a.usename = 'wallet_api' group by 1"
        )
        assert sessions.fetchall() == [("wallet_api", True)]
    with psycopg.connect(managed.url("admin", SECRET), autocommit=True) as administrator:
        # as docs/guides/embedding.md has it: an administrator who is no superuser gives no schema away
        administrator.execute("create schema shop; grant usage, create on schema shop to shop")
    with psycopg.connect(managed.url("shop", SECRET)) as shop:
        shop.execute("create table shop.orders (id uuid)")
        assert shop.execute("select balance from wallet_register('bob', 'x')").fetchone() == (1000,)


@pytest.mark.usefixtures("database")
def test_the_page_does_what_it_says(managed: Managed) -> None:
    written = (
        "postgresql://admin:secret@db.example.com:5432/wallet?sslmode=verify-full&sslrootcert=/etc/ssl/provider.pem"
    )
    with reader(others={written: managed.url("admin", SECRET)}) as one:
        for command in commands(ROOT / "docs/deployment/managed.md"):
            one.enter(command)


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    ("host", "parameters", "told"),
    [
        ("localhost", {"sslrootcert": "stranger"}, "certificate verify failed"),
        ("127.0.0.1", {}, "IP address mismatch"),
        ("localhost", {"sslmode": "disable"}, "no pg_hba.conf entry"),
    ],
    ids=["another authority", "another name", "no TLS"],
)
def test_a_server_that_is_not_the_one_is_refused_in_one_line(
    managed: Managed, tmp_path: Path, host: str, parameters: dict[str, str], told: str
) -> None:
    given = {name: str(managed.stranger) if value == "stranger" else value for name, value in parameters.items()}
    cli = Cli(DATABASE_URL=managed.url("admin", SECRET, host, **given), PGWALLET_DATA_DIR=str(tmp_path))
    status, output, errors = cli.attempt("status")
    assert (status, output, errors.count("\n")) == (3, "", 1)
    assert told in errors
    assert SECRET not in errors
