"""Verifications that operators start, over HTTP."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.api.service import Service, User, data, problem, serve
from tests.command import wait_until
from tests.database import Database

RUNS = "/api/operator/verifications/runs"
HOLDER = "select wallet.verification_holder()"
# a rule in the middle waits for this lock, so that a test can look while a verification runs
HELD = "lock table wallet.limit_usage in access exclusive mode"


@pytest.fixture(scope="module")
def service_database(module_database: Database) -> Database:
    """One of their own: other tests change what is recorded, and a verification finds it."""
    return module_database


@pytest.fixture(scope="module")
def service(service_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service of these tests."""
    with serve(service_database.api_url, tmp_path_factory.mktemp("service")) as running:
        yield running


def started(operator: User) -> int:
    found: int = data(operator.post("/api/operator/verifications"), 202)["id"]
    return found


def shown(operator: User, run_id: int) -> dict[str, Any]:
    return data(operator.get(f"{RUNS}/{run_id}"))


def finished(operator: User, run_id: int) -> dict[str, Any]:
    wait_until(lambda: shown(operator, run_id)["status"] != "running")
    return shown(operator, run_id)


@pytest.fixture
def database(service_database: Database) -> Iterator[psycopg.Connection]:
    """An administrator's connection."""
    with service_database.connect() as connection:
        yield connection


@contextmanager
def held(database: psycopg.Connection) -> Iterator[None]:
    with database.transaction():
        database.execute(HELD)
        yield


def test_it_judges_the_ledger_and_records_the_result(operator: User, alice: User) -> None:
    alice.topup(5)
    run_id = started(operator)
    run = finished(operator, run_id)
    assert run["status"] == "finished", run
    assert (run["violations"], run["warnings"], run["findings"], run["error"]) == (0, 0, [], None)
    assert run["actor"] == operator.account["id"]
    assert run["actor_username"] == operator.username
    assert run["rules_done"] == run["rules"] > 4
    assert run["ended_at"] >= run["started_at"]
    assert data(operator.get("/api/operator/verifications"))["items"][0]["seconds"] == run["seconds"]
    audit = data(operator.get("/api/operator/audit", params={"action": "verify"}))["items"]
    assert (audit[0]["actor"], audit[0]["after"]) == (operator.account["id"], {"run_id": run_id})


def test_what_it_finds_is_shown(operator: User, alice: User, database: psycopg.Connection) -> None:
    wallet = alice.account["wallet_id"]
    alice.topup(5)
    database.execute("set session_replication_role = replica")
    change = "update wallet.ledger set amount = amount + %s where wallet_id = %s and seq = 2"
    database.execute(change, [1, wallet])
    try:
        run = finished(operator, started(operator))
    finally:
        database.execute(change, [-1, wallet])
    named = {(finding["violation"], finding["wallet_id"], finding["seq"]) for finding in run["findings"]}
    assert ("hash", wallet, 2) in named
    assert run["violations"] == len(run["findings"]) > 1
    assert all(finding["detail"] for finding in run["findings"])


def test_one_runs_at_a_time_and_shows_how_far_it_is(operator: User, database: psycopg.Connection) -> None:
    with held(database):
        run_id = started(operator)
        wait_until(lambda: shown(operator, run_id)["rule"] == "usage")
        run = shown(operator, run_id)
        assert (run["status"], run["rules_done"], run["ended_at"]) == ("running", 4, None)
        assert run["rules"] > 4
        refused = problem(operator.post("/api/operator/verifications"), 409, "WA045")
        assert refused["run_id"] == run_id
        assert data(operator.get(RUNS, params={"limit": 1}))["items"][0]["id"] == run_id
    assert finished(operator, run_id)["status"] == "finished"
    assert finished(operator, started(operator))["status"] == "finished"


@contextmanager
def impatient(database: psycopg.Connection) -> Iterator[None]:
    """Sessions of the service that set no limits of their own give up after a second."""
    change = (
        "do $$ begin"
        " execute format('alter role wallet_api in database %%I set %s = %%L', current_database(), '%s');"
        " end $$"
    )
    limits = {"statement_timeout": ("1s", "10s"), "lock_timeout": ("1s", "5s")}
    for name, (short, _) in limits.items():
        database.execute(change % (name, short))
    try:
        yield
    finally:
        for name, (_, usual) in limits.items():
            database.execute(change % (name, usual))


def test_it_keeps_no_request_waiting_and_has_no_time_limit(
    service_database: Database, operator: User, database: psycopg.Connection, tmp_path: Path
) -> None:
    """With one connection for requests, and where a statement of others has a second."""
    with (
        impatient(database),
        serve(service_database.api_url, tmp_path, PGWALLET_POOL_SIZE="1") as service,
        of(service, operator) as client,
    ):
        with held(database):
            run_id = started(client)
            waits = "select clock_timestamp() - query_start > '1.5s' from pg_stat_activity where pid = %s"
            wait_until(lambda: shown(client, run_id)["rule"] == "usage")
            (holder,) = database.execute(HOLDER).fetchone() or (None,)
            wait_until(lambda: database.execute(waits, [holder]).fetchone() == (True,))
            assert client.balance() == 1000
        run = finished(client, run_id)
        assert (run["status"], run["violations"]) == ("finished", 0), run


@pytest.mark.parametrize("way", ["terminate", "kill"])
def test_a_service_that_ends_leaves_it_interrupted(
    service_database: Database, operator: User, database: psycopg.Connection, tmp_path: Path, way: str
) -> None:
    with held(database):
        with serve(service_database.api_url, tmp_path) as service, of(service, operator) as client:
            run_id = started(client)
            wait_until(lambda: shown(client, run_id)["rule"] == "usage")
            getattr(service.process, way)()
            service.process.wait(30)
        wait_until(lambda: database.execute(HOLDER).fetchone() == (None,))
        run = shown(operator, run_id)
        assert (run["status"], run["violations"], run["rules_done"]) == ("interrupted", None, 4)
        assert run["error"] == ("the service was stopped" if way == "terminate" else None)
        assert run["ended_at"] >= run["started_at"]
    assert finished(operator, started(operator))["status"] == "finished"


def test_one_that_the_server_ends_says_why(operator: User, database: psycopg.Connection) -> None:
    with held(database):
        run_id = started(operator)
        wait_until(lambda: shown(operator, run_id)["rule"] == "usage")
        database.execute("select pg_cancel_backend(wallet.verification_holder())")
        wait_until(lambda: shown(operator, run_id)["error"])
        run = shown(operator, run_id)
        assert run["status"] == "interrupted"
        assert run["error"] == "QueryCanceledError: canceling statement due to user request"


def test_only_operators_start_and_see_them(operator: User, alice: User) -> None:
    run_id = started(operator)
    problem(alice.post("/api/operator/verifications"), 403, "WA027")
    problem(alice.get(RUNS), 403, "WA027")
    problem(alice.get(f"{RUNS}/{run_id}"), 403, "WA027")
    finished(operator, run_id)


def test_pages_have_each_run_once(operator: User) -> None:
    ids = [finished(operator, started(operator))["id"] for _ in range(3)]
    first = data(operator.get(RUNS, params={"limit": 2}))
    second = data(operator.get(RUNS, params={"limit": 1, "cursor": first["next_cursor"]}))
    assert [run["id"] for run in first["items"] + second["items"]] == ids[::-1]
    problem(operator.get(f"{RUNS}/{2**53 - 1}"), 404, "not_found")
    problem(operator.get(RUNS, params={"cursor": "x"}), 422, "WA024")


@contextmanager
def of(service: Service, user: User) -> Iterator[User]:
    """The user's client at another worker of the same service."""
    client = User.__new__(User)
    super(User, client).__init__(base_url=service.url, timeout=20, headers={"Authorization": f"Bearer {user.token}"})
    with client:
        yield client
