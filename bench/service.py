"""The service under load: `pgwallet serve` with default settings but no rate limits, or other settings."""

import contextlib
import os
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

import jwt

from api.auth.tokens import ALGORITHM, ISSUER
from bench.cluster import BenchError, Database
from bench.plan import FIRST, USERS

READY = re.compile(r"pgwallet ready on (http://\S+)")
OURS = ("PGWALLET_", "JWT_", "DATABASE_URL", "PORT")
SECRET = secrets.token_urlsafe(48)


@dataclass(frozen=True)
class Service:
    """A running service."""

    url: str
    process: int

    def workers(self) -> list[int]:
        """Return the ids of the worker processes; [] where there is no /proc."""
        path = Path(f"/proc/{self.process}/task/{self.process}/children")
        return [int(number) for number in path.read_text(encoding="ascii").split()] if path.exists() else []

    def resident(self) -> float:
        """Return the largest worker's resident memory, in megabytes."""
        return max((_resident(worker) for worker in self.workers()), default=0.0)

    @contextlib.contextmanager
    def watched(self) -> Iterator[list[float]]:
        """Sample the largest worker's resident memory meanwhile, in megabytes."""
        seen: list[float] = []
        ended = Event()

        def look() -> None:
            while not ended.wait(0.1):
                seen.extend(_resident(worker) for worker in self.workers())

        thread = Thread(target=look)
        thread.start()
        try:
            yield seen
        finally:
            ended.set()
            thread.join()


@contextlib.contextmanager
def serving(
    database: Database, folder: Path, ways: dict[str, dict[str, str]], python: str = sys.executable
) -> Iterator[dict[str, Service]]:
    """Run a service for each name, with the settings of that name; logs go to `folder`. Raises BenchError.

    `python` is the one in whose environment the service is installed.
    """
    with contextlib.ExitStack() as stack:
        # all first, then wait: they start side by side
        started = {
            name: stack.enter_context(_process(database, folder, name, more, python)) for name, more in ways.items()
        }
        found = {}
        for name, process in started.items():
            assert process.stdout is not None
            ready = READY.search(process.stdout.readline())
            if ready is None:
                raise BenchError(f"the service did not start:\n{_log(folder, name).read_text('utf-8')[-2000:]}")
            found[name] = Service(ready[1].replace("localhost", "127.0.0.1"), process.pid)
        yield found


@contextlib.contextmanager
def _process(
    database: Database, folder: Path, name: str, settings: dict[str, str], python: str
) -> Iterator[subprocess.Popen[str]]:
    """Run `pgwallet serve` without the user's settings."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(OURS)}
    variables = {
        "PGWALLET_API_URL": database.api_url,
        "JWT_SECRET": SECRET,
        "PORT": "0",
        "PGWALLET_RATE_LIMIT": "off",
        **settings,
    }
    with _log(folder, name).open("wb") as stderr:
        process = subprocess.Popen(
            [python, "-P", "-m", "api.cli", "serve"],
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env=kept | variables,
            # away from the user's .env
            cwd=folder,
        )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)
        if process.stdout is not None:
            process.stdout.close()


def _log(folder: Path, name: str) -> Path:
    return folder / f"{name}.log"


def write_tokens(folder: Path, numbers: list[int], databases: int = 1) -> Path:
    """Write a token for each of these bench users of each database, signed as the service would; returns the file."""
    now = int(time.time())
    tokens = []
    for user, wallet in (bench_ids(number, database) for database in range(databases) for number in numbers):
        claims = {"uid": user, "wid": wallet, "iss": ISSUER, "iat": now, "exp": now + 24 * 3600}
        tokens.append(jwt.encode(claims, SECRET, ALGORITHM))
    file = folder / f"tokens-{databases}"
    file.write_text("\n".join(tokens) + "\n", encoding="ascii")
    return file


def bench_ids(number: int, database: int = 0) -> tuple[str, str]:
    """Return the ids of the bench user of this number and of its wallet, in the database of that number."""
    if database == 0:
        return f"00000000-0000-0000-0001-0000000{number}", f"00000000-0000-0000-0000-0000000{number}"
    return f"00000000-0000-8000-8001-0000{number}{database:03x}", f"00000000-0000-8000-8000-0000{number}{database:03x}"


def bench_users() -> list[int]:
    """Return the numbers of those who sign in; the first is the hot one."""
    return list(range(FIRST, FIRST + USERS))


def _resident(process: int) -> float:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
    return 0.0
