"""What spans the databases of a cluster: lists, events, webhooks and verifications, also while one of them is away."""

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import standardwebhooks

from api.cluster_map import number_of_row
from api.events.cursors import Cursor, Cursors, read_cursors
from tests.api.events.sse import Listener
from tests.api.machine import Machine
from tests.api.machine import made as key_made
from tests.api.receiver import Receiver
from tests.api.service import WEBHOOK_KEY, Service, User, data, problem, serve
from tests.cluster import Databases, Everywhere, own_databases
from tests.command import Pgwallet, wait_until

EVENTS = "/api/operator/events"
WEBHOOKS = "/api/operator/webhooks"
KEYS = "/api/operator/keys"
URL = "https://example.com/pgwallet"
COUNT = 3


@pytest.fixture(scope="module")
def databases() -> Iterator[Databases]:
    """Three databases, each on a server of its own."""
    with own_databases(COUNT, COUNT) as found:
        yield found


@pytest.fixture(scope="module")
def service(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with serve("", tmp_path_factory.mktemp("service"), **databases.settings) as running:
        yield running


@pytest.fixture(scope="module")
def users(service: Service, databases: Databases) -> Iterator[list[User]]:
    """One user in each database."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(closing(User(service, name(databases, number)))) for number in range(COUNT)]


@pytest.fixture(scope="module")
def operator(service: Service, databases: Databases) -> Iterator[User]:
    """An operator, who lives in database 0."""
    with closing(User(service, name(databases, 0))) as user:
        with everywhere(databases).connect() as administrator:
            administrator.execute("select public.wallet_set_role(%s, 'operator')", [user.username])
        user.sign_in()
        yield user


def everywhere(databases: Databases) -> Everywhere:
    first = databases.members[0]
    return Everywhere(first.server, first.name, databases=databases)


def name(databases: Databases, number: int) -> str:
    """A name whose home is this database."""
    while databases.map.homes_of(found := f"user-{uuid4().hex[:12]}")[0] != number:
        pass
    return found


@contextlib.contextmanager
def away(databases: Databases, number: int) -> Iterator[None]:
    """The server of one database is stopped meanwhile."""
    server = databases.server(number)
    server.stop(patience=5.0)
    try:
        yield
    finally:
        server.start()


@contextlib.contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()
    thread = threading.Thread(target=receiver.serve_forever)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.shutdown()
        thread.join()
        receiver.server_close()


@contextlib.contextmanager
def relaying(databases: Databases, folder: Path) -> Iterator[None]:
    """The relay's process, as the supervisor runs it."""
    variables = {
        "PGWALLET_WEBHOOK_KEY": WEBHOOK_KEY,
        "PGWALLET_WEBHOOK_NETWORKS": "127.0.0.0/8",
        **databases.settings,
    }
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PGWALLET_", "JWT_"))}
    with (folder / "relay.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "api.server.relay", "0", "0"],
            stdin=subprocess.PIPE,
            stderr=log,
            env=environment,
        )
    assert process.stdin is not None
    process.stdin.write(json.dumps(variables).encode() + b"\n")
    process.stdin.flush()
    try:
        yield
        assert process.poll() is None
    finally:
        process.terminate()
        process.wait(30)
        process.stdin.close()


def back(operator: User) -> None:
    """Wait until every database answers again."""
    wait_until(lambda: "away" not in data(operator.get("/api/operator/users")))


def pages(operator: User, path: str, limit: int) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = data(operator.get(path, params={"limit": limit, **cursor}))
        items += page["items"]
        if page["next_cursor"] is None:
            return items
        cursor = {"cursor": page["next_cursor"]}


@pytest.mark.parametrize("limit", [1, 2, 200])
def test_pages_have_everybody_once_in_the_order_of_time(operator: User, users: list[User], limit: int) -> None:
    found = pages(operator, "/api/operator/users", limit)
    ids = [user["id"] for user in found]
    assert len(set(ids)) == len(ids)
    assert ids == sorted(ids, reverse=True)
    assert {user.account["id"] for user in (operator, *users)} <= set(ids)


@pytest.mark.parametrize("limit", [1, 3, 200])
def test_the_record_of_all_databases_is_merged_by_time(operator: User, users: list[User], limit: int) -> None:
    for user in users:
        data(operator.get(f"/api/operator/users/{user.account['id']}"))
    found = pages(operator, "/api/operator/audit", limit)
    assert len({row["id"] for row in found}) == len(found)
    assert {number_of_row(row["id"]) for row in found} == set(range(COUNT))
    moments = [row["created_at"] for row in found]
    assert moments == sorted(moments, reverse=True)


def test_a_search_finds_users_of_all_databases_and_an_operator_once(operator: User, users: list[User]) -> None:
    found = data(operator.get("/api/operator/search", params={"q": "user-"}))["items"]
    names = [one["username"] for one in found]
    assert set(names) >= {user.username for user in (operator, *users)}
    assert names.count(operator.username) == 1
    exact = data(operator.get("/api/operator/search", params={"q": users[1].username}))["items"]
    assert [one["user_id"] for one in exact] == [users[1].account["id"]]


def test_the_trial_balance_adds_all_databases_up(operator: User, users: list[User]) -> None:
    before = data(operator.get("/api/operator/trial-balance"))
    for user in users:
        data(user.topup(100), 201)
    after = data(operator.get("/api/operator/trial-balance"))
    assert (before["balance"], after["balance"]) == (0, 0)

    def of(found: dict[str, Any], account: str) -> int:
        return sum(one["balance"] for one in found["accounts"] if one["account"] == account)

    assert of(after, "users") - of(before, "users") == 100 * COUNT
    assert of(after, "topup") - of(before, "topup") == -100 * COUNT


def test_a_verification_is_started_in_each_database(operator: User) -> None:
    run = data(operator.post("/api/operator/verifications"), 202)
    assert [number_of_row(one) for one in run["started"]] == list(range(COUNT))
    assert run["id"] == run["started"][0]

    def finished() -> bool:
        shown = [data(operator.get(f"/api/operator/verifications/runs/{one}")) for one in run["started"]]
        return all(one["status"] == "finished" and one["violations"] == 0 for one in shown)

    wait_until(finished)
    recorded = pages(operator, "/api/operator/verifications", 2)
    assert {number_of_row(one["id"]) for one in recorded} == set(range(COUNT))


# events


def events(operator: User, **params: Any) -> dict[str, Any]:
    return data(operator.get(EVENTS, params=params))


def everything(operator: User, after: str, limit: int = 7) -> list[int]:
    found: list[int] = []
    while items := (page := events(operator, after=after, limit=limit))["items"]:
        found += [int(event["id"]) for event in items]
        after = page["next"]
    return found


@pytest.mark.parametrize("limit", [1, 4, 1000])
def test_pages_of_events_have_each_once_and_each_database_in_order(
    operator: User, users: list[User], limit: int
) -> None:
    for user in users:
        data(user.topup(1), 201)
    found = everything(operator, "beginning", limit)
    assert len(set(found)) == len(found)
    for number in range(COUNT):
        of = [event for event in found if number_of_row(event) == number]
        assert of
        assert of == sorted(of)


def test_a_cursor_from_before_the_cluster_is_of_the_first_database(operator: User, users: list[User]) -> None:
    data(users[0].topup(1), 201)
    now = read_cursors(events(operator, after="latest")["next"])
    mine = str(now[0])
    assert len(mine) == 18
    found = everything(operator, mine)
    assert {number_of_row(event) for event in found} == {1, 2}
    assert found == [event for event in everything(operator, "beginning", 1000) if number_of_row(event)]


def test_a_history_that_has_ended_is_named_with_its_database(operator: User) -> None:
    now = read_cursors(events(operator, after="latest")["next"])
    stale = Cursors({**now, 1: Cursor(now[1].epoch ^ 1, now[1].id)})
    for path in (EVENTS, f"{EVENTS}/stream"):
        body = problem(operator.get(path, params={"after": str(stale)}), 410, "WA041")
        assert (body["database"], body["known"]) == (1, 0)
        assert read_cursors(body["resume"]) == {number: cursor for number, cursor in now.items() if number != 1}


def test_a_stream_has_all_databases_and_resumes_without_doubles(
    service: Service, operator: User, users: list[User]
) -> None:
    after = events(operator, after="latest")["next"]
    with Listener(service, operator.token, f"{EVENTS}/stream", after=after) as listener:
        for number in (2, 0, 1, 2):
            data(users[number].topup(5), 201)
        first = [next(listener.events) for _ in range(2)]
    with Listener(service, operator.token, f"{EVENTS}/stream", last_event_id=first[-1].id) as listener:
        rest = [next(listener.events) for _ in range(2)]
    ids = [int(event.data["id"]) for event in (*first, *rest)]
    assert sorted(number_of_row(event) for event in ids) == [0, 1, 2, 2]
    assert len(set(ids)) == 4
    assert everything(operator, rest[-1].id) == []


def test_a_users_stream_is_of_the_own_database(service: Service, users: list[User]) -> None:
    with Listener(service, users[2].token) as listener:
        data(users[2].topup(5), 201)
        event = next(listener.events)
        assert number_of_row(int(event.data["id"])) == 2
        assert read_cursors(event.id).keys() == {2}


def test_a_page_waits_for_news_of_any_database(operator: User, users: list[User]) -> None:
    after = events(operator, after="latest")["next"]
    found: list[dict[str, Any]] = []
    waiting = threading.Thread(target=lambda: found.append(events(operator, after=after, wait=20)))
    waiting.start()
    began = time.monotonic()
    data(users[1].topup(1), 201)
    waiting.join(30)
    assert [number_of_row(int(event["id"])) for event in found[0]["items"]] == [1]
    assert time.monotonic() - began < 15


def test_the_events_of_a_wallet_are_those_of_its_database(service: Service, operator: User, users: list[User]) -> None:
    after = events(operator, after="latest")["next"]
    for user in users:
        data(user.topup(1), 201)
    wallet_id = users[1].account["wallet_id"]
    found = events(operator, after=after, wallet_id=wallet_id)["items"]
    assert [number_of_row(int(event["id"])) for event in found] == [1]
    path = f"{EVENTS}/stream"
    with Listener(service, operator.token, path, after=after, wallet_id=wallet_id, seconds=0) as listener:
        assert [int(event.data["id"]) for event in listener.events] == [int(event["id"]) for event in found]
    problem(operator.get(EVENTS, params={"wallet_id": str(uuid4())}), 404, "WA001")


# webhooks


@pytest.fixture
def no_webhooks(databases: Databases) -> None:
    with everywhere(databases).connect() as administrator:
        administrator.execute("delete from wallet.webhooks")


def make(operator: User, **more: object) -> dict[str, Any]:
    return data(operator.post(WEBHOOKS, json={"url": URL, **more}), 201)


def stored(databases: Databases, column: str) -> list[Any]:
    """This column of the webhooks in each database."""
    found = []
    for database in databases.members:
        with database.connect() as administrator:
            found += administrator.execute(f"select {column} from wallet.webhooks".encode()).fetchall()
    return [row[0] for row in found]


@pytest.mark.usefixtures("no_webhooks")
def test_a_webhook_is_the_same_in_all_databases(operator: User, users: list[User], databases: Databases) -> None:
    made = make(operator, wallet_id=users[1].account["wallet_id"], description="receipts")
    assert [str(one) for one in stored(databases, "id")] == [made["id"]] * COUNT
    assert len(set(stored(databases, "secret"))) == 1
    shown = data(operator.get(f"{WEBHOOKS}/{made['id']}"))
    assert [one["database"] for one in shown["databases"]] == list(range(COUNT))
    assert data(operator.get(WEBHOOKS))["items"] == [shown]
    assert not {"missing", "away"} & shown.keys()

    data(operator.put(f"{WEBHOOKS}/{made['id']}", json={"url": URL, "batch_size": 5}))
    assert stored(databases, "batch_size") == [5] * COUNT
    paused = data(operator.post(f"{WEBHOOKS}/{made['id']}/pause", json={"reason": "moving"}))
    assert (paused["status"], paused["pause_reason"]) == ("paused", "moving")
    assert stored(databases, "status") == ["paused"] * COUNT
    data(operator.post(f"{WEBHOOKS}/{made['id']}/resume"))
    data(operator.post(f"{WEBHOOKS}/{made['id']}/secret"))
    assert len(set(stored(databases, "secret"))) == 1
    replayed = data(operator.post(f"{WEBHOOKS}/{made['id']}/replay", json={"after": "beginning"}))
    assert [one["position"] for one in replayed["databases"]] == [0] * COUNT
    data(operator.delete(f"{WEBHOOKS}/{made['id']}"))
    assert stored(databases, "id") == []
    problem(operator.delete(f"{WEBHOOKS}/{made['id']}"), 404, "WA042")


@pytest.mark.usefixtures("no_webhooks")
def test_a_webhook_that_a_database_does_not_have_is_shown_so(operator: User, databases: Databases) -> None:
    made = make(operator)
    with databases.members[2].connect() as administrator:
        administrator.execute("delete from wallet.webhooks")
    assert data(operator.get(f"{WEBHOOKS}/{made['id']}"))["missing"] == [2]
    assert [one["missing"] for one in data(operator.get(WEBHOOKS))["items"]] == [[2]]
    data(operator.delete(f"{WEBHOOKS}/{made['id']}"))
    assert stored(databases, "id") == []


@pytest.mark.usefixtures("no_webhooks")
def test_a_refused_webhook_is_in_no_database(operator: User, databases: Databases) -> None:
    """The wallet's own database alone knows that there is no such wallet."""
    with databases.members[1].connect() as administrator:
        (unknown,) = administrator.execute("select wallet.new_id()").fetchone() or (None,)
    problem(operator.post(WEBHOOKS, json={"url": URL, "wallet_id": str(unknown)}), 404, "WA001")
    assert stored(databases, "id") == []


@pytest.mark.usefixtures("no_webhooks")
@pytest.mark.parametrize("limit", [1, 2, 200])
def test_deliveries_and_dead_letters_of_all_databases(operator: User, databases: Databases, limit: int) -> None:
    made = make(operator)
    for number, database in enumerate(databases.members):
        with database.connect() as administrator:
            for place in (1, 2):
                administrator.execute(
                    "insert into wallet.webhook_deliveries (webhook_id, first_event_id, last_event_id, events, attempt,"
                    " outcome, status, milliseconds, answer) values (%s, 1, 1, 1, 1, 'delivered', 200, 1, '')",
                    [made["id"]],
                )
                administrator.execute(
                    "insert into wallet.webhook_dead_letters (webhook_id, event_id, attempts, first_at, last_at)"
                    " values (%s, %s, 3, clock_timestamp(), clock_timestamp())",
                    [made["id"], (number << 40) + place],
                )
    path = f"{WEBHOOKS}/{made['id']}"
    moments = [one["created_at"] for one in pages(operator, f"{path}/deliveries", limit)]
    assert (len(moments), moments) == (2 * COUNT, sorted(moments, reverse=True))
    letters = [one["event_id"] for one in pages(operator, f"{path}/dead-letters", limit)]
    assert letters == [(number << 40) + place for number in (2, 1, 0) for place in (2, 1)]
    assert data(operator.post(f"{path}/dead-letters/{letters[0]}/retry")) == {"retried": 1}
    problem(operator.post(f"{path}/dead-letters/{letters[0]}/retry"), 404, "not_found")
    assert data(operator.post(f"{path}/dead-letters/retry")) == {"retried": 2 * COUNT - 1}


# one of them is away


def test_a_key_acts_in_all_databases_and_learns_nothing_of_others(
    service: Service, operator: User, users: list[User], databases: Databases
) -> None:
    key = key_made(operator, *users[:2], scopes=("spend", "read", "transfer"))
    poor = key_made(operator, *users[:2], scopes=("topup", "read"))
    assert key["user_ids"] == sorted(user.account["id"] for user in users[:2])
    for database in databases.members:
        with database.connect() as administrator:
            found = administrator.execute("select id::text, secret_hash from wallet.api_keys order by created_at desc")
            assert [row[0] for row in found.fetchall()[:2]] == [poor["id"], key["id"]]
    with (
        closing(Machine(service, key["secret"], users[0].username)) as machine,
        closing(Machine(service, poor["secret"], users[0].username)) as other,
    ):
        for user in users[:2]:
            for name_of in (user.username, user.account["id"]):
                machine.headers["On-Behalf-Of"] = name_of
                data(machine.do("spend", amount=1), 201)
        for nobody in (users[2].username, users[2].account["id"], name(databases, 1), operator.username):
            problem(machine.get("/api/wallet/balance", headers={"On-Behalf-Of": nobody}), 403, "WA047")
        machine.headers["On-Behalf-Of"] = users[0].username
        to = {"to_username": users[1].username}
        assert data(machine.do("transfer", amount=5, **to), 201)["delivery"] == "delivered"
        # neither who is there nor what they may receive
        for recipient in (users[1].username, name(databases, 1)):
            item = {"txn_id": str(uuid4()), "type": "transfer", "amount": 1, "to_username": recipient}
            body = problem(other.do("transfer", amount=1, to_username=recipient), 403, "WA047")
            (result,) = data(other.post("/api/wallet/batch", json={"requests": [item]}))["results"]
            assert body["scope"] == result["problem"]["scope"] == "transfer"
        items = [
            {"txn_id": str(uuid4()), "type": "transfer", "amount": 1, **to},
            {"txn_id": str(uuid4()), "type": "topup", "amount": 1},
        ]
        results = data(machine.post("/api/wallet/batch", json={"requests": items}))["results"]
        assert [result["status"] for result in results] == [201, 403]
        assert results[0]["result"]["delivery"] == "delivered"
    for one in (key, poor):
        data(operator.delete(f"{KEYS}/{one['id']}"))


def test_a_refused_key_is_in_no_database(operator: User) -> None:
    elsewhere = "01a21f1d-ac43-836c-8c7d-f87aafa71001"
    asked = {"name": "shop", "scopes": ["read"], "subjects": [elsewhere]}
    before = data(operator.get(KEYS))["items"]
    assert elsewhere in problem(operator.post(KEYS, json=asked), 404, "WA029")["detail"]
    assert data(operator.get(KEYS))["items"] == before


@pytest.mark.usefixtures("no_webhooks")
def test_a_database_that_is_away_is_named_and_holds_up_no_other(
    service: Service, operator: User, users: list[User], databases: Databases
) -> None:
    now = events(operator, after="latest")["next"]
    seen = read_cursors(now)
    made = make(operator)
    key = key_made(operator, *users)
    with (
        Listener(service, operator.token, f"{EVENTS}/stream", after=now) as listener,
        Listener(service, operator.token, f"{EVENTS}/stream") as present,
    ):
        with away(databases, 2):
            for path in ("users", "audit", "confirmations", "verifications", "verifications/runs", "trial-balance"):
                assert data(operator.get(f"/api/operator/{path}"))["away"] == [2], path
            found = data(operator.get("/api/operator/search", params={"q": "user-"}))
            assert found["away"] == [2]
            assert users[1].username in [one["username"] for one in found["items"]]

            data(users[1].topup(7), 201)
            page = events(operator, after=now)
            assert page["away"] == [2]
            assert [number_of_row(int(event["id"])) for event in page["items"]] == [1]
            assert read_cursors(page["next"])[2] == seen[2]
            assert next(listener.events).data["id"] == next(present.events).data["id"] == page["items"][0]["id"]
            # from now on cannot be said of it; after an event it can
            body = problem(operator.get(EVENTS, params={"after": "latest"}), 503, "unavailable")
            assert body["away"] == [2]
            assert problem(operator.get(f"{EVENTS}/stream"), 503, "unavailable")["away"] == [2]
            with Listener(service, operator.token, f"{EVENTS}/stream", after=now, seconds=0) as late:
                assert [int(event.data["id"]) for event in late.events] == [int(page["items"][0]["id"])]

            assert data(operator.get(f"{WEBHOOKS}/{made['id']}"))["away"] == [2]
            body = problem(operator.post(WEBHOOKS, json={"url": URL}), 503, "unavailable")
            assert (body["away"], "Nothing was written" in body["detail"]) == ([2], True)
            body = problem(operator.post(f"{WEBHOOKS}/{made['id']}/pause", json={}), 503, "unavailable")
            assert body["away"] == [2]
            run = data(operator.post("/api/operator/verifications"), 202)
            assert (len(run["started"]), run["away"]) == (2, [2])

            # a key is made in all or none, and revoked where it can be
            asked = {"name": "shop", "scopes": ["read"], "all_users": True}
            assert problem(operator.post(KEYS, json=asked), 503, "unavailable")["away"] == [2]
            with closing(Machine(service, key["secret"], users[1].username)) as machine:
                data(machine.balance())
                assert data(operator.get(KEYS))["away"] == data(operator.get(f"{KEYS}/{key['id']}"))["away"] == [2]
                body = problem(operator.delete(f"{KEYS}/{key['id']}"), 503, "partly")
                assert (body["done"], body["away"]) == ([0, 1], [2])
                problem(machine.balance(), 401, "unauthorized")
        back(operator)
        listed = data(operator.get(KEYS))["items"]
        assert [(one["id"], one["revoked_at"]) for one in listed] == [(key["id"], None)]
        assert data(operator.delete(f"{KEYS}/{key['id']}"))["revoked_at"] is not None
        assert data(operator.get(KEYS))["items"] == []
        assert stored(databases, "status") == ["active"] * COUNT
        wait_until(lambda: users[2].topup(9).status_code == 201)
        for open_stream in (listener, present):
            assert number_of_row(int(next(open_stream.events).data["id"])) == 2
    # nothing was missed, and nothing comes twice
    assert [number_of_row(event) for event in everything(operator, page["next"])] == [2]
    data(operator.delete(f"{WEBHOOKS}/{made['id']}"))


def test_a_stream_goes_on_where_a_database_has_another_address(
    service: Service, operator: User, users: list[User], databases: Databases
) -> None:
    now = events(operator, after="latest")["next"]
    before = databases.file.read_text()
    with Listener(service, operator.token, f"{EVENTS}/stream", after=now) as listener:
        moved = before.replace("/wallet1?", "/wallet1?application_name=moved&")
        assert moved != before
        databases.file.write_text(moved)
        try:
            service.wait_for(event="the map has changed")
            data(users[1].topup(3), 201)
            assert number_of_row(int(next(listener.events).data["id"])) == 1
        finally:
            databases.file.write_text(before)


def test_webhooks_of_all_databases_are_delivered_while_one_is_away(
    operator: User, users: list[User], databases: Databases, tmp_path: Path
) -> None:
    with receiving() as receiver, relaying(databases, tmp_path):
        made = make(operator, url=receiver.url, types=["transaction.topup"])
        for user in users:
            data(user.topup(11), 201)

        def taken() -> list[int]:
            # at least once: what a server did not hear of before it stopped is delivered again
            events = {int(json.loads(body)["id"]) for _, body in receiver.taken}
            return [number_of_row(event) for event in events]

        wait_until(lambda: sorted(taken()) == [0, 1, 2])
        with away(databases, 0):
            data(users[1].topup(12), 201)
            data(users[2].topup(12), 201)
            wait_until(lambda: sorted(taken()) == [0, 1, 1, 2, 2])
        back(operator)
        wait_until(lambda: users[0].topup(12).status_code == 201)
        wait_until(lambda: sorted(taken()) == [0, 0, 1, 1, 2, 2])
        webhook = standardwebhooks.Webhook(made["secret"])
        for headers, body in receiver.taken:
            webhook.verify(body, headers)
    data(operator.delete(f"{WEBHOOKS}/{made['id']}"))


# the commands


@pytest.mark.usefixtures("no_webhooks")
def test_commands_take_all_databases(operator: User, users: list[User], databases: Databases, tmp_path: Path) -> None:
    data(users[1].topup(1), 201)
    with Pgwallet(tmp_path, PGWALLET_WEBHOOK_KEY=WEBHOOK_KEY, **databases.settings) as command:
        made = json.loads(command.call("webhooks", "create", URL, "--after", "beginning", "--json"))
        assert [(one["database"], one["position"]) for one in made] == [(number, 0) for number in range(COUNT)]
        assert len({(one["id"], one["secret"]) for one in made}) == 1
        webhook = made[0]["id"]
        shown = data(operator.get(f"{WEBHOOKS}/{webhook}"))
        assert [one["database"] for one in shown["databases"]] == list(range(COUNT))
        with databases.members[0].connect() as administrator:
            administrator.execute("delete from wallet.webhooks")
        deleted = json.loads(command.call("webhooks", "delete", webhook, "--json"))
        assert [one["database"] for one in deleted] == [1, 2]
        problem(operator.get(f"{WEBHOOKS}/{webhook}"), 404, "WA042")

        every = everything(operator, "beginning", 1000)
        lines = command.call("events", "--json").splitlines()
        read = [int(json.loads(line)["id"]) for line in lines]
        assert sorted(read) == sorted(every)
        for number in range(COUNT):
            of = [event for event in read if number_of_row(event) == number]
            assert of == sorted(of)
        last = of[-1]
        assert command.call("events", "--after", str(of[-2]), "--json").count("\n") == 1
        assert f"{last}  " in command.call("events", "--after", str(of[-2]))

        # where it ended it goes on, in each database
        _, first, told = command.attempt("events", "--limit", "3", "--json")
        rest = command.call("events", "--after", told.rpartition(" ")[2].strip(), "--json")
        again = [int(json.loads(line)["id"]) for line in (first + rest).splitlines()]
        assert len(first.splitlines()) == 3
        assert sorted(again) == sorted(every)
