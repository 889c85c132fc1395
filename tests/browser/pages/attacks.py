"""What a browser lets another site do to the pages, and what hostile texts do to it."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, expect

from api.pages.words import load
from tests.api.pages.places import HOSTILE
from tests.api.service import PASSWORD, Service, User, data
from tests.browser.visitor import Visitor

W = load()
SITES = ["http://evil.example", "http://127.0.0.1:50000", "http://localhost:50000"]
"""Another site, and others on this machine: for browsers a cookie has no port."""


@pytest.fixture
def visitor(browser: Browser, service: Service, alice: User) -> Iterator[Visitor]:
    """The browser of `alice`."""
    with Visitor(browser, service) as found:
        yield found.sign_in(alice)


def evil(visitor: Visitor, site: str, body: str) -> Page:
    """Let the browser open a page of another site, beside the wallet."""
    html = {"content_type": "text/html", "body": f"<!doctype html><title>evil</title>{body}"}
    visitor.context.route(f"{site}/**", lambda route: route.fulfill(**html))
    page = visitor.context.new_page()
    page.goto(f"{site}/")
    return page


def forgive(visitor: Visitor) -> list[str]:
    """What the browser says of other sites is no fault of the pages."""
    told = list(visitor.told)
    visitor.told.clear()
    return told


@pytest.mark.parametrize("site", SITES)
def test_another_site_sends_a_form(visitor: Visitor, alice: User, site: str) -> None:
    form = f"""<form method="post" action="{visitor.service.url}/spend">
      <input name="txn_id" value="{uuid4()}"><input name="amount" value="10"><button>Win</button></form>"""
    page = evil(visitor, site, form)
    with page.expect_navigation():
        page.get_by_role("button").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(W.error.title)
    assert alice.balance() == 1000
    assert visitor.open("/account").status == 200, "still signed in"
    forgive(visitor)


@pytest.mark.parametrize("site", SITES)
def test_another_site_shows_no_page_in_a_frame(visitor: Visitor, site: str) -> None:
    page = evil(visitor, site, f'<iframe src="{visitor.service.url}/spend" width="800" height="600"></iframe>')
    assert page.frames[1].url.startswith("chrome-error:")
    assert page.frame_locator("iframe").get_by_role("button").count() == 0
    forgive(visitor)


@pytest.mark.parametrize("site", SITES)
def test_another_site_reads_nothing(visitor: Visitor, site: str) -> None:
    page = evil(visitor, site, "")
    read = """async (url) => {
      const found = [];
      for (const credentials of ['include', 'omit'])
        await fetch(url, { credentials }).then((answer) => answer.text()).then((text) => found.push(text), () => {});
      return found;
    }"""
    for path in ("/", "/account", "/live", "/statement.csv?from=2026-01-01&to=2030-01-01"):
        assert page.evaluate(read, f"{visitor.service.url}{path}") == []
    opened = """(url) => { const found = open(url); try { return found.document.title; } catch { return null; } }"""
    assert not page.evaluate(opened, f"{visitor.service.url}/account")
    forgive(visitor)


def test_a_script_in_the_page_does_not_run(visitor: Visitor) -> None:
    page = visitor.page
    # what is told of the picture has been told when its error has been handled
    with page.expect_response("**/none.png"):
        page.evaluate("""async () => {
          const code = document.createElement('script');
          code.textContent = 'window.ran = true';
          document.body.append(code);
          const picture = document.createElement('img');
          picture.setAttribute('onerror', 'window.ran = true');
          const failed = new Promise((resolve) => picture.addEventListener('error', resolve));
          picture.src = '/none.png';
          document.body.append(picture);
          document.body.setAttribute('style', 'color: red');
          await failed;
        }""")
    assert page.evaluate("() => window.ran === undefined")
    assert sum("Content Security Policy" in told for told in forgive(visitor)) >= 2, "the tests would notice"


def test_no_script_reads_a_cookie(visitor: Visitor) -> None:
    assert visitor.page.evaluate("() => document.cookie") == ""
    found = {cookie["name"]: cookie for cookie in visitor.context.cookies()}
    assert found.keys() == {"pgwallet", "pgwallet-csrf"}
    assert all(cookie["httpOnly"] and cookie["sameSite"] == "Lax" for cookie in found.values())


def test_over_https_the_cookie_is_bound_to_the_host(browser: Browser, service: Service, alice: User) -> None:
    # browsers hold localhost to be as good as https, so that no certificate is needed here
    with Visitor(browser, service, extra_http_headers={"X-Forwarded-Proto": "https"}) as visitor:
        visitor.open("/sign-in")
        visitor.fill(W.sign_in.username, alice.username)
        visitor.fill(W.sign_in.password, PASSWORD)
        visitor.press(W.sign_in.button)
        visitor.sees("1,000")
        found: dict[str, Any] = {cookie["name"]: cookie for cookie in visitor.context.cookies()}
        assert found.keys() == {"__Host-pgwallet", "__Host-pgwallet-csrf"}
        assert all(cookie["secure"] and cookie["httpOnly"] for cookie in found.values())


def test_hostile_texts_are_shown_as_they_are(visitor: Visitor, alice: User) -> None:
    texts = [
        HOSTILE,
        "\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627",
        "W" * 256,
        "\U0001f469\u200d\U0001f680" * 60,
    ]
    for text in texts:
        data(alice.spend(1, reference=text), 201)
    for path in ("/", "/history", "/statement/print?from=2026-01-01&to=2099-12-31"):
        visitor.open(path)
        for text in texts:
            expect(visitor.page.get_by_text(text, exact=True).first).to_be_visible()
        visitor.look()
    visitor.open("/history?q=" + "%F0%9F%9A%80" * 60)
    visitor.look()


def test_what_comes_is_shown_without_a_reload(visitor: Visitor, alice: User, bob: User) -> None:
    page = visitor.page
    page.evaluate("() => { window.here = true; }")
    data(
        bob.post("/api/wallet/transfer", json={"txn_id": str(uuid4()), "amount": 40, "to_username": alice.username}),
        201,
    )
    visitor.sees("1,040", W.entry.transfer_in.format(name=bob.username))
    expect(page.locator("#news")).to_have_text(W.site.news)
    assert page.evaluate("() => window.here"), "it is the same page"
    visitor.look()


def test_amounts_and_times_are_the_browsers(browser: Browser, service: Service, alice: User) -> None:
    data(alice.topup(1_234_000), 201)
    with Visitor(browser, service, locale="de-DE", timezone_id="Asia/Tokyo") as visitor:
        page = visitor.sign_in(alice).page
        amount = page.locator(".balance .big data")
        expect(amount).to_have_text("1.235.000\u00a0UC")
        expect(amount).to_have_attribute("title", "1235000 UC")
        visitor.follow(W.entry.topup, "main")
        assert "JST" not in page.locator("time").first.inner_text()
        exact = page.locator("time").first.get_attribute("title")
        assert exact
        assert exact.endswith("Z")


# somebody else at the same browser


def test_what_is_left_open_shows_nothing_of_the_next_reader(visitor: Visitor, alice: User, bob: User) -> None:
    visitor.open("/")
    visitor.sees(W.home.title)
    other = visitor.context.new_page()
    other.goto("/account")
    other.get_by_role("button", name=W.site.sign_out, exact=True).click()
    other.get_by_label(W.sign_in.username).fill(bob.username)
    other.get_by_label(W.sign_in.password).fill(PASSWORD)
    other.get_by_role("button", name=W.sign_in.button, exact=True).click()
    expect(visitor.page.locator(".who .name")).to_have_text(bob.username)
    assert alice.username not in visitor.page.content()
    forgive(visitor)


def test_the_back_button_shows_nothing_after_a_sign_out(visitor: Visitor) -> None:
    visitor.open("/account")
    other = visitor.context.new_page()
    other.goto("/")
    other.get_by_role("button", name=W.site.sign_out, exact=True).click()
    # the driver keeps no pages for the button: this is what a browser that does says to the page
    visitor.page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text(W.sign_in.title)
