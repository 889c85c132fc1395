"""Rate limits: how many requests a user and an address may make, and that nobody gets around them."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest
from litestar.types import HTTPScope

from api.http.client_address import network
from api.http.rate_limit import CALLERS, WINDOW, Limits, Table
from api.server import shared_memory
from api.settings import Settings
from tests.api.service import JWT_SECRET, PASSWORD, TLS, Service, User, data, problem, serve
from tests.command import Pgwallet
from tests.database import Database

RATE = 10


@pytest.fixture(scope="module")
def limited(service_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with tight limits, behind a proxy on this machine."""
    folder: Path = tmp_path_factory.mktemp("limited")
    with serve(
        service_database.api_url, folder, PGWALLET_RATE_LIMIT=str(RATE), PGWALLET_TRUSTED_PROXIES="127.0.0.1"
    ) as running:
        yield running


def user_at(limited: Service, address: str) -> User:
    """Somebody new, who reaches the service from this address."""
    return User(limited, **{"X-Forwarded-For": address})


def test_a_user_has_a_share_of_their_own_wherever_they_come_from(limited: Service) -> None:
    with closing(user_at(limited, "192.0.2.1")) as one, closing(user_at(limited, "192.0.2.2")) as other:
        for number in range(RATE):
            data(one.get("/api/wallet/balance", headers={"X-Forwarded-For": f"198.51.100.{number}"}))
        refused = one.topup()
        problem(refused, 429, "rate_limited")
        assert refused.headers["ratelimit-limit"] == str(RATE)
        assert refused.headers["ratelimit-policy"] == f"{RATE};w=60"
        assert refused.headers["ratelimit-remaining"] == "0"
        assert 1 <= int(refused.headers["ratelimit-reset"]) <= 60 / RATE
        assert refused.headers["retry-after"] == refused.headers["ratelimit-reset"]
        data(other.get("/api/wallet/balance"))


def test_another_token_of_the_user_does_not_help(limited: Service) -> None:
    with closing(user_at(limited, "192.0.2.3")) as user:
        for _ in range(RATE):
            user.get("/api/wallet/balance")
        credentials = {"username": user.username, "password": PASSWORD}
        fresh = data(user.post("/api/auth/signin", json=credentials, headers={"X-Forwarded-For": "192.0.2.4"}))
        token = f"Bearer {fresh['access_token']}"
        problem(user.get("/api/wallet/balance", headers={"Authorization": token}), 429, "rate_limited")


def test_an_address_has_five_times_a_users_share_signed_in_or_not(limited: Service) -> None:
    with httpx.Client(base_url=limited.url, timeout=20, verify=TLS, headers={"X-Forwarded-For": "192.0.2.5"}) as client:
        for path in ("/none", "/api/wallet/balance", "/api/health", "/api/docs", "/") * RATE:
            assert client.get(path).status_code != 429
        # some come back meanwhile
        answers = (client.get("/none") for _ in range(5 * RATE))
        refused = next(answer for answer in answers if answer.status_code != 404)
        problem(refused, 429, "rate_limited")
        assert refused.headers["ratelimit-limit"] == str(RATE * 5)
        assert refused.headers["cache-control"] == "no-store"
        # what a supervisor restarts a service for
        assert client.get("/api/health/live").status_code == 200
        elsewhere = client.get("/none", headers={"X-Forwarded-For": "192.0.2.6"})
        problem(elsewhere, 404, "not_found")


def test_signing_up_and_in_has_a_tenth_which_the_rest_does_not_use_up(limited: Service) -> None:
    with closing(user_at(limited, "192.0.2.7")) as user:
        for body in ({"username": user.username, "password": PASSWORD}, {"username": "nobody", "password": "x" * 8}):
            refused = user.post("/api/auth/signin", json=body)
            problem(refused, 429, "rate_limited")
            assert refused.headers["ratelimit-limit"] == str(RATE // 10)
        data(user.get("/api/wallet/balance"))


SPELLINGS = [
    *("//api/auth/signin", "/api//auth/signin", "/api/auth//signin", "/api/auth/signin/", "///api///auth///signin///"),
    *("/api/%61uth/signin", "/api%2Fauth%2fsignin", "/%2Fapi/auth/signin", "http://127.0.0.1//api/auth/signin"),
]


@pytest.mark.parametrize("path", SPELLINGS)
def test_no_other_spelling_of_a_path_that_leads_to_the_same_has_more(limited: Service, path: str) -> None:
    """Sent as it stands; httpx would tidy it."""
    body = json.dumps({"username": "nobody", "password": PASSWORD})
    headers = {"X-Forwarded-For": f"198.51.100.{150 + SPELLINGS.index(path)}", "Content-Type": "application/json"}
    with closing(HTTPConnection(urlsplit(limited.url).netloc, timeout=20)) as connection:
        statuses = []
        for _ in range(2):
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            answer.read()
            statuses.append(answer.status)
    assert statuses == [401, 429]


FORMS = ["/sign-in", "/sign-up", "/reset", "/account/password", "//sign-in", "/sign-in/", "/%2Faccount//password"]


@pytest.mark.parametrize("path", FORMS)
def test_a_form_of_an_account_has_the_same_share_and_a_look_at_it_has_not(limited: Service, path: str) -> None:
    headers = {"X-Forwarded-For": f"203.0.113.{100 + FORMS.index(path)}"}
    with closing(HTTPConnection(urlsplit(limited.url).netloc, timeout=20)) as connection:

        def status(method: str, path: str, body: str | None = None) -> int:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            answer.read()
            return answer.status

        assert 429 not in [status("GET", path) for _ in range(RATE)]
        assert [status("POST", path, "username=nobody") == 429 for _ in range(2)] == [False, True]
        assert status("POST", "/api/auth/signin", "{}") == 429
        assert status("POST", "/top-up", "amount=1") != 429


@pytest.mark.parametrize(
    "path", ["/api/auth/./signin", "/api/x/../auth/signin", "/API/auth/signin", "/api/auth;a/signin"]
)
def test_what_looks_like_one_leads_nowhere(limited: Service, path: str) -> None:
    with closing(HTTPConnection(urlsplit(limited.url).netloc, timeout=20)) as connection:
        connection.request(
            "POST", path, "{}", {"X-Forwarded-For": "198.51.100.200", "Content-Type": "application/json"}
        )
        assert connection.getresponse().status == 404


def test_no_header_makes_another_method_of_a_request(limited: Service) -> None:
    with closing(user_at(limited, "198.51.100.201")) as user:
        for header in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
            answer = user.get(
                "/api/auth/signin", headers={header: "POST", "X-Forwarded-For": f"203.0.113.{len(header)}"}
            )
            problem(answer, 405, "method_not_allowed")


@pytest.mark.parametrize("atomic", [True, False])
def test_a_batch_tells_no_more_names_than_single_transfers(limited: Service, atomic: bool) -> None:
    def transfers(count: int) -> dict[str, object]:
        names = [f"nobody-{number}" for number in range(count)]
        found = [{"type": "transfer", "txn_id": str(uuid4()), "amount": 1, "to_username": name} for name in names]
        return {"requests": found, "atomic": atomic}

    with closing(user_at(limited, f"198.51.100.{210 + atomic}")) as user:
        # the request itself is one of ten
        assert user.post("/api/wallet/batch", json=transfers(RATE - 2)).status_code == (409 if atomic else 200)
        refused = user.post("/api/wallet/batch", json=transfers(RATE - 2))
        problem(refused, 429, "rate_limited")
        assert "results" not in refused.json()


def test_a_batch_counts_by_its_items(limited: Service) -> None:
    def topups(count: int) -> dict[str, object]:
        return {"requests": [{"type": "topup", "txn_id": str(uuid4()), "amount": 1} for _ in range(count)]}

    with closing(user_at(limited, "198.51.100.213")) as user:
        # nine of ten: one for the request and eight for twenty items each
        assert user.post("/api/wallet/batch", json=topups(20 * (RATE - 2))).status_code == 200
        problem(user.post("/api/wallet/batch", json=topups(40)), 429, "rate_limited")


def test_ipv6_addresses_of_one_customer_are_one() -> None:
    assert network("2001:db8:1:2::1") == network("2001:db8:1:2:ffff::9") != network("2001:db8:1:3::1")
    assert network("::ffff:192.0.2.1") == network("192.0.2.1") != network("192.0.2.2")
    assert network("a word") == "a word"


def test_what_a_peer_says_of_itself_counts_only_from_a_trusted_proxy(
    service_database: Database, tmp_path: Path
) -> None:
    spoofed = (f"203.0.113.{number}" for number in range(1, 255))
    with (
        serve(
            service_database.api_url, tmp_path, PGWALLET_RATE_LIMIT="1", PGWALLET_TRUSTED_PROXIES="192.0.2.0/24"
        ) as running,
        httpx.Client(base_url=running.url, timeout=20, verify=TLS) as client,
    ):
        statuses = [client.get("/none", headers={"X-Forwarded-For": next(spoofed)}).status_code for _ in range(6)]
    assert statuses == [404] * 5 + [429]


def test_of_several_addresses_the_one_that_the_proxy_saw_counts(limited: Service) -> None:
    with httpx.Client(base_url=limited.url, timeout=20, verify=TLS) as client:
        for number in range(RATE * 5):
            client.get("/none", headers={"X-Forwarded-For": f"203.0.113.{number}, 192.0.2.8"})
        problem(
            client.get("/none", headers={"X-Forwarded-For": "203.0.113.99, 192.0.2.8"}),
            429,
            "rate_limited",
        )


def test_the_limit_is_that_of_the_service_and_not_of_each_worker(service_database: Database, tmp_path: Path) -> None:
    with Pgwallet(
        tmp_path, PGWALLET_API_URL=service_database.api_url, JWT_SECRET=JWT_SECRET, PGWALLET_RATE_LIMIT="20"
    ) as wallet:
        service = wallet.start("serve", PGWALLET_WORKERS="4")
        # a connection each, so that every worker has some
        statuses = [service.request("/none")[0] for _ in range(200)]
    assert set(statuses) == {404, 429}
    # the readiness check has used some up before, and a few come back meanwhile
    assert 50 <= statuses.count(404) <= 120


def test_the_default_lets_200_sign_ups_and_1000_wallet_calls_pass_at_once() -> None:
    limits = Limits(Settings().rate_limit, Table(), b"key")
    for path, calls in (("/api/auth/signup", 200), ("/api/wallet/topup", 1000)):
        for _ in range(calls):
            limits.address(cast("HTTPScope", {"path": path, "method": "POST", "client": ("192.0.2.1", 1)}))
    user = uuid4()
    for _ in range(1000):
        limits.user(user)


class Clock:
    now = 1000.0

    def monotonic(self) -> float:
        return self.now


def test_an_allowance_comes_back_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr("api.http.rate_limit.time", clock)
    table = Table()
    assert [table.take(7, 4) for _ in range(4)] == [0, 0, 0, 0]
    assert table.take(7, 4) == pytest.approx(WINDOW / 4)
    clock.now += WINDOW / 8
    assert table.take(7, 4) == pytest.approx(WINDOW / 8)
    clock.now += WINDOW / 8
    assert table.take(7, 4) == 0
    assert table.take(7, 4) == pytest.approx(WINDOW / 4)
    clock.now += WINDOW * 2
    assert [table.take(7, 4) > 0 for _ in range(5)] == [False, False, False, False, True]


def test_many_addresses_take_no_more_memory_and_do_not_free_the_one_that_is_refused() -> None:
    table = Table()
    while not table.take(7, 100):
        pass
    size = table._names.nbytes
    for stranger in range(1000, 1000 + CALLERS):
        table.take(stranger, 100)
    assert table._names.nbytes == size
    assert table.take(7, 100) > 0


COUNT = """
import sys
from api.http.rate_limit import Table
table = Table(int(sys.argv[1]))
for _ in range(20):
    table.take(7, 10)
"""


def test_processes_share_the_table() -> None:
    with shared_memory.made(1) as memory:
        table = Table(memory.limits)
        subprocess.run([sys.executable, "-c", COUNT, str(memory.limits)], pass_fds=[memory.limits], check=True)
        assert table.take(7, 10) > 0
