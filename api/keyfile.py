"""Secrets that are generated once and kept in a file of mode 0600."""

import contextlib
import os
import secrets
from pathlib import Path

from api.datadir import open_private
from api.settings import SECRET_BYTES, SettingsError


def read_or_create(path: Path) -> str:
    """Return the secret in `path`; where there is no such file, make one. Of several that race, all return the same.

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


def _create(path: Path) -> None:
    """Write a new secret beside `path`, then link it into place: a link is refused when somebody was faster."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(open_private(draft, os.O_WRONLY), "w") as file:
            file.write(secrets.token_urlsafe(SECRET_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)
