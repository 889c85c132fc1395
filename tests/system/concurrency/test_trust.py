"""Who may act for nobody: members of wallet_owner alone, whatever else a login may execute."""

from collections.abc import Iterator
from typing import NamedTuple
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from tests.database import Database

ADMINISTRATORS = {
    "wallet_copy_operator",
    "wallet_create_asset",
    "wallet_cross_inbox",
    "wallet_cross_outbox",
    "wallet_export_user",
    "wallet_join_cluster",
    "wallet_record_login",
    "wallet_record_verification",
    "wallet_redrive",
    "wallet_remove_login",
    "wallet_set_retention",
    "wallet_set_role",
}
SERVICE = {
    "wallet_authorize_key",
    "wallet_can_receive",
    "wallet_change_password",
    "wallet_claim_verification",
    "wallet_credentials",
    "wallet_demo_accounts",
    "wallet_end_session",
    "wallet_event_feed",
    "wallet_event_mark",
    "wallet_events_by_id",
    "wallet_fence_holders",
    "wallet_in_transit",
    "wallet_locate",
    "wallet_names",
    "wallet_note_key_use",
    "wallet_note_verification",
    "wallet_prune",
    "wallet_rehash",
    "wallet_relay_backlog",
    "wallet_relay_events",
    "wallet_relay_give_secret",
    "wallet_relay_progress",
    "wallet_relay_take",
    "wallet_relay_webhooks",
    "wallet_require_password_reset",
    "wallet_reset_password",
    "wallet_run_verification",
    "wallet_session",
    "wallet_sign_in",
    "wallet_sign_in_failed",
    "wallet_sign_in_succeeded",
    "wallet_sign_out",
    "wallet_sign_out_everywhere",
    "wallet_start_session",
    "wallet_wal_position",
}
RELAY = {
    "wallet_conclude",
    "wallet_conclude_erasures",
    "wallet_erase_received",
    "wallet_erased_outbox",
    "wallet_outbox",
    "wallet_outbox_destinations",
    "wallet_receive",
}
# who may execute these may use them: they act on nobody's behalf, or say nothing that is secret
OPEN = {
    "wallet_assets",
    "wallet_event_settled",
    "wallet_highest_cost",
    "wallet_last_verification",
    "wallet_newest_event",
    "wallet_open_holds",
    "wallet_principal",
    "wallet_prune_deliveries",
    "wallet_register",
    "wallet_require_username",
    "wallet_revocations",
    "wallet_sweep",
    "wallet_verify",
    "wallet_whoami",
}
CALLS = """
    select p.proname, p.proargnames[1 : p.pronargs], array(
      select format_type(a, null) from unnest(p.proargtypes) with ordinality as t (a, n) order by n
    )
    from pg_proc p
    where p.pronamespace = 'public'::regnamespace and p.proowner = 'wallet_owner'::regrole
    order by 1
"""


class Call(NamedTuple):
    """A function with values that its form allows."""

    name: str
    arguments: dict[str, str]

    def __str__(self) -> str:
        given = ", ".join(f"{name} => {value}" for name, value in self.arguments.items())
        return f"select * from public.{self.name}({given})"


VALUES = {
    "uuid": f"'{uuid4()}'",
    "bigint": "1",
    "smallint": "1::smallint",
    "integer": "1",
    "text": "'text'",
    "boolean": "false",
    "double precision": "1",
    "timestamp with time zone": "'2001-01-01'",
    "uuid[]": f"array['{uuid4()}'::uuid]",
    "bigint[]": "'{1}'",
    "text[]": "'{topup}'",
    "bytea": "sha256('text')",
    "inet": "'127.0.0.1'",
}
GIVEN = {
    "p_code": "'ABC'",
    "p_role": "'user'",
    "p_asset": "'UC'",
    "p_status": "'frozen'",
    "p_type": "null",
    "p_kinds": "'{}'",
    "p_per_transaction": "'{}'",
    "p_per_day": "'{}'",
    "p_per_30_days": "'{}'",
    "p_floor": "0",
    "p_to_username": "null",
}
NULL = {"jsonb", "jsonb[]", "boolean[]", "integer[]", "timestamp with time zone[]"}


def value(name: str, type_: str) -> str:
    if name.startswith("p_actor") or type_ in NULL or name in {"p_references", "p_to_wallet_ids", "p_to_usernames"}:
        return "null"
    if name == "p_original_txn_ids":
        return "null"
    return GIVEN.get(name, VALUES[type_])


class Reporting(NamedTuple):
    """A login with EXECUTE on everything, and nothing else."""

    name: str
    connection: psycopg.Connection
    calls: list[Call]


@pytest.fixture(scope="module")
def reporting(module_database: Database) -> Iterator[Reporting]:
    name = f"reporting_{uuid4().hex[:8]}"
    role = sql.Identifier(name)
    with module_database.connect() as administrator:
        administrator.execute(sql.SQL("create role {} login").format(role))
        for statement in (
            "grant usage on schema public, wallet to {role}",
            "grant execute on all functions in schema public, wallet to {role}",
        ):
            administrator.execute(sql.SQL(statement).format(role=role))
        calls = [
            Call(function, {n: value(n, t) for n, t in zip(names or [], types, strict=True)})
            for function, names, types in administrator.execute(CALLS).fetchall()
        ]
        with module_database.connect() as connection:
            # as if it had logged in
            connection.execute(sql.SQL("set session authorization {}").format(role))
            yield Reporting(name, connection, calls)
        administrator.execute(sql.SQL("drop owned by {}").format(role))
        administrator.execute(sql.SQL("drop role {}").format(role))


def outcome(connection: psycopg.Connection, call: str) -> str:
    """The SQLSTATE with the field at fault; of a batch, the outcome of its item."""
    try:
        row = connection.execute(call.encode()).fetchone()
    except psycopg.Error as error:
        detail = error.diag.message_detail or ""
        return f"{error.sqlstate} actor" if '"actor' in detail else str(error.sqlstate)
    if row is not None and "wallet_batch" in call:
        return f"{row[1]} {row[2]['field']}"
    return "done"


def test_a_null_actor_is_an_administrators_alone(reporting: Reporting) -> None:
    """Every function with an actor, those that are not written yet too."""
    acting = [call for call in reporting.calls if {"p_actor", "p_actors"} & set(call.arguments)]
    assert len(acting) > 20
    told = {call.name: outcome(reporting.connection, str(call)) for call in acting}
    assert told == {call.name: "WA002 actor" for call in acting}


def test_so_is_none_at_all(reporting: Reporting) -> None:
    """The argument left out is null."""
    for call in reporting.calls:
        short = Call(call.name, {n: v for n, v in call.arguments.items() if n not in {"p_actor", "p_actors"}})
        if short != call:
            assert outcome(reporting.connection, str(short)) == "WA002 actor", call.name


def test_administrators_functions_and_those_of_sign_in_are_not_for_it(reporting: Reporting) -> None:
    told = {
        call.name: outcome(reporting.connection, str(call))
        for call in reporting.calls
        if call.name in ADMINISTRATORS | SERVICE | RELAY
    }
    assert told == dict.fromkeys(ADMINISTRATORS | SERVICE | RELAY, "WA035")


def test_every_function_without_an_actor_is_known_here(reporting: Reporting) -> None:
    """Whoever adds one decides who may call it."""
    without = {call.name for call in reporting.calls if not {"p_actor", "p_actors"} & set(call.arguments)}
    assert without == ADMINISTRATORS | SERVICE | RELAY | OPEN


def test_it_cannot_become_the_owner(reporting: Reporting) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        reporting.connection.execute("set role wallet_owner")


def test_the_service_is_no_administrator_either(module_database: Database, reporting: Reporting) -> None:
    with module_database.connect(service=True) as service:
        for call in reporting.calls:
            told = outcome(service, str(call))
            if call.name in ADMINISTRATORS:
                assert told in {"WA035", "42501"}, call.name
            elif call.name in RELAY:
                # it would make money: not even EXECUTE, which a test of grants holds
                assert told == "42501", call.name
            elif {"p_actor", "p_actors"} & set(call.arguments):
                assert told in {"WA002 actor", "42501"}, call.name


def test_the_service_cannot_deliver_and_the_relay_nothing_else(module_database: Database, reporting: Reporting) -> None:
    with module_database.connect() as relay:
        relay.execute("set session authorization wallet_relay")
        may = {call.name for call in reporting.calls if outcome(relay, str(call)) != "42501"}
        tables = relay.execute(
            "select c.oid::regclass::text from pg_class c where c.relnamespace = 'wallet'::regnamespace"
            " and c.relkind = 'r' and has_table_privilege(c.oid, 'select, insert, update, delete')"
        ).fetchall()
    assert (may, tables) == (RELAY, [])


@pytest.mark.parametrize("role", ["none", "wallet_owner", "wallet_api"])
def test_a_superuser_is_trusted_whatever_role_it_takes(module_database: Database, role: str) -> None:
    with module_database.connect() as administrator:
        wallet = administrator.execute("select wallet_id from wallet_credentials('alice')").fetchone()
        assert wallet is not None
        administrator.execute(f"set role {role}")
        row = administrator.execute("select wallet_topup(%s, gen_random_uuid(), 1) is not null", wallet).fetchone()
        assert row == (True,)


@pytest.mark.parametrize("role", ["none", "wallet_owner", "itself"])
def test_so_is_a_member_of_the_owner(module_database: Database, reporting: Reporting, role: str) -> None:
    with module_database.connect() as administrator:
        administrator.execute(f"grant wallet_owner to {reporting.name}")
        try:
            connection = reporting.connection
            connection.execute(f"set role {reporting.name if role == 'itself' else role}")
            row = connection.execute(
                "select wallet_topup(w.id, gen_random_uuid(), 1) is not null"
                " from (select wallet_id from wallet_credentials('alice')) w (id)"
            ).fetchone()
            assert row == (True,)
        finally:
            connection.execute("reset role")
            administrator.execute(f"revoke wallet_owner from {reporting.name}")
