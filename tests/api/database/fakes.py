"""Group commit between requests and databases that a test plays."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime
from functools import wraps
from typing import Any, ParamSpec
from uuid import UUID

from api.database.group_commit import GroupCommit
from api.database.requests import Mutation
from api.errors import SQLSTATES, Kind, ServiceError
from api.schemas.transactions import Transaction

P = ParamSpec("P")
STEPS = 12
"""More turns of the event loop than any step of group commit takes."""


def mutation(number: int, wallet: int = 0, actor: int | None = None) -> Mutation:
    """A request of a user of its own, unless `actor` says whose."""
    user = UUID(int=number if actor is None else actor)
    return Mutation("topup", UUID(int=wallet), UUID(int=number), 1, None, None, user)


def ok(item: Mutation) -> Transaction:
    now = datetime.now(UTC)
    return Transaction(1, item.txn_id, item.wallet_id, "topup", item.amount, "UC", 0, 0, 0, False, now, None)


class Calls:
    """A database that notes what it is asked, in order, and answers after `turns` turns of the event loop."""

    def __init__(self, turns: int = 1, *, patient: bool = False) -> None:
        self.turns = turns
        self.patient = patient
        self.batches: list[list[int]] = []
        self.in_flight = 0
        self.busy: set[int] = set()
        self.refused: set[int] = set()
        self.faults: dict[int, Exception] = {}
        self.gate = asyncio.Event()
        self.gate.set()
        self.during: Callable[[], object] = lambda: None

    @property
    def items(self) -> list[int]:
        """What came in all batches, in order."""
        return [number for batch in self.batches for number in batch]

    async def __call__(
        self, mutations: Sequence[Mutation], *, wait: bool
    ) -> Sequence[Transaction | ServiceError | None]:
        assert wait is self.patient
        assert self.in_flight == 0 or self.patient, "two batches in flight"
        self.in_flight += 1
        numbers = [item.txn_id.int for item in mutations]
        self.batches.append(numbers)
        try:
            await self._answer()
            for number in numbers:
                if number in self.faults:
                    raise self.faults[number]
            return [self._outcome(item) for item in mutations]
        finally:
            self.in_flight -= 1

    async def _answer(self) -> None:
        await turn(self.turns)
        await self.gate.wait()
        self.during()

    def _outcome(self, item: Mutation) -> Transaction | ServiceError | None:
        if item.wallet_id.int in self.busy and not self.patient:
            return None
        if item.txn_id.int in self.refused:
            return ServiceError(SQLSTATES["WA003"], members={"available": 3})
        return ok(item)


class Bench:
    """Group commit between requests and such databases, while somebody else's request is under way."""

    def __init__(self, turns: int = 1, tries: int = 0, limit: int = 10_000) -> None:
        self.calls = Calls(turns)
        self.retries = Calls(turns, patient=True)
        self.alone = Calls(turns, patient=True)
        self.group = GroupCommit(self._run, self._run_alone, limit=limit + 1, tries=tries)
        self.group.admission.enter("somebody else")
        self.requests: dict[int, asyncio.Task[Any]] = {}
        self.answered: list[int] = []

    async def _run(self, mutations: Sequence[Mutation], *, wait: bool) -> Sequence[Transaction | ServiceError | None]:
        return await (self.retries if wait else self.calls)(mutations, wait=wait)

    async def _run_alone(self, item: Mutation) -> Transaction:
        (outcome,) = await self.alone([item], wait=True)
        assert isinstance(outcome, Transaction)
        return outcome

    def send(self, number: int, wallet: int = 0, actor: int | None = None) -> None:
        """Let a request arrive; it reaches group commit at the next turn of the event loop."""
        task = asyncio.get_running_loop().create_task(self.group.mutate(mutation(number, wallet, actor)))
        task.add_done_callback(lambda _: self.answered.append(number))
        self.requests[number] = task

    async def answers(self) -> dict[int, Any]:
        """What the requests were answered: the txn_id as a number, or the error."""
        async with asyncio.timeout(10):
            results = await asyncio.gather(*self.requests.values(), return_exceptions=True)
        return {
            number: result if isinstance(result, BaseException) else result.txn_id.int
            for number, result in zip(self.requests, results, strict=True)
        }


async def turn(times: int = 1) -> None:
    """Let the event loop turn: everything that can go on does, once."""
    for _ in range(times):
        await asyncio.sleep(0)


def kinds(answers: dict[int, Any]) -> dict[int, Kind]:
    return {number: answer.kind for number, answer in answers.items() if isinstance(answer, ServiceError)}


def played(scene: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Run the test in an event loop of its own."""

    @wraps(scene)
    def test(*arguments: P.args, **named: P.kwargs) -> None:
        asyncio.run(scene(*arguments, **named))

    return test
