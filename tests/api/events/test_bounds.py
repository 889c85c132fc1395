"""How far events can be read: one fence for all who wait, on a database that the test plays."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import cast

import pytest
from structlog.testing import CapturingLogger

from api.database.functions import Database
from api.database.requests import Bound
from api.database.rows import EventMark, FenceHolder
from api.errors import UNAVAILABLE, ServiceError
from api.events import bounds
from api.events.bounds import Bounds


class Played:
    """Draws ids, and has transactions that are open."""

    def __init__(self) -> None:
        self.drawn = 0
        self.xid = 100
        self.epoch = 7
        self.open: set[int] = set()
        self.marks: list[int | None] = []
        self.away = False
        self.begins = False
        self.polls = 0
        self.asked = asyncio.Condition()

    async def polled(self, times: int) -> None:
        """Wait until somebody has asked so often whether a fence has passed."""
        until = self.polls + times
        async with self.asked:
            await self.asked.wait_for(lambda: self.polls >= until)

    def commits(self) -> None:
        self.drawn += 1
        self.xid += 1

    def stays_open(self) -> int:
        self.drawn += 1
        self.xid += 1
        self.open.add(self.xid)
        return self.xid

    async def event_mark(self, known: int | None) -> EventMark:
        await asyncio.sleep(0)
        self.marks.append(known)
        if self.away:
            raise ServiceError(UNAVAILABLE)
        if known == self.drawn:
            return EventMark(self.drawn, None, self.epoch)
        self.xid += 1
        if self.begins:
            self.begins = False
            self.drawn += 1000
            return EventMark(0, self.xid, self.epoch)
        return EventMark(self.drawn, self.xid, self.epoch)

    async def fence_holders(self, fence: int) -> list[FenceHolder]:
        assert any(xid <= fence for xid in self.open)
        return [FenceHolder(4711, None, "postgres", "psql", "wallet", None)]

    async def event_settled(self, fence: int) -> bool:
        async with self.asked:
            self.polls += 1
            self.asked.notify_all()
        if self.away:
            raise ServiceError(UNAVAILABLE)
        return all(xid > fence for xid in self.open)


def run(test: Callable[[Bounds, Played], Awaitable[None]]) -> None:
    async def whole() -> None:
        played = Played()
        found = Bounds(cast("Database", played))
        async with asyncio.timeout(20), found.running():
            await test(found, played)

    asyncio.run(whole())


def test_whoever_asks_is_told_of_what_was_committed_before() -> None:
    async def test(found: Bounds, played: Played) -> None:
        for _ in range(3):
            played.commits()
            answers = await asyncio.gather(*(found.fresh(5) for _ in range(50)))
            assert {answer.up_to for answer in answers if answer} == {played.drawn}
        # fifty share a fence
        assert len(played.marks) == 3

    run(test)


def test_nobody_looks_while_nobody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "LOOK_SECONDS", 0.0)

    async def test(found: Bounds, played: Played) -> None:
        await found.fresh(5)
        looked = len(played.marks)
        played.commits()
        for _ in range(100):
            await asyncio.sleep(0)
        assert len(played.marks) == looked
        assert found.latest is not None
        assert found.latest.up_to == 0

    run(test)


def test_nothing_is_kept_of_who_has_gone() -> None:
    async def test(found: Bounds, played: Played) -> None:
        played.commits()
        seen = await found.fresh(5)
        for _ in range(3):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await found.newer(seen)
        assert not found._listening

    run(test)


def test_a_bound_waits_for_the_transactions_that_are_open() -> None:
    async def test(found: Bounds, played: Played) -> None:
        first = await found.fresh(5)
        xid = played.stays_open()
        assert await found.fresh(0.05) == first
        listening = asyncio.create_task(found.newer(first))
        await played.polled(3)
        assert not listening.done()
        played.open.remove(xid)
        assert (await listening).up_to == 1

    run(test)


def test_no_more_than_ten_fences_are_drawn_in_a_second() -> None:
    async def test(found: Bounds, played: Played) -> None:
        loop = asyncio.get_running_loop()
        began, seen = loop.time(), None
        for _ in range(4):
            played.commits()
            seen = await found.newer(seen)
        assert loop.time() - began >= 3 * bounds.FENCE_SECONDS

    run(test)


def test_an_epoch_that_begins_has_a_bound_at_once() -> None:
    async def test(found: Bounds, played: Played) -> None:
        played.commits()
        played.begins = True
        played.epoch = 8
        bound = await found.fresh(5)
        assert bound is not None
        assert (bound.up_to, bound.epoch) == (1001, 8)

    run(test)


def test_an_outage_is_told_to_who_asks_and_survived_by_who_listens(caplog: pytest.LogCaptureFixture) -> None:
    async def test(found: Bounds, played: Played) -> None:
        played.commits()
        first = await found.fresh(5)
        listening = asyncio.create_task(found.newer(first))
        played.away = True
        with pytest.raises(ServiceError) as refused:
            await found.fresh(5)
        assert refused.value.kind is UNAVAILABLE
        # a fence of before may be of another server's history
        assert found.latest is None
        played.away = False
        played.commits()
        bound = await listening
        assert bound == Bound(2, bound.fence, 7)
        assert None in played.marks[1:]

    run(test)
    assert caplog.records == []


def test_who_asks_a_service_that_stops_is_told() -> None:
    async def test(found: Bounds, played: Played) -> None:
        await found.fresh(5)
        played.stays_open()
        asked.append(asyncio.create_task(found.fresh(60)))
        await played.polled(1)

    async def whole() -> None:
        played = Played()
        found = Bounds(cast("Database", played))
        async with found.running():
            await test(found, played)
        for answer in (asked[0], found.fresh(1)):
            with pytest.raises(ServiceError):
                await answer

    asked: list[asyncio.Task[Bound | None]] = []
    asyncio.run(whole())


def test_a_transaction_that_stays_open_is_in_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    told = CapturingLogger()
    monkeypatch.setattr(bounds, "log", told)
    monkeypatch.setattr(bounds, "WARN_SECONDS", 0.0)

    async def test(found: Bounds, played: Played) -> None:
        xid = played.stays_open()
        asking = asyncio.create_task(found.fresh(5))
        await played.polled(4)
        played.open.remove(xid)
        await asking

    run(test)
    (line,) = told.calls
    assert (line.method_name, line.args) == ("warning", ("events wait for a transaction that stays open",))
    assert "4711" in str(line.kwargs)


def test_it_ends_though_the_database_lost_the_cancellation() -> None:
    asked = asyncio.Event()

    class Deaf(Played):
        async def event_mark(self, known: int | None) -> EventMark:  # noqa: ARG002 - as it is called
            asked.set()
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                # as asyncio.wait_for does it where the connection is lost at the same moment
                raise ServiceError(UNAVAILABLE) from None
            raise AssertionError

    async def whole() -> None:
        found = Bounds(cast("Database", Deaf()))
        async with asyncio.timeout(20), found.running():
            with found.listening():
                await asked.wait()

    asyncio.run(whole())
