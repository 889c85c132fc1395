"""`make test-browser`: the documentation page in a real browser, which executes every operation of the document."""

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.api.service import PASSWORD, TLS, Service, User, data, problem
from tests.browser.visitor import NO_SUCCESS

PATIENCE = 120_000
"""In milliseconds: a machine may be busy with other tests."""
STATE = {403, 404, 409}
"""Refusals because of what is in the database: the request itself was good."""

REAL = ("/api/wallet", "/api/operator/wallets/{wallet_id}", "/api/operator/users/{user_id}", "/api/health")
"""Operations on what exists here, which must succeed."""


@pytest.fixture
def page(browser: Browser, service: Service) -> Iterator[Page]:
    """The documentation page, which asks nobody else, and of which the console has nothing to say."""
    told: list[str] = []
    context = browser.new_context(base_url=service.url)
    context.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    found = context.new_page()
    # what violates the policy is told here too
    found.on("console", lambda message: told.append(message.text))
    found.on("pageerror", lambda error: told.append(str(error)))
    found.on("request", lambda request: told.append(request.url))
    found.goto("/api/docs")
    yield found
    context.close()
    assert [text for text in told if not text.startswith((f"{service.url}/", "data:", NO_SUCCESS))] == []


def sign_in(page: Page, user: User, password: str = PASSWORD) -> None:
    page.get_by_role("textbox", name="Username", exact=True).fill(user.username)
    page.get_by_role("textbox", name="Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()


def block(page: Page, method: str, path: str) -> Locator:
    """The part of the page that has this operation."""
    return page.locator(f".opblock-{method}", has=page.locator(f'.opblock-summary-path[data-path="{path}"]'))


def execute(page: Page, method: str, path: str, operation: dict[str, Any], values: dict[str, Any]) -> int:
    """Fill in what an operation needs, press Execute, and return the status that is shown."""
    found = block(page, method, path)
    found.locator(".opblock-summary-control").click()
    found.get_by_role("button", name="Try it out").click()
    for parameter in operation.get("parameters", []):
        if parameter.get("required"):
            field = found.locator(f'tr[data-param-name="{parameter["name"]}"] input')
            if parameter["name"] in values or not field.input_value():
                field.fill(values.get(parameter["name"]) or likely(parameter["schema"]))
    if "requestBody" in operation:
        body = found.locator("textarea.body-param__text")
        members = {**json.loads(body.input_value()), **values.get("body", {})}
        body.fill(json.dumps({name: value for name, value in members.items() if value is not None}))
    found.get_by_role("button", name="Execute").click()
    status = found.locator(".live-responses-table tbody .response-col_status").first.text_content() or ""
    for name in ("Clear", "Cancel"):
        found.get_by_role("button", name=name, exact=True).click()
    found.locator(".opblock-summary-control").click()
    return int(status[:3])


def likely(schema: dict[str, Any]) -> str:
    """A value for a parameter that is not known here."""
    if schema["type"] == "integer":
        return "1"
    return {"uuid": str(uuid4()), "date-time": "2026-01-01T00:00:00Z"}.get(schema.get("format", ""), "alice")


def known(service: Service, alice: User, operator: User) -> dict[str, dict[str, Any]]:
    """What there is to name: for all operations, and by path for those that need one of their own."""

    def made(user: User, path: str) -> str:
        txn_id = str(uuid4())
        data(user.post(path, json={"txn_id": txn_id, "amount": 10}), 201)
        return txn_id

    with closing(User(service)) as leaving:
        leaves = leaving.account["id"]
    original = {"amount": 10, "original_txn_id": made(operator, "/api/wallet/spend")}
    return {
        "": {
            "wallet_id": alice.account["wallet_id"],
            "user_id": alice.account["id"],
            "txn_id": made(operator, "/api/wallet/spend"),
            "to": datetime.now(UTC).isoformat(),
        },
        "/api/auth/signup": {"body": {"username": f"user-{uuid4().hex[:12]}"}},
        "/api/auth/password": {"body": {"current_password": PASSWORD, "new_password": PASSWORD}},
        "/api/wallet/transfer": {"body": {"to_username": alice.username}},
        "/api/wallet/refund": {"body": original},
        "/api/wallet/holds/{txn_id}/capture": {"txn_id": made(operator, "/api/wallet/holds"), "body": {"amount": 10}},
        "/api/wallet/holds/{txn_id}/void": {"txn_id": made(operator, "/api/wallet/holds")},
        "/api/operator/wallets/{wallet_id}/refund": {
            "body": {**original, "original_txn_id": made(alice, "/api/wallet/spend")}
        },
        "/api/operator/users/{user_id}/erase": {"user_id": leaves},
    }


def test_every_operation_can_be_tried(page: Page, service: Service, alice: User, operator: User) -> None:
    document = httpx.get(f"{service.url}/api/docs/openapi.json", verify=TLS).json()
    values = known(service, alice, operator)
    sign_in(page, operator)
    shown: dict[tuple[str, str], int] = {}
    undeclared = []
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if "text/event-stream" in operation["responses"].get("200", {}).get("content", {}):
                continue  # the page shows an answer when it ends, and this one does not
            status = execute(page, method, path, operation, {**values[""], **values.get(path, {})})
            shown[method, path] = status
            if str(status) not in operation["responses"]:
                undeclared.append((method, path, status))
            if path.startswith("/api/auth/"):  # it may have ended the token, or signed another user in
                page.get_by_role("button", name="Sign out", exact=True).click()
                sign_in(page, operator)
    assert undeclared == []
    refused = {call: status for call, status in shown.items() if status >= 400}
    assert {call: status for call, status in refused.items() if status not in STATE} == {}
    assert {call: status for call, status in refused.items() if call[1].startswith(REAL)} == {}


def test_one_signs_in_and_out_by_keyboard(page: Page, alice: User) -> None:
    keys = page.keyboard
    keys.press("Tab")
    keys.type(alice.username)
    keys.press("Tab")
    keys.type("not the password")
    keys.press("Enter")
    expect(page.get_by_role("status")).to_have_text("Username or password is wrong.")
    keys.type(PASSWORD)  # the wrong one is selected
    keys.press("Enter")
    expect(page.get_by_role("button", name="Sign out", exact=True)).to_be_focused()
    assert execute(page, "get", "/api/wallet/balance", {}, {}) == 200
    page.get_by_role("button", name="Sign out", exact=True).focus()
    keys.press("Enter")
    expect(page.get_by_role("textbox", name="Username", exact=True)).to_be_focused()
    assert execute(page, "get", "/api/wallet/balance", {}, {}) == 401


def test_a_token_that_an_operation_returns_is_used(page: Page, alice: User) -> None:
    credentials = {"username": alice.username, "password": PASSWORD}
    assert execute(page, "post", "/api/auth/signin", {"requestBody": {}}, {"body": credentials}) == 200
    expect(page.get_by_text(f"Signed in as {alice.username}")).to_be_visible()
    assert execute(page, "get", "/api/wallet/balance", {}, {}) == 200


def test_the_type_of_a_problem_leads_to_its_entry(page: Page, alice: User) -> None:
    refused = problem(alice.spend(10_000), 402, "WA003")
    page.goto("/api/docs/errors")
    page.goto(refused["type"])
    expect(page.locator(":target")).to_contain_text(f"402 WA003 {refused['title']}")


@pytest.mark.parametrize("width", [390, 820, 1440])
def test_nothing_is_wider_than_the_screen(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    found = block(page, "post", "/api/wallet/transfer")
    found.locator(".opblock-summary-control").click()
    expect(found.get_by_role("button", name="Try it out")).to_be_visible()
    assert page.evaluate("() => document.documentElement.scrollWidth") == width
    page.goto("/api/docs/errors")
    assert page.evaluate("() => document.documentElement.scrollWidth") == width
