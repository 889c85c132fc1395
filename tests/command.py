"""`pgwallet` as a process, and HTTP to what it serves."""

import contextlib
import json
import os
import queue
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self, TypeVar

from api.postgres.orphans import processes
from tests.preloaded import program

ROOT = Path(__file__).resolve().parents[1]
COMMAND = [sys.executable, "-P", "-m", "api.cli"]
READY = re.compile(r"pgwallet ready on http://localhost:(\d+) \(docs: /api/docs\)\n")
Result = TypeVar("Result")
OURS = ("PG", "JWT_", "DATABASE_", "PORT")


def wait_until(condition: Callable[[], Result], limit: float = 60.0) -> Result:
    """Return the first true value of `condition`; fails when there is none in time."""
    deadline = time.monotonic() + limit
    while not (found := condition()):
        assert time.monotonic() < deadline, "time ran out"
        time.sleep(0.02)
    return found


class Pgwallet:
    """The command line with settings of its own; nothing of the caller's settings shines through."""

    def __init__(self, data_dir: Path, **variables: str) -> None:
        self.data_dir = data_dir
        self.pgdata = data_dir / "postgres"
        kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        self.environment = {
            **kept,
            "PYTHONPATH": str(ROOT),
            "PGWALLET_DATA_DIR": str(data_dir),
            "PGWALLET_BCRYPT_COST": "4",
            "PGWALLET_WORKERS": "1",
            "PORT": "0",
            **variables,
        }
        self._running: list[Service] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for service in self._running:
            service.end()

    def start(self, *command: str, **variables: str) -> "Service":
        """Start `run`, which is what no command stands for, or another one that serves, and wait until it is ready."""
        service = Service(self.spawn(*(command or ["run"]), **variables))
        self._running.append(service)
        service.await_ready()
        return service

    def spawn(self, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        # a folder without a .env, where also the `api` of this repository is not
        return subprocess.Popen(
            [*COMMAND, *arguments],
            env={**self.environment, **variables},
            cwd=tempfile.gettempdir(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def call(self, *arguments: str, **variables: str) -> str:
        """Run a command that must succeed; returns what it prints."""
        status, output, errors = self.attempt(*arguments, **variables)
        assert status == 0, errors
        return output

    def refusal(self, *arguments: str, **variables: str) -> str:
        """Run a command that must fail with one line; returns that line without the name in front."""
        status, _, errors = self.attempt(*arguments, **variables)
        assert status in (1, 3), errors
        lines = errors.splitlines()
        assert len(lines) == 1, errors
        assert lines[0].startswith("pgwallet: ")
        return lines[0].removeprefix("pgwallet: ")

    def attempt(self, *arguments: str, **variables: str) -> tuple[int, str, str]:
        environment = {**self.environment, **variables}
        with (
            Path(os.devnull).open() as nothing,
            tempfile.TemporaryFile("w+") as output,
            tempfile.TemporaryFile("w+") as errors,
        ):
            process = program("api.cli").start(
                arguments, environment, [nothing, output, errors], cwd=tempfile.gettempdir(), start_new_session=True
            )
            try:
                status = process.wait(60)
            finally:
                process.kill()
            output.seek(0)
            errors.seek(0)
            return status, output.read(), errors.read()


class Service:
    """A `run` or `serve` in the background."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.port = 0
        self.output = ""
        self.errors = ""
        self._ready: queue.Queue[int] = queue.Queue()
        self._readers = [threading.Thread(target=read, daemon=True) for read in (self._read_output, self._read_errors)]
        for reader in self._readers:
            reader.start()

    def await_ready(self) -> None:
        def ready() -> int:
            with contextlib.suppress(queue.Empty):
                return self._ready.get_nowait()
            assert self.process.poll() is None, self.errors
            return 0

        self.port = wait_until(ready)

    def children(self, program: str) -> list[int]:
        """Return the process ids of our children whose command line holds `program`."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError, IndexError):
                parent = (entry / "stat").read_text().rpartition(")")[2].split()[1]
                if int(parent) == self.process.pid and program in (entry / "cmdline").read_text():
                    found.append(int(entry.name))
        return sorted(found)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and return the exit status; Ctrl-C goes to the whole group, as from a terminal."""
        if number == signal.SIGINT:
            os.killpg(self.process.pid, number)
        else:
            self.process.send_signal(number)
        status = self.process.wait(30)
        for reader, stream in zip(self._readers, (self.process.stdout, self.process.stderr), strict=True):
            # ends with the last process that could write
            reader.join(10)
            assert not reader.is_alive(), "processes of it are left"
            if stream is not None:
                stream.close()
        return status

    def end(self) -> None:
        if self.process.returncode is None:
            self.stop()

    def request(self, path: str, body: dict[str, Any] | None = None, token: str = "") -> tuple[int, dict[str, Any]]:
        """Return the status and the decoded body; status 0 when there is no answer."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", "Connection": "close", "Authorization": f"Bearer {token}"}
        url = f"http://127.0.0.1:{self.port}{path}"
        try:
            with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=10) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read() or b"{}")
        except OSError:
            return 0, {}

    def healthy(self) -> bool:
        return self.request("/api/health/ready")[0] == 200

    def _read_output(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output += line
            if match := READY.fullmatch(line):
                self._ready.put(int(match[1]))

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.errors += line


def no_server_left(wallet: Pgwallet) -> bool:
    return not processes(wallet.pgdata)
