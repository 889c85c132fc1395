"""A pooled connection that the server has ended, whenever that is noticed."""

import asyncio
import tempfile
from pathlib import Path

import pytest

from api.database.pool import Pool as Service
from api.settings import Settings
from tests.database import Database
from tests.system.crash.proxy import Proxy, farewell, through


@pytest.mark.parametrize("said", [True, False])
def test_a_call_on_a_connection_that_just_ended_is_made_again(database: Database, said: bool) -> None:
    async def calls() -> None:
        with tempfile.TemporaryDirectory(prefix="pgwallet-") as folder:
            url, server = through(database.api_url, Path(folder))
            proxy = Proxy(Path(folder), server)
            await proxy.open()
            service = Service(Settings(api_url=url, lock_timeout=1), 1)
            await service.open()
            await service.ping()
            [client] = proxy.clients
            if said:
                # the end of the connection itself comes later
                client.write(farewell())
                await asyncio.sleep(0.1)
            else:
                client.transport.abort()
            await service.ping()
            await service.close()
            await proxy.close()

    asyncio.run(calls())
