"""Sends a webhook: signed, to an address that was checked, bounded in time and in what is read of the answer."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
import time
from contextlib import aclosing
from datetime import UTC, datetime
from functools import cache
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast
from urllib.parse import urlsplit

import httpcore
from standardwebhooks import Webhook

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable, Sequence

    from api.events.networks import Networks

MAX_URL: Final = 2048
MAX_ANSWER: Final = 1024
"""Bytes of an answer that are read and kept."""
MAX_READ: Final = 128 * 1024
"""Bytes of an answer in all, with its head and what comes before it: each piece of that takes the relay's time."""
MAX_ERROR: Final = 200
ONE, MANY = "application/cloudevents+json", "application/cloudevents-batch+json"
"""The types of a body with one event, and with a list of them."""
SCHEMES: Final = ("https", "http")
PARALLEL: Final = 16
"""Connections of one Sender."""
KEPT_SECONDS: Final = 30.0

_HOST: Final = re.compile(r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]")
_PRINTABLE: Final = re.compile(r"[\x21-\x7e]+")
_NOT_PUBLIC: Final = "an address that is not public: list its network in PGWALLET_WEBHOOK_NETWORKS"
_NOT_LISTED: Final = "an address outside PGWALLET_WEBHOOK_NETWORKS: use https, or list its network there"


class Answer(NamedTuple):
    """What became of a delivery: the receiver's status, or why there is none; the beginning of what it said."""

    status: int | None
    error: str | None
    milliseconds: int
    body: str

    @property
    def delivered(self) -> bool:
        """Whether the receiver has taken it."""
        return self.status is not None and 200 <= self.status < 300


class RefusedError(Exception):
    """The host leads to an address to which no webhook may be sent; the text says so."""


def url_fault(url: str) -> str | None:
    """Return what is wrong with the form of a webhook's URL, None for nothing. Where it leads is not looked at."""
    if len(url) > MAX_URL:
        return f"must be at most {MAX_URL} characters long"
    if not _PRINTABLE.fullmatch(url):
        return "must be printable ASCII without spaces"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "must be a URL like https://shop.example/events"
    host = parts.netloc.rpartition("@")[2]
    host = host if port is None and not host.endswith(":") else host.rpartition(":")[0]
    wrong = {
        "must begin with https://, or with http:// within PGWALLET_WEBHOOK_NETWORKS": parts.scheme not in SCHEMES,
        "must not hold a user name or password": "@" in parts.netloc,
        "must not have a fragment": "#" in url,
        "must not hold a backslash": "\\" in url,
        "must name a host, in ASCII": not _HOST.fullmatch(host) or len(host) > 253,
        "must name a port from 1 to 65535": port == 0,
    }
    return next((fault for fault, found in wrong.items() if found), None)


def address_fault(url: str, networks: Networks) -> str | None:
    """Return why no delivery gets to a URL, as far as its text tells; None where its name would have to be asked.

    The URL has no `url_fault`.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    plain = parts.scheme == "http"
    try:
        address = str(ip_address("127.0.0.1" if host == "localhost" else host))
    except ValueError:  # a name, which can lead to any address
        return f"leads to {_NOT_LISTED}" if plain and not networks.any_listed else None
    if networks.lists(address) or (not plain and networks.allows(address)):
        return None
    return f"leads to {_NOT_LISTED if plain else _NOT_PUBLIC}"


class Sender:
    """Sends to receivers, and keeps connections to them open. Made and used in one event loop."""

    def __init__(self, networks: Networks, timeout: float = 10.0) -> None:
        self._timeout = timeout
        self._pools = {
            "https": _pool(_Checked(networks.allows, _NOT_PUBLIC), _tls()),
            "http": _pool(_Checked(networks.lists, _NOT_LISTED), None),
        }

    async def post(self, url: str, message_id: str, body: bytes, content_type: str, secrets: Sequence[str]) -> Answer:
        """Send once, signed with each of `secrets`. Raises nothing that a receiver can cause."""
        started = time.monotonic()
        status, error, text = None, None, b""
        try:
            async with asyncio.timeout(self._timeout):
                status, text = await self._post(url, _headers(message_id, body, content_type, secrets), body)
            if 300 <= status < 400:
                error = "the answer is a redirect, and redirects are not followed"
        except TimeoutError:
            error = f"no answer within {self._timeout:g} seconds"
        except RefusedError as refused:
            error = str(refused)
        except (
            httpcore.NetworkError,
            httpcore.ProtocolError,
            httpcore.TimeoutException,
            OSError,
            ValueError,
        ) as failed:
            error = _reason(failed)
        took = round((time.monotonic() - started) * 1000)
        return Answer(status, error, took, text.decode(errors="replace").replace("\0", "�"))

    async def close(self) -> None:
        """Close all connections."""
        for pool in self._pools.values():
            await pool.aclose()

    async def _post(self, url: str, headers: list[tuple[str, str]], body: bytes) -> tuple[int, bytes]:
        if fault := url_fault(url):
            raise RefusedError(f"the URL {fault}")
        parts = urlsplit(url)
        path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        target = httpcore.URL(scheme=parts.scheme, host=parts.hostname or "", port=parts.port, target=path)
        text = bytearray()
        # with the rest of a longer answer unread, the end of this block closes the connection
        async with (
            self._pools[parts.scheme].stream(
                "POST", target, headers=[("host", parts.netloc), *headers], content=body
            ) as response,
            aclosing(cast("AsyncGenerator[bytes]", response.aiter_stream())) as pieces,
        ):
            async for piece in pieces:
                text += piece
                if len(text) > MAX_ANSWER:
                    break
        return response.status, bytes(text[:MAX_ANSWER])


class _Checked(httpcore.AsyncNetworkBackend):
    """Connects to addresses that `allows` accepts, and to no other: a name is resolved here, once, and checked."""

    def __init__(self, allows: Callable[[str], bool], refusal: str) -> None:
        self._allows = allows
        self._refusal = refusal
        self._backend = httpcore.AnyIOBackend()
        self._resolving: dict[tuple[str, int], asyncio.Task[list[str]]] = {}

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address of the host that answers. Raises RefusedError unless all are allowed."""
        addresses = await self._resolved(host, port)
        if not all(self._allows(address) for address in addresses):
            raise RefusedError(f"the host leads to {self._refusal}")
        failed: httpcore.ConnectError | None = None
        for address in addresses:
            try:
                stream = await self._backend.connect_tcp(address, port, timeout, local_address, socket_options)
            except httpcore.ConnectError as error:
                failed = error
            else:
                return _Stream(stream)
        raise failed or RefusedError("the host's name leads nowhere")

    async def _resolved(self, host: str, port: int) -> list[str]:
        """Return the host's addresses. Who asks meanwhile waits for the same answer: a slow name takes one thread."""
        key = host, port
        if key not in self._resolving:
            task = self._resolving[key] = asyncio.create_task(_resolve(host, port))
            task.add_done_callback(lambda _: self._resolving.pop(key))
        return await asyncio.shield(self._resolving[key])


class _Stream(httpcore.AsyncNetworkStream):
    """A connection that reads so much of an answer and no more.

    It is closed if its TLS handshake is cancelled: httpcore would leave it open.
    """

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self.aclose, self.get_extra_info = stream.aclose, stream.get_extra_info  # type: ignore[method-assign]
        self._read, self._write, self._start_tls = stream.read, stream.write, stream.start_tls
        self._taken = 0

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - as above
        """Read. Raises httpcore.ReadError where it is too much."""
        if self._taken >= MAX_READ:
            raise httpcore.ReadError
        data = await self._read(max_bytes, timeout)
        self._taken += len(data)
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - as above
        """Write: another request, to which there is another answer."""
        self._taken = 0
        await self._write(buffer, timeout)

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
    ) -> httpcore.AsyncNetworkStream:
        """Begin to encrypt; the certificate must be that of `server_hostname`."""
        try:
            return _Stream(await self._start_tls(ssl_context, server_hostname, timeout))
        except BaseException:
            await self.aclose()
            raise


async def _resolve(host: str, port: int) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def _pool(backend: httpcore.AsyncNetworkBackend, context: ssl.SSLContext | None) -> httpcore.AsyncConnectionPool:
    return httpcore.AsyncConnectionPool(
        ssl_context=context,
        max_connections=PARALLEL,
        max_keepalive_connections=PARALLEL,
        keepalive_expiry=KEPT_SECONDS,
        network_backend=backend,
    )


@cache
def _tls() -> ssl.SSLContext:
    """Return the system's rules of TLS: one for all, it holds every authority's certificate."""
    return ssl.create_default_context()


def _headers(message_id: str, body: bytes, content_type: str, secrets: Sequence[str]) -> list[tuple[str, str]]:
    now, text = datetime.now(UTC), body.decode()
    return [
        ("content-type", content_type),
        ("user-agent", "pgwallet"),
        ("webhook-id", message_id),
        ("webhook-timestamp", str(int(now.timestamp()))),
        ("webhook-signature", " ".join(Webhook(secret).sign(message_id, now, text) for secret in secrets)),
    ]


def _reason(failed: Exception) -> str:
    """Return why there is no answer."""
    match failed:
        case socket.gaierror():
            return "the host's name is not known"
        case httpcore.ConnectError(__context__=ssl.SSLError() as refusal):
            return f"no TLS: {refusal.reason or refusal}"[:MAX_ERROR]
        case httpcore.ConnectError():
            return "the receiver cannot be reached"
        case httpcore.NetworkError() | httpcore.RemoteProtocolError():
            return "the receiver closed the connection, or does not speak HTTP/1.1"
        case _:
            return str(failed)[:MAX_ERROR] or type(failed).__name__
