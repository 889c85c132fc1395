"""A database that was filled before there could be several: it is database 0, unchanged, and can go back."""

import psycopg

from tests.api.setup.conftest import dbmate
from tests.database import Database

CLUSTER = "20261202000000"
NEWEST = "select max(version) from public.pgwallet_migrations"
# as the functions of the version before do it: the id is the column's default
REGISTER = """
with added as (
  insert into wallet.users (username, password_hash) values ('veteran', 'a hash') returning id
)
insert into wallet.wallets (owner_id, asset, kind) select id, 'UC', 'user' from added returning owner_id, id
"""
TOPUP = "select balance from wallet_topup(%s, gen_random_uuid(), 10)"


def take_back(database: Database, administrator: psycopg.Connection) -> None:
    """Roll back to before there could be several databases, under the functions that are there."""
    while (administrator.execute(NEWEST).fetchone() or ("",))[0] >= CLUSTER:
        done = dbmate(database, "down")
        assert done.returncode == 0, done.stderr


def test_ids_and_names_of_before_stay_and_are_of_database_0(
    database: Database, administrator: psycopg.Connection
) -> None:
    take_back(database, administrator)
    assert administrator.execute("select to_regclass('wallet.shard')").fetchone() == (None,)
    (row,) = administrator.execute(REGISTER).fetchall()
    user_id, wallet_id = row
    assert 8 not in (user_id.version, wallet_id.version)
    assert administrator.execute(TOPUP, [wallet_id]).fetchall() == [(10,)], "money moves between rollback and deploy"

    database.migrate()
    assert administrator.execute("select * from wallet_verify()").fetchall() == []
    assert administrator.execute("select number, numbers from wallet.shard, wallet.homes").fetchall() == [(0, [0])]
    assert administrator.execute("select user_id, wallet_id from wallet_credentials('VETERAN')").fetchall() == [row]
    assert administrator.execute("select wallet_id from wallet_list(%s)", [user_id]).fetchall() == [(wallet_id,)]
    newcomer = administrator.execute("select user_id, wallet_id from wallet_register('newcomer', 'a hash')").fetchone()
    assert newcomer is not None
    assert [one.version for one in newcomer] == [8, 8]
    send = "select balance from wallet_transfer(%s, gen_random_uuid(), 5, p_to_username => %s)"
    assert administrator.execute(send, [wallet_id, "newcomer"]).fetchall() == [(5,)]
    assert administrator.execute(send, [newcomer[1], "veteran"]).fetchall() == [(1000,)]
    numbers = administrator.execute("select min(id >> 40), max(id >> 40), min(id) from wallet.transactions").fetchone()
    assert numbers is not None
    assert (numbers[:2], numbers[2] < 100) == ((0, 0), True), "numbers go on, too"
    assert administrator.execute("select * from wallet_verify()").fetchall() == []
