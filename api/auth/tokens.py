"""Tokens: issued at sign-in, verified once, remembered until they expire or their user signs out. Keys, too."""

from __future__ import annotations

import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Container, Hashable, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Final, NamedTuple
from uuid import UUID, uuid4

import jwt

from api.errors import KEY_REFUSED, UNAUTHORIZED, ServiceError

if TYPE_CHECKING:
    from litestar.types import HTTPScope

    from api.auth.keys import Keys
    from api.database.functions import Database

ISSUER: Final = "pgwallet"
ALGORITHM: Final = "HS256"
TOKEN_SECONDS: Final = 24 * 60 * 60
SKEW_SECONDS: Final = 5
"""How far apart the clocks of two machines may be that issue and verify tokens."""
MAX_GENERATION: Final = 2**31 - 1
MAX_HEADER_BYTES: Final = 4096
SCHEME: Final = b"Bearer "
KEY_START: Final = b"pgw_"
"""What the secret of a key begins with: no token does."""
MAX_VERIFIED_TOKENS: Final = 20_000
LONGEST_NUMBER: Final = 4
ELSEWHERE: Final = {"reason": "route"}


class Principal(NamedTuple):
    """The user of a verified token, as the database had them then. `expires_at` is in seconds since the epoch.

    The texts are for the log: to spell an id takes as long as the rest of a line. A user for whom a key acts comes with
    the key, and with how many calls a minute it has (0: without a limit).
    """

    user_id: UUID
    wallet_id: UUID
    role: str
    expires_at: float
    user_text: str
    wallet_text: str
    key_id: UUID | None = None
    key_text: str | None = None
    key_rate: int = 0


def unauthorized(detail: str = "A valid bearer token is required.", message: str | None = None) -> ServiceError:
    """Return the error. It never says which part of a token or password was wrong."""
    return ServiceError(UNAUTHORIZED, detail, message=message)


def key_id(secret: str) -> str:
    """Return the `kid` of a signing key: the start of its hash."""
    return sha256(secret.encode()).hexdigest()[:8]


def bearer(authorization: bytes) -> bytes:
    """Return the token of this Authorization header. Raises ServiceError (401)."""
    scheme, _, token = authorization.partition(b" ")
    if scheme.lower() != b"bearer" or len(authorization) > MAX_HEADER_BYTES:
        raise unauthorized()
    return token.strip()


def reset_token_hash(token: str) -> bytes:
    """Return what the database knows of a password reset token."""
    return sha256(token.encode()).digest()


def home_in(secret: str) -> int | None:
    """Return the number of the database in which a secret's user lives, by what `Database.mark` made it end in."""
    number = secret.rpartition(".")[2] if "." in secret else ""
    return int(number) if number.isascii() and number.isdigit() and len(number) <= LONGEST_NUMBER else None


def token_id(token: bytes) -> UUID:
    """Return the id that revokes this token: a hash of its signed part."""
    return UUID(bytes=sha256(token.rpartition(b".")[0]).digest()[:16])


class Tokens:
    """Issues and verifies JWTs. A bounded cache remembers each verified token until it expires.

    The first secret signs. Tokens that the other secrets signed are valid too. `keys` verifies the secrets of machines,
    which are remembered in the same way.
    """

    def __init__(self, secrets: Sequence[str], database: Database, keys: Keys | None = None) -> None:
        self._keys = {key_id(secret): secret for secret in secrets}
        self._signing = key_id(secrets[0])
        self._database = database
        self._by_key = keys
        self._verified: OrderedDict[Hashable, Principal] = OrderedDict()
        self._forgotten = 0
        self.on_forget: Callable[[Container[UUID] | None], object] = lambda _: None
        """Told of tokens that `forget` is called for: what was opened with one is to be verified again, too."""

    def issue(self, user_id: UUID, wallet_id: UUID, role: str, generation: int) -> str:
        """Sign a token that is valid for `TOKEN_SECONDS`, or until the user's tokens have another generation.

        The token names the role for clients only: the role in the database counts.
        """
        now = int(time.time())
        claims = {
            "uid": str(user_id),
            "wid": str(wallet_id),
            "role": role,
            "gen": generation,
            "jti": uuid4().hex,
            "iss": ISSUER,
            "iat": now,
            "exp": now + TOKEN_SECONDS,
        }
        return jwt.encode(claims, self._keys[self._signing], ALGORITHM, {"kid": self._signing})

    async def principal(
        self, authorization: bytes, scope: HTTPScope | None = None, user: bytes | None = None
    ) -> Principal:
        """Return the user of this Authorization header. Raises ServiceError (401).

        With the `scope` of the request it may be a key's, for the `user` whom it names. Raises ServiceError then: 400,
        WA047.
        """
        # what is remembered is the token, which has one spelling, and not the header, which has many
        token = authorization[len(SCHEME) :].strip() if authorization.startswith(SCHEME) else bearer(authorization)
        keys = None
        given: Hashable = token
        if token.startswith(KEY_START):
            keys = self._by_key
            if keys is None or scope is None:
                raise ServiceError(KEY_REFUSED, "No key reaches this: sign in, and send the token.", members=ELSEWHERE)
            # one secret is used for many users, and from several places
            given = asked = keys.asked(token, user, scope)
        known = self._verified.get(given)
        if known is not None and known.expires_at > time.time():
            self._verified.move_to_end(given)
        elif keys is None:
            known = await self._remembered(given, self._verify(bearer(authorization)))
        else:
            known = await self._remembered(given, keys.verify(asked))
        if keys is not None:
            keys.note(known)
        return known

    def forget(self, ids: Container[UUID] | None = None) -> None:
        """Verify the tokens of these users, what these keys are used for, or all, again when they come next."""
        self._forgotten += 1
        for given in [
            given
            for given, known in self._verified.items()
            if ids is None or known.user_id in ids or (known.key_id is not None and known.key_id in ids)
        ]:
            del self._verified[given]
        self.on_forget(ids)

    async def _remembered(self, given: Hashable, verifying: Awaitable[Principal]) -> Principal:
        forgotten = self._forgotten
        principal = await verifying
        # a revocation that came in meanwhile may be of this
        if forgotten == self._forgotten:
            self._verified[given] = principal
            if len(self._verified) > MAX_VERIFIED_TOKENS:
                self._verified.popitem(last=False)
        return principal

    async def _verify(self, token: bytes) -> Principal:
        try:
            # base64 has several spellings of most signatures, and jwt ignores characters that are no base64
            signature = token.rpartition(b".")[2]
            if urlsafe_b64encode(urlsafe_b64decode(signature + b"==")).rstrip(b"=") != signature:
                raise unauthorized()
            # tokens from before keys had ids have none, and only the signing key can have signed them
            key = self._keys[jwt.get_unverified_header(token).get("kid", self._signing)]
            claims = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                issuer=ISSUER,
                leeway=SKEW_SECONDS,
                options={"require": ["uid", "wid", "iss", "iat", "exp"]},
            )
            user_id, _ = UUID(claims["uid"]), UUID(claims["wid"])
            expires_at, generation = float(claims["exp"]), claims.get("gen", 0)
        # UUID() and float() raise three kinds of errors for claims of another type
        except (jwt.InvalidTokenError, KeyError, ValueError, TypeError, AttributeError, OverflowError):
            raise unauthorized() from None
        # clocks that differ must not refuse a fresh token, and need not prolong an old one
        if not 0 < expires_at - time.time() <= TOKEN_SECONDS + SKEW_SECONDS:
            raise unauthorized()
        if type(generation) is not int or not 0 <= generation <= MAX_GENERATION:
            raise unauthorized()
        user = await self._database.principal(user_id, token_id(token), generation)
        if user is None:
            raise unauthorized()
        texts = str(user.user_id), str(user.wallet_id)
        return Principal(user.user_id, user.wallet_id, user.role, expires_at, *texts)
