"""What operators watch on the console: the service now, the trial balance, and verifications."""

from contextlib import closing
from uuid import uuid4

import psycopg
import pytest

from tests.api.pages.browser import Browser, Page
from tests.api.service import PASSWORD, Service, User, data
from tests.command import wait_until
from tests.database import Database

HELD = "lock table wallet.limit_usage in access exclusive mode"


@pytest.fixture
def console(service: Service, operator: User):
    """An operator's browser."""
    with closing(Browser(service)) as browser:
        browser.sign_in(operator.username)
        yield browser


def test_pages(console: Browser) -> None:
    for p in ("activity", "trial-balance", "trial-balance?asset=UC", "verifications", "verifications?of=all", "verifications/start", "webhooks", "webhooks/new"):
        page = console.open(f"/operator/{p}")
        assert page.status == 200, page.text
        print(page.text)
