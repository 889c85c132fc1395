"""Every section's input."""

import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from bench.cluster import Cluster
from bench.plan import Plan
from bench.report import Report


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run of the benchmark: how much to measure, on which server, and where to write it down."""

    plan: Plan
    cluster: Cluster
    report: Report
    started: float
    """When, on the monotonic clock."""
    growth: bool = False
    pgledger: Path | None = None
    http_peer: str | None = None
    http_peer_tokens: Path | None = None
    before: Path | None = None
    service: dict[str, str] = field(default_factory=dict)
    """Further settings of the service, as environment variables."""

    def say(self, text: str) -> None:
        """Report progress on standard error."""
        print(f"{time.monotonic() - self.started:4.0f} s  {text}", file=sys.stderr, flush=True)
