"""One service on several databases: who goes where, a map that changes, and databases that do not answer."""

import asyncio
import inspect
import itertools
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing
from itertools import count
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import bcrypt
import httpx
import pytest

from api.cluster_map import home_of, number_of
from api.database.cluster import OWN, ROUTES, Cluster
from api.database.functions import Database as Calls
from api.database.pool import Pool
from api.settings import Settings
from tests.api.pages.browser import Browser
from tests.api.service import PASSWORD, TLS, Service, User, data, problem, serve
from tests.cluster import JOIN, Databases, join, own_databases
from tests.command import wait_until
from tests.database import ASSETS, PostgresServer, clone
from tests.system.cluster.away import frozen

NAMES = [f"spread-{number}" for number in range(1000)]
ELDER = next(name for name in (f"elder-{number}" for number in count()) if home_of(name, (0, 1)) == 1)
"""A name of the time when there was one database, which would go to the other one now."""
TOKEN = "a token for nothing but metrics, of the tests"
PATIENT = {"PGWALLET_ACQUIRE_TIMEOUT": "60", "PGWALLET_STATEMENT_TIMEOUT": "60", "PGWALLET_LOCK_TIMEOUT": "60"}
"""With these, whoever waits for a database that is away waits longer than a client of the tests."""


def new_name(number: int, among: tuple[int, ...] = (0, 1)) -> str:
    """An unused name whose home is this database."""
    index = next(index for index, name in enumerate(NAMES) if home_of(name, among) == number)
    return NAMES.pop(index)


@pytest.fixture(scope="module")
def databases(postgres_server: PostgresServer) -> Iterator[Databases]:
    """A database with a user, and a second one that came later."""
    members = [postgres_server.database(f"cluster_{number}") for number in range(2)]
    with postgres_server.database("postgres").connect() as administrator, tempfile.TemporaryDirectory() as folder:
        for database in members:
            clone(postgres_server, ASSETS, database.name)
        cheap = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
        with members[0].connect() as first:
            first.execute("select wallet_register(%s, %s)", [ELDER, cheap])
        yield join(members, [[0], [0, 1]], Path(folder))
        for database in members:
            administrator.execute(f"drop database {database.name} with (force)")


@pytest.fixture(scope="module")
def service(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with serve("", tmp_path_factory.mktemp("service"), **databases.settings) as running:
        yield running


def test_every_call_of_the_database_has_a_route() -> None:
    calls = {name for name, _ in inspect.getmembers(Calls, inspect.isfunction) if not name.startswith("_")}
    assert set(ROUTES) == calls
    for name, route in ROUTES.items():
        assert getattr(Cluster, name) is not getattr(Calls, name), f"{name} is that of one database"
        if route == OWN:
            assert any(name in vars(base) for base in Cluster.__mro__ if base not in {Calls, object})


def test_users_go_where_their_names_live(service: Service) -> None:
    for number in (0, 1):
        with closing(User(service, new_name(number))) as user:
            assert {number_of(UUID(user.account[name])) for name in ("id", "wallet_id")} == {number}
            user.topup(100)
            before = user.balance()
            user.sign_in()
            assert user.balance() == before
            assert data(user.get("/api/me"))["username"] == user.username


def test_a_name_of_earlier_is_found_where_it_was(service: Service, databases: Databases) -> None:
    credentials = {"username": ELDER, "password": PASSWORD}
    with httpx.Client(base_url=service.url, verify=TLS, timeout=20) as client:
        token = data(client.post("/api/auth/signin", json=credentials))["access_token"]
        me = data(client.get("/api/me", headers={"Authorization": f"Bearer {token}"}))
        assert number_of(UUID(me["id"])) == 0
        problem(client.post("/api/auth/signup", json=credentials), 409, "WA005")
        wrong = {**credentials, "username": ELDER.upper(), "password": "another password"}
        problem(client.post("/api/auth/signin", json=wrong), 401, "unauthorized")
    failures = "select coalesce(sum(failures), 0) from wallet.sign_in_tries where kind = 'account'"
    counted = []
    for database in databases.members:
        with database.connect() as administrator:
            counted.append((administrator.execute(failures).fetchone() or (None,))[0])
    assert counted == [1, 0]


def test_who_signs_out_in_any_database_is_out(service: Service) -> None:
    for number in (0, 1):
        with closing(User(service, new_name(number))) as user:
            user.balance()
            data(user.post("/api/auth/signout"))
            problem(user.get("/api/wallet/balance"), 401, "unauthorized")


def test_a_session_tells_where_its_user_lives(service: Service) -> None:
    with closing(User(service, new_name(1))) as user, closing(Browser(service)) as browser:
        stranger = browser.open("/").title
        assert user.username in browser.sign_in(user.username).html
        session_id = browser.cookies["pgwallet"]
        assert session_id.endswith(".1")
        for other in (".0", ".77", ".99999", ""):
            browser.cookies.set("pgwallet", session_id.removesuffix(".1") + other, domain="127.0.0.1")
            assert browser.open("/").title == stranger, other
            browser.cookies.clear()


def test_assets_are_the_same_wherever_they_are_read(service: Service) -> None:
    with closing(User(service, new_name(1))) as user:
        assert {"UC", "EUR"} <= {asset["code"] for asset in data(user.get("/api/assets"))["items"]}


def test_ids_of_no_database_are_unknown(service: Service) -> None:
    with closing(User(service, new_name(1))) as user:
        stray = UUID(int=uuid4().int & ~(15 << 76 | 0xFFF) | 8 << 76 | 77)
        asked = {"txn_id": str(uuid4()), "amount": 1, "to_wallet_id": str(stray)}
        problem(user.post("/api/wallet/transfer", json=asked), 404, "WA009")


def test_the_map_changes_while_the_service_runs(databases: Databases, tmp_path: Path) -> None:
    file = tmp_path / "cluster.toml"
    before = databases.file.read_text()
    file.write_text(before)
    with serve("", tmp_path, PGWALLET_CLUSTER=str(file)) as service, closing(User(service, new_name(1))) as user:
        file.write_text("homes = ")
        (fault,) = service.wait_for(event="the map cannot be used: the one of before stays")
        assert "cluster.toml" in fault["reason"]
        user.topup(5)
        # another address of the same database, as after a move
        address = databases.members[1].api_url
        moved = before.replace(address, f"{address}&application_name=moved")
        assert moved != before
        file.write_text(moved)
        service.wait_for(event="the map has changed")
        total = user.balance()
        user.topup(5)
        assert user.balance() == total + 5
        assert len(service.lines(event="the map cannot be used: the one of before stays")) == 1


def test_a_switchover_of_one_database_drops_no_connection_of_another(databases: Databases) -> None:
    async def pids() -> list[int]:
        return [(await pool.row("select pg_backend_pid() as pid"))["pid"] for pool in pools]

    async def switch() -> None:
        for pool in pools:
            await pool.open()
        before = await pids()
        assert await pids() == before
        tries = iter([asyncpg.ReadOnlySQLTransactionError("the server is read only"), None])

        async def refused_once(_: object) -> None:
            if error := next(tries):
                raise error

        await pools[0].run(refused_once)
        after = await pids()
        assert after[0] != before[0]
        assert after[1] == before[1]
        for pool in pools:
            await pool.close()

    pools = [Pool(Settings(api_url=database.api_url), 1) for database in databases.members]
    asyncio.run(switch())


@pytest.fixture(scope="module")
def apart() -> Iterator[Databases]:
    """Four databases on two servers of their own."""
    with own_databases(4, 2) as found:
        yield found


@pytest.mark.long
def test_a_frozen_server_is_noticed_by_its_own_users_alone(apart: Databases, tmp_path: Path) -> None:
    """Server 1, which has databases 1 and 3, stops: what concerns 0 and 2 is answered, and no answer waits for it."""
    among = (0, 1, 2, 3)
    settings = {**apart.settings, **PATIENT, "PGWALLET_METRICS_TOKEN": TOKEN}
    with serve("", tmp_path, **settings) as service, ExitStack() as stack:
        users = [stack.enter_context(closing(User(service, new_name(number, among)))) for number in among]
        anyone = stack.enter_context(httpx.Client(base_url=service.url, verify=TLS, timeout=20))
        for user in users:
            user.topup(1000)
        data(send(users[0], users[1], 10), 201)
        with frozen(apart.server(1)):
            for _ in range(3):
                assert anyone.get("/api/health/ready").status_code == 200
                assert anyone.get("/sign-in").status_code == 200
                data(users[0].topup(10), 201)
                data(users[2].get("/api/assets"))
                users[2].sign_in()
                assert data(send(users[0], users[2], 10), 201)["delivery"] == "delivered"
                # with a name that is there
                assert users[0].history(type="transfer")["items"][-1]["counterparty_username"] is None
            # what needs a database that is away is refused, and nothing is written
            before = users[0].balance()
            problem(send(users[0], users[1], 10), 503, "timeout")
            (result,) = data(users[0].post("/api/wallet/batch", json={"requests": [sending(users[1], 10)]}))["results"]
            assert (result["outcome"], result["status"]) == ("refused", 503)
            assert users[0].balance() == before
            # of many recipients there the first ones are asked for
            away = [name for name in (f"payee-{number}" for number in range(300)) if home_of(name, among) in (1, 3)]
            requests = [sending(name, 1) for name in (*away[:130], users[2].username)]
            *refused, done = data(users[0].post("/api/wallet/batch", json={"requests": requests}))["results"]
            assert ({each["status"] for each in refused}, done["status"]) == ({503}, 201)
            shown = anyone.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).text
            for number, value in enumerate("1010"):
                assert f'pgwallet_database_up{{database="{number}"}} {value}.0' in shown
            checks = anyone.get("/api/health").json()["checks"]
            assert [checks[f"database {number}"]["status"] == "healthy" for number in among] == [True, False] * 2
        wait_until(lambda: users[1].topup(1).status_code == 201, 30)


def test_names_of_earlier_need_no_database_that_came_later(tmp_path: Path) -> None:
    """Where a name of before may live now is a server that is frozen: nobody of before waits for it."""
    elders = [name for name in (f"elder-{number}" for number in range(40)) if home_of(name, (0, 1)) == 1][:3]
    cheap = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    with own_databases(2, 2) as found:
        with found.members[0].connect() as first:
            first.execute(JOIN, [0, "[[0]]"])
            for name in elders:
                first.execute("select wallet_register(%s, %s)", [name, cheap])
        grown = join(found.members, [[0], [0, 1]], tmp_path, found.servers)
        with (
            serve("", tmp_path, **grown.settings) as service,
            httpx.Client(base_url=service.url, verify=TLS, timeout=20) as client,
            frozen(grown.server(1)),
        ):
            for sender, recipient in itertools.pairwise(elders):
                credentials = {"username": sender, "password": PASSWORD}
                token = data(client.post("/api/auth/signin", json=credentials))["access_token"]
                headers = {"Authorization": f"Bearer {token}"}
                asked = sending(recipient, 1)
                del asked["type"]
                data(client.post("/api/wallet/transfer", json=asked, headers=headers), 201)
                (result,) = data(
                    client.post("/api/wallet/batch", json={"requests": [sending(recipient, 1)]}, headers=headers)
                )["results"]
                assert result["outcome"] == "ok"
            # who is nowhere else may be there
            wrong = {"username": "elder-of-nowhere", "password": PASSWORD}
            assert home_of(wrong["username"], (0, 1)) == 1
            assert client.post("/api/auth/signin", json=wrong).status_code == 503


def test_what_is_on_its_way_to_a_dead_server_is_shown_and_arrives_later(apart: Databases, tmp_path: Path) -> None:
    among = (0, 1, 2, 3)
    settings = {**apart.settings, "PGWALLET_METRICS_TOKEN": TOKEN}
    with serve("", tmp_path, **settings) as service, ExitStack() as stack:
        alice, bob = (stack.enter_context(closing(User(service, new_name(number, among)))) for number in (0, 1))
        alice.topup(1000)
        before = bob.balance()
        # without the service, which would ask there first
        apart.server(1).kill()
        wallets = [UUID(user.account["wallet_id"]) for user in (alice, bob)]
        with apart.members[0].connect() as administrator:
            administrator.execute("select wallet_transfer(%s, %s, 10, %s)", [wallets[0], uuid4(), wallets[1]])
        sample = 'pgwallet_in_transit{asset="UC",database="0",destination="1"} 1.0'
        with httpx.Client(base_url=service.url, verify=TLS, timeout=30) as client:
            assert sample in client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).text
        service.wait_for(event="transfers do not arrive", origin=0, destination=1)
        apart.server(1).start()
        wait_until(lambda: bob.get("/api/wallet/balance").status_code == 200 and bob.balance() == before + 10, 60)


def send(sender: User, to: User, amount: int) -> httpx.Response:
    asked = {"txn_id": str(uuid4()), "amount": amount, "to_username": to.username}
    return sender.post("/api/wallet/transfer", json=asked)


def sending(to: User | str, amount: int) -> dict[str, object]:
    username = to if isinstance(to, str) else to.username
    return {"type": "transfer", "txn_id": str(uuid4()), "amount": amount, "to_username": username}
