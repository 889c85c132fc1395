"""What was, while others write: an answer about the past is final, takes no lock, and never waits for strangers."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from datetime import datetime
from typing import Any

import psycopg
import pytest

from tests.database import Database
from tests.system.concurrency.conftest import Owner
from tests.system.concurrency.sessions import PATIENCE, Session, sessions, txn

TOPUP = "select * from wallet_topup(%s, %s, %s)"
BALANCE_AT = "select balance from wallet_balance_at(%s, %s)"
STATEMENT = "select balance from wallet_statement(%s, '2001-01-01', %s) where line = 'closing'"
TRIAL = "select balance from wallet_trial_balance('UC', %s) where account = 'users'"


@pytest.fixture
def writer(database: Database) -> Iterator[Session]:
    with sessions(database, 1) as opened:
        yield opened[0]


@pytest.fixture
def reader(database: Database) -> Iterator[Session]:
    with sessions(database, 1) as opened:
        yield opened[0]


@pytest.fixture
def other(register: Callable[[str], Owner]) -> Owner:
    return register("other")


def now(session: Session) -> datetime:
    moment = only(session.run("select clock_timestamp() as now"))["now"]
    assert isinstance(moment, datetime)
    return moment


def only(rows: list[dict[str, Any]]) -> dict[str, Any]:
    (row,) = rows
    return row


def until_it_looks_again(observer: Session, session: Session, answer: Future[list[dict[str, Any]]]) -> None:
    """Return when the session sleeps before it looks again who has not finished."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        rows = observer.run("select wait_event from pg_stat_activity where pid = %s", session.pid)
        if rows[0]["wait_event"] == "PgSleep":
            return
        assert not answer.done(), "it did not wait"
    raise AssertionError("it never waited")


def refusal(answer: Callable[[], object]) -> str | None:
    with pytest.raises(psycopg.Error) as error:
        answer()
    return error.value.sqlstate


@pytest.mark.parametrize("sql", [BALANCE_AT, STATEMENT])
@pytest.mark.parametrize(
    "steps",
    [["{}"], ["savepoint a", "{}", "release a"], ["savepoint a", "savepoint b", "{}", "release b", "release a"]],
    ids=["plainly", "in a savepoint", "in nested ones"],
)
def test_whoever_has_the_wallet_is_waited_for(
    observer: Session, writer: Session, reader: Session, owner: Owner, steps: list[str], sql: str
) -> None:
    writer.run("begin")
    for step in steps:
        writer.run(step.format(TOPUP), *([owner.wallet_id, txn(1), 500] if step == "{}" else []))
    moment = now(observer)
    answer = reader.start(sql, owner.wallet_id, moment)
    until_it_looks_again(observer, reader, answer)
    writer.run("commit")
    assert only(answer.result(PATIENCE))["balance"] == 1500
    assert only(observer.run(sql, owner.wallet_id, moment))["balance"] == 1500


@pytest.mark.parametrize("release", [True, False], ids=["in a savepoint that was released", "plainly"])
def test_but_not_itself(observer: Session, writer: Session, owner: Owner, release: bool) -> None:
    writer.run("begin")
    writer.run("savepoint a")
    writer.run(TOPUP, owner.wallet_id, txn(1), 500)
    if release:
        writer.run("release a")
    assert only(writer.run(BALANCE_AT, owner.wallet_id, now(observer)))["balance"] == 1500
    writer.run("rollback")


def test_it_waits_no_longer_than_the_lock_timeout(
    observer: Session, writer: Session, reader: Session, owner: Owner
) -> None:
    writer.run("begin")
    writer.run(TOPUP, owner.wallet_id, txn(1), 500)
    reader.run("set lock_timeout = '50ms'")
    assert refusal(lambda: reader.run(BALANCE_AT, owner.wallet_id, now(observer))) == "WA036"
    assert refusal(lambda: reader.run(TRIAL, now(observer))) == "WA036"
    writer.run("rollback")
    assert only(reader.run(BALANCE_AT, owner.wallet_id, now(observer)))["balance"] == 1000


def test_a_held_wallet_delays_no_other(
    observer: Session, writer: Session, reader: Session, owner: Owner, other: Owner
) -> None:
    writer.run("begin")
    writer.run("select from wallet.wallets where id = %s for update", owner.wallet_id)
    reader.run("set lock_timeout = '1ms'")
    assert only(reader.run(BALANCE_AT, other.wallet_id, now(observer)))["balance"] == 1000
    assert only(reader.run(STATEMENT, other.wallet_id, now(observer)))["balance"] == 1000
    writer.run("rollback")


@pytest.mark.parametrize("sql", [BALANCE_AT, STATEMENT])
def test_two_that_read_and_then_write_do_not_deadlock(
    observer: Session, writer: Session, reader: Session, owner: Owner, sql: str
) -> None:
    for session in (writer, reader):
        session.run("begin")
        session.run(sql, owner.wallet_id, now(observer))
    first = writer.start(TOPUP, owner.wallet_id, txn(1), 1)
    first.result(PATIENCE)
    second = reader.start(TOPUP, owner.wallet_id, txn(2), 1)
    writer.run("commit")
    assert only(second.result(PATIENCE))["balance"] == 1002
    reader.run("commit")


@pytest.mark.parametrize("sql", [BALANCE_AT, STATEMENT])
def test_it_works_in_a_read_only_transaction(
    observer: Session, writer: Session, reader: Session, owner: Owner, sql: str
) -> None:
    writer.run("begin")
    writer.run(TOPUP, owner.wallet_id, txn(1), 500)
    reader.run("begin read only")
    answer = reader.start(sql, owner.wallet_id, now(observer))
    until_it_looks_again(observer, reader, answer)
    writer.run("commit")
    assert only(answer.result(PATIENCE))["balance"] == 1500
    reader.run("rollback")


def test_one_writer_after_the_other_does_not_keep_it_waiting(
    database: Database, observer: Session, reader: Session, owner: Owner
) -> None:
    """Only those who have the wallet at that moment are waited for, not those who come later."""
    with sessions(database, 2) as writers:
        for session in writers:
            session.run("begin")
        writers[0].run(TOPUP, owner.wallet_id, txn(1), 1)
        answer = reader.start(BALANCE_AT, owner.wallet_id, now(observer))
        until_it_looks_again(observer, reader, answer)
        later = writers[1].start(TOPUP, owner.wallet_id, txn(2), 1)
        writers[0].run("commit")
        later.result(PATIENCE)
        # the wallet is held again, and stays so
        assert only(answer.result(PATIENCE))["balance"] == 1001
        writers[1].run("rollback")


def test_the_trial_balance_waits_for_every_writer(
    observer: Session, writer: Session, reader: Session, owner: Owner
) -> None:
    before = only(observer.run(TRIAL, now(observer)))["balance"]
    writer.run("begin")
    writer.run(TOPUP, owner.wallet_id, txn(1), 500)
    moment = now(observer)
    answer = reader.start(TRIAL, moment)
    until_it_looks_again(observer, reader, answer)
    writer.run("commit")
    assert only(answer.result(PATIENCE))["balance"] == before + 500
    assert only(observer.run(TRIAL, moment))["balance"] == before + 500


def test_and_for_whoever_registers(observer: Session, writer: Session, reader: Session) -> None:
    """Nobody else can see the new wallet yet, and it has a bonus."""
    before = only(observer.run(TRIAL, now(observer)))["balance"]
    writer.run("begin")
    writer.run("select wallet_register('newcomer', 'hash')")
    moment = now(observer)
    answer = reader.start(TRIAL, moment)
    until_it_looks_again(observer, reader, answer)
    writer.run("commit")
    assert only(answer.result(PATIENCE))["balance"] == before + 1000
    assert only(observer.run(TRIAL, moment))["balance"] == before + 1000


def test_available_is_never_more_than_one_request_can_move(observer: Session, owner: Owner) -> None:
    largest = 2**53 - 1
    observer.run("select wallet_set_limits(%s, p_floor => %s)", owner.wallet_id, -largest)
    rows = [
        only(observer.run(TOPUP, owner.wallet_id, txn(1), largest - 1000)),
        only(observer.run("select * from wallet_hold(%s, %s, 5)", owner.wallet_id, txn(2))),
        only(observer.run("select available from wallet_balance(%s)", owner.wallet_id)),
        only(observer.run("select available from wallet_list(%s)", owner.user_id)),
        only(observer.run("select available from wallet_balances(%s)", [owner.wallet_id])),
        only(observer.run(TOPUP, owner.wallet_id, txn(1), largest - 1000)),
        only(observer.run("select * from wallet_hold(%s, %s, 5)", owner.wallet_id, txn(2))),
    ]
    assert {row["available"] for row in rows} == {largest}


@pytest.mark.parametrize(
    "look",
    [
        "select from wallet_inspect_wallet(%s)",
        "select from wallet_inspect_entries(%s)",
        "select from wallet_inspect_holds(%s)",
        "select from wallet_inspect_statement(%s, '2001-01-01', '2001-01-01')",
    ],
)
def test_an_operators_look_waits_for_no_writer_and_no_writer_for_it(
    owner: Owner, writer: Session, reader: Session, look: str
) -> None:
    for session in (reader, writer):
        session.run("set lock_timeout = '1ms'")
    writer.run("begin")
    writer.run(TOPUP, owner.wallet_id, txn(1), 1)
    reader.run("begin")
    reader.run(look, owner.wallet_id)
    writer.run("commit")
    writer.run(TOPUP, owner.wallet_id, txn(2), 1)
    writer.run("select from wallet_erase_user(%s, 'a test')", owner.user_id)
    reader.run("commit")
    noted = writer.run("select count(*) from wallet.operator_actions where action = 'read'")
    assert only(noted)["count"] == 1
