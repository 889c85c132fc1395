"""How far a verification is comes at once, as messages to the client, because its rows come after the last rule."""

import json

from tests.database import Database


def test_every_rule_and_every_range_of_the_ledger_are_told(database: Database) -> None:
    told = []
    with database.connect() as connection:
        connection.execute("""
            select wallet_topup(w.id, gen_random_uuid(), 5)
            from wallet.wallets w join wallet.users u on u.id = w.owner_id where u.username = 'alice'
        """)
        connection.execute("""
            update pg_class set reltuples = (select count(*) from wallet.transactions)
            where oid = 'wallet.transactions'::regclass
        """)
        connection.add_notice_handler(lambda message: told.append((message.message_primary, message.message_detail)))
        connection.execute("set client_min_messages = debug1")
        assert connection.execute("select * from wallet_verify()").fetchall() == []
    progress = [json.loads(detail or "") for text, detail in told if text == "pgwallet verification"]
    rules = [
        "ledger",
        "holds",
        "refunds",
        "wallets",
        "usage",
        "erasures",
        "transfers",
        "keys",
        "sequences",
        "cluster",
        "oddities",
    ]
    # a transaction is met with its entry in a system wallet, then its own entry
    parts = [{"part": 0.67}, {"part": 1}]
    assert [{"part": round(p["part"], 2)} if "part" in p else p for p in progress] == [
        {"rule": "ledger", "rules_done": 0, "rules": len(rules)},
        *parts,
        *({"rule": rule, "rules_done": place, "rules": len(rules)} for place, rule in enumerate(rules) if place),
    ]
