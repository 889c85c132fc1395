"""`make test-cluster KILLS=100`: transfers between databases under kills, then a server that is dead, then frozen.

Ends with status 1 on a finding.
"""

import argparse
import asyncio
import logging
import random
import signal
import sys
import time

from tests.system.cluster.away import away, dead, frozen
from tests.system.cluster.run import run
from tests.system.cluster.world import KILLS, world


def main() -> int:
    options = argparse.ArgumentParser(prog="make test-cluster", description=__doc__)
    options.add_argument("--kills", type=int, default=100, help="kills under load")
    options.add_argument("--seconds", type=float, default=12, help="that a server is away, and that come before")
    given = options.parse_args()
    # ended from outside, it cleans up as it does after Ctrl-C
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # which warns of each connection that a kill ends
    logging.getLogger("psycopg").setLevel(logging.ERROR)
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"[{time.monotonic() - began:4.0f} s] {text}", flush=True)

    kinds = [*KILLS] * (given.kills // len(KILLS)) + random.sample([*KILLS], given.kills % len(KILLS))
    random.shuffle(kinds)
    faults = []
    with world() as made:
        try:
            found = asyncio.run(run(made, kinds, say, quiet=given.seconds))
            say(f"{found.transfers} transfers, {sum(found.kills.values())} kills: {found.kills}")
            faults += found.findings
            for harm in (dead, frozen):
                noticed = asyncio.run(away(made, harm, given.seconds))
                say(f"a server is {harm.__name__} for {given.seconds:.0f} s: {noticed.figures()}")
                if not set(noticed.elsewhere_statuses) <= {200, 201}:
                    faults.append(f"users elsewhere noticed that a server was {harm.__name__}")
                if not set(noticed.own_statuses) <= {200, 201, 503}:
                    faults.append(f"users of the {harm.__name__} server were told something else than 503")
        except BaseException:
            print(f"The service's log ends with\n{made.service.errors[-5000:]}", file=sys.stderr)
            raise
    for fault in faults:
        print(f"  FINDING {fault}")
    print("No findings." if not faults else f"{len(faults)} findings.", flush=True)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
