"""What bcrypt can hash, and what a hash cost: for sign-ups, and for the command that makes users."""

import re
from typing import Final

import bcrypt

PASSWORD_BYTES: Final = range(8, 73)
"""In UTF-8. bcrypt ignores what follows byte 72."""
COST: Final = re.compile(r"\$2[aby]\$(\d\d)\$")
HASH: Final = re.compile(COST.pattern + r"[./A-Za-z0-9]{53}")
LOWEST_COST: Final = 4
HIGHEST_COST: Final = 16
"""With the lowest, the range of PGWALLET_BCRYPT_COST. A hash of 31 would keep a thread for days."""


def hash_password(password: bytes, cost: int) -> str:
    """Hash a password, in 2 ** cost rounds."""
    return bcrypt.hashpw(password, bcrypt.gensalt(cost)).decode()


def cost_of(password_hash: str, other: int) -> int:
    """Return the cost of a hash; `other` for one that bcrypt did not make."""
    found = COST.match(password_hash)
    return int(found[1]) if found else other


def is_hash(text: str) -> bool:
    """Whether it is a hash by bcrypt that can be checked. A program that signs its users in itself stores anything."""
    found = HASH.fullmatch(text)
    return found is not None and LOWEST_COST <= int(found[1]) <= HIGHEST_COST
