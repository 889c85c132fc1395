"""Clients who top up wallets of every database, and keep book of every answer."""

import asyncio
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from api.cluster_map import number_of
from tests.command import wait_until
from tests.system.crash.http import Connection, post

PER_DATABASE = 4


@dataclass
class Teller:
    """A user who tops up 1 again and again, and the answers: when it was asked, how long it took, the status."""

    wallet_id: UUID
    token: str
    answers: list[tuple[float, float, int]] = field(default_factory=list)
    written: int = 0
    """Top-ups that were answered with success."""
    unknown: list[str] = field(default_factory=list)
    """Top-ups that may have been written: their txn_ids."""

    @property
    def home(self) -> int:
        return number_of(self.wallet_id)


class Tellers:
    """All of them, in a thread of their own."""

    def __init__(self, port: int, databases: int) -> None:
        self.port = port
        self._databases = databases
        self._running = True
        self.found: list[Teller] = []
        self._thread = threading.Thread(target=lambda: asyncio.run(self._work()), daemon=True)

    def of(self, number: int) -> list[Teller]:
        """Those of one database."""
        return [teller for teller in self.found if teller.home == number]

    def others(self, number: int) -> list[Teller]:
        return [teller for teller in self.found if teller.home != number]

    def start(self) -> None:
        self._thread.start()
        wait_until(lambda: len(self.found) == self._databases * PER_DATABASE and all(one.answers for one in self.found))

    def stop(self) -> None:
        self._running = False
        self._thread.join(60)

    def go_on(self) -> None:
        """Wait until everybody was answered once more, to something asked from now on."""
        now = time.monotonic()
        wait_until(lambda: all(one.answers[-1][0] > now for one in self.found))

    def settle(self) -> None:
        """Ask again for all that ended unknown, and hold every balance against what was answered."""
        for teller in self.found:
            for txn_id in teller.unknown:
                body = {"txn_id": txn_id, "amount": 1}
                status, answer = asyncio.run(self._again(teller, body))
                assert status in (200, 201), answer
                teller.written += 1

    async def _again(self, teller: Teller, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        connection = await Connection.open(self.port)
        try:
            return await connection.exchange("/api/wallet/topup", body, teller.token)
        finally:
            connection.close()

    async def _work(self) -> None:
        await self._sign_up()
        await asyncio.gather(*(self._serve(teller) for teller in self.found))

    async def _sign_up(self) -> None:
        missing = dict.fromkeys(range(self._databases), PER_DATABASE)
        while any(missing.values()):
            body = {"username": f"teller.{random.randrange(10**9)}", "password": "password123"}
            status, answer = await post(self.port, "/api/auth/signup", body)
            assert status == 201, answer
            teller = Teller(UUID(answer["data"]["wallet_id"]), answer["data"]["access_token"])
            if missing[teller.home]:
                missing[teller.home] -= 1
                self.found.append(teller)

    async def _serve(self, teller: Teller) -> None:
        connection = await Connection.open(self.port)
        while self._running:
            began, txn_id = time.monotonic(), str(uuid4())
            try:
                status, _ = await connection.exchange(
                    "/api/wallet/topup", {"txn_id": txn_id, "amount": 1}, teller.token
                )
            except OSError:
                status = 0
            teller.answers.append((began, time.monotonic() - began, status))
            if status == 201:
                teller.written += 1
            else:
                teller.unknown.append(txn_id)
            if connection.closed:
                connection = await Connection.open(self.port)
        connection.close()


@contextmanager
def tellers(port: int, databases: int = 4) -> Iterator[Tellers]:
    """Give tellers at work."""
    found = Tellers(port, databases)
    found.start()
    try:
        yield found
    finally:
        found.stop()
