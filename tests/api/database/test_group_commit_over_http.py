"""Group commit over HTTP, judged by the transactions that PostgreSQL saw; test_group_commit.py has every order."""

import http.client
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import psycopg
import pytest

from tests.api.service import PASSWORD, TLS, Line, Service, User, data, serve
from tests.command import wait_until
from tests.database import Database

pytestmark = pytest.mark.one_database(
    reason="it puts faults and locks into one database, and counts what they did there"
)

HOLD_WALLET = "select from wallet.wallets where id = %s for update"
HOLD_LEDGER = "lock table wallet.ledger in share mode"
"""Whoever writes waits, readers and row locks do not."""
WAITING = """from pg_stat_activity
    where datname = current_database() and usename = 'wallet_api' and wait_event_type = 'Lock'"""
PATIENT = {"PGWALLET_LOCK_TIMEOUT": "15", "PGWALLET_STATEMENT_TIMEOUT": "15"}


@pytest.fixture(scope="module")
def patient(service_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that waits for locks longer than any test here holds one."""
    with serve(service_database.api_url, tmp_path_factory.mktemp("patient"), **PATIENT) as running:
        yield running


@pytest.fixture(scope="module")
def users(patient: Service) -> Iterator[list[User]]:
    """Eight users of it."""
    signed_up = [User(patient) for _ in range(8)]
    yield signed_up
    for user in signed_up:
        user.close()


@pytest.fixture
def onlooker(service_database: Database) -> Iterator[psycopg.Connection]:
    """An administrator, who looks on; at the end the ledger must be sound."""
    with service_database.connect() as connection:
        yield connection
        assert connection.execute("select * from wallet_verify()").fetchall() == []


@contextmanager
def held(database: Database, sql: str, *parameters: object) -> Iterator[psycopg.Connection]:
    """Hold a lock in a session of its own, until the end or its rollback."""
    with database.connect() as session:
        session.autocommit = False
        session.execute(sql.encode(), parameters)
        yield session
        session.rollback()


@dataclass
class Sent:
    """A request that the service has; its answer is read when it is asked for."""

    user: User
    txn_id: str
    connection: http.client.HTTPConnection

    def answer(self) -> tuple[int, dict[str, Any]]:
        """The status and the body."""
        with closing(self.connection):
            response = self.connection.getresponse()
            return response.status, json.loads(response.read())


def send(user: User, amount: int = 1, *, call: str = "topup", txn_id: str | None = None) -> Sent:
    """Send a request and return when the service has begun with it."""
    txn_id = txn_id or str(uuid4())
    address = urlsplit(str(user.base_url))
    assert address.hostname
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=20)
    # from a connection and a token that the service does not know yet, it might be overtaken by later ones
    connection.request("GET", "/api/wallet/balance", headers={"Authorization": f"Bearer {user.token}"})
    connection.getresponse().read()
    body = json.dumps({"txn_id": txn_id, "amount": amount})
    headers = {"Authorization": f"Bearer {user.token}", "Content-Type": "application/json"}
    connection.request("POST", f"/api/wallet/{call}", body, headers)
    # what the event loop was given later it does later
    for _ in range(2):
        assert user.get("/api/health/live").status_code == 200
    return Sent(user, txn_id, connection)


def statuses(requests: Sequence[Sent]) -> list[int]:
    return [request.answer()[0] for request in requests]


def waiting(onlooker: psycopg.Connection) -> int:
    """How many statements of the service wait for a lock now."""
    return len(onlooker.execute(f"select pid {WAITING}").fetchall())


def transactions(onlooker: psycopg.Connection, requests: Sequence[Sent]) -> list[str]:
    """The database transaction that wrote each request, in order; the request must be on record exactly once."""
    found = []
    for request in requests:
        sql = "select xmin::text from wallet.transactions where wallet_id = %s and txn_id = %s"
        rows = onlooker.execute(sql, [request.user.account["wallet_id"], request.txn_id]).fetchall()
        assert len(rows) == 1
        found.append(str(rows[0][0]))
    return found


def in_flight(users: Sequence[User], onlooker: psycopg.Connection) -> list[Sent]:
    """A request of the first user alone, and one of the second in a batch of its own: both wait for the held ledger."""
    requests = []
    for user in users[:2]:
        requests.append(send(user))
        wait_until(lambda: waiting(onlooker) == len(requests))
    return requests


def test_what_arrives_during_a_batch_shares_the_next_one_and_one_is_in_flight(
    service_database: Database, users: list[User], onlooker: psycopg.Connection
) -> None:
    with held(service_database, HOLD_LEDGER):
        first = in_flight(users, onlooker)
        others = [send(user, amount) for amount in (1, 2, 3) for user in users[1:]]
        assert waiting(onlooker) == 2
    assert statuses([*first, *others]) == [201] * 23
    apart = transactions(onlooker, first)
    together = set(transactions(onlooker, others))
    assert len(together) == 1
    assert len({*apart, *together}) == 3


def test_each_of_a_batch_gets_its_own_answer(
    service_database: Database, users: list[User], onlooker: psycopg.Connection
) -> None:
    user, other = users[:2]
    earlier = data(user.topup(7), 201)
    with held(service_database, HOLD_LEDGER):
        first = in_flight(users[2:], onlooker)
        requests = [
            send(user, 7, txn_id=earlier["txn_id"]),
            send(user, 8, txn_id=earlier["txn_id"]),
            send(user, 2**52, call="spend"),
            send(user, 2**53 - 1),
            send(user, 5),
            send(other, 5, call="spend"),
        ]
    assert statuses(first) == [201, 201]
    answers = [request.answer() for request in requests]
    assert [status for status, _ in answers] == [200, 409, 402, 422, 201, 201]
    assert answers[0][1]["data"] == earlier | {"replayed": True}
    assert [body["code"] for _, body in answers[1:4]] == ["WA004", "WA003", "WA006"]
    assert answers[2][1]["available"] == earlier["balance"]
    assert len(set(transactions(onlooker, requests[-2:]))) == 1


def test_what_is_all_or_nothing_is_never_coalesced_with_others(
    service_database: Database, users: list[User], onlooker: psycopg.Connection, patient: Service
) -> None:
    names = [f"user-{uuid4().hex[:12]}" for _ in range(2)]

    def sign_up(username: str) -> None:
        credentials = {"username": username, "password": PASSWORD}
        httpx.post(f"{patient.url}/api/auth/signup", json=credentials, timeout=20, verify=TLS).raise_for_status()

    threads = [threading.Thread(target=sign_up, args=[name]) for name in names]
    with held(service_database, HOLD_LEDGER):
        first = in_flight(users, onlooker)
        for thread in threads:
            thread.start()
        wait_until(lambda: waiting(onlooker) == 4)
        others = [send(user) for user in users[1:]]
    for thread in threads:
        thread.join()
    assert statuses([*first, *others]) == [201] * 9
    signed_up = onlooker.execute(
        "select distinct t.xmin::text from wallet.transactions t join wallet.wallets w on w.id = t.wallet_id "
        "join wallet.users u on u.id = w.owner_id where u.username = any (%s)",
        [names],
    ).fetchall()
    assert len(signed_up) == 2
    assert not {str(row[0]) for row in signed_up} & set(transactions(onlooker, [*first, *others]))


class TestHeldWallet:
    """One psql session holds one wallet."""

    def test_only_its_own_requests_wait_and_then_take_effect_in_order(
        self, service_database: Database, users: list[User], onlooker: psycopg.Connection
    ) -> None:
        held_user, *others = users
        with held(service_database, HOLD_WALLET, held_user.account["wallet_id"]):
            # one alone, the others one after another
            requests = [send(held_user, amount) for amount in (1, 2)]
            wait_until(lambda: waiting(onlooker) == 2)
            for user in others:
                data(user.topup(), 201)
                data(user.spend(), 201)
            requests += [send(held_user, 3), send(held_user, 4, call="spend"), send(held_user, 5)]
            data(others[0].topup(), 201)
            assert waiting(onlooker) == 2
        assert statuses(requests) == [201] * 5
        assert [item["amount"] for item in held_user.history(limit=5)["items"]] == [5, -4, 3, 2, 1]

    def test_held_past_the_lock_timeout_they_are_busy_and_nothing_was_written(
        self, service_database: Database, alice: User, bob: User
    ) -> None:
        with held(service_database, HOLD_WALLET, alice.account["wallet_id"]):
            requests = [send(alice, amount) for amount in (1, 2, 3)]
            data(bob.topup(), 201)
            for request in requests:
                response = request.connection.getresponse()
                assert response.status == 503
                assert response.headers["Retry-After"] == "1"
                assert json.loads(response.read())["code"] == "busy"
                request.connection.close()
            data(bob.topup(), 201)
        assert alice.balance() == 1000
        for request, amount in zip(requests, (1, 2, 3), strict=True):
            assert data(alice.topup(amount, request.txn_id), 201)["replayed"] is False
        assert alice.balance() == 1006


class TestLostConnection:
    """Every request has one transaction at most, whatever its client hears."""

    def test_one_that_dies_under_a_batch_is_replaced(
        self, service_database: Database, users: list[User], onlooker: psycopg.Connection
    ) -> None:
        with held(service_database, HOLD_LEDGER):
            first = in_flight(users, onlooker)
            others = [send(user) for user in users[1:]]
            onlooker.execute(f"select pg_terminate_backend(pid) {WAITING}")
            wait_until(lambda: waiting(onlooker) == 2)
        assert statuses([*first, *others]) == [201] * 9
        transactions(onlooker, [*first, *others])

    @pytest.fixture
    def line(self, service_database: Database, tmp_path: Path) -> Iterator[Line]:
        line = Line(service_database, tmp_path)
        line.restore()
        yield line
        line.cut()

    @pytest.fixture
    def remote(self, line: Line, tmp_path: Path) -> Iterator[Service]:
        with serve(line.url, tmp_path, **PATIENT) as running:
            yield running

    def test_one_that_dies_before_or_after_the_commit_never_makes_two_of_one(
        self, service_database: Database, onlooker: psycopg.Connection, line: Line, remote: Service
    ) -> None:
        with closing(User(remote)) as user, closing(User(remote)) as other:
            # the answer is lost: asked again, PostgreSQL has it on record
            with held(service_database, HOLD_LEDGER) as session:
                requests = in_flight([user], onlooker)
                line.silence()
                session.rollback()
                wait_until(lambda: user.account["wallet_id"] in written(onlooker, requests))
                line.cut(refuse=False)
            status, body = requests[0].answer()
            assert (status, body["data"]["replayed"]) == (200, True)

            # so is the line, for good: the clients hear of it, and may ask again
            with held(service_database, HOLD_LEDGER):
                requests = [*in_flight([user], onlooker), send(user), send(other)]
                line.cut()
                assert statuses(requests) == [503] * 3
            line.restore()
            for request in requests:
                assert request.user.topup(1, request.txn_id).status_code in {200, 201}
            transactions(onlooker, requests)
            assert (user.balance(), other.balance()) == (1003, 1001)


def written(onlooker: psycopg.Connection, requests: Sequence[Sent]) -> list[str]:
    """The wallets of those that are on record."""
    sql = "select wallet_id::text from wallet.transactions where txn_id = any (%s::uuid[])"
    return [str(row[0]) for row in onlooker.execute(sql, [[request.txn_id for request in requests]]).fetchall()]


def test_a_client_that_has_gone_does_not_break_its_batch(
    service_database: Database, users: list[User], onlooker: psycopg.Connection
) -> None:
    with held(service_database, HOLD_LEDGER):
        requests = [*in_flight(users, onlooker), *(send(user) for user in users[1:4])]
        for gone in (0, 1, 3):
            requests[gone].connection.close()
        assert users[0].get("/api/health/live").status_code == 200
    assert statuses([requests[2], requests[4]]) == [201, 201]
    for request in requests:
        assert data(request.user.topup(1, request.txn_id))["replayed"] is True


def test_it_can_be_turned_off(service_database: Database, onlooker: psycopg.Connection, tmp_path: Path) -> None:
    with serve(service_database.api_url, tmp_path, PGWALLET_GROUP_COMMIT="off", **PATIENT) as service:
        users = [User(service) for _ in range(4)]
        with held(service_database, HOLD_LEDGER):
            requests = [send(user) for user in users]
            wait_until(lambda: waiting(onlooker) == 4)
        assert statuses(requests) == [201] * 4
        assert len(set(transactions(onlooker, requests))) == 4
        for user, request in zip(users, requests, strict=True):
            assert data(user.topup(1, request.txn_id))["replayed"] is True
            assert user.spend(1002).status_code == 402
            user.close()
