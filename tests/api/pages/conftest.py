"""Browsers of operators."""

from collections.abc import Iterator

import pytest

from tests.api.pages.browser import Browser
from tests.api.service import Service, User


@pytest.fixture
def console(service: Service, operator: User) -> Iterator[Browser]:
    """The browser of an operator, signed in."""
    with Browser(service) as browser:
        browser.sign_in(operator.username)
        yield browser
