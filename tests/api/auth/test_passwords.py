"""Passwords: changed by their users, hashed anew where that got cheap, and not to be guessed."""

import asyncio
import time
from collections.abc import Hashable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import bcrypt
import httpx
import pytest

from api.auth.accounts import REFUSED_AFTER, Accounts
from api.auth.passwords import Passwords
from api.auth.sign_in import SignIn
from api.database.functions import Database as Calls
from api.errors import ServiceError
from api.settings import Settings
from tests.api.routes.test_accounts import name, sign_in
from tests.api.service import PASSWORD, TLS, Service, User, data, problem, serve
from tests.command import wait_until
from tests.database import Database

NEW = "another correct horse"
WRONG = "not the password"
FREE = 5
# what a program may store that signs its users in itself; the last would take days
NO_HASHES = ("", "the shop signs its customers in", "$2b$04$" + "!" * 53, "$2b$03$" + "a" * 53, "$2b$31$" + "a" * 53)


@pytest.fixture
def behind_a_proxy(service_database: Database, tmp_path: Path) -> Iterator[Service]:
    """The service, which believes what a proxy on this machine says of its clients."""
    with serve(service_database.api_url, tmp_path, PGWALLET_TRUSTED_PROXIES="127.0.0.1") as running:
        yield running


def from_address(service: Service, address: str) -> httpx.Client:
    return httpx.Client(base_url=service.url, timeout=20, verify=TLS, headers={"X-Forwarded-For": address})


def fail(client: httpx.Client, username: str, times: int = FREE) -> None:
    for _ in range(times):
        problem(sign_in(client, username, WRONG), 401, "unauthorized")


def throttled(client: httpx.Client, username: str, password: str = PASSWORD) -> int:
    """The seconds after which the next try may be made."""
    response = sign_in(client, username, password)
    body = problem(response, 429, "WA033")
    assert response.headers["retry-after"] == str(body["retry_after"])
    return int(body["retry_after"])


def fail_until_throttled(client: httpx.Client, username: str) -> int:
    """How many wrong passwords were looked at. On a slow machine a delay can be over before the next try."""
    for count in range(FREE + 5):
        response = sign_in(client, username, WRONG)
        if response.status_code == 429:
            return count
        problem(response, 401, "unauthorized")
    raise AssertionError("all of them")


def stored_hash(database: Database, username: str) -> str:
    with database.connect() as administrator:
        row = administrator.execute("select password_hash from wallet_credentials(%s)", [username]).fetchone()
    assert row is not None
    return str(row[0])


def test_a_new_password_signs_in_and_the_old_one_no_more(client: httpx.Client, alice: User) -> None:
    first = alice.token
    changed = data(alice.post("/api/auth/password", json={"current_password": PASSWORD, "new_password": NEW}))
    assert set(changed) == {"id", "username", "wallet_id", "access_token", "token_type", "expires_in"}
    for token, status in ((first, 401), (changed["access_token"], 200)):
        headers = {"Authorization": f"Bearer {token}"}
        assert client.get("/api/wallet/balance", headers=headers).status_code == status
    data(sign_in(client, alice.username, NEW))
    problem(sign_in(client, alice.username), 401, "unauthorized")


def test_a_change_needs_the_current_password_and_a_usable_new_one(alice: User, client: httpx.Client) -> None:
    body = {"current_password": WRONG, "new_password": NEW}
    problem(alice.post("/api/auth/password", json=body), 403, "WA034", "current_password")
    body = {"current_password": PASSWORD, "new_password": "short"}
    short = problem(alice.post("/api/auth/password", json=body), 422, "validation", "new_password")
    assert short["message"] == "Use 8 to 72 characters (fewer with accents or emoji)."
    problem(client.post("/api/auth/password", json=body), 401, "unauthorized")
    data(sign_in(client, alice.username))


def test_a_stolen_token_guesses_no_password(alice: User) -> None:
    body = {"current_password": WRONG, "new_password": NEW}
    answers = [alice.post("/api/auth/password", json=body) for _ in range(FREE + 5)]
    assert [answer.status_code for answer in answers[:FREE]] == [403] * FREE
    problem(answers[-1], 429, "WA033")


def test_a_hash_that_cost_less_is_replaced_at_sign_in(
    service_database: Database, tmp_path: Path, alice: User, bob: User
) -> None:
    before = stored_hash(service_database, alice.username)
    assert before.startswith("$2b$04$")
    with (
        serve(service_database.api_url, tmp_path, PGWALLET_BCRYPT_COST="6") as dearer,
        closing(httpx.Client(base_url=dearer.url, timeout=20, verify=TLS)) as client,
    ):
        problem(sign_in(client, alice.username, WRONG), 401, "unauthorized")
        assert stored_hash(service_database, alice.username) == before
        data(sign_in(client, alice.username))
        after = stored_hash(service_database, alice.username)
        assert after.startswith("$2b$06$")
        assert bcrypt.checkpw(PASSWORD.encode(), after.encode())
        data(sign_in(client, alice.username))
    # and not back again
    data(sign_in(bob, alice.username))
    assert stored_hash(service_database, alice.username) == after


@pytest.mark.parametrize("known", [True, False])
def test_a_few_wrong_passwords_are_free_then_the_next_try_waits(
    client: httpx.Client, alice: User, *, known: bool
) -> None:
    username = alice.username if known else name()
    assert fail_until_throttled(client, username) >= FREE
    # nor is the right one looked at
    assert throttled(client, username) <= 8


def test_the_right_password_after_the_delay_ends_it(client: httpx.Client, alice: User) -> None:
    fail_until_throttled(client, alice.username)
    wait_until(lambda: sign_in(client, alice.username).status_code == 200)
    fail(client, alice.username, FREE - 1)
    data(sign_in(client, alice.username))


def test_a_restart_and_another_process_change_nothing(
    service_database: Database, tmp_path: Path, client: httpx.Client, alice: User
) -> None:
    fail(client, alice.username)
    with service_database.connect() as administrator:
        administrator.execute("update wallet.sign_in_tries set next_try_at = next_try_at + interval '30 seconds'")
    with (
        serve(service_database.api_url, tmp_path) as later,
        closing(httpx.Client(base_url=later.url, timeout=20, verify=TLS)) as other,
    ):
        assert throttled(other, alice.username) > 1
        assert throttled(client, alice.username) > 1


def test_of_many_tries_at_once_one_gets_through(service_database: Database, client: httpx.Client, alice: User) -> None:
    fail(client, alice.username)
    with service_database.connect() as administrator:
        administrator.execute("update wallet.sign_in_tries set failures = 10, next_try_at = now() where kind = 'pair'")
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: sign_in(client, alice.username, WRONG), range(8)))
    assert sorted(answer.status_code for answer in answers) == [401, *[429] * 7]


def test_whoever_attacks_an_account_does_not_lock_its_user_out(behind_a_proxy: Service, alice: User) -> None:
    def attack(number: int) -> int:
        with from_address(behind_a_proxy, f"203.0.113.{number}") as attacker:
            return sign_in(attacker, alice.username, WRONG).status_code

    with from_address(behind_a_proxy, "192.0.2.7") as home, from_address(behind_a_proxy, "198.51.100.1") as away:
        data(sign_in(home, alice.username))
        statuses = [attack(number) for number in range(28)]
        assert (statuses[:20], statuses[-1]) == ([401] * 20, 429)
        data(sign_in(home, alice.username))
        # and until the attack goes on, that ends its effect in other places too
        data(sign_in(away, alice.username))


def test_an_address_is_what_a_trusted_proxy_says(service: Service, behind_a_proxy: Service) -> None:
    def tries(where: Service, addresses: str) -> list[int]:
        username = name()
        found = []
        for number in range(FREE + 5):
            with from_address(where, addresses.format(number)) as client:
                found.append(sign_in(client, username, WRONG).status_code)
        return found

    assert set(tries(behind_a_proxy, "192.0.2.{}")) == {401}
    # a customer's whole network of version 6 counts as one
    assert tries(behind_a_proxy, "2001:db8::{}")[-1] == 429
    # and nobody is believed who is not named
    assert tries(service, "192.0.2.{}")[-1] == 429


def test_the_right_password_signs_in_many_times_at_once(client: httpx.Client, alice: User) -> None:
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: sign_in(client, alice.username), range(24)))
    assert {answer.status_code for answer in answers} == {200}


@pytest.mark.long
def test_wallet_calls_are_answered_during_a_flood_of_sign_ins(database: Database, tmp_path: Path) -> None:
    async def flood(client: httpx.AsyncClient, refused: asyncio.Event, seen: list[httpx.Response]) -> None:
        while True:
            seen.append(await client.post("/api/auth/signin", json={"username": name(), "password": WRONG}))
            if seen[-1].status_code == 503:
                refused.set()

    async def calls(client: httpx.AsyncClient, user: User) -> list[float]:
        headers = {"Authorization": f"Bearer {user.token}"}
        times = []
        for _ in range(50):
            started = time.perf_counter()
            response = await client.get("/api/wallet/balance", headers=headers)
            times.append(time.perf_counter() - started)
            assert response.status_code == 200, response.text
        return times

    async def run(service: Service, user: User) -> tuple[list[float], list[httpx.Response]]:
        refused, seen = asyncio.Event(), list[httpx.Response]()
        limits = httpx.Limits(max_connections=None)
        async with (
            httpx.AsyncClient(base_url=service.url, timeout=60, verify=TLS, limits=limits) as attacker,
            httpx.AsyncClient(base_url=service.url, timeout=60, verify=TLS) as client,
        ):
            floods = [asyncio.create_task(flood(attacker, refused, seen)) for _ in range(48)]
            async with asyncio.timeout(30):
                await refused.wait()
            times = await calls(client, user)
            for task in floods:
                task.cancel()
            await asyncio.gather(*floods, return_exceptions=True)
        return times, seen

    # in a database of its own: a dear hash on record makes every sign-in dear
    # a hash takes a quarter of a second here: whoever waited behind all that are queued would wait for 4
    settings = {"PGWALLET_BCRYPT_COST": "12", "PGWALLET_SHUTDOWN_TIMEOUT": "1"}
    with serve(database.api_url, tmp_path, **settings) as service, closing(User(service)) as user:
        times, seen = asyncio.run(run(service, user))
    assert {answer.status_code for answer in seen} <= {401, 429, 503}
    assert all("retry-after" in answer.headers for answer in seen if answer.status_code != 401)
    assert sorted(times)[-5] < 2.0, sorted(times)[-5:]


def test_who_finds_no_room_is_told_so_a_moment_later() -> None:
    async def refused(accounts: Accounts) -> None:
        with pytest.raises(ServiceError):
            await accounts.require_room("somewhere")

    async def run() -> float:
        full = Passwords(4)
        full._admission.limit = 0
        accounts = Accounts(cast("Any", None), full, cast("Any", None), cast("Any", None))
        started = time.perf_counter()
        await asyncio.gather(*[refused(accounts) for _ in range(100)])
        return time.perf_counter() - started

    # clients that try again at once would leave no turn of the event loop to others
    assert asyncio.run(run()) >= REFUSED_AFTER


@pytest.mark.parametrize("cost", [4, 6], ids=["as ever", "raised"])
def test_every_sign_in_that_fails_takes_as_many_rounds_as_the_dearest_hash(
    monkeypatch: pytest.MonkeyPatch, cost: int
) -> None:
    """Whether the name is unknown, what is stored is no hash, or one of before the cost was changed, up or down."""
    rounds: list[int] = []
    check, make = bcrypt.checkpw, bcrypt.hashpw

    def checked(password: bytes, hashed: bytes) -> bool:
        rounds.append(2 ** int(hashed[4:6]))
        return check(password, hashed)

    def made(password: bytes, salt: bytes) -> bytes:
        rounds.append(2 ** int(salt[4:6]))
        return make(password, salt)

    stored = {number: make(PASSWORD.encode(), bcrypt.gensalt(number)).decode() for number in (4, 5, 7)}
    monkeypatch.setattr("api.auth.passwords.bcrypt.checkpw", checked)
    monkeypatch.setattr("api.auth.passwords.bcrypt.hashpw", made)

    async def scene() -> None:
        passwords = Passwords(cost)
        for highest in (0, 4, 5, 7):
            known = [stored[number] for number in stored if number <= max(highest, cost)]
            for password_hash in (None, *NO_HASHES, *known):
                for password in (PASSWORD, WRONG):
                    rounds.clear()
                    right = await passwords.matches(password, password_hash, highest, by="here")
                    assert right is (password == PASSWORD and password_hash in known)
                    assert right or sum(rounds) == 2 ** max(cost, highest)
        passwords.close()

    asyncio.run(scene())


@pytest.mark.one_database(reason="it runs a service of its own on one database")
def test_the_dearest_hash_is_that_of_the_database(service_database: Database, alice: User) -> None:
    """One of another service with the same database, or of before the cost was lowered."""
    asked: list[int] = []

    class Asked(Passwords):
        async def matches(self, password: str, password_hash: str | None, highest_cost: int, *, by: Hashable) -> bool:
            asked.append(highest_cost)
            return await super().matches(password, password_hash, highest_cost, by=by)

    async def scene() -> None:
        settings = Settings(api_url=service_database.api_url, jwt_secret="x" * 32)
        calls = Calls(settings)
        await calls.open()
        sign_in = SignIn(calls, Asked(4))
        for username in (alice.username, name()):
            assert await sign_in.check(username, WRONG, "an address") is None
        await calls.close()

    with service_database.connect() as administrator:
        dear = bcrypt.hashpw(b"x", bcrypt.gensalt(7)).decode()
        administrator.execute("select wallet_register(%s, %s)", [name(), dear])
        row = administrator.execute("select wallet_highest_cost()").fetchone()
    asyncio.run(scene())
    assert row is not None
    assert asked == [row[0]] * 2
    assert row[0] >= 7


def test_an_address_that_floods_leaves_others_their_turn_and_their_room() -> None:
    async def scene() -> None:
        passwords = Passwords(4)
        ended: list[str] = []

        async def one(by: str) -> None:
            try:
                await passwords.hash(PASSWORD, by=by)
            except ServiceError:
                ended.append(f"{by} refused")
            else:
                ended.append(by)

        flood = [asyncio.create_task(one("flood")) for _ in range(100)]
        await asyncio.sleep(0)
        others = [asyncio.create_task(one(f"user {number}")) for number in range(8)]
        await asyncio.gather(*flood, *others)
        refused = [by for by in ended if by.endswith("refused")]
        assert refused == ["flood refused"] * len(refused)
        assert len(refused) > 50
        # with what was being hashed when they came, and turn by turn
        served = [by for by in ended if by not in refused]
        last = max(place for place, by in enumerate(served) if by != "flood")
        assert last < len(served) - 1
        assert served[: last + 1].count("flood") <= 8 + 4
        passwords.close()

    asyncio.run(scene())


def test_a_name_that_nobody_can_have_costs_no_hash(service_database: Database, tmp_path: Path, alice: User) -> None:
    with (
        serve(service_database.api_url, tmp_path) as fresh,
        httpx.Client(base_url=fresh.url, timeout=20, verify=TLS) as client,
    ):

        def threads() -> int:
            """The first hash starts one."""
            return len(list(Path(f"/proc/{fresh.process.pid}/task").iterdir()))

        before = threads()
        taken = client.post("/api/auth/signup", json={"username": alice.username.upper(), "password": PASSWORD})
        problem(taken, 409, "WA005", "username")
        bad = client.post("/api/auth/signup", json={"username": str(uuid4()), "password": PASSWORD})
        problem(bad, 422, "WA002", "username")
        assert threads() == before
        data(client.post("/api/auth/signup", json={"username": name(), "password": PASSWORD}), 201)
        assert threads() == before + 1
