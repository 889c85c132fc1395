"""Real processes of the command line on temporary data dirs and free ports."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.setup.command import Pgwallet


@pytest.fixture(scope="session")
def prepared_dir() -> Iterator[Path]:
    """A data dir whose database is set up, for tests that need one and can work with what others left in it."""
    with tempfile.TemporaryDirectory(prefix="pgwallet-") as folder:
        # the tests sign in: the demo accounts have a password hash of full strength, new users get a cheap one
        wallet = Pgwallet(Path(folder))
        wallet.call("migrate")
        wallet.call("seed")
        yield Path(folder)


@pytest.fixture
def wallet(prepared_dir: Path) -> Iterator[Pgwallet]:
    """The command line on `prepared_dir`; what it runs in the background ends with the test."""
    with Pgwallet(prepared_dir) as found:
        yield found


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Pgwallet]:
    """The command line on a data dir that does not exist yet."""
    with Pgwallet(tmp_path / "data") as found:
        yield found
