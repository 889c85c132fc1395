"""A world for the state machine to live in."""

from collections.abc import Iterator

import pytest

from tests.database import Database
from tests.system.state.world import World


@pytest.fixture
def world(database: Database) -> Iterator[World]:
    opened = World(database)
    try:
        yield opened
    finally:
        opened.close()
