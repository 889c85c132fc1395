"""Gives commands the administrator's way into the database."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator

from api.cluster_map import load
from api.errors import CommandError
from api.postgres import embedded
from api.settings import Settings
from api.setup import deploy
from api.urls import on_socket, without_password


@contextlib.contextmanager
def administrator(settings: Settings, command: str, *, fresh: bool = False) -> Iterator[str]:
    """Yield the administrator's URL of the database; the embedded server is started where none runs.

    `fresh`: where there is no database yet, an empty one is made.
    """
    files = (settings.data_dir / name for name in ("postgres", "postgres.upgraded"))
    if settings.embedded and not fresh and not any(folder.exists() for folder in files):
        # a mistyped folder must not become a database
        raise _no_wallets(settings)
    try:
        if settings.database_url is not None:
            yield settings.database_url
            return
        with embedded.server(settings.data_dir, command) as socket:
            address = on_socket(socket)
            asyncio.run(deploy.create_database(address))
            yield address
    except deploy.NoWalletsError:
        raise _no_wallets(settings) from None


def _no_wallets(settings: Settings) -> CommandError:
    # somebody may have set for the service what is not set here: migrating would make a second ledger
    setting, where = (
        ("DATABASE_URL", without_password(settings.database_url))
        if settings.database_url is not None
        else ("PGWALLET_DATA_DIR", f"the data dir {settings.data_dir}")
    )
    return CommandError(f"no wallets yet in {where}: run `pgwallet migrate`, or set {setting} as the service has it")


@contextlib.contextmanager
def administrators(settings: Settings, command: str) -> Iterator[dict[int, str]]:
    """Yield the administrator's URL of each database of the cluster by number; of one database as number 0."""
    if settings.cluster is None:
        with administrator(settings, command) as url:
            yield {0: url}
        return
    urls = {}
    for member in load(settings.cluster).members:
        if member.url is None:
            raise CommandError(f"the map of the cluster, {settings.cluster}: database {member.number} needs url")
        urls[member.number] = member.url
    try:
        yield urls
    except deploy.NoWalletsError:
        raise CommandError("no wallets yet in a database of the cluster: run `pgwallet cluster migrate`") from None
