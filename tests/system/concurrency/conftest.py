"""A wallet to fight over, and a sound ledger after each test."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from uuid import UUID

import pytest

from tests.database import Database
from tests.system.concurrency.sessions import Session, sessions


@dataclass(frozen=True)
class Owner:
    """A user with a wallet that holds 1000."""

    user_id: UUID
    wallet_id: UUID


@pytest.fixture
def observer(database: Database) -> Iterator[Session]:
    """The administrator, who looks on; at the end the ledger must be sound."""
    session = Session(database)
    try:
        yield session
        assert session.run("select * from wallet_verify() where not starts_with(violation, 'warning')") == []
    finally:
        session.close()


@pytest.fixture
def register(observer: Session) -> Callable[[str], Owner]:
    """Register a user by name."""

    def one(username: str) -> Owner:
        (row,) = observer.run("select user_id, wallet_id from wallet_register(%s, 'hash')", username)
        return Owner(**row)

    return one


@pytest.fixture
def owner(register: Callable[[str], Owner]) -> Owner:
    return register("dora")


@pytest.fixture
def pair(database: Database) -> Iterator[tuple[Session, Session]]:
    """The session that gets the lock first, and the one that waits for it."""
    with sessions(database, 2) as opened:
        yield opened[0], opened[1]
