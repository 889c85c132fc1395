"""Random sequences of requests, two at a time, which the database and the model must agree on."""

import copy
import itertools
from functools import partial
from typing import Any, NamedTuple, cast
from uuid import UUID

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.system.state.model import LARGEST, Answer, Model, Request
from tests.system.state.world import USERS, World

HOUR = 4_001
DAY = 90_000
"""Seconds; all that the machine makes of them stays within the usage that setting limits counts anew."""


class DisagreementError(AssertionError):
    """The database did what the model would not do, in whatever order."""


class Draw(NamedTuple):
    """A request in the making: what it refers to is picked from what is there when it is sent."""

    type: str
    wallet: int
    amount: int | None
    pick: int
    other: int
    odd: int
    flag: bool


# not of a wallet's money
ABOUT = {"status", "limits", "erase", "register"}
TYPES = [
    *["topup", "spend", "spend", "transfer", "transfer", "hold", "hold", "capture", "capture", "capture"],
    *["void", "refund", "refund", "adjustment", "status", "limits", "limits", "again", "again", "batch", "batch"],
    *["erase", "register"],
]
PLAIN = [kind for kind in TYPES if kind not in {"batch", "adjustment", *ABOUT}]


def draws(types: list[str]) -> st.SearchStrategy[Draw]:
    return st.builds(
        Draw,
        type=st.sampled_from(types),
        wallet=st.sampled_from([0, 0, 0, 0, 2, 2, 4, 1, 3]),
        amount=st.sampled_from([100, None, 100, 60, 300, 1000, 1, 0, LARGEST]),
        pick=st.integers(0, 3),
        other=st.sampled_from([2, 0, 4, 1, 3, 2 * USERS]),
        odd=st.integers(0, 15),
        flag=st.booleans(),
    )


DRAWS = draws(TYPES)
ITEMS = st.lists(draws(PLAIN), min_size=1, max_size=4)


class Machine(RuleBasedStateMachine):
    """Sends requests to the world and to the model, and compares answers and states."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.model = Model(USERS)
        self.txn = 0
        self.sent: list[Request] = []

    @initialize()
    def begin(self) -> None:
        self.world.begin()

    @rule(first=DRAWS, second=DRAWS, items=ITEMS, padding=st.sampled_from([0, 0, 10]), overlapping=st.booleans())
    def two_at_once(self, first: Draw, second: Draw, items: list[Draw], padding: int, overlapping: bool) -> None:
        requests = [self._request(first, items, padding), self._request(second, items[::-1], padding)]
        self._send(requests, overlapping=overlapping)

    @rule(draw=DRAWS.filter(lambda draw: draw.type not in ABOUT), other=st.sampled_from([None, 60, 100]))
    def twins(self, draw: Draw, other: int | None) -> None:
        """Two of a kind, on the same wallet, hold or original: the worst neighbours."""
        second = draw if other is None else draw._replace(amount=other)
        self._send([self._request(draw, [draw], 0), self._request(second, [second], 0)], overlapping=True)

    @rule(
        wallet=st.sampled_from([0, 2]),
        prize=st.sampled_from(["hold", "refund", "limit", "frozen", "expired", "all"]),
        first=st.sampled_from([None, 60, 100, 10]),
        second=st.sampled_from([None, 60, 100]),
        final=st.booleans(),
        other=st.sampled_from(["capture", "void", "spend"]),
    )
    def rivals(self, wallet: int, prize: str, first: int | None, second: int | None, final: bool, other: str) -> None:
        """Two at once for what only one of them can have."""
        for request in self._prepared(wallet, prize):
            self._send([request], overlapping=False)
        original = self.txn
        if prize == "expired":
            self._step(HOUR)
        base = Request("capture", wallet, original=original, amount=first, final=final)
        match prize, other:
            case "refund", _:
                base = Request("refund", wallet, original=original, amount=first)
                rival = base._replace(amount=second)
            case "all", _:
                base = Request("hold", wallet, amount=max(self.model.wallets[wallet].available, 1))
                rival = base
            case "limit", "void":
                base = Request("transfer", wallet, amount=first or 100, to=4)
                rival = base._replace(amount=second or 100)
            case "limit", _:
                base = Request("spend", wallet, amount=first or 100)
                rival = base._replace(amount=second or 100)
            case _, "capture":
                rival = base._replace(amount=second)
            case _, "void":
                rival = Request("void", wallet, original=original)
            case _:
                rival = Request("spend", wallet, amount=max(self.model.wallets[wallet].balance, 1))
        self._send([base._replace(txn=self._fresh()), rival._replace(txn=self._fresh())], overlapping=True)

    def _prepared(self, wallet: int, prize: str) -> list[Request]:
        """The requests that bring the prize about; its txn_id is the newest."""
        top = [Request("limits", wallet), Request("status", wallet, status="active")]
        top.append(Request("topup", wallet, self._fresh(), 200))
        match prize:
            case "all":
                return top
            case "refund":
                return [*top, Request("spend", wallet, self._fresh(), 100)]
            case "limit":
                limits = tuple(
                    (kind, (None, self.model.wallets[wallet].used(kind, 24) + 100, None))
                    for kind in ("spend", "transfer")
                )
                return [*top, Request("limits", wallet, limits=limits)]
        hold = Request("hold", wallet, self._fresh(), 100, expires_in=3600)
        return [*top, hold, Request("status", wallet, status="frozen" if prize == "frozen" else "active")]

    @rule(by=st.sampled_from([HOUR, -HOUR, HOUR, -HOUR, DAY, -DAY]))
    def clock_steps(self, by: int) -> None:
        """Holds are due, or not yet again."""
        self._step(by)
        self._compare_state()

    @rule(wallet=st.sampled_from([0, 2]), first=st.sampled_from([None, 60]), by_name=st.booleans())
    def expired_for_another(self, wallet: int, first: int | None, by_name: bool) -> None:
        """All is held, then held by another once that is due; the clock steps back before both are captured."""
        for request in self._prepared(wallet, "all"):
            self._send([request], overlapping=False)
        holds = []
        for back in (False, True):
            amount = max(self.model.wallets[wallet].available, 1)
            holds.append(self._fresh())
            self._send([Request("hold", wallet, holds[-1], amount, expires_in=3600)], overlapping=False)
            self._step(-HOUR if back else HOUR)
        captures = [Request("capture", wallet, self._fresh(), first, original=hold, final=by_name) for hold in holds]
        self._send(captures, overlapping=True)

    @rule(wallet=st.sampled_from([0, 2]), to=st.sampled_from([2, 0, 4]), by_name=st.booleans())
    def erased_between_retries(self, wallet: int, to: int, by_name: bool) -> None:
        """A retry is answered as ever, whether the recipient or the sender is gone."""
        transfer = Request("transfer", wallet, self._fresh(), 10, to=to, by_name=True, reference="r")
        hold = Request("hold", wallet, self._fresh(), 10, reference="r")
        for request in (transfer, hold, Request("erase", to if by_name else wallet), Request("register", to)):
            self._send([request], overlapping=False)
        self._send([transfer, hold], overlapping=True)
        self._send([transfer._replace(txn=self._fresh()), transfer._replace(by_name=False)], overlapping=True)

    def _step(self, by: int) -> None:
        self.world.clock.step(seconds=by)
        self.model.step(by)

    def teardown(self) -> None:
        self._compare(self.world.imbalances(), [], "trial balance")

    def _fresh(self) -> int:
        self.txn += 1
        return self.txn

    def _request(self, draw: Draw, items: list[Draw], padding: int) -> Request:
        if draw.type == "batch":
            requests = [self._request(item, [], 0) for item in items]
            requests = [item for item in requests if item.type not in {"batch", "adjustment", *ABOUT}]
            requests += [Request("topup", 4, self._fresh(), amount=1) for _ in range(padding)]
            return Request("batch", 0, items=tuple(requests or [Request("topup", 0, self._fresh(), amount=1)]))
        if draw.type == "again":
            if self.sent:
                request = self.sent[-1 - draw.pick % len(self.sent)]
                changes = draw.odd < 5 and request.type != "void"  # which has no amount
                return request._replace(amount=draw.amount) if changes else request
            draw = draw._replace(type="topup")
        return self._new(draw)

    def _new(self, draw: Draw) -> Request:  # noqa: C901 - one case for each type
        stranger = draw.odd == 1
        amount = 100 if draw.amount is None else draw.amount
        if draw.type == "status" and draw.flag:
            # an empty one, which can be closed
            draw = draw._replace(wallet=draw.wallet | 1)
        wallet = self.model.wallets[draw.wallet]
        if not wallet.holds and draw.type in {"capture", "void"}:
            draw = draw._replace(type="hold")
        if not wallet.refundable and draw.type == "refund" and draw.odd < 12:
            draw = draw._replace(type="spend")
        base = Request(draw.type, draw.wallet, self._fresh(), amount, stranger=stranger)
        match draw.type:
            case "transfer":
                return base._replace(to=draw.other, by_name=draw.flag)
            case "hold":
                return base._replace(expires_in=3600 if draw.flag else None)
            case "capture":
                return base._replace(original=_picked(wallet.holds, draw), amount=draw.amount, final=draw.flag)
            case "erase" | "register":
                # now and then, or soon all are
                kind = "erase" if draw.type == "erase" and draw.odd > 9 else "register"
                return base._replace(type=kind, txn=0, amount=None)
            case "void":
                return base._replace(original=_picked(wallet.holds, draw), amount=None)
            case "refund":
                answered = wallet.refundable if draw.odd < 12 else wallet.answered
                return base._replace(original=_picked(answered, draw), amount=draw.amount)
            case "adjustment":
                return base._replace(amount=-amount if draw.flag else amount, reference="a reason")
            case "status":
                status = ["active", "closed", "frozen", "closed"][draw.pick]
                return base._replace(status=status, amount=None)
            case "limits":
                moved = wallet.used("spend", 24)
                limits = [
                    (),
                    (("spend", (None, moved + amount, None)),),
                    (("spend", (300, None, moved + 150)), ("transfer", (100, None, 300))),
                    (("topup", (300, 1000, None)), ("transfer", (None, 200, None))),
                ][draw.pick]
                floor = -200 if draw.flag and draw.odd > 8 else 0
                return base._replace(
                    limits=limits, floor=floor, max_balance=1500 if draw.odd > 12 else None, amount=None
                )
        return base._replace(reference="r" if draw.flag else None)

    def _send(self, requests: list[Request], *, overlapping: bool) -> None:
        note(f"{requests}")
        told = self.world.send(requests, overlapping=overlapping)
        tried, agreeing = [], []
        for order in itertools.permutations(range(len(requests))):
            model = copy.deepcopy(self.model)
            expected: dict[int, list[Answer]] = {place: model.apply(requests[place]) for place in order}
            tried.append(expected)
            if all(_agree(told[place], expected[place]) for place in order):
                agreeing.append(model)
        if not agreeing:
            raise DisagreementError(f"{requests}\nanswered {told}\nexpected one of {tried}")
        # two that set limits are answered alike in either order: what is on record tells them apart
        have = self._on_record()
        self.model = next((model for model in agreeing if _wanted(model) == have), agreeing[0])
        self.world.seen.update(answer.outcome for answers in told for answer in answers)
        self.sent += [item for request in requests for item in request.items or [request] if item.type in MOVES]
        self._compare_state()

    def _compare_state(self) -> None:
        self._compare(self._on_record(), _wanted(self.model), "state")

    @invariant()
    def sound(self) -> None:
        self._compare(self.world.violations(), [], "violations")

    def _on_record(self) -> list[dict[str, Any]]:
        return [row | {name: _by_number(row[name]) for name in ("holds", "refundable")} for row in self.world.state()]

    def _compare(self, have: object, want: object, what: str) -> None:
        if have != want:
            raise DisagreementError(f"{what}:\nhave {have}\nwant {want}")


def machine(world: World) -> type[RuleBasedStateMachine]:
    """The machine of this world, made the way that hypothesis makes one."""
    return cast(type[RuleBasedStateMachine], partial(Machine, world))


MOVES = {"topup", "spend", "transfer", "hold", "capture", "void", "refund", "adjustment"}


def _wanted(model: Model) -> list[dict[str, Any]]:
    """What must be on record for each wallet."""
    return [
        {
            "balance": wallet.balance,
            "held": wallet.held,
            "available": wallet.available,
            "status": wallet.status,
            "sum": wallet.balance,
            "holds": {
                txn: [
                    hold.captured,
                    "expired" if hold.is_due(wallet.now) else hold.status,
                    int(hold.status == "expired"),
                ]
                for txn, hold in wallet.holds.items()
            },
            "refundable": wallet.refundable,
        }
        for wallet in model.wallets
    ]


def _picked(txns: dict[int, Any], draw: Draw) -> int:
    """One of the newest of these txn_ids, now and then one of none of them."""
    numbers = list(txns)
    return numbers[-1 - draw.pick % len(numbers)] if numbers and draw.odd != 2 else 999_999


def _by_number(values: dict[str, Any]) -> dict[int, Any]:
    return {UUID(txn).int: value for txn, value in values.items()}


def _agree(told: list[Answer], expected: list[Answer]) -> bool:
    return len(told) == len(expected) and all(
        have.outcome == want.outcome and want.says.items() <= {name: have.says.get(name) for name in want.says}.items()
        for have, want in zip(told, expected, strict=True)
    )
