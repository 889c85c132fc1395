"""The relay: what a receiver gets, in which order, and what becomes of what it does not take."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from standardwebhooks import Webhook

from api.events import relay as module
from api.events.relay import Relay
from api.events.secrets import SecretBox, new_secret
from api.settings import Settings
from api.telemetry.metrics import Lag
from tests.api.events.receiver import Receiver, receiving
from tests.database import Database

KEY = "the key that encrypts the secrets of the tests"
LIMIT = 30.0


@dataclass
class Measured:
    """In place of the metrics."""

    lags: dict[UUID, Lag] | None = None
    leads: bool = False
    counted: list[tuple[int, bool]] = field(default_factory=list)
    given_up: int = 0

    def note(self, lags: dict[UUID, Lag] | None) -> None:
        self.leads = lags is not None
        self.lags = lags

    def count(self, _: UUID, events: int, *, delivered: bool) -> None:
        self.counted.append((events, delivered))

    def give_up(self, _: UUID) -> None:
        self.given_up += 1


@contextlib.asynccontextmanager
async def relaying(database: Database, **settings: str) -> AsyncIterator[Measured]:
    """A relay, which is stopped in order at the end."""
    variables = {
        "PGWALLET_API_URL": database.api_url,
        "PGWALLET_WEBHOOK_KEY": KEY,
        "PGWALLET_WEBHOOK_NETWORKS": "127.0.0.0/8",
        **settings,
    }
    measured = Measured()
    work = asyncio.create_task(Relay(Settings.load(variables, None), measured).run())  # type: ignore[arg-type]
    try:
        yield measured
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)


async def until(condition: Callable[[], Any]) -> Any:
    """The first true value of `condition`."""
    async with asyncio.timeout(LIMIT):
        while not (found := condition()):
            await asyncio.sleep(0.01)
    return found


def run(scene: Coroutine[Any, Any, None]) -> None:
    asyncio.run(scene)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tries follow one another at once."""
    monkeypatch.setattr(module, "FIRST_BACKOFF", 0.01)
    monkeypatch.setattr(module, "LONGEST_BACKOFF", 0.05)
    monkeypatch.setattr(module, "LONGEST_PROBE", 0.02)
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(module, "FAULT_SECONDS", 0.05)


class Ledger:
    """What operators and users do."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self.connection = connection

    def call(self, statement: str, *values: object) -> Any:
        row = self.connection.execute(statement.encode(), values).fetchone()
        return row and row[0]

    def rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        return self.connection.execute(statement.encode(), values).fetchall()

    def wallet(self, username: str) -> UUID:
        found: UUID = self.call(
            "select w.id from wallet.wallets w join wallet.users u on u.id = w.owner_id where u.username = %s", username
        )
        return found

    def topup(self, username: str = "alice", amount: int = 1) -> int:
        return int(self.call("select id from wallet_topup(%s, %s, %s)", self.wallet(username), uuid4(), amount))

    def transfer(self, payer: str, payee: str) -> int:
        return int(
            self.call("select id from wallet_transfer(%s, %s, 1, %s)", self.wallet(payer), uuid4(), self.wallet(payee))
        )

    def webhook(self, url: str, secret: str | None = None, **terms: object) -> UUID:
        number = uuid4()
        named = {"p_webhook_id": number, "p_url": url, "p_secret": SecretBox(KEY).seal(secret or new_secret()), **terms}
        arguments = ", ".join(f"{name} => %s" for name in named)
        self.connection.execute(f"select wallet_create_webhook({arguments})".encode(), list(named.values()))
        return number

    def state(self, webhook: UUID) -> dict[str, Any]:
        found: dict[str, Any] = self.call("select to_jsonb(w) from wallet.webhooks w where w.id = %s", webhook)
        return found

    def backlog(self, webhook: UUID) -> dict[int, int]:
        return dict(self.rows("select event_id, attempts from wallet.webhook_backlog where webhook_id = %s", webhook))


@pytest.fixture
def ledger(administrator: psycopg.Connection) -> Ledger:
    return Ledger(administrator)


def ids(receiver: Receiver) -> list[int]:
    """The ids of all events that came, in order; of batches, too."""
    found = [json.loads(request.body) for request in receiver.requests]
    return [int(event["id"]) for body in found for event in (body if isinstance(body, list) else [body])]


def test_what_happens_is_delivered_signed_and_the_position_follows(database: Database, ledger: Ledger) -> None:
    async def scene() -> None:
        secret = new_secret()
        async with receiving() as receiver, relaying(database) as measured:
            webhook = ledger.webhook(receiver.url, secret)
            first, second = ledger.topup(), ledger.transfer("alice", "bob")
            await until(lambda: len(receiver.requests) == 2)
            assert ids(receiver) == [first, second]
            await until(lambda: ledger.state(webhook)["position"] == second)
            event = Webhook(secret).verify(receiver.requests[0].body, receiver.requests[0].headers)
            assert (event["type"], event["subject"]) == ("pgwallet.transaction.topup", str(ledger.wallet("alice")))
            assert receiver.requests[0].headers["webhook-id"] == str(first)
            assert receiver.requests[0].headers["content-type"] == "application/cloudevents+json"
            log = ledger.rows(
                "select first_event_id, last_event_id, events, attempt, outcome, status, error, answer"
                " from wallet.webhook_deliveries order by id"
            )
            assert log == [(number, number, 1, 1, "delivered", 204, None, "") for number in (first, second)]
            assert ledger.state(webhook)["last_success_at"] is not None
            await until(lambda: measured.lags == {webhook: Lag(0, 0.0, 0.0)})

    run(scene())
