"""Brings all databases of a map up to date, and lets them be one cluster.

Each database is deployed alone, so that one that is away holds none of the others up. Homes, operators, assets,
webhooks and keys are about all of them: these change only when every database was deployed.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import asyncpg
from msgspec import Struct

from api.errors import CommandError
from api.settings import SERVICE, Settings, role
from api.setup import deploy
from api.setup.deploy import DeployError, connected, has_login, scram_verifier
from api.urls import credentials

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from uuid import UUID

    from api.cluster_map import ClusterMap, Member

RELAY: Final = "wallet_relay"
ASSETS: Final = "select code, name, scale, signup_bonus from wallet.assets order by code"
OPERATORS: Final = """
select id, username
from wallet.users
where role = 'operator' and wallet.number_of(id) = (select number from wallet.shard)
order by id
"""


COPIES: Final = """
select id, username
from wallet.users
where role = 'operator' and wallet.number_of(id) <> (select number from wallet.shard)
"""
# One without a secret gets one from the relay, which would be another one in each database.
WEBHOOKS: Final = """
select id, url, description, types, asset, wallet_id, batch_size, secret, status, pause_reason
from wallet.webhooks
where secret is not null
order by created_at, id
"""
IS_NEW: Final = "select not exists (select from wallet.transactions) and not exists (select from wallet.webhooks)"
KEYS: Final = """
select to_jsonb(k) || '{"last_used_at": null}' as key,
  array(select s.user_id from wallet.key_subjects s where s.key_id = k.id) as subjects
from wallet.api_keys k
where k.revoked_at is null
order by k.created_at, k.id
"""
COPY_KEY: Final = """
with key as (
  insert into wallet.api_keys
  select * from jsonb_populate_record(null::wallet.api_keys, $1::jsonb)
  on conflict do nothing
  returning id
)
insert into wallet.key_subjects (key_id, user_id)
select k.id, s.user_id
from key k
cross join unnest($2::uuid[]) s (user_id)
"""
REVOKED: Final = "select id from wallet.api_keys where revoked_at is not null"
REVOKE: Final = """
select public.wallet_revoke_key(k.id)
from wallet.api_keys k
where k.id = any ($1::uuid[]) and k.revoked_at is null
"""
COPY: Final = "select public.wallet_copy_operator($1, $2, $3)"


class Outcome(Struct):
    """What became of one database; `error` says why it was not done."""

    number: int
    migrated: bool = False
    joined: bool = False
    error: str | None = None


def refusal(error: asyncpg.PostgresError) -> str:
    """Return what a function of the database refused, in one line."""
    return " ".join(part for part in (str(error.args[0]), error.detail, error.hint) if part)


def address(member: Member) -> str:
    """Return the administrator's address. Raises CommandError where the map has none."""
    if member.url is None:
        raise CommandError(f"database {member.number} has no url in the map: the commands need the administrator's")
    return member.url


def in_order(found: ClusterMap) -> list[Member]:
    """Return the databases in the order in which they learn new homes: those of older generations first.

    A name that moves to a new database is refused at its old home before the new one takes it.
    """

    def oldest(member: Member) -> int:
        return next((at for at, row in enumerate(found.homes) if member.number in row), len(found.homes))

    return sorted(found.members, key=lambda member: (oldest(member), member.number))


async def migrate(
    found: ClusterMap, settings: Settings, done: Callable[[], None] = lambda: None, *, accounts: bool = False
) -> list[Outcome]:
    """Deploy every database, then let all of them join. `done` is called after each step of each database; with
    `accounts` there are the demo accounts, too.

    Doing it again changes nothing. Raises CommandError where the map cannot be used.
    """
    members = in_order(found)
    outcomes = {member.number: Outcome(member.number) for member in members}
    for member in members:
        try:
            await _deploy(member, settings)
            outcomes[member.number].migrated = True
        except CommandError as error:
            outcomes[member.number].error = str(error)
        done()
    if all(outcome.migrated for outcome in outcomes.values()):
        await _join_all(found, members, outcomes, done, accounts=accounts)
    else:
        for outcome in outcomes.values():
            outcome.error = outcome.error or "not joined: every database must be migrated before homes change"
    return [outcomes[member.number] for member in found.members]


async def _deploy(member: Member, settings: Settings) -> None:
    url = address(member)
    login, password = credentials(member.api_url) if member.api_url else (SERVICE, "")
    try:
        login = role(login)
    except ValueError as error:
        raise CommandError(f"database {member.number}: the login in api_url must be {error}") from None
    await deploy.migrate(
        url,
        password=password or settings.api_password,
        seeds="01_*.sql",
        role=login,
        retention=settings.retention,
    )
    if member.relay_url is not None:
        await _let_relay_in(url, member.number, *credentials(member.relay_url))


async def _let_relay_in(url: str, number: int, login: str, password: str) -> None:
    """Give wallet_relay its login and password. Another login is somebody else's to make: a member of wallet_relay."""
    async with connected(url) as connection:
        if login != RELAY:
            member = "select pg_has_role(to_regrole($1), to_regrole($2), 'usage')"
            if not await connection.fetchval(member, login, RELAY):
                raise DeployError(
                    f"database {number}: {login} in relay_url is no member of {RELAY}: grant {RELAY} to it"
                )
            return
        can = await connection.fetchval("select rolcanlogin from pg_catalog.pg_roles where rolname = $1", RELAY)
        if can and await has_login(connection, url, RELAY, password or None):
            return
        verifier = f" password '{scram_verifier(password)}'" if password else ""
        await connection.execute(f"alter role {RELAY} login{verifier}")


async def _join_all(
    found: ClusterMap,
    members: Sequence[Member],
    outcomes: dict[int, Outcome],
    done: Callable[[], None],
    *,
    accounts: bool,
) -> None:
    """Let each join, in order; after one that refuses, those that come later keep the homes that they know."""
    homes = json.dumps([list(row) for row in found.homes])
    assets = await _assets(members)
    operators = await _operators(members)
    revoked = await _revoked(members)
    async with connected(address(members[0])) as connection:
        webhooks = await connection.fetch(WEBHOOKS)
        keys = await connection.fetch(KEYS)
    at = ""
    for member in members:
        outcome = outcomes[member.number]
        if at:
            outcome.error = f"not joined: {at} comes first"
            continue
        try:
            async with connected(address(member)) as connection:
                await connection.execute(
                    "select public.wallet_join_cluster($1::smallint, $2::jsonb)", member.number, homes
                )
                for asset in assets:
                    await connection.execute("select public.wallet_create_asset($1, $2, $3, $4)", *asset)
                await _copy_operators(connection, member.number, operators)
                await _copy_webhooks(connection, webhooks)
                # no key is ever deleted, so what a database lacks was made before it was there
                await connection.executemany(COPY_KEY, [tuple(row) for row in keys])
                # one that was revoked while this database was not in the service's map, or away
                await connection.execute(REVOKE, revoked)
            outcome.joined = True
            if accounts:
                await deploy.seed(address(member))
        except DeployError as error:
            cause = error.__cause__
            outcome.error = refusal(cause) if isinstance(cause, asyncpg.PostgresError) else str(error)
            at = f"database {member.number}"
        done()


async def _assets(members: Sequence[Member]) -> list[tuple[object, ...]]:
    """Return the assets of all databases, each as the first one has it."""
    known: dict[str, tuple[object, ...]] = {}
    for member in members:
        async with connected(address(member)) as connection:
            for row in await connection.fetch(ASSETS):
                known.setdefault(row["code"], tuple(row))
    return list(known.values())


async def _operators(members: Sequence[Member]) -> list[tuple[int, UUID, str]]:
    """Return home, id and name of every operator, from the databases where they live."""
    found = []
    for member in members:
        async with connected(address(member)) as connection:
            found += [(member.number, row["id"], row["username"]) for row in await connection.fetch(OPERATORS)]
    return found


async def _revoked(members: Sequence[Member]) -> list[UUID]:
    """Return the keys that are revoked in any database: they are to be in all of them."""
    found: set[UUID] = set()
    for member in members:
        async with connected(address(member)) as connection:
            found.update(row["id"] for row in await connection.fetch(REVOKED))
    return list(found)


async def _copy_operators(
    connection: asyncpg.Connection[asyncpg.Record], number: int, operators: Sequence[tuple[int, UUID, str]]
) -> None:
    """Make the operators of other databases those of this one, too, and nobody else of them."""
    others = {user_id: username for home, user_id, username in operators if home != number}
    for row in await connection.fetch(COPIES):
        if row["id"] not in others:
            await connection.execute(COPY, row["id"], row["username"], "user")
    for user_id, username in others.items():
        await connection.execute(COPY, user_id, username, "operator")


async def _copy_webhooks(connection: asyncpg.Connection[asyncpg.Record], webhooks: Sequence[asyncpg.Record]) -> None:
    """Let a new database deliver to the webhooks of the first one, with the same ids and secrets.

    Others keep theirs: what one of them lacks may have been deleted.
    """
    if not webhooks or not await connection.fetchval(IS_NEW):
        return
    for webhook in webhooks:
        *terms, status, reason = webhook
        create = "select public.wallet_create_webhook($1, $2, $3, $4, $5, $6, $7, $8)"
        await connection.execute(create, *terms)
        if status == "paused":
            await connection.execute("select public.wallet_pause_webhook($1, $2)", webhook["id"], reason)
