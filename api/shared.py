"""The folder in which the worker processes of one service share rate limits and metrics; gone with the service."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

# the name under which prometheus_client looks for it
VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"


@contextlib.contextmanager
def made() -> Iterator[Path]:
    """Make the folder, and tell processes that are started from here."""
    with tempfile.TemporaryDirectory(prefix="pgwallet-", ignore_cleanup_errors=True) as folder:
        os.environ[VARIABLE] = folder
        yield Path(folder)


def remove() -> None:
    """For a worker whose supervisor was killed: nobody else would."""
    shutil.rmtree(os.environ[VARIABLE], ignore_errors=True)
