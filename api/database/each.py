"""The same call to each of several databases: what they answer, and which of them do not."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, TypeVar

from api.errors import TIMEOUT, UNAVAILABLE, ServiceError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

    from api.errors import Kind

M = TypeVar("M")
T = TypeVar("T")

PATIENCE: Final = 3.0
"""Seconds for what a list takes of each database: it reads a page by an index."""


class Answers(NamedTuple, Generic[T]):
    """What each database answered: it, nothing in time, or that it does not have what was asked for."""

    found: dict[int, T]
    away: list[int]
    lacking: list[int]


async def ask(
    members: Mapping[int, M],
    call: Callable[[M], Awaitable[T]],
    *,
    patience: float | None = PATIENCE,
    lacking: Collection[Kind] = (),
) -> Answers[T]:
    """Call each database at once; a refusal of one refuses all, unless it is of a kind in `lacking`.

    Raises ServiceError, also where none answers. Nothing waits longer than `patience` for a call to end, also if that
    cannot be cancelled.
    """
    tasks = {number: asyncio.ensure_future(call(member)) for number, member in members.items()}
    try:
        await asyncio.wait(tasks.values(), timeout=patience)
    finally:
        for task in tasks.values():
            task.add_done_callback(_seen)
            task.cancel()
    answers: Answers[T] = Answers({}, [], [])
    errors: list[ServiceError] = []
    refused: ServiceError | None = None
    for number, task in sorted(tasks.items()):
        error = task.exception() if task.done() and not task.cancelled() else ServiceError(TIMEOUT)
        if error is None:
            answers.found[number] = task.result()
        elif not isinstance(error, ServiceError):
            raise error
        elif error.kind.status == UNAVAILABLE.status:
            answers.away.append(number)
            errors.insert(0, error)
        elif error.kind in lacking:
            answers.lacking.append(number)
            errors.append(error)
        else:
            refused = refused or error
    if refused is not None:
        raise refused
    if not answers.found:
        # that a database does not know it says nothing while another is away
        raise away_error(errors[0], answers.away if len(members) > 1 else [])
    return answers


def _seen(task: asyncio.Future[Any]) -> None:
    """Take the error of a call that nobody waits for any more."""
    if not task.cancelled():
        task.exception()


def away_error(error: ServiceError, away: Sequence[int]) -> ServiceError:
    """Return the error with the databases that did not answer, if it is about that."""
    if not away:
        return error
    return ServiceError(error.kind, error.detail, error.errors, {**error.members, "away": list(away)}, error.headers)
