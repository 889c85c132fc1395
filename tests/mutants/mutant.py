"""Mutants: small patches, each of which breaks one guarantee.

A patch is a text file. It begins with what it breaks, then names the tests that must notice, then has changes: a file,
text that is there (-), and text in its place (+). There is no context and there are no line numbers, so a patch
outlives all changes but those of its own text. A `*` in a file's name stands for every file that has this text.

    A debit needs no money.
    tests: tests/sql/transactions/test_wallet_spend.sql
    --- db/functions/transactions/check_change.sql
    -when p_delta < 0 and p_available + p_delta < 0 then 'WA003'
"""

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(__file__).parent


class PatchError(Exception):
    """The patch does not fit the tree."""


@dataclass(frozen=True)
class Change:
    """Text of a file, or of all that a pattern names, and what is to stand in its place."""

    files: str
    before: str
    after: str

    def apply(self, root: Path) -> None:
        """Change the files below `root`. Raises PatchError where the text is not there, or not only once."""
        several = "*" in self.files
        found = 0
        for file in sorted(root.glob(self.files)):
            text = file.read_text()
            count = text.count(self.before)
            found += count
            if count > 1 and not several:
                break
            file.write_text(text.replace(self.before, self.after))
        if found == 0 or (found > 1 and not several):
            raise PatchError(f"{self.files} has this {found} times:\n{self.before}")


@dataclass(frozen=True)
class Mutant:
    """A patch, what it breaks, and the tests of which one must fail."""

    name: str
    breaks: str
    tests: list[str]
    changes: list[Change]

    def apply(self, root: Path) -> None:
        """Change the tree below `root`. Raises PatchError."""
        for change in self.changes:
            change.apply(root)


def mutants() -> list[Mutant]:
    """Read all patches."""
    return [read(path) for path in sorted(FOLDER.glob("*.patch"))]


def read(path: Path) -> Mutant:
    """Read a patch. Raises PatchError for one that is none."""
    breaks, tests, *lines = path.read_text().splitlines()
    if not tests.startswith("tests: "):
        raise PatchError(f"{path.name} does not name its tests in its second line")
    changes: list[tuple[str, list[str], list[str]]] = []
    for line in lines:
        if line.startswith("--- "):
            changes.append((line[4:], [], []))
        elif changes and line[:1] in {"-", "+"}:
            _, before, after = changes[-1]
            (before if line[0] == "-" else after).append(line[1:])
        else:
            raise PatchError(f"{path.name}: {line}")
    found = [Change(file, "\n".join(out), "\n".join(into)) for file, out, into in changes]
    return Mutant(path.stem, breaks, tests.split()[1:], found)
