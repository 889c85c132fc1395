"""Group commit alone, on a database that the test plays: every order in which requests and answers can meet."""

import asyncio
from collections import Counter
from contextlib import suppress

import pytest

from api.database.call_queue import MAX_ITEMS
from api.errors import BUSY, SQLSTATES, TIMEOUT, UNAVAILABLE, Kind, ServiceError
from tests.api.database.fakes import STEPS, Bench, kinds, mutation, played, turn


class TestCoalescing:
    @played
    async def test_what_arrives_together_goes_together(self) -> None:
        bench = Bench()
        for number in range(5):
            bench.send(number, wallet=number % 2)
        assert await bench.answers() == {number: number for number in range(5)}
        assert bench.calls.batches == [[0, 1, 2, 3, 4]]

    @played
    async def test_what_queued_while_the_last_batch_was_in_flight_goes_next_and_one_is_in_flight(self) -> None:
        bench = Bench()
        bench.calls.gate.clear()
        bench.send(0)
        await turn(STEPS)
        for number in range(1, 50):
            bench.send(number, wallet=number)
            await turn()
        assert bench.calls.batches == [[0]]
        bench.calls.gate.set()
        await bench.answers()
        assert bench.calls.batches == [[0], list(range(1, 50))]

    @played
    async def test_a_lone_request_is_sent_at_once_and_nothing_waits_for_a_timer(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bench = Bench()
        loop = asyncio.get_running_loop()
        with monkeypatch.context() as patch:
            for name in ("call_later", "call_at"):
                patch.setattr(loop, name, lambda *_, **__: pytest.fail("a timer was set"))
            bench.send(0)
            await turn(2)
            assert bench.calls.batches == [[0]]
            await turn(STEPS)
            assert bench.answered == [0]
        await bench.answers()

    @played
    async def test_a_batch_has_at_most_what_the_database_takes(self) -> None:
        bench = Bench()
        for number in range(2 * MAX_ITEMS + 1):
            bench.send(number)
        await bench.answers()
        assert [len(batch) for batch in bench.calls.batches] == [MAX_ITEMS, MAX_ITEMS, 1]
        assert bench.answered == list(range(2 * MAX_ITEMS + 1))

    @played
    async def test_each_request_hears_of_its_own_outcome(self) -> None:
        bench = Bench()
        bench.calls.refused = {1}
        for number in range(3):
            bench.send(number)
        answers = await bench.answers()
        assert (answers[0], answers[2]) == (0, 2)
        refusal = answers[1]
        assert isinstance(refusal, ServiceError)
        assert refusal.kind == SQLSTATES["WA003"]
        assert refusal.members["available"] == 3


class TestAlone:
    """A request that finds no other one is a call by itself, which may wait for its wallet: it holds up nobody."""

    @played
    async def test_it_is_no_batch_and_those_that_come_meanwhile_are(self) -> None:
        bench = Bench()
        bench.group.admission.leave("somebody else")
        bench.alone.gate.clear()
        bench.send(0)
        await turn(STEPS)
        bench.send(1)
        bench.send(2)
        await turn(STEPS)
        assert (bench.alone.batches, bench.calls.batches, bench.answered) == ([[0]], [[1, 2]], [1, 2])
        bench.alone.gate.set()
        assert await bench.answers() == {0: 0, 1: 1, 2: 2}

    @played
    async def test_the_next_one_is_alone_again(self) -> None:
        bench = Bench()
        bench.group.admission.leave("somebody else")
        for number in range(3):
            bench.send(number)
            await bench.answers()
        assert (bench.alone.batches, bench.calls.batches) == ([[0], [1], [2]], [])


class TestWakeUp:
    """A request is served at whatever moment it arrives."""

    @pytest.mark.parametrize("turns", range(4))
    @pytest.mark.parametrize("delay", range(STEPS))
    @played
    async def test_at_every_turn_while_a_batch_comes_and_goes(self, turns: int, delay: int) -> None:
        bench = Bench(turns)
        bench.send(0)
        await turn(delay)
        bench.send(1)
        await turn(4 * STEPS)
        assert bench.answered == [0, 1]

    @pytest.mark.parametrize("delay", range(STEPS))
    @played
    async def test_at_every_turn_after_the_database_has_answered(self, delay: int) -> None:
        bench = Bench()

        async def later() -> None:
            await turn(delay)
            bench.send(1)

        def during() -> None:
            bench.calls.during = lambda: None
            bench.requests[-1] = asyncio.get_running_loop().create_task(later())

        bench.calls.during = during
        bench.send(0)
        await turn(4 * STEPS)
        assert bench.answered == [0, 1]

    @pytest.mark.parametrize("delay", range(STEPS))
    @pytest.mark.parametrize("outcome", ["ok", "refused", "failed", "busy"])
    @played
    async def test_at_every_turn_after_an_answer_was_settled(self, delay: int, outcome: str) -> None:
        bench = Bench()
        if outcome == "refused":
            bench.calls.refused = {0}
        elif outcome == "failed":
            bench.calls.faults = {0: RuntimeError()}
        elif outcome == "busy":
            bench.calls.busy = {7}

        async def client() -> None:
            with suppress(ServiceError, RuntimeError):
                await bench.group.mutate(mutation(0, wallet=7))
            bench.calls.busy = set()
            await turn(delay)
            bench.send(1, wallet=7)

        task = asyncio.get_running_loop().create_task(client())
        await turn(6 * STEPS)
        assert bench.answered == [1]
        await task

    @pytest.mark.parametrize("clients", [1, 2, 8, 32])
    @played
    async def test_clients_that_send_again_as_soon_as_they_are_answered_never_stall(self, clients: int) -> None:
        bench = Bench()
        rounds = 20

        async def client(first: int) -> None:
            for number in range(first, first + rounds):
                await bench.group.mutate(mutation(number, wallet=first))

        async with asyncio.timeout(10):
            await asyncio.gather(*(client(100 * number) for number in range(clients)))
        # all of them in every batch: none waits for a second one
        assert Counter(len(batch) for batch in bench.calls.batches) == {clients: rounds}


class TestFailedBatch:
    @pytest.mark.parametrize("guilty", [0, 1, 499, 500, 998, 999])
    @played
    async def test_it_is_halved_and_only_the_item_at_fault_hears_of_it(self, guilty: int) -> None:
        bench = Bench(turns=0)
        bench.calls.faults = {guilty: RuntimeError("this one")}
        for number in range(1000):
            bench.send(number, wallet=number)
        answers = await bench.answers()
        assert {number for number, answer in answers.items() if answer != number} == {guilty}
        assert str(answers[guilty]) == "this one"
        assert len(bench.calls.batches) <= 10 * 10 / 2  # after each success it starts again with all that are left

    @played
    async def test_when_every_item_is_at_fault_each_hears_of_its_own(self) -> None:
        bench = Bench()
        bench.calls.faults = {number: RuntimeError(str(number)) for number in range(8)}
        for number in range(8):
            bench.send(number)
        answers = await bench.answers()
        assert {number: str(answer) for number, answer in answers.items()} == {n: str(n) for n in range(8)}
        bench.calls.faults = {}
        bench.send(9)
        assert (await bench.answers())[9] == 9

    @played
    async def test_after_a_fault_that_went_by_itself_batches_are_whole_again(self) -> None:
        bench = Bench()
        bench.calls.faults = {0: RuntimeError("for once")}
        bench.calls.during = lambda: bench.calls.faults.clear() if len(bench.calls.batches) > 1 else None
        bench.calls.gate.clear()
        for number in range(4):
            bench.send(number)
        await turn(STEPS)
        for number in range(4, 10):
            bench.send(number)
        bench.calls.gate.set()
        assert await bench.answers() == {number: number for number in range(10)}
        assert bench.calls.batches == [[0, 1, 2, 3], [0, 1], [2, 3, 4, 5, 6, 7, 8, 9]]

    @pytest.mark.parametrize("kind", [TIMEOUT, UNAVAILABLE], ids=lambda kind: kind.code)
    @played
    async def test_one_that_the_database_did_not_answer_is_not_tried_again_in_parts(self, kind: Kind) -> None:
        bench = Bench()
        bench.calls.faults = {3: ServiceError(kind)}
        for number in range(8):
            bench.send(number)
        assert set(kinds(await bench.answers()).values()) == {kind}
        assert len(bench.calls.batches) == 1

    @played
    async def test_in_halves_a_wallet_that_turns_out_to_be_held_keeps_its_order(self) -> None:
        bench = Bench()
        bench.calls.busy = {7}
        bench.calls.faults = {3: RuntimeError()}
        for number, wallet in enumerate([7, 8, 7, 9]):
            bench.send(number, wallet)
        bench.retries.gate.clear()
        while [0, 1] not in bench.calls.batches:
            await turn()
        await turn(2)
        bench.calls.busy = set()
        bench.send(4, wallet=7)
        await turn(STEPS)
        bench.retries.gate.set()
        await bench.answers()
        assert bench.retries.items == [0, 2, 4]

    @played
    async def test_in_halves_it_keeps_its_order_before_what_was_queued_meanwhile(self) -> None:
        bench = Bench()
        bench.calls.busy = {7}
        bench.calls.faults = {3: RuntimeError()}
        bench.calls.gate.clear()
        for number, wallet in enumerate([7, 8, 7, 9]):
            bench.send(number, wallet)
        await turn(STEPS)
        bench.send(4, wallet=7)
        await turn(STEPS)
        bench.calls.gate.set()
        await bench.answers()
        assert bench.retries.items == [0, 2, 4]

    @played
    async def test_one_that_waited_for_a_lock_in_vain_is_not_tried_again_in_parts(self) -> None:
        bench = Bench()
        # it waits for no wallet: somebody holds a table
        bench.calls.faults = {number: ServiceError(BUSY) for number in range(8)}
        for number in range(8):
            bench.send(number, wallet=number)
        assert set(kinds(await bench.answers()).values()) == {BUSY}
        assert len(bench.calls.batches) == 1


class TestClientsThatGo:
    @played
    async def test_one_that_went_while_its_batch_was_in_flight_does_not_stop_the_others(self) -> None:
        bench = Bench()
        bench.calls.gate.clear()
        for number in range(3):
            bench.send(number)
        await turn(STEPS)
        bench.requests.pop(1).cancel()
        await turn(STEPS)
        bench.calls.gate.set()
        assert await bench.answers() == {0: 0, 2: 2}
        bench.send(3)
        assert (await bench.answers())[3] == 3

    @played
    async def test_nor_does_one_whose_request_was_going_to_fail(self) -> None:
        bench = Bench()
        bench.calls.gate.clear()
        bench.calls.faults = {0: RuntimeError("this one"), 1: ServiceError(UNAVAILABLE)}
        bench.send(0)
        await turn(STEPS)
        bench.send(1)
        bench.send(2)
        bench.requests.pop(0).cancel()
        await turn(STEPS)
        bench.requests.pop(1).cancel()
        bench.calls.gate.set()
        assert kinds(await bench.answers()) == {2: UNAVAILABLE}
        bench.calls.faults = {}
        bench.send(3)
        assert (await bench.answers())[3] == 3

    @pytest.mark.parametrize("gone", [1, 2, 3])
    @played
    async def test_nor_does_one_that_went_while_its_wallet_was_held(self, gone: int) -> None:
        bench = Bench()
        bench.calls.busy = {7}
        bench.retries.gate.clear()
        for number in range(1, 4):
            bench.send(number, wallet=7)
        await turn(STEPS)
        bench.requests.pop(gone).cancel()
        await turn(STEPS)
        bench.retries.gate.set()
        assert await bench.answers() == {number: number for number in {1, 2, 3} - {gone}}
