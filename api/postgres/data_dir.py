"""The data dir: a private folder that one pgwallet at a time works in."""

import contextlib
import fcntl
import json
import logging
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from api.errors import CommandError

logger = logging.getLogger(__name__)

PATIENCE = 2.0


class DataDirError(CommandError):
    """The data dir cannot be used, or another pgwallet uses it; the text is one line."""


def prepare(folder: Path) -> None:
    """Make the data dir, which only we can read, or check the one that is there. Raises DataDirError."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        mode = folder.stat().st_mode
        if not os.access(folder, os.W_OK | os.X_OK):
            raise DataDirError(f"the data dir {folder} cannot be written by this user: set PGWALLET_DATA_DIR")
    except FileExistsError:
        raise DataDirError(f"the data dir {folder} is not a folder: set PGWALLET_DATA_DIR") from None
    except OSError as error:
        raise DataDirError(f"the data dir {folder} cannot be made: {error.strerror}; set PGWALLET_DATA_DIR") from None
    if mode & 0o002:
        raise DataDirError(f"the data dir {folder} can be written by every user: choose a folder of its own")


def open_private(path: Path, flags: int) -> int:
    """Open or make a file that only its owner can read; what root makes belongs to the folder's owner."""
    descriptor = os.open(path, flags | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    if os.geteuid() == 0:
        parent = path.parent.stat()
        os.fchown(descriptor, parent.st_uid, parent.st_gid)
    return descriptor


@dataclass
class Lock:
    """The right to start and stop the data dir's server. The kernel frees the lock when its holder dies.

    The lock file names the holder, and the socket once the server listens.
    """

    folder: Path
    command: str
    unclean: bool = False
    _file: int | None = field(default=None, repr=False)

    @property
    def _path(self) -> Path:
        return self.folder / "lock"

    def take(self, *, share: bool) -> Path | None:
        """Wait for the lock. Returns None when we hold it.

        While `run` holds it: with `share`, wait until its server listens and return the socket folder; without it,
        raise DataDirError. It waits for other commands.
        """
        file = self._open()
        started, told, rival = time.monotonic(), False, 0
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = self._holder()
            else:
                self.unclean = self._read().get("command") == "run"
                self._file = file
                self._write({})
                return None
            if holder.get("command") == "run":
                if share and "socket" in holder:
                    os.close(file)
                    return Path(holder["socket"])
                # running() takes the lock for an instant to test it, so one failure proves nothing
                rival += 1
                if not share and rival > 5:
                    os.close(file)
                    raise DataDirError(f"another pgwallet runs on {self.folder} (process {holder['pid']})")
            if not told and time.monotonic() - started > PATIENCE:
                told = True
                logger.info("waiting for another pgwallet on %s", self.folder)
            time.sleep(0.05)

    def listening(self, socket: Path) -> None:
        """Record where the server listens."""
        self._write({"socket": str(socket)})

    def release(self) -> None:
        """Free the lock."""
        if self._file is not None:
            os.ftruncate(self._file, 0)
            os.close(self._file)
            self._file = None

    def running(self) -> Path | None:
        """Return the socket folder of the server that a `run` keeps up; None when there is none."""
        if not self._path.exists():
            return None
        file = self._open()
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = self._holder()
            return Path(holder["socket"]) if holder.get("command") == "run" and "socket" in holder else None
        finally:
            os.close(file)
        return None

    def _read(self) -> dict[str, Any]:
        """Return {command, pid, socket?} as the last holder left it; {} after a release."""
        with contextlib.suppress(OSError, ValueError):
            found = json.loads(self._path.read_text(encoding="utf-8"))
            return found if isinstance(found, dict) else {}
        return {}

    def _holder(self) -> dict[str, Any]:
        """Return what the lock file says, {} if its writer is dead: the new holder has not written yet."""
        found = self._read()
        with contextlib.suppress(PermissionError):
            try:
                os.kill(found["pid"], 0)
            except (KeyError, ProcessLookupError):
                return {}
        return found

    def _open(self) -> int:
        try:
            return open_private(self._path, os.O_RDWR)
        except OSError as error:
            raise DataDirError(f"the data dir {self.folder} cannot be used: {error.strerror}") from None

    def _write(self, more: dict[str, str]) -> None:
        if self._file is None:
            raise RuntimeError("the lock is not held")
        text = json.dumps({"command": self.command, "pid": os.getpid(), **more})
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, text.encode(), 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
