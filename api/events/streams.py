"""Streams of events: one read for all that are at the present, and a bound on what each of them holds.

A stream that cannot keep up holds nothing: it reads what it missed from the database, after what it sent last.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from abc import ABC, abstractmethod
from collections import Counter, deque
from math import inf
from typing import TYPE_CHECKING, Final, NamedTuple
from uuid import UUID

import msgspec
import structlog

from api.database.each import ask, away_error
from api.database.requests import EventFilters
from api.errors import NOT_FINAL, OVERLOADED, TOO_MANY_STREAMS, UNAUTHORIZED, UNAVAILABLE, ServiceError
from api.events.cursors import Cursor, Cursors

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Container, Hashable, Mapping, Sequence

    from api.database.functions import Database
    from api.database.requests import Bound
    from api.database.rows import EventRow, Events, UserEvent
    from api.events.bounds import Bounds
    from api.events.sources import Sources

MOST_HELD: Final = 100
"""Events that a stream holds for its client."""
PAGE: Final = 100
HEARTBEAT_SECONDS: Final = 15.0
PATIENCE_SECONDS: Final = 2.0
"""How long an opening stream waits for a transaction that stays open."""
PAUSE_SECONDS: Final = 0.25
"""Before the next try where the database is away."""
RETRY_MS: Final = 2000
"""When a client whose connection was lost comes again."""
TICK_SECONDS: Final = 0.5
RETRY_AFTER: Final = "5"
OF_A_USER: Final = 10
OF_AN_ADDRESS: Final = 1_000
IN_ALL: Final = 10_000
"""Streams that are open in a process; a request that waits for events counts as one."""

log = structlog.get_logger("pgwallet.events")


class Caller(NamedTuple):
    """Whose stream it is. `verify` raises ServiceError where the token is not good any more, or not for this.

    `key_id` is the key that follows in place of the user; None: the user does.
    """

    user_id: UUID
    address: str
    expires_at: float
    verify: Callable[[], Awaitable[object]]
    key_id: UUID | None = None


def ending(error: Mapping[str, object]) -> bytes:
    """Return the last message of a stream: why it ends, as a problem. Clients come again at different times."""
    retry = random.randint(RETRY_MS // 2, RETRY_MS * 2)  # noqa: S311 - no secret
    return b"event: end\nretry: %d\ndata: %b\n\n" % (retry, msgspec.json.encode(error))


class _Entry(msgspec.Struct):
    wallet_id: UUID


class _Data(msgspec.Struct):
    asset: str | None
    entries: list[_Entry] = []


class _Event(msgspec.Struct):
    data: _Data


_read_event = msgspec.json.Decoder(_Event).decode


class Stream:
    """What one client is to be sent."""

    __slots__ = (
        *("_held", "_waiter", "behind", "caller", "channel", "ended", "epoch", "filters", "gone", "limit", "opening"),
        *("ping", "sent", "sent_at", "until", "unverified"),
    )

    def __init__(self, channel: Channel, caller: Caller, filters: EventFilters, seconds: int | None = None) -> None:
        self.channel = channel
        self._held: deque[tuple[int, bytes]] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self.caller = caller
        self.filters = filters
        self.behind = False
        """Whether events are missing in what it holds."""
        self.epoch = 0
        self.sent = 0
        self.sent_at = time.monotonic()
        self.until = inf if seconds is None else self.sent_at + seconds
        """When it ends by itself."""
        self.ping = False
        self.unverified = False
        self.gone = False
        self.ended: ServiceError | None = None
        self.opening = b""
        """What it begins with."""
        self.limit: asyncio.Timeout | None = None
        """Of the write that is under way."""

    @property
    def cursor(self) -> str:
        """After what was sent."""
        return cursor_of(self.channel.number, Cursor(self.epoch, self.sent))

    def give(self, number: int, message: bytes) -> None:
        """Hold an event for the client; none if there are too many, or some are missing already."""
        if self.behind:
            return
        if len(self._held) >= MOST_HELD:
            self.fall_behind()
        else:
            self._held.append((number, message))
        self.wake()

    def fall_behind(self) -> None:
        """Hold nothing, and read from the database next."""
        self.behind = True
        self._held.clear()
        self.wake()

    def end(self, reason: ServiceError) -> None:
        """Let it end. A client that reads nothing has a second."""
        self.ended = self.ended or reason
        if self.limit is not None:
            self.limit.reschedule(asyncio.get_running_loop().time() + 1)
        self.wake()

    def leave(self) -> None:
        """Note that the client has gone."""
        self.gone = True
        self.wake()

    def part(self) -> None:
        """Follow no longer."""
        self.channel.part(self)

    def wake(self) -> None:
        """Let its task look again."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def wait(self) -> None:
        """Wait until there is something to do, or perhaps."""
        self._waiter = asyncio.get_running_loop().create_future()
        await self._waiter
        self._waiter = None

    @property
    def has_news(self) -> bool:
        """Whether there is an event, or may be."""
        return self.behind or bool(self._held)

    async def news(self) -> None:
        """Wait until there may be an event, or the client has gone. Raises ServiceError as `take` does."""
        while not (self.gone or self.has_news):
            if self.ended is not None:
                raise self.ended
            await self.wait()

    async def take(self) -> bytes:
        """Return what to send next, at the latest a heartbeat; nothing at the end that the client asked for.

        Raises ServiceError where the stream ends.
        """
        while not self.gone:
            if self.ended is not None:
                raise self.ended
            if time.monotonic() >= self.until and not self.has_news:
                break
            if self.ping:
                return self._heartbeat()
            found = await self.found()
            if found and (self.unverified or self.ended is not None):
                # a revocation that came meanwhile is of these, too
                self.fall_behind()
            elif found:
                return self._sending(found)
        return b""

    async def found(self) -> list[tuple[int, bytes]]:
        """Return events that it lacks. Without any, wait until there may be some."""
        if self.behind and not self.unverified:
            try:
                async with asyncio.timeout(HEARTBEAT_SECONDS):
                    return await self.catch_up()
            except TimeoutError:
                self.ping = True
            except ServiceError as error:
                if error.kind.status != UNAVAILABLE.status:
                    raise
                await asyncio.sleep(PAUSE_SECONDS)
        elif self._held and not self.unverified:
            held = [one for one in self._held if one[0] > self.sent]
            self._held.clear()
            return held
        else:
            await self.wait()
        return []

    async def begin(self, after: Cursors | None) -> None:
        """Join, after an event or from now on, and read the first page. Raises ServiceError.

        So a refusal comes before the answer begins.
        """
        await self.channel.join(self, None if after is None else after.at(self.channel.number))
        found = await self.catch_up() if self.behind else []
        head = b"retry: %d\nid: %b\n\n" % (RETRY_MS, self.cursor.encode())
        self.opening = head + (self._sending(found) if found else b"")

    async def catch_up(self) -> list[tuple[int, bytes]]:
        """Read the next events that it lacks, if only to see that there are none. Raises ServiceError."""
        async with self.channel.reading:
            bound = self.channel.bounds.latest or await self.channel.bounds.newer(None)
            # what is handed out from now on is held: behind the last page there is no gap
            self._held.clear()
            self.behind = False
            try:
                page = await self.channel.read(self, bound)
            except BaseException:
                self.fall_behind()
                raise
            if page.next is not None and page.next < bound.up_to:
                self.fall_behind()
            if not page.items:
                self.sent = page.next or self.sent
            self.epoch = bound.epoch
            return [(row.id, message(self.channel.number, bound.epoch, row)) for row in page.items]

    def _sending(self, found: Sequence[tuple[int, bytes]]) -> bytes:
        self.sent = found[-1][0]
        self.sent_at = time.monotonic()
        return b"".join(text for _, text in found)

    def _heartbeat(self) -> bytes:
        """Return a comment; with it the cursor of the present, so that a client with rare events resumes near it."""
        self.ping = False
        self.sent_at = time.monotonic()
        at = self.channel.at
        if self.has_news or self.unverified or at is None or self.epoch != self.channel.epoch or at <= self.sent:
            return b": \n\n"
        self.sent = at
        return b": \nid: %b\n\n" % self.cursor.encode()


def cursor_of(number: int, cursor: Cursor) -> str:
    """Spell a cursor of this database alone."""
    return str(Cursors({number: cursor}) if number else cursor)


def message(number: int, epoch: int, row: EventRow | UserEvent) -> bytes:
    """Return an event as a stream of this database has it."""
    cursor = cursor_of(number, Cursor(epoch, row.id)).encode()
    return b"id: %b\nevent: %b\ndata: %b\n\n" % (cursor, row.type.encode(), row.event)


class Channel(ABC):
    """Streams that share one read of what is new. It works while there are any."""

    def __init__(self, number: int, bounds: Bounds, reading: asyncio.Semaphore) -> None:
        self.number = number
        self.bounds = bounds
        self.reading = reading
        """A turn to read what one stream lacks: they must not take the connection from one another for long."""
        self.streams: set[Stream] = set()
        self.at: int | None = None
        """The last event that was handed out; None while nobody follows."""
        self.epoch = 0
        self._begins = asyncio.Lock()
        self._newest: tuple[Bound | None, int] = None, 0
        self._task: asyncio.Task[None] | None = None

    @property
    def database(self) -> Database:
        """The database, where it is now."""
        return self.bounds.database

    async def join(self, stream: Stream, after: Cursor | None) -> None:
        """Begin to follow, after this event or from now on. Raises ServiceError."""
        # what was committed before is no news, and part of what is read
        bound = await self.bounds.fresh(PATIENCE_SECONDS)
        if bound is None:
            raise ServiceError(NOT_FINAL)
        async with self._begins:
            if self._newest[0] != bound:
                self._newest = bound, await self.database.newest_event(bound)
            newest = self._newest[1]
            if self._task is None:
                self.at, self.epoch = newest, bound.epoch
                self._task = asyncio.create_task(self._follow(bound))
            self._add(stream)
        if after is None:
            stream.epoch, stream.sent = bound.epoch, newest
            # an asset is looked up by the first read, which also asks whether a key may read
            stream.behind = stream.filters.asset is not None or stream.caller.key_id is not None
        else:
            stream.epoch, stream.sent, stream.behind = after.epoch, after.id, True

    def part(self, stream: Stream) -> None:
        """Follow no longer."""
        if stream in self.streams:
            self._remove(stream)
        if not self.streams and self._task is not None:
            self._task.cancel()
            self._task = self.at = None

    def fall_behind(self) -> None:
        """Let all streams read on by themselves."""
        for stream in self.streams:
            stream.fall_behind()

    async def _follow(self, seen: Bound) -> None:
        bound: Bound | None = seen
        while True:
            try:
                bound = await self.bounds.newer(bound)
                if bound.epoch != self.epoch or self.at is None:
                    # each has to ask whether what it has read is still true
                    self.at, self.epoch = await self.database.newest_event(bound), bound.epoch
                    self.fall_behind()
                while await self._pass_on(bound):
                    pass
            except ServiceError:
                # the database is away; or a caller is not what they were, and is asked about that
                bound = None
                await asyncio.sleep(PAUSE_SECONDS)
            except Exception:  # the streams must go on
                log.exception("events cannot be handed out")
                bound = None
                await asyncio.sleep(PAUSE_SECONDS)

    async def _pass_on(self, bound: Bound) -> bool:
        """Hand out the next page. Returns whether there may be another."""
        if self.at is None or self.at >= bound.up_to:
            return False
        next_id = await self._hand_out(self.at, bound)
        if next_id is None:
            return False
        self.at = next_id
        return True

    @abstractmethod
    async def _hand_out(self, after: int, bound: Bound) -> int | None:
        """Give the next page to whom it is for. Returns the last id that was read."""

    @abstractmethod
    async def read(self, stream: Stream, bound: Bound) -> Events[EventRow]:
        """Read the next page for one stream. Raises ServiceError."""

    def _add(self, stream: Stream) -> None:
        self.streams.add(stream)

    def _remove(self, stream: Stream) -> None:
        self.streams.discard(stream)


class OperatorChannel(Channel):
    """Streams of all events, with filters."""

    async def _hand_out(self, after: int, bound: Bound) -> int | None:
        # any of them may see all; one that may no longer is just being found out
        actor = next((one.caller.user_id for one in self.streams if not one.unverified), None)
        if actor is None:
            raise ServiceError(UNAVAILABLE)
        page = await self.database.stream_events(after, bound, PAGE, EventFilters(), None, actor)
        for row in page.items:
            text = message(self.number, bound.epoch, row)
            for stream in self.streams:
                if matches(row, stream.filters):
                    stream.give(row.id, text)
        return page.next

    async def read(self, stream: Stream, bound: Bound) -> Events[EventRow]:
        """Read as this operator."""
        actor = stream.caller.user_id
        return await self.database.stream_events(stream.sent, bound, PAGE, stream.filters, stream.epoch, actor)


class UserChannel(Channel):
    """Streams of users, who see their own wallets, from their own side."""

    def __init__(self, number: int, bounds: Bounds, reading: asyncio.Semaphore) -> None:
        super().__init__(number, bounds, reading)
        self._of_user: dict[UUID, list[Stream]] = {}

    async def _hand_out(self, after: int, bound: Bound) -> int | None:
        page = await self.database.event_feed(after, bound, PAGE, list(self._of_user))
        for row in page.items:
            text = message(self.number, bound.epoch, row)
            for stream in self._of_user.get(row.user_id, ()):
                if stream.filters.types is None or row.type in stream.filters.types:
                    stream.give(row.id, text)
        return page.next

    async def read(self, stream: Stream, bound: Bound) -> Events[EventRow]:
        """Read as this user."""
        user_id, types, key_id = stream.caller.user_id, stream.filters.types, stream.caller.key_id
        return await self.database.user_events(user_id, stream.sent, bound, PAGE, types, stream.epoch, key_id)

    def _add(self, stream: Stream) -> None:
        super()._add(stream)
        self._of_user.setdefault(stream.caller.user_id, []).append(stream)

    def _remove(self, stream: Stream) -> None:
        super()._remove(stream)
        others = self._of_user[stream.caller.user_id]
        others.remove(stream)
        if not others:
            del self._of_user[stream.caller.user_id]


def matches(row: EventRow, filters: EventFilters) -> bool:
    """Whether an event is one of these, as `wallet_events` finds them."""
    types, asset, wallet_id = filters
    if types is not None and row.type not in types:
        return False
    if asset is None and (wallet_id is None or wallet_id in {row.wallet_id, row.counterparty_wallet_id}):
        return True
    if wallet_id is not None and str(wallet_id).encode() not in row.event:
        return False
    data = _read_event(row.event).data
    if asset is not None and data.asset != asset:
        return False
    # a system wallet is told by the entries alone
    parties = {row.wallet_id, row.counterparty_wallet_id, *(entry.wallet_id for entry in data.entries)}
    return wallet_id is None or wallet_id in parties


class Joined(Stream):
    """A stream of each of several databases, as one: within a database in order, and its cursor has all of theirs.

    A database that is away holds up no other: its part goes on when it is back.
    """

    __slots__ = ("_after", "_away", "_busy", "_patient", "_places", "_ready", "_sources", "_taken", "_tasks", "parts")

    def __init__(
        self, sources: Sources, parts: Mapping[int, Stream], seconds: int | None, *, patient: bool = False
    ) -> None:
        self.parts = parts
        first = next(iter(parts.values()))
        super().__init__(first.channel, first.caller, first.filters, seconds)
        self._sources = sources
        self._patient = patient
        """Whether it begins also without a database that is away: what comes there is then from its return on."""
        self._after: Cursors | None = None
        self._places = Cursors()
        """What was sent."""
        self._ready: dict[int, list[tuple[int, bytes]]] = {}
        self._taken = {number: asyncio.Event() for number in parts}
        self._away: set[int] = set()
        self._busy: set[int] = set()
        """Parts that read what they lack just now."""
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def cursor(self) -> str:
        """After what was sent."""
        return str(self._places)

    @property
    def has_news(self) -> bool:
        """Whether there is an event, or may be; of a database that is away nobody knows."""
        away = self._gone_away()
        return bool(self._ready) or any(
            part.has_news or number in self._busy for number, part in self.parts.items() if number not in away
        )

    def _gone_away(self) -> set[int]:
        return self._away | {number for number, part in self.parts.items() if part.channel.bounds.latest is None}

    @property
    def unverified(self) -> bool:
        """Whether its token must be asked about again: until then no part of it reads."""
        return next(iter(self.parts.values())).unverified

    @unverified.setter
    def unverified(self, value: bool) -> None:
        for part in self.parts.values():
            part.unverified = value
            part.wake()

    async def begin(self, after: Cursors | None) -> None:
        """Join each, and read first pages. Raises ServiceError; where some answer, others may be away."""
        self._after = after
        self._places.update(after or {})

        async def begin(number: int) -> list[tuple[int, bytes]]:
            with self._sources.told(number):
                await self._join(number)
                part = self.parts[number]
                return await part.catch_up() if part.behind else []

        found = await ask({number: number for number in self.parts}, begin, patience=2 * PATIENCE_SECONDS)
        if found.away and after is None and not self._patient:
            told = f"What comes from now on is not known of database {', '.join(map(str, found.away))}, which is away."
            error = ServiceError(UNAVAILABLE, f"{told} Follow after a cursor, or from the beginning.")
            raise away_error(error, found.away)
        self._away.update(found.away)
        self._ready = {number: ready for number, ready in found.found.items() if ready}
        self.opening = b"retry: %d\nid: %b\n\n" % (RETRY_MS, self.cursor.encode())
        if self._ready:
            self.opening += self._sending([])
        self._tasks = [asyncio.create_task(self._pump(number)) for number in self.parts]

    async def _join(self, number: int) -> None:
        part = self.parts[number]
        await part.channel.join(part, None if self._after is None else self._after.at(number))
        self._places.setdefault(number, Cursor(part.epoch, part.sent))

    def part(self) -> None:
        """Follow no longer."""
        for task in self._tasks:
            task.cancel()
        for part in self.parts.values():
            part.part()

    def fall_behind(self) -> None:
        """Hold nothing, and read from the databases next."""
        ready, self._ready = self._ready, {}
        for part in self.parts.values():
            part.fall_behind()
        for number in ready:
            self._taken[number].set()
        self.wake()

    async def found(self) -> list[tuple[int, bytes]]:
        """Return what is ready. Without any, wait until something may be."""
        if self._ready and not self.unverified:
            return [one for ready in self._ready.values() for one in ready]
        await self.wait()
        return []

    def _sending(self, found: Sequence[tuple[int, bytes]]) -> bytes:
        """Return what is ready, each event with the cursor after it in all databases."""
        del found
        pieces = []
        ready, self._ready = self._ready, {}
        for number, messages in ready.items():
            part = self.parts[number]
            for event_id, text in messages:
                part.sent = event_id
                self._places[number] = Cursor(part.epoch, event_id)
                pieces.append(b"id: %b\n%b" % (self.cursor.encode(), text.partition(b"\n")[2]))
            self._taken[number].set()
        self.sent_at = time.monotonic()
        return b"".join(pieces)

    def _heartbeat(self) -> bytes:
        """Return a comment, which names what is away; with it the cursor of the present."""
        self.ping = False
        self.sent_at = time.monotonic()
        before, away = self.cursor, self._gone_away()
        for number, part in self.parts.items():
            at = part.channel.at
            rests = number not in self._ready and number not in self._busy and number not in away
            if rests and not (part.has_news or self.unverified) and at is not None and part.epoch == part.channel.epoch:
                part.sent = max(part.sent, at)
                self._places[number] = Cursor(part.epoch, part.sent)
        comment = b": away %b\n" % ", ".join(map(str, sorted(away))).encode() if away else b": \n"
        after = self.cursor
        return comment + (b"\n" if after == before else b"id: %b\n\n" % after.encode())

    async def _pump(self, number: int) -> None:
        """Make ready what one database has, as often as what is ready was taken."""
        part = self.parts[number]
        while True:
            try:
                if number not in self._ready:
                    await self._make_ready(number, part)
            except ServiceError as error:
                if error.kind.status != UNAVAILABLE.status:
                    self.end(error)
                    return
                self._away.add(number)
                self.wake()
                await asyncio.sleep(PAUSE_SECONDS)
            except Exception:  # the other parts must go on
                log.exception("events of a database cannot be sent", database=number)
                await asyncio.sleep(PAUSE_SECONDS)
            else:
                self.wake()
                if number in self._ready:
                    self._taken[number].clear()
                    await self._taken[number].wait()

    async def _make_ready(self, number: int, part: Stream) -> None:
        """Wait for events of one database. Raises ServiceError."""
        with self._sources.told(number):
            if part not in part.channel.streams:
                await self._join(number)
            if part.behind and not part.unverified:
                self._busy.add(number)
                try:
                    found = await part.catch_up()
                finally:
                    self._busy.discard(number)
                self._away.discard(number)
            else:
                found = await part.found()
        if found:
            self._ready[number] = found


class Streams:
    """All streams of a process: who may have one, and until when."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._channels: dict[Bounds, tuple[OperatorChannel, UserChannel]] = {}
        sources.on_change = self._end_joined
        self._open: dict[Stream, str] = {}
        self._of_user: Counter[Hashable] = Counter()
        self._of_address: Counter[Hashable] = Counter()
        self._unverified: set[Stream] = set()
        self._to_verify = asyncio.Event()
        self._stopping = False

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Care for streams while the context is open."""
        tasks = [asyncio.create_task(self._keep_time()), asyncio.create_task(self._verify())]
        try:
            yield
        finally:
            self.stop()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def numbers(self) -> dict[str, int]:
        """How many streams are open, by who has them; and how many requests wait for events."""
        kinds = list(self._open.values())
        return {kind: kinds.count(kind) for kind in ("operator", "user", "wait")}

    async def operator(
        self,
        caller: Caller,
        filters: EventFilters,
        after: Cursors | None,
        seconds: int | None = None,
        home: UUID | None = None,
    ) -> Stream:
        """Open a stream of all events, after one or from now on. Raises ServiceError: 429, or what a read can raise.

        Those of a user's wallet are in its database alone: give it as `home`, too.
        """
        numbers = list(self._sources.bounds) if home is None else [self._sources.number_of(home)]
        return await self._opened("operator", self._of_all(caller, filters, seconds, numbers), after)

    async def user(
        self, caller: Caller, types: Sequence[str] | None, after: Cursors | None, seconds: int | None = None
    ) -> Stream:
        """Open a stream of a user's own events, which are in one database. Raises as above."""
        _, channel = self._channels_of(self._sources.number_of(caller.user_id))
        return await self._opened("user", Stream(channel, caller, EventFilters(types), seconds), after)

    async def waiting(self, caller: Caller, filters: EventFilters) -> Stream:
        """Open what tells a waiting request of news from now on. Raises as above."""
        return await self._opened(
            "wait", self._of_all(caller, filters, None, list(self._sources.bounds), patient=True), None
        )

    def _of_all(
        self,
        caller: Caller,
        filters: EventFilters,
        seconds: int | None,
        numbers: Sequence[int],
        *,
        patient: bool = False,
    ) -> Stream:
        channels = {number: self._channels_of(number)[0] for number in numbers}
        if len(self._sources.bounds) == 1:
            return Stream(next(iter(channels.values())), caller, filters, seconds)
        parts = {number: Stream(channel, caller, filters) for number, channel in channels.items()}
        return Joined(self._sources, parts, seconds, patient=patient)

    def _channels_of(self, number: int) -> tuple[OperatorChannel, UserChannel]:
        bounds = self._sources.bounds[number]
        if bounds not in self._channels:
            reading = asyncio.Semaphore(1)
            self._channels[bounds] = OperatorChannel(number, bounds, reading), UserChannel(number, bounds, reading)
        return self._channels[bounds]

    def _end_joined(self) -> None:
        """Let streams of all databases begin anew: there is another database, or one has gone."""
        of = set(self._sources.bounds.values())
        self._channels = {bounds: channels for bounds, channels in self._channels.items() if bounds in of}
        for stream in list(self._open):
            if isinstance(stream, Joined) or stream.channel.bounds not in of:
                stream.end(ServiceError(UNAVAILABLE, "The cluster has other databases now: connect again."))

    def close(self, stream: Stream) -> None:
        """Forget a stream that ended, or whose client has gone."""
        if self._open.pop(stream, None) is None:
            return
        stream.part()
        self._unverified.discard(stream)
        for counter, who in self._counters(stream.caller):
            counter[who] -= 1
            if not counter[who]:
                del counter[who]

    def verify(self, ids: Container[UUID] | None) -> None:
        """Ask again whether the tokens of these users, these keys, or all, are good. Until then nothing is sent."""
        for stream in self._open:
            key_id = stream.caller.key_id
            if ids is None or stream.caller.user_id in ids or (key_id is not None and key_id in ids):
                stream.unverified = True
                self._unverified.add(stream)
        if self._unverified:
            self._to_verify.set()

    def stop(self) -> None:
        """End all streams: their clients come again, and find another process."""
        self._stopping = True
        for stream in list(self._open):
            stream.end(ServiceError(UNAVAILABLE, "The service restarts: connect again."))

    async def _opened(self, kind: str, stream: Stream, after: Cursors | None) -> Stream:
        if self._stopping:
            raise ServiceError(UNAVAILABLE)
        caller = stream.caller
        for most, (counter, who) in zip((OF_A_USER, OF_AN_ADDRESS), self._counters(caller), strict=True):
            if counter[who] >= most:
                raise ServiceError(TOO_MANY_STREAMS, headers={"Retry-After": RETRY_AFTER}, members={"maximum": most})
        if len(self._open) >= IN_ALL:
            raise ServiceError(OVERLOADED)
        self._open[stream] = kind
        for counter, who in self._counters(caller):
            counter[who] += 1
        try:
            await stream.begin(after)
        except BaseException:
            self.close(stream)
            raise
        return stream

    def _counters(self, caller: Caller) -> tuple[tuple[Counter[Hashable], Hashable], ...]:
        # a key has streams of its own for each of its users, who keep theirs
        return (self._of_user, (caller.user_id, caller.key_id)), (self._of_address, caller.address)

    async def _keep_time(self) -> None:
        """End streams whose token has expired, and let a heartbeat be sent where nothing else was."""
        while True:
            await asyncio.sleep(TICK_SECONDS)
            now, silent_since = time.time(), time.monotonic() - HEARTBEAT_SECONDS
            for stream in self._open:
                if now >= stream.caller.expires_at:
                    what = "token" if stream.caller.key_id is None else "key"
                    stream.end(ServiceError(UNAUTHORIZED, f"The {what} has expired."))
                elif stream.sent_at <= silent_since and not stream.ping:
                    stream.ping = True
                    stream.wake()
                elif stream.until <= time.monotonic():
                    stream.wake()

    async def _verify(self) -> None:
        while True:
            await self._to_verify.wait()
            self._to_verify.clear()
            while self._unverified:
                # those that come meanwhile are asked about again
                streams, self._unverified = self._unverified, set()
                for stream in streams:
                    await self._verify_one(stream)
                if self._unverified:
                    await asyncio.sleep(PAUSE_SECONDS)

    async def _verify_one(self, stream: Stream) -> None:
        try:
            await stream.caller.verify()
        except ServiceError as error:
            if error.kind.status == UNAVAILABLE.status:
                self._again(stream)
            else:
                stream.end(error)
        except Exception:  # whoever signed out must not read on
            log.exception("a stream's token cannot be verified")
            self._again(stream)
        else:
            if stream not in self._unverified:
                stream.unverified = False
                stream.wake()

    def _again(self, stream: Stream) -> None:
        if stream in self._open:
            self._unverified.add(stream)
