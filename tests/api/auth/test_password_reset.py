"""Forgotten passwords: an operator makes a one-time token, and its holder sets another password."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from tests.api.routes.test_accounts import sign_in
from tests.api.service import PASSWORD, TLS, Service, User, data, problem, serve
from tests.command import wait_until
from tests.database import Database

NEW = "another correct horse"
NEVER = "A" * 43


def path(user: User) -> str:
    return f"/api/operator/users/{user.account['id']}/password-reset"


def token_for(operator: User, user: User, **body: object) -> str:
    made = data(operator.post(path(user), json={"reason": "called from a known number", **body}), 201)
    assert set(made) == {"user_id", "token", "expires_at"}
    token: str = made["token"]
    return token


def reset(client: httpx.Client, token: str, password: str = NEW) -> httpx.Response:
    return client.post("/api/auth/reset", json={"token": token, "new_password": password})


def stored(database: Database, sql: str, *values: object) -> list[Any]:
    with database.connect() as administrator:
        return administrator.execute(sql.encode(), values).fetchall()


def test_the_token_sets_another_password(
    client: httpx.Client, alice: User, operator: User, service_database: Database
) -> None:
    token = token_for(operator, alice)
    data(sign_in(client, alice.username))  # the password stays until the token is used
    problem(sign_in(client, alice.username, "wrong password"), 401, "unauthorized")

    session = data(reset(client, token))
    assert set(session) == {"id", "username", "wallet_id", "access_token", "token_type", "expires_in"}
    assert (session["id"], session["username"]) == (alice.account["id"], alice.username)
    headers = {"Authorization": f"Bearer {session['access_token']}"}
    assert client.get("/api/wallet/balance", headers=headers).status_code == 200
    wait_until(lambda: alice.get("/api/wallet/balance").status_code == 401)
    problem(sign_in(client, alice.username), 401, "unauthorized")
    data(sign_in(client, alice.username, NEW))

    actions = "select actor::text, action, reason from wallet.operator_actions where user_id = %s order by id"
    assert stored(service_database, actions, alice.account["id"]) == [
        (operator.account["id"], "password_reset_created", "called from a known number"),
        (alice.account["id"], "password_reset", None),
    ]


def test_the_database_never_sees_the_token(alice: User, operator: User, service_database: Database) -> None:
    token = token_for(operator, alice)
    row = "select encode(token_hash, 'hex'), r::text from wallet.password_resets r where user_id = %s"
    ((token_hash, whole),) = stored(service_database, row, alice.account["id"])
    assert token not in whole
    found, *_ = stored(service_database, "select encode(sha256(%s), 'hex')", token.encode())
    assert found == (token_hash,)


def test_every_token_that_is_not_valid_gets_the_same_words(
    service: Service, client: httpx.Client, alice: User, bob: User, operator: User, service_database: Database
) -> None:
    used, replaced = token_for(operator, alice), token_for(operator, bob)
    data(reset(client, used))
    expired = token_for(operator, bob)
    stored(
        service_database,
        "update wallet.password_resets set expires_at = now() where user_id = %s returning 1",
        bob.account["id"],
    )
    with closing(User(service)) as carol:
        erased = token_for(operator, carol)
        data(operator.post(path(carol).replace("password-reset", "erase"), json={"reason": "a test"}))
        problem(operator.post(path(carol), json={"reason": "x"}), 404, "WA029")
    answers = []
    for token in (NEVER, used, replaced, expired, erased):
        answer = problem(reset(client, token), 403, "WA037", "token")
        answers.append({name: value for name, value in answer.items() if name != "request_id"})
    assert answers == answers[:1] * 5


def test_of_two_at_once_one_wins(service: Service, client: httpx.Client, alice: User, operator: User) -> None:
    token = token_for(operator, alice)
    passwords = [f"a password of number {number}" for number in range(8)]
    with httpx.Client(base_url=service.url, timeout=20, verify=TLS) as many, ThreadPoolExecutor(8) as threads:
        statuses = list(threads.map(lambda password: reset(many, token, password).status_code, passwords))
    assert sorted(statuses) == [200, *[403] * 7]
    assert sign_in(client, alice.username, passwords[statuses.index(200)]).status_code == 200


def test_what_is_refused(client: httpx.Client, alice: User, operator: User) -> None:
    problem(client.post(path(alice), json={"reason": "x"}), 401, "unauthorized")
    problem(alice.post(path(alice), json={"reason": "x"}), 403, "WA027")
    refused = problem(operator.post(path(operator), json={"reason": "x"}), 403, "WA038", "user_id")
    assert refused["message"] == "Only an administrator can do this."
    problem(operator.post(path(alice), json={}), 422, "validation", "reason")
    problem(operator.post(path(alice), json={"reason": "x", "expires_in": 59}), 422, "validation", "expires_in")
    problem(operator.post(path(alice), json={"reason": "x", "expires_in": 86401}), 422, "validation", "expires_in")
    unknown = f"/api/operator/users/{uuid4()}/password-reset"
    problem(operator.post(unknown, json={"reason": "x"}), 404, "WA029")
    token = token_for(operator, alice, expires_in=60)
    problem(reset(client, token, "short"), 422, "validation", "new_password")
    problem(reset(client, "short"), 422, "validation", "token")
    data(reset(client, token))


def test_an_operators_password_is_left_to_administrators(
    client: httpx.Client, operator: User, alice: User, service_database: Database
) -> None:
    token = token_for(operator, alice)
    with service_database.connect() as administrator:
        administrator.execute("select wallet_set_role(%s, 'operator')", [alice.username])
    # whoever made the token must not become an operator by it
    problem(reset(client, token), 403, "WA037", "token")
    problem(operator.post(path(alice), json={"reason": "x"}), 403, "WA038", "user_id")
    with service_database.connect() as administrator:
        administrator.execute(
            "select wallet_create_password_reset(%s, sha256(%s), 'forgot it')",
            [alice.account["id"], NEVER.encode()],
        )
    data(reset(client, NEVER))


def test_a_token_that_is_not_valid_costs_no_hash(
    service_database: Database, tmp_path: Path, alice: User, operator: User
) -> None:
    with (
        serve(service_database.api_url, tmp_path) as fresh,
        httpx.Client(base_url=fresh.url, timeout=20, verify=TLS) as client,
    ):

        def threads() -> int:
            """The first hash starts one."""
            return len(list(Path(f"/proc/{fresh.process.pid}/task").iterdir()))

        before = threads()
        problem(reset(client, NEVER), 403, "WA037", "token")
        problem(reset(client, token_for(operator, alice), "short"), 422, "validation", "new_password")
        assert threads() == before
        data(reset(client, token_for(operator, alice)))
        assert threads() == before + 1


def test_failed_sign_ins_are_forgotten(client: httpx.Client, alice: User, operator: User) -> None:
    for _ in range(10):
        sign_in(client, alice.username, "wrong password")
    problem(sign_in(client, alice.username), 429, "WA033")
    data(reset(client, token_for(operator, alice), PASSWORD))
    data(sign_in(client, alice.username))
