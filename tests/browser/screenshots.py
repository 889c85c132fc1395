"""`make screenshots`: the pictures of the documents; ALL=1 for every page in each width and theme, for human eyes."""

import re
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page

from tests.api.pages.places import CUSTOMER, NOBODY, OPERATOR, PLACES, furnish
from tests.api.service import Service, User, data, serve
from tests.browser.visitor import THEMES, WIDTHS, Visitor
from tests.clock import Clock
from tests.database import Database

ROOT = Path(__file__).parents[2]
IMAGES = ROOT / "docs" / "images"
ALL = ROOT / "build" / "screenshots"
TODAY = date(2026, 6, 15)
LARGEST = 150_000
SHOWN_AT = """(offset) => {
  const format = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short', timeZone: 'UTC' });
  for (const one of document.querySelectorAll('time'))
    one.textContent = format.format(new Date(Date.parse(one.dateTime) + offset));
}"""
"""A picture is the same on each day that it is made."""
STORY: list[tuple[float, str, str, dict[str, Any]]] = [
    (38, "maria", "topup", {"amount": 120_000, "reference": "Salary"}),
    (37, "tom", "topup", {"amount": 90_000, "reference": "Savings"}),
    (34, "maria", "spend", {"amount": 8_450, "reference": "Groceries"}),
    (28, "maria", "transfer", {"amount": 45_000, "to_username": "tom", "reference": "Half of the rent"}),
    (23, "maria", "spend", {"amount": 6_435, "reference": "Groceries"}),
    (18, "tom", "transfer", {"amount": 2_500, "to_username": "maria", "reference": "Cinema"}),
    (14, "maria", "spend", {"amount": 12_999, "reference": "Order 1017"}),
    (9, "maria", "topup", {"amount": 125_000, "reference": "Salary"}),
    (5, "maria", "holds", {"amount": 20_000, "reference": "Hotel, one night"}),
    (3, "maria", "spend", {"amount": 14_210, "reference": "Bookshop"}),
    (1, "tom", "transfer", {"amount": 1_850, "to_username": "maria", "reference": "Pizza"}),
]
"""How many days ago, who, what."""


@pytest.fixture
def site(module_database: Database, tmp_path: Path) -> Iterator[Service]:
    """A service of its own, in which nobody else did anything."""
    with serve(module_database.api_url, tmp_path, PGWALLET_FOUR_EYES="1000") as running:
        yield running


@pytest.fixture
def clock(module_database: Database) -> Iterator[Clock]:
    with closing(Clock(module_database)) as found:
        yield found


def picture(page: Page, name: str) -> None:
    """Save what is seen."""
    page.evaluate(SHOWN_AT, (TODAY - datetime.now(UTC).date()).total_seconds() * 1000)
    IMAGES.mkdir(exist_ok=True)
    file = IMAGES / f"{name}.png"
    page.screenshot(path=file, animations="disabled")
    assert file.stat().st_size <= LARGEST, file


def tell(people: dict[str, User], database: Database, clock: Clock) -> str:
    """Let the story happen; returns the page of Maria's wallet on the console."""
    opened = {name: data(one.post("/api/wallets", json={"asset": "EUR"}), 201) for name, one in people.items()}
    with database.connect() as administrator:
        # a column's default is no function, so it does not read the clock
        administrator.execute("update wallet.wallets set created_at = created_at - interval '40 days'")
    morning = datetime.combine(datetime.now(UTC), time(9, 30), UTC)
    for ago, who, what, members in STORY:
        clock.stand(morning - timedelta(days=ago, minutes=7 * ago))
        body: dict[str, Any] = {"txn_id": str(uuid4()), "asset": "EUR", **members}
        data(people[who].post(f"/api/wallet/{what}", json=body), 201)
    clock.go()
    with database.connect() as administrator:
        administrator.execute("select public.wallet_set_role('olivia', 'operator')")
    people["olivia"].sign_in()
    wallet = f"/operator/wallets/{opened['maria']['wallet_id']}"
    kinds = {"spend": {"per_30_days": 50_000}, "transfer": {"per_30_days": 100_000}}
    data(people["olivia"].put(f"/api{wallet}/limits", json={"limits": kinds, "reason": "As agreed"}))
    return wallet


def test_pictures_of_the_documents(browser: Browser, site: Service, module_database: Database, clock: Clock) -> None:
    clock.set(days=-40)
    names = ("maria", "tom", "olivia")
    with (
        closing(User(site, names[0])) as maria,
        closing(User(site, names[1])) as tom,
        closing(User(site, names[2])) as olivia,
    ):
        wallet = tell({"maria": maria, "tom": tom, "olivia": olivia}, module_database, clock)
        wide, narrow = {"width": 1120, "height": 800}, {"width": 390, "height": 800}
        for name, user, path, options in (
            ("wallet", maria, "/?asset=EUR", {"viewport": wide}),
            ("wallet-dark", maria, "/?asset=EUR", {"viewport": narrow, "color_scheme": "dark"}),
            ("console", olivia, wallet, {"viewport": wide}),
        ):
            with Visitor(browser, site, **options) as visitor:
                picture(visitor.sign_in(user, path).page, name)


def test_every_page(browser: Browser, site: Service, module_database: Database) -> None:
    ALL.mkdir(parents=True, exist_ok=True)
    with closing(User(site)) as customer, closing(User(site)) as other, closing(User(site)) as operator:
        with module_database.connect() as administrator:
            administrator.execute("select public.wallet_set_role(%s, 'operator')", [operator.username])
        operator.sign_in()
        world = furnish(module_database, customer, other, operator)
        for who, user in ((NOBODY, None), (CUSTOMER, customer), (OPERATOR, operator)):
            with Visitor(browser, site) as visitor:
                if user:
                    visitor.sign_in(user)
                for route, place in PLACES.items():
                    for number, path in enumerate(world.addresses(place) if place.who == who else ()):
                        visitor.open(path)
                        name = re.sub(r"\W+", "-", re.sub(r"\{.*?\}", "x", route)).strip("-") or "home"
                        for width in WIDTHS:
                            visitor.page.set_viewport_size({"width": width, "height": 800})
                            for theme in THEMES:
                                visitor.page.emulate_media(color_scheme=theme)  # type: ignore[arg-type, unused-ignore]
                                file = ALL / f"{name}-{number}-{width}-{theme}.png"
                                visitor.page.screenshot(path=file, full_page=True, animations="disabled")
