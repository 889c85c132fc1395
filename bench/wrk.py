"""Runs wrk (https://github.com/wg/wrk), the HTTP load generator."""

import json
import secrets
import shutil
import statistics
import subprocess
from dataclasses import dataclass
from pathlib import Path

from bench.cluster import BenchError

SCRIPT = Path(__file__).with_name("wrk.lua")
MISSING = (
    "wrk is not installed, so everything over HTTP was skipped: install it "
    "(Debian, Ubuntu: apt install wrk; macOS: brew install wrk; others: https://github.com/wg/wrk) and run again."
)


@dataclass(frozen=True)
class Load:
    """The result of one run: answered requests per second, latencies in milliseconds, and errors."""

    rate: float
    p50: float
    p99: float
    errors: int
    """Statuses of 400 and more, connections that failed, and requests without an answer within 10 s."""
    requests: int = 0
    """Requests with an answer of any status."""

    def __str__(self) -> str:
        return f"{self.rate:,.0f}/s, p50 · p99 {self.latency()}"

    def latency(self) -> str:
        """Return the latencies, and the errors if there were any, for people."""
        errors = f", {self.errors} errors" if self.errors else ""
        return f"{self.p50:.1f} · {self.p99:.1f} ms{errors}"


def middle(loads: list[Load]) -> Load:
    """Return the medians of these runs, with the errors of all."""
    rate, p50, p99 = (statistics.median(getattr(load, name) for load in loads) for name in ("rate", "p50", "p99"))
    return Load(rate, p50, p99, sum(load.errors for load in loads))


@dataclass(frozen=True)
class Users:
    """A range of lines of a file of tokens."""

    file: Path
    first: int
    count: int


def installed() -> bool:
    """Return whether wrk can be run."""
    return shutil.which("wrk") is not None


def load(url: str, kind: str, users: Users, *, connections: int, seconds: int) -> Load:
    """Send requests of a kind (see wrk.lua) to `url` over so many connections for so long. Raises BenchError."""
    command = [
        "wrk",
        "-t",
        "1",
        "-c",
        str(connections),
        "-d",
        f"{seconds}s",
        "--timeout",
        "10s",
        "-s",
        str(SCRIPT),
        url,
    ]
    # a new seed each time: a repeated txn_id would be a replay
    arguments = [kind, str(users.file), str(users.first), str(users.count), str(secrets.randbelow(2**31))]
    done = subprocess.run([*command, "--", *arguments], check=False, capture_output=True, text=True)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode != 0 or len(lines) != 1:
        raise BenchError(f"{' '.join(command)} failed:\n{done.stdout[-1000:]}{done.stderr[-1000:]}")
    found = json.loads(lines[0])
    answered = (found["requests"] - found["refused"]) / (found["microseconds"] / 1e6)
    return Load(
        answered, found["p50"] / 1000, found["p99"] / 1000, found["refused"] + found["failed"], found["requests"]
    )
