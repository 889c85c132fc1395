"""A clock that steps, forward and back: money stays where it is, and what was judged stays judged."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from tests.clock import Clock
from tests.database import Database
from tests.system.concurrency.conftest import Owner
from tests.system.concurrency.sessions import Session, sessions, txn

Call = tuple[str, list[object]]


@pytest.fixture(scope="module")
def module_clock(module_database: Database) -> Iterator[Clock]:
    opened = Clock(module_database)
    yield opened
    opened.close()


@pytest.fixture
def clock(module_clock: Clock) -> Clock:
    """The clock of the module's database, which is right when a test begins."""
    module_clock.set()
    return module_clock


@pytest.fixture
def session(module_database: Database, clock: Clock) -> Iterator[Session]:  # noqa: ARG001 - it reads the test's clock
    """An administrator's connection."""
    with sessions(module_database, 1) as opened:
        yield opened[0]


@pytest.fixture
def dora(session: Session) -> Owner:
    return registered(session, "dora")


def registered(session: Session, name: str) -> Owner:
    """Register a user; the names of all tests are different."""
    sql = "select user_id, wallet_id from wallet_register(%s, 'hash')"
    return Owner(**only(session.run(sql, f"{name}.{uuid4().hex[:8]}")))


def only(rows: list[dict[str, Any]]) -> dict[str, Any]:
    (row,) = rows
    return row


def refused(call: Callable[[], object]) -> str | None:
    with pytest.raises(psycopg.Error) as error:
        call()
    return error.value.sqlstate


def balance(session: Session, wallet: UUID) -> dict[str, Any]:
    return only(session.run("select balance, held, available from wallet_balance(%s)", wallet))


def hold(session: Session, wallet: UUID, number: int, amount: int, expires_in: int = 1) -> dict[str, Any]:
    return only(session.run("select * from wallet_hold(%s, %s, %s, %s)", wallet, txn(number), amount, expires_in))


def capture(session: Session, wallet: UUID, number: int, of: int) -> dict[str, Any]:
    return only(session.run("select * from wallet_capture(%s, %s, %s)", wallet, txn(number), txn(of)))


def topup(session: Session, wallet: UUID, amount: int = 1) -> dict[str, Any]:
    return only(session.run("select * from wallet_topup(%s, %s, %s)", wallet, uuid4(), amount))


def events(session: Session, wallet: UUID) -> list[str]:
    sql = "select event from wallet.hold_events where wallet_id = %s order by id"
    return [row["event"] for row in session.run(sql, wallet)]


def status(session: Session, wallet: UUID, number: int) -> str:
    sql = "select status from wallet_holds(%s) where txn_id = %s"
    return str(only(session.run(sql, wallet, txn(number)))["status"])


class TestHolds:
    """What was judged is on record: no later clock judges it again."""

    def test_what_expired_and_gave_way_to_another_hold_cannot_be_captured_any_more(
        self, session: Session, clock: Clock, dora: Owner
    ) -> None:
        hold(session, dora.wallet_id, 1, 1000)
        clock.step(seconds=2)
        hold(session, dora.wallet_id, 2, 1000, 3600)
        clock.step(seconds=-2)
        assert refused(lambda: capture(session, dora.wallet_id, 3, 1)) == "WA018"
        assert refused(lambda: session.run("select wallet_void(%s, %s, %s)", dora.wallet_id, txn(4), txn(1))) == "WA018"
        assert capture(session, dora.wallet_id, 5, 2)["balance"] == 0
        assert balance(session, dora.wallet_id) == {"balance": 0, "held": 0, "available": 0}
        assert status(session, dora.wallet_id, 1) == "expired"

    def test_in_a_batch_too(self, session: Session, clock: Clock, dora: Owner) -> None:
        hold(session, dora.wallet_id, 1, 1000)
        clock.step(seconds=2)
        session.run(
            "select wallet_batch('{hold}', %s, %s, '{1000}', p_expires_in => '{3600}')", [dora.wallet_id], [txn(2)]
        )
        clock.step(seconds=-2)
        rows = session.run(
            "select outcome, balance from wallet_batch('{capture,capture}', %s, %s, '{null,null}',"
            " p_original_txn_ids => %s, p_finals => '{f,f}')",
            [dora.wallet_id] * 2,
            [txn(3), txn(4)],
            [txn(1), txn(2)],
        )
        assert [(row["outcome"], row["balance"]) for row in rows] == [("WA018", None), ("ok", 0)]

    def test_one_that_nobody_took_for_expired_is_open_again_when_the_clock_was_wrong(
        self, session: Session, clock: Clock, dora: Owner
    ) -> None:
        hold(session, dora.wallet_id, 1, 800, 3600)
        clock.step(hours=3)
        assert balance(session, dora.wallet_id)["available"] == 1000
        clock.step(hours=-3)
        assert balance(session, dora.wallet_id)["available"] == 200
        assert refused(lambda: session.run("select wallet_spend(%s, %s, 201)", dora.wallet_id, uuid4())) == "WA003"
        assert capture(session, dora.wallet_id, 2, 1)["balance"] == 200

    def test_a_capture_never_leaves_less_than_the_floor(self, session: Session, dora: Owner) -> None:
        hold(session, dora.wallet_id, 1, 800, 3600)
        # as a database of an older version may have it: an entry that the hold did not stop
        session.run("begin")
        session.run("set local session_replication_role = replica")
        session.run("update wallet.holds set status = 'voided' where wallet_id = %s", dora.wallet_id)
        session.run("select wallet_spend(%s, %s, 900)", dora.wallet_id, uuid4())
        session.run("update wallet.holds set status = 'open' where wallet_id = %s", dora.wallet_id)
        session.run("commit")
        assert refused(lambda: capture(session, dora.wallet_id, 2, 1)) == "WA003"
        assert balance(session, dora.wallet_id)["balance"] == 100


def call(sql: str, *arguments: object) -> Call:
    return sql, list(arguments)


MUTATIONS: dict[str, Callable[[Owner, Owner], Call]] = {
    "topup": lambda w, _: call("select wallet_topup(%s, %s, 1)", w.wallet_id, uuid4()),
    "topup with details": lambda w, _: call("select wallet_topup(%s, %s, 1, 'r')", w.wallet_id, uuid4()),
    "spend": lambda w, _: call("select wallet_spend(%s, %s, 1)", w.wallet_id, uuid4()),
    "transfer from it": lambda w, o: call("select wallet_transfer(%s, %s, 1, %s)", w.wallet_id, uuid4(), o.wallet_id),
    "transfer to it": lambda w, o: call("select wallet_transfer(%s, %s, 1, %s)", o.wallet_id, uuid4(), w.wallet_id),
    "hold": lambda w, _: call("select wallet_hold(%s, %s, 1)", w.wallet_id, uuid4()),
    "capture of another": lambda w, _: call("select wallet_capture(%s, %s, %s)", w.wallet_id, uuid4(), txn(2)),
    "void of another": lambda w, _: call("select wallet_void(%s, %s, %s)", w.wallet_id, uuid4(), txn(2)),
    "refund": lambda w, _: call("select wallet_refund(%s, %s, %s, 1)", w.wallet_id, uuid4(), txn(3)),
    "adjustment": lambda w, _: call("select wallet_adjust(%s, %s, 1, 'a reason')", w.wallet_id, uuid4()),
    "fund": lambda w, _: call("select wallet_fund(%s, %s, 1)", w.wallet_id, uuid4()),
    "give back": lambda w, _: call("select wallet_give_back(%s, %s, %s, 1)", w.wallet_id, uuid4(), txn(3)),
    "status": lambda w, _: call("select wallet_set_status(%s, 'frozen', 'a reason')", w.wallet_id),
    "limits": lambda w, _: call("select wallet_set_limits(%s)", w.wallet_id),
    "batch": lambda w, _: call(
        "select wallet_batch(%s, %s, %s, %s)",
        ["topup"] * 12,
        [w.wallet_id] * 12,
        [uuid4() for _ in range(12)],
        [1] * 12,
    ),
}
REFUSALS: dict[str, Callable[[Owner, Owner], Call]] = {
    "spend": lambda w, _: call("select wallet_spend(%s, %s, 9000)", w.wallet_id, uuid4()),
    "transfer": lambda w, o: call("select wallet_transfer(%s, %s, 9000, %s)", o.wallet_id, uuid4(), w.wallet_id),
    "hold": lambda w, _: call("select wallet_hold(%s, %s, 9000)", w.wallet_id, uuid4()),
    "capture of one due": lambda w, _: call("select wallet_capture(%s, %s, %s)", w.wallet_id, uuid4(), txn(1)),
    "void of one due": lambda w, _: call("select wallet_void(%s, %s, %s)", w.wallet_id, uuid4(), txn(1)),
    "close": lambda w, _: call("select wallet_set_status(%s, 'closed', 'a reason')", w.wallet_id),
    "floor": lambda w, _: call("select wallet_set_limits(%s, p_floor => 1)", w.wallet_id),
}
REPLAYS: dict[str, Callable[[Owner, Owner], Call]] = {
    "spend": lambda w, _: call("select wallet_spend(%s, %s, 10)", w.wallet_id, txn(3)),
    "hold": lambda w, _: call("select wallet_hold(%s, %s, 100, 1)", w.wallet_id, txn(1)),
    "batch": lambda w, _: call("select wallet_batch('{spend}', %s, %s, '{10}')", [w.wallet_id], [txn(3)]),
}


@pytest.fixture
def due(session: Session, clock: Clock, dora: Owner) -> Owner:
    """A wallet with a hold that is due, number 1, an open one, number 2, and a spend, number 3."""
    hold(session, dora.wallet_id, 1, 100)
    hold(session, dora.wallet_id, 2, 50, 36000)
    session.run("select wallet_spend(%s, %s, 10)", dora.wallet_id, txn(3))
    clock.step(minutes=1)
    return dora


class TestExpiredEvents:
    @pytest.mark.parametrize("name", MUTATIONS)
    def test_a_mutation_that_succeeds_ends_what_is_due(
        self, session: Session, clock: Clock, due: Owner, name: str
    ) -> None:
        other = registered(session, "other")
        sql, arguments = MUTATIONS[name](due, other)
        session.run(sql, *arguments)
        assert events(session, due.wallet_id).count("expired") == 1
        clock.step(minutes=-1)
        assert refused(lambda: capture(session, due.wallet_id, 9, 1)) == "WA018"

    @pytest.mark.parametrize("name", REFUSALS)
    def test_a_refusal_ends_nothing(self, session: Session, due: Owner, name: str) -> None:
        other = registered(session, "other")
        sql, arguments = REFUSALS[name](due, other)
        refused(lambda: session.run(sql, *arguments))
        assert "expired" not in events(session, due.wallet_id)

    @pytest.mark.parametrize("name", REPLAYS)
    def test_nor_does_a_replay(self, session: Session, due: Owner, name: str) -> None:
        sql, arguments = REPLAYS[name](due, due)
        session.run(sql, *arguments)
        assert "expired" not in events(session, due.wallet_id)

    def test_nor_does_a_refused_item_of_a_batch(self, session: Session, due: Owner) -> None:
        session.run(
            "select wallet_batch('{spend,capture}', %s, %s, '{9000,null}', p_original_txn_ids => %s,"
            " p_finals => '{null,f}')",
            [due.wallet_id] * 2,
            [uuid4(), uuid4()],
            [None, txn(1)],
        )
        assert "expired" not in events(session, due.wallet_id)

    def test_a_sweep_ends_what_is_due_of_wallets_that_nothing_touches(
        self, session: Session, clock: Clock, due: Owner
    ) -> None:
        assert only(session.run("select wallet_sweep() as ended"))["ended"] >= 1
        assert events(session, due.wallet_id) == ["hold", "hold", "expired"]
        assert only(session.run("select wallet_sweep() as ended"))["ended"] == 0
        clock.step(minutes=-1)
        assert refused(lambda: capture(session, due.wallet_id, 9, 1)) == "WA018"
        assert balance(session, due.wallet_id) == {"balance": 990, "held": 50, "available": 940}

    def test_a_sweep_goes_past_a_wallet_that_somebody_holds(
        self, session: Session, clock: Clock, module_database: Database, due: Owner
    ) -> None:
        other = registered(session, "other")
        hold(session, other.wallet_id, 1, 100)
        clock.step(minutes=1)
        with sessions(module_database, 1) as (holder,):
            holder.run("begin")
            holder.run("select from wallet.wallets where id = %s for update", due.wallet_id)
            session.run("select wallet_sweep()")
            holder.run("rollback")
        assert events(session, other.wallet_id) == ["hold", "expired"]
        assert "expired" not in events(session, due.wallet_id)


class TestOneInTheFuture:
    """A wallet that got an entry while the clock was hours ahead is the only one that ever knows of it."""

    HOURS = 3

    @pytest.fixture
    def wallets(self, session: Session, clock: Clock) -> list[Owner]:
        """The first one has an entry in the future; the clock is right again."""
        made = [registered(session, f"user{number}") for number in range(6)]
        clock.set(hours=self.HOURS)
        topup(session, made[0].wallet_id)
        clock.set()
        return made

    @pytest.fixture
    def loaded(self, session: Session, wallets: list[Owner]) -> list[Owner]:
        """All shared batches and transfers with it since."""
        for number in range(3):
            ids = [wallet.wallet_id for wallet in wallets for _ in range(4)]
            kinds = ["topup"] * len(ids)
            session.run("select wallet_batch(%s, %s, %s, %s)", kinds, ids, [uuid4() for _ in ids], [1] * len(ids))
            first, other, third = (wallet.wallet_id for wallet in wallets[number : number + 3])
            session.run("select wallet_transfer(%s, %s, 1, %s)", first, uuid4(), other)
            session.run("select wallet_transfer(%s, %s, 1, %s)", other, uuid4(), first)
            sql = (
                "select wallet_transfer(%s, %s, 1, p_to_username => (select username from wallet.users where id = %s))"
            )
            session.run(sql, third, uuid4(), wallets[0].user_id)
            session.run(
                "select wallet_batch('{transfer,transfer,topup}', %s, %s, '{1,1,1}', p_to_wallet_ids => %s)",
                [wallets[0].wallet_id, wallets[5].wallet_id, third],
                [uuid4() for _ in range(3)],
                [wallets[4].wallet_id, wallets[0].wallet_id, None],
            )
        return wallets

    def test_no_other_wallet_has_an_entry_in_the_future(
        self, session: Session, clock: Clock, loaded: list[Owner]
    ) -> None:
        future = session.run(
            """
            select distinct l.wallet_id
            from wallet.ledger l
            join wallet.transactions t on t.id = l.transaction_id
            join wallet.wallets w on w.id = l.wallet_id and w.kind = 'user'
            where coalesce(l.recorded_at, t.created_at) > %s and l.wallet_id = any (%s)
            """,
            clock.now(),
            [wallet.wallet_id for wallet in loaded],
        )
        assert [row["wallet_id"] for row in future] == [loaded[0].wallet_id]

    def test_the_others_balance_of_now_and_statement_are_whole(
        self, session: Session, clock: Clock, loaded: list[Owner]
    ) -> None:
        moment = clock.now()
        for wallet in loaded[1:]:
            have = balance(session, wallet.wallet_id)["balance"]
            sql = "select balance from wallet_balance_at(%s, %s)"
            assert only(session.run(sql, wallet.wallet_id, moment))["balance"] == have
            lines = session.run(
                "select line, balance from wallet_statement(%s, %s, %s)",
                wallet.wallet_id,
                moment - timedelta(days=1),
                moment,
            )
            entries = only(
                session.run("select count(*) as n from wallet.ledger where wallet_id = %s", wallet.wallet_id)
            )["n"]
            assert len(lines) == entries + 2
            assert lines[-1]["balance"] == have
            assert (
                len(session.run("select seq from wallet_entries(%s, 1000, p_to => %s)", wallet.wallet_id, moment))
                == entries
            )

    def test_its_own_entries_have_the_time_of_their_predecessor_and_only_they_say_so(
        self, session: Session, loaded: list[Owner]
    ) -> None:
        rows = session.run(
            """
            select l.wallet_id, l.seq, l.recorded_at, t.created_at,
              lag(coalesce(l.recorded_at, t.created_at)) over (partition by l.wallet_id order by l.seq) as before
            from wallet.ledger l
            join wallet.transactions t on t.id = l.transaction_id
            where l.wallet_id = any (%s)
            """,
            [wallet.wallet_id for wallet in loaded],
        )
        lifted = [row for row in rows if row["recorded_at"]]
        assert {row["wallet_id"] for row in lifted} == {loaded[0].wallet_id}
        own = [row for row in rows if row["wallet_id"] == loaded[0].wallet_id]
        # the bonus and the one in the future have none
        assert len(lifted) == len(own) - 2
        assert all(row["recorded_at"] == row["before"] > row["created_at"] for row in lifted)
        assert all(
            row["before"] is None or row["created_at"] >= row["before"] for row in rows if not row["recorded_at"]
        )

    def test_what_is_answered_is_what_is_on_record(self, session: Session, loaded: list[Owner]) -> None:
        wallet = loaded[0].wallet_id
        answered = topup(session, wallet)
        shown = only(session.run("select created_at from wallet_transaction(%s, %s)", wallet, answered["txn_id"]))
        assert answered["created_at"] == shown["created_at"]
        again = only(session.run("select * from wallet_topup(%s, %s, 1)", wallet, answered["txn_id"]))
        assert again == answered | {"replayed": True}
        ids = [uuid4() for _ in range(12)]
        batch = session.run(
            "select txn_id, created_at from wallet_batch(%s, %s, %s, %s)", ["topup"] * 12, [wallet] * 12, ids, [1] * 12
        )
        for row in batch:
            sql = "select created_at from wallet_transaction(%s, %s)"
            assert only(session.run(sql, wallet, row["txn_id"]))["created_at"] == row["created_at"]

    def test_receipts_and_hashes_hold(self, session: Session, loaded: list[Owner]) -> None:
        sql = """
            select t.txn_id, wallet_verify_receipt(t.wallet_id, t.txn_id, encode(l.hash, 'hex')) as verdict
            from wallet.transactions t
            join wallet.ledger l on l.wallet_id = t.wallet_id and l.seq = t.seq
            where t.wallet_id = %s
        """
        for wallet in loaded:
            assert {row["verdict"] for row in session.run(sql, wallet.wallet_id)} == {"ok"}

    def test_nothing_is_found_in_the_others(self, session: Session, loaded: list[Owner]) -> None:
        sql = "select * from wallet_verify() where wallet_id = any (%s)"
        assert session.run(sql, [wallet.wallet_id for wallet in loaded[1:]]) == []

    def test_the_trial_balance_of_any_moment_nets_to_zero(
        self,
        session: Session,
        clock: Clock,
        loaded: list[Owner],
    ) -> None:
        sql = "select distinct created_at as at from wallet.transactions where wallet_id = any (%s)"
        moments = [row["at"] for row in session.run(sql, [wallet.wallet_id for wallet in loaded])]
        now = clock.now()
        for moment in [now, *(moment for moment in moments if moment <= now)]:
            rows = session.run("select balance from wallet_trial_balance('UC', %s)", moment)
            assert sum(row["balance"] for row in rows) == 0

    def test_a_hold_in_it_is_judged_by_the_clock(self, session: Session, clock: Clock, loaded: list[Owner]) -> None:
        wallet = loaded[0].wallet_id
        have = balance(session, wallet)["balance"]
        hold(session, wallet, 1, 800, 3600)
        assert refused(lambda: session.run("select wallet_spend(%s, %s, %s)", wallet, uuid4(), have - 799)) == "WA003"
        assert balance(session, wallet)["available"] == have - 800
        clock.step(minutes=59)
        assert capture(session, wallet, 2, 1)["balance"] == have - 800

    def test_limits_in_it_are_judged_by_the_clock(self, session: Session, clock: Clock, loaded: list[Owner]) -> None:
        wallet = loaded[0].wallet_id
        session.run("select wallet_set_limits(%s, '{spend}', '{null}', '{100}', '{null}')", wallet)
        session.run("select wallet_spend(%s, %s, 100)", wallet, uuid4())
        assert refused(lambda: session.run("select wallet_spend(%s, %s, 1)", wallet, uuid4())) == "WA014"
        clock.step(hours=23)
        assert refused(lambda: session.run("select wallet_spend(%s, %s, 1)", wallet, uuid4())) == "WA014"
        # by the entry's time, which is hours ahead, it would still be in the window
        clock.set(hours=25)
        session.run("select wallet_spend(%s, %s, 1)", wallet, uuid4())
