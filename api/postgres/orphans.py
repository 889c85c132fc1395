"""Stop what a killed pgwallet left behind: a server, or its backends, that still use our database files."""

import contextlib
import logging
import os
import signal
import time
from pathlib import Path

logger = logging.getLogger(__name__)

PROC = Path("/proc")


def stop_leftover(pgdata: Path, socket: Path, *, patience: float = 30.0) -> None:
    """Stop every PostgreSQL process that works in `pgdata`; returns when none is left.

    A server gets SIGINT first; backends without a server, and what does not end in time, are killed.
    It identifies processes by program name and working directory, because process ids are reused.
    """
    if not processes(pgdata):
        _forget(pgdata, socket)
        return
    logger.info("stopping the PostgreSQL server that a killed pgwallet left")
    for number, limit in ((signal.SIGINT, patience), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0)):
        # Backends take SIGINT as "cancel the query": only a server gets it.
        found = processes(pgdata)
        servers = [pid for pid, title in found.items() if not title.startswith("postgres:")]
        if number == signal.SIGINT and not servers:
            continue
        for pid in servers if number == signal.SIGINT else found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        if _ended(pgdata, limit):
            _forget(pgdata, socket)
            return


def processes(pgdata: Path) -> dict[int, str]:
    """Return {process id: title} of the PostgreSQL processes whose working directory is `pgdata`.

    A zombie has no title and is left out. Without /proc the result is empty; PostgreSQL's own check must do.
    """
    folder = str(pgdata.resolve())
    found = {}
    for entry in PROC.glob("[0-9]*"):
        # processes end meanwhile, and we may not read other users'
        with contextlib.suppress(OSError):
            if str((entry / "cwd").readlink()) == folder:
                title = (entry / "cmdline").read_bytes().split(b"\0")[0].decode("utf-8", "replace")
                if title.startswith("postgres:") or title.rsplit("/", 1)[-1] == "postgres":
                    found[int(entry.name)] = title
    return found


def _forget(pgdata: Path, socket: Path) -> None:
    """Remove a dead server's lock files: PostgreSQL takes a zombie, or a process with its id, for the server."""
    if (PROC / "self").exists():
        for path in (pgdata / "postmaster.pid", *socket.glob(".s.PGSQL.*")):
            path.unlink(missing_ok=True)


def _ended(pgdata: Path, limit: float) -> bool:
    deadline = time.monotonic() + limit
    while processes(pgdata):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
