"""A short run: what delivers is killed under load, while the receiver answers as it likes; then it has the ledger."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.system.events.run import running


@pytest.mark.long
def test_a_receiver_has_the_ledger_after_all_kinds_of_kills() -> None:
    said: list[str] = []
    with TemporaryDirectory(prefix="pgwallet-") as folder, running(Path(folder), wrong=0.05, brief=True) as run:
        found = run.load(["relay and receiver", "postmaster"], 0, said.append)
        assert found == [], run.figures()
