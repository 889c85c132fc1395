"""Which events may be sent when: any order of answers, held against what must always be so."""

import random
from itertools import chain

import pytest

from api.events.lanes import Event, Lanes

WALLETS = "abcde"


def by_wallet(taken: list[int], made: list[Event]) -> list[list[int]]:
    return [[number for number in taken if wallet in made[number - 1].wallets] for wallet in WALLETS]


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("together", [False, True])
def test_whatever_fails_each_wallets_events_are_taken_once_and_in_order(seed: int, *, together: bool) -> None:
    chance = random.Random(seed)
    lanes = Lanes(together=together)
    made = [Event(n, chance.sample(WALLETS, chance.choice([0, 1, 1, 2])), None) for n in range(1, 200)]
    coming = iter(made)
    under_way: list[list[Event]] = []
    taken: list[int] = []
    now = 0.0
    while len(taken) < len(made):
        now += 1.0
        for event in [next(coming, None) for _ in range(chance.randrange(4))]:
            if event is not None:
                lanes.add(event)
        while len(under_way) < (1 if together else 8) and (
            events := lanes.take(chance.randrange(1, 9), now, fresh=True)
        ):
            under_way.append(events)
        busy = list(chain.from_iterable(event.wallets for events in under_way for event in events))
        assert together or len(busy) == len(set(busy))
        assert [event.id for event in lanes.pending.values()] == sorted(lanes.pending)
        assert not set(lanes.pending) & set(taken)
        if not under_way:
            continue
        events = under_way.pop(chance.randrange(len(under_way)))
        fails = chance.random() < 0.4
        for event in events:
            if fails:
                lanes.defer(event, now + chance.randrange(1, 20))
            else:
                lanes.settle(event)
                taken.append(event.id)
        for event in lanes.overtaken(chance.randrange(5)) if not together else ():
            assert any(other.stored for other in made[: event.id - 1] if set(other.wallets) & set(event.wallets))
            lanes.store(event)
        if chance.random() < 0.02:
            lanes.hasten()
    assert lanes.oldest() is None
    assert lanes.stored == 0
    assert sorted(taken) == [event.id for event in made]
    assert not together or taken == sorted(taken)
    assert all(own == sorted(own) for own in by_wallet(taken, made))


def test_an_event_waits_until_it_is_due() -> None:
    lanes = Lanes(together=False)
    lanes.add(Event(1, "a", None))
    [event] = lanes.take(1, 10.0, fresh=True)
    lanes.defer(event, 12.0)
    assert lanes.next_due() == 12.0
    assert lanes.take(1, 11.9, fresh=True) == []
    assert lanes.take(1, 12.0, fresh=True) == [event]


def test_what_never_failed_is_left_where_there_is_no_room_for_failures() -> None:
    lanes = Lanes(together=False)
    lanes.add(Event(1, "a", None, stored=True))
    lanes.add(Event(2, "b", None))
    assert [event.id for event in lanes.take(1, 0.0, fresh=False)] == [1]
    assert lanes.take(1, 0.0, fresh=False) == []
    assert [event.id for event in lanes.take(1, 0.0, fresh=True, stored=False)] == [2]
