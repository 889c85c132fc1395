"""Verifies the ledger in one snapshot: the hash chain of every user wallet here, all other rules by wallet_verify().

Memory and the server's temporary files are bounded: wallets are read a thousand at a time, their entries by a cursor
along the key. Bad data does not end a run: every finding is reported.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final, NamedTuple

import asyncpg

from api.errors import CommandError
from api.integrity.checkpoint import Mark, reading, writing
from api.integrity.hash_chain import START, Finding, Place, follow, place_of
from api.setup.deploy import NoWalletsError, connected, record_verification

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from api.integrity.checkpoint import Checkpoint, Draft

WALLETS_AT_A_TIME: Final = 1000
ENTRIES_AT_A_TIME: Final = 1000
WALLETS: Final = """
select w.id, w.owner_id, w.asset
from wallet.wallets w
where w.kind = 'user' and ($1::uuid is null or w.id > $1)
order by w.id
limit $2
"""
# Joined row by row, in the order of the key: a plan that sorts or hashes writes temporary files as large as the ledger.
ALONG_THE_KEYS: Final = """
set local enable_seqscan = off; set local enable_bitmapscan = off; set local enable_sort = off;
set local enable_hashjoin = off; set local enable_mergejoin = off; set local enable_material = off;
set local jit = off
"""
ENTRIES: Final = """
select m.wallet_id, e.*
from unnest($1::uuid[], $2::bigint[]) as m (wallet_id, seq)
cross join lateral (
  select l.seq, l.transaction_id, l.amount, l.balance_after, l.hash, timestamptz_send(l.recorded_at) as recorded_at,
    t.wallet_id as from_wallet_id, t.seq as transaction_seq, t.txn_id, t.type::text, t.amount as transaction_amount,
    timestamptz_send(t.created_at) as created_at, t.counterparty_id, d.salt, d.reference, d.metadata::text,
    timestamptz_send(d.effective_at) as effective_at, d.hash as details_hash
  from wallet.ledger l
  left join wallet.transactions t on t.id = l.transaction_id
  left join wallet.transaction_details d on d.transaction_id = l.transaction_id
  where l.wallet_id = m.wallet_id and l.seq >= m.seq
  order by l.seq
) e
"""
COVERED: Final = """
select m.wallet_id, m.seq, c.entries
from unnest($1::uuid[], $2::bigint[]) as m (wallet_id, seq)
cross join lateral (
  select count(*) as entries from wallet.ledger l where l.wallet_id = m.wallet_id and l.seq <= m.seq
) c
where m.seq > 0
"""
RULES: Final = "select * from public.wallet_verify(false)"
COUNT: Final = "select count(*) from wallet.ledger where hash is not null"
NOW: Final = """select to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')"""
LOWEST: Final = -(2**63)


class UnsoundError(CommandError):
    """The ledger violates its rules; the text names the first bad row."""


class Order(NamedTuple):
    """What to verify: from which checkpoint on, or everything, and where to write a new one. `key` signs them."""

    key: str = ""
    checkpoint: Path | None = None
    full: bool = True
    write: Path | None = None


class Summary(NamedTuple):
    """A run's result. `since` is the checkpoint's time, if only later entries were verified.

    `unnoted` is the reason, if the run is not on record.
    """

    entries: int
    since: str | None
    warnings: int = 0
    unnoted: str | None = None


async def verify(
    url: str,
    order: Order,
    report: Callable[[Finding], None],
    progress: Callable[[int], AbstractContextManager[Callable[[int], None]]],
) -> Summary:
    """Verify the database at `url`; findings are reported as they come.

    Raises NoWalletsError, or UnsoundError after the last one.
    """
    started, found, warnings, first = time.monotonic(), 0, 0, None
    with ExitStack() as files:
        async with connected(url) as connection:
            try:
                old = files.enter_context(reading(order.checkpoint, order.key)) if order.checkpoint else None
                async with connection.transaction(isolation="repeatable_read", readonly=True):
                    taken = await connection.fetchval(NOW)
                    draft = files.enter_context(writing(order.write, order.key, taken)) if order.write else None
                    run = Verification(connection, checkpoint=old, full=order.full)
                    with progress(await run.expected()) as advance:
                        async for finding in run.findings(draft, advance):
                            report(finding)
                            if finding.is_warning:
                                warnings += 1
                            else:
                                found, first = found + 1, first or finding
                unnoted = await record_verification(connection, found, time.monotonic() - started)
            except asyncpg.UndefinedTableError:
                raise NoWalletsError from None
        if first is not None:
            where = (
                f"{first.violation} in wallet {first.wallet_id}, seq {first.seq}, transaction {first.transaction_id}"
            )
            note = f"; this run is not on record: {unnoted}" if unnoted else ""
            raise UnsoundError(f"{found} violations, the first: {where}{note}")
    return Summary(run.entries, None if old is None or order.full else old.taken, warnings, unnoted)


class Wallet:
    """A user wallet whose chain is followed. `mark` is its line in the checkpoint, else has seq 0."""

    def __init__(self, mark: Mark, *, full: bool) -> None:
        self.mark = mark
        self.place = Place()
        self._met = mark.seq == 0
        self._skip = 0 if full else mark.seq

    @property
    def start(self) -> int:
        """The seq of the first entry to read: the checkpoint's, or the lowest possible."""
        return self._skip or LOWEST

    def judge(self, row: asyncpg.Record) -> list[Finding]:
        """Judge the next entry."""
        if self._skip and row["seq"] == self._skip:
            self.place, found = place_of(row), list[Finding]()
        else:
            found = follow(self.place, row)
            self.place = place_of(row)
        if self.mark.seq and row["seq"] == self.mark.seq:
            self._met = True
            if row["hash"] != self.mark.hash:
                found.append(self._finding("the checkpoint has another hash"))
        return found

    def end(self, draft: Draft | None) -> list[Finding]:
        """Report it if the checkpoint's entry was missing; note in `draft` how far the chain goes."""
        if draft is not None:
            draft.add(self.mark._replace(seq=self.place.seq, hash=self.place.hash))
        return [] if self._met else [self._finding(f"the wallet ends at {self.place.seq}")]

    def _finding(self, detail: str) -> Finding:
        return Finding("checkpoint", self.mark.wallet_id, self.mark.seq, None, detail)


class Verification:
    """One run, inside a transaction that sees one snapshot."""

    def __init__(self, connection: asyncpg.Connection, *, checkpoint: Checkpoint | None, full: bool) -> None:
        self._connection = connection
        self._checkpoint = checkpoint
        self._full = full or checkpoint is None
        self._advance: Callable[[int], None] = lambda _: None
        self.entries = 0

    async def expected(self) -> int:
        """Return how many entries there are to judge, for the progress bar."""
        skipped = 0 if self._full or self._checkpoint is None else self._checkpoint.entries
        return max(int(await self._connection.fetchval(COUNT)) - skipped, 0)

    async def findings(self, draft: Draft | None, advance: Callable[[int], None]) -> AsyncIterator[Finding]:
        """Judge everything, in the order of wallets. `draft` gets each chain's end, `advance` counts entries."""
        self._advance = advance
        await self._connection.execute(ALONG_THE_KEYS)
        async for finding in self._chains(draft):
            yield finding
        if self._full:
            async for row in self._connection.cursor(RULES, prefetch=ENTRIES_AT_A_TIME):
                yield Finding(*row)

    async def _chains(self, draft: Draft | None) -> AsyncIterator[Finding]:
        """Go through the wallets and the checkpoint's marks together: both are sorted by id."""
        marks = iter(self._checkpoint.marks()) if self._checkpoint is not None else iter(())
        last, mark = None, next(marks, None)
        while rows := await self._connection.fetch(WALLETS, last, WALLETS_AT_A_TIME):
            last = rows[-1]["id"]
            wallets: list[Wallet] = []
            for row in rows:
                now = Mark(row["id"], row["owner_id"], row["asset"], 0, START)
                while mark is not None and mark.wallet_id < now.wallet_id:
                    yield _gone(mark)
                    mark = next(marks, None)
                if mark is None or mark.wallet_id != now.wallet_id:
                    wallets.append(Wallet(now, full=self._full))
                    continue
                if mark[1:3] != now[1:3]:
                    detail = f"a wallet of {now.owner_id} in {now.asset}; it was {mark.owner_id}'s, in {mark.asset}"
                    yield Finding("checkpoint", now.wallet_id, None, None, detail)
                wallets.append(Wallet(mark, full=self._full))
                mark = next(marks, None)
            async for finding in self._judge(wallets):
                yield finding
            for wallet in wallets:
                for finding in wallet.end(draft):
                    yield finding
        while mark is not None:
            yield _gone(mark)
            mark = next(marks, None)

    async def _judge(self, wallets: Sequence[Wallet]) -> AsyncIterator[Finding]:
        """Judge the entries of some wallets; those up to the checkpoint are counted, not hashed again."""
        by_id = {wallet.mark.wallet_id: wallet for wallet in wallets}
        starts = [wallet.start for wallet in wallets]
        for row in [] if self._full else await self._connection.fetch(COVERED, list(by_id), starts):
            if row["entries"] != row["seq"]:
                detail = f"{row['entries']} entries up to seq {row['seq']}"
                yield Finding("checkpoint", row["wallet_id"], row["seq"], None, detail)
        async for row in self._connection.cursor(ENTRIES, list(by_id), starts, prefetch=ENTRIES_AT_A_TIME):
            wallet = by_id[row["wallet_id"]]
            if row["seq"] != wallet.start:
                self.entries += 1
                self._advance(1)
            for finding in wallet.judge(row):
                yield finding


def _gone(mark: Mark) -> Finding:
    detail = f"the wallet is gone; the checkpoint has {mark.seq} entries"
    return Finding("checkpoint", mark.wallet_id, None, None, detail)
