"""How long and how often everything is measured."""

from dataclasses import dataclass

WALLETS = 10_000
"""Bench wallets, numbered FIRST .. FIRST + WALLETS - 1; the number is the end of the wallet's and of its owner's id."""

FIRST = 10_000
USERS = 200
"""The first so many of them sign in over HTTP. Number FIRST is the hot wallet."""

LEDGER_ROWS = 20_000_000
"""What GROWTH=1 fills the ledger up to."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Seconds are per point and round; pgbench runs `WARM_UP` seconds more, which are not counted.

    On a slow machine a section's rounds end early, to keep its budget in seconds.
    """

    name: str
    rounds: int
    clients: tuple[int, ...]
    single_seconds: int
    single_budget: int
    builtins: tuple[str, ...]
    pgbench_scale: int
    batch_sizes: tuple[int, ...]
    batch_clients: tuple[int, ...]
    batch_seconds: int
    batch_budget: int
    size_transactions: int
    growth_entries: int
    growth_seconds: int
    http_connections: tuple[int, ...]
    http_seconds: int
    http_budget: int
    peer_users: int
    verify: bool

    @property
    def brief(self) -> bool:
        """Whether only the main points are measured."""
        return self.name == "quick"


WARM_UP = 1

FULL = Plan(
    name="full",
    rounds=3,
    clients=(1, 8, 20),
    single_seconds=3,
    single_budget=280,
    builtins=("simple-update", "tpcb-like"),
    pgbench_scale=20,
    batch_sizes=(10, 50, 1000),
    batch_clients=(1, 2, 4),
    batch_seconds=2,
    batch_budget=220,
    size_transactions=120_000,
    growth_entries=1_000_000,
    growth_seconds=20,
    http_connections=(1, 8, 32, 128, 512),
    http_seconds=2,
    http_budget=200,
    peer_users=50,
    verify=True,
)

# One round shows that everything works, and rough figures: do not quote them.
QUICK = Plan(
    name="quick",
    rounds=1,
    clients=(1, 20),
    single_seconds=1,
    single_budget=20,
    builtins=("simple-update",),
    pgbench_scale=2,
    batch_sizes=(50, 1000),
    batch_clients=(2,),
    batch_seconds=1,
    batch_budget=15,
    size_transactions=15_000,
    growth_entries=50_000,
    growth_seconds=3,
    http_connections=(32, 128),
    http_seconds=1,
    http_budget=20,
    peer_users=10,
    verify=False,
)
