"""Somebody at a browser, who sees to it that every page is sound: nothing too wide, nothing said in the console."""

import re
from collections.abc import Iterable
from types import TracebackType
from typing import Any, Self

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, ConsoleMessage, Dialog, Locator, Page, Response, expect

from tests.api.service import PASSWORD, Service, User

PATIENCE = 20_000
"""In milliseconds: a machine may be busy with other tests."""
NO_SUCCESS = "Failed to load resource: the server responded with a status of "
"""What Chromium's console says of each answer from 400 on."""
WIDTHS = 320, 768, 1440
THEMES = "light", "dark"
TOO_WIDE = """() => {
  const width = document.documentElement.clientWidth;
  const right = (one) => one.getBoundingClientRect().right;
  const outside = (one) => {
    const box = one.parentElement.closest('.scroll, .card, .notice');
    const hidden = one.closest('.hidden, .skip');
    return !hidden && !box?.matches('.scroll') && right(one) > (box ? right(box) : width) + 1;
  };
  const found = [...document.body.querySelectorAll('*')].filter(outside);
  if (document.documentElement.scrollWidth > width) found.push(document.documentElement);
  return found.slice(0, 4).map((one) => `${right(one)}: ${one.outerHTML.slice(0, 200)}`);
}"""
"""What stands out of its card, or of the screen."""
AXE = """async (only) => (await axe.run({ resultTypes: ['violations'], ...only })).violations.map(
  (one) => [one.id, ...one.nodes.slice(0, 4).map((node) => `${node.html.slice(0, 200)}: ${node.failureSummary}`)]
)"""


class Visitor:
    """A browser of one's own, with cookies of its own; its page belongs to whoever holds the mouse."""

    def __init__(self, browser: Browser, service: Service, **options: Any) -> None:
        options.setdefault("viewport", {"width": 1024, "height": 800})
        self.service = service
        self.scripted = options.get("java_script_enabled", True)
        options = {"locale": "en-GB", "timezone_id": "Europe/Berlin", **options}
        self.context = browser.new_context(base_url=service.url, **options)
        self.context.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        self.told: list[str] = []
        """What no page may say or ask for. What violates the policy of a page is told here too."""
        self.context.on("console", self._hear)
        self.context.on("weberror", lambda error: self.told.append(str(error.error)))
        self.context.on("response", self._answered)
        self.context.on("dialog", self._ask)
        self.page: Page = self.context.new_page()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.context.close()
        if kind is None:
            assert self.told == []

    def _hear(self, message: ConsoleMessage) -> None:
        if not message.text.startswith(NO_SUCCESS):
            self.told.append(f"{message.text} ({self.page.url})")

    def _ask(self, dialog: Dialog) -> None:
        self.told.append(f"asked: {dialog.message}")
        dialog.dismiss()

    def _answered(self, response: Response) -> None:
        if not response.url.startswith((f"{self.service.url}/", "data:")):
            self.told.append(f"asked elsewhere: {response.url}")
        elif response.status >= 400 and response.request.resource_type != "document":
            self.told.append(f"{response.status} for {response.url}")

    # how a hand does it

    def open(self, path: str) -> Response:
        """Go to an address of the site."""
        found = self.page.goto(path)
        assert found is not None
        return found

    def fill(self, label: str, text: str) -> None:
        """Fill in the field with this label, which may go on with a remark."""
        self.page.get_by_label(re.compile(f"^{re.escape(label)}")).first.fill(text)

    def choose(self, label: str) -> None:
        """Choose one of several."""
        self.page.get_by_label(label, exact=True).check()

    def press(self, name: str, within: str = "main") -> None:
        """Press a button, or a link that looks like one, and wait for where it leads."""
        self._go(self.page.locator(within).get_by_role("button", name=name, exact=True).first)

    def follow(self, name: str, within: str = "body") -> None:
        """Follow the first link whose text begins so."""
        self._go(self.page.locator(within).get_by_role("link", name=re.compile(f"^{re.escape(name)}")).first)

    def _go(self, element: Locator) -> None:
        with self.page.expect_navigation():
            element.click()

    # what is seen

    @property
    def path(self) -> str:
        """Where one is, without the query."""
        return str(self.page.url).removeprefix(self.service.url).partition("?")[0]

    def sees(self, *texts: str) -> None:
        """Fail if the page does not say so."""
        for text in texts:
            expect(self.page.locator("main")).to_contain_text(text)

    def has_focus(self, element: Locator) -> None:
        """Fail if the next key goes elsewhere."""
        expect(element).to_be_focused()

    def look(self, widths: Iterable[int] = WIDTHS, themes: Iterable[str] = THEMES) -> None:
        """Fail for a page that is wider than the screen, or that not everybody can use."""
        here = f"{self.page.url} ({self.page.title()})"
        before = self.page.viewport_size
        for width in widths:
            self.page.set_viewport_size({"width": width, "height": 800})
            assert self.page.evaluate(TOO_WIDE) == [], f"{here} at {width}"
        if self.scripted:
            self.page.evaluate(AXE_SCRIPT)
        only: dict[str, list[str]] = {}
        for theme in themes if self.scripted else ():
            self.page.emulate_media(color_scheme=theme, reduced_motion="reduce")  # type: ignore[arg-type, unused-ignore]
            assert self.page.evaluate(AXE, only) == [], f"{here} in {theme}"
            only = {"runOnly": ["color-contrast"]}  # a theme has colours only
        self.page.emulate_media(color_scheme=None, reduced_motion=None)
        if before:
            self.page.set_viewport_size(before)

    def sign_in(self, user: User, path: str = "/") -> Self:
        """Sign in as a browser without anybody before it does, and go to a page."""
        answer = self.context.request.get("/sign-in")
        (token,) = re.findall(r'name="_csrf_token" value="([^"]+)"', answer.text())[:1]
        form = {"_csrf_token": token, "username": user.username, "password": PASSWORD}
        assert self.context.request.post("/sign-in", form=form, max_redirects=0).status == 303
        self.open(path)
        return self


class Typist(Visitor):
    """One without a mouse: goes from element to element by Tab, and sees which one has the focus."""

    def fill(self, label: str, text: str) -> None:
        """Type into the field with this label."""
        self._reach(self.page.get_by_label(re.compile(f"^{re.escape(label)}")).first)
        self.page.keyboard.press("Control+a")
        self.page.keyboard.type(text)

    def _go(self, element: Locator) -> None:
        self._reach(element)
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")

    def choose(self, label: str) -> None:
        """Go to the group that has it, and on by the arrows."""
        wanted = self.page.get_by_label(label, exact=True)
        group = self.page.locator(f"input[name='{wanted.get_attribute('name')}']")
        self._reach(group.and_(self.page.locator(":checked")).or_(group.first).first)
        self.page.keyboard.press("Space")
        while not wanted.is_checked():
            self.page.keyboard.press("ArrowDown")

    def _reach(self, element: Locator) -> None:
        for _ in range(80):
            if element.evaluate("(one) => one === document.activeElement"):
                outline = element.evaluate("(one) => getComputedStyle(one).outlineStyle")
                assert outline != "none", f"nobody sees that it has the focus: {element}"
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"no Tab leads to {element}")
