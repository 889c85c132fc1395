"""How commands answer: tables for people on a terminal, plain text through a pipe, one JSON document with --json.

What comes from a database was written by others: no control character of it reaches a terminal, and rich reads no
markup in it. Exit codes: 0 done, 1 refused or something was found, 2 the command line is wrong, 3 not reachable.
"""

from __future__ import annotations

import contextlib
import json
import re
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import click
import msgspec

from api.errors import CommandError
from api.setup.deploy import UnreachableError

# rich is imported where it is used: it would cost every command 50 ms.

Row = Mapping[str, Any]
Cell = str | Callable[[Row], object]
"""What a column or line shows of a row: the value of this name, or what the function makes of the row."""

DONE: Final = 0
REFUSED: Final = 1
USAGE: Final = 2
UNREACHABLE: Final = 3

STEPS: Final = 1000
"""So often at most is a bar told that it has grown."""
UNUSUAL: Final = re.compile(r"[^ -~\n]")

JSON: Final = click.option("--json", "as_json", is_flag=True, help="As JSON, for programs")
YES: Final = click.option("--yes", is_flag=True, help="Do not ask")


class Failure(click.ClickException):
    """What a CommandError becomes: its text in a line on standard error, and the exit code."""

    exit_code = REFUSED

    def show(self, file: Any = None) -> None:
        """Print the line."""
        click.echo("\n".join(f"pgwallet: {printable(line)}" for line in self.message.split("\n")), file, err=True)


class Unreachable(Failure):
    """The same, where the reason is that something was not reached."""

    exit_code = UNREACHABLE


class Program(click.Group):
    """The whole command line."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; a CommandError ends it with a line and an exit code."""
        try:
            return super().invoke(ctx)
        except CommandError as error:
            found: BaseException | None = error
            while found is not None and not isinstance(found, UnreachableError):
                found = found.__cause__
            raise (Failure if found is None else Unreachable)(str(error)) from error


def show_rows(
    rows: Sequence[Row], columns: Mapping[str, Cell], *, as_json: bool, right: Collection[str] = (), none: str = "none"
) -> None:
    """Print rows, as JSON whole, else these columns by their headings; those of `right` are numbers.

    `none` says on standard error that there are no rows.
    """
    if as_json:
        show_json(rows)
        return
    cells = [[_shown(_value(row, cell)) for cell in columns.values()] for row in rows]
    if not rows:
        note(none)
    elif sys.stdout.isatty():
        from rich.box import SIMPLE_HEAD
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table(box=SIMPLE_HEAD, pad_edge=False)
        for heading in columns:
            table.add_column(Text(heading), justify="right" if heading in right else "left", overflow="fold")
        for line in cells:
            table.add_row(*map(Text, line))
        Console().print(table)
    else:
        click.echo("\n".join(_aligned([list(columns), *cells], [heading in right for heading in columns])))


def show_record(found: Row, lines: Mapping[str, Cell], *, as_json: bool) -> None:
    """Print one row, as JSON whole, else these lines by their names, without those that have nothing to tell."""
    if as_json:
        show_json(found)
        return
    told = [(name, _value(found, cell)) for name, cell in lines.items()]
    show_lines((name, value) for name, value in told if value not in (None, "", []))


def show_lines(lines: Iterable[tuple[str, object]]) -> None:
    """Print a name and a value a line, on a terminal the names in bold. A name can come several times."""
    told = [(name, _shown(value)) for name, value in lines]
    width = max((len(name) for name, _ in told), default=0)
    for name, value in told:
        click.echo(f"{click.style(name.ljust(width), bold=True)}  {value}")


def show_json(found: object) -> None:
    """Print the one JSON document of a command."""
    click.echo(printable_json(msgspec.json.format(msgspec.json.encode(found)).decode()))


def note(text: str) -> None:
    """Tell something beside the answer, on standard error."""
    click.echo("\n".join(map(printable, text.split("\n"))), err=True)


def confirm(question: str, *, yes: bool) -> None:
    """Ask before something is done that people may regret; through a pipe, and with --yes, nobody is asked."""
    if not yes and sys.stdin.isatty():
        click.confirm(printable(question), abort=True, err=True)


@contextlib.contextmanager
def progress(total: int | None, label: str = "rows") -> Iterator[Callable[[int], None]]:
    """Show on a terminal how far something is; yields what is called with how much more is done. None: unknown."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    label_column = TextColumn("{task.description}", markup=False)
    bar = Progress(
        *(label_column, BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()),
        console=Console(stderr=True),
        # what is printed meanwhile goes above the bar, but a pipe's goes into the pipe
        redirect_stdout=sys.stdout.isatty(),
    )
    with bar:
        task = bar.add_task(label, total=total)
        step, held = max((total or 0) // STEPS, 1), 0

        def advance(more: int) -> None:
            nonlocal held
            held += more
            if held >= step:
                bar.advance(task, held)
                held = 0

        yield advance
        bar.advance(task, held)


def money(minor: int | None, asset: str | None, scale: int | None) -> str | None:
    """Return an amount of minor units as people write it: 12.50 UC."""
    if minor is None or asset is None or scale is None:
        return None if minor is None else str(minor)
    return f"{Decimal(minor).scaleb(-scale):f} {asset}"


def moment(at: str | datetime | None) -> str | None:
    """Return a time, also one of JSON, to the second, in UTC."""
    if at is None:
        return None
    told = datetime.fromisoformat(at) if isinstance(at, str) else at
    return f"{told.astimezone(UTC):%Y-%m-%d %H:%M:%SZ}"


def age(seconds: float) -> str:
    """Return a duration as people say it."""
    for unit, size in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def printable(text: str) -> str:
    """Keep what others wrote from ruling the terminal: names of applications, descriptions, answers."""
    return "".join(char if char.isprintable() else "?" for char in text)


def printable_json(text: str) -> str:
    """The same for JSON, which can spell it otherwise."""
    return UNUSUAL.sub(lambda char: char[0] if char[0].isprintable() else json.dumps(char[0])[1:-1], text)


def _value(row: Row, cell: Cell) -> object:
    return row.get(cell) if isinstance(cell, str) else cell(row)


def _shown(value: object) -> str:
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ",".join(map(_shown, value)) or "-"
    return printable(str(value))


def _aligned(lines: Sequence[Sequence[str]], right: Sequence[bool]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        placed = zip(line, widths, right, strict=True)
        cells = (text.rjust(width) if is_right else text.ljust(width) for text, width, is_right in placed)
        yield "  ".join(cells).rstrip()
