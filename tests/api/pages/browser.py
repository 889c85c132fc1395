"""A browser without a screen: it keeps cookies, reads pages, and sends their forms as browsers do.

Each page that it reads must be sound: elements that close, ids that are there once, a label for every field, no script
or style in the markup.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import urlsplit

import httpx

from tests.api.service import PASSWORD, TLS, Service

VOID = frozenset({"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "wbr"})
BLOCKS = frozenset(
    {"article", "div", "dl", "fieldset", "form", "h1", "h2", "h3", "nav", "ol", "p", "section", "table", "ul"}
)
"""What ends a paragraph that is open, though nothing says so."""
UNSEEN = frozenset({"script", "style", "title"})


class Element:
    """An element of a page."""

    def __init__(self, tag: str, attributes: dict[str, str]) -> None:
        self.tag = tag
        self.attributes = attributes
        self.children: list[Element | str] = []

    def __getitem__(self, name: str) -> str:
        return self.attributes.get(name, "")

    def walk(self) -> Iterator[Element]:
        yield self
        for child in self.children:
            if isinstance(child, Element):
                yield from child.walk()

    def all(self, *tags: str) -> list[Element]:
        return [element for element in self.walk() if element.tag in tags]

    @property
    def text(self) -> str:
        """What is to be read in it, with single spaces."""
        return " ".join("".join(self._said()).split())

    def _said(self) -> Iterator[str]:
        for child in self.children:
            if isinstance(child, str):
                yield child
            elif child.tag not in UNSEEN and "hidden" not in child.attributes:
                yield from child._said()
                # as on the screen, where these stand apart
                yield "" if child.tag in {"a", "data", "strong", "em", "time", "code", "abbr"} else " "


class Reader(HTMLParser):
    """Makes elements of HTML, strictly."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Element("document", {})
        self._open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert not (tag in BLOCKS and any(element.tag == "p" for element in self._open)), f"<{tag}> in <p>"
        assert len(attrs) == len(dict(attrs)), f"<{tag}> has an attribute twice"
        element = Element(tag, {name: value or "" for name, value in attrs})
        self._open[-1].children.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self._open[-1].tag == tag, f"</{tag}> where <{self._open[-1].tag}> is open"
        self._open.pop()

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:  # of SVG
            self.handle_endtag(tag)

    def handle_data(self, data: str) -> None:
        self._open[-1].children.append(data)

    def read(self, html: str) -> Element:
        self.feed(html)
        self.close()
        assert self._open == [self.root], f"<{self._open[-1].tag}> never ends"
        return self.root


class Form:
    """A form of a page: its fields as they are filled in."""

    def __init__(self, page: Page, element: Element) -> None:
        self._page = page
        self.element = element
        self.action = element["action"] or page.path
        self.method = element["method"].lower() or "get"
        self.fields: dict[str, str] = {}
        """What would be sent."""
        self.names: set[str] = set()
        """What can be filled in."""
        for control in element.all("input", "select", "textarea"):
            if name := control["name"]:
                self.names.add(name)
                value = _value(control)
                if value is not None:
                    self.fields[name] = value

    @property
    def buttons(self) -> list[Element]:
        return self.element.all("button")

    def send(self, button: str | None = None, **values: str) -> Page:
        """Fill in, press a button (the first one, or the one with this text), and go where that leads."""
        assert values.keys() <= self.names, f"no field {values.keys() - self.names} in {self.names}"
        pressed = next(one for one in self.buttons if button in (None, one.text))
        fields = self.fields | values
        if pressed["name"]:
            fields[pressed["name"]] = pressed["value"]
        return self._page.browser.submit(self.method, pressed["formaction"] or self.action, fields)


class Page:
    """What a browser shows."""

    def __init__(self, browser: Browser, response: httpx.Response) -> None:
        self.browser = browser
        self.response = response
        self.status = response.status_code
        self.path = response.url.raw_path.decode()
        """With its query."""
        self.html = response.text
        assert response.headers["content-type"] == "text/html; charset=utf-8", self.html
        self.root = Reader().read(self.html)
        _check(self.root)

    def __contains__(self, text: str) -> bool:
        return text in self.text

    @property
    def text(self) -> str:
        """What is to be read in its main part."""
        return self.root.all("main")[0].text

    @property
    def title(self) -> str:
        (title,) = self.root.all("h1")
        return title.text

    @property
    def facts(self) -> dict[str, str]:
        """What its lists of facts say."""
        terms = [term.text for term in self.root.all("dt")]
        return dict(zip(terms, (fact.text for fact in self.root.all("dd")), strict=True))

    @property
    def forms(self) -> list[Form]:
        return [Form(self, element) for element in self.root.all("form")]

    @property
    def links(self) -> dict[str, str]:
        """Where each link leads, by its text."""
        return {element.text: element["href"] for element in self.root.all("a")}

    @property
    def mistakes(self) -> dict[str, str]:
        """What is said of each field that is wrong."""
        said = {element["id"]: element.text for element in self.root.walk() if element["id"]}
        wrong = [one for one in self.root.all("input", "select", "textarea") if "aria-invalid" in one.attributes]
        return {one["name"]: said[one["aria-describedby"].split()[-1]] for one in wrong}

    def form(self, button: str) -> Form:
        """Return the form that has a button with this text."""
        (found,) = [form for form in self.forms if button in [one.text for one in form.buttons]]
        return found

    def follow(self, link: str) -> Page:
        """Follow the first link of its main part whose text begins so."""
        found = (one["href"] for one in self.root.all("main")[0].all("a") if one.text.startswith(link))
        return self.browser.open(next(found))


class Browser(httpx.Client):
    """A browser, with cookies of its own. Follows redirects, within the site."""

    def __init__(self, service: Service, **headers: str) -> None:
        super().__init__(base_url=service.url, timeout=20, verify=TLS, headers={"Accept": "text/html", **headers})

    def open(self, path: str) -> Page:
        """Go to an address of the site."""
        return self._show(self.get(path, headers={"Sec-Fetch-Site": "none"}))

    def submit(self, method: str, path: str, fields: dict[str, str]) -> Page:
        """Send a form."""
        if method == "get":
            return self._show(self.get(path, params=fields, headers={"Sec-Fetch-Site": "same-origin"}))
        return self._show(self.post(path, data=fields, headers={"Sec-Fetch-Site": "same-origin"}))

    def sign_in(self, username: str, password: str = PASSWORD, to: str = "/") -> Page:
        """Sign in on the page for that."""
        page = self.submit("get", "/sign-in", {"next": to})
        return page.form("Sign in").send(username=username, password=password)

    def _show(self, response: httpx.Response) -> Page:
        for _ in range(5):
            if not response.is_redirect:
                return Page(self, response)
            assert response.status_code == 303
            assert not urlsplit(response.headers["location"]).netloc
            response = self.get(response.headers["location"], headers={"Sec-Fetch-Site": "same-origin"})
        raise AssertionError("redirected without end")


def _value(control: Element) -> str | None:
    """What a field sends as it is; None where nothing."""
    if control.tag == "textarea":
        return "".join(child for child in control.children if isinstance(child, str))
    if control.tag == "select":
        options = control.all("option")
        chosen = next((one for one in options if "selected" in one.attributes), options[0])
        return chosen.attributes.get("value", chosen.text)
    if control["type"] in {"checkbox", "radio"}:
        return (control["value"] or "on") if "checked" in control.attributes else None
    return control["value"]


def _check(root: Element) -> None:
    """Fail for what no page may have."""
    elements = list(root.walk())
    repeated = [name for name, times in Counter(one["id"] for one in elements if one["id"]).items() if times > 1]
    assert not repeated, f"more than one element has the id {repeated}"
    labelled = {one["for"] for one in elements if one.tag == "label"}
    inside = {id(one) for label in root.all("label") for one in label.walk()}
    for one in elements:
        assert "style" not in one.attributes, f"<{one.tag}> has a style"
        assert not any(name.startswith("on") for name in one.attributes), f"<{one.tag}> has a handler"
        assert one.tag != "style", "a style in the page"
        assert one.tag != "script" or one["src"], "a script in the page"
        if one.tag in {"input", "select", "textarea"} and one["type"] != "hidden" and "hidden" not in one.attributes:
            assert one["id"] in labelled or id(one) in inside or one["aria-label"], f"no label for {one['name']}"
        if described := one["aria-describedby"]:
            ids = {other["id"] for other in elements}
            assert set(described.split()) <= ids, f"{one['name']} is described by nothing"
