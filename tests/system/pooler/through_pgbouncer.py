"""`make test-pooler`: two workers share sessions through the real pgbouncer, and no call is ever another's."""

import asyncio
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from uuid import uuid4

import httpx
import psycopg
import pytest

from api.setup import deploy
from api.setup.deploy import DeployError
from tests.api.service import TLS, Service, User, data, problem, serve
from tests.database import Database
from tests.system.pooler.pgbouncer import documented, pgbouncer

CALLS = int(os.environ.get("POOLER_CALLS") or 300)
USUAL = "extra_float_digits,options,search_path,statement_timeout,lock_timeout,idle_in_transaction_session_timeout"
LINE = "a prepared statement is gone: behind a transaction pooler set PGWALLET_POOLER=transaction"


@contextmanager
def workers(url: str, folder: Path, **settings: str) -> Iterator[list[Service]]:
    with ExitStack() as stack:
        yield [stack.enter_context(serve(url, folder, PGWALLET_GROUP_COMMIT="off", **settings)) for _ in range(2)]


async def traffic(services: list[Service], user: User) -> list[tuple[str, str, httpx.Response]]:
    """Each worker meets the calls in another order, so that it prepares other statements under the same numbers."""
    kinds = ["topup", "spend", "balance", "history"]

    async def one(client: httpx.AsyncClient, kind: str) -> tuple[str, str, httpx.Response]:
        txn_id = str(uuid4())
        if kind in ("topup", "spend"):
            answer = await client.post(f"/api/wallet/{kind}", json={"txn_id": txn_id, "amount": 1})
        else:
            answer = await client.get("/api/wallet/" + {"balance": "balance", "history": "transactions?limit=1"}[kind])
        return kind, txn_id, answer

    async def of_one(service: Service, order: list[str]) -> list[tuple[str, str, httpx.Response]]:
        found = []
        async with httpx.AsyncClient(base_url=service.url, headers=user.headers, timeout=30, verify=TLS) as client:
            found += [await one(client, kind) for kind in order]
            for start in range(0, CALLS // 2, 8):
                batch = [one(client, order[(start + number) % len(order)]) for number in range(8)]
                found += await asyncio.gather(*batch)
        return found

    both = await asyncio.gather(of_one(services[0], kinds), of_one(services[1], kinds[::-1]))
    return both[0] + both[1]


def booked(database: Database, user: User) -> dict[str, str]:
    with database.connect() as administrator:
        rows = administrator.execute(
            "select txn_id::text, type::text from wallet.transactions where wallet_id = %s", [user.account["wallet_id"]]
        )
        return dict(rows.fetchall())


def judge(database: Database, user: User, answers: list[tuple[str, str, httpx.Response]]) -> Counter[int]:
    """What was answered is what is on record; returns how often which status was."""
    types = booked(database, user)
    for kind, txn_id, answer in answers:
        if answer.status_code == 201:
            assert answer.json()["data"]["type"] == kind
            assert types[txn_id] == kind
        elif answer.status_code == 200:
            assert ("items" in answer.json()["data"]) == (kind == "history")
        else:
            problem(answer, 503, "unavailable")
        # refused or lost, it is at least nothing else
        assert types.get(txn_id, kind) == kind
    return Counter(answer.status_code for _, _, answer in answers)


@pytest.mark.parametrize("ignored", [USUAL, ""])
def test_with_the_setting_every_call_is_answered_and_is_its_own(
    database: Database, tmp_path: Path, ignored: str
) -> None:
    with (
        pgbouncer(database, ignore_startup_parameters=ignored, default_pool_size="3") as url,
        workers(url, tmp_path, PGWALLET_POOLER="transaction") as services,
        closing(User(services[0])) as user,
    ):
        statuses = judge(database, user, asyncio.run(traffic(services, user)))
        assert set(statuses) == {200, 201}
        data(user.topup(1_000), 201)
        items = [{"type": "spend", "txn_id": str(uuid4()), "amount": amount} for amount in (1, 10**9)]
        before = user.balance()
        problem(user.post("/api/wallet/batch", json={"atomic": True, "requests": items}), 409, "batch_refused")
        assert user.balance() == before
        moments = {"from": "2020-01-01T00:00:00Z", "to": "2020-01-02T00:00:00Z"}
        statement = user.get("/api/wallet/statement", params=moments)
        assert statement.status_code == 200, statement.text
        assert all(service.all_lines(level="error") == [] for service in services)
        with psycopg.connect(url, autocommit=True, prepare_threshold=None) as anybody:
            for _ in range(9):
                assert anybody.execute("select * from pg_prepared_statements").fetchall() == []


def test_without_the_setting_no_call_is_anothers_and_the_log_names_it(database: Database, tmp_path: Path) -> None:
    with (
        pgbouncer(database, ignore_startup_parameters=USUAL, default_pool_size="3") as url,
        workers(url, tmp_path) as services,
        closing(User(services[0])) as user,
    ):
        statuses = judge(database, user, asyncio.run(traffic(services, user)))
        assert set(statuses) <= {200, 201, 503}
        assert statuses[503]
        assert any(service.all_lines(event=LINE) for service in services)
        # once in a while, not each time
        assert all(len(service.all_lines(event=LINE)) <= 8 for service in services)


def test_what_database_and_role_have_changes_nothing_behind_it(database: Database, tmp_path: Path) -> None:
    hostile = {"default_transaction_isolation": "serializable", "timezone": "Asia/Tokyo", "lock_timeout": "1h"}
    with database.connect() as administrator:
        for name, value in hostile.items():
            administrator.execute(f"alter role wallet_api in database {database.name} set {name} = '{value}'")
    with (
        pgbouncer(database) as url,
        serve(url, tmp_path, PGWALLET_POOLER="transaction", PGWALLET_LOCK_TIMEOUT="0.2") as service,
        closing(User(service)) as user,
        database.connect() as blocker,
    ):
        assert data(user.topup(), 201)["created_at"].endswith("Z")
        blocker.autocommit = False
        blocker.execute("select from wallet.wallets where id = %s for update", [user.account["wallet_id"]])
        problem(user.topup(), 503, "busy")
        blocker.rollback()
        assert user.balance() == 1100


def test_migrate_refuses_a_pooler(database: Database) -> None:
    with (
        pgbouncer(database) as url,
        pytest.raises(DeployError, match="is a connection pooler: migrate needs the PostgreSQL server itself"),
    ):
        asyncio.run(deploy.migrate(url, password=None))


def test_the_documented_settings_are_of_a_transaction_pooler() -> None:
    assert "pool_mode = transaction" in documented()
