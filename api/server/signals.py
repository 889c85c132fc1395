"""Turns the signals that end us into one exception, which is held back while it would do harm."""

import contextlib
import signal
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Self


class Shutdown(KeyboardInterrupt):
    """We were asked to stop."""


class Signals:
    """SIGINT, SIGTERM and SIGHUP raise Shutdown once; a further one, while we stop, calls `hurry`."""

    def __init__(self) -> None:
        self.hurry: list[Callable[[], None]] = []
        self._stopping = self._waiting = self._held = False

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._receive)
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping = True

    def stopping(self) -> None:
        """From here on a signal does not raise."""
        self._stopping = True

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Hold signals back while a process starts: after an exception nobody would know of it."""
        self._held = True
        try:
            yield
        finally:
            self._held = False
        if self._waiting:
            self._waiting = False
            self._receive()

    def _receive(self, *_: int | FrameType | None) -> None:
        if self._held:
            self._waiting = True
        elif self._stopping:
            for action in self.hurry:
                action()
        else:
            self._stopping = True
            raise Shutdown
