"""Every page in a real browser, in both themes and three widths, for whoever may see it."""

from collections.abc import Iterator
from contextlib import closing
from uuid import uuid4

import pytest
from playwright.sync_api import Browser

from api.pages.words import load
from tests.api.pages.places import CUSTOMER, HOSTILE, NOBODY, OPERATOR, PLACES, TURNED_DOWN, World, furnish
from tests.api.service import PASSWORD, Service, User, data
from tests.browser.visitor import Visitor
from tests.database import Database

W = load()


@pytest.fixture(scope="module")
def world(service: Service, service_database: Database) -> Iterator[World]:
    with closing(User(service)) as customer, closing(User(service)) as other, closing(User(service)) as operator:
        with service_database.connect() as administrator:
            administrator.execute("select public.wallet_set_role(%s, 'operator')", [operator.username])
        operator.sign_in()
        yield furnish(service_database, customer, other, operator)


@pytest.fixture(scope="module")
def visitors(browser: Browser, service: Service, world: World) -> Iterator[dict[str, Visitor]]:
    with (
        Visitor(browser, service) as nobody,
        Visitor(browser, service) as customer,
        Visitor(browser, service) as operator,
    ):
        customer.sign_in(world.customer)
        operator.sign_in(world.operator)
        yield {NOBODY: nobody, CUSTOMER: customer, OPERATOR: operator}


@pytest.mark.parametrize("route", sorted(PLACES))
def test_everybody_can_use_every_page(visitors: dict[str, Visitor], world: World, route: str) -> None:
    place = PLACES[route]
    visitor = visitors[place.who]
    for path in world.addresses(place):
        assert visitor.open(path).status == TURNED_DOWN.get(path, 200), path
        visitor.look()
        assert visitor.told == [], path
        assert visitor.page.locator("h1").count() == 1, path


@pytest.mark.parametrize("path", ["/", "/none", "/operator", "/transactions/999999999", "/sign-in?next=/account"])
def test_so_they_can_where_there_is_nothing_for_them(
    browser: Browser, service: Service, world: World, path: str
) -> None:
    with Visitor(browser, service) as nobody:
        nobody.open(path)
        nobody.look()
    with Visitor(browser, service) as customer:
        customer.sign_in(world.customer, path)
        customer.look()


def test_so_they_can_what_answers_a_form(browser: Browser, service: Service, alice: User, bob: User) -> None:
    with Visitor(browser, service) as visitor:
        page = visitor.sign_in(alice, "/spend").page
        visitor.fill(W.move.amount, "5,000")
        visitor.press(W.spend.button)
        visitor.look()
        data(alice.spend(10, txn_id := str(uuid4())), 201)
        page.locator("[name=txn_id]").evaluate("(field, value) => { field.value = value; }", txn_id)
        visitor.press(W.spend.button)
        visitor.sees(W.used.title)
        visitor.look()
        visitor.open("/transfer")
        visitor.fill(W.transfer.to, bob.username)
        visitor.fill(W.move.amount, "10")
        visitor.fill(W.move.reference, HOSTILE)
        visitor.press(W.transfer.button)
        visitor.sees(W.review.title)
        visitor.look()
        alice.post("/api/auth/signout-everywhere")
        visitor.press(W.review.button)
        visitor.sees(W.sign_in.expired)
        visitor.look()
        visitor.fill(W.sign_in.username, alice.username)
        visitor.fill(W.sign_in.password, PASSWORD)
        visitor.press(W.sign_in.button)
        visitor.sees(W.go_on.text)
        visitor.look()


@pytest.mark.parametrize(
    ("place", "typed", "chosen", "button"),
    [
        ("transactions/{spent}/refund", {W.act.reason: HOSTILE}, None, f"{W.act_refund.button} 15 UC"),
        ("wallets/{wallet}/limits", {W.act.reason: HOSTILE, W.limit_kind.max_balance: "9000"}, None, None),
        ("wallets/{wallet}/top-up", {W.act.reason: HOSTILE, "Amount": "7000"}, None, f"{W.act_topup.button} 7,000 UC"),
        (
            "wallets/{wallet}/adjust",
            {W.act.reason: HOSTILE, "Amount": "7000"},
            W.act_adjust.add,
            f"{W.act.ask} 7,000 UC",
        ),
        ("users/{user}/password-reset", {W.act.reason: HOSTILE}, None, W.act_password_reset.button),
        ("users/{user}/erase", {W.act.reason: HOSTILE}, None, W.act_erase.button),
    ],
)
def test_so_they_can_what_operators_review(
    visitors: dict[str, Visitor],
    world: World,
    place: str,
    typed: dict[str, str],
    chosen: str | None,
    button: str | None,
) -> None:
    visitor = visitors[OPERATOR]
    visitor.open(f"/operator/{place.format_map(world.names)}")
    for label, text in typed.items():
        visitor.fill(label, text)
    if chosen:
        visitor.choose(chosen)
    visitor.press(W.forms.review)
    visitor.sees(W.act.review)
    visitor.look()
    name = visitor.page.locator("main [name=username]")  # typed before a person is erased
    if name.count():
        name.fill(world.customer.username)
    visitor.fill(W.forms.confirm_password, "not the password")
    visitor.press(button or W.act_limits.button)
    visitor.has_focus(visitor.page.get_by_role("alert"))
    visitor.look()
