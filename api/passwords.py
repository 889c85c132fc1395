"""Passwords: bcrypt, where it cannot hold up anything else."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import secrets
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeVar

import bcrypt

from api.errors import UNAVAILABLE, FieldError, ServiceError, invalid

T = TypeVar("T")

PASSWORD_BYTES: Final = range(8, 73)  # bcrypt reads no more than 72
WAITING_PER_THREAD: Final = 16
NICENESS: Final = 10
COST: Final = re.compile(r"\$2[aby]\$(\d\d)\$")


class Passwords:
    """bcrypt off the event loop: few threads, and a short queue in front of them that refuses rather than grows.

    The threads are nice: while processors are short, they leave nine tenths to the event loop and to PostgreSQL.
    """

    def __init__(self, cost: int) -> None:
        self._cost = cost
        threads = min(2, os.cpu_count() or 1)
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="bcrypt", initializer=_be_nice)
        self._free = threads * (1 + WAITING_PER_THREAD)
        self._dummy = bcrypt.hashpw(secrets.token_bytes(16), bcrypt.gensalt(cost)).decode()

    async def hash(self, password: str, field: str = "password") -> str:
        """Hash a new password. Raises ServiceError: 422 unless `usable`, 503 when too many wait."""
        encoded = usable(password, field)
        hashed = await self._run(lambda: bcrypt.hashpw(encoded, bcrypt.gensalt(self._cost)))
        return hashed.decode()

    async def matches(self, password: str, password_hash: str | None) -> bool:
        """Compare with a stored hash; for an unknown user (None) with a dummy, so that both take the same time."""
        encoded = password.encode()
        known = (password_hash or self._dummy).encode()
        equal = await self._run(lambda: bcrypt.checkpw(encoded[: PASSWORD_BYTES[-1]], known))
        return equal and password_hash is not None and len(encoded) in PASSWORD_BYTES

    def outdated(self, password_hash: str) -> bool:
        """Whether the hash cost less than one costs now."""
        found = COST.match(password_hash)
        return found is not None and int(found[1]) < self._cost

    def require_room(self) -> None:
        """Raise ServiceError (503) where too many wait already: then nothing else need be done for the request."""
        if self._free == 0:
            raise ServiceError(UNAVAILABLE, "Too many sign-ins at once. Try again in a moment.")

    async def _run(self, work: Callable[[], T]) -> T:
        self.require_room()
        self._free -= 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._free += 1

    def close(self) -> None:
        """Drop what waits and let the threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def usable(password: str, field: str = "password") -> bytes:
    """Return the password in UTF-8. Raises ServiceError: 422 unless it has 8 to 72 bytes."""
    encoded = password.encode()
    if len(encoded) not in PASSWORD_BYTES:
        raise invalid(FieldError(field, "must have 8 to 72 bytes in UTF-8"))
    return encoded


def _be_nice() -> None:
    # Linux alone has a priority for each thread
    if Path("/proc/self/task").exists():
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
