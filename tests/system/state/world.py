"""The database under test: requests on two connections that truly overlap, and what is then on record."""

import itertools
import json
import time
from collections import Counter
from concurrent.futures import Future, wait
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg

from tests.clock import Clock
from tests.database import Database
from tests.system.concurrency.sessions import PATIENCE, Session
from tests.system.state.model import ASSETS, START, Answer, Request

USERS = 3
NOBODY = UUID(int=0)
BATCH = """
    select b.* from wallet_batch(
      %s::text[], %s::uuid[], %s::uuid[], %s::bigint[], %s::text[], null, %s::uuid[], false, %s::uuid[], %s::uuid[],
      %s::boolean[], %s::integer[], null, %s::text[]
    ) b order by b.ordinal
"""
# the arguments of each function, beside those of every one of them
ARGUMENTS: dict[str, tuple[str, dict[str, str]]] = {
    "topup": ("wallet_topup", {"amount": "p_amount", "reference": "p_reference"}),
    "spend": ("wallet_spend", {"amount": "p_amount", "reference": "p_reference"}),
    "adjustment": ("wallet_adjust", {"amount": "p_amount", "reference": "p_reason"}),
    "transfer": ("wallet_transfer", {"amount": "p_amount", "reference": "p_reference"}),
    "hold": ("wallet_hold", {"amount": "p_amount", "expires_in": "p_expires_in", "reference": "p_reference"}),
    "capture": (
        "wallet_capture",
        {"original": "p_hold_txn_id", "amount": "p_amount", "final": "p_final", "reference": "p_reference"},
    ),
    "void": ("wallet_void", {"original": "p_hold_txn_id"}),
    "refund": (
        "wallet_refund",
        {"original": "p_original_txn_id", "amount": "p_amount", "reference": "p_reference"},
    ),
}
OPERATORS = {"adjustment", "status", "limits", "erase"}
STATE = """
    select b.balance, b.held, b.available, b.status,
      (select coalesce(sum(l.amount), 0)::bigint from wallet.ledger l where l.wallet_id = w.id) as sum,
      (
        select coalesce(jsonb_object_agg(h.txn_id, jsonb_build_array(h.captured, h.status, (
          select count(*)
          from wallet.hold_events e
          where e.hold_id = h.id and e.event = 'expired'
        ))), '{}')
        from wallet_holds(w.id, p_limit => 1000) h
      ) as holds,
      (
        select coalesce(jsonb_object_agg(t.txn_id, t.amount - coalesce((
          select sum(g.amount)
          from wallet.refunds r
          join wallet.transactions g on g.id = r.transaction_id
          where r.original_id = t.id
        ), 0)), '{}')
        from wallet.transactions t
        where t.wallet_id = w.id and t.type in ('spend', 'capture')
      ) as refundable
    from unnest(%s::uuid[]) with ordinality w (id, n)
    cross join lateral wallet_balance(w.id) b
    order by w.n
"""
# a clock that was set back leaves entries in the future, and entries that have their predecessor's time
VIOLATIONS = """
    select v.*
    from wallet_verify() v
    where not exists (
      select
      from wallet.ledger l
      join wallet.transactions t on t.id = l.transaction_id
      where l.wallet_id = v.wallet_id and l.seq = v.seq and (l.recorded_at is not null or t.created_at > clock.now())
    )
"""


class World:
    """Sessions to a database, in which every example gets users of its own."""

    def __init__(self, database: Database) -> None:
        self.clock = Clock(database)
        self.administrator = Session(database)
        self.clients = [Session(database, service=True), Session(database, service=True)]
        self._pids = [client.pid for client in self.clients]
        self.seen: Counter[str] = Counter()
        self._numbers = itertools.count()
        self.number = 0
        self.operator = self._register("operator")
        self.stranger = self._register("stranger")
        self.administrator.run("select wallet_set_role('operator', 'operator')")
        self.users: list[UUID] = []
        self.wallets: list[UUID] = []

    def close(self) -> None:
        for session in (self.administrator, *self.clients):
            session.connection.cancel()
            session.close()
        self.clock.close()

    def begin(self) -> None:
        """Make new users, each with a wallet in every asset, at the time that the model begins with."""
        self.number = next(self._numbers)
        self.clock.stand(datetime.fromtimestamp(START, UTC))
        self.users = [self._register(self._username(user)) for user in range(USERS)]
        self.wallets = [
            self.administrator.run("select wallet_id from wallet_open(%s, %s)", user, asset)[0]["wallet_id"]
            for user in self.users
            for asset in ASSETS
        ]

    def _register(self, name: str) -> UUID:
        rows = self.administrator.run("select user_id from wallet_register(%s, 'hash')", name)
        return UUID(str(rows[0]["user_id"]))

    def send(self, requests: list[Request], *, overlapping: bool) -> list[list[Answer]]:
        """Send up to two requests at once and return their answers.

        Overlapping: nobody is let into any wallet before all who want to are there.
        """
        if overlapping:
            self.administrator.run("begin")
            self.administrator.run(
                "select from wallet.wallets where id = any (%s) order by id for update", self.wallets
            )
        futures = [
            client.start(*self._statement(request)) for client, request in zip(self.clients, requests, strict=False)
        ]
        if overlapping:
            self._until_waiting(futures)
            self.administrator.run("commit")
        assert not wait(futures, PATIENCE).not_done
        return [_answers(request, future) for request, future in zip(requests, futures, strict=True)]

    def _until_waiting(self, futures: list[Future[list[dict[str, Any]]]]) -> None:
        sql = "select pid from pg_stat_activity where pid = any (%s) and wait_event_type = 'Lock'"
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            waiting = {row["pid"] for row in self.administrator.run(sql, self._pids)}
            if all(future.done() or pid in waiting for future, pid in zip(futures, self._pids, strict=False)):
                return
        raise AssertionError("a request neither finished nor waited for a lock")

    def state(self) -> list[dict[str, Any]]:
        """What is on record for each wallet, by the public functions and by definition."""
        return self.administrator.run(STATE, self.wallets)

    def violations(self) -> list[dict[str, Any]]:
        return self.administrator.run(VIOLATIONS)

    def imbalances(self) -> list[dict[str, Any]]:
        sql = """
            select a, sum(t.balance)
            from unnest(%s::text[]) a
            cross join lateral wallet_trial_balance(a) t
            group by a
            having sum(t.balance) <> 0
        """
        return self.administrator.run(sql, list(ASSETS))

    def _actor(self, request: Request) -> UUID:
        if request.stranger:
            return self.stranger
        return self.operator if request.type in OPERATORS else self.users[request.wallet // len(ASSETS)]

    def _value(self, request: Request, name: str) -> object:
        value = getattr(request, name)
        if name == "to":
            return self.wallets[value] if value is not None and value < len(self.wallets) else value and NOBODY
        return UUID(int=value) if name == "original" and value is not None else value

    def _username(self, user: int) -> str:
        return f"user{self.number}.{user}"

    def _name(self, request: Request) -> str | None:
        return self._username(request.to // len(ASSETS)) if request.by_name and request.to is not None else None

    def _statement(self, request: Request) -> tuple[Any, ...]:
        wallet = self.wallets[request.wallet]
        if request.type == "batch":
            columns = [
                (
                    item.type,
                    self.wallets[item.wallet],
                    UUID(int=item.txn),
                    item.amount,
                    item.reference,
                    self._actor(item),
                    None if item.by_name else self._value(item, "to"),
                    self._value(item, "original"),
                    item.final,
                    item.expires_in,
                    self._name(item),
                )
                for item in request.items
            ]
            return (BATCH, *(list(column) for column in zip(*columns, strict=True)))
        if request.type == "status":
            sql = "select * from wallet_set_status(%s, %s, 'a reason', %s)"
            return (sql, wallet, request.status, self._actor(request))
        if request.type == "limits":
            kinds = [kind for kind, _ in request.limits]
            maxima = [[limits[n] for _, limits in request.limits] for n in range(3)]
            sql = "select * from wallet_set_limits(%s, %s, %s::bigint[], %s::bigint[], %s::bigint[], %s, %s, %s)"
            return (sql, wallet, kinds, *maxima, request.floor, request.max_balance, self._actor(request))
        if request.type == "erase":
            sql = "select * from wallet_erase_user(%s, 'a reason', %s)"
            return (sql, self.users[request.wallet // len(ASSETS)], self._actor(request))
        if request.type == "register":
            return ("select * from wallet_register(%s, 'hash')", self._username(request.wallet // len(ASSETS)))
        function, names = ARGUMENTS[request.type]
        given: dict[str, object] = {
            "p_wallet_id": wallet,
            "p_txn_id": UUID(int=request.txn),
            "p_actor": self._actor(request),
        }
        given |= {parameter: self._value(request, name) for name, parameter in names.items()}
        if request.type == "transfer" and request.by_name:
            given["p_to_username"] = self._name(request)
        elif request.type == "transfer":
            given["p_to_wallet_id"] = self._value(request, "to")
        return (f"select * from {function}({', '.join(f'{name} => %s' for name in given)})", *given.values())


def _answers(request: Request, future: Future[list[dict[str, Any]]]) -> list[Answer]:
    error = future.exception()
    if isinstance(error, psycopg.Error):
        detail = json.loads(error.diag.message_detail or "{}") if (error.sqlstate or "")[:2] == "WA" else {}
        return [Answer(error.sqlstate or str(error), detail)]
    rows = future.result()
    if request.type == "batch":
        return [
            Answer(row["outcome"], row if row["outcome"] in {"ok", "replayed"} else row["detail"] or {}) for row in rows
        ]
    return [Answer("replayed" if rows[0].get("replayed") else "ok", rows[0])]
