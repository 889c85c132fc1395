"""A receiver of webhooks, a process of its own: it verifies signatures and notes what it was sent before it answers.

Some answers go wrong, as many as `faults` says: other statuses, bytes that are no answer, none at all, late ones.
"""

import asyncio
import json
import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

from standardwebhooks import Webhook, WebhookVerificationError

from tests.command import ROOT, wait_until

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK"
FAULTS = {
    "error": b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 4\r\n\r\nOops",
    "busy": b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n",
    "redirect": b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n",
    "garbage": b"\x00\x01 no HTTP \r\n\r\n",
    "half": b"HTTP/1.1 200 O",
    "closed": b"",
    "slow": OK,
    "long": b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 10_000,
}
TAKEN = ("slow", "long")
"""Faults that are no refusal."""
HANGS = 0.02
"""How many of the faults hang, if any: each holds its wallet up for the relay's whole patience."""


class Notes:
    """What receivers noted, each in a file of its own: one that is killed may leave half a line."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)

    def new(self) -> Path:
        return self.folder / f"{len(list(self.folder.iterdir())):05}"

    def read(self) -> Iterator[dict[str, Any]]:
        """All deliveries, in the order in which they came."""
        for file in sorted(self.folder.iterdir()):
            whole, _, _ = file.read_bytes().rpartition(b"\n")
            yield from map(json.loads, whole.splitlines())


class Receiver:
    """The process, and its next one after a kill, on the same port."""

    def __init__(self, folder: Path, secrets: dict[str, str]) -> None:
        self.notes = Notes(folder)
        self._secrets = secrets
        # bound but not listening: nobody else takes the port while there is no receiver
        self._place = socket.socket()
        self._place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._place.bind(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._place.getsockname()[1]}"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._place.close()

    def start(self, faults: float = 0.0, *, hanging: bool = False) -> None:
        """Start, with so many faults of all answers."""
        file = self.notes.new()
        order = {
            "port": self._place.getsockname()[1],
            "file": str(file),
            "secrets": self._secrets,
            "faults": faults,
            "hangs": HANGS if hanging else 0.0,
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.system.events.receiver"], stdin=subprocess.PIPE, cwd=ROOT
        )
        assert self._process.stdin is not None
        with self._process.stdin as orders:
            orders.write(json.dumps(order).encode())
        wait_until(file.exists)

    def kill(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None


class Serving:
    """The inside of the process."""

    def __init__(self, order: dict[str, Any]) -> None:
        self._webhooks = {name: Webhook(secret) for name, secret in order["secrets"].items()}
        self._faults, self._hangs = order["faults"], order["hangs"]
        self._port = order["port"]
        self._file = order["file"]
        self._notes = -1

    async def run(self) -> None:
        server = await asyncio.start_server(self._serve, "127.0.0.1", self._port, reuse_port=True)
        # it is there when we listen
        self._notes = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        async with server:
            await server.serve_forever()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._answer(reader, writer):
                pass
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.transport.abort()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; false where the connection cannot go on after it."""
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers["content-length"]))
        fault = random.choice(list(FAULTS)) if random.random() < self._faults else ""
        hangs = bool(fault) and random.random() < self._hangs
        # what is refused may have been taken all the same: the receiver has it then, and gets it again
        if not fault or fault in TAKEN or random.random() < 0.5:
            self._note(first.split()[1].removeprefix("/"), headers, body)
        if fault == "slow":
            await asyncio.sleep(random.random() / 2)
        if hangs:
            await asyncio.sleep(60)
        writer.write(FAULTS[fault] if fault else OK)
        await writer.drain()
        if fault in ("half", "closed", "garbage", "long"):
            writer.close()
            return False
        return True

    def _note(self, name: str, headers: dict[str, str], body: bytes) -> None:
        try:
            self._webhooks[name].verify(body, headers)
            wrong = None
        except (WebhookVerificationError, KeyError) as error:
            wrong = repr(error)
        events = json.loads(body)
        kept = {
            "webhook": name,
            "id": headers.get("webhook-id"),
            "content_type": headers.get("content-type"),
            "events": events if isinstance(events, list) else [events],
            "wrong": wrong,
        }
        os.write(self._notes, json.dumps(kept).encode() + b"\n")


if __name__ == "__main__":
    asyncio.run(Serving(json.load(sys.stdin)).run())
