"""A run: transfers, kills at random moments, and what came of them."""

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.system.cluster.judge import balances, findings
from tests.system.cluster.world import KILLS, PATIENCE, World


@dataclass
class Found:
    """What came of a run."""

    kills: dict[str, int] = field(default_factory=dict)
    transfers: int = 0
    seconds: float = 0.0
    rate: float = 0.0
    """Transfers a second, from the first request to the last conclusion, where nothing was killed."""
    findings: list[str] = field(default_factory=list)


async def run(world: World, kinds: list[str], say: Callable[[str], None], *, quiet: float = 0.0) -> Found:
    """Load for `quiet` seconds without a kill, then with these kills, each when every database works again."""
    found, before, started = Found(), balances(world), time.monotonic()
    if quiet:
        async with world.load():
            await asyncio.sleep(quiet)
        sent = time.monotonic() - started
        await world.arrived()
        found.rate = await world.carried() / (time.monotonic() - started)
        say(f"{await world.carried()} transfers, sent in {sent:.0f} s: {found.rate:,.0f}/s")
    async with world.load():
        for kind in kinds:
            await going_on(world)
            await asyncio.sleep(random.random() / 4)
            await asyncio.to_thread(KILLS[kind], world)
            found.kills[kind] = found.kills.get(kind, 0) + 1
            say(f"{sum(found.kills.values())}/{len(kinds)} {kind}; {len(world.transfers)} transfers")
        await going_on(world)
    await world.arrived()
    found.transfers, found.seconds = len(world.transfers), time.monotonic() - started
    found.findings = await asyncio.to_thread(findings, world, before)
    return found


async def going_on(world: World) -> None:
    """Return when each database has answered since, and transfers have arrived."""
    answered, carried, deadline = dict(world.answered), await world.carried(), time.monotonic() + PATIENCE
    while any(world.answered[number] == count for number, count in answered.items()):
        assert time.monotonic() < deadline, f"a database does not answer: {answered} {world.answered}"
        world.require_load()
        await asyncio.sleep(0.02)
    while await world.carried() <= carried:
        assert time.monotonic() < deadline, "nothing is carried any more"
        await asyncio.sleep(0.02)
