"""What no standby has yet is not answered: neither the request, nor the same request again."""

import contextlib
from pathlib import Path
from uuid import uuid4

import httpx

from tests.api.service import PASSWORD, TLS, serve
from tests.command import wait_until
from tests.database import own_server


def test_a_commit_that_waits_for_a_standby_is_not_cut_short(tmp_path: Path) -> None:
    limits = {"PGWALLET_STATEMENT_TIMEOUT": "0.5", "PGWALLET_LOCK_TIMEOUT": "0.5", "PGWALLET_ACQUIRE_TIMEOUT": "5"}
    with contextlib.ExitStack() as stack:
        _, database = stack.enter_context(own_server())
        administrator = stack.enter_context(database.connect())
        service = stack.enter_context(serve(database.api_url, tmp_path, **limits))
        client = stack.enter_context(httpx.Client(base_url=service.url, timeout=20, verify=TLS))
        user = client.post("/api/auth/signup", json={"username": "dora", "password": PASSWORD}).json()["data"]
        client.headers["authorization"] = f"Bearer {user['access_token']}"
        body = {"txn_id": str(uuid4()), "amount": 5}

        def waiting(kind: str) -> bool:
            found = administrator.execute(f"select true from pg_stat_activity where wait_event = '{kind}'".encode())
            return found.fetchone() is not None

        # waits of administrators would never end
        administrator.execute("set synchronous_commit = local")
        administrator.execute("alter system set synchronous_standby_names = 'nobody'")
        administrator.execute("select pg_reload_conf()")
        wait_until(lambda: administrator.execute("show synchronous_standby_names").fetchone() == ("nobody",))
        for _ in range(3):
            assert client.post("/api/wallet/topup", json=body).status_code == 503
            assert waiting("SyncRep")
        assert client.get("/api/wallet/balance").json()["data"]["balance"] == 1000

        administrator.execute("alter system reset synchronous_standby_names")
        administrator.execute("select pg_reload_conf()")
        wait_until(lambda: not waiting("SyncRep"))
        answer = client.post("/api/wallet/topup", json=body)
        assert (answer.status_code, answer.json()["data"]["replayed"]) == (200, True)
