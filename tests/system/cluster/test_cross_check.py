"""Databases are held against one another: what one of them says of a transfer that the other does not is found."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from uuid import UUID

import psycopg
import pytest

from api.errors import CommandError
from api.integrity.cross_check import cross_check
from api.integrity.hash_chain import Finding
from tests.system.cluster.databases import Owner, Side, carry, crossed, settle

OTHER = UUID("01a21f1d-ac43-836c-8c7d-f87aafa71001")
Tampered = Callable[[Side, str], list[str]]


@pytest.fixture
def owners(one: Side, two: Side) -> tuple[Owner, Owner]:
    """Two users, of whom the first has sent what arrived, what came back and what is on its way."""
    sender, recipient, full = one.register(), two.register(), two.register()
    two.set_most(full, 1000)
    one.transfer(sender, recipient.wallet_id, 300, reference="a secret")
    one.transfer(sender, full.wallet_id, 50, reference="a secret")
    settle(one, two)
    one.transfer(sender, recipient.wallet_id, 7)
    return sender, recipient


@pytest.fixture
def news(one: Side, two: Side) -> Callable[[], list[Finding]]:
    """What is found now and was not before this test."""
    before = crossed(one, two)[1]
    return lambda: [found for found in crossed(one, two)[1] if not found.is_warning and found not in before]


@pytest.fixture
def tampered(one: Side, two: Side, owners: tuple[Owner, Owner]) -> Iterator[Tampered]:
    """Change a row behind the guards, and tell what is found; afterwards all is as before."""
    changed: list[Side] = []

    def change(side: Side, statement: str) -> list[str]:
        for table in ("outbox", "inbox"):
            side.run(f"create temp table before_{table} as table wallet.{table}")
        changed.append(side)
        side.run("set session_replication_role = replica")
        side.run(statement.format(sender=owners[0].wallet_id, recipient=owners[1].wallet_id))
        _, findings = crossed(one, two)
        return [finding.violation for finding in findings]

    yield change
    for side in changed:
        for table in ("outbox", "inbox"):
            side.run(f"delete from wallet.{table}")
            side.run(f"insert into wallet.{table} table before_{table}")
            side.run(f"drop table before_{table}")
        side.run("set session_replication_role = origin")
    assert crossed(one, two)[1] == []


def test_sound_databases_agree_also_while_something_is_on_its_way(
    one: Side, two: Side, owners: tuple[Owner, Owner]
) -> None:
    result, findings = crossed(one, two)
    assert findings == []
    assert result.in_transit("UC") == one.value("select sum(amount)::bigint from wallet_in_transit()") >= 7
    assert sum(result.balances["UC"].values()) == 0
    settle(one, two)
    assert crossed(one, two)[0].in_transit("UC") == 0
    assert two.balance(owners[1]) == 1307


@pytest.mark.parametrize(
    ("side", "statement", "violations"),
    [
        (1, "delete from wallet.outbox where wallet_id = '{sender}' and status = 'delivered'", ["origin"]),
        (1, "delete from wallet.outbox where wallet_id = '{sender}' and status = 'returned'", ["origin"]),
        (2, "update wallet.inbox set amount = 301 where from_wallet_id = '{sender}' and code is null", ["origin"]),
        (2, "update wallet.inbox set asset = 'EUR' where from_wallet_id = '{sender}' and code is null", ["origin"]),
        (2, f"update wallet.inbox set from_wallet_id = '{OTHER}' where to_wallet_id = '{{recipient}}'", ["origin"]),
        (1, "update wallet.outbox set destination = 1 where wallet_id = '{sender}' and status = 'delivered'",
         ["origin", "lost"]),
        (2, "delete from wallet.inbox where from_wallet_id = '{sender}' and code is null", ["lost"]),
        (2, "delete from wallet.inbox where from_wallet_id = '{sender}' and code is not null", ["refusal"]),
        (2, "update wallet.inbox set code = 'WA013' where from_wallet_id = '{sender}' and code is not null",
         ["refusal"]),
        (2, "update wallet.inbox set code = 'WA013', transaction_id = null where from_wallet_id = '{sender}'"
         " and code is null", ["lost"]),
        (1, "update wallet.outbox set status = 'returned', code = 'WA013', returned_id = 1"
         " where wallet_id = '{sender}' and status = 'delivered'", ["twice"]),
        (2, "update wallet.inbox set is_erased = true where from_wallet_id = '{sender}' and code is null",
         ["erased_copy"]),
        (1, "update wallet.outbox set erasure = 'done' where wallet_id = '{sender}' and status = 'delivered'",
         ["erased_copy"]),
    ],
)  # fmt: skip
def test_what_only_one_side_says_is_found(
    both: tuple[Side, Side], tampered: Tampered, side: int, statement: str, violations: list[str]
) -> None:
    assert tampered(both[side - 1], statement) == violations


def test_a_forged_credit_is_found(one: Side, two: Side, news: Callable[[], list[Finding]]) -> None:
    """Whoever has the relay's role can credit wallets."""
    sender, recipient = one.register(), two.register()
    forged = (1 << 40) + (1 << 30)
    two.relay(
        "select * from wallet_receive(array[%s::bigint], array[%s], array[%s], '{500}', '{UC}')",
        forged, sender.wallet_id, recipient.wallet_id,
    )  # fmt: skip
    assert two.violations() == []
    (finding,) = news()
    assert (finding.violation, finding.wallet_id) == ("origin", recipient.wallet_id)
    assert f"number {forged}" in finding.detail


def test_what_a_restored_database_has_forgotten_is_delivered_again(
    one: Side, two: Side, news: Callable[[], list[Finding]]
) -> None:
    sender, recipient, other = one.register(), two.register(), two.register()
    number = one.transfer(sender, recipient.wallet_id, 300)
    kept = one.transfer(sender, other.wallet_id, 20)
    settle(one, two)
    # as after a restore to before it arrived
    received = two.value("select transaction_id from wallet.inbox where origin_id = %s", number)
    two.run("set session_replication_role = replica")
    two.run("delete from wallet.ledger where transaction_id = %s", received)
    two.run("delete from wallet.transactions where id = %s", received)
    two.run("delete from wallet.inbox where origin_id = %s", number)
    two.run("set session_replication_role = origin")
    assert [(finding.violation, finding.transaction_id) for finding in news()] == [("lost", number)]
    assert one.value("select wallet_redrive(%s)", [number, kept]) == 2
    carry(one, two)
    assert (one.balance(sender), two.balance(recipient), two.balance(other)) == (680, 1300, 1020)
    assert news() == []


def test_details_that_a_restore_brought_back_are_erased_again(
    one: Side, two: Side, news: Callable[[], list[Finding]]
) -> None:
    sender, recipient = one.register(), two.register()
    number = one.transfer(sender, recipient.wallet_id, 300, reference="a secret")
    settle(one, two)
    one.run("select wallet_erase_user(%s, 'a test')", sender.user_id)
    settle(one, two)
    two.run("set session_replication_role = replica")
    two.run("update wallet.inbox set is_erased = false where origin_id = %s", number)
    two.run("set session_replication_role = origin")
    assert [finding.violation for finding in news()] == ["erased_copy"]
    one.run("select wallet_redrive(%s)", [number])
    settle(one, two)
    assert news() == []
    assert two.balance(recipient) == 1300


def test_a_number_that_is_given_twice_is_not_taken_for_the_first(
    one: Side, two: Side, news: Callable[[], list[Finding]]
) -> None:
    sender, recipient = one.register(), two.register()
    number = one.transfer(sender, recipient.wallet_id, 300)
    (row,) = one.relay("select * from wallet_outbox(2::smallint, 100)")
    # what a sender's database had sent before it was restored, under the same number
    two.relay(
        "select * from wallet_receive(array[%s::bigint], array[%s], array[%s], '{299}', '{UC}')",
        number, row["from_wallet_id"], row["to_wallet_id"],
    )  # fmt: skip
    settle(one, two)
    assert (one.balance(sender), two.balance(recipient)) == (1000, 1299)
    assert one.run("select code from wallet.outbox where transaction_id = %s", number) == [{"code": "WA004"}]
    assert [finding.violation for finding in news()] == ["origin"]


def test_a_database_that_does_not_answer_is_named(one: Side, two: Side) -> None:
    """What it has cannot be left out."""
    urls = {1: one.database.url, 2: two.database.url.replace(two.database.name, "nowhere")}
    with pytest.raises(CommandError, match="nowhere"):
        asyncio.run(cross_check(urls, lambda _: None, lambda _: contextlib.nullcontext(lambda _: None)))


def test_what_a_database_refuses_is_told_with_its_number(one: Side, two: Side, owners: tuple[Owner, Owner]) -> None:
    """A writer that does not end keeps balances from being final."""
    with psycopg.connect(two.database.url) as writer:
        writer.execute("select from wallet.wallets where id = %s for update", [owners[1].wallet_id])
        writer.execute("select wallet_topup(%s, gen_random_uuid(), 1)", [owners[1].wallet_id])
        with pytest.raises(CommandError, match=r"^database 2: not final yet"):
            crossed(one, two)
        writer.rollback()
