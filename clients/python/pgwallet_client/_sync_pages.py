"""Made of its half for asyncio and trio: python -m tests.api.python_client.generate writes this file."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any, Generic, Protocol, TypeVar

from pgwallet_client._core import Call
from pgwallet_client._errors import UnexpectedAnswerError

T = TypeVar("T")
Item = TypeVar("Item", covariant=True)


class Page(Protocol[Item]):
    """A part of a list."""

    @property
    def items(self) -> Sequence[Item]:
        """What is in it."""

    @property
    def next_cursor(self) -> str | None:
        """Where the next one begins; None for the last."""


P = TypeVar("P", bound=Page[Any])


class Pages(Generic[P, T]):
    """A list that is read page by page, as far as it is looked at."""

    def __init__(self, make: Callable[[Call[P]], P], first: Call[P]) -> None:
        self._make = make
        self._first = first

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._first.path!r})"

    def __iter__(self) -> Iterator[T]:
        with closing(self.pages()) as pages:
            for page in pages:
                for item in page.items:
                    yield item

    def pages(self) -> Generator[P]:
        """Yield the pages themselves, with their `next_cursor`; one can be short or empty and yet not the last."""
        call = self._first
        while True:
            page = self._make(call)
            yield page
            cursor = page.next_cursor
            if cursor is None:
                return
            if cursor == call.query.get("cursor"):
                raise UnexpectedAnswerError("a page leads to itself", 200)
            call = replace(call, query={**call.query, "cursor": cursor})
