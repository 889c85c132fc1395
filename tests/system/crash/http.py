"""One HTTP connection that knows when its request is in flight, and that can be cut at any byte."""

import asyncio
import contextlib
import json
import select
import socket
import struct
from collections.abc import Iterable
from typing import Any, Self

Answer = tuple[int, dict[str, Any]]


class Connection(asyncio.Protocol):
    """A kept-alive connection with one request at a time."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._transport: Any = None
        self._buffer = b""
        self._answer: asyncio.Future[Answer] | None = None

    @classmethod
    async def open(cls, port: int) -> Self:
        _, connection = await asyncio.get_running_loop().create_connection(lambda: cls(port), "127.0.0.1", port)
        return connection

    async def exchange(self, path: str, body: dict[str, Any], token: str = "", *, limit: float = 30) -> Answer:
        """Send a request and return its answer. Raises OSError where there is none: it may have been carried out."""
        self.write(encode(path, body, token))
        self._answer = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(limit):
                return await self._answer
        finally:
            self._answer = None

    def write(self, data: bytes) -> None:
        if self.closed:
            raise ConnectionResetError("closed before the request was sent")
        self._transport.write(data)

    def reset(self) -> None:
        """Vanish: without a word of farewell, and without reading what may have been answered."""
        self._transport.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
        self._transport.abort()

    def close(self) -> None:
        self._transport.close()

    @property
    def closed(self) -> bool:
        return bool(self._transport.is_closing())

    @property
    def waiting(self) -> bool:
        """Whether a request was sent whole, and nothing of its answer was read."""
        sent = self._answer is not None and not self._answer.done() and not self._buffer
        return sent and not self.closed and not self._transport.get_write_buffer_size()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, separator, body = self._buffer.partition(b"\r\n\r\n")
        if not separator:
            return
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        if len(body) < length:
            return
        self._buffer = b""
        if b"connection: close" in head.lower():
            self._transport.close()
        if self._answer is not None and not self._answer.done():
            self._answer.set_result((int(head.split(b" ", 2)[1]), json.loads(body)))

    def connection_lost(self, error: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error or ConnectionResetError("closed without an answer"))

    def fileno(self) -> int:
        return int(self._transport.get_extra_info("socket").fileno())


def in_flight(connections: Iterable[Connection]) -> list[Connection]:
    """Those whose request was sent while nothing of its answer has reached this machine's side of the connection."""
    waiting = {connection.fileno(): connection for connection in connections if connection.waiting}
    poll = select.poll()
    for number in waiting:
        poll.register(number, select.POLLIN)
    answered = {number for number, _ in poll.poll(0)}
    return [connection for number, connection in waiting.items() if number not in answered]


def encode(path: str, body: dict[str, Any], token: str = "") -> bytes:
    """Return the bytes of a POST."""
    data = json.dumps(body).encode()
    head = [
        f"POST {path} HTTP/1.1",
        "Host: localhost",
        "Content-Type: application/json",
        f"Content-Length: {len(data)}",
    ]
    if token:
        head.append(f"Authorization: Bearer {token}")
    return "\r\n".join([*head, "", ""]).encode() + data


async def post(port: int, path: str, body: dict[str, Any]) -> Answer:
    """One request on a connection of its own."""
    connection = await Connection.open(port)
    with contextlib.closing(connection):
        return await connection.exchange(path, body)
