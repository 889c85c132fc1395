"""What a run found, in Markdown."""

import os
import platform
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from statistics import median

from tests.system.crash.arena import Round
from tests.system.crash.check import DURABILITY
from tests.system.crash.load import CLIENTS, LEAST

HEAD = """| {} | times | in flight: least, median | unknown: least, in all | back after: median, most |
| --- | --- | --- | --- | --- |
"""


def report(kills: Sequence[Round], faults: Sequence[Round], *, version: str, seconds: float, missing: str) -> str:
    rounds = [*kills, *faults]
    counted = [one for one in kills if counts(one)]
    found = [finding for one in rounds for finding in one.findings]
    parts = [
        f"# Crash test, {datetime.now(UTC):%Y-%m-%d}",
        f"{len(counted)} kills that count, {len(faults)} other faults, {CLIENTS} clients, {seconds / 60:.1f} minutes "
        f"on {os.cpu_count()} processors ({platform.machine()}), PostgreSQL {version}, "
        f"{', '.join(f'`{name}`' for name in DURABILITY)} on.",
        table("killed", counted),
        table("fault", faults) if faults else "",
        missing,
        f"| in all | |\n| --- | --- |\n{totals(rounds, len(kills) - len(counted))}",
        "\n".join(["Findings:", "", *(f"- {finding}" for finding in limited(found, 100))]) if found else "No findings.",
    ]
    return "\n\n".join(part.rstrip() for part in parts if part) + "\n"


def counts(kill: Round) -> bool:
    """Whether a kill hit requests in flight, and left somebody without an answer."""
    return kill.in_flight >= LEAST and kill.unknown > 0


def table(name: str, rounds: Sequence[Round]) -> str:
    kinds = dict.fromkeys(one.kind for one in rounds)
    lines = [line(kind, [one for one in rounds if one.kind == kind]) for kind in kinds]
    if len(lines) > 1:
        lines.append(line("all", rounds))
    return HEAD.format(name) + "\n".join(lines)


def line(kind: str, rounds: Sequence[Round]) -> str:
    in_flight = [one.in_flight for one in rounds]
    unknown = [one.unknown for one in rounds]
    back = [one.recovery for one in rounds]
    return (
        f"| {kind} | {len(rounds)} | {min(in_flight)}, {median(in_flight):.0f} | {min(unknown)}, {sum(unknown):,} "
        f"| {median(back):.1f} s, {max(back):.1f} s |"
    )


def totals(rounds: Sequence[Round], uncounted: int) -> str:
    rows = [
        ("transactions acknowledged, each checked", sum(one.acknowledged for one in rounds)),
        ("requests refused, none of them there", sum(one.refused for one in rounds)),
        ("requests whose answer was unknown", sum(one.unknown for one in rounds)),
        ("settled by the same `txn_id`", sum(one.settled for one in rounds)),
        ("of these, written before they were repeated", sum(one.written for one in rounds)),
        ("kills that did not count", uncounted),
        ("findings", sum(len(one.findings) for one in rounds)),
    ]
    return "\n".join(f"| {name} | {number:,} |" for name, number in rows)


def shown(one: Round) -> str:
    """One round on one line."""
    return (
        f"{one.kind}: {one.in_flight} in flight, {one.unknown} unknown, {one.settled} settled ({one.written} had been "
        f"written), {one.acknowledged} acknowledged, {one.refused} refused, back after {one.recovery:.1f} s"
        + "".join(f"\n  FINDING {finding}" for finding in limited(one.findings))
    )


def limited(found: Iterable[str], most: int = 10) -> list[str]:
    found = list(found)
    return found[:most] + ([f"… and {len(found) - most} more"] if len(found) > most else [])
