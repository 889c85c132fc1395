"""A double click, a lost answer, a reload and the back button move money once."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from api.pages.words import load
from tests.api.service import Service, User
from tests.browser.visitor import Visitor

W = load()


@pytest.fixture(params=["with the script", "without it"])
def visitor(browser: Browser, service: Service, request: pytest.FixtureRequest) -> Iterator[Visitor]:
    with Visitor(browser, service, java_script_enabled=request.param == "with the script") as found:
        yield found


def fill(visitor: Visitor, user: User) -> Page:
    """Open the form of a payment, and fill it in."""
    page = visitor.sign_in(user, "/spend").page
    visitor.fill(W.move.amount, "10")
    visitor.fill(W.move.reference, "Once")
    return page


def paid(user: User) -> int:
    """How many payments there are."""
    return len(user.history(type="spend")["items"])


def lose_answers(page: Page, path: str) -> list[int]:
    """Cut the network between a request and its answer; returns the statuses that nobody sees."""
    lost: list[int] = []

    def cut(route: Route) -> None:
        if route.request.method != "POST":
            route.continue_()
            return
        lost.append(route.fetch(max_redirects=0).status)
        route.abort("connectionreset")

    page.route(f"**{path}*", cut)
    return lost


def press_in_vain(page: Page, name: str) -> None:
    """Press a button whose answer will be lost."""
    with page.expect_event("requestfailed"):
        page.get_by_role("main").get_by_role("button", name=name, exact=True).click(no_wait_after=True)


def test_a_double_click(visitor: Visitor, alice: User) -> None:
    page = fill(visitor, alice)
    page.get_by_role("button", name=W.spend.button, exact=True).dblclick()
    visitor.sees("Once", "990")
    assert paid(alice) == 1


def test_a_lost_answer(visitor: Visitor, alice: User) -> None:
    page = fill(visitor, alice)
    lost = lose_answers(page, "/spend")
    press_in_vain(page, W.spend.button)
    assert lost == [303]
    assert paid(alice) == 1
    page.unroute_all(behavior="wait")
    # the browser sends the form again, as it does when one reloads the error that it shows
    page.reload()
    visitor.sees("Once", "990")
    assert paid(alice) == 1


@pytest.mark.parametrize("answer", ["seen", "lost"])
def test_whoever_goes_back_and_types_it_again(visitor: Visitor, alice: User, answer: str) -> None:
    page = fill(visitor, alice)
    if answer == "lost":
        lose_answers(page, "/spend")
        press_in_vain(page, W.spend.button)
        page.unroute_all(behavior="wait")
    else:
        visitor.press(W.spend.button)
        visitor.sees("Once", "990")
    page.go_back()
    visitor.fill(W.move.amount, "10")
    visitor.fill(W.move.reference, "Once")
    visitor.press(W.spend.button)
    visitor.sees("Once", W.done.again.partition(":")[0], "990")
    assert paid(alice) == 1


def test_a_reload(visitor: Visitor, alice: User) -> None:
    page = fill(visitor, alice)
    visitor.press(W.spend.button)
    for _ in range(3):
        page.reload()
    visitor.sees("Once", "990")
    assert paid(alice) == 1


def test_a_transfer_that_was_reviewed(visitor: Visitor, alice: User, bob: User) -> None:
    page = visitor.sign_in(alice, "/transfer").page
    visitor.fill(W.transfer.to, bob.username)
    visitor.fill(W.move.amount, "100")
    visitor.press(W.transfer.button)
    lost = lose_answers(page, "/transfer")
    press_in_vain(page, W.review.button)
    assert lost == [303]
    page.unroute_all(behavior="wait")
    page.reload()
    visitor.sees("900", bob.username)
    assert bob.balance() == 1100


def test_a_changed_form_shows_what_was_recorded(visitor: Visitor, alice: User) -> None:
    page = fill(visitor, alice)
    lose_answers(page, "/spend")
    txn_id = page.locator("[name=txn_id]").input_value()
    press_in_vain(page, W.spend.button)
    page.unroute_all(behavior="wait")
    # another tab with the same form, which is filled in otherwise
    visitor.open(f"/spend?txn_id={txn_id}")
    visitor.fill(W.move.amount, "20")
    visitor.press(W.spend.button)
    visitor.sees(W.used.title, "Once")
    visitor.has_focus(page.get_by_role("alert"))
    expect(page.get_by_label(W.move.amount)).to_have_value("20")
    assert paid(alice) == 1
    visitor.press(W.used.again)
    visitor.press(W.spend.button)
    visitor.sees("970")
    assert paid(alice) == 2


def test_a_press_that_was_stopped_can_be_made_again(visitor: Visitor, alice: User) -> None:
    page = fill(visitor, alice)
    page.route("**/spend*", lambda route: route.abort("aborted"))
    press_in_vain(page, W.spend.button)
    page.unroute_all(behavior="wait")
    expect(page.locator("form[data-sent]")).to_have_count(0)
    visitor.press(W.spend.button)
    visitor.sees("Once", "990")
    assert paid(alice) == 1


def test_tabs_that_nobody_sees_keep_nobody_from_paying(browser: Browser, service: Service, alice: User) -> None:
    with Visitor(browser, service) as visitor:
        visitor.sign_in(alice)
        # the driver shows all its tabs, so they say that they are hidden; a browser has six connections to a site
        hidden = [visitor.context.new_page() for _ in range(7)]
        for tab in hidden:
            tab.add_init_script("Object.defineProperty(document, 'hidden', { get: () => !window.seen })")
            tab.goto("/")
        visitor.open("/spend")
        visitor.fill(W.move.amount, "10")
        visitor.press(W.spend.button)
        visitor.sees("990")
        # and whoever turns to one of them sees what happened
        hidden[0].evaluate(
            "window.seen = true; document.dispatchEvent(new Event('visibilitychange', { bubbles: true }))"
        )
        expect(hidden[0].locator("main")).to_contain_text("990")
