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


FEW = ("keyboard", "without the script")
"""What differs most; the story of each file goes all ways."""


@pytest.fixture(params=FEW)
def visitor(browser: Browser, service: Service, request: pytest.FixtureRequest) -> Iterator[Visitor]:
    kind, options = WAYS[request.param]
    with kind(browser, service, **options) as found:
        yield found


@pytest.mark.parametrize("visitor", WAYS, indirect=True)
def test_from_the_first_visit_to_the_last(visitor: Visitor, bob: User) -> None:
    name = f"new-{uuid4().hex[:12]}"
    page = visitor.page
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
    visitor.sees("2,250", "Salary")
    visitor.has_focus(page.get_by_role("status").filter(has_text="2,250"))

    visitor.follow(W.nav.home)
    visitor.follow(W.nav.spend, "main")
    visitor.fill(W.move.amount, "50.5")
    visitor.press(W.spend.button)
    visitor.sees(W.amount.whole_only)
    visitor.has_focus(page.get_by_role("alert"))
    visitor.fill(W.move.amount, "50")
    visitor.press(W.spend.button)
    visitor.sees("2,200")

    visitor.follow(W.nav.transfer)
    visitor.fill(W.transfer.to, bob.username)
    visitor.fill(W.move.amount, "200")
    visitor.fill(W.move.reference, "Half of the rent")
    visitor.press(W.transfer.button)
    visitor.sees(W.review.title, bob.username, "200", "2,000")
    assert bob.balance() == 1000, "nothing is sent before it is reviewed"
    visitor.press(W.forms.go_back)
    expect(page.get_by_label(W.transfer.to)).to_have_value(bob.username)
    visitor.press(W.transfer.button)
    visitor.press(W.review.button)
    visitor.sees("2,000", W.entry.transfer_out.format(name=bob.username))
    assert bob.balance() == 1200

    visitor.follow(W.nav.holds)
    visitor.follow(W.hold.title, "main")
    visitor.fill(W.move.amount, "300")
    visitor.press(W.hold.button)
    visitor.sees("1,700")
    visitor.press(W.release.button)
    visitor.sees("2,000")

    visitor.follow(W.nav.history)
    visitor.sees("Salary", "Half of the rent")
    visitor.follow(W.entry.topup, "main")
    visitor.press(W.check.button)
    visitor.sees(W.verdict.ok)
    visitor.fill(W.check.receipt, "0" * 64)
    visitor.press(W.check.button)
    visitor.sees(W.verdict.rewritten)

    visitor.follow(W.nav.statement)
    visitor.press(W.statement.show)
    visitor.sees(W.statement.opening, "Half of the rent", W.statement.closing, "2,000")

    visitor.follow(W.nav.account)
    visitor.press(W.site.sign_out, "header")
    assert visitor.path == "/sign-in"
    visitor.open("/history")
    assert visitor.path == "/sign-in"


def test_what_is_refused_keeps_what_was_typed(visitor: Visitor, alice: User) -> None:
    page = visitor.sign_in(alice, "/spend").page
    visitor.fill(W.move.amount, "5,000")
    visitor.fill(W.move.reference, "Too much")
    before = page.locator("[name=txn_id]").input_value()
    visitor.press(W.spend.button)
    visitor.has_focus(page.get_by_role("alert"))
    assert page.get_by_label(W.move.amount).input_value() == "5,000"
    assert page.get_by_label(W.move.reference).input_value() == "Too much"
    assert page.locator("[name=txn_id]").input_value() == before
    assert alice.balance() == 1000


def test_a_session_that_ended_loses_nothing(visitor: Visitor, alice: User) -> None:
    visitor.sign_in(alice, "/top-up")
    visitor.fill(W.move.amount, "75")
    visitor.fill(W.move.reference, "Typed before")
    alice.post("/api/auth/signout-everywhere")
    alice.sign_in()
    visitor.press(W.topup.button)
    visitor.sees(W.sign_in.expired)
    visitor.fill(W.sign_in.username, alice.username)
    visitor.fill(W.sign_in.password, "not the password")
    visitor.press(W.sign_in.button)
    visitor.fill(W.sign_in.password, PASSWORD)
    visitor.press(W.sign_in.button)
    visitor.sees(W.go_on.text)
    assert alice.balance() == 1000
    visitor.press(W.go_on.button)
    visitor.sees("Typed before", "1,075")
    assert alice.balance() == 1075


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


def test_another_wallet(visitor: Visitor, alice: User) -> None:
    visitor.sign_in(alice, "/wallets")
    visitor.page.get_by_label(W.wallets.asset).select_option("EUR")
    visitor.press(W.wallets.button)
    visitor.sees(W.home.opened.format(asset="EUR"))
    visitor.follow(W.nav.top_up, "main")
    visitor.fill(W.move.amount, "12.345")
    visitor.press(W.topup.button)
    visitor.sees(W.amount.two_meanings.format(scale=2, exactly="1250.00"))
    visitor.fill(W.move.amount, "1.234,50")
    visitor.press(W.topup.button)
    visitor.sees("1,234.50")


def test_a_statement_is_downloaded_again_and_again(visitor: Visitor, alice: User) -> None:
    page = visitor.sign_in(alice, "/statement").page
    for _ in range(2):
        with page.expect_download() as download:
            button = page.get_by_role("button", name=W.statement.csv, exact=True)
            button.focus()
            page.keyboard.press("Enter")
        assert f",{W.statement.closing}," in download.value.path().read_text().splitlines()[-1]
    visitor.press(W.statement.show)
    visitor.sees(W.statement.closing)
