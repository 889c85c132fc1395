"""Section (d): the service under load, against its own no-op route."""

import statistics
from functools import partial

from api.settings import Settings
from bench import growth, wrk
from bench.cluster import BenchError, Database
from bench.plan import USERS
from bench.report import Goal
from bench.rounds import interleave, ratio, rounds
from bench.run import Run
from bench.service import bench_users, serving, write_tokens
from bench.wrk import Load, Users

PATHS = {
    "live": "/api/health/live",
    "topup": "/api/wallet/topup",
    "spend": "/api/wallet/spend",
    "balance": "/api/wallet/balance",
}
NAMES = {
    "live": "no-op route GET /api/health/live",
    "topup": "POST topup",
    "spend": "POST spend",
    "balance": "GET balance",
}
NO_OP = "no-op"
MEMORY_AT = 512
# the connections that have goals: they get all rounds, others one
MAIN = (32, 128)

Point = tuple[str, str, str, int]
"""Service (default, one, single), kind of request, whose wallets (spread, hot, short, long), connections."""

GOALS: dict[tuple[str, str, str, int], Goal] = {
    ("default", "topup", "spread", 32): Goal(">=", 5000, "/s"),
    ("default", "topup", "spread", 128): Goal(">=", 6000, "/s"),
}
P99 = {
    ("default", "topup", "spread", 32): Goal("<=", 16, " ms"),
    ("default", "topup", "spread", 128): Goal("<=", 30, " ms"),
}
TO_NO_OP = {
    ("default", "topup", "spread", 128): Goal(">=", 0.85),
    ("one", "topup", "spread", 128): Goal(">=", 0.85),
}
HOT_TO_SPREAD = {(service, "topup", "hot", 128): Goal(">=", 0.9) for service in ("default", "one")}
SAME = Goal(">=", 0.83)
BALANCE_RATE, BALANCE_RATIO = 4500, 0.7


def measure(run: Run, database: Database) -> None:
    """Run the service in three ways on `database`, after section (f) filled it, and load them in turn."""
    if not wrk.installed():
        run.report.note(wrk.MISSING)
        return
    plan, folder = run.plan, run.cluster.folder
    signed_in = bench_users()
    file = write_tokens(folder, [*signed_in, growth.READ_SHORT, growth.LONG])
    users = {
        "spread": Users(file, 1, len(signed_in)),
        "hot": Users(file, 1, 1),
        "short": Users(file, len(signed_in) + 1, 1),
        "long": Users(file, len(signed_in) + 2, 1),
    }
    ways = {"default": {}, "one": {"PGWALLET_WORKERS": "1"}, "single": {"PGWALLET_GROUP_COMMIT": "off"}}
    ways = {name: {**run.service, **settings} for name, settings in ways.items()}
    with serving(database, folder, ways) as services:

        def load(point: Point, seconds: int = plan.http_seconds) -> Load:
            name, kind, whose, connections = point
            url = services[name].url + PATHS[kind]
            found = wrk.load(url, kind, users[whose], connections=connections, seconds=seconds)
            # the service still works off requests that wrk left: the next point must not pay for them
            if not database.value("select bench.quiet()"):
                raise BenchError(f"the service still works 20 s after {_key(point)}")
            return found

        run.say("http: warming up")
        for name in services:
            load((name, "topup", "spread", 32), 1)
        found: dict[Point, list[Load]] = {}
        points = _points(run)
        for main in (True, False):
            some = [point for point in points if (point[3] in MAIN) is main]
            calls = {_key(point): partial(load, point) for point in some}
            loads = interleave(calls, rounds(plan.rounds if main else 1, plan.http_budget), run.say)
            found |= zip(some, loads.values(), strict=True)
        found = {point: found[point] for point in points}
        with services["one"].watched() as memory:
            load(("one", "topup", "spread", MEMORY_AT), max(2, plan.http_seconds))
    _report(run, found)
    if memory:
        memory_at = f"memory of the one worker at {MEMORY_AT} connections, resident"
        run.report.add(_section("one", run), memory_at, max(memory), "MB", goal=Goal("<=", 120))


def _points(run: Run) -> list[Point]:
    plan = run.plan
    points: list[Point] = []
    for connections in plan.http_connections:
        points.append(("default", "live", "spread", connections))
        if plan.brief:
            points.append(("default", "topup", "spread", connections))
            continue
        points += [
            ("default", kind, whose, connections)
            for kind in ("topup", "spend", "balance")
            for whose in ("spread", "hot")
        ]
    if plan.brief:
        points += [
            ("default", "topup", "hot", 128),
            ("default", "spend", "spread", 128),
            ("default", "balance", "spread", 128),
        ]
    points += [("default", "balance", whose, 128) for whose in ("short", "long")]
    points += [("one", *point, 128) for point in (("live", "spread"), ("topup", "spread"), ("topup", "hot"))]
    points += [
        ("single", "topup", "spread", connections) for connections in plan.http_connections if connections in (32, 128)
    ]
    return points


def _report(run: Run, found: dict[Point, list[Load]]) -> None:
    for point, loads in found.items():
        service, kind, _, connections = point
        rates = [load.rate for load in loads]
        middle = wrk.middle(loads)
        shown = figure(point)
        no_op = (service, "live", "spread", connections)
        against = NO_OP if kind != "live" and no_op in found else ""
        compared = ratio(rates, [load.rate for load in found[no_op]]) if against else None
        row = run.report.add(
            _section(service, run),
            shown,
            middle.rate,
            "/s",
            latency=middle.latency(),
            against=against,
            ratio=compared,
            goal=TO_NO_OP.get(point),
            samples=[vars(load) for load in loads],
        )
        if point == ("default", "balance", "spread", 128) and compared is not None:
            row.goal = f"≥ {BALANCE_RATIO}, or {BALANCE_RATE:,}/s"
            row.reached = compared >= BALANCE_RATIO or middle.rate >= BALANCE_RATE
        if point in GOALS:
            run.report.add(_section(service, run), "  the same, absolute", middle.rate, "/s", goal=GOALS[point])
            run.report.add(_section(service, run), "  its 99th percentile", middle.p99, "ms", goal=P99[point])
        _compare(run, found, point, rates)


def _compare(run: Run, found: dict[Point, list[Load]], point: Point, rates: list[float]) -> None:
    """Add the point's ratio to its sibling: hot to spread, long to short history, group commit to none."""
    service, kind, whose, connections = point
    siblings: dict[str, tuple[Point, str]] = {
        "hot": ((service, kind, "spread", connections), "spread"),
        "long": ((service, kind, "short", connections), "1 entry"),
    }
    sibling, word = siblings.get(whose, (("default", kind, whose, connections), "with group commit"))
    if sibling == point or sibling not in found or (service == "one" and whose != "hot"):
        return
    goal = HOT_TO_SPREAD.get(point) if whose != "long" else SAME
    value = statistics.median(rates)
    compared = ratio(rates, [load.rate for load in found[sibling]])
    run.report.add(_section(service, run), "  the same", value, "/s", against=word, ratio=compared, goal=goal)


def figure(point: Point, users: int = USERS) -> str:
    """Name the point for people."""
    _, kind, whose, connections = point
    places = {
        "spread": f", spread over {users} wallets",
        "hot": ", one hot wallet",
        "short": ", a wallet with 1 entry",
        "long": ", a wallet with a long history",
    }
    place = "" if kind == "live" else places[whose]
    return f"{NAMES[kind]}{place}, {connections} connection{'s' if connections > 1 else ''}"


def _section(service: str, run: Run) -> str:
    workers = run.service.get("PGWALLET_WORKERS", str(Settings().workers))
    words = {
        "default": f"{workers} workers",
        "one": "1 worker",
        "single": f"{workers} workers, group commit off",
    }
    return f"(d) HTTP, {words[service]}; against the no-op route over as many connections"


def _key(point: Point) -> str:
    return f"{point[0]}: {figure(point)}"
