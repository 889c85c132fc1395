"""Amounts as people write them: in the asset's scale, while everything else counts minor units."""

from __future__ import annotations

import re
from typing import Final

from api.schemas.fields import MAX_AMOUNT

MAX_LENGTH: Final = 40
_SPACES: Final = str.maketrans("", "", " \u00a0\u2009\u202f'\u2019")
_DIGITS: Final = re.compile(r"[0-9]+")
_GROUPED: Final = re.compile(r"[0-9]{1,3}(?:[.,][0-9]{3})+")


class AmountError(ValueError):
    """What was typed is no amount; `reason` is a key of the words' table `amount`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def read(text: str, scale: int, *, zero: bool = False) -> int:
    """Return minor units for `1,250.50` or `1.250,50`. Raises AmountError, also where it could mean two amounts."""
    text = text.strip()
    if len(text) > MAX_LENGTH:
        raise AmountError("too_large")
    text = text.translate(_SPACES)
    if not text:
        raise AmountError("missing")
    whole, places = _split(text, scale)
    if not _DIGITS.fullmatch(whole) or (places and not _DIGITS.fullmatch(places)):
        raise AmountError("not_a_number")
    if len(places) > scale:
        raise AmountError("too_many_places" if scale else "whole_only")
    found = int(whole + places.ljust(scale, "0"))
    if found == 0 and not zero:
        raise AmountError("zero")
    if found > MAX_AMOUNT:
        raise AmountError("too_large")
    return found


def _split(text: str, scale: int) -> tuple[str, str]:
    """Return the digits before and after the decimal separator. Raises AmountError."""
    last = max(text.rfind("."), text.rfind(","))
    if last < 0:
        return text, ""
    separator, other = text[last], ",."[text[last] == ","]
    before, after = text[:last], text[last + 1 :]
    if text.count(separator) > 1:  # it groups thousands
        if not _GROUPED.fullmatch(text) or other in text:
            raise AmountError("not_a_number")
        return text.replace(separator, ""), ""
    if other in before:
        if not _GROUPED.fullmatch(before):
            raise AmountError("not_a_number")
        return before.replace(other, ""), after
    if len(after) == 3 and scale != 3 and _GROUPED.fullmatch(text):
        if scale:
            raise AmountError("two_meanings")
        return before + after, ""
    return before or "0", after


def plain(minor: int, scale: int) -> str:
    """Return the amount with a point and without groups, as a program reads it: `-1250.50`."""
    digits = str(abs(minor)).rjust(scale + 1, "0")
    sign = "-" if minor < 0 else ""
    return sign + (f"{digits[:-scale]}.{digits[-scale:]}" if scale else digits)


def shown(minor: int, scale: int) -> str:
    """Return the amount with groups of thousands, before the browser shows it as its locale does: `-1,250.50`."""
    whole, point, places = plain(abs(minor), scale).partition(".")
    return ("\u2212" if minor < 0 else "") + f"{int(whole):,}" + point + places
