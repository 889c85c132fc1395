"""Webhooks of a run, and the judge: what the receiver was sent, against the tables."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import DictRow

from tests.system.events.followers import IDS, ledger, moved

BATCHES = "application/cloudevents-batch+json"
SINGLE = "application/cloudevents+json"
SHOWN = 5


@dataclass(frozen=True)
class Subscription:
    """A webhook by its name, which is the path of its URL, and which events it is for."""

    name: str
    batch_size: int = 1
    types: list[str] | None = None
    wallet_id: UUID | None = None

    @property
    def whole(self) -> bool:
        return self.types is None and self.wallet_id is None

    def expected(self, connection: psycopg.Connection[DictRow]) -> list[DictRow]:
        """The events that it is for, in order."""
        query = f"""select e.* from ({IDS}) e
            where e.id > 0 and (%(types)s::text[] is null or e.type = any (%(types)s))
              and (%(wallet)s::uuid is null or %(wallet)s in (e.wallet_id, e.counterparty_id))
            order by e.id""".encode()
        return list(connection.execute(query, {"types": self.types, "wallet": self.wallet_id}))

    def findings(self, connection: psycopg.Connection[DictRow], notes: Iterable[dict[str, Any]]) -> list[str]:
        """What is wrong with all that the receiver was sent, once everything is delivered."""
        mine = [note for note in notes if note["webhook"] == self.name]
        expected = self.expected(connection)
        # a receiver that drops the ids which it has seen
        seen: dict[int, dict[str, Any]] = {}
        for note in mine:
            for event in note["events"]:
                seen.setdefault(int(event["id"]), event)
        found = [f"{wrong}: {shown}" for wrong, shown in self._of_form(mine)]
        known = {row["id"]: row for row in expected}
        found += listed("never delivered", sorted(known.keys() - seen.keys()))
        found += listed("delivered, but no such event", sorted(seen.keys() - known.keys()))
        found += listed("of another type", [i for i in seen if i in known and not same(seen[i], known[i])])
        found += listed("out of order", out_of_order([known[number] for number in seen if number in known]))
        found += listed("sums of entries", self._sums(connection, seen.values()))
        return [f"{self.name}: {one}" for one in found]

    def _of_form(self, notes: Sequence[dict[str, Any]]) -> list[tuple[str, object]]:
        found: list[tuple[str, object]] = []
        for note in notes:
            ids = [int(event["id"]) for event in note["events"]]
            span = f"{ids[0]}-{ids[-1]}" if self.batch_size > 1 else f"{ids[0]}"
            if note["wrong"]:
                found.append(("not signed as it should be", note["wrong"]))
            if len(ids) > self.batch_size or ids != sorted(set(ids)):
                found.append(("not a batch of its size in order", ids))
            if note["id"] != span or note["content_type"] != (BATCHES if self.batch_size > 1 else SINGLE):
                found.append(("another header", (note["id"], note["content_type"], span)))
        return found[:SHOWN]

    def _sums(self, connection: psycopg.Connection[DictRow], events: Iterable[dict[str, Any]]) -> list[object]:
        sums, held = moved(events), ledger(connection)
        if self.wallet_id is not None:
            wallet = str(self.wallet_id)
            sums, held = {wallet: sums.get(wallet, 0)}, {wallet: held.get(wallet, 0)}
        elif not self.whole:
            return []
        return [(w, sums.get(w, 0), held.get(w, 0)) for w in sums | held if sums.get(w, 0) != held.get(w, 0)]


def same(event: dict[str, Any], row: DictRow) -> bool:
    return bool(event["type"] == f"pgwallet.{row['type']}")


def out_of_order(rows: Iterable[DictRow]) -> list[tuple[str, int, int]]:
    """Wallets in which an event came after a later one; both wallets of a transfer count."""
    newest: dict[UUID, int] = {}
    found = []
    for row in rows:
        for wallet in {row["wallet_id"], row["counterparty_id"]} - {None}:
            if newest.get(wallet, 0) > row["id"]:
                found.append((str(wallet), newest[wallet], row["id"]))
            newest[wallet] = max(newest.get(wallet, 0), row["id"])
    return found


def listed(what: str, found: Sequence[object]) -> list[str]:
    """One line for all findings of a kind, with the first of them."""
    return [f"{what}, {len(found)} times, first {', '.join(map(str, found[:SHOWN]))}"] if found else []
