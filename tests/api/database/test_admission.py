"""What is too much is refused at once: in group commit alone, and over HTTP."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from uuid import UUID

import pytest

from api.database.admission import Turns
from api.database.balance_reads import BalanceReads
from api.errors import OVERLOADED, ServiceError
from api.schemas.wallets import Balance
from tests.api.database.fakes import STEPS, Bench, kinds, played, turn
from tests.api.database.test_group_commit_over_http import HOLD_WALLET, held, send
from tests.api.service import Service, User, problem, serve
from tests.database import Database

pytestmark = pytest.mark.one_database(
    reason="it puts faults and locks into one database, and counts what they did there"
)


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
        bench.group.admission.leave("somebody else")
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

    @pytest.mark.parametrize("held", [False, True], ids=["in line", "for a held wallet"])
    @played
    async def test_one_user_leaves_room_for_others(self, held: bool) -> None:
        bench = Bench(limit=12)
        bench.calls.busy = {7} if held else set()
        (bench.retries if held else bench.calls).gate.clear()
        for number in range(20):
            bench.send(number, wallet=7, actor=7)
            await turn(STEPS)
        for number in range(20, 40):
            bench.send(number, wallet=7, actor=8)
            await turn(STEPS)
        bench.send(40, wallet=7, actor=9)
        await turn(STEPS)
        bench.calls.gate.set()
        bench.retries.gate.set()
        refused = kinds(await bench.answers())
        assert [number for number in range(41) if number not in refused] == [*range(7), *range(20, 23), 40]

    @played
    async def test_balances_have_a_bound_of_their_own(self) -> None:
        gate, nobody = asyncio.Event(), UUID(int=0)

        async def alone(*_: object) -> Balance:
            await gate.wait()
            return Balance(nobody, "UC", 0, 0, 0, 0, "active")

        async def together(holders: Sequence[object]) -> list[Balance]:
            return [await alone(holder) for holder in holders]

        balances = BalanceReads(together, alone, limit=2)
        reads = [asyncio.ensure_future(balances.balance(nobody, nobody)) for _ in range(3)]
        await turn(STEPS)
        assert [read.done() for read in reads] == [False, False, True]
        with pytest.raises(ServiceError) as refusal:
            await reads[2]
        assert refusal.value.kind == OVERLOADED
        gate.set()
        await asyncio.gather(*reads[:2])
        await balances.balance(nobody, nobody)


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
            # those that wait would do so for 15 seconds
            assert time.monotonic() - started < 10
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


class Place:
    """Callers of two places, who stay until the test lets them go."""

    def __init__(self, places: int = 2, most: int = 1) -> None:
        self.turns = Turns(places, most)
        self.inside: list[str] = []
        self._leave: dict[str, asyncio.Event] = {}
        self.tasks: list[asyncio.Task[None]] = []

    async def come(self, name: str, *reasons: str, size: int = 1, patience: float = 60) -> None:
        """Let a caller come, and see how far it gets."""
        self._leave[name] = asyncio.Event()
        self.tasks.append(asyncio.ensure_future(self._stay(name, reasons, size, patience)))
        await turn(STEPS)

    async def go(self, name: str) -> None:
        """Let it leave."""
        self._leave[name].set()
        await turn(STEPS)

    async def _stay(self, name: str, reasons: Sequence[str], size: int, patience: float) -> None:
        await self.turns.enter(reasons, patience, size)
        self.inside.append(name)
        await self._leave[name].wait()
        self.inside.remove(name)
        self.turns.leave(reasons)


class TestTurns:
    @played
    async def test_who_waits_for_one_thing_leaves_the_other_places_to_others(self) -> None:
        place = Place()
        for name in "abcd":
            await place.come(name, "held wallet", f"user {name}")
        await place.come("e", "free wallet", "user e")
        assert place.inside == ["a", "e"]
        await place.go("a")
        assert place.inside == ["e", "b"]

    @played
    async def test_whoever_asked_for_much_comes_after_those_who_asked_for_little(self) -> None:
        place = Place(places=1, most=1)
        await place.come("first", "greedy")
        for number in range(3):
            await place.come(f"greedy {number}", "greedy", size=1000)
        for number in range(3):
            await place.come(f"other {number}", "other")
        served = []
        for _ in range(6):
            await place.go(place.inside[0])
            served += place.inside
        assert served == ["greedy 0", "other 0", "other 1", "other 2", "greedy 1", "greedy 2"]

    @pytest.mark.parametrize("end", ["cancelled", "out of time", "cancelled in the moment of its turn"])
    @played
    async def test_who_gives_up_takes_no_place_along(self, end: str) -> None:
        place = Place(places=1, most=1)
        await place.come("a", "user a")
        await place.come("b", "user b", patience=0.01 if end == "out of time" else 60)
        if end == "out of time":
            with pytest.raises(TimeoutError):
                await place.tasks[1]
        elif end == "cancelled":
            place.tasks[1].cancel()
        else:
            place.turns.leave(["user a"])
            place.tasks[1].cancel()
        await turn(STEPS)
        if end != "cancelled in the moment of its turn":
            await place.go("a")
        await place.come("c", "user c")
        assert place.inside[-1:] == ["c"]
        assert place.turns.waiting == 0
        for task in place.tasks:
            task.cancel()
        await asyncio.gather(*place.tasks, return_exceptions=True)


def test_calls_for_a_held_wallet_stand_in_nobodys_way(
    service_database: Database, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with (
        serve(service_database.api_url, tmp_path_factory.mktemp("held"), PGWALLET_LOCK_TIMEOUT="15") as running,
        closing(User(running)) as user,
        closing(User(running)) as other,
    ):
        with held(service_database, HOLD_WALLET, user.account["wallet_id"]):
            stuck = [send(user, call="holds") for _ in range(40)]
            for _ in range(5):
                assert send(other, call="holds").answer()[0] == 201
            assert running.all_lines(user_id=user.account["id"], path="/api/wallet/holds") == []
        assert {request.answer()[0] for request in stuck} == {201}
