"""A retry is answered as the first time, whatever became of names, roles and the clock; and races with an erasure."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, ClassVar
from uuid import UUID, uuid4

import psycopg
import pytest

from tests.clock import Clock
from tests.database import Database
from tests.system.concurrency.conftest import Owner
from tests.system.concurrency.sessions import PATIENCE, Session, sessions, txn, until_waiting

ERASE = "select * from wallet_erase_user(%s, 'asked for it')"
BATCH = """
    select outcome, id, created_at
    from wallet_batch('{transfer}', %s, %s, '{10}', '{r}', p_actors => %s, p_to_usernames => '{fred}')
"""
TRANSFER = "select * from wallet_transfer(%s, %s, 10, p_to_username => 'fred', p_reference => 'r', p_actor => %s)"


@pytest.fixture
def fred(register: Callable[[str], Owner]) -> Owner:
    return register("fred")


@pytest.fixture
def service(database: Database) -> Iterator[Session]:
    with sessions(database, 1, service=True) as opened:
        yield opened[0]


@pytest.fixture
def operator(observer: Session, register: Callable[[str], Owner]) -> UUID:
    made = register("olga")
    observer.run("select wallet_set_role('olga', 'operator')")
    return made.user_id


def only(rows: list[dict[str, Any]]) -> dict[str, Any]:
    (row,) = rows
    return row


def refusal(call: Callable[[], object]) -> str | None:
    with pytest.raises(psycopg.Error) as error:
        call()
    return error.value.sqlstate


class TestTransferByName:
    def test_it_replays_when_the_recipient_was_erased(
        self, observer: Session, service: Session, owner: Owner, fred: Owner
    ) -> None:
        single, batched = txn(1), txn(2)
        first = only(service.run(TRANSFER, owner.wallet_id, single, owner.user_id))
        item = only(service.run(BATCH, [owner.wallet_id], [batched], [owner.user_id]))
        observer.run(ERASE, fred.user_id)
        assert only(service.run(TRANSFER, owner.wallet_id, single, owner.user_id)) == first | {"replayed": True}
        again = only(service.run(BATCH, [owner.wallet_id], [batched], [owner.user_id]))
        assert again == item | {"outcome": "replayed"}
        # either way of sending it
        assert only(service.run(TRANSFER, owner.wallet_id, batched, owner.user_id))["replayed"]
        assert only(service.run(BATCH, [owner.wallet_id], [single], [owner.user_id]))["outcome"] == "replayed"
        assert refusal(lambda: service.run(TRANSFER, owner.wallet_id, txn(3), owner.user_id)) == "WA009"
        assert only(service.run(BATCH, [owner.wallet_id], [txn(4)], [owner.user_id]))["outcome"] == "WA009"

    def test_and_the_name_is_nobody_elses(self, observer: Session, service: Session, owner: Owner, fred: Owner) -> None:
        service.run(TRANSFER, owner.wallet_id, txn(1), owner.user_id)
        observer.run(ERASE, fred.user_id)
        for name in ("fred", "FRED"):
            assert refusal(partial(service.run, "select wallet_register(%s, 'hash')", name)) == "WA005"
        assert only(service.run(TRANSFER, owner.wallet_id, txn(1), owner.user_id))["replayed"]

    def test_another_recipient_is_another_request(
        self, service: Session, owner: Owner, fred: Owner, register: Callable[[str], Owner]
    ) -> None:
        gina = register("gina")
        service.run(TRANSFER, owner.wallet_id, txn(1), owner.user_id)
        sql = "select wallet_transfer(%s, %s, 10, %s, p_reference => 'r', p_actor => %s)"
        assert refusal(lambda: service.run(sql, owner.wallet_id, txn(1), gina.wallet_id, owner.user_id)) == "WA004"
        service.run(sql, owner.wallet_id, txn(1), fred.wallet_id, owner.user_id)


def test_what_was_sent_with_details_replays_when_its_sender_was_erased(observer: Session, owner: Owner) -> None:
    calls = [
        ("select * from wallet_hold(%s, %s, 10, p_reference => 'r', p_metadata => '{\"a\": 1}')", txn(1)),
        ("select * from wallet_topup(%s, %s, 10, 'r', p_effective_at => '2001-01-01')", txn(2)),
        ("select * from wallet_spend(%s, %s, 10, 'r')", txn(3)),
        (f"select * from wallet_capture(%s, %s, '{txn(1)}', 5, p_reference => 'r')", txn(4)),
        (f"select * from wallet_refund(%s, %s, '{txn(3)}', p_reference => 'r')", txn(5)),
        (f"select * from wallet_void(%s, %s, '{txn(1)}')", txn(6)),
    ]
    first = [only(observer.run(sql, owner.wallet_id, number)) for sql, number in calls]
    observer.run(ERASE, owner.user_id)
    again = [only(observer.run(sql, owner.wallet_id, number)) for sql, number in calls]
    assert again == [answer | {"replayed": True} for answer in first]


class TestDemotedOperator:
    """Gets the first result of what the audit says they did, and nothing else."""

    CALLS = {  # noqa: RUF012 - constant
        "adjust": "select * from wallet_adjust(%s, %s, 5, 'a reason', p_actor => %s)",
        "fund": "select * from wallet_fund(%s, %s, 5, p_actor => %s)",
        "give back": f"select * from wallet_give_back(%s, %s, '{txn(99)}', 5, p_actor => %s)",
    }

    @pytest.mark.parametrize("name", CALLS)
    def test_the_own_is_replayed(
        self, observer: Session, service: Session, owner: Owner, operator: UUID, name: str
    ) -> None:
        sql = self.CALLS[name]
        observer.run("select wallet_spend(%s, %s, 50)", owner.wallet_id, txn(99))
        first = only(service.run(sql, owner.wallet_id, txn(1), operator))
        observer.run("select wallet_set_role('olga', 'user')")
        assert only(service.run(sql, owner.wallet_id, txn(1), operator)) == first | {"replayed": True}
        assert refusal(lambda: service.run(sql, owner.wallet_id, txn(2), operator)) == "WA027"

    def test_others_and_the_owners_are_not(
        self, observer: Session, service: Session, owner: Owner, operator: UUID, register: Callable[[str], Owner]
    ) -> None:
        second = register("otto").user_id
        observer.run("select wallet_set_role('otto', 'operator')")
        service.run(self.CALLS["fund"], owner.wallet_id, txn(1), second)
        service.run("select wallet_topup(%s, %s, 5, p_actor => %s)", owner.wallet_id, txn(2), owner.user_id)
        observer.run("select wallet_fund(%s, %s, 5)", owner.wallet_id, txn(3))
        observer.run("select wallet_set_role('olga', 'user')")
        for number in (1, 2, 3):
            again = lambda number=number: service.run(  # noqa: E731
                self.CALLS["fund"], owner.wallet_id, txn(number), operator
            )
            assert refusal(again) == "WA027"

    def test_the_own_with_another_amount_is_another_request(
        self, observer: Session, service: Session, owner: Owner, operator: UUID
    ) -> None:
        service.run(self.CALLS["fund"], owner.wallet_id, txn(1), operator)
        observer.run("select wallet_set_role('olga', 'user')")
        sql = "select wallet_fund(%s, %s, 6, p_actor => %s)"
        assert refusal(lambda: service.run(sql, owner.wallet_id, txn(1), operator)) == "WA004"


def test_effective_at_is_judged_after_the_replay(database: Database, observer: Session, owner: Owner) -> None:
    clock = Clock(database)
    fred = only(observer.run("select wallet_id from wallet_register('fred', 'hash')"))["wallet_id"]
    clock.set(hours=3)
    moment = clock.now()
    clock.step(seconds=1)
    observer.run("select wallet_spend(%s, %s, 5)", owner.wallet_id, txn(9))
    observer.run("select wallet_hold(%s, %s, 5)", owner.wallet_id, txn(8))
    calls = [
        ("select * from wallet_topup(%s, %s, 1, p_effective_at => %s)", txn(1)),
        ("select * from wallet_spend(%s, %s, 1, p_effective_at => %s)", txn(2)),
        (f"select * from wallet_transfer(%s, %s, 1, '{fred}', p_effective_at => %s)", txn(3)),
        (f"select * from wallet_capture(%s, %s, '{txn(8)}', 1, p_effective_at => %s)", txn(4)),
        (f"select * from wallet_refund(%s, %s, '{txn(9)}', 1, p_effective_at => %s)", txn(5)),
        ("select * from wallet_adjust(%s, %s, 1, 'a reason', p_effective_at => %s)", txn(6)),
    ]
    first = [only(observer.run(sql, owner.wallet_id, number, moment)) for sql, number in calls]
    clock.set()
    again = [only(observer.run(sql, owner.wallet_id, number, moment)) for sql, number in calls]
    assert again == [answer | {"replayed": True} for answer in first]
    for sql, _ in calls:
        assert refusal(partial(observer.run, sql, owner.wallet_id, uuid4(), moment)) == "WA023"
    clock.set(hours=4)
    clock.close()


class TestErasureRaces:
    @pytest.mark.parametrize("end", ["commit", "rollback"])
    def test_the_name_that_is_being_given_free_is_reserved(
        self, database: Database, service: Session, fred: Owner, end: str
    ) -> None:
        with sessions(database, 1) as (eraser,):
            eraser.run("begin")
            eraser.run(ERASE, fred.user_id)
            assert refusal(lambda: service.run("select wallet_register('fred', 'hash')")) == "WA005"
            eraser.run(end)
            assert refusal(lambda: service.run("select wallet_register('fred', 'hash')")) == "WA005"

    @pytest.mark.parametrize(
        "sql",
        [
            "select wallet_topup(%s, %s, 1, 'secret', p_actor => %s)",
            "select wallet_topup(%s, %s, 1, 'secret', p_effective_at => '2001-01-01', p_actor => %s)",
            "select wallet_hold(%s, %s, 1, p_reference => 'secret', p_actor => %s)",
            "select wallet_batch('{topup}', array[%s::uuid], array[%s::uuid], '{1}', '{secret}',"
            " p_actors => array[%s::uuid])",
        ],
        ids=["topup", "topup the long way", "hold", "batch"],
    )
    def test_details_that_arrive_meanwhile_are_not_in_the_clear(
        self, database: Database, observer: Session, service: Session, fred: Owner, sql: str
    ) -> None:
        with sessions(database, 1) as (eraser,):
            eraser.run("begin")
            eraser.run(ERASE, fred.user_id)
            answer = service.start(sql, fred.wallet_id, txn(1), fred.user_id)
            until_waiting(observer, service)
            eraser.run("commit")
            answer.result(PATIENCE)
        self.in_the_clear(observer, fred, 0)

    def test_nor_are_those_of_a_batch_that_is_written_as_a_set(
        self, database: Database, observer: Session, service: Session, fred: Owner
    ) -> None:
        many = 12
        sql = "select wallet_batch(%s, %s, %s, %s, %s, p_actors => %s)"
        columns = [["topup"] * many, [fred.wallet_id] * many, [uuid4() for _ in range(many)], [1] * many]
        with sessions(database, 1) as (eraser,):
            eraser.run("begin")
            eraser.run(ERASE, fred.user_id)
            answer = service.start(sql, *columns, ["secret"] * many, [fred.user_id] * many)
            until_waiting(observer, service)
            eraser.run("commit")
            answer.result(PATIENCE)
        self.in_the_clear(observer, fred, 0)
        assert only(observer.run("select balance from wallet_balance(%s)", fred.wallet_id))["balance"] == 1012

    def test_an_erasure_waits_for_who_is_before_it(
        self, database: Database, observer: Session, service: Session, fred: Owner
    ) -> None:
        with sessions(database, 1) as (eraser,):
            service.run("begin")
            service.run("select wallet_topup(%s, %s, 1, 'secret', p_actor => %s)", fred.wallet_id, txn(1), fred.user_id)
            answer = eraser.start(ERASE, fred.user_id)
            until_waiting(observer, eraser)
            service.run("commit")
            answer.result(PATIENCE)
        self.in_the_clear(observer, fred, 0)

    def test_a_second_erasure_finishes_what_an_older_version_left(self, observer: Session, fred: Owner) -> None:
        observer.run("select wallet_topup(%s, %s, 1, 'secret')", fred.wallet_id, txn(1))
        # as it was before the wallet knew
        observer.run("update wallet.users set username = 'erased-x', erased_at = now() where id = %s", fred.user_id)
        self.in_the_clear(observer, fred, 1)
        assert only(observer.run(ERASE, fred.user_id))["transactions"] == 1
        self.in_the_clear(observer, fred, 0)
        assert refusal(lambda: observer.run(ERASE, fred.user_id)) == "WA030"

    @pytest.mark.parametrize("first", ["erasure", "wallet"])
    def test_whoever_is_erased_meanwhile_opens_no_wallet(
        self, database: Database, observer: Session, service: Session, fred: Owner, first: str
    ) -> None:
        opening = ("select wallet_id from wallet_open(%s, 'USD', %s)", (fred.user_id, fred.user_id))
        with sessions(database, 1) as (eraser,):
            order = [(eraser, (ERASE, (fred.user_id,))), (service, opening)]
            (one, (call, for_one)), (two, (later, for_two)) = order if first == "erasure" else order[::-1]
            one.run("begin")
            one.run(call, *for_one)
            answer = two.start(later, *for_two)
            until_waiting(observer, two)
            one.run("commit")
            if first == "erasure":
                assert refusal(lambda: answer.result(PATIENCE)) == "WA029"
            else:
                answer.result(PATIENCE)
        sql = "select bool_and(is_erased) as erased, count(*) as n from wallet.wallets where owner_id = %s"
        assert only(observer.run(sql, fred.user_id)) == {"erased": True, "n": 1 if first == "erasure" else 2}

    @staticmethod
    def in_the_clear(observer: Session, owner: Owner, count: int) -> None:
        sql = """
            select (
              select count(*)
              from wallet.transaction_details d
              join wallet.transactions t on t.id = d.transaction_id
              where t.wallet_id = %s and num_nonnulls(d.reference, d.metadata, d.effective_at, d.salt) > 0
            ) + (
              select count(*) from wallet.holds h where h.wallet_id = %s and num_nonnulls(h.reference, h.metadata) > 0
            ) as n
        """
        assert only(observer.run(sql, owner.wallet_id, owner.wallet_id))["n"] == count


class TestStrangersWallets:
    """A batch locks no wallet that its actor does not own, but recipients of its transfers; nor for a key in vain."""

    SQL = """
        select outcome
        from wallet_batch(
          '{topup}', %s, %s, '{1}', p_actors => %s::uuid[], p_skip_locked => %s, p_key_ids => %s::uuid[]
        )
    """
    CALLERS: ClassVar[dict[str, Callable[[Owner, Owner], tuple[list[Any], list[UUID] | None, str]]]] = {
        "a stranger": lambda _, fred: ([fred.user_id], None, "WA001"),
        "nobody": lambda *_: ([None], None, "WA002"),
        "by a key that may not": lambda owner, _: ([owner.user_id], [uuid4()], "WA047"),
    }

    @pytest.mark.parametrize("skip", [True, False])
    @pytest.mark.parametrize("actor", ["a stranger", "nobody", "by a key that may not"])
    def test_they_are_not_locked(
        self,
        database: Database,
        service: Session,
        owner: Owner,
        fred: Owner,
        skip: bool,
        actor: str,
    ) -> None:
        actors, keys, code = self.CALLERS[actor](owner, fred)
        service.run("begin")
        assert only(service.run(self.SQL, [owner.wallet_id], [txn(1)], actors, skip, keys))["outcome"] == code
        with sessions(database, 1) as (other,):
            assert other.run("select id from wallet.wallets where id = %s for update nowait", owner.wallet_id)
        service.run("rollback")

    @pytest.mark.parametrize("skip", [True, False])
    @pytest.mark.parametrize("actor", ["a stranger", "nobody", "by a key that may not"])
    def test_nor_waited_for(
        self,
        database: Database,
        service: Session,
        owner: Owner,
        fred: Owner,
        skip: bool,
        actor: str,
    ) -> None:
        actors, keys, code = self.CALLERS[actor](owner, fred)
        with sessions(database, 1) as (holder,):
            holder.run("begin")
            holder.run("select from wallet.wallets where id = %s for update", owner.wallet_id)
            service.run("set lock_timeout = '1ms'")
            assert only(service.run(self.SQL, [owner.wallet_id], [txn(1)], actors, skip, keys))["outcome"] == code
            holder.run("rollback")
