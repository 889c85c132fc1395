"""Those who follow events as their documents say, one who does not, and what all of them should have seen."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import psycopg
from psycopg.rows import DictRow

from tests.command import wait_until
from tests.database import Database

ALL = "wallet_events({page})"
IDS = """
    select t.id, t.wallet_id, t.counterparty_id, 'transaction.' || t.type as type
    from wallet.transactions t
    union all
    select h.id, h.wallet_id, null,
      'hold.' || case h.event when 'hold' then 'opened' when 'void' then 'voided' else h.event end
    from wallet.hold_events h
    where h.event <> 'capture'
    union all
    select a.id, a.wallet_id, null, a.type
    from wallet.account_events a
"""
"""What is an event, by tables of its own; a capture's row of its hold is none."""


class Follower:
    """A consumer: a mark in a transaction of its own, then pages up to it. Its cursor is the last id it was given."""

    def __init__(self, database: Database, function: str = ALL, limit: int = 7, **arguments: object) -> None:
        self._connection = connect(database)
        page = "p_after => %(after)s, p_up_to => %(up_to)s, p_fence => %(fence)s, p_limit => %(limit)s"
        self._query = f"select * from {function.format(page=page)}".encode()
        self._arguments = {**arguments, "limit": limit}
        self._known: int | None = None
        self.after = 0
        self.rows: list[DictRow] = []

    def mark(self) -> DictRow:
        """Draw a fence."""
        (mark,) = self._connection.execute("select * from wallet_event_mark(%s)", [self._known])
        return mark

    def page(self, mark: Mapping[str, object]) -> list[DictRow]:
        """Read on from where this consumer is; nothing before the fence has passed."""
        rows = self._connection.execute(self._query, {**self._arguments, **mark, "after": self.after}).fetchall()
        if rows:
            self.after = rows[-1]["id"]
        self.rows += [row for row in rows if row["event"] is not None]
        return rows

    def settled(self, mark: Mapping[str, object]) -> bool:
        (row,) = self._connection.execute("select wallet_event_settled(%(fence)s) as settled", mark)
        return bool(row["settled"])

    def follow(self) -> None:
        """Read all that was written until now."""
        mark = self.mark()
        if mark["fence"] is not None:
            wait_until(lambda: self.settled(mark))
            while self.page(mark):
                pass
            self._known = mark["up_to"]

    @property
    def ids(self) -> list[int]:
        return [row["id"] for row in self.rows]

    def close(self) -> None:
        self._connection.close()


class Poller:
    """A consumer that reads what is newer than the newest id that it has seen."""

    def __init__(self, database: Database) -> None:
        self._connection = connect(database)
        self._newest = 0
        self.ids: list[int] = []

    def follow(self) -> None:
        query = f"select e.id from ({IDS}) e where e.id > %s order by e.id".encode()
        self.ids += [row["id"] for row in self._connection.execute(query, [self._newest])]
        self._newest = max(self._newest, *self.ids[-1:], 0)

    def close(self) -> None:
        self._connection.close()


def connect(database: Database, *, service: bool = False) -> psycopg.Connection[DictRow]:
    url = database.api_url if service else database.url
    return psycopg.Connection[DictRow].connect(url, autocommit=True, row_factory=psycopg.rows.dict_row)


def on_record(connection: psycopg.Connection[DictRow], condition: str = "true", **arguments: object) -> list[int]:
    """The ids of the events for which `condition` holds, in order."""
    query = f"select e.id from ({IDS}) e where e.id > 0 and ({condition}) order by e.id".encode()
    return [row["id"] for row in connection.execute(query, arguments)]


def moved(events: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """The sum of the entries of each wallet, as a consumer adds them up."""
    sums: dict[str, int] = defaultdict(int)
    for event in events:
        for entry in event["data"].get("entries", ()):
            sums[entry["wallet_id"]] += entry["amount"]
    return dict(sums)


def ledger(connection: psycopg.Connection[DictRow]) -> dict[str, int]:
    """The sum of the entries of each wallet in the ledger."""
    rows = connection.execute("select wallet_id::text, sum(amount)::bigint as sum from wallet.ledger group by 1")
    return {row["wallet_id"]: row["sum"] for row in rows}
