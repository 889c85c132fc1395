"""Chromium and a service that it visits; only the tests that `make` names here have a driver of the browser."""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.api.conftest import alice, bob, operator, receiver
from tests.api.service import Service, serve
from tests.database import Database, PostgresServer, cloned

if TYPE_CHECKING:
    from playwright.sync_api import Browser

__all__ = ["alice", "bob", "operator", "receiver"]

FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]


@pytest.fixture(scope="session")
def service_database(postgres_server: PostgresServer) -> Iterator[Database]:
    """The database of `service`, whose demo accounts are as `pgwallet run` makes them."""
    with cloned(postgres_server, "browser") as found:
        yield found


@pytest.fixture(scope="session")
def service(service_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The running service, which believes what a proxy says, and asks two operators for what is above 1000."""
    settings = {"PGWALLET_TRUSTED_PROXIES": "127.0.0.1", "PGWALLET_FOUR_EYES": "1000"}
    with serve(service_database.api_url, tmp_path_factory.mktemp("service"), **settings) as running:
        yield running


@pytest.fixture(scope="session")
def browser(service: Service) -> Iterator["Browser"]:  # noqa: ARG001 - see below
    """Chromium. The database is made before: the driver's event loop runs in this thread, and allows no other one."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=os.environ["CHROMIUM"], args=FLAGS)
        yield found
        found.close()
