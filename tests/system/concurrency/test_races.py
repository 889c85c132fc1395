"""Many clients at once. Nothing here depends on who comes first, only on what holds whoever does."""

import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import psycopg
import pytest

from tests.database import Database
from tests.system.concurrency.conftest import Owner
from tests.system.concurrency.sessions import Session, at_once, sessions, txn

TOPUP = "select * from wallet_topup(%s, %s, %s, p_actor => %s)"
SPEND = "select * from wallet_spend(%s, %s, %s, p_actor => %s)"
CLIENTS = 32


def outcomes(results: list[Any]) -> Counter[str | None]:
    return Counter(result.sqlstate if isinstance(result, psycopg.Error) else "ok" for result in results)


def balance(observer: Session, owner: Owner) -> int:
    (row,) = observer.run("select balance from wallet_balance(%s)", owner.wallet_id)
    return int(row["balance"])


def test_a_balance_that_covers_ten_of_32_spends_pays_for_exactly_ten(
    database: Database, observer: Session, owner: Owner
) -> None:
    with sessions(database, CLIENTS, service=True) as clients:
        results = at_once(
            [
                partial(client.run, SPEND, owner.wallet_id, txn(number), 100, owner.user_id)
                for number, client in enumerate(clients)
            ]
        )
    assert outcomes(results) == {"ok": 10, "WA003": 22}
    assert sorted(row["balance"] for result in results if isinstance(result, list) for row in result) == [
        100 * left for left in range(10)
    ]
    assert balance(observer, owner) == 0


@pytest.mark.parametrize(("call", "amount", "after"), [(TOPUP, 7, 1007), (SPEND, 1000, 0)], ids=["topup", "spend"])
def test_one_txn_id_sent_32_times_at_once_is_one_transaction_with_32_equal_answers(
    database: Database, observer: Session, owner: Owner, call: str, amount: int, after: int
) -> None:
    with sessions(database, CLIENTS, service=True) as clients:
        results = at_once(
            [partial(client.run, call, owner.wallet_id, txn(1), amount, owner.user_id) for client in clients]
        )
    assert outcomes(results) == {"ok": CLIENTS}
    rows = [row for result in results if isinstance(result, list) for row in result]
    assert Counter(row.pop("replayed") for row in rows) == {False: 1, True: CLIENTS - 1}
    assert all(row == rows[0] for row in rows)
    assert balance(observer, owner) == after
    assert len(observer.run("select 1 from wallet.transactions where wallet_id = %s", owner.wallet_id)) == 2


def test_one_txn_id_for_32_amounts_at_once_is_one_transaction_and_31_refusals(
    database: Database, observer: Session, owner: Owner
) -> None:
    with sessions(database, CLIENTS, service=True) as clients:
        results = at_once(
            [
                partial(client.run, TOPUP, owner.wallet_id, txn(1), 1 + number, owner.user_id)
                for number, client in enumerate(clients)
            ]
        )
    assert outcomes(results) == {"ok": 1, "WA004": CLIENTS - 1}
    (won,) = (row for result in results if isinstance(result, list) for row in result)
    assert balance(observer, owner) == 1000 + won["amount"]


def test_one_name_registered_32_times_at_once_is_one_user_and_31_refusals(
    database: Database, observer: Session
) -> None:
    with sessions(database, CLIENTS, service=True) as clients:
        results = at_once([partial(client.run, "select * from wallet_register('dora', 'hash')") for client in clients])
    assert outcomes(results) == {"ok": 1, "WA005": CLIENTS - 1}
    assert len(observer.run("select 1 from wallet.wallets where kind = 'user'")) == 4


def test_opposite_mixes_on_many_wallets_finish_without_deadlock_while_the_ledger_is_verified(
    database: Database, observer: Session, register: Callable[[str], Owner]
) -> None:
    owners = [register(f"user{number}") for number in range(8)]

    def mix(client: Session, seed: int) -> list[int]:
        """Top up and spend, half the time several wallets in one batch; return what each wallet gained."""
        choice = random.Random(seed)
        gained = [0] * len(owners)
        for _ in range(40):
            indexes = [choice.randrange(len(owners)) for _ in range(choice.choice([1, 1, 6]))]
            # one half of the clients names the wallets in one order, the other in the opposite one
            indexes.sort(key=lambda index: owners[index].wallet_id, reverse=seed % 2 == 0)
            rows = client.run(
                "select wallet_id, type, amount, outcome from wallet_batch(%s, %s, %s, %s, p_actors => %s)",
                [choice.choice(["topup", "spend"]) for _ in indexes],
                [owners[index].wallet_id for index in indexes],
                [txn(choice.getrandbits(38)) for _ in indexes],
                [choice.randint(1, 400) for _ in indexes],
                [owners[index].user_id for index in indexes],
            )
            for index, row in zip(indexes, rows, strict=True):
                assert row["outcome"] in ("ok", "WA003")
                if row["outcome"] == "ok":
                    gained[index] += row["amount"] if row["type"] == "topup" else -row["amount"]
        return gained

    with sessions(database, 8, service=True) as clients, ThreadPoolExecutor(1) as background:
        load = background.submit(at_once, [partial(mix, client, seed) for seed, client in enumerate(clients)])
        verified = 0
        while not load.done():
            assert observer.run("select * from wallet_verify()") == []
            verified += 1
        results = load.result()
    assert outcomes(results) == {"ok": 8}
    assert verified > 1
    for index, owner in enumerate(owners):
        gained = sum(result[index] for result in results if isinstance(result, list))
        assert balance(observer, owner) == 1000 + gained
