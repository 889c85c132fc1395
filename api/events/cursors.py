"""Cursors of events: opaque to clients. They carry the line of history that an event's id belongs to."""

from __future__ import annotations

import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from typing import Final, NamedTuple

from api.errors import INVALID_CURSOR, FieldError, ServiceError

PATTERN: Final = "^[A-Za-z0-9_-]{18}$"
_VERSION: Final = 1
"""The first byte: cursors over several databases can have a form of their own."""
_LAYOUT: Final = struct.Struct(">Biq")


class Cursor(NamedTuple):
    """The last event that was read: its id, 0 for none, and the epoch of the bound under which it was read."""

    epoch: int
    id: int

    def __str__(self) -> str:
        """Spell it."""
        return urlsafe_b64encode(_LAYOUT.pack(_VERSION, self.epoch, self.id)).decode().rstrip("=")


def read_cursor(text: str, field: str = "after") -> Cursor:
    """Read a cursor back. Raises ServiceError (WA024) for one that this service did not make."""
    try:
        version, epoch, number = _LAYOUT.unpack(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (struct.error, Error, ValueError):
        version, epoch, number = 0, 0, 0
    cursor = Cursor(epoch, number)
    # base64 has several spellings of some values
    if version != _VERSION or epoch < 0 or number < 0 or str(cursor) != text:
        fault = FieldError(field, "is not a cursor of events")
        raise ServiceError(INVALID_CURSOR, "Use the cursor that the page or event before has, or none.", [fault])
    return cursor
