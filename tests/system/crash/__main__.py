"""`make test-crash`: kills and other faults under load, and a report. Ends with status 1 at the first finding."""

import argparse
import itertools
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.command import Pgwallet
from tests.system.crash import disk
from tests.system.crash.arena import Arena, Round, arena
from tests.system.crash.check import version
from tests.system.crash.faults import CUTS, KILLS
from tests.system.crash.report import counts, report, shown

NO_DISK = (
    "The full disk was NOT tested: it needs root, or a kernel that lets users mount in a namespace of their own "
    "(`unshare --user --mount`)."
)


def main() -> int:
    options = argparse.ArgumentParser(prog="make test-crash", description=__doc__)
    options.add_argument("--kills", type=int, default=len(KILLS), help="kills that count (default: one of each kind)")
    options.add_argument("--report", type=Path, default=Path("build/crash-report.md"), help="where the report goes")
    given = options.parse_args()
    # ended from outside, it cleans up as it does after Ctrl-C
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if disk.WHERE not in os.environ and disk.can_mount():
        return disk.run_again_with_disk()
    run = Run(given.kills)
    try:
        run.all()
    finally:
        text = run.report()
        given.report.parent.mkdir(parents=True, exist_ok=True)
        given.report.write_text(text)
        print(f"\n{text}\n(also in {given.report})")
    return 0


class Run:
    """A run of so many kills, with other faults between them."""

    def __init__(self, kills: int) -> None:
        self._wanted = kills
        self._started = time.monotonic()
        self._version = "?"
        self._missing = ""
        self.kills: list[Round] = []
        self.faults: list[Round] = []

    def report(self) -> str:
        seconds = time.monotonic() - self._started
        return report(self.kills, self.faults, version=self._version, seconds=seconds, missing=self._missing)

    def all(self) -> None:
        self._in_new_arena(self._kill)
        if folder := os.environ.get(disk.WHERE):
            small = disk.Disk(Path(folder))
            self._in_new_arena(lambda found: self._fill(found, small), Path(folder))
        else:
            self._missing = NO_DISK
            print(NO_DISK, flush=True)

    def _in_new_arena(self, work: Callable[[Arena], None], folder: Path | None = None) -> None:
        with tempfile.TemporaryDirectory(prefix="pgwallet-", dir=folder) as name:
            wallet = Pgwallet(Path(name) / "data")
            with arena(wallet) as found:
                self._version = version(found.url)
                try:
                    work(found)
                except BaseException:
                    print(f"The service's log ends with\n{found.service.errors[-5000:]}", file=sys.stderr)
                    raise

    def _kill(self, found: Arena) -> None:
        for round_number in itertools.count():
            for kind, fault in KILLS.items():
                self._note(self.kills, found.round(kind, fault))
                if sum(map(counts, self.kills)) >= self._wanted and round_number:
                    return
            for kind, fault in CUTS.items():
                self._note(self.faults, found.round(kind, fault))
            if sum(map(counts, self.kills)) >= self._wanted:
                return
            assert len(self.kills) < 2 * self._wanted + 2 * len(KILLS), "too many kills hit nothing"

    def _fill(self, found: Arena, small: disk.Disk) -> None:
        for _ in range(1 + self._wanted // 25):
            for kind, log_too in (("no room for tables", False), ("no room for tables and log", True)):
                self._note(self.faults, found.round(kind, disk.full(small, log_too=log_too)))

    def _note(self, rounds: list[Round], one: Round) -> None:
        rounds.append(one)
        number = f"{sum(map(counts, self.kills))}/{self._wanted}"
        print(f"[{time.monotonic() - self._started:4.0f} s, {number}] {shown(one)}", flush=True)
        if one.findings:
            # what was lost stays lost: every later round would find it again
            sys.exit(1)


if __name__ == "__main__":
    sys.exit(main())
