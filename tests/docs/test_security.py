"""Every defence that SECURITY.md names has its test."""

import ast
import re

from tests.docs.markdown import ROOT, rows

DOCUMENT = ROOT / "SECURITY.md"
TEST = re.compile(r"`(tests/[^`]+)`")
DEFENCES = [row for row in rows(DOCUMENT) if len(row) == 3 and row[1] and row[0] != "threat" and set(row[0]) != {"-"}]


def names(file: str) -> set[str]:
    """The tests of a file, and its classes."""
    if not file.endswith(".py"):
        return set()
    nodes = ast.walk(ast.parse((ROOT / file).read_text()))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return {node.name for node in nodes if isinstance(node, kinds) and node.name.lower().startswith("test")}


def test_every_defence_has_a_test() -> None:
    assert len(DEFENCES) > 30
    assert [row[0] for row in DEFENCES if not TEST.search(row[2])] == []


def test_every_test_that_is_named_exists() -> None:
    missing = []
    for named in TEST.findall(DOCUMENT.read_text()):
        file, *within = named.split("::")
        if not (ROOT / file).is_file() or not set(within) <= names(file):
            missing.append(named)
    assert missing == []


def test_the_readme_leads_there() -> None:
    assert "](SECURITY.md)" in (ROOT / "README.md").read_text()
