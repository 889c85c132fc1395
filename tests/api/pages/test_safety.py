"""What an adversary tries: pages of other sites, cookies of others, addresses and texts that mean something else."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from urllib.parse import urlencode
from uuid import uuid4

import httpx
import pytest

from tests.api.pages.places import CUSTOMER, FILES, NOBODY, OPERATOR, PLACES, TURNED_DOWN, World, furnish, routes
from tests.api.service import PASSWORD, TLS, Service, User, serve
from tests.database import Database

OURS = {"Sec-Fetch-Site": "same-origin"}
TOKEN = re.compile(r'name="_csrf_token" value="([^"]+)"')
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
POSTS = sorted(set(routes("POST")))


def form_token(page: httpx.Response) -> str:
    found = TOKEN.search(page.text)
    assert found
    return found[1]


class Visitor(httpx.Client):
    """Somebody at a browser, which keeps cookies and sends forms with what their page had in it."""

    def __init__(self, service: Service, user: User | None = None) -> None:
        super().__init__(base_url=service.url, timeout=20, verify=TLS, headers={"Accept": "text/html"})
        if user:
            assert self.sign_in(user).status_code == 303

    @property
    def token(self) -> str:
        """That of this browser, as its forms have it."""
        return form_token(self.get("/reset"))

    def show(self, path: str) -> httpx.Response:
        """Go to a page; that of a form has its txn_id in its address."""
        answer = self.get(path)
        location = answer.headers.get("location", "")
        return self.get(location) if location.partition("?")[0] == path.partition("?")[0] else answer

    def submit(self, path: str, /, **fields: str) -> httpx.Response:
        """Send a form of this site."""
        return self.post(path, data={"_csrf_token": self.token, **fields}, headers=OURS)

    def sign_in(self, user: User, **fields: str) -> httpx.Response:
        return self.submit("/sign-in", username=user.username, password=PASSWORD, **fields)

    @property
    def session(self) -> str:
        return self.cookies.get("pgwallet") or ""


@pytest.fixture(scope="module")
def service(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service behind a proxy that is trusted, which asks two operators for what is above 1000."""
    settings = {"PGWALLET_TRUSTED_PROXIES": "127.0.0.1", "PGWALLET_FOUR_EYES": "1000"}
    with serve(module_database.api_url, tmp_path_factory.mktemp("safety"), **settings) as running:
        yield running


@pytest.fixture(scope="module")
def world(service: Service, module_database: Database) -> Iterator[World]:
    with closing(User(service)) as customer, closing(User(service)) as other, closing(User(service)) as operator:
        with module_database.connect() as administrator:
            administrator.execute("select public.wallet_set_role(%s, 'operator')", [operator.username])
        operator.sign_in()
        yield furnish(module_database, customer, other, operator)


@pytest.fixture(scope="module")
def visitors(service: Service, world: World) -> Iterator[dict[str, Visitor]]:
    with (
        closing(Visitor(service)) as nobody,
        closing(Visitor(service, world.customer)) as customer,
        closing(Visitor(service, world.operator)) as operator,
    ):
        yield {NOBODY: nobody, CUSTOMER: customer, OPERATOR: operator}


@pytest.fixture
def visitor(service: Service, alice: User) -> Iterator[Visitor]:
    """The browser of `alice`."""
    with closing(Visitor(service, alice)) as found:
        yield found


# pages


def test_tests_know_every_page() -> None:
    assert set(routes("GET")) == PLACES.keys() | FILES


@pytest.mark.parametrize("route", sorted(PLACES))
def test_a_page_is_for_those_who_may_see_it(visitors: dict[str, Visitor], world: World, route: str) -> None:
    place = PLACES[route]
    for path in world.addresses(place):
        answer = visitors[place.who].show(path)
        assert answer.status_code == TURNED_DOWN.get(path, 200), path
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert answer.headers["content-security-policy"] == POLICY
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
        assert "access-control-allow-origin" not in answer.headers
        if place.who == OPERATOR:
            assert visitors[CUSTOMER].get(path).status_code == 403, path
        if place.who != NOBODY and path.partition("?")[0] != "/":
            stranger = visitors[NOBODY].get(path)
            assert stranger.status_code == 303, path
            assert stranger.headers["location"].startswith("/sign-in?next="), path


@pytest.mark.parametrize("route", sorted(PLACES.keys() | FILES))
def test_a_token_of_the_api_opens_no_page(service: Service, world: World, route: str) -> None:
    place = PLACES.get(route)
    if place is not None and place.who == NOBODY:
        return
    path = world.addresses(place)[0] if place else route.replace("{wallet_id:uuid}", world.names["wallet"])
    for user in (world.customer, world.operator):
        answer = httpx.get(
            f"{service.url}{path}", headers={"Authorization": f"Bearer {user.token}"}, verify=TLS, timeout=20
        )
        assert user.username not in answer.text
        assert path == "/" or answer.status_code == 303


def test_the_cookie_opens_nothing_of_the_api(visitors: dict[str, Visitor]) -> None:
    for path in ("/api/wallet/balance", "/api/me", "/api/wallet/transactions", "/api/operator/audit", "/api/events"):
        assert visitors[OPERATOR].get(path).status_code in {401, 404}, path
    body = {"txn_id": str(uuid4()), "amount": 1}
    assert visitors[CUSTOMER].post("/api/wallet/topup", json=body).status_code == 401
    assert visitors[CUSTOMER].post("/api/wallet/topup", json=body, headers=OURS).status_code == 401


def test_another_customers_transaction_is_nobodys(service: Service, alice: User, world: World) -> None:
    with closing(Visitor(service, alice)) as visitor:
        for name in ("spent", "refunded", "sent"):
            assert visitor.get(f"/transactions/{world.names[name]}").status_code == 404
        assert visitor.get(f"/holds/{world.names['held']}").status_code == 404
        assert visitor.submit(f"/holds/{world.names['held']}", do="release", txn_id=str(uuid4())).status_code == 404


# forms of other sites


def forged(route: str, world: World) -> str:
    """The address of a form, of the customer's things where it names any."""
    found = PLACES.get(route)
    return world.addresses(found)[0].partition("?")[0] if found else route


@pytest.mark.parametrize("route", POSTS)
def test_a_form_of_another_site_does_nothing(visitors: dict[str, Visitor], world: World, route: str) -> None:
    path = forged(route, world)
    who = visitors[OPERATOR if route.startswith("/operator") else CUSTOMER]
    fields = {
        "txn_id": str(uuid4()),
        "amount": "1",
        "to": world.operator.username,
        "step": "do",
        "reason": "none",
        "password": PASSWORD,
        "do": "release",
    }
    token = who.token
    attempts: list[tuple[dict[str, str], dict[str, str]]] = [
        ({"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, {"_csrf_token": token}),
        ({"Sec-Fetch-Site": "same-site"}, {"_csrf_token": token}),
        ({"Sec-Fetch-Site": "none"}, {"_csrf_token": token}),
        ({"Sec-Fetch-Site": ""}, {"_csrf_token": token}),
        ({"Origin": "null"}, {"_csrf_token": token}),
        ({"Origin": "https://evil.example"}, {"_csrf_token": token}),
        ({"Origin": f"http://evil.example/{who.base_url.host}"}, {"_csrf_token": token}),
        ({"Origin": "http://[evil"}, {"_csrf_token": token}),
        ({"Origin": f"http://{who.base_url.host}"}, {"_csrf_token": token}),
        (OURS, {}),
        (OURS, {"_csrf_token": ""}),
        (OURS, {"_csrf_token": "0" * len(token)}),
        (OURS, {"_csrf_token": token[:-1] + ("0" if token[-1] != "0" else "1")}),
        ({}, {}),
    ]
    for headers, more in attempts:
        answer = who.post(path, data={**fields, **more}, headers=headers)
        assert answer.status_code in {400, 403}, (headers, more)
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
    for media_type in ("application/json", "text/plain", "multipart/form-data; boundary=x", "application/x-www-form"):
        body = urlencode({**fields, "_csrf_token": token})
        answer = who.post(path, content=body, headers={**OURS, "Content-Type": media_type})
        assert answer.status_code == 415, media_type
    assert who.get("/account").status_code == 200, "still signed in"


def test_a_token_of_somebody_elses_form_is_worth_nothing(service: Service, visitor: Visitor) -> None:
    with closing(Visitor(service)) as evil:
        stolen = evil.token
    fields = {"_csrf_token": stolen, "txn_id": str(uuid4()), "amount": "1"}
    assert visitor.post("/top-up", data=fields, headers=OURS).status_code == 403


# sessions


def test_the_cookie_over_http(visitor: Visitor, alice: User) -> None:
    answer = visitor.submit("/sign-in", username=alice.username, password=PASSWORD)
    session, csrf = (attributes(answer, name) for name in ("pgwallet", "pgwallet-csrf"))
    assert {"httponly", "samesite=lax", "path=/"} <= session
    assert {"secure"}.isdisjoint(session)
    assert not any(one.startswith("domain") for one in session | csrf)


def test_the_cookie_over_https(service: Service, alice: User) -> None:
    with closing(Visitor(service)) as visitor:
        visitor.headers["X-Forwarded-Proto"] = "https"
        page = visitor.get("/sign-in")
        assert {"httponly", "secure", "samesite=lax", "path=/"} <= attributes(page, "__Host-pgwallet-csrf")
        # httpx sends no secure cookie over http, as it should
        cookie = {"Cookie": page.headers["set-cookie"].partition(";")[0]}
        fields = {"_csrf_token": form_token(page), "username": alice.username, "password": PASSWORD}
        answer = visitor.post("/sign-in", data=fields, headers=OURS | cookie)
        session = attributes(answer, "__Host-pgwallet")
        assert {"httponly", "secure", "samesite=lax", "path=/"} <= session
        assert not any(one.startswith("domain") for one in session)
        made = next(one for one in answer.headers.get_list("set-cookie") if one.startswith("__Host-pgwallet="))
        value = made.partition(";")[0].partition("=")[2]
        # what came over https is no session over http, and the other way round
        assert visitor.get("/account", headers={"Cookie": f"__Host-pgwallet={value}"}).status_code == 200
        assert visitor.get("/account", headers={"Cookie": f"pgwallet={value}"}).status_code == 303
    with closing(Visitor(service)) as plain:
        assert plain.get("/account", headers={"Cookie": f"__Host-pgwallet={value}"}).status_code == 303


def attributes(answer: httpx.Response, name: str) -> set[str]:
    """The attributes of a cookie that an answer sets, in lower case; nothing if it sets none."""
    for header in answer.headers.get_list("set-cookie"):
        first, *others = header.split(";")
        if first.startswith(f"{name}="):
            return {one.strip().lower() for one in others}
    return set()


def test_a_session_has_an_id_of_its_own_from_the_sign_in_on(service: Service, alice: User) -> None:
    planted = "A" * 43
    with closing(Visitor(service)) as visitor:
        visitor.cookies.set("pgwallet", planted, domain="127.0.0.1")
        assert visitor.get("/account").status_code == 303
        answer = visitor.sign_in(alice)
        first = next(one for one in answer.headers.get_list("set-cookie") if one.startswith("pgwallet="))
        assert planted not in first
        value = first.partition(";")[0].partition("=")[2]
        assert len(value) == 43
    with closing(Visitor(service)) as evil:
        assert evil.get("/account", headers={"Cookie": f"pgwallet={planted}"}).status_code == 303
        assert evil.get("/account", headers={"Cookie": f"pgwallet={value}"}).status_code == 200


def test_a_sign_in_ends_the_session_before_it(visitor: Visitor, alice: User) -> None:
    before = visitor.session
    visitor.sign_in(alice)
    assert visitor.session != before
    assert visitor.get("/account").status_code == 200
    assert visitor.get("/account", headers={"Cookie": f"pgwallet={before}"}).status_code == 303


def test_a_session_that_ended_is_worth_nothing(service: Service, visitor: Visitor, alice: User) -> None:
    stolen = {"Cookie": f"pgwallet={visitor.session}"}
    with closing(Visitor(service)) as thief:
        assert thief.get("/account", headers=stolen).status_code == 200
        assert visitor.submit("/sign-out").headers["location"] == "/sign-in?out=here"
        assert thief.get("/account", headers=stolen).status_code == 303
        visitor.sign_in(alice)
        stolen = {"Cookie": f"pgwallet={visitor.session}"}
        assert thief.get("/account", headers=stolen).status_code == 200
        alice.post("/api/auth/signout-everywhere")
        assert thief.get("/account", headers=stolen).status_code == 303
        assert visitor.get("/account").status_code == 303


@pytest.mark.parametrize("value", ["", "x", "A" * 43, "A" * 5_000, '"; drop', "é" * 43])
def test_no_cookie_is_more_than_a_stranger(service: Service, value: str) -> None:
    answer = httpx.get(
        f"{service.url}/account",
        headers=[(b"cookie", b"pgwallet=" + value.encode("latin-1")), (b"accept", b"text/html")],
        verify=TLS,
    )
    assert answer.status_code == 303


def test_an_expired_session_keeps_what_was_typed(visitor: Visitor, alice: User, module_database: Database) -> None:
    fields = {"txn_id": str(uuid4()), "amount": "25", "reference": '"><script>alert(1)</script>'}
    page = visitor.show("/top-up")
    with module_database.connect() as administrator:
        administrator.execute("update wallet.sessions set expires_at = now() where user_id = %s", [alice.account["id"]])
    refused = visitor.post("/top-up", data={"_csrf_token": form_token(page), **fields}, headers=OURS)
    assert refused.status_code == 401
    for name, value in fields.items():
        assert f'name="kept.{name}" value="{escaped(value)}"' in refused.text
    kept = {f"kept.{name}": value for name, value in fields.items()}
    go_on = visitor.sign_in(alice, next="/top-up", **kept)
    assert go_on.status_code == 303 or go_on.status_code == 200
    assert alice.balance() == 1000, "nothing was sent by itself"
    for name, value in fields.items():
        assert f'name="{name}" value="{escaped(value)}"' in go_on.text
    assert visitor.submit("/top-up", **fields).status_code == 303
    assert alice.balance() == 1025


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&#34;").replace("<", "&lt;").replace(">", "&gt;")


# addresses and texts that mean something else


@pytest.mark.parametrize(
    "next_",
    [
        "https://evil.example/",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "data:text/html,evil",
        "evil",
        ".evil.example",
        "@evil.example",
        "/%0d%0aSet-Cookie: evil=1",
        "/\r\nSet-Cookie: evil=1",
        "/" + "x" * 1_500,
        "/..//evil.example",
        "/.//evil.example",
        "/\u2028",
    ],
)
def test_a_sign_in_leads_to_no_other_site(service: Service, alice: User, next_: str) -> None:
    with closing(Visitor(service)) as visitor:
        page = visitor.get("/sign-in", params={"next": next_})
        assert page.status_code == 200
        for answer in (visitor.sign_in(alice, next=next_), visitor.get("/sign-in", params={"next": next_})):
            assert answer.status_code == 303
            assert "evil" not in {cookie.name for cookie in visitor.cookies.jar}
            target = answer.next_request
            assert target is not None
            assert target.url.netloc == visitor.base_url.netloc, target.url
            assert target.url.scheme == "http"


MARKUP = "\"'><img src=x onerror=alert(1)><script>alert(1)</script>{{7*7}}{%raw%}"


@pytest.mark.parametrize("route", sorted(PLACES))
def test_no_query_becomes_markup(visitors: dict[str, Visitor], world: World, route: str) -> None:
    place = PLACES[route]
    path = world.addresses(place)[0].partition("?")[0]
    names = (
        *("asset", "next", "welcome", "changed", "done", "q", "type", "from", "to", "cursor", "status", "receipt"),
        *("reference", "user_id", "wallet_id", "actor", "action", "txn_id", "amount", "username", "token", "reason"),
    )
    for value in (MARKUP, "\r\nSet-Cookie: evil=1", "\x00", "x" * 300):
        answer = visitors[place.who].get(path, params=dict.fromkeys(names, value))
        assert answer.status_code < 500, value
        assert "<img" not in answer.text.replace('<img src="/static/', "")
        assert "alert(1)</script>" not in answer.text
        assert "evil" not in str(answer.cookies)
    for name in names:
        assert visitors[place.who].get(path, params={name: MARKUP}).status_code < 500, name


@pytest.mark.parametrize("route", POSTS)
def test_no_field_becomes_markup(service: Service, world: World, route: str) -> None:
    path = forged(route, world)
    names = ("txn_id", "amount", "reference", "asset", "to", "username", "password", "again", "token", "next", "step")
    more = ("reason", "status", "direction", "do", "expires_in", "current_password", "new_password", "kept.amount")
    user = world.operator if route.startswith("/operator") else world.customer
    with closing(Visitor(service, user)) as visitor:
        for value in (MARKUP, "\r\nSet-Cookie: evil=1", "\x00", "9" * 300, ""):
            answer = visitor.submit(path, **dict.fromkeys((*names, *more), value))
            assert answer.status_code < 500, value
            assert "<img" not in answer.text.replace('<img src="/static/', "")
            assert "alert(1)</script>" not in answer.text
            assert "evil" not in str(answer.cookies)
            if route in {"/sign-out", "/account/sign-out-everywhere"}:
                visitor.cookies.clear()
                visitor.sign_in(user)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"&".join(b"a%d=1" % number for number in range(100)), 400),
        (b"amount=%ff", 400),
        (b"amount=\xff", 400),
        (b"amount=" + b"1" * 200_000, 413),
        (b"", 400),
        (b"=&=&=", 403),
    ],
)
def test_no_body_breaks_a_form(visitor: Visitor, body: bytes, status: int) -> None:
    answer = visitor.post(
        "/top-up", content=body, headers={**OURS, "Content-Type": "application/x-www-form-urlencoded"}
    )
    assert answer.status_code == status
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


# money


def test_a_form_that_is_sent_at_once_moves_money_once(service: Service, visitor: Visitor, alice: User) -> None:
    fields = {"_csrf_token": visitor.token, "txn_id": str(uuid4()), "amount": "10"}
    cookies = {"Cookie": "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())}

    def send(_: int) -> httpx.Response:
        return httpx.post(f"{service.url}/spend", data=fields, headers=OURS | cookies, verify=TLS, timeout=20)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(send, range(16)))
    assert {answer.status_code for answer in answers} == {303}
    told = [answer.headers["location"].partition("done=") for answer in answers]
    assert len({path for path, _, _ in told}) == 1
    assert sorted(done for _, _, done in told) == ["again"] * 15 + ["now"]
    assert alice.balance() == 990


def test_a_changed_form_with_a_used_id_shows_what_was_recorded(visitor: Visitor, alice: User) -> None:
    fields = {"txn_id": str(uuid4()), "amount": "10", "reference": "first"}
    assert visitor.submit("/spend", **fields).status_code == 303
    changed = visitor.submit("/spend", **fields | {"amount": "20", "reference": "second"})
    assert changed.status_code == 409
    assert "first" in changed.text
    assert 'value="second"' in changed.text
    assert alice.balance() == 990


# what is told


def test_nothing_secret_is_written_down(service: Service, alice: User) -> None:
    secrets = ["Pa55word-of-nobody", "a-code-of-nobody", "a private reference", "kept for later"]
    with closing(Visitor(service)) as visitor:
        visitor.submit("/sign-in", username=alice.username, password=secrets[0])
        visitor.submit("/sign-in", username=secrets[0], password=secrets[0])
        visitor.submit("/reset", token=secrets[1], new_password=secrets[0], again=secrets[0])
        visitor.submit("/sign-up", username="x", password=secrets[0], again="another")
        assert visitor.get("/history", params={"q": secrets[2]}).status_code == 303
        visitor.sign_in(alice, next="/history")
        secrets += [visitor.session, visitor.token, visitor.cookies["pgwallet-csrf"]]
        visitor.submit("/top-up", txn_id=str(uuid4()), amount="1", reference=secrets[2])
        visitor.get("/history", params={"q": secrets[2]})
        visitor.post("/top-up", data={"reference": secrets[2]}, headers={"Origin": "https://evil.example"})
        visitor.submit("/account/password", current_password=secrets[0], new_password=secrets[0], again=secrets[0])
    with closing(Visitor(service)) as visitor:
        visitor.submit("/top-up", txn_id=str(uuid4()), amount="1", reference=secrets[3])
    service.all_lines()
    written = service.log.read_text()
    assert len(written) > 1_000
    assert [secret for secret in secrets if secret in written] == []


def test_guesses_of_passwords_are_throttled_together_with_the_api(service: Service, alice: User, bob: User) -> None:
    with closing(Visitor(service)) as visitor:
        for _ in range(30):
            answer = visitor.submit("/sign-in", username=alice.username, password="a guess")
            if answer.status_code == 429:
                break
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) > 0
        assert "a guess" not in answer.text
        assert f'value="{alice.username}"' in answer.text
        credentials = {"username": alice.username, "password": PASSWORD}
        assert alice.post("/api/auth/signin", json=credentials).status_code == 429
        assert visitor.sign_in(alice).status_code == 429
        assert visitor.sign_in(bob).status_code == 303


@pytest.mark.parametrize("name", ["path", "self", "query", "cls", "request"])
def test_a_query_can_have_any_names(visitor: Visitor, name: str) -> None:
    answer = visitor.get("/spend", params={name: "/none"})
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(f"/spend?{name}=%2Fnone&txn_id=")
    assert visitor.show(f"/spend?{name}=x").status_code == 200


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE"])
def test_pages_take_no_other_methods(visitor: Visitor, method: str) -> None:
    assert visitor.request(method, "/top-up", headers=OURS).status_code in {403, 405, 415}


def test_other_sites_may_read_no_page(module_database: Database, tmp_path: Path) -> None:
    with (
        serve(module_database.api_url, tmp_path, PGWALLET_CORS_ORIGINS="https://shop.example") as open_service,
        closing(User(open_service)) as user,
        closing(Visitor(open_service, user)) as visitor,
    ):
        answer = visitor.get("/account", headers={"Origin": "https://shop.example"})
        assert "access-control-allow-credentials" not in answer.headers
        fields = {"_csrf_token": visitor.token, "txn_id": str(uuid4()), "amount": "1"}
        origin = {"Origin": "https://shop.example"}
        assert visitor.post("/top-up", data=fields, headers=origin).status_code == 403
