"""Requests that wait for a second operator, while others confirm, reject, use their txn_id, or erase their owner."""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from tests.database import Database
from tests.system.concurrency.conftest import Owner
from tests.system.concurrency.sessions import Session, at_once, in_turn, outcome, sessions, txn, until_waiting

PROPOSE = (
    """select * from wallet_propose('adjustment', %s, %s, null, %s, 'a secret', '{"a": 1}', '2020-01-01', 0, %s)"""
)
REFUND = "select * from wallet_propose('refund', %s, %s, %s, 60, 'r', null, null, 0, %s)"
CONFIRM = "select * from wallet_confirm(%s, %s)"
REJECT = "select * from wallet_reject(%s, 'no', %s)"
ERASE = "select * from wallet_erase_user(%s, 'asked for it')"
TOPUP = "select * from wallet_topup(%s, %s, %s)"

Pair = tuple[Session, Session]


@pytest.fixture
def operators(observer: Session, register: Callable[[str], Owner]) -> list[UUID]:
    """Who asks, and two who may confirm."""
    names = ("olga", "otto", "omar")
    ids = [register(name).user_id for name in names]
    for name in names:
        observer.run("select wallet_set_role(%s, 'operator')", name)
    return ids


@pytest.fixture
def waiting(observer: Session, owner: Owner, operators: list[UUID]) -> int:
    """A credit of 100 under txn(1) that waits."""
    (row,) = observer.run(PROPOSE, owner.wallet_id, txn(1), 100, operators[0])
    found: int = row["id"]
    return found


def stored(observer: Session) -> dict[str, Any]:
    (row,) = observer.run("select * from wallet.confirmations")
    return row


def balance(observer: Session, owner: Owner) -> int:
    (row,) = observer.run("select sum(amount)::bigint as sum from wallet.ledger where wallet_id = %s", owner.wallet_id)
    found: int = row["sum"]
    return found


def text(observer: Session) -> list[dict[str, Any]]:
    """What anybody wrote into a request or its transaction, and is stored yet."""
    return observer.run("""
        select c.reference from wallet.confirmations c
        where c.reference <> 'erased' or num_nonnulls(c.metadata, c.effective_at) > 0
        union all
        select d.reference from wallet.transaction_details d where d.reference <> 'erased' or d.metadata is not null
    """)


def test_two_who_confirm_it_move_it_once(
    observer: Session, pair: Pair, owner: Owner, operators: list[UUID], waiting: int
) -> None:
    first, second = ((CONFIRM, waiting, operator) for operator in operators[1:])
    assert in_turn(observer, pair, first, second) == "replayed"
    assert balance(observer, owner) == 1100
    assert stored(observer)["decided_by"] == operators[1]


def test_many_at_once_move_it_once(
    database: Database, observer: Session, owner: Owner, operators: list[UUID], waiting: int
) -> None:
    with sessions(database, 8) as clients:
        results = at_once(
            [partial(client.run, CONFIRM, waiting, operators[1 + n % 2]) for n, client in enumerate(clients)]
        )
    answers = [result[0] for result in results if isinstance(result, list)]
    assert sorted(answer["replayed"] for answer in answers) == [False] + [True] * 7
    assert len({answer["id"] for answer in answers}) == 1
    assert balance(observer, owner) == 1100


@pytest.mark.parametrize(
    ("calls", "status", "left"), [((CONFIRM, REJECT), "confirmed", 1100), ((REJECT, CONFIRM), "rejected", 1000)]
)
def test_only_the_first_of_two_decides(
    observer: Session,
    pair: Pair,
    owner: Owner,
    operators: list[UUID],
    waiting: int,
    calls: tuple[str, str],
    status: str,
    left: int,
) -> None:
    first, second = ((call, waiting, operator) for call, operator in zip(calls, operators[1:], strict=True))
    assert in_turn(observer, pair, first, second) == "WA040"
    assert (stored(observer)["status"], balance(observer, owner)) == (status, left)


class TestTheSameTxnId:
    def test_asked_for_twice_at_once_it_waits_once(
        self, observer: Session, pair: Pair, owner: Owner, operators: list[UUID]
    ) -> None:
        first, second = ((PROPOSE, owner.wallet_id, txn(1), 100, operator) for operator in operators[:2])
        assert in_turn(observer, pair, first, second) == "ok"
        assert stored(observer)["actor"] == operators[0]

    def test_asked_for_with_another_amount_it_is_another_request(
        self, observer: Session, pair: Pair, owner: Owner, operators: list[UUID]
    ) -> None:
        first, second = ((PROPOSE, owner.wallet_id, txn(1), amount, operators[0]) for amount in (100, 101))
        assert in_turn(observer, pair, first, second) == "WA004"
        assert stored(observer)["amount"] == 100

    def test_used_by_the_owner_meanwhile_it_can_only_be_rejected(
        self, observer: Session, pair: Pair, owner: Owner, operators: list[UUID], waiting: int
    ) -> None:
        topup, confirm = (TOPUP, owner.wallet_id, txn(1), 5), (CONFIRM, waiting, operators[1])
        assert in_turn(observer, pair, topup, confirm) == "WA004"
        assert (stored(observer)["status"], balance(observer, owner)) == ("waiting", 1005)
        observer.run(REJECT, waiting, operators[1])
        assert stored(observer)["status"] == "rejected"

    def test_used_by_the_owner_too_late_it_is_the_operators(
        self, observer: Session, pair: Pair, owner: Owner, operators: list[UUID], waiting: int
    ) -> None:
        topup, confirm = (TOPUP, owner.wallet_id, txn(1), 5), (CONFIRM, waiting, operators[1])
        assert in_turn(observer, pair, confirm, topup) == "WA004"
        assert balance(observer, owner) == 1100

    def test_used_by_the_owner_while_it_is_asked_for_nothing_waits(
        self, observer: Session, pair: Pair, owner: Owner, operators: list[UUID]
    ) -> None:
        topup, ask = (TOPUP, owner.wallet_id, txn(1), 5), (PROPOSE, owner.wallet_id, txn(1), 100, operators[0])
        pair[0].run("begin")
        pair[0].run(*topup)
        answer = pair[1].start(*ask)
        until_waiting(observer, pair[1])
        pair[0].run("commit")
        assert answer.result() == []
        assert observer.run("select from wallet.confirmations") == []

    def test_the_same_refund_by_the_owner_is_not_made_twice(
        self, observer: Session, pair: Pair, owner: Owner, operators: list[UUID]
    ) -> None:
        observer.run("select wallet_spend(%s, %s, 100)", owner.wallet_id, txn(2))
        (row,) = observer.run(REFUND, owner.wallet_id, txn(1), txn(2), operators[0])
        refund = ("select * from wallet_refund(%s, %s, %s, 60, 'r')", owner.wallet_id, txn(1), txn(2))
        assert in_turn(observer, pair, refund, (CONFIRM, row["id"], operators[1])) == "replayed"
        assert (stored(observer)["status"], balance(observer, owner)) == ("confirmed", 960)


class TestErasure:
    def test_what_is_confirmed_while_it_waits_is_erased(
        self, observer: Session, pair: Pair, owner: Owner, operators: list[UUID], waiting: int
    ) -> None:
        assert in_turn(observer, pair, (CONFIRM, waiting, operators[1]), (ERASE, owner.user_id)) == "ok"
        assert (text(observer), balance(observer, owner)) == ([], 1100)

    def test_what_waits_for_it_moves_without_its_text(
        self, observer: Session, pair: Pair, owner: Owner, operators: list[UUID], waiting: int
    ) -> None:
        assert in_turn(observer, pair, (ERASE, owner.user_id), (CONFIRM, waiting, operators[1])) == "ok"
        assert (text(observer), balance(observer, owner)) == ([], 1100)

    @pytest.mark.parametrize("erased_first", [True, False])
    def test_what_is_asked_for_meanwhile_has_no_text(
        self, observer: Session, pair: Pair, owner: Owner, operators: list[UUID], erased_first: bool
    ) -> None:
        calls = [(ERASE, owner.user_id), (PROPOSE, owner.wallet_id, txn(1), 100, operators[0])]
        first, second = calls if erased_first else reversed(calls)
        assert in_turn(observer, pair, first, second) == "ok"
        assert text(observer) == []
        assert stored(observer)["status"] == "waiting"

    def test_who_holds_the_wallet_of_the_erased_and_records_it_does_not_deadlock(
        self, observer: Session, pair: Pair, owner: Owner, operators: list[UUID], waiting: int
    ) -> None:
        pair[0].run("begin")
        pair[0].run("select from wallet.wallets where id = %s for update", owner.wallet_id)
        answer = pair[1].start(ERASE, owner.user_id)
        until_waiting(observer, pair[1])
        pair[0].run(CONFIRM, waiting, operators[1])
        pair[0].run("commit")
        assert outcome(answer) == "ok"
        assert (text(observer), balance(observer, owner)) == ([], 1100)


def test_who_asked_and_was_demoted_while_it_is_confirmed_gets_nothing(
    observer: Session, pair: Pair, owner: Owner, operators: list[UUID], waiting: int
) -> None:
    pair[0].run("begin")
    pair[0].run("select from wallet.wallets where id = %s for update", owner.wallet_id)
    answer = pair[1].start(CONFIRM, waiting, operators[1])
    until_waiting(observer, pair[1])
    observer.run("select wallet_set_role('olga', 'user')")
    pair[0].run("commit")
    assert outcome(answer) == "WA027"
    assert (stored(observer)["status"], balance(observer, owner)) == ("waiting", 1000)
