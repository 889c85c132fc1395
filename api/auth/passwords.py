"""Runs bcrypt in threads, where it holds up nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeVar

import bcrypt

from api.database.admission import Admission, Turns
from api.errors import FieldError, invalid
from api.password_hash import HIGHEST_COST, PASSWORD_BYTES, cost_of, hash_password, is_hash

T = TypeVar("T")

WAITING_PER_THREAD: Final = 16
NICENESS: Final = 10


class Passwords:
    """bcrypt off the event loop: few threads behind a short queue, which refuses what it has no room for.

    Addresses (`by`) take turns, and none can fill the queue. The threads have a low priority: while processors are
    short, they leave nine tenths to the event loop and to PostgreSQL.
    """

    def __init__(self, cost: int) -> None:
        self._cost = cost
        threads = min(2, os.cpu_count() or 1)
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="bcrypt", initializer=_be_nice)
        self._admission = Admission(threads * (1 + WAITING_PER_THREAD))
        self._turns = Turns(threads, threads)

    async def hash(self, password: str, field: str = "password", *, by: Hashable) -> str:
        """Hash a new password. Raises ServiceError: 422 unless it is `usable`, 503 when too many wait."""
        encoded = usable(password, field)
        return await self._run(lambda: hash_password(encoded, self._cost), by)

    async def matches(self, password: str, password_hash: str | None, highest_cost: int, *, by: Hashable) -> bool:
        """Compare with a stored hash, None for an unknown user. What is no hash (see `is_hash`) matches nothing.

        Every failure takes as long as the dearest hash, of now or on record: 2 ** cost rounds. After a cheaper hash
        follow hashes of its own cost, of one more, and so on: together they take as long.
        """
        encoded = password.encode()
        cut = encoded[: PASSWORD_BYTES[-1]]
        dearest = min(max(self._cost, highest_cost), HIGHEST_COST)

        known = password_hash if password_hash and is_hash(password_hash) else None

        def compare() -> bool:
            if known is None:
                hash_password(cut, dearest)
                return False
            if bcrypt.checkpw(cut, known.encode()):
                return True
            for cost in range(cost_of(known, dearest), dearest):
                hash_password(cut, cost)
            return False

        return await self._run(compare, by) and len(encoded) in PASSWORD_BYTES

    def outdated(self, password_hash: str) -> bool:
        """Whether the hash cost less than one costs now."""
        return cost_of(password_hash, self._cost) < self._cost

    def require_room(self, by: Hashable) -> None:
        """Raise ServiceError (503) where too many wait, before more is done for the request."""
        self._admission.require_room(by)

    async def _run(self, work: Callable[[], T], by: Hashable) -> T:
        self._admission.enter(by)
        try:
            await self._turns.enter((by,), None)
            try:
                return await asyncio.get_running_loop().run_in_executor(self._threads, work)
            finally:
                self._turns.leave((by,))
        finally:
            self._admission.leave(by)

    def close(self) -> None:
        """Cancel what waits and let the threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def usable(password: str, field: str = "password") -> bytes:
    """Return the password in UTF-8. Raises ServiceError: 422 unless it has 8 to 72 bytes."""
    encoded = password.encode()
    if len(encoded) not in PASSWORD_BYTES:
        raise invalid(FieldError(field, "must have 8 to 72 bytes in UTF-8"))
    return encoded


def _be_nice() -> None:
    # only Linux has a priority for each thread
    if Path("/proc/self/task").exists():
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
