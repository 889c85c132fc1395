"""What only the pages call: sessions, one entry with its receipt, the balance over time."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID, uuid4

import pytest

from api.database.functions import Database as Calls
from api.database.requests import Details, Mutation
from api.database.rows import BalancePoint, NewUser, SessionUser
from api.errors import ServiceError
from api.settings import Settings
from tests.database import Database

HASH = sha256(b"a session").digest()
NOTHING = Details(None, None, None)


def story(database: Database, told: Callable[[Calls, NewUser], Awaitable[None]]) -> None:
    """Run it for a new user."""

    async def run() -> None:
        calls = Calls(Settings(api_url=database.api_url))
        await calls.open()
        try:
            await told(calls, await calls.register("dora", "a hash"))
        finally:
            await calls.close()

    asyncio.run(run())


async def refused(call: Awaitable[object]) -> str:
    with pytest.raises(ServiceError) as refusal:
        await call
    return refusal.value.kind.code


def test_a_session_is_its_users_until_it_ends(database: Database) -> None:
    async def told(calls: Calls, dora: NewUser) -> None:
        since = (await calls.revocations(None)).next
        began = datetime.now(UTC)
        expires_at = await calls.start_session(HASH, dora.user_id, 0)
        assert began + timedelta(hours=23, minutes=59) < expires_at < datetime.now(UTC) + timedelta(hours=24, minutes=1)
        assert await calls.start_session(HASH, dora.user_id, 0) == expires_at
        found = SessionUser(dora.user_id, "dora", "user", dora.wallet_id, expires_at)
        assert await calls.session(HASH) == found
        assert await calls.session(sha256(b"another").digest()) is None

        await calls.end_session(HASH)
        await calls.end_session(HASH)
        assert await calls.session(HASH) is None
        assert (await calls.revocations(since)).user_ids == [dora.user_id], "other processes hear of it, once"

    story(database, told)


def test_none_begins_after_a_sign_out_everywhere(database: Database) -> None:
    async def told(calls: Calls, dora: NewUser) -> None:
        await calls.start_session(HASH, dora.user_id, 0)
        await calls.sign_out_everywhere(dora.user_id)
        assert await calls.session(HASH) is None
        assert await refused(calls.start_session(HASH, dora.user_id, 0)) == "WA029"
        assert await refused(calls.start_session(HASH, UUID(int=1), 0)) == "WA029"
        await calls.start_session(HASH, dora.user_id, 1)
        assert await calls.session(HASH) is not None

    story(database, told)


def test_demo_accounts_are_offered_where_they_are(database: Database) -> None:
    async def told(calls: Calls, _: NewUser) -> None:
        assert await calls.demo_accounts() == ["alice", "bob", "charlie"]
        alice = (await calls.sign_in("alice", "here"))[0]
        assert alice is not None
        await calls.change_password(alice.user_id, alice.password_hash, "another hash")
        assert await calls.demo_accounts() == ["bob", "charlie"]

    story(database, told)


def test_an_entry_has_what_its_owner_may_see(database: Database) -> None:
    async def told(calls: Calls, dora: NewUser) -> None:
        wallet, user = dora.wallet_id, dora.user_id
        emil = await calls.register("emil", "a hash")
        spent = await calls.mutate(Mutation("spend", wallet, uuid4(), 40, "order 1", '{"a": 1}', user, None))
        sent = await calls.transfer(wallet, uuid4(), 7, emil.wallet_id, NOTHING, user)
        assert spent.receipt is not None
        assert sent.receipt is not None

        entry = await calls.entry(wallet, spent.id, user)
        assert (entry.type, entry.amount, entry.balance, entry.reference) == ("spend", -40, 960, "order 1")
        assert bytes(entry.metadata) == b'{"a": 1}'
        assert (entry.receipt, entry.refundable, entry.hold_txn_id) == (spent.receipt, 40, None)
        assert await calls.verify_entry(wallet, spent.id, spent.receipt, user) == "ok"

        received = await calls.entry(emil.wallet_id, sent.id, emil.user_id)
        assert (received.amount, received.counterparty_username, received.refundable) == (7, "dora", None)
        assert received.receipt is not None
        assert received.receipt != sent.receipt
        assert await calls.verify_entry(emil.wallet_id, sent.id, received.receipt, emil.user_id) == "ok"
        assert await calls.verify_entry(emil.wallet_id, sent.id, sent.receipt, emil.user_id) == "rewritten"
        assert await calls.verify_entry(emil.wallet_id, spent.id, spent.receipt, emil.user_id) == "removed"
        assert await refused(calls.entry(emil.wallet_id, spent.id, emil.user_id)) == "WA028"
        assert await refused(calls.entry(wallet, spent.id, emil.user_id)) == "WA001"

    story(database, told)


def test_a_capture_names_its_hold(database: Database) -> None:
    async def told(calls: Calls, dora: NewUser) -> None:
        wallet, user, hold = dora.wallet_id, dora.user_id, uuid4()
        await calls.hold(wallet, hold, 50, None, NOTHING, user)
        captured = await calls.capture(wallet, uuid4(), hold, 30, NOTHING, user, final=True)
        entry = await calls.entry(wallet, captured.id, user)
        assert (entry.type, entry.hold_txn_id, entry.refundable) == ("capture", hold, 30)

    story(database, told)


def test_the_balance_over_time_ends_with_the_balance(database: Database) -> None:
    async def told(calls: Calls, dora: NewUser) -> None:
        wallet, user = dora.wallet_id, dora.user_id
        await calls.transfer(wallet, uuid4(), 100, "alice", NOTHING, user)
        end = datetime.now(UTC) + timedelta(hours=1)
        start = end - timedelta(days=30)
        points = await calls.balance_history(wallet, start, end, 31, user)
        assert points == [*(BalancePoint(start + timedelta(days=day), 0) for day in range(30)), BalancePoint(end, 900)]
        assert await refused(calls.balance_history(wallet, end, start, 31, user)) == "WA002"
        assert await refused(calls.balance_history(wallet, start, end, 401, user)) == "WA002"

    story(database, told)
