"""The error table, without a server."""

import re
from pathlib import Path

import msgspec
import pytest

from api.errors import SQLSTATES, FieldError, ServiceError, from_postgres
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
    assert (body["detail"], body["message"]) == ("Top up.", "Top up.")
    assert "field" not in body


def test_a_reason_becomes_the_detail() -> None:
    error = from_postgres("WA002", '{"field": "limit", "reason": "must be smaller"}', "Correct it.")
    assert error is not None
    assert error.detail == "limit must be smaller."
    assert error.errors == [FieldError("limit", "must be smaller")]


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
    for kind in SQLSTATES.values():
        assert ServiceError(kind).detail
