"""What every command has: words that say what it does, also of each of its options; and one version."""

from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from api import __version__
from api.cli import pgwallet


def commands(group: click.Group, *names: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name, command in group.commands.items():
        yield (*names, name), command
        if isinstance(command, click.Group):
            yield from commands(command, *names, name)


ALL = {" ".join(names): command for names, command in commands(pgwallet)}


@pytest.mark.parametrize("name", ALL)
def test_every_command_says_what_it_does(name: str) -> None:
    for option in ("--help", "-h"):
        shown = CliRunner().invoke(pgwallet, [*name.split(), option])
        assert shown.exit_code == 0
        assert shown.output.startswith(f"Usage: pgwallet {name} ")
    command = ALL[name]
    assert command.help, "say what it does"
    for parameter in command.params:
        assert not isinstance(parameter, click.Option) or parameter.help, f"{parameter.name}: say what it is for"


def test_the_version_needs_no_settings() -> None:
    shown = CliRunner(env={"PORT": "x"}).invoke(pgwallet, ["--version"])
    assert shown.output == f"pgwallet {__version__}\n"


def test_a_shell_completes_commands() -> None:
    words = {"_PGWALLET_COMPLETE": "bash_complete", "COMP_WORDS": "pgwallet wal", "COMP_CWORD": "1"}
    result = CliRunner(env=words).invoke(pgwallet, prog_name="pgwallet")
    assert result.stdout == "plain,wallet\n"
    assert (
        "_pgwallet_completion"
        in CliRunner(env={"_PGWALLET_COMPLETE": "zsh_source"}).invoke(pgwallet, prog_name="pgwallet").stdout
    )
