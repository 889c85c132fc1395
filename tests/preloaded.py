"""Programs of ours as processes that start at once: one process has loaded the program, and each start is a fork of it.

Loading takes most of the time of a short process. What starts here is told its arguments, variables, folder and files
as by subprocess, and is waited for and killed like a process of that. `python -m tests.preloaded MODULE FD` loads and
forks; it ends with whoever started it.
"""

import atexit
import contextlib
import functools
import gc
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).resolve().parents[1]
LONGEST = 1 << 17


class Forked:
    """A process, with what the tests use of subprocess.Popen."""

    def __init__(self, pid: int, watcher: socket.socket) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._watcher = watcher

    def poll(self) -> int | None:
        """Return the exit status if it has ended."""
        return self._status(0.0)

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit status once it has ended. Raises subprocess.TimeoutExpired."""
        status = self._status(timeout)
        if status is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0.0)
        return status

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        # until its end is noticed here it is a zombie, so that its number is nobody else's
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)

    def _status(self, timeout: float | None) -> int | None:
        if self.returncode is None:
            self._watcher.settimeout(timeout)
            with contextlib.suppress(TimeoutError, BlockingIOError):
                self.returncode = int(self._watcher.recv(LONGEST))
                self._watcher.close()
        return self.returncode


class Program:
    """A module with a function main(), loaded by an interpreter with these options."""

    def __init__(self, module: str, *options: str) -> None:
        self._orders, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", *options, "-m", __name__, module, str(theirs.fileno())],
                env=os.environ | {"PYTHONPATH": str(ROOT)},
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                start_new_session=True,
            )
        atexit.register(self._end)

    def start(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        files: Sequence[IO[Any] | socket.socket],
        *,
        cwd: str = ".",
        start_new_session: bool = False,
    ) -> Forked:
        """Start it with its standard input, output and error; numbers of further files are its first arguments."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        order = [list(arguments), dict(environment), str(Path(cwd).resolve()), start_new_session]
        with theirs:
            numbers = [theirs.fileno(), *(file.fileno() for file in files)]
            socket.send_fds(self._orders, [json.dumps(order).encode()], numbers)
        return Forked(int(ours.recv(LONGEST)), ours)

    def _end(self) -> None:
        self._orders.close()
        self._process.wait()


program = functools.cache(Program)


def _main() -> None:
    name, orders = sys.argv[1:]
    module = importlib.import_module(name)
    assert len(list(Path("/proc/self/task").iterdir())) == 1, "a thread would be missing in the forks"
    gc.freeze()
    become = _next(socket.socket(fileno=int(orders)))
    if become is not None:
        become()
        module.main()


def _next(orders: socket.socket) -> Callable[[], None] | None:
    """Fork for every order. Returns what makes this process, a fork, the ordered one; None after the last order."""
    while True:
        text, files, _, _ = socket.recv_fds(orders, LONGEST, 8)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG) != (0, 0):
                pass
        if not text:
            return None
        if os.fork() == 0:
            orders.close()
            return _watched(json.loads(text), files)
        for file in files:
            os.close(file)


def _watched(order: tuple[list[str], dict[str, str], str, bool], files: list[int]) -> Callable[[], None]:
    """Fork once more: this process waits for the other one's end, and tells it."""
    watcher = socket.socket(fileno=files[0])
    pid = os.fork()
    if pid == 0:
        watcher.close()
        return functools.partial(_become, *order, files[1:])
    for file in files[1:]:
        os.close(file)
    with contextlib.suppress(OSError):
        watcher.send(str(pid).encode())
        ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        assert ended is not None
        status = ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status
        watcher.send(str(status).encode())
        # until it was noticed
        watcher.recv(1)
    os.waitpid(pid, 0)
    os._exit(0)


def _become(
    arguments: list[str], environment: dict[str, str], folder: str, start_new_session: bool, files: list[int]
) -> None:
    if start_new_session:
        os.setsid()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for number, file in enumerate(files[:3]):
        os.dup2(file, number)
        os.close(file)
    sys.argv[1:] = [*map(str, files[3:]), *arguments]


if __name__ == "__main__":
    _main()
