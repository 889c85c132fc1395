"""The deliveries of one webhook, and what those of all webhooks share.

What became of each event is noted about ten times a second, so that a relay that takes over repeats little.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import deque
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import structlog

from api.cluster_map import SHIFT, number_of
from api.database.relay import ActiveWebhook, Attempt, Deferred
from api.errors import ServiceError
from api.events.lanes import Event, Lanes
from api.events.networks import Networks
from api.events.secrets import SecretError, new_secret
from api.events.sender import MANY, ONE, PARALLEL, Answer, Sender
from api.telemetry.metrics import Lag

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

    from api.database.relay import EventRef, RelayDatabase, Waiting
    from api.database.requests import Bound
    from api.events.bounds import Bounds
    from api.events.secrets import SecretBox
    from api.settings import Settings
    from api.telemetry.metrics import RelayMetrics

SURE_SECONDS: Final = 0.1
"""How old what is known of a webhook may be when an event is sent: its pause, its secret, its URL."""
NOTE_SECONDS: Final = 0.1
MOVE_SECONDS: Final = 1.0
"""Between two notes of the position alone."""
FAULT_SECONDS: Final = 10.0
FIRST_BACKOFF, LONGEST_BACKOFF = 1.0, 1800.0
LONGEST_PROBE: Final = 60.0
DOWN_AFTER: Final = 16
"""Different events in a row that failed: the receiver is down, and gets one attempt at a time."""
PAGE: Final = 500
"""Events that are read at a time; a webhook has at most twice as many at hand."""
BACKLOG: Final = 1000
PAGES_KEPT: Final = 8
FRESH_SECONDS: Final = 1.0
"""For how long a description is used: then the event is read again."""
DESCRIBED_AT_ONCE: Final = 500
DESCRIBED_AHEAD: Final = 64

log = structlog.get_logger("pgwallet.relay")


class ChangedError(Exception):
    """The webhook is not any more what it was: it must be read again."""


class Shared:
    """What the deliveries of all webhooks have in common. Events near the newest are read once for all of them."""

    def __init__(
        self,
        settings: Settings,
        database: RelayDatabase,
        bounds: Bounds,
        box: SecretBox,
        metrics: RelayMetrics,
        look: asyncio.Event,
        number: int | None = None,
    ) -> None:
        self.number = number
        """Of the database, where there are several."""
        self.first = (number or 0) << SHIFT
        """Before the first event that it can have."""
        self.database, self.bounds, self.box, self.metrics, self.look = database, bounds, box, metrics, look
        self.networks = Networks(settings.webhook_networks)
        self.give_up = timedelta(seconds=settings.webhook_give_up)
        self._pages: dict[tuple[int, Bound], asyncio.Task[list[EventRef]]] = {}
        self._described: dict[int, tuple[float, str | None]] = {}
        self._wanted: dict[int, None] = {}
        self._reading = asyncio.Lock()
        self._active: asyncio.Task[list[ActiveWebhook]] | None = None
        self._looked_at = 0.0

    async def require_current(self, webhook: ActiveWebhook) -> None:
        """Raise ChangedError unless the webhook is active and unchanged. One look serves all. Raises ServiceError."""
        now = time.monotonic()
        if self._active is None or (self._active.done() and now - self._looked_at > SURE_SECONDS):
            self._looked_at = now
            self._active = asyncio.create_task(self.database.active_webhooks())
        active = await asyncio.shield(self._active)
        if (webhook.id, webhook.version) not in {(one.id, one.version) for one in active}:
            raise ChangedError

    async def page(self, after: int, bound: Bound) -> list[EventRef]:
        """Return the next events after `after`. Raises ServiceError."""
        key = after, bound
        if key not in self._pages:
            while len(self._pages) >= PAGES_KEPT:
                del self._pages[next(iter(self._pages))]
            self._pages[key] = task = asyncio.create_task(self.database.refs(after, bound, PAGE))
            task.add_done_callback(lambda done: done.exception() and self._pages.pop(key, None))
        return await asyncio.shield(self._pages[key])

    async def describe(self, ids: Sequence[int], ahead: Iterable[int]) -> list[str]:
        """Return these events, as JSON; one that is none is left out. Reads those `ahead` with them, if it must read.

        Raises ServiceError.
        """
        if not all(self._is_fresh(number) for number in ids):
            self._wanted |= dict.fromkeys((*ids, *ahead))
            async with self._reading:
                # whoever read before may have read these, too
                while missing := [number for number in ids if not self._is_fresh(number)]:
                    await self._read(missing)
        return [text for number in ids if (text := self._described[number][1]) is not None]

    def _is_fresh(self, number: int) -> bool:
        return number in self._described and time.monotonic() - self._described[number][0] < FRESH_SECONDS

    async def _read(self, missing: Sequence[int]) -> None:
        first = dict.fromkeys(missing)
        wanted = list(first | dict.fromkeys(number for number in self._wanted if not self._is_fresh(number)))
        self._wanted = dict.fromkeys(wanted[DESCRIBED_AT_ONCE:])
        wanted = wanted[:DESCRIBED_AT_ONCE]
        found = await self.database.described(wanted)
        now = time.monotonic()
        for number in wanted:
            self._described.pop(number, None)
            self._described[number] = now, found.get(number)
        while len(self._described) > 2 * DESCRIBED_AT_ONCE + BACKLOG:
            del self._described[next(iter(self._described))]


class Delivery:
    """Delivers the events of one webhook, as it is stored in one version of it."""

    def __init__(self, webhook: ActiveWebhook, shared: Shared) -> None:
        self.webhook = webhook
        self.lanes = Lanes(together=webhook.batch_size > 1)
        self.position = webhook.position
        """As it is noted."""
        self._shared = shared
        self._sender = Sender(shared.networks)
        self._secrets: list[str] = []
        self._previous: list[str] = []
        self._read_to = webhook.position
        self._types = webhook.types and frozenset(webhook.types)
        self._size = webhook.batch_size
        self._failures = webhook.failures
        self._failing: set[int] = set()
        self._succeeded_at = webhook.last_success_at
        self._probe_at = 0.0
        self._probes = 0
        self._under_way = 0
        self._finishing = False
        self._ended = False
        self._more_backlog = False
        self._refilling = False
        self._ahead: dict[int, Event] = {}
        """The part of the backlog that is newer than the position: its place is among what is read from there on."""
        self._pause: str | None = None
        self._delivered: list[int] = []
        self._deferred: dict[int, Deferred] = {}
        self._attempts: deque[Attempt] = deque()
        self._noting = asyncio.Lock()
        self._wake, self._room, self._dirty, self._idle = (asyncio.Event() for _ in range(4))

    async def run(self) -> None:
        """Deliver until cancelled, or until the webhook was changed."""
        identity = str(self.webhook.id)
        try:
            await self._load()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._feed())
                tasks.create_task(self._note_often())
                try:
                    await self._dispatch(tasks)
                finally:
                    self._ended = True
        except* ChangedError:
            self._shared.look.set()
        except* ServiceError as error:
            log.warning("a webhook is read again", webhook_id=identity, reason=str(error.exceptions[0]))
        except* Exception:
            log.exception("a webhook's deliveries failed", webhook_id=identity)
            await asyncio.sleep(FAULT_SECONDS)
        finally:
            await self._sender.close()

    def lag(self, newest: int) -> Lag:
        """Return how far it is behind the newest event that can be read."""
        now = datetime.now(UTC)
        pending = next(iter(self.lanes.pending.values()), None)
        return Lag(
            max(0, newest - max(self.position, self._shared.first)) + self.lanes.stored,
            _age(pending, now),
            _age(self.lanes.oldest(), now),
        )

    async def finish(self, patience: float) -> None:
        """Start no more deliveries, wait for those under way, and note what became of them."""
        self._finishing = True
        with contextlib.suppress(TimeoutError, ServiceError, ChangedError):
            async with asyncio.timeout(patience):
                while self._under_way:
                    self._idle.clear()
                    await self._idle.wait()
                await self._note()

    async def _load(self) -> None:
        """Open the secrets, and read the backlog. Raises ChangedError, ServiceError."""
        webhook, shared = self.webhook, self._shared
        if webhook.secret is None:
            await shared.database.give_secret(webhook.id, shared.box.seal(new_secret()))
            raise ChangedError
        try:
            self._secrets = [shared.box.open(webhook.secret)]
        except SecretError as error:
            await self._stop(f"its secret cannot be opened: {error}")
        if webhook.previous_secret is not None:
            # one that cannot be opened signs nothing; the present one does
            with contextlib.suppress(SecretError):
                self._previous = [shared.box.open(webhook.previous_secret)]
        waiting = await shared.database.backlog(webhook.id, BACKLOG)
        self._more_backlog = len(waiting) == BACKLOG
        now, clock = datetime.now(UTC), time.monotonic()
        for row in waiting:
            left = (row.next_at - now).total_seconds() if row.next_at else 0.0
            due = clock + min(left, 2 * LONGEST_BACKOFF) if left > 0 else 0.0
            event = Event(
                row.id,
                _wallets(row),
                row.happened_at,
                stored=True,
                attempts=row.attempts,
                first_at=row.first_at,
                due=due,
            )
            if row.id > webhook.position:
                self._ahead[row.id] = event
            else:
                self.lanes.add(event)
        if self._failures >= DOWN_AFTER:
            self._failing = {row.id for row in waiting if row.attempts}

    async def _feed(self) -> None:
        """Read on while there is room."""
        bound = None
        while True:
            while self._more_backlog or len(self.lanes.pending) > PAGE:
                self._room.clear()
                await self._room.wait()
            bound = bound or await self._shared.bounds.newer(None)
            page = await self._shared.page(self._read_to, bound)
            for ref in page:
                if event := self._ahead.pop(ref.id, None):
                    self.lanes.add(event)
                elif self._wants(ref):
                    self.lanes.add(Event(ref.id, _wallets(ref), ref.happened_at))
            if page:
                # never the bound: ids up to there may be drawn again after a crash
                self._read_to = page[-1].id
                self._wake.set()
            if len(page) < PAGE:
                bound = await self._shared.bounds.newer(bound)

    def _wants(self, ref: EventRef) -> bool:
        webhook = self.webhook
        number = self._shared.number
        if number is not None and webhook.wallet_id is not None and number_of(webhook.wallet_id) != number:
            return False  # a wallet's events are those of its own database
        return (
            ref.type is not None
            and (self._types is None or ref.type in self._types)
            and (webhook.asset is None or ref.asset == webhook.asset)
            and (webhook.wallet_id is None or webhook.wallet_id in (ref.wallet_id, ref.counterparty_wallet_id))
        )

    @property
    def _is_down(self) -> bool:
        return len(self._failing) >= DOWN_AFTER

    async def _dispatch(self, tasks: asyncio.TaskGroup) -> None:
        """Start deliveries whenever one may start."""
        while True:
            self._wake.clear()
            now = time.monotonic()
            while events := self._next(now):
                self._under_way += 1
                tasks.create_task(self._attempt(events))
            due = self._probe_at if self._is_down and self._probe_at > now else self.lanes.next_due()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(0.001, due - now) if due and due > now else None):
                    await self._wake.wait()

    def _next(self, now: float) -> list[Event]:
        one = self._is_down or self.webhook.batch_size > 1
        if self._finishing or self._refilling or self._pause or self._under_way >= (1 if one else PARALLEL):
            return []
        # whatever fails must find room; what only waits behind it leaves some of that
        fresh = self.lanes.stored < BACKLOG - PARALLEL
        if not self._is_down:
            return self.lanes.take(self._size, now, fresh=fresh)
        if now < self._probe_at:
            return []
        # one that never failed tells most: an event may fail by itself
        return self.lanes.take(1, now, fresh=fresh, stored=False) or self.lanes.take(self._size, now, fresh=fresh)

    async def _attempt(self, events: list[Event]) -> None:
        try:
            texts = await self._shared.describe([event.id for event in events], self.lanes.coming(DESCRIBED_AHEAD))
            await self._shared.require_current(self.webhook)
            if texts:
                self._settle(events, await self._post(events, texts))
            else:
                self._delivered_all(events)  # no such events: there is nothing to tell
        finally:
            self._under_way -= 1
            self._wake.set()
            self._idle.set()

    async def _post(self, events: list[Event], texts: list[str]) -> Answer:
        webhook = self.webhook
        secrets = self._secrets
        if self._previous and webhook.previous_until and datetime.now(UTC) < webhook.previous_until:
            secrets = [*secrets, *self._previous]
        if webhook.batch_size == 1:
            return await self._sender.post(webhook.url, str(events[0].id), texts[0].encode(), ONE, secrets)
        name = f"{events[0].id}-{events[-1].id}"
        return await self._sender.post(webhook.url, name, f"[{','.join(texts)}]".encode(), MANY, secrets)

    def _settle(self, events: list[Event], answer: Answer) -> None:
        """Note an answer, and decide what comes next."""
        first = events[0]
        self._attempts.append(
            Attempt(first.id, events[-1].id, len(events), first.attempts + 1, answer.status, answer.error, *answer[2:])
        )
        self._shared.metrics.count(self.webhook.id, len(events), delivered=answer.delivered)
        if answer.delivered:
            self._delivered_all(events)
            self._failures = 0
            self._succeeded_at = datetime.now(UTC)
            self._size = min(2 * self._size, self.webhook.batch_size)
            if self._is_down:
                self.lanes.hasten()
            self._failing.clear()
            self._probes = 0
        else:
            self._failed(events, answer)
        self._dirty.set()
        self._room.set()

    def _delivered_all(self, events: list[Event]) -> None:
        for event in events:
            self.lanes.settle(event)
            if event.stored:
                self._deferred.pop(event.id, None)
                self._delivered.append(event.id)
        self._dirty.set()
        self._room.set()

    def _failed(self, events: list[Event], answer: Answer) -> None:
        now, clock = datetime.now(UTC), time.monotonic()
        first = events[0]
        wait = _jittered(FIRST_BACKOFF * 2 ** min(first.attempts, 20), LONGEST_BACKOFF)
        self._failures += 1
        # fewer at a time: one event that a receiver cannot take must not hold many back
        self._size = max(1, len(events) // 2)
        self._failing.add(first.id)
        # those that were under way together are one probe
        if self._is_down and clock >= self._probe_at:
            self._probe_at = clock + _jittered(FIRST_BACKOFF * 2 ** min(self._probes, 20), LONGEST_PROBE)
            self._probes += 1
        # of those with it nobody knows whether they would fail by themselves; and the clock may have gone back
        first.first_at = first_at = min(first.first_at or now, now)
        dead = len(events) == 1 and now - first_at >= self._shared.give_up
        for event in events:
            event.attempts += 1
            self._deferred[event.id] = Deferred(
                event.id,
                event.attempts,
                event.first_at,
                now + timedelta(seconds=wait),
                answer.status,
                answer.error,
                dead,
            )
            if not dead:
                self.lanes.defer(event, clock + wait)
                continue
            self.lanes.settle(event)
            self._failing.discard(event.id)
            self._shared.metrics.give_up(self.webhook.id)
            if self._succeeded_at is None or self._succeeded_at < first_at:
                self._pause = "nothing could be delivered for too long"
        if answer.status == 410:
            self._pause = "the receiver answered 410 Gone: it wants no more"

    async def _stop(self, reason: str) -> None:
        """Pause the webhook, for a reason that operators see. Raises ChangedError."""
        self._pause = reason
        await self._note()
        raise ChangedError

    async def _note_often(self) -> None:
        # not until cancelled: see Bounds
        while not self._ended:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(MOVE_SECONDS):
                    await self._dirty.wait()
            await asyncio.sleep(NOTE_SECONDS)
            self._dirty.clear()
            await self._note()
            self._room.set()

    async def _note(self) -> None:
        """Store what became of events since the last note. Raises ChangedError, ServiceError."""
        async with self._noting:
            if self.webhook.batch_size == 1:
                for event in self.lanes.overtaken(BACKLOG - 2 * PARALLEL - self.lanes.stored):
                    self.lanes.store(event)
                    self._deferred[event.id] = Deferred(event.id)
            position = next(iter(self.lanes.pending), self._read_to + 1) - 1
            delivered, self._delivered = self._delivered, []
            deferred, self._deferred = self._deferred, {}
            attempts, self._attempts = self._attempts, deque()
            pause = self._pause
            if delivered or deferred or attempts or pause or position != self.position:
                noted = await self._shared.database.progress(
                    self.webhook, position, self._failures, pause, delivered, list(deferred.values()), list(attempts)
                )
                if not noted:
                    raise ChangedError
                self.position = position
            if pause is not None:
                log.warning("a webhook is paused", webhook_id=str(self.webhook.id), reason=pause)
                raise ChangedError
            if self._more_backlog and self.lanes.stored < BACKLOG // 2:
                # there is room for the rest of the backlog; what is under way would be sent again
                self._refilling = True
                if not (self._under_way or self._delivered or self._deferred or self._attempts):
                    raise ChangedError


def _wallets(row: EventRef | Waiting) -> list[UUID]:
    return [wallet for wallet in (row.wallet_id, row.counterparty_wallet_id) if wallet is not None]


def _age(event: Event | None, now: datetime) -> float:
    return 0.0 if event is None or event.happened_at is None else max(0.0, (now - event.happened_at).total_seconds())


def _jittered(seconds: float, most: float) -> float:
    """Return about so many seconds, `most` at most: events that failed together do not come again together."""
    return min(seconds, most) * random.uniform(0.5, 1.5)  # noqa: S311 - no secret
