"""What is wrong with a request is said in plain words, whatever is sent for whatever the schemas know."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import msgspec
import pytest
from litestar.routes import HTTPRoute
from msgspec import Struct, inspect
from msgspec.structs import fields

from api.app import create_app
from api.errors import FAULTS, FieldError, ServiceError
from api.http.json_body import Decoder
from api.http.wording import PATTERNS, fault
from api.schemas.operator import LimitsByKind
from api.settings import Settings
from tests.api.service import JWT_SECRET, User, problem

VALUES: list[Any] = [
    *[None, True, 0, 1, -1, 2, 10**6, 2**53, -(2**53), 2**63, 10**30, 1.5, 1e300, "", "x", "\0", "x" * 2000, "Ä", "UC"],
    *["2025-01-01T00:00:00", "2025-01-01T00:00:00Z", "2025-01-01", "9999-99-99T00:00:00Z"],
    *["018f6b5e-7c1a-7f00-9a3b-2f5c1d9e4a77", [], [1], {}, {"x": 1}, [{}], [{"x": 1}], [[]] * 1001],
]
RAW = ["1e400", "-1e400", "1" * 5000, "1e3"]


def requests() -> list[type[Struct]]:
    """The schemas of all request bodies."""
    app = create_app(Settings(api_url="postgresql://nobody@localhost/none", jwt_secret=JWT_SECRET)).litestar
    found = {
        handler.parsed_fn_signature.parameters["data"].annotation
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        if "data" in handler.parsed_fn_signature.parameters
    }
    return sorted(found, key=lambda model: model.__name__)


def paths(model: type[Struct]) -> Iterator[tuple[str, ...]]:
    """Where there is a value in a body: names of fields, and "[]" for an item of a list."""
    for field in fields(model):
        yield (field.encode_name,)
        for steps, inside in structs(inspect.type_info(field.type)):
            for path in paths(inside):
                yield (field.encode_name, *steps, *path)


def structs(kind: inspect.Type) -> Iterator[tuple[tuple[str, ...], type[Struct]]]:
    """The structs inside a type, and what leads to each."""
    if isinstance(kind, inspect.Metadata):
        yield from structs(kind.type)
    elif isinstance(kind, inspect.UnionType):
        for inner in kind.types:
            yield from structs(inner)
    elif isinstance(kind, inspect.ListType):
        yield from ((("[]", *steps), model) for steps, model in structs(kind.item_type))
    elif isinstance(kind, inspect.StructType):
        yield (), kind.cls


def with_value(path: tuple[str, ...], value: str) -> str:
    """A body with this value, as JSON text, at the path."""
    for step in reversed(path):
        value = f"[{value}]" if step == "[]" else f"{{{json.dumps(step)}: {value}}}"
    return value


@pytest.mark.parametrize("model", requests(), ids=lambda model: model.__name__)
def test_no_wording_of_msgspec_comes_through(model: type[Struct]) -> None:
    decoder = Decoder(model)
    seen = set()
    for path in [*paths(model), ("none",), *[(*path[:-1], "none") for path in paths(model)]]:
        for value in [*map(json.dumps, VALUES), *RAW]:
            error = refusal(decoder, with_value(path, value))
            if error is None:
                continue
            assert error.errors, (path, value)
            for found in error.errors:
                assert found.message.startswith(("must ", "is ", "has ")), found
                assert "is not valid" not in found.message
                assert f"{found.field} {found.message}" in error.detail
                assert not any(word in found.message for word in ("Expected", "`", "got", "Object", "Invalid"))
                seen.add(found.message)
            assert error.message.startswith("Please check ") or error.message in FAULTS.values()
    assert len(seen) > 1


def refusal(decoder: Decoder[Any], body: str) -> ServiceError | None:
    try:
        decoder.decode(body.encode())
    except ServiceError as error:
        return error
    return None


@pytest.mark.parametrize(
    ("value", "annotation", "message"),
    [
        (b"0", "amount", "must be a whole number of at least 1"),
        (b"9007199254740992", "amount", "must be a whole number of at most 9007199254740991"),
        (b'"1"', "amount", "must be a whole number"),
        (b"1.0", "amount", "must be a whole number, without a point or exponent"),
        (b"1" * 5000, "amount", "is out of range"),
        (b'"x"', "txn_id", "must be a UUID"),
        (b"7", "txn_id", "must be a UUID"),
        (b'""', "reference", "must not be empty"),
        (b'"\\u0000"', "reference", "must not contain U+0000"),
        (b'"' + b"x" * 257 + b'"', "reference", "must have at most 256 characters"),
        (b"7", "reference", "must be text or null"),
        (b'"uc"', "asset", "must be 2 to 12 of A-Z and 0-9, a letter first"),
        (b'"u"', "to_username", "must be 3 to 64 of letters, digits, _, . and -"),
        (b'"x"', "effective_at", "must be a time in RFC 3339 with an offset, like 2026-11-22T12:00:00Z"),
        (
            b'"2025-01-01T00:00:00"',
            "effective_at",
            "must be a time in RFC 3339 with an offset, like 2026-11-22T12:00:00Z",
        ),
    ],
)
def test_words_for_what_is_wrong(alice: User, value: bytes, annotation: str, message: str) -> None:
    headers = {"Content-Type": "application/json"}
    content = b'{"%b": %b}' % (annotation.encode(), value)
    found = problem(alice.post("/api/wallet/transfer", content=content, headers=headers), 422, "validation", annotation)
    assert {"field": annotation, "message": message} in found["errors"]
    assert f"{annotation} {message}" in found["detail"]


def test_words_for_a_person(client: httpx.Client, alice: User) -> None:
    body = {"username": "a b", "password": "short"}
    found = problem(client.post("/api/auth/signup", json=body), 422, "validation", "username")
    assert found["message"] == "Use 3 to 64 letters, digits, _, . or -."
    found = problem(alice.post("/api/wallet/topup", json={"amount": 1}), 422, "validation", "txn_id")
    assert found["message"] == "Something went wrong in the app. Please try again."
    found = problem(alice.post("/api/wallet/topup", json={"amount": 1, "x": 1}), 422, "validation", "x")
    assert found["message"] == "Something went wrong in the app. Please try again."
    found = problem(alice.get("/api/wallet/balance", params={"at": "today"}), 422, "validation", "at")
    assert found["message"] == "This date is not valid."


@pytest.mark.parametrize(
    ("query", "field", "message"),
    [
        ("limit=0", "limit", "must be a whole number of at least 1"),
        ("limit=201", "limit", "must be a whole number of at most 200"),
        ("limit=x", "limit", "must be a whole number"),
        ("asset=uc", "asset", "must be 2 to 12 of A-Z and 0-9, a letter first"),
        ("reference=", "reference", "must not be empty"),
        ("reference=%00", "reference", "must not contain U+0000"),
        ("cursor=" + "x" * 65, "cursor", "must have at most 64 characters"),
        (
            "type=gift",
            "type",
            "must be one of bonus, topup, spend, transfer, capture, refund, adjustment, returned",
        ),
    ],
)
def test_words_for_query_parameters(alice: User, query: str, field: str, message: str) -> None:
    found = problem(alice.get(f"/api/wallet/transactions?{query}"), 422, "validation", field)
    assert found["errors"] == [{"field": field, "message": message}]
    assert found["detail"] == f"{field} {message}."
    assert found["message"] == f"Please check {field}: it {message}."


def test_every_pattern_of_a_request_has_words() -> None:
    patterns = {
        part["pattern"]
        for model in requests()
        for schema in msgspec.json.schema_components([model])[1].values()
        for field in schema.get("properties", {}).values()
        for whole in (field, *field.get("anyOf", ()))
        for part in (whole, whole.get("items", {}))
        if "pattern" in part
    }
    assert {repr(pattern) for pattern in patterns} == set(PATTERNS)


@pytest.mark.parametrize("said", ["", "Expected `", "A new wording - at `$.a`", "Invalid enum value ' - at `$[0].x`'"])
def test_words_that_are_not_known_are_not_repeated(said: str) -> None:
    found = fault("field", said, LimitsByKind)
    assert found.message in {"is not valid", "must be one of the values in the documentation"}


def test_a_member_at_fault_is_named() -> None:
    assert fault("a", "Object missing required field `b` - at `$[3].c`") == FieldError("a[3].c.b", "is required")
    assert fault("a", "Object contains unknown field `b\n`") == FieldError("a.b\n", "is not a known field")
