"""A service for the pages, and browsers of operators."""

from collections.abc import Iterator

import pytest

from tests.api.conftest import with_cheap_hashes
from tests.api.pages.browser import Browser
from tests.api.service import Service, User, serve
from tests.database import Database, PostgresServer


@pytest.fixture(scope="session")
def service_database(postgres_server: PostgresServer, pytestconfig: pytest.Config) -> Iterator[Database]:
    """A ledger in which tests of pages may leave contradictions."""
    with with_cheap_hashes(postgres_server, "pages", pytestconfig.getoption("databases")) as found:
        yield found


@pytest.fixture(scope="session")
def service(service_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The running service."""
    with serve(service_database.api_url, tmp_path_factory.mktemp("pages")) as running:
        yield running


@pytest.fixture
def console(service: Service, operator: User) -> Iterator[Browser]:
    """The browser of an operator, signed in."""
    with Browser(service) as browser:
        browser.sign_in(operator.username)
        yield browser
