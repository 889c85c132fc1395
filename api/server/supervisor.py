"""`pgwallet run` and `serve`: start everything in order, keep it up, stop it in order.

One thread, no event loop: a signal raises Shutdown anywhere, and then everything stops in reverse order.
"""

import asyncio
import contextlib
import http.client
import logging
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import click

from api.errors import CommandError
from api.postgres import embedded
from api.postgres.data_dir import Lock, prepare
from api.server import shared_memory
from api.server.signals import Shutdown, Signals
from api.server.workers import Pause, Workers
from api.settings import Settings, SettingsError
from api.setup import deploy
from api.setup.service_secrets import api_password, api_url, metrics_token, signing_keys, webhook_key
from api.telemetry.log_writer import LogWriter
from api.urls import on_socket

logger = logging.getLogger(__name__)

TICK = 0.1
REPORT_EVERY = 5.0


def run(settings: Settings) -> None:
    """Set the database up and serve, until a signal. Raises CommandError."""
    if settings.embedded and settings.api_url is not None:
        raise SettingsError("PGWALLET_API_URL is set, DATABASE_URL is not: set both, or use `pgwallet serve`")
    _log()
    with Signals() as signals, contextlib.suppress(Shutdown), contextlib.ExitStack() as stack:
        lock = Lock(settings.data_dir, "run")
        server = None
        if settings.embedded:
            prepare(settings.data_dir)
            lock.take(share=False)
            stack.callback(lock.release)
            server = embedded.Server(settings.data_dir, settings.postgres_port)
        keys, token = signing_keys(settings), metrics_token(settings)
        listener = stack.enter_context(listen(settings, patient=lock.unclean))
        if server is not None:
            signals.hurry.append(server.hurry)
            stack.callback(server.stop)
        workers = _start(settings, listener, signals, stack)
        if server is not None:
            _start_server(server, signals)
            lock.listening(server.socket)
        login = api_url(settings, server.socket if server else None)
        asyncio.run(_deploy(settings, server, login))
        more = {"PGWALLET_METRICS_TOKEN": token or "", "PGWALLET_WEBHOOK_KEY": webhook_key(settings) or ""}
        workers.serve({**_variables(login, keys), **more})
        _await_ready(listener, workers)
        _watch(workers, Keeper(server, lambda: _start_server(server, signals)).look if server is not None else None)


class Servers(Protocol):
    """Several servers, in one folder, that one service works with."""

    folder: Path

    def start(self, signals: Signals) -> dict[str, str]:
        """Bring them up, and what is on them up to date. Returns what the workers need to reach them."""

    def look(self) -> None:
        """Start those again that ended. Called often."""

    def stop(self) -> None:
        """Stop them in order."""

    def hurry(self) -> None:
        """Make stop() end at once."""


def run_with(settings: Settings, servers: Servers) -> None:
    """Start these servers and serve, until a signal. Raises CommandError."""
    _log()
    with Signals() as signals, contextlib.suppress(Shutdown), contextlib.ExitStack() as stack:
        lock = Lock(servers.folder, "run")
        prepare(settings.data_dir)
        prepare(servers.folder)
        lock.take(share=False)
        stack.callback(lock.release)
        keys, token = signing_keys(settings), metrics_token(settings)
        listener = stack.enter_context(listen(settings, patient=lock.unclean))
        signals.hurry.append(servers.hurry)
        stack.callback(servers.stop)
        workers = _start(settings, listener, signals, stack)
        found = servers.start(signals)
        more = {"PGWALLET_METRICS_TOKEN": token or "", "PGWALLET_WEBHOOK_KEY": webhook_key(settings) or ""}
        workers.serve({**_variables("", keys), **more, **found})
        _await_ready(listener, workers)
        _watch(workers, servers.look)


def serve(settings: Settings) -> None:
    """Serve with a database that others set up, until a signal. Raises CommandError."""
    if settings.api_url is None and settings.cluster is None:
        raise SettingsError("PGWALLET_API_URL must be set: `pgwallet serve` starts no server (`pgwallet run` does)")
    variables = _variables(settings.api_url or "", signing_keys(settings))
    _log()
    with Signals() as signals, contextlib.suppress(Shutdown), contextlib.ExitStack() as stack:
        listener = stack.enter_context(listen(settings, patient=False))
        workers = _start(settings, listener, signals, stack)
        workers.serve(variables)
        _await_ready(listener, workers)
        _watch(workers)


def relay(settings: Settings) -> None:
    """Run a relay alone, on a database that others set up, until a signal. Raises CommandError."""
    if settings.api_url is None and settings.cluster is None:
        raise SettingsError(
            "PGWALLET_API_URL must be set: `pgwallet relay` starts no server (`pgwallet run` has a relay)"
        )
    if settings.webhook_key is None:
        raise SettingsError("PGWALLET_WEBHOOK_KEY must be set: the secrets of webhooks are encrypted under it")
    _log()
    with Signals() as signals, contextlib.suppress(Shutdown), contextlib.ExitStack() as stack:
        workers = _start(settings, None, signals, stack)
        workers.serve({})
        _watch(workers)


def _log() -> None:
    """Write the log without waiting for its reader: a pipe full of the workers' lines would block us, too."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.StreamHandler):
            handler.setStream(LogWriter().as_text())


def _variables(login: str, keys: list[str]) -> dict[str, str]:
    """Return what the workers need beyond their settings."""
    signing, *before = keys
    more = {"JWT_PREVIOUS_SECRETS": "".join(f"{key}\n" for key in before)} if before else {}
    return {"PGWALLET_API_URL": login, "JWT_SECRET": signing, **more}


def _start(
    settings: Settings, listener: socket.socket | None, signals: Signals, stack: contextlib.ExitStack
) -> Workers:
    """Start the workers, which load the application meanwhile, and the relay; without a listener the relay alone."""
    count = settings.workers if listener is not None else 0
    relay = settings.relay or listener is None
    memory = stack.enter_context(shared_memory.made(count + relay))
    workers = Workers(listener, memory, count, signals, relay=relay)

    def stop() -> None:
        # closed first, so that new connections are refused at once
        if listener is not None:
            listener.close()
        workers.stop(settings.shutdown_timeout + 2)

    stack.callback(stop)
    stack.callback(signals.stopping)
    workers.load()
    return workers


def _start_server(server: embedded.Server, signals: Signals) -> None:
    server.prepare()
    with signals.held():
        server.spawn()
    server.wait()


def listen(settings: Settings, *, patient: bool) -> socket.socket:
    """Bind the address to serve on. `patient`: wait for a killed pgwallet's workers to leave it."""
    deadline = time.monotonic() + (settings.shutdown_timeout + 3 if patient else 1)
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise SettingsError(f"PGWALLET_HOST {settings.host} is no address of this machine: {error.strerror}") from None
    while True:
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(address)
            listener.listen(2048)
        except OSError as error:
            listener.close()
            if time.monotonic() < deadline:
                time.sleep(TICK)
                continue
            reason = os.strerror(error.errno or 0).lower()
            raise SettingsError(f"port {settings.port} on {settings.host}: {reason}; set PORT to another one") from None
        return listener


async def _deploy(settings: Settings, server: embedded.Server | None, login: str) -> None:
    """Bring the database up to date, and make sure that the service can log in to it."""
    if server is not None:
        target = on_socket(server.socket)
        await deploy.create_database(target)
    else:
        target = settings.database_url or ""
    accounts = settings.embedded if settings.seed_accounts is None else settings.seed_accounts
    seeds = "*.sql" if accounts else "01_*.sql"
    await deploy.migrate(
        target,
        password=api_password(settings),
        seeds=seeds,
        role=settings.api_role,
        retention=settings.retention,
    )
    async with deploy.connected(login):
        pass


def _await_ready(listener: socket.socket, workers: Workers) -> None:
    """Wait until the service answers that it is ready, then say so. Raises CommandError when a worker ends instead."""
    host, port = listener.getsockname()[:2]
    local = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    reported = time.monotonic()
    while True:
        status = _status(local, port)
        if status == http.client.OK:
            break
        if (ended := workers.ended()) is not None:
            raise CommandError(f"the service did not start: a worker ended with status {ended}")
        if time.monotonic() - reported > REPORT_EVERY:
            reported = time.monotonic()
            logger.info("waiting for the service, which answers %s", status or "nothing")
        time.sleep(0.02)
    click.echo(f"pgwallet ready on http://localhost:{port} (docs: /api/docs)")


def _status(host: str, port: int) -> int | None:
    """Return the HTTP status of the readiness check, None without an answer."""
    connection = http.client.HTTPConnection(host, port, timeout=2)
    try:
        connection.request("GET", "/api/health/ready")
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def _watch(workers: Workers, look: Callable[[], None] | None = None) -> None:
    """Restart whatever ends, until a signal raises Shutdown; `look` does it for servers."""
    while True:
        time.sleep(TICK)
        workers.restart()
        if look is not None:
            look()


class Keeper:
    """Starts a PostgreSQL server again when it has ended, after a growing pause."""

    def __init__(self, server: embedded.Server, start: Callable[[], None], name: str = "PostgreSQL") -> None:
        self._server = server
        self._start = start
        self._name = name
        self._pause = Pause()
        self._noted = False

    def look(self) -> None:
        """Start it again if it is time. Call it often."""
        if self._server.alive():
            self._noted = False
            return
        if not self._noted:
            self._noted = True
            logger.warning("%s ended; starting it again", self._name)
            self._pause.ended()
        if self._pause.over():
            try:
                self._start()
            except (CommandError, OSError) as error:
                logger.warning("%s", error)
                self._noted = False
            else:
                logger.warning("%s is back", self._name)
