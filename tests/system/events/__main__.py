"""`make test-events`: relay, service, receiver and PostgreSQL are killed under load; then a receiver does all it may.

In the end everybody must have the ledger. Ends with status 1 on a finding.
"""

import argparse
import logging
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.system.events.run import KILLS, running

WRONG = 0.3
"""Of the answers of the second run's receiver."""


def main() -> int:
    options = argparse.ArgumentParser(prog="make test-events", description=__doc__)
    options.add_argument(
        "--kills", type=int, default=2 * len(KILLS), help="kills of the first run (default: two of each)"
    )
    options.add_argument("--seconds", type=float, default=30, help="that each run loads at least")
    given = options.parse_args()
    # ended from outside, it cleans up as it does after Ctrl-C
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # which warns of each connection that a kill ends
    logging.getLogger("psycopg").setLevel(logging.ERROR)
    kinds = [*KILLS] * (given.kills // len(KILLS)) + random.sample([*KILLS], given.kills % len(KILLS))
    random.shuffle(kinds)
    found = one("kills", kinds, given.seconds, 0.0)
    return 1 if found or one("a receiver that answers as it likes", [], given.seconds, WRONG) else 0


def one(name: str, kills: list[str], seconds: float, wrong: float) -> list[str]:
    """One run, with a report on the screen; returns the findings."""
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"[{time.monotonic() - began:4.0f} s] {text}", flush=True)

    print(f"== {name}", flush=True)
    with (
        tempfile.TemporaryDirectory(prefix="pgwallet-") as folder,
        running(Path(folder), wrong=wrong, hanging=wrong > 0) as run,
    ):
        try:
            found = run.load(kills, seconds, say)
        except BaseException:
            print(f"The service's log ends with\n{run.arena.service.errors[-5000:]}", file=sys.stderr)
            raise
        say(run.figures())
    for finding in found:
        print(f"  FINDING {finding}")
    print("No findings." if not found else f"{len(found)} findings.", flush=True)
    return found


if __name__ == "__main__":
    sys.exit(main())
