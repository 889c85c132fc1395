"""The secrets that sign webhooks: made here, and stored encrypted under a key that is not in the database."""

from __future__ import annotations

import base64
import hmac
import os
from hashlib import sha512
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

PREFIX: Final = "whsec_"
SECRET_BYTES: Final = 32

_VERSION: Final = b"\x01"
_NONCE_BYTES: Final = 12
_PURPOSE: Final = b"pgwallet webhook secrets"
_REQUESTS: Final = b"pgwallet webhook requests"


class SecretError(ValueError):
    """A stored secret cannot be opened: it was sealed under another key, or it was changed."""


def new_secret() -> str:
    """Return a new secret, as Standard Webhooks writes it."""
    return _spelt(os.urandom(SECRET_BYTES))


def _spelt(secret: bytes) -> str:
    return PREFIX + base64.b64encode(secret).decode()


class SecretBox:
    """Seals secrets under `key` (PGWALLET_WEBHOOK_KEY), and opens them."""

    def __init__(self, key: str) -> None:
        derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE).derive(key.encode())
        self._cipher = AESGCM(derived)
        self._requests = HKDF(algorithm=SHA256(), length=32, salt=None, info=_REQUESTS).derive(key.encode())

    def seal(self, secret: str) -> bytes:
        """Return the secret as the database keeps it."""
        return self._sealed(secret, os.urandom(_NONCE_BYTES))

    def _sealed(self, secret: str, nonce: bytes) -> bytes:
        """Seal with a nonce that no other secret has."""
        return _VERSION + nonce + self._cipher.encrypt(nonce, secret.encode(), _VERSION)

    def made_by(self, request_id: UUID) -> tuple[UUID, str, bytes]:
        """Return what a request makes, the same each time: a webhook's id, its secret, and the secret as it is kept.

        The request's id is random and stored nowhere, so nothing that is stored tells the secret.
        """
        drawn = hmac.digest(self._requests, request_id.bytes, sha512)
        secret, nonce, number = drawn[:SECRET_BYTES], drawn[SECRET_BYTES : SECRET_BYTES + _NONCE_BYTES], drawn[-16:]
        return UUID(bytes=number, version=4), _spelt(secret), self._sealed(_spelt(secret), nonce)

    def open(self, sealed: bytes) -> str:
        """Return the secret. Raises SecretError."""
        nonce, text = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        try:
            return self._cipher.decrypt(nonce, text, sealed[:1]).decode()
        except (InvalidTag, ValueError):
            raise SecretError("it was sealed under another PGWALLET_WEBHOOK_KEY, or changed since") from None
