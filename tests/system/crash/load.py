"""Many clients, each with one request after the other, in a thread of their own."""

import asyncio
import random
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, Self, TypeVar

from tests.system.crash.http import Connection, encode, in_flight, post
from tests.system.crash.requests import Account, Outcome, Request, draw

T = TypeVar("T")

CLIENTS = 48
SHARED = 4
LEAST = 16
"""A kill counts with at least this many requests in flight."""
BACK_OFF = 0.1


class Load:
    """The clients, and all that they asked for and were told."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.requests: list[Request] = []
        self.accounts: list[Account] = []
        self.acknowledged = 0
        self.newest_acknowledged = 0.0
        """When the newest request that was acknowledged had been sent."""
        self._connections: set[Connection] = set()
        self._running = False
        self._tasks: list[asyncio.Task[None]] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self.accounts = self.run(self._sign_up())
        return self

    def __exit__(self, *_: object) -> None:
        self.run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine where the clients run; returns its result."""
        return self.submit(work).result(180)

    def submit(self, work: Coroutine[Any, Any, T]) -> "Future[T]":
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def start(self) -> None:
        self.run(self._start())

    def stop(self) -> None:
        """Let every client have its answer, and send no more."""
        self.run(self._stop())

    def strike(self, kill: Callable[[], object], limit: float = 30) -> int:
        """Call `kill` at a random moment with enough requests in flight; returns how many were."""

        async def strike() -> int:
            await asyncio.sleep(random.uniform(0, 0.3))
            async with asyncio.timeout(limit):
                # nothing is read or sent between counting and the kill
                while (found := self.in_flight()) < LEAST:  # noqa: ASYNC110 - no event says so
                    await asyncio.sleep(0)
            kill()
            return found

        return self.run(strike())

    def in_flight(self) -> int:
        """How many requests are; to be asked where the clients run."""
        return len(in_flight(self._connections))

    def vanish(self) -> None:
        """Half of those who wait for an answer vanish, and others in the middle of sending; where the clients run."""
        for connection in in_flight(self._connections)[::2]:
            connection.reset()
        self._tasks += [self._loop.create_task(self._send_half()) for _ in range(8)]

    def settle(self, limit: float = 60) -> list[Request]:
        """Ask again, with the same `txn_id`, for all that ended unknown; returns them."""
        unknown = [request for request in self.requests if request.outcome is Outcome.UNKNOWN]
        deadline = time.monotonic() + limit

        async def settle() -> None:
            waiting = list(unknown)

            async def work() -> None:
                while waiting:
                    request = waiting.pop()
                    while request.outcome is Outcome.UNKNOWN:
                        assert time.monotonic() < deadline, "requests were not settled in time"
                        await self._once(request)

            await asyncio.gather(*(work() for _ in range(16)))

        self.run(settle())
        return unknown

    async def _sign_up(self) -> list[Account]:
        accounts = []
        for number in range(SHARED + CLIENTS):
            body = {"username": f"client{number}.{random.randrange(10**9)}", "password": "password123"}
            status, answer = await post(self.port, "/api/auth/signup", body)
            assert status == 201, answer
            accounts.append(Account(answer["data"]["wallet_id"], answer["data"]["access_token"]))
        return accounts

    async def _start(self) -> None:
        self._running = True
        for own in self.accounts[SHARED:]:
            self._tasks.append(asyncio.get_running_loop().create_task(self._client(own)))

    async def _stop(self) -> None:
        self._running = False
        tasks, self._tasks = self._tasks, []
        await asyncio.gather(*tasks)

    async def _client(self, own: Account) -> None:
        connection = None
        while self._running:
            request = draw(own, self.accounts[:SHARED], self.accounts)
            connection = await self._ask(connection, request)
            if request.outcome is Outcome.UNKNOWN:
                await asyncio.sleep(BACK_OFF)
        self._drop(connection)

    async def _once(self, request: Request) -> None:
        """Send a request on a connection of its own."""
        connection = await self._ask(None, request)
        if connection is None:
            await asyncio.sleep(BACK_OFF)
        self._drop(connection)

    async def _ask(self, connection: Connection | None, request: Request) -> Connection | None:
        """Send a request and note what came of it; returns the connection if it can be used again."""
        if connection is None:
            try:
                connection = await Connection.open(self.port)
            except OSError:
                # never sent: nobody needs to know what became of it
                return None
            self._connections.add(connection)
        if request.outcome is Outcome.UNKNOWN and not request.was_unknown:
            self.requests.append(request)
        sent = time.monotonic()
        try:
            request.told(*await connection.exchange(request.path, request.body, request.account.token))
        except OSError:
            request.untold()
        if request.outcome is Outcome.ACKNOWLEDGED:
            self.acknowledged += 1
            self.newest_acknowledged = max(self.newest_acknowledged, sent)
        if not connection.closed and connection.port == self.port:
            return connection
        self._drop(connection)
        return None

    async def _send_half(self) -> None:
        request = draw(self.accounts[-1], self.accounts[:SHARED], self.accounts)
        self.requests.append(request)
        request.untold()
        connection = await Connection.open(self.port)
        data = encode(request.path, request.body, request.account.token)
        connection.write(data[: random.randrange(1, len(data))])
        await asyncio.sleep(0.01)
        connection.reset()

    def _drop(self, connection: Connection | None) -> None:
        if connection is not None:
            self._connections.discard(connection)
            connection.close()
