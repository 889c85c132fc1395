"""A clock that steps: what the functions of a test's database take for the time is set by the test."""

from datetime import datetime, timedelta

import psycopg
from psycopg.rows import DictRow

from tests.database import Database

OWN = """
    create schema clock;
    grant usage on schema clock to public;
    create table clock.state (ahead interval not null, stands_at timestamptz);
    insert into clock.state values ('0', null);
    create function clock.now() returns timestamptz language sql volatile security definer
      as $$ select coalesce(s.stands_at, clock_timestamp()) + s.ahead from clock.state s $$;
    create function clock.at_statement() returns timestamptz language sql stable security definer
      as $$ select coalesce(s.stands_at, statement_timestamp()) + s.ahead from clock.state s $$;
"""
READERS = """
    select regexp_replace(
      regexp_replace(pg_get_functiondef(p.oid), '\\mclock_timestamp\\(\\)', 'clock.now()', 'g'),
      '(?<!clock\\.)\\m(statement_timestamp|transaction_timestamp|now)\\(\\)', 'clock.at_statement()', 'g'
    )
    from pg_proc p
    where (
      p.pronamespace = 'wallet'::regnamespace
      or p.pronamespace = 'public'::regnamespace and p.proname like 'wallet\\_%'
    )
      and p.prosrc ~ '\\m(clock_timestamp|statement_timestamp|transaction_timestamp|now)\\(\\)'
"""


class Clock:
    """The clock of one database, ahead of the server's by what the test says; every session of it reads this one."""

    def __init__(self, database: Database) -> None:
        self._connection = database.connect()
        self._connection.execute(OWN)
        functions = self._connection.execute(READERS.encode()).fetchall()
        assert len(functions) > 10
        for (definition,) in functions:
            self._connection.execute(definition)

    def close(self) -> None:
        self._connection.close()

    def set(self, **ahead: float) -> None:
        """Set how far it is ahead, in the words of timedelta; nothing is the server's time."""
        self._connection.execute("update clock.state set ahead = %s", [timedelta(**ahead)])

    def stand(self, at: datetime) -> None:
        """Stop it at a moment, from which it goes on in steps only."""
        self._connection.execute("update clock.state set ahead = '0', stands_at = %s", [at])

    def go(self) -> None:
        """Let it be the server's again."""
        self._connection.execute("update clock.state set ahead = '0', stands_at = null")

    def step(self, **by: float) -> None:
        """Move it, forward or back."""
        self._connection.execute("update clock.state set ahead = ahead + %s", [timedelta(**by)])

    def now(self) -> datetime:
        """Return what it says."""
        row = self._connection.execute("select clock.now()").fetchone()
        assert row is not None
        assert isinstance(row[0], datetime)
        return row[0]

    @staticmethod
    def mend(connection: psycopg.Connection[DictRow], definition: str) -> None:
        """Create or replace a function of db/functions so that it reads this clock."""
        definition = definition.replace("clock_timestamp()", "clock.now()")
        connection.execute(definition.replace("statement_timestamp()", "clock.at_statement()").encode())
