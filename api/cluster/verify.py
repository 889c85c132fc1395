"""Verifies all databases of a map: each alone, then what they say of one another."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct, field

from api.cluster.migrate import address
from api.errors import CommandError
from api.integrity import verification
from api.integrity.cross_check import cross_check

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from api.cluster_map import ClusterMap
    from api.integrity.hash_chain import Finding


class Verified(Struct):
    """One database: its entries, or why it is not sound or could not be judged."""

    number: int
    entries: int = 0
    warnings: int = 0
    error: str | None = None


class Result(Struct):
    """All of them. `in_transit` are minor units by asset: what has left one database and not arrived in another."""

    databases: list[Verified]
    rows: int = 0
    cross_violations: int = 0
    cross_warnings: int = 0
    in_transit: dict[str, int] = field(default_factory=dict)
    cross_error: str | None = None

    @property
    def ok(self) -> bool:
        """Whether everything was judged and nothing is violated."""
        return not (self.cross_error or self.cross_violations or any(one.error for one in self.databases))


async def verify_all(
    found: ClusterMap,
    report: Callable[[int | None, Finding], None],
    progress: Callable[[int], AbstractContextManager[Callable[[int], None]]],
) -> Result:
    """Judge each database, also when another one is away or unsound. `report` is told each finding and where it is."""
    result = Result([Verified(member.number) for member in found.members])
    for member, one in zip(found.members, result.databases, strict=True):
        try:
            run = await verification.verify(
                address(member), verification.Order(), partial(report, one.number), progress
            )
            one.entries, one.warnings = run.entries, run.warnings
        except CommandError as error:
            one.error = str(error)
    try:
        urls = {member.number: address(member) for member in found.members}
        crossed = await cross_check(urls, partial(report, None), progress)
    except CommandError as error:
        result.cross_error = str(error)
    else:
        result.rows, result.cross_violations, result.cross_warnings = crossed.rows, crossed.violations, crossed.warnings
        result.in_transit = {asset: crossed.in_transit(asset) for asset in crossed.balances}
    return result
