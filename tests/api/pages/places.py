"""Every page there is, with addresses of it and who may see it: the tests that go to all of them can forget none."""

from collections.abc import Iterator
from typing import Any, NamedTuple
from uuid import uuid4

from litestar.routes import HTTPRoute

from api.app import create_app
from api.schemas.fields import MAX_AMOUNT
from api.settings import Settings
from tests.api.service import User, data
from tests.database import Database

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
    "/wallets": Place(CUSTOMER, ("/wallets",)),
    "/top-up": Place(CUSTOMER, ("/top-up", "/top-up?asset=USD")),
    "/spend": Place(CUSTOMER, ("/spend?asset=USD",)),
    "/transfer": Place(CUSTOMER, ("/transfer",)),
    "/hold": Place(CUSTOMER, ("/hold",)),
    "/history": Place(CUSTOMER, ("/history", "/history?type=spend&asset=UC", "/history?q=nothing%20like%20this")),
    "/transactions/{transaction_id:int}": Place(
        CUSTOMER,
        (
            "/transactions/{spent}?done=1",
            "/transactions/{topped_up}?asset=USD&receipt={receipt}",
            "/transactions/{spent}?receipt={receipt}",
            "/transactions/{refunded}",
            "/transactions/{sent}",
        ),
    ),
    "/holds": Place(CUSTOMER, ("/holds", "/holds?status=voided")),
    "/holds/{txn_id:uuid}": Place(CUSTOMER, ("/holds/{held}?done=hold", "/holds/{voided}?done=void")),
    "/statement": Place(CUSTOMER, ("/statement",)),
    "/statement/print": Place(CUSTOMER, ("/statement/print?from=2026-01-01&to=2099-12-31",)),
    "/operator": Place(OPERATOR, ("/operator",)),
    "/operator/search": Place(OPERATOR, ("/operator/search?q={username}", "/operator/search?q=nothing%20like%20this")),
    "/operator/users": Place(OPERATOR, ("/operator/users",)),
    "/operator/users/{user_id:uuid}": Place(OPERATOR, ("/operator/users/{user}", "/operator/users/{operator}")),
    "/operator/users/{user_id:uuid}/erase": Place(OPERATOR, ("/operator/users/{user}/erase",)),
    "/operator/users/{user_id:uuid}/password-reset": Place(OPERATOR, ("/operator/users/{user}/password-reset",)),
    "/operator/wallets/{wallet_id:uuid}": Place(
        OPERATOR, ("/operator/wallets/{wallet}", "/operator/wallets/{dollars}", "/operator/wallets/{system}")
    ),
    "/operator/wallets/{wallet_id:uuid}/transactions": Place(OPERATOR, ("/operator/wallets/{wallet}/transactions",)),
    "/operator/wallets/{wallet_id:uuid}/holds": Place(OPERATOR, ("/operator/wallets/{wallet}/holds",)),
    "/operator/wallets/{wallet_id:uuid}/statement": Place(OPERATOR, ("/operator/wallets/{wallet}/statement",)),
    "/operator/wallets/{wallet_id:uuid}/statement/print": Place(
        OPERATOR, ("/operator/wallets/{wallet}/statement/print?from=2026-01-01&to=2099-12-31",)
    ),
    "/operator/wallets/{wallet_id:uuid}/status": Place(OPERATOR, ("/operator/wallets/{wallet}/status",)),
    "/operator/wallets/{wallet_id:uuid}/limits": Place(OPERATOR, ("/operator/wallets/{wallet}/limits",)),
    "/operator/wallets/{wallet_id:uuid}/top-up": Place(OPERATOR, ("/operator/wallets/{wallet}/top-up",)),
    "/operator/wallets/{wallet_id:uuid}/adjust": Place(OPERATOR, ("/operator/wallets/{wallet}/adjust",)),
    "/operator/transactions/{transaction_id:int}": Place(
        OPERATOR,
        (
            *("/operator/transactions/{spent}", "/operator/transactions/{refunded}", "/operator/transactions/{sent}"),
            "/operator/transactions/{by_key}",
        ),
    ),
    "/operator/transactions/{transaction_id:int}/refund": Place(OPERATOR, ("/operator/transactions/{spent}/refund",)),
    "/operator/holds/{hold_id:int}": Place(OPERATOR, ("/operator/holds/{hold_number}",)),
    "/operator/confirmations": Place(OPERATOR, ("/operator/confirmations", "/operator/confirmations?status=all")),
    "/operator/confirmations/{confirmation_id:int}": Place(OPERATOR, ("/operator/confirmations/{asked_for}",)),
    "/operator/confirmations/{confirmation_id:int}/reject": Place(
        OPERATOR, ("/operator/confirmations/{asked_for}/reject",)
    ),
    "/operator/activity": Place(OPERATOR, ("/operator/activity",)),
    "/operator/trial-balance": Place(
        OPERATOR, ("/operator/trial-balance", "/operator/trial-balance?asset=UC", "/operator/trial-balance?asset=XYZ")
    ),
    "/operator/verifications": Place(OPERATOR, ("/operator/verifications", "/operator/verifications?of=all")),
    "/operator/verifications/start": Place(OPERATOR, ("/operator/verifications/start",)),
    "/operator/verifications/{run:int}": Place(OPERATOR, ("/operator/verifications/{run}",)),
    "/operator/webhooks": Place(OPERATOR, ("/operator/webhooks",)),
    "/operator/webhooks/new": Place(OPERATOR, ("/operator/webhooks/new",)),
    "/operator/webhooks/{webhook_id:uuid}": Place(OPERATOR, ("/operator/webhooks/{webhook}",)),
    **{
        f"/operator/webhooks/{{webhook_id:uuid}}/{what}": Place(OPERATOR, (f"/operator/webhooks/{{webhook}}/{what}",))
        for what in (
            *("change", "pause", "resume", "secret", "test", "delete", "replay"),
            *("deliveries", "dead-letters", "dead-letters/retry"),
        )
    },
    "/operator/webhooks/{webhook_id:uuid}/dead-letters/{event:int}/retry": Place(
        OPERATOR, ("/operator/webhooks/{webhook}/dead-letters/{spent}/retry",)
    ),
    "/operator/keys": Place(OPERATOR, ("/operator/keys", "/operator/keys?of=all")),
    "/operator/keys/new": Place(OPERATOR, ("/operator/keys/new",)),
    "/operator/keys/{key_id:uuid}": Place(OPERATOR, ("/operator/keys/{key}", "/operator/keys/{key}?done=again")),
    "/operator/keys/{key_id:uuid}/revoke": Place(OPERATOR, ("/operator/keys/{key}/revoke",)),
    "/operator/audit": Place(
        OPERATOR, ("/operator/audit", "/operator/audit?user_id={user}", "/operator/audit?actor=x")
    ),
}
FILES = {"/live", "/statement.csv", "/operator/wallets/{wallet_id:uuid}/statement.csv"}
"""What no browser shows."""
TURNED_DOWN = {"/operator/audit?actor=x": 422, "/operator/trial-balance?asset=XYZ": 422}
"""Addresses that ask for what cannot be."""
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


def furnish(database: Database, customer: User, other: User, operator: User) -> World:
    """Let things happen, so that every page has something to show. The service asks for two operators above 1000."""
    assert len(HOSTILE) <= 256

    def made(user: User, path: str, **members: object) -> dict[str, Any]:
        return data(user.post(path, json={"txn_id": str(uuid4()), **members}), 201)

    dollars = data(customer.post("/api/wallets", json={"asset": "USD"}), 201)
    topped_up = made(customer, "/api/wallet/topup", amount=MAX_AMOUNT, asset="USD", reference="Salary")
    spent = made(customer, "/api/wallet/spend", amount=20, reference=HOSTILE)
    refunded = made(customer, "/api/wallet/refund", amount=5, original_txn_id=spent["txn_id"])
    sent = made(customer, "/api/wallet/transfer", amount=30, to_username=other.username, reference="Half of the rent")
    held = made(customer, "/api/wallet/holds", amount=100, reference=HOSTILE)
    made(customer, f"/api/wallet/holds/{held['txn_id']}/capture", amount=40)
    voided = made(customer, "/api/wallet/holds", amount=7)
    made(customer, f"/api/wallet/holds/{voided['txn_id']}/void")
    wallet, user = customer.account["wallet_id"], customer.account["id"]
    limits = {"limits": {"spend": {"per_day": 500}, "topup": {"per_transaction": 10_000}}, "reason": "As agreed"}
    data(operator.put(f"/api/operator/wallets/{wallet}/limits", json=limits))
    asked_for = {"txn_id": str(uuid4()), "amount": 2_000, "reason": HOSTILE}
    waits = operator.post(f"/api/operator/wallets/{wallet}/adjust", json=asked_for).json()["data"]
    inspected = data(operator.get(f"/api/operator/transactions/{spent['id']}"))
    hook = {"url": f"https://example.com/{'long' * 60}", "description": HOSTILE}
    webhook = data(operator.post("/api/operator/webhooks", json=hook), 201)
    fail(database, webhook["id"])
    run = data(operator.post("/api/operator/verifications"), 202)
    terms = {"name": HOSTILE[:64], "scopes": ["read", "topup", "hold"], "networks": ["127.0.0.0/8", "2001:db8::/32"]}
    key = data(operator.post("/api/operator/keys", json=terms | {"subjects": [customer.username, other.username]}), 201)
    by_key = data(
        customer.post(
            "/api/wallet/topup",
            json={"txn_id": str(uuid4()), "amount": 15},
            headers={"Authorization": f"Bearer {key['secret']}", "On-Behalf-Of": customer.username},
        ),
        201,
    )
    names = {
        "username": customer.username,
        "user": user,
        "wallet": wallet,
        "dollars": dollars["wallet_id"],
        "spent": spent["id"],
        "topped_up": topped_up["id"],
        "refunded": refunded["id"],
        "sent": sent["id"],
        "receipt": topped_up["receipt"],
        "held": held["txn_id"],
        "voided": voided["txn_id"],
        "hold_number": held["id"],
        "asked_for": waits["id"],
        "operator": operator.account["id"],
        "webhook": webhook["id"],
        "run": run["id"],
        "key": key["id"],
        "by_key": by_key["id"],
        "system": next(entry["wallet_id"] for entry in inspected["entries"] if entry["user_id"] is None),
    }
    return World(customer, operator, {name: str(value) for name, value in names.items()})


def fail(database: Database, webhook_id: str) -> None:
    """Let a receiver take nothing, for days."""
    with database.connect() as administrator:
        administrator.execute(
            "insert into wallet.webhook_deliveries"
            " (webhook_id, first_event_id, last_event_id, events, attempt, outcome, status, milliseconds, answer)"
            " select %s, n, n + 1, 2, n, 'failed', 503, 7, %s from generate_series(1, 3) n",
            [webhook_id, HOSTILE],
        )
        administrator.execute(
            "insert into wallet.webhook_dead_letters (webhook_id, event_id, attempts, first_at, last_at, error)"
            " select %s, n, 20, '2026-01-01', '2026-01-04', %s from generate_series(1, 3) n",
            [webhook_id, HOSTILE],
        )


def routes(method: str) -> Iterator[str]:
    """The paths of the pages that take this method, as their router has them."""
    app = create_app(Settings(api_url="postgresql://nobody@localhost/none", jwt_secret="a secret of 32 bytes or more"))
    for route in app.litestar.routes:
        if isinstance(route, HTTPRoute) and method in route.methods and not route.path.startswith(PROGRAMS):
            yield route.path
