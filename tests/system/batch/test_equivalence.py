"""A batch is nothing but single calls in one transaction: same answers, same ledger, however requests are batched."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, example, given, note, settings
from hypothesis import strategies as st
from psycopg.rows import dict_row

from tests.database import Database

EXAMPLES = 90
OUTCOMES = {"ok", "replayed", "WA001", "WA002", "WA003", "WA004", "WA006", "WA015", "WA028", "WA047"}
LARGEST = 2**53 - 1
NOBODY = 3
CALL = """
    select * from {}(
      p_types => %s::text[], p_wallet_ids => %s::uuid[], p_txn_ids => %s::uuid[], p_amounts => %s::bigint[],
      p_references => %s::text[], p_metadata => %s::jsonb[], p_actors => %s::uuid[], p_to_wallet_ids => %s::uuid[],
      p_original_txn_ids => %s::uuid[], p_finals => %s::boolean[], p_expires_in => %s::integer[],
      p_effective_at => %s::timestamptz[], p_key_ids => %s::uuid[]
    )
"""
TYPES = ["topup", "topup", "topup", "spend", "spend", "spend", "transfer", "hold", "capture", "void", "refund"]


# a key for all that users do, one for top-ups of two of the users, one that is revoked, and one that is none
KEYS = [UUID(int=number) for number in range(1, 5)]
MAKE_KEYS = (
    "select wallet_create_key(%s, 'all', sha256('1'), 'pgw_12345678', '{topup,spend,transfer,hold,refund}',"
    " p_all_users => true)",
    "select wallet_create_key(%s, 'some', sha256('2'), 'pgw_12345678', '{topup}', %s::uuid[])",
    "select wallet_create_key(%s, 'old', sha256('3'), 'pgw_12345678', '{topup}', p_all_users => true)",
)


class Request(NamedTuple):
    """A request, its wallet and its actor by their number in a `Side`, its txn_id by a number of its own."""

    type: str | None
    wallet: int | None
    txn: int | None
    amount: int | None
    reference: str | None
    metadata: str | None
    actor: int | None
    to: int | None = None
    original: int | None = None
    final: bool | None = None
    expires_in: int | None = None
    effective_at: str | None = None
    key: int | None = None


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
                None if request.to is None else self.wallets[request.to],
                None if request.original is None else UUID(int=request.original),
                request.final,
                request.expires_in,
                request.effective_at,
                # no call by itself can be of an unknown type
                KEYS[request.key] if request.key is not None and request.type in TYPES else None,
            )
            for request in requests
        ]
        return [list(column) for column in zip(*rows, strict=True)]


def shaped(request: Request, other: int, *, flag: bool) -> Request:
    """The request with what its type asks for: a recipient, the txn_id of a hold or an original, and so on."""
    told_at = "2020-01-01 00:00+00" if flag and other == 2 else None
    match request.type:
        case "transfer":
            return request._replace(to=min(other, NOBODY), effective_at=told_at)
        case "hold":
            return request._replace(expires_in=3600 if flag else None)
        case "capture":
            amount = request.amount if flag else None
            return request._replace(original=other, amount=amount, final=other % 2 == 0, effective_at=told_at)
        case "void":
            return request._replace(original=other, amount=None, reference=None, metadata=None)
        case "refund":
            return request._replace(original=other, amount=request.amount if flag else None)
    return request._replace(effective_at=told_at)


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
    lambda fault, other, flag, **fields: shaped(
        Request(**(fields | {"actor": fields["wallet"]} | fault)), other, flag=flag
    ),
    fault=st.one_of(st.just({}), st.just({}), st.sampled_from(FAULTS)),
    other=st.integers(0, 8),
    flag=st.booleans(),
    type=st.sampled_from(TYPES),
    wallet=st.sampled_from([0, 0, 1]),
    txn=st.integers(1, 8),
    amount=st.sampled_from([1, 700, 1000, 1000, LARGEST - 1000, LARGEST]),
    reference=st.sampled_from([None, None, None, "a"]),
    metadata=st.sampled_from([None, None, None, "{}"]),
    key=st.sampled_from([*[None] * 8, 0, 0, *range(len(KEYS))]),
)
# Little goes wrong with wallet 2, and in many batches with 1: a batch has wallets of both kinds.
CALM = st.builds(
    lambda **fields: Request(**fields),
    type=st.sampled_from(["topup", "topup", "spend"]),
    wallet=st.sampled_from([1, 2, 2]),
    txn=st.integers(100, 2**60),
    amount=st.integers(1, 150),
    reference=st.sampled_from([None, None, "a", "b"]),
    metadata=st.sampled_from([None, None, '{"b": [1, null]}']),
    actor=st.none(),
    key=st.sampled_from([*[None] * 4, 0, 0, 1]),
).map(lambda request: request._replace(actor=request.wallet))
# So does a batch of which nothing but one rule stands in the way of being written as a set.
TRANSFER = {"type": "transfer"}
ODD = st.builds(
    lambda request, fault: request._replace(**fault, to=3 - request.wallet if fault == TRANSFER else None),
    CALM,
    st.sampled_from(
        [
            *FAULTS,
            *[TRANSFER] * 8,
            *[{"type": "hold"}, {"txn": 99}, {"actor": 1}, {"actor": 2}] * 4,
        ]
    ),
)
# So does a rule of the wallet 2 from before.
BEFORE = UUID(int=99)
RULES: dict[str, str] = {
    "none": "select %s",
    "a top-up": f"select wallet_topup(%s, '{BEFORE}', 1)",
    "a hold": f"select wallet_hold(%s, '{BEFORE}', 900)",
    "limits": "select wallet_set_limits(%s, '{topup,spend}', '{140,null}', '{null,600}', '{900,null}')",
    "an overdraft": "select wallet_set_limits(%s, p_floor => -700)",
    "a maximum": "select wallet_set_limits(%s, p_max_balance => 1400)",
    "frozen": "select wallet_set_status(%s, 'frozen', 'a reason')",
    "closed": f"select wallet_spend(w.id, '{BEFORE}', 1000), wallet_set_status(w.id, 'closed', 'a reason') "
    "from (select %s::uuid) w (id)",
}


def mixed(requests: list[Request], odd: list[tuple[int, Request]]) -> list[Request]:
    """The requests with some odd ones among them."""
    for place, request in odd:
        requests.insert(place, request)
    return requests


RARE = [
    Request("topup", 0, 1, 100, None, None, 0),
    # of nothing
    Request("refund", 0, 2, None, None, None, 0, original=8),
    Request("void", 0, 3, None, None, None, 0, original=8),
]
REQUESTS = st.one_of(
    st.lists(WILD, min_size=1, max_size=12),
    st.lists(st.one_of(CALM, WILD), min_size=20, max_size=60),
    st.builds(
        mixed,
        st.lists(CALM, min_size=20, max_size=60),
        st.lists(st.tuples(st.integers(0, 60), ODD), min_size=1, max_size=3),
    ),
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
        some = [side.users[user] for side in (self.single, self.batched) for user in (1, 2)]
        given: list[list[Any]] = [[KEYS[0]], [KEYS[1], some], [KEYS[2]]]
        for made, parameters in zip(MAKE_KEYS, given, strict=True):
            connection.execute(made.encode(), parameters)
        connection.execute("select wallet_revoke_key(%s)", [KEYS[2]])

    def compare(self, requests: list[Request], sizes: list[int], rule: str, *, service: bool) -> None:
        """Make the requests in both ways, as the service or as the administrator, and compare what comes of them."""
        with self.connection.transaction(force_rollback=True):
            for side in (self.single, self.batched):
                self.connection.execute(RULES[rule].encode(), [side.wallets[2]])
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
        recorded = {(row["wallet_id"], row["txn_id"]): row for row in self._recorded(side) + self._events(side)}
        numbers = {str(wallet): number for number, wallet in enumerate(side.wallets)}

        def told(row: dict[str, Any]) -> dict[str, Any]:
            detail = row["detail"] or {}
            known = recorded.get((row["wallet_id"], row["txn_id"]))
            if row["id"] is not None:
                assert known is not None
                assert (row["id"], row["created_at"]) == (known["id"], known["created_at"])
                assert row["receipt"] == known.get("receipt")
            if "id" in detail:
                assert known is not None
                assert detail["id"] == known["id"]
            return {
                **{name: value for name, value in row.items() if name not in {"id", "created_at", "receipt"}},
                "wallet_id": numbers.get(str(row["wallet_id"])),
                "detail": {
                    name: numbers.get(value) if name in {"wallet_id", "to_wallet_id"} else value
                    for name, value in detail.items()
                    if name not in {"id", "expires_at"}
                },
            }

        return [told(row) for row in rows]

    def _ledger(self, side: Side) -> list[list[dict[str, Any]]]:
        """What is on record for each wallet, in its order, without what differs from one time to the next."""
        numbers = {wallet: number for number, wallet in enumerate(side.wallets)}
        rows = self._recorded(side)
        for row in rows:
            row["counterparty_id"] = numbers.get(row["counterparty_id"])
            if row["purpose"] is not None:
                assert row.pop("counter_seq") == row["id"]
        rows += self._events(side)
        own = {"id", "wallet_id", "created_at", "receipt"}
        return [
            [
                {name: value for name, value in row.items() if name not in own}
                for row in rows
                # each wallet's bonus has a random txn_id
                if row["wallet_id"] == wallet and row.get("type") != "bonus"
            ]
            for wallet in side.wallets
        ]

    def _events(self, side: Side) -> list[dict[str, Any]]:
        """What happened to holds without a transaction, and what became of them."""
        return self.connection.execute(
            """
            select e.hold_id as id, e.wallet_id, e.txn_id, e.created_at, e.event, e.amount, e.balance_after,
              e.available_after, k.key_id, h.txn_id as hold_txn_id, h.captured, h.status, h.expires_in, h.reference,
              h.metadata
            from wallet.hold_events e
            join wallet.holds h on h.id = e.hold_id
            left join wallet.key_uses k on k.id = e.id
            where e.wallet_id = any (%s) and e.event <> 'capture'
            order by e.wallet_id, e.txn_id
            """,
            [list(side.wallets)],
        ).fetchall()

    def _recorded(self, side: Side) -> list[dict[str, Any]]:
        return self.connection.execute(
            """
            select t.*, l.amount as entry, l.balance_after, encode(l.hash, 'hex') as receipt,
              d.reference, d.metadata, d.effective_at, v.available, k.key_id,
              o.txn_id as original_txn_id, r.requested_amount,
              s.seq as counter_seq, s.amount as counter_amount, s.balance_after as counter_balance, w.purpose
            from wallet.transactions t
            join wallet.ledger l on l.wallet_id = t.wallet_id and l.seq = t.seq and l.transaction_id = t.id
            join wallet.ledger s on s.transaction_id = t.id and s.wallet_id <> t.wallet_id
            join wallet.wallets w on w.id = s.wallet_id
            left join wallet.transaction_details d on d.transaction_id = t.id
            left join wallet.transaction_available v on v.transaction_id = t.id
            left join wallet.key_uses k on k.id = t.id
            left join wallet.refunds r on r.transaction_id = t.id
            left join wallet.transactions o on o.id = r.original_id
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
    # what random ones do not always have
    @example(requests=RARE, sizes=[len(RARE)], rule="none", service=True)
    @given(requests=REQUESTS, sizes=SIZES, rule=st.sampled_from([*["none"] * 6, *RULES]), service=st.booleans())
    def compare(requests: list[Request], sizes: list[int], rule: str, service: bool) -> None:
        note(f"{requests=}, {sizes=}, {rule=}, {service=}")
        ledgers.compare(requests, sizes, rule, service=service)

    compare()
    assert set(ledgers.seen) >= OUTCOMES
