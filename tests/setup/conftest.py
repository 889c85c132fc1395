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
        wallet = Pgwallet(Path(folder))
        wallet.call("migrate")
        wallet.call("seed")
        # what the tests write must survive a kill, not a power cut
        wallet.call("psql", "-qc", "alter system set fsync = off")
        yield Path(folder)


@pytest.fixture
def wallet(prepared_dir: Path) -> Iterator[Pgwallet]:
    """The command line on `prepared_dir`; what it runs in the background ends with the test."""
    with Pgwallet(prepared_dir) as found:
        yield found


@pytest.fixture
def fresh() -> Iterator[Pgwallet]:
    """The command line on a data dir that does not exist yet."""
    # not in tmp_path: each start of pytest closes its root again, also to the user who runs our server
    with tempfile.TemporaryDirectory(prefix="pgwallet-") as folder, Pgwallet(Path(folder) / "data") as found:
        yield found
