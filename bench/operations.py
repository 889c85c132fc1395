"""Section (h): what the other operations cost, against a top-up."""

import tempfile
from pathlib import Path

from bench.cluster import Database
from bench.pgbench import medians
from bench.plan import FIRST
from bench.report import Goal
from bench.run import Run

SECTION = "(h) operations: median time of a call on one connection, against wallet_topup"
GOAL = Goal("<=", 2.0)

ACTOR, OTHER, OPERATOR = range(FIRST + 300, FIRST + 303)
SETUP = r"\set k random(1, 9000000000000000)" + "\n"

# Scripts of two calls leave no growing state behind; their time is halved.
CALLS = {
    "wallet_topup": ["select * from wallet_topup({wallet}, {first}, 100, p_actor => {actor})"],
    "wallet_spend": ["select * from wallet_spend({wallet}, {first}, 1, p_actor => {actor})"],
    "wallet_transfer": ["select * from wallet_transfer({wallet}, {first}, 1, {other}, p_actor => {actor})"],
    "wallet_spend, wallet_refund": [
        "select * from wallet_spend({wallet}, {first}, 1, p_actor => {actor})",
        "select * from wallet_refund({wallet}, {second}, {first}, p_actor => {actor})",
    ],
    "wallet_hold, wallet_capture": [
        "select * from wallet_hold({wallet}, {first}, 1, p_actor => {actor})",
        "select * from wallet_capture({wallet}, {second}, {first}, p_actor => {actor})",
    ],
    "wallet_hold, wallet_void": [
        "select * from wallet_hold({wallet}, {first}, 1, p_actor => {actor})",
        "select * from wallet_void({wallet}, {second}, {first}, p_actor => {actor})",
    ],
    "wallet_adjust": ["select * from wallet_adjust({wallet}, {first}, 1, 'bench', p_actor => {operator})"],
    "wallet_list": ["select * from wallet_list({actor}, {actor})"],
    "wallet_holds": ["select * from wallet_holds({wallet}, p_limit => 10, p_actor => {actor})"],
    "wallet_entries, 10": ["select * from wallet_entries({wallet}, 10, p_actor => {actor})"],
}


def measure(run: Run, database: Database) -> None:
    """Time all calls on one wallet of `database`, mixed at random, on one connection."""
    actor, other, operator = (f"'00000000-0000-0000-0001-0000000{number}'::uuid" for number in (ACTOR, OTHER, OPERATOR))
    wallets = {"wallet": actor.replace("-0001-", "-0000-"), "other": other.replace("-0001-", "-0000-")}
    number = "lpad(to_hex((:k)::bigint), 31, '0')"
    ids = {"first": f"({number} || '1')::uuid", "second": f"({number} || '2')::uuid"}
    database.execute(f"update wallet.users set role = 'operator' where id = {operator}")
    scripts = {
        name: SETUP + "".join(call.format(actor=actor, operator=operator, **wallets, **ids) + ";\n" for call in calls)
        for name, calls in CALLS.items()
    }
    run.say(f"operations: timing {len(scripts)} scripts")
    with tempfile.TemporaryDirectory(dir=run.cluster.folder) as folder:
        times = medians(database, scripts, Path(folder), run.plan.growth_seconds)
    base = times["wallet_topup"]
    for name, calls in CALLS.items():
        each = times[name] / len(calls)
        if name == "wallet_topup":
            run.report.add(SECTION, name, each, "ms")
        else:
            run.report.add(SECTION, name, each, "ms a call", against="wallet_topup", ratio=each / base, goal=GOAL)
