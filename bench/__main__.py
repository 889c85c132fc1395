"""The command: `python -m bench --help`."""

import dataclasses
import os
import signal
import sys
import time
from pathlib import Path

import click

from api.errors import CommandError
from bench import (
    batches,
    cpu,
    databases,
    earlier,
    events,
    growth,
    http_peer,
    keys,
    machine,
    operations,
    over_http,
    profile,
    signin,
    single,
    size,
    wrk,
)
from bench.cluster import TEMPLATE, BenchError, cluster
from bench.plan import FULL, QUICK
from bench.report import RESULTS, Report
from bench.run import Run

SECTIONS = (
    "single",
    "batches",
    "size",
    "growth",
    "operations",
    "http",
    "cpu",
    "signin",
    "events",
    "peer",
    "before",
    "databases",
    "keys",
    "profile",
)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--quick", is_flag=True, envvar="QUICK", help="One short round of the main points, in 3 or 4 minutes.")
@click.option("--growth", "grow", is_flag=True, envvar="GROWTH", help="Also time a ledger of 20 million rows.")
@click.option("--only", multiple=True, type=click.Choice(SECTIONS), help="Only this section; may be repeated.")
@click.option("--pgledger", type=click.Path(path_type=Path), help="A checkout of pgledger, to run beside ours.")
@click.option("--http-peer", metavar="URL", help="Another service with the same calls, in turns with ours.")
@click.option(
    "--http-peer-tokens",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Tokens of its users, one a line, in place of signing some up there.",
)
@click.option("--before", type=click.Path(path_type=Path), help="A checkout of an earlier version, installed.")
@click.option("--service", multiple=True, metavar="NAME=VALUE", help="A setting of the service; may be repeated.")
@click.option("--rounds", type=click.IntRange(1), help="How often everything runs in turn.")
@click.option("--markdown", is_flag=True, help="Run nothing: print the last results as Markdown.")
def main(
    *,
    quick: bool,
    grow: bool,
    only: tuple[str, ...],
    pgledger: Path | None,
    http_peer: str | None,
    http_peer_tokens: Path | None,
    before: Path | None,
    service: tuple[str, ...],
    rounds: int | None,
    markdown: bool,
) -> None:
    """Measure pgwallet on a server of the benchmark's own, print a table and write bench/results/latest.json."""
    if markdown:
        if not RESULTS.exists():
            raise click.ClickException(f"there is no {RESULTS} yet: run `make bench`")
        click.echo(Report.load().markdown())
        return
    if http_peer_tokens is not None and http_peer is None:
        raise click.UsageError("--http-peer-tokens needs --http-peer")
    plan = QUICK if quick else FULL
    if rounds is not None:
        plan = dataclasses.replace(plan, rounds=rounds)
    settings = dict(item.partition("=")[::2] for item in service)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    started = time.monotonic()
    try:
        with cluster() as server:
            report = Report(machine.facts(server.database(TEMPLATE), plan))
            run = Run(
                plan=plan,
                cluster=server,
                report=report,
                started=started,
                growth=grow,
                pgledger=pgledger,
                http_peer=http_peer,
                http_peer_tokens=http_peer_tokens,
                before=before,
                service=settings,
            )
            if not wrk.installed():
                run.say(wrk.MISSING)
            fault = _measured(run, only or SECTIONS)
    except CommandError as error:
        raise click.ClickException(str(error)) from None
    except KeyboardInterrupt:
        sys.exit(130)
    report.facts["duration"] = f"{time.monotonic() - started:.0f} s"
    report.sort()
    report.save()
    click.echo(report.text())
    if fault is not None:
        raise click.ClickException(fault)


def _measured(run: Run, sections: tuple[str, ...]) -> str | None:
    """Measure; returns the error that ended it, if any: the results so far are still reported."""
    try:
        measure(run, sections)
    except BenchError as error:
        run.report.note(f"The run ended early: {str(error).splitlines()[0]}")
        return str(error)
    return None


def measure(run: Run, sections: tuple[str, ...]) -> None:
    """Run the sections, growth before the service, which reads the histories that it writes."""
    for name, alone in (("single", single), ("batches", batches), ("size", size), ("profile", profile)):
        if name in sections:
            alone.measure(run)
    if "operations" in sections:
        with run.cluster.clone("wallets") as database:
            operations.measure(run, database)
    if "growth" in sections or "http" in sections:
        with run.cluster.clone("wallets") as database:
            growth.measure(run, database)
            if "http" in sections:
                over_http.measure(run, database)
    for name, section in (("cpu", cpu), ("signin", signin), ("keys", keys)):
        if name in sections:
            with run.cluster.clone("wallets") as database:
                section.measure(run, database)
    if "events" in sections:
        events.measure(run)
    _peers(run, sections)


def _peers(run: Run, sections: tuple[str, ...]) -> None:
    """Run what an option locates."""
    if "peer" in sections and run.http_peer is not None:
        http_peer.measure(run, run.http_peer)
    if "before" in sections and run.before is not None:
        earlier.measure(run, run.before)
    if "databases" in sections:
        databases.measure(run)
        if run.before is not None:
            databases.against(run, run.before)


if __name__ == "__main__":
    # `make bench` passes an unset QUICK on as empty
    for name in ("QUICK", "GROWTH"):
        if not os.environ.get(name):
            os.environ.pop(name, None)
    main()
