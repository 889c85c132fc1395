"""The past: the history with its filters, and one transaction with its receipt and refunds."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest

from tests.api.pages.owner import Browser
from tests.api.pages.places import HOSTILE
from tests.api.service import Service, User, data, serve
from tests.database import Database


@pytest.fixture
def browser(service: Service, alice: User) -> Iterator[Browser]:
    with Browser(service, alice) as found:
        yield found


def test_the_history_goes_on_page_by_page_with_its_filters(browser: Browser, alice: User) -> None:
    for number in range(27):
        data(alice.spend(1, reference=f"coffee {number}"), 201)
    data(alice.topup(1), 201)
    browser.open("/history").send("q", type="spend", from_="2020-01-01", from_offset="60")
    assert "coffee 26" in browser.page.text
    assert "coffee 1 " not in browser.page.text
    assert browser.page.form("q").fields.items() >= {"type": "spend", "from": "2020-01-01"}.items()
    browser.open(browser.page.links["Older"])
    assert "coffee 1 " in browser.page.text
    assert "coffee 26" not in browser.page.text
    assert browser.page.text.count("Welcome bonus") == 1  # what can be chosen
    assert browser.page.form("q").fields.items() >= {"type": "spend", "from": "2020-01-01"}.items()
    newest = browser.page.links["Back to the newest"]
    assert "from_offset=60" in newest
    assert "coffee 26" in browser.open(newest).page.text


def test_a_reference_is_found(browser: Browser, alice: User) -> None:
    data(alice.spend(1, reference=HOSTILE.strip()), 201)
    data(alice.spend(2, reference="another"), 201)
    browser.open("/history").send("q", q=HOSTILE)
    assert "-1 UC" in browser.page.text.replace("\u2212", "-")
    assert "another" not in browser.page.text
    browser.send("q", q="nothing of this name")
    assert "Nothing matches." in browser.page.text
    assert browser.page.links["Show everything"] == "/history?asset=UC"


@pytest.mark.one_database("in another one the recipient's transaction has a number and id of its own")
def test_the_id_of_a_request_leads_to_it(browser: Browser, alice: User, bob: User) -> None:
    spent, held, received = str(uuid4()), str(uuid4()), str(uuid4())
    data(alice.spend(1, spent), 201)
    data(alice.post("/api/wallet/holds", json={"txn_id": held, "amount": 1}), 201)
    sent = {"txn_id": received, "amount": 5, "to_username": alice.username}
    data(bob.post("/api/wallet/transfer", json=sent), 201)
    assert browser.open("/history").send("q", q=spent.upper()).page.titles == ["Payment"]
    assert browser.open("/history").send("q", q=held).path == f"/holds/{held}"
    assert browser.open("/history").send("q", q=received).page.titles == [f"From {bob.username}"]
    reference = str(uuid4())
    data(alice.spend(7, reference=reference), 201)
    browser.open("/history").send("q", q=reference)
    assert browser.path == "/history"
    assert "7 UC" in browser.page.text


def test_where_a_stretch_has_nothing_one_can_look_on(browser: Browser, alice: User, service_database: Database) -> None:
    data(alice.spend(1, reference="long ago"), 201)
    many(service_database, alice, 1_100)
    browser.open("/history").send("q", q="long ago")
    assert "Nothing matches in this stretch of the history." in browser.page.text
    browser.open(browser.page.links["Look further back"])
    assert "1 UC" in browser.page.text
    assert browser.page.form("q").fields["q"] == "long ago"


def many(database: Database, user: User, number: int) -> None:
    """Let so many top-ups happen."""
    with database.connect() as administrator:
        administrator.execute(
            "select public.wallet_topup(%s, gen_random_uuid(), 1) from generate_series(1, %s)",
            [user.account["wallet_id"], number],
        )


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("from=never", "Choose a day."),
        ("to=9999-12-31", "Choose a day."),
        ("from=2026-02-30", "Choose a day."),
        ("from=2026-02-02&to=2026-02-01", "The last day is before the first one."),
        (f"q={'x' * 257}", "A reference has at most 256 characters."),
    ],
)
def test_what_cannot_be_looked_for_is_told_and_kept(browser: Browser, query: str, told: str) -> None:
    browser.open(f"/history?{query}")
    assert browser.status == 422
    assert told in browser.page.text
    name, _, value = query.partition("&")[0].partition("=")
    assert browser.page.form("q").fields[name] == value


def test_days_are_those_of_the_browser_where_it_tells_them(
    browser: Browser, alice: User, service_database: Database
) -> None:
    transaction = data(alice.spend(1, reference="at night"), 201)
    with service_database.connect() as superuser, superuser.transaction():
        superuser.execute("set local session_replication_role = replica")
        superuser.execute(
            "update wallet.transactions set created_at = '2024-05-01 22:30+00' where id <= %s and wallet_id = %s",
            [transaction["id"], alice.account["wallet_id"]],
        )
    for offset, shown in (("", False), ("120", True), ("nonsense", False), ("9999", False), ("-60", False)):
        browser.open(f"/history?from=2024-05-02&from_offset={offset}&to=2024-05-02")
        assert browser.status == 200
        assert ("at night" in browser.page.text) is shown
    for offset, shown in (("", True), ("120", False), ("-600", True)):
        browser.open(f"/history?from=2024-05-01&to=2024-05-01&to_offset={offset}")
        assert ("at night" in browser.page.text) is shown


@pytest.mark.parametrize("cursor", ["x", "MA", "%F0%9F%92%A3"])
def test_a_cursor_of_nobody_is_refused(browser: Browser, cursor: str) -> None:
    for path in ("/history", "/holds"):
        assert browser.open(f"{path}?cursor={cursor}").status == 422


def test_whoever_has_no_such_wallet_is_told(browser: Browser) -> None:
    for path in ("/", "/history", "/holds", "/spend", "/statement"):
        assert browser.open(f"{path}?asset=USD").status == 404
        assert "You have no USD wallet yet." in browser.page.text
        assert browser.open(f"{path}?asset=%3Cb%3E").status == 200


# one transaction


@pytest.mark.one_database("in another one the recipient's transaction has a number and id of its own")
def test_both_sides_see_a_transfer(service: Service, browser: Browser, alice: User, bob: User) -> None:
    sent = {"txn_id": str(uuid4()), "amount": 5, "to_username": bob.username, "metadata": {"a": "<b>"}}
    transaction = data(alice.post("/api/wallet/transfer", json=sent), 201)
    browser.open(f"/transactions/{transaction['id']}")
    assert browser.page.titles == [f"To {bob.username}"]
    assert '{"a": "<b>"}' in browser.page.text
    with Browser(service, bob) as other:
        other.open(f"/transactions/{transaction['id']}")
        assert other.page.titles == [f"From {alice.username}"]
        other.send("receipt")
        assert "exactly as it was" in other.page.alerts[0]


def test_a_transaction_is_for_those_whom_it_concerns(browser: Browser, bob: User) -> None:
    transaction = data(bob.spend(1), 201)
    for number in (transaction["id"], 2**53 - 1):
        assert browser.open(f"/transactions/{number}").status == 404
    for number in (f"0{transaction['id']}", 0, 2**63, "x"):
        assert browser.open(f"/transactions/{number}").status in {404, 422}


def test_a_receipt_is_checked(browser: Browser, alice: User) -> None:
    transaction = data(alice.spend(1), 201)
    browser.open(f"/transactions/{transaction['id']}")
    assert browser.page.form("receipt").fields["receipt"] == ""
    assert transaction["receipt"] in browser.page.text
    assert browser.page.alerts == []
    browser.send("receipt")
    assert "exactly as it was" in browser.page.alerts[0]
    browser.send("receipt", receipt=f" {transaction['receipt'].upper()} ")
    assert "exactly as it was" in browser.page.alerts[0]
    browser.send("receipt", receipt="0" * 64)
    assert "not that of the entry on record" in browser.page.alerts[0]
    browser.send("receipt", receipt="my receipt")
    assert browser.status == 422
    assert "A receipt has 64 characters" in browser.page.alerts[0]
    assert browser.page.form("receipt").fields["receipt"] == "my receipt"
    assert transaction["receipt"] in browser.page.text


def test_what_was_changed_later_is_told(database: Database, tmp_path: Path) -> None:
    with (
        serve(database.api_url, tmp_path) as service,
        closing(User(service)) as user,
        Browser(service, user) as browser,
    ):
        transaction = data(user.spend(1, reference="paid"), 201)
        with database.connect() as superuser, superuser.transaction():
            superuser.execute("set local session_replication_role = replica")
            superuser.execute(
                "update wallet.transaction_details set reference = 'gift' where transaction_id = %s",
                [transaction["id"]],
            )
        browser.open(f"/transactions/{transaction['id']}").send("receipt")
        assert "was changed after the receipt was given" in browser.page.alerts[0]


def test_a_payment_is_refunded_in_parts(browser: Browser, alice: User) -> None:
    spent = data(alice.spend(100), 201)
    browser.open(f"/transactions/{spent['id']}")
    form = browser.page.form("amount")
    assert form.fields["amount"] == "100"
    assert "This service lets owners do that themselves." in browser.page.text
    for _ in range(2):
        browser.submit(form, amount="30", reference="half of it was cold")
        assert browser.page.titles == ["Refund"]
        assert "Balance after it: 930 UC" in browser.page.alerts[0]
    browser.open(f"/transactions/{spent['id']}")
    assert browser.page.form("amount").fields["amount"] == "70"
    browser.send("amount", amount="71", reference="kept")
    assert browser.status == 422
    assert "At most 70 UC of this payment can still be refunded." in browser.page.alerts[0]
    assert browser.page.form("amount").fields["reference"] == "kept"
    browser.send("amount", amount="70")
    assert alice.balance() == 1_000
    assert "This payment was refunded in full." in browser.open(f"/transactions/{spent['id']}").page.text
    # the form from before is what it was: a request that is on record
    browser.submit(form, amount="30", reference="half of it was cold")
    assert browser.page.titles == ["Refund"]
    browser.submit(form, amount="29")
    assert browser.status == 409
    assert "+30 UC" in browser.page.alerts[0]


def test_what_is_no_payment_is_not_refunded(browser: Browser, alice: User) -> None:
    transaction = data(alice.topup(1), 201)
    browser.open(f"/transactions/{transaction['id']}")
    assert [form for form in browser.page.forms if "amount" in form.fields] == []


@pytest.mark.parametrize("reference", [HOSTILE.strip(), "\u5bbd" * 256, "</title><script>alert(1)</script>", "\u202e"])
def test_whatever_it_is_called_it_breaks_nothing(browser: Browser, alice: User, reference: str) -> None:
    transaction = data(alice.spend(1, reference=reference), 201)
    held = str(uuid4())
    data(alice.post("/api/wallet/holds", json={"txn_id": held, "amount": 1, "reference": reference}), 201)
    places = ("/", "/history", f"/transactions/{transaction['id']}", "/holds", f"/holds/{held}")
    for path in (*places, "/statement/print?from=2020-01-01&to=2099-01-01"):
        browser.open(path)
        assert browser.status == 200
        assert " ".join(reference.split()) in browser.page.text
        assert "<script>alert" not in browser.answer.text
        assert "<img src=x" not in browser.answer.text
