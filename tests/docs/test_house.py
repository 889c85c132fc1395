"""The overview shows every room, and leads a newcomer to the right one."""

import ast
import re
from pathlib import Path

import pytest

from tests.docs.markdown import ROOT, anchors, rows

OVERVIEW = ROOT / "docs/architecture/overview.md"
PICTURE = re.compile(r"# [^\n]*\n\n```mermaid\n([\s\S]*?)\n```\n")
PLACE = re.compile(r"\[[^\]]+\]\(([^)#]+)(?:#([^)]+))?\)(?:: `(\w+)`)?")
QUESTIONS = {
    "the rate limits?",
    "the throttling of sign-ins?",
    "group commit?",
    "who watches PostgreSQL?",
    "how a hold expires?",
    "where a code gets its status?",
    "where a metric is defined?",
    "how a function is deployed?",
    "how to add an operation?",
    "how to add an error?",
    "which database a call goes to?",
    "how money gets to another database?",
}
ANSWERS = {row[0]: PLACE.findall(row[1]) for row in rows(OVERVIEW) if row[0].endswith("?")}


def defined(file: Path) -> set[str]:
    """The names that a file defines: a SQL function, or what a Python module has at its top level."""
    if file.suffix == ".sql":
        return set(re.findall(r"^create or replace function \w+\.(\w+)\(", file.read_text(), re.MULTILINE))
    names = set()
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
    return names


def test_each_question_of_a_newcomer_has_one_or_two_places() -> None:
    assert ANSWERS.keys() == QUESTIONS
    assert {question for question, places in ANSWERS.items() if len(places) not in (1, 2)} == set()


@pytest.mark.parametrize("question", sorted(ANSWERS))
def test_what_a_newcomer_looks_for_is_at_the_place(question: str) -> None:
    for path, anchor, name in ANSWERS[question]:
        file = (OVERVIEW.parent / path).resolve()
        assert file.exists(), path
        assert not anchor or anchor in anchors(file), path
        assert not name or name in defined(file), f"{name} is not in {path}"
        assert anchor or name or file.is_dir(), f"say what to look for in {path}"


def test_the_page_begins_with_a_picture_of_every_room() -> None:
    picture = PICTURE.match(OVERVIEW.read_text())
    assert picture, "the page begins with a picture"
    drawn = set(re.findall(r"(\w+)/(?!\w)", picture[1])) - {"api"}
    rooms = {
        folder.name
        for house in (ROOT / "api", ROOT / "db/functions")
        for folder in house.iterdir()
        if any(folder.glob("*.py")) or any(folder.glob("*.sql"))
    }
    assert drawn == rooms
