"""Tells how every database of a map is, and where map and databases differ."""

from __future__ import annotations

import asyncio
import json
from itertools import chain
from typing import TYPE_CHECKING, Final

import asyncpg
import msgspec
from msgspec import Struct, field

from api.cluster.migrate import address
from api.cluster.move import CLOSED
from api.errors import CommandError
from api.setup.deploy import DB, MIGRATIONS_TABLE, connected
from api.setup.status import VerificationStatus
from api.urls import without_password

if TYPE_CHECKING:
    from api.cluster_map import ClusterMap, Member

COUNTED: Final = 100_000
"""Users that are counted; of more than these the server's own estimate is told."""
STATUS: Final = f"""
select to_jsonb(s) from (
  select
    split_part(current_setting('server_version'), ' ', 1) as postgres,
    case when pg_is_in_recovery() then 'standby' else 'primary' end as role,
    (select max(m.version) from public.{MIGRATIONS_TABLE} m) as migration,
    concat_ws('/', c.system_identifier, d.oid) as same_as,
    (select h.number from wallet.shard h) as stored_number,
    (select jsonb_agg(to_jsonb(h.numbers) order by h.generation) from wallet.homes h) as homes,
    (
      select case when t.reltuples > $1 then t.reltuples::bigint else (select count(*) from wallet.users) end
      from pg_class t
      where t.oid = 'wallet.users'::regclass
    ) as users,
    (select coalesce(jsonb_agg(to_jsonb(t)), '[]') from public.wallet_in_transit() t) as in_transit,
    (select to_jsonb(v) from public.wallet_last_verification() v) as verification,
    (select coalesce(jsonb_agg(a.code order by a.code), '[]') from wallet.assets a) as assets,
    (select jsonb_object_agg(a.code, a.scale) from wallet.assets a) as scales,
    (
      select coalesce(jsonb_agg(jsonb_build_object(
        'name', r.application_name, 'state', r.state, 'waited_for', r.sync_state <> 'async',
        'behind_bytes', pg_wal_lsn_diff(pg_current_wal_lsn(), r.replay_lsn),
        'behind_seconds', extract(epoch from r.replay_lag)
      ) order by r.application_name), '[]')
      from pg_stat_replication r
      where r.state is not null and not pg_is_in_recovery()
    ) as standbys,
    (
      select coalesce(jsonb_agg(o.datname order by o.datname), '[]')
      from pg_database o
      where not o.datallowconn and o.datname ~ $2
    ) as left_behind
  from pg_control_system() c
  join pg_database d on d.datname = current_database()
) s
"""  # noqa: S608


class Standby(Struct):
    """A server that follows: what it has not replayed, and whether commits wait for it."""

    name: str
    state: str
    waited_for: bool
    behind_bytes: int | None
    behind_seconds: float | None


class InTransit(Struct):
    """What is on its way to another database: the queue of transfers, and their amount in minor units."""

    destination: int
    asset: str
    pending: int
    oldest_seconds: float
    amount: int


class Facts(Struct):
    """What a database says of itself."""

    postgres: str
    role: str
    migration: str
    same_as: str
    stored_number: int
    homes: list[list[int]]
    users: int
    in_transit: list[InTransit]
    verification: VerificationStatus | None
    assets: list[str]
    scales: dict[str, int] | None
    standbys: list[Standby]
    left_behind: list[str]


class DatabaseStatus(Struct):
    """One database: as the map has it, and as it is; `error` is set where it does not answer."""

    number: int
    address: str
    server: str | None = None
    facts: Facts | None = None
    error: str | None = None


class Difference(Struct):
    """Something that is not as the map has it, and what to do about it."""

    number: int
    difference: str
    remedy: str


class Status(Struct):
    """All of it."""

    homes: list[list[int]]
    databases: list[DatabaseStatus]
    differences: list[Difference] = field(default_factory=list)


async def status(found: ClusterMap) -> Status:
    """Look at all databases at once, and change nothing."""
    looked = await asyncio.gather(*(_look(member) for member in found.members))
    homes = [list(row) for row in found.homes]
    logins = await asyncio.gather(*(_logins(member, one) for member, one in zip(found.members, looked, strict=True)))
    differences = [difference for one in looked for difference in _differences(one, homes, looked)]
    return Status(homes, looked, sorted([*differences, *chain(*logins)], key=lambda one: one.number))


async def _look(member: Member) -> DatabaseStatus:
    url = address(member)
    found = DatabaseStatus(member.number, without_password(url))
    try:
        async with connected(url) as connection:
            at = connection._addr  # type: ignore[attr-defined]  # noqa: SLF001 - asyncpg names it nowhere else
            found.server = at if isinstance(at, str) else f"{at[0]}:{at[1]}"
            text = await connection.fetchval(STATUS, COUNTED, f"{CLOSED}$")
            found.facts = msgspec.json.decode(text, type=Facts, strict=False)
    except CommandError as error:
        migrated = not isinstance(error.__cause__, asyncpg.UndefinedTableError | asyncpg.UndefinedFunctionError)
        found.error = str(error) if migrated else "it was never migrated, or by an older version"
    return found


async def _logins(member: Member, found: DatabaseStatus) -> list[Difference]:
    """Return which logins of the map do not get in, of a database that answers."""
    refused = []
    for name in ("api_url", "relay_url", "read_url") if found.facts is not None else ():
        if (url := getattr(member, name)) is not None:
            try:
                async with connected(url):
                    pass
            except CommandError as error:
                refused.append(Difference(member.number, f"{name}: {error}", MIGRATE))
    return refused


MIGRATE: Final = "run `pgwallet cluster migrate`"


def _differences(one: DatabaseStatus, homes: list[list[int]], everyone: list[DatabaseStatus]) -> list[Difference]:
    facts = one.facts
    if facts is None:
        away = "never migrated" not in (one.error or "")
        remedy = "start its server, or promote a standby of it: its users are answered 503 until then"
        return [Difference(one.number, one.error or "", remedy if away else MIGRATE)]
    others = [other for other in everyone if other.facts is not None and other is not one]
    newest = max(file.name.partition("_")[0] for file in (DB / "migrations").glob("*.sql"))
    assets = {code for other in others if other.facts for code in other.facts.assets}
    first = next(other.facts.scales or {} for other in everyone if other.facts is not None)
    scales = [code for code, scale in sorted((facts.scales or {}).items()) if first.get(code, scale) != scale]
    checks = {
        f"it has number {facts.stored_number}": (
            facts.stored_number != one.number,
            f"{MIGRATE} while it has no users; with users, correct the map",
        ),
        f"it knows the homes {json.dumps(facts.homes)}": (
            facts.homes != homes,
            MIGRATE
            if homes[: len(facts.homes)] == facts.homes or not facts.users
            else "let the homes of the map begin with these: names live where these say",
        ),
        f"its newest migration is {facts.migration}, of this version it is {newest}": (
            facts.migration != newest,
            MIGRATE if facts.migration < newest else "use the version of pgwallet that migrated it",
        ),
        f"it has no asset {', '.join(sorted(assets - set(facts.assets)))}": (
            not assets <= set(facts.assets),
            MIGRATE,
        ),
        f"another scale than in the first database has {', '.join(scales)}": (
            bool(scales),
            "use it no more in one of them: a transfer carries minor units, which are worth something else there",
        ),
        "it is a standby": (facts.role != "primary", "name its primary in url, or promote it"),
        "it is the same database as another of the map": (
            any(other.facts is not None and other.facts.same_as == facts.same_as for other in others),
            "correct the addresses in the map: two numbers must never be one database",
        ),
        f"its server has what a move left: {', '.join(facts.left_behind)}": (
            bool(facts.left_behind),
            "drop these databases when nobody needs them",
        ),
    }
    return [Difference(one.number, what, remedy) for what, (found, remedy) in checks.items() if found]
