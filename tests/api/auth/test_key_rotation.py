"""One key signs, those of before are accepted, and no other."""

import base64
import hashlib
import hmac
import json
from contextlib import closing
from pathlib import Path

import httpx
import jwt
import pytest

from api.auth.tokens import key_id
from tests.api.auth.test_tokens import claims
from tests.api.service import JWT_SECRET, TLS, User, data, problem, serve
from tests.database import Database

NEW = "the secret that signs after the rotation"
THIRD = "a third secret that was never in use anywhere"


def balance(url: str, token: str) -> httpx.Response:
    return httpx.get(f"{url}/api/wallet/balance", headers={"Authorization": f"Bearer {token}"}, verify=TLS)


def test_tokens_of_before_a_rotation_stay_valid_until_their_key_is_dropped(
    service_database: Database, tmp_path: Path
) -> None:
    with serve(service_database.api_url, tmp_path) as before, closing(User(before)) as user:
        old = user.token
    with serve(
        service_database.api_url, tmp_path, JWT_SECRET=NEW, JWT_PREVIOUS_SECRETS=f"{THIRD},{JWT_SECRET}"
    ) as rotated:
        data(balance(rotated.url, old))
        user.base_url = httpx.URL(rotated.url)
        with closing(User(rotated)) as later:
            assert jwt.get_unverified_header(later.token)["kid"] == key_id(NEW)
            assert jwt.decode(later.token, NEW, algorithms=["HS256"], issuer="pgwallet")
            new = later.token
    with serve(service_database.api_url, tmp_path, JWT_SECRET=NEW) as ended:
        problem(balance(ended.url, old), 401, "unauthorized")
        data(balance(ended.url, new))


@pytest.mark.parametrize(
    ("kid", "key", "accepted"),
    [
        (key_id(JWT_SECRET), JWT_SECRET, True),
        (key_id(JWT_SECRET), THIRD, False),
        (key_id(THIRD), THIRD, False),
        (key_id(THIRD), JWT_SECRET, False),
        ("", JWT_SECRET, False),
        ("../../etc/passwd", JWT_SECRET, False),
        (["a"], JWT_SECRET, False),
        (5, JWT_SECRET, False),
        (None, JWT_SECRET, True),
    ],
    ids=repr,
)
def test_the_key_that_is_named_is_known_and_has_signed(alice: User, kid: object, key: str, *, accepted: bool) -> None:
    token = signed(claims(alice), key, {} if kid is None else {"kid": kid})
    response = balance(str(alice.base_url).rstrip("/"), token)
    assert response.status_code == (200 if accepted else 401), response.text


def signed(payload: dict[str, object], key: str, header: dict[str, object]) -> str:
    """A JWT with any header at all: PyJWT writes none that it would refuse to read."""

    def part(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).decode().rstrip("=")

    start = ".".join(part(json.dumps(value).encode()) for value in ({"alg": "HS256", "typ": "JWT", **header}, payload))
    return f"{start}.{part(hmac.digest(key.encode(), start.encode(), hashlib.sha256))}"
