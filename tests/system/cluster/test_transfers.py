"""Transfers between databases: nothing is lost or made, whoever stops where, and whatever the recipient says."""

import random
from uuid import UUID

import pytest

from tests.system.cluster.databases import (
    NUMBERS,
    KilledError,
    Owner,
    Side,
    carry,
    conclude,
    crossed,
    outbox,
    received,
    settle,
)

UNKNOWN = UUID("01a21f1d-ac43-836c-8c7d-f87aafa71002")


def money(*sides: Side) -> int:
    """All that users have, and what is on its way."""
    return sum(
        side.value(
            "select sum(balance)::bigint from wallet_trial_balance('UC')"
            " where account in ('users', 'transfer', 'received', 'returned')"
        )
        for side in sides
    )


def references(side: Side, owner: Owner) -> list[str | None]:
    """What was written to the two newest entries of the user's wallet."""
    return [row["reference"] for row in side.run("select * from wallet_entries(%s, 2)", owner.wallet_id)]


def test_a_transfer_arrives(one: Side, two: Side) -> None:
    sender, recipient = one.register(), two.register()
    one.transfer(sender, recipient.wallet_id, 300)
    assert (one.balance(sender), two.balance(recipient)) == (700, 1000)
    settle(one, two)
    assert (one.balance(sender), two.balance(recipient)) == (700, 1300)


@pytest.mark.parametrize("killed_at", range(1, 6))
def test_a_relay_that_is_killed_is_gone_on_with(one: Side, two: Side, killed_at: int) -> None:
    sender, recipient, full = one.register(), two.register(), two.register()
    two.set_most(full, 1000)
    one.transfer(sender, recipient.wallet_id, 300, reference="a secret")
    one.transfer(sender, full.wallet_id, 50)
    with pytest.raises(KilledError):
        carry(one, two, killed_at)
    settle(one, two)
    assert (one.balance(sender), two.balance(recipient), two.balance(full)) == (700, 1300, 1000)


def test_what_was_refused_once_is_never_credited(one: Side, two: Side) -> None:
    """The one interleaving that makes money out of nothing, if the recipient's database forgets what it refused.

    Two relays carry the same transfer. The first is refused and tells the sender's database; meanwhile the recipient's
    wallet can receive again, and the second one, which read the outbox before, arrives.
    """
    sender, recipient = one.register(), two.register()
    before = money(one, two)
    two.set_most(recipient, 1000)
    one.transfer(sender, recipient.wallet_id, 50)
    first = second = outbox(one, two)
    refused = received(two, first)
    two.set_most(recipient, None)
    late = received(two, second)
    conclude(one, refused)
    conclude(one, late)
    assert money(one, two) == before
    assert one.balance(sender) + two.balance(recipient) == 2000
    assert [row["code"] for row in refused + late] == ["WA006", "WA006"]


def test_a_decision_stands_when_the_other_comes_first(one: Side, two: Side) -> None:
    sender, recipient = one.register(), two.register()
    one.transfer(sender, recipient.wallet_id, 50)
    first = second = outbox(one, two)
    conclude(one, received(two, first))
    two.set_status(recipient, "frozen")
    two.set_most(recipient, 0)
    conclude(one, received(two, second))
    assert (one.balance(sender), two.balance(recipient)) == (950, 1050)


def test_the_details_of_an_erased_sender_are_erased_on_both_sides(one: Side, two: Side) -> None:
    sender, recipient = one.register(), two.register()
    one.transfer(sender, recipient.wallet_id, 10, reference="before")
    settle(one, two)
    one.transfer(sender, recipient.wallet_id, 20, reference="on its way")
    rows = outbox(one, two)
    one.run("select wallet_erase_user(%s, 'a test')", sender.user_id)
    # read before the erasure, it arrives after it
    late = received(two, rows)
    assert references(two, recipient) == ["on its way", "before"]
    conclude(one, late)
    settle(one, two)
    assert [row["reference"] for row in two.run("select * from wallet_entries(%s, 2)", recipient.wallet_id)] == [
        None,
        None,
    ]
    assert two.balance(recipient) == 1030


def test_both_send_and_receive_at_once(one: Side, two: Side) -> None:
    here, there = one.register(), two.register()
    for _ in range(5):
        one.transfer(here, there.wallet_id, 7)
        two.transfer(there, here.wallet_id, 3)
    settle(one, two)
    assert (one.balance(here), two.balance(there)) == (980, 1020)


def test_a_row_that_cannot_be_returned_does_not_hold_up_others(one: Side, two: Side) -> None:
    full, sender, recipient = one.register(), one.register(), two.register()
    one.transfer(full, UNKNOWN, 100)
    one.set_most(full, 900)
    one.transfer(sender, recipient.wallet_id, 100)
    carry(one, two)
    carry(one, two)
    assert (one.balance(full), two.balance(recipient)) == (900, 1100)
    assert one.value("select sum(amount)::bigint from wallet_in_transit()") == 100
    one.set_most(full, None)
    settle(one, two)
    assert one.balance(full) == 1000


class World:
    """Users of two databases, and what happens to them at random."""

    def __init__(self, sides: tuple[Side, Side], dice: random.Random) -> None:
        self.sides = sides
        self.dice = dice
        self.owners: list[tuple[Side, Owner]] = [(side, side.register()) for side in sides for _ in range(4)]
        self.erased: set[UUID] = set()
        self.kills = 0

    def step(self) -> None:
        """Let one thing happen."""
        self.dice.choices(
            (self._send, self._send_many, self._carry, self._freeze, self._fill, self._close, self._erase),
            (8, 2, 8, 2, 3, 2, 0.3),
        )[0]()

    def _anybody(self) -> tuple[Side, Owner]:
        return self.dice.choice(self.owners)

    def _send(self, times: int = 1) -> None:
        side, owner = self._anybody()
        for _ in range(times):
            _, to = self._anybody()
            unknown = UNKNOWN if side.number != NUMBERS[1] and self.dice.random() < 0.1 else None
            side.tries(
                "select wallet_transfer(%s, gen_random_uuid(), %s, %s, null, %s)",
                owner.wallet_id, self.dice.randint(1, 200), unknown or to.wallet_id,
                self.dice.choice((None, "a secret")),
            )  # fmt: skip

    def _send_many(self) -> None:
        self._send(self.dice.randint(2, 9))

    def _carry(self) -> None:
        source, target = self.dice.sample(self.sides, 2)
        killed_at = self.dice.choice((0, 0, 1, 2, 3, 4, 5))
        try:
            carry(source, target, killed_at, self.dice.choice((1, 3, 100)))
        except KilledError:
            self.kills += 1

    def _freeze(self) -> None:
        side, owner = self._anybody()
        side.tries(
            "select wallet_set_status(%s, %s, 'a test')", owner.wallet_id, self.dice.choice(("frozen", "active"))
        )

    def _fill(self) -> None:
        side, owner = self._anybody()
        side.set_most(owner, self.dice.choice((None, side.balance(owner), 1000)))

    def _close(self) -> None:
        side, owner = self._anybody()
        balance = side.balance(owner)
        if balance:
            side.tries("select wallet_spend(%s, gen_random_uuid(), %s)", owner.wallet_id, balance)
        side.tries(
            "select wallet_set_status(%s, %s, 'a test')", owner.wallet_id, self.dice.choice(("closed", "active"))
        )

    def _erase(self) -> None:
        side, owner = self._anybody()
        if side.tries("select wallet_erase_user(%s, 'a test')", owner.user_id):
            self.erased.add(owner.wallet_id)

    def rest(self) -> None:
        """Give every wallet room, and let the relay finish."""
        for side, owner in self.owners:
            side.set_most(owner, None)
        settle(*self.sides)


@pytest.mark.parametrize("seed", range(4))
def test_whatever_happens_both_sides_agree(both: tuple[Side, Side], seed: int, request: pytest.FixtureRequest) -> None:
    thorough = request.config.getoption("--thorough")
    dice = random.Random(seed if thorough == 1 else None)
    world = World(both, dice)
    for _ in range(60 * thorough):
        world.step()
    world.rest()
    assert world.kills > 0
    compare(*both)
    for side in both:
        assert side.run(
            "select from wallet.transactions t join wallet.transaction_details d on d.transaction_id = t.id"
            " where (t.wallet_id = any (%s::uuid[]) or t.counterparty_id = any (%s::uuid[]) and t.type = 'received')"
            " and d.reference is not null",
            list(world.erased), list(world.erased),
        ) == []  # fmt: skip


def compare(one: Side, two: Side) -> None:
    """Every row of an outbox has its row of the inbox, of equal content, and the databases are sound."""
    for source, target in ((one, two), (two, one)):
        sent = source.run(
            "select o.transaction_id, o.wallet_id, o.to_wallet_id, t.amount, o.code, o.status = 'delivered' as arrived"
            " from wallet.outbox o join wallet.transactions t on t.id = o.transaction_id order by 1"
        )
        arrived = target.run(
            "select origin_id as transaction_id, from_wallet_id as wallet_id, to_wallet_id, amount, code,"
            " transaction_id is not null as arrived from wallet.inbox order by 1"
        )
        assert sent == arrived
        assert source.violations() == []
    result, findings = crossed(one, two)
    assert findings == []
    assert (result.violations, result.in_transit("UC")) == (0, 0)
