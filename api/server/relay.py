"""The relay's process: `python -m api.server.relay FD NUMBER`, started, told and ended like a worker.

It has no use for the listening socket FD. NUMBER is its place in the memory that it shares with the workers.
"""

import asyncio
import contextlib
import signal
import sys

from api.events.relay import Relays
from api.server import shared_memory
from api.server.worker_life import allow_many_connections, follow_supervisor, told
from api.telemetry import log_config, metrics


def main() -> None:
    """Deliver until SIGTERM; deliveries under way are finished first, within the shutdown timeout."""
    settings = told()
    if settings is None:
        return
    number = int(sys.argv[2])
    with contextlib.ExitStack() as stack:
        memory = shared_memory.given() or stack.enter_context(shared_memory.made(number + 1))
        metrics.share(memory.names(), number)
        log_config.configure(settings.log_level)
        allow_many_connections()
        follow_supervisor(settings.shutdown_timeout)
        asyncio.run(_run(Relays(settings, metrics.RelayMetrics()), memory, number))


async def _run(relay: Relays, memory: shared_memory.Shared, number: int) -> None:
    work = asyncio.create_task(relay.run())
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, work.cancel)
    async with memory.beating(number):
        with contextlib.suppress(asyncio.CancelledError):
            await work


if __name__ == "__main__":
    main()
