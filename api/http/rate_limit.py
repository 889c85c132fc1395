"""Rate limits, per user, key and address, for the service as a whole.

Litestar's RateLimitConfig keeps the calls of the last minute in a store of each worker, so that N workers allow N times
the limit, and reads and writes them as JSON in every request. Here a caller is one number in memory that the workers
share, and the table never grows.
"""

from __future__ import annotations

import math
import mmap
import os
import time
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from litestar.utils import normalize_path

from api.errors import RATE_LIMITED, ServiceError
from api.http.client_address import client_address
from api.http.problems import send_problem

if TYPE_CHECKING:
    from uuid import UUID

    from litestar.types import HTTPScope, Receive, Send

    from api.http import HttpApp

WINDOW: Final = 60.0
CALLERS: Final = 65_536
"""Places in the table."""
WAYS: Final = 4
"""Places of the table in which a caller may be."""
CACHED: Final = 8_192
ADDRESS_FACTOR: Final = 5
"""An address gets so many times a user's calls: several users may share it."""
ACCOUNTS_SHARE: Final = 10
"""An address gets this part of a user's calls for sign-ups and sign-ins: they cost more."""
ACCOUNTS: Final = "/api/auth/"
ACCOUNT_FORMS: Final = frozenset({"/sign-in", "/sign-up", "/reset", "/account/password"})
"""Pages whose forms do the same; to look at them is nothing special."""
UNLIMITED: Final = frozenset({"/api/health/live"})
"""An orchestrator restarts a service whose liveness fails."""


class Table:
    """When each caller's allowance is full again, by fingerprint, in memory that the workers share.

    This is the generic cell rate algorithm: a caller may run ahead of its rate by one window, so one moment per caller
    is enough. Nothing is locked: two workers that write one place at once lose a count. A new caller whose places are
    taken gets the one that is full again soonest: an attacker with many addresses makes the table forget, not grow.
    """

    def __init__(self, descriptor: int | None = None) -> None:
        size = CALLERS * 16
        if descriptor is not None:
            os.ftruncate(descriptor, size)
        memory = mmap.mmap(-1 if descriptor is None else descriptor, size)
        self._names = memoryview(memory).cast("Q")
        self._idle_at = memoryview(memory).cast("d")

    def take(self, name: int, rate: float, calls: int = 1) -> float:
        """Count calls of a caller with `rate` calls a window. Returns 0; or the seconds to wait, and counts nothing."""
        now = time.monotonic()
        idle_at = self._idle_at
        place = (name % (CALLERS // WAYS)) * WAYS * 2
        if self._names[place] != name:
            place = self._find(name, place, now)
        ahead = idle_at[place + 1] - now
        if ahead < 0:
            ahead = 0.0
        elif ahead > WINDOW:  # another worker is just writing the place, for another caller
            ahead = WINDOW
        ahead += WINDOW * calls / rate
        if ahead > WINDOW:
            return ahead - WINDOW
        idle_at[place + 1] = now + ahead
        return 0.0

    def give_back(self, name: int, rate: float) -> None:
        """Count a call of a caller no longer."""
        place = first = (name % (CALLERS // WAYS)) * WAYS * 2
        while self._names[place] != name:
            place += 2
            if place == first + WAYS * 2:
                return  # another caller has its place
        self._idle_at[place + 1] -= WINDOW / rate

    def _find(self, name: int, first: int, now: float) -> int:
        """Return the place of a caller; a new caller gets one."""
        names, idle_at = self._names, self._idle_at
        oldest = first
        for place in range(first, first + WAYS * 2, 2):
            if names[place] == name:
                return place
            if idle_at[place + 1] < idle_at[oldest + 1]:
                oldest = place
        idle_at[oldest + 1] = now
        names[oldest] = name
        return oldest


class Limits:
    """The limits of the service. `rate` is how many calls a user has a minute, 0 for no limits."""

    def __init__(self, rate: int, table: Table, key: bytes) -> None:
        self._rate = rate
        self._table = table

        # with a key, so that nobody can choose an address that shares another's place
        @lru_cache(CACHED)
        def fingerprint(kind: bytes, caller: str) -> int:
            return int.from_bytes(blake2b(caller.encode(), digest_size=8, key=key[:64], person=kind).digest())

        @lru_cache(CACHED)
        def user_fingerprint(user_id: UUID) -> int:
            return fingerprint(b"user", user_id.hex)

        self._fingerprint = fingerprint
        self._user_fingerprint = user_fingerprint

    def user(self, user_id: UUID, calls: int = 1) -> None:
        """Count calls of a signed-in user, a window's at most. Raises ServiceError (429)."""
        if not self._rate:
            return
        if wait := self._table.take(self._user_fingerprint(user_id), self._rate, min(calls, self._rate)):
            raise refusal(self._rate, wait)

    def key(self, key_id: str, rate: int, scope: HTTPScope | None = None, calls: int = 1) -> None:
        """Count calls of a key with `rate` calls a minute (0: no limit), a window's at most. Raises ServiceError (429).

        The request of `scope` was counted for its address, which it no longer is: many users' calls come from a
        machine, and must not keep others from calling from there.
        """
        if not self._rate:
            return
        if rate and (wait := self._table.take(self._fingerprint(b"key", key_id), rate, min(calls, rate))):
            raise refusal(rate, wait)
        if scope is not None:
            self._table.give_back(self._fingerprint(b"address", client_address(scope)), self._rate * ADDRESS_FACTOR)

    def address(self, scope: HTTPScope) -> None:
        """Count a request of an address. Raises ServiceError (429)."""
        host = client_address(scope)
        path = scope["path"]
        if ("/auth" in path or not path.startswith("/api/")) and _is_of_accounts(path, scope["method"]):
            kind, rate = b"accounts", max(1, self._rate // ACCOUNTS_SHARE)
        else:
            kind, rate = b"address", self._rate * ADDRESS_FACTOR
        if wait := self._table.take(self._fingerprint(kind, host), rate):
            raise refusal(rate, wait)


def _is_of_accounts(path: str, method: str) -> bool:
    """Whether this leads to a sign-up or a sign-in."""
    # as the router reads it: more slashes lead to the same route
    path = normalize_path(path)
    return path.startswith(ACCOUNTS) or (method == "POST" and path in ACCOUNT_FORMS)


def refusal(rate: int, wait: float) -> ServiceError:
    """Return the error, which says how long to wait."""
    seconds = str(max(1, math.ceil(wait)))
    return ServiceError(
        RATE_LIMITED,
        headers={
            "Retry-After": seconds,
            "RateLimit-Limit": str(rate),
            "RateLimit-Policy": f"{rate};w={WINDOW:.0f}",
            "RateLimit-Remaining": "0",
            "RateLimit-Reset": seconds,
        },
    )


class RateLimit:
    """ASGI: counts each request of an address before anything else is done for it."""

    def __init__(self, app: HttpApp, limits: Limits) -> None:
        self.app = app
        self._limits = limits

    async def __call__(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 429."""
        if scope["path"] not in UNLIMITED:
            try:
                self._limits.address(scope)
            except ServiceError as error:
                await send_problem(error, scope, receive, send)
                return
        await self.app(scope, receive, send)
