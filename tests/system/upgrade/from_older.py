"""`make test-upgrade`: from an older version, whose programs are in OLDER, to the one that is embedded."""

import asyncio
import os
import subprocess
import tempfile
from pathlib import Path

import pytest

from api.postgres.embedded import Server, binaries, environment
from api.setup import deploy
from api.urls import on_socket
from tests.command import Pgwallet
from tests.system.upgrade import data

pytestmark = pytest.mark.timeout(300)
PASSWORD = "a password of the service's own, long enough"

TOPUP = "select wallet_topup((select wallet_id from wallet_credentials('alice')), gen_random_uuid(), {})"


def psql(url: str, *statements: str) -> str:
    each = [part for statement in statements for part in ("-c", statement)]
    command = [str(binaries() / "psql"), "-XAtq", "--set=ON_ERROR_STOP=1", f"--dbname={url}", *each]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_wallet_of_an_older_version_is_upgraded(monkeypatch: pytest.MonkeyPatch) -> None:
    programs = Path(os.environ["OLDER"]) / "bin"
    monkeypatch.setattr(deploy, "OLDEST", 16)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "data")
        folder.mkdir(mode=0o700)
        (folder / "api_password").write_text(PASSWORD)
        server = Server(folder, programs=programs)
        server.start()
        try:
            url = on_socket(server.socket)
            asyncio.run(deploy.create_database(url))
            asyncio.run(deploy.migrate(url, password=PASSWORD, seeds="*.sql"))
            psql(url, *data.MADE, "select pg_reload_conf()")
            psql(url, *(TOPUP.format(amount) for amount in range(1, 100)))
            psql(url, *data.OTHER)
            before = psql(url, *data.KEPT)
        finally:
            server.stop()
        old = server.made_by()
        wallet = Pgwallet(folder)
        assert wallet.refusal("verify").endswith(f"made by PostgreSQL {old}; this is 18: run `pgwallet upgrade`")

        told = wallet.call("upgrade", "--from-binaries", str(programs.parent))

        assert f"from PostgreSQL {old} to 18: " in told
        assert "entries, no violations" in told
        assert data.run(wallet, *data.KEPT) == before
        assert (folder / f"postgres.{old}/PG_VERSION").read_text() == f"{old}\n"
        with wallet:
            service = wallet.start()
            user = {"username": "alice", "password": "password123"}
            assert service.request("/api/auth/signin", user)[0] == 200
        assert wallet.call("verify") == "ok: no violations\n"
