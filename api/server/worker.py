"""One process of the service: `python -m api.server.worker FD [NUMBER]` inherits the listening socket FD.

It loads the application at once, and serves when it reads a line from its standard input: a JSON object of environment
variables. When that input ends, the supervisor is gone, and the worker ends too.
"""

import contextlib
import gc
import signal
import socket
import sys
from typing import TYPE_CHECKING

import uvicorn

from api.app import create_app
from api.server import shared_memory
from api.server.connection import Bounded
from api.server.worker_life import allow_many_connections, follow_supervisor, told
from api.telemetry import metrics

if TYPE_CHECKING:
    from collections.abc import Callable

    from api.app import Service
    from api.settings import Settings


def main() -> None:
    """Serve until SIGTERM; requests in flight are finished first, within the shutdown timeout."""
    listener = socket.socket(fileno=int(sys.argv[1]))
    settings = told()
    if settings is None:
        return
    with contextlib.ExitStack() as stack:
        number = int(sys.argv[2]) if len(sys.argv) > 2 else 0
        memory = shared_memory.given() or stack.enter_context(shared_memory.made(1))
        metrics.share(memory.names(), number)
        _serve(settings, listener, create_app(settings, memory, number))


class _Server(uvicorn.Server):
    """Ends streams first: uvicorn would wait for them as for requests, until the shutdown timeout."""

    def __init__(self, config: uvicorn.Config, stop: "Callable[[], None]") -> None:
        super().__init__(config)
        self._stop = stop

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop."""
        self._stop()
        await super().shutdown(sockets)


def _serve(settings: "Settings", listener: socket.socket, app: "Service") -> None:
    allow_many_connections()
    follow_supervisor(settings.shutdown_timeout)
    # uvicorn raises the signal again when it has stopped: it must not kill us before the log is written
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    Bounded.patience = settings.request_timeout
    config = uvicorn.Config(
        app,
        http=Bounded,
        ws="none",
        timeout_keep_alive=settings.keepalive,  # type: ignore[arg-type] # call_later takes fractions, too
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=settings.trusted_proxies is not None,
        forwarded_allow_ips=settings.trusted_proxies,
        timeout_graceful_shutdown=max(1, round(settings.shutdown_timeout)),
    )
    # What is loaded by now stays: collecting it again would stop the worker for tens of milliseconds.
    # Nearly all objects of a request die with it, so rarer collections find fewer alive.
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000)
    _Server(config, app.stop).run(sockets=[listener])


if __name__ == "__main__":
    main()
