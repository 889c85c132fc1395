"""What operators watch on the console: the service now, whether the books balance, and verifications."""

import re
from collections.abc import Iterator
from contextlib import closing
from uuid import uuid4

import psycopg
import pytest

from api.pages.words import load
from tests.api.pages.browser import Browser, Page
from tests.api.routes.test_verifications import RUNS, finished, held
from tests.api.service import PASSWORD, Service, User, data, serve
from tests.command import wait_until
from tests.database import Database


@pytest.fixture(scope="module")
def service_database(module_database: Database) -> Database:
    """One of their own: other tests change what is recorded, and a verification finds it."""
    return module_database


@pytest.fixture(scope="module")
def service(service_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service of these tests."""
    with serve(service_database.api_url, tmp_path_factory.mktemp("service")) as running:
        yield running


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


def table(page: Page, name: str) -> list[list[str]]:
    """The rows of the table that has this name, without its head."""
    (region,) = [one for one in page.root.walk() if one["role"] == "region" and one["aria-label"] == name]
    return [[cell.text for cell in row.all("td", "th")] for row in region.all("tr")[1:]]


@pytest.mark.parametrize("path", ["activity", "trial-balance", "verifications", "verifications/start", "webhooks"])
def test_they_are_for_operators_alone(service: Service, alice: User, path: str) -> None:
    with closing(Browser(service)) as browser:
        asked = browser.open(f"/operator/{path}")
        assert asked.path.startswith("/sign-in?next=%2Foperator%2F")
        assert browser.sign_in(alice.username, to=f"/operator/{path}").status == 403


def test_activity_counts_what_is_done_and_refused(console: Browser, alice: User) -> None:
    txn_id = str(uuid4())
    alice.topup(7)
    alice.post("/api/wallet/holds", json={"txn_id": txn_id, "amount": 2})
    alice.post(f"/api/wallet/holds/{txn_id}/void", json={"txn_id": str(uuid4())})
    alice.spend(1_000_000)

    def found() -> list[list[str]]:
        page = console.open("/operator/activity")
        names = ("What was done, by kind", "Refusals by code")
        told = [row for name in names if f'aria-label="{name}"' in page.html for row in table(page, name)]
        kinds = ("Top-up", "Reservation", "Release of a reservation")
        return [row for row in told if row[0] in kinds or row[0].endswith("WA003")]

    wait_until(lambda: len(found()) == 4)
    (*done, refusals) = found()
    topups = next(row for row in done if row[0] == "Top-up")
    assert int(topups[2].replace(",", "")) >= 1
    assert refusals[0] == "There is not enough money available for this. WA003"
    assert float(refusals[1].replace(",", "")) >= 0


def test_activity_draws_lines_with_a_table_of_the_same(console: Browser) -> None:
    wait_until(lambda: console.open("/operator/activity").root.all("svg"))
    page = console.open("/operator/activity")
    assert page.title == "The service now"
    assert page.root.all("body")[0]["data-poll"]
    assert page.links["Reload"] == "/operator/activity"
    assert page.facts["Webhooks"] == "Everything is delivered"
    assert page.facts["Open reservations"].replace(",", "").isdigit()
    charts = page.root.all("svg")
    assert len(charts) == 5
    for chart in charts:
        assert re.fullmatch(r".+: [\d.,]+ now, [\d.,]+ at most", chart["aria-label"])
        assert all(re.fullmatch(r"[MHVZ\d. e-]+", path["d"]) for path in chart.all("path"))
    rows = table(page, "These lines as a table")
    assert rows[0][0] == "Now"
    assert all(len(row) == 6 for row in rows)


def test_activity_names_every_place_and_pool(console: Browser) -> None:
    page = console.open("/operator/activity")
    wait_until(lambda: len(table(console.open("/operator/activity"), "Who waits")) == 7)
    page = console.open("/operator/activity")
    assert ["Payments that share a transaction", "0"] in table(page, "Who waits")
    assert len(table(page, "Database connections")) == 6


def test_the_trial_balance_says_that_the_books_balance(console: Browser, alice: User) -> None:
    alice.topup(11)
    page = console.open("/operator/trial-balance").form("Add it up").send(asset="UC")
    assert "The books balance: all accounts add up to zero." in page
    rows = {row[0]: row[1:] for row in table(page, "Trial balance")}
    assert rows["Sum"][3] == "0 UC"
    assert rows["Sum"][1] == rows["Sum"][2]
    assert rows["Money paid in"][3].startswith("\u2212")
    assert rows["All users' wallets"][3].startswith("+")


def test_the_trial_balance_of_a_day_and_what_cannot_be(console: Browser) -> None:
    page = console.open("/operator/trial-balance?asset=UC&to=2000-01-01")
    assert page.status == 200
    assert {row[1] for row in table(page, "Trial balance")} == {"0"}
    future = console.open("/operator/trial-balance?asset=UC&to=9999-01-01")
    assert future.status == 422
    assert future.mistakes["to"] == "This time is in the future."
    assert future.form("Add it up").fields["to"] == "9999-01-01"
    assert console.open("/operator/trial-balance?asset=XYZ").status == 422
    assert "asset" in console.open("/operator/trial-balance?asset=XYZ").mistakes
    assert console.open("/operator/trial-balance?asset=UC&to=yesterday").status == 422


def test_books_that_do_not_balance_are_said_so(console: Browser, alice: User, database: psycopg.Connection) -> None:
    alice.topup(5)
    database.execute("set session_replication_role = replica")
    change = "update wallet.ledger set amount = amount + %s where wallet_id = %s and seq = 2"
    database.execute(change, [3, alice.account["wallet_id"]])
    try:
        page = console.open("/operator/trial-balance?asset=UC")
    finally:
        database.execute(change, [-3, alice.account["wallet_id"]])
    assert "The books do not balance: all accounts add up to +3 UC." in page
    assert page.follow("Start a verification").title == "Start a verification"


def test_every_rule_has_a_word(database: psycopg.Connection) -> None:
    rules = {rule for (rule,) in database.execute("select unnest(wallet.verification_rules())")}
    assert rules == set(vars(load().rule))


@pytest.mark.one_database(reason="it follows one run step by step, and several databases begin one each")
def test_a_verification_is_started_with_the_password_and_followed(
    console: Browser, operator: User, database: psycopg.Connection
) -> None:
    form = console.open("/operator/verifications").follow("Start a verification").form("Start now")
    for password, status, told in (("", 422, "Type your password."), ("wrong", 403, "Your current password")):
        again = form.send(password=password)
        assert again.status == status
        assert told in again
    before = data(operator.get(RUNS))["items"][:1]
    with held(database):
        page = again.form("Start now").send(password=PASSWORD)
        assert re.fullmatch(r"/operator/verifications/\d+", page.path)
        wait_until(lambda: "Step 5 of 11: what counts against limits." in console.open(page.path))
        running = console.open(page.path)
        assert running.root.all("body")[0]["data-poll"]
        assert float(running.root.all("progress")[0]["value"]) == 4
        assert "Step 5 of 11" in console.open("/operator/verifications")
        assert "Start a verification" not in console.open("/operator/verifications")
        # pressed twice: both lead to the one that runs
        twice = form.send(password=PASSWORD)
        assert twice.path == f"{page.path}?already=1"
        assert "A verification was running already" in twice
    run_id = int(page.path.rpartition("/")[2])
    finished(operator, run_id)
    done = console.open(page.path)
    assert "data-poll" not in done.root.all("body")[0].attributes
    assert "Everything was found to be as it was written." in done
    assert done.facts["Started by"] == operator.username
    assert [run["id"] for run in data(operator.get(RUNS))["items"][:2]] == [run_id, *(run["id"] for run in before)]


def test_what_was_found_is_listed_with_where_it_is(
    console: Browser, operator: User, alice: User, database: psycopg.Connection
) -> None:
    alice.topup(5)
    database.execute("set session_replication_role = replica")
    change = "update wallet.ledger set amount = amount + %s where wallet_id = %s and seq = 2"
    database.execute(change, [1, alice.account["wallet_id"]])
    try:
        page = console.open("/operator/verifications/start").form("Start now").send(password=PASSWORD)
        finished(operator, int(page.path.rpartition("/")[2]))
    finally:
        database.execute(change, [-1, alice.account["wallet_id"]])
    page = console.open(page.path)
    assert "The ledger contradicts itself." in page
    assert "hash" in [row[0] for row in table(page, "What was found")]
    assert page.follow("Wallet").path == f"/operator/wallets/{alice.account['wallet_id']}"
    (newest, *_) = table(console.open("/operator/verifications?of=all"), "All results")
    assert newest[1] == page.root.all("h2")[0].text


def test_verifications_are_read_a_page_at_a_time(
    console: Browser, operator: User, database: psycopg.Connection
) -> None:
    database.execute(
        "insert into wallet.verification_runs (actor, holder, error)"
        " select %s, 1, 'the service was stopped' from generate_series(1, 60)",
        [operator.account["id"]],
    )
    first = console.open("/operator/verifications")
    second = first.follow("Older")
    assert len(second.root.all("ol")[0].all("li")) >= 10
    assert "Interrupted" in first
    assert second.follow("Back to the first page").path == "/operator/verifications"
    interrupted = console.open("/operator/verifications").follow("Started by")
    assert "It ended without a result" in interrupted
    assert "the service was stopped" in interrupted
    assert console.open("/operator/verifications/999999999").status == 404
    assert console.open("/operator/verifications?cursor=x").status == 422


def test_the_record_says_who_started_one(console: Browser, operator: User) -> None:
    page = console.open("/operator/verifications/start").form("Start now").send(password=PASSWORD)
    finished(operator, int(page.path.rpartition("/")[2]))
    record = console.open("/operator/audit?action=verify")
    assert f"{operator.username} started a verification" in record, record.text
