"""Reads of the past from a standby: where the caller accepts its age, and never a wrong answer."""

import os
import signal
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import httpx
import psycopg
import pytest

from api.postgres import embedded
from api.postgres.orphans import processes
from tests.api.service import PASSWORD, TLS, Service, serve
from tests.command import wait_until
from tests.database import Database
from tests.system.backup.test_standby import one, standby_of

HOUR = 3600


@pytest.fixture
def server(database: Database) -> Iterator[tuple[embedded.Server, Database]]:
    with standby_of(database) as found:
        yield found


@pytest.fixture
def standby(server: tuple[embedded.Server, Database]) -> Iterator[psycopg.Connection]:
    with server[1].connect() as connection:
        yield connection


class Reader:
    """A user who reads, and says how old the answer may be."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.client = httpx.Client(base_url=service.url, timeout=20, verify=TLS)
        signed_up = self.client.post("/api/auth/signup", json={"username": "dora", "password": PASSWORD}).json()["data"]
        self.client.headers["authorization"] = f"Bearer {signed_up['access_token']}"

    def top_up(self) -> str:
        txn_id = str(uuid4())
        assert self.client.post("/api/wallet/topup", json={"txn_id": txn_id, "amount": 5}).status_code == 201
        return txn_id

    def get(self, path: str, **query: object) -> httpx.Response:
        return self.client.get(f"/api/wallet/{path}", params={name: str(value) for name, value in query.items()})

    def history(self, max_age: int) -> tuple[int, int]:
        """How many entries there are, and how old that is; 0 from the primary."""
        answer = self.get("transactions", max_age=max_age)
        assert answer.status_code == 200, answer.text
        return len(answer.json()["data"]["items"]), int(answer.headers["age"])

    def from_standby(self) -> bool:
        return self.history(HOUR)[1] > 0


@pytest.fixture
def reader(database: Database, server: tuple[embedded.Server, Database], tmp_path: Path) -> Iterator[Reader]:
    with serve(database.api_url, tmp_path, PGWALLET_READ_URL=server[1].api_url) as service:
        found = Reader(service)
        with closing(found.client):
            wait_until(found.from_standby)
            yield found


@pytest.mark.long
def test_a_standby_answers_up_to_the_age_that_the_caller_accepts(
    reader: Reader, standby: psycopg.Connection, administrator: psycopg.Connection
) -> None:
    standby.execute("select pg_wal_replay_pause()")
    wait_until(lambda: one(standby, "select pg_get_wal_replay_pause_state()") == "paused")
    before = datetime.now(UTC)
    txn_id = reader.top_up()
    entries, age = reader.history(HOUR)
    assert (entries, age > 0) == (1, True), "the standby does not have it yet"
    assert reader.get("transactions").headers.get("age") is None
    assert len(reader.get("transactions").json()["data"]["items"]) == 2, "without an age it is as it is now"
    # refused by the standby, which does not know it
    assert reader.get(f"transactions/{txn_id}", max_age=HOUR).headers["age"] == "0"
    after = datetime.now(UTC)
    for path, query in (("balance", {"at": after}), ("statement", {"from": before, "to": after})):
        answer = reader.get(path, max_age=HOUR, **query)
        assert (answer.status_code, answer.headers["age"]) == (200, "0"), (
            "not replayed up to there: WA036 on the standby"
        )
    assert reader.get("balance", max_age=HOUR).headers["age"] == "0", "the balance of now is the primary's"
    wait_until(lambda: reader.history(2) == (2, 0))

    standby.execute("select pg_wal_replay_resume()")
    wait_until(lambda: reader.get(f"transactions/{txn_id}", max_age=HOUR).headers["age"] != "0")
    past = one(administrator, "select created_at from wallet.transactions where txn_id = %s", txn_id)
    assert isinstance(past, datetime)
    assert int(reader.get("balance", max_age=HOUR, at=past).headers["age"]) > 0
    for form in ("json", "csv"):
        answer = reader.get("statement", max_age=HOUR, format=form, **{"from": before, "to": past})
        assert (answer.status_code, int(answer.headers["age"]) > 0) == (200, True)
    # nothing is written any more, and it stays young
    silent = "select extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp())::float8"
    wait_until(lambda: 0 < reader.history(HOUR)[1] + 3 < float(str(one(standby, silent))))


@pytest.mark.long
def test_the_primary_answers_where_the_standby_is_frozen_away_or_none_any_more(
    reader: Reader, server: tuple[embedded.Server, Database], standby: psycopg.Connection
) -> None:
    reader.top_up()
    found = processes(server[0].pgdata)
    for pid in found:
        os.kill(pid, signal.SIGSTOP)
    try:
        assert reader.history(HOUR) == (2, 0)
        assert reader.history(HOUR) == (2, 0)
    finally:
        for pid in found:
            os.kill(pid, signal.SIGCONT)
    reader.service.wait_for(event="the standby is not used: the primary answers")
    wait_until(reader.from_standby)
    reader.service.wait_for(event="the standby is used again")

    standby.execute("select pg_promote()")
    mine = "(select w.id from wallet.wallets w join wallet.users u on u.id = w.owner_id where u.username = 'dora')"
    standby.execute(f"select wallet_topup({mine}, %s, 7)".encode(), [uuid4()])
    assert reader.history(HOUR) == (2, 0), "what is written there is another history"
    server[0].stop()
    assert reader.history(HOUR) == (2, 0)


@pytest.mark.long
def test_another_line_of_history_is_not_read(reader: Reader, administrator: psycopg.Connection) -> None:
    administrator.execute("update wallet.event_epochs set timeline = 'before a failover'")
    epochs = "select count(*) from wallet.event_epochs"
    wait_until(lambda: one(administrator, epochs) == 2)
    wait_until(reader.from_standby)


@pytest.mark.long
def test_how_old_it_may_be_is_a_whole_number_of_seconds_up_to_an_hour(reader: Reader) -> None:
    for wrong in ("1.5", "-1", str(HOUR + 1), "1e1", "soon"):
        assert reader.get("transactions", max_age=wrong).status_code == 422
    assert "age" not in reader.get("transactions", max_age=0).headers
