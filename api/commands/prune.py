"""`pgwallet prune`: removes what is old, by the rules that the database has, or tells what would go."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING, Final

import asyncpg
import click
import msgspec
from msgspec import Struct

from api.commands.output import JSON, Cell, Row, moment, progress, show_rows
from api.errors import CommandError
from api.setup.administrator import administrators
from api.setup.deploy import NoWalletsError, connected

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from api.settings import Settings

STEP: Final = 1000
MOST: Final = 1_000_000
"""Rows that are counted of each kind."""
PATIENCE: Final = 100
BUSY_SECONDS: Final = 0.1
CALL: Final = "select * from public.wallet_prune($1, $2)"


class Old(Struct):
    """How many rows of what are old, and from when they are; `keep_days` is None for ever."""

    database: int
    subject: str
    keep_days: int | None
    rows: int = 0
    oldest: datetime | None = None
    newest: datetime | None = None

    def add(self, rows: int, oldest: datetime | None, newest: datetime | None) -> None:
        """Count what a step removed: the oldest first."""
        self.rows += rows
        self.oldest = self.oldest or oldest
        self.newest = newest or self.newest


@click.command()
@click.option("--dry-run", is_flag=True, help="Remove nothing, and tell what would go")
@JSON
@click.pass_obj
def prune(settings: Settings, *, dry_run: bool, as_json: bool) -> None:
    """Remove what is old: verifications, dead letters, what has expired; the audit and uses of keys where that is set.

    The relay does so about once an hour. For how long something is kept is set by PGWALLET_KEEP_…, as `pgwallet
    migrate` and `pgwallet run` tell the database.
    """
    with administrators(settings, "prune") as urls, progress(None, "rows removed") as advance:
        found = asyncio.run(remove(urls, advance, dry_run=dry_run))
    columns: dict[str, Cell] = {
        "what": "subject",
        "kept": _kept,
        "rows": _rows,
        "oldest": lambda row: moment(row["oldest"]),
        "newest": lambda row: moment(row["newest"]),
    }
    shown = [msgspec.to_builtins(one) for one in found]
    if settings.cluster is None:
        for one in shown:
            del one["database"]
    else:
        columns = {"database": "database", **columns}
    show_rows(shown, columns, as_json=as_json, right=("rows",))


async def remove(urls: Mapping[int, str], advance: Callable[[int], None], *, dry_run: bool) -> list[Old]:
    """Remove step by step until nothing is old; return what went, or would go. Raises CommandError."""
    found: list[Old] = []
    for number, url in urls.items():
        async with connected(url) as connection:
            total: dict[str, Old] = {}
            busy = 0
            try:
                while True:
                    step = await connection.fetch(CALL, MOST if dry_run else STEP, dry_run)
                    for subject, keep_days, *counted in step:
                        total.setdefault(subject, Old(number, subject, keep_days)).add(*counted)
                    if not step:
                        # the relay's is as short
                        busy += 1
                        if busy == PATIENCE:
                            raise CommandError("another prune is at work on this database: try again later")
                        await asyncio.sleep(BUSY_SECONDS)
                    elif dry_run or not any(row["removed"] for row in step):
                        break
                    else:
                        advance(sum(row["removed"] for row in step))
            except asyncpg.UndefinedFunctionError:
                raise NoWalletsError from None
        found += total.values()
    return found


def _kept(row: Row) -> str:
    days = row["keep_days"]
    return "forever" if days is None else f"{days} days" if days else "until it expires"


def _rows(row: Row) -> str:
    return f"{row['rows']} or more" if row["rows"] == MOST else str(row["rows"])
