"""A wallet's owner at a browser: one page is open, and forms of earlier ones can be sent once more."""

from types import TracebackType
from typing import Self

from tests.api.pages import browser
from tests.api.pages.browser import Form, Page
from tests.api.service import Service, User


class Sheet:
    """The page that is open: what it says, and its forms."""

    def __init__(self, page: Page) -> None:
        self.text = page.root.text
        self.links = page.links
        self.forms = page.forms
        self.titles = [page.title]
        self.alerts = [one.text for one in page.root.walk() if one["role"] in {"alert", "status"} and one.text]

    def form(self, field: str, **values: str) -> Form:
        """The first form that has this field, with these values."""
        return next(form for form in self.forms if field in form.fields and values.items() <= form.fields.items())


class Browser:
    """A browser; without a user nobody is signed in."""

    def __init__(self, service: Service, user: User | None = None) -> None:
        self.client = browser.Browser(service)
        self._show(self.client.sign_in(user.username) if user else self.client.open("/sign-in"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.client.close()

    def _show(self, page: Page) -> Self:
        self.answer, self.status, self.path = page.response, page.status, page.response.url.path
        self.page = Sheet(page)
        return self

    def open(self, path: str) -> Self:
        """Go to an address."""
        return self._show(self.client.open(path))

    def send(self, which: str, button: str = "", **values: str) -> Self:
        """Fill in the form that has the field `which`, and press its first button, or the one with this value."""
        return self.submit(self.page.form(which), button, **values)

    def submit(self, form: Form, button: str = "", **values: str) -> Self:
        """Fill in and send a form, also one of an earlier page: a second press or the back button does so."""
        fields = {**form.fields, **{name.rstrip("_"): value for name, value in values.items()}}
        pressed = next(one for one in form.buttons if button in {"", one["value"], one["formaction"]})
        if pressed["name"]:
            fields[pressed["name"]] = pressed["value"]
        return self._show(self.client.submit(form.method, pressed["formaction"] or form.action, fields))

    def available(self) -> int:
        """What the first page says is there, in minor units."""
        text = self.client.get("/").text.partition('id="balance"')[2]
        return int(text.partition('value="')[2].partition('"')[0].replace(".", ""))
