"""The relay: what a receiver gets, in which order, and what becomes of what it does not take."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any
from unittest import mock
from uuid import UUID, uuid4

import psycopg
import pytest
from standardwebhooks import Webhook

from api.database.relay import LOCK, RelayDatabase
from api.events import delivery
from api.events import relay as module
from api.events.relay import Relay
from api.events.secrets import SecretBox, new_secret
from api.settings import Settings
from api.telemetry.metrics import Lag
from tests.api.events.receiver import OK, Receiver, Request, answer, receiving
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

    def note(self, lags: dict[UUID, Lag] | None, _: int = 0) -> None:
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
    deadline = time.monotonic() + LIMIT
    while not (found := condition()):
        assert time.monotonic() < deadline, "time ran out"
        await asyncio.sleep(0.01)
    return found


def run(scene: Coroutine[Any, Any, None]) -> None:
    asyncio.run(scene)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tries follow one another at once."""
    monkeypatch.setattr(delivery, "FIRST_BACKOFF", 0.01)
    monkeypatch.setattr(delivery, "LONGEST_BACKOFF", 0.05)
    monkeypatch.setattr(delivery, "LONGEST_PROBE", 0.02)
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(delivery, "FAULT_SECONDS", 0.05)


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

    def webhook(self, url: str, secret: str | None = None, /, **terms: object) -> UUID:
        number = uuid4()
        named = {"p_webhook_id": number, "p_url": url, "p_secret": SecretBox(KEY).seal(secret or new_secret()), **terms}
        arguments = ", ".join(f"{name} => %s" for name in named)
        self.connection.execute(f"select wallet_create_webhook({arguments})".encode(), list(named.values()))
        return number

    def state(self, webhook: UUID) -> dict[str, Any]:
        found: dict[str, Any] = self.call("select to_jsonb(w) from wallet.webhooks w where w.id = %s", webhook)
        return found

    def is_at(self, webhook: UUID, position: int) -> bool:
        return bool(self.state(webhook)["position"] == position)

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


def refusing(wanted: Callable[[dict[str, Any]], bool], status: int = 500) -> Callable[[Request], bytes]:
    """A receiver's reply that refuses some events."""

    def reply(request: Request) -> bytes:
        body = json.loads(request.body)
        return answer(status, b"no") if any(wanted(event) for event in _listed(body)) else OK

    return reply


def _listed(body: Any) -> list[dict[str, Any]]:
    return body if isinstance(body, list) else [body]


def of(wallet: UUID) -> Callable[[dict[str, Any]], bool]:
    return lambda event: event["subject"] == str(wallet)


# order


def test_each_wallets_events_come_in_order_whatever_fails(database: Database, ledger: Ledger) -> None:
    async def scene() -> None:
        tried: dict[int, int] = {}
        taken: list[int] = []

        def reply(request: Request) -> bytes:
            number = int(request.headers["webhook-id"])
            tried[number] = tried.get(number, 0) + 1
            if tried[number] <= number % 4:
                return [answer(500), b""][number % 2]
            taken.append(number)
            return OK

        names = ("alice", "bob", "charlie")
        start = [ledger.topup(name, 10) for name in names][-1]
        async with receiving(reply) as receiver, relaying(database):
            webhook = ledger.webhook(receiver.url, p_after=start)
            made: dict[int, set[str]] = {}
            for turn in range(20):
                one, two = names[turn % 3], names[(turn + 1) % 3]
                made |= {ledger.topup(one): {one}, ledger.transfer(one, two): {one, two}}
            await until(lambda: ledger.state(webhook)["position"] == max(made) and not ledger.backlog(webhook))
            assert sorted(taken) == list(made)
            for name in names:
                assert [number for number in taken if name in made[number]] == [n for n in made if name in made[n]]
            assert tried == {number: number % 4 + 1 for number in made}

    run(scene())


def test_what_waits_for_a_failed_event_is_what_touches_its_wallets(database: Database, ledger: Ledger) -> None:
    async def scene() -> None:
        fails = True
        first = ledger.topup("alice")

        def reply(request: Request) -> bytes:
            return answer(500, b"no") if fails and request.headers["webhook-id"] == str(first) else OK

        async with receiving(reply) as receiver, relaying(database):
            webhook = ledger.webhook(receiver.url, p_after=first - 1)
            await until(lambda: ledger.backlog(webhook).get(first, 0) > 1)
            moved, behind, free = ledger.transfer("alice", "bob"), ledger.topup("bob"), ledger.topup("charlie")
            # the position passes what waits
            await until(lambda: ledger.state(webhook)["position"] == free)
            assert set(ids(receiver)) == {first, free}
            backlog = ledger.backlog(webhook)
            assert (set(backlog), backlog[moved], backlog[behind]) == ({first, moved, behind}, 0, 0)
            assert ledger.state(webhook)["status"] == "active"
            fails = False
            await until(lambda: not ledger.backlog(webhook))
            assert ids(receiver)[-3:] == [first, moved, behind]

    run(scene())


def test_a_receiver_that_fails_gets_one_attempt_at_a_time_and_everything_once_it_is_back(
    database: Database, ledger: Ledger
) -> None:
    async def scene() -> None:
        down = asyncio.Event()
        parallel: list[int] = []
        inside = 0

        async def reply(_: Request) -> bytes:
            nonlocal inside
            inside += 1
            if not down.is_set():
                parallel.append(inside)
            await asyncio.sleep(0)
            inside -= 1
            return OK if down.is_set() else answer(503)

        users = [f"user-{n}" for n in range(40)]
        for name in users:
            ledger.connection.execute("select wallet_register(%s, %s)", [name, "$2b$04$" + "a" * 53])
        start = ledger.topup("alice")
        async with receiving(reply) as receiver, relaying(database):
            webhook = ledger.webhook(receiver.url, p_after=start)
            made = [ledger.topup(name) for name in users]
            await until(lambda: ledger.state(webhook)["failures"] > 3 * delivery.DOWN_AFTER)
            assert set(parallel[-delivery.DOWN_AFTER :]) == {1}
            down.set()
            await until(lambda: ledger.state(webhook)["position"] == made[-1] and not ledger.backlog(webhook))
            assert set(ids(receiver)) == set(made)

    run(scene())


@pytest.mark.long
def test_a_receiver_that_hangs_slows_no_other_one(database: Database, ledger: Ledger) -> None:
    async def scene() -> None:
        never = asyncio.Event()

        async def hang(_: Request) -> bytes:
            await never.wait()
            return OK

        async with receiving(hang) as hangs, receiving() as receiver, relaying(database):
            ledger.webhook(hangs.url)
            webhook = ledger.webhook(receiver.url)
            made = [ledger.topup(name) for name in ("alice", "bob", "charlie") * 10]
            await until(lambda: ledger.state(webhook)["position"] == made[-1])
            assert sorted(ids(receiver)) == made
            assert len(hangs.requests) == 3

    run(scene())


# what is given up


def test_what_fails_for_too_long_is_a_dead_letter_and_its_wallet_goes_on(database: Database, ledger: Ledger) -> None:
    async def scene() -> None:
        bad = ledger.topup("alice") + 1

        def reply(request: Request) -> bytes:
            return answer(422, b"never") if request.headers["webhook-id"] == str(bad) else OK

        async with receiving(reply) as receiver, relaying(database, PGWALLET_WEBHOOK_GIVE_UP="1") as measured:
            webhook = ledger.webhook(receiver.url)
            assert ledger.topup("alice") == bad
            later = ledger.topup("alice")
            # something is taken after its first attempt: the receiver is there
            await until(lambda: bad in ledger.backlog(webhook))
            other = ledger.topup("bob")
            await until(lambda: ledger.state(webhook)["position"] == other and other in ids(receiver))
            await until(lambda: later in ids(receiver))
            await until(lambda: not ledger.backlog(webhook))
            letters = ledger.rows("select event_id, attempts, status, error from wallet.webhook_dead_letters")
            assert letters == [(bad, ids(receiver).count(bad), 422, None)]
            assert letters[0][1] > 1
            assert (ledger.state(webhook)["status"], measured.given_up) == ("active", 1)
            # and once more: it is sent, it fails, it waits
            before = len(receiver.requests)
            assert ledger.call("select wallet_retry_dead_letters(%s)", webhook) == 1
            await until(lambda: bad in ids(receiver)[before:])

    run(scene())


def test_a_webhook_to_which_nothing_can_be_delivered_is_paused(database: Database, ledger: Ledger) -> None:
    async def scene() -> None:
        patience = {"PGWALLET_WEBHOOK_GIVE_UP": "1"}
        async with receiving(lambda _: answer(500)) as receiver, receiving() as other, relaying(database, **patience):
            webhook, control = ledger.webhook(receiver.url), ledger.webhook(other.url)
            first, second = ledger.topup(), ledger.topup()
            await until(lambda: ledger.state(webhook)["status"] == "paused")
            assert ledger.state(webhook)["pause_reason"] == "nothing could be delivered for too long"
            assert ledger.call("select array_agg(event_id) from wallet.webhook_dead_letters") == [first]
            assert ledger.backlog(webhook).keys() <= {second}
            so_far = len(receiver.requests)
            third = ledger.topup()
            await until(lambda: ledger.state(control)["position"] == third)
            assert len(receiver.requests) == so_far
            receiver.reply = lambda _: OK
            ledger.call("select id from wallet_resume_webhook(%s)", webhook)
            await until(lambda: ledger.state(webhook)["position"] == third and not ledger.backlog(webhook))
            assert ids(receiver)[-2:] == [second, third]

    run(scene())


def test_a_receiver_that_is_gone_is_paused_at_once(database: Database, ledger: Ledger) -> None:
    async def scene() -> None:
        async with receiving(lambda _: answer(410)) as receiver, relaying(database):
            webhook = ledger.webhook(receiver.url)
            first = ledger.topup()
            await until(lambda: ledger.state(webhook)["status"] == "paused")
            assert "410 Gone" in ledger.state(webhook)["pause_reason"]
            assert (ids(receiver), ledger.backlog(webhook)) == ([first], {first: 1})

    run(scene())


# who leads, and what the next one knows


def test_another_relay_keeps_the_pause_before_the_next_attempt(
    database: Database, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "FIRST_BACKOFF", 1000.0)
    monkeypatch.setattr(delivery, "LONGEST_BACKOFF", 1000.0)

    async def scene() -> None:
        async with receiving(refusing(of(ledger.wallet("alice")))) as receiver:
            webhook = ledger.webhook(receiver.url)
            first = ledger.topup("alice")
            async with relaying(database):
                await until(lambda: ledger.backlog(webhook) == {first: 1})
            async with relaying(database):
                second, third = ledger.topup("bob"), ledger.topup("alice")
                await until(lambda: ledger.state(webhook)["position"] == third)
                assert ids(receiver) == [first, second]
            receiver.reply = lambda _: OK
            ledger.connection.execute("update wallet.webhook_backlog set next_at = now() where attempts > 0")
            async with relaying(database):
                await until(lambda: not ledger.backlog(webhook))
            assert ids(receiver) == [first, second, first, third]
            assert ledger.call("select max(attempt) from wallet.webhook_deliveries") == 2

    run(scene())


def test_of_two_relays_one_delivers_and_the_other_takes_over(database: Database, ledger: Ledger) -> None:
    async def scene() -> None:
        async with receiving() as receiver, relaying(database) as one:
            await until(lambda: one.leads)
            async with relaying(database) as two:
                webhook = ledger.webhook(receiver.url)
                first = ledger.topup()
                await until(lambda: ledger.state(webhook)["position"] == first)
                assert (one.leads, two.leads) == (True, False)
                version = ledger.state(webhook)["version"]
                holder = "select pid from pg_locks where locktype = 'advisory' and granted and objid = %s"
                pid = ledger.call(holder, LOCK & 0xFFFFFFFF)
                ledger.call("select pg_terminate_backend(%s)", pid)
                await until(lambda: ledger.state(webhook)["version"] > version)
                second = ledger.topup()
                await until(lambda: ledger.state(webhook)["position"] == second)
                assert one.leads != two.leads
                assert ids(receiver) == [first, second]
                # what the one before still tells is refused
                nothing = ["{}"] * 15
                told = ledger.call(
                    f"select wallet_relay_progress(%s, %s, 0, 0, null{', %s' * 16})", webhook, version, "{}", *nothing
                )
                assert told is False
                assert ledger.state(webhook)["position"] == second

    run(scene())


def test_a_relay_that_stops_notes_what_it_has_sent(database: Database, ledger: Ledger) -> None:
    async def scene() -> None:
        asked, may_answer = asyncio.Event(), asyncio.Event()

        async def reply(_: Request) -> bytes:
            asked.set()
            await may_answer.wait()
            return OK

        async with receiving(reply) as receiver:
            webhook = ledger.webhook(receiver.url)
            first = ledger.topup()
            async with relaying(database):
                await asked.wait()
                asyncio.get_running_loop().call_later(0.05, may_answer.set)
            assert ledger.state(webhook)["position"] == first
            assert ids(receiver) == [first]

    run(scene())


# what operators do meanwhile


def test_what_is_replayed_during_deliveries_comes_again_in_order(database: Database, ledger: Ledger) -> None:
    async def scene() -> None:
        asked, may_answer = asyncio.Event(), asyncio.Event()

        async def reply(_: Request) -> bytes:
            asked.set()
            await may_answer.wait()
            return OK

        async with receiving(reply) as receiver, relaying(database):
            webhook = ledger.webhook(receiver.url)
            start = ledger.state(webhook)["position"]
            made = [ledger.topup() for _ in range(5)]
            await asked.wait()
            ledger.connection.execute("select wallet_replay_webhook(%s, %s)", [webhook, start])
            may_answer.set()
            await until(lambda: ledger.state(webhook)["position"] == made[-1])
            ledger.connection.execute("select wallet_replay_webhook(%s, %s)", [webhook, made[1]])
            await until(lambda: ids(receiver)[-3:] == made[2:] and ledger.state(webhook)["position"] == made[-1])
            assert ids(receiver).count(made[0]) <= 2

    run(scene())


def test_a_webhook_is_told_only_what_it_asks_for(database: Database, ledger: Ledger) -> None:
    async def scene() -> None:
        urls: dict[str, dict[str, object]] = {
            "type": {"p_types": ["transaction.transfer"]},
            "wallet": {"p_wallet_id": ledger.wallet("bob")},
            "asset": {"p_asset": "EUR"},
            "all": {},
        }
        ledger.call("select wallet_create_asset('EUR', 'Euro', 2::smallint)")
        async with contextlib.AsyncExitStack() as stack:
            found = {name: await stack.enter_async_context(receiving()) for name in urls}
            hooks = {name: ledger.webhook(found[name].url, **terms) for name, terms in urls.items()}
            await stack.enter_async_context(relaying(database))
            ledger.topup("alice")
            moved, bobs = ledger.transfer("alice", "bob"), ledger.topup("bob")
            alice = ledger.call("select owner_id from wallet.wallets where id = %s", ledger.wallet("alice"))
            ledger.call("select wallet_id from wallet_open(%s, 'EUR')", alice)
            last = ledger.call("select last_value from wallet.transaction_ids")
            for hook in hooks.values():
                await until(functools.partial(ledger.is_at, hook, last))
            assert ids(found["type"]) == [moved]
            assert ids(found["wallet"]) == [moved, bobs]
            assert ids(found["asset"]) == [last]
            assert len(ids(found["all"])) == 4

    run(scene())


def signatures(receiver: Receiver) -> list[str]:
    """Those of the newest request."""
    return receiver.requests[-1].headers["webhook-signature"].split(" ")


def test_both_secrets_sign_while_one_is_rotated_and_then_the_new_one_alone(database: Database, ledger: Ledger) -> None:
    async def scene() -> None:
        old, new = new_secret(), new_secret()
        async with receiving() as receiver, relaying(database):
            webhook = ledger.webhook(receiver.url, old)
            ledger.call("select id from wallet_rotate_webhook_secret(%s, %s)", webhook, SecretBox(KEY).seal(new))
            ledger.topup()
            await until(lambda: len(receiver.requests) == 1)
            for secret in (old, new):
                Webhook(secret).verify(receiver.requests[0].body, receiver.requests[0].headers)
            ledger.connection.execute("update wallet.webhooks set previous_until = now(), version = version + 1")
            last = ledger.topup()
            # the first may come again: the change refuses what was not noted before, or sent by who did not know of it
            await until(lambda: ids(receiver)[-1:] == [last] and len(signatures(receiver)) == 1)
            Webhook(new).verify(receiver.requests[-1].body, receiver.requests[-1].headers)

    run(scene())


def test_a_webhook_without_a_secret_gets_one(database: Database, ledger: Ledger) -> None:
    async def scene() -> None:
        async with receiving() as receiver, relaying(database):
            webhook = uuid4()
            ledger.call("select id from wallet_create_webhook(%s, %s)", webhook, receiver.url)
            ledger.topup()
            await until(lambda: receiver.requests)
            sealed = ledger.call("select secret from wallet.webhooks where id = %s", webhook)
            secret = SecretBox(KEY).open(sealed)
            Webhook(secret).verify(receiver.requests[0].body, receiver.requests[0].headers)

    run(scene())


def test_a_secret_of_another_key_pauses_its_webhook_and_no_other(database: Database, ledger: Ledger) -> None:
    async def scene() -> None:
        async with receiving() as receiver, relaying(database):
            webhook = ledger.webhook(receiver.url, p_secret=SecretBox(KEY + "x").seal(new_secret()))
            other = ledger.webhook(receiver.url)
            await until(lambda: ledger.state(webhook)["status"] == "paused")
            assert "another PGWALLET_WEBHOOK_KEY" in ledger.state(webhook)["pause_reason"]
            last = ledger.topup()
            await until(lambda: ledger.state(other)["position"] == last)
            assert ids(receiver) == [last]

    run(scene())


# many at a time


def test_a_batch_holds_what_there_is_in_order(database: Database, ledger: Ledger) -> None:
    async def scene() -> None:
        secret = new_secret()
        start = ledger.topup()
        made = [ledger.topup(("alice", "bob")[n % 2]) for n in range(25)]
        async with receiving() as receiver, relaying(database):
            webhook = ledger.webhook(receiver.url, secret, p_batch_size=10, p_after=start)
            await until(lambda: ledger.state(webhook)["position"] == made[-1])
            assert ids(receiver) == made
            assert [len(json.loads(request.body)) for request in receiver.requests] == [10, 10, 5]
            first = receiver.requests[0]
            assert first.headers["content-type"] == "application/cloudevents-batch+json"
            assert first.headers["webhook-id"] == f"{made[0]}-{made[9]}"
            Webhook(secret).verify(first.body, first.headers)
            log = ledger.rows("select first_event_id, last_event_id, events from wallet.webhook_deliveries order by id")
            assert log == [(made[0], made[9], 10), (made[10], made[19], 10), (made[20], made[24], 5)]

    run(scene())


def test_a_batch_that_fails_comes_again_in_smaller_ones(database: Database, ledger: Ledger) -> None:
    async def scene() -> None:
        start = ledger.topup()
        made = [ledger.topup() for _ in range(20)]
        bad = made[6]
        fails = True

        def reply(request: Request) -> bytes:
            return answer(500) if fails and f'"id" : "{bad}"' in request.body.decode() else OK

        async with receiving(reply) as receiver, relaying(database):
            webhook = ledger.webhook(receiver.url, p_batch_size=16, p_after=start)
            # all before it are taken, and it is tried alone
            await until(
                lambda: [int(r.headers["webhook-id"].partition("-")[0]) for r in receiver.requests][-2:] == [bad] * 2
            )
            fails = False
            await until(lambda: ledger.state(webhook)["position"] == made[-1] and not ledger.backlog(webhook))
            assert list(dict.fromkeys(ids(receiver))) == made

    run(scene())


@pytest.mark.parametrize("begun", ["4 days", "-400 days"], ids=["long ago", "by a clock that has gone back since"])
@pytest.mark.parametrize("size", [1, 8])
def test_nothing_is_given_up_for_how_long_another_event_or_a_clock_took(
    database: Database, ledger: Ledger, size: int, begun: str
) -> None:
    async def scene() -> None:
        fails = True
        made = [ledger.topup("alice") for _ in range(6)]
        async with receiving(lambda _: answer(500) if fails else OK) as receiver:
            webhook = ledger.webhook(receiver.url, p_batch_size=size)
            # the first one was a dead letter, and is retried; those after it have failed before, or only waited
            ledger.connection.execute(
                "insert into wallet.webhook_backlog (webhook_id, event_id, attempts, first_at, next_at)"
                " select %s, e, case when n > 1 then 3 else 0 end,"
                " case when n > 1 then clock_timestamp() - %s::interval end, null"
                " from unnest(%s) with ordinality u (e, n)",
                [webhook, begun, made],
            )
            async with relaying(database):
                await until(lambda: len(receiver.requests) > 5)
                await until(lambda: ledger.backlog(webhook)[made[0]] > 3)
                fails = False
                await until(lambda: not ledger.backlog(webhook))
        assert list(dict.fromkeys(ids(receiver))) == made
        assert ledger.call("select count(*) from wallet.webhook_dead_letters") == 0
        assert ledger.state(webhook)["status"] == "active"

    run(scene())


def test_what_a_clock_in_the_future_began_is_given_up_in_time(database: Database, ledger: Ledger) -> None:
    async def scene() -> None:
        bad = ledger.topup("alice")
        async with receiving(lambda _: answer(500)) as receiver:
            webhook = ledger.webhook(receiver.url)
            ledger.connection.execute(
                "insert into wallet.webhook_backlog (webhook_id, event_id, attempts, first_at, next_at)"
                " values (%s, %s, 3, clock_timestamp() + '400 days', clock_timestamp())",
                [webhook, bad],
            )
            async with relaying(database, PGWALLET_WEBHOOK_GIVE_UP="1"):
                await until(lambda: ledger.state(webhook)["status"] == "paused")
        assert ledger.call("select event_id from wallet.webhook_dead_letters") == bad

    run(scene())


# bounds


def test_the_backlog_is_bounded_and_the_position_stands_still(
    database: Database, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "BACKLOG", 40)

    async def scene() -> None:
        alice = ledger.wallet("alice")
        start = ledger.topup()
        made = [ledger.topup() for _ in range(80)]
        async with receiving(refusing(of(alice))) as receiver, receiving() as other, relaying(database):
            webhook, control = ledger.webhook(receiver.url, p_after=start), ledger.webhook(other.url)
            await until(lambda: len(ledger.backlog(webhook)) == 8)
            last = ledger.topup("bob")
            await until(lambda: ledger.state(control)["position"] == last)
            await until(lambda: last in ids(receiver))
            assert len(ledger.backlog(webhook)) == 8
            assert ledger.state(webhook)["position"] == made[8] - 1
            receiver.reply = lambda _: OK
            await until(lambda: ledger.state(webhook)["position"] == last and not ledger.backlog(webhook))
            assert [number for number in dict.fromkeys(ids(receiver)) if number != last] == made

    run(scene())


def test_more_dead_letters_than_there_is_room_for_are_delivered_in_order(
    database: Database, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "BACKLOG", 8)

    async def scene() -> None:
        made = [ledger.topup() for _ in range(30)]
        async with receiving() as receiver:
            webhook = ledger.webhook(receiver.url)
            ledger.connection.execute(
                "insert into wallet.webhook_dead_letters (webhook_id, event_id, attempts, first_at, last_at)"
                " select %s, unnest(%s), 1, now(), now()",
                [webhook, made],
            )
            ledger.call("select wallet_retry_dead_letters(%s)", webhook)
            async with relaying(database):
                await until(lambda: not ledger.backlog(webhook))
            assert ids(receiver) == made

    run(scene())


def test_without_a_webhook_no_fence_is_drawn(database: Database, ledger: Ledger) -> None:
    async def scene() -> None:
        with mock.patch.object(RelayDatabase, "event_mark", side_effect=AssertionError) as mark:
            async with relaying(database) as measured:
                looks = mock.Mock(wraps=measured.note)
                measured.note = looks  # type: ignore[method-assign]
                ledger.topup()
                await until(lambda: looks.call_count > 5)
            mark.assert_not_called()

    run(scene())


# what is told


def test_an_erasure_between_two_attempts_is_heeded(database: Database, ledger: Ledger) -> None:
    async def scene() -> None:
        username = "somebody"
        ledger.connection.execute("select wallet_register(%s, %s)", [username, "$2b$04$" + "a" * 53])
        wallet = ledger.wallet(username)
        fails = True
        async with receiving(lambda _: answer(500) if fails else OK) as receiver, relaying(database):
            webhook = ledger.webhook(receiver.url, p_wallet_id=wallet)
            ledger.call("select id from wallet_spend(%s, %s, 1000, 'for Mrs Smith')", wallet, uuid4())
            await until(lambda: len(receiver.requests) > 1)
            assert "Mrs Smith" in receiver.requests[0].body.decode()
            owner = ledger.call("select owner_id from wallet.wallets where id = %s", wallet)
            ledger.connection.execute("select wallet_erase_user(%s, 'asked for')", [owner])
            erased = time.monotonic()
            await until(lambda: time.monotonic() > erased + delivery.FRESH_SECONDS)
            so_far = len(receiver.requests)
            fails = False
            await until(lambda: not ledger.backlog(webhook))
            assert len(receiver.requests) > so_far
            assert "Mrs Smith" not in receiver.requests[-1].body.decode()

    run(scene())


def test_a_hold_that_is_due_is_ended_and_told_of(database: Database, ledger: Ledger) -> None:
    async def scene() -> None:
        async with receiving() as receiver, relaying(database):
            ledger.webhook(receiver.url, p_types=["hold.expired"])
            wallet = ledger.wallet("alice")
            ledger.connection.execute("select wallet_hold(%s, %s, 5, 1)", [wallet, uuid4()])
            await until(lambda: receiver.requests)
            assert json.loads(receiver.requests[0].body)["type"] == "pgwallet.hold.expired"

    run(scene())


def test_without_a_key_holds_are_ended_and_nothing_is_delivered(database: Database, ledger: Ledger) -> None:
    async def scene() -> None:
        async with receiving() as receiver, relaying(database, PGWALLET_WEBHOOK_KEY="") as measured:
            webhook = ledger.webhook(receiver.url)
            wallet = ledger.wallet("alice")
            ledger.connection.execute("select wallet_hold(%s, %s, 5, 1)", [wallet, uuid4()])
            await until(lambda: ledger.call("select count(*) from wallet.hold_events where event = 'expired'"))
            assert (measured.leads, receiver.requests, ledger.state(webhook)["status"]) == (False, [], "active")

    run(scene())


@pytest.mark.parametrize("change", ["wallet_pause_webhook(%s)", "wallet_delete_webhook(%s)"])
def test_after_a_change_nothing_is_sent_by_what_was_before(
    database: Database, ledger: Ledger, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    # the relay looks for changes only when it is about to send
    monkeypatch.setattr(delivery, "SURE_SECONDS", 0.0)
    monkeypatch.setattr(module, "LOOK_SECONDS", 3600.0)

    async def scene() -> None:
        async with receiving() as receiver:
            changed, other = ledger.webhook(receiver.url), ledger.webhook(f"{receiver.url}/other")
            async with relaying(database):
                first = ledger.topup()
                await until(lambda: ledger.is_at(changed, first) and ledger.is_at(other, first))
                ledger.connection.execute(f"select {change}".encode(), [changed])
                last = ledger.topup()
                await until(lambda: ledger.is_at(other, last))
                assert [one.target for one in receiver.requests].count("/events") == 1

    run(scene())


def test_what_is_old_is_removed_step_by_step(
    database: Database, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PRUNE_SECONDS", 0.01)
    monkeypatch.setattr(module, "STEP_SECONDS", 0.0)
    ledger.connection.execute(
        "insert into wallet.verifications (ended_at, seconds, violations)"
        " select now() - interval '500 days', 1, 0 from generate_series(1, 2500)"
    )

    async def scene() -> None:
        # no lead is needed, and no key
        async with relaying(database, PGWALLET_WEBHOOK_KEY=""):
            await until(lambda: ledger.call("select count(*) = 1 from wallet.verifications"))

    run(scene())
