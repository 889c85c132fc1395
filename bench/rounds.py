"""Interleaving: compared points run in turns, so that noise strikes both sides."""

import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

T = TypeVar("T")


def rounds(most: int, budget: float) -> Iterator[int]:
    """Yield 1 .. `most`; ends early where another round as long as the last would pass `budget` seconds in all."""
    started = before = time.monotonic()
    for number in range(1, most + 1):
        yield number
        now = time.monotonic()
        if now - started + (now - before) > budget:
            return
        before = now


def interleave(
    points: Mapping[str, Callable[[], T]], numbers: Iterator[int], say: Callable[[str], None]
) -> dict[str, list[T]]:
    """Run all points in turn, once for each number; returns each point's results in that order."""
    found: dict[str, list[T]] = {name: [] for name in points}
    for number in numbers:
        for name, run in points.items():
            result = run()
            found[name].append(result)
            shown = f"{result:,.0f}/s" if isinstance(result, float) else str(result)
            say(f"round {number}: {name}: {shown}")
    return found


def ratio(these: list[float], those: list[float]) -> float:
    """Return the median over the rounds of these ÷ those, each round's pair taken at almost the same time.

    Rounds in which those are 0 do not count; 0 when all are.
    """
    return statistics.median([a / b for a, b in zip(these, those, strict=True) if b > 0] or [0.0])
