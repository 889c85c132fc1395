"""A batch that does not wait: the items of a wallet that somebody holds come back busy, few items or many."""

from uuid import uuid4

import psycopg
import pytest

from tests.database import Database


@pytest.mark.parametrize("items", [3, 30], ids=["one by one", "as a set"])
def test_items_of_a_held_wallet_are_busy_not_written_and_told_to_its_owner_only(
    database: Database, administrator: psycopg.Connection, items: int
) -> None:
    (held, alice), (free, bob) = administrator.execute(
        "select c.wallet_id, c.user_id "
        "from unnest(array['alice', 'bob']) name, wallet_credentials(name) c "
        "order by name"
    ).fetchall()
    places = [held, free, held, *[free] * items]
    actors = [alice, bob, bob, *[bob] * items]
    with database.connect() as holder, holder.transaction(), database.connect(service=True) as service:
        holder.execute("select from wallet.wallets where id = %s for update", [held])
        service.execute("set lock_timeout = '1ms'")
        rows = service.execute(
            "select outcome, wallet_id, balance "
            "from wallet_batch(%s, %s, %s, %s::bigint[], p_actors => %s, p_skip_locked => true)",
            [["topup"] * len(places), places, [uuid4() for _ in places], [1] * len(places), actors],
        ).fetchall()
        assert rows[:4] == [("busy", held, None), ("ok", free, 1001), ("WA001", held, None), ("ok", free, 1002)]
        assert {row[0] for row in rows[4:]} == {"ok"}
    assert administrator.execute("select balance from wallet_balance(%s)", [held]).fetchone() == (1000,)
    assert administrator.execute("select balance from wallet_balance(%s)", [free]).fetchone() == (1001 + items,)
    assert administrator.execute("select * from wallet_verify()").fetchall() == []
