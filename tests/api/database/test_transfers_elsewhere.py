"""Transfers between users of different databases, through a service of both."""

import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from api.cluster_map import home_of
from tests.api.pages.browser import Browser
from tests.api.service import TLS, Service, User, data, problem, serve
from tests.cluster import Databases, join
from tests.command import wait_until
from tests.database import ASSETS, Database, PostgresServer, clone

NAMES = (f"between-{number}" for number in count())
UserOf = Callable[[int], User]
UNKNOWN = "nobody-of-this-name"


@pytest.fixture(scope="module")
def databases(postgres_server: PostgresServer) -> Iterator[Databases]:
    """Two databases without users on the tests' server."""
    members = [postgres_server.database(f"transfers_{number}") for number in range(2)]
    with postgres_server.database("postgres").connect() as administrator, tempfile.TemporaryDirectory() as folder:
        for database in members:
            clone(postgres_server, ASSETS, database.name)
        yield join(members, [[0, 1]], Path(folder))
        for database in members:
            administrator.execute(f"drop database {database.name} with (force)")


@pytest.fixture(scope="module")
def service(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with serve("", tmp_path_factory.mktemp("service"), **databases.settings) as running:
        yield running


@pytest.fixture
def user_of(service: Service) -> Iterator[UserOf]:
    """What makes a new user whose home is this database."""
    with ExitStack() as stack:
        yield lambda number: stack.enter_context(
            closing(User(service, next(name for name in NAMES if home_of(name, (0, 1)) == number)))
        )


def send(sender: User, to: User | str, amount: int, **more: Any) -> httpx.Response:
    recipient = {"to_username": to if isinstance(to, str) else to.username}
    return sender.post("/api/wallet/transfer", json={"txn_id": str(uuid4()), "amount": amount, **recipient, **more})


def test_it_arrives_before_the_answer(user_of: UserOf) -> None:
    alice, bob = user_of(0), user_of(1)
    alice.topup(500)
    before = bob.balance()
    sent = data(send(alice, bob, 200, reference="rent"), 201)
    assert sent["delivery"] == "delivered"
    assert bob.balance() == before + 200
    (entry,) = data(bob.get("/api/wallet/transactions", params={"type": "transfer"}))["items"]
    assert (entry["amount"], entry["reference"]) == (200, "rent")
    assert (entry["counterparty_wallet_id"], entry["counterparty_username"]) == (
        alice.account["wallet_id"],
        alice.username,
    )
    (entry,) = data(alice.get("/api/wallet/transactions", params={"type": "transfer"}))["items"]
    assert (entry["amount"], entry["counterparty_username"]) == (-200, bob.username)


def test_a_replay_tells_how_far_it_is(user_of: UserOf) -> None:
    alice, bob = user_of(0), user_of(1)
    alice.topup(500)
    asked = {"txn_id": str(uuid4())}
    first = data(send(alice, bob, 200, **asked), 201)
    again = data(send(alice, bob, 200, **asked))
    assert again == {**first, "replayed": True}
    problem(send(alice, bob, 201, **asked), 409, "WA004")


def test_a_wallet_of_another_database_is_found_by_its_id(user_of: UserOf) -> None:
    alice, bob = user_of(1), user_of(0)
    alice.topup(500)
    before = bob.balance()
    asked = {"txn_id": str(uuid4()), "amount": 7, "to_wallet_id": bob.account["wallet_id"]}
    assert data(alice.post("/api/wallet/transfer", json=asked), 201)["delivery"] == "delivered"
    assert bob.balance() == before + 7


def test_a_transfer_inside_a_database_says_nothing_of_delivery(user_of: UserOf) -> None:
    alice, bob = user_of(0), user_of(0)
    alice.topup(500)
    assert "delivery" not in data(send(alice, bob, 200), 201)


def test_nobody_of_the_name_is_anywhere(user_of: UserOf) -> None:
    alice = user_of(0)
    alice.topup(500)
    before = alice.balance()
    for name in (UNKNOWN, f"{UNKNOWN}-either"):
        problem(send(alice, name, 200), 404, "WA009", "to_username")
    nowhere = UUID(int=uuid4().int & ~(15 << 76 | 0xFFF) | 8 << 76 | 1)
    asked = {"txn_id": str(uuid4()), "amount": 7, "to_wallet_id": str(nowhere)}
    problem(alice.post("/api/wallet/transfer", json=asked), 404, "WA009", "to_wallet_id")
    assert alice.balance() == before


def test_what_the_recipient_cannot_receive_is_refused_before_it_is_written(
    user_of: UserOf, databases: Databases
) -> None:
    alice, bob = user_of(0), user_of(1)
    alice.topup(500)
    before = alice.balance()
    asked = {"txn_id": str(uuid4())}
    data(send(alice, bob, 1, **asked), 201)
    close(databases, bob)
    problem(send(alice, bob, 200), 409, "WA013", "to_username")
    # what is on record is answered as before
    assert data(send(alice, bob, 1, **asked))["delivery"] == "delivered"
    assert alice.balance() == before - 1


def test_nobody_finds_a_balance_out_by_amounts_that_they_do_not_have(user_of: UserOf) -> None:
    """A recipient's limit says what the balance is, so that the sender's is judged first, as in one database."""
    alice, bob = user_of(0), user_of(1)
    most = 2**53 - 1
    room = most - bob.balance()
    for amount in (room, room + 1):
        problem(send(alice, bob, amount), 402, "WA003")
        for atomic in (False, True):
            response = post_batch(alice, [item("transfer", amount, to_username=bob.username)], atomic=atomic)
            (result,) = response.json()["results"] if atomic else data(response)["results"]
            assert result["problem"]["code"] == "WA003"
    alice.topup(room + 1 - alice.balance())
    before = alice.balance()
    problem(send(alice, bob, room + 1), 422, "WA006", "to_username")
    assert alice.balance() == before


def test_money_that_is_refused_after_all_comes_back(user_of: UserOf, databases: Databases) -> None:
    alice, bob = user_of(0), user_of(1)
    alice.topup(500)
    before = alice.balance()
    close(databases, bob)
    with believed(databases.members[1]):
        sent = data(send(alice, bob, 200), 201)
    assert sent["delivery"] == "returned"
    assert alice.balance() == before
    newest, second, *_ = alice.history()["items"]
    assert [(each["type"], each["amount"]) for each in (second, newest)] == [("transfer", -200), ("returned", 200)]
    entry = data(alice.get(f"/api/wallet/transactions/{sent['txn_id']}"))
    assert entry["delivery"] == "returned"


@pytest.mark.parametrize("in_batch", [False, True])
def test_a_replay_by_a_name_that_is_gone_tells_that_the_money_came_back(
    user_of: UserOf, databases: Databases, *, in_batch: bool
) -> None:
    alice, bob = user_of(0), user_of(1)
    asked = item("transfer", 200, to_username=bob.username)
    close(databases, bob)
    with believed(databases.members[1]):
        run_batch(alice, [asked])
    with databases.members[1].connect() as administrator:
        administrator.execute("select wallet_erase_user(%s, 'asked for it')", [bob.account["id"]])
    if in_batch:
        (result,) = run_batch(alice, [asked])
        again = result["result"]
    else:
        del asked["type"]
        again = data(alice.post("/api/wallet/transfer", json=asked))
    assert (again["replayed"], again["delivery"]) == (True, "returned")


def test_what_cannot_be_carried_at_once_is_carried_later(user_of: UserOf, databases: Databases) -> None:
    alice, bob = user_of(0), user_of(1)
    alice.topup(500)
    before = bob.balance()
    with databases.members[1].connect() as administrator, administrator.transaction():
        administrator.execute("select from wallet.wallets where id = %s for update", [bob.account["wallet_id"]])
        sent = data(send(alice, bob, 200), 201)
        assert sent["delivery"] == "pending"
        path = f"/api/wallet/transactions/{sent['txn_id']}"
        assert data(alice.get(path))["delivery"] == "pending"
    wait_until(lambda: data(alice.get(path))["delivery"] == "delivered")
    assert bob.balance() == before + 200


def test_pages_show_who_it_goes_to_and_how_far_it_is(service: Service, user_of: UserOf, databases: Databases) -> None:
    alice, bob = user_of(0), user_of(1)
    alice.topup(500)
    with closing(Browser(service)) as browser, databases.members[1].connect() as administrator:
        browser.sign_in(alice.username)
        form = browser.open("/transfer").form("Continue")
        review = form.send(to=bob.account["wallet_id"], amount="200")
        assert bob.username in review
        with administrator.transaction():
            administrator.execute("select from wallet.wallets where id = %s for update", [bob.account["wallet_id"]])
            sent = review.form("Send now").send("Send now")
            assert "Sent: it is on its way." in sent
            assert sent.facts["Delivery"] == "On its way"
            assert bob.username in sent.title
            for path in ("/", "/history"):
                assert "On its way" in browser.open(path)
        wait_until(lambda: browser.open(sent.path).facts["Delivery"] == "Arrived")
        assert "On its way" not in browser.open("/history")
        # of the other database, too, the cookie alone tells
        browser.cookies.clear()
        assert alice.username in browser.sign_in(bob.username)


@pytest.mark.parametrize("atomic", [False, True])
def test_a_batch_sends_to_all_databases(user_of: UserOf, *, atomic: bool) -> None:
    alice, bob, carol = user_of(0), user_of(1), user_of(0)
    befores = [user.balance() for user in (alice, bob, carol)]
    to = [{"to_username": bob.username}, {"to_wallet_id": bob.account["wallet_id"]}, {"to_username": carol.username}]
    results = run_batch(alice, [item("topup", 100), *(item("transfer", 10, **each) for each in to)], atomic=atomic)
    assert [result["outcome"] for result in results] == ["ok"] * 4
    assert [result["result"].get("delivery") for result in results] == [None, "delivered", "delivered", None]
    assert [user.balance() for user in (alice, bob, carol)] == [befores[0] + 70, befores[1] + 20, befores[2] + 10]


def test_items_of_a_batch_are_refused_one_by_one(user_of: UserOf, databases: Databases) -> None:
    alice, bob, carol = user_of(0), user_of(1), user_of(1)
    close(databases, carol)
    before = alice.balance()
    items = [
        item("topup", 100),
        item("transfer", 10, to_username=carol.username),
        item("transfer", 10, to_username=bob.username),
        item("transfer", 10, to_username=UNKNOWN),
    ]
    results = run_batch(alice, items)
    assert [result["outcome"] for result in results] == ["ok", "refused", "ok", "refused"]
    assert [results[index]["problem"]["code"] for index in (1, 3)] == ["WA013", "WA009"]
    assert alice.balance() == before + 90


def test_an_atomic_batch_is_not_written_where_one_recipient_refuses(user_of: UserOf, databases: Databases) -> None:
    alice, bob, carol = user_of(0), user_of(1), user_of(1)
    close(databases, carol)
    before = alice.balance(), bob.balance()
    items = [
        item("topup", 100),
        item("transfer", 10, to_username=bob.username),
        item("transfer", 10, to_username=carol.username),
    ]
    body = problem(post_batch(alice, items, atomic=True), 409, "batch_refused")
    assert [result["outcome"] for result in body["results"]] == ["rolled_back", "rolled_back", "refused"]
    assert (alice.balance(), bob.balance()) == before


@pytest.mark.parametrize("moment", ["0001-01-01 00:00:00+00", "1999-12-31 23:59:59.999999+00"])
def test_whatever_one_database_accepts_arrives_in_the_other(user_of: UserOf, databases: Databases, moment: str) -> None:
    """As programs send it that speak SQL: the first moment of all is no infinite one on its way."""
    alice, bob = user_of(0), user_of(1)
    before = bob.balance()
    with databases.members[0].connect() as administrator:
        wallets = [UUID(user.account["wallet_id"]) for user in (alice, bob)]
        administrator.execute(
            "select wallet_transfer(%s, %s, 5, %s, p_effective_at => %s)", [wallets[0], uuid4(), wallets[1], moment]
        )
    wait_until(lambda: bob.balance() == before + 5)
    with databases.members[1].connect() as administrator:
        stored = "select effective_at = %s from wallet.transaction_details order by transaction_id desc limit 1"
        assert administrator.execute(stored, [moment]).fetchone() == (True,)


def test_two_processes_carry_both_ways_at_once(
    service: Service, databases: Databases, user_of: UserOf, tmp_path: Path
) -> None:
    users = [user_of(number) for number in (0, 1, 0, 1)]
    for user in users:
        user.topup(1000)
    before = [user.balance() for user in users]
    with serve("", tmp_path, **databases.settings) as other, ThreadPoolExecutor(8) as threads:

        def one(number: int) -> Any:
            """Send round, by either process."""
            sender, recipient = users[number % 4], users[(number + 1) % 4]
            asked = {"txn_id": str(uuid4()), "amount": 1 + number // 4, "to_username": recipient.username}
            base = (service, other)[number // 4 % 2].url
            headers = {"Authorization": f"Bearer {sender.token}"}
            return data(
                httpx.post(f"{base}/api/wallet/transfer", json=asked, headers=headers, timeout=20, verify=TLS), 201
            )

        sent = list(threads.map(one, range(40)))
    assert {each["delivery"] for each in sent} <= {"delivered", "pending"}
    # each has sent as much as it got
    wait_until(lambda: [user.balance() for user in users] == before, 30)
    for database in databases.members:
        with database.connect() as administrator:
            waiting = """
                select count(*) from wallet.outbox
                where status = 'pending' and to_wallet_id = any (%s)
            """
            wallets = [UUID(user.account["wallet_id"]) for user in users]
            assert administrator.execute(waiting, [wallets]).fetchone() == (0,)


def item(kind: str, amount: int, **more: Any) -> dict[str, Any]:
    return {"type": kind, "txn_id": str(uuid4()), "amount": amount, **more}


def post_batch(user: User, items: list[dict[str, Any]], *, atomic: bool = False) -> httpx.Response:
    return user.post("/api/wallet/batch", json={"requests": items, "atomic": atomic})


def run_batch(user: User, items: list[dict[str, Any]], *, atomic: bool = False) -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = data(post_batch(user, items, atomic=atomic))["results"]
    return results


def close(databases: Databases, user: User) -> None:
    """Close the wallet, with what is in it."""
    wallet_id = UUID(user.account["wallet_id"])
    with databases.of(wallet_id).connect() as administrator:
        administrator.execute("update wallet.wallets set status = 'closed' where id = %s", [wallet_id])


@contextmanager
def believed(database: Database) -> Iterator[None]:
    """Let every wallet of this database seem to be able to receive, as if it were closed a moment later."""
    with database.connect() as administrator:
        signature = "public.wallet_can_receive(uuid, text, bigint, text)"
        (before,) = administrator.execute("select pg_get_functiondef(%s::regprocedure)", [signature]).fetchone() or (
            "",
        )
        body = before.replace("begin\n", "begin\n  return;\n", 1)
        assert body != before
        administrator.execute(body.encode())
        yield
        administrator.execute(before.encode())
