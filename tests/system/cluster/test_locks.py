"""What the relay does waits for what users do, and the other way round; nothing of it deadlocks."""

from typing import Any
from uuid import UUID

import pytest

from tests.system.cluster.databases import Owner, Side, outbox, received
from tests.system.concurrency.sessions import PATIENCE, sessions, until_waiting

RECEIVE = "select * from wallet_receive(%s::bigint[], %s::uuid[], %s::uuid[], %s::bigint[], %s::text[])"
CONCLUDE = "select * from wallet_conclude(%s::bigint[], %s::text[])"
TRANSFER = "select wallet_transfer(%s, gen_random_uuid(), 1, %s)"
LOCK = "select from wallet.wallets where id = %s for update"


def arrived(one: Side, owners: list[Owner]) -> tuple[Any, ...]:
    """The call that receives a transfer to each of these wallets, in this order."""
    sender = one.register()
    numbers = [one.transfer(sender, owner.wallet_id, 1) for owner in owners]
    wallets = [owner.wallet_id for owner in owners]
    return (RECEIVE, numbers, [sender.wallet_id] * len(owners), wallets, [1] * len(owners), ["UC"] * len(owners))


def returning(one: Side, two: Side, owners: list[Owner]) -> tuple[Any, ...]:
    """The call that returns a transfer to each of these senders, in this order."""
    recipient = two.register()
    numbers = [one.transfer(owner, recipient.wallet_id, 1) for owner in owners]
    return (CONCLUDE, numbers, ["WA009"] * len(numbers))


@pytest.mark.parametrize("direction", ["receive", "conclude"])
@pytest.mark.parametrize("backwards", [False, True])
def test_wallets_are_locked_in_one_order(one: Side, two: Side, direction: str, backwards: bool) -> None:
    """A transfer between two wallets waits for the first one; the relay, which wants both, must not have the second."""
    side = two if direction == "receive" else one
    low, high = sorted((side.register() for _ in range(2)), key=lambda owner: owner.wallet_id)
    owners = [high, low] if backwards else [low, high]
    call = arrived(one, owners) if direction == "receive" else returning(one, two, owners)
    with sessions(side.database, 4) as (holder, user, relay, observer):
        holder.run("begin")
        holder.run(LOCK, low.wallet_id)
        sent = user.start(TRANSFER, high.wallet_id, low.wallet_id)
        until_waiting(observer, user)
        carried = relay.start(*call)
        until_waiting(observer, relay)
        holder.run("commit")
        assert len(sent.result(PATIENCE)) == 1
        assert len(carried.result(PATIENCE)) == 2
    assert side.violations() == []


def test_one_transfer_is_decided_once_by_two_relays(one: Side, two: Side) -> None:
    recipient = two.register()
    call = arrived(one, [recipient])
    with sessions(two.database, 3) as (first, second, observer):
        first.run("begin")
        answer = first.run(*call)
        late = second.start(*call)
        until_waiting(observer, second)
        first.run("commit")
        assert late.result(PATIENCE) == answer
    assert two.balance(recipient) == 1001


def test_so_is_one_to_a_wallet_that_nobody_has(one: Side, two: Side) -> None:
    """There is no wallet to lock: the row itself is what they wait for."""
    sender, here = one.register(), two.register()
    nobody = Owner(here.user_id, UUID(int=here.wallet_id.int ^ 1 << 100), "nobody")
    number = one.transfer(sender, nobody.wallet_id, 1)
    call = (RECEIVE, [number], [sender.wallet_id], [nobody.wallet_id], [1], ["UC"])
    with sessions(two.database, 3) as (first, second, observer):
        first.run("begin")
        answer = first.run(*call)
        late = second.start(*call)
        until_waiting(observer, second)
        first.run("commit")
        assert late.result(PATIENCE) == answer
    assert [row["code"] for row in answer] == ["WA009"]


def test_a_wallet_that_is_held_does_not_hold_up_the_others(one: Side, two: Side) -> None:
    held, free = two.register(), two.register()
    _, *arrays = arrived(one, [held, free])
    call = (RECEIVE.removesuffix(")") + ", p_skip_locked => true)", *arrays)
    with sessions(two.database, 2) as (holder, relay):
        holder.run("begin")
        holder.run(LOCK, held.wallet_id)
        assert [row["code"] for row in relay.run(*call)] == [None]
        holder.run("commit")
        assert [row["code"] for row in relay.run(*call)] == [None, None]
    assert (two.balance(held), two.balance(free)) == (1001, 1001)


def test_nor_does_a_senders(one: Side, two: Side) -> None:
    held, free = one.register(), one.register()
    _, *arrays = returning(one, two, [held, free])
    call = (CONCLUDE.removesuffix(")") + ", true)", *arrays)
    with sessions(one.database, 2) as (holder, relay):
        holder.run("begin")
        holder.run(LOCK, held.wallet_id)
        assert [row["status"] for row in relay.run(*call)] == ["pending", "returned"]
        holder.run("commit")
        assert [row["status"] for row in relay.run(*call)] == ["returned", "returned"]


@pytest.mark.parametrize("concluded", ["delivered", "returned"])
def test_a_wallet_is_closed_after_what_was_in_transit_is_concluded(one: Side, two: Side, concluded: str) -> None:
    sender, recipient = one.register(), two.register()
    one.transfer(sender, recipient.wallet_id, 1000)
    if concluded == "returned":
        two.set_most(recipient, 0)
    decided = received(two, outbox(one, two))
    close = ("select wallet_set_status(%s, 'closed', 'a test')", sender.wallet_id)
    assert not one.tries(*close)
    one.relay(
        "select * from wallet_conclude(%s::bigint[], %s::text[])",
        [row["origin_id"] for row in decided], [row["code"] for row in decided],
    )  # fmt: skip
    assert one.tries(*close) == (concluded == "delivered")


def test_an_erasure_and_a_conclusion_do_not_deadlock(one: Side, two: Side) -> None:
    sender = one.register()
    call = returning(one, two, [sender, sender, sender])
    one.run("select wallet_spend(%s, gen_random_uuid(), 1, 'a secret')", sender.wallet_id)
    with sessions(one.database, 3) as (relay, operator, observer):
        relay.run("begin")
        relay.run(*call)
        erased = operator.start("select wallet_erase_user(%s, 'a test')", sender.user_id)
        until_waiting(observer, operator)
        relay.run("commit")
        assert len(erased.result(PATIENCE)) == 1
    assert one.violations() == []
