"""What bad input gets: a 4xx problem that names the field, and nothing written."""

import contextlib
import gzip
import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from api.errors import ServiceError
from api.http.json_body import Decoder
from api.schemas.batch import BatchOrder
from tests.api.service import User, data, problem

ID = "018f6b5e-7c1a-7f00-9a3b-2f5c1d9e4a77"
JSON = {"Content-Type": "application/json"}
MUTATIONS = ["/api/wallet/topup", "/api/wallet/spend"]
ENDPOINTS = [*MUTATIONS, "/api/auth/signup", "/api/auth/signin"]


@pytest.fixture
def untouched(alice: User) -> Iterator[User]:
    """A user whose wallet must be as it was after the test."""
    yield alice
    assert alice.balance() == 1000
    assert len(alice.history()["items"]) == 1


def send(user: User, content: str | bytes, path: str = MUTATIONS[0]) -> httpx.Response:
    return user.post(path, content=content, headers=JSON)


def body(**fields: str) -> str:
    """A body with these fields as raw JSON text."""
    return "{" + ", ".join(f'"{name}": {text}' for name, text in fields.items()) + "}"


@pytest.mark.parametrize("path", MUTATIONS)
@pytest.mark.parametrize(
    ("field", "content"),
    [
        ("txn_id", body(amount="1")),
        ("amount", body(txn_id=f'"{ID}"')),
        ("extra", body(txn_id=f'"{ID}"', amount="1", extra="1")),
        ("wallet_id", body(txn_id=f'"{ID}"', amount="1", wallet_id=f'"{ID}"')),
        *[
            ("txn_id", body(txn_id=text, amount="1"))
            for text in ("null", "1", "true", '""', '"x"', "[]", f'"{{{ID}}}"')
        ],
        *[("txn_id", body(txn_id=text, amount="1")) for text in (f'"{ID} "', f'"{ID[:-1]}"', f'"{ID}0"', '"\\u0000"')],
        *[("amount", body(txn_id=f'"{ID}"', amount=text)) for text in ("0", "-1", "-0", "1.0", "1e3", "1E0", "0.5")],
        *[
            ("amount", body(txn_id=f'"{ID}"', amount=text))
            for text in ("null", "true", "false", '"1"', '""', "[1]", "{}")
        ],
        *[
            ("amount", body(txn_id=f'"{ID}"', amount=text))
            for text in ("9007199254740992", "9223372036854775808", "1e400", "-1e400", "1" * 30, "1" * 5000)
        ],
        *[
            ("reference", body(txn_id=f'"{ID}"', amount="1", reference=text))
            for text in ("1", "true", "[]", "{}", '""')
        ],
        ("reference", body(txn_id=f'"{ID}"', amount="1", reference=f'"{"x" * 257}"')),
        ("reference", body(txn_id=f'"{ID}"', amount="1", reference='"nul \\u0000"')),
        *[
            ("metadata", body(txn_id=f'"{ID}"', amount="1", metadata=text))
            for text in ("1", '"x"', "[]", "true", '"{}"')
        ],
        *[
            ("metadata", body(txn_id=f'"{ID}"', amount="1", metadata=text))
            for text in ('{"a": "\\u0000"}', '{"\\u0000": 1}', '{"a": ["b", "\\u0000"]}', '{"a": "\\\\\\u0000"}')
        ],
        *[
            ("metadata", body(txn_id=f'"{ID}"', amount="1", metadata=f'{{"a": {text}}}'))
            for text in (
                "1e400",
                "-1e309",
                "1e-401",
                "0e999999",
                "1e99999999999999999999",
                "1" * 5000,
                "0." + "0" * 500,
            )
        ],
        ("metadata", body(txn_id=f'"{ID}"', amount="1", metadata='{"a": 1, "a": 2}')),
        ("metadata", body(txn_id=f'"{ID}"', amount="1", metadata='{"a": [{"b": 1, "\\u0062": 2}]}')),
        ("amount", f'{{"txn_id": "{ID}", "amount": 1, "amount": 2}}'),
        ("amount", f'{{"txn_id": "{ID}", "amount": 1, "\\u0061mount": 2}}'),
        ("txn_id", f'{{"txn_id": "{ID}", "amount": 1, "txn_id": "{ID}"}}'),
        *[("body", text) for text in ("[]", "null", "1", '"x"', "true", "[" * 100 + "]" * 100)],
    ],
    ids=lambda value: value[:60],
)
def test_fields_at_fault_are_named(untouched: User, path: str, field: str, content: str) -> None:
    problem(send(untouched, content, path), 422, "validation", field)


def test_metadata_is_at_most_4_kib(alice: User) -> None:
    def metadata(size: int) -> dict[str, str]:
        return {"a": "x" * (size - len('{"a": ""}'))}

    problem(alice.topup(metadata=metadata(4097)), 422, "WA002", "metadata")
    assert alice.balance() == 1000
    data(alice.topup(metadata=metadata(4096)), 201)


@pytest.mark.parametrize("length", [1, 256])
def test_references_of_1_to_256_characters_are_kept(alice: User, length: int) -> None:
    data(alice.topup(reference="\U0001f600" * length), 201)
    assert alice.history()["items"][0]["reference"] == "\U0001f600" * length


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b" ",
        b"{",
        b"}",
        b"{'txn_id': 1}",
        b'{"amount": 01}',
        b'{"amount": NaN}',
        b'{"amount": +1}',
        b'{"amount": 1,}',
        b'{"amount": 1} x',
        b'{"amount": 1}{}',
        b'\xef\xbb\xbf{"amount": 1}',
        b'{"amount": "\xff"}',
        b'{"a\xff": 1}',
        '{"amount": 1}'.encode("utf-16"),
        b'{"amount": "\x00"}',
        b'{"amount": "tab\there"}',
        b"\x00",
        b'{"amount": "\\ud800"}',
        b'{"amount": "\\x"}',
        b"txn_id=1&amount=1",
        b"<amount>1</amount>",
        b'{"amount": ' + b"[" * 20_000 + b"]" * 20_000 + b"}",
        b"[" * 60_000,
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    ],
    ids=lambda value: repr(value[:30]),
)
def test_what_is_no_json_is_a_client_error(untouched: User, path: str, content: bytes) -> None:
    response = send(untouched, content, path)
    assert response.status_code in {400, 422}
    problem(response, response.status_code, "malformed_json" if response.status_code == 400 else "validation")


@pytest.mark.parametrize(
    "metadata",
    [
        '{"a": "\\ud800"}',
        '{"a": "\\udc00"}',
        '{"a": "\\udc00\\ud800"}',
        '{"\\ud800": 1}',
        '{"a": 01}',
        '{"a": NaN}',
        '{"a": Infinity}',
        "{a: 1}",
        "{",
        '{"a": "\x00"}',
        '{"a": ' + "[" * 20_000 + "]" * 20_000 + "}",
    ],
    ids=lambda value: value[:20],
)
def test_malformed_json_inside_metadata_is_a_client_error(untouched: User, metadata: str) -> None:
    response = send(untouched, body(txn_id=f'"{uuid4()}"', amount="1", metadata=metadata))
    assert response.status_code in {400, 422}


def test_invalid_utf8_inside_metadata_is_a_client_error(untouched: User) -> None:
    content = body(txn_id=f'"{uuid4()}"', amount="1", metadata='{"a": "?"}').encode().replace(b"?", b"\xff")
    problem(send(untouched, content), 400, "malformed_json")


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "text/plain",
        "text/json",
        "json",
        "application/jsonp",
        "application/msgpack",
        "application/problem+json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
    ],
)
@pytest.mark.parametrize("path", ENDPOINTS)
def test_only_json_is_taken_for_json(untouched: User, path: str, content_type: str | None) -> None:
    headers: dict[str, Any] = {} if content_type is None else {"Content-Type": content_type}
    content = body(txn_id=f'"{uuid4()}"', amount="1")
    problem(untouched.post(path, content=content, headers=headers), 415, "unsupported_media_type")


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "br", "identity, gzip", "unknown"])
@pytest.mark.parametrize("path", [*ENDPOINTS, "/api/wallet/batch"])
def test_a_coded_body_is_refused_by_its_name(untouched: User, path: str, coding: str) -> None:
    content = gzip.compress(body(txn_id=f'"{uuid4()}"', amount="1").encode())
    response = untouched.post(path, content=content, headers={**JSON, "Content-Encoding": coding})
    assert "Content-Encoding" in problem(response, 415, "unsupported_media_type")["detail"]
    assert response.headers["accept-encoding"] == "identity"


def test_a_body_may_say_that_it_is_not_coded(alice: User) -> None:
    content = body(txn_id=f'"{uuid4()}"', amount="1")
    headers = {**JSON, "Content-Encoding": "identity"}
    data(alice.post("/api/wallet/topup", content=content, headers=headers), 201)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_named(untouched: User, encoding: str) -> None:
    content = body(txn_id=f'"{uuid4()}"', amount="1").encode(encoding)
    assert "byte order mark" in problem(send(untouched, content), 400, "malformed_json")["detail"]


@pytest.mark.parametrize(
    "content_type", ["application/json; charset=utf-8", "Application/JSON", "application/json ;x=y"]
)
def test_the_content_type_may_have_parameters(alice: User, content_type: str) -> None:
    content = body(txn_id=f'"{uuid4()}"', amount="1")
    data(alice.post("/api/wallet/topup", content=content, headers={"Content-Type": content_type}), 201)


@pytest.mark.parametrize(
    ("field", "query"),
    [
        *[("limit", f"limit={text}") for text in ("", "1e1", "010", "+1", "%201", "1%20", "1.0", "1_0", "x", "1" * 30)],
        *[("limit", f"limit={text}") for text in ("0", "-1", "201", "%D9%A1")],
        ("limit", "limit=1&limit=2"),
        ("limit", "limit=1&limit=1"),
        ("form", "form=2026-01-01T00:00:00Z"),
        ("from", "from=2026-01-01"),
        ("type", "type=gift"),
    ],
)
def test_query_parameters_at_fault_are_named(alice: User, field: str, query: str) -> None:
    problem(alice.get(f"/api/wallet/transactions?{query}"), 422, "validation", field)


def test_a_query_where_none_is_known_is_refused(untouched: User) -> None:
    content = body(txn_id=f'"{ID}"', amount="1")
    problem(send(untouched, content, f"{MUTATIONS[0]}?amount=100"), 422, "validation", "amount")


def test_several_faults_are_all_named(untouched: User) -> None:
    found = problem(send(untouched, body(amount="0", metadata="1", other="1")), 422, "validation")
    assert [error["field"] for error in found["errors"]] == ["other", "txn_id", "amount"]


KEYS = ",".join(f'"{number}":1' for number in range(5000))
MANY: dict[str, tuple[str, str, int]] = {
    "a key many times": ("/api/wallet/topup", "{" + '"amount":1,' * 5000 + '"amount":1}', 422),
    "unknown keys": ("/api/wallet/topup", "{" + KEYS + "}", 422),
    "an unknown key of many bytes": ("/api/wallet/topup", '{"' + "k" * 60_000 + '":1}', 422),
    "a repeated key of many bytes": (
        "/api/wallet/topup",
        body(txn_id=f'"{ID}"', amount="1", metadata='{"' + "k" * 2000 + '":1,"' + "k" * 2000 + '":1}'),
        422,
    ),
    "a repeated key, and a number of many digits": (
        "/api/wallet/topup",
        body(txn_id=f'"{ID}"', amount="1", metadata=f'{{"a": {{"a": 1, "a": 1}}, "b": {"1" * 5000}}}'),
        422,
    ),
    "a repeated key, and many levels": (
        "/api/wallet/topup",
        body(txn_id=f'"{ID}"', amount="1", metadata='{"a": 1, "a": ' + "[" * 975 + "]" * 975 + "}"),
        422,
    ),
    "many levels": (
        "/api/wallet/topup",
        body(txn_id=f'"{ID}"', amount="1", metadata='{"a": ' + "[" * 975 + "]" * 975 + "}"),
        400,
    ),
    "metadata of many bytes": ("/api/wallet/topup", body(txn_id=f'"{ID}"', amount="1", metadata="{" + KEYS + "}"), 422),
    "a value of many bytes": ("/api/wallet/batch", '{"requests":[{"type":"' + "x" * 60_000 + '"}]}', 422),
    "a key that looks like msgspec's words": (
        "/api/wallet/batch",
        '{"requests":[{"' + " - at `$" * 6000 + '\\n":1}]}',
        422,
    ),
    "many items at fault": (
        "/api/wallet/batch",
        '{"requests":[' + ",".join([f'{{"type":"spend","txn_id":"{ID}","original_txn_id":"{ID}"}}'] * 600) + "]}",
        422,
    ),
}


@pytest.mark.parametrize(("path", "content", "status"), MANY.values(), ids=MANY)
def test_what_is_sent_comes_back_as_a_few_words(untouched: User, path: str, content: str, status: int) -> None:
    response = send(untouched, content, path)
    problem(response, status, "malformed_json" if status == 400 else response.json()["code"])
    assert len(response.content) < 16 * 1024


def test_the_first_of_many_faults_are_named(untouched: User) -> None:
    found = problem(send(untouched, "{" + KEYS + "}"), 422, "validation")
    assert [error["field"] for error in found["errors"]] == [str(number) for number in range(20)]
    assert found["detail"].endswith("…")


LARGEST = 1024 * 1024
ITEM = f'{{"type":"topup","txn_id":"{ID}","amount":1,"metadata":'
LARGE = {
    "a key many times": '{"atomic":true,"requests":[' + ITEM + "null," + '"amount":1,' * 95_000 + '"amount":1}]}',
    "a key of the body many times": '{"requests":[' + ITEM + "null}]," + '"atomic":true,' * 74_000 + '"asset":"UC"}',
    "unknown keys": "{" + ",".join(f'"{number}":1' for number in range(95_000)) + "}",
    "a key that looks like msgspec's words": '{"requests":[{"' + " - at `$" * 120_000 + '\\n":1}]}',
    "metadata": '{"requests":[' + ITEM + '{"a":[' + "[]," * 340_000 + "[]]}}]}",
    "numbers in metadata": '{"requests":[' + ",".join([ITEM + '{"a":[' + "1.5e1," * 800 + "1]}}"] * 200) + "]}",
}


@pytest.mark.parametrize("content", LARGE.values(), ids=LARGE)
def test_the_work_grows_as_the_body_does(content: str) -> None:
    text = content.encode()
    assert 900_000 < len(text) < LARGEST
    started = time.process_time()
    with contextlib.suppress(ServiceError):
        Decoder(BatchOrder).decode(text)
    # where it grows as the square of the body it is a minute
    assert time.process_time() - started < 3
