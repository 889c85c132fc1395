"""What operators do on the console: a form, a review, their password, and that it happens once."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.api.pages.browser import Browser, Form, Page
from tests.api.service import PASSWORD, Service, User, data, serve
from tests.database import Database

REASON = "<b>why</b> \u202enot\u202c 🧾"
WRONG = "not the password"


def wallet_of(user: User) -> str:
    return f"/operator/wallets/{user.account['wallet_id']}"


def spent(user: User, amount: int = 100, **more: object) -> dict[str, Any]:
    return data(user.spend(amount, **more), 201)


def reviewed(page: Page, **values: str) -> Form:
    """Fill in the form, and return that of the review."""
    page = page.form("Continue").send(**values)
    assert page.status == 200, page.text
    assert "This will happen" in page
    assert page.title
    (form,) = [form for form in page.forms if "password" in form.names]
    return form


def done(form: Form, **values: str) -> Page:
    return form.send(password=PASSWORD, **values)


def dollars(user: User, amount: int = 100_000) -> str:
    """The path of a new wallet in a money with two decimal places."""
    wallet_id = data(user.post("/api/wallets", json={"asset": "USD"}), 201)["wallet_id"]
    data(user.topup(amount, asset="USD"), 201)
    return f"/operator/wallets/{wallet_id}"


def balance(user: User, asset: str = "UC") -> int:
    found: int = data(user.get("/api/wallet/balance", params={"asset": asset}))["balance"]
    return found


def record(operator: User, user: User, action: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = data(
        operator.get("/api/operator/audit", params={"user_id": user.account["id"], "action": action})
    )["items"]
    return found


# the status


def test_a_wallet_is_frozen_and_active_again(console: Browser, operator: User, alice: User) -> None:
    page = console.open(wallet_of(alice)).follow("Freeze")
    assert page.form("Continue").fields["status"] == "frozen"
    form = reviewed(page, reason=REASON)
    assert f"{alice.username} cannot pay or send anything" in form.element.text
    assert REASON in form.element.text
    assert form.buttons[0]["class"] == "danger"
    page = done(form)
    assert page.path == f"{wallet_of(alice)}?done=frozen"
    assert "The wallet is frozen" in page
    assert REASON in page
    assert alice.spend(1).status_code == 409
    page = done(reviewed(page.follow("Unfreeze"), reason="found"))
    assert page.title == "UC wallet Active"
    data(alice.spend(1), 201)
    assert [row["reason"] for row in record(operator, alice, "status")] == ["found", REASON]


def test_a_wallet_with_money_cannot_be_closed(console: Browser, alice: User) -> None:
    page = console.open(wallet_of(alice)).follow("Close").form("Continue").send(reason="asked for it")
    assert page.status == 409
    assert "This wallet has a balance of 1000 UC, and 0 UC reserved: it cannot be closed." in page
    assert page.form("Continue").fields["reason"] == "asked for it"
    data(alice.spend(1000), 201)
    page = done(reviewed(page, status="closed"))
    assert page.title == "UC wallet Closed"
    assert done(reviewed(page.follow("Open again"), reason="came back")).title == "UC wallet Active"


def test_a_status_needs_a_reason_and_a_choice(console: Browser, alice: User) -> None:
    path = f"{wallet_of(alice)}/status"
    page = console.open(f"{path}?status=frozen").form("Continue").send(reason="  ")
    assert page.status == 422
    assert page.mistakes == {"reason": "Say why: it stays on record."}
    page = console.open(f"{path}?status=lost").form("Continue").send(reason="why")
    assert page.mistakes == {"status": "Choose one."}
    assert page.form("Continue").fields["reason"] == "why"
    page = console.open(f"{path}?status=frozen").form("Continue").send(reason="x" * 257)
    assert page.status == 422
    assert set(page.mistakes) == {"reason"}
    assert page.form("Continue").fields["reason"] == "x" * 257


# the password


@pytest.mark.parametrize(("password", "told"), [("", "Type your password."), (WRONG, "password is not right")])
def test_without_the_password_nothing_happens(console: Browser, alice: User, password: str, told: str) -> None:
    form = reviewed(console.open(f"{wallet_of(alice)}/top-up"), amount="5", reference="gift")
    page = form.send(password=password)
    assert page.status in {403, 422}
    assert told in page.mistakes["password"]
    assert balance(alice) == 1000
    # the review is still there, with the same request
    (again,) = [one for one in page.forms if "password" in one.names]
    assert again.fields["txn_id"] == form.fields["txn_id"]
    assert again.fields["password"] == ""
    assert done(again).title.startswith("Top-up #")
    assert balance(alice) == 1005


def test_passwords_are_not_tried_without_end(console: Browser, alice: User) -> None:
    form = reviewed(console.open(f"{wallet_of(alice)}/top-up"), amount="5", reference="gift")
    for _ in range(20):
        page = form.send(password=WRONG)
        if page.status == 429:
            break
    assert page.status == 429
    assert "Too many failed sign-ins" in page
    assert int(page.response.headers["retry-after"]) > 0
    assert form.send(password=PASSWORD).status == 429
    assert balance(alice) == 1000


def test_what_was_typed_can_be_changed(console: Browser, alice: User) -> None:
    form = reviewed(console.open(f"{wallet_of(alice)}/top-up"), amount="5", reference=REASON)
    page = form.send("Change something")
    assert page.form("Continue").fields["amount"] == "5"
    assert page.form("Continue").fields["reference"] == REASON
    assert page.form("Continue").fields["txn_id"] == form.fields["txn_id"]
    done(reviewed(page, amount="6"))
    assert balance(alice) == 1006


def test_a_session_that_ended_keeps_what_was_typed(console: Browser, operator: User, alice: User) -> None:
    form = reviewed(console.open(f"{wallet_of(alice)}/top-up"), amount="5", reference=REASON)
    data(operator.post("/api/auth/signout-everywhere"))
    page = done(form)
    assert page.status == 401
    assert balance(alice) == 1000
    page = page.form("Sign in").send(username=operator.username, password=PASSWORD)
    # neither the password nor the review is kept
    page = page.form("Continue").send()
    assert "This will happen" in page
    assert page.mistakes == {}
    (again,) = [one for one in page.forms if "password" in one.names]
    assert again.fields["txn_id"] == form.fields["txn_id"]
    assert REASON in done(again)
    assert balance(alice) == 1005


# money


def test_money_is_typed_and_shown_in_the_scale_of_the_asset(console: Browser, alice: User) -> None:
    path = dollars(alice)
    form = reviewed(console.open(f"{path}/adjust"), direction="take", amount="25,5", reason=REASON)
    cells = [cell.text for cell in form.element.all("td") if cell.text]
    assert cells == ["1,000.00 USD", "974.50 USD", "1,000.00 USD", "974.50 USD"]
    assert f"25.50 USD are taken from the wallet of {alice.username}." in form.element.text
    page = done(form)
    assert page.path.endswith("?done=adjustment")
    assert "The balance is corrected." in page
    assert f"25.50 USD went from {alice.username} to Corrections." in page
    assert REASON in page
    assert balance(alice, "USD") == 97_450
    form = reviewed(console.open(f"{path}/adjust"), direction="add", amount="0.01", reason="a cent")
    assert f"from Corrections to {alice.username}" in done(form)
    assert balance(alice, "USD") == 97_451


@pytest.mark.parametrize(
    ("amount", "told"),
    [("", "Type an amount."), ("1.234", "decimals follow"), ("1.2345", "too many decimal places"), ("-5", "in digits")],
)
def test_an_amount_that_is_none_is_kept(console: Browser, alice: User, amount: str, told: str) -> None:
    form = console.open(f"{dollars(alice)}/adjust").form("Continue")
    page = form.send(amount=amount, reason=REASON, direction="add")
    assert page.status == 422
    assert told in page.mistakes["amount"]
    again = page.form("Continue").fields
    assert (again["amount"], again["reason"], again["direction"]) == (amount, REASON, "add")
    assert again["txn_id"] == form.fields["txn_id"]


def test_sent_twice_it_happens_once(console: Browser, operator: User, alice: User) -> None:
    for action, values in (
        ("top-up", {"reference": "x"}),
        ("adjust", {"reason": "x", "direction": "add"}),
    ):
        before = balance(alice)
        form = reviewed(console.open(f"{wallet_of(alice)}/{action}"), amount="7", **values)
        assert done(form).path == done(form).path
        assert balance(alice) == before + 7
    assert len(record(operator, alice, "topup")) == 1


def test_more_than_there_is_cannot_be_taken(console: Browser, alice: User) -> None:
    form = console.open(f"{wallet_of(alice)}/adjust").form("Continue")
    page = form.send(direction="take", amount="1001", reason="x")
    told = "This wallet has 1000 UC available; 1001 UC cannot be taken."
    assert (page.status, page.mistakes) == (402, {"amount": told})
    assert "This will happen" not in page
    assert page.form("Continue").fields["amount"] == "1001"
    # what the page did not know yet is refused by the database, in the same words
    review = reviewed(page, amount="1000")
    data(alice.spend(1), 201)
    page = done(review)
    assert (page.status, page.mistakes) == (
        402,
        {"amount": "This wallet has 999 UC available; 1000 UC cannot be taken."},
    )
    assert balance(alice) == 999


def test_what_the_wallet_cannot_take_is_refused_before_the_password(
    console: Browser, operator: User, alice: User
) -> None:
    path = wallet_of(alice)
    data(operator.put(f"/api{path}/limits", json={"floor": -50, "max_balance": 1100}))
    told = "This wallet can hold at most 1100 UC, and has 1000 UC already."
    for action, values in (("top-up", {"reference": "x"}), ("adjust", {"reason": "x", "direction": "add"})):
        page = console.open(f"{path}/{action}").form("Continue").send(amount="101", **values)
        assert (page.status, page.mistakes) == (422, {"amount": told})
        assert "password" not in page.form("Continue").names
        reviewed(page, amount="100", **values)
    page = console.open(f"{path}/adjust").form("Continue").send(amount="1051", direction="take", reason="x")
    assert page.status == 402
    reviewed(page, amount="1050")
    data(operator.post(f"/api{path}/status", json={"status": "frozen", "reason": "x"}))
    page = console.open(f"{path}/adjust").form("Continue").send(amount="1", direction="take", reason="x")
    assert (page.status, page.mistakes) == (409, {"amount": "This wallet is frozen: no money can leave it."})
    reviewed(page, direction="add")


def test_a_closed_wallet_takes_nothing(console: Browser, operator: User, alice: User) -> None:
    bought = spent(alice, 1000)
    data(operator.post(f"/api{wallet_of(alice)}/status", json={"status": "closed", "reason": "x"}))
    for path, values in (
        (f"{wallet_of(alice)}/top-up", {"reference": "x"}),
        (f"{wallet_of(alice)}/adjust", {"reason": "x", "direction": "add"}),
        (f"/operator/transactions/{bought['id']}/refund", {"reference": "x"}),
    ):
        page = console.open(path).form("Continue").send(amount="1", **values)
        assert (page.status, page.title.startswith("Check:")) == (409, False)
        assert "This wallet is closed" in page.mistakes["amount"]


def test_a_changed_form_with_a_used_id_shows_the_first_result(console: Browser, alice: User) -> None:
    form = reviewed(console.open(f"{wallet_of(alice)}/top-up"), amount="7", reference="first")
    first = done(form)
    form.fields["amount"] = "8"
    page = done(form)
    assert page.status == 409
    assert "This form was sent before" in page
    assert "+7 UC" in page
    assert page.follow("Top-up").path == first.path.partition("?")[0]
    page = page.form("Send what I typed as a new one").send()
    (again,) = [one for one in page.forms if "password" in one.names]
    assert again.fields["txn_id"] != form.fields["txn_id"]
    assert done(again).title.startswith("Top-up #")
    assert balance(alice) == 1015


# refunds


def test_a_refund_is_prefilled_with_what_is_left(console: Browser, operator: User, alice: User) -> None:
    bought = spent(alice, 100, reference="order 17")
    page = console.open(f"/operator/transactions/{bought['id']}").follow("Refund")
    assert page.form("Continue").fields["amount"] == "100"
    form = reviewed(page, amount="30", reference=REASON)
    assert f"{alice.username} gets 30 UC back. 70 UC of this payment" in form.element.text
    cancel = next(one for one in form.element.all("a") if one.text == "Cancel")
    assert cancel["href"] == f"/operator/transactions/{bought['id']}"
    page = done(form)
    assert "The refund is in the wallet." in page
    assert f"Operator {operator.username}" in page
    page = page.follow("Gives back: Payment")
    assert "70 UC can still be refunded." in page
    assert page.links["Refund"]
    page = page.follow("Refund")
    assert page.form("Continue").fields["amount"] == "70"
    assert balance(alice) == 930
    done(reviewed(page, reference="the rest"))
    assert balance(alice) == 1000
    page = console.open(f"/operator/transactions/{bought['id']}")
    assert "It was refunded in full." in page
    page = (
        console.open(f"/operator/transactions/{bought['id']}/refund").form("Continue").send(amount="1", reference="x")
    )
    assert (page.status, page.mistakes) == (422, {"amount": "This payment was refunded in full already."})


def test_more_than_is_left_is_not_refunded(console: Browser, alice: User) -> None:
    bought = spent(alice, 40)
    form = console.open(f"/operator/transactions/{bought['id']}/refund").form("Continue")
    page = form.send(amount="50", reference="x")
    assert (page.status, page.mistakes) == (422, {"amount": "At most 40 UC of this payment can still be refunded."})
    first = done(reviewed(page, amount="40"))
    assert balance(alice) == 1000
    # who goes back after a lost answer is shown what was done, not that nothing is left
    (again,) = [one for one in form.send(amount="40", reference="x").forms if "password" in one.names]
    assert done(again).path == first.path
    assert balance(alice) == 1000


def test_a_refund_sent_twice_happens_once(console: Browser, alice: User) -> None:
    bought = spent(alice, 100)
    form = reviewed(console.open(f"/operator/transactions/{bought['id']}/refund"), amount="60", reference="x")
    assert done(form).path == done(form).path
    assert balance(alice) == 960
    form.fields["amount"] = "20"
    page = done(form)
    assert page.status == 409
    assert "+60 UC" in page


def test_what_gives_nothing_back_says_so(console: Browser, alice: User, bob: User) -> None:
    body = {"txn_id": str(uuid4()), "amount": 5, "to_username": bob.username}
    sent = data(alice.post("/api/wallet/transfer", json=body), 201)
    page = console.open(f"/operator/transactions/{sent['id']}")
    assert "the recipient can send it back" in page
    page = console.open(f"{page.path}/refund").form("Continue").send(amount="5", reference="x")
    assert page.status == 422
    assert "A transfer cannot be refunded" in page


# limits


def test_limits_that_are_not_touched_stay(console: Browser, operator: User, alice: User) -> None:
    path = dollars(alice)
    body = {
        "limits": {
            "topup": {"per_transaction": 0},
            "spend": {"per_day": 50_000, "per_30_days": 100_000_000},
            "transfer": {"per_30_days": 1},
        },
        "floor": -1000,
        "max_balance": 9_007_199_254_740_991,
    }
    data(operator.put(f"/api{path}/limits", json=body))
    page = console.open(path).follow("Change")
    assert page.form("Continue").fields["spend_per_30_days"] == "1000000.00"
    form = reviewed(page, transfer_per_day="20", reason=REASON)
    rows = [[cell.text for cell in row.all("th", "td")] for row in form.element.all("tr")[1:]]
    assert rows == [["Transfers sent, in 24 hours", "None", "20.00 USD"]]
    page = done(form)
    assert "The limits are set." in page
    found = data(operator.get(f"/api{path}"))
    assert (found["floor"], found["max_balance"]) == (-1000, 9_007_199_254_740_991)
    maxima = {
        kind: {window: limit and limit["maximum"] for window, limit in limits.items()}
        for kind, limits in found["limits"].items()
        if limits
    }
    assert maxima == {
        "topup": {"per_transaction": 0, "per_day": None, "per_30_days": None},
        "spend": {"per_transaction": None, "per_day": 50_000, "per_30_days": 100_000_000},
        "transfer": {"per_transaction": None, "per_day": 2000, "per_30_days": 1},
    }
    assert record(operator, alice, "limits")[0]["reason"] == REASON


def test_limits_end_where_the_field_is_emptied(console: Browser, operator: User, alice: User) -> None:
    body = {"limits": {"spend": {"per_day": 5}}, "floor": -10, "max_balance": 5000}
    data(operator.put(f"/api{wallet_of(alice)}/limits", json=body))
    page = console.open(f"{wallet_of(alice)}/limits")
    form = reviewed(page, spend_per_day="", overdraft="", max_balance="", reason="his wish")
    assert [row.all("td")[-1].text for row in form.element.all("tr")[1:]] == ["None"] * 3
    done(form)
    found = data(operator.get(f"/api{wallet_of(alice)}"))
    assert (found["floor"], found["max_balance"], found["limits"]["spend"]) == (0, None, None)


def test_limits_that_others_changed_meanwhile_are_not_lost(console: Browser, operator: User, alice: User) -> None:
    page = console.open(f"{wallet_of(alice)}/limits")
    late = reviewed(page, topup_per_day="7", reason="mine")
    data(operator.put(f"/api{wallet_of(alice)}/limits", json={"limits": {"spend": {"per_day": 5}}}))
    for refused in (page.form("Continue").send(topup_per_day="7", reason="mine"), done(late)):
        assert refused.status == 422
        assert "Somebody changed the limits meanwhile." in refused
        assert "Now: 5 UC" in refused
        assert refused.form("Continue").fields["topup_per_day"] == "7"
    assert data(operator.get(f"/api{wallet_of(alice)}"))["limits"]["topup"] is None
    done(reviewed(refused, spend_per_day="5"))
    limits = data(operator.get(f"/api{wallet_of(alice)}"))["limits"]
    assert limits["topup"]["per_day"]["maximum"] == 7
    assert limits["spend"]["per_day"]["maximum"] == 5


def test_limits_that_change_nothing_are_not_set(console: Browser, alice: User) -> None:
    page = console.open(f"{wallet_of(alice)}/limits").form("Continue").send(reason="x")
    assert page.mistakes == {"reason": "This changes nothing."}
    page = page.form("Continue").send(spend_per_day="a lot")
    assert set(page.mistakes) == {"spend_per_day"}
    assert page.form("Continue").fields["spend_per_day"] == "a lot"


def test_an_overdraft_that_is_in_use_stays(console: Browser, operator: User, alice: User) -> None:
    data(operator.put(f"/api{wallet_of(alice)}/limits", json={"floor": -50}))
    data(alice.spend(1040), 201)
    page = done(reviewed(console.open(f"{wallet_of(alice)}/limits"), overdraft="10", reason="x"))
    assert page.status == 422
    assert page.form("Continue").fields["overdraft"] == "10"
    assert data(operator.get(f"/api{wallet_of(alice)}"))["floor"] == -50


def test_a_limit_of_zero_says_what_is_not_possible_then(console: Browser, alice: User) -> None:
    page = console.open(f"{wallet_of(alice)}/limits")
    assert "Now: None Empty: none is allowed." in page
    form = reviewed(page, spend_per_day="0", spend_per_30_days="0", topup_per_day="5", overdraft="0", reason="x")
    said = [one.text for one in form.element.walk() if one["class"] == "notice warn"]
    assert said == ["With 0 no payment is possible any more."]


@pytest.mark.parametrize("action", ["status?status=closed", "limits", "top-up", "adjust"])
def test_a_form_leads_back_to_what_it_is_about(console: Browser, alice: User, action: str) -> None:
    page = console.open(f"{wallet_of(alice)}/{action}")
    assert page.links["Cancel"] == wallet_of(alice)


# users


def test_a_password_is_reset_by_a_code_that_is_shown_once(console: Browser, service: Service, alice: User) -> None:
    page = console.open(f"/operator/users/{alice.account['id']}").follow("Reset the password")
    page = done(reviewed(page, expires_in="900", reason="called back"))
    assert page.status == 200
    assert page.response.headers["cache-control"] == "no-store"
    (code,) = [one.text for one in page.root.walk() if one["id"] == "token"]
    assert page.facts["To be used at"] == f"{service.url}/reset"
    with Browser(service) as theirs:
        form = theirs.open("/reset").form("Set the password")
        assert form.send(token=code, new_password="another one", again="another one").path == "/account?changed=1"
    assert code not in console.open(f"/operator/users/{alice.account['id']}").html
    assert console.open(f"/operator/users/{alice.account['id']}/password-reset").form("Continue").send(
        expires_in="900", reason=""
    ).mistakes == {"reason": "Say why: it stays on record."}


def test_a_person_is_erased_when_the_name_was_typed(console: Browser, operator: User, alice: User) -> None:
    spent(alice, 10, reference="a secret")
    path = f"/operator/users/{alice.account['id']}"
    form = reviewed(console.open(path).follow("Erase the person"), reason="asked for it")
    assert "This cannot be undone." in form.element.text
    assert "990 UC" in form.element.text
    page = done(form, username="somebody")
    assert page.status == 422
    assert page.mistakes == {"username": "This is not the username."}
    (form,) = [one for one in page.forms if "password" in one.names]
    assert form.fields["username"] == "somebody"
    page = done(form, username=alice.username.upper())
    assert page.title.startswith("erased-")
    assert "The person is erased." in page
    assert "a secret" not in page
    assert "Reset the password" not in page.links
    assert record(operator, alice, "erase")[0]["reason"] == "asked for it"


def test_operators_touch_nothing_of_their_own(console: Browser, operator: User) -> None:
    page = console.open(wallet_of(operator))
    assert "operators change nothing of their own" in page
    assert "Freeze" not in page.links
    for action in ("status?status=frozen", "limits", "top-up", "adjust"):
        page = console.open(f"{wallet_of(operator)}/{action}")
        assert "operators change nothing of their own" in page
        assert "Continue" not in page
    bought = spent(operator, 10)
    page = console.open(f"/operator/transactions/{bought['id']}")
    assert "operators change nothing of their own" in page
    assert "Refund" not in page.links
    for action in ("erase", "password-reset"):
        page = console.open(f"/operator/users/{operator.account['id']}/{action}")
        assert "only an administrator" in page
        assert "Continue" not in page


def test_what_is_sent_all_the_same_is_refused(console: Browser, operator: User, alice: User) -> None:
    form = reviewed(console.open(f"{wallet_of(alice)}/top-up"), amount="5", reference="x")
    form.action = f"{wallet_of(operator)}/top-up"
    page = done(form)
    assert page.status == 403
    assert operator.balance() == 1000


@pytest.mark.parametrize(
    "broken", [{"txn_id": "x"}, {"asset": "NONE"}, {"asset": ""}, {"amount": ""}, {"reference": ""}, {"step": "dance"}]
)
def test_forms_that_no_page_has_do_nothing(console: Browser, alice: User, broken: dict[str, str]) -> None:
    form = reviewed(console.open(f"{wallet_of(alice)}/top-up"), amount="5", reference="x")
    fields = form.fields | {"password": PASSWORD, "step": "do"} | broken
    page = console.submit("post", f"{wallet_of(alice)}/top-up", fields)
    assert page.status in {200, 422}
    assert balance(alice) == 1000


def test_users_do_nothing_here(service: Service, alice: User, bob: User) -> None:
    with Browser(service) as browser:
        csrf = browser.sign_in(bob.username).forms[0].fields
        fields = {**csrf, "step": "do", "password": PASSWORD, "amount": "5", "reference": "x", "asset": "UC"}
        fields["txn_id"] = str(uuid4())
        page = browser.submit("post", f"{wallet_of(alice)}/top-up", fields)
        assert page.status == 403
        assert page.title == "Operators only"
    assert balance(alice) == 1000


# two operators


@pytest.fixture(scope="module")
def strict(service_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service in which what is above 100 needs two operators."""
    folder: Path = tmp_path_factory.mktemp("strict")
    with serve(service_database.api_url, folder, PGWALLET_FOUR_EYES="100") as running:
        yield running


@pytest.fixture
def two(strict: Service, service_database: Database) -> Iterator[tuple[Browser, Browser, User]]:
    """The browsers of two operators, and a user of that service."""
    with (
        Browser(strict) as olga,
        Browser(strict) as otto,
        closing(User(strict)) as user,
        service_database.connect() as administrator,
    ):
        for browser in (olga, otto):
            with closing(User(strict)) as person:
                administrator.execute("select public.wallet_set_role(%s, 'operator')", [person.username])
                browser.sign_in(person.username)
        yield olga, otto, user


def asked_for(browser: Browser, user: User, amount: str = "150", direction: str = "add") -> Page:
    page = browser.open(f"{wallet_of(user)}/adjust")
    form = reviewed(page, direction=direction, amount=amount, reason=REASON)
    assert "This is above 100 UC: nothing moves before another operator confirms it." in form.element.text
    assert form.buttons[0].text == f"Ask for {amount} UC"
    return done(form)


def test_what_needs_two_waits_and_is_confirmed(two: tuple[Browser, Browser, User]) -> None:
    olga, otto, user = two
    page = asked_for(olga, user)
    assert page.title.endswith("Waiting")
    assert "Nothing moved yet" in page
    assert "You asked for this yourself" in page
    assert "Confirm" not in [button.text for form in page.forms for button in form.buttons]
    assert user.balance() == 1000
    assert user.username in otto.open("/operator")
    page = otto.open("/operator/confirmations").follow(user.username)
    assert REASON in page
    cells = [cell.text for cell in page.root.all("td") if cell.text]
    assert cells == ["1,000 UC", "1,150 UC", "1,000 UC", "1,150 UC"]
    form = page.form("Confirm")
    assert form.send(password=WRONG).mistakes.keys() == {"password"}
    assert user.balance() == 1000
    page = form.send(password=PASSWORD)
    assert page.title.startswith("Correction #")
    assert "Confirmed: this is what happened." in page
    # again: the same transaction
    assert form.send(password=PASSWORD).path == page.path
    assert user.balance() == 1150
    page = otto.open("/operator/confirmations?status=confirmed").follow(user.username)
    assert page.title.endswith("Confirmed")
    assert page.follow("#").path.startswith("/operator/transactions/")


def test_what_needs_two_is_rejected_or_taken_back(two: tuple[Browser, Browser, User]) -> None:
    olga, otto, user = two
    for browser, link in ((otto, "Reject"), (olga, "Take it back")):
        path = asked_for(olga, user).path.partition("?")[0]
        page = browser.open(path).follow(link)
        form = page.form("Reject")
        assert form.send(password=PASSWORD, reason="").mistakes == {"reason": "Say why: it stays on record."}
        page = form.send(password=WRONG, reason=REASON)
        assert set(page.mistakes) == {"password"}
        assert page.form("Reject").fields["reason"] == REASON
        page = page.form("Reject").send(password=PASSWORD)
        assert page.title.endswith("Rejected")
        assert "Rejected: nothing moved." in page
        assert page.facts["Why it was rejected"] == REASON
        assert "This was decided already." in otto.open(f"{path}/reject")
    assert user.balance() == 1000


def test_two_who_decide_at_once_are_told(two: tuple[Browser, Browser, User]) -> None:
    olga, otto, user = two
    path = asked_for(olga, user).path.partition("?")[0]
    form = otto.open(path).form("Confirm")
    olga.open(f"{path}/reject").form("Reject").send(password=PASSWORD, reason="a mistake")
    page = form.send(password=PASSWORD)
    assert page.status == 409
    assert "This request was rejected already." in page
    assert user.balance() == 1000


def test_a_request_that_the_wallet_refuses_stays_waiting(two: tuple[Browser, Browser, User]) -> None:
    olga, otto, user = two
    path = asked_for(olga, user, "900", "take").path.partition("?")[0]
    data(user.spend(500), 201)
    page = otto.open(path).form("Confirm").send(password=PASSWORD)
    assert page.status == 402
    assert "This wallet has 500 UC available; 900 UC cannot be taken." in page
    assert page.title.endswith("Waiting")
    assert "\u2212900 UC" in page


def test_sent_twice_one_request_waits(two: tuple[Browser, Browser, User]) -> None:
    olga, _, user = two
    bought = spent(user, 500)
    page = olga.open(f"/operator/transactions/{bought['id']}/refund")
    form = reviewed(page, reference="never arrived")
    assert form.buttons[0].text == "Ask for 500 UC"
    page = done(form)
    assert page.path == done(form).path
    form.fields["amount"] = "400"
    used = done(form)
    assert used.status == 409
    assert used.follow("Refund").path == page.path.partition("?")[0]
    assert page.follow(bought["txn_id"]).path == f"/operator/search?q={bought['txn_id']}"
    # what is small needs no second one
    assert done(reviewed(olga.open(f"{wallet_of(user)}/adjust"), direction="add", amount="100", reason="x")).title == (
        f"Correction #{page_number(olga, user)}"
    )


def page_number(browser: Browser, user: User) -> str:
    """The number of the user's newest transaction."""
    return browser.open(f"{wallet_of(user)}/transactions").follow("Correction").path.rpartition("/")[2]


def test_an_operators_own_wallet_is_left_to_others(
    two: tuple[Browser, Browser, User], service_database: Database
) -> None:
    olga, otto, user = two
    path = asked_for(olga, user).path.partition("?")[0]
    with service_database.connect() as administrator:
        administrator.execute("select public.wallet_set_role(%s, 'operator')", [user.username])
    otto.submit("post", "/sign-out", otto.open("/operator").forms[0].fields)
    otto.sign_in(user.username)
    page = otto.open(path)
    assert "operators change nothing of their own" in page
    assert all("password" not in form.names for form in page.forms)
