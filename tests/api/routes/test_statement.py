"""Statements: they add up, in both forms, and stream."""

import contextlib
import csv
import json
import re
import socket
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import uuid4

import pytest

from api.routes.statement_formats import harmless, prefers_csv
from tests.api.service import Service, User, data, problem, serve
from tests.command import wait_until
from tests.database import Database


def statement(user: User, start: str, end: str, **params: Any) -> dict[str, Any]:
    return data(user.get("/api/wallet/statement", params={"from": start, "to": end, **params}))


def now() -> str:
    return datetime.now(UTC).isoformat()


def fill(user: User, entries: int, **more: object) -> None:
    for _ in range(entries // 1000):
        requests = [{"type": "topup", "txn_id": str(uuid4()), "amount": 1, **more} for _ in range(1000)]
        user.post("/api/wallet/batch", json={"requests": requests}).raise_for_status()


def test_a_statement_adds_up(alice: User, bob: User) -> None:
    alice.topup(100)
    alice.spend(30, reference="order 17", metadata={"a": 1})
    to_bob = {"txn_id": str(uuid4()), "amount": 70, "to_username": bob.username}
    alice.post("/api/wallet/transfer", json=to_bob).raise_for_status()
    history = alice.history()["items"][::-1]
    whole = statement(alice, "2025-01-01T00:00:00Z", now())
    assert set(whole) == {
        *("wallet_id", "asset", "scale", "from", "to", "opening_balance", "entries", "closing_balance")
    }
    assert (whole["asset"], whole["from"]) == ("UC", "2025-01-01T00:00:00Z")
    assert whole["entries"] == history
    assert (whole["opening_balance"], whole["closing_balance"]) == (0, 1000)
    part = statement(alice, history[1]["created_at"], history[3]["created_at"])
    assert part["entries"] == history[1:3]
    assert (part["opening_balance"], part["closing_balance"]) == (1000, 1070)
    assert part["opening_balance"] + sum(entry["amount"] for entry in part["entries"]) == part["closing_balance"]
    empty = statement(alice, "2025-01-01T00:00:00Z", "2025-01-01T00:00:00Z")
    assert (empty["opening_balance"], empty["entries"], empty["closing_balance"]) == (0, [], 0)


@pytest.mark.parametrize("how", [{"params": {"format": "csv"}}, {"headers": {"Accept": "text/csv"}}])
def test_the_same_as_csv(alice: User, how: dict[str, Any]) -> None:
    alice.spend(30, reference='=1+1, "quoted"', metadata={"a": 1})
    alice.topup(5, reference="übrig")
    period = {"from": "2025-01-01T00:00:00Z", "to": now()}
    response = alice.get("/api/wallet/statement", params=period | how.get("params", {}), headers=how.get("headers", {}))
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/csv; charset=utf-8")
    opening, *entries, closing = csv.DictReader(StringIO(response.text, newline=""))
    assert [line["line"] for line in (opening, *entries, closing)] == ["opening", *["entry"] * 3, "closing"]
    assert int(opening["balance"]) + sum(int(entry["amount"]) for entry in entries) == int(closing["balance"]) == 975
    assert [entry["type"] for entry in entries] == ["bonus", "spend", "topup"]
    assert entries[1]["reference"] == '\'=1+1, "quoted"'
    assert entries[1]["metadata"] == '{"a": 1}'
    assert entries[2]["reference"] == "übrig"
    assert {line["asset"] for line in entries} == {"UC"}
    assert opening["created_at"] == "2025-01-01T00:00:00Z"
    shown = alice.history()["items"][0]["created_at"]
    assert datetime.fromisoformat(entries[2]["created_at"]) == datetime.fromisoformat(shown)


@pytest.mark.parametrize("sign", [*"=+-@", *"\uff1d\uff0b\uff0d\uff20"])
@pytest.mark.parametrize("before", ["", "x;", "x\t", "x\n", "x\r\n", 'x;"', "x; ", " ", "\t", "x;;", '"'])
def test_nothing_in_a_cell_is_run_by_a_spreadsheet(sign: str, before: str) -> None:
    assert harmless(f"{before}{sign}1+1") == f"{before}'{sign}1+1"


@pytest.mark.parametrize("text", ["order 17", "a-b", "a=b", "1 - 2", "x; y", "me@here", "a;b\tc\nd", "übrig"])
def test_harmless_text_is_left_alone(text: str) -> None:
    assert harmless(text) == text


def test_what_is_harmless_is_found_in_one_pass() -> None:
    started = time.process_time()
    for _ in range(100):
        harmless("\t" * 20_000 + "x")
    assert time.process_time() - started < 5


def test_metadata_begins_no_cell_and_stays_what_it_is(alice: User) -> None:
    metadata = {"a;=1+1": "b;=1\t=1", "c": "\uff1d;"}
    alice.spend(1, metadata=metadata, reference="x;=1+1")
    period = {"from": "2025-01-01T00:00:00Z", "to": now(), "format": "csv"}
    response = alice.get("/api/wallet/statement", params=period)
    assert not re.search(r"[;\t]=", response.text)
    (line,) = (line for line in csv.DictReader(StringIO(response.text, newline="")) if line["type"] == "spend")
    assert json.loads(line["metadata"]) == metadata
    assert line["reference"] == "x;'=1+1"


def test_what_a_statement_refuses_it_refuses_before_it_begins(alice: User) -> None:
    future = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    past, later = "2025-01-01T00:00:00Z", "2025-02-01T00:00:00Z"

    def ask(**params: str) -> Any:
        return alice.get("/api/wallet/statement", params=params)

    problem(ask(**{"from": past, "to": future}), 422, "WA023", "to")
    problem(ask(**{"from": later, "to": past}), 422, "WA002", "from")
    problem(ask(**{"from": past, "to": "2025-02-01"}), 422, "validation", "to")
    problem(ask(to=past), 422, "validation", "from")
    problem(ask(**{"from": past, "to": later, "format": "pdf"}), 422, "validation", "format")
    problem(ask(**{"from": past, "to": later, "asset": "JPY"}), 404, "WA001", "asset")


def test_a_long_one_comes_in_pieces(alice: User) -> None:
    fill(alice, 3000)
    whole = statement(alice, "2025-01-01T00:00:00Z", now())
    assert len(whole["entries"]) == 3001
    assert whole["closing_balance"] == sum(entry["amount"] for entry in whole["entries"]) == 4000
    period = {"from": "2025-01-01T00:00:00Z", "to": now(), "format": "csv"}
    with alice.stream("GET", "/api/wallet/statement", params=period) as response:
        assert "content-length" not in response.headers
        assert sum(1 for _ in response.iter_lines()) == 3004


def test_a_reader_who_leaves_takes_nothing_along(alice: User, service: Service, service_database: Database) -> None:
    fill(alice, 3000)
    period = {"from": "2025-01-01T00:00:00Z", "to": now()}
    for _ in range(10):
        with alice.stream("GET", "/api/wallet/statement", params=period) as response:
            next(response.iter_bytes(100))
    assert statement(alice, period["from"], period["to"])["closing_balance"] == 4000
    with service_database.connect() as administrator:
        left = "select from pg_stat_activity where state = 'idle in transaction' and datname = current_database()"
        wait_until(lambda: not administrator.execute(left).fetchall())
    assert service.all_lines(event="unexpected error", path="/api/wallet/statement") == []


@pytest.mark.one_database(reason="it runs a service of its own on one database")
def test_slow_readers_are_cut_off_and_keep_no_connection_from_others(
    service_database: Database, tmp_path: Path
) -> None:
    settings = {"PGWALLET_DOWNLOAD_TIMEOUT": "2", "PGWALLET_ACQUIRE_TIMEOUT": "1", "PGWALLET_REQUEST_TIMEOUT": "60"}
    with serve(service_database.api_url, tmp_path, **settings) as impatient, contextlib.ExitStack() as stack:
        slow, other = (stack.enter_context(closing(User(impatient))) for _ in range(2))
        # more than the buffers between us hold
        fill(slow, 8000, reference="r" * 256, metadata={"filled": "m" * 500})
        period = f"from=2025-01-01T00:00:00Z&to={quote(now())}"
        address = urlsplit(impatient.url)
        request = (
            f"GET /api/wallet/statement?{period} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {slow.token}\r\n\r\n"
        )
        for _ in range(16):
            reader = stack.enter_context(socket.socket())
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            reader.connect((address.hostname, address.port))
            reader.sendall(request.encode())
        with service_database.connect() as administrator:
            reading = "select count(*) from pg_stat_activity where state = 'idle in transaction'"
            reading += " and datname = current_database()"

            def readers() -> int:
                row = administrator.execute(reading).fetchone()
                assert row is not None
                return int(row[0])

            wait_until(lambda: readers() == 1)
            assert statement(other, "2025-01-01T00:00:00Z", now())["closing_balance"] == 1000
            impatient.wait_for(event="request", path="/api/wallet/statement", code="timeout")
            wait_until(lambda: readers() == 0)
        assert impatient.all_lines(event="database is away") == []


@pytest.mark.parametrize(
    ("accept", "expected"),
    [("", False), ("*/*", False), ("text/csv", True), ("text/*", True), ("text/csv;q=0.5, application/json", False),
     ("application/json;q=0.1, text/csv", True), ("text/csv;q=0", False), ("text/csv, */*;q=0.1", True),
     ("text/csv;q=x", False), ("TEXT/CSV ; q=1", True), ("application/xml", False)],
)  # fmt: skip
def test_what_accept_prefers(accept: str, expected: bool) -> None:
    assert prefers_csv(accept) is expected
