"""Who finds no page: people read a page, programs get a problem."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.api.service import TLS, Service, problem, serve
from tests.database import Database

BROWSER = {"Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"}


@pytest.fixture(scope="module")
def api_alone(service_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    folder: Path = tmp_path_factory.mktemp("api_alone")
    with (
        serve(service_database.api_url, folder, PGWALLET_PAGES="off") as running,
        httpx.Client(base_url=running.url, timeout=20, verify=TLS) as client,
    ):
        yield client


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/walet", 404), ("GET", "/sign-out", 405)])
def test_a_browser_gets_a_page(client: httpx.Client, method: str, path: str, status: int) -> None:
    answer = client.request(method, path, headers=BROWSER)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "<h1>This page cannot be shown</h1>" in answer.text


@pytest.mark.parametrize(("path", "code"), [("/walet", "not_found"), ("/sign-out", "method_not_allowed")])
def test_a_program_gets_a_problem(client: httpx.Client, path: str, code: str) -> None:
    problem(client.get(path), {"not_found": 404, "method_not_allowed": 405}[code], code)


def test_the_api_answers_browsers_with_problems_too(client: httpx.Client) -> None:
    problem(client.get("/api/walet", headers=BROWSER), 404, "not_found")


def test_what_is_refused_before_any_page_is_readable(client: httpx.Client) -> None:
    answer = client.get(f"/{'x' * 300}", headers=BROWSER)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "The service does not understand what was sent." in answer.text
    assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"


@pytest.mark.parametrize("path", ["/", "/sign-in", "/operator", "/live"])
def test_without_pages_there_is_the_api_alone(api_alone: httpx.Client, path: str) -> None:
    problem(api_alone.get(path, headers={"Accept": "*/*"}), 404, "not_found")
    assert api_alone.get("/api/health/live").status_code == 200


def test_a_page_that_asks_who_it_is_for_leads_to_the_sign_in(client: httpx.Client, service: Service) -> None:
    answer = client.get("/account?changed=1", headers=BROWSER)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?next=%2Faccount%3Fchanged%3D1"
    assert service.url not in answer.headers["location"]
