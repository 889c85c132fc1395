"""Two sessions that want what only one of them can have: holds, refunds, limits, transfers, status."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import psycopg
import pytest

from tests.database import Database
from tests.system.concurrency.conftest import Owner
from tests.system.concurrency.sessions import Session, at_once, in_turn, outcome, sessions, txn, until_waiting

SPEND = "select * from wallet_spend(%s, %s, %s)"
TOPUP = "select * from wallet_topup(%s, %s, %s)"
TRANSFER = "select * from wallet_transfer(%s, %s, %s, %s)"
HOLD = "select * from wallet_hold(%s, %s, %s)"
CAPTURE = "select * from wallet_capture(%s, %s, %s)"
CAPTURE_PART = "select * from wallet_capture(%s, %s, %s, %s)"
VOID = "select * from wallet_void(%s, %s, %s)"
REFUND = "select * from wallet_refund(%s, %s, %s, %s)"
LIMIT = "select * from wallet_set_limits(%s, '{spend}', '{null}', array[%s]::bigint[], '{null}')"
CLOSE = "select * from wallet_set_status(%s, 'closed', 'a reason')"


def outcomes(results: list[Any]) -> list[str]:
    return sorted(str(result.sqlstate) if isinstance(result, psycopg.Error) else "ok" for result in results)


def balance(observer: Session, owner: Owner) -> dict[str, Any]:
    (row,) = observer.run("select balance, held, available from wallet_balance(%s)", owner.wallet_id)
    return row


class TestHolds:
    @pytest.mark.parametrize(
        ("first", "second", "refusal", "left"),
        [
            (CAPTURE, VOID, "WA016", 900),
            (VOID, CAPTURE, "WA017", 1000),
            (CAPTURE, CAPTURE, "WA016", 900),
            (VOID, VOID, "WA017", 1000),
        ],
        ids=["capture, void", "void, capture", "capture, capture", "void, void"],
    )
    def test_only_the_first_of_two_gets_a_hold(
        self,
        observer: Session,
        pair: tuple[Session, Session],
        owner: Owner,
        first: str,
        second: str,
        refusal: str,
        left: int,
    ) -> None:
        observer.run(HOLD, owner.wallet_id, txn(1), 100)
        calls = [(first, owner.wallet_id, txn(2), txn(1)), (second, owner.wallet_id, txn(3), txn(1))]
        assert in_turn(observer, pair, calls[0], calls[1]) == refusal
        assert balance(observer, owner) == {"balance": left, "held": 0, "available": left}

    @pytest.mark.parametrize("round_", range(5))
    def test_capture_and_void_at_once_have_one_winner(
        self, observer: Session, pair: tuple[Session, Session], owner: Owner, round_: int
    ) -> None:
        del round_
        observer.run(HOLD, owner.wallet_id, txn(1), 100)
        results = at_once(
            [
                partial(pair[0].run, CAPTURE, owner.wallet_id, txn(2), txn(1)),
                partial(pair[1].run, VOID, owner.wallet_id, txn(3), txn(1)),
            ]
        )
        captured = isinstance(results[0], list)
        assert outcomes(results) == (["WA016", "ok"] if captured else ["WA017", "ok"])
        assert balance(observer, owner)["balance"] == (900 if captured else 1000)

    def test_two_captures_that_together_pass_the_hold_are_not_both_made(
        self, observer: Session, pair: tuple[Session, Session], owner: Owner
    ) -> None:
        observer.run(HOLD, owner.wallet_id, txn(1), 100)
        calls = [(CAPTURE_PART, owner.wallet_id, txn(number), txn(1), 60) for number in (2, 3)]
        assert in_turn(observer, pair, calls[0], calls[1]) == "WA019"
        assert balance(observer, owner) == {"balance": 940, "held": 40, "available": 900}

    def test_the_same_capture_twice_at_once_is_one_capture(
        self, observer: Session, pair: tuple[Session, Session], owner: Owner
    ) -> None:
        observer.run(HOLD, owner.wallet_id, txn(1), 100)
        call = (CAPTURE, owner.wallet_id, txn(2), txn(1))
        assert in_turn(observer, pair, call, call) == "replayed"
        assert balance(observer, owner) == {"balance": 900, "held": 0, "available": 900}

    @pytest.mark.parametrize(("first", "second"), [(HOLD, SPEND), (SPEND, HOLD), (HOLD, HOLD)])
    def test_a_hold_and_a_spend_do_not_share_money(
        self, observer: Session, pair: tuple[Session, Session], owner: Owner, first: str, second: str
    ) -> None:
        calls = [(first, owner.wallet_id, txn(1), 600), (second, owner.wallet_id, txn(2), 600)]
        assert in_turn(observer, pair, calls[0], calls[1]) == "WA003"
        assert balance(observer, owner)["available"] == 400

    @pytest.mark.parametrize("call", [CAPTURE, VOID])
    def test_a_hold_that_expires_while_its_request_waits_is_expired(
        self, observer: Session, pair: tuple[Session, Session], owner: Owner, call: str
    ) -> None:
        observer.run("select wallet_hold(%s, %s, 100, 1)", owner.wallet_id, txn(1))
        pair[0].run("begin")
        pair[0].run("select from wallet.wallets where id = %s for update", owner.wallet_id)
        answer = pair[1].start(call, owner.wallet_id, txn(2), txn(1))
        until_waiting(observer, pair[1])
        expired = "select expires_at <= clock_timestamp() as yes from wallet.holds where txn_id = %s"
        assert observer.run(
            "select xact_start < expires_at as yes from pg_stat_activity, wallet.holds where pid = %s", pair[1].pid
        ) == [{"yes": True}]
        while not observer.run(expired, txn(1))[0]["yes"]:
            pass
        pair[0].run("commit")
        assert outcome(answer) == "WA018"
        assert balance(observer, owner) == {"balance": 1000, "held": 0, "available": 1000}


class TestRefunds:
    def test_two_that_together_pass_the_original_are_not_both_made(
        self, observer: Session, pair: tuple[Session, Session], owner: Owner
    ) -> None:
        observer.run(SPEND, owner.wallet_id, txn(1), 100)
        calls = [(REFUND, owner.wallet_id, txn(number), txn(1), 60) for number in (2, 3)]
        assert in_turn(observer, pair, calls[0], calls[1]) == "WA020"
        assert balance(observer, owner)["balance"] == 960

    def test_of_eight_at_once_as_many_are_made_as_fit(
        self, database: Database, observer: Session, owner: Owner
    ) -> None:
        observer.run(SPEND, owner.wallet_id, txn(1), 100)
        with sessions(database, 8) as clients:
            results = at_once(
                [
                    partial(client.run, REFUND, owner.wallet_id, txn(10 + n), txn(1), 30)
                    for n, client in enumerate(clients)
                ]
            )
        assert outcomes(results) == ["WA020"] * 5 + ["ok"] * 3
        assert balance(observer, owner)["balance"] == 990


class TestLimits:
    def test_two_spends_that_together_pass_a_limit_are_not_both_made(
        self, observer: Session, pair: tuple[Session, Session], owner: Owner
    ) -> None:
        observer.run(LIMIT, owner.wallet_id, 100)
        calls = [(SPEND, owner.wallet_id, txn(number), 60) for number in (1, 2)]
        assert in_turn(observer, pair, calls[0], calls[1]) == "WA014"
        assert balance(observer, owner)["balance"] == 940

    def test_a_limit_counts_a_spend_that_was_made_while_it_was_being_set(
        self, observer: Session, pair: tuple[Session, Session], owner: Owner
    ) -> None:
        spend = (SPEND, owner.wallet_id, txn(1), 60)
        assert in_turn(observer, pair, spend, (LIMIT, owner.wallet_id, 100)) == "ok"
        with pytest.raises(psycopg.Error) as refused:
            observer.run(SPEND, owner.wallet_id, txn(2), 41)
        assert refused.value.sqlstate == "WA014"
        assert json.loads(refused.value.diag.message_detail or "")["left"] == 40

    def test_a_spend_that_waited_for_a_limit_is_held_to_it(
        self, observer: Session, pair: tuple[Session, Session], owner: Owner
    ) -> None:
        spend = (SPEND, owner.wallet_id, txn(1), 101)
        assert in_turn(observer, pair, (LIMIT, owner.wallet_id, 100), spend) == "WA014"
        assert balance(observer, owner)["balance"] == 1000


class TestStatus:
    def test_a_wallet_that_was_credited_meanwhile_is_not_closed(
        self, observer: Session, pair: tuple[Session, Session], owner: Owner
    ) -> None:
        observer.run(SPEND, owner.wallet_id, txn(1), 1000)
        credit = (TOPUP, owner.wallet_id, txn(2), 1)
        assert in_turn(observer, pair, credit, (CLOSE, owner.wallet_id)) == "WA022"

    def test_a_wallet_that_was_closed_meanwhile_takes_no_credit(
        self, observer: Session, pair: tuple[Session, Session], owner: Owner
    ) -> None:
        observer.run(SPEND, owner.wallet_id, txn(1), 1000)
        credit = (TOPUP, owner.wallet_id, txn(2), 1)
        assert in_turn(observer, pair, (CLOSE, owner.wallet_id), credit) == "WA013"

    def test_nor_does_it_take_a_transfer(
        self, observer: Session, pair: tuple[Session, Session], owner: Owner, register: Callable[[str], Owner]
    ) -> None:
        sender = register("emil")
        observer.run(SPEND, owner.wallet_id, txn(1), 1000)
        transfer = (TRANSFER, sender.wallet_id, txn(2), 1, owner.wallet_id)
        assert in_turn(observer, pair, (CLOSE, owner.wallet_id), transfer) == "WA013"
        assert balance(observer, sender)["balance"] == 1000


class TestTransfers:
    def test_opposite_ones_at_once_finish_without_deadlock(
        self, database: Database, observer: Session, owner: Owner, register: Callable[[str], Owner]
    ) -> None:
        other = register("emil")

        def back_and_forth(client: Session, number: int) -> None:
            ends = (owner, other) if number % 2 else (other, owner)
            for step in range(40):
                client.run(TRANSFER, ends[0].wallet_id, txn(1000 * number + step), 1, ends[1].wallet_id)

        with sessions(database, 8) as clients:
            results = at_once([partial(back_and_forth, client, number) for number, client in enumerate(clients)])
        assert [result for result in results if result is not None] == []
        assert [balance(observer, one)["balance"] for one in (owner, other)] == [1000, 1000]

    def test_two_that_together_pass_the_balance_are_not_both_made(
        self, observer: Session, pair: tuple[Session, Session], owner: Owner, register: Callable[[str], Owner]
    ) -> None:
        others = [register("emil"), register("fred")]
        calls = [(TRANSFER, owner.wallet_id, txn(n), 600, other.wallet_id) for n, other in enumerate(others)]
        assert in_turn(observer, pair, calls[0], calls[1]) == "WA003"
        assert [balance(observer, one)["balance"] for one in (owner, *others)] == [400, 1600, 1000]

    def test_the_recipient_sees_it_no_earlier_than_the_sender(
        self, observer: Session, pair: tuple[Session, Session], owner: Owner, register: Callable[[str], Owner]
    ) -> None:
        other = register("emil")
        spend = (SPEND, other.wallet_id, txn(1), 1500)
        transfer = (TRANSFER, owner.wallet_id, txn(1), 500, other.wallet_id)
        assert in_turn(observer, pair, transfer, spend) == "ok"
        assert balance(observer, other)["balance"] == 0

    def test_a_strangers_wallet_is_not_waited_for(
        self, pair: tuple[Session, Session], owner: Owner, register: Callable[[str], Owner]
    ) -> None:
        stranger = register("emil")
        pair[0].run("begin")
        pair[0].run(SPEND, owner.wallet_id, txn(1), 1)
        pair[1].run("set lock_timeout = '1ms'")
        with pytest.raises(psycopg.Error) as refused:
            pair[1].run(
                TRANSFER.replace("%s)", "%s, p_actor => %s)"),
                *(owner.wallet_id, txn(2), 1, stranger.wallet_id, stranger.user_id),
            )
        assert refused.value.sqlstate == "WA001"
        pair[0].run("commit")
