"""Amounts as people write them, and as the service counts them: 7.00 USD, whose scale is 2, are 700 minor units."""

from __future__ import annotations

from decimal import Decimal


def to_units(amount: int, scale: int) -> Decimal:
    """Return so many minor units as people write them."""
    return Decimal(amount).scaleb(-scale)


def to_minor_units(amount: Decimal | str, scale: int) -> int:
    """Return an amount in minor units. Raises ValueError for one that has more decimal places: nothing is rounded."""
    exact = Decimal(amount).scaleb(scale)
    if not exact.is_finite() or exact != exact.to_integral_value():
        raise ValueError(f"{amount} has more than {scale} decimal places, or is no number")
    return int(exact)
