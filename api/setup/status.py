"""Looks how a database is: what runs, how far events are read and delivered, what was verified."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import asyncpg
import msgspec
from msgspec import Struct

from api import __version__
from api.setup.deploy import MIGRATIONS_TABLE, NoWalletsError, connected

LONG_SECONDS: Final = 5.0

# A fence that was drawn now would wait for the holders: none needs to be drawn to know.
STATUS: Final = f"""
select to_jsonb(s) from (
  select
    $1::text as version,
    (
      select to_jsonb(d) from (
        select current_database() as name, split_part(current_setting('server_version'), ' ', 1) as postgres,
          case when pg_is_in_recovery() then 'standby' else 'primary' end as role,
          current_setting('transaction_read_only') = 'off' as takes_writes,
          pg_database_size(current_database()) as size_bytes, current_user as login,
          (select max(m.version) from public.{MIGRATIONS_TABLE} m) as migration
      ) d
    ) as database,
    (select 'urn:uuid:' || i.source_id from wallet.installation i) as installation,
    (
      select to_jsonb(n) from (
        select greatest(
            (select max(t.id) from wallet.transactions t), (select max(h.id) from wallet.hold_events h),
            (select max(a.id) from wallet.account_events a), 0
          ) as newest,
          e.id as epoch, e.started_at as epoch_started_at, e.known_id as known,
          coalesce(to_jsonb(h.long), '[]') as held_back_by, h.unseen
        from (
          select array_agg(to_jsonb(o)) filter (where o.seconds >= $2) as long,
            count(*) filter (where o.seconds is null) as unseen
          from (
            select f.*, a.state,
              extract(epoch from clock_timestamp() - coalesce(f.since, a.xact_start)) as seconds
            from (select pg_snapshot_xmax(pg_current_snapshot())::text::bigint) x (fence)
            cross join lateral public.wallet_fence_holders(x.fence) f
            left join pg_stat_activity a on a.pid = f.pid
          ) o
        ) h
        left join (select * from wallet.event_epochs l order by l.id desc limit 1) e on true
      ) n
    ) as events,
    (
      select coalesce(jsonb_agg(
        to_jsonb(w) || jsonb_build_object('oldest_seconds', extract(epoch from clock_timestamp() - w.oldest_at))
        order by w.created_at, w.id
      ), '[]')
      from public.wallet_webhooks() w
    ) as webhooks,
    (select to_jsonb(v) from public.wallet_last_verification() v) as verification,
    public.wallet_open_holds() as open_holds
) s
"""  # noqa: S608


class DatabaseStatus(Struct):
    """The server, as the administrator's connection finds it."""

    name: str
    postgres: str
    role: str
    takes_writes: bool
    size_bytes: int
    login: str
    migration: str


class Holder(Struct):
    """A transaction that stays open, and so holds the reading of events back."""

    pid: int | None
    gid: str | None
    login: str | None
    application: str | None
    database: str | None
    state: str | None
    seconds: float


class EventStatus(Struct):
    """The newest event, the line of history, and who holds reading back; `unseen` are holders of unknown age."""

    newest: int
    epoch: int | None
    epoch_started_at: datetime | None
    known: int | None
    held_back_by: list[Holder]
    unseen: int


class WebhookStatus(Struct):
    """How far a webhook is; `oldest_seconds` is the age of the oldest event that is not delivered."""

    id: str
    description: str | None
    status: str
    pause_reason: str | None
    behind: int
    backlog: int
    dead_letters: int
    failures: int
    oldest_seconds: float | None


class VerificationStatus(Struct):
    """What the last recorded verification found, how long ago, and how long it took."""

    age_seconds: float
    violations: int
    seconds: float


class Status(Struct):
    """All of it."""

    version: str
    database: DatabaseStatus
    installation: str
    events: EventStatus
    webhooks: list[WebhookStatus]
    verification: VerificationStatus | None
    open_holds: int


async def status(url: str, long: float = LONG_SECONDS) -> Status:
    """Look, and change nothing. Shows transactions that stay open for `long`. Raises DeployError, NoWalletsError."""
    async with connected(url) as connection:
        try:
            found = await connection.fetchval(STATUS, __version__, long)
        except (asyncpg.UndefinedFunctionError, asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError):
            raise NoWalletsError from None
    return msgspec.json.decode(found, type=Status)
