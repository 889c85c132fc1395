"""Keys of machines: a secret in place of a token, and the header that names the user for whom it acts. See ADR-011."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import re
from hashlib import sha256
from math import inf
from secrets import token_urlsafe
from typing import TYPE_CHECKING, Final, NamedTuple
from uuid import UUID

import structlog

from api.auth.tokens import KEY_START, Principal, unauthorized
from api.errors import BAD_REQUEST, KEY_NOT_VALID, ServiceError
from api.http.client_address import LONGEST_NAME, network

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from litestar.types import HTTPScope

    from api.database.functions import Database

ON_BEHALF_OF: Final = "On-Behalf-Of"
HEADER: Final = ON_BEHALF_OF.lower().encode()
FORM: Final = re.compile(rb"pgw_[A-Za-z0-9_-]{43}")
PREFIX: Final = 12
"""Characters of a secret by which people tell keys apart."""
NAME: Final = re.compile(r"[A-Za-z0-9_.-]{3,64}")
ID: Final = re.compile(r"[0-9a-fA-F]{8}(-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}")
NOTE_EVERY: Final = 60.0
"""Seconds between two notes of which keys were used."""
LAST_NOTE: Final = 2.0
MOST_NOTED: Final = 1000
"""What `wallet_note_key_use` takes."""

NOBODY: Final = f"A key acts for a user: name one, by id or username, in the header {ON_BEHALF_OF}."
SEVERAL_USERS: Final = f"A key acts for one user at a time: send the header {ON_BEHALF_OF} once."
NO_USER: Final = (
    f"The header {ON_BEHALF_OF} must be the id of a user, or a username: 3 to 64 of letters, digits, _, . and -."
)

Asked = tuple[bytes, bytes, str]
"""What a caller with a key gives: the secret, the user's id or name, and where the call comes from."""

log = structlog.get_logger("pgwallet.keys")


class NewSecret(NamedTuple):
    """A secret to hand over once, and what is stored of it."""

    secret: str
    prefix: str
    secret_hash: bytes


def new_secret() -> NewSecret:
    """Make the secret of a key: 256 random bits."""
    secret = KEY_START.decode() + token_urlsafe(32)
    return NewSecret(secret, secret[:PREFIX], sha256(secret.encode()).digest())


def user_named(text: str) -> UUID | str | None:
    """Return whom an id or username names; None for what is neither. No name reads as an id."""
    if ID.fullmatch(text):
        return UUID(text)
    return text if NAME.fullmatch(text) else None


def address_of(client: str) -> str | None:
    """Return the address of a client as PostgreSQL reads it; None for what is none, which is in no network."""
    try:
        found = ipaddress.ip_address(client.partition("%")[0])
    except ValueError:
        return None
    return str(getattr(found, "ipv4_mapped", None) or found)


class Keys:
    """Verifies keys, and notes that they are used. `rate` is how many calls a minute a key has by default."""

    def __init__(self, database: Database, rate: int) -> None:
        self._database = database
        self._rate = rate
        self._used: set[str] = set()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Write down which keys were used, once a minute, while the context is open."""
        task = asyncio.create_task(self._note())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LAST_NOTE):
                    await self._write()

    def asked(self, secret: bytes, user: bytes | None, scope: HTTPScope) -> Asked:
        """Return what the request gives. Raises ServiceError (400) unless it names a user."""
        if user is None:
            raise ServiceError(BAD_REQUEST, NOBODY)
        client = scope["client"]
        # what is remembered by it must not be longer than a name
        return secret, user.strip(b" \t"), client[0] if client else ""

    async def verify(self, asked: Asked) -> Principal:
        """Return the user for whom the key acts. Raises ServiceError: 400, 401, WA047."""
        secret, named, address = asked
        user = user_named(named.decode("latin-1"))
        if user is None:
            raise ServiceError(BAD_REQUEST, NO_USER)
        if not FORM.fullmatch(secret):
            raise unauthorized(KEY_NOT_VALID)
        found = await self._database.authorize_key(
            sha256(secret).digest(), user, address_of(address), network(address[:LONGEST_NAME])
        )
        if found is None:
            raise unauthorized(KEY_NOT_VALID)
        return Principal(
            found.user_id,
            found.wallet_id,
            "user",
            inf if found.expires_at is None else found.expires_at.timestamp(),
            str(found.user_id),
            str(found.wallet_id),
            found.key_id,
            str(found.key_id),
            found.calls_per_minute or self._rate,
        )

    def note(self, user: Principal) -> None:
        """Remember that the key was used now."""
        if user.key_text is not None:  # the hash of a text is computed once, and that of a UUID each time
            self._used.add(user.key_text)

    async def _note(self) -> None:
        while True:
            await asyncio.sleep(NOTE_EVERY)
            await self._write()

    async def _write(self) -> None:
        try:
            while used := list(self._used)[:MOST_NOTED]:
                await self._database.note_key_use([UUID(key_id) for key_id in used])
                self._used.difference_update(used)
        except ServiceError:
            pass  # the database is away: with the next note
        except Exception:  # the loop must go on
            log.exception("it cannot be noted that keys were used")
