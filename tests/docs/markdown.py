"""The Markdown files of the repository: their commands, links and tables.

A test executes every block marked `console` or `sh` of README.md, docs/setup, docs/api, docs/guides and others, in the
order of the text:

    console   after `$ ` a command, then all that it prints, which must be so
    sh        commands whose output is nobody's business, but they must succeed

What no test should run stands in a block marked `text`.
"""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = (".ci", "api", "bench", "clients", "db", "docs", "tests")

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Command:
    """A command of a document; `output` is None where it is not shown."""

    place: str
    text: str
    output: str | None


def documents() -> list[Path]:
    """Every Markdown file of the project."""
    return sorted([*ROOT.glob("*.md"), *(file for folder in FOLDERS for file in (ROOT / folder).rglob("*.md"))])


def commands(document: Path) -> Iterator[Command]:
    """The commands that the document tells its reader to enter."""
    text = document.read_text()
    for block in FENCE.finditer(text):
        place = f"{document.relative_to(ROOT)}:{text.count(chr(10), 0, block.start()) + 1}"
        lines = block[2].splitlines()
        if block[1] == "sh":
            while lines:
                yield Command(place, _command(lines), None)
        elif block[1] == "console":
            assert lines[0].startswith("$ "), f"{place}: a block marked console starts with a prompt"
            while lines:
                lines[0] = lines[0].removeprefix("$ ")
                command, output = _command(lines), []
                while lines and not lines[0].startswith("$ "):
                    output.append(lines.pop(0))
                yield Command(place, command, "\n".join(output))


def _command(lines: list[str]) -> str:
    """Take a command off the lines: it goes on after a backslash and inside quotes."""
    command = lines.pop(0)
    while command.endswith("\\") or _quotes_open(command):
        command += "\n" + lines.pop(0)
    return command


def _quotes_open(command: str) -> bool:
    try:
        shlex.split(command)
    except ValueError:
        return True
    return False


def links(document: Path) -> list[str]:
    """Where the document leads to, outside its code blocks."""
    return LINK.findall(FENCE.sub("", document.read_text()))


def anchors(document: Path) -> set[str]:
    """The names of its headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", FENCE.sub("", document.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def rows(document: Path) -> list[list[str]]:
    """The cells of every table row, without headers and rules."""
    lines = [line for line in document.read_text().splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
