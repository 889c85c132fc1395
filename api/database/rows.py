"""Typed rows: what makes a Struct of a row of the database."""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter
from typing import Any, Protocol, TypeVar

from msgspec import Struct

S = TypeVar("S", bound=Struct)


class Row(Protocol):
    """What a database row offers."""

    def __getitem__(self, column: str) -> Any:
        """Return a column by name."""


def reader(struct: type[S]) -> Callable[[Row], S]:
    """Return what makes a `struct` of a row: columns by name, so that a new column in SQL breaks nothing."""
    values = itemgetter(*struct.__struct_fields__)

    def read(row: Row) -> S:
        return struct(*values(row))

    return read
