"""The command line in the process of the test, on one database for each file."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from api.cli import pgwallet
from tests.cluster import Everywhere, spread
from tests.command import OURS
from tests.database import Database

NOBODYS_PORT = "1"


class Cli:
    """Runs commands with settings of its own, as `tests.command.Pgwallet` does it with a process for each."""

    def __init__(self, **variables: str) -> None:
        self._environment: dict[str, str | None] = {name: None for name in os.environ if name.startswith(OURS)}
        self._environment |= {"PGWALLET_BCRYPT_COST": "4", "PORT": NOBODYS_PORT, **variables}

    def attempt(self, *arguments: str, typed: str = "", **variables: str) -> tuple[int, str, str]:
        result = CliRunner(env={**self._environment, **variables}).invoke(pgwallet, arguments, input=typed)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.stdout, result.stderr

    def call(self, *arguments: str, typed: str = "", **variables: str) -> str:
        """Run a command that must succeed; returns what it prints."""
        status, output, errors = self.attempt(*arguments, typed=typed, **variables)
        assert status == 0, errors
        return output

    def json(self, *arguments: str, **variables: str) -> Any:
        return json.loads(self.call(*arguments, "--json", **variables))

    def refusal(self, *arguments: str, **variables: str) -> str:
        """Run a command that must be refused; returns the last line without the name in front."""
        status, _, errors = self.attempt(*arguments, **variables)
        assert status in (1, 3), errors
        return errors.splitlines()[-1].removeprefix("pgwallet: ")


@pytest.fixture
def cli(module_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """The command line on the database of the module."""
    # where no .env is
    monkeypatch.chdir(tmp_path)
    return Cli(DATABASE_URL=module_database.url, PGWALLET_DATA_DIR=str(tmp_path))


@pytest.fixture(scope="module")
def several(module_database: Database) -> Iterator[Everywhere]:
    """A cluster of two databases; the first is that of the module."""
    with spread(module_database, 2) as found:
        yield found


@pytest.fixture
def everywhere(several: Everywhere, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """The command line on the cluster."""
    monkeypatch.chdir(tmp_path)
    return Cli(**several.databases.settings, PGWALLET_DATA_DIR=str(tmp_path))
