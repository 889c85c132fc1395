"""The worker processes and the relay: start, feed, restart, stop."""

import contextlib
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field

from api.server.shared_memory import VARIABLE, Shared, spelt
from api.server.signals import Signals

logger = logging.getLogger(__name__)

STEADY = 30.0
HUNG_TICKS = 300
"""A worker hangs if so many checks see the same heartbeat. There are at most ten checks a second."""
LONGEST_PAUSE = 10.0


@dataclass
class Pause:
    """The wait before the next restart: it doubles, and starts again after a steady time."""

    length: float = 0.1
    since: float = field(default_factory=time.monotonic)
    until: float = 0.0

    def ended(self) -> None:
        """Note that the process has ended."""
        now = time.monotonic()
        self.length = 0.1 if now - self.since > STEADY else min(self.length * 2, LONGEST_PAUSE)
        self.until = now + self.length

    def over(self) -> bool:
        """Return whether it is time to start again, and note the start."""
        if time.monotonic() < self.until:
            return False
        self.since = time.monotonic()
        return True


class Workers:
    """The `count` processes that serve, all on one listening socket; and the relay, the last, if there is one."""

    def __init__(
        self, listener: socket.socket | None, memory: Shared, count: int, signals: Signals, *, relay: bool
    ) -> None:
        self._listener = listener
        self._memory = memory
        self._beats = memory.heartbeats()
        self._names = ["worker"] * count + ["relay"] * relay
        self._seen = [(0, 0)] * len(self._names)
        self._signals = signals
        self._order = b""
        self._processes: list[subprocess.Popen[bytes] | None] = [None] * len(self._names)
        self._pauses = [Pause() for _ in self._names]
        signals.hurry.append(lambda: self._send(signal.SIGKILL))

    def load(self) -> None:
        """Start the processes. They load the application and wait."""
        for index in range(len(self._processes)):
            self._start(index)

    def serve(self, variables: dict[str, str]) -> None:
        """Let them serve with these environment variables."""
        self._order = json.dumps(variables).encode() + b"\n"
        for process in self._processes:
            self._tell(process)

    def ended(self) -> int | None:
        """Return the exit status of a worker that ended, None when all live."""
        for name, process in zip(self._names, self._processes, strict=True):
            if name == "worker" and process is not None and process.poll() is not None:
                return process.returncode
        return None

    def restart(self) -> None:
        """Replace processes that ended or hang, after a growing pause. Call it often."""
        for index, process in enumerate(self._processes):
            if process is not None and process.poll() is None and self._hangs(index):
                logger.warning("%s %s does nothing any more and is replaced", self._names[index], process.pid)
                process.kill()
            if process is not None and process.poll() is not None:
                logger.warning("%s %s ended with status %s", self._names[index], process.pid, process.returncode)
                self._close(process)
                self._processes[index] = None
                self._pauses[index].ended()
            if self._processes[index] is None and self._pauses[index].over():
                self._start(index)
                self._tell(self._processes[index])

    def _hangs(self, index: int) -> bool:
        beat, (seen, looks) = self._beats[index], self._seen[index]
        self._seen[index] = (beat, looks + 1 if beat == seen else 0)
        return beat > 0 and looks == HUNG_TICKS

    def stop(self, patience: float) -> None:
        """Let requests in flight finish, then end; kill workers that need over `patience` seconds."""
        self._send(signal.SIGTERM)
        deadline = time.monotonic() + patience
        for process in self._processes:
            if process is not None:
                try:
                    process.wait(max(0.0, deadline - time.monotonic()))
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
                self._close(process)

    def _start(self, index: int) -> None:
        name = self._names[index]
        # the relay must not keep the port
        shared = [self._listener.fileno()] if self._listener is not None and name == "worker" else []
        hidden = ("DATABASE_URL", "PGWALLET_API_PASSWORD")
        variables = {name: value for name, value in os.environ.items() if name not in hidden}
        variables[VARIABLE] = spelt(self._memory)
        self._beats[index] = 0
        with self._signals.held():
            self._processes[index] = subprocess.Popen(  # noqa: S603
                # -P: do not import an `api` of the current directory
                [sys.executable, "-P", "-m", f"api.server.{name}", *map(str, shared or [-1]), str(index)],
                stdin=subprocess.PIPE,
                pass_fds=[*shared, *self._memory.descriptors()],
                env=variables,
                start_new_session=True,
            )

    def _tell(self, process: subprocess.Popen[bytes] | None) -> None:
        # restart() replaces one that just died
        if process is not None and process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write(self._order)
                process.stdin.flush()

    def _send(self, number: signal.Signals) -> None:
        for process in self._processes:
            if process is not None and process.poll() is None:
                process.send_signal(number)

    @staticmethod
    def _close(process: subprocess.Popen[bytes]) -> None:
        if process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
