"""A verification ends with what it found, whatever is stored; it sees one snapshot, and writes no temporary files."""

import threading
from collections.abc import Iterator

import psycopg
import pytest

from api.integrity.verification import UnsoundError
from tests.api.integrity.conftest import Ledger
from tests.database import Database

MOMENTS = ["infinity", "-infinity", "4713-01-01 BC", "0001-12-31 BC", "9999-12-31 23:59:59.999999+00", "294276-12-31"]
ENTRY = "wallet_id = {alice} and seq = 6"
DETAILS = "transaction_id = attack.transaction_of({alice}, 6)"
ALL = "transaction_id in (select id from wallet.transactions where wallet_id = {alice})"
STORED = {
    **{
        f"created_at {moment}": f"update wallet.transactions set created_at = '{moment}' where {ENTRY}"
        for moment in MOMENTS
    },
    **{
        f"recorded_at {moment}": f"update wallet.ledger set recorded_at = '{moment}' where {ENTRY}"
        for moment in MOMENTS
    },
    **{
        f"effective_at {moment}": f"update wallet.transaction_details set effective_at = '{moment}' where {DETAILS}"
        for moment in MOMENTS
    },
    **{
        f"no {column} of the transaction": f"update wallet.transactions set {column} = null where {ENTRY}"
        for column in ("seq", "amount", "created_at", "txn_id", "type")
    },
    "no transaction": f"update wallet.ledger set transaction_id = null where {ENTRY}",
    "no amount": f"update wallet.ledger set amount = null where {ENTRY}",
    "no balance": f"update wallet.ledger set balance_after = null where {ENTRY}",
    "no hash": f"update wallet.ledger set hash = null where {ENTRY}",
    "neither balance nor hash": f"update wallet.ledger set balance_after = null, hash = null where {ENTRY}",
    "no salt": f"update wallet.transaction_details set salt = null where {DETAILS}",
    "no hash of details": f"update wallet.transaction_details set hash = null where {DETAILS}",
    "the smallest amount": f"update wallet.ledger set amount = -9223372036854775808 where {ENTRY}",
    "the largest balance": f"update wallet.ledger set balance_after = 9223372036854775807 where {ENTRY}",
    "the smallest of the transaction": f"update wallet.transactions set amount = -9223372036854775808 where {ENTRY}",
    "the first of all seqs": f"update wallet.ledger set seq = -9223372036854775808 where {ENTRY}",
    "seq 0": f"update wallet.ledger set seq = 0 where {ENTRY}",
    "the last of all seqs": f"update wallet.ledger set seq = 9223372036854775807 where {ENTRY}",
}
# What the owner would do first.
UNBOUND = """
alter table wallet.transactions drop constraint transactions_amount_range, alter seq drop not null,
  alter amount drop not null, alter created_at drop not null, alter txn_id drop not null, alter type drop not null;
alter table wallet.ledger drop constraint ledger_amounts_range, drop constraint ledger_hash_given,
  alter transaction_id drop not null, alter amount drop not null;
alter table wallet.transaction_details drop constraint transaction_details_given, alter hash drop not null
"""


@pytest.fixture(scope="module")
def unbound(attacked: tuple[Database, psycopg.Connection]) -> None:
    attacked[1].execute(UNBOUND)


@pytest.mark.usefixtures("unbound")
@pytest.mark.parametrize("name", STORED)
def test_it_is_found_and_so_is_everything_else(ledger: Ledger, name: str) -> None:
    ledger.attack(STORED[name])
    ledger.attack("update wallet.users set erased_at = now() where username = 'bob'")
    with pytest.raises(UnsoundError):
        ledger.verify()
    found = {finding.violation for finding in ledger.findings}
    assert "unjudged" not in found
    assert "erasure" in found
    here = {finding.violation for finding in ledger.findings if finding.wallet_id == ledger.alice}
    assert here & {"hash", "sequence", "running_balance", "entry_transaction", "transaction_amount"}
    # psql finds the same
    rows = ledger.attacker.execute("select distinct violation from wallet_verify()").fetchall()
    assert {violation for (violation,) in rows} == found


@pytest.mark.parametrize("moment", MOMENTS)
def test_both_ways_hash_every_moment_alike(ledger: Ledger, moment: str) -> None:
    ledger.attack(f"update wallet.transaction_details set effective_at = '{moment}'")
    ledger.attack(
        "update wallet.transaction_details set hash = wallet.details_hash(salt, reference, metadata, effective_at)"
    )
    ledger.attack("update wallet.transactions set created_at = '4000-01-01 BC' where wallet_id = {alice} and seq = 1")
    ledger.attack("select attack.rewrite({alice})")
    assert ledger.finds() <= {"warning: effective_at"}
    assert bool(ledger.findings) == (not moment.startswith("9999"))


def test_entries_after_a_clock_was_set_back_are_sound_and_the_future_is_a_warning(ledger: Ledger) -> None:
    ledger.attack("select attack.topup_at({alice}, clock_timestamp() + interval '3 hours')")
    ledger.attacker.execute("reset session_replication_role")
    ledger.topup()
    ledger.attacker.execute("select wallet_topup(%s, gen_random_uuid(), 1)", [ledger.alice])
    lifted = "select count(*) from wallet.ledger where recorded_at is not null"
    assert ledger.attacker.execute(lifted).fetchone() == (2,)
    summary = ledger.verify()
    assert (summary.warnings, summary.entries) == (1, 14)
    assert [(one.violation, one.wallet_id) for one in ledger.findings] == [("warning: future", ledger.alice)]
    file = ledger.checkpoint()
    ledger.topup()
    assert ledger.verify(file).entries == 1

    ledger.attacker.execute("set session_replication_role = replica")
    for change in ("recorded_at = recorded_at - interval '1 microsecond'", "recorded_at = null"):
        ledger.attack(f"update wallet.ledger set {change} where wallet_id = {{alice}} and seq = 13")
        ledger.attack("select attack.rewrite({alice})")
        assert ledger.finds() - {"warning: future"} == {"created_at"}


def test_an_entry_before_the_first_one_is_judged_with_a_checkpoint_too(ledger: Ledger) -> None:
    ledger.attack("delete from wallet.ledger where wallet_id = {alice}")
    file = ledger.folder / "empty"
    with pytest.raises(UnsoundError):
        ledger.verify()
    ledger.attack(f"delete from wallet.ledger where {ALL}")
    ledger.attack(f"delete from wallet.transaction_details where {ALL}")
    ledger.attack("delete from wallet.transactions where wallet_id = {alice}")
    ledger.verify(write=file)
    ledger.attacker.execute("reset session_replication_role")
    ledger.topup()
    ledger.attacker.execute("set session_replication_role = replica")
    ledger.attack("update wallet.ledger set seq = 0, balance_after = 1000000 where wallet_id = {alice}")
    assert {"sequence", "running_balance"} <= ledger.finds(file)


def test_what_was_found_is_said_where_it_cannot_be_noted(ledger: Ledger) -> None:
    ledger.verify()
    ledger.attacker.execute("select setval('wallet.verifications_id_seq', 1, false)")
    with pytest.raises(
        UnsoundError, match=r"1 violations, the first: sequence_behind .*; this run is not on record: dupl"
    ):
        ledger.verify()
    assert "wallet.verifications_id_seq is at 0" in ledger.findings[0].detail
    ledger.attacker.execute("select setval('wallet.verifications_id_seq', max(id)) from wallet.verifications")
    ledger.attacker.execute(
        "alter database :name set default_transaction_read_only = on".replace(":name", ledger.database.name)
    )
    try:
        assert "read-only" in str(ledger.verify().unnoted)
    finally:
        ledger.attacker.execute(f"alter database {ledger.database.name} reset default_transaction_read_only")
    assert ledger.verify().unnoted is None


@pytest.fixture
def busy(ledger: Ledger) -> Iterator[threading.Event]:
    """Holds, captures, limits and erasures while a test runs."""
    ledger.attacker.execute("reset session_replication_role")
    done = threading.Event()
    failures: list[Exception] = []

    def work() -> None:
        try:
            with ledger.database.connect() as writer:
                one = [ledger.alice]
                while not done.is_set():
                    held = writer.execute("select gen_random_uuid()").fetchone()
                    assert held is not None
                    writer.execute("select wallet_topup(%s, gen_random_uuid(), 20)", one)
                    writer.execute("select wallet_hold(%s, %s, 10)", [ledger.alice, *held])
                    writer.execute("select wallet_spend(%s, gen_random_uuid(), 5, 'order')", one)
                    writer.execute("select wallet_capture(%s, gen_random_uuid(), %s, 5)", [ledger.alice, *held])
                    writer.execute("select wallet_void(%s, gen_random_uuid(), %s)", [ledger.alice, *held])
                    writer.execute("select wallet_set_limits(%s, '{spend}', '{null}', '{null}', '{1000000}')", one)
                    name = f"user-{held[0].hex[:12]}"
                    writer.execute(
                        "select wallet_erase_user(user_id, 'a test') from wallet_register(%s, 'hash')", [name]
                    )
        except (psycopg.Error, AssertionError) as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    yield done
    done.set()
    for thread in threads:
        thread.join()
    assert failures == []


def test_under_load_it_sees_one_snapshot(ledger: Ledger, busy: threading.Event) -> None:
    moved = ledger.verify().entries
    with ledger.database.connect() as reader:
        for _ in range(10):
            assert reader.execute("select * from wallet_verify()").fetchall() == []
    assert ledger.verify().entries > moved
    assert not busy.is_set()


def test_it_writes_no_temporary_files(ledger: Ledger) -> None:
    ledger.attacker.execute("reset session_replication_role")
    name = ledger.database.name
    ledger.attacker.execute(f"alter database {name} set work_mem = '64kB'")
    ledger.attack("select wallet_hold({alice}, gen_random_uuid(), 1)")
    for _ in range(5):
        ledger.attack(
            "select wallet_batch(array_fill('topup'::text, array[1000]), array_fill({alice}::uuid, array[1000]), "
            "array(select gen_random_uuid() from generate_series(1, 1000)), array_fill(1::bigint, array[1000]))"
        )

    def temporary() -> int:
        # a session that has ended has said what it wrote
        others = "select count(*) from pg_stat_activity where datname = %s and pid <> pg_backend_pid()"
        while ledger.attacker.execute(others, [name]).fetchone() != (0,):
            pass
        row = ledger.attacker.execute("select temp_bytes from pg_stat_database where datname = %s", [name]).fetchone()
        assert row is not None
        return int(row[0])

    before = temporary()
    with ledger.database.connect() as other:
        other.execute("select count(*) from (select random() from generate_series(1, 20000) order by 1 offset 0) x")
    assert temporary() > before, "it would be seen"
    before = temporary()
    assert ledger.verify().entries > 5000
    with ledger.database.connect() as reader:
        assert reader.execute("select * from wallet_verify()").fetchall() == []
    assert temporary() == before
