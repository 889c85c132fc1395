"""What this process has written, for the metrics."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from api.schemas.operator import Adjustment
from api.schemas.transactions import Transaction

if TYPE_CHECKING:
    from collections.abc import Iterable

    from api.errors import ServiceError


class Counts:
    """Plain numbers, because a top-up adds to them. The metrics take them once a second: a series costs ten times more.

    `volume` is of each type and asset: how many transactions, and their amounts in minor units. `refused_items` is how
    often an item of a client's batch was refused, by code.
    """

    def __init__(self) -> None:
        self.volume: defaultdict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
        self.refused_items: Counter[str] = Counter()
        self.sign_ups = 0

    def add(self, outcomes: Iterable[Transaction | Adjustment | ServiceError | None]) -> None:
        """Count what was written now: no replay, no refusal. An adjustment counts by its size, up or down."""
        for outcome in outcomes:
            if isinstance(outcome, (Transaction, Adjustment)) and not outcome.replayed:
                volume = self.volume[outcome.type, outcome.asset]
                volume[0] += 1
                volume[1] += abs(outcome.amount)

    def include(self, other: Counts) -> None:
        """Add what another database wrote."""
        for key, (number, amount) in other.volume.items():
            volume = self.volume[key]
            volume[0] += number
            volume[1] += amount
        self.refused_items.update(other.refused_items)
        self.sign_ups += other.sign_ups

    def add_sign_up(self, asset: str, bonus: int) -> None:
        """Count a new user, and the bonus if there was one."""
        self.sign_ups += 1
        if bonus:
            volume = self.volume["bonus", asset]
            volume[0] += 1
            volume[1] += bonus
