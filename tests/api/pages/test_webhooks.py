"""Webhooks on the console: each is made, changed, tested, paused, replayed and deleted by forms with a review."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg
import pytest
import standardwebhooks

from tests.api.pages.browser import Browser, Page
from tests.api.pages.places import HOSTILE
from tests.api.pages.test_watch import table
from tests.api.receiver import Receiver
from tests.api.service import PASSWORD, Service, User, data, serve
from tests.database import Database

URL = "https://example.com/pgwallet?key=of-the-receiver"


@pytest.fixture(autouse=True)
def no_others(service_database: Database) -> None:
    with service_database.connect() as administrator:
        administrator.execute("delete from wallet.webhooks")


@pytest.fixture
def console(service: Service, operator: User) -> Iterator[Browser]:
    """An operator's browser."""
    with closing(Browser(service)) as browser:
        browser.sign_in(operator.username)
        yield browser


@pytest.fixture
def database(service_database: Database) -> Iterator[psycopg.Connection]:
    """An administrator's connection."""
    with service_database.connect() as connection:
        yield connection


def made(operator: User, **more: object) -> dict[str, Any]:
    return data(operator.post("/api/operator/webhooks", json={"url": URL, **more}), 201)


def now(operator: User, webhook: dict[str, Any]) -> dict[str, Any]:
    return data(operator.get(f"/api/operator/webhooks/{webhook['id']}"))


def at(console: Browser, webhook: dict[str, Any], *more: str) -> Page:
    return console.open("/".join(["/operator/webhooks", webhook["id"], *more]))


def done(page: Page, button: str) -> Page:
    """Type the password in a review, and press its button."""
    return page.form(button).send(button, password=PASSWORD)


def test_one_is_made_in_two_steps_and_its_secret_is_shown_once(console: Browser, operator: User, alice: User) -> None:
    form = console.open("/operator/webhooks").follow("Make a webhook").form("Continue")
    wallet = alice.account["wallet_id"]
    review = form.send(
        url=URL,
        description="receipts",
        asset="UC",
        wallet_id=wallet,
        batch_size="20",
        start="now",
        **{"type.transaction.topup": "on", "type.hold.expired": "on"},
    )
    assert "hold.expired, transaction.topup" in review
    assert "What happens from now on" in review
    assert data(operator.get("/api/operator/webhooks"))["items"] == []
    page = done(review, "Make it")
    assert page.title == "The webhook is made"
    (secret,) = [one.text for one in page.root.walk() if one["id"] == "secret"]
    standardwebhooks.Webhook(secret)
    (webhook,) = data(operator.get("/api/operator/webhooks"))["items"]
    assert (webhook["url"], webhook["description"], webhook["asset"]) == (URL, "receipts", "UC")
    assert (webhook["types"], webhook["wallet_id"]) == (["hold.expired", "transaction.topup"], wallet)
    assert (webhook["batch_size"], webhook["actor"]) == (20, operator.account["id"])
    shown = page.follow("To the webhook")
    assert secret not in shown.html
    assert shown.facts["Address"] == URL
    # the same form once more, as by a double click or a lost answer
    again = done(review, "Make it")
    assert secret in again.text
    assert data(operator.get("/api/operator/webhooks"))["items"] == [webhook]
    # another form makes another one
    other = console.open("/operator/webhooks/new").form("Continue").send(url=URL, batch_size="1", start="beginning")
    assert secret not in done(other, "Make it").text
    assert [one["position"] for one in data(operator.get("/api/operator/webhooks"))["items"]] == [
        0,
        webhook["position"],
    ]


def test_what_was_typed_wrong_is_kept_and_told(console: Browser) -> None:
    form = console.open("/operator/webhooks/new").form("Continue")
    typed = {"url": "ftp://example.com", "batch_size": "20", "description": HOSTILE, "wallet_id": "x"}
    for wrong, field in (
        ({}, "url"),
        ({"url": URL, "batch_size": "101"}, "batch_size"),
        ({"url": URL}, "wallet_id"),
        ({"url": "https://user:word@example.com/", "wallet_id": ""}, "url"),
    ):
        page = form.send(start="now", **(typed | wrong), **{"type.user.erased": "on"})
        assert page.status == 422
        assert list(page.mistakes) == [field]
        fields = page.form("Continue").fields
        assert fields["description"] == HOSTILE
        assert fields["url"] == (typed | wrong)["url"]
        assert fields["type.user.erased"] == "on"
        assert "type.user.signed_up" not in fields
    page = form.send(url=URL, batch_size="1")
    assert list(page.mistakes) == ["start"]


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://10.1.2.3/", "leads to an address that is not public"),
        ("https://[::ffff:10.0.0.1]/", "leads to an address that is not public"),
        ("http://192.0.2.7:8080/x", "leads to an address outside PGWALLET_WEBHOOK_NETWORKS"),
        ("http://1.1.1.1/", "leads to an address outside PGWALLET_WEBHOOK_NETWORKS"),
    ],
)
def test_where_no_delivery_gets_is_told_at_the_form(console: Browser, operator: User, url: str, told: str) -> None:
    page = console.open("/operator/webhooks/new").form("Continue").send(url=url, batch_size="1", start="now")
    assert page.status == 422
    assert told in page.mistakes["url"]
    page = at(console, made(operator), "change").form("Continue").send(url=url)
    assert told in page.mistakes["url"]


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/", "https://[::1]/", "https://1.1.1.1/", "http://a.example/"])
def test_where_a_delivery_can_get_is_not_refused(console: Browser, url: str) -> None:
    page = console.open("/operator/webhooks/new").form("Continue").send(url=url, batch_size="1", start="beginning")
    assert page.status == 200
    assert "all these events that ever happened" in page
    assert "when they happen, from now on" not in page


def test_why_it_fails_is_shown_beside_it(console: Browser, operator: User, database: psycopg.Connection) -> None:
    webhook = made(operator)
    insert = (
        "insert into wallet.webhook_deliveries"
        " (webhook_id, first_event_id, last_event_id, events, attempt, outcome, status, error, milliseconds)"
        " values (%s, 1, 1, 1, 1, 'failed', %s, %s, 7)"
    )
    database.execute("update wallet.webhooks set failures = 1, last_failure_at = now() where id = %s", [webhook["id"]])
    for status, error, told in (
        (None, HOSTILE, HOSTILE[:6]),
        (500, None, "the receiver answered with HTTP status 500"),
    ):
        database.execute(insert, [webhook["id"], status, error])
        for page in (console.open("/operator/webhooks"), at(console, webhook)):
            assert f"The last delivery failed: {told}" in page
    database.execute("update wallet.webhooks set failures = 0 where id = %s", [webhook["id"]])
    assert "The last delivery failed" not in at(console, webhook)


def test_no_step_without_the_password(console: Browser, operator: User) -> None:
    webhook = made(operator)
    for what, button in (
        *(("delete", "Delete"), ("secret", "Make another secret"), ("test", "Test it")),
        *(("resume", "Resume"), ("dead-letters/retry", "Deliver all again")),
    ):
        page = at(console, webhook, what).form(button).send(password="")
        assert page.status == 422, what
        assert page.mistakes == {"password": "Type your password."}
    form = at(console, webhook, "pause").form("Continue").send(reason="a while").form("Pause")
    page = form.send("Pause", password="wrong")
    assert page.status == 403
    assert "Your current password is not right." in page
    assert page.form("Pause").fields["reason"] == "a while"
    assert now(operator, webhook) == {name: value for name, value in webhook.items() if name != "secret"}


def test_a_change_shows_what_changes_and_sees_what_others_changed(console: Browser, operator: User) -> None:
    webhook = made(operator, description="old", types=["user.erased", "hold.opened"])
    form = at(console, webhook).follow("Change it").form("Continue")
    assert {name for name in form.fields if name.startswith("type.")} == {"type.user.erased", "type.hold.opened"}
    assert "This changes nothing." in form.send()
    del form.fields["type.user.erased"]
    review = form.send(description="new", asset="USD")
    assert review.facts == {
        "Description": "old → new",
        "Events": "hold.opened, user.erased → hold.opened",
        "Only of this money": "All → USD",
    }
    operator.put(f"/api/operator/webhooks/{webhook['id']}", json={"url": URL, "description": "theirs"})
    refused = done(review, "Change it")
    assert refused.status == 422
    assert "Somebody changed this webhook meanwhile." in refused
    assert now(operator, webhook)["description"] == "theirs"
    fields = refused.form("Continue").fields
    assert (fields["description"], fields["asset"], fields["type.hold.opened"]) == ("new", "USD", "on")
    page = done(refused.form("Continue").send(), "Change it")
    assert "The webhook is changed." in page
    changed = now(operator, webhook)
    assert (changed["description"], changed["asset"], changed["types"]) == ("new", "USD", ["hold.opened"])


def test_it_is_paused_and_goes_on(console: Browser, operator: User) -> None:
    webhook = made(operator)
    page = done(at(console, webhook).follow("Pause").form("Continue").send(reason=HOSTILE), "Pause")
    assert "The webhook is paused." in page
    assert HOSTILE.split("\u202e")[0] in page.text
    assert (now(operator, webhook)["status"], now(operator, webhook)["pause_reason"]) == ("paused", HOSTILE)
    assert "The webhook goes on." in done(page.follow("Resume"), "Resume")
    assert now(operator, webhook)["status"] == "active"


@pytest.mark.one_database(reason="each database records it")
def test_another_secret_is_made_once_however_often_the_form_is_sent(console: Browser, operator: User) -> None:
    webhook = made(operator)
    form = at(console, webhook).follow("Make another secret").form("Make another secret")
    first = form.send(password=PASSWORD)
    second = form.send(password=PASSWORD)
    secrets = [next(one.text for one in page.root.walk() if one["id"] == "secret") for page in (first, second)]
    assert secrets[0] == secrets[1] != webhook["secret"]
    audit = data(operator.get("/api/operator/audit", params={"action": "webhook_secret"}))["items"]
    assert [row["webhook_id"] for row in audit].count(webhook["id"]) == 1
    assert "signs, too, until" in first


@pytest.mark.parametrize("status", [200, 500])
def test_a_test_tells_what_the_receiver_makes_of_it(
    console: Browser, operator: User, receiver: Receiver, status: int
) -> None:
    receiver.status, receiver.body = status, HOSTILE.encode()
    webhook = made(operator, url=receiver.url)
    page = done(at(console, webhook).follow("Test it"), "Test it")
    told = "The receiver took the event." if status == 200 else "The receiver did not take the event."
    assert told in page
    assert page.facts["HTTP status"] == str(status)
    assert len(receiver.taken) == 1


@pytest.mark.one_database(reason="a position is of one database")
def test_events_are_delivered_again_from_the_beginning_or_after_one(
    console: Browser, operator: User, alice: User
) -> None:
    event = int(data(alice.topup(), 201)["id"])
    webhook = made(operator)
    form = at(console, webhook).follow("Deliver again").form("Continue")
    assert list(form.send(**{"from": "number", "after": "-1"}).mistakes) == ["after"]
    assert list(form.send(**{"from": "number", "after": ""}).mistakes) == ["after"]
    review = form.send(**{"from": "number", "after": str(event)})
    assert f"Everything after event {event} is delivered again." in review
    assert "Its events are delivered again." in done(review, "Deliver again")
    assert now(operator, webhook)["position"] == event
    ahead = done(form.send(**{"from": "number", "after": str(event + 10**9)}), "Deliver again")
    assert ahead.status == 422
    assert ahead.form("Continue").fields["after"] == str(event + 10**9)
    done(form.send(**{"from": "beginning"}), "Deliver again")
    assert now(operator, webhook)["position"] == 0


@pytest.mark.one_database(reason="it writes dead letters beside the service, which are then in each database")
def test_what_was_given_up_is_delivered_again(console: Browser, operator: User, database: psycopg.Connection) -> None:
    webhook = made(operator)
    database.execute(
        "insert into wallet.webhook_dead_letters (webhook_id, event_id, attempts, first_at, last_at, error)"
        " select %s, n, 20, now(), now(), %s from generate_series(1, 60) n",
        [webhook["id"], HOSTILE],
    )
    page = at(console, webhook).follow("60")
    rows = table(page, "Given up")
    assert len(rows) == 50
    assert rows[0][0] == "60"
    assert len(table(page.follow("Older"), "Given up")) == 10
    page = done(page.follow("Deliver this again"), "Deliver this again")
    assert "What was given up is delivered again." in page
    assert table(page, "Given up")[0][0] == "59"
    assert done(at(console, webhook, "dead-letters/60/retry"), "Deliver this again").status == 404
    done(page.follow("Deliver all again"), "Deliver all again")
    assert (now(operator, webhook)["dead_letters"], now(operator, webhook)["backlog"]) == (0, 60)
    assert "Nothing was given up." in at(console, webhook, "dead-letters")


@pytest.mark.one_database(reason="it writes deliveries beside the service, which are then in each database")
def test_deliveries_are_read_a_page_at_a_time(console: Browser, operator: User, database: psycopg.Connection) -> None:
    webhook = made(operator)
    database.execute(
        "insert into wallet.webhook_deliveries"
        " (webhook_id, first_event_id, last_event_id, events, attempt, outcome, status, error, milliseconds, answer)"
        " select %s, n, n + 2, 3, 1, case n when 60 then 'failed' else 'delivered' end, 200, null, 7, %s"
        " from generate_series(1, 60) n",
        [webhook["id"], HOSTILE],
    )
    page = at(console, webhook).follow("Deliveries")
    rows = table(page, "Deliveries")
    assert (rows[0][0], *rows[0][2:5]) == ("Failed", "60\u201362 (3)", "1", "7 ms")
    assert rows[1][0] == "Delivered"
    assert len(table(page.follow("Older"), "Deliveries")) == 10
    assert "data-poll" not in page.follow("Older").root.all("body")[0].attributes


def test_one_is_deleted_once(console: Browser, operator: User) -> None:
    webhook = made(operator)
    form = at(console, webhook).follow("Delete").form("Delete")
    for _ in range(2):
        page = form.send(password=PASSWORD)
        assert page.path == "/operator/webhooks?done=deleted"
        assert "The webhook is deleted." in page
    assert at(console, webhook).status == 404


@pytest.mark.one_database(reason="it writes dead letters beside the service, which are then in each database")
def test_the_list_tells_how_each_is(console: Browser, operator: User, database: psycopg.Connection) -> None:
    webhook = made(operator, description=HOSTILE)
    database.execute(
        "insert into wallet.webhook_dead_letters (webhook_id, event_id, attempts, first_at, last_at)"
        " values (%s, 1, 20, now(), now())",
        [webhook["id"]],
    )
    page = console.open("/operator/webhooks")
    assert "1 events were given up" in page
    assert page.follow(HOSTILE.split("\u202e")[0][:12]).path == f"/operator/webhooks/{webhook['id']}"


def test_without_a_key_none_is_made_and_the_reason_is_told(
    service_database: Database, operator: User, tmp_path: Any
) -> None:
    with (
        serve(service_database.api_url, tmp_path, PGWALLET_WEBHOOK_KEY="") as service,
        closing(Browser(service)) as one,
    ):
        one.sign_in(operator.username)
        review = one.open("/operator/webhooks/new").form("Continue").send(url=URL, batch_size="1", start="now")
        page = done(review, "Make it")
        assert page.status == 409
        assert "This service is not set up for webhooks." in page
        assert page.form("Continue").fields["url"] == URL
