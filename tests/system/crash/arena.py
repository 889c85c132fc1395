"""A service under load: one fault at a time, and after each everything is settled and judged."""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Self

from tests.command import Pgwallet, Service, wait_until
from tests.system.crash.check import findings, quiet, weaknesses
from tests.system.crash.load import Load
from tests.system.crash.requests import Outcome, Request

WORKERS = 2
BEFORE, AFTER = 200, 50
"""So many requests are acknowledged in a round before its fault, and once the service is back."""
PATIENCE = 60.0
SETTINGS = {"PGWALLET_WORKERS": str(WORKERS), "PGWALLET_LOG_LEVEL": "warning", "PGWALLET_RATE_LIMIT": "off"}

Fault = Callable[["Arena"], int]
"""Does its harm under load, and returns how many requests were in flight at that moment."""


@dataclass
class Round:
    """What came of one fault."""

    kind: str
    in_flight: int = 0
    acknowledged: int = 0
    refused: int = 0
    unknown: int = 0
    settled: int = 0
    written: int = 0
    recovery: float = 0.0
    findings: list[str] = field(default_factory=list)


class Arena:
    """`pgwallet run` with durability on, and its clients; `more` are further settings."""

    def __init__(self, wallet: Pgwallet, **more: str) -> None:
        self.wallet = wallet
        self._settings = {**SETTINGS, **more}
        self.service: Service = wallet.start(**self._settings)
        self.port = self.service.port
        self.load = Load(self.port)
        self.url = wallet.call("url").strip()
        self.struck = 0.0
        assert weaknesses(self.url) == [], "what is answered must be on disk"

    def __enter__(self) -> Self:
        self.load.__enter__()
        return self

    def __exit__(self, *failure: object) -> None:
        self.load.__exit__(*failure)

    def round(self, kind: str, fault: Fault) -> Round:
        """Load, fault, recovery, settling, judgement."""
        load, first, acknowledged = self.load, len(self.load.requests), self.load.acknowledged
        load.start()
        self.acknowledge(BEFORE)
        in_flight = fault(self)
        wait_until(self.back, PATIENCE)
        recovery = time.monotonic() - self.struck
        self.acknowledge(AFTER)
        load.stop()
        wait_until(lambda: quiet(self.url), PATIENCE)
        found = Round(kind, in_flight, recovery=recovery)
        settled = load.settle(PATIENCE)
        found.settled = len(settled)
        found.written = sum(request.replayed for request in settled)
        mine = load.requests[first:]
        found.unknown = sum(request.was_unknown for request in mine)
        found.acknowledged = load.acknowledged - acknowledged
        found.refused = sum(request.outcome is Outcome.REFUSED for request in mine)
        found.findings = self.judge(mine)
        return found

    def strike(self, kill: Callable[[], object]) -> int:
        """Call `kill` with enough requests in flight; returns how many were."""

        def kill_now() -> None:
            self.struck = time.monotonic()
            kill()

        return self.load.strike(kill_now)

    def run_again(self) -> None:
        """Start `pgwallet run` as its operator would, at once."""
        killed, self.service = self.service, self.wallet.start(PORT=str(self.port), **self._settings)
        killed.stop()

    def back(self) -> bool:
        """Whether every process is there, and a request that was sent after the fault has been acknowledged."""
        return (
            self.load.newest_acknowledged > self.struck
            and len(self.service.children("api.server.worker")) == WORKERS
            and len(self.service.children("postgres")) == 1
            and self.service.healthy()
        )

    def acknowledge(self, count: int) -> None:
        wanted = self.load.acknowledged + count
        wait_until(lambda: self.load.acknowledged >= wanted, PATIENCE)

    def judge(self, requests: list[Request]) -> list[str]:
        """Judge all that was asked since the beginning, and how the newest requests were answered."""
        faults = [request.fault for request in requests if request.fault]
        return faults + findings(self.url, self.load.requests, self.load.accounts)


@contextlib.contextmanager
def arena(wallet: Pgwallet) -> Iterator[Arena]:
    """Yield an arena; its service ends with it."""
    with wallet, Arena(wallet) as found:
        yield found
        found.service.end()
