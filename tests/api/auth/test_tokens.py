"""Who a token stands for, and every way of not having one."""

import asyncio
import base64
import json
import string
import time
from typing import Any, cast
from uuid import uuid4

import httpx
import jwt
import pytest

from api.auth.tokens import Tokens, key_id
from api.database.rows import User as StoredUser
from tests.api.service import JWT_SECRET, TLS, Service, User, data, problem

PROTECTED = [
    ("GET", "/api/wallet/balance"),
    ("GET", "/api/wallet/transactions"),
    ("POST", "/api/wallet/topup"),
    ("POST", "/api/wallet/spend"),
]


def claims(user: User, **changed: Any) -> dict[str, Any]:
    """The claims of a good token, some changed, None for left out."""
    now = int(time.time())
    good = {"uid": user.account["id"], "wid": user.account["wallet_id"], "iss": "pgwallet", "iat": now, "exp": now + 60}
    return {name: value for name, value in {**good, **changed}.items() if value is not None}


def sign(payload: dict[str, Any], key: str = JWT_SECRET, algorithm: str = "HS256") -> str:
    return jwt.encode(payload, key, algorithm)


def unsigned(payload: dict[str, Any], algorithm: str, signature: str = "") -> str:
    def part(value: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return f"{part({'alg': algorithm, 'typ': 'JWT'})}.{part(payload)}.{signature}"


def balance(client: httpx.Client, authorization: str) -> httpx.Response:
    return client.get("/api/wallet/balance", headers={b"Authorization": authorization.encode("latin-1")})


def test_tokens_carry_the_claims_of_the_contract(alice: User) -> None:
    found = jwt.decode(alice.token, JWT_SECRET, algorithms=["HS256"], issuer="pgwallet")
    assert set(found) == {"uid", "wid", "role", "gen", "jti", "iss", "iat", "exp"}
    assert jwt.get_unverified_header(alice.token) == {"alg": "HS256", "typ": "JWT", "kid": key_id(JWT_SECRET)}
    assert found["role"] == "user"
    assert (found["uid"], found["wid"]) == (alice.account["id"], alice.account["wallet_id"])
    assert found["exp"] - found["iat"] == 24 * 60 * 60


def test_a_good_token_of_our_own_making_is_accepted(client: httpx.Client, alice: User) -> None:
    assert data(balance(client, f"Bearer {sign(claims(alice))}"))["wallet_id"] == alice.account["wallet_id"]


def test_a_token_is_remembered_once_however_it_is_spelt(client: httpx.Client, alice: User) -> None:
    user = StoredUser(uuid4(), "alice", "user", uuid4())

    class Known:
        async def principal(self, *_: object) -> StoredUser:
            return user

    async def spell() -> int:
        for spelling in (
            f"{scheme}{' ' * spaces}{alice.token} " for scheme in ("Bearer", "bEARER") for spaces in (1, 9)
        ):
            await tokens.principal(spelling.encode())
        return len(tokens._verified)

    tokens = Tokens([JWT_SECRET], cast("Any", Known()))
    assert asyncio.run(spell()) == 1
    alphabet = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
    twin = alice.token[:-1] + alphabet[alphabet.index(alice.token[-1]) ^ 1]
    for spelling in (f"{alice.token}~", f"{alice.token}=", f"{alice.token[:-5]}~{alice.token[-5:]}", twin):
        problem(balance(client, f"Bearer {spelling}"), 401, "unauthorized")


def test_the_scheme_is_written_in_any_case(client: httpx.Client, alice: User) -> None:
    data(balance(client, f"bearer {alice.token}"))


@pytest.mark.parametrize(("method", "path"), PROTECTED)
def test_without_a_token_no_wallet_route_answers(client: httpx.Client, method: str, path: str) -> None:
    problem(client.request(method, path), 401, "unauthorized")


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer x", "Bearer a.b.c", "Basic YTpi", "Token x", "Bearer \xff\xfe", "Bearer " + "x" * 9000],
    ids=len,
)
def test_what_is_no_token_is_refused(client: httpx.Client, authorization: str) -> None:
    problem(balance(client, authorization), 401, "unauthorized")


@pytest.mark.parametrize(
    "changed",
    [
        {"exp": 1_700_000_000},
        {"exp": None},
        {"exp": "soon"},
        {"exp": 1e400},
        {"iat": None},
        {"iat": 99_999_999_999},
        {"iat": int(time.time()) + 3600, "exp": int(time.time()) + 7200},
        {"exp": int(time.time()) + 48 * 3600},
        {"exp": float("nan")},
        {"gen": 1},
        {"gen": -1},
        {"gen": 2**31},
        {"gen": "0"},
        {"gen": True},
        {"iss": None},
        {"iss": "somebody else"},
        {"uid": None},
        {"uid": 5},
        {"uid": ["a"]},
        {"uid": "not a uuid"},
        {"uid": str(uuid4())},
        {"wid": None},
        {"wid": "not a uuid"},
    ],
    # not their values, some of which are other ones each time
    ids=" ".join,
)
def test_a_signed_token_with_wrong_claims_is_refused(
    client: httpx.Client, alice: User, changed: dict[str, Any]
) -> None:
    problem(balance(client, f"Bearer {sign(claims(alice, **changed))}"), 401, "unauthorized")


def test_clocks_may_be_some_seconds_apart_and_no_more(client: httpx.Client, alice: User) -> None:
    now = int(time.time())
    data(balance(client, f"Bearer {sign(claims(alice, iat=now + 3))}"))
    problem(balance(client, f"Bearer {sign(claims(alice, iat=now + 30))}"), 401, "unauthorized")
    problem(balance(client, f"Bearer {sign(claims(alice, exp=now - 1))}"), 401, "unauthorized")


def test_another_secret_is_refused(client: httpx.Client, alice: User) -> None:
    token = sign(claims(alice), "another secret that is long enough to sign")
    problem(balance(client, f"Bearer {token}"), 401, "unauthorized")


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "", "RS256", "ES256", "HS512"])
def test_only_hs256_is_accepted(client: httpx.Client, alice: User, algorithm: str) -> None:
    good_signature = alice.token.rpartition(".")[2]
    for signature in ("", good_signature):
        problem(balance(client, f"Bearer {unsigned(claims(alice), algorithm, signature)}"), 401, "unauthorized")


def test_another_hmac_with_our_secret_is_refused(client: httpx.Client, alice: User) -> None:
    token = sign(claims(alice), JWT_SECRET * 2, "HS512")
    problem(balance(client, f"Bearer {token}"), 401, "unauthorized")
    token = jwt.encode(claims(alice), JWT_SECRET * 2, "HS384")
    problem(balance(client, f"Bearer {token}"), 401, "unauthorized")


def test_changed_claims_under_an_old_signature_are_refused(client: httpx.Client, alice: User, bob: User) -> None:
    head, _, signature = alice.token.split(".")
    _, body, _ = bob.token.split(".")
    problem(balance(client, f"Bearer {head}.{body}.{signature}"), 401, "unauthorized")


def test_a_verified_token_ends_when_it_expires(service: Service, alice: User) -> None:
    with httpx.Client(base_url=service.url, verify=TLS) as client:
        token = sign(claims(alice, exp=int(time.time()) + 4))
        data(balance(client, f"Bearer {token}"))
        while time.time() < jwt.decode(token, options={"verify_signature": False, "verify_exp": False})["exp"]:
            time.sleep(0.05)
        problem(balance(client, f"Bearer {token}"), 401, "unauthorized")


def test_authorisation_follows_the_user_and_not_the_wallet_claim(client: httpx.Client, alice: User, bob: User) -> None:
    token = sign(claims(alice, wid=bob.account["wallet_id"]))
    assert data(balance(client, f"Bearer {token}"))["wallet_id"] == alice.account["wallet_id"]


def test_the_token_is_looked_at_before_the_body(client: httpx.Client) -> None:
    problem(client.post("/api/wallet/topup", content=b"{"), 401, "unauthorized")
