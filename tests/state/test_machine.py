"""The database against a plain model of the rules, under random requests that overlap."""

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.state.machine import machine
from tests.state.world import World

OUTCOMES = {"ok", "replayed", "WA003", "WA004", "WA012", "WA014", "WA016", "WA017", "WA018", "WA020"}
SETTINGS = settings(
    max_examples=30,
    stateful_step_count=25,
    deadline=None,
    database=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)


def test_database_and_model_agree_after_every_step(world: World) -> None:
    run_state_machine_as_test(machine(world), settings=SETTINGS)
    # a machine whose requests are all refused would agree, too
    assert len(OUTCOMES & set(world.seen)) >= 8
