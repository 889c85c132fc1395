"""Checks of our own for schemathesis, and an end to its guesses: loaded by schemathesis.toml."""

import re
from typing import Any

import schemathesis

# What JSON Schema cannot say, or says more loosely: there 100.0 is an integer.
BEYOND_SCHEMA = re.compile(
    r"must have 8 to 72 bytes in UTF-8"
    r"|must not contain U\+0000"
    r"|has a number out of range"
    r"|is out of range"
    r"|must be given, or to_username, and not both"
    r"|is for a (capture or void|refund); a .*"
    r"|must be a whole number, without a point or exponent"
    r"|is required, here or as the header Idempotency-Key"
    r"|must be the same as Idempotency-Key"
)

UUID_TEXT = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@schemathesis.hook
def map_case(_: schemathesis.HookContext, case: schemathesis.Case[Any]) -> schemathesis.Case[Any]:
    """Let the two spellings of a txn_id agree: as random values they never would, and no request would get further.

    And let no stream go on, and no page wait for what nobody does. All have a token, with which nobody else is named.
    """
    if case.headers:
        case.headers.pop("On-Behalf-Of", None)
    if case.operation.path.endswith("/stream"):
        case.query = {**(case.query or {}), "seconds": 0}
    elif "wait" in (case.query or {}):
        case.query = {**case.query, "wait": 0}
    txn_id = case.body.get("txn_id") if isinstance(case.body, dict) else None
    if "Idempotency-Key" in (case.headers or {}) and isinstance(txn_id, str) and UUID_TEXT.fullmatch(txn_id):
        case.headers["Idempotency-Key"] = txn_id
    return case


@schemathesis.check
def refusals_of_good_requests_have_reasons(
    _: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case[Any]
) -> None:
    """A request that fits the document fails `validation` only by a rule that the document cannot state."""
    if response.status_code != 422 or case.meta is None or not case.meta.generation.mode.is_positive:
        return
    body = response.json()
    if body["code"] == "validation":
        unsaid = [error for error in body["errors"] if not BEYOND_SCHEMA.fullmatch(error["message"])]
        assert not unsaid, f"the document allows what the service refuses: {unsaid}"


@schemathesis.check
def errors_are_problems(
    _: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case[Any]
) -> None:
    """Whatever is refused is refused in the one shape of errors, and tells nothing of the inside."""
    if response.status_code >= 400 and not case.operation.path.startswith("/api/health"):
        body = response.json()
        assert response.headers["content-type"] == ["application/problem+json"]
        assert body["status"] == response.status_code
        assert body["success"] is False
        assert not re.search(
            r"traceback|select |wallet\.(?!opened|status_|limits_)\w+|asyncpg|\.py\b", response.text.lower()
        )
