"""Makes every `test_*.sql` below this folder a pytest item: it runs as superuser, in a transaction that is rolled back.

The files speak pgTAP. By default that is the subset in `pgtap_subset.sql`; `--pgtap=FILE` takes pgTAP itself.
"""

import re
from collections.abc import Iterable
from pathlib import Path

import pglast
import psycopg
import pytest

from tests.database import Database
from tests.event_schema import faults

HERE = Path(__file__).parent
PLAN = re.compile(r"1\.\.(\d+)$")
VERDICT = re.compile(r"(not )?ok \d+")


def pytest_collect_file(parent: pytest.Collector, file_path: Path) -> pytest.Collector | None:
    if file_path.match("test_*.sql"):
        collector: pytest.Collector = SqlFile.from_parent(parent, path=file_path)
        return collector
    return None


@pytest.fixture(scope="session")
def tap_database(shared_database: Database, request: pytest.FixtureRequest) -> Database:
    """The shared clone with the assertions in schema tap, where every role may call them."""
    with shared_database.connect() as connection, connection.transaction():
        connection.execute("create schema tap")
        connection.execute("set local search_path = tap, public")
        for file in (request.config.getoption("--pgtap") or HERE / "pgtap_subset.sql", HERE / "helpers.sql"):
            connection.execute(file.read_text())
        connection.execute("grant usage on schema tap to public")
        connection.execute("grant execute on all functions in schema tap to public")
    return shared_database


class SqlFailureError(Exception):
    """What went wrong in a file, ready to be read."""


class SqlFile(pytest.File):
    """A file of assertions: one item, for its statements share a transaction."""

    def collect(self) -> Iterable[pytest.Item]:
        def run_file(tap_database: Database) -> None:
            run(self.path, tap_database)

        yield SqlItem.from_parent(self, name=self.path.stem, callobj=run_file)


class SqlItem(pytest.Function):
    """Fails with every failed assertion of its file, or with the first statement that is in error."""

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], *_: object, **__: object) -> str:
        if isinstance(excinfo.value, SqlFailureError):
            return str(excinfo.value)
        return str(super().repr_failure(excinfo))

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, self.name


def run(path: Path, database: Database) -> None:
    """Run a file and roll it back. Raises SqlFailureError, which shows each failed statement with its line."""
    text = path.read_text()
    planned, verdicts, failures = 0, 0, []
    with database.connect() as connection, connection.transaction(force_rollback=True):
        connection.execute("set local search_path = public, tap")
        for part in pglast.split(text, only_slices=True):
            place = f"{path.name}:{text.count(chr(10), 0, part.start) + 1}"
            for line in output(connection, text[part], place):
                planned += int(found[1]) if (found := PLAN.match(line)) else 0
                verdicts += bool(verdict := VERDICT.match(line))
                if verdict and verdict[1]:
                    failures.append(f"{place}: {line}\n\n{text[part]}\n")
        failures += event_faults(connection) if "integrity" not in path.parts else []
    if planned != verdicts:
        failures.append(f"{path.name}: {planned} assertions were planned, {verdicts} ran")
    if failures:
        raise SqlFailureError("\n".join(failures))


def event_faults(connection: psycopg.Connection) -> list[str]:
    """What is wrong with the events of what the file did, as consumers would get them."""
    connection.execute("reset session authorization; reset role")
    # a fence of long ago has passed, and this transaction sees its own rows
    events = "select event from public.wallet_events(0, 9007199254740991, 3, 1000) where type is not null"
    return faults(event for (event,) in connection.execute(events.encode()))


def output(connection: psycopg.Connection, statement: str, place: str) -> list[str]:
    """Return what the statement says: the text values of its rows. Raises SqlFailureError when it is in error."""
    try:
        cursor = connection.execute(statement)
    except psycopg.Error as error:
        more = (error.diag.message_detail, error.diag.message_hint, error.diag.context)
        words = "\n".join(str(part) for part in (f"{error.sqlstate}: {error.diag.message_primary}", *more) if part)
        raise SqlFailureError(f"{place}: {words}\n\n{statement}") from None
    rows = cursor.fetchall() if cursor.description else []
    return [value for row in rows for value in row if isinstance(value, str)]
