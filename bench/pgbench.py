"""Runs pgbench and reads its output."""

import re
import statistics
from collections import defaultdict
from pathlib import Path

from bench.cluster import SQL, BenchError, Database
from bench.plan import WARM_UP

PROGRESS = re.compile(r"^progress: ([\d.]+) s, ([\d.]+) tps", re.MULTILINE)
TRANSACTIONS = r"transactions actually processed: (\d+)"
CONNECTING = r"initial connection time = ([\d.]+) ms"
TPS = r"tps = ([\d.]+)"
THREADS = 2


def rate(
    database: Database,
    script: str,
    *,
    clients: int,
    seconds: int,
    service: bool = False,
    settings: str = "",
    **variables: int,
) -> float:
    """Return transactions per second of a file in bench/sql, or of a builtin script of pgbench (`@name`).

    The first `WARM_UP` seconds, with connecting and compiling, do not count.
    """
    source = ["-b", script[1:]] if script.startswith("@") else ["-f", str(SQL / f"{script}.sql")]
    defined = [argument for name, value in variables.items() for argument in ("-D", f"{name}={value}")]
    done = database.run(
        "pgbench",
        *("-n", "-M", "prepared", "-c", str(clients), "-j", str(min(clients, THREADS))),
        *("-T", str(WARM_UP + seconds), "-P", "1", *source, *defined),
        service=service,
        settings=settings,
    )
    figures = [re.search(pattern, done.stdout) for pattern in (TRANSACTIONS, CONNECTING, TPS)]
    if None in figures:
        raise BenchError(f"pgbench said nothing that can be read:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    transactions, connecting, tps = (float(found[1]) for found in figures if found)
    # the clock of the progress report starts before connections are made, that of `tps` afterwards
    length = transactions / tps + connecting / 1000 if tps else 0.0
    first = PROGRESS.search(done.stderr)
    if first is None or length - float(first[1]) < seconds / 2:
        # a slow machine, where the warm-up took all the time
        return tps
    return (transactions - float(first[1]) * float(first[2])) / (length - float(first[1]))


def transact(database: Database, script: str, *, clients: int, transactions: int, **variables: int) -> int:
    """Run about this many transactions of a file in bench/sql as the service; returns how many."""
    each = transactions // clients
    defined = [argument for name, value in variables.items() for argument in ("-D", f"{name}={value}")]
    command = ["-n", "-M", "prepared", "-c", str(clients), "-j", str(min(clients, THREADS)), "-t", str(each)]
    database.run("pgbench", *command, "-f", str(SQL / f"{script}.sql"), *defined, service=True)
    return each * clients


def medians(database: Database, scripts: dict[str, str], folder: Path, seconds: int) -> dict[str, float]:
    """Return each script's median time in milliseconds, all of them mixed at random on one connection of the service.

    `scripts` maps names to SQL; `folder` takes pgbench's files.
    """
    files = []
    for place, text in enumerate(scripts.values()):
        file = folder / f"{place:02}.sql"
        file.write_text(text, encoding="utf-8")
        files += ["-f", str(file)]
    prefix = folder / "times"
    command = ["-n", "-M", "prepared", "-c", "1", "-T", str(WARM_UP + seconds), "-l", "--log-prefix", str(prefix)]
    database.run("pgbench", *command, *files, service=True)
    (log,) = folder.glob("times.*")
    times: dict[int, list[int]] = defaultdict(list)
    with log.open(encoding="ascii") as lines:
        first = None
        for line in lines:
            _, _, microseconds, number, epoch, fraction = line.split()[:6]
            now = int(epoch) + int(fraction) / 1e6
            first = now if first is None else first
            if now - first >= WARM_UP:
                times[int(number)].append(int(microseconds))
    log.unlink()
    if set(times) != set(range(len(scripts))):
        raise BenchError("the run was too short for every script to have its turn")
    return {name: statistics.median(times[number]) / 1000 for number, name in enumerate(scripts)}
