"""Two sessions in an order that the test decides: what holds between a lock and what is read after it."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.database import Database
from tests.system.concurrency.conftest import Owner
from tests.system.concurrency.sessions import PATIENCE, Session, in_turn, outcome, sessions, txn, until_waiting

TOPUP = "select * from wallet_topup(%s, %s, %s)"
SPEND = "select * from wallet_spend(%s, %s, %s)"
BALANCE_AT = "select balance from wallet_balance_at(%s, %s)"
OTHER_LEVELS = ("repeatable read", "serializable")


@pytest.fixture
def first(database: Database) -> Iterator[Session]:
    """The session that gets the lock first."""
    with sessions(database, 1) as opened:
        yield opened[0]


@pytest.fixture
def second(database: Database) -> Iterator[Session]:
    """The session that gets it later."""
    with sessions(database, 1) as opened:
        yield opened[0]


def only(rows: list[dict[str, Any]]) -> dict[str, Any]:
    (row,) = rows
    return row


def now(observer: Session) -> datetime:
    moment = only(observer.run("select clock_timestamp() as now"))["now"]
    assert isinstance(moment, datetime)
    return moment


def newest(observer: Session, owner: Owner) -> datetime:
    sql = "select max(created_at) as newest from wallet.transactions where wallet_id = %s"
    moment = only(observer.run(sql, owner.wallet_id))["newest"]
    assert isinstance(moment, datetime)
    return moment


class TestSpendAfterWaiting:
    """The lock is followed by fresh reads: what is decided is decided on what is committed by then."""

    def test_it_is_refused_when_the_other_spent_the_money(
        self, observer: Session, first: Session, second: Session, owner: Owner
    ) -> None:
        first.run("begin")
        first.run(SPEND, owner.wallet_id, txn(1), 800)
        answer = second.start(SPEND, owner.wallet_id, txn(2), 800)
        until_waiting(observer, second)
        first.run("commit")
        with pytest.raises(psycopg.Error) as refused:
            answer.result(PATIENCE)
        assert refused.value.sqlstate == "WA003"
        assert '"available": 200' in str(refused.value.diag.message_detail)

    def test_it_succeeds_when_the_other_gave_up(
        self, observer: Session, first: Session, second: Session, owner: Owner
    ) -> None:
        first.run("begin")
        first.run(SPEND, owner.wallet_id, txn(1), 800)
        answer = second.start(SPEND, owner.wallet_id, txn(2), 800)
        until_waiting(observer, second)
        first.run("rollback")
        assert only(answer.result(PATIENCE))["balance"] == 200

    def test_it_succeeds_when_the_other_brought_the_money(
        self, observer: Session, first: Session, second: Session, owner: Owner
    ) -> None:
        first.run("begin")
        first.run(TOPUP, owner.wallet_id, txn(1), 500)
        answer = second.start(SPEND, owner.wallet_id, txn(2), 1400)
        until_waiting(observer, second)
        first.run("commit")
        assert only(answer.result(PATIENCE))["balance"] == 100

    def test_another_wallet_is_not_waited_for(self, first: Session, second: Session, owner: Owner) -> None:
        first.run("begin")
        first.run(SPEND, owner.wallet_id, txn(1), 800)
        second.run("set lock_timeout = '1ms'")
        alice = only(second.run("select wallet_id from wallet_credentials('alice')"))["wallet_id"]
        assert only(second.run(SPEND, alice, txn(1), 10))["balance"] == 990
        first.run("commit")


class TestReplayAfterWaiting:
    def test_it_returns_the_first_result_when_the_other_succeeded(
        self, observer: Session, first: Session, second: Session, owner: Owner
    ) -> None:
        first.run("begin")
        original = only(first.run(SPEND, owner.wallet_id, txn(1), 1000))
        answer = second.start(SPEND, owner.wallet_id, txn(1), 1000)
        until_waiting(observer, second)
        first.run("commit")
        assert only(answer.result(PATIENCE)) == original | {"replayed": True}

    def test_it_takes_effect_when_the_other_gave_up(
        self, observer: Session, first: Session, second: Session, owner: Owner
    ) -> None:
        first.run("begin")
        first.run(SPEND, owner.wallet_id, txn(1), 1000)
        answer = second.start(SPEND, owner.wallet_id, txn(1), 1000)
        until_waiting(observer, second)
        first.run("rollback")
        assert only(answer.result(PATIENCE))["replayed"] is False


class TestCreatedAt:
    def test_it_is_later_for_a_transaction_that_began_earlier_and_wrote_later(
        self, first: Session, second: Session, owner: Owner
    ) -> None:
        second.run("begin")
        second.run("select transaction_timestamp()")
        earlier = only(first.run(TOPUP, owner.wallet_id, txn(1), 1))
        later = only(second.run(TOPUP, owner.wallet_id, txn(2), 1))
        second.run("commit")
        assert later["created_at"] > earlier["created_at"]

    def test_it_is_later_for_a_call_that_began_earlier_and_got_the_lock_later(
        self, observer: Session, first: Session, second: Session, owner: Owner
    ) -> None:
        first.run("begin")
        first.run(TOPUP, owner.wallet_id, txn(1), 1)
        answer = second.start(TOPUP, owner.wallet_id, txn(2), 1)
        until_waiting(observer, second)
        meanwhile = only(first.run(TOPUP, owner.wallet_id, txn(3), 1))
        first.run("commit")
        assert only(answer.result(PATIENCE))["created_at"] > meanwhile["created_at"]


class TestBalanceAt:
    """An answer about the past must not change later."""

    @pytest.mark.parametrize(("end", "balance"), [("commit", 1500), ("rollback", 1000)])
    def test_it_waits_for_an_unfinished_writer_of_a_moment_ago(
        self, observer: Session, first: Session, second: Session, owner: Owner, end: str, balance: int
    ) -> None:
        first.run("begin")
        first.run(TOPUP, owner.wallet_id, txn(1), 500)
        moment = now(observer)
        answer = second.start(BALANCE_AT, owner.wallet_id, moment)
        until_waiting(observer, second)
        first.run(end)
        assert only(answer.result(PATIENCE))["balance"] == balance
        assert only(observer.run(BALANCE_AT, owner.wallet_id, moment))["balance"] == balance

    def test_it_does_not_wait_where_a_newer_entry_is_visible(
        self, observer: Session, first: Session, second: Session, owner: Owner
    ) -> None:
        moment = now(observer)
        observer.run(TOPUP, owner.wallet_id, txn(1), 7)
        first.run("begin")
        first.run(TOPUP, owner.wallet_id, txn(2), 500)
        second.run("set lock_timeout = '1ms'")
        assert only(second.run(BALANCE_AT, owner.wallet_id, moment))["balance"] == 1000
        assert only(second.run(BALANCE_AT, owner.wallet_id, newest(observer, owner)))["balance"] == 1000
        with pytest.raises(psycopg.Error) as refused:
            second.run(BALANCE_AT, owner.wallet_id, now(observer))
        assert refused.value.sqlstate == "WA036"
        first.run("commit")

    def test_a_writer_that_comes_after_it_is_stamped_at_or_after_the_moment_asked_for(
        self, observer: Session, first: Session, second: Session, owner: Owner
    ) -> None:
        # it takes no lock, and needs none: the clock is read under the writer's lock, after its look
        first.run("begin")
        moment = now(observer)
        before = only(first.run(BALANCE_AT, owner.wallet_id, moment))["balance"]
        assert only(second.run(TOPUP, owner.wallet_id, txn(1), 5))["created_at"] >= moment
        first.run("commit")
        assert only(observer.run(BALANCE_AT, owner.wallet_id, moment))["balance"] == before == 1000


class TestIsolation:
    @pytest.mark.parametrize("level", OTHER_LEVELS)
    @pytest.mark.parametrize(
        "call",
        [
            "select wallet_topup('{wallet}', gen_random_uuid(), 1)",
            "select wallet_spend('{wallet}', gen_random_uuid(), 1)",
            "select wallet_batch('{{topup}}', '{{{wallet}}}', '{{{wallet}}}', '{{1}}')",
            "select wallet_register('emil', 'hash')",
            "select wallet_balance_at('{wallet}', clock_timestamp())",
            "select wallet_transfer('{wallet}', gen_random_uuid(), 1, p_to_username => 'alice')",
            "select wallet_hold('{wallet}', gen_random_uuid(), 1)",
            "select wallet_capture('{wallet}', gen_random_uuid(), gen_random_uuid())",
            "select wallet_void('{wallet}', gen_random_uuid(), gen_random_uuid())",
            "select wallet_refund('{wallet}', gen_random_uuid(), gen_random_uuid())",
            "select wallet_give_back('{wallet}', gen_random_uuid(), gen_random_uuid())",
            "select wallet_fund('{wallet}', gen_random_uuid(), 1)",
            "select wallet_adjust('{wallet}', gen_random_uuid(), 1, 'a reason')",
            "select wallet_open((select owner_id from wallet.wallets where id = '{wallet}'), 'USD')",
            "select wallet_set_status('{wallet}', 'frozen', 'a reason')",
            "select wallet_set_limits('{wallet}')",
            "select wallet_statement('{wallet}', clock_timestamp(), clock_timestamp())",
        ],
    )
    def test_what_locks_and_then_reads_is_refused_in_another_isolation_level(
        self, first: Session, owner: Owner, level: str, call: str
    ) -> None:
        first.run(f"begin isolation level {level}")
        with pytest.raises(psycopg.Error) as refused:
            first.run(call.format(wallet=owner.wallet_id))
        first.run("rollback")
        assert refused.value.sqlstate == "WA007"
        assert refused.value.diag.message_detail == f'{{"isolation": "{level}"}}'
        assert only(first.run("select balance from wallet_balance(%s)", owner.wallet_id))["balance"] == 1000

    @pytest.mark.parametrize("level", OTHER_LEVELS)
    def test_reading_is_allowed_in_every_isolation_level(self, first: Session, owner: Owner, level: str) -> None:
        first.run(f"begin isolation level {level} read only")
        assert only(first.run("select balance from wallet_balance(%s)", owner.wallet_id))["balance"] == 1000
        assert len(first.run("select * from wallet_entries(%s)", owner.wallet_id)) == 1
        assert first.run("select * from wallet_verify()") == []
        first.run("commit")


class TestBatch:
    BATCH = "select outcome, balance from wallet_batch(%s, %s, %s, %s, p_skip_locked => %s) order by ordinal"

    def arguments(self, observer: Session, owner: Owner) -> list[Any]:
        alice = only(observer.run("select wallet_id from wallet_credentials('alice')"))["wallet_id"]
        return [["spend", "topup"], [owner.wallet_id, alice], [txn(8), txn(9)], [600, 1]]

    def test_a_wallet_that_is_held_is_busy_and_the_others_go_on(
        self, observer: Session, first: Session, second: Session, owner: Owner
    ) -> None:
        first.run("begin")
        first.run(SPEND, owner.wallet_id, txn(1), 800)
        rows = second.run(self.BATCH, *self.arguments(observer, owner), True)
        assert [(row["outcome"], row["balance"]) for row in rows] == [("busy", None), ("ok", 1001)]
        first.run("commit")

    def test_without_skipping_it_waits_and_sees_what_was_committed(
        self, observer: Session, first: Session, second: Session, owner: Owner
    ) -> None:
        first.run("begin")
        first.run(SPEND, owner.wallet_id, txn(1), 800)
        answer = second.start(self.BATCH, *self.arguments(observer, owner), False)
        until_waiting(observer, second)
        first.run("commit")
        assert [(row["outcome"], row["balance"]) for row in answer.result(PATIENCE)] == [("WA003", None), ("ok", 1001)]


class TestPasswordResets:
    """A token is used once, and never by whoever made it to become an operator."""

    MAKE = "select * from wallet_create_password_reset(%s, sha256('a token'), 'a test', p_actor => %s)"
    RESET = "select * from wallet_reset_password(sha256('a token'), %s, %s)"
    HASH = "select password_hash from wallet_credentials('dora')"

    @pytest.fixture
    def operator(self, observer: Session) -> UUID:
        made: UUID = only(observer.run("select user_id from wallet_register('olga', 'hash')"))["user_id"]
        observer.run("select wallet_set_role('olga', 'operator')")
        return made

    @pytest.mark.parametrize("end", ["commit", "rollback"])
    def test_of_two_that_use_a_token_the_first_wins(
        self, observer: Session, first: Session, second: Session, owner: Owner, operator: UUID, end: str
    ) -> None:
        observer.run(self.MAKE, owner.user_id, operator)
        first.run("begin")
        first.run(self.RESET, "first", "here")
        answer = second.start(self.RESET, "second", "there")
        until_waiting(observer, second)
        first.run(end)
        if end == "commit":
            with pytest.raises(psycopg.Error) as refused:
                answer.result(PATIENCE)
            assert refused.value.sqlstate == "WA037"
        else:
            assert only(answer.result(PATIENCE))["token_generation"] == 1
        assert only(observer.run(self.HASH)) == {"password_hash": "first" if end == "commit" else "second"}

    ENDED = {  # noqa: RUF012 - constant
        "role": ("select wallet_set_role('dora', 'operator')", "WA037", "WA038"),
        "erasure": ("select wallet_erase_user(user_id, 'a test') from wallet_credentials('dora')", "WA037", "WA029"),
    }

    @pytest.mark.parametrize("end", ENDED)
    @pytest.mark.parametrize("made", [False, True], ids=["used", "made"])
    def test_while_the_user_becomes_an_operator_or_is_erased(
        self, observer: Session, first: Session, second: Session, owner: Owner, operator: UUID, end: str, *, made: bool
    ) -> None:
        sql, *refusals = self.ENDED[end]
        observer.run(self.MAKE, owner.user_id, operator)
        first.run("begin")
        first.run(sql)
        call = (self.MAKE, owner.user_id, operator) if made else (self.RESET, "new", "here")
        answer = second.start(*call)
        until_waiting(observer, second)
        first.run("commit")
        with pytest.raises(psycopg.Error) as refused:
            answer.result(PATIENCE)
        assert refused.value.sqlstate == refusals[made]


class TestSessions:
    """A session that begins or ends while all of the user's do: none is left, and neither waits for the other."""

    BEGIN = "select wallet_start_session(sha256(%s), %s, 0)"
    END = "select wallet_end_session(sha256('a session'))"
    ENDED = {  # noqa: RUF012 - constant
        "everywhere": "select wallet_sign_out_everywhere(user_id) from wallet_credentials('dora')",
        "password": "select wallet_change_password(user_id, password_hash, 'new') from wallet_credentials('dora')",
        "role": "select wallet_set_role('dora', 'operator')",
        "erasure": "select wallet_erase_user(user_id, 'a test') from wallet_credentials('dora')",
    }

    @pytest.mark.parametrize("end", ENDED)
    def test_none_begins(self, observer: Session, first: Session, second: Session, owner: Owner, end: str) -> None:
        observer.run(self.BEGIN, b"a session", owner.user_id)
        assert (
            in_turn(observer, (first, second), (self.ENDED[end],), (self.BEGIN, b"another", owner.user_id)) == "WA029"
        )
        assert observer.run("select from wallet.sessions") == []

    @pytest.mark.parametrize("end", ENDED)
    def test_one_that_has_begun_is_ended(
        self, observer: Session, first: Session, second: Session, owner: Owner, end: str
    ) -> None:
        assert in_turn(observer, (first, second), (self.BEGIN, b"a session", owner.user_id), (self.ENDED[end],)) == "ok"
        assert observer.run("select from wallet.sessions") == []

    @pytest.mark.parametrize("end", ENDED)
    def test_one_that_ends_is_no_deadlock(
        self, observer: Session, first: Session, second: Session, owner: Owner, end: str
    ) -> None:
        observer.run(self.BEGIN, b"a session", owner.user_id)
        assert in_turn(observer, (first, second), (self.END,), (self.ENDED[end],)) == "ok"
        assert observer.run("select from wallet.sessions") == []

    def test_nor_is_an_erasure_that_comes_first(
        self, observer: Session, first: Session, second: Session, owner: Owner
    ) -> None:
        observer.run(self.BEGIN, b"a session", owner.user_id)
        first.run("begin")
        first.run("select from wallet.users where id = %s for update", owner.user_id)
        answer = second.start(self.END)
        until_waiting(observer, second)
        first.run(self.ENDED["erasure"])
        first.run("commit")
        assert outcome(answer) == "ok"
        assert observer.run("select from wallet.sessions") == []

    def test_of_many_that_begin_at_once_a_hundred_stay(
        self, observer: Session, first: Session, second: Session, owner: Owner
    ) -> None:
        observer.run(
            "select wallet_start_session(sha256(n::text::bytea), %s, 0) from generate_series(1, 100) n", owner.user_id
        )
        calls = (self.BEGIN, b"one", owner.user_id), (self.BEGIN, b"two", owner.user_id)
        assert in_turn(observer, (first, second), *calls) == "ok"
        assert only(observer.run("select count(*) from wallet.sessions")) == {"count": 100}
