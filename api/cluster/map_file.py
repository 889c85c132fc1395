"""Which map a command works with, and how the file is replaced."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

from api.cluster_map import ClusterError, ClusterMap, load
from api.postgres.data_dir import open_private

if TYPE_CHECKING:
    from pathlib import Path

    from api.settings import Settings


def place(settings: Settings) -> Path:
    """Return the file: of PGWALLET_CLUSTER, else of the local cluster in the data dir. Raises ClusterError."""
    local = settings.data_dir / "cluster" / "map.toml"
    if settings.cluster is None and not local.exists():
        raise ClusterError("PGWALLET_CLUSTER must be set: the map of the cluster (`pgwallet cluster run` writes one)")
    return settings.cluster or local


def read(settings: Settings) -> ClusterMap:
    """Return the map. Raises ClusterError."""
    return load(place(settings))


def store(file: Path, text: str) -> None:
    """Replace the file at once: who reads it finds the old text or the new one. It keeps its owner and mode, at first
    0600, because there are passwords in it. Raises ClusterError."""
    file = file.resolve()
    draft = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    try:
        try:
            with os.fdopen(open_private(draft, os.O_WRONLY), "w", encoding="utf-8") as new:
                if file.exists():
                    before = file.stat()
                    os.fchmod(new.fileno(), before.st_mode & 0o777)
                    if os.geteuid() == 0:
                        os.fchown(new.fileno(), before.st_uid, before.st_gid)
                new.write(text)
                new.flush()
                os.fsync(new.fileno())
            draft.replace(file)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise ClusterError(f"the map of the cluster, {file}, cannot be written: {error.strerror}") from None
