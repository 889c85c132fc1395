"""Lists that are read page by page. `_sync_pages.py` is made of this file: see `_async.py`."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
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


class AsyncPages(Generic[P, T]):
    """A list that is read page by page, as far as it is looked at."""

    def __init__(self, make: Callable[[Call[P]], Awaitable[P]], first: Call[P]) -> None:
        self._make = make
        self._first = first

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._first.path!r})"

    async def __aiter__(self) -> AsyncIterator[T]:
        async with aclosing(self.pages()) as pages:
            async for page in pages:
                for item in page.items:
                    yield item

    async def pages(self) -> AsyncGenerator[P]:
        """Yield the pages themselves, with their `next_cursor`; one can be short or empty and yet not the last."""
        call = self._first
        while True:
            page = await self._make(call)
            yield page
            cursor = page.next_cursor
            if cursor is None:
                return
            if cursor == call.query.get("cursor"):
                raise UnexpectedAnswerError("a page leads to itself", 200)
            call = replace(call, query={**call.query, "cursor": cursor})
