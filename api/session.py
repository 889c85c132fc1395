"""Settings of every session with PostgreSQL. They override those of the database, the role and a pooler."""

from __future__ import annotations

import functools
import os
import secrets
from typing import TYPE_CHECKING, Any, Final

import asyncpg

from api.urls import hosts, parameter

if TYPE_CHECKING:
    from collections.abc import Mapping

    Session = asyncpg.Connection[asyncpg.Record]
else:
    Session = asyncpg.Connection

# What our functions depend on. The database, the role or an earlier client of a pooler may have changed it.
# Not here: what only a superuser can set; and default_transaction_read_only, which is set on purpose.
PINNED: Final = {
    "default_transaction_isolation": "read committed",
    "search_path": "pg_catalog",
    # how values are written and read as text
    "timezone": "UTC",
    "datestyle": "ISO, MDY",
    "intervalstyle": "postgres",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "standard_conforming_strings": "on",
    "transform_null_equals": "off",
    "array_nulls": "on",
    "row_security": "on",
    # what ends a statement, or a session
    "idle_session_timeout": "0",
    "exit_on_error": "off",
    "plpgsql.extra_errors": "none",
    # plans: without these whole tables are read
    "plan_cache_mode": "auto",
    "jit": "off",
    "enable_indexscan": "on",
    "enable_indexonlyscan": "on",
    "enable_nestloop": "on",
}
# Only off is overridden: every other value waits for this server's disk, some also for other servers.
DURABLE: Final = "select set_config('synchronous_commit', 'on', {}) where current_setting('synchronous_commit') = 'off'"
# PostgreSQL 16 does not know it, and nothing there ends a transaction for its age.
UNLIMITED: Final = (
    "select set_config('transaction_timeout', '0', {}) where current_setting('transaction_timeout', true) <> '0'"
)
# Checked, not set: only a superuser can set it.
TRIGGERED: Final = """
do $$
begin
  if current_setting('session_replication_role') <> 'origin' then
    raise exception 'session_replication_role must be origin: else recorded facts can be changed'
      using errcode = 'object_not_in_prerequisite_state';
  end if;
end;
$$"""
# One server cannot be used: another may be.
_NEXT: Final = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.InternalClientError,
)
_found: Final[dict[str, tuple[str, int | None]]] = {}
"""Which of a URL's hosts was connected to last."""


class Connection(Session):
    """Gives statements names that no other process uses.

    asyncpg counts from 1 in each process: behind a pooler, one process would run another's statement of that name.
    """

    __slots__ = ()

    def _get_unique_id(self, prefix: str) -> str:
        name: str = super()._get_unique_id(prefix)  # type: ignore[misc]
        return f"__pgwallet_{_process()}{name}"


@functools.cache
def _process() -> str:
    """Return what no other process has: drawn at the first use, so that forks of one that has loaded this differ."""
    return secrets.token_hex(8)


def set_all(values: Mapping[str, str], *, local: bool = False) -> str:
    """Return the SQL that sets these and makes commits durable, for the session or the transaction."""
    word = "set local" if local else "set"
    where_needed = [one.format(str(local).lower()) for one in (UNLIMITED, DURABLE)]
    return "; ".join([*(f"{word} {name} = '{value}'" for name, value in values.items()), *where_needed])


async def connect(dsn: str, *, timeout: float, **arguments: Any) -> Session:  # noqa: ASYNC109 - as asyncpg's
    """Connect as asyncpg does, and give each of several hosts its share of the time, the one that was found last first.

    asyncpg gives all hosts one time together: a frozen server uses it up, and the one that has taken its place is never
    asked.
    """
    named = hosts(dsn)
    if len(named) < 2 or attributes(dsn) == "prefer-standby":
        only: Session = await asyncpg.connect(dsn, timeout=timeout, **arguments)
        return only
    named.sort(key=lambda one: one != _found.get(dsn))
    for place, (host, port) in enumerate(named, 1):
        try:
            connection: Session = await asyncpg.connect(
                dsn, host=host, port=port, timeout=timeout / len(named), **arguments
            )
        except _NEXT:
            if place == len(named):
                raise
        else:
            _found[dsn] = host, port
            return connection
    raise AssertionError("no host")


def attributes(dsn: str) -> str | None:
    """Return what kind of server the user asks for, in the URL or as libpq's variable."""
    return parameter(dsn, "target_session_attrs") or os.environ.get("PGTARGETSESSIONATTRS")
