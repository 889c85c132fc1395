"""The error table, without a server."""

import re
from pathlib import Path

import msgspec
import pytest

from api import errors
from api.errors import MESSAGES, SPECIFIC, SQLSTATES, VARYING, FieldError, Kind, ServiceError, from_postgres, invalid
from api.http.problems import describe, problem

FUNCTIONS = Path(__file__).parents[2] / "db" / "functions"


def test_the_table_has_every_code_that_sql_raises_and_no_other() -> None:
    raised = set(re.findall(r"WA\d{3}", "".join(path.read_text() for path in FUNCTIONS.rglob("*.sql"))))
    assert raised == {sqlstate for sqlstate in SQLSTATES if sqlstate.startswith("WA")}


@pytest.mark.parametrize(
    ("sqlstate", "status"),
    [("WA001", 404), ("WA002", 422), ("WA003", 402), ("WA004", 409), ("WA005", 409), ("WA006", 422),
     ("40001", 503), ("40P01", 503), ("53300", 503), ("55P03", 503), ("57014", 503), ("57P01", 503)],
)  # fmt: skip
def test_statuses(sqlstate: str, status: int) -> None:
    error = from_postgres(sqlstate, None, "Do something else.")
    assert error is not None
    assert error.kind.status == status


@pytest.mark.parametrize("sqlstate", ["WA007", "WA008", "42883", "22012", "XX000", ""])
def test_what_no_caller_should_cause_is_no_answer(sqlstate: str) -> None:
    assert from_postgres(sqlstate, "{}", None) is None


def test_values_of_detail_become_members_but_never_replace_standard_ones() -> None:
    error = from_postgres("WA003", '{"field": "amount", "available": 30, "status": 200, "type": "x"}', "Top up.")
    assert error is not None
    body = msgspec.to_builtins(problem(error, "id"))
    assert body["errors"] == [{"field": "amount", "message": "Insufficient funds"}]
    assert (body["available"], body["status"], body["type"]) == (30, 402, "/api/docs#WA003")
    assert body["detail"] == "amount: insufficient funds. Top up."
    assert body["message"] == "There is not enough money available for this."
    assert "field" not in body


def test_a_reason_becomes_the_detail() -> None:
    error = from_postgres("WA002", '{"field": "limit", "reason": "must be smaller"}', "Correct it.")
    assert error is not None
    assert error.detail == "limit must be smaller."
    assert error.errors == [FieldError("limit", "must be smaller")]
    assert error.message == "Please check limit: it must be smaller."


def test_a_data_error_is_described_without_its_words() -> None:
    secret = "a password"
    try:
        raise ValueError(secret)  # noqa: TRY301
    except ValueError as error:
        described = describe(error)
    assert secret not in described
    assert "test_errors.py" in described
    assert "ValueError" in described


def test_every_kind_has_words() -> None:
    kinds = {*SQLSTATES.values(), *(kind for kind in vars(errors).values() if isinstance(kind, Kind))}
    for kind in kinds:
        assert ServiceError(kind).detail
    answered = {kind.code for kind in kinds if kind.status != errors.INTERNAL.status or kind is errors.INTERNAL}
    assert set(MESSAGES) == answered
    cases = [key.split(" ") for key in SPECIFIC]
    assert {code for code, *_ in cases} <= answered
    assert {case[0].partition("=")[0] for _, *case in cases if case} <= {"operator", *VARYING}


@pytest.mark.parametrize(
    ("code", "members", "message"),
    [
        ("WA003", {"available": 700, "requested": 5000}, "You have 7.00 USD available, 50.00 USD are needed."),
        ("WA003", {"available": 5, "requested": -80}, "You have 0.05 USD available, 0.80 USD are needed."),
        ("WA003", {"available": -5, "requested": 5}, "You have 0.00 USD available, 0.05 USD are needed."),
        ("WA006", {"maximum": 9_007_199_254_740_991, "balance": 1},
         "This wallet can hold at most 90071992547409.91 USD, and has 0.01 USD already."),
        ("WA006", {}, "The recipient cannot receive this much."),
        ("WA014", {"kind": "spend", "limit": "per_day", "left": 150, "maximum": 1000},
         "You can spend 1.50 USD more now: your limit is 10.00 USD in 24 hours."),
        ("WA014", {"kind": "transfer", "limit": "per_30_days", "left": 0, "maximum": 1000},
         "You have reached your limit of 10.00 USD in 30 days."),
        ("WA014", {"kind": "topup", "limit": "per_transaction", "left": 1000, "maximum": 1000},
         "You can top up at most 10.00 USD at once."),
        ("WA014", {"kind": "spend", "limit": "per_day", "left": 0, "maximum": 0},
         "Spending is switched off for this wallet."),
        ("WA014", {"kind": "topup", "limit": "per_transaction", "left": 0, "maximum": 0},
         "Topping up is switched off for this wallet."),
        ("WA014", {"kind": "spend", "limit": "per_year", "left": 0}, "This is more than your limit allows."),
        ("WA001", {}, "You have no USD wallet yet."),
        ("WA009", {"field": "to_username"}, "There is no such recipient with a wallet for USD."),
        ("WA013", {"field": "to_username"}, "The recipient's wallet is closed."),
        ("WA013", {"field": "amount"}, MESSAGES["WA013"]),
        ("WA019", {"left": 50, "requested": 80},
         "Only 0.50 USD of the reservation are left; 0.80 USD were asked for."),
        ("WA020", {"left": 50, "requested": 80}, "At most 0.50 USD of this payment can still be refunded."),
        ("WA020", {"left": 0, "requested": 80}, "This payment was refunded in full already."),
        ("WA021", {"type": "transfer"}, "A transfer cannot be refunded; ask the recipient to send it back."),
        ("WA021", {"type": "topup"}, "This transaction cannot be refunded."),
        ("WA022", {"balance": 0, "held": 1},
         "This wallet has a balance of 0.00 USD, and 0.01 USD reserved: it cannot be closed."),
        ("WA022", {"balance": 0, "held": 0, "in_transit": 50},
         "Of this wallet 0.50 USD are on their way: it cannot be closed before they have arrived."),
        ("WA033", {"retry_after": 8}, "Too many failed sign-ins. Please try again in 8 seconds."),
        ("WA033", {"retry_after": 1}, "Too many failed sign-ins. Please try again in 1 second."),
        ("WA038", {}, "Another operator has to do this."),
        ("WA038", {"field": "user_id"}, "Only an administrator can do this."),
        ("WA040", {"decision": "rejected"}, "This request was rejected already."),
        ("WA040", {"decision": "confirmed"}, "This request was confirmed already."),
    ],
)  # fmt: skip
def test_messages_have_amounts_as_people_know_them(code: str, members: dict[str, object], message: str) -> None:
    assert ServiceError(SQLSTATES[code], members={**members, "asset": "USD", "scale": 2}).message == message


@pytest.mark.parametrize("code", MESSAGES)
def test_an_operator_is_told_of_the_wallet_of_somebody_else(code: str) -> None:
    members = {"wallet_id": "w", "asset": "UC", "scale": 0, "requested": -9000, "available": 271, "kind": "topup"}
    kind = SQLSTATES.get(code) or Kind(400, code, "")
    for more in ({}, {"limit": "per_day", "maximum": 450, "left": 0}, {"maximum": 0}, {"field": "to_username"}):
        told = ServiceError(kind, members={**members, **more}).told(to_operator=True)
        # what never comes of an operator's call may say it
        if code not in {"WA010", "WA011", "WA025", "WA034"}:
            assert not re.search(r"\byou(rs?)?\b", told.replace("what you entered", ""), re.IGNORECASE)
            assert "-9000" not in told
        if code == "WA003":
            assert told == "This wallet has 271 UC available; 9000 UC cannot be taken."


@pytest.mark.parametrize(
    ("name", "words", "message"),
    [
        ("amount", "must be a whole number, without a point or exponent", "This amount is not valid."),
        ("requests[3].amount", "must not be null", "This amount is not valid."),
        ("txn_id", "is required", "Something went wrong in the app. Please try again."),
        ("to_wallet_id", "must be a UUID", "Something went wrong in the app. Please try again."),
        ("effective_at", "is out of range", "This date is not valid."),
        ("username", "must not look like a UUID", "Please check username: it must not look like a UUID."),
        ("new_password", "is required", "Please check new password: it is required."),
    ],
)
def test_a_fault_is_told_in_words_for_a_person(name: str, words: str, message: str) -> None:
    fault = FieldError(name, words)
    assert invalid(fault).message == ServiceError(SQLSTATES["WA002"], errors=[fault]).message == message
    assert invalid(fault).detail == f"{name} {words}."


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ('"2026-11-22T13:00:00.5+01:00"', "2026-11-22T12:00:00.500000Z"),
        ('"2026-11-22T12:00:00+00:00"', "2026-11-22T12:00:00Z"),
        ('"infinity"', "infinity"),
        ('"9999-12-31T23:59:59-01:00"', "9999-12-31T23:59:59-01:00"),
        ("null", None),
        ("7", 7),
    ],
)
def test_times_of_members_are_in_utc(said: str, shown: object) -> None:
    error = from_postgres("WA018", f'{{"expires_at": {said}}}', None)
    assert error is not None
    assert msgspec.to_builtins(problem(error, "id"))["expires_at"] == shown


@pytest.mark.parametrize(
    ("scale", "shown"), [(0, "1100 UC"), (3, "1.100 UC"), (18, "0.000000000000001100 UC"), (None, None)]
)
def test_amounts_are_shown_in_the_scale_of_the_asset(scale: int | None, shown: str | None) -> None:
    members = {"available": 1100, "requested": 1100, "asset": "UC", "scale": scale}
    message = ServiceError(SQLSTATES["WA003"], members=members).message
    # an older function may not tell the scale: no amount is better than a wrong one
    assert message == (f"You have {shown} available, {shown} are needed." if shown else MESSAGES["WA003"])


def test_detail_tells_programmers_what_was_refused_in_which_units() -> None:
    error = from_postgres(
        "WA014",
        '{"field": "amount", "kind": "spend", "limit": "per_day", "left": 150, "maximum": 1000, "asset": "USD",'
        ' "scale": 2}',
        "Wait.",
    )
    assert error is not None
    assert error.detail == (
        "amount: limit exceeded (kind spend, limit per_day, left 150, maximum 1000, in minor units of USD). Wait."
    )
