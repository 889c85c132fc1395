"""What commands print: on a terminal, through a pipe, as JSON; and with which exit code they end."""

import io
import json
from datetime import UTC, datetime
from decimal import Decimal

import click
import pytest
from click.testing import CliRunner

from api.commands import output
from api.commands.output import Cell, Program
from api.errors import CommandError
from api.setup.deploy import UnreachableError

ROWS = [
    {"name": "alice", "amount": 1250, "note": "[bold]x[/bold]"},
    {"name": "\x1b[31mbob\u202e", "amount": 7, "note": None},
]
COLUMNS: dict[str, Cell] = {"name": "name", "much": lambda row: output.money(row["amount"], "EUR", 2), "note": "note"}


class Terminal(io.StringIO):
    """A stream that counts as a terminal."""

    def isatty(self) -> bool:
        return True


def test_rows_are_aligned_through_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    output.show_rows(ROWS, COLUMNS, as_json=False, right=("much",))
    assert capsys.readouterr().out.splitlines() == [
        "name            much  note",
        "alice      12.50 EUR  [bold]x[/bold]",
        "?[31mbob?   0.07 EUR  -",
    ]


def test_rows_are_a_table_on_a_terminal_and_rule_it_in_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    output.show_rows(ROWS, COLUMNS, as_json=False, right=("much",))
    shown = terminal.getvalue()
    assert "12.50 EUR   [bold]x[/bold]" in shown
    assert "?[31mbob?" in shown
    assert "\u202e" not in shown


def test_rows_are_one_document_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    output.show_rows(ROWS, COLUMNS, as_json=True)
    told = capsys.readouterr().out
    assert json.loads(told) == ROWS
    assert "\x1b" not in told
    assert "\u202e" not in told


def test_that_there_are_no_rows_is_no_row(capsys: pytest.CaptureFixture[str]) -> None:
    output.show_rows([], COLUMNS, as_json=False, none="no users")
    assert capsys.readouterr() == ("", "no users\n")
    output.show_rows([], COLUMNS, as_json=True)
    assert capsys.readouterr() == ("[]\n", "")


def test_a_record_leaves_out_what_it_does_not_have(capsys: pytest.CaptureFixture[str]) -> None:
    lines: dict[str, Cell] = {"name": "name", "a list": "list", "missing": "missing", "empty": "empty"}
    output.show_record({"name": "alice", "list": ["a", "b"], "empty": []}, lines, as_json=False)
    assert capsys.readouterr().out == "name    alice\na list  a,b\n"


@pytest.mark.parametrize(
    ("error", "code"),
    [(CommandError("no"), output.REFUSED), (UnreachableError("nobody there"), output.UNREACHABLE)],
)
def test_errors_are_a_line_and_an_exit_code(error: CommandError, code: int) -> None:
    @click.group(cls=Program)
    def program() -> None:
        pass

    @program.command()
    @click.option("--wrapped", is_flag=True)
    def fail(*, wrapped: bool) -> None:
        if wrapped:
            raise CommandError("database 1: \x1b[2J") from error
        raise error

    result = CliRunner().invoke(program, ["fail"])
    assert (result.exit_code, result.stderr) == (code, f"pgwallet: {error}\n")
    result = CliRunner().invoke(program, ["fail", "--wrapped"])
    assert (result.exit_code, result.stderr) == (code, "pgwallet: database 1: ?[2J\n")
    assert CliRunner().invoke(program, ["fail", "--other"]).exit_code == output.USAGE


def test_progress_shows_on_a_terminal_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    piped, terminal = io.StringIO(), Terminal()
    for stream in (piped, terminal):
        answer = io.StringIO()
        monkeypatch.setattr("sys.stderr", stream)
        monkeypatch.setattr("sys.stdout", answer)
        with output.progress(3001, "[wallets]") as advance:
            click.echo("found", nl=False)
            for _ in range(3000):
                advance(1)
            advance(1)
        assert answer.getvalue() == "found"
    assert piped.getvalue() == ""
    assert "[wallets]" in terminal.getvalue()
    assert "3001/3001" in terminal.getvalue()


def test_a_question_is_asked_on_a_terminal_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal("n\n")
    monkeypatch.setattr("sys.stdin", terminal)
    with pytest.raises(click.Abort):
        output.confirm("Do it?", yes=False)
    output.confirm("Do it?", yes=True)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    output.confirm("Do it?", yes=False)


def test_amounts_times_and_durations_are_as_people_write_them() -> None:
    assert output.money(-5, "EUR", 2) == "-0.05 EUR"
    assert output.money(2**53 - 1, "UC", 0) == "9007199254740991 UC"
    assert output.money(None, "UC", 0) is None
    assert output.money(7, None, None) == "7"
    assert output.moment("2026-11-28T02:00:00.5+01:00") == "2026-11-28 01:00:00Z"
    assert output.moment(datetime(2026, 11, 28, tzinfo=UTC)) == "2026-11-28 00:00:00Z"
    assert output.moment(None) is None
    assert [output.age(seconds) for seconds in (1, 150, 7200, 200_000)] == ["1 s", "2 minutes", "2 hours", "2 days"]
    assert Decimal("0.50") == Decimal(str(output.money(50, "EUR", 2)).removesuffix(" EUR"))
