"""The database is away, slow, busy or changed: 503 with Retry-After, and back by itself."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import httpx
import psycopg
import pytest

from tests.api.service import PASSWORD, TLS, Line, Service, User, data, problem, serve
from tests.command import wait_until
from tests.database import Database

pytestmark = [
    pytest.mark.long,
    pytest.mark.one_database(reason="it puts faults and locks into one database, and counts what they did there"),
]

PATIENCE = 2.0


@pytest.fixture
def line(service_database: Database, tmp_path: Path) -> Iterator[Line]:
    """A line to the database that tests may cut; not there yet."""
    line = Line(service_database, tmp_path)
    yield line
    line.cut()


@pytest.fixture
def remote(line: Line, tmp_path: Path) -> Iterator[Service]:
    """A service at the end of that line. It starts although nobody answers there."""
    names = ("ACQUIRE_TIMEOUT", "STATEMENT_TIMEOUT", "LOCK_TIMEOUT")
    limits = {f"PGWALLET_{name}": str(PATIENCE / (2 if name == "LOCK_TIMEOUT" else 1)) for name in names}
    with serve(line.url, tmp_path, PGWALLET_POOL_SIZE="3", **limits) as running:
        yield running


def get(service: Service, path: str) -> httpx.Response:
    return httpx.get(service.url + path, timeout=20, verify=TLS)


def ready(service: Service) -> bool:
    return get(service, "/api/health/ready").status_code == 200


def test_the_service_starts_without_its_database_and_finds_it_later(remote: Service, line: Line) -> None:
    for path in ("/api/health", "/api/health/ready"):
        response = get(remote, path)
        assert response.status_code == 503
        assert response.headers["retry-after"] == "1"
        body = response.json()
        assert body["status"] == "unhealthy"
        assert body["checks"]["database"]["status"] == "unhealthy"
    assert get(remote, "/api/health/live").status_code == 200
    credentials = {"username": "alice", "password": PASSWORD}
    for path in ("signup", "signin"):
        response = httpx.post(f"{remote.url}/api/auth/{path}", json=credentials, timeout=20, verify=TLS)
        problem(response, 503, "unavailable")

    line.restore()
    wait_until(lambda: ready(remote))
    with closing(User(remote)) as user:
        data(user.topup(), 201)


def test_an_outage_is_answered_with_503_and_ends_by_itself(remote: Service, line: Line) -> None:
    line.restore()
    with closing(User(remote)) as user:
        data(user.topup(), 201)
        line.cut()
        problem(user.topup(), 503, "unavailable")
        problem(user.get("/api/wallet/balance"), 503, "unavailable")
        assert not ready(remote)
        line.restore()
        data(user.topup(), 201)
        assert user.balance() == 1200
    (back,) = remote.wait_for(event="database is back")
    (gone,) = remote.lines(event="database is away")
    assert (gone["level"], back["level"]) == ("warning", "info")


def test_dead_connections_in_the_pool_are_not_noticed_by_clients(remote: Service, line: Line) -> None:
    line.restore()
    with closing(User(remote)) as user:
        threads = [threading.Thread(target=user.spend) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        line.cut(refuse=False)
        assert user.balance() == 400


def test_a_connection_that_dies_under_a_mutation_is_replaced_and_it_happens_once(
    service: Service, service_database: Database, alice: User
) -> None:
    answers: list[httpx.Response] = []
    with service_database.connect() as blocker, service_database.connect() as administrator:
        blocker.autocommit = False
        blocker.execute("select from wallet.wallets where id = %s for update", [alice.account["wallet_id"]])
        thread = threading.Thread(target=lambda: answers.append(alice.topup(7)))
        thread.start()
        wait_until(lambda: waiting(administrator))
        administrator.execute(f"select pg_terminate_backend(pid) {WAITING}")
        wait_until(lambda: waiting(administrator))
        blocker.rollback()
        thread.join()
    assert data(answers[0], 201)["balance"] == 1007
    assert alice.balance() == 1007
    assert service.process.poll() is None


WAITING = """from pg_stat_activity
    where datname = current_database() and usename = 'wallet_api' and wait_event_type = 'Lock'"""


def waiting(administrator: psycopg.Connection) -> bool:
    return administrator.execute(f"select count(*) {WAITING}").fetchone() == (1,)


def test_a_wallet_held_by_somebody_else_is_busy_after_the_lock_timeout(
    service_database: Database, alice: User, bob: User
) -> None:
    txn_id = str(uuid4())
    with service_database.connect() as blocker:
        blocker.autocommit = False
        blocker.execute("select from wallet.wallets where id = %s for update", [alice.account["wallet_id"]])
        problem(alice.topup(7, txn_id), 503, "busy")
        data(bob.topup(7), 201)
        blocker.rollback()
    data(alice.topup(7, txn_id), 201)


def test_a_server_that_says_nothing_is_given_up_in_time(remote: Service, line: Line) -> None:
    line.restore()
    with closing(User(remote)) as user:
        line.silent = True
        started = time.monotonic()
        problem(user.topup(), 503, "timeout")
        assert time.monotonic() - started < 4 * PATIENCE
        response = get(remote, "/api/health/ready")
        assert response.status_code == 503
        line.cut()
        line.restore()
        wait_until(lambda: ready(remote))
        data(user.topup(), 201)


def test_health_does_not_wait_as_long_as_a_request_may(line: Line, tmp_path: Path) -> None:
    line.restore()
    with serve(line.url, tmp_path) as patient:
        wait_until(lambda: ready(patient))
        line.silent = True
        response = get(patient, "/api/health")
        assert response.status_code == 503
        # a request may wait for 5 seconds for a connection, and for 10 for an answer
        assert response.elapsed.total_seconds() < 10
        line.cut()


def test_a_full_pool_is_answered_with_503_in_time(remote: Service, line: Line, service_database: Database) -> None:
    async def read(user: User) -> list[httpx.Response]:
        async with httpx.AsyncClient(base_url=remote.url, headers=user.headers, timeout=20, verify=TLS) as client:
            return await asyncio.gather(*[client.get("/api/wallet/transactions") for _ in range(16)])

    line.restore()
    with closing(User(remote)) as user:
        user.balance()
        with service_database.connect() as blocker:
            blocker.autocommit = False
            blocker.execute("lock table wallet.wallets in access exclusive mode")
            answers = asyncio.run(read(user))
            blocker.rollback()
        for answer in answers:
            problem(answer, 503, answer.json()["code"])
            assert answer.elapsed.total_seconds() < 4 * PATIENCE
        assert {answer.json()["code"] for answer in answers} == {"busy", "overloaded"}
        assert user.balance() == 1000


def test_a_deploy_under_the_service_goes_unnoticed(service_database: Database, alice: User) -> None:
    before = data(alice.get("/api/wallet/balance"))
    with service_database.connect() as administrator:
        found = administrator.execute("select pg_get_functiondef('public.wallet_balance'::regproc)").fetchone()
        assert found is not None
        wider = found[0].replace("balance bigint, held", "balance bigint, more text, held")
        wider = wider.replace("b.balance, b.held, wallet", "b.balance, 'x', b.held, wallet")
        assert wider.count("'x'") == wider.count("more text") == 1
        for changed in (wider, found[0]):
            with administrator.transaction():
                administrator.execute("drop function public.wallet_balance")
                administrator.execute(changed)
                administrator.execute("alter function public.wallet_balance owner to wallet_owner")
                administrator.execute("grant execute on function public.wallet_balance to wallet_api")
            assert data(alice.get("/api/wallet/balance")) == before


def test_a_stale_plan_is_tried_once_more(service_database: Database, alice: User) -> None:
    with service_database.connect() as administrator:
        found = administrator.execute("select pg_get_functiondef('public.wallet_principal'::regproc)").fetchone()
        assert found is not None
        administrator.execute("create sequence wallet.attempts owned by none")
        administrator.execute("alter sequence wallet.attempts owner to wallet_owner")
        administrator.execute(STALE_AT_FIRST)
        response = alice.get("/api/wallet/balance")
        attempts = administrator.execute("select nextval('wallet.attempts')").fetchone()
        administrator.execute(found[0])
        administrator.execute("drop sequence wallet.attempts")
    assert data(response)["balance"] == 1000
    assert attempts == (3,)


STALE_AT_FIRST = """
create or replace function public.wallet_principal(
  p_user_id uuid, p_token_id uuid default null, p_generation integer default null
)
returns table (user_id uuid, username text, role text, wallet_id uuid)
language plpgsql
security definer
as $$
begin
  if nextval('wallet.attempts') = 1 then
    raise exception using errcode = '0A000', message = 'cached plan must not change result type';
  end if;
  return query
  select u.id, u.username, u.role, w.id
  from wallet.users u
  join wallet.wallets w on w.owner_id = u.id
  where u.id = p_user_id;
end;
$$"""


def test_too_many_sign_ins_at_once_are_refused(service_database: Database, tmp_path: Path) -> None:
    async def sign_in(url: str) -> list[httpx.Response]:
        async with httpx.AsyncClient(base_url=url, timeout=60, verify=TLS) as client:
            bodies = [{"username": f"nobody-{number}", "password": PASSWORD} for number in range(80)]
            attempts = [client.post("/api/auth/signin", json=body) for body in bodies]
            return await asyncio.gather(*attempts, client.get("/api/health/live"))

    with serve(service_database.api_url, tmp_path, PGWALLET_BCRYPT_COST="9") as slow:
        *answers, live = asyncio.run(sign_in(slow.url))
    assert {answer.status_code for answer in answers} == {401, 503}
    for answer in answers:
        body = problem(answer, answer.status_code, "overloaded" if answer.status_code == 503 else "unauthorized")
        assert body["detail"].startswith("Too many requests") == (answer.status_code == 503)
    assert live.elapsed < max(answer.elapsed for answer in answers) / 2


def test_requests_in_flight_are_finished_at_shutdown(service_database: Database, tmp_path: Path) -> None:
    with (
        serve(service_database.api_url, tmp_path, PGWALLET_LOCK_TIMEOUT="20") as service,
        closing(User(service)) as user,
    ):
        answers: list[httpx.Response] = []
        with service_database.connect() as blocker, service_database.connect() as administrator:
            blocker.autocommit = False
            blocker.execute("select from wallet.wallets where id = %s for update", [user.account["wallet_id"]])
            thread = threading.Thread(target=lambda: answers.append(user.topup(7)))
            thread.start()
            wait_until(lambda: waiting(administrator))
            service.process.terminate()
            wait_until(lambda: refused(service))
            blocker.rollback()
        thread.join()
        data(answers[0], 201)
        assert service.process.wait(10) is not None
        assert service.lines(level="error") == []


def refused(service: Service) -> bool:
    try:
        get(service, "/api/health/live")
    except httpx.TransportError:
        return True
    return False
