"""The client against the service: what users, machines and operators do with it."""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import msgspec
import pytest

from pgwallet_client import AsyncClient, BatchItem, Client, Event, errors, models, receipts
from tests.api.service import PASSWORD, TLS, Service, User, data


@pytest.fixture
def dora(service: Service) -> Iterator[Client]:
    """A new user, with a balance of 1000."""
    with Client(service.url, verify=TLS) as client:
        client.sign_up(f"dora-{uuid4().hex[:12]}", PASSWORD)
        yield client


@pytest.fixture
def olga(service: Service, operator: User) -> Iterator[Client]:
    """An operator."""
    with Client(service.url, username=operator.username, password=PASSWORD, verify=TLS) as client:
        yield client


def test_a_customer_moves_money(dora: Client, bob: User) -> None:
    topped_up = dora.top_up(500, reference="wages", metadata={"month": 5})
    assert (topped_up.balance, topped_up.type, topped_up.replayed, topped_up.delivery) == (1500, "topup", False, None)
    spent = dora.spend(300, effective_at=datetime(2026, 1, 1, tzinfo=UTC))
    again = dora.spend(300, txn_id=spent.txn_id, effective_at=datetime(2026, 1, 1, tzinfo=UTC))
    assert (again.replayed, again.id, again.receipt) == (True, spent.id, spent.receipt)
    with pytest.raises(errors.TxnIdAlreadyUsed) as used:
        dora.spend(301, txn_id=spent.txn_id)
    assert used.value.txn_id == spent.txn_id
    assert dora.refund(spent.txn_id, amount=100).balance == 1300
    sent = dora.transfer(50, to_username=bob.username)
    assert dora.delivered(sent).delivery in {None, "delivered"}
    with pytest.raises(errors.UnknownRecipient) as nobody:
        dora.transfer(50, to_username="nobody-at-all")
    assert nobody.value.to_username == "nobody-at-all"
    with pytest.raises(errors.InsufficientFunds) as poor:
        dora.spend(2000)
    assert (poor.value.requested, poor.value.available, poor.value.asset) == (2000, 1250, "UC")
    with pytest.raises(errors.InvalidRequest, match="amount") as wrong:
        dora.spend(-1)
    assert [fault.field for fault in wrong.value.errors] == ["amount"]
    now = dora.balance()
    assert (now.balance, now.held, now.available, now.status) == (1250, 0, 1250, "active")
    assert dora.transaction(spent.txn_id).amount == -300


def test_a_hold_is_captured_voided_and_released(dora: Client) -> None:
    placed = dora.hold(100, expires_in=60)
    assert dora.capture(placed.txn_id, amount=30).available == 900
    assert dora.void(placed.txn_id).available == 970
    with dora.holding(200, reference="order 17") as hold:
        assert dora.balance().held == 200
        assert hold.capture(150).balance == 820
    assert dora.balance().available == 820
    with dora.holding(200) as hold:
        hold.capture()
        assert hold.ended
    with pytest.raises(ZeroDivisionError), dora.holding(200):
        _ = 1 / 0
    with dora.holding(10) as hold:
        dora.void(hold.placed.txn_id)  # by somebody else: nothing is left to release
    assert dora.balance().held == 0
    assert [one.status for one in dora.holds(page_size=2)] == ["voided", "voided", "captured", "voided", "voided"]
    assert [len(page.items) for page in dora.holds(status="voided", page_size=2).pages()] == [2, 2]


def test_the_past_is_read_in_pages_and_statements(dora: Client) -> None:
    for amount in (1, 2, 3):
        dora.spend(amount, reference=f"order {amount}")
    assert [entry.amount for entry in dora.transactions(page_size=2)] == [-3, -2, -1, 1000]
    assert [entry.amount for entry in dora.transactions(reference="order 2")] == [-2]
    now = datetime.now(UTC)
    start = now - timedelta(days=1)
    statement = dora.statement(start, now)
    assert (statement.start, statement.opening_balance, statement.closing_balance) == (start, 0, 994)
    table = b"".join(dora.statement_csv(start, now)).decode().splitlines()
    assert [line.partition(",")[0] for line in table] == ["line", "opening", *["entry"] * 4, "closing"]
    assert (dora.balance_at(now).balance, dora.balance_at(start).balance) == (994, 0)
    with pytest.raises(errors.TimeInTheFuture):
        dora.balance_at(now + timedelta(days=1))
    with pytest.raises(errors.TimeInTheFuture):
        list(dora.statement_csv(start, now + timedelta(days=1)))


def test_a_batch_says_what_became_of_each_item(dora: Client) -> None:
    items = [BatchItem(type="topup", amount=10, metadata={"a": 1}), BatchItem(type="spend", amount=5000)]
    done, refused = dora.batch(items)
    assert (done.outcome, done.result and done.result.balance, done.error) == ("ok", 1010, None)
    assert isinstance(refused.error, errors.InsufficientFunds)
    assert refused.error.available == 1010
    assert [one.outcome for one in dora.batch(items)] == ["replayed", "refused"]
    with pytest.raises(errors.BatchRefused) as stopped:
        dora.batch([BatchItem(type="topup", amount=1), items[1]], atomic=True)
    assert [one.outcome for one in stopped.value.results] == ["rolled_back", "refused"]


def test_an_account_is_kept(service: Service, dora: Client) -> None:
    me = dora.me()
    assert [wallet.balance for wallet in me.wallets] == [1000]
    assert dora.open_wallet("EUR").scale == 2
    assert [wallet.asset for wallet in dora.wallets()] == ["EUR", "UC"]
    assert dora.top_up(700, asset="EUR").asset == "EUR"
    # tests that share the service may have made others
    assert {"EUR", "JPY", "UC", "USD"} <= {asset.code for asset in dora.assets()}
    with closing(User(service)) as other:
        there = data(other.get("/api/assets"))["items"]
    assert [msgspec.to_builtins(asset) for asset in dora.assets()] == there
    with Client(service.url, username=me.username, password=PASSWORD, verify=TLS) as same:
        assert same.balance().balance == 1000
        dora.sign_out_everywhere()
        assert same.balance(asset="EUR").balance == 700, "it has signed in again"
        same.change_password(PASSWORD, "another password")
        same.sign_out()
        with pytest.raises(errors.NotSignedIn):
            same.balance()
        with pytest.raises(errors.NotSignedIn):
            same.sign_in(me.username, PASSWORD)
        assert same.sign_in(me.username, "another password").id == me.id
    with pytest.raises(errors.NotSignedIn):
        dora.balance()
    with pytest.raises(errors.UsernameAlreadyTaken):
        dora.sign_up(me.username, PASSWORD)


def test_receipts_are_computed_anew(dora: Client, bob: User) -> None:
    dora.spend(1)
    dora.spend(2, reference="with details")
    kept = dora.transfer(3, to_username=bob.username)
    dora.delivered(kept)
    with dora.holding(4) as hold:
        hold.capture(1)
    events = list(dora.events(after="beginning", seconds=0))
    checked = list(receipts.check_chain(events))
    assert [one.seq for one in checked] == [1, 2, 3, 4, 5]
    assert [one.proven for one in checked] == [True, True, False, True, True]
    previous = {checked[2].wallet_id: (3, _data(checked[2].event).receipt or "")}
    assert [one.proven for one in receipts.check_chain(events[events.index(checked[3].event) :], previous)] == [
        True,
        True,
    ]
    assert not any(one.proven for one in receipts.check_chain(events[-1:]))
    told = {"id": "1", "source": "here", "type": "pgwallet.transaction.transfer", "time": "2026-01-01T00:00:00Z"}
    forged = Event({**told, "data": {**msgspec.to_builtins(checked[3].event.data), "amount": -2}})
    before = [one.event for one in checked[:3]]
    assert [one.proven for one in receipts.check_chain([*before, forged])] == [True, True, False, False]


def _data(event: Event) -> models.TransactionData:
    assert isinstance(event.data, models.TransactionData)
    return event.data


def test_the_service_tells_what_became_of_a_receipt(dora: Client) -> None:
    kept, other = dora.spend(1), dora.spend(2)
    dora.check_receipt(kept)
    for verdict, wrong in (
        ("rewritten", {"receipt": other.receipt}),
        ("removed", {"id": kept.id + 1_000_000}),
    ):
        fields = {name: getattr(kept, name) for name in models.Transaction.__struct_fields__}
        with pytest.raises(errors.ReceiptError, match=verdict) as told:
            dora.check_receipt(models.Transaction(**{**fields, **wrong}))
        assert told.value.verdict == verdict
    with pytest.raises(ValueError, match="posts nothing"):
        dora.check_receipt(dora.hold(1))


def test_events_are_followed(dora: Client) -> None:
    dora.spend(1)
    stream = dora.events(after="beginning", types=["transaction.bonus", "transaction.spend", "hold.opened"])
    assert [next(stream).type for _ in range(2)] == ["transaction.bonus", "transaction.spend"]
    placed = dora.hold(5)
    event = next(stream)
    assert isinstance(event.data, models.HoldData)
    assert (event.type, event.data.txn_id) == ("hold.opened", placed.txn_id)
    dora.spend(2)
    assert [later.type for later in dora.events(after=event.cursor, seconds=0)] == ["transaction.spend"]
    dora.sign_out()
    with pytest.raises(errors.NotSignedIn):
        list(stream)


def test_a_key_acts_for_its_users(service: Service, dora: Client, olga: Client) -> None:
    name = dora.me().username
    made = olga.operator.create_key("shop", ["read", "spend"], subjects=[name])
    with Client(service.url, key=made.secret, verify=TLS) as shop:
        customer = shop.on_behalf_of(name)
        spent = customer.spend(30, reference="order 17")
        assert dora.transaction(spent.txn_id).reference == "order 17"
        assert shop.on_behalf_of(dora.me().id).balance().balance == 970
        customer.check_receipt(spent)
        events = list(customer.events(after="beginning", types=["transaction.spend"], seconds=0))
        assert [event.subject for event in events] == [str(spent.wallet_id)]
        with pytest.raises(errors.KeyRefused) as refused:
            customer.top_up(1)
        assert (refused.value.reason, refused.value.scope) == ("scope", "topup")
        with pytest.raises(errors.KeyRefused) as refused:
            shop.on_behalf_of(olga.me().username).balance()
        assert refused.value.reason == "subject"
        keys = list(olga.operator.keys())
        assert [key.name for key in keys if key.id == made.id] == ["shop"]
        assert made.secret not in repr((made, keys))
        olga.operator.revoke_key(made.id)
        with pytest.raises(errors.NotSignedIn):
            customer.balance()


def test_operators_look_and_act(dora: Client, olga: Client) -> None:
    me = dora.me()
    wallet_id = me.wallets[0].wallet_id
    (found,) = [one for one in olga.operator.search(me.username).items if isinstance(one, models.FoundUser)]
    assert (found.user_id, found.username) == (me.id, me.username)
    assert [wallet.wallet_id for wallet in olga.operator.user(me.id).wallets] == [wallet_id]
    adjusted = olga.operator.adjust_balance(wallet_id, -5, "charged twice")
    assert isinstance(adjusted, models.Adjustment)
    assert adjusted.amount == -5
    limits = models.LimitsByKind(spend=models.KindLimits(per_day=100))
    assert olga.operator.set_limits(wallet_id, limits=limits, max_balance=5000).limits == limits
    with pytest.raises(errors.LimitExceeded) as limited:
        dora.spend(101)
    assert (limited.value.kind, limited.value.limit, limited.value.left) == ("spend", "per_day", 100)
    entries = list(olga.operator.transactions(wallet_id, page_size=1))
    assert [(entry.amount, entry.type) for entry in entries] == [(-5, "adjustment"), (1000, "bonus")]
    assert olga.operator.transaction(adjusted.id).receipt == adjusted.receipt
    olga.operator.set_status(wallet_id, "frozen", "court order")
    with pytest.raises(errors.WalletFrozen):
        dora.spend(1)
    page = olga.operator.event_page(types=["wallet.status_changed"], wallet_id=wallet_id)
    assert [event.type for event in page.items] == ["wallet.status_changed"]
    events = olga.operator.events(after="beginning", types=["wallet.status_changed"], wallet_id=wallet_id, seconds=0)
    assert [event.type for event in events] == ["wallet.status_changed"]
    assert me.username in {user.username for user in olga.operator.users(page_size=100)}
    hook = olga.operator.create_webhook("http://127.0.0.1:9/", types=["transaction.topup"])
    assert hook.secret not in repr(hook)
    assert hook.id in {one.id for one in olga.operator.webhooks().items}
    olga.operator.delete_webhook(hook.id)
    with pytest.raises(errors.UnknownWebhook):
        olga.operator.webhook(hook.id)
    with pytest.raises(errors.OperatorsOnly):
        dora.operator.search(me.username)


def test_asyncio_does_the_same(service: Service, bob: User) -> None:
    async def main() -> None:
        async with AsyncClient(service.url, verify=TLS) as client:
            account = await client.sign_up(f"dora-{uuid4().hex[:12]}", PASSWORD)
            done = await asyncio.gather(*(client.spend(amount) for amount in range(1, 11)))
            assert len({one.id for one in done}) == 10
            async with client.holding(45) as hold:
                await hold.capture(40)
            assert (await client.balance()).available == 1000 - 55 - 40
            sent = await client.transfer(5, to_username=bob.username)
            assert (await client.delivered(sent)).delivery in {None, "delivered"}
            assert [entry.amount async for entry in client.transactions(page_size=5)][:2] == [-5, -40]
            with pytest.raises(errors.InsufficientFunds):
                await client.spend(2000)
            stream = client.events(after="beginning", types=["transaction.bonus"])
            event = await anext(stream)
            assert (event.type, event.subject) == ("transaction.bonus", str(account.wallet_id))
            await stream.aclose()
            pieces = client.statement_csv(datetime(2026, 1, 1, tzinfo=UTC), datetime.now(UTC))
            assert b"closing" in b"".join([piece async for piece in pieces])
        async with AsyncClient(service.url, username=account.username, password=PASSWORD, verify=TLS) as same:
            # one sign-in for all of them
            found = await asyncio.gather(*(same.me() for _ in range(5)))
            assert {one.id for one in found} == {account.id}

    asyncio.run(main())


def test_a_service_that_is_not_there_says_so() -> None:
    with Client("http://127.0.0.1:9", token="token", attempts=1) as client, pytest.raises(errors.NoAnswerError) as lost:
        client.spend(1)
    assert isinstance(lost.value.txn_id, UUID)
    assert not lost.value.uncertain
