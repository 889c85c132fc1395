"""Security headers, and which web pages may call the API."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.api.service import TLS, Service, User, problem, serve
from tests.database import Database

ORIGIN = "https://shop.example"
PREFLIGHT = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
ALWAYS = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


def has_security_headers(response: httpx.Response) -> bool:
    found = response.headers
    return ALWAYS.items() <= dict(found).items() and "frame-ancestors 'none'" in found["content-security-policy"]


def test_every_kind_of_answer_has_them(client: httpx.Client, alice: User) -> None:
    answers = [
        alice.get("/api/wallet/balance"),
        alice.topup(),
        alice.topup("1"),
        alice.get("/api/wallet/statement"),
        alice.get("/api/wallet/statement", headers={"Accept": "text/csv"}),
        alice.options("/api/wallet/topup"),
        client.get("/api/wallet/balance"),
        client.get("/api/health"),
        client.get("/none"),
        client.delete("/api/health"),
        client.post("/api/auth/signin", content=b"x" * 100_000),
        client.get("/api/docs"),
        client.get("/api/docs/"),
        client.get("/api/docs/none"),
        client.get("/api/docs/openapi.json"),
    ]
    assert {200, 201, 204, 401, 404, 405, 413, 422} <= {answer.status_code for answer in answers}
    for answer in answers:
        assert has_security_headers(answer), answer.request.url
        assert "strict-transport-security" not in answer.headers
        assert "access-control-allow-origin" not in answer.headers
        assert "server" not in answer.headers


def test_data_may_load_nothing(client: httpx.Client) -> None:
    policy = client.get("/api/health").headers["content-security-policy"]
    assert policy == "default-src 'none'; frame-ancestors 'none'"


@pytest.fixture(scope="module")
def public(service_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of a service that is open to a page of another origin, behind a proxy that speaks TLS."""
    folder: Path = tmp_path_factory.mktemp("public")
    settings = {
        "PGWALLET_CORS_ORIGINS": f"{ORIGIN}, http://localhost:3000",
        "PGWALLET_HSTS": "31536000",
        "PGWALLET_TRUSTED_PROXIES": "127.0.0.1",
        "PGWALLET_RATE_LIMIT": "1",
    }
    with (
        serve(service_database.api_url, folder, **settings) as running,
        httpx.Client(base_url=running.url, timeout=20, verify=TLS) as client,
    ):
        yield client


def test_no_page_of_another_origin_may_call_unless_it_is_set(client: httpx.Client, service: Service) -> None:
    problem(client.options("/api/none", headers=PREFLIGHT), 404, "not_found")
    for answer in (
        client.options("/api/wallet/topup", headers=PREFLIGHT),
        client.get("/api/health", headers={"Origin": service.url}),
    ):
        assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_a_page_of_an_origin_that_is_set_may_call(public: httpx.Client) -> None:
    preflight = public.options(
        "/api/wallet/topup", headers={**PREFLIGHT, "Access-Control-Request-Headers": "authorization, content-type"}
    )
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-origin"] == ORIGIN
    assert {"authorization", "content-type"} <= set(preflight.headers["access-control-allow-headers"].split(", "))
    assert has_security_headers(preflight)
    for name in ("traceparent", "tracestate", "baggage", "idempotency-key", "x-request-id"):
        found = public.options("/api/wallet/topup", headers={**PREFLIGHT, "Access-Control-Request-Headers": name})
        assert found.status_code == 204, name
    other = {**PREFLIGHT, "Access-Control-Request-Headers": "x-other"}
    assert public.options("/api/wallet/topup", headers=other).status_code == 400
    answer = public.get("/none", headers={"Origin": ORIGIN, "X-Forwarded-For": "192.0.2.1"})
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert "Retry-After" in answer.headers["access-control-expose-headers"]
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("origin", ["https://evil.example", f"{ORIGIN}.evil.example", "http://shop.example", "null"])
def test_a_page_of_another_origin_may_not(public: httpx.Client, origin: str) -> None:
    preflight = public.options("/api/wallet/topup", headers={**PREFLIGHT, "Origin": origin})
    assert preflight.status_code == 400
    answer = public.get("/none", headers={"Origin": origin, "X-Forwarded-For": "192.0.2.2"})
    for found in (preflight, answer):
        assert "access-control-allow-origin" not in found.headers


def test_what_pages_may_send_and_read_is_a_setting(service_database: Database, tmp_path: Path) -> None:
    given = {
        "PGWALLET_CORS_ORIGINS": ORIGIN,
        "PGWALLET_CORS_HEADERS": "Authorization, X-Trace",
        "PGWALLET_CORS_EXPOSE": "X-Request-Id",
    }
    with serve(service_database.api_url, tmp_path, **given) as service:

        def preflight(name: str) -> int:
            headers = {**PREFLIGHT, "Access-Control-Request-Headers": name}
            return httpx.options(f"{service.url}/api/wallet/topup", headers=headers, verify=TLS).status_code

        assert [preflight("x-trace"), preflight("traceparent")] == [204, 400]
        answer = httpx.get(f"{service.url}/none", headers={"Origin": ORIGIN}, verify=TLS)
        assert answer.headers["access-control-expose-headers"] == "X-Request-Id"


def test_a_page_is_shown_that_it_asks_too_often(public: httpx.Client) -> None:
    headers = {"Origin": ORIGIN, "X-Forwarded-For": "192.0.2.3"}
    answers = [public.get("/none", headers=headers) for _ in range(6)]
    problem(answers[-1], 429, "rate_limited")
    assert answers[-1].headers["access-control-allow-origin"] == ORIGIN


def test_tls_is_insisted_on_where_it_is_set_and_spoken(public: httpx.Client, client: httpx.Client) -> None:
    def policy(found: httpx.Client, scheme: str) -> str | None:
        headers = {"X-Forwarded-Proto": scheme, "X-Forwarded-For": "192.0.2.4"}
        said: str | None = found.get("/api/health/live", headers=headers).headers.get("strict-transport-security")
        return said

    assert policy(public, "https") == "max-age=31536000"
    assert policy(public, "http") is None
    # not set, and nobody here is trusted to say https
    assert policy(client, "https") is None
