"""Interleaving: what is compared runs in turns, so that a noisy moment strikes both sides."""

import statistics
from collections.abc import Callable, Mapping
from typing import TypeVar

T = TypeVar("T")


def interleave(points: Mapping[str, Callable[[], T]], rounds: int, say: Callable[[str], None]) -> dict[str, list[T]]:
    """Run all points in turn, `rounds` times over; returns each point's results in the order of the rounds."""
    found: dict[str, list[T]] = {name: [] for name in points}
    for number in range(1, rounds + 1):
        for name, run in points.items():
            result = run()
            found[name].append(result)
            shown = f"{result:,.1f}" if isinstance(result, float) else str(result)
            say(f"{f'round {number} of {rounds}: ' if rounds > 1 else ''}{name}: {shown}")
    return found


def ratio(these: list[float], those: list[float]) -> float:
    """Return the median over the rounds of these ÷ those, each round's pair taken at almost the same time."""
    return statistics.median(a / b for a, b in zip(these, those, strict=True))
