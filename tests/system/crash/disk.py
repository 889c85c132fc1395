"""A small disk of our own, and what happens when it is full."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import psycopg

from tests.command import wait_until
from tests.system.crash.arena import Arena, Fault

SIZE = "256m"
SPARE = 4 * 1024 * 1024
"""What is left before the fault takes the rest, in bytes."""
UNANSWERED = 50
TRIES = 1000
WHERE = "TESTS_SMALL_DISK"


def mounted(folder: str, command: Sequence[str]) -> list[str]:
    """Return the command that runs `command` with a small disk at `folder`, which no other process sees.

    An ordinary user is root of a namespace for as long as the mount takes.
    """
    mount = f'mount -t tmpfs -o size={SIZE},mode=755 tmpfs "$0" && exec "$@"'
    if os.geteuid() == 0:
        return ["unshare", "--mount", "sh", "-c", mount, folder, *command]
    back = ["unshare", "--user", f"--map-user={os.geteuid()}", f"--map-group={os.getegid()}"]
    return ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mount, folder, *back, *command]


def can_mount() -> bool:
    """Whether this user may have a disk of its own here."""
    with tempfile.TemporaryDirectory(prefix="pgwallet-") as folder:
        try:
            return subprocess.run(mounted(folder, ["true"]), capture_output=True, check=False).returncode == 0
        except FileNotFoundError:
            return False


def run_again_with_disk() -> int:
    """Run this program once more, with a small disk; returns its exit status."""
    with tempfile.TemporaryDirectory(prefix="pgwallet-") as folder:
        process = subprocess.Popen(
            mounted(folder, [sys.executable, "-m", "tests.system.crash", *sys.argv[1:]]),
            env={**os.environ, WHERE: folder},
        )
        # Ctrl-C reaches both, and the other one has to clean up
        signal.signal(signal.SIGINT, lambda *_: None)
        try:
            return process.wait()
        finally:
            process.terminate()
            process.wait()


class Disk:
    """The small disk, and a file that takes its space."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def fill(self, *, spare: int = 0) -> None:
        """Take all space but `spare` bytes, though others take of it meanwhile."""
        with self._ballast.open("ab", buffering=0) as file:
            for _ in range(TRIES):
                state = os.statvfs(self.folder)
                room = state.f_bavail * state.f_frsize - spare
                if room <= 0:
                    return
                # where it does not fit any more, nothing is taken
                with suppress(OSError):
                    os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), room)
        raise AssertionError("the disk could not be filled")

    def make_room(self) -> None:
        self._ballast.unlink()


def full(disk: Disk, *, log_too: bool) -> Fault:
    """No room for the tables; with `log_too` none for the write-ahead log either, which ends the server."""

    def fault(arena: Arena) -> int:
        disk.fill(spare=SPARE)
        before = unanswered(arena)
        found = arena.strike(disk.fill)
        wait_until(lambda: unanswered(arena) >= before + UNANSWERED)
        if log_too:
            wait_until(lambda: log_is_full(arena))
        assert os.statvfs(disk.folder).f_bavail < SPARE
        # recovery is counted from here
        disk.make_room()
        arena.struck = time.monotonic()
        return found

    return fault


def unanswered(arena: Arena) -> int:
    return sum(request.was_unknown for request in arena.load.requests)


def log_is_full(arena: Arena) -> bool:
    """Ask for another segment of the log; true once that has ended the server."""
    try:
        with psycopg.connect(arena.url, autocommit=True) as connection:
            connection.execute("select pg_switch_wal(), pg_logical_emit_message(false, 'crash', repeat('x', 1000))")
    except psycopg.OperationalError:
        return True
    return False
