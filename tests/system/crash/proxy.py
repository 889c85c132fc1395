"""The way from the service to its database, which can be cut between a commit and its answer."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

SOCKET = ".s.PGSQL.5432"


class Proxy:
    """Passes bytes between a socket in `folder` and the one in `server`, in the running event loop."""

    def __init__(self, folder: Path, server: Path) -> None:
        self._path, self._server = folder / SOCKET, server / SOCKET
        self._listener: asyncio.Server
        self._answers_to_drop = 0
        self._dropped: Callable[[], object] = lambda: None
        self.clients: set[asyncio.StreamWriter] = set()

    async def open(self) -> None:
        self._listener = await asyncio.start_unix_server(self._serve, self._path)

    async def close(self) -> None:
        self._listener.close()
        for client in list(self.clients):
            client.transport.abort()

    def drop_answers(self, count: int, then: Callable[[], object] = lambda: None) -> None:
        """Cut the connections of the next so many answers of the server, which are lost; `then` at the first."""
        self._answers_to_drop, self._dropped = count, then

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.clients.add(writer)
        try:
            there, back = await asyncio.open_unix_connection(self._server)
        except OSError:
            writer.transport.abort()
            return
        tasks = [
            asyncio.ensure_future(self._pass(reader, back)),
            asyncio.ensure_future(self._pass(there, writer, True)),
        ]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        for end in (writer, back):
            end.transport.abort()
        self.clients.discard(writer)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answers: bool = False) -> None:
        try:
            while data := await reader.read(65536):
                if answers and self._answers_to_drop:
                    self._answers_to_drop -= 1
                    self._dropped()
                    self._dropped = lambda: None
                    return
                writer.write(data)
                await writer.drain()
        except OSError:
            return


def farewell(message: str = "terminating connection due to administrator command") -> bytes:
    """What PostgreSQL sends before it ends a connection."""
    fields = {"S": "FATAL", "V": "FATAL", "C": "57P01", "M": message}
    body = b"".join(name.encode() + value.encode() + b"\0" for name, value in fields.items()) + b"\0"
    return b"E" + (len(body) + 4).to_bytes(4, "big") + body


def through(url: str, folder: Path) -> tuple[str, Path]:
    """Return `url` by way of a proxy in `folder`, and the folder of its server's socket."""
    parts = urlsplit(url)
    [host] = parse_qs(parts.query)["host"]
    return parts._replace(query=f"host={quote(str(folder))}&port=5432").geturl(), Path(host)
