"""Group commit alone, where somebody holds a wallet: only its own requests wait, and they keep their order."""

import pytest

from api.errors import BUSY, SQLSTATES, TIMEOUT, UNAVAILABLE, Kind, ServiceError
from tests.api.database.fakes import STEPS, Bench, kinds, played, turn


class TestHeldWallet:
    """Wallet 7 is held by somebody else: its items come back busy."""

    @played
    async def test_it_is_waited_for_in_order_while_the_others_go_on(self) -> None:
        bench = Bench()
        bench.calls.busy = {7}
        bench.retries.gate.clear()
        for number in range(6):
            bench.send(number, wallet=7 if number % 2 else number)
        await turn(STEPS)
        assert bench.answered == [0, 2, 4]
        for number in range(6, 10):
            bench.send(number, wallet=7 if number % 2 else number)
        await turn(STEPS)
        assert bench.answered == [0, 2, 4, 6, 8]
        assert bench.retries.batches == [[1, 3, 5]]
        bench.retries.gate.set()
        await bench.answers()
        assert bench.retries.items == [1, 3, 5, 7, 9]
        assert bench.calls.batches == [[0, 1, 2, 3, 4, 5], [6, 8]]

    @played
    async def test_what_was_queued_while_the_batch_was_in_flight_stays_behind(self) -> None:
        bench = Bench()
        bench.calls.busy = {7}
        bench.calls.gate.clear()
        bench.send(0, wallet=7)
        await turn(STEPS)
        bench.send(1, wallet=7)
        bench.send(2, wallet=8)
        await turn(STEPS)
        bench.calls.gate.set()
        await bench.answers()
        assert bench.retries.items == [0, 1]
        assert bench.calls.batches == [[0], [2]]

    @pytest.mark.parametrize("delay", range(2 * STEPS))
    @played
    async def test_no_order_of_arrival_and_release_makes_a_later_item_overtake(self, delay: int) -> None:
        bench = Bench(turns=2)
        bench.calls.busy = {7}
        for number in range(3):
            bench.send(number, wallet=7)
        await turn(delay)
        bench.calls.busy = set()
        for number in range(3, 8):
            bench.send(number, wallet=7)
            await turn()
        assert await bench.answers() == {number: number for number in range(8)}
        assert bench.answered == sorted(bench.answered)

    @pytest.mark.parametrize("release", [13, 40])
    @pytest.mark.parametrize("tries", [0, 2])
    @played
    async def test_in_a_steady_stream_nothing_overtakes(self, tries: int, release: int) -> None:
        bench = Bench(turns=2, tries=tries)
        bench.calls.busy = {7}
        for step in range(60):
            if step < 30:
                bench.send(2 * step, wallet=7)
                bench.send(2 * step + 1, wallet=7)
            if step == release:
                bench.calls.busy = set()
            await turn()
        await bench.answers()
        assert bench.answered == list(range(60))

    @played
    async def test_once_it_is_free_it_is_batched_again(self) -> None:
        bench = Bench()
        bench.calls.busy = {7}
        bench.send(0, wallet=7)
        await bench.answers()
        bench.calls.busy = set()
        bench.send(1, wallet=7)
        await bench.answers()
        assert bench.calls.batches == [[0], [1]]
        assert bench.retries.items == [0]

    @pytest.mark.parametrize("kind", [BUSY, TIMEOUT, UNAVAILABLE], ids=lambda kind: kind.code)
    @played
    async def test_held_past_the_lock_timeout_all_that_wait_for_it_hear_so_at_once(self, kind: Kind) -> None:
        bench = Bench()
        bench.calls.busy = {7, 8}
        bench.retries.faults = {0: ServiceError(kind)}
        for number, wallet in enumerate([7, 7, 8, 7]):
            bench.send(number, wallet)
        answers = await bench.answers()
        assert kinds(answers) == {0: kind, 1: kind, 3: kind}
        assert answers[2] == 2
        assert sorted(bench.retries.batches) == [[0, 1, 3], [2]]

    @played
    async def test_a_refusal_of_one_does_not_stop_those_behind_it(self) -> None:
        bench = Bench()
        bench.calls.busy = {7}
        bench.retries.refused = {0}
        bench.retries.faults = {1: RuntimeError("a bug")}
        for number in range(3):
            bench.send(number, wallet=7)
        answers = await bench.answers()
        assert kinds(answers) == {0: SQLSTATES["WA003"]}
        assert isinstance(answers[1], RuntimeError)
        assert answers[2] == 2


class TestBrieflyHeldWallet:
    """Wallet 7 is in another worker's batch, for a moment."""

    @played
    async def test_its_requests_go_first_in_the_next_batch_and_wait_for_no_lock(self) -> None:
        bench = Bench(tries=2)
        bench.calls.busy = {7}
        bench.calls.gate.clear()
        for number, wallet in enumerate([7, 8, 7]):
            bench.send(number, wallet)
        await turn(STEPS)
        bench.send(3, wallet=7)
        bench.send(4, wallet=9)
        bench.calls.during = lambda: bench.calls.busy.clear() if len(bench.calls.batches) > 1 else None
        bench.calls.gate.set()
        await bench.answers()
        assert bench.calls.batches == [[0, 1, 2], [0, 2, 3, 4]]
        assert bench.retries.batches == []

    @played
    async def test_one_that_is_held_for_longer_is_waited_for_after_two_more_batches(self) -> None:
        bench = Bench(tries=2)
        bench.calls.busy = {7}
        bench.send(0, wallet=7)
        bench.send(1, wallet=7)
        assert await bench.answers() == {0: 0, 1: 1}
        assert bench.calls.batches == [[0, 1]] * 3
        assert bench.retries.batches == [[0, 1]]

    @pytest.mark.parametrize("delay", range(3 * STEPS))
    @played
    async def test_no_order_of_arrival_and_release_makes_a_later_item_overtake(self, delay: int) -> None:
        bench = Bench(turns=2, tries=2)
        bench.calls.busy = {7}
        for number in range(3):
            bench.send(number, wallet=7)
        await turn(delay)
        bench.calls.busy = set()
        for number in range(3, 8):
            bench.send(number, wallet=7)
            await turn()
        assert await bench.answers() == {number: number for number in range(8)}
        assert bench.answered == sorted(bench.answered)
