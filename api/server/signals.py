"""Turns the signals that end us into one exception, and delays it while a process starts."""

import contextlib
import signal
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Self


class Shutdown(KeyboardInterrupt):
    """We were asked to stop."""


class Signals:
    """SIGINT, SIGTERM and SIGHUP raise Shutdown once; a second signal calls `hurry`."""

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
        """Let signals raise no more."""
        self._stopping = True

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Delay signals while a process starts: an exception would leave it without an owner."""
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
