"""The relay beside the workers: started, restarted, told nothing that it need not know, ended."""

import contextlib
import os
import signal
from pathlib import Path

import httpx

from tests.command import Pgwallet, Service, wait_until
from tests.database import Database

SETTINGS = {"PGWALLET_WEBHOOK_KEY": "the key that encrypts the secrets of the tests"}


def leads(service: Service, token: str) -> bool:
    page = httpx.get(f"http://127.0.0.1:{service.port}/metrics", headers={"Authorization": f"Bearer {token}"}).text
    return "pgwallet_relay_leader 1.0\n" in page


def sockets(process: int) -> set[str]:
    found = set()
    for entry in Path(f"/proc/{process}/fd").iterdir():
        with contextlib.suppress(OSError):  # closed meanwhile
            found.add(str(entry.readlink()))
    return {name for name in found if name.startswith("socket:")}


def test_a_relay_runs_beside_the_workers_and_is_replaced(wallet: Pgwallet) -> None:
    service = wallet.start(PGWALLET_RELAY="")
    token = (wallet.data_dir / "metrics_token").read_text().strip()
    [relay] = service.children("api.server.relay")
    wait_until(lambda: leads(service, token))
    environment = Path(f"/proc/{relay}/environ").read_text()
    assert "DATABASE_URL" not in environment
    # it keeps no port open: the workers alone accept
    assert not sockets(service.children("api.server.worker")[0]) & sockets(relay)
    os.kill(relay, signal.SIGKILL)
    wait_until(lambda: service.children("api.server.relay") not in ([], [relay]))
    assert f"relay {relay} ended with status -9" in service.errors
    wait_until(lambda: service.errors.count("the relay leads") == 2)
    assert service.stop() == 0


def test_it_can_be_left_out(wallet: Pgwallet) -> None:
    service = wallet.start(PGWALLET_RELAY="off")
    assert service.children("api.server.relay") == []
    assert len(service.children("api.server.worker")) > 0
    assert service.stop() == 0


def test_it_ends_when_the_supervisor_was_killed(wallet: Pgwallet) -> None:
    service = wallet.start(PGWALLET_RELAY="")
    [relay] = service.children("api.server.relay")
    assert service.stop(signal.SIGKILL) == -signal.SIGKILL
    wait_until(lambda: not Path(f"/proc/{relay}").exists())


def test_a_relay_alone(fresh: Pgwallet, database: Database) -> None:
    assert fresh.refusal("relay") == (
        "PGWALLET_API_URL must be set: `pgwallet relay` starts no server (`pgwallet run` has a relay)"
    )
    address = {"PGWALLET_API_URL": database.api_url}
    assert fresh.refusal("relay", **address) == (
        "PGWALLET_WEBHOOK_KEY must be set: the secrets of webhooks are encrypted under it"
    )
    service = Service(fresh.spawn("relay", **address, **SETTINGS))
    try:
        wait_until(lambda: "the relay leads" in service.errors)
        assert len(service.children("api.server.relay")) == 1
        assert service.children("api.server.worker") == []
    finally:
        assert service.stop() == 0
