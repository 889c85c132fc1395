"""Sign-up and sign-in."""

import statistics
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.api.service import PASSWORD, TLS, Service, User, data, problem, serve
from tests.database import Database


def sign_up(client: httpx.Client, username: str, password: str = PASSWORD) -> httpx.Response:
    return client.post("/api/auth/signup", json={"username": username, "password": password})


def sign_in(client: httpx.Client, username: str, password: str = PASSWORD) -> httpx.Response:
    return client.post("/api/auth/signin", json={"username": username, "password": password})


def name() -> str:
    return f"u{uuid4().hex[:12]}"


def test_sign_up_opens_an_account_with_a_wallet_and_a_bonus(client: httpx.Client) -> None:
    username = name()
    account = data(sign_up(client, username), 201)
    assert set(account) == {
        "id", "username", "wallet_id", "asset", "scale", "balance", "available", "access_token", "token_type",
        "expires_in",
    }  # fmt: skip
    assert account["username"] == username
    assert (account["asset"], account["scale"], account["balance"], account["available"]) == ("UC", 0, 1000, 1000)
    assert (account["token_type"], account["expires_in"]) == ("Bearer", 86400)


def test_the_bonus_is_a_transaction_with_a_counter_entry(alice: User, service_database: Database) -> None:
    (entry,) = alice.history()["items"]
    assert (entry["type"], entry["amount"], entry["balance"]) == ("bonus", 1000, 1000)
    with service_database.connect() as connection:
        amounts = connection.execute("select amount from wallet.ledger where transaction_id = %s", [entry["id"]])
        assert sorted(row[0] for row in amounts) == [-1000, 1000]


def test_usernames_are_folded_to_lower_case(client: httpx.Client) -> None:
    username = name()
    assert data(sign_up(client, username.upper()), 201)["username"] == username
    problem(sign_up(client, username), 409, "WA005", "username")
    assert data(sign_in(client, username.title()))["username"] == username


def test_a_taken_username_is_a_conflict(client: httpx.Client, alice: User) -> None:
    body = problem(sign_up(client, alice.username), 409, "WA005", "username")
    assert body["username"] == alice.username


def test_one_of_many_simultaneous_sign_ups_wins(service: Service, service_database: Database) -> None:
    username = name()
    with httpx.Client(base_url=service.url, timeout=20, verify=TLS) as client, ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: sign_up(client, username), range(8)))
    assert sorted(answer.status_code for answer in answers) == [201, *[409] * 7]
    with service_database.connect() as connection:
        wallets = connection.execute(
            "select count(*) from wallet.wallets w join wallet.users u on u.id = w.owner_id where u.username = %s",
            [username],
        ).fetchone()
    assert wallets == (1,)


@pytest.mark.parametrize(
    "username",
    [
        "",
        "ab",
        pytest.param("a" * 65, id="long"),
        "with space",
        "ümlaut",
        "a/b",
        "semi;colon",
        "a\x00bc",
        "\u212aelvin",
    ],
)
def test_usernames_outside_the_rules_are_refused(client: httpx.Client, username: str) -> None:
    problem(sign_up(client, username), 422, "validation", "username")


def test_the_database_has_the_last_word_on_usernames(client: httpx.Client) -> None:
    problem(sign_up(client, "newline\n"), 422, "WA002", "username")


@pytest.mark.parametrize("spell", [str, lambda uuid: uuid.hex, lambda uuid: str(uuid).upper()])
def test_a_username_that_reads_as_a_uuid_is_refused(client: httpx.Client, spell: object) -> None:
    assert callable(spell)
    problem(sign_up(client, spell(uuid4())), 422, "WA002", "username")


@pytest.mark.parametrize("password", ["", "seven77", "é" * 3, "x" * 73, "é" * 37, "x" * 1025], ids=len)
def test_passwords_outside_8_to_72_bytes_are_refused(client: httpx.Client, password: str) -> None:
    problem(sign_up(client, name(), password), 422, "validation", "password")


@pytest.mark.parametrize(
    "password", ["eight888", "é" * 4, "x" * 72, "é" * 36, "nul\x00inside", "  spaces  "], ids=ascii
)
def test_passwords_of_8_to_72_bytes_sign_in(client: httpx.Client, password: str) -> None:
    username = name()
    data(sign_up(client, username, password), 201)
    data(sign_in(client, username, password))
    problem(sign_in(client, username, password[:-1] + "#"), 401, "unauthorized")


def test_sign_in_gives_a_token_for_the_account(client: httpx.Client, alice: User) -> None:
    session = data(sign_in(client, alice.username))
    assert set(session) == {"id", "username", "wallet_id", "access_token", "token_type", "expires_in"}
    assert (session["id"], session["wallet_id"]) == (alice.account["id"], alice.account["wallet_id"])
    assert (session["token_type"], session["expires_in"]) == ("Bearer", 86400)
    headers = {"Authorization": f"Bearer {session['access_token']}"}
    assert data(client.get("/api/wallet/balance", headers=headers))["balance"] == 1000


def test_an_unknown_user_and_a_wrong_password_get_the_same_words(client: httpx.Client, alice: User) -> None:
    wrong = problem(sign_in(client, alice.username, "not the password"), 401, "unauthorized")
    unknown = problem(sign_in(client, name(), "not the password"), 401, "unauthorized")
    for body in (wrong, unknown):
        del body["request_id"]
    assert wrong == unknown


def test_an_unknown_user_and_a_wrong_password_take_the_same_time(database: Database, tmp_path: Path) -> None:
    # at this cost the hash takes most of the time of a sign-in
    with (
        serve(database.api_url, tmp_path, PGWALLET_BCRYPT_COST="10") as service,
        closing(User(service)) as user,
    ):

        def seconds(username: str) -> float:
            return sign_in(user, username, "not the password").elapsed.total_seconds()

        pairs = [(seconds(user.username), seconds(name())) for _ in range(7)]
    known, unknown = (statistics.median(times) for times in zip(*pairs, strict=True))
    assert known / 2 < unknown < known * 2


@pytest.mark.parametrize("password", ["", "x" * 73, "x" * 5000, "nul\x00", "\U0001f600" * 40, "short"], ids=len)
def test_odd_passwords_do_not_sign_in(client: httpx.Client, alice: User, password: str) -> None:
    assert sign_in(client, alice.username, password).status_code in {401, 422}


def test_only_the_whole_password_signs_in(client: httpx.Client) -> None:
    username = name()
    data(sign_up(client, username, "x" * 72), 201)
    problem(sign_in(client, username, "x" * 73), 401, "unauthorized")


@pytest.mark.parametrize("username", ["", "nul\x00", "x" * 5000, "\U0001f600", "' or true --"], ids=len)
def test_odd_usernames_do_not_sign_in(client: httpx.Client, username: str) -> None:
    assert sign_in(client, username).status_code in {401, 422}


@pytest.mark.parametrize("path", ["/api/auth/signup", "/api/auth/signin"])
def test_every_field_at_fault_is_named(client: httpx.Client, path: str) -> None:
    body = problem(client.post(path, json={"username": 5, "role": "operator"}), 422, "validation")
    assert {error["field"] for error in body["errors"]} == {"username", "password", "role"}


def test_the_demo_accounts_sign_in(client: httpx.Client) -> None:
    for username, password in {"alice": "password123", "bob": "password456", "charlie": "password789"}.items():
        data(sign_in(client, username, password))


def test_who_i_am(client: httpx.Client, alice: User, operator: User) -> None:
    first = data(alice.get("/api/me"))
    assert set(first) == {"id", "username", "role", "created_at", "last_sign_in_at", "wallets"}
    assert (first["id"], first["username"], first["role"]) == (alice.account["id"], alice.username, "user")
    assert first["last_sign_in_at"] is None
    (wallet,) = first["wallets"]
    (listed,) = data(alice.get("/api/wallets"))["items"]
    none = {"topup": None, "spend": None, "transfer": None}
    assert wallet == {**listed, "floor": 0, "max_balance": None, "limits": none}

    alice.sign_in()
    assert data(alice.get("/api/me"))["last_sign_in_at"] > first["created_at"]
    assert data(operator.get("/api/me"))["role"] == "operator"
    problem(client.get("/api/me"), 401, "unauthorized")


def test_what_is_left_of_my_limits(alice: User, operator: User) -> None:
    limits = {"limits": {"spend": {"per_transaction": 100, "per_day": 150}}, "floor": -20, "max_balance": 5000}
    data(operator.put(f"/api/operator/wallets/{alice.account['wallet_id']}/limits", json=limits))
    data(alice.spend(90), 201)
    (wallet,) = data(alice.get("/api/me"))["wallets"]
    assert (wallet["available"], wallet["floor"], wallet["max_balance"]) == (930, -20, 5000)
    assert wallet["limits"]["topup"] is wallet["limits"]["transfer"] is None
    assert wallet["limits"]["spend"] == {
        "per_transaction": {"maximum": 100, "used": 0, "left": 100},
        "per_day": {"maximum": 150, "used": 90, "left": 60},
        "per_30_days": None,
    }
    assert problem(alice.spend(61), 422, "WA014")["left"] == 60
