"""Transfers between users of different databases, through a service of both."""

import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from api.cluster_map import home_of
from tests.api.service import Service, User, data, serve
from tests.cluster import Databases, join, migrate
from tests.command import wait_until
from tests.database import PostgresServer

NAMES = (f"between-{number}" for number in count())
UNKNOWN = "nobody-of-this-name"


@pytest.fixture(scope="module")
def databases(postgres_server: PostgresServer) -> Iterator[Databases]:
    """Two databases without users on the tests' server."""
    members = [postgres_server.database(f"transfers_{number}") for number in range(2)]
    with postgres_server.database("postgres").connect() as administrator, tempfile.TemporaryDirectory() as folder:
        for database in members:
            administrator.execute(f"create database {database.name}")
            migrate(database)
        yield join(members, [[0, 1]], Path(folder))
        for database in members:
            administrator.execute(f"drop database {database.name} with (force)")


@pytest.fixture(scope="module")
def service(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with serve("", tmp_path_factory.mktemp("service"), **databases.settings) as running:
        yield running


def user_of(service: Service, number: int) -> User:
    """A user whose home is this database."""
    return User(service, next(name for name in NAMES if home_of(name, (0, 1)) == number))


def send(sender: User, to: User | str, amount: int, **more: Any) -> Any:
    recipient = {"to_username": to if isinstance(to, str) else to.username}
    return sender.post("/api/wallet/transfer", json={"txn_id": str(uuid4()), "amount": amount, **recipient, **more})


def balance(user: User) -> int:
    return int(data(user.get("/api/wallet/balance"))["balance"])


def test_it_arrives_before_the_answer(service: Service) -> None:
    alice, bob = user_of(service, 0), user_of(service, 1)
    alice.topup(500)
    before = balance(bob)
    sent = data(send(alice, bob, 200, reference="rent"), 201)
    assert sent["delivery"] == "delivered"
    assert balance(bob) == before + 200
    (entry,) = data(bob.get("/api/wallet/transactions", params={"type": "transfer"}))["items"]
    assert (entry["amount"], entry["reference"]) == (200, "rent")
    assert (entry["counterparty_wallet_id"], entry["counterparty_username"]) == (
        alice.account["wallet_id"],
        alice.username,
    )
    (entry,) = data(alice.get("/api/wallet/transactions", params={"type": "transfer"}))["items"]
    assert (entry["amount"], entry["counterparty_username"]) == (-200, bob.username)
