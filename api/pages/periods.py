"""Days as people choose them: in UTC, or in the browser's zone where its script tells the offset."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from api.pages.forms import MistakeError

if TYPE_CHECKING:
    from api.pages.forms import Form

DAY: Final = timedelta(days=1)
WIDEST: Final = 14 * 60
"""Minutes between a zone and UTC, at most."""


def period(form: Form, words: Any) -> tuple[datetime | None, datetime | None]:
    """Return when the days `from` to `to` begin and end; None where none is given. Raises MistakeError."""
    start, end = _midnight(form, words, "from", 0 * DAY), _midnight(form, words, "to", DAY)
    if start is not None and end is not None and start >= end:
        raise MistakeError("to", words.forms.not_after)
    return start, end


def _midnight(form: Form, words: Any, name: str, later: timedelta) -> datetime | None:
    text = form.text(name)
    if text is None:
        return None
    offset = form[f"{name}_offset"]
    minutes = int(offset) if len(offset) < 5 and offset.removeprefix("-").isdecimal() and offset.isascii() else 0
    try:
        day = date.fromisoformat(text)
        midnight = datetime(day.year, day.month, day.day, tzinfo=UTC) + later
        return midnight - timedelta(minutes=minutes if abs(minutes) <= WIDEST else 0)
    except (ValueError, OverflowError):
        raise MistakeError(name, words.forms.no_day) from None
