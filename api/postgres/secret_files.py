"""Generated secrets, each in a file of mode 0600; a second file beside it keeps the replaced ones."""

import contextlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from api.postgres.data_dir import open_private
from api.settings import SECRET_BYTES, SettingsError

KEPT = 3
"""How many replaced secrets are kept."""


def read_or_create(path: Path) -> str:
    """Return the secret in `path`; make the file if there is none. Concurrent calls return the same secret.

    Raises SettingsError when the file cannot be read or made, or holds fewer than 32 bytes.
    """
    try:
        if not path.exists():
            _create(path)
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise SettingsError(f"the secret in {path} cannot be read or made: {reason}") from None
    if len(text.encode()) < SECRET_BYTES:
        raise SettingsError(f"the secret in {path} must be at least {SECRET_BYTES} bytes long")
    return text


def previous(path: Path) -> list[str]:
    """Return the replaced secrets of `path`, newest first, from the file beside it.

    Raises SettingsError.
    """
    file = _beside(path)
    return _lines(file) if file.exists() else []


def rotate(path: Path, *, keep: bool) -> None:
    """Put a new secret into `path`. `keep`: previous() then has the old one. Raises SettingsError."""
    try:
        if keep:
            old = read_or_create(path)
            write(_beside(path), "".join(f"{secret}\n" for secret in [old, *previous(path)][:KEPT]))
        else:
            _beside(path).unlink(missing_ok=True)
        write(path, _new())
    except OSError as error:
        raise SettingsError(f"the secret in {path} cannot be replaced: {error.strerror}") from None


def write(path: Path, text: str) -> None:
    """Put the text into a file that only its owner can read, whole or not at all. Raises OSError."""
    _write(path, text, os.replace)


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.name}.previous")


def _lines(file: Path) -> list[str]:
    try:
        found = [line.strip() for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise SettingsError(f"the secrets in {file} cannot be read: {reason}") from None
    if any(len(line.encode()) < SECRET_BYTES for line in found):
        raise SettingsError(f"every secret in {file} must be at least {SECRET_BYTES} bytes long")
    return found


def _new() -> str:
    return secrets.token_urlsafe(SECRET_BYTES) + "\n"


def _create(path: Path) -> None:
    """Make a new secret by link(), which fails if another process has made one."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        _write(path, _new(), os.link)


def _write(path: Path, text: str, place: Callable[[Path, Path], None]) -> None:
    """Write a draft, then `place` it, so that nobody reads half a file."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(open_private(draft, os.O_WRONLY), "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        place(draft, path)
    finally:
        draft.unlink(missing_ok=True)
