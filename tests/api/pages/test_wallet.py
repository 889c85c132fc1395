"""The first page, wallets for other money, statements, and what is live."""

import csv
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from uuid import uuid4

import httpx
import pytest

from api.pages.charts import steps
from tests.api.pages.owner import Browser
from tests.api.pages.test_history import many
from tests.api.service import Service, User, data
from tests.database import Database


@pytest.fixture
def browser(service: Service, alice: User) -> Iterator[Browser]:
    with Browser(service, alice) as found:
        yield found


def days(first: int, last: int) -> dict[str, str]:
    today = datetime.now(UTC).date()
    return {"from_": f"{today + timedelta(days=first)}", "to": f"{today + timedelta(days=last)}"}


def test_the_first_page_says_what_there_is(browser: Browser, alice: User) -> None:
    data(alice.spend(1, reference="coffee"), 201)
    data(alice.post("/api/wallet/holds", json={"txn_id": str(uuid4()), "amount": 99}), 201)
    browser.open("/")
    assert "Available 900 UC Balance 999 UC · Reserved 99 UC" in browser.page.text
    assert "coffee" in browser.page.text
    assert "What you can do now" in browser.page.text
    for number in range(8):
        data(alice.spend(1, reference=f"tea {number}"), 201)
    browser.open("/")
    assert "coffee" not in browser.page.text
    assert browser.page.links["Whole history"] == "/history?asset=UC"
    assert "What you can do now" not in browser.page.text


def test_the_chart_has_its_numbers_beside_it(browser: Browser, alice: User, service_database: Database) -> None:
    with service_database.connect() as superuser, superuser.transaction():
        superuser.execute("set local session_replication_role = replica")
        superuser.execute(
            "update wallet.wallets set created_at = created_at - interval '40 days' where id = %s",
            [alice.account["wallet_id"]],
        )
        superuser.execute(
            "update wallet.transactions set created_at = created_at - interval '10 days' where counterparty_id = %s",
            [alice.account["wallet_id"]],
        )
        superuser.execute(
            "update wallet.transactions set created_at = created_at - interval '10 days' where wallet_id = %s",
            [alice.account["wallet_id"]],
        )
    data(alice.spend(400), 201)
    text = browser.open("/").answer.text
    assert 'role="img" aria-label="Balance over the last 30 days: from 0 to 600 UC.' in text
    table = text.partition('<tbody id="points"')[2].partition("</tbody>")[0]
    found = [piece.partition('"')[0] for piece in table.split('value="')[1:]]
    assert found == ["600", *["1000"] * 10, *["0"] * 21]


def test_the_chart_of_a_new_wallet_begins_with_it(browser: Browser, alice: User) -> None:
    data(alice.spend(400), 201)
    text = browser.open("/").answer.text
    assert 'role="img" aria-label="Balance since the wallet was opened: from ' in text
    table = text.partition('<tbody id="points"')[2].partition("</tbody>")[0]
    found = [piece.partition('"')[0] for piece in table.split('value="')[1:]]
    assert found[0] == "600"
    assert len(found) == 32


def test_a_line_of_steps() -> None:
    chart = steps([0, 0, 50, 100, 75])
    assert chart.line == "M0 100H50V50H75V0H100V25"
    assert chart.area == "M0 100H50V50H75V0H100V25V100H0Z"
    assert (chart.last, chart.high, chart.low) == (25, 100, 0)
    assert steps([7, 7]).line == "M0 50H100"
    assert steps([0, 0]).line == "M0 100H100"
    assert steps([-5, 5])[3:] == (5, -5)


# wallets


def test_a_wallet_for_other_money_is_opened(browser: Browser) -> None:
    assert "USD" not in browser.open("/").page.links
    browser.open("/wallets")
    form = browser.page.form("asset")
    for told in ("Your USD wallet is open.", ""):
        browser.submit(form, asset="USD")
        assert browser.path == "/"
        assert told in " ".join(browser.page.alerts)
        assert "0.00 USD" in browser.page.text
        assert "Nothing has happened here yet." in browser.page.text
    for path in ("/", "/history", "/holds", "/spend", "/transfer", "/top-up", "/hold", "/statement"):
        links = browser.open(f"{path}?asset=USD").page.links
        assert {"UC", "USD"} <= links.keys(), path
        assert links["UC"] == f"{path}?asset=UC"
    browser.open("/wallets")
    assert "USD" in browser.page.text


@pytest.mark.parametrize(("asset", "status"), [("XXX", 404), ("", 422), ("<b>", 422)])
def test_money_that_is_unknown_has_no_wallet(browser: Browser, asset: str, status: int) -> None:
    browser.open("/wallets").send("asset", asset=asset)
    assert browser.status == status
    assert browser.page.alerts


# statements


def test_a_statement_adds_up(browser: Browser, alice: User) -> None:
    data(alice.spend(250, reference="rent"), 201)
    browser.open("/statement")
    browser.send("from", **days(-1, 0))
    assert browser.path == "/statement/print"
    for text in (alice.username, "Entries: 2", "Balance before 0 UC", "rent", "Balance after 750 UC"):
        assert text in browser.page.text


def test_days_that_are_over_end_with_them(browser: Browser) -> None:
    browser.open("/statement").send("from", **days(-3, -2))
    assert "Entries: 0" in browser.page.text


def table(browser: Browser, **values: str) -> httpx.Response:
    """The CSV that the form downloads."""
    form = browser.open("/statement").page.form("from")
    assert "/statement.csv" in [one["formaction"] for one in form.buttons]
    chosen = {name.rstrip("_"): value for name, value in values.items()}
    return browser.client.get("/statement.csv", params=form.fields | chosen)


def test_a_statement_is_a_table_for_people(browser: Browser, alice: User, bob: User) -> None:
    data(alice.post("/api/wallets", json={"asset": "USD"}), 201)
    data(bob.post("/api/wallets", json={"asset": "USD"}), 201)
    data(alice.topup(123450, asset="USD"), 201)
    data(alice.spend(1250, reference="=1+1", asset="USD"), 201)
    sent = {"txn_id": str(uuid4()), "amount": 5, "to_username": bob.username, "asset": "USD"}
    transaction = data(alice.post("/api/wallet/transfer", json=sent), 201)
    chosen = days(-1, 0)
    answer = table(browser, asset="USD", **chosen)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    name = f"statement-USD-{chosen['from_']}-{chosen['to']}.csv"
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
    rows = list(csv.DictReader(StringIO(answer.text)))
    assert [row["Kind"] for row in rows] == ["Balance before", "Top-up", "Payment", "Transfer", "Balance after"]
    assert [row["Amount"] for row in rows] == ["", "1234.50", "-12.50", "-0.05", ""]
    assert [row["Balance"] for row in rows] == ["0.00", "1234.50", "1222.00", "1221.95", "1221.95"]
    assert {row["Currency"] for row in rows} == {"USD"}
    assert rows[2]["Reference"] == "'=1+1"
    assert (rows[3]["Other party"], rows[3]["Number"]) == (bob.username, str(transaction["id"]))
    assert rows[3]["Request id"] == sent["txn_id"]
    assert datetime.fromisoformat(rows[3]["Date (UTC)"]) <= datetime.now(UTC).replace(tzinfo=None)


@pytest.mark.parametrize("button", ["", "/statement.csv"])
@pytest.mark.parametrize(
    ("first", "last", "told"),
    [
        ("", "2026-01-01", "Choose a day."),
        ("2026-01-01", "", "Choose a day."),
        ("2026-01-02", "2026-01-01", "The last day is before the first one."),
        ("2999-01-01", "2999-01-02", "These days have not begun yet."),
        ("0001-01-01", "x", "Choose a day."),
    ],
)
def test_days_that_are_none_are_told_and_kept(browser: Browser, button: str, first: str, last: str, told: str) -> None:
    browser.open("/statement").send("from", button=button, from_=first, to=last)
    assert browser.status == 422
    assert told in browser.page.text
    assert browser.page.form("from").fields.items() >= {"from": first, "to": last}.items()


def test_too_many_entries_for_a_page_are_for_programs(
    browser: Browser, alice: User, service_database: Database
) -> None:
    many(service_database, alice, 999)
    browser.open("/statement").send("from", **days(0, 0))
    assert "Entries: 1000" in browser.page.text
    data(alice.topup(1), 201)
    browser.open("/statement").send("from", **days(0, 0))
    assert browser.status == 422
    assert "These days have more than 1000 entries" in browser.page.alerts[0]
    assert len(table(browser).text.splitlines()) == 1_004


def test_what_is_often_asked_for_is_one_press_away(browser: Browser) -> None:
    browser.open("/statement").open(browser.page.links["Last month"])
    fields = browser.page.form("from").fields
    first, last = (datetime.fromisoformat(fields[name]) for name in ("from", "to"))
    assert first.day == 1
    assert (last + timedelta(days=1)).day == 1
    assert (last - first).days < 31


# as it happens


def test_the_page_hears_of_what_others_do(browser: Browser, alice: User) -> None:
    assert 'data-live="' in browser.open("/").answer.text
    assert 'data-live="' in browser.open("/history").answer.text
    with browser.client.stream("GET", "/live") as stream:
        assert stream.status_code == 200
        lines = stream.iter_lines()
        next(lines)
        data(alice.topup(5), 201)
        assert next(line for line in lines if line.startswith("event:")) == "event: transaction.topup"
    assert 'data-live="' not in browser.open("/history?cursor=Mg").answer.text


def test_the_stream_is_for_who_is_signed_in(service: Service) -> None:
    with Browser(service) as nobody:
        assert nobody.client.get("/live").status_code == 303
