"""The relay: delivers events to webhooks, at least once, and in order for each wallet. See ADR-008.

One relay of a database leads and delivers; the others wait to take over.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import structlog

from api.cluster_map import ClusterError, load
from api.database.relay import RelayDatabase, leading
from api.errors import ServiceError
from api.events.bounds import Bounds
from api.events.delivery import Delivery, Shared
from api.events.secrets import SecretBox

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from uuid import UUID

    from api.cluster_map import Member
    from api.settings import Settings
    from api.telemetry.metrics import RelayMetrics

LOOK_SECONDS: Final = 1.0
"""Between two looks for webhooks that were made or changed, and for holds that are due."""
PRUNE_SECONDS: Final = 60.0
PRUNE_OLD_SECONDS: Final = 3600.0
"""Between two rounds that remove what is old; the first one is a minute after the start."""
STEP_SECONDS: Final = 0.2
"""Between two steps of a round, so that it is a small part of what the database does."""
RESOLVERS: Final = 128
"""Threads that names are resolved in, of which a receiver takes one at a time."""

log = structlog.get_logger("pgwallet.relay")


class Relays:
    """A relay for each database: one, or those of the map, which is read again each second."""

    def __init__(self, settings: Settings, metrics: RelayMetrics) -> None:
        self._settings = settings
        self._metrics = metrics
        self._running: dict[Member, asyncio.Task[None]] = {}
        self._fault: str | None = None

    async def run(self) -> None:
        """Work until cancelled; deliveries under way are finished then, within the shutdown timeout."""
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(RESOLVERS, "resolve"))
        if self._settings.webhook_key is None:
            log.info("no webhooks are delivered: PGWALLET_WEBHOOK_KEY is not set")
        if self._settings.cluster is None:
            await Relay(self._settings, self._metrics).run()
            return
        try:
            while True:
                await self._follow(self._settings.cluster)
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            await self._end(list(self._running))

    async def _follow(self, file: Path) -> None:
        """Start a relay for what is new in the map, or has another address, and end the one of before."""
        try:
            found = set((await asyncio.to_thread(load, file)).members)
        except ClusterError as error:
            # it is the service's to tell that at length: the map of before stays
            if str(error) != self._fault:
                self._fault = str(error)
                log.warning("the map cannot be used: the one of before stays", reason=self._fault)
            return
        self._fault = None
        await self._end([member for member, task in self._running.items() if member not in found or task.done()])
        for member in found - self._running.keys():
            settings = replace(self._settings, cluster=None, api_url=member.api_url)
            relay = Relay(settings, self._metrics, member.number)
            self._running[member] = asyncio.create_task(relay.run())

    async def _end(self, members: Iterable[Member]) -> None:
        ended = [self._running.pop(member) for member in members]
        for task in ended:
            task.cancel()
        for result in await asyncio.gather(*ended, return_exceptions=True):
            if isinstance(result, Exception):
                log.error("a relay ended", exc_info=result)


class Relay:
    """Delivers the events of one database while it leads. Ends due holds, and removes what is old, in any case."""

    def __init__(self, settings: Settings, metrics: RelayMetrics, number: int | None = None) -> None:
        self._settings = settings
        self._metrics = metrics
        self._number = number
        self._database = RelayDatabase(settings)
        self._running: dict[UUID, tuple[Delivery, asyncio.Task[None]]] = {}
        self._look = asyncio.Event()

    async def run(self) -> None:
        """Work until cancelled; deliveries under way are finished then, within the shutdown timeout."""
        await self._database.open()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._sweep())
                tasks.create_task(self._prune_old())
                if self._settings.webhook_key is not None:
                    tasks.create_task(self._lead_again_and_again(self._settings.webhook_key))
        finally:
            await self._database.close()

    async def _sweep(self) -> None:
        while True:
            # random, so that several relays do not always meet
            await asyncio.sleep(LOOK_SECONDS * random.uniform(0.5, 1.5))  # noqa: S311
            try:
                if ended := await self._database.sweep():
                    log.info("due holds ended", count=ended)
                self._metrics.sweep(self._number or 0)
            except ServiceError:
                continue  # the database is away: the pool logs that
            except Exception:  # the next sweep may succeed
                log.exception("the sweep of due holds failed")

    async def _prune_old(self) -> None:
        """Remove what is old, by the rules that the database has; while another relay does, this one finds nothing."""
        pause = PRUNE_SECONDS
        while True:
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311
            pause = PRUNE_OLD_SECONDS
            total: Counter[str] = Counter()
            try:
                while removed := await self._database.prune_old():
                    total.update(removed)
                    await asyncio.sleep(STEP_SECONDS)
            except ServiceError:
                pass  # the database is away: the pool logs that
            except Exception:
                log.exception("what is old was not removed")
            if total:
                log.info("what is old is removed", rows=dict(total))

    async def _lead_again_and_again(self, key: str) -> None:
        while True:
            try:
                async with leading(self._settings) as lost, asyncio.TaskGroup() as tasks:
                    work = tasks.create_task(self._lead(key, lost))
                    await lost.wait()
                    log.warning("the relay leads no more")
                    work.cancel()
            except* ServiceError as errors:
                log.debug("the relay cannot lead", reason=repr(errors.exceptions[0].__cause__))
            except* Exception:
                log.exception("the relay failed")
            await asyncio.sleep(LOOK_SECONDS)

    async def _lead(self, key: str, lost: asyncio.Event) -> None:
        """Deliver until cancelled."""
        await self._database.take()
        log.info("the relay leads")
        bounds = Bounds(self._database)
        shared = Shared(self._settings, self._database, bounds, SecretBox(key), self._metrics, self._look, self._number)
        pruned = time.monotonic()
        try:
            async with bounds.running():
                while True:
                    try:
                        await self._follow(shared)
                        if time.monotonic() - pruned > PRUNE_SECONDS:
                            pruned = time.monotonic()
                            await self._database.prune()
                    except ServiceError as error:
                        # the database is slow, or away: then the lead is lost, too
                        log.debug("webhooks cannot be read", reason=str(error))
                    newest = bounds.latest.up_to if bounds.latest else 0
                    lags = {webhook: made.lag(newest) for webhook, (made, _) in self._running.items()}
                    self._metrics.note(lags, self._number or 0)
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(LOOK_SECONDS):
                            await self._look.wait()
                    self._look.clear()
        finally:
            self._metrics.note(None, self._number or 0)
            patience = 0.0 if lost.is_set() else self._settings.shutdown_timeout
            await asyncio.gather(*(delivery.finish(patience) for delivery, _ in self._running.values()))
            await self._end(list(self._running))

    async def _follow(self, shared: Shared) -> None:
        """Start what is new, and end what was changed or is not active any more."""
        active = {webhook.id: webhook for webhook in await self._database.active_webhooks()}
        await self._end(
            [
                number
                for number, (delivery, task) in self._running.items()
                if task.done() or number not in active or active[number].version != delivery.webhook.version
            ]
        )
        for number, webhook in active.items():
            if number not in self._running:
                delivery = Delivery(webhook, shared)
                self._running[number] = delivery, asyncio.create_task(delivery.run())

    async def _end(self, numbers: Iterable[UUID]) -> None:
        ended = [self._running.pop(number)[1] for number in numbers]
        for task in ended:
            task.cancel()
        await asyncio.gather(*ended, return_exceptions=True)
