"""An address of several hosts: one that is frozen does not keep the others from being found."""

import asyncio
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.session import connect
from api.urls import for_asyncpg, hosts
from tests.database import Database


@pytest.fixture
def frozen(database: Database) -> Iterator[socket.socket]:
    """The socket of a server that accepts, and never says a word."""
    with tempfile.TemporaryDirectory(prefix="pgwallet-") as name, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{name}/.s.PGSQL.{database.server.port}")
        listener.listen()
        yield listener


def test_a_url_names_its_hosts() -> None:
    assert hosts("postgresql://u:p@a:1,b:2,[::1]:3/x") == [("a", 1), ("b", 2), ("::1", 3)]
    assert hosts("postgresql://u@a,b/x?port=6") == [("a", 6), ("b", 6)]
    assert hosts("postgresql:///x?host=/run/a,b&port=1,2") == [("/run/a", 1), ("b", 2)]
    assert hosts("postgresql://a/x") == [("a", None)]
    assert hosts("postgresql:///x") == []


def test_each_host_has_its_share_of_the_time_and_the_one_that_was_found_comes_first(
    frozen: socket.socket, database: Database
) -> None:
    folder = Path(frozen.getsockname()).parent
    url = f"postgresql://postgres@/{database.name}?host={folder},{database.server.host}&port={database.server.port}"

    async def find() -> None:
        connection = await connect(**for_asyncpg(url), timeout=4.0)
        await connection.close()

    asyncio.run(find())
    frozen.accept()[0].close()
    asyncio.run(find())
    frozen.setblocking(False)
    with pytest.raises(BlockingIOError):
        frozen.accept()
