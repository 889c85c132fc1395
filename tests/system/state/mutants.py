"""The state machine finds what it is there for: each mutant breaks one rule in one function, and it must notice.

`make mutants` runs it: a mutant is found after a few seconds or a minute, as chance has it.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.errors import Flaky
from hypothesis.stateful import run_state_machine_as_test

from tests.system.state.machine import DisagreementError, machine
from tests.system.state.world import World

FUNCTIONS = Path(__file__).parents[3] / "db" / "functions"
SETTINGS = settings(
    max_examples=100,
    stateful_step_count=20,
    deadline=None,
    database=None,
    report_multiple_bugs=False,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


class Mutant(NamedTuple):
    """A function of db/functions with parts of it replaced, and perhaps another one."""

    function: str
    parts: dict[str, str]
    other: "Mutant | None" = None


MUTANTS = {
    "capture after void": Mutant("check_hold", {"when p_hold.status = 'voided' then 'WA017'": ""}),
    "capture after expiry": Mutant(
        "check_hold", {"when p_hold.status = 'expired' or p_hold.expires_at <= p_at then 'WA018'": ""}
    ),
    "double capture": Mutant(
        "capture",
        {"case when v_closes then 'captured' else 'open' end": "'open'", "h.captured + v_amount,": "h.captured,"},
    ),
    "capture after a final one": Mutant("capture", {"v_amount = v_left or p_request.final": "v_amount = v_left"}),
    "refunds over the sum": Mutant("left_to_refund", {"coalesce(sum(t.amount), 0)": "0 * coalesce(sum(t.amount), 0)"}),
    "a transfer that loses a leg": Mutant(
        "write_transaction",
        {
            "p_recipient.balance - p_delta,\n      case when v_is_here then v_to": "null,"
            " wallet.system_wallet_id(p_wallet.asset, 'spend'), null /* (",
            ") end,\n      v_received_at\n    );": ") end,\n      v_received_at */, null\n    );",
            "coalesce(p_recipient.seq + 1, v_id), v_id": "v_id, v_id",
        },
    ),
    "a limit that forgets": Mutant(
        "write_transaction",
        {"perform wallet.count_usage(p_request.wallet_id, p_request.type, p_amount, p_wallet.created_at);": "null;"},
    ),
    "a hold that sets nothing aside": Mutant("held", {"sum(h.amount - h.captured)": "sum(0)"}),
    "a debit of a frozen wallet": Mutant("check_change", {"when p_delta < 0 and p_status = 'frozen' then 'WA012'": ""}),
    "a hold that opens again with the clock, and takes what is not there": Mutant(
        "end_due_holds",
        {"and h.expires_at <= p_at": "and false"},
        Mutant("capture", {"p_wallet.balance - p_wallet.floor, p_wallet.status": "v_amount, p_wallet.status"}),
    ),
    "a hold that is taken for open after it expired": Mutant("check_hold", {"p_hold.status = 'expired' or ": ""}),
    "a name refused before the transfer is looked up": Mutant(
        "execute",
        {
            "    perform wallet.lock_both(": ""
            "    if p_to_username is not null and v_request.to_wallet_id is null then\n"
            "      return wallet.refused_outcome('WA009', jsonb_build_object('field', 'to_username'));\n"
            "    end if;\n"
            "    perform wallet.lock_both(",
        },
    ),
    "a hold that is compared with what was erased of it": Mutant(
        "replay_hold", {"when p_wallet.is_erased then null": ""}
    ),
}


def sources(mutant: Mutant | None) -> Iterator[str]:
    """The functions as the mutant has them."""
    while mutant:
        source = next(FUNCTIONS.rglob(f"{mutant.function}.sql")).read_text()
        for part, other in mutant.parts.items():
            assert source.count(part) == 1
            source = source.replace(part, other)
        yield source
        mutant = mutant.other


@pytest.mark.parametrize("name", MUTANTS)
def test_the_machine_finds(world: World, name: str) -> None:
    for source in sources(MUTANTS[name]):
        world.clock.mend(world.administrator.connection, source)
    with pytest.raises((DisagreementError, Flaky)):
        run_state_machine_as_test(machine(world), settings=SETTINGS)
