"""How lines of the log leave a process: a bounded queue, and a thread that writes them to stderr.

Nobody may read stderr, or its disk may be full. Lines are dropped and counted then, and nothing else waits. The
standard library's QueueListener takes records instead of lines, and its stop() waits for the writer.
"""

from __future__ import annotations

import atexit
import contextlib
import io
import os
import select
import stat
import threading
import time
from queue import SimpleQueue
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from _typeshed import ReadableBuffer

STDERR: Final = 2
MOST_WAITING: Final = 1000
"""Pieces, of a few kilobytes at most."""
GATHERED_FOR: Final = 0.05
"""Seconds from the first line to the write: to wake the thread for each line would cost more than the line."""
AT_ONCE: Final = select.PIPE_BUF
"""Bytes that a pipe takes in one piece: the lines of several processes do not mix."""
AT_ONCE_TO_FILE: Final = 1 << 20
"""A file takes this in one piece, too. Each write hands the interpreter over and back: few large ones cost less."""
PATIENCE: Final = 1.0
"""Seconds that the process waits at its end for the last lines."""


class LogWriter(io.RawIOBase):
    """A file that any thread writes whole lines to, without waiting."""

    def __init__(self, descriptor: int = STDERR) -> None:
        super().__init__()
        self.dropped = 0
        """How many lines were dropped."""
        self._descriptor = descriptor
        self._at_once = at_once(descriptor)
        self._queue: SimpleQueue[bytes | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()
        atexit.register(self._finish)

    def as_text(self) -> io.TextIOBase:
        """Return a text file that writes to this one."""
        return io.TextIOWrapper(self, "utf-8", "backslashreplace", write_through=True)  # type: ignore[type-var]

    def writable(self) -> bool:
        """Say yes."""
        return True

    def write(self, piece: ReadableBuffer, /) -> int:
        """Queue whole lines for the thread, or drop them where too many wait."""
        lines = bytes(piece)
        if self._queue.qsize() < MOST_WAITING:
            self._queue.put(lines)
        else:
            self.dropped += lines.count(b"\n")
        return len(lines)

    def _run(self) -> None:
        told = 0
        last = False
        while not last:
            first = self._queue.get()
            if first is not None:
                time.sleep(GATHERED_FOR)
            pieces = [first, *(self._queue.get_nowait() for _ in range(self._queue.qsize()))]
            last = None in pieces
            if self.dropped > told:
                told, missing = self.dropped, self.dropped - told
                self._write(b'{"dropped":%d,"event":"log lines were dropped","level":"warning"}\n' % missing)
            for together in joined(filter(None, pieces), self._at_once):
                self._write(together)

    def _write(self, lines: bytes) -> None:
        rest = lines
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError:  # a full disk, or nobody at the other end
            self.dropped += rest.count(b"\n")

    def _finish(self) -> None:
        self._queue.put(None)
        self._thread.join(PATIENCE)


def joined(pieces: Iterable[bytes], most: int = AT_ONCE) -> Iterator[bytes]:
    """Join pieces as long as they have no more than `most` bytes together."""
    together: list[bytes] = []
    size = 0
    for piece in pieces:
        if together and size + len(piece) > most:
            yield b"".join(together)
            together, size = [], 0
        together.append(piece)
        size += len(piece)
    if together:
        yield b"".join(together)


def at_once(descriptor: int) -> int:
    """Return how many bytes may be written at once, so that the lines of several processes do not mix."""
    with contextlib.suppress(OSError):  # it may be closed
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            return AT_ONCE_TO_FILE
    return AT_ONCE
