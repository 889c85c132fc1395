"""Every page there is, with addresses of it and who may see it: the tests that go to all of them can forget none."""

from collections.abc import Iterator
from typing import NamedTuple

from litestar.routes import HTTPRoute

from api.app import create_app
from api.settings import Settings
from tests.api.service import User, data

NOBODY, CUSTOMER, OPERATOR = "nobody", "customer", "operator"
PROGRAMS = ("/api", "/metrics", "/static/")


class Place(NamedTuple):
    """Addresses of one route of the pages, in which names in braces stand for what `World` has."""

    who: str
    paths: tuple[str, ...]


PLACES = {
    "/": Place(CUSTOMER, ("/", "/?asset=USD", "/?welcome=1")),
    "/sign-in": Place(NOBODY, ("/sign-in", "/sign-in?next=%2Fhistory")),
    "/sign-up": Place(NOBODY, ("/sign-up",)),
    "/reset": Place(NOBODY, ("/reset",)),
    "/account": Place(CUSTOMER, ("/account", "/account?changed=1")),
    "/top-up": Place(CUSTOMER, ("/top-up", "/top-up?asset=USD")),
    "/spend": Place(CUSTOMER, ("/spend", "/spend?asset=USD")),
    "/transactions/{transaction_id:int}": Place(
        CUSTOMER, ("/transactions/{spent}", "/transactions/{topped_up}?asset=USD&done=1")
    ),
}
STREAMS = {"/live"}
"""What no browser shows."""
HOSTILE = "<img src=x onerror=alert(1)>\"'&amp; \u202eevil\u202c \U0001f9d1\u200d\U0001f680 " + "\u5bbd" * 200
"""A reference that ends elements, turns the direction of reading around, and is wide."""


class World(NamedTuple):
    """Who and what there is to see."""

    customer: User
    operator: User
    names: dict[str, str]

    def addresses(self, place: Place) -> list[str]:
        """Addresses that can be gone to."""
        return [path.format_map(self.names) for path in place.paths]


def furnish(customer: User, other: User, operator: User) -> World:
    """Let things happen, so that every page has something to show."""
    assert len(HOSTILE) <= 256
    data(customer.post("/api/wallets", json={"asset": "USD"}), 201)
    topped_up = data(customer.topup(123_456_789, asset="USD", reference="Salary"), 201)
    spent = data(customer.spend(10, reference=HOSTILE), 201)
    data(other.topup(5_000), 201)
    names = {"spent": spent["id"], "topped_up": topped_up["id"], "user": customer.account["id"]}
    return World(customer, operator, {name: str(value) for name, value in names.items()})


def routes(method: str) -> Iterator[str]:
    """The paths of the pages that take this method, as their router has them."""
    app = create_app(Settings(api_url="postgresql://nobody@localhost/none", jwt_secret="a secret of 32 bytes or more"))
    for route in app.litestar.routes:
        if isinstance(route, HTTPRoute) and method in route.methods and not route.path.startswith(PROGRAMS):
            yield route.path
