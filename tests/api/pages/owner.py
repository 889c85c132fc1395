"""A browser without script, as far as forms need one: it finds them on a page, fills them in and sends them."""

from html.parser import HTMLParser
from typing import Self

import httpx

from tests.api.service import PASSWORD, TLS, Service, User

VOID = frozenset({"area", "br", "col", "hr", "img", "input", "link", "meta", "path", "circle", "wbr"})


class FormFound:
    """A form of a page: where it goes, and what is in its fields."""

    def __init__(self, method: str, action: str) -> None:
        self.method = method
        self.action = action
        self.fields: dict[str, str] = {}
        self.buttons: list[dict[str, str]] = []


class Sheet(HTMLParser):
    """A page that was read: its forms, its links, and what a person sees of it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.forms: list[FormFound] = []
        self.links: dict[str, str] = {}
        self.alerts: list[str] = []
        self.titles: list[str] = []
        self._open: list[tuple[str, dict[str, str], int]] = []
        self._texts: list[str] = []
        self._select = ""
        self.feed(html)
        self.close()
        self.text = " ".join("".join(self._texts).split())
        self.leftover = [tag for tag, _, _ in self._open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        form = self.forms[-1] if self.forms else FormFound("", "")
        if tag == "form":
            self.forms.append(FormFound(found.get("method", "get"), found.get("action", "")))
        elif tag == "input" and "name" in found and (found.get("type") != "checkbox" or "checked" in found):
            form.fields[found["name"]] = found.get("value", "")
        elif tag == "select":
            self._select = found["name"]
        elif tag == "option" and ("selected" in found or self._select not in form.fields):
            form.fields[self._select] = found["value"]
        elif tag == "button":
            form.buttons.append(found)
        if tag not in VOID:
            self._open.append((tag, found, len(self._texts)))
        if tag in {"p", "li", "dt", "dd", "div", "h1", "h2", "td", "tr", "br", "span"}:
            self._texts.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        opened, found, start = self._open.pop()
        assert opened == tag, f"</{tag}> ends <{opened}>"
        text = " ".join("".join(self._texts[start:]).split())
        if tag == "a":
            self.links[text] = found["href"]
        elif tag == "h1":
            self.titles.append(text)
        if found.get("role") in {"alert", "status"}:
            self.alerts.append(text)

    def handle_data(self, data: str) -> None:
        if not self._open or self._open[-1][0] not in {"script", "style"}:
            self._texts.append(data)

    def form(self, field: str, **values: str) -> FormFound:
        """The first form that has this field, with these values."""
        return next(form for form in self.forms if field in form.fields and values.items() <= form.fields.items())


class Browser:
    """Cookies, and the page that is open."""

    def __init__(self, service: Service, user: User | None = None) -> None:
        self.client = httpx.Client(base_url=service.url, timeout=20, verify=TLS, headers={"Accept": "text/html"})
        self.answer = httpx.Response(200)
        self.page = Sheet("")
        if user is not None:
            self.open("/sign-in").send("password", username=user.username, password=PASSWORD)
            assert self.status == 200, self.page.text

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    @property
    def status(self) -> int:
        """Of the answer that is shown."""
        return self.answer.status_code

    @property
    def path(self) -> str:
        """Where it was found."""
        return self.answer.url.path

    def open(self, path: str) -> Self:
        """Go to an address."""
        return self._show(self.client.get(path))

    def send(self, which: str, button: str = "", **values: str) -> Self:
        """Fill in the form that has the field `which`, and press its first button, or the one with this value."""
        return self.submit(self.page.form(which), button, **values)

    def submit(self, form: FormFound, button: str = "", **values: str) -> Self:
        """Fill in and send a form, also one of an earlier page: a second press or the back button does so."""
        fields = {**form.fields, **{name.rstrip("_"): value for name, value in values.items()}}
        pressed = next(one for one in form.buttons if button in {"", one.get("value"), one.get("formaction")})
        if "name" in pressed:
            fields[pressed["name"]] = pressed["value"]
        action = pressed.get("formaction") or form.action or str(self.answer.url)
        if form.method == "get":
            return self._show(self.client.get(action, params=fields))
        return self._show(self.client.post(action, data=fields, headers={"Sec-Fetch-Site": "same-origin"}))

    def _show(self, answer: httpx.Response) -> Self:
        while answer.status_code == 303:
            answer = self.client.get(answer.headers["location"])
        self.answer = answer
        if answer.headers["content-type"].startswith("text/html"):
            self.page = Sheet(answer.text)
            assert self.page.leftover == []
            assert len(self.page.titles) == 1
        return self

    def available(self) -> int:
        """What the first page says is there, in minor units."""
        text = self.client.get("/").text.partition('id="balance"')[2]
        return int(text.partition('value="')[2].partition('"')[0].replace(".", ""))
