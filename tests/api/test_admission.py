"""What is too much is refused at once: in group commit alone, and over HTTP."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any
from uuid import UUID

import pytest

from api.batching import Balances
from api.errors import OVERLOADED, ServiceError
from tests.api.fakes import STEPS, Bench, kinds, played, turn
from tests.api.service import Service, User, problem, serve
from tests.api.test_group_commit import HOLD_WALLET, held, send
from tests.database import Database


class TestGroupCommit:
    @pytest.mark.parametrize("held", [False, True], ids=["in line", "for a held wallet"])
    @played
    async def test_one_too_many_is_refused_at_once_and_never_runs(self, held: bool) -> None:
        bench = Bench(limit=4)
        bench.calls.busy = {7} if held else set()
        waited_for = bench.retries if held else bench.calls
        waited_for.gate.clear()
        for number in range(4):
            bench.send(number, wallet=7)
            await turn(STEPS)
        for number in (4, 5):
            bench.send(number, wallet=number)
        await turn(STEPS)
        assert bench.answered == [4, 5]
        waited_for.gate.set()
        assert kinds(await bench.answers()) == {4: OVERLOADED, 5: OVERLOADED}
        assert set(bench.calls.items + bench.retries.items) == {0, 1, 2, 3}
        assert (bench.group.admission.inside, bench.group.admission.refused) == (0, 2)

    @pytest.mark.parametrize("end", ["answered", "refused", "failed", "gone"])
    @played
    async def test_each_that_is_done_makes_room_for_another(self, end: str) -> None:
        bench = Bench(limit=2)
        bench.calls.refused = {0, 1} if end == "refused" else set()
        bench.calls.faults = {0: RuntimeError(), 1: RuntimeError()} if end == "failed" else {}
        for number in (0, 1):
            bench.send(number)
        await turn(1 if end == "gone" else STEPS)
        if end == "gone":
            for number in (0, 1):
                bench.requests.pop(number).cancel()
            await turn(STEPS)
        for number in (2, 3):
            bench.send(number)
        answers = await bench.answers()
        assert (answers[2], answers[3]) == (2, 3)

    @played
    async def test_balances_have_a_bound_of_their_own(self) -> None:
        gate = asyncio.Event()

        async def together(holders: Sequence[object]) -> list[Any]:
            await gate.wait()
            return [{"ordinal": place + 1} for place in range(len(holders))]

        balances = Balances(together, alone=never, limit=2)
        nobody = UUID(int=0)
        reads = [asyncio.ensure_future(balances.balance(nobody, nobody)) for _ in range(3)]
        await turn(STEPS)
        assert [read.done() for read in reads] == [False, False, True]
        with pytest.raises(ServiceError) as refusal:
            await reads[2]
        assert refusal.value.kind == OVERLOADED
        gate.set()
        await asyncio.gather(*reads[:2])
        await balances.balance(nobody, nobody)


async def never(*_: object) -> Any:
    raise AssertionError


@pytest.fixture(scope="module")
def small(service_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service where two may wait."""
    settings = {"PGWALLET_QUEUE_SIZE": "2", "PGWALLET_LOCK_TIMEOUT": "15", "PGWALLET_STATEMENT_TIMEOUT": "15"}
    with serve(service_database.api_url, tmp_path_factory.mktemp("small"), **settings) as running:
        yield running


@pytest.mark.parametrize(
    ("call", "status"), [("topup", 201), (f"holds/{UUID(int=0)}/capture", 404)], ids=["shared", "alone"]
)
def test_over_http_one_too_many_is_answered_at_once_and_other_calls_go_on(
    small: Service, service_database: Database, call: str, status: int
) -> None:
    with closing(User(small)) as user, closing(User(small)) as other:
        with held(service_database, HOLD_WALLET, user.account["wallet_id"]):
            waiting = [send(user, call=call) for _ in range(2)]
            started = time.monotonic()
            refused = [send(by, call=call) for by in (user, other)]
            assert [request.answer()[1]["code"] for request in refused] == ["overloaded"] * 2
            assert time.monotonic() - started < 5
            assert other.balance() == 1000
        assert [request.answer()[0] for request in waiting] == [status] * 2
        assert send(other, call=call).answer()[0] == status
        for request in refused:
            assert request.user.get(f"/api/wallet/transactions/{request.txn_id}").status_code == 404


def test_a_batch_of_admitted_requests_is_not_refused_by_the_pool(small: Service, service_database: Database) -> None:
    with closing(User(small)) as user:
        with held(service_database, HOLD_WALLET, user.account["wallet_id"]):
            captures = [send(user, call=f"holds/{UUID(int=0)}/capture") for _ in range(2)]
            topup = send(user)
            assert send(user, call=f"holds/{UUID(int=0)}/capture").answer()[0] == 503
        assert [request.answer()[0] for request in (*captures, topup)] == [404, 404, 201]


def test_the_refusal_says_when_to_come_back(small: Service, service_database: Database) -> None:
    with closing(User(small)) as user, held(service_database, HOLD_WALLET, user.account["wallet_id"]):
        waiting = [send(user) for _ in range(2)]
        problem(user.topup(), 503, "overloaded")
        for request in waiting:
            request.connection.close()
