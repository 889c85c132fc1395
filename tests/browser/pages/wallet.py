"""What the owner of a wallet does, from the first visit on: by mouse, by keyboard, without the script, on a phone."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, expect

from api.pages.words import load
from tests.api.service import PASSWORD, Service, User
from tests.browser.visitor import Typist, Visitor

W = load()
WAYS: dict[str, tuple[type[Visitor], dict[str, Any]]] = {
    "mouse": (Visitor, {}),
    "keyboard": (Typist, {}),
    "without the script": (Visitor, {"java_script_enabled": False}),
    "phone": (Visitor, {"viewport": {"width": 320, "height": 640}, "has_touch": True, "is_mobile": True}),
    "dark": (Visitor, {"color_scheme": "dark"}),
}


@pytest.fixture(params=WAYS)
def visitor(browser: Browser, service: Service, request: pytest.FixtureRequest) -> Iterator[Visitor]:
    kind, options = WAYS[request.param]
    with kind(browser, service, **options) as found:
        yield found


def test_from_the_first_visit_to_the_last(visitor: Visitor, bob: User) -> None:
    name = f"new-{uuid4().hex[:12]}"
    visitor.open("/")
    visitor.follow(W.sign_up.title)
    visitor.fill(W.sign_in.username, name)
    visitor.fill(W.sign_in.password, PASSWORD)
    visitor.fill(W.sign_up.again, PASSWORD)
    visitor.press(W.sign_up.button)
    visitor.sees(W.home.welcome_title.format(name=name))

    visitor.follow(W.nav.top_up, "main")
    visitor.fill(W.move.amount, "1,250")
    visitor.fill(W.move.reference, "Salary")
    visitor.press(W.topup.button)
    visitor.sees(W.topup.done, "Salary", "2,250", W.transaction.receipt)
    visitor.has_focus(visitor.page.get_by_role("status").filter(has_text=W.topup.done))

    visitor.follow(W.nav.home)
    visitor.follow(W.nav.spend, "main")
    visitor.fill(W.move.amount, "50.5")
    visitor.press(W.spend.button)
    visitor.sees(W.amount.whole_only)
    visitor.has_focus(visitor.page.get_by_role("alert"))
    visitor.fill(W.move.amount, "50")
    visitor.press(W.spend.button)
    visitor.sees(W.spend.done, "2,200")

    visitor.follow(W.nav.account)
    visitor.press(W.site.sign_out, "header")
    assert visitor.path == "/sign-in"
    visitor.open("/account")
    assert visitor.path == "/sign-in"


def test_what_is_refused_keeps_what_was_typed(visitor: Visitor, alice: User) -> None:
    visitor.sign_in(alice, "/spend")
    visitor.fill(W.move.amount, "5,000")
    visitor.fill(W.move.reference, "Too much")
    before = visitor.page.locator("[name=txn_id]").input_value()
    visitor.press(W.spend.button)
    visitor.has_focus(visitor.page.get_by_role("alert"))
    assert visitor.page.get_by_label(W.move.amount).input_value() == "5,000"
    assert visitor.page.get_by_label(W.move.reference).input_value() == "Too much"
    assert visitor.page.locator("[name=txn_id]").input_value() == before
    assert alice.balance() == 1000


def test_a_new_password(visitor: Visitor, alice: User) -> None:
    visitor.sign_in(alice, "/account")
    visitor.fill(W.account.current_password, "not the password")
    visitor.fill(W.account.new_password, "another password")
    visitor.fill(W.account.again, "another password")
    visitor.press(W.account.change)
    visitor.has_focus(visitor.page.get_by_role("alert"))
    visitor.fill(W.account.current_password, PASSWORD)
    visitor.fill(W.account.new_password, "another password")
    visitor.fill(W.account.again, "another password")
    visitor.press(W.account.change)
    visitor.sees(W.account.changed)
    assert alice.get("/api/wallet/balance").status_code == 401


def test_a_demo_account_is_one_press_away(visitor: Visitor) -> None:
    visitor.open("/")
    visitor.follow(W.welcome.demo)
    visitor.press(W.sign_in.demo_button.format(name="alice"))
    expect(visitor.page.locator("header .name")).to_have_text("alice")
