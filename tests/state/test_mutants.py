"""The state machine finds what it is there for: each mutant breaks one rule in one function, and it must notice."""

from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.errors import Flaky
from hypothesis.stateful import run_state_machine_as_test

from tests.state.machine import DisagreementError, machine
from tests.state.world import World

FUNCTIONS = Path(__file__).parents[2] / "db" / "functions"
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
    """A function of db/functions with parts of it replaced."""

    function: str
    parts: dict[str, str]


MUTANTS = {
    "capture after void": Mutant("hold_refusal", {"when p_hold.status = 'voided' then 'WA017'": ""}),
    "capture after expiry": Mutant("hold_refusal", {"when p_hold.expires_at <= p_at then 'WA018'": ""}),
    "double capture": Mutant(
        "capture",
        {"case when v_closes then 'captured' else 'open' end": "'open'", "h.captured + v_amount,": "h.captured,"},
    ),
    "capture after a final one": Mutant("capture", {"v_amount = v_left or p_request.final": "v_amount = v_left"}),
    "refunds over the sum": Mutant("refund", {"coalesce(sum(t.amount), 0)": "0 * coalesce(sum(t.amount), 0)"}),
    "a transfer that loses a leg": Mutant(
        "write_transaction",
        {
            "p_counterparty.balance - p_delta, p_counterparty_id,": "null,"
            " wallet.system_wallet_id(p_opening.asset, 'spend'), null /*",
            ") end\n    );": ") end */\n    );",
            "coalesce(p_counterparty.seq + 1, v_id), v_id": "v_id, v_id",
        },
    ),
    "a limit that forgets": Mutant(
        "post",
        {"perform wallet.count_usage(p_request.wallet_id, p_request.type, v_amount, v_opening.created_at);": "null;"},
    ),
    "a hold that sets nothing aside": Mutant("held", {"sum(h.amount - h.captured)": "sum(0)"}),
    "a debit of a frozen wallet": Mutant("refusal", {"when p_delta < 0 and p_status = 'frozen' then 'WA012'": ""}),
    "money spent by two at once": Mutant("post_plain", {"  for update of w;": "  ;"}),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_the_machine_finds(world: World, name: str) -> None:
    mutant = MUTANTS[name]
    source = (FUNCTIONS / f"{mutant.function}.sql").read_text()
    for part, other in mutant.parts.items():
        assert source.count(part) == 1
        source = source.replace(part, other)
    world.administrator.run(source)
    with pytest.raises((DisagreementError, Flaky)):
        run_state_machine_as_test(machine(world), settings=SETTINGS)
