"""Every page in a real browser, in both themes and three widths, for whoever may see it."""

from collections.abc import Iterator
from contextlib import closing

import pytest
from playwright.sync_api import Browser

from tests.api.pages.places import CUSTOMER, NOBODY, OPERATOR, PLACES, TURNED_DOWN, World, furnish
from tests.api.service import Service, User
from tests.browser.visitor import Visitor
from tests.database import Database


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
