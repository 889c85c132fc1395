"""Short runs of `make test-cluster KILLS=100`: transfers survive kills, and nobody elsewhere misses a server."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator

import pytest

from api.postgres import embedded
from tests.system.cluster.away import away, dead, frozen
from tests.system.cluster.run import run
from tests.system.cluster.world import KILLS, World, world


@pytest.fixture(scope="module")
def cluster() -> Iterator[World]:
    with world() as made:
        yield made


@pytest.mark.long
def test_no_money_is_made_or_lost_by_any_kind_of_kill(cluster: World) -> None:
    said: list[str] = []
    found = asyncio.run(run(cluster, [*KILLS], said.append))
    assert found.findings == [], said
    assert found.transfers > 0


@pytest.mark.long
@pytest.mark.parametrize("harm", [dead, frozen])
def test_only_the_users_of_a_server_that_is_away_notice_it(
    cluster: World, harm: Callable[[embedded.Server], contextlib.AbstractContextManager[None]]
) -> None:
    found = asyncio.run(away(cluster, harm, 3.0))
    assert set(found.elsewhere_statuses) == {200, 201}, found.figures()
    # away() has seen 503 for each of them, in time; what was on its way when the server went may have been done
    assert set(found.own_statuses) <= {200, 201, 503}, found.figures()
