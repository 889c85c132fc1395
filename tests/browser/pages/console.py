"""What operators do, from a complaint to a refund: by mouse, by keyboard, without the script, on a phone."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from api.pages.words import load
from tests.api.service import PASSWORD, Service, User, data
from tests.browser.pages.wallet import FEW, WAYS
from tests.browser.visitor import Visitor
from tests.command import wait_until

W = load()


@pytest.fixture(params=FEW)
def visitor(browser: Browser, service: Service, request: pytest.FixtureRequest) -> Iterator[Visitor]:
    kind, options = WAYS[request.param]
    with kind(browser, service, **options) as found:
        yield found


@pytest.mark.parametrize("visitor", WAYS, indirect=True)
def test_from_a_complaint_to_a_refund(visitor: Visitor, operator: User, alice: User) -> None:
    data(alice.spend(400, reference="Order 1017"), 201)
    page = visitor.sign_in(operator, "/operator").page
    visitor.fill(W.console.search, alice.username)
    visitor.press(W.console.button)
    visitor.follow(alice.username, "main")
    visitor.sees("Order 1017", "600")
    visitor.follow(W.entry.spend, "main")
    visitor.follow(W.act_refund.title, "main")
    visitor.fill(W.act.reason, "Order 1017 never arrived")
    visitor.press(W.forms.review)
    visitor.sees(W.act.review, "1,000")
    assert alice.balance() == 600, "nothing moves before it is reviewed"
    visitor.fill(W.forms.confirm_password, "not the password")
    visitor.press(f"{W.act_refund.button} 400 UC")
    visitor.has_focus(page.get_by_role("alert"))
    assert alice.balance() == 600
    visitor.fill(W.forms.confirm_password, PASSWORD)
    visitor.press(f"{W.act_refund.button} 400 UC")
    visitor.sees(W.care_done.refund, "Order 1017 never arrived")
    assert alice.balance() == 1000
    visitor.follow(W.nav.record)
    visitor.sees("Order 1017 never arrived", alice.username)


def test_a_wallet_is_corrected_and_frozen(visitor: Visitor, operator: User, alice: User) -> None:
    visitor.sign_in(operator, f"/operator/wallets/{alice.account['wallet_id']}")
    visitor.follow(W.act_adjust.title, "main")
    visitor.choose(W.act_adjust.take)
    visitor.fill(W.act.amount.format(asset="UC"), "100")
    visitor.fill(W.act.reason, "Booked twice")
    visitor.press(W.forms.review)
    visitor.press(W.forms.go_back)
    visitor.press(W.forms.review)
    visitor.fill(W.forms.confirm_password, PASSWORD)
    visitor.press(f"{W.act_adjust.button_take} 100 UC")
    visitor.sees(W.care_done.adjustment, "Booked twice")
    assert alice.balance() == 900

    visitor.open(f"/operator/wallets/{alice.account['wallet_id']}")
    visitor.follow(W.act_status.to_frozen, "main")
    visitor.fill(W.act.reason, "Asked for by phone")
    visitor.press(W.forms.review)
    visitor.fill(W.forms.confirm_password, PASSWORD)
    visitor.press(W.act_status.to_frozen)
    visitor.sees(W.care_done.frozen, "Asked for by phone")
    assert alice.spend(1).status_code == 409


def test_what_needs_two_operators(visitor: Visitor, operator: User, alice: User) -> None:
    wallet = alice.account["wallet_id"]
    visitor.sign_in(operator, f"/operator/wallets/{wallet}/adjust")
    visitor.choose(W.act_adjust.add)
    visitor.fill(W.act.amount.format(asset="UC"), "5000")
    visitor.fill(W.act.reason, "A prize")
    visitor.press(W.forms.review)
    visitor.fill(W.forms.confirm_password, PASSWORD)
    visitor.press(f"{W.act.ask} 5,000 UC")
    visitor.sees(W.care_done.waits, W.confirmations.own)
    assert alice.balance() == 1000


def test_a_forgotten_password(visitor: Visitor, operator: User, alice: User) -> None:
    visitor.sign_in(operator, f"/operator/users/{alice.account['id']}/password-reset")
    visitor.fill(W.act.reason, "Called back")
    visitor.press(W.forms.review)
    visitor.fill(W.forms.confirm_password, PASSWORD)
    visitor.press(W.act_password_reset.button)
    visitor.sees(W.token.once)
    (code,) = [text for text in visitor.page.locator(".code").all_inner_texts() if len(text) == 43]
    visitor.press(W.site.sign_out, "header")
    visitor.open("/reset")
    visitor.fill(W.reset.token, code)
    visitor.fill(W.reset.new_password, "another password")
    visitor.fill(W.account.again, "another password")
    visitor.press(W.reset.button)
    visitor.sees(W.account.changed)


def test_a_verification(visitor: Visitor, operator: User) -> None:
    visitor.sign_in(operator, "/operator/verifications")
    visitor.follow(W.verifications.start, "main")
    visitor.fill(W.forms.confirm_password, PASSWORD)
    visitor.press(W.act_verify.button)
    page = visitor.page
    if page.locator("body[data-poll]").count() and not page.evaluate("() => typeof localize === 'function'"):
        # nothing reloads itself here
        wait_until(lambda: page.reload() and page.get_by_text(W.verification.sound).count())
    visitor.sees(W.verification.sound)
    visitor.follow(W.nav.verifications)
    visitor.sees(operator.username, W.console.sound)


def test_a_webhook(visitor: Visitor, operator: User) -> None:
    page = visitor.sign_in(operator, "/operator/webhooks").page
    visitor.follow(W.webhooks.new, "main")
    visitor.fill(W.webhook_term.url, "ftp://receiver.example/")
    visitor.choose(W.act_webhook.from_now)
    visitor.press(W.forms.review)
    visitor.has_focus(page.get_by_role("alert"))
    visitor.fill(W.webhook_term.url, "https://receiver.example/hook")
    visitor.press(W.forms.review)
    visitor.fill(W.forms.confirm_password, PASSWORD)
    visitor.press(W.act_webhook.make)
    visitor.sees(W.webhook_secret.once)
    visitor.look()
    visitor.follow(W.webhook_secret.go_on, "main")
    visitor.sees("https://receiver.example/hook", W.webhook_status.active)
    visitor.follow(W.hook_act.pause, "main")
    visitor.fill(W.act.reason, "They move")
    visitor.press(W.forms.review)
    visitor.fill(W.forms.confirm_password, PASSWORD)
    visitor.press(W.hook_act.pause)
    visitor.sees(W.webhook_done.paused, W.webhook_status.paused, "They move")
    visitor.follow(W.hook_act.delete, "main")
    visitor.look()
    visitor.fill(W.forms.confirm_password, PASSWORD)
    visitor.press(W.hook_act.delete)
    visitor.sees(W.webhook_done.deleted)


def test_a_key(visitor: Visitor, operator: User, alice: User) -> None:
    page = visitor.sign_in(operator, "/operator/keys").page
    visitor.follow(W.keys.new, "main")
    visitor.fill(W.key_term.name, "shop")
    page.get_by_label(W.scope.spend, exact=True).check()
    visitor.choose(W.key_term.some_users)
    visitor.press(W.forms.review)
    visitor.has_focus(page.get_by_role("alert"))
    visitor.look()
    visitor.fill(W.key_term.list, alice.username)
    visitor.press(W.forms.review)
    visitor.sees(alice.username, W.scope.spend)
    visitor.look()
    visitor.fill(W.forms.confirm_password, PASSWORD)
    visitor.press(W.act_webhook.make)
    visitor.sees(W.webhook_secret.once, "pgw_")
    visitor.look()
    visitor.follow(W.key_secret.go_on, "main")
    visitor.sees(W.key_status.active, W.key.unused)
    visitor.follow(W.key.revoke, "main")
    visitor.look()
    visitor.fill(W.forms.confirm_password, PASSWORD)
    visitor.press(W.key.revoke)
    visitor.sees(W.key_done.revoked, W.key_status.revoked)
