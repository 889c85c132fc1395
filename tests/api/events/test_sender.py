"""What a webhook's delivery does, and what no receiver and no URL can make it do."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import httpcore
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from standardwebhooks import Webhook, WebhookVerificationError

from api.events import sender as module
from api.events.networks import Networks
from api.events.secrets import new_secret
from api.events.sender import MAX_ANSWER, Answer, Sender, url_fault
from tests.api.events.receiver import OK, Receiver, Reply, Request, answer, receiving, serving

BODY = '{"id": "1", "type": "pgwallet.transaction.topup", "data": "ü"}'.encode()
LOOPBACK = "127.0.0.0/8,::1/128"
NOT_PUBLIC = "the host leads to an address that is not public: list its network in PGWALLET_WEBHOOK_NETWORKS"


@asynccontextmanager
async def sending(networks: str | None = LOOPBACK, *, patience: float = 10.0) -> AsyncIterator[Sender]:
    sender = Sender(Networks(networks), patience)
    try:
        yield sender
    finally:
        await sender.close()


async def post(sender: Sender, url: str, *secrets: str) -> Answer:
    return await sender.post(url, "1", BODY, "application/cloudevents+json", secrets or [new_secret()])


def delivered(reply: Reply, *, patience: float = 10.0, times: int = 1) -> tuple[Answer, Receiver]:
    """The last answer of a receiver that replies so."""

    async def run() -> tuple[Answer, Receiver]:
        async with receiving(reply) as receiver, sending(patience=patience) as sender:
            for _ in range(times):
                found = await post(sender, receiver.url)
            return found, receiver

    return asyncio.run(run())


def refused(url: str, networks: str | None = None) -> str:
    """Why it is not sent; no connection is tried."""

    async def run() -> Answer:
        connect = mock.AsyncMock(side_effect=AssertionError("connected"))
        with mock.patch("httpcore.AnyIOBackend.connect_tcp", connect):
            async with sending(networks) as sender:
                return await post(sender, url)

    found = asyncio.run(run())
    assert found.status is None
    assert found.error is not None
    return found.error


# what is sent


def test_a_delivery_is_signed_with_every_secret_and_any_of_them_verifies_it() -> None:
    old, new, other = new_secret(), new_secret(), new_secret()

    async def run() -> Request:
        async with receiving() as receiver, sending() as sender:
            found = await post(sender, f"{receiver.url};v=1?a=%2F&b=c", new, old)
            assert (found.status, found.error, found.body, found.delivered) == (204, None, "", True)
            return receiver.requests[0]

    request = asyncio.run(run())
    assert request.target == "/events;v=1?a=%2F&b=c"
    assert request.body == BODY
    assert request.headers["content-type"] == "application/cloudevents+json"
    assert request.headers["webhook-id"] == "1"
    for secret in (old, new):
        assert Webhook(secret).verify(request.body, request.headers)["id"] == "1"
    with pytest.raises(WebhookVerificationError):
        Webhook(other).verify(request.body, request.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(new).verify(request.body.replace(b"topup", b"spend"), request.headers)


def test_a_connection_is_used_again() -> None:
    _, receiver = delivered(lambda _: answer(200, b"thanks"), times=3)
    assert (len(receiver.requests), receiver.connections) == (3, 1)


def test_a_refusal_is_an_answer() -> None:
    found, _ = delivered(lambda _: answer(503, b"try later"))
    assert found[:2] == (503, None)
    assert (found.body, found.delivered) == ("try later", False)


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    async def run() -> None:
        async with receiving() as target, sending() as sender:
            reply = answer(status, b"", f"Location: {target.url}")
            async with receiving(lambda _: reply) as receiver:
                found = await post(sender, receiver.url)
            assert (found.status, found.delivered, target.requests) == (status, False, [])
            assert found.error == "the answer is a redirect, and redirects are not followed"

    asyncio.run(run())


def test_the_environments_proxies_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        async with receiving() as proxy, receiving() as receiver, sending() as sender:
            for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
                monkeypatch.setenv(name, proxy.url)
            assert (await post(sender, receiver.url)).delivered
            assert (proxy.requests, len(receiver.requests)) == ([], 1)

    asyncio.run(run())


# what is kept of an answer


def test_no_more_than_the_beginning_of_an_answer_is_read_and_kept() -> None:
    found, receiver = delivered(lambda _: answer(200, b"x" * (MAX_ANSWER + 1)), times=2)
    assert found.body == "x" * MAX_ANSWER
    # the rest was not read: that connection cannot be used again
    assert receiver.connections == 2


def test_bytes_that_no_text_column_takes_are_replaced() -> None:
    found, _ = delivered(lambda _: answer(200, b"a\0b\xff\xfec\xc3"))
    assert found.body == "a�b��c�"


def test_an_answer_that_never_ends_takes_no_longer_than_its_beginning() -> None:
    async def run() -> Answer:
        closed = asyncio.Event()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            try:
                while True:
                    writer.write(b"400\r\n" + b"x" * 0x400 + b"\r\n")
                    await writer.drain()
            except ConnectionError:
                closed.set()  # the sender has closed the connection

        async with serving(serve) as port, sending() as sender:
            found = await post(sender, f"http://127.0.0.1:{port}/")
            await closed.wait()
        return found

    found = asyncio.run(run())
    assert (found.status, found.body) == (200, "x" * MAX_ANSWER)


@pytest.mark.parametrize(
    "bomb",
    [
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 1_000_000,
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100_000,
        b"HTTP/1.1 " + b"9" * 1_000_000,
        b"\0" * 1_000_000,
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
        b"HTTP/1.1 999999 No\r\n\r\n",
    ],
    ids=["long header", "many headers", "long status", "zeros", "two lengths", "no status"],
)
def test_a_head_that_is_a_bomb_or_no_head_is_a_failure(bomb: bytes) -> None:
    found, _ = delivered(lambda _: bomb)
    assert found == (None, "the receiver closed the connection, or does not speak HTTP/1.1", found.milliseconds, "")


def test_informational_answers_do_not_go_on_for_ever() -> None:
    async def run() -> Answer:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            while not writer.is_closing():
                writer.write(b"HTTP/1.1 102 Processing\r\n\r\n" * 100)
                await writer.drain()

        async with serving(serve) as port, sending() as sender:
            return await post(sender, f"http://127.0.0.1:{port}/")

    assert asyncio.run(run())[:2] == (None, "the receiver closed the connection, or does not speak HTTP/1.1")


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"HTTP/1.1 200",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab",
    ],
    ids=["before the answer", "in the status", "in the head", "in the body"],
)
def test_a_receiver_that_hangs_at_any_stage_is_given_up_in_time_and_its_connection_closed(said: bytes) -> None:
    async def run() -> None:
        closed = asyncio.Event()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(said)
            await reader.read()
            closed.set()
            writer.close()

        async with serving(serve) as port, sending(patience=0.2) as sender:
            found = await post(sender, f"http://127.0.0.1:{port}/")
            assert found[:2] == (None, "no answer within 0.2 seconds")
            await closed.wait()

    asyncio.run(run())


def test_a_receiver_that_does_not_finish_the_handshake_of_tls_is_given_up_in_time() -> None:
    async def run() -> Answer:
        async def serve(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
            await reader.read()

        async with serving(serve) as port, sending(patience=0.2) as sender:
            return await post(sender, f"https://127.0.0.1:{port}/")

    assert asyncio.run(run())[:2] == (None, "no answer within 0.2 seconds")


def test_a_name_that_is_not_resolved_in_time_is_given_up_and_asked_for_once() -> None:
    async def run() -> None:
        asked = 0
        never = asyncio.get_running_loop().create_future()

        async def resolve(*_: object, **__: object) -> Any:
            nonlocal asked
            asked += 1
            return await never

        async with sending(patience=0.1) as sender:
            with mock.patch.object(asyncio.get_running_loop(), "getaddrinfo", resolve):
                found = await asyncio.gather(*(post(sender, "https://slow.example/") for _ in range(20)))
            assert {answer.error for answer in found} == {"no answer within 0.1 seconds"}
            assert asked == 1
            never.cancel()

    asyncio.run(run())


def test_who_hangs_up_or_is_not_there_is_told() -> None:
    found, _ = delivered(lambda _: b"")
    assert found[:2] == (None, "the receiver closed the connection, or does not speak HTTP/1.1")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    async def run() -> Answer:
        async with sending() as sender:
            return await post(sender, f"http://127.0.0.1:{port}/")

    assert asyncio.run(run())[:2] == (None, "the receiver cannot be reached")


# where it is sent


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "LOCALHOST",
        "0.0.0.0",
        "0",
        "127.1",
        "2130706433",  # as a number
        "0x7f000001",
        "0177.0.0.1",  # octal
        "017700000001",
        "0x7f.1",
        "169.254.169.254",
        "10.0.0.1",
        "100.64.0.1",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::ffff:169.254.169.254]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[fe80::1]",
        "[fd00::1]",
    ],
)
def test_an_address_that_is_not_public_is_refused_however_it_is_written(host: str) -> None:
    assert refused(f"https://{host}/") == NOT_PUBLIC


def test_plain_http_is_for_listed_networks_alone() -> None:
    fault = "the host leads to an address outside PGWALLET_WEBHOOK_NETWORKS: use https, or list its network there"
    assert refused("http://8.8.8.8/") == fault
    assert "outside" in refused("http://8.8.8.8/", LOOPBACK)


def resolving(*answers: list[str]) -> Callable[..., Awaitable[Any]]:
    """A resolver that gives one answer after another, and counts them."""
    left = iter(answers)

    async def resolve(_: str, port: int, **__: object) -> Any:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in next(left)]

    return resolve


def test_a_name_is_resolved_once_and_the_address_that_was_checked_is_connected_to() -> None:
    async def run() -> None:
        connected: list[str] = []

        async def connect(_: object, host: str, *__: object) -> Any:
            connected.append(host)
            raise httpcore.ConnectError("as far as this test goes")

        async with sending(None) as sender:
            loop = asyncio.get_running_loop()
            # a second resolution would lead to the metadata of a cloud
            with (
                mock.patch.object(loop, "getaddrinfo", resolving(["93.184.215.14"], ["169.254.169.254"])),
                mock.patch("httpcore.AnyIOBackend.connect_tcp", connect),
            ):
                await post(sender, "https://rebinding.example/")
                found = await post(sender, "https://rebinding.example/")
        assert connected == ["93.184.215.14"]
        assert found.error == NOT_PUBLIC

    asyncio.run(run())


def test_one_address_that_is_not_allowed_refuses_all() -> None:
    async def run() -> Answer:
        connect = mock.AsyncMock(side_effect=AssertionError("connected"))
        async with sending(None) as sender:
            with (
                mock.patch.object(asyncio.get_running_loop(), "getaddrinfo", resolving(["8.8.8.8", "10.0.0.1"])),
                mock.patch("httpcore.AnyIOBackend.connect_tcp", connect),
            ):
                return await post(sender, "https://both.example/")

    assert asyncio.run(run()).error == NOT_PUBLIC


def test_the_next_address_is_tried_if_one_cannot_be_reached() -> None:
    async def run() -> None:
        async with receiving() as receiver, sending() as sender:
            url = receiver.url.replace("127.0.0.1", "two.example")
            resolve = resolving(["127.0.0.2", "127.0.0.1"])
            with mock.patch.object(asyncio.get_running_loop(), "getaddrinfo", resolve):
                assert (await post(sender, url)).delivered
            assert receiver.requests[0].headers["host"] == url.split("/")[2]

    asyncio.run(run())


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a certificate for receiver.example, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "receiver.example")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("receiver.example")]), critical=False)
        .sign(key, SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "certificate"
    file.write_bytes(
        made.public_bytes(Encoding.PEM) + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    return file


@pytest.mark.parametrize(
    ("name", "trusted", "said"),
    [
        ("receiver.example", True, None),
        ("other.example", True, "no TLS: CERTIFICATE_VERIFY_FAILED"),
        ("receiver.example", False, "no TLS: CERTIFICATE_VERIFY_FAILED"),
    ],
)
def test_the_certificate_must_be_trusted_and_of_the_name_in_the_url(
    certificate: Path, name: str, trusted: bool, said: str | None
) -> None:
    async def run() -> Answer:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        receiver = Receiver(lambda _: OK)
        ours = ssl.create_default_context(cafile=str(certificate) if trusted else None)
        with mock.patch.object(module, "_tls", return_value=ours):
            async with serving(receiver.serve, context) as port, sending() as sender:
                with mock.patch.object(asyncio.get_running_loop(), "getaddrinfo", resolving(["127.0.0.1"])):
                    return await post(sender, f"https://{name}:{port}/")

    found = asyncio.run(run())
    assert found.delivered == (said is None)
    assert found.error == said


# what a URL must be


@pytest.mark.parametrize(
    "url",
    [
        "https://shop.example",
        "https://shop.example/",
        "https://shop.example:8443/events?a=b&c=%20",
        "HTTPS://Shop.Example/EVENTS",
        "https://xn--bcher-kva.example/",
        "https://[2606:2800:21f:cb07::1]:443/x",
        "http://10.0.0.1/x",
    ],
)
def test_usual_urls_have_no_fault(url: str) -> None:
    assert url_fault(url) is None


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "printable ASCII"),
        ("shop.example", "https://"),
        ("ftp://shop.example/", "https://"),
        ("file:///etc/passwd", "https://"),
        ("javascript:alert(1)", "https://"),
        ("https:///events", "name a host"),
        ("https://:443/events", "name a host"),
        ("https://user@shop.example/", "password"),
        ("https://user:secret@shop.example/", "password"),
        ("https://shop.example@127.0.0.1/", "password"),
        ("https://shop.example/#x", "fragment"),
        ("https://shop.example/\r\nX-Evil: 1", "printable ASCII"),
        ("https://shop.example/\0", "printable ASCII"),
        ("https://shop.example/ ", "printable ASCII"),
        ("https://bücher.example/", "printable ASCII"),
        ("https://shop.example:0/", "port"),
        ("https://shop.example:65536/", "a URL like"),
        ("https://shop.example:x/", "a URL like"),
        ("https://[::1/", "a URL like"),
        ("https://[fe80::1%25eth0]/", "host"),
        ("https://shop%2eexample/", "name a host"),
        ("https://127.0.0.1\\@shop.example/", "password"),
        ("https://shop.example\\.evil.example/", "backslash"),
        ("https://" + "a" * 254 + "/", "name a host"),
        ("https://shop.example/" + "x" * 2048, "2048 characters"),
    ],
)
def test_the_fault_of_a_url_is_said(url: str, said: str) -> None:
    fault = url_fault(url)
    assert fault is not None
    assert said in fault
    # and no such URL is tried, wherever it comes from
    assert said in refused(url)
