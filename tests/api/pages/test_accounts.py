"""Sign-up with everything that is wrong at once, and what a sign-out says."""

from tests.api.pages.owner import Browser
from tests.api.service import Service, User


def test_all_that_is_wrong_with_a_sign_up_is_told_at_once(service: Service) -> None:
    with Browser(service) as browser:
        browser.open("/sign-up").send("again", username="a b", password="short", again="else")
        assert browser.status == 422
        (alert,) = browser.page.alerts
        for told in ("Use 3 to 64 letters", "8 to 72", "This is not the same password."):
            assert alert.count(told) == 1
        assert browser.page.form("again").fields["username"] == "a b"
        browser.send("again", username="somebody", password="", again="")
        assert "8 to 72" in browser.page.alerts[0]
        assert "not the same" not in browser.page.alerts[0]


def test_a_sign_out_says_that_it_happened(service: Service, alice: User) -> None:
    with Browser(service, alice) as browser:
        out, everywhere = browser.open("/account").page.forms[0], browser.page.forms[-1]
        assert (out.action, everywhere.action) == ("/sign-out", "/account/sign-out-everywhere")
        browser.submit(everywhere)
        assert browser.page.alerts == ["You are signed out in every browser and app."]
        browser.open("/sign-in?out=nowhere")
        assert browser.page.alerts == []
    with Browser(service, alice) as browser:
        browser.submit(browser.open("/account").page.forms[0])
        assert browser.page.alerts == ["You are signed out."]
