"""A signed checkpoint: how far the chain of each user wallet went, in a file kept away from the database.

Its lines: a title with the time, each wallet in the order of ids, the number of wallets, an HMAC of all these.
"""

from __future__ import annotations

import contextlib
import hmac
import os
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple, TextIO
from uuid import UUID

from api.errors import CommandError
from api.postgres.data_dir import open_private

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TITLE: Final = "pgwallet checkpoint 1"


class Mark(NamedTuple):
    """A wallet in a checkpoint, with seq and hash of its newest entry; seq 0 and 32 zero bytes if it had none."""

    wallet_id: UUID
    owner_id: UUID
    asset: str
    seq: int
    hash: bytes


class CheckpointError(CommandError):
    """The file is no checkpoint that this key has signed, or cannot be read or written."""


@dataclass
class Draft:
    """A checkpoint that is being written."""

    _file: TextIO
    _signature: hmac.HMAC
    _wallets: int = 0

    def add(self, mark: Mark) -> None:
        """Add a wallet, in the order of ids."""
        self._wallets += 1
        self._line(f"{mark.wallet_id} {mark.owner_id} {mark.asset} {mark.seq} {mark.hash.hex()}")

    def _line(self, text: str) -> None:
        self._signature.update(f"{text}\n".encode())
        self._file.write(f"{text}\n")

    def begin(self, taken: str) -> None:
        """Write the first line."""
        self._line(f"{TITLE} {taken}")

    def end(self) -> int:
        """Sign; return the number of wallets."""
        self._line(f"wallets {self._wallets}")
        self._file.write(f"hmac {self._signature.hexdigest()}\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        return self._wallets


@contextlib.contextmanager
def writing(path: Path, key: str, taken: str) -> Iterator[Draft]:
    """Write a checkpoint; it replaces the file at `path` only on success. Raises CheckpointError."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(open_private(draft, os.O_WRONLY), "w", encoding="ascii") as file:
            one = Draft(file, hmac.new(key.encode(), digestmod="sha256"))
            one.begin(taken)
            yield one
            one.end()
        draft.replace(path)
    except OSError as error:
        raise CheckpointError(f"the checkpoint {path} cannot be written: {error.strerror}") from None
    finally:
        draft.unlink(missing_ok=True)


@dataclass
class Checkpoint:
    """A checkpoint with a valid signature."""

    taken: str
    wallets: int
    entries: int
    _file: TextIO

    def marks(self) -> Iterator[Mark]:
        """Read the wallets, by id."""
        self._file.seek(0)
        self._file.readline()
        for _ in range(self.wallets):
            wallet_id, owner_id, asset, seq, last = self._file.readline().split()
            yield Mark(UUID(wallet_id), UUID(owner_id), asset, int(seq), bytes.fromhex(last))


@contextlib.contextmanager
def reading(path: Path, key: str) -> Iterator[Checkpoint]:
    """Open a checkpoint and check its signature, a line at a time. Raises CheckpointError."""
    try:
        with path.open(encoding="ascii") as file:
            yield _checked(path, file, key)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise CheckpointError(f"the checkpoint {path} cannot be read: {reason}") from None


def _checked(path: Path, file: TextIO, key: str) -> Checkpoint:
    signature = hmac.new(key.encode(), digestmod="sha256")
    taken, entries, wallets, line = "", 0, -2, ""
    for number, line in enumerate(file):
        if line.startswith("hmac "):
            break
        signature.update(line.encode())
        wallets += 1
        if number == 0:
            taken = line.removeprefix(TITLE).strip()
        elif not line.startswith("wallets "):
            entries += int(line.split()[3]) if line.count(" ") == 4 else 0
    if not hmac.compare_digest(line.strip(), f"hmac {signature.hexdigest()}") or file.readline():
        raise CheckpointError(f"{path} is no checkpoint that this key has signed: it was changed, or is another's")
    return Checkpoint(taken, wallets, entries, file)
