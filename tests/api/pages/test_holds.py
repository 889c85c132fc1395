"""What is reserved: the list, and one reservation with what can be done with it."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from tests.api.pages.owner import Browser
from tests.api.service import Service, User, data
from tests.database import Database


@pytest.fixture
def browser(service: Service, alice: User) -> Iterator[Browser]:
    with Browser(service, alice) as found:
        yield found


def reserve(user: User, amount: int = 300, **more: object) -> str:
    txn_id = str(uuid4())
    data(user.post("/api/wallet/holds", json={"txn_id": txn_id, "amount": amount, **more}), 201)
    return txn_id


def test_the_whole_of_it_is_paid_once(browser: Browser, alice: User) -> None:
    txn_id = reserve(alice, reference="hotel")
    browser.open(f"/holds/{txn_id}")
    form = browser.page.form("do", do="capture")
    assert form.fields["amount"] == "300"
    for _ in range(2):
        browser.submit(form)
        assert browser.page.titles == ["Reserved payment"]
        assert "Balance after it: 700 UC" in browser.page.alerts[0]
    assert browser.page.links["See what it was paid from"].startswith(f"/holds/{txn_id}")
    assert alice.balance() == 700
    browser.open(f"/holds/{txn_id}")
    assert browser.page.titles == ["Reservation Paid"]
    assert [form for form in browser.page.forms if "do" in form.fields] == []


def test_a_part_is_paid_and_the_rest_released(browser: Browser, alice: User) -> None:
    txn_id = reserve(alice)
    browser.open(f"/holds/{txn_id}")
    browser.submit(browser.page.form("do", do="capture"), amount="100", reference="breakfast")
    assert "breakfast" in browser.page.text
    browser.open(f"/holds/{txn_id}")
    assert "Still reserved 200 UC" in browser.page.text
    browser.submit(browser.page.form("do", do="capture"), amount="50", final="1")
    assert browser.open(f"/holds/{txn_id}").page.titles == ["Reservation Paid"]
    assert (alice.balance(), browser.available()) == (850, 850)


def test_it_is_released_once(browser: Browser, alice: User) -> None:
    txn_id = reserve(alice)
    browser.open(f"/holds/{txn_id}")
    form = browser.page.form("do", do="release")
    for _ in range(2):
        browser.submit(form)
        assert browser.page.titles == ["Reservation Released"]
        assert "the money is free again. Available after it: 1,000 UC" in browser.page.alerts[0]
    assert "Released 300 UC" in browser.page.text


def test_a_message_is_shown_while_it_is_true(browser: Browser, alice: User) -> None:
    paid, released = reserve(alice), reserve(alice)
    for txn_id in (paid, released):
        assert "Reserved. Available" in browser.open(f"/holds/{txn_id}?done=hold").page.alerts[0]
        assert browser.page.links["Back to the wallet"] == "/?asset=UC"
        assert browser.open(f"/holds/{txn_id}?done=void").page.alerts == []
    browser.open(f"/holds/{paid}")
    browser.submit(browser.page.form("do", do="capture"), amount="1")
    browser.open(f"/holds/{released}")
    browser.submit(browser.page.form("do", do="release"))
    for txn_id in (paid, released):
        assert browser.open(f"/holds/{txn_id}?done=hold").page.alerts == []
    assert "Back to the wallet" not in browser.page.links


def test_out_of_a_frozen_wallet_nothing_is_paid(browser: Browser, alice: User, operator: User) -> None:
    txn_id = reserve(alice)
    frozen = {"status": "frozen", "reason": "a test"}
    assert operator.post(f"/api/operator/wallets/{alice.account['wallet_id']}/status", json=frozen).status_code == 200
    browser.open(f"/holds/{txn_id}")
    assert "This wallet is frozen" in browser.page.text
    assert [one.fields["do"] for one in browser.page.forms if "do" in one.fields] == ["release"]


def test_two_forms_of_a_page_are_two_requests(browser: Browser, alice: User) -> None:
    browser.open(f"/holds/{reserve(alice)}")
    ids = {browser.page.form("do", do=what).fields["txn_id"] for what in ("capture", "release")}
    assert len(ids) == 2


@pytest.mark.parametrize(
    ("amount", "status", "told"),
    [
        ("301", 422, "Only 300 UC of the reservation are left; 301 UC were asked for."),
        ("x", 422, "in digits"),
        ("", 422, "Type an amount."),
    ],
)
def test_too_much_is_refused_and_kept(browser: Browser, alice: User, amount: str, status: int, told: str) -> None:
    browser.open(f"/holds/{reserve(alice)}")
    form = browser.page.form("do", do="capture")
    browser.submit(form, amount=amount, reference="room", final="1")
    assert browser.status == status
    assert told in browser.page.alerts[0]
    kept = browser.page.form("do", do="capture").fields
    assert kept == {**form.fields, "amount": amount, "reference": "room", "final": "1"} | {
        "_csrf_token": kept["_csrf_token"]
    }
    assert alice.balance() == 1_000


def test_what_has_ended_says_how(browser: Browser, alice: User, service_database: Database) -> None:
    txn_id = reserve(alice)
    browser.open(f"/holds/{txn_id}")
    capture, release = (browser.page.form("do", do=what) for what in ("capture", "release"))
    browser.submit(release)
    browser.submit(capture)
    assert browser.status == 409
    assert "This reservation was cancelled" in browser.page.alerts[0]
    expired = reserve(alice)
    with service_database.connect() as administrator:
        administrator.execute("set session_replication_role = replica")
        administrator.execute(
            "update wallet.holds set created_at = created_at - interval '1 year', "
            "expires_at = expires_at - interval '1 year' where txn_id = %s",
            [expired],
        )
    browser.open(f"/holds/{expired}")
    assert browser.page.titles == ["Reservation Expired"]


def test_a_changed_form_shows_what_it_did(browser: Browser, alice: User) -> None:
    browser.open(f"/holds/{reserve(alice)}")
    form = browser.page.form("do", do="capture")
    browser.submit(form, amount="10")
    browser.submit(form, amount="20")
    assert browser.status == 409
    assert "-10 UC" in browser.page.alerts[0].replace("\u2212", "-")
    browser.send("again")
    browser.submit(browser.page.form("do", do="capture"))
    assert alice.balance() == 970


def test_the_list_goes_on_page_by_page(browser: Browser, alice: User) -> None:
    for number in range(23):
        reserve(alice, 1, reference=f"night {number}")
    browser.open("/holds")
    assert "night 22" in browser.page.text
    assert "night 2 " not in browser.page.text
    browser.open(browser.page.links["Older"])
    assert "night 2 " in browser.page.text
    assert "night 22" not in browser.page.text
    assert "Older" not in browser.page.links
    browser.open(browser.page.links["Back to the newest"])
    assert "night 22" in browser.page.text


def test_the_list_has_those_of_one_status(browser: Browser, alice: User) -> None:
    assert "Nothing was reserved yet." in browser.open("/holds").page.text
    ended = reserve(alice, 1, reference="ended")
    reserve(alice, 1, reference="goes on")
    data(alice.post(f"/api/wallet/holds/{ended}/void", json={"txn_id": str(uuid4())}), 201)
    browser.open("/holds?status=voided")
    assert "ended" in browser.page.text
    assert "goes on" not in browser.page.text
    assert "There is no such reservation." in browser.open("/holds?status=captured").page.text
    assert "goes on" in browser.open("/holds?status=whatever").page.text


def test_a_reservation_is_its_owners_alone(browser: Browser, bob: User) -> None:
    for txn_id in (reserve(bob), str(uuid4())):
        browser.open(f"/holds/{txn_id}")
        assert browser.status == 404
        assert "This reservation does not exist." in browser.page.text


@pytest.mark.parametrize("what", ["", "both"])
def test_a_form_that_says_neither_pays_nothing(browser: Browser, alice: User, what: str) -> None:
    txn_id = reserve(alice)
    browser.open(f"/holds/{txn_id}")
    browser.submit(browser.page.form("do", do="capture"), do=what)
    assert browser.status == 400
    assert alice.balance() == 1000
