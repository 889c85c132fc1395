"""The console: who gets in, what a search finds, and what its pages show. Each look is on record once."""

from typing import Any
from uuid import uuid4

import pytest

from tests.api.pages.browser import Browser
from tests.api.service import Service, User, data
from tests.database import Database

NOBODYS = "018f6b5e-0000-7000-8000-0000000000ff"
MARKUP = "<b>order</b> \u202e17\u202c 🧾"


def hold(user: User, amount: int, **more: object) -> dict[str, Any]:
    return data(
        user.post("/api/wallet/holds", json={"txn_id": str(uuid4()), "amount": amount, "expires_in": 600, **more}), 201
    )


def wallet_of(user: User) -> str:
    return f"/operator/wallets/{user.account['wallet_id']}"


def looks(operator: User, user: User) -> list[str]:
    """Of what an operator was shown of this user, newest first."""
    found = data(operator.get("/api/operator/audit", params={"user_id": user.account["id"], "action": "read"}))["items"]
    return [row["after"]["of"] for row in found if row["actor"] == operator.account["id"]]


@pytest.mark.parametrize(
    "path", ["/operator", "/operator/users", f"/operator/users/{NOBODYS}", f"/operator/wallets/{NOBODYS}/adjust"]
)
def test_users_are_told_that_it_is_not_for_them(service: Service, alice: User, path: str) -> None:
    with Browser(service) as browser:
        page = browser.sign_in(alice.username, to=path)
        assert page.status == 403
        assert page.title == "Operators only"
        assert ".venv/bin/pgwallet user create NAME --role operator" in page
        assert page.follow("My wallet").path == "/"
        assert browser.submit("post", path, page.forms[0].fields).status in {403, 405}


def test_whoever_is_not_signed_in_lands_where_they_wanted_to_be(service: Service, operator: User, alice: User) -> None:
    with Browser(service) as browser:
        page = browser.open(f"/operator/search?q={alice.username}")
        assert page.title == "Sign in"
        assert ".venv/bin/pgwallet user create NAME --role operator" in page
        page = page.form("Sign in").send(username=operator.username, password="correct horse battery")
        assert page.path == f"/operator/search?q={alice.username}"
        assert alice.username in page


def test_a_role_that_was_taken_away_is_gone_at_once(
    console: Browser, operator: User, service_database: Database
) -> None:
    with service_database.connect() as administrator:
        administrator.execute("select public.wallet_set_role(%s, 'user')", [operator.username])
    assert console.open("/operator/users").title == "Sign in"


@pytest.mark.one_database(
    reason="a transfer between databases is found once by its txn_id, which the sender's database has"
)
def test_each_kind_is_found_and_leads_on(console: Browser, alice: User, bob: User) -> None:
    reference = f"order {uuid4()}"
    data(alice.spend(30, reference=reference), 201)
    hold(alice, 20, reference=reference)
    page = console.open("/operator").form("Search").send(q=reference)
    assert page.follow(f"Payment: {alice.username}").title.startswith("Payment #")
    assert page.follow(f"{alice.username}").title.startswith("Reservation #")

    page = console.open(f"/operator/search?q={alice.account['wallet_id']}")
    assert page.follow(f"{alice.username}: UC wallet").title == "UC wallet Active"
    page = console.open(f"/operator/search?q={alice.username[:12].upper()}")
    assert page.follow(alice.username).title == alice.username

    txn_id = str(uuid4())
    data(alice.post("/api/wallet/transfer", json={"txn_id": txn_id, "amount": 5, "to_username": bob.username}), 201)
    page = console.open(f"/operator/search?q={txn_id}")
    assert "\u22125 UC" in page
    assert "+5 UC" in page
    assert page.follow("Transfer").facts["Request id"] == txn_id


def test_a_search_without_a_result_says_what_is_found(console: Browser) -> None:
    page = console.open("/operator/search?q=nothing%20like%20this")
    assert page.status == 200
    assert "Nothing found" in page
    assert page.form("Search").fields["q"] == "nothing like this"
    assert page.follow("Does it wait").path == "/operator/confirmations"
    assert console.open("/operator/search?q=%20").path == "/operator"


def test_a_search_that_is_too_long_is_kept(console: Browser) -> None:
    page = console.open(f"/operator/search?q={'x' * 257}")
    assert page.status == 422
    assert page.mistakes == {"q": "Type at most 256 characters."}
    assert page.form("Search").fields["q"] == "x" * 257


@pytest.mark.one_database(reason="a transfer to another database has its other entry in a system wallet")
def test_where_the_money_is_needs_no_further_click(console: Browser, alice: User, bob: User) -> None:
    dollars = data(alice.post("/api/wallets", json={"asset": "USD"}), 201)["wallet_id"]
    data(alice.topup(123456, asset="USD"), 201)
    hold(alice, 2000, asset="USD", reference="hotel")
    data(
        alice.post(
            "/api/wallet/transfer",
            json={"txn_id": str(uuid4()), "amount": 330, "to_username": bob.username, "reference": MARKUP},
        ),
        201,
    )
    page = console.open(f"/operator/users/{alice.account['id']}")
    assert f"To {bob.username}" in page
    assert "\u2212330 UC" in page
    assert MARKUP in page
    assert "+1,234.56 USD" in page
    assert "1,214.56 USD" in page  # available
    assert "20.00 USD" in page
    assert "hotel" in page
    transaction = page.follow(f"To {bob.username}")
    assert f"330 UC went from {alice.username} to {bob.username}." in transaction
    entries = [item.text for item in transaction.root.all("li")]
    assert entries == [
        f"{alice.username} · UC wallet \u2212330 UC then 670 UC",
        f"{bob.username} · UC wallet +330 UC then 1,330 UC",
    ]
    assert page.follow("USD wallet").path == f"/operator/wallets/{dollars}"


def test_what_is_shown_is_on_record_and_no_more(console: Browser, operator: User, alice: User) -> None:
    hold(alice, 10)
    console.open(f"/operator/users/{alice.account['id']}")
    assert looks(operator, alice) == ["holds", "transactions", "user"]
    console.open(f"{wallet_of(alice)}/top-up")
    assert looks(operator, alice)[0] == "wallet"
    assert len(looks(operator, alice)) == 4
    console.open("/operator")
    console.open("/operator/audit")
    console.open("/operator/confirmations")
    assert len(looks(operator, alice)) == 4


def test_all_users_come_page_by_page(console: Browser, alice: User) -> None:
    page = console.open("/operator/users")
    seen = [one.text for one in page.root.all("strong")]
    assert any(alice.username in name for name in seen)
    while "Older" in page.links:
        page = page.follow("Older")
        seen += [one.text for one in page.root.all("strong")]
    assert len(seen) == len(set(seen))
    assert {"alice", "bob", "charlie"} <= set(seen)
    page = console.open("/operator/users?cursor=nonsense")
    assert page.status == 422
    assert "start from its beginning" in page


def test_a_wallet_shows_what_is_left_of_its_limits(console: Browser, operator: User, alice: User) -> None:
    body = {"limits": {"spend": {"per_day": 500, "per_transaction": 400}}, "floor": -50, "max_balance": 5000}
    data(operator.put(f"/api{wallet_of(alice)}/limits", json=body))
    data(alice.spend(200), 201)
    page = console.open(wallet_of(alice))
    assert "Payments, in 24 hours 300 UC left of 500 UC" in page
    assert "Payments, for each payment at most 400 UC" in page
    assert page.facts["Overdraft"] == "50 UC"
    assert page.facts["Highest balance"] == "5,000 UC"
    (bar,) = page.root.all("progress")
    assert (bar["value"], bar["max"], bar["aria-label"]) == ("200", "500", "Payments, in 24 hours: used")


def test_a_history_is_filtered_and_goes_on(console: Browser, alice: User) -> None:
    for number in range(55):
        data(alice.topup(number + 1, reference="many"), 201)
    data(alice.spend(7, reference="one"), 201)
    path = f"{wallet_of(alice)}/transactions"
    page = console.open(path).form("Show").send(type="topup")
    assert len(page.root.all("li")) == 50
    page = page.follow("Older")
    assert "type=topup" in page.path
    assert len(page.root.all("li")) == 5
    assert "Payment" not in [one.text for one in page.root.all("strong")]
    page = page.follow("Back to the first page").form("Show").send(type="", reference="one")
    assert [one.text for one in page.root.all("strong")] == ["Payment"]
    assert page.form("Show").fields["reference"] == "one"
    page = page.follow("Clear")
    page = page.form("Show").send(**{"from": "2026-13-01", "reference": "kept"})
    assert page.status == 422
    assert set(page.mistakes) == {"from"}
    assert page.form("Show").fields["reference"] == "kept"
    assert console.open(f"{path}?type=gift").mistakes == {"type": "Choose one."}
    assert "There is nothing like this." in console.open(f"{path}?from=9999-12-30&to=9999-12-31")


def test_holds_by_status_and_what_happened_to_one(console: Browser, alice: User) -> None:
    held = hold(alice, 100, reference="hotel")
    taken = data(
        alice.post(f"/api/wallet/holds/{held['txn_id']}/capture", json={"txn_id": str(uuid4()), "amount": 40}), 201
    )
    hold(alice, 5, reference="taxi")
    page = console.open(f"{wallet_of(alice)}/holds?status=open")
    assert "taxi" in page
    assert "hotel" in page
    assert "There is no such reservation." in console.open(f"{wallet_of(alice)}/holds?status=voided")
    page = console.open(f"/operator/holds/{held['id']}")
    assert (page.facts["Still reserved"], page.facts["Taken"]) == ("60 UC", "40 UC")
    events = page.root.all("li")
    assert [event.text.partition(" available")[0] for event in events] == [
        "Paid 40 UC 900 UC",
        "Reserved 100 UC 900 UC",
    ]
    (link,) = [one["href"] for event in events for one in event.all("a")]
    assert link == f"/operator/transactions/{taken['id']}"
    assert console.open(link).follow("From this reservation").path == f"/operator/holds/{held['id']}"


def test_operators_get_the_statement_that_the_owner_gets(console: Browser, service: Service, alice: User) -> None:
    data(alice.spend(7, reference="one"), 201)
    days = {"from": "2026-01-01", "to": "2026-01-02"}
    page = console.open(f"{wallet_of(alice)}/statement").form("Show it, to print").send()
    assert "993 UC" in page
    assert page.facts["Owner"] == alice.username
    with Browser(service) as own:
        own.sign_in(alice.username)
        period = {name: page.browser.open(f"{wallet_of(alice)}/statement").forms[1].fields[name] for name in days}
        theirs = console.get(f"{wallet_of(alice)}/statement.csv", params=period)
        assert theirs.headers["content-type"].startswith("text/csv")
        lines = theirs.text.splitlines()
        # the last line is of the moment
        assert lines[:-1] == own.get("/statement.csv", params=period).text.splitlines()[:-1]
        assert len(lines) == 5
    page = console.open(f"{wallet_of(alice)}/statement/print?from=2026-01-01")
    assert page.status == 422
    assert set(page.mistakes) == {"to"}


def test_a_wallet_of_the_service_has_no_owner(console: Browser, alice: User) -> None:
    spent = data(alice.spend(7), 201)
    page = console.open(f"/operator/transactions/{spent['id']}").follow("Merchants")
    assert page.title == "Merchants"
    for action in ("status", "limits", "top-up", "adjust", "statement"):
        assert console.open(f"{page.path}/{action}").status == 404
    assert console.open(f"{page.path}/transactions").status == 404


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"users/{NOBODYS}", 404),
        (f"wallets/{NOBODYS}", 404),
        (f"wallets/{NOBODYS}/limits", 404),
        ("transactions/9007199254740991", 404),
        ("transactions/9007199254740992", 422),
        ("transactions/+1", 404),
        ("holds/9007199254740991", 404),
        ("confirmations/9007199254740990", 404),
        ("confirmations/0", 422),
        ("users/alice", 404),
        ("nothing", 404),
    ],
)
def test_what_does_not_exist_is_told(console: Browser, path: str, status: int) -> None:
    page = console.open(f"/operator/{path}")
    assert page.status == status
    assert page.title == "This page cannot be shown"


def test_the_search_is_the_current_page_while_something_is_searched(console: Browser) -> None:
    for path in ("/operator", "/operator/search?q=x"):
        current = [one.text for one in console.open(path).root.all("a") if one["aria-current"] == "page"]
        assert current == ["Search"]


def test_payments_that_are_equal_are_told_apart_by_their_numbers(console: Browser, alice: User) -> None:
    ids = [data(alice.spend(5), 201)["id"] for _ in range(2)]
    for path in (
        f"/operator/users/{alice.account['id']}",
        f"/operator/wallets/{alice.account['wallet_id']}/transactions",
    ):
        page = console.open(path)
        assert all(f"#{one} ·" in page for one in ids)


def test_the_record_says_what_was_done(console: Browser, operator: User, alice: User) -> None:
    dollars = data(alice.post("/api/wallets", json={"asset": "USD"}), 201)["wallet_id"]
    path = f"/api/operator/wallets/{dollars}"
    body = {"limits": {"spend": {"per_day": 50000}}, "floor": -1000, "reason": MARKUP}
    data(operator.put(f"{path}/limits", json=body))
    data(operator.post(f"{path}/status", json={"status": "frozen", "reason": "stolen"}))
    topped_up = data(operator.post(f"{path}/topup", json={"txn_id": str(uuid4()), "amount": 7}), 201)["id"]
    page = console.open(f"/operator/audit?user_id={alice.account['id']}")
    assert f"{operator.username} set the limits of a wallet of {alice.username}" in page
    assert "Payments, in 24 hours: None → 500.00 USD" in page
    assert "Lowest balance: 0.00 USD → \u221210.00 USD" in page
    assert MARKUP in page
    assert "Status: active → frozen" in page
    assert page.follow(f"transaction {topped_up}").path == f"/operator/transactions/{topped_up}"

    page = console.open("/operator/audit").form("Show").send(actor=operator.account["id"], action="status")
    assert "stolen" in page
    assert "limits of" not in page
    assert page.form("Show").fields["action"] == "status"
    assert page.follow("Clear").path == "/operator/audit"
    page = page.form("Show").send(wallet_id="mine")
    assert page.status == 422
    assert set(page.mistakes) == {"wallet_id"}
    assert page.form("Show").fields["wallet_id"] == "mine"
    assert console.open("/operator/audit?action=gift").mistakes == {"action": "Choose one."}


def test_the_record_is_found_by_names(console: Browser, operator: User, alice: User) -> None:
    data(operator.post(f"/api{wallet_of(alice)}/status", json={"status": "frozen", "reason": "stolen"}))
    looked = looks(operator, alice)
    page = console.open("/operator/audit").form("Show").send(user_id=alice.username.upper(), actor=operator.username)
    assert f"set the status of a wallet of {alice.username}" in page
    assert "looked at" not in page.root.all("ol")[0].text
    assert page.form("Show").fields["user_id"] == alice.username.upper()
    assert looks(operator, alice) == ["search", *looked]
    assert "looked at" in page.follow("Everything, looks too").root.all("ol")[0].text
    for unknown in (alice.username[:-1], "nobody at all"):
        page = page.form("Show").send(user_id=unknown)
        assert page.mistakes == {"user_id": "There is no user of this name. Type the whole username, or an id."}


def test_the_record_goes_on(console: Browser, operator: User, alice: User) -> None:
    for _ in range(51):
        data(operator.get(f"/api/operator/users/{alice.account['id']}"))
    assert "There is nothing like this." in console.open(f"/operator/audit?user_id={alice.account['id']}")
    page = console.open(f"/operator/audit?user_id={alice.account['id']}").follow("Everything, looks too")
    assert len(page.root.all("li")) == 50
    page = page.follow("Older")
    assert f"user_id={alice.account['id']}" in page.path
    assert len(page.root.all("li")) == 1


def test_the_first_page_shows_what_waits_and_the_last_verification(
    console: Browser, service_database: Database
) -> None:
    with service_database.connect() as administrator:
        administrator.execute("insert into wallet.verifications (seconds, violations) values (1, 2)")
    page = console.open("/operator")
    assert "Contradictions: 2" in page
    assert page.links["Verifications"] == "/operator/verifications"
