"""A database that was filled before its entries were chained."""

import shutil
from collections.abc import Callable
from pathlib import Path

from api.setup.deploy import DB
from tests.database import Database

CHAIN = "20261123000000"
ONE_ORDER = "20261127000000"
FILL = """
insert into wallet.assets (code, name, scale) values ('UC', 'credits', 0);
insert into wallet.users (id, username, password_hash)
select gen_random_uuid(), 'user-' || n, 'hash' from generate_series(1, 3) n;
insert into wallet.wallets (owner_id, asset, kind) select id, 'UC', 'user' from wallet.users;
insert into wallet.wallets (id, asset, kind, purpose)
values (md5('system wallet topup UC')::uuid, 'UC', 'system', 'topup');

create temp table filled as
select nextval('wallet.transaction_ids') as id, n as seq, w.id as wallet_id
from wallet.wallets w, generate_series(1, 5) n where w.kind = 'user';
insert into wallet.transactions (id, seq, amount, created_at, wallet_id, txn_id, type)
select id, seq, 10, clock_timestamp(), wallet_id, gen_random_uuid(), 'topup' from filled order by seq;
insert into wallet.ledger (seq, transaction_id, amount, balance_after, wallet_id)
select seq, id, 10, seq * 10, wallet_id from filled
union all
select id, id, -10, null, md5('system wallet topup UC')::uuid from filled;
insert into wallet.transaction_details (transaction_id, reference, metadata, effective_at)
select id, 'order ' || id, '{"a": 1}', '2026-01-01' from filled where id % 2 = 0;

-- one of them sends to another, as the sixth entry of each
create temp table moved as
select nextval('wallet.transaction_ids') as id, min(w.id::text)::uuid as sender, max(w.id::text)::uuid as recipient
from wallet.wallets w where w.kind = 'user';
insert into wallet.transactions (id, seq, amount, created_at, wallet_id, txn_id, type, counterparty_id)
select id, 6, 7, clock_timestamp(), sender, gen_random_uuid(), 'transfer', recipient from moved;
insert into wallet.ledger (seq, transaction_id, amount, balance_after, wallet_id)
select 6, id, -7, 43, sender from moved
union all
select 6, id, 7, 57, recipient from moved;
"""

# The wallet that neither sends nor receives captures a hold in two parts, voids one, has one open and one that is due.
CAPTURES = """
create temp table captured as
select nextval('wallet.transaction_ids') as id, w.id as wallet_id, n, 5 * (n + 1) as amount, gen_random_uuid() as txn_id
from wallet.wallets w, generate_series(1, 2) n
where w.kind = 'user' and not exists (select from wallet.ledger l where l.wallet_id = w.id and l.seq = 6);
insert into wallet.wallets (id, asset, kind, purpose)
values (md5('system wallet capture UC')::uuid, 'UC', 'system', 'capture');
insert into wallet.transactions (id, seq, amount, created_at, wallet_id, txn_id, type)
select id, 5 + n, amount, clock_timestamp(), wallet_id, txn_id, 'capture' from captured order by n;
insert into wallet.ledger (seq, transaction_id, amount, balance_after, wallet_id)
select 5 + n, id, -amount, 50 - sum(amount) over (order by n), wallet_id from captured
union all
select id, id, amount, null, md5('system wallet capture UC')::uuid from captured;
insert into wallet.transaction_available (transaction_id, available) select id, 20 from captured where n = 1;

insert into wallet.holds (wallet_id, txn_id, amount, captured, status, expires_at, created_at)
select wallet_id, gen_random_uuid(), h.amount, h.captured, h.status, now() + h.expires_in, now() - interval '1 day'
from captured, (values
  (30, 25, 'captured', interval '1 day'), (5, 0, 'voided', interval '1 day'), (4, 0, 'open', interval '1 day'),
  (3, 0, 'open', interval '-1 hour')
) h (amount, captured, status, expires_in)
where n = 1;
insert into wallet.hold_events (hold_id, wallet_id, txn_id, event, amount, balance_after, available_after, created_at)
select id, wallet_id, txn_id, 'hold', amount, 50, 50, created_at from wallet.holds
union all
select id, wallet_id, gen_random_uuid(), 'void', 5, 50, 50, now() - interval '1 hour'
from wallet.holds where amount = 5;
insert into wallet.hold_events (
  hold_id, wallet_id, txn_id, event, amount, final, transaction_id, balance_after, available_after, created_at
)
select h.id, h.wallet_id, c.txn_id, 'capture', c.amount, c.n = 2, c.id, 0, 0, t.created_at
from wallet.holds h, captured c join wallet.transactions t using (id) where h.amount = 30;

insert into wallet.limits (wallet_id, kind, per_day) select wallet_id, 'topup', 100 from captured where n = 1;
insert into wallet.operator_actions (wallet_id, action, detail)
select wallet_id, 'limits', jsonb_build_object(
  'floor', -10, 'max_balance', 500, 'limits', jsonb_build_array(
    jsonb_build_object('kind', 'topup', 'per_day', 100, 'per_30_days', null, 'per_transaction', null)
  )
)
from captured where n = 1
union all
select wallet_id, 'status', '{"from": "active", "to": "frozen", "reason": "a test"}'::jsonb from captured where n = 1;
update wallet.wallets w set has_holds = true, has_limits = true, floor = -10, max_balance = 500, status = 'frozen'
from captured c where w.id = c.wallet_id;
insert into wallet.limit_usage (wallet_id, kind, hour, amount)
select wallet_id, case when type = 'topup' then 'topup' else 'spend' end, date_trunc('hour', created_at, 'UTC'),
  sum(amount)
from wallet.transactions where wallet_id = (select wallet_id from captured limit 1) group by 1, 2, 3;
"""
# Who received was erased.
ERASURE = """
create temp table erased as
select w.id as wallet_id, w.owner_id
from wallet.wallets w join wallet.transactions t on t.counterparty_id = w.id;
update wallet.transaction_details d set reference = null, metadata = null, effective_at = null, salt = null
from wallet.transactions t, erased e where t.id = d.transaction_id and t.wallet_id = e.wallet_id;
update wallet.users u set erased_at = now(), username = 'erased-somebody' from erased e where u.id = e.owner_id;
insert into wallet.erasures (user_id, reason, transactions, holds) select owner_id, 'a request', 2, 0 from erased;
"""


def test_a_deploy_chains_what_is_on_record(
    empty_database: Database, db: Path, apply: Callable[[Database], None]
) -> None:
    shutil.rmtree(db / "functions")
    (db / "functions").mkdir()
    shutil.rmtree(db / "seeds")
    (db / "seeds").mkdir()
    for file in (db / "migrations").glob("*.sql"):
        if file.name >= CHAIN:
            file.unlink()
    apply(empty_database)
    with empty_database.connect() as administrator:
        administrator.execute(FILL)
        before = administrator.execute(
            "select seq, transaction_id, amount, balance_after, wallet_id from wallet.ledger order by 1, 2, 5"
        ).fetchall()

    for folder in ("migrations", "functions", "seeds"):
        shutil.copytree(DB / folder, db / folder, dirs_exist_ok=True)
    apply(empty_database)
    with empty_database.connect() as administrator:
        found = administrator.execute("select distinct violation from wallet_verify()").fetchall()
        assert found == []
        kept = administrator.execute(
            "select seq, transaction_id, amount, balance_after, wallet_id from wallet.ledger "
            "where transaction_id <= (select max(transaction_id) from wallet.ledger where seq = 6) order by 1, 2, 5"
        ).fetchall()
        assert kept == before
        first = "(select id from wallet.wallets where kind = 'user' limit 1)"
        receipt = administrator.execute(f"select receipt from wallet_topup({first}, gen_random_uuid(), 1)").fetchone()
        assert receipt is not None
        assert administrator.execute("select * from wallet_verify()").fetchall() == []


def test_a_deploy_puts_what_became_of_holds_on_record(
    empty_database: Database, db: Path, apply: Callable[[Database], None]
) -> None:
    for folder in ("functions", "seeds"):
        shutil.rmtree(db / folder)
        (db / folder).mkdir()
    for file in (db / "migrations").glob("*.sql"):
        if file.name >= CHAIN:
            file.unlink()
    apply(empty_database)
    with empty_database.connect() as administrator:
        administrator.execute(FILL)
        administrator.execute(CAPTURES)
    for file in (DB / "migrations").glob("*.sql"):
        if file.name < ONE_ORDER:
            shutil.copy(file, db / "migrations")
    apply(empty_database)
    with empty_database.connect() as administrator:
        administrator.execute(ERASURE)

    for folder in ("migrations", "functions", "seeds"):
        shutil.copytree(DB / folder, db / folder, dirs_exist_ok=True)
    apply(empty_database)
    with empty_database.connect() as administrator:
        found = administrator.execute("select violation from wallet_verify()").fetchall()
        assert found == [("warning: name",)]
        holds = administrator.execute("select status from wallet.holds order by amount desc").fetchall()
        assert [status for (status,) in holds] == ["captured", "voided", "open", "expired"]
        row = administrator.execute("select wallet_id, txn_id from wallet.holds where status = 'open'").fetchone()
        assert row is not None
        one, hold = row
        administrator.execute("select wallet_set_status(%s, 'active', 'a test')", [one])
        administrator.execute("select wallet_capture(%s, gen_random_uuid(), %s, 1)", [one, hold])
        administrator.execute("select wallet_topup(%s, gen_random_uuid(), 1)", [one])
        administrator.execute("select wallet_void(%s, gen_random_uuid(), %s)", [one, hold])
        assert administrator.execute("select violation from wallet_verify()").fetchall() == found
