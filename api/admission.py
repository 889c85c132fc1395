"""A bound on how much waits: what comes on top is refused at once, rather than served late by all."""

from __future__ import annotations

from api.errors import OVERLOADED, ServiceError


class Admission:
    """Counts the requests that are in; `with` lets one more in, or raises ServiceError (503) where `limit` are."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.inside = 0
        self.refused = 0
        """How many, ever."""

    def __enter__(self) -> None:
        if self.inside >= self.limit:
            self.refused += 1
            raise ServiceError(OVERLOADED)
        self.inside += 1

    def __exit__(self, *_: object) -> None:
        self.inside -= 1
