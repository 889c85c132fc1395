"""What the document on verification tells operators to do about damage of older versions."""

from tests.api.integrity.conftest import Ledger
from tests.docs.markdown import FENCE, ROOT

WALLET, USER = "018f6b5e-0000-7000-8000-00000000a11c", "018f6b5e-0000-7000-8000-0000000000e4"
# A balance of -120 and an open hold, as after a clock was set back; a date before our era; an overdraft by hand.
DAMAGE = """
select wallet_spend({alice}, gen_random_uuid(), 5);
alter table wallet.transaction_details disable trigger all;
with one as (select max(id) as id from wallet.transactions), salted as (select gen_random_uuid() as salt)
insert into wallet.transaction_details (transaction_id, effective_at, salt, hash)
select id, '4000-01-01 BC', salt, wallet.details_hash(salt, null, null, '4000-01-01 BC') from one, salted;
select attack.rewrite({alice});
select wallet_hold({alice}, gen_random_uuid(), 10);
select attack.spend_anyway({alice}, 120 + (select balance from wallet_balance({alice})));
update wallet.wallets set max_balance = 7 where id = {alice};
"""


def test_the_repairs_mend_it(ledger: Ledger) -> None:
    row = ledger.attacker.execute(
        "select e.user_id from wallet_register('former.name', 'hash') r, wallet_erase_user(r.user_id, 'a request') e"
    ).fetchone()
    assert row is not None
    ledger.attacker.execute("delete from wallet.reserved_names")
    ledger.attack(DAMAGE)
    # a hold's first event is hashed by a trigger, which is off
    ledger.attacker.execute("update wallet.hold_events e set hash = wallet.hold_event_hash(e)")
    ledger.attacker.execute("reset session_replication_role")
    warnings = {"warning: effective_at", "warning: name"}
    assert ledger.finds() == {"floor", "held", "operator_action"} | warnings

    document = (ROOT / "docs/operations/integrity.md").read_text()
    section = document[document.index("\n## Repairs") : document.index("\n## What does not change")]
    blocks = [block[2] for block in FENCE.finditer(section) if block[1] == "sql"]
    assert len(blocks) > 5
    for block in blocks:
        ledger.attacker.execute(block.replace(WALLET, str(ledger.alice)).replace(USER, str(row[0])).encode())
    assert ledger.finds() == {"warning: effective_at"}
