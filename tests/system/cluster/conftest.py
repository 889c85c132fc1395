"""Two databases that the tests of a module share; each test makes users of its own."""

from collections.abc import Iterator

import pytest

from tests.database import PostgresServer
from tests.system.cluster.databases import Side, two_databases


@pytest.fixture(scope="module")
def both(postgres_server: PostgresServer, request: pytest.FixtureRequest) -> Iterator[tuple[Side, Side]]:
    """Two databases of one cluster."""
    with two_databases(postgres_server, request.module.__name__.rpartition(".")[2]) as sides:
        yield sides


@pytest.fixture
def one(both: tuple[Side, Side]) -> Side:
    """The first database."""
    return both[0]


@pytest.fixture
def two(both: tuple[Side, Side]) -> Side:
    """The second one."""
    return both[1]
