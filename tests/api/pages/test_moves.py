"""What moves the owner's money by a form: once, however often it is sent, and nothing typed is lost."""

from collections.abc import Iterator
from contextlib import closing
from uuid import uuid4

import pytest

from tests.api.pages.owner import Browser
from tests.api.service import PASSWORD, Service, User, data, serve
from tests.database import Database

FORMS = {"/top-up": ("Top-up", 1_100), "/spend": ("Payment", 900)}


@pytest.fixture
def browser(service: Service, alice: User) -> Iterator[Browser]:
    with Browser(service, alice) as found:
        yield found


def cents(user: User, amount: int = 5_000) -> None:
    data(user.post("/api/wallets", json={"asset": "USD"}), 201)
    data(user.topup(amount, asset="USD"), 201)


@pytest.mark.parametrize("path", FORMS)
def test_a_form_moves_money_once(browser: Browser, alice: User, path: str) -> None:
    title, balance = FORMS[path]
    browser.open(path)
    form = browser.page.form("amount")
    for _ in range(3):
        browser.submit(form, amount="100", reference="order 17")
        assert browser.status == 200
        assert browser.path.startswith("/transactions/")
        assert browser.page.titles == [title]
        assert f"Balance after it: {balance:,} UC" in browser.page.alerts[0]
        assert browser.page.links["Another one"] == f"{path}?asset=UC"
        assert browser.page.links["Back to the wallet"] == "/?asset=UC"
    assert alice.balance() == balance
    assert len(alice.history()["items"]) == 2


@pytest.mark.parametrize("path", FORMS)
@pytest.mark.parametrize(
    ("amount", "told"),
    [
        ("", "Type an amount."),
        ("lots", "Type an amount in digits, like 12."),
        ("0", "Type an amount above zero."),
        ("1.50", "Type a whole number"),
        ("9" * 17, "This is more than the service can count."),
    ],
)
def test_what_is_no_amount_is_told_and_kept(browser: Browser, alice: User, path: str, amount: str, told: str) -> None:
    browser.open(path)
    txn_id = browser.page.form("amount").fields["txn_id"]
    browser.send("amount", amount=amount, reference="order 17")
    assert browser.status == 422
    assert told in browser.page.alerts[0]
    kept = browser.page.form("amount").fields
    assert (kept["amount"], kept["reference"], kept["txn_id"]) == (amount, "order 17", txn_id)
    assert alice.balance() == 1_000
    browser.send("amount", amount="100")
    assert browser.path.startswith("/transactions/")


def test_more_than_there_is_is_refused_in_words(browser: Browser) -> None:
    browser.open("/spend").send("amount", amount="1001")
    assert browser.status == 402
    assert "You have 1000 UC available, 1001 UC are needed." in browser.page.alerts[0]


def test_a_reference_that_is_too_long_is_refused(browser: Browser) -> None:
    browser.open("/spend").send("amount", amount="1", reference="x" * 257)
    assert browser.status == 422
    assert browser.page.form("amount").fields["reference"] == "x" * 257


def test_a_changed_form_shows_what_it_did_and_can_be_sent_as_a_new_one(browser: Browser, alice: User) -> None:
    browser.open("/spend")
    form = browser.page.form("amount")
    browser.submit(form, amount="100", reference="first")
    browser.submit(form, amount="200", reference="second")
    assert browser.status == 409
    assert "It was recorded with other values, once" in browser.page.alerts[0]
    assert "first" in browser.page.alerts[0]
    assert alice.balance() == 900
    browser.send("again")
    assert browser.status == 200
    fields = browser.page.form("amount").fields
    assert fields["txn_id"] != form.fields["txn_id"]
    assert (fields["amount"], fields["reference"]) == ("200", "second")
    browser.send("amount")
    assert alice.balance() == 700


def test_a_form_with_the_id_of_a_reservation_shows_that(browser: Browser, alice: User) -> None:
    txn_id = str(uuid4())
    data(alice.post("/api/wallet/holds", json={"txn_id": txn_id, "amount": 10, "reference": "hotel"}), 201)
    browser.open("/spend").send("amount", amount="10", txn_id=txn_id)
    assert browser.status == 409
    assert "hotel" in browser.page.alerts[0]


def test_an_id_that_is_none_is_refused(browser: Browser) -> None:
    browser.open("/spend").send("amount", amount="10", txn_id="1")
    assert browser.status == 422


def test_money_of_another_kind_is_counted_in_its_scale(browser: Browser, alice: User) -> None:
    cents(alice)
    browser.open("/spend?asset=USD").send("amount", amount="4.999")
    told = browser.page.alerts[0]
    assert "Write 1250, or 1250.00: at most 2 decimal places are possible." in told
    browser.send("amount", amount="lots")
    assert "like 12.50." in browser.page.alerts[0]
    browser.send("amount", amount="12.34")
    assert "Balance after it: 37.66 USD" in browser.page.alerts[0]


# transfers


def test_a_transfer_is_shown_before_it_is_sent(browser: Browser, alice: User, bob: User) -> None:
    browser.open("/transfer").send("to", to=f" {bob.username.upper()} ", amount="300", reference="rent & more")
    assert browser.page.titles == ["Is this right?"]
    for text in (bob.username, bob.account["wallet_id"], "300 UC", "rent & more", "700 UC"):
        assert text in browser.page.text
    assert alice.balance() == 1_000
    form = browser.page.form("to")
    for told in ("Sent.", "This form was sent before"):
        browser.submit(form, button="send")
        assert browser.page.titles == [f"To {bob.username}"]
        assert told in browser.page.alerts[0]
        assert "Balance after it: 700 UC" in browser.page.alerts[0]
    assert (alice.balance(), bob.balance()) == (700, 1_300)


def test_a_wallet_is_a_recipient_whose_name_is_shown(browser: Browser, bob: User) -> None:
    browser.open("/transfer").send("to", to=bob.account["wallet_id"], amount="300")
    assert bob.username in browser.page.text
    browser.send("to", button="send")
    assert bob.balance() == 1_300


def test_going_back_keeps_everything(browser: Browser, bob: User) -> None:
    typed = {"to": bob.username, "amount": "300", "reference": "rent"}
    browser.open("/transfer").send("to", **typed)
    txn_id = browser.page.form("to").fields["txn_id"]
    browser.send("to", button="change")
    assert browser.status == 200
    assert browser.page.titles == ["Send money"]
    assert browser.page.form("to").fields.items() >= {**typed, "txn_id": txn_id}.items()
    assert bob.balance() == 1_000


def test_the_form_again_after_it_was_sent_leads_to_what_it_did(browser: Browser, alice: User, bob: User) -> None:
    browser.open("/transfer")
    form = browser.page.form("to")
    browser.submit(form, to=bob.username, amount="1000")
    browser.send("to", button="send")
    # there is nothing left now, which is no matter to a form that was sent
    browser.submit(form, to=bob.username, amount="1000")
    assert browser.page.titles == [f"To {bob.username}"]
    browser.submit(form, to=bob.username, amount="1")
    assert browser.status == 409
    assert "It was recorded with other values, once" in browser.page.alerts[0]
    assert (alice.balance(), bob.balance()) == (0, 2_000)


@pytest.mark.parametrize(
    ("to", "amount", "status", "told"),
    [
        ("", "1", 422, "Type who gets the money."),
        ("nobody-of-this-name", "1", 404, "There is no such recipient with a wallet for UC."),
        ("<b>", "1", 422, "Use 3 to 64 letters"),
        ("0f0e0d0c-0b0a-4908-8706-050403020100", "1", 404, "There is no such recipient with a wallet for UC."),
        ("{alice}", "1", 422, "You cannot send money to yourself."),
        ("{bob}", "1001", 402, "You have 1000 UC available, 1001 UC are needed."),
        ("{bob}", "ten", 422, "Type an amount in digits"),
    ],
)
def test_a_transfer_that_cannot_be_is_refused_at_the_form(
    browser: Browser, alice: User, bob: User, to: str, amount: str, status: int, told: str
) -> None:
    to = to.format(alice=alice.username, bob=bob.username)
    for button in ("", "send"):
        browser.open("/transfer")
        form = browser.page.form("to")
        browser.submit(form, to=to, amount=amount, reference="rent", step=button)
        assert browser.status == status
        assert told in browser.page.alerts[0]
        assert browser.page.form("to").fields.items() >= {"to": to, "amount": amount, "reference": "rent"}.items()
    assert alice.balance() == 1_000


def test_a_limit_is_told_before_anything_is_sent(browser: Browser, alice: User, bob: User, operator: User) -> None:
    limits = {"limits": {"transfer": {"per_day": 500}}, "reason": "a test"}
    wallet_id = alice.account["wallet_id"]
    assert operator.put(f"/api/operator/wallets/{wallet_id}/limits", json=limits).status_code == 200
    browser.open("/transfer").send("to", to=bob.username, amount="501")
    assert browser.status == 422
    assert "You can send 500 UC more now: your limit is 500 UC in 24 hours." in browser.page.alerts[0]
    assert "in 24 hours 500 UC 500 UC" in browser.open("/wallets").page.text


def test_a_frozen_wallet_says_so(browser: Browser, alice: User, operator: User) -> None:
    wallet_id = alice.account["wallet_id"]
    form = browser.open("/spend").page.form("amount")
    frozen = {"status": "frozen", "reason": "a test"}
    assert operator.post(f"/api/operator/wallets/{wallet_id}/status", json=frozen).status_code == 200
    for path in ("/", "/holds", "/spend", "/transfer", "/hold"):
        assert browser.open(path).page.text.count("This wallet is frozen") == 1
        assert [one for one in browser.page.forms if "amount" in one.fields] == []
        assert {"/spend?asset=UC", "/hold?asset=UC"}.isdisjoint(browser.page.links.values())
    assert browser.open("/").page.links["Top up"] == "/top-up?asset=UC"
    assert browser.open("/top-up").page.form("amount")
    browser.submit(form, amount="1")
    assert browser.status == 409
    assert "no money can leave it" in browser.page.alerts[0]
    assert browser.page.form("amount").fields["amount"] == "1"


def test_a_closed_wallet_offers_nothing(browser: Browser, alice: User, operator: User) -> None:
    wallet_id = data(alice.post("/api/wallets", json={"asset": "USD"}), 201)["wallet_id"]
    closed = {"status": "closed", "reason": "a test"}
    assert operator.post(f"/api/operator/wallets/{wallet_id}/status", json=closed).status_code == 200
    browser.open("/?asset=USD")
    assert browser.page.text.count("This wallet is closed") == 1
    assert {"Top up", "Spend"}.isdisjoint(browser.page.links)
    browser.open("/top-up?asset=USD")
    assert [one for one in browser.page.forms if "amount" in one.fields] == []


def test_who_was_signed_out_meanwhile_loses_nothing(browser: Browser, alice: User, bob: User) -> None:
    browser.open("/transfer").send("to", to=bob.username, amount="300", reference="rent")
    form = browser.page.form("to")
    data(alice.post("/api/auth/signout-everywhere"))
    browser.submit(form, button="send")
    assert browser.status == 401
    assert "what you typed is kept" in browser.page.text
    browser.send("password", username=alice.username, password=PASSWORD)
    assert browser.page.titles == ["Welcome back"]
    assert bob.balance() == 1_000
    form = browser.send("to").page.form("to")
    for _ in range(2):
        browser.submit(form, button="send")
        assert browser.page.titles == [f"To {bob.username}"]
    assert bob.balance() == 1_300


# reservations


def test_money_is_reserved_once(browser: Browser, alice: User) -> None:
    browser.open("/hold")
    form = browser.page.form("amount")
    assert form.fields["expires_in"] == "604800"
    for _ in range(2):
        browser.submit(form, amount="300", reference="hotel", expires_in="3600")
        assert browser.path == f"/holds/{form.fields['txn_id']}"
        assert "Reserved. Available after it: 700 UC" in browser.page.alerts[0]
    assert browser.available() == 700
    (hold,) = data(alice.get("/api/wallet/holds"))["items"]
    assert (hold["amount"], hold["reference"]) == (300, "hotel")


@pytest.mark.parametrize("expires_in", ["", "soon", "0", "31536001", "\u0661"])
def test_a_time_that_is_none_is_refused(browser: Browser, expires_in: str) -> None:
    browser.open("/hold").send("amount", amount="300", expires_in=expires_in)
    assert browser.status == 422
    assert browser.page.form("amount").fields["amount"] == "300"


def test_more_than_there_is_cannot_be_reserved(browser: Browser) -> None:
    browser.open("/hold").send("amount", amount="1001")
    assert browser.status == 402
    assert "You have 1000 UC available" in browser.page.alerts[0]


# where only operators top up


def test_without_self_service_nobody_is_led_to_a_dead_end(
    service_database: Database, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("by_operators")
    settings = {"PGWALLET_SELF_TOPUP": "off", "PGWALLET_SELF_REFUND": "off"}
    with serve(service_database.api_url, folder, **settings) as running, closing(User(running)) as user:
        spent = data(user.spend(10), 201)
        with Browser(running, user) as browser:
            assert "Top up" not in browser.open("/").page.links
            assert "customer care does it for you" in browser.open("/top-up").page.text
            browser.open(f"/transactions/{spent['id']}")
            assert f"Tell them the number {spent['id']}" in browser.page.text
            token = browser.page.forms[0].fields["_csrf_token"]
            form = {"_csrf_token": token, "txn_id": str(uuid4()), "amount": "1"}
            for path in ("/top-up", f"/transactions/{spent['id']}"):
                answer = browser.client.post(path, data=form)
                assert answer.status_code == 403
                assert "Only the operators of this service can do this." in answer.text
            assert user.balance() == 990
