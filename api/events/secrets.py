"""The secrets that sign webhooks: made here, and stored encrypted under a key that is not in the database."""

from __future__ import annotations

import base64
import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

PREFIX: Final = "whsec_"
SECRET_BYTES: Final = 32

_VERSION: Final = b"\x01"
_NONCE_BYTES: Final = 12
_PURPOSE: Final = b"pgwallet webhook secrets"


class SecretError(ValueError):
    """A stored secret cannot be opened: it was sealed under another key, or it was changed."""


def new_secret() -> str:
    """Return a new secret, as Standard Webhooks writes it."""
    return PREFIX + base64.b64encode(os.urandom(SECRET_BYTES)).decode()


class SecretBox:
    """Seals secrets under `key` (PGWALLET_WEBHOOK_KEY), and opens them."""

    def __init__(self, key: str) -> None:
        derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE).derive(key.encode())
        self._cipher = AESGCM(derived)

    def seal(self, secret: str) -> bytes:
        """Return the secret as the database keeps it."""
        nonce = os.urandom(_NONCE_BYTES)
        return _VERSION + nonce + self._cipher.encrypt(nonce, secret.encode(), _VERSION)

    def open(self, sealed: bytes) -> str:
        """Return the secret. Raises SecretError."""
        nonce, text = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        try:
            return self._cipher.decrypt(nonce, text, sealed[:1]).decode()
        except (InvalidTag, ValueError):
            raise SecretError("it was sealed under another PGWALLET_WEBHOOK_KEY, or changed since") from None
