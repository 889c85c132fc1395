"""Connections that act at once, and ways to wait for what one of them does."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier
from typing import Any, TypeVar
from uuid import UUID

import psycopg
from psycopg.rows import DictRow, dict_row

from tests.database import Database

PATIENCE = 20.0
Result = TypeVar("Result")
Rows = list[dict[str, Any]]


class Session:
    """A connection with a thread of its own, so that a test can go on while a statement waits."""

    def __init__(self, database: Database, *, service: bool = False) -> None:
        self.connection = psycopg.Connection[DictRow].connect(
            database.api_url if service else database.url, autocommit=True, row_factory=dict_row
        )
        self.pid = self.connection.info.backend_pid
        self._thread = ThreadPoolExecutor(1)

    def run(self, sql: str, *parameters: object) -> list[dict[str, Any]]:
        """Execute one statement and return its rows."""
        cursor = self.connection.execute(sql.encode(), parameters)
        return cursor.fetchall() if cursor.description else []

    def start(self, sql: str, *parameters: object) -> Future[list[dict[str, Any]]]:
        """Execute one statement in the session's own thread."""
        return self._thread.submit(self.run, sql, *parameters)

    def close(self) -> None:
        self.connection.close()
        self._thread.shutdown()


@contextmanager
def sessions(database: Database, count: int, *, service: bool = False) -> Iterator[list[Session]]:
    """Open `count` sessions, as the administrator or as the service."""
    opened: list[Session] = []
    try:
        for _ in range(count):
            opened.append(Session(database, service=service))  # noqa: PERF401 - what was opened must be closed
        yield opened
    finally:
        for session in opened:
            session.connection.cancel()
            session.close()


def until_waiting(observer: Session, waiting: Session) -> None:
    """Return when the session waits: for a lock, or asleep for a writer. Fails when it does not come to that."""
    sql = """select wait_event_type in ('Lock', 'Timeout') as waits
        from pg_stat_activity where pid = %s and state = 'active'"""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if any(row["waits"] for row in observer.run(sql, waiting.pid)):
            return
    raise AssertionError("the session never waited")


def in_turn(observer: Session, pair: tuple[Session, Session], first: tuple[Any, ...], second: tuple[Any, ...]) -> str:
    """Let the second call wait for the first one's lock; return `ok`, or how it is refused after the first's commit."""
    pair[0].run("begin")
    pair[0].run(*first)
    answer = pair[1].start(*second)
    until_waiting(observer, pair[1])
    pair[0].run("commit")
    return outcome(answer)


def outcome(answer: Future[Rows]) -> str:
    error = answer.exception(PATIENCE)
    if isinstance(error, psycopg.Error):
        return str(error.sqlstate)
    return "replayed" if answer.result()[0].get("replayed") else "ok"


def at_once(calls: Sequence[Callable[[], Result]]) -> list[Result | psycopg.Error]:
    """Make all calls at the same time, each in a thread, and return their results or database errors in order."""
    barrier = Barrier(len(calls))

    def one(call: Callable[[], Result]) -> Result | psycopg.Error:
        barrier.wait(PATIENCE)
        try:
            return call()
        except psycopg.Error as error:
            return error

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(one, calls))


def txn(number: int) -> UUID:
    """Return a txn_id that reads as its number."""
    return UUID(f"00000000-0000-4000-8000-{number:012}")
