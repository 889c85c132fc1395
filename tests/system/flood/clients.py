"""Many connections that ask as fast as they are answered, wait when they are told to, and keep book of every answer."""

import asyncio
import json
import random
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import uvloop

PATIENCE = 60.0
BALANCES = 4
"""Every so many requests one asks for the balance."""


@dataclass
class Book:
    """What all clients were told. Times in seconds, by status."""

    recorded: list[UUID] = field(default_factory=list)
    refused: list[UUID] = field(default_factory=list)
    balances: int = 0
    codes: dict[str, int] = field(default_factory=dict)
    times: dict[int, list[float]] = field(default_factory=dict)

    def note(self, txn_id: UUID | None, status: int, headers: str, body: bytes, seconds: float) -> None:
        self.times.setdefault(status, []).append(seconds)
        if status == 503:
            assert "content-type: application/problem+json" in headers
            assert "retry-after: 1" in headers
            code = json.loads(body)["code"]
            self.codes[code] = self.codes.get(code, 0) + 1
            if txn_id is not None:
                self.refused.append(txn_id)
        elif txn_id is None:
            assert status == 200, body
            self.balances += 1
        else:
            assert status == 201, body
            self.recorded.append(txn_id)

    def slowest(self, status: int) -> tuple[float, float]:
        """The median and the 99th percentile."""
        found = sorted(self.times.get(status, [0.0]))
        return found[len(found) // 2], found[len(found) * 99 // 100]


def flood(url: str, tokens: list[str], *, connections: int, seconds: float) -> Book:
    """Open all connections, then ask over all of them until the time is over. Every request must be answered."""
    book = Book()

    async def run() -> None:
        everybody = asyncio.Barrier(connections)
        asking = [_client(url, tokens[number % len(tokens)], everybody, seconds, book) for number in range(connections)]
        await asyncio.gather(*asking)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())
    return book


async def _client(url: str, token: str, everybody: asyncio.Barrier, seconds: float, book: Book) -> None:
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    head = f"HTTP/1.1\r\nHost: {address.netloc}\r\nAuthorization: Bearer {token}\r\n"
    async with asyncio.timeout(PATIENCE):
        await everybody.wait()
    end, turn = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        turn += 1
        txn_id = None if turn % BALANCES == 0 else uuid4()
        if txn_id is None:
            writer.write(f"GET /api/wallet/balance {head}\r\n".encode())
        else:
            body = json.dumps({"txn_id": str(txn_id), "amount": 1})
            more = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
            writer.write(f"POST /api/wallet/topup {head}{more}".encode())
        began = time.monotonic()
        async with asyncio.timeout(PATIENCE):
            status, headers, answer = await read_answer(reader)
        book.note(txn_id, status, headers, answer, time.monotonic() - began)
        if status == 503:
            await asyncio.sleep(random.uniform(0.5, 1.5))
    writer.close()
    await writer.wait_closed()


async def read_answer(reader: asyncio.StreamReader) -> tuple[int, str, bytes]:
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("ascii").lower().split("\r\n")
    if "transfer-encoding: chunked" in lines:
        return int(lines[0].split()[1]), "\n".join(lines[1:]), await reader.readuntil(b"\r\n0\r\n\r\n")
    (length,) = [int(line.partition(":")[2]) for line in lines if line.startswith("content-length:")]
    return int(lines[0].split()[1]), "\n".join(lines[1:]), await reader.readexactly(length)
