"""What a session with the database is: the same whatever database and role have for it, with a server that writes."""

import asyncio
from collections.abc import Iterator
from contextlib import closing, nullcontext
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from api.database.pool import Pool as Calls
from api.integrity import verification
from api.integrity.hash_chain import Finding
from api.session import PINNED
from api.settings import Settings
from api.setup import deploy
from api.setup.deploy import DeployError
from tests.api.service import TLS, Service, User, data, problem, serve
from tests.command import wait_until
from tests.database import SERVICE_PASSWORD, WALLET, Database, PostgresServer, clone, own_server

# For each that is pinned a value that does harm, and some that are not ours to name.
HOSTILE = {
    "default_transaction_isolation": "serializable",
    "search_path": "nowhere",
    "timezone": "Asia/Kathmandu",
    "datestyle": "SQL, DMY",
    "intervalstyle": "iso_8601",
    "bytea_output": "escape",
    "extra_float_digits": "-15",
    "standard_conforming_strings": "off",
    "transform_null_equals": "on",
    "array_nulls": "off",
    "row_security": "off",
    "transaction_timeout": "1h",
    "idle_session_timeout": "1h",
    "exit_on_error": "on",
    "plpgsql.extra_errors": "all",
    "plan_cache_mode": "force_custom_plan",
    "jit": "on",
    "enable_indexscan": "off",
    "enable_indexonlyscan": "off",
    "enable_nestloop": "off",
    "synchronous_commit": "off",
    "statement_timeout": "1h",
    "lock_timeout": "1h",
    "idle_in_transaction_session_timeout": "1h",
    "client_encoding": "LATIN1",
    "check_function_bodies": "off",
    "xmloption": "document",
    "escape_string_warning": "on",
    "quote_all_identifiers": "on",
    "lc_monetary": "C",
    "work_mem": "64kB",
}


def set_for(database: Database, name: str, value: str) -> None:
    """Set it for the database, and for the service's role there, which counts more."""
    with database.connect() as administrator:
        for who in (f"database {database.name}", f"role wallet_api in database {database.name}"):
            administrator.execute(f"alter {who} set {name} = '{value}'")


@pytest.fixture
def hostile(database: Database) -> Database:
    """A database with all of it."""
    assert PINNED.keys() <= HOSTILE.keys()
    with database.connect() as administrator:
        settings = "select name from unnest(%s::text[]) name where current_setting(name, true) is not null"
        # PostgreSQL 16 does not have them all
        known = {name for (name,) in administrator.execute(settings, [list(HOSTILE)])} | {"plpgsql.extra_errors"}
    for name in known:
        set_for(database, name, HOSTILE[name])
    return database


@pytest.mark.parametrize("pooler", ["none", "transaction"])
def test_what_calls_depend_on_is_pinned(hostile: Database, pooler: str) -> None:
    async def found() -> dict[str, str]:
        calls = Calls(Settings(api_url=hostile.api_url, pooler=pooler, lock_timeout=0.25), 1)
        await calls.open()
        names = [*PINNED, "statement_timeout", "lock_timeout", "synchronous_commit", "transaction_isolation"]
        names.append("transaction_timeout")
        rows = await calls.rows("select n, coalesce(current_setting(n, true), '0') from unnest($1::text[]) n", names)
        await calls.close()
        return dict(rows)  # type: ignore[arg-type]

    seen = asyncio.run(found())
    assert {name: value.strip('"') for name, value in seen.items()} == PINNED | {
        "statement_timeout": "10s",
        "lock_timeout": "250ms",
        "synchronous_commit": "on",
        "transaction_isolation": "read committed",
        "transaction_timeout": "0",
    }


@pytest.mark.parametrize("value", ["remote_apply", "local"])
def test_another_way_of_being_durable_is_the_administrators_to_choose(database: Database, value: str) -> None:
    async def found() -> object:
        calls = Calls(Settings(api_url=database.api_url, lock_timeout=1), 1)
        await calls.open()
        row = await calls.row("select current_setting('synchronous_commit')")
        await calls.close()
        return row[0]

    set_for(database, "synchronous_commit", value)
    assert asyncio.run(found()) == value


@pytest.mark.parametrize("pooler", ["none", "transaction"])
def test_the_service_does_the_same_whatever_database_and_role_have(
    hostile: Database, tmp_path: Path, pooler: str
) -> None:
    with serve(hostile.api_url, tmp_path, PGWALLET_POOLER=pooler) as service, closing(User(service)) as user:
        assert httpx.get(f"{service.url}/api/health/ready", timeout=20, verify=TLS).status_code == 200
        txn_id = str(uuid4())
        first = data(user.topup(5, txn_id, reference="é", metadata={"a": None}), 201)
        assert first["created_at"].endswith("Z")
        assert data(user.topup(5, txn_id, reference="é", metadata={"a": None}))["replayed"]
        # what the database tells of a refusal holds a time
        ahead = problem(user.topup(5, effective_at="2999-01-01T00:00:00Z"), 422, "WA023")
        assert "+05:45" not in str(ahead)
        problem(user.spend(10**6), 402, "WA003")
        held = {"txn_id": str(uuid4()), "amount": 7}
        data(user.post("/api/wallet/holds", json=held), 201)
        moments = {"from": "2020-01-01T00:00:00Z", "to": "2020-01-02T00:00:00Z"}
        assert user.get("/api/wallet/statement", params=moments).status_code == 200
        assert user.history()["items"][0]["reference"] == "é"
        assert service.all_lines(level="error") == []


def unexpected(finding: Finding) -> None:
    pytest.fail(str(finding))


def test_the_commands_do_the_same_whatever_database_and_role_have(hostile: Database) -> None:
    asyncio.run(deploy.migrate(hostile.url, password=SERVICE_PASSWORD, seeds="*.sql"))
    asyncio.run(deploy.seed(hostile.url))
    with hostile.connect() as administrator:
        administrator.execute("reset search_path")
        tables = """
            select nspname from pg_class c join pg_namespace n on n.oid = relnamespace
            where relname = 'pgwallet_migrations'
        """
        assert administrator.execute(tables).fetchall() == [("public",)]
    summary = asyncio.run(
        verification.verify(hostile.url, verification.Order(), unexpected, lambda _: nullcontext(lambda _: None))
    )
    assert summary.entries == 3


def test_sessions_in_which_recorded_facts_could_be_changed_are_not_used(database: Database, tmp_path: Path) -> None:
    set_for(database, "session_replication_role", "replica")
    with pytest.raises(DeployError, match="session_replication_role must be origin"):
        asyncio.run(deploy.migrate(database.url, password=SERVICE_PASSWORD))
    with serve(database.api_url, tmp_path) as service:
        assert httpx.get(f"{service.url}/api/health/ready", timeout=20, verify=TLS).status_code == 503
        (line,) = service.wait_for(event="database is away")
        assert "session_replication_role must be origin" in line["reason"]


def ready(service: Service) -> bool:
    return httpx.get(f"{service.url}/api/health/ready", timeout=20, verify=TLS).status_code == 200


def read_only(database: Database, value: str) -> None:
    """Turn the server read only, also for sessions that there are."""
    with database.server.database("postgres").connect() as administrator:
        administrator.execute("set default_transaction_read_only = off")
        administrator.execute(f"alter system set default_transaction_read_only = {value}")
        administrator.execute("select pg_reload_conf()")
    with database.connect() as session:
        wait_until(lambda: session.execute("show default_transaction_read_only").fetchone() == (value,))


@pytest.fixture
def switched(database: Database) -> Iterator[Database]:
    yield database
    read_only(database, "off")


@pytest.fixture(scope="module")
def other_cluster() -> Iterator[PostgresServer]:
    """A second server."""
    with own_server() as (_, database):
        yield database.server


def both(first: Database, second: PostgresServer) -> str:
    """The service's address of a database that both servers have; the first is asked first."""
    read_only(second.database("postgres"), "off")
    with second.database("postgres").connect() as administrator:
        administrator.execute(f"drop database if exists {first.name} with (force)")
    clone(second, WALLET, first.name)
    hosts, ports = f"{first.server.host},{second.host}", f"{first.server.port},{second.port}"
    return f"{first.api_url.partition('?')[0]}?host={hosts}&port={ports}"


@pytest.mark.parametrize("pooler", ["none", "transaction"])
def test_after_a_switchover_the_other_server_is_used(
    switched: Database, other_cluster: PostgresServer, tmp_path: Path, pooler: str
) -> None:
    url = both(switched, other_cluster)
    other = other_cluster.database(switched.name)
    read_only(other, "on")
    with serve(url, tmp_path, PGWALLET_POOLER=pooler) as service, closing(User(service)) as before:
        data(before.topup(), 201)
        read_only(switched, "on")
        # nobody can write now: each is told so, by readiness too
        problem(before.topup(), 503, "unavailable")
        assert not ready(service)
        read_only(other, "off")
        wait_until(lambda: ready(service))
        with closing(User(service)) as after, other.connect() as administrator:
            data(after.topup(), 201)
            assert after.balance() == 1100
            assert (
                len(administrator.execute("select from wallet.users where username = %s", [after.username]).fetchall())
                == 1
            )
        gone = service.all_lines(event="database is away")
        assert 1 <= len(gone) <= 3
        assert service.lines(level="error") == []


def test_the_switchover_is_noticed_by_the_request_that_meets_it(
    switched: Database, other_cluster: PostgresServer, tmp_path: Path
) -> None:
    with serve(both(switched, other_cluster), tmp_path) as service, closing(User(service)) as user:
        data(user.topup(), 201)
        read_only(switched, "on")
        credentials = {"username": f"new-{uuid4().hex[:8]}", "password": "correct horse battery"}
        # it is made again at the other one, and its client knows nothing of it
        answer = httpx.post(f"{service.url}/api/auth/signup", json=credentials, timeout=20, verify=TLS)
        assert answer.status_code == 201, answer.text
        assert service.all_lines(event="database is away") == []


def test_a_server_that_is_read_only_for_a_while_is_not_ready_and_comes_back(switched: Database, tmp_path: Path) -> None:
    with serve(switched.api_url, tmp_path) as service, closing(User(service)) as user:
        assert ready(service)
        read_only(switched, "on")
        assert not ready(service)
        problem(user.topup(), 503, "unavailable")
        read_only(switched, "off")
        wait_until(lambda: ready(service))
        data(user.topup(), 201)
        assert len(service.all_lines(event="database is away")) <= 3
