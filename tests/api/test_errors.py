"""The error table, without a server."""

import re
from pathlib import Path

import msgspec
import pytest

from api import errors
from api.errors import IN_NUMBERS, MESSAGES, SQLSTATES, FieldError, Kind, ServiceError, from_postgres
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
    assert body["message"] == "You do not have enough money available for this."
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
    assert {name.partition(" ")[0] for name in IN_NUMBERS} <= answered


@pytest.mark.parametrize(
    ("code", "members", "message"),
    [
        ("WA003", {"available": 700, "requested": 5000}, "You have 7.00 USD available, 50.00 USD are needed."),
        ("WA003", {"available": -5, "requested": 5}, "You have -0.05 USD available, 0.05 USD are needed."),
        ("WA003", {"available": 5, "requested": -80}, "You have 0.05 USD available, 0.80 USD are needed."),
        ("WA006", {"maximum": 9_007_199_254_740_991, "balance": 1},
         "This wallet can hold at most 90071992547409.91 USD, and has 0.01 USD already."),
        ("WA006", {}, "The receiving wallet cannot hold this much."),
        ("WA014", {"kind": "spend", "limit": "per_day", "left": 150, "maximum": 1000},
         "You can spend 1.50 USD more today: your limit is 10.00 USD in 24 hours."),
        ("WA014", {"kind": "transfer", "limit": "per_30_days", "left": 0, "maximum": 1000},
         "You can send 0.00 USD more for now: your limit is 10.00 USD in 30 days."),
        ("WA014", {"kind": "topup", "limit": "per_transaction", "left": 1000, "maximum": 1000},
         "You can top up at most 10.00 USD at once."),
        ("WA014", {"kind": "spend", "limit": "per_year", "left": 0}, "This is more than your limit allows."),
        ("WA019", {"left": 50, "requested": 80}, "Only 0.50 USD are left of the reservation, 0.80 USD are needed."),
        ("WA020", {"left": 50, "requested": 80}, "At most 0.50 USD of this payment can still be refunded."),
        ("WA022", {"balance": 0, "held": 1},
         "This wallet has a balance of 0.00 USD, and 0.01 USD reserved: it cannot be closed."),
        ("WA033", {"retry_after": 8}, "Too many failed sign-ins. Please try again in 8 seconds."),
    ],
)  # fmt: skip
def test_messages_have_amounts_as_people_know_them(code: str, members: dict[str, object], message: str) -> None:
    assert ServiceError(SQLSTATES[code], members={**members, "asset": "USD", "scale": 2}).message == message


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
