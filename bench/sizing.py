"""How many databases and servers so many users need, from what was measured: `python -m bench.sizing --help`.

The page docs/deployment/sizing.md quotes what it prints.
"""

import math
from dataclasses import dataclass, replace

import click

# Measured: sections (i), with one connection, which no batch makes cheaper, (e) and (m) of bench/README.md.
TOPUP_SERVER, TOPUP_SERVICE = 306, 224
READ_SERVER, READ_SERVICE = 64, 133
"""Microseconds of a processor, of the server of databases and of the service."""
ROUTED = 1.28
"""What routing costs, where each database has the same load."""
TRANSFER = 3
"""A transfer to another database costs the processors so many top-ups more: to look for, receive and conclude it."""
BYTES = 470
"""Of a transaction in tables and indexes; a transfer to another database is one in each."""
WAL = 8_300
"""Bytes of a top-up in the write-ahead log, where hardly a page is met twice between checkpoints."""
NUMBERS = 4096
LOOKS = 1
"""A worker's looks at each database, a second, for what is to be carried to others."""


@dataclass(frozen=True)
class Load:
    """What users do, and how long it is kept."""

    users: float
    per_day: float = 0.2
    reads: float = 5.0
    peak: float = 5.0
    transfers: float = 0.2
    years: float = 2.0
    entries: float = 1e8


@dataclass(frozen=True)
class Server:
    """What one server has; a half of it is used at the peak."""

    processors: int = 16
    terabytes: float = 4.0
    wal: float = 100.0
    connections: int = 1000


USED = 0.5


@dataclass(frozen=True)
class Need:
    """What the load takes, and the part of its bound that each thing which could break first has reached."""

    transactions: float
    a_second: float
    databases: int
    terabytes: float
    servers: int
    workers: int
    parts: dict[str, float]
    """Of one server: what so many servers are needed for."""
    reached: dict[str, float]
    """What no further server helps against."""

    @property
    def first(self) -> str:
        """What breaks first: it has reached most of its bound."""
        return largest(self.reached)


def largest(parts: dict[str, float]) -> str:
    """Return the name of the largest part."""
    return max(parts, key=lambda name: parts[name])


def need(load: Load, server: Server) -> Need:
    """Return what the load needs on such servers; a standby of each is not counted."""
    transactions = load.users * load.per_day * 365 * load.years
    a_second = load.users * load.per_day / 86_400 * load.peak
    databases = max(1, math.ceil(2 * transactions / load.entries))
    if databases > 1:
        # which is written twice: once on each side
        databases = math.ceil(2 * transactions * (1 + load.transfers) / load.entries)
    elsewhere = load.transfers * (databases - 1) / databases
    routed = ROUTED if databases > 1 else 1.0
    in_servers = a_second * routed * ((1 + TRANSFER * elsewhere) * TOPUP_SERVER + load.reads * READ_SERVER) / 1e6
    in_service = a_second * routed * ((1 + TRANSFER * elsewhere) * TOPUP_SERVICE + load.reads * READ_SERVICE) / 1e6
    terabytes = transactions * (1 + elsewhere) * BYTES / 1e12
    megabytes = a_second * (1 + elsewhere) * WAL / 1e6
    parts = {
        "disk": terabytes / (server.terabytes * USED),
        "processors": in_servers / (server.processors * USED),
        "write-ahead log": megabytes / (server.wal * USED),
    }
    servers = min(databases, max(1, math.ceil(max(parts.values()))))
    workers = max(2, math.ceil(in_service / USED))
    # a session of the service and one of the relay, of each worker, to each database
    sessions = 2 * workers * math.ceil(databases / servers)
    looks = databases * LOOKS if databases > 1 else 0
    reached = {
        "numbers of databases": databases / NUMBERS,
        "connections": sessions / server.connections,
        "looks for transfers": looks * READ_SERVICE / 1e6 / USED,
    }
    return Need(transactions, a_second, databases, terabytes, servers, workers, parts, reached)


def table(loads: list[Load], server: Server) -> str:
    """Return the needs of these loads as Markdown, each with what breaks first."""
    headings = ("users", "entries a database", "transactions kept", "a second, peak", "databases", "TB", "workers")
    lines = [
        f"| {' | '.join(headings)} | servers | first to break |",
        f"|{'--:|' * len(headings)}---|---|",
    ]
    for load in loads:
        found = need(load, server)
        cells = (
            *(_short(load.users), _short(load.entries), _short(found.transactions), f"{found.a_second:,.0f}"),
            *(f"{found.databases:,}", f"{found.terabytes:,.2f}", f"{found.workers:,}"),
            f"{found.servers:,}, for {largest(found.parts)}",
            f"{found.first}: {found.reached[found.first]:,.1%} of the bound",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _short(value: float) -> str:
    """Return a large number as people write it: 1.5·10⁸."""
    power = math.floor(math.log10(value))
    digits = f"{value / 10**power:.1f}".removesuffix(".0")
    exponent = str(power).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"10{exponent}" if digits == "1" else f"{digits}·10{exponent}"


def _percents(parts: dict[str, float]) -> str:
    return ", ".join(f"{name} {part:,.1%}" for name, part in sorted(parts.items(), key=lambda one: -one[1]))


PAGE = [Load(10**power, entries=entries) for power in (6, 8, 9) for entries in (1e8, 1e9)]
"""What the page shows."""


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option("--users", type=float, help="How many; without it the page's table is printed.")
@click.option("--per-day", type=float, default=Load.per_day, help="Transactions of a user a day.")
@click.option("--reads", type=float, default=Load.reads, help="Balances and pages read for each transaction.")
@click.option("--peak", type=float, default=Load.peak, help="The peak's rate, in means.")
@click.option("--transfers", type=float, default=Load.transfers, help="The part of transactions that goes to others.")
@click.option("--years", type=float, default=Load.years, help="That transactions are kept.")
@click.option("--entries", type=float, default=Load.entries, help="Most entries of a database.")
@click.option("--processors", type=int, default=Server.processors, help="Of a server.")
@click.option("--terabytes", type=float, default=Server.terabytes, help="Of a server's disk.")
@click.option("--wal", type=float, default=Server.wal, help="Megabytes of write-ahead log a second, of a server.")
@click.option("--connections", type=int, default=Server.connections, help="Of a server.")
def main(users: float | None, **given: float) -> None:
    """Print what so many users need."""
    server = Server(*(given.pop(name) for name in ("processors", "terabytes", "wal", "connections")))  # type: ignore[arg-type]
    loads = PAGE if users is None else [replace(Load(users), **given)]
    click.echo(table(loads, server))
    if users is not None:
        found = need(loads[0], server)
        click.echo(f"of one server: {_percents(found.parts)}; of the bounds: {_percents(found.reached)}")


if __name__ == "__main__":
    main()
