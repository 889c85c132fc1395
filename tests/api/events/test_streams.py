"""Streams: what is held, what is read again, and when they end; on a database that the test plays."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID, uuid4

import pytest

from api.database.functions import Database
from api.database.requests import Bound, EventFilters
from api.database.rows import EventRow, Events, UserEvent
from api.errors import SQLSTATES, TOO_MANY_STREAMS, UNAUTHORIZED, UNAVAILABLE, ServiceError
from api.events import streams
from api.events.bounds import Bounds
from api.events.cursors import Cursor, Cursors, read_cursor, read_cursors
from api.events.sources import Sources
from api.events.streams import Caller, Stream, Streams

WALLET, OTHER, SYSTEM = uuid4(), uuid4(), uuid4()


@dataclass(eq=False)
class Played:
    """Has events of one wallet, and can lose some of them, be away, and refuse callers."""

    rows: list[EventRow] = field(default_factory=list)
    epoch: int = 1
    known: int = 0
    reads: list[tuple[int, int]] = field(default_factory=list)
    away: bool = False
    gate: asyncio.Event | None = None
    at_the_gate: asyncio.Event = field(default_factory=asyncio.Event)
    latest: Bound | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self, *numbers: int, asset: str = "UC", wallet_id: UUID = WALLET) -> None:
        for number in numbers:
            data = {"asset": asset, "entries": [{"wallet_id": str(wallet_id)}, {"wallet_id": str(SYSTEM)}]}
            event = json.dumps({"id": number, "data": data}).encode()
            self.rows.append(EventRow(number, "transaction.topup", wallet_id, None, event))
        self.tell()

    def tell(self) -> None:
        self.latest = Bound(max([row.id for row in self.rows], default=0), len(self.reads) + 1, self.epoch)
        self.changed.set()

    # as Bounds has them
    @property
    def database(self) -> "Played":
        return self

    async def fresh(self, _: float) -> Bound | None:
        return self.latest

    async def newer(self, seen: Bound | None) -> Bound:
        while self.latest is None or self.latest == seen:
            self.changed.clear()
            await self.changed.wait()
        return self.latest

    # as Database has them
    async def newest_event(self, bound: Bound) -> int:
        return bound.up_to

    async def stream_events(
        self, after: int, bound: Bound, limit: int, filters: EventFilters, epoch: int | None, _: UUID
    ) -> Events[EventRow]:
        await asyncio.sleep(0)
        if self.away:
            raise ServiceError(UNAVAILABLE)
        if epoch not in (None, self.epoch) and after > self.known:
            raise ServiceError(SQLSTATES["WA041"], members={"known": self.known})
        if self.gate is not None and epoch is not None:
            # who reads for one stream has to wait
            self.at_the_gate.set()
            await self.gate.wait()
        self.reads.append((after, limit))
        found = [row for row in self.rows if after < row.id <= bound.up_to and streams.matches(row, filters)][:limit]
        return Events(found, found[-1].id if found else None)

    async def user_events(
        self,
        _: UUID,
        after: int,
        bound: Bound,
        limit: int,
        types: Sequence[str] | None,
        epoch: int | None,
        key_id: UUID | None = None,
    ) -> Events[EventRow]:
        del key_id
        return await self.stream_events(after, bound, limit, EventFilters(types), epoch, uuid4())

    async def event_feed(self, after: int, bound: Bound, limit: int, user_ids: Sequence[UUID]) -> Events[UserEvent]:
        page = await self.stream_events(after, bound, limit, EventFilters(), None, uuid4())
        return Events([UserEvent(row.id, row.type, user_ids[0], row.event) for row in page.items], page.next)


class Verifier:
    """Says whether a token is good."""

    def __init__(self) -> None:
        self.refusal: ServiceError | None = None
        self.asked = 0

    async def __call__(self) -> None:
        self.asked += 1
        if self.refusal is not None:
            raise self.refusal


def caller(verify: Verifier | None = None, **changed: Any) -> Caller:
    return Caller(uuid4(), "192.0.2.1", 2.0**40, verify or Verifier())._replace(**changed)


def sources(*played: Played) -> Sources:
    """The databases of these numbers, from 0 on."""
    made = Sources(cast("Database", SimpleNamespace(members={})))
    made.bounds = {number: cast("Bounds", one) for number, one in enumerate(played)}
    return made


def run(test: Callable[[Streams, Played], Awaitable[None]]) -> None:
    async def whole() -> None:
        played = Played()
        played.tell()
        found = Streams(sources(played))
        async with asyncio.timeout(20), found.running():
            await test(found, played)

    asyncio.run(whole())


async def ids(stream: Stream, number: int) -> list[int]:
    """The ids of the next events; heartbeats are left out."""
    found: list[int] = []
    while len(found) < number:
        parts = (await stream.take()).split(b"\n\n")
        found += [read_cursor(part.split(b"\n")[0][4:].decode()).id for part in parts if b"\nevent: " in part]
    return found


@pytest.mark.parametrize("kind", ["operator", "user"])
def test_many_streams_share_what_is_read(kind: str) -> None:
    async def test(found: Streams, played: Played) -> None:
        played.add(1, 2)
        if kind == "operator":
            opened = [await found.operator(caller(), EventFilters(), None) for _ in range(20)]
        else:
            who = caller()
            opened = [await found.user(who, None, None) for _ in range(10)]
        reads = len(played.reads)
        played.add(5, 9)
        assert await asyncio.gather(*(ids(stream, 2) for stream in opened)) == [[5, 9]] * len(opened)
        assert len(played.reads) == reads + 1

    run(test)


def test_who_does_not_take_what_comes_reads_it_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "PAGE", 7)

    async def test(found: Streams, played: Played) -> None:
        slow = await found.operator(caller(), EventFilters(), None)
        quick = await found.operator(caller(), EventFilters(), None)
        everything = list(range(1, 4 * streams.MOST_HELD))
        played.add(*everything)
        assert await ids(quick, len(everything)) == everything
        assert slow.behind
        assert await ids(slow, 50) == everything[:56]
        # what comes while it reads is not told twice
        played.add(1000, 1001)
        assert await ids(slow, len(everything) - 56 + 2) == [*everything[56:], 1000, 1001]
        assert not slow.behind
        played.add(1002)
        assert await ids(slow, 1) == [1002]

    run(test)


def test_filters_are_those_of_pages() -> None:
    async def test(found: Streams, played: Played) -> None:
        wanted = {
            EventFilters(): [1, 2, 3],
            EventFilters(asset="USD"): [2],
            EventFilters(wallet_id=OTHER): [3],
            EventFilters(wallet_id=SYSTEM): [1, 2, 3],
            EventFilters(("transaction.topup",), "UC", OTHER): [3],
        }
        opened = {filters: await found.operator(caller(), filters, None) for filters in wanted}
        played.add(1)
        played.add(2, asset="USD")
        played.add(3, wallet_id=OTHER)
        assert {filters: await ids(stream, len(wanted[filters])) for filters, stream in opened.items()} == wanted

    run(test)


def test_what_comes_while_a_stream_reads_is_told_once() -> None:
    async def test(found: Streams, played: Played) -> None:
        late = await found.operator(caller(), EventFilters(), None)
        other = await found.operator(caller(), EventFilters(), None)
        late.fall_behind()
        played.gate = asyncio.Event()
        played.add(1)
        taking = asyncio.create_task(ids(late, 2))
        await played.at_the_gate.wait()
        played.add(2)
        assert await ids(other, 2) == [1, 2]
        played.gate.set()
        assert await taking == [1, 2]
        played.add(3)
        assert await ids(late, 1) == [3]

    run(test)


@pytest.mark.parametrize("known", [4, 5])
def test_after_a_failover_each_asks_whether_what_it_has_read_is_still_true(known: int) -> None:
    async def test(found: Streams, played: Played) -> None:
        played.add(4)
        stream = await found.operator(caller(), EventFilters(), None)
        played.add(5)
        assert await ids(stream, 1) == [5]
        played.epoch, played.known = 2, known
        played.add(10_000_001)
        if known == 5:
            assert await ids(stream, 1) == [10_000_001]
            assert read_cursor(stream.cursor) == Cursor(2, 10_000_001)
        else:
            with pytest.raises(ServiceError) as ended:
                await stream.take()
            assert (ended.value.kind.code, ended.value.members["known"]) == ("WA041", 4)

    run(test)


def test_an_outage_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "PAUSE_SECONDS", 0.001)

    async def test(found: Streams, played: Played) -> None:
        stream = await found.operator(caller(), EventFilters(), None)
        played.away = True
        played.add(1)
        taking = asyncio.create_task(ids(stream, 1))
        for _ in range(10):
            await asyncio.sleep(0)
        played.away = False
        assert await taking == [1]

    run(test)


def test_a_stream_is_told_nothing_more_once_its_token_may_be_revoked() -> None:
    async def test(found: Streams, played: Played) -> None:
        verify = Verifier()
        whose = caller(verify)
        revoked = await found.operator(whose, EventFilters(), None)
        other = await found.operator(caller(), EventFilters(), None)
        verify.refusal = ServiceError(UNAUTHORIZED)
        found.verify({whose.user_id})
        played.add(1)
        with pytest.raises(ServiceError) as ended:
            await revoked.take()
        assert ended.value.kind is UNAUTHORIZED
        assert await ids(other, 1) == [1]

    run(test)


def test_what_was_read_before_a_revocation_is_not_sent_after_it() -> None:
    async def test(found: Streams, played: Played) -> None:
        verify = Verifier()
        whose = caller(verify)
        stream = await found.user(whose, None, None)
        stream.fall_behind()
        played.gate = asyncio.Event()
        played.add(1)
        taking = asyncio.create_task(stream.take())
        await played.at_the_gate.wait()
        verify.refusal = ServiceError(UNAUTHORIZED)
        found.verify({whose.user_id})
        played.gate.set()
        with pytest.raises(ServiceError) as ended:
            await taking
        assert ended.value.kind is UNAUTHORIZED

    run(test)


def test_a_token_that_cannot_be_verified_is_asked_about_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "PAUSE_SECONDS", 0.001)

    async def test(found: Streams, played: Played) -> None:
        verify = Verifier()
        stream = await found.operator(caller(verify), EventFilters(), None)
        verify.refusal = ServiceError(UNAVAILABLE)
        found.verify(None)
        played.add(1)
        taking = asyncio.create_task(ids(stream, 1))
        while verify.asked < 3:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0)
        assert not taking.done()
        verify.refusal = None
        assert await taking == [1]

    run(test)


def test_a_token_that_expires_ends_its_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "TICK_SECONDS", 0.001)

    async def test(found: Streams, _: Played) -> None:
        stream = await found.user(caller(expires_at=1.0), None, None)
        with pytest.raises(ServiceError) as ended:
            await stream.take()
        assert ended.value.kind is UNAUTHORIZED

    run(test)


def test_silence_is_broken_by_a_comment_with_the_cursor_of_the_present(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "TICK_SECONDS", 0.001)
    monkeypatch.setattr(streams, "HEARTBEAT_SECONDS", 0.0)

    async def test(found: Streams, played: Played) -> None:
        stream = await found.operator(caller(), EventFilters(wallet_id=OTHER), None)
        played.add(1, 2)
        while (told := await stream.take()) == b": \n\n":
            pass
        assert told == b": \nid: %b\n\n" % str(Cursor(1, 2)).encode()

    run(test)


def test_a_user_and_an_address_have_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "OF_AN_ADDRESS", 3)
    monkeypatch.setattr(streams, "OF_A_USER", 2)

    async def test(found: Streams, _: Played) -> None:
        whose = caller()
        opened = [await found.user(whose, None, None), await found.waiting(whose, EventFilters())]
        with pytest.raises(ServiceError) as refused:
            await found.user(whose, None, None)
        assert (refused.value.kind, refused.value.members) == (TOO_MANY_STREAMS, {"maximum": 2})
        opened.append(await found.user(caller(), None, None))
        with pytest.raises(ServiceError) as refused:
            await found.user(caller(), None, None)
        assert refused.value.members == {"maximum": 3}
        await found.user(caller(address="192.0.2.2"), None, None)
        assert found.numbers() == {"operator": 0, "user": 3, "wait": 1}
        for stream in opened:
            found.close(stream)
            found.close(stream)
        await asyncio.gather(found.user(whose, None, None), found.user(whose, None, None))

    run(test)


def test_a_service_that_stops_ends_all_and_opens_none() -> None:
    async def test(found: Streams, _: Played) -> None:
        stream = await found.user(caller(), None, None)
        found.stop()
        for refused in (stream.take(), found.user(caller(), None, None)):
            with pytest.raises(ServiceError) as ended:
                await refused
            assert ended.value.kind is UNAVAILABLE

    run(test)


def joined(test: Callable[[Streams, Played, Played], Awaitable[None]]) -> None:
    """Streams of two databases."""

    async def whole() -> None:
        played = Played(), Played()
        for one in played:
            one.tell()
        found = Streams(sources(*played))
        async with asyncio.timeout(20), found.running():
            await test(found, *played)

    asyncio.run(whole())


async def received(stream: Stream, number: int) -> list[tuple[Cursors, int]]:
    """The next events with their cursors; heartbeats are left out."""
    found: list[tuple[Cursors, int]] = []
    while len(found) < number:
        for part in (await stream.take()).split(b"\n\n"):
            if b"\nevent: " in part:
                lines = part.split(b"\n")
                told = json.loads(lines[2].removeprefix(b"data: "))
                found.append((read_cursors(lines[0].removeprefix(b"id: ").decode()), told["id"]))
    return found


def test_a_stream_of_two_databases_has_the_events_of_both_and_one_cursor() -> None:
    async def test(found: Streams, first: Played, second: Played) -> None:
        first.add(1)
        stream = await found.operator(caller(), EventFilters(), None)
        second.add(70)
        assert await received(stream, 1) == [(Cursors({0: Cursor(1, 1), 1: Cursor(1, 70)}), 70)]
        first.add(5)
        assert await received(stream, 1) == [(Cursors({0: Cursor(1, 5), 1: Cursor(1, 70)}), 5)]
        # from the cursor of before the cluster on: the other one begins
        again = await found.operator(caller(), EventFilters(), read_cursors(str(Cursor(1, 1))))
        lines = [line for line in again.opening.split(b"\n") if line.startswith(b"data: ")]
        assert sorted(json.loads(line.removeprefix(b"data: "))["id"] for line in lines) == [5, 70]

    joined(test)


def test_a_database_that_does_not_answer_holds_up_no_other() -> None:
    async def test(found: Streams, first: Played, second: Played) -> None:
        stream = await found.operator(caller(), EventFilters(), None)
        second.gate = asyncio.Event()
        stream.fall_behind()
        await second.at_the_gate.wait()
        second.add(70)
        first.add(1, 2)
        assert [event for _, event in await received(stream, 2)] == [1, 2]
        second.gate.set()
        assert [event for _, event in await received(stream, 1)] == [70]

    joined(test)


def test_a_database_that_is_away_is_named_and_read_when_it_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "PAUSE_SECONDS", 0.01)

    async def test(found: Streams, first: Played, second: Played) -> None:
        second.away = True
        second.add(70)
        stream = await found.operator(caller(), EventFilters(), Cursors())
        first.add(1)
        assert [event for _, event in await received(stream, 1)] == [1]
        stream.ping = True
        assert (await stream.take()).startswith(b": away 1\n")
        second.away = False
        assert [event for _, event in await received(stream, 1)] == [70]

    joined(test)


def test_from_now_on_needs_all_databases() -> None:
    async def test(found: Streams, first: Played, second: Played) -> None:
        del first
        second.latest = None
        with pytest.raises(ServiceError) as refusal:
            await found.operator(caller(), EventFilters(), None)
        assert (refusal.value.kind.status, refusal.value.members["away"]) == (503, [1])
        assert found.numbers()["operator"] == 0
        # who waits for a page needs no more than to be told
        waiting = await found.waiting(caller(), EventFilters())
        assert found.numbers()["wait"] == 1
        found.close(waiting)

    joined(test)


def test_a_history_of_one_database_that_has_ended_ends_the_stream_and_is_named() -> None:
    async def test(found: Streams, first: Played, second: Played) -> None:
        del first
        stream = await found.operator(caller(), EventFilters(), Cursors({1: Cursor(1, 5)}))
        second.epoch, second.known = 2, 3
        second.tell()
        with pytest.raises(ServiceError) as refusal:
            await received(stream, 1)
        assert refusal.value.members == {"known": 3, "database": 1}

    joined(test)


def test_what_is_ready_is_not_sent_to_who_was_signed_out_meanwhile() -> None:
    async def test(found: Streams, first: Played, second: Played) -> None:
        verify = Verifier()
        who = caller(verify)
        stream = await found.operator(who, EventFilters(), None)
        verify.refusal = ServiceError(UNAUTHORIZED)
        first.add(1)
        second.add(70)
        found.verify([who.user_id])
        with pytest.raises(ServiceError) as refusal:
            await received(stream, 1)
        assert refusal.value.kind is UNAUTHORIZED

    joined(test)


def test_streams_begin_anew_when_there_is_another_database() -> None:
    async def test(found: Streams, first: Played, second: Played) -> None:
        del first, second
        stream = await found.operator(caller(), EventFilters(), None)
        found._sources.on_change()
        with pytest.raises(ServiceError) as refusal:
            await stream.take()
        assert refusal.value.kind is UNAVAILABLE

    joined(test)
