"""What an adversary tries who sits at the same browser, knows the forms, or waits until somebody else presses."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.api.pages.owner import Browser
from tests.api.pages.test_safety import OURS, Visitor, form_token
from tests.api.service import PASSWORD, TLS, Service, User, data, serve
from tests.database import Database


@pytest.fixture
def browser(service: Service, alice: User) -> Iterator[Browser]:
    """The browser of `alice`."""
    with Browser(service, alice) as found:
        yield found


# tokens of forms


def test_a_token_in_no_ascii_is_refused(service: Service) -> None:
    with closing(Visitor(service)) as visitor:
        token, cookie = visitor.token, f"pgwallet-csrf={visitor.cookies['pgwallet-csrf']}".encode()
    strange = "\u00e9" * 128
    for field, headers in (
        (strange, [(b"cookie", cookie)]),
        (token[:64] + "\u0660" * 64, [(b"cookie", cookie)]),
        (token, [(b"cookie", b"pgwallet-csrf=" + b"\xe9" * 128)]),
        ("", [(b"cookie", cookie), (b"x-csrftoken", b"\xe9" * 128)]),
        ("", [(b"cookie", cookie), (b"x-csrftoken", b"\xe9" * 128), (b"x-csrftoken", b"x")]),
    ):
        ours = [(b"sec-fetch-site", b"same-origin"), (b"accept", b"text/html"), *headers]
        fields = {"_csrf_token": field, "username": "nobody", "password": PASSWORD}
        assert httpx.post(f"{service.url}/sign-in", data=fields, headers=ours, verify=TLS).status_code == 403, headers


@pytest.mark.parametrize("planted", ["x", "0" * 128, "\u00e9" * 128, "", 'a"b'])
def test_a_planted_token_keeps_nobody_out(service: Service, alice: User, planted: str) -> None:
    page = httpx.get(
        f"{service.url}/sign-in", headers=[(b"cookie", b"pgwallet-csrf=" + planted.encode("latin-1"))], verify=TLS
    )
    cookie = page.headers["set-cookie"].partition(";")[0]
    fields = {"_csrf_token": form_token(page), "username": alice.username, "password": PASSWORD}
    answer = httpx.post(f"{service.url}/sign-in", data=fields, headers=OURS | {"Cookie": cookie}, verify=TLS)
    assert answer.status_code == 303


def test_another_signing_key_keeps_nobody_out(
    service: Service, service_database: Database, alice: User, tmp_path: Path
) -> None:
    with closing(Visitor(service, alice)) as visitor:
        assert visitor.cookies["pgwallet-csrf"]
        key = "another secret that signs the tokens of the tests"
        with serve(service_database.api_url, tmp_path, JWT_SECRET=key) as changed:
            visitor.base_url = httpx.URL(changed.url)
            assert visitor.get("/account").status_code == 200
            assert visitor.submit("/top-up", txn_id=str(uuid4()), amount="1").status_code == 303


# somebody else at the same browser


def test_what_was_reviewed_is_reviewed_again_after_a_sign_in(
    service: Service, browser: Browser, alice: User, bob: User
) -> None:
    browser.open("/transfer").send("to", to=bob.username, amount="300", reference="rent")
    form = browser.page.form("to")
    data(alice.post("/api/auth/signout-everywhere"))
    browser.submit(form, button="send")
    with closing(User(service)) as victim:
        browser.send("password", username=victim.username, password=PASSWORD)
        assert victim.username in browser.page.text, "whose money it would be"
        browser.send("to")
        assert browser.page.titles == ["Is this right?"]
        assert (victim.balance(), bob.balance()) == (1_000, 1_000)
        browser.send("to", button="send")
        assert (victim.balance(), bob.balance()) == (700, 1_300)


def test_a_form_of_one_user_moves_nothing_of_another(service: Service, browser: Browser, alice: User) -> None:
    form = browser.open("/spend").page.form("amount")
    with closing(User(service)) as bob:
        browser.open("/").send("_csrf_token", "")  # sign out
        browser.open("/sign-in").send("password", username=bob.username, password=PASSWORD)
        browser.submit(form, amount="10", reference="typed before")
        assert browser.status == 409
        assert bob.username in browser.page.text
        assert "10 UC" in browser.page.text
        assert browser.page.form("amount").fields["reference"] == "typed before"
        assert (alice.balance(), bob.balance()) == (1_000, 1_000)
        browser.send("amount")
        assert (alice.balance(), bob.balance()) == (1_000, 990)


def test_a_form_is_good_for_every_session_of_its_user(browser: Browser, alice: User) -> None:
    form = browser.open("/spend").page.form("amount")
    browser.open("/").send("_csrf_token", "")
    browser.open("/sign-in").send("password", username=alice.username, password=PASSWORD)
    browser.submit(form, amount="10")
    assert browser.status == 200
    assert alice.balance() == 990


# operators


def test_a_description_in_lines_can_be_changed(service: Service, operator: User) -> None:
    hook = {"url": "http://127.0.0.1:9/hook", "description": "a\r\nb"}
    webhook = data(operator.post("/api/operator/webhooks", json=hook), 201)
    with Browser(service, operator) as console:
        console.open(f"/operator/webhooks/{webhook['id']}/change").send("batch_size", batch_size="7")
        assert console.status == 200, console.page.alerts
        console.send("password", button="do", password=PASSWORD)
    assert data(operator.get(f"/api/operator/webhooks/{webhook['id']}"))["batch_size"] == 7


# who is not, or no longer, who they were


def operators_forms(wallet: str, user: str) -> list[str]:
    """Addresses of forms with which operators change something."""
    wallets = [f"/operator/wallets/{wallet}/{what}" for what in ("status", "limits", "top-up", "adjust")]
    users = [f"/operator/users/{user}/{what}" for what in ("password-reset", "erase")]
    hooks = [
        f"/operator/webhooks/{uuid4()}/{what}"
        for what in ("change", "pause", "resume", "secret", "test", "delete", "replay", "dead-letters/retry")
    ]
    numbers = ["/operator/transactions/1/refund", "/operator/confirmations/1", "/operator/confirmations/1/reject"]
    keys = [f"/operator/keys/{uuid4()}/revoke", "/operator/keys/new"]
    return [*wallets, *users, *hooks, *numbers, *keys, "/operator/webhooks/new", "/operator/verifications/start"]


FIELDS = {
    "step": "do",
    "password": PASSWORD,
    "reason": "none",
    "reference": "none",
    "amount": "5",
    "asset": "UC",
    "status": "frozen",
    "direction": "add",
    "expires_in": "900",
    "url": "http://127.0.0.1:9/",
    "batch_size": "1",
    "start": "now",
    "from": "beginning",
}


def test_what_operators_do_nobody_else_does(service: Service, alice: User, bob: User) -> None:
    with closing(Visitor(service, alice)) as visitor:
        for path in operators_forms(bob.account["wallet_id"], bob.account["id"]):
            for step in ("do", "review", "again"):
                fields = FIELDS | {"step": step, "txn_id": str(uuid4()), "username": bob.username}
                answer = visitor.submit(path, **fields)
                assert answer.status_code == 403, path
                assert bob.username not in answer.text
    assert bob.balance() == 1_000


def test_another_role_ends_what_operators_may(
    service: Service, service_database: Database, operator: User, bob: User
) -> None:
    with closing(Visitor(service, operator)) as visitor, service_database.connect() as administrator:
        assert visitor.get("/operator").status_code == 200
        administrator.execute("select public.wallet_set_role(%s, 'user')", [operator.username])
        for path in operators_forms(bob.account["wallet_id"], bob.account["id"]):
            answer = visitor.submit(path, **FIELDS, txn_id=str(uuid4()), username=bob.username)
            assert answer.status_code == 401, path
        assert visitor.get("/operator").status_code == 303
        visitor.sign_in(operator)
        assert visitor.get("/operator").status_code == 403
    assert bob.balance() == 1_000


def test_an_erased_user_is_gone(service: Service, operator: User, bob: User) -> None:
    with closing(Visitor(service, bob)) as visitor:
        assert visitor.get("/account").status_code == 200
        erased = operator.post(f"/api/operator/users/{bob.account['id']}/erase", json={"reason": "as asked"})
        assert erased.status_code == 200, erased.text
        assert visitor.get("/account").status_code == 303
        assert visitor.submit("/spend", txn_id=str(uuid4()), amount="1").status_code == 401
        assert visitor.sign_in(bob).status_code == 401


# what pages repeat


def test_no_page_repeats_a_secret(service: Service, operator: User, bob: User) -> None:
    secret = "a-secret-of-nobody"
    names = ("password", "current_password", "new_password", "again")
    paths = ["/sign-in", "/sign-up", "/reset", "/account/password", "/spend", "/transfer", "/wallets"]
    secrets = dict.fromkeys(names, secret)
    with closing(Visitor(service, operator)) as visitor:
        paths += operators_forms(bob.account["wallet_id"], bob.account["id"])
        for path in paths:
            if not path.startswith("/account"):
                assert secret not in visitor.get(path, params=secrets).text.replace("%2D", "-"), path
            for step in ("do", "review", "change", "again", "send"):
                fields = FIELDS | {"username": "nobody", "txn_id": str(uuid4()), "step": step} | secrets
                if path == "/spend":
                    del fields["again"]
                answer = visitor.submit(path, **fields)
                assert answer.status_code < 500
                assert secret not in answer.text, path
        operator.post("/api/auth/signout-everywhere")
        for path in paths:
            assert secret not in visitor.submit(path, **(FIELDS | secrets), txn_id=str(uuid4())).text


def test_fields_of_any_length_are_refused(service: Service, alice: User) -> None:
    names = ("amount", "to", "reference", "asset", "txn_id", "expires_in", "step", "do", "username", "next", "kept.x")
    with closing(Visitor(service, alice)) as visitor:
        for path in ("/spend", "/transfer", "/hold", "/wallets", "/sign-in", "/account/password"):
            for name in names:
                good = {"txn_id": str(uuid4()), "amount": "1", "to": "nobody-at-all", "expires_in": "3600"}
                answer = visitor.submit(path, **good | {name: "9" * 60_000})
                assert answer.status_code < 500, (path, name)
    assert alice.balance() >= 990
