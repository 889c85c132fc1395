"""Where the log leaves a process: a bounded queue, and a thread that writes to stderr.

Whoever is to read it may not, and its disk may be full: then lines are dropped and counted, and nothing else waits. The
standard library's QueueListener is not used: it takes records rather than lines, and stops by waiting for its writer.
"""

from __future__ import annotations

import atexit
import io
import os
import select
import threading
import time
from queue import SimpleQueue
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

STDERR: Final = 2
MOST_WAITING: Final = 1000
"""Pieces, of a few kilobytes at most."""
GATHERED_FOR: Final = 0.05
"""Seconds from the first line to the writing: a thread that is woken for each line costs more than the line."""
AT_ONCE: Final = select.PIPE_BUF
"""Bytes that a pipe takes in one piece, so that lines do not mix with those of other processes."""
PATIENCE: Final = 1.0
"""Seconds that the last lines get at the end of the process."""


class Outlet(io.RawIOBase):
    """A file to write to from any thread, without waiting; each piece that is written holds whole lines."""

    def __init__(self, descriptor: int = STDERR) -> None:
        super().__init__()
        self.dropped = 0
        """Lines that nobody will read."""
        self._descriptor = descriptor
        self._queue: SimpleQueue[bytes | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()
        atexit.register(self._finish)

    def as_text(self) -> io.TextIOBase:
        """Return a text file that leads here."""
        return io.TextIOWrapper(self, "utf-8", "backslashreplace", write_through=True)  # type: ignore[type-var]

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, piece: ReadableBuffer, /) -> int:
        """Have it written, or drop it where too much waits."""
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
            together = b""
            for piece in filter(None, pieces):
                if len(together) + len(piece) > AT_ONCE:
                    self._write(together)
                    together = b""
                together += piece
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
