"""What a fence relies on: an id is drawn by a transaction that has an xid, from one sequence, which keeps none back.

Here each function that draws ids is made to look for the xid first, and each call that can draw one is made alone in
its transaction: nothing before it can have drawn the xid.
"""

import re
from uuid import UUID

import psycopg
import pytest

SEQUENCE = "nextval('wallet.transaction_ids'"
DRAWN = """
    create sequence wallet.drawn_ids;
    create function wallet.drawn_id() returns bigint language plpgsql as $$
    begin
      if pg_current_xact_id_if_assigned() is null then
        raise exception 'an id is drawn by a transaction without an xid';
      end if;
      perform nextval('wallet.drawn_ids');
      return nextval('wallet.transaction_ids');
    end;
    $$;
    alter function wallet.drawn_id owner to wallet_owner;
    alter sequence wallet.drawn_ids owner to wallet_owner;
    alter table wallet.hold_events alter column id set default wallet.drawn_id();
    alter table wallet.account_events alter column id set default wallet.drawn_id();
"""
BODIES = """
    select p.proname, n.nspname, p.prosrc, pg_get_functiondef(p.oid)
    from pg_proc p
    join pg_namespace n on n.oid = p.pronamespace
    where p.proowner = 'wallet_owner'::regrole and n.nspname in ('wallet', 'public')
"""
DEFAULTS = """
    select d.adrelid::regclass::text, a.attname, pg_get_expr(d.adbin, d.adrelid)
    from pg_attrdef d
    join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
    join pg_depend s on s.classid = 'pg_attrdef'::regclass and s.objid = d.oid
      and s.refobjid = 'wallet.transaction_ids'::regclass
"""


def txn(number: int) -> UUID:
    return UUID(int=number)


# Each call, in an order in which all succeed. Those in front of the function's own call prepare for it.
ALICE = "(select wallet_id from wallet_credentials('alice'))"
BOB = "(select wallet_id from wallet_credentials('bob'))"
ELSEWHERE = "'01a21f1d-ac43-836c-8c7d-f87aafa71009'::uuid"
OLGA = "(select user_id from wallet_credentials('olga'))"
CALLS = {
    "wallet_register": ["select wallet_register('olga', 'hash')"],
    "wallet_set_role": ["select wallet_set_role('olga', 'operator')"],
    "wallet_topup": [f"select wallet_topup({ALICE}, '{txn(1)}', 100)"],
    "wallet_spend": [f"select wallet_spend({ALICE}, '{txn(2)}', 60, 'with details')"],
    "wallet_transfer": [f"select wallet_transfer({ALICE}, '{txn(3)}', 10, {BOB})"],
    "wallet_hold": [f"select wallet_hold({ALICE}, '{txn(number)}', 10)" for number in (4, 5, 6)],
    "wallet_capture": [f"select wallet_capture({ALICE}, '{txn(7)}', '{txn(4)}')"],
    "wallet_void": [f"select wallet_void({ALICE}, '{txn(8)}', '{txn(5)}')"],
    "wallet_refund": [f"select wallet_refund({ALICE}, '{txn(9)}', '{txn(2)}', 10)"],
    "wallet_give_back": [f"select wallet_give_back({ALICE}, '{txn(10)}', '{txn(2)}', 10)"],
    "wallet_fund": [f"select wallet_fund({ALICE}, '{txn(11)}', 10)"],
    "wallet_adjust": [f"select wallet_adjust({ALICE}, '{txn(12)}', 10, 'a test')"],
    "wallet_confirm": [
        f"select wallet_propose('adjustment', {ALICE}, '{txn(13)}', null, 1, 'a test', null, null, 0, {OLGA})",
        "select wallet_confirm((select min(id) from wallet.confirmations where status = 'waiting'))",
    ],
    "wallet_batch": [
        f"select wallet_batch(array['topup'], array[{ALICE}], array['{txn(number)}'::uuid], array[1::bigint], {more})"
        for number, more in ((14, "null"), (15, "array['with details']"))
    ],
    "wallet_set_limits": [f"select wallet_set_limits({ALICE}, '{{spend}}', '{{900}}', '{{null}}', '{{null}}')"],
    "wallet_set_status": [f"select wallet_set_status({BOB}, 'frozen', 'a test')"],
    "wallet_create_asset": ["select wallet_create_asset('EUR', 'Euro', 2::smallint)"],
    "wallet_open": ["select wallet_open((select user_id from wallet_credentials('charlie')), 'EUR')"],
    "wallet_conclude": [
        "select wallet_join_cluster(0::smallint, '[[0], [0, 9]]')",
        f"select wallet_transfer({ALICE}, '{txn(16)}', 1, {ELSEWHERE})",
        "select wallet_conclude(array(select transaction_id from wallet.outbox), '{WA009}')",
    ],
    "wallet_receive": [
        f"select wallet_receive(array[(9::bigint << 40) + 1], array[{ELSEWHERE}], array[{ALICE}], '{{1}}', '{{UC}}')"
    ],
    "wallet_sweep": [f"select tap_let_expire('{txn(6)}')", "select wallet_sweep()"],
    "wallet_erase_user": ["select wallet_erase_user((select user_id from wallet_credentials('bob')), 'a test')"],
}
NO_EVENTS = {"wallet_create_asset"}
"""Calls that only prepare others."""


@pytest.fixture
def watched(administrator: psycopg.Connection) -> psycopg.Connection:
    """A database in which whoever draws an id must have an xid."""
    administrator.execute(DRAWN)
    for _, _, body, definition in administrator.execute(BODIES).fetchall():
        if SEQUENCE in body and "drawn_id" not in definition:
            administrator.execute(definition.replace(f"{SEQUENCE})", "wallet.drawn_id()").encode())
    return administrator


def drawn(connection: psycopg.Connection) -> int:
    row = connection.execute("select case when is_called then last_value else 0 end from wallet.drawn_ids").fetchone()
    assert row is not None
    return int(row[0])


def test_every_function_that_draws_an_id_has_an_xid_before(watched: psycopg.Connection) -> None:
    watched.execute(
        "create function public.tap_let_expire(uuid) returns void language sql set session_replication_role = replica"
        " as $$ update wallet.holds set expires_at = clock_timestamp() - interval '1 second' where txn_id = $1 $$"
    )
    silent = set()
    for name, statements in CALLS.items():
        before = drawn(watched)
        for statement in statements:
            watched.execute(statement.encode())
        if drawn(watched) == before:
            silent.add(name)
    assert silent == NO_EVENTS


def test_every_function_that_can_draw_an_id_is_called_here(administrator: psycopg.Connection) -> None:
    bodies = {name: (schema, re.sub(r"--[^\n]*", "", body)) for name, schema, body, _ in administrator.execute(BODIES)}
    draws = {
        name
        for name, (_, body) in bodies.items()
        if SEQUENCE in body or re.search(r"insert into wallet\.(hold_events|account_events)\b", body)
    }
    assert draws
    while more := {
        name
        for name, (_, body) in bodies.items()
        if name not in draws and draws & set(re.findall(r"\b(?:wallet|public)\.(\w+)\(", body))
    }:
        draws |= more
    assert {name for name in draws if bodies[name][0] == "public"} == CALLS.keys() - NO_EVENTS


def test_a_function_that_draws_before_it_locks_is_found(watched: psycopg.Connection) -> None:
    (definition,) = watched.execute("select pg_get_functiondef('public.wallet_topup'::regproc)").fetchone() or ("",)
    watched.execute(re.sub(r"\nbegin\n", "\nbegin perform wallet.drawn_id();\n", definition, count=1).encode())
    with pytest.raises(psycopg.errors.RaiseException, match="without an xid"):
        watched.execute(CALLS["wallet_topup"][0].encode())


def test_one_sequence_which_keeps_no_ids_back_numbers_everything(administrator: psycopg.Connection) -> None:
    assert administrator.execute(
        "select seqstart, seqincrement, seqcache, seqcycle from pg_sequence"
        " where seqrelid = 'wallet.transaction_ids'::regclass"
    ).fetchall() == [(1, 1, 1, False)]
    assert sorted(administrator.execute(DEFAULTS).fetchall()) == [
        (f"wallet.{table}", "id", f"{SEQUENCE}::regclass)") for table in ("account_events", "hold_events")
    ]
    names = administrator.execute(BODIES).fetchall()
    assert {name for name, _, body, _ in names if re.search(r"nextval\(", body)} == {
        name for name, _, body, _ in names if SEQUENCE in body
    }
