"""A batch is nothing but single calls in one transaction: same answers, same ledger, however requests are batched."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st
from psycopg.rows import dict_row

from tests.database import Database

EXAMPLES = 120
OUTCOMES = {"ok", "replayed", "WA001", "WA002", "WA003", "WA004", "WA006"}
LARGEST = 2**53 - 1
NOBODY = 3
CALL = "select * from {}(%s::text[], %s::uuid[], %s::uuid[], %s::bigint[], %s::text[], %s::jsonb[], %s::uuid[])"


class Request(NamedTuple):
    """A request, its wallet and its actor by their number in a `Side`, its txn_id by a number of its own."""

    type: str | None
    wallet: int | None
    txn: int | None
    amount: int | None
    reference: str | None
    metadata: str | None
    actor: int | None


class Side(NamedTuple):
    """Users and wallets of one of the two ways of calling; those numbered NOBODY do not exist."""

    users: Sequence[UUID]
    wallets: Sequence[UUID]

    def arguments(self, requests: Sequence[Request]) -> list[list[Any]]:
        """The requests as parallel arrays for this side's wallets."""
        rows = [
            (
                request.type,
                None if request.wallet is None else self.wallets[request.wallet],
                None if request.txn is None else UUID(int=request.txn),
                request.amount,
                request.reference,
                request.metadata,
                None if request.actor is None else self.users[request.actor],
            )
            for request in requests
        ]
        return [list(column) for column in zip(*rows, strict=True)]


# Few wallets, ids and amounts, so that replays, conflicts and refusals are common; some have one fault more.
FAULTS: list[dict[str, Any]] = [
    *({"type": kind} for kind in ("bonus", "", None)),
    *({"wallet": wallet} for wallet in (NOBODY, None)),
    {"txn": None},
    *({"amount": amount} for amount in (0, -1, 2**53, 2**63 - 1, -(2**63), None)),
    *({"reference": reference} for reference in ("", "a" * 257, "ä" * 256)),
    *({"metadata": metadata} for metadata in ("[]", "null", '"a"', f'{{"a": "{"x" * 4088}"}}')),
    *({"actor": actor} for actor in (0, 1, 2, NOBODY, None)),
]
WILD = st.builds(
    lambda fault, **fields: Request(**(fields | {"actor": fields["wallet"]} | fault)),
    fault=st.one_of(st.just({}), st.just({}), st.sampled_from(FAULTS)),
    type=st.sampled_from(["topup", "spend"]),
    wallet=st.sampled_from([0, 0, 1]),
    txn=st.integers(1, 8),
    amount=st.sampled_from([1, 700, 1000, 1000, LARGEST - 1000, LARGEST]),
    reference=st.sampled_from([None, None, None, "a"]),
    metadata=st.sampled_from([None, None, None, "{}"]),
)
# Little goes wrong with wallet 2, and in many batches with 1: a batch has wallets of both kinds.
CALM = st.builds(
    Request,
    type=st.sampled_from(["topup", "topup", "spend"]),
    wallet=st.sampled_from([1, 2, 2]),
    txn=st.integers(100, 2**60),
    amount=st.integers(1, 150),
    reference=st.sampled_from([None, None, "a", "b"]),
    metadata=st.sampled_from([None, None, '{"b": [1, null]}']),
    actor=st.none(),
).map(lambda request: request._replace(actor=request.wallet))
# So does a batch of which nothing but one rule stands in the way of being written as a set.
ODD = st.builds(lambda request, fault: request._replace(**fault), CALM, st.sampled_from(FAULTS))
REQUESTS = st.one_of(
    st.lists(WILD, min_size=1, max_size=12),
    st.lists(st.one_of(CALM, CALM, WILD), min_size=20, max_size=60),
    st.lists(st.one_of(*[CALM] * 15, ODD), min_size=20, max_size=60),
)
SIZES = st.lists(st.integers(1, 40), min_size=1, max_size=8)


class Ledgers:
    """Two sets of wallets in one database, each example of calls on them rolled back."""

    def __init__(self, connection: psycopg.Connection[dict[str, Any]]) -> None:
        self.connection = connection
        self.seen: Counter[str] = Counter()
        rows = connection.execute(
            "select r.* from generate_series(1, 6) n, wallet_register('user' || n, 'hash') r order by n"
        ).fetchall()
        nobody = UUID(int=0)
        self.single, self.batched = (
            Side([row["user_id"] for row in half] + [nobody], [row["wallet_id"] for row in half] + [nobody])
            for half in (rows[:3], rows[3:])
        )

    def compare(self, requests: list[Request], sizes: list[int], *, service: bool) -> None:
        """Make the requests in both ways, as the service or as the administrator, and compare what comes of them."""
        with self.connection.transaction(force_rollback=True):
            if service:
                self.connection.execute("set local session authorization wallet_api")
            single = self._call("testing.singly", self.single, requests)
            batched = [
                row for part in split(requests, sizes) for row in self._call("public.wallet_batch", self.batched, part)
            ]
            self.connection.execute("reset session authorization")
            assert self._told(self.batched, batched) == self._told(self.single, single)
            assert self._ledger(self.batched) == self._ledger(self.single)
            assert self.connection.execute("select * from wallet_verify()").fetchall() == []
        self.seen.update(row["outcome"] for row in batched)

    def _call(self, function: str, side: Side, requests: Sequence[Request]) -> list[dict[str, Any]]:
        rows = self.connection.execute(CALL.format(function).encode(), side.arguments(requests)).fetchall()
        assert [row.pop("ordinal") for row in rows] == list(range(1, len(requests) + 1))
        return rows

    def _told(self, side: Side, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """What the callers were told, with transactions named by their place in the ledger and wallets by number."""
        recorded = {row["id"]: row for row in self._recorded(side)}
        numbers = {str(wallet): number for number, wallet in enumerate(side.wallets)}

        def told(row: dict[str, Any]) -> dict[str, Any]:
            if row["id"] is not None:
                assert row["created_at"] == recorded[row["id"]]["created_at"]
            detail = row["detail"] or {}
            return {
                **{name: value for name, value in row.items() if name not in {"id", "created_at"}},
                "wallet_id": numbers.get(str(row["wallet_id"])),
                "detail": {name: value for name, value in detail.items() if name not in {"id", "wallet_id"}},
                "detail.wallet_id": numbers[detail["wallet_id"]] if "wallet_id" in detail else None,
                "places": [
                    (numbers[str(recorded[id_]["wallet_id"])], recorded[id_]["seq"])
                    for id_ in (row["id"], detail.get("id"))
                    if id_ is not None
                ],
            }

        return [told(row) for row in rows]

    def _ledger(self, side: Side) -> list[list[dict[str, Any]]]:
        """What is on record for each wallet, in its order, without what differs from one time to the next."""
        rows = self._recorded(side)
        own = {"id", "wallet_id", "created_at", "counter_seq"}
        for row in rows:
            assert row["counter_seq"] == row["id"]
        return [
            [
                {name: value for name, value in row.items() if name not in own}
                for row in rows
                # each wallet's bonus has a random txn_id
                if row["wallet_id"] == wallet and row["type"] != "bonus"
            ]
            for wallet in side.wallets
        ]

    def _recorded(self, side: Side) -> list[dict[str, Any]]:
        return self.connection.execute(
            """
            select t.*, l.amount as entry, l.balance_after, d.reference, d.metadata,
              s.seq as counter_seq, s.amount as counter_amount, s.balance_after as counter_balance, w.purpose
            from wallet.transactions t
            join wallet.ledger l on l.wallet_id = t.wallet_id and l.seq = t.seq and l.transaction_id = t.id
            join wallet.ledger s on s.transaction_id = t.id and s.wallet_id <> t.wallet_id
            join wallet.wallets w on w.id = s.wallet_id
            left join wallet.transaction_details d on d.transaction_id = t.id
            where t.wallet_id = any (%s)
            order by t.wallet_id, t.seq
            """,
            [list(side.wallets)],
        ).fetchall()


def split(requests: Sequence[Request], sizes: Sequence[int]) -> Iterator[Sequence[Request]]:
    """Cut the requests into batches of these sizes, over and over."""
    start = 0
    for size in cycle(sizes):
        if start >= len(requests):
            return
        yield requests[start : start + size]
        start += size


@pytest.fixture(scope="module")
def ledgers(module_database: Database) -> Iterator[Ledgers]:
    with psycopg.connect(module_database.url, autocommit=True, row_factory=dict_row) as connection:
        connection.execute(Path(__file__).with_name("singly.sql").read_bytes())
        yield Ledgers(connection)


def test_a_batch_answers_and_records_what_single_calls_do(ledgers: Ledgers) -> None:
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(requests=REQUESTS, sizes=SIZES, service=st.booleans())
    def compare(requests: list[Request], sizes: list[int], service: bool) -> None:
        note(f"{requests=}, {sizes=}, {service=}")
        ledgers.compare(requests, sizes, service=service)

    compare()
    assert set(ledgers.seen) == OUTCOMES
