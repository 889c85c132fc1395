"""Who has a key may do what it was made for, for whom it was made, from where, until when: and nothing else."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from math import inf
from typing import Any, cast
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import httpx
import pytest

from api.auth.keys import Keys, address_of, new_secret, user_named
from api.auth.tokens import Tokens
from api.database.rows import AuthorizedKey
from api.errors import UNAVAILABLE, ServiceError
from api.events.streams import OF_A_USER
from tests.api.events.sse import Listener
from tests.api.machine import Machine, made
from tests.api.service import JWT_SECRET, Service, User, data, problem, serve
from tests.command import wait_until
from tests.database import Database

DEADLINE = 1.0
"""Seconds, on a machine that has a processor for each."""
PATIENCE = 10.0
RATE = 20


@pytest.fixture(scope="module")
def other(service_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A second worker on the same database: with limits, behind a proxy, where users neither top up nor refund."""
    with serve(
        service_database.api_url,
        tmp_path_factory.mktemp("other"),
        PGWALLET_RATE_LIMIT=str(RATE),
        PGWALLET_KEY_RATE_LIMIT=str(4 * RATE),
        PGWALLET_TRUSTED_PROXIES="127.0.0.1",
        PGWALLET_SELF_TOPUP="off",
        PGWALLET_SELF_REFUND="off",
    ) as running:
        yield running


@pytest.fixture
def key(operator: User, alice: User) -> dict[str, Any]:
    """A key that may do everything, for alice."""
    return made(operator, alice)


@pytest.fixture
def machine(service: Service, key: dict[str, Any], alice: User) -> Iterator[Machine]:
    with closing(Machine(service, key["secret"], alice.username)) as client:
        yield client


def refused(response: httpx.Response, reason: str) -> dict[str, Any]:
    body = problem(response, 403, "WA047")
    assert body["reason"] == reason
    return body


def test_a_key_does_what_its_user_can(machine: Machine, alice: User, bob: User) -> None:
    spend, hold = str(uuid4()), str(uuid4())
    data(machine.do("topup", amount=500), 201)
    data(machine.do("spend", txn_id=spend, amount=100), 201)
    data(machine.do("refund", original_txn_id=spend), 201)
    data(machine.do("transfer", amount=50, to_username=bob.username), 201)
    data(machine.do("holds", txn_id=hold, amount=30), 201)
    data(machine.do(f"holds/{hold}/capture", amount=10), 201)
    data(machine.do(f"holds/{hold}/void"), 201)
    requests = [{"type": kind, "txn_id": str(uuid4()), "amount": 5} for kind in ("topup", "spend", "hold")]
    assert [
        item["status"] for item in data(machine.post("/api/wallet/batch", json={"requests": requests}))["results"]
    ] == [201] * 3
    assert alice.balance() == data(machine.balance())["balance"] == 1440
    assert len(data(machine.get("/api/wallet/transactions"))["items"]) == alice.history()["items"].__len__()
    now = datetime.now(UTC)
    period = {"from": (now - timedelta(days=1)).isoformat(), "to": (now - timedelta(hours=1)).isoformat()}
    assert data(machine.get("/api/wallet/statement", params=period))["closing_balance"] == 0
    assert data(machine.get("/api/wallet/balance", params={"at": period["to"]}))["balance"] == 0
    assert data(machine.get(f"/api/wallet/transactions/{spend}"))["amount"] == -100
    assert len(data(machine.get("/api/wallet/holds"))["items"]) == 2
    (wallet,) = data(machine.get("/api/wallets"))["items"]
    assert wallet["wallet_id"] == alice.account["wallet_id"]


def test_what_a_key_did_is_a_replay_for_its_user(machine: Machine, alice: User) -> None:
    txn_id = str(uuid4())
    data(machine.do("topup", txn_id=txn_id, amount=5), 201)
    assert data(alice.topup(5, txn_id))["replayed"] is True
    assert data(machine.do("topup", txn_id=txn_id, amount=5))["replayed"] is True


def test_the_user_is_named_by_id_or_in_any_case_by_name(machine: Machine, alice: User) -> None:
    for name in (alice.account["id"], alice.account["id"].upper(), alice.username.upper()):
        assert data(machine.balance(**{"On-Behalf-Of": name}))["balance"] == 1000


HOSTILE = ["", "al", "a" * 65, "a" * 9000, "alice bob", "alice,bob", "alice;", "../alice", "%00", "{alice}", "al\xefce"]


@pytest.mark.parametrize("name", HOSTILE, ids=len)
def test_who_is_no_user_is_no_request(machine: Machine, name: str) -> None:
    body = problem(
        machine.get("/api/wallet/balance", headers=[(b"On-Behalf-Of", name.encode("latin-1"))]), 400, "bad_request"
    )
    assert "On-Behalf-Of" in body["detail"]


def test_a_key_names_its_user_once(service: Service, key: dict[str, Any], alice: User, bob: User) -> None:
    def detail(*names: str) -> str:
        headers = [("Authorization", f"Bearer {key['secret']}"), *(("On-Behalf-Of", name) for name in names)]
        with closing(HTTPConnection(urlsplit(service.url).netloc, timeout=20)) as connection:
            connection.putrequest("GET", "/api/wallet/balance")
            for name, value in headers:
                connection.putheader(name, value)
            connection.endheaders()
            answer = connection.getresponse()
            assert answer.status == 400
            return answer.read().decode()

    assert "name one" in detail()
    assert "once" in detail(alice.username, bob.username)
    assert "once" in detail(alice.username, alice.username)


def test_a_request_has_one_authorization(service: Service, key: dict[str, Any], alice: User, bob: User) -> None:
    def status(path: str, *secrets: str) -> int:
        with closing(HTTPConnection(urlsplit(service.url).netloc, timeout=20)) as connection:
            connection.putrequest("GET", path)
            for secret in secrets:
                connection.putheader("Authorization", f"Bearer {secret}")
            connection.endheaders()
            return connection.getresponse().status

    for secrets in ((bob.token, key["secret"]), (bob.token, alice.token), (bob.token, bob.token), (bob.token, "")):
        for path in ("/api/wallet/balance", "/api/me", "/api/wallet/events/stream?seconds=0"):
            assert status(path, *secrets) == 400, (path, secrets)
    assert status("/api/wallet/balance", bob.token) == 200


def test_a_token_acts_for_its_own_user_alone(alice: User, bob: User, operator: User) -> None:
    headers = {"On-Behalf-Of": bob.username}
    for answer in (
        alice.post("/api/wallet/topup", json={"txn_id": str(uuid4()), "amount": 1}, headers=headers),
        alice.get("/api/wallet/balance", headers=headers),
        alice.post("/api/wallets", json={"asset": "USD"}, headers=headers),
        alice.get("/api/me", headers={"On-Behalf-Of": alice.username}),
        operator.get("/api/operator/users", headers=headers),
    ):
        assert "leave the header out" in problem(answer, 400, "bad_request")["detail"]
    assert (alice.balance(), bob.balance()) == (1000, 1000)


@pytest.mark.parametrize(
    "secret",
    [
        new_secret().secret,
        "pgw_",
        "pgw_x",
        "pgw_" + "a" * 42,
        "pgw_" + "a" * 44,
        "pgw_" + "ä" * 43,
        "pgw_" + "a" * 9000,
    ],
    ids=len,
)
def test_what_is_no_key_is_refused(machine: Machine, secret: str) -> None:
    headers = [(b"Authorization", f"Bearer {secret}".encode())]
    problem(machine.get("/api/wallet/balance", headers=headers), 401, "unauthorized")


def test_a_key_has_one_spelling(machine: Machine, key: dict[str, Any]) -> None:
    for spelling in (f"bearer {key['secret']}", f"Bearer   {key['secret']}"):
        data(machine.balance(Authorization=spelling))
    for secret in (key["secret"].swapcase(), key["secret"] + "=", key["prefix"]):
        problem(machine.balance(Authorization=f"Bearer {secret}"), 401, "unauthorized")


NEEDS = {
    "read": [
        *(("GET", f"/api/wallet/{path}") for path in ("balance", "transactions", "holds", "events/stream")),
        *(("GET", path) for path in ("/api/wallets", f"/api/wallet/transactions/{uuid4()}")),
        ("GET", "/api/wallet/balance?at=2026-01-01T00:00:00Z"),
        ("GET", "/api/wallet/statement?from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z"),
    ],
    "topup": [("POST", "/api/wallet/topup")],
    "spend": [("POST", "/api/wallet/spend")],
    "transfer": [("POST", "/api/wallet/transfer")],
    "refund": [("POST", "/api/wallet/refund")],
    "hold": [("POST", f"/api/wallet/holds{path}") for path in ("", f"/{uuid4()}/capture", f"/{uuid4()}/void")],
}


@pytest.mark.parametrize("scope", NEEDS)
def test_a_key_without_the_scope_does_nothing(service: Service, operator: User, alice: User, scope: str) -> None:
    others = tuple(other for other in NEEDS if other != scope)
    found = made(operator, alice, scopes=others)
    more = {"transfer": {"to_username": operator.username}, "refund": {"original_txn_id": str(uuid4())}}.get(scope, {})
    with closing(Machine(service, found["secret"], alice.username)) as machine:
        for method, path in NEEDS[scope]:
            body = {"txn_id": str(uuid4()), "amount": 1, **more}
            if path.endswith("void"):
                del body["amount"]
            answer = machine.request(method, path, json=None if method == "GET" else body)
            assert refused(answer, "scope")["scope"] == scope, path
        item: dict[str, Any] = {"txn_id": str(uuid4()), "amount": 1, "type": scope, **more}
        if scope != "read":
            fine = {"type": "topup" if scope != "topup" else "spend", "txn_id": str(uuid4()), "amount": 3}
            answer = machine.post("/api/wallet/batch", json={"requests": [item, fine]})
            results = data(answer)["results"]
            assert [result["status"] for result in results] == [403, 201]
            assert results[0]["problem"]["reason"] == "scope"
    assert alice.balance() in {1000, 1003, 997}


def test_a_user_of_whom_the_key_knows_nothing_and_who_is_none_of_its_users_are_told_alike(
    service: Service, machine: Machine, operator: User, bob: User
) -> None:
    with closing(User(service)) as gone:
        data(operator.post(f"/api/operator/users/{gone.account['id']}/erase", json={"reason": "asked to"}))
    whom = [bob.username, bob.account["id"], f"nobody-{uuid4().hex[:8]}", str(uuid4()), operator.username]
    whom += [operator.account["id"], gone.username, gone.account["id"]]
    bodies = [refused(machine.balance(**{"On-Behalf-Of": name}), "subject") for name in whom]
    assert len({str(body | {"request_id": None}) for body in bodies}) == 1
    assert bodies[0]["message"] == "This app may not act for this user."
    for name in whom:
        refused(
            machine.post(
                "/api/wallet/topup", json={"txn_id": str(uuid4()), "amount": 1}, headers={"On-Behalf-Of": name}
            ),
            "subject",
        )


def test_a_key_for_all_users_is_for_no_operator_and_nobody_who_is_erased(
    service: Service, operator: User, alice: User, service_database: Database
) -> None:
    found = made(operator, scopes=("topup",))
    assert (found["all_users"], found["user_ids"]) == (True, None)
    with closing(Machine(service, found["secret"], alice.username)) as machine, closing(User(service)) as late:
        data(machine.do("topup", amount=1), 201)
        machine.headers["On-Behalf-Of"] = late.username
        data(machine.do("topup", amount=1), 201)
        with service_database.connect() as administrator:
            administrator.execute("select wallet_set_role(%s, 'operator')", [late.username])
        refused(machine.do("topup", amount=1), "subject")
        machine.headers["On-Behalf-Of"] = alice.account["id"]
        data(machine.do("topup", amount=1), 201)
        data(operator.post(f"/api/operator/users/{alice.account['id']}/erase", json={"reason": "asked to"}))
        refused(machine.do("topup", amount=1), "subject")


def test_a_key_is_used_from_its_networks_alone(other: Service, operator: User, alice: User) -> None:
    found = made(operator, alice, networks=["192.0.2.0/28", "2001:db8:1::/48"])
    with closing(Machine(other, found["secret"], alice.username)) as machine:
        for inside in ("192.0.2.1", "192.0.2.15", "::ffff:192.0.2.3", "2001:db8:1::7"):
            data(machine.balance(**{"X-Forwarded-For": inside}))
        for outside in ("192.0.2.16", "198.51.100.1", "2001:db8:2::1", "::ffff:192.0.2.77", "unknown", "x" * 99):
            body = refused(machine.balance(**{"X-Forwarded-For": outside}), "network")
            assert body["scope"] is None
        data(machine.balance(**{"X-Forwarded-For": "192.0.2.1"}))
        refused(machine.balance(), "network")


def test_a_key_ends_when_it_expires(service: Service, operator: User, alice: User) -> None:
    found = made(operator, alice, expires_at=(datetime.now(UTC) + timedelta(seconds=1.5)).isoformat())
    with closing(Machine(service, found["secret"], alice.username)) as machine:
        data(machine.balance())
        with Listener(service, found["secret"], on_behalf_of=alice.username) as stream:
            wait_until(lambda: machine.balance().status_code == 401, PATIENCE)
            assert stream.next().data["detail"] == "The key has expired."
        problem(machine.do("topup", amount=1), 401, "unauthorized")
        batch = {"requests": [{"type": "topup", "txn_id": str(uuid4()), "amount": 1}]}
        problem(machine.post("/api/wallet/batch", json=batch), 401, "unauthorized")


def test_who_revokes_a_key_ends_it_in_every_process_within_a_second(
    service: Service, other: Service, operator: User, alice: User
) -> None:
    def seconds() -> float:
        found = made(operator, alice)
        with (
            closing(Machine(service, found["secret"], alice.username)) as here,
            closing(Machine(other, found["secret"], alice.username)) as there,
            Listener(other, found["secret"], on_behalf_of=alice.username) as stream,
        ):
            for machine in (here, there):
                data(machine.balance())
            data(operator.delete(f"/api/operator/keys/{found['id']}"))
            revoked = time.monotonic()
            for machine in (here, there):
                # the database is asked at once, whatever the process remembers
                problem(machine.do("topup", amount=1), 401, "unauthorized")
                problem(machine.balance(), 401, "unauthorized")
                batch = {"requests": [{"type": "topup", "txn_id": str(uuid4()), "amount": 1}]}
                problem(machine.post("/api/wallet/batch", json=batch), 401, "unauthorized")
            # what happens before this process has heard of it is still sent
            while (end := stream.next()).event != "end":
                pass
            assert end.data["code"] == "unauthorized"
            return time.monotonic() - revoked

    # a machine that is busy with other things may miss it now and then
    assert any(seconds() < DEADLINE for _ in range(3))


def test_a_stream_of_a_key_has_what_happens_to_its_user(
    service: Service, key: dict[str, Any], alice: User, bob: User
) -> None:
    with Listener(service, key["secret"], on_behalf_of=alice.username) as stream:
        bob.topup(5)
        alice.topup(7)
        assert stream.next().data["data"]["amount"] == 7


def test_streams_of_a_key_leave_its_user_theirs(service: Service, key: dict[str, Any], alice: User) -> None:
    with ExitStack() as open_ones:
        for _ in range(OF_A_USER):
            stream = open_ones.enter_context(Listener(service, key["secret"], on_behalf_of=alice.username))
            assert stream.response.status_code == 200
        with Listener(service, key["secret"], on_behalf_of=alice.username) as one_more:
            problem(one_more.response, 429, "too_many_streams")
        with Listener(service, alice.token) as own:
            assert own.response.status_code == 200


def test_no_key_reaches_any_other_route(machine: Machine, alice: User) -> None:
    document = machine.get("/api/docs/openapi.json").json()
    closed = []
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if {"key": []} in operation["security"]:
                assert "On-Behalf-Of" in [parameter["name"] for parameter in operation["parameters"]], path
            elif operation["security"]:
                closed.append((method, path))
                where = path.format_map(_Anything(alice.account["wallet_id"]))
                refused(machine.request(method, where, json={} if method != "get" else None), "route")
    assert ("post", "/api/wallets") in closed
    assert ("get", "/api/me") in closed
    assert {path.split("/")[2] for _, path in closed} == {"auth", "me", "assets", "wallets", "operator"}
    assert machine.get("/", headers={"Accept": "text/html"}, follow_redirects=True).url.path in {"/sign-in", "/"}
    assert alice.balance() == 1000


class _Anything(dict[str, str]):
    """Of an id what it may be, and of a number a number."""

    def __init__(self, some_id: str) -> None:
        self._some_id = some_id

    def __missing__(self, name: str) -> str:
        return "1" if name in {"run", "event", "transaction_id", "hold_id", "confirmation_id"} else self._some_id


def test_who_may_not_top_up_or_refund_lets_a_key(other: Service, operator: User, alice: User) -> None:
    found = made(operator, alice, scopes=("topup", "refund", "spend"))
    spend = str(uuid4())
    with closing(Machine(other, found["secret"], alice.username)) as machine:
        token = {"Authorization": f"Bearer {alice.token}"}
        body = {"txn_id": str(uuid4()), "amount": 1}
        problem(httpx.post(f"{other.url}/api/wallet/topup", json=body, headers=token), 403, "operators_only")
        data(machine.do("topup", amount=5), 201)
        data(machine.do("spend", txn_id=spend, amount=5), 201)
        data(machine.do("refund", original_txn_id=spend), 201)
        items = [{"type": "topup", "txn_id": str(uuid4()), "amount": 1}]
        assert data(machine.post("/api/wallet/batch", json={"requests": items}))["results"][0]["status"] == 201


def test_a_key_has_a_rate_of_its_own_and_uses_up_no_other(other: Service, operator: User, alice: User) -> None:
    address = {"X-Forwarded-For": "198.51.100.7"}
    own, given = made(operator, alice, calls_per_minute=RATE // 2), made(operator, alice)
    with (
        closing(Machine(other, own["secret"], alice.username, **address)) as slow,
        closing(Machine(other, given["secret"], alice.username, **address)) as fast,
    ):
        for machine, rate in ((slow, RATE // 2), (fast, 4 * RATE)):
            answers = [machine.balance() for _ in range(rate + 1)]
            # some come back meanwhile
            while answers[-1].status_code == 200:
                answers.append(machine.balance())
            assert [answer.status_code for answer in answers[:rate]] == [200] * rate
            problem(answers[-1], 429, "rate_limited")
            assert answers[-1].headers["ratelimit-limit"] == str(rate)
        # five times the rate of a user is what an address has
        token = {"Authorization": f"Bearer {alice.token}", **address}
        for _ in range(RATE):
            data(httpx.get(f"{other.url}/api/wallet/balance", headers=token))


def test_items_of_a_batch_count_for_the_key(other: Service, operator: User, alice: User) -> None:
    found = made(operator, alice, calls_per_minute=3)
    items = [{"type": "topup", "txn_id": str(uuid4()), "amount": 1} for _ in range(45)]
    with closing(Machine(other, found["secret"], alice.username)) as machine:
        data(machine.post("/api/wallet/batch", json={"requests": items}))
        problem(machine.balance(), 429, "rate_limited")


def test_the_log_has_the_key_and_never_its_secret(
    service: Service, machine: Machine, key: dict[str, Any], alice: User
) -> None:
    request_id = uuid4().hex
    data(machine.balance(**{"X-Request-Id": request_id}))
    (line,) = service.wait_for(request_id=request_id)
    assert (line["key_id"], line["user_id"]) == (key["id"], alice.account["id"])
    alice.get("/api/wallet/balance", headers={"X-Request-Id": f"own-{request_id}"})
    (line,) = service.wait_for(request_id=f"own-{request_id}")
    assert "key_id" not in line
    refused(machine.get("/api/me"), "route")
    problem(machine.balance(Authorization=f"Bearer {key['secret']}x"), 401, "unauthorized")
    service.all_lines()
    log = service.log.read_text()
    assert key["secret"] not in log
    assert key["secret"][4:] not in log


class Known:
    """A database that knows one key, for everybody."""

    def __init__(self, **terms: Any) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.noted: list[UUID] = []
        self.key_id = uuid4()
        self.user_id = uuid4()
        self.done = asyncio.Event()
        self._terms = {"calls_per_minute": None, "expires_at": None, **terms}

    async def authorize_key(self, *asked: Any) -> AuthorizedKey | None:
        self.asked.append(asked)
        return AuthorizedKey(key_id=self.key_id, user_id=self.user_id, wallet_id=uuid4(), **self._terms)

    async def note_key_use(self, key_ids: list[UUID]) -> None:
        self.noted += key_ids
        self.done.set()


def sender(user: str = "alice", address: str = "192.0.2.1") -> tuple[Any, bytes]:
    return {"client": (address, 1)}, user.encode()


def test_a_key_is_remembered_with_its_user_and_address_until_it_is_revoked() -> None:
    database = Known()
    tokens = Tokens([JWT_SECRET], cast("Any", database), Keys(cast("Any", database), 10))
    header = f"Bearer {new_secret().secret}".encode()

    async def calls(*senders: Any) -> int:
        before = len(database.asked)
        for one in senders:
            await tokens.principal(header, *one)
        return len(database.asked) - before

    async def see() -> None:
        assert await calls(sender(), sender()) == 1
        # what is remembered of a name is no longer than a name, whatever is around it
        assert await calls(sender("alice" + " \t" * 4000), sender("\talice ")) == 0
        assert await calls(sender("bob"), sender(address="192.0.2.2"), sender(), sender("bob")) == 2
        tokens.forget({uuid4()})
        assert await calls(sender(), sender("bob")) == 0
        tokens.forget({database.key_id})
        assert await calls(sender(), sender("bob")) == 2
        tokens.forget({database.user_id})
        assert await calls(sender()) == 1

    asyncio.run(see())


def test_a_key_that_is_revoked_while_it_is_verified_is_not_remembered() -> None:
    class Late(Known):
        async def authorize_key(self, *asked: Any) -> AuthorizedKey | None:
            tokens.forget({self.key_id})
            return await super().authorize_key(*asked)

    database = Late()
    tokens = Tokens([JWT_SECRET], cast("Any", database), Keys(cast("Any", database), 10))

    async def see_twice() -> None:
        header = f"Bearer {new_secret().secret}".encode()
        await tokens.principal(header, *sender())
        await tokens.principal(header, *sender())

    asyncio.run(see_twice())
    assert len(database.asked) == 2


def test_what_is_remembered_of_a_key_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.auth.tokens.MAX_VERIFIED_TOKENS", 3)
    database = Known(expires_at=datetime.now(UTC) - timedelta(seconds=1), calls_per_minute=7)
    keys = Keys(cast("Any", database), 10)
    tokens = Tokens([JWT_SECRET], cast("Any", database), keys)
    header = f"Bearer {new_secret().secret}".encode()

    async def see() -> None:
        for number in range(9):
            found = await tokens.principal(header, *sender(f"user-{number}"))
            assert (found.key_rate, found.role) == (7, "user")
        assert len(tokens._verified) == 3
        # one that has expired is asked about again
        before = len(database.asked)
        await tokens.principal(header, *sender("user-8"))
        assert len(database.asked) == before + 1

    asyncio.run(see())


def test_it_is_noted_which_keys_were_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.auth.keys.NOTE_EVERY", 0.01)

    class Once(Known):
        away = True

        async def note_key_use(self, key_ids: list[UUID]) -> None:
            if self.away:
                self.away = False
                raise ServiceError(UNAVAILABLE)
            await super().note_key_use(key_ids)

    async def see() -> None:
        database = Once()
        keys = Keys(cast("Any", database), 0)
        tokens = Tokens([JWT_SECRET], cast("Any", database), keys)
        async with keys.running():
            for _ in range(3):
                found = await tokens.principal(f"Bearer {new_secret().secret}".encode(), *sender())
                assert found.expires_at == inf
            async with asyncio.timeout(PATIENCE):
                await database.done.wait()
        assert database.noted == [database.key_id], "once, also when the database was away"
        async with keys.running():
            await tokens.principal(f"Bearer {new_secret().secret}".encode(), *sender())
        assert len(database.noted) == 2, "also at the end"

    asyncio.run(see())


def test_a_secret_is_new_each_time_and_begins_with_its_prefix() -> None:
    found = {new_secret() for _ in range(100)}
    assert len({one.secret_hash for one in found}) == len({one.secret for one in found}) == 100
    assert all(one.secret.startswith(one.prefix) and len(one.secret) == 47 and len(one.prefix) == 12 for one in found)


def test_addresses_and_users_as_the_database_takes_them() -> None:
    assert [address_of(one) for one in ("192.0.2.1", "::ffff:192.0.2.1", "fe80::1%eth0", "2001:DB8::1")] == [
        *("192.0.2.1", "192.0.2.1", "fe80::1", "2001:db8::1")
    ]
    assert [address_of(one) for one in ("", "unix:", "x" * 999, "192.0.2.1/8", "1.2.3")] == [None] * 5
    some_id = uuid4()
    assert user_named(str(some_id)) == user_named(some_id.hex) == some_id
    assert user_named("Alice.1") == "Alice.1"
    assert [user_named(one) for one in ("", "ab", "a b c", f"{{{some_id}}}", "x" * 65, "alice\n")] == [None] * 6
