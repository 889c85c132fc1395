"""Memory that the worker processes of one service share with each other and with their supervisor.

It has no file, so a full disk does no harm. The kernel frees it when the last process ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import mmap
import os
import tempfile
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

VARIABLE: Final = "SHARED_MEMORY"
"""The environment variable that tells a worker the descriptors."""
METRICS: Final = ("counter", "gauge_livesum", "histogram")
"""Kinds of metrics that prometheus_client keeps in files of their own."""
METRICS_BYTES: Final = 64 * 1024
"""At first; prometheus_client enlarges it."""
BEAT_SECONDS: Final = 1.0


class Shared(NamedTuple):
    """Descriptors of the rate limits, the workers' heartbeats, what operators see of them, and each one's metrics."""

    limits: int
    beats: int
    activity: int
    metrics: list[int]

    def descriptors(self) -> list[int]:
        """Return all of them: what a process has to inherit."""
        return [self.limits, self.beats, self.activity, *self.metrics]

    def names(self) -> dict[str, int]:
        """Return the descriptor of each file that prometheus_client would make for the workers."""
        return {
            f"{kind}_{place // len(METRICS)}.db": descriptor
            for place, (kind, descriptor) in enumerate(
                zip(METRICS * (len(self.metrics) // len(METRICS)), self.metrics, strict=True)
            )
        }

    def heartbeats(self) -> memoryview:
        """Return each worker's counter, which grows while its event loop runs."""
        return memoryview(mmap.mmap(self.beats, mmap.PAGESIZE)).cast("Q")

    @contextlib.asynccontextmanager
    async def beating(self, number: int) -> AsyncIterator[None]:
        """Show the supervisor that this worker's event loop runs."""
        beats = self.heartbeats()

        async def beat() -> None:
            while True:
                beats[number] += 1
                await asyncio.sleep(BEAT_SECONDS)

        task = asyncio.create_task(beat())
        try:
            yield
        finally:
            task.cancel()


@contextlib.contextmanager
def made(workers: int) -> Iterator[Shared]:
    """Make the memory for so many workers."""
    with contextlib.ExitStack() as stack:

        def memory(size: int = 0) -> int:
            descriptor = _memory()
            stack.callback(os.close, descriptor)
            os.ftruncate(descriptor, size)
            return descriptor

        metrics = [memory(METRICS_BYTES) for _ in range(workers) for _ in METRICS]
        yield Shared(memory(), memory(mmap.PAGESIZE), memory(), metrics)


def given() -> Shared | None:
    """Return the supervisor's memory, None without a supervisor."""
    if VARIABLE not in os.environ:
        return None
    limits, beats, activity, *metrics = (int(descriptor) for descriptor in os.environ[VARIABLE].split(","))
    return Shared(limits, beats, activity, metrics)


def spelt(shared: Shared) -> str:
    """Return the value of `VARIABLE`."""
    return ",".join(map(str, shared.descriptors()))


def _memory() -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create("pgwallet")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
