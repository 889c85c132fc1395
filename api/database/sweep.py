"""Ends due holds of wallets that nobody uses. Balances are right without it: it only brings the record up to date."""

from __future__ import annotations

import asyncio
import contextlib
import random
from typing import TYPE_CHECKING, Final

import structlog

from api.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from api.database.functions import Database

PAUSE_SECONDS: Final = 60.0

log = structlog.get_logger("pgwallet.sweep")


@contextlib.asynccontextmanager
async def sweeping(database: Database) -> AsyncIterator[None]:
    """Sweep about once a minute until the context ends. Processes do not wait for one another."""
    task = asyncio.create_task(_sweep(database))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _sweep(database: Database) -> None:
    while True:
        await asyncio.sleep(PAUSE_SECONDS * random.uniform(0.5, 1.5))  # noqa: S311 - so that processes differ
        try:
            ended = await database.sweep()
        except ServiceError:
            continue  # the database is away: the pool logs that
        except Exception:  # the next sweep may succeed
            log.exception("the sweep of due holds failed")
            continue
        if ended:
            log.info("due holds ended", count=ended)
