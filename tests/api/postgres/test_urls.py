"""A server's address as providers print it, for each of the three programs that we hand it to."""

import asyncio
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest

from api.settings import Settings, SettingsError
from api.setup import deploy
from api.urls import DROPPED, for_dbmate, libpq_variables, without_password
from tests.command import Pgwallet
from tests.database import SERVICE_PASSWORD, Database

PROVIDERS = (
    "channel_binding=require&connect_timeout=10&keepalives=1&keepalives_idle=30&keepalives_interval=10&keepalives_count=3"
    "&gssencmode=disable&application_name=ours&options=-c%20work_mem%3D5MB&target_session_attrs=read-write"
    "&tcp_user_timeout=1000&client_encoding=utf8&sslsni=1&fallback_application_name=theirs&require_auth=!none"
)


@pytest.fixture
def providers(database: Database) -> str:
    """The administrator's address with every parameter that one meets, and a first host that is down."""
    hosts = quote(f"/nonexistent,{database.server.host}", safe="")
    port = database.server.port
    return f"postgresql://postgres@/{database.name}?host={hosts}&port={port},{port}&{PROVIDERS}".replace(
        # a socket knows no channel to bind to, and peer is no method of a password's
        "channel_binding=require",
        "channel_binding=prefer",
    ).replace("&require_auth=!none", "")


def test_every_program_takes_it(providers: str, wallet: Pgwallet) -> None:
    # asyncpg and dbmate, which applies what it finds
    asyncio.run(deploy.migrate(providers, password=SERVICE_PASSWORD, seeds="*.sql"))
    shown = wallet.call(
        "psql", "-Atc", "select count(*), current_setting('work_mem') from wallet.users", DATABASE_URL=providers
    )
    assert shown == "3|5MB\n"
    assert wallet.call("verify", DATABASE_URL=providers) == "ok: no violations\n"


def test_the_service_takes_it(database: Database, fresh: Pgwallet) -> None:
    url = f"{database.api_url}&{PROVIDERS}"
    service = fresh.start("serve", PGWALLET_API_URL=url, JWT_SECRET="x" * 32)
    assert service.request("/api/auth/signup", {"username": "somebody", "password": "password123"})[0] == 201
    assert service.stop() == 0


def test_dbmate_gets_the_host_that_answered_and_nothing_that_it_refuses() -> None:
    url = f"postgresql://me:p%40ss@one:1,two:2/wallet?{PROVIDERS}&sslmode=verify-full&sslrootcert=system"
    found = for_dbmate(url, ("two", 2), encrypted=True, settings={"timezone": "UTC"})
    assert found.startswith(
        "postgresql://me:p%40ss@two:2/wallet?timezone=UTC&application_name=ours&options=-c+work_mem"
    )
    assert found.endswith("&sslmode=verify-full")
    assert not any(f"{name}=" in found.replace("application_name", "") for name in DROPPED)
    assert "@[::1]:5432/" in for_dbmate("postgresql://me@[::1]/x", ("::1", 5432), encrypted=False, settings={})


def test_psql_gets_several_hosts_with_their_ports() -> None:
    found = libpq_variables("postgresql://me@one:1,[::1],/three")
    assert (found["PGHOST"], found["PGPORT"]) == ("one,::1,", "1,,")
    assert "PGPORT" not in libpq_variables("postgresql://me@one,two/three")


def test_what_is_shown_has_no_password_anywhere() -> None:
    shown = without_password("postgresql://me:secret@one/x?password=secret&sslpassword=secret&sslmode=require")
    assert shown == "postgresql://me@one/x?sslmode=require"


@pytest.mark.parametrize(
    ("rest", "said"),
    [
        ("localhost:abc/x", "a URL with port numbers from 1 to 65535"),
        ("localhost:99999/x", "a URL with port numbers from 1 to 65535"),
        ("one,two:0/x", "a URL with port numbers from 1 to 65535"),
        ("[::1/x", "a URL like postgresql://user@host/database"),
        ("localhost/x?sslmode", "a URL like postgresql://user@host/database"),
        (
            "localhost/x?sslmode=bogus",
            "a URL whose sslmode is one of disable, allow, prefer, require, verify-ca, verify-full",
        ),
        (
            "localhost/x?target_session_attrs=primary,",
            "a URL whose target_session_attrs is one of any, primary, standby, ",
        ),
        ("localhost/x?sslrootcert=/nonexistent", "a URL whose sslrootcert is a file that can be read"),
    ],
)
def test_a_broken_one_is_one_line(rest: str, said: str) -> None:
    for name in ("DATABASE_URL", "PGWALLET_API_URL"):
        with pytest.raises(SettingsError) as caught:
            Settings.load({name: f"postgresql://me:secret@{rest}"}, None)
        assert str(caught.value).startswith(f"{name} must be {said}")
        assert "secret" not in str(caught.value)


def test_serve_ends_with_that_line(fresh: Pgwallet) -> None:
    line = fresh.refusal("serve", PGWALLET_API_URL="postgresql://wallet_api:secret@localhost:x/y", JWT_SECRET="x" * 32)
    assert line == "PGWALLET_API_URL must be a URL with port numbers from 1 to 65535"


def test_another_role_is_for_a_server_of_ones_own(fresh: Pgwallet) -> None:
    line = fresh.refusal("migrate", PGWALLET_API_ROLE="wallet_api_2")
    assert line == "PGWALLET_API_ROLE is for a server of your own: set DATABASE_URL too"


def test_the_password_of_another_login_is_not_ours_to_set(tmp_path: Path) -> None:
    from api.setup.service_secrets import api_password

    url = "postgresql://somebody:secret@localhost/x"
    given = Settings(api_url=url, database_url="postgresql://me@localhost/x", data_dir=tmp_path)
    assert api_password(given) is None
    assert api_password(replace(given, api_role="somebody")) == "secret"
