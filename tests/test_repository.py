"""What several files say of the same thing is the same."""

import re
from pathlib import Path

import pytest

from api import __version__, errors

ROOT = Path(__file__).parents[1]
FUNCTIONS = ROOT / "db" / "functions"
CODE = re.compile(r"'(WA\d{3})'")
STATUSES = {code: kind.status for code, kind in errors.SQLSTATES.items() if code.startswith("WA")}


@pytest.mark.parametrize(
    "name",
    [
        *("requirements.txt", "requirements-dev.txt"),
        *("tests/browser/requirements.txt", "tests/system/failover/requirements.txt"),
    ],
)
def test_a_lock_file_does_not_say_where_it_was_made(name: str) -> None:
    text = (ROOT / name).read_text()
    assert "--hash=sha256:" in text
    assert "://" not in text


def test_the_codes_that_functions_refuse_with_are_those_with_a_text_and_a_status() -> None:
    used = {
        code
        for file in FUNCTIONS.rglob("*.sql")
        if file.stem != "error_text"
        for code in CODE.findall(file.read_text())
    }
    assert used == set(CODE.findall((FUNCTIONS / "errors" / "error_text.sql").read_text()))
    assert used == set(STATUSES)


def test_the_newest_version_of_the_changelog_is_this_one() -> None:
    headings = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] == "Unreleased"
    assert headings[1] == __version__
