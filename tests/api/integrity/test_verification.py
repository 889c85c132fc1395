"""What a verification finds, with and without a checkpoint, of what a superuser does with the guards off."""

import tracemalloc

import pytest

from api.integrity.checkpoint import CheckpointError
from api.integrity.verification import UnsoundError
from tests.api.integrity.conftest import Ledger

# Everything is made to fit the change: balances, places, the chain itself.
SKILFUL = {
    "a removed entry": "select attack.remove({alice}, 4)",
    "the newest entry removed": "select attack.remove({alice}, 9)",
    "a changed amount": "select attack.change_amount({alice}, 2, 1000)",
    "the newest amount changed": "select attack.change_amount({alice}, 9, 1)",
    "an inserted entry": "select attack.insert_before({alice}, 4)",
    "two entries swapped": "select attack.swap({alice}, 4)",
    "changed details": "select attack.change_reference({alice}, 4)",
    "a removed wallet": "select attack.remove_wallet({alice})",
    "a stolen wallet": "update wallet.wallets set owner_id = gen_random_uuid() where id = {alice}",
}
# These leave the chain as it was.
CLUMSY = {
    "a deleted entry": ("delete from wallet.ledger where wallet_id = {alice} and seq = 5", "sequence"),
    "a changed entry": (
        "update wallet.ledger set amount = amount + 1 where wallet_id = {alice} and seq = 5",
        "running_balance",
    ),
    "a changed hash": ("update wallet.ledger set hash = sha256(hash) where wallet_id = {alice} and seq = 5", "hash"),
    "a changed txn_id": (
        "update wallet.transactions set txn_id = gen_random_uuid() where wallet_id = {alice} and seq = 5",
        "hash",
    ),
    "a changed time": (
        "update wallet.transactions set created_at = created_at - interval '1 y' where wallet_id = {alice} and seq = 5",
        "hash",
    ),
    "a changed transaction": (
        "update wallet.transactions set amount = amount + 1 where wallet_id = {alice} and seq = 5",
        "transaction_amount",
    ),
    "a deleted transaction": (
        "delete from wallet.transactions where wallet_id = {alice} and seq = 5",
        "entry_transaction",
    ),
    "a changed reference": (
        "update wallet.transaction_details set reference = 'x' "
        "where transaction_id = attack.transaction_of({alice}, 6)",
        "hash",
    ),
    "deleted details": (
        "delete from wallet.transaction_details where transaction_id = attack.transaction_of({alice}, 6)",
        "hash",
    ),
    "a changed other side": (
        "update wallet.ledger set amount = amount + 1 "
        "where balance_after is null and seq = attack.transaction_of({alice}, 5)",
        "transaction_entries",
    ),
}


def test_a_sound_ledger_verifies(ledger: Ledger) -> None:
    file = ledger.checkpoint()
    everything = ledger.verify().entries
    assert everything == 9 + 2
    assert ledger.verify(file, full=True).entries == everything
    assert ledger.verify(file).entries == 0
    ledger.attacker.execute("reset session_replication_role")
    ledger.topup()
    ledger.attacker.execute("select wallet_register('newcomer', 'hash')")
    assert ledger.verify(file).entries == 2
    assert ledger.verify(ledger.checkpoint(since=file)).entries == 0


@pytest.mark.parametrize("name", CLUMSY)
def test_a_change_that_forgets_the_chain_is_found_by_itself(ledger: Ledger, name: str) -> None:
    attack, violation = CLUMSY[name]
    ledger.attack(attack)
    with pytest.raises(UnsoundError, match=r"violations, the first: \w+ in wallet "):
        ledger.verify()
    assert violation in {finding.violation for finding in ledger.findings}
    chained = [finding for finding in ledger.findings if finding.wallet_id == ledger.alice and finding.seq is not None]
    assert not chained or chained[0].seq in {5, 6}


@pytest.mark.parametrize("name", SKILFUL)
def test_whatever_is_done_to_what_a_checkpoint_covers_is_found(ledger: Ledger, name: str) -> None:
    file = ledger.checkpoint()
    for _ in range(2):
        ledger.topup(5)
    ledger.attack(SKILFUL[name])
    if "stolen" not in name:
        assert ledger.finds() == set(), "it was skilful"
    assert "checkpoint" in ledger.finds(file, full=True)
    # all of these change the newest hash that the checkpoint has, or its place
    assert "checkpoint" in ledger.finds(file)


def test_a_deletion_that_forgets_the_chain_is_found_without_hashing_again(ledger: Ledger) -> None:
    file = ledger.checkpoint()
    ledger.attack("delete from wallet.ledger where wallet_id = {alice} and seq = 5")
    assert ledger.finds(file) == {"checkpoint"}


@pytest.mark.parametrize("name", CLUMSY)
def test_changes_after_a_checkpoint_are_found_from_there_on(empty_ledger: Ledger, name: str) -> None:
    file = empty_ledger.checkpoint()
    empty_ledger.fill()
    assert empty_ledger.finds(file) == set()
    attack, violation = CLUMSY[name]
    empty_ledger.attack(attack)
    # the other side of a transaction is no chain's, and judged with everything else only
    assert violation in empty_ledger.finds(file, full=violation == "transaction_entries")


def test_only_receipts_know_of_a_tail_that_was_removed_or_rewritten_after_the_checkpoint(ledger: Ledger) -> None:
    file = ledger.checkpoint()
    kept, changed, removed = ledger.topup(1), ledger.topup(2), ledger.topup(3)
    assert [ledger.receipt(*one) for one in (kept, changed, removed)] == ["ok"] * 3
    ledger.attack("select attack.remove({alice}, 12)")
    assert ledger.finds(file, full=True) == set()
    assert [ledger.receipt(*one) for one in (kept, changed, removed)] == ["ok", "ok", "removed"]
    ledger.attack("select attack.change_amount({alice}, 11, 200)")
    assert ledger.finds(file, full=True) == set()
    assert [ledger.receipt(*one) for one in (kept, changed, removed)] == ["ok", "rewritten", "removed"]
    ledger.attack("update wallet.transactions set created_at = now() where wallet_id = {alice} and seq = 10")
    assert ledger.receipt(*kept) == "altered"


def test_a_checkpoint_that_was_changed_or_signed_by_another_key_is_refused(ledger: Ledger) -> None:
    file = ledger.checkpoint()
    text = file.read_text()
    lines = text.splitlines(keepends=True)
    place = text.index(str(ledger.alice))
    forgeries = [
        text.replace(" UC ", " EU ", 1),
        text[:place] + ("1" if text[place] == "0" else "0") + text[place + 1 :],
        "".join(lines[:1] + lines[2:]),
        "".join(lines[:-1]),
        text + lines[1],
        "",
        "hmac \n",
    ]
    for forged in forgeries:
        file.write_text(forged)
        with pytest.raises(CheckpointError, match="no checkpoint that this key has signed"):
            ledger.verify(file)
    file.write_bytes(b"\xff")
    with pytest.raises(CheckpointError, match="it is not text"):
        ledger.verify(file)
    file.unlink()
    with pytest.raises(CheckpointError, match="cannot be read: No such file"):
        ledger.verify(file)


def test_no_checkpoint_is_taken_of_an_unsound_ledger(ledger: Ledger) -> None:
    file = ledger.checkpoint()
    before = file.read_text()
    ledger.attack(CLUMSY["a changed hash"][0])
    with pytest.raises(UnsoundError):
        ledger.checkpoint()
    assert file.read_text() == before
    assert list(ledger.folder.iterdir()) == [file]


def test_a_verification_sees_one_snapshot_and_writes_nothing_to_the_ledger(ledger: Ledger) -> None:
    with ledger.database.connect() as writer, writer.transaction():
        writer.execute("select wallet_topup(%s, gen_random_uuid(), 1)", [ledger.alice])
        assert ledger.verify().entries == 11
    assert ledger.verify().entries == 12


def test_memory_does_not_grow_with_the_ledger(ledger: Ledger) -> None:
    def peak() -> int:
        tracemalloc.start()
        try:
            ledger.verify()
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    ledger.verify()
    few = peak()
    ledger.attacker.execute("reset session_replication_role")
    for _ in range(12):
        ledger.attack(
            "select wallet_batch(array_fill('topup'::text, array[1000]), array_fill({alice}::uuid, array[1000]), "
            "array(select gen_random_uuid() from generate_series(1, 1000)), array_fill(1::bigint, array[1000]))"
        )
    assert ledger.verify().entries > 12_000
    assert peak() < few + 4_000_000
