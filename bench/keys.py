"""Section (n): top-ups with a key, against top-ups with a token, over HTTP."""

import statistics
from functools import partial

from api.auth.keys import new_secret
from bench import over_http, wrk
from bench.cluster import BenchError, Database
from bench.earlier import LIMITS
from bench.report import Goal
from bench.rounds import interleave, ratio, rounds
from bench.run import Run
from bench.service import bench_ids, bench_users, serving, write_tokens
from bench.wrk import Load, Users

SECTION = "(n) HTTP top-ups with a key; against those with a token over as many connections"
GOAL = Goal(">=", 0.95)
CONNECTIONS = (32, 128)
EACH = 10
"""Rounds for each of the plan: a ratio close to 1 needs many of them, though short ones."""
SECONDS = 1
CREATE = "select id from public.wallet_create_key(null, 'bench', $1, $2, array['topup'], p_all_users => true)"


def measure(run: Run, database: Database) -> None:
    """Load one service with both in turns, with rate limits in force."""
    if not wrk.installed():
        run.report.note(wrk.MISSING)
        return
    numbers = bench_users()
    secret, prefix, secret_hash = new_secret()
    database.value(CREATE, secret_hash, prefix)
    by_key = run.cluster.folder / "keys"
    by_key.write_text("".join(f"{secret} {bench_ids(number)[0]}\n" for number in numbers), encoding="ascii")
    files = {"token": write_tokens(run.cluster.folder, numbers), "key": by_key}
    limits = LIMITS | {"PGWALLET_KEY_RATE_LIMIT": "1000000"}
    with serving(database, run.cluster.folder, {"keys": limits | run.service}) as services:
        url = services["keys"].url + over_http.PATHS["topup"]

        def load(way: str, connections: int, seconds: int = SECONDS) -> Load:
            users = Users(files[way], 1, len(numbers))
            found = wrk.load(url, "topup", users, connections=connections, seconds=seconds)
            if not database.value("select bench.quiet()"):
                raise BenchError("the service still works 20 s after its load")
            if found.errors:
                raise BenchError(f"{found.errors} of {found.requests} top-ups with a {way} failed")
            return found

        for way in files:
            load(way, CONNECTIONS[0])
        points = [(way, connections) for connections in CONNECTIONS for way in files]
        calls = {f"{way}, {connections}": partial(load, way, connections) for way, connections in points}
        most = run.plan.rounds * (1 if run.plan.brief else EACH)
        found = interleave(calls, rounds(most, 3 * run.plan.http_budget), run.say)
    for way, connections in points:
        rates = [one.rate for one in found[f"{way}, {connections}"]]
        against = [one.rate for one in found[f"token, {connections}"]] if way == "key" else None
        run.report.add(
            SECTION,
            f"POST topup with a {way}, {connections} connections",
            statistics.median(rates),
            "/s",
            against="" if against is None else "token",
            ratio=None if against is None else ratio(rates, against),
            goal=None if against is None else GOAL,
            samples=rates,
        )
