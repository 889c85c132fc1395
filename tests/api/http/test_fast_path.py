"""The short way of the hottest routes: who takes it, and that nobody can tell it from the way through Litestar.

A slash at the end of the path is the same route for Litestar, but no path of the short way: so both ways can be asked.
"""

import asyncio
import json
import re
import socket
from collections.abc import Iterator
from contextlib import closing
from typing import Any, cast
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from litestar import Litestar, Request, get
from litestar.routes import HTTPRoute
from litestar.types import HTTPScope

from api.app import create_app
from api.http.fast_path import DIRECT, Direct
from api.http.problems import EXCEPTION_HANDLERS
from api.settings import Settings
from tests.api.service import JWT_SECRET, Service, User
from tests.command import wait_until

HOT = {
    ("POST", "/api/wallet/topup"),
    ("POST", "/api/wallet/spend"),
    ("GET", "/api/wallet/balance"),
    ("POST", "/api/auth/signin"),
    ("POST", "/api/auth/signup"),
    ("POST", "/api/auth/reset"),
}
PLAIN: dict[str, Any] = {"type": "http", "query_string": b"", "headers": [(b"host", b"localhost:8080")], "client": None}


def way(direct: Direct, **scope: Any) -> str:
    """Which way a request takes: `direct` was made with an `app` that raises LookupError."""

    async def receive() -> Any:
        return {"type": "http.request", "body": b"{}", "more_body": False}

    async def send(message: Any) -> None:
        assert message["type"].startswith("http.response")

    try:
        asyncio.run(direct(cast("HTTPScope", {**PLAIN, "state": {}, **scope}), receive, send))
    except LookupError:
        return "ordinary"
    return "direct"


async def ordinary(*_: Any) -> None:
    raise LookupError


@pytest.fixture(scope="module")
def app() -> Litestar:
    return create_app(Settings(api_url="postgresql://nobody@localhost/none", jwt_secret=JWT_SECRET)).litestar


def test_the_hot_routes_and_no_others_are_direct(app: Litestar) -> None:
    direct = Direct(ordinary, app)
    routes = [(method, route.path) for route in app.routes if isinstance(route, HTTPRoute) for method in route.methods]
    assert {route for route in routes if way(direct, method=route[0], path=route[1]) == "direct"} == HOT


@pytest.mark.parametrize(
    "odd",
    [
        {"query_string": b"asset=UC"},
        {"query_string": b"x"},
        {"path": "/api/wallet/balance/"},
        {"path": "/api//wallet/balance"},
        {"method": "HEAD"},
        {"method": "OPTIONS"},
        {"headers": [(b"host", b"a b")]},
        {"headers": [(b"host", b"a/b"), (b"host", b"localhost")]},
    ],
    ids=str,
)
def test_what_is_unusual_is_left_to_litestar(app: Litestar, odd: dict[str, Any]) -> None:
    usual = {"method": "GET", "path": "/api/wallet/balance"}
    direct = Direct(ordinary, app)
    assert way(direct, **usual) == "direct"
    assert way(direct, **{**usual, **odd}) == "ordinary"


def test_a_route_with_more_than_the_short_way_knows_is_refused() -> None:
    @get("/guarded", opt=DIRECT, guards=[lambda *_: None])
    async def guarded(request: Request[Any, Any, Any]) -> None:
        del request

    with pytest.raises(ValueError, match="/guarded cannot be direct, because of its guards"):
        Direct(ordinary, Litestar([guarded], exception_handlers=EXCEPTION_HANDLERS, openapi_config=None))


IDS = [str(uuid4()) for _ in range(3)]
FIELDS: dict[str, list[Any]] = {
    "txn_id": [*IDS, *IDS, "x", 7, None],
    "amount": [1, 1, 2, 700, 0, -1, 1.5, "1", 2**53, 10**30, True, None],
    "reference": ["order", "", "x" * 257, "nul \x00", None, 3],
    "metadata": [{"a": 1}, {}, [], None, {"a": "\x00"}, {"a": "x" * 5000}],
    "effective_at": ["2025-01-01T00:00:00Z", "2999-01-01T00:00:00Z", "0001-01-01T00:00:00+23:00", "x", None],
    "asset": ["UC", "XX1", "lower", None],
    "more": [1],
}
good = st.fixed_dictionaries({"txn_id": st.sampled_from(IDS), "amount": st.sampled_from([1, 2, 700])})
any_fields = st.fixed_dictionaries({}, optional={name: st.sampled_from(found) for name, found in FIELDS.items()})
bodies = st.one_of(
    good.map(lambda body: json.dumps(body).encode()),
    st.builds(lambda one, other: json.dumps({**one, **other}).encode(), good, any_fields),
    any_fields.map(lambda body: json.dumps(body).encode()),
    st.sampled_from(
        [b"", b" ", b"{", b"[]", b"null", b"\xff", b"[" * 30_000, b'{"a":' * 9000 + b"1" + b"}" * 9000]
        + [f'{{"txn_id": "{IDS[0]}", "amount": 1, {more}}}'.encode() for more in ('"amount": 1', '"\\u0061mount": 2')]
        + [b'{"txn_id": "%b", "amount": 1}' % IDS[1].encode() + b" " * spaces for spaces in (65_000, 65_536, 200_000)]
    ),
    st.binary(max_size=20),
)
requests = st.fixed_dictionaries(
    {
        "route": st.sampled_from(sorted(HOT)),
        "method": st.sampled_from([None] * 12 + ["GET", "POST", "HEAD", "OPTIONS", "PUT", "QUERY"]),
        "query": st.sampled_from([""] * 8 + ["?", "?asset=UC", "?asset=XX1", "?asset=x", "?at=2025-01-01T00:00:00Z"]),
        "token": st.sampled_from(
            ["Bearer {}"] * 8 + ["bearer {}", "Bearer  {}", "Bearer {}x", "Basic {}", "{}", "Bearer x", "", None]
        ),
        "type": st.sampled_from(["application/json"] * 8 + ["Application/JSON; charset=utf-8", "text/plain", "", None]),
        "host": st.sampled_from([None] * 8 + ["a b", "a/b", "[::1]:80", "_", "h\xe9"]),
        "chunked": st.booleans(),
        "keys": st.sampled_from([[]] * 6 + [[IDS[0]], [f'"{IDS[1]}"'], [IDS[0], IDS[0]], ["x"], [""]]),
        "body": bodies,
    }
)


@pytest.fixture(scope="module")
def twins(service: Service) -> Iterator[tuple[User, User]]:
    """Two users to whom the same happens, each in its own way."""
    with closing(User(service)) as one, closing(User(service)) as other:
        del one.headers["Authorization"], other.headers["Authorization"]
        yield one, other


def pieces(content: bytes) -> Iterator[bytes]:
    for start in range(0, len(content), 7000):
        yield content[start : start + 7000]


def ask(user: User, slash: str, asked: dict[str, Any], request_id: str) -> httpx.Response:
    method, path = asked["route"]
    method = asked["method"] or method
    headers: dict[str, Any] = {"X-Request-Id": request_id}
    if asked["token"] is not None:
        headers["Authorization"] = asked["token"].format(user.token)
    if asked["type"] is not None:
        headers["Content-Type"] = asked["type"]
    if asked["host"] is not None:
        headers["Host"] = asked["host"].encode("latin-1")
    keys = [("Idempotency-Key", key) for key in asked["keys"]]
    content = asked["body"] if method in {"POST", "PUT"} else None
    return user.request(
        method,
        path + slash + asked["query"],
        headers=[*headers.items(), *keys],
        content=pieces(content) if content and asked["chunked"] else content,
    )


def known(user: User, response: httpx.Response) -> tuple[Any, ...]:
    """All of an answer but what tells two users or two moments apart."""
    text = response.text
    for name in ("id", "wallet_id"):
        text = text.replace(user.account[name], name)
    text = re.sub(r'"id":\d+|"(created_at|receipt|now)":"[^"]*"', "", text)
    fields = [(name, value) for name, value in response.headers.multi_items() if name not in {"date", "content-length"}]
    return response.status_code, fields, text


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(asked=requests)
def test_both_ways_answer_and_log_the_same(service: Service, twins: tuple[User, User], asked: dict[str, Any]) -> None:
    request_id = uuid4().hex
    answers = [ask(user, slash, asked, request_id) for user, slash in zip(twins, ("", "/"), strict=True)]
    assert known(twins[0], answers[0]) == known(twins[1], answers[1])
    wait_until(lambda: len(service.lines(request_id=request_id, event="request")) == 2)
    first, second = (
        {name: value for name, value in line.items() if name not in {"ms", "time", "user_id", "wallet_id"}}
        | {"whose": ("user_id" in line, "wallet_id" in line)}
        for line in service.lines(request_id=request_id, event="request")
    )
    assert first == second
    assert first["path"] in {asked["route"][1], None}


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_client_that_leaves_before_its_body_is_whole_changes_nothing(
    service: Service, alice: User, slash: str
) -> None:
    request_id, txn_id = uuid4().hex, UUID(int=1)
    address = urlsplit(service.url)
    with socket.create_connection((address.hostname, address.port or 0), timeout=10) as connection:
        connection.sendall(
            f"POST /api/wallet/topup{slash} HTTP/1.1\r\nHost: x\r\nX-Request-Id: {request_id}\r\n"
            f"Authorization: Bearer {alice.token}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
            f'{{"txn_id": "{txn_id}", "amount": 1}}'.encode()
        )
    (line,) = service.wait_for(request_id=request_id)
    assert (line["event"], line["code"], line["path"]) == ("request", "bad_request", "/api/wallet/topup")
    assert alice.balance() == 1000
