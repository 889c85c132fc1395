"""How old a standby is: by positions of the log, never by what it says of itself."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from api.database.pool import Pool
from api.database.standby import Age, Mark, Standby, UnfitError
from api.settings import Settings


class Says:
    """A connection to a server that is this far."""

    def __init__(self, position: int, epoch: int | None = 1, *, is_standby: bool = True) -> None:
        self._row = {"is_standby": is_standby, "wal_position": position, "epoch": epoch}
        self.terminated = False

    async def fetchrow(self, _: str) -> dict[str, Any]:
        return self._row

    def terminate(self) -> None:
        self.terminated = True


def standby(*marks: tuple[int, float], epoch: int = 1) -> Standby:
    """One whose primary was at these positions, so many seconds ago."""
    url = "postgresql://wallet_api@/wallet?host=/nowhere"
    settings = Settings(api_url=url, read_url=url)
    found = Standby(settings, Pool(settings, 1))
    now = asyncio.get_running_loop().time()
    for position, ago in marks:
        found._mark(epoch, Mark(position, now - ago))
    return found


async def age_of(found: Standby, says: Says, most: int = 3600) -> float:
    age = Age(most)
    await found._judge(age, says)  # type: ignore[arg-type]
    return round(age.found)


def test_it_is_as_old_as_the_newest_position_that_it_has_reached() -> None:
    async def ages() -> list[float]:
        found = standby((100, 30), (200, 20), (300, 10))
        return [await age_of(found, Says(position)) for position in (100, 199, 200, 299, 300, 10_000)]

    assert asyncio.run(ages()) == [30, 30, 20, 20, 10, 10]


def test_an_idle_primary_makes_nothing_old() -> None:
    async def age() -> float:
        return await age_of(standby((100, 3000), (100, 2000), (100, 1)), Says(100))

    assert asyncio.run(age()) == 1


def test_it_grows_older_while_the_primary_is_away() -> None:
    async def judge() -> None:
        found = standby((100, 50))
        assert await age_of(found, Says(100), most=60) == 50
        with pytest.raises(UnfitError, match="older"):
            await age_of(found, Says(100), most=40)

    asyncio.run(judge())


@pytest.mark.parametrize(
    ("says", "why"),
    [
        (SimpleNamespace(position=99, epoch=1), "far behind"),
        # it has replayed what the new primary never had
        (SimpleNamespace(position=10_000, epoch=2), "history"),
        (SimpleNamespace(position=10_000, epoch=None), "history"),
    ],
)
def test_one_that_is_far_behind_or_of_another_history_is_unfit(says: SimpleNamespace, why: str) -> None:
    async def judge() -> None:
        with pytest.raises(UnfitError, match=why):
            await age_of(standby((100, 1)), Says(says.position, says.epoch))

    asyncio.run(judge())


def test_after_a_failover_positions_of_before_count_no_more() -> None:
    async def judge() -> None:
        found = standby((100, 5))
        found._mark(2, Mark(90, asyncio.get_running_loop().time()))
        with pytest.raises(UnfitError, match="history"):
            await age_of(found, Says(100, 1))
        assert await age_of(found, Says(100, 2)) == 0

    asyncio.run(judge())


def test_a_promoted_one_is_unfit_and_its_connection_is_closed() -> None:
    async def judge() -> None:
        says = Says(10_000, is_standby=False)
        with pytest.raises(UnfitError, match="no standby"):
            await age_of(standby((100, 1)), says)
        assert says.terminated

    asyncio.run(judge())
