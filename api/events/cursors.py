"""Cursors of events: opaque to clients. They carry the line of history that an event's id belongs to.

That of a cluster has one for each database, in one text. With the first database alone it is the cursor that a service
of one database makes, so that a client's cursor stays good when other databases join: they begin at their first event.
"""

from __future__ import annotations

import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from typing import Final, NamedTuple

from api.cluster_map import NUMBERS
from api.errors import INVALID_CURSOR, FieldError, ServiceError

_VERSION: Final = 1
"""The first byte."""
_LAYOUT: Final = struct.Struct(">Biq")
_SEVERAL: Final = 2
_PART: Final = struct.Struct(">Hiq")


class Cursor(NamedTuple):
    """The last event that was read: its id, 0 for none, and the epoch of the bound under which it was read."""

    epoch: int
    id: int

    def __str__(self) -> str:
        """Spell it."""
        return _spelled(_LAYOUT.pack(_VERSION, self.epoch, self.id))


BEGINNING: Final = Cursor(0, 0)


class Cursors(dict[int, Cursor]):
    """A cursor in each database, by number. One that is missing is at its beginning."""

    def at(self, number: int) -> Cursor:
        """Return the cursor in one database."""
        return self.get(number, BEGINNING)

    def __str__(self) -> str:
        """Spell it."""
        begun = {number: cursor for number, cursor in self.items() if cursor.id}
        if not begun.keys() - {0}:
            return str(self.at(0))
        parts = (_PART.pack(number, *begun[number]) for number in sorted(begun))
        return _spelled(bytes([_SEVERAL]) + b"".join(parts))


def read_cursor(text: str, field: str = "after") -> Cursor:
    """Read the cursor of one database back. Raises ServiceError (WA024) for one that this service did not make."""
    cursors = read_cursors(text, field)
    if cursors.keys() - {0}:
        raise _invalid(field)
    return cursors.at(0)


def read_cursors(text: str, field: str = "after") -> Cursors:
    """Read a cursor back. Raises ServiceError (WA024) for one that this service did not make."""
    try:
        found = _read(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (struct.error, Error, ValueError):
        raise _invalid(field) from None
    # base64 has several spellings of some values
    sound = all(number < NUMBERS and cursor.epoch >= 0 <= cursor.id for number, cursor in found.items())
    if not sound or str(found) != text:
        raise _invalid(field)
    return found


def _read(raw: bytes) -> Cursors:
    if raw[:1] == bytes([_SEVERAL]):
        return Cursors({number: Cursor(epoch, event) for number, epoch, event in _PART.iter_unpack(raw[1:])})
    version, epoch, event = _LAYOUT.unpack(raw)
    if version != _VERSION:
        raise ValueError
    return Cursors({0: Cursor(epoch, event)})


def _spelled(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


def _invalid(field: str) -> ServiceError:
    fault = FieldError(field, "is not a cursor of events")
    return ServiceError(INVALID_CURSOR, "Use the cursor that the page or event before has, or none.", [fault])
