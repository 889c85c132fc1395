"""Where another session stands in the way, requests are tried again; those in vain are answered with 503, never 500."""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest

from tests.api.database.test_group_commit_over_http import HOLD_WALLET, WAITING, held
from tests.api.service import PASSWORD, Service, User, data, problem, serve
from tests.command import wait_until
from tests.database import Database

pytestmark = pytest.mark.one_database(
    reason="it puts faults and locks into one database, and counts what they did there"
)


@pytest.fixture(scope="module")
def service(service_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service whose sessions notice a deadlock soon, and wait for a lock long enough to be seen waiting."""
    with service_database.connect() as administrator:
        administrator.execute(f"alter database {service_database.name} set deadlock_timeout = '100ms'")
        with serve(service_database.api_url, tmp_path_factory.mktemp("service"), PGWALLET_LOCK_TIMEOUT="1") as running:
            yield running
        administrator.execute(f"alter database {service_database.name} reset deadlock_timeout")


class Faults:
    """Lets the next statements that write anything fail."""

    def __init__(self, administrator: psycopg.Connection) -> None:
        self._run = administrator.execute

    def come(self, sqlstate: str, times: int) -> None:
        self._run("update wallet.fault set code = %s", [sqlstate])
        self._run("select setval('wallet.faults', %s)", [-times])

    def left(self) -> int:
        row = self._run("select -last_value from wallet.faults").fetchone()
        assert row is not None
        return int(row[0])


SET_UP = """
create sequence wallet.faults minvalue -1000;
create table wallet.fault (code text);
insert into wallet.fault values ('');
create function wallet.fail() returns trigger language plpgsql security definer as $$
begin
  -- a sequence is not rolled back
  if (select s.last_value from wallet.faults s) < 0 then
    perform nextval('wallet.faults');
    raise exception using errcode = (select f.code from wallet.fault f);
  end if;
  return null;
end;
$$;
do $$
declare
  v_table regclass;
begin
  for v_table in
    select oid from pg_class where relnamespace = 'wallet'::regnamespace and relkind = 'r' and relname <> 'fault'
  loop
    execute format('create trigger fault before insert or update on %s execute function wallet.fail()', v_table);
  end loop;
end;
$$;
"""
TAKE_DOWN = """
drop function wallet.fail() cascade;
drop table wallet.fault;
drop sequence wallet.faults;
"""


@pytest.fixture(scope="module")
def faults(service_database: Database) -> Iterator[Faults]:
    with service_database.connect() as administrator:
        administrator.execute(SET_UP)
        yield Faults(administrator)
        administrator.execute(TAKE_DOWN)


@pytest.fixture(scope="module")
def cast(service: Service, service_database: Database) -> Iterator[tuple[User, User]]:
    """A user with money, and an operator."""
    with closing(User(service)) as user, closing(User(service)) as operator:
        with service_database.connect() as administrator:
            administrator.execute("select public.wallet_set_role(%s, 'operator')", [operator.username])
            administrator.execute("select public.wallet_create_asset('FAULT', 'a', 2::smallint)")
        operator.sign_in()  # another role, and no token of before is valid
        yield user, operator


Cast = tuple[User, User]
Call = Callable[[Cast, str], httpx.Response]


def spent(user: User) -> str:
    return str(data(user.spend(1), 201)["txn_id"])


def set_aside(user: User) -> str:
    return str(data(user.post("/api/wallet/holds", json={"txn_id": str(uuid4()), "amount": 1}), 201)["txn_id"])


def order(txn_id: str, *, atomic: bool) -> dict[str, Any]:
    return {"requests": [{"type": "topup", "txn_id": txn_id, "amount": 1}], "atomic": atomic}


def on_wallet(cast: Cast, call: str, **body: object) -> tuple[str, dict[str, object]]:
    return f"/api/operator/wallets/{cast[0].account['wallet_id']}/{call}", body


# what must be there before the faults come, and then the call
CALLS: dict[str, Callable[[Cast, str], tuple[str, dict[str, object]]]] = {
    "topup": lambda _, txn: ("/api/wallet/topup", {"txn_id": txn, "amount": 1}),
    "spend": lambda _, txn: ("/api/wallet/spend", {"txn_id": txn, "amount": 1}),
    "transfer": lambda cast, txn: (
        "/api/wallet/transfer",
        {"txn_id": txn, "amount": 1, "to_username": cast[1].username},
    ),
    "refund": lambda cast, txn: ("/api/wallet/refund", {"txn_id": txn, "original_txn_id": spent(cast[0])}),
    "hold": lambda _, txn: ("/api/wallet/holds", {"txn_id": txn, "amount": 1}),
    "capture": lambda cast, txn: (f"/api/wallet/holds/{set_aside(cast[0])}/capture", {"txn_id": txn}),
    "void": lambda cast, txn: (f"/api/wallet/holds/{set_aside(cast[0])}/void", {"txn_id": txn}),
    "batch": lambda _, txn: ("/api/wallet/batch", order(txn, atomic=False)),
    "atomic batch": lambda _, txn: ("/api/wallet/batch", order(txn, atomic=True)),
    "operator's topup": lambda cast, txn: on_wallet(cast, "topup", txn_id=txn, amount=1),
    "adjust": lambda cast, txn: on_wallet(cast, "adjust", txn_id=txn, amount=1, reason="a reason"),
    "operator's refund": lambda cast, txn: on_wallet(cast, "refund", txn_id=txn, original_txn_id=spent(cast[0])),
    "status": lambda cast, _: on_wallet(cast, "status", status="active", reason="a reason"),
    "sign-up": lambda _, txn: ("/api/auth/signup", {"username": f"u-{txn[:12]}", "password": PASSWORD}),
}


@pytest.mark.parametrize("sqlstate", ["40001", "40P01", "55P03"])
@pytest.mark.parametrize("name", CALLS)
def test_every_mutation_is_tried_again_and_in_vain_it_is_busy(
    cast: Cast, faults: Faults, name: str, sqlstate: str
) -> None:
    sender = cast[1] if "operator" in CALLS[name](cast, str(uuid4()))[0] else cast[0]
    path, body = CALLS[name](cast, str(uuid4()))
    faults.come(sqlstate, 1000)
    problem(sender.post(path, json=body), 503, "busy")
    tries = 1000 - faults.left()
    assert tries == {"55P03": 2}.get(sqlstate, 4)
    faults.come(sqlstate, tries - 1)
    answer = sender.post(path, json=body)
    assert answer.status_code in {200, 201}, answer.text
    assert faults.left() == 0
    if "txn_id" in body:
        assert answer.json()["data"]["replayed"] is False
        assert sender.post(path, json=body).json()["data"]["replayed"] is True


def test_limits_and_new_wallets_are_tried_again_too(cast: Cast, faults: Faults) -> None:
    path, body = on_wallet(cast, "limits", limits={}, max_balance=2**52)
    new_limits = partial(cast[1].put, path, json=body)
    new_wallet = partial(cast[0].post, "/api/wallets", json={"asset": "FAULT"})
    for ask in (new_limits, new_wallet):
        faults.come("40P01", 1)
        assert ask().status_code in {200, 201}
        assert faults.left() == 0


REAL: dict[str, Callable[[Cast, str], tuple[str, dict[str, object]]]] = {
    "topup": lambda _, txn: ("/api/wallet/topup", {"txn_id": txn, "amount": 1, "reference": "r"}),
    "transfer": lambda cast, txn: (
        "/api/wallet/transfer",
        {"txn_id": txn, "amount": 1, "to_username": cast[1].username, "reference": "r"},
    ),
    "batch": lambda _, txn: (
        "/api/wallet/batch",
        {"requests": [{"type": "topup", "txn_id": txn, "amount": 1, "reference": "r"}]},
    ),
}


class Answer(threading.Thread):
    """A request on its way."""

    def __init__(self, user: User, path: str, body: dict[str, object]) -> None:
        super().__init__()
        self._ask = partial(user.post, path, json=body)
        self._answers: list[httpx.Response] = []
        self.start()

    def run(self) -> None:
        self._answers.append(self._ask())

    def get(self) -> httpx.Response:
        self.join(30)
        return self._answers[0]


def since(onlooker: psycopg.Connection) -> list[Any]:
    """When the statements of the service that wait for a lock now began."""
    return [row[0] for row in onlooker.execute(f"select query_start {WAITING}").fetchall()]


@pytest.mark.parametrize("name", REAL)
def test_a_deadlock_is_not_noticed_by_the_client(cast: Cast, service_database: Database, name: str) -> None:
    user, txn_id = cast[0], uuid4()
    wallet_id = UUID(user.account["wallet_id"])
    with service_database.connect() as onlooker, service_database.connect() as first:
        first.autocommit = False
        first.execute("set local deadlock_timeout = '1min'")
        first.execute("lock table wallet.transaction_details in share mode")
        with held(service_database, "lock table wallet.transactions, wallet.ledger in share mode") as second:
            answer = Answer(user, *REAL[name](cast, str(txn_id)))
            wait_until(lambda: len(since(onlooker)) == 1)
            # it has the wallet now
            wants = threading.Thread(target=lambda: first.execute(HOLD_WALLET, [wallet_id]))
            wants.start()
            wait_until(lambda: onlooker.execute(BLOCKED, [first.info.backend_pid]).fetchone() is not None)
            second.rollback()
        # nobody but the service gives way
        wants.join(30)
        first.rollback()
    assert answer.get().status_code in {200, 201}
    assert one_of(user, txn_id)


BLOCKED = "select from pg_stat_activity where pid = %s and wait_event_type = 'Lock'"


@pytest.mark.parametrize("name", REAL)
def test_a_lock_timeout_is_not_noticed_by_the_client(cast: Cast, service_database: Database, name: str) -> None:
    user, txn_id = cast[0], uuid4()
    with (
        service_database.connect() as onlooker,
        held(service_database, HOLD_WALLET, user.account["wallet_id"]),
    ):
        answer = Answer(user, *REAL[name](cast, str(txn_id)))
        wait_until(lambda: since(onlooker))
        (first,) = since(onlooker)
        wait_until(lambda: [begun for begun in since(onlooker) if begun > first])
    assert answer.get().status_code in {200, 201}
    assert one_of(user, txn_id)


def one_of(user: User, txn_id: UUID) -> bool:
    """Whether it is on record, and newest."""
    return bool(user.history(limit=1)["items"][0]["txn_id"] == str(txn_id))
