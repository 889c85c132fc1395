"""Compares what the databases of a cluster say about transfers between them: the proof without a common snapshot.

What is read first is older. A row of an inbox is committed after its row of the outbox, so whoever reads inboxes and
then outboxes finds an origin for every row. A transfer is concluded after it was decided, so whoever reads outboxes and
then inboxes finds the decision for every one that is concluded. Rows are read a thousand at a time; each statement has
a snapshot of its own, and nothing waits for it.
"""

from __future__ import annotations

from collections import defaultdict
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Final, NamedTuple

import asyncpg

from api.cluster_map import number_of_row
from api.errors import CommandError
from api.integrity.hash_chain import WARNING, Finding
from api.setup.deploy import NoWalletsError, connected

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
    from contextlib import AbstractContextManager

ROWS_AT_A_TIME: Final = 1000
IN_TRANSIT: Final = ("transfer", "received", "returned")
"""System wallets whose balances, added up over all databases, are what is in transit."""
RECORDED_AS_ANOTHER: Final = "WA004"
"""The code of a transfer whose number the recipient's database knows as another transfer's."""
COUNT: Final = "select (select count(*) from wallet.outbox) + (select count(*) from wallet.inbox)"
NOW: Final = "select clock_timestamp()"
ASSETS: Final = "select a.code from public.wallet_assets() a"
TRIAL_BALANCE: Final = "select b.account, b.balance from public.wallet_trial_balance($1, $2) b"
BOXES: Final = {
    "outbox": "select * from public.wallet_cross_outbox($1, $2, $3)",
    "inbox": "select * from public.wallet_cross_inbox($1, $2, $3)",
}

Row = asyncpg.Record


class Crossed(NamedTuple):
    """A run's result. Balances are in minor units, by asset and account, of all databases together."""

    rows: int
    violations: int
    warnings: int
    balances: Mapping[str, Mapping[str, int]]

    def in_transit(self, asset: str) -> int:
        """Return what had left one database and not arrived in another, or come back, at the moment of the balances."""
        return sum(self.balances[asset].get(account, 0) for account in IN_TRANSIT)


async def cross_check(
    urls: Mapping[int, str],
    report: Callable[[Finding], None],
    progress: Callable[[int], AbstractContextManager[Callable[[int], None]]],
) -> Crossed:
    """Compare the databases at these addresses of administrators, by number; findings are reported as they come.

    Raises CommandError for one that does not answer: what it has cannot be left out.
    """
    async with AsyncExitStack() as stack:
        check = CrossCheck(
            {number: await stack.enter_async_context(connected(url)) for number, url in sorted(urls.items())}
        )
        violations = warnings = 0
        with progress(await check.expected()) as advance:
            async for finding in check.findings(advance):
                report(finding)
                violations, warnings = violations + (not finding.is_warning), warnings + finding.is_warning
        return Crossed(check.rows, violations, warnings, check.balances)


class CrossCheck:
    """One run over the databases, by number."""

    def __init__(self, databases: Mapping[int, asyncpg.Connection]) -> None:
        self._databases = databases
        self.rows = 0
        self.balances: dict[str, dict[str, int]] = {}

    async def expected(self) -> int:
        """Return how many rows there are to compare, for the progress bar."""
        return sum([(await self._fetch(number, COUNT))[0][0] for number in self._databases])

    async def findings(self, advance: Callable[[int], None]) -> AsyncIterator[Finding]:
        """Judge everything: inboxes, then outboxes, then the balances. `advance` counts rows."""
        for number in self._databases:
            async for rows in self._pages(number, "inbox"):
                wanted = [(number_of_row(row["origin_id"]), row["origin_id"]) for row in rows]
                origins = await self._counterparts("outbox", wanted)
                for row in rows:
                    for finding in _of_inbox(number, row, origins.get(row["origin_id"])):
                        yield finding
                self.rows += len(rows)
                advance(len(rows))
        for number in self._databases:
            async for rows in self._pages(number, "outbox"):
                concluded = [row for row in rows if row["status"] != "pending"]
                wanted = [(row["destination"], row["transaction_id"]) for row in concluded]
                decisions = await self._counterparts("inbox", wanted)
                for row in concluded:
                    for finding in _of_outbox(number, row, decisions.get(row["transaction_id"])):
                        yield finding
                self.rows += len(rows)
                advance(len(rows))
        async for finding in self._balances():
            yield finding

    async def _pages(self, number: int, box: str) -> AsyncIterator[list[Row]]:
        after = 0
        while rows := await self._fetch(number, BOXES[box], after, ROWS_AT_A_TIME, None):
            yield rows
            after = rows[-1][0]

    async def _counterparts(self, box: str, wanted: Iterable[tuple[int, int]]) -> dict[int, Row]:
        """Read rows of other databases, by the transaction's number. A database that is not there has none."""
        ids: dict[int, list[int]] = defaultdict(list)
        for number, row_id in wanted:
            ids[number].append(row_id)
        return {
            row[0]: row
            for number in ids.keys() & self._databases.keys()
            for row in await self._fetch(number, BOXES[box], 0, 0, ids[number])
        }

    async def _fetch(self, number: int, query: str, *values: object) -> list[Row]:
        try:
            rows: list[Row] = await self._databases[number].fetch(query, *values)
        except (asyncpg.UndefinedTableError, asyncpg.UndefinedFunctionError):
            raise NoWalletsError from None
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise CommandError(f"database {number}: {error}") from error
        return rows

    async def _balances(self) -> AsyncIterator[Finding]:
        """Add the trial balances up, at a moment that has passed in all databases."""
        moment = min([(await self._fetch(number, NOW))[0][0] for number in self._databases])
        assets = {number: {row[0] for row in await self._fetch(number, ASSETS)} for number in self._databases}
        for asset in sorted(set().union(*assets.values())):
            total: dict[str, int] = defaultdict(int)
            for number in self._databases:
                if asset not in assets[number]:
                    continue
                rows = await self._fetch(number, TRIAL_BALANCE, asset, moment)
                if net := sum(int(row["balance"]) for row in rows):
                    yield Finding(
                        "trial_balance", None, None, None, f"database {number}: the accounts of {asset} sum to {net}"
                    )
                for row in rows:
                    total[row["account"]] += int(row["balance"])
            self.balances[asset] = dict(total)
            in_transit = sum(total[account] for account in IN_TRANSIT)
            if in_transit < 0:
                detail = (
                    f"{-in_transit} {asset} more have arrived than were sent: clocks differ, or see the findings above"
                )
                yield Finding(f"{WARNING}in_transit", None, None, None, detail)


def _of_inbox(number: int, row: Row, origin: Row | None) -> Iterator[Finding]:
    """Judge what was decided by what the sender's database says now, which is newer."""

    def finding(violation: str, detail: str) -> Finding:
        return Finding(violation, row["to_wallet_id"], None, row["transaction_id"], f"database {number}: {detail}")

    of = f"{row['amount']} {row['asset']} from {row['from_wallet_id']}, number {row['origin_id']}"
    if origin is None:
        there = f"database {number_of_row(row['origin_id'])} does not have it"
        yield finding("origin", f"{_decision(row)} {of}: {there}")
        return
    sent = (origin["wallet_id"], origin["to_wallet_id"], origin["amount"], origin["asset"], origin["destination"])
    if sent != (row["from_wallet_id"], row["to_wallet_id"], row["amount"], row["asset"], number):
        yield finding(
            "origin",
            f"{_decision(row)} {of}: it was {origin['amount']} {origin['asset']} from {origin['wallet_id']} to "
            f"{origin['to_wallet_id']} of database {origin['destination']}",
        )
    elif row["code"] is None and origin["status"] == "returned":
        yield finding("twice", f"credited {of}: it was returned to the sender, too")
    elif row["code"] is not None and origin["status"] == "delivered":
        yield finding("lost", f"refused {of}: the sender's database has it as delivered")
    if row["is_erased"] and origin["erasure"] is None:
        yield finding("erased_copy", f"the details of {of} are erased, and the sender's are not")


def _of_outbox(number: int, row: Row, decision: Row | None) -> Iterator[Finding]:
    """Judge what is concluded by what the recipient's database says now, which is newer."""

    def finding(violation: str, detail: str) -> Finding:
        return Finding(violation, row["wallet_id"], None, row["transaction_id"], f"database {number}: {detail}")

    of = f"{row['amount']} {row['asset']} to {row['to_wallet_id']} of database {row['destination']}"
    if decision is None:
        violation = "lost" if row["status"] == "delivered" else "refusal"
        yield finding(violation, f"{row['status']} {of}, which knows nothing of it")
    elif row["status"] == "returned" and row["code"] not in {decision["code"], RECORDED_AS_ANOTHER}:
        # one that was credited is found from the other side
        if decision["code"] is not None:
            yield finding("refusal", f"returned {of} for {row['code']}, which refused it for {decision['code']}")
    elif row["erasure"] == "done" and decision["code"] is None and not decision["is_erased"]:
        yield finding("erased_copy", f"the details of what was sent, {of}, are erased here and not there")


def _decision(row: Row) -> str:
    return "credited" if row["code"] is None else f"refused ({row['code']})"
