"""The database against a plain model of the rules, under random requests that overlap."""

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.system.state.machine import machine
from tests.system.state.mutants import MUTANTS, sources
from tests.system.state.world import World

OUTCOMES = {"ok", "replayed", "WA003", "WA004", "WA005", "WA009", "WA012", "WA014", "WA016", "WA017", "WA018", "WA020"}
EXAMPLES = 12
SETTINGS = settings(
    stateful_step_count=25,
    deadline=None,
    database=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.timeout(0)
def test_database_and_model_agree_after_every_step(world: World, pytestconfig: pytest.Config) -> None:
    examples = EXAMPLES * pytestconfig.getoption("thorough")
    run_state_machine_as_test(machine(world), settings=settings(SETTINGS, max_examples=examples))
    # a machine whose requests are all refused would agree, too
    assert len(OUTCOMES & set(world.seen)) >= 10


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_fits_the_functions_as_they_are(name: str) -> None:
    assert all(sources(MUTANTS[name]))
