"""Section (c): batches against the same rows inserted with no logic."""

import statistics
from collections.abc import Callable

from bench.cluster import Database
from bench.pgbench import rate
from bench.plan import WALLETS
from bench.report import Goal
from bench.rounds import interleave, ratio, rounds
from bench.run import Run

FLOOR = "(a) bulk floor: the rows of top-ups inserted in batches, nothing looked up or checked"
SECTION = "(c) wallet_batch, top-ups; against the bulk floor of the same size on as many connections"

GOALS = {(50, 2): Goal(">=", 0.6), (1000, 2): Goal(">=", 0.55)}
NOT_SLOWER = Goal(">=", 1)
ABSOLUTE = Goal(">=", 45_000, "/s")


def measure(run: Run) -> None:
    """Measure each round on a new clone, so that the floor's tables and ours have the same size."""
    plan = run.plan
    shapes = [(size, clients) for size in plan.batch_sizes for clients in plan.batch_clients]
    floors: dict[tuple[int, int], list[float]] = {shape: [] for shape in shapes}
    shared: dict[tuple[int, int], list[float]] = {shape: [] for shape in shapes}
    apart: dict[tuple[int, int], list[float]] = {shape: [] for shape in shapes if shape in GOALS}
    for number in rounds(plan.rounds, plan.batch_budget):
        with run.cluster.clone("batches") as database:
            points: dict[str, Callable[[], float]] = {}
            for shape in shapes:
                points |= _points(database, shape, plan.batch_seconds)
            found = interleave(points, iter([number]), run.say)
        for shape in shapes:
            for name, rates in (("floor", floors), ("shared", shared), ("apart", apart)):
                if shape in rates:
                    rates[shape] += found[_name(name, shape)]
    for shape in shapes:
        run.report.add(FLOOR, _name("floor", shape), statistics.median(floors[shape]), "/s", samples=floors[shape])
    for name, rates in (("shared", shared), ("apart", apart)):
        _report(run, name, rates, floors)


def _report(
    run: Run, kind: str, rates: dict[tuple[int, int], list[float]], floors: dict[tuple[int, int], list[float]]
) -> None:
    for shape, samples in rates.items():
        value, compared = statistics.median(samples), ratio(samples, floors[shape])
        run.report.add(
            SECTION,
            _name(kind, shape),
            value,
            "/s",
            against="bulk floor",
            ratio=compared,
            goal=GOALS.get(shape),
            samples=samples,
        )
        alone = rates.get((shape[0], 1))
        if shape in GOALS and alone is not None:
            compared = ratio(samples, alone)
            run.report.add(SECTION, "  the same", value, "/s", against="1 connection", ratio=compared, goal=NOT_SLOWER)
        if shape == (1000, 2):
            run.report.add(SECTION, "  the same, absolute", value, "/s", goal=ABSOLUTE)


# The query that makes the requests is planned once, as the floor's is: a plan costs as much as 20 items.
PLANNED_ONCE = "-c plan_cache_mode=force_generic_plan"


def _points(database: Database, shape: tuple[int, int], seconds: int) -> dict[str, Callable[[], float]]:
    size, clients = shape
    each = WALLETS // clients

    def batches(*, width: int, step: int) -> float:
        return size * rate(
            database,
            "batch",
            clients=clients,
            seconds=seconds,
            service=True,
            settings=PLANNED_ONCE,
            size=size,
            width=width,
            step=step,
        )

    def floor() -> float:
        return size * rate(database, "bulk", clients=clients, seconds=seconds, settings=PLANNED_ONCE, size=size)

    found = {
        _name("floor", shape): floor,
        _name("shared", shape): lambda: batches(width=WALLETS, step=0),
    }
    if shape in GOALS:
        found[_name("apart", shape)] = lambda: batches(width=each, step=each)
    return found


def _name(kind: str, shape: tuple[int, int]) -> str:
    size, clients = shape
    words = {
        "floor": "rows of top-ups",
        "shared": "wallet_batch, every connection on all wallets",
        "apart": "wallet_batch, each connection on wallets of its own",
    }
    return f"{words[kind]}, {size:,} at a time, {clients} connection{'s' if clients > 1 else ''}"
