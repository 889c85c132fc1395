"""Charts as SVG: where the lines of a template's drawing are."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class Chart(NamedTuple):
    """A line of steps in a square of 100 by 100, the area under it, where it ends, and how far it goes up and down."""

    line: str
    area: str
    last: float
    high: int
    low: int


def steps(values: Sequence[int]) -> Chart:
    """Draw at least two values, evenly spaced: each holds until the next one."""
    low, high = min(values), max(values)

    def y(value: int) -> float:
        if high == low:
            return 50.0 if low else 100.0
        return round(100 - (value - low) * 100 / (high - low), 2)

    width = 100 / (len(values) - 1)
    line = f"M0 {y(values[0]):g}" + "".join(
        f"H{number * width:.4g}" + (f"V{y(value):g}" if value != values[number - 1] else "")
        for number, value in enumerate(values)
        if number and (value != values[number - 1] or number == len(values) - 1)
    )
    return Chart(line, f"{line}V100H0Z", y(values[-1]), high, low)


class Span(NamedTuple):
    """A value that holds for a time; `start` and `end` in per cent of the drawing's width."""

    start: float
    end: float
    value: float


def over_time(spans: Sequence[Span], height: float) -> tuple[str, str]:
    """Return the line of values from 0 on, and the area under it, in a drawing of 100 by `height`."""
    high = max((span.value for span in spans), default=0.0) or 1.0

    def y(value: float) -> str:
        return f"{height - value * height / high:.4g}"

    if not spans:
        return "", ""
    line = f"M{spans[0].start:.4g} {y(spans[0].value)}" + "".join(f"V{y(span.value)}H{span.end:.4g}" for span in spans)
    return line, f"{line}V{height:g}H{spans[0].start:.4g}Z"
