"""What one attacker sends, from one address and as one user.

`python -m tests.system.flood.attacks` reads an `Order` from stdin.

In a process of its own, so that it takes nothing of the event loop that measures. Of each kind of request it sends what
the default limits allow in half a minute: a minute's worth, which may be used up at once, and what is added meanwhile.
"""

import asyncio
import json
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import NamedTuple
from urllib.parse import urlsplit
from uuid import uuid4

import uvloop

from tests.system.flood.clients import PATIENCE, read_answer

USER, ADDRESS, ACCOUNTS = 6000 / 20, 30_000 / 20, 600 / 20
"""Requests a second that use up the limits of a user, of an address and of its signing up and in, in half a minute."""
DIFFERENT = 1100 * 3 / 30
KIB = 1024
SLOW = 20 * KIB
"""Bytes a second that a slow reader reads."""


@dataclass
class Order:
    """Whom to attack, how, and for how long; `to` is a wallet to send money to."""

    attack: str
    url: str
    address: str
    token: str
    to: str
    seconds: float


class Attack(NamedTuple):
    """`connections` that together send `rate` requests a second; `slow` reads the answers slowly.

    The `worst` are those that run in every test run.
    """

    connections: int
    rate: float
    requests: Callable[[Order], Iterator[bytes]]
    slow: bool = False
    worst: bool = False


def request(
    order: Order, path: str, body: str | None = None, *, host: str = "service", signed_in: bool = True
) -> bytes:
    """A request as it goes over the wire."""
    head = f"{'GET' if body is None else 'POST'} {path} HTTP/1.1\r\nHost: {host}\r\n"
    if signed_in:
        head += f"Authorization: Bearer {order.token}\r\n"
    if body is not None:
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return f"{head}\r\n{body or ''}".encode()


def statement() -> str:
    """Of all that was recorded until now."""
    return f"/api/wallet/statement?from=2020-01-01T00:00:00Z&to={datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


def repeated(size: int) -> str:
    """An object of this size with one key again and again."""
    return "{" + ",".join(['"a":1'] * (size // 6 - 1)) + "}"


def repeated_keys(order: Order) -> Iterator[bytes]:
    body = request(order, "/api/auth/signin", repeated(64 * KIB), signed_in=False)
    while True:
        yield body


def repeated_keys_in_batches(order: Order) -> Iterator[bytes]:
    item = f'{{"type":"topup","txn_id":"{uuid4()}","amount":1,"metadata":{repeated(3 * KIB)}}}'
    inside = request(order, "/api/wallet/batch", f'{{"requests":[{",".join([item] * (1000 * KIB // len(item)))}]}}')
    outside = request(order, "/api/wallet/batch", repeated(1024 * KIB))
    while True:
        yield inside
        yield outside


def different(order: Order) -> Iterator[bytes]:
    """All as long as a head may be."""
    long = "x" * 60_000
    for number in count(random.randrange(10**9)):
        yield request(order, f"/api/wallet/transactions?reference={number}{long}")
        yield request(
            order, f"/api/wallet/transactions/018f6b5e7c1a7f009a3b2f5c{number}{'-' * 60_000}", signed_in=False
        )
        yield request(order, "/api/wallet/balance", host=f"{number}{long}")


def batches(order: Order) -> Iterator[bytes]:
    # made at once, but for the first half of the ids: the processors are for those who are attacked
    half = str(uuid4())[:23]
    items = ",".join(f'{{"type":"topup","txn_id":"{half}-{number:012x}","amount":1}}' for number in range(1000))
    batch = request(order, "/api/wallet/batch", f'{{"requests":[{items}]}}')
    while True:
        yield batch.replace(half.encode(), str(uuid4())[:23].encode())


def transfers(order: Order) -> Iterator[bytes]:
    while True:
        body = {"txn_id": str(uuid4()), "amount": 1, "to_wallet_id": order.to}
        yield request(order, "/api/wallet/transfer", json.dumps(body))


def statements(order: Order) -> Iterator[bytes]:
    while True:
        yield request(order, statement())


def accounts(order: Order) -> Iterator[bytes]:
    """Sign-ins by another spelling, of names that nobody has, and sign-ups."""
    while True:
        body = json.dumps({"username": f"flood-{uuid4().hex[:12]}", "password": "correct horse battery"})
        yield request(order, "//api/auth/signin", body, signed_in=False)
        yield request(order, "/api/auth/signup", body, signed_in=False)


def logged(order: Order) -> Iterator[bytes]:
    while True:
        yield request(order, "/none", signed_in=False)


ATTACKS = {
    "repeated-keys": Attack(20, ACCOUNTS, repeated_keys),
    "repeated-keys-in-batches": Attack(20, USER, repeated_keys_in_batches, worst=True),
    "different-requests": Attack(20, DIFFERENT, different),
    "batches-over-60-connections": Attack(60, USER, batches),
    "batches-over-300-connections": Attack(300, USER, batches, worst=True),
    "transfers-from-a-held-wallet": Attack(40, USER, transfers, worst=True),
    "slow-readers-of-statements": Attack(16, USER, statements, slow=True, worst=True),
    "sign-ins-and-sign-ups": Attack(40, ACCOUNTS, accounts),
    "a-log-that-nobody-reads": Attack(4, 200, logged, worst=True),
}


async def attack(order: Order) -> Counter[str]:
    """Send until the time is over; return how many answers had which status."""
    plan = ATTACKS[order.attack]
    where, requests, answers = urlsplit(order.url), plan.requests(order), Counter[str]()
    everybody = asyncio.Barrier(plan.connections)
    end = due = float("inf")

    async def client(number: int) -> None:
        nonlocal end, due
        while True:
            reader, writer = await asyncio.open_connection(
                where.hostname, where.port, limit=KIB if plan.slow else 64 * KIB, local_addr=(order.address, 0)
            )
            if end == float("inf"):
                await everybody.wait()
                if number == 0:
                    sys.stdout.write("begun\n")
                    sys.stdout.flush()
                due = time.monotonic()
                end = due + order.seconds
            try:
                while True:
                    due = max(due + 1 / plan.rate, time.monotonic() - 1)
                    if due > end or time.monotonic() > end:
                        return
                    await asyncio.sleep(due - time.monotonic())
                    writer.write(next(requests))
                    if plan.slow:
                        answers[await read_slowly(reader, end)] += 1
                        break
                    async with asyncio.timeout(PATIENCE):
                        status, _, _ = await read_answer(reader)
                    answers[str(status)] += 1
            except (OSError, EOFError):
                answers["cut off"] += 1
            finally:
                writer.transport.abort()

    await asyncio.gather(*(client(number) for number in range(plan.connections)))
    return answers


async def read_slowly(reader: asyncio.StreamReader, end: float) -> str:
    """Read an answer as a slow line does; return its status."""
    status = ""
    while time.monotonic() < end and (piece := await reader.read(SLOW // 10)):
        status = status or piece.split()[1].decode()
        if piece.endswith(b"}") and status != "200":
            break
        await asyncio.sleep(0.1)
    return status


if __name__ == "__main__":
    # the attacker of a real service has processors of their own
    os.nice(10)
    order = Order(**json.loads(sys.stdin.readline()))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sys.stdout.write(json.dumps(runner.run(attack(order))) + "\n")
