"""A database that was filled before its entries were chained."""

import shutil
from collections.abc import Callable
from pathlib import Path

from api.deploy import DB
from tests.database import Database

CHAIN = "20261123000000"
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
