"""Every table is full, and nobody told the planner: what is looked up costs what it did when they were empty.

The last row, one that is not there, and what is refused. Costs are rows read of tables and indexes.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import psycopg
import pytest

from tests.database import Database

pytestmark = pytest.mark.long

ROWS = 20_000
HOLDS = 5_000
CALLS = 8
WEBHOOK = "00000000-0000-4000-b000-000000000001"
SLACK = 8
"""Rows: a history that is there is probed, one that is not is not."""

# the tables by hand, their triggers and foreign keys left out: what is in them is not the point, that they are full is
FILL = f"""
    set session_replication_role = replica;
    insert into wallet.users (id, username, password_hash)
      select ('00000000-0000-4000-9000-' || lpad(n::text, 12, '0'))::uuid, 'user-' || n, 'hash'
      from generate_series(1, {ROWS}) n;
    insert into wallet.wallets (id, owner_id, asset, kind)
      select ('00000000-0000-4000-a000-' || lpad(n::text, 12, '0'))::uuid,
        ('00000000-0000-4000-9000-' || lpad(n::text, 12, '0'))::uuid, 'UC', 'user'
      from generate_series(1, {ROWS}) n;
    insert into wallet.assets (code, name, scale) select 'X' || n, 'x', 0 from generate_series(1, 2000) n;
    insert into wallet.transactions (id, seq, amount, created_at, wallet_id, txn_id, type)
      select nextval('wallet.transaction_ids'), n, 1, '2020-01-01'::timestamptz + n * interval '1 second', w.id,
        gen_random_uuid(), case when n % 2 = 0 then 'topup' else 'spend' end::wallet.transaction_type
      from (select id from wallet.wallets where owner_id = '00000000-0000-4000-9000-{ROWS:012}') w,
        generate_series(1, {ROWS}) n;
    insert into wallet.ledger (seq, transaction_id, amount, balance_after, wallet_id, hash)
      select t.seq, t.id, 1, 1000, t.wallet_id, sha256('') from wallet.transactions t
      where t.wallet_id = '00000000-0000-4000-a000-{ROWS:012}';
    with sent as (
      insert into wallet.transactions (id, seq, amount, created_at, wallet_id, txn_id, type, counterparty_id)
      values (nextval('wallet.transaction_ids'), 1, 1, '2021-01-01', '00000000-0000-4000-a000-000000000002',
        gen_random_uuid(), 'transfer', '00000000-0000-4000-a000-{ROWS:012}')
      returning id, wallet_id, counterparty_id
    )
    insert into wallet.ledger (seq, transaction_id, amount, balance_after, wallet_id, hash)
      select 1, s.id, -1, 0, s.wallet_id, sha256('') from sent s
      union all select {ROWS + 1}, s.id, 1, 1000, s.counterparty_id, sha256('') from sent s;
    insert into wallet.transaction_details (transaction_id, reference, salt, hash)
      select t.id, 'r' || t.id, gen_random_uuid(), sha256('') from wallet.transactions t
      where t.wallet_id = '00000000-0000-4000-a000-{ROWS:012}';
    insert into wallet.transaction_available (transaction_id, available)
      select t.id, 1 from wallet.transactions t where t.wallet_id = '00000000-0000-4000-a000-{ROWS:012}';
    insert into wallet.refunds (transaction_id, original_id)
      select t.id, t.id - 1 from wallet.transactions t
      where t.wallet_id = '00000000-0000-4000-a000-{ROWS:012}' and t.seq % 2 = 0;
    insert into wallet.holds (wallet_id, txn_id, amount, expires_at, status, captured, created_at, reference)
      select '00000000-0000-4000-a000-{ROWS:012}', gen_random_uuid(), 1, '2020-01-01', s.status, 0, '2020-01-01', 'many'
      from generate_series(1, {HOLDS}) n, unnest(array['captured', 'voided', 'expired']) s (status);
    insert into wallet.holds (wallet_id, txn_id, amount, expires_at, status, captured, created_at)
      select w.id, gen_random_uuid(), 1, '2100-01-01', 'open', 0, '2020-01-01'
      from wallet.wallets w where w.owner_id >= '00000000-0000-4000-9000-000000000002'
        and w.id <> '00000000-0000-4000-a000-{ROWS:012}';
    insert into wallet.hold_events
        (hold_id, wallet_id, txn_id, event, amount, balance_after, available_after, created_at, hash)
      select h.id, h.wallet_id, h.txn_id, 'hold', 1, 1, 1, h.created_at, sha256('') from wallet.holds h
      on conflict do nothing;
    insert into wallet.limits (wallet_id, kind, per_day)
      select w.id, 'spend', 1000 from wallet.wallets w where w.kind = 'user';
    insert into wallet.limit_usage (wallet_id, kind, hour, amount)
      select w.id, 'spend', date_trunc('hour', now()), 1 from wallet.wallets w where w.kind = 'user';
    insert into wallet.operator_actions (wallet_id, action, detail)
      select '00000000-0000-4000-a000-{ROWS:012}', 'status', '{{}}' from generate_series(1, {ROWS}) n;
    insert into wallet.operator_actions (wallet_id, action)
      select w.id, 'status' from wallet.wallets w where w.kind = 'user';
    insert into wallet.operator_actions (user_id, wallet_id, actor, action)
      select w.owner_id, w.id, w.owner_id, 'read'
      from wallet.wallets w, generate_series(1, {ROWS}) n where w.id = '00000000-0000-4000-a000-{ROWS:012}';
    insert into wallet.erasures (user_id, reason, transactions, holds)
      select u.id, 'r', 0, 0 from wallet.users u;
    insert into wallet.reserved_names (digest, user_id) select sha256(u.username::bytea), u.id from wallet.users u;
    insert into wallet.confirmations (type, wallet_id, txn_id, amount, expected, actor, created_at, status, decided_at)
      select 'adjustment', '00000000-0000-4000-a000-{ROWS:012}', gen_random_uuid(), 1, 1,
        '00000000-0000-4000-9000-{ROWS:012}', '2020-01-01', s.status, s.decided_at::timestamptz
      from generate_series(1, {ROWS}) n, (values ('waiting', null), ('rejected', '2020-01-01')) s (status, decided_at);
    insert into wallet.password_resets (user_id, token_hash, expires_at)
      select u.id, sha256(u.username::bytea), '2100-01-01' from wallet.users u;
    insert into wallet.revocations (user_id, token_id, expires_at)
      select u.id, gen_random_uuid(), '2100-01-01' from wallet.users u;
    insert into wallet.sessions (session_hash, user_id, token_generation, expires_at)
      select sha256(u.username::bytea), u.id, 0, '2100-01-01' from wallet.users u
      on conflict do nothing;
    insert into wallet.sign_in_tries (key, kind, failures, counts_until, next_try_at, known_until)
      select sha256(n::text::bytea), 'pair', 1, '2100-01-01', now(), '2100-01-01' from generate_series(1, {ROWS}) n;
    insert into wallet.verifications (violations, seconds) select 0, 1 from generate_series(1, {ROWS}) n;
    insert into wallet.verification_runs (holder) select 1 from generate_series(1, {ROWS}) n;
    insert into wallet.account_events (type, user_id, wallet_id)
      select 'wallet.opened', '00000000-0000-4000-9000-{ROWS:012}', '00000000-0000-4000-a000-{ROWS:012}'
      from generate_series(1, {ROWS}) n;
    insert into wallet.webhooks (id, url, position)
      select ('00000000-0000-4000-b000-' || lpad(n::text, 12, '0'))::uuid, 'https://a', 0
      from generate_series(2, 2001) n;
    insert into wallet.webhook_backlog (webhook_id, event_id)
      select w.id, n from wallet.webhooks w, generate_series(1, {ROWS}) n where w.id = '{WEBHOOK}';
    insert into wallet.webhook_dead_letters (webhook_id, event_id, attempts, first_at, last_at)
      select w.id, n, 1, '2020-01-01', '2020-01-01' from wallet.webhooks w, generate_series(1, {ROWS}) n
      where w.id = '{WEBHOOK}';
    insert into wallet.webhook_deliveries
        (webhook_id, first_event_id, last_event_id, events, attempt, outcome, milliseconds)
      select w.id, n, n, 1, 1, 'failed', 1 from wallet.webhooks w, generate_series(1, {ROWS}) n
      where w.id = '{WEBHOOK}';
    insert into wallet.outbox (transaction_id, wallet_id, to_wallet_id, destination, status, concluded_at)
      select t.id, t.wallet_id, gen_random_uuid(), 1, 'delivered', '2020-01-01' from wallet.transactions t
      where t.wallet_id = '00000000-0000-4000-a000-{ROWS:012}';
    insert into wallet.inbox (origin_id, from_wallet_id, to_wallet_id, amount, asset, transaction_id)
      select t.id, gen_random_uuid(), t.wallet_id, 1, 'UC', t.id from wallet.transactions t
      where t.wallet_id = '00000000-0000-4000-a000-{ROWS:012}';
    insert into wallet.api_keys (id, name, prefix, secret_hash, scopes, all_users)
      select ('00000000-0000-4000-c000-' || lpad(n::text, 12, '0'))::uuid, 'key', 'pgw_00000000',
        sha256(n::text::bytea), '{{spend}}', false
      from generate_series(1, {ROWS}) n;
    insert into wallet.key_subjects (key_id, user_id)
      select k.id, '00000000-0000-4000-9000-{ROWS:012}' from wallet.api_keys k;
    insert into wallet.key_uses (id, key_id)
      select t.id, '00000000-0000-4000-c000-000000000001' from wallet.transactions t;
    update wallet.retention set keep_days = 1;
    set session_replication_role = origin;
"""
# lines of history, of which there are as many as restores were made, what is known of other databases, rules,
# and operators' own logins, of which there are a few
KEPT = {
    "schema_migrations",
    "installation",
    "checkpoints",
    "event_epochs",
    "shard",
    "homes",
    "retention",
    "operator_logins",
}
LAST = UUID(f"00000000-0000-4000-a000-{ROWS:012}")
OWNER = UUID(f"00000000-0000-4000-9000-{ROWS:012}")
TXN_ID = "(select t.txn_id::text from wallet.transactions t order by t.id desc limit 1)"
HOLD_TXN_ID = "(select h.txn_id::text from wallet.holds h order by h.id desc limit 1)"
REFERENCE = "(select d.reference from wallet.transaction_details d order by d.transaction_id desc limit 1)"
LAST_OR_NULL = f"(select w.id from wallet.wallets w where w.id = '{LAST}')"
FIRST_CHANGED = "(select a.wallet_id from wallet.operator_actions a order by a.id limit 1)"
LAST_HOLDER = "(select t.wallet_id from wallet.transactions t order by t.id desc limit 1)"
PAST = datetime(2020, 1, 1, tzinfo=UTC)


def calls(wallet: UUID, owner: UUID, name: str) -> dict[str, tuple[str, list[Any]]]:
    """Look-ups of this wallet and user, of what is not there, and what is refused."""
    nobody = uuid4()
    items = 20
    unknown = ["transfer"] * items, [wallet] * items, [uuid4() for _ in range(items)], [1] * items
    return {
        "recipients": ("wallet_recipients(%s, %s, %s)", [wallet, [name, "NOBODY", *map(str, range(20))], owner]),
        "batch of transfers to unknown names": (
            "wallet_batch(%s, %s, %s, %s::bigint[], p_actors => %s, p_to_usernames => %s)",
            [*unknown, [owner] * items, [f"nobody{n}" for n in range(items)]],
        ),
        "sign-in": ("wallet_sign_in(%s, 'here')", [name]),
        "sign-in of nobody": ("wallet_sign_in('nobody', 'here')", []),
        "failed sign-in": ("wallet_sign_in_failed(%s, 'here')", [name]),
        "failed sign-in of nobody": ("wallet_sign_in_failed(%s, 'there')", [str(nobody)]),
        "credentials of nobody": ("wallet_credentials('nobody')", []),
        "principal": ("wallet_principal(%s, %s, 0)", [owner, nobody]),
        "session": ("wallet_session(sha256(%s::bytea))", [name]),
        "session of nobody": ("wallet_session(sha256('nobody'))", []),
        "start of a session": ("wallet_start_session(sha256('new'), %s, 0)", [owner]),
        "end of a session": ("wallet_end_session(sha256(%s::bytea))", [name]),
        "demo accounts": ("wallet_demo_accounts()", []),
        "sign-out": ("wallet_sign_out(%s, %s, '2100-01-01')", [owner, nobody]),
        "revocations since": ("wallet_revocations(pg_snapshot_xmax(pg_current_snapshot())::text::bigint)", []),
        "recorded": ("wallet_recorded(%s, %s, %s)", [wallet, [nobody] * 20, owner]),
        "find": ("wallet_find(%s, 'UC', %s)", [owner, owner]),
        "list": ("wallet_list(%s, %s)", [owner, owner]),
        "me": ("wallet_me(%s, %s)", [owner, owner]),
        "token for a forgotten password": ("wallet_create_password_reset(%s, sha256('t'), 'r')", [owner]),
        "use of an unknown token": ("wallet_require_password_reset(sha256('u'))", []),
        "balance": ("wallet_balance(%s, %s)", [wallet, owner]),
        "balances": ("wallet_balances(%s, %s)", [[wallet, nobody], [owner, owner]]),
        "holds, open": ("wallet_holds(%s, 'open', p_actor => %s)", [wallet, owner]),
        "holds, expired": ("wallet_holds(%s, 'expired', 1, p_actor => %s)", [wallet, owner]),
        "holds, captured": ("wallet_holds(%s, 'captured', 1, p_actor => %s)", [wallet, owner]),
        "holds, voided": ("wallet_holds(%s, 'voided', 1, 2, p_actor => %s)", [wallet, owner]),
        "unknown confirmation": ("wallet_confirm(9223372036854775807)", []),
        "search by txn_id": (f"wallet_search({TXN_ID})", []),
        "search by the txn_id of a hold": (f"wallet_search({HOLD_TXN_ID})", []),
        "search by reference": (f"wallet_search({REFERENCE})", []),
        "search by name": ("wallet_search(%s)", [name]),
        "search by wallet": ("wallet_search(%s)", [str(wallet)]),
        "search by user": ("wallet_search(%s)", [str(owner)]),
        "search for nobody": ("wallet_search('nobody')", []),
        "search for an unknown id": ("wallet_search(%s)", [str(nobody)]),
        "user": ("wallet_inspect_user(%s)", [owner]),
        "look at a history": ("wallet_inspect_entries(%s, 1)", [wallet]),
        "look at holds": ("wallet_inspect_holds(%s, 'voided', 1)", [wallet]),
        "look at a statement": ("wallet_inspect_statement(%s, %s, %s)", [wallet, PAST, PAST]),
        "look at a hold": ("wallet_inspect_hold((select max(h.id) from wallet.holds h))", []),
        "look at nothing": ("wallet_inspect_transaction(0)", []),
        "users": ("wallet_users(1, %s)", [owner]),
        "audit": ("wallet_audit(p_limit => 1)", []),
        "audit of a user": ("wallet_audit(%s, p_limit => 1)", [owner]),
        "audit of a wallet": ("wallet_audit(p_wallet_id => %s, p_limit => 1)", [wallet]),
        "audit of an operator": ("wallet_audit(p_operator_id => %s, p_limit => 1)", [owner]),
        "audit of an action": ("wallet_audit(p_action => 'status', p_limit => 1)", []),
        "verifications": ("wallet_verifications(1)", []),
        "last verification": ("wallet_last_verification()", []),
        "taken name": ("wallet_register(%s, 'hash')", [name]),
        "unknown wallet": ("wallet_balance(%s, %s)", [nobody, owner]),
        "unknown transaction": ("wallet_transaction(%s, %s, %s)", [wallet, nobody, owner]),
        "unknown entry": ("wallet_entry(%s, 0, %s)", [wallet, owner]),
        "receipt of an unknown entry": ("wallet_verify_entry(%s, 0, 'x', %s)", [wallet, owner]),
        "refused spend": ("wallet_spend(%s, %s, 90000000, p_actor => %s)", [wallet, nobody, owner]),
        "refused transfer": (
            "wallet_transfer(%s, %s, 1, p_to_username => 'nobody', p_actor => %s)",
            [wallet, nobody, owner],
        ),
        "refused hold": ("wallet_hold(%s, %s, 90000000, p_actor => %s)", [wallet, nobody, owner]),
        "refused capture": ("wallet_capture(%s, %s, %s, p_actor => %s)", [wallet, nobody, nobody, owner]),
        "refused void": ("wallet_void(%s, %s, %s, %s)", [wallet, nobody, nobody, owner]),
        "refused refund": ("wallet_refund(%s, %s, %s, p_actor => %s)", [wallet, nobody, nobody, owner]),
        "refused fund": ("wallet_fund(%s, %s, 1, p_actor => %s)", [wallet, nobody, owner]),
        "refused erasure": ("wallet_erase_user(%s, 'r', %s)", [owner, owner]),
        "statement of a moment": ("wallet_statement(%s, %s, %s, %s)", [wallet, PAST, PAST, owner]),
        "sweep of nothing": ("wallet_sweep(100)", []),
        "unknown webhook": ("wallet_webhook(%s)", [nobody]),
        "test of a webhook": ("wallet_test_webhook(%s)", [WEBHOOK]),
        "delivery of a webhook": ("wallet_webhook_deliveries(%s, 1)", [WEBHOOK]),
        "dead letter of a webhook": ("wallet_webhook_dead_letters(%s, 1)", [WEBHOOK]),
    }


PAGES = {
    "search by the beginning of names": "wallet_search('user-1')",
    "search by a reference of many": "wallet_search('many')",
    "users": "wallet_users(50)",
    "audit": "wallet_audit()",
    "audit of a user": f"wallet_audit('{OWNER}')",
    "audit of a user by another": f"wallet_audit('{OWNER}', p_operator_id => '{LAST}')",
    "audit of a wallet": f"wallet_audit(p_wallet_id => '{LAST}')",
    "audit of an operator": f"wallet_audit(p_operator_id => '{OWNER}')",
    "audit of what an operator never did": f"wallet_audit(p_operator_id => '{OWNER}', p_action => 'erase')",
    "audit of looks at nobody": f"wallet_audit('{LAST}', p_action => 'read')",
    "audit of an action": "wallet_audit(p_action => 'status')",
    "audit of looks": "wallet_audit(p_action => 'read')",
    "audit of what was done": "wallet_audit(p_action => 'done')",
    "verifications": "wallet_verifications()",
    "verification runs": "wallet_verification_runs()",
    "confirmations": "wallet_confirmations()",
    "confirmations, waiting": "wallet_confirmations('waiting')",
    "deliveries of a webhook": f"wallet_webhook_deliveries('{WEBHOOK}')",
    "dead letters of a webhook": f"wallet_webhook_dead_letters('{WEBHOOK}')",
    "removal of what is old": "wallet_prune(100)",
}
LOOKS = {
    "wallet": f"wallet_inspect_wallet(coalesce({LAST_OR_NULL}, {FIRST_CHANGED}))",
    "transfer": "wallet_inspect_transaction((select max(t.id) from wallet.transactions t))",
    "refund": "wallet_inspect_transaction((select max(t.id) - 1 from wallet.transactions t))",
    "own transfer": f"wallet_entry({LAST_HOLDER}, (select max(t.id) from wallet.transactions t))",
    "own refunded": f"wallet_entry({LAST_HOLDER}, (select max(t.id) - 2 from wallet.transactions t))",
    "own receipt": f"wallet_verify_entry({LAST_HOLDER}, (select max(t.id) from wallet.transactions t), 'x')",
    "balances over time": f"wallet_balance_history({LAST_HOLDER}, '2020-01-01', '2020-01-02', 5)",
    "refunded": "wallet_inspect_transaction((select max(t.id) - 2 from wallet.transactions t))",
}
COUNTS = {"webhook": f"wallet_webhook('{WEBHOOK}')"}
COUNTED = 45_000
"""Rows, in tables and indexes: 10,000 each of a backlog and of dead letters, 1,000 of what a webhook has not got to."""
LOOK = 400
"""Rows: 50 changes of a wallet's status, or halving a history."""
PAGE = 7_000
"""Rows: a page of 50 with what is shown of each, or the 1,000 that a page with filters examines, in each index."""


class Costs(NamedTuple):
    """Rows read by call, while the tables were empty and when they are full."""

    empty: dict[str, int]
    full: dict[str, int]
    few: set[str]
    pages: dict[str, int]


@pytest.fixture(scope="module")
def costs(module_database: Database) -> Iterator[Costs]:
    with module_database.connect() as connection:
        row = connection.execute("select user_id, wallet_id from wallet_register('first', 'hash')").fetchone()
        assert row is not None
        connection.execute(
            """
            select wallet_topup(r.wallet_id, gen_random_uuid(), 1, 'a reference'),
              wallet_hold(r.wallet_id, gen_random_uuid(), 1)
            from wallet_register('second', 'hash') r
            """
        )
        connection.execute("select wallet_set_status(%s, 'active', 'a test')", [row[1]])
        connection.execute(
            "insert into wallet.operator_actions (user_id, wallet_id, actor, action) values (%s, %s, %s, 'read')",
            [row[0], row[1], row[0]],
        )
        connection.execute("select wallet_start_session(sha256('first'), %s, 0)", [row[0]])
        connection.execute("select wallet_create_webhook(%s, 'https://a')", [WEBHOOK])
        first = calls(row[1], row[0], "first")
        pages = {name: (call, list[Any]()) for name, call in (PAGES | LOOKS | COUNTS).items()}
        measured(connection, first | pages)
        empty = measured(connection, first)
        connection.execute(FILL.encode())
        full = measured(connection, calls(LAST, OWNER, f"user-{ROWS}"))
        many = measured(connection, pages)
        names = connection.execute(
            "select c.relname from pg_class c where c.relnamespace = 'wallet'::regnamespace and c.relkind = 'r'"
        ).fetchall()
        few = {
            name
            for (name,) in names
            if len(connection.execute(f"select from wallet.{name} limit 2000".encode()).fetchall()) < 2000
        }
        yield Costs(empty, full, few, many)


def measured(connection: psycopg.Connection, of: dict[str, tuple[str, list[Any]]]) -> dict[str, int]:
    return {name: max(cost(connection, *call) for _ in range(CALLS)) for name, call in of.items()}


def cost(connection: psycopg.Connection, call: str, arguments: list[Any]) -> int:
    """Rows of tables and indexes that a call reads, a refused one too; what it wrote is undone."""
    with connection.transaction(force_rollback=True):
        before = rows_read(connection)
        try:
            with connection.transaction():
                connection.execute(f"select * from {call}".encode(), arguments)
        except psycopg.Error as error:
            if not (error.sqlstate or "").startswith("WA"):
                raise
        return rows_read(connection) - before


def rows_read(connection: psycopg.Connection) -> int:
    """What this transaction has read."""
    row = connection.execute(
        """
        select sum(pg_stat_get_xact_tuples_returned(c.oid) + pg_stat_get_xact_tuples_fetched(c.oid))::bigint
        from pg_class c
        where c.relnamespace = 'wallet'::regnamespace and c.relkind in ('r', 'i')
        """
    ).fetchone()
    assert row is not None
    return int(row[0])


def test_every_table_is_full(costs: Costs) -> None:
    assert costs.few <= KEPT


@pytest.mark.parametrize("call", calls(LAST, OWNER, ""))
def test_it_reads_no_more_rows_than_of_empty_tables(costs: Costs, call: str) -> None:
    assert costs.full[call] <= costs.empty[call] + SLACK


@pytest.mark.parametrize("call", PAGES)
def test_a_page_reads_a_bounded_number_of_rows(costs: Costs, call: str) -> None:
    assert costs.pages[call] <= PAGE


@pytest.mark.parametrize("look", LOOKS)
def test_a_look_reads_no_more_than_it_shows(costs: Costs, look: str) -> None:
    assert costs.pages[look] <= LOOK


def test_a_count_goes_no_further_than_it_says(costs: Costs) -> None:
    assert costs.pages["webhook"] <= COUNTED
