"""A receiver of webhooks that takes everything, as a process of its own; it costs as little as it can.

It is asked for what it has taken by `GET /`: the number of events, and when each of those came that were sent alone.
"""

import asyncio
import contextlib
import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, cast

import uvloop

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK"
EVENT = b'"specversion"'
SINGLE = b"application/cloudevents+json"


@dataclass(frozen=True)
class Receiver:
    """The process, as others see it."""

    url: str

    def events(self) -> int:
        """Return how many events it has taken."""
        return int(self._asked()["events"])

    def times(self) -> dict[str, float]:
        """Return when each event came that was sent alone, by its id, in seconds since the epoch."""
        return dict(self._asked()["times"])

    def _asked(self) -> dict[str, Any]:
        with urllib.request.urlopen(self.url, timeout=10) as answer:
            return dict(json.load(answer))


@contextlib.contextmanager
def receiving() -> Iterator[Receiver]:
    """Run a receiver."""
    process = subprocess.Popen([sys.executable, "-m", "bench.receiver"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield Receiver(f"http://127.0.0.1:{int(process.stdout.readline())}/")
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()


class Taken(asyncio.Protocol):
    """One connection. What all of them took is in the class."""

    events = 0
    times: ClassVar[dict[str, float]] = {}

    def __init__(self) -> None:
        self._transport: asyncio.WriteTransport
        self._buffer = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep it to answer on."""
        self._transport = cast("asyncio.WriteTransport", transport)

    def data_received(self, data: bytes) -> None:
        """Answer each request as soon as all of it is there."""
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = bytes(self._buffer[:end]).lower()
            length = int(_header(head, b"content-length") or 0)
            if len(self._buffer) < end + 4 + length:
                return
            body = self._buffer[end + 4 : end + 4 + length]
            del self._buffer[: end + 4 + length]
            if head.startswith(b"get"):
                answer = json.dumps({"events": Taken.events, "times": Taken.times}).encode()
                self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(answer), answer))
                continue
            if _header(head, b"content-type").startswith(SINGLE):
                Taken.times[_header(head, b"webhook-id").decode()] = time.time()
            Taken.events += body.count(EVENT)
            self._transport.write(OK)


def _header(head: bytes, name: bytes) -> bytes:
    return head.partition(b"\r\n" + name + b":")[2].partition(b"\r\n")[0].strip()


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(Taken, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve())
