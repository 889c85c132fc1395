"""A server that is dead, or frozen: what users of its databases are told meanwhile, and what all others notice."""

import asyncio
import contextlib
import os
import signal
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import httpx

from api.postgres import embedded
from api.postgres.orphans import processes
from tests.api.service import TLS
from tests.system.cluster.world import Account, World

CLIENTS = 4
"""For each database."""
PATIENCE = 30.0
AWAY = 1
"""The server, which has every other database."""


@dataclass
class Found:
    """What came of it: seconds and statuses of the users elsewhere and of the server's own ones."""

    before: list[float] = field(default_factory=list)
    elsewhere: list[float] = field(default_factory=list)
    own: list[float] = field(default_factory=list)
    elsewhere_statuses: Counter[int] = field(default_factory=Counter)
    own_statuses: Counter[int] = field(default_factory=Counter)
    refused: set[UUID] = field(default_factory=set)
    """The server's own users who were told 503."""

    def figures(self) -> str:
        return (
            f"before: {told(self.before)}; elsewhere: {told(self.elsewhere)}, {dict(self.elsewhere_statuses)}; "
            f"own: {told(self.own)}, {dict(self.own_statuses)}"
        )


def told(seconds: list[float]) -> str:
    return f"{len(seconds)} requests, p99 {p99(seconds):.1f} ms, slowest {max(seconds) * 1000:.0f} ms"


def p99(seconds: list[float]) -> float:
    return statistics.quantiles(seconds, n=100)[98] * 1000


@contextlib.contextmanager
def dead(server: embedded.Server) -> Iterator[None]:
    """The server is killed, and starts again at the end."""
    server.kill()
    yield
    server.start()


@contextlib.contextmanager
def frozen(server: embedded.Server) -> Iterator[None]:
    """The server and all of its sessions stop where they are; connections stay open."""
    # the first one first: it makes no others then
    titles = processes(server.pgdata)
    stopped = sorted(titles, key=lambda number: titles[number].startswith("postgres:"))
    try:
        for number in stopped:
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGSTOP)
        yield
    finally:
        for number in stopped:
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGCONT)


async def away(
    world: World, harm: Callable[[embedded.Server], contextlib.AbstractContextManager[None]], seconds: float
) -> Found:
    """Load for so long, then for so long with the server away, then until its users are served again."""
    found = Found()
    phase = ["before"]
    accounts = [account for number in range(4) for account in of(world, number)[:CLIENTS]]
    clients = [asyncio.create_task(_call(world, account, phase, found)) for account in accounts]
    await asyncio.sleep(seconds)
    phase[0] = "away"
    with harm(world.databases.servers[AWAY]):
        await asyncio.sleep(seconds)
        own = {account.user_id for account in accounts if is_own(world, account)}
        deadline = time.monotonic() + PATIENCE
        while found.refused != own:
            assert time.monotonic() < deadline, "who cannot be served is not told so"
            await asyncio.sleep(0.05)
        phase[0] = "back"
    done, _ = await asyncio.wait(clients, timeout=2 * PATIENCE)
    assert len(done) == len(clients), "users are not served again"
    for client in done:
        client.result()
    return found


def of(world: World, number: int) -> list[Account]:
    return [account for account in world.accounts if account.number == number]


def is_own(world: World, account: Account) -> bool:
    return world.databases.server(account.number) is world.databases.servers[AWAY]


async def _call(world: World, account: Account, phase: list[str], found: Found) -> None:
    """Top up and read the balance in turn, and note how it went, until it goes well after the server is back."""
    headers = {"Authorization": f"Bearer {account.token()}"}
    own = is_own(world, account)
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{world.service.port}", timeout=PATIENCE, verify=TLS, headers=headers
    ) as client:
        while True:
            for method, path in (("POST", "/api/wallet/topup"), ("GET", "/api/wallet/balance")):
                body = {"txn_id": str(uuid4()), "amount": 1} if method == "POST" else None
                during, began = phase[0], time.monotonic()
                answer = await client.request(method, path, json=body)
                took = time.monotonic() - began
                if during == phase[0] == "before":
                    assert answer.status_code in {200, 201}, answer.text
                    found.before.append(took)
                elif not own and during != "back":
                    found.elsewhere.append(took)
                    found.elsewhere_statuses[answer.status_code] += 1
                elif during != "back":
                    found.own.append(took)
                    found.own_statuses[answer.status_code] += 1
                if own and answer.status_code == 503:
                    found.refused.add(account.user_id)
                if answer.status_code == 503:
                    await asyncio.sleep(0.05)
                elif during == "back":
                    return
