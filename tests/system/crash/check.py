"""The judge: what clients were told against what the tables hold, by SQL of its own and then by `wallet_verify()`."""

from collections.abc import Iterable

import psycopg

from tests.system.crash.requests import BONUS, Account, Outcome, Request

DURABILITY = ("fsync", "full_page_writes", "synchronous_commit")

TOLD = """
create temporary table told (
  wallet_id uuid, txn_id uuid, type text, amount bigint, to_wallet_id uuid, acknowledged boolean,
  id bigint, answered_wallet_id uuid, answered_txn_id uuid, answered_type text, answered_amount bigint, balance bigint,
  receipt text
) on commit drop;
create temporary table accounts (wallet_id uuid) on commit drop;
"""

# Whole tables are read, never one row by an index: a crash can harm either.
QUERIES = {
    "acknowledged, but not there exactly once": """
        select k.txn_id, count(t.id) as found
        from told k left join wallet.transactions t on t.txn_id = k.txn_id
        where k.acknowledged group by k.txn_id having count(t.id) <> 1""",
    "refused, but there": """
        select k.txn_id, t.id from told k join wallet.transactions t on t.txn_id = k.txn_id where not k.acknowledged""",
    "there, but nobody was told": """
        select t.id, t.wallet_id, t.txn_id, t.type, t.amount
        from wallet.transactions t join accounts a on a.wallet_id = t.wallet_id
        where t.type <> 'bonus' and not exists (select from told k where k.txn_id = t.txn_id and k.acknowledged)""",
    "there, but not as acknowledged": """
        select k.*, t.*, l.*
        from told k
        join wallet.transactions t on t.txn_id = k.txn_id
        left join wallet.ledger l on l.wallet_id = t.wallet_id and l.seq = t.seq and l.transaction_id = t.id
        where k.acknowledged and (
          (t.wallet_id, t.type::text, t.amount) is distinct from (k.wallet_id, k.type, k.amount)
          or t.counterparty_id is distinct from k.to_wallet_id
          or (k.answered_wallet_id, k.answered_txn_id, k.answered_type, k.answered_amount)
             is distinct from (k.wallet_id, k.txn_id, k.type, k.amount)
          or (t.id, l.balance_after, encode(l.hash, 'hex')) is distinct from (k.id, k.balance, k.receipt)
          or l.amount is distinct from case when k.type = 'topup' then k.amount else -k.amount end)""",
    "entries of an acknowledged transaction": """
        select k.txn_id, count(l.amount) as entries, sum(l.amount) as net
        from told k left join wallet.ledger l on l.transaction_id = k.id
        where k.acknowledged group by k.txn_id having count(l.amount) <> 2 or sum(l.amount) <> 0""",
    "balance": f"""
        with moved as (
          select wallet_id, sum(case when type = 'topup' then amount else -amount end) as amount
          from told where acknowledged group by wallet_id
          union all
          select to_wallet_id, sum(amount) from told where acknowledged and type = 'transfer' group by to_wallet_id
        ),
        expected as (
          select a.wallet_id, {BONUS} + coalesce(sum(m.amount), 0) as balance
          from accounts a left join moved m on m.wallet_id = a.wallet_id group by a.wallet_id
        ),
        held as (
          select wallet_id, sum(amount) as balance, count(*) as entries, max(seq) as newest,
            (array_agg(balance_after order by seq desc))[1] as stored
          from wallet.ledger group by wallet_id
        )
        select e.wallet_id, e.balance as expected, h.balance, h.stored, h.entries, h.newest
        from expected e left join held h on h.wallet_id = e.wallet_id
        where (h.balance, h.stored, h.entries) is distinct from (e.balance, e.balance, h.newest)""",
    "wallet_verify()": "select * from public.wallet_verify()",
}


def findings(url: str, requests: Iterable[Request], accounts: Iterable[Account]) -> list[str]:
    """What is wrong in the database at `url`, given all that clients were told; nothing may be under way."""
    with psycopg.connect(url, row_factory=psycopg.rows.dict_row) as connection, connection.transaction():
        connection.execute("set transaction isolation level repeatable read")
        connection.execute(TOLD)
        write = connection.cursor()
        with write.copy("copy told from stdin") as copy:
            for request in requests:
                copy.write_row(row(request))
        with write.copy("copy accounts from stdin") as copy:
            for account in accounts:
                copy.write_row((account.wallet_id,))
        connection.execute("analyze told; analyze accounts")
        return [f"{name}: {found}" for name, query in QUERIES.items() for found in connection.execute(query)]


def row(request: Request) -> tuple[object, ...]:
    assert request.outcome is not Outcome.UNKNOWN, "every request is settled before the check"
    answer = request.answer or {}
    answered = (answer.get(name) for name in ("id", "wallet_id", "txn_id", "type", "amount", "balance", "receipt"))
    acknowledged = request.outcome is Outcome.ACKNOWLEDGED
    sent = (request.account.wallet_id, request.txn_id, request.type, request.amount, request.to_wallet_id)
    return (*sent, acknowledged, *answered)


def weaknesses(url: str) -> list[str]:
    """Which settings keep an answered transaction from being on disk: the server's, or those of a role or database."""
    with psycopg.connect(url) as connection:
        shown = {name: connection.execute(f"show {name}").fetchone() for name in DURABILITY}
        set_apart = "select setting from pg_db_role_setting, unnest(setconfig) as s (setting) where setting ~ %s"
        apart = connection.execute(set_apart, ["|".join(DURABILITY)]).fetchall()
        return [name for name, value in shown.items() if value != ("on",)] + [str(setting) for (setting,) in apart]


def quiet(url: str) -> bool:
    """Whether nothing is written, nor has been for a while: requests that lost their client have ended too."""
    now = """select pg_current_snapshot()::text from (
      select count(*) as busy from pg_stat_activity
      -- the relay leads by a lock in a transaction that does nothing
      where application_name = 'pgwallet' and state not in ('idle', 'idle in transaction')
    ) where busy = 0"""
    with psycopg.connect(url, autocommit=True) as connection:
        before = connection.execute(now).fetchone()
        connection.execute("select pg_sleep(0.3)")
        # the service reads now and then, which takes no transaction id
        return before is not None and before == connection.execute(now).fetchone()


def busy_backend(url: str) -> int:
    """The process that works for the service: the one connection that its batches take again and again."""
    with psycopg.connect(url, autocommit=True) as connection:
        query = """select pid from pg_stat_activity where application_name = 'pgwallet'
          order by state = 'active' desc, state_change desc limit 1"""
        found = connection.execute(query).fetchone()
        assert found is not None
        return int(found[0])


def version(url: str) -> str:
    with psycopg.connect(url) as connection:
        [found] = connection.execute("show server_version").fetchone() or ("?",)
        return str(found)
