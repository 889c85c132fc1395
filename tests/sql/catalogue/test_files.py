"""Where functions live: one to a file, in the folder of its noun; the folders at the bottom call nothing above them."""

import re
from pathlib import Path
from typing import Any

import pglast
import pytest
from pglast import ast

FUNCTIONS = Path(__file__).parents[3] / "db" / "functions"
FILES = sorted(FUNCTIONS.rglob("[!_]*.sql"))
FOLDERS = {file.stem: file.parent.name for file in FILES}
# what a folder at the bottom may call beside itself
BELOW = {"ledger": {"callers", "errors"}, "callers": {"cluster", "errors"}, "errors": set[str]()}


def test_a_name_is_a_functions_of_one_folder() -> None:
    assert sorted(FOLDERS) == sorted(file.stem for file in FILES)


def test_every_folder_says_what_lives_there() -> None:
    folders = {file.parent for file in FILES}
    assert FUNCTIONS not in folders
    for folder in folders:
        assert 2 <= len((folder / "README.md").read_text().splitlines()[2:]) <= 5, folder.name


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_file_holds_one_function_of_its_name_and_its_comment(file: Path) -> None:
    statements: list[Any] = [raw.stmt for raw in pglast.parse_sql(file.read_text())]
    assert [type(statement) for statement in statements] == [ast.CreateFunctionStmt, ast.CommentStmt]
    schema, name = (part.sval for part in statements[0].funcname)
    assert name == file.stem
    assert schema == ("public" if name.startswith("wallet_") else "wallet")
    assert [part.sval for part in statements[1].object.objname] == [schema, name]


def test_the_folders_at_the_bottom_call_nothing_above_them() -> None:
    called = {
        (file.parent.name, name)
        for file in FILES
        for name in re.findall(r"\b(?:wallet|public)\.(\w+)\s*\(", file.read_text())
        if file.parent.name in BELOW and name in FOLDERS
    }
    assert {(folder, name) for folder, name in called if FOLDERS[name] not in BELOW[folder] | {folder}} == set()


@pytest.mark.parametrize("file", sorted(FUNCTIONS.rglob("*.sql")), ids=lambda file: file.stem)
def test_no_line_is_wider_than_a_screen_but_for_texts(file: Path) -> None:
    lines = [re.sub(r"'(?:[^']|'')*'", "''", line) for line in file.read_text().splitlines()]
    assert [line for line in lines if len(line) > 120] == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_rows_that_functions_hand_on_are_filled_by_name(file: Path) -> None:
    assert re.findall(r"::\s*wallet\.(?:request|outcome|transaction_result|locked_wallet)\b", file.read_text()) == []
