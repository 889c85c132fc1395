"""pgbouncer between the test server and the service, with the settings of docs/deployment/poolers.md."""

import contextlib
import os
import re
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from api.postgres.os_account import server_account
from tests.command import wait_until
from tests.database import SERVICE_PASSWORD, Database

PROGRAM = Path(os.environ.get("PGBOUNCER") or "pgbouncer")
DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "deployment" / "poolers.md"


def documented() -> str:
    """The ini of the document."""
    found = re.search(r"```ini\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return found[1]


@contextlib.contextmanager
def pgbouncer(database: Database, **settings: str) -> Iterator[str]:
    """Run it; yields the service's address through it. `settings` replace those of the document."""
    postgres_server = database.server
    account = server_account(Path(postgres_server.host).parent / "postgres")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="pgbouncer-") as name:
        folder = Path(name)
        values = {
            "listen_port": str(port),
            "auth_file": str(folder / "userlist.txt"),
            "unix_socket_dir": "",
            **settings,
        }
        text = re.sub(
            r"^pgwallet = .*$",
            f"* = host={postgres_server.host} port={postgres_server.port}",
            documented(),
            flags=re.MULTILINE,
        )
        kept = [line for line in text.splitlines() if line.partition(" = ")[0] not in values]
        (folder / "pgbouncer.ini").write_text(
            "\n".join([*kept, *(f"{key} = {value}" for key, value in values.items())])
        )
        (folder / "userlist.txt").write_text(f'"wallet_api" "{SERVICE_PASSWORD}"\n')
        folder.chmod(0o755)
        libraries = PROGRAM.parents[1] / "lib"
        paths = [str(path) for path in libraries.glob("*-linux-gnu")] if "build" in PROGRAM.parts else []
        log = folder / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [str(PROGRAM), str(folder / "pgbouncer.ini")],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, "LD_LIBRARY_PATH": ":".join(paths)},
                **account.popen(),
            )
        try:

            def listening() -> bool:
                assert process.poll() is None, log.read_text()
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                    return True
                return False

            wait_until(listening)
            login = f"wallet_api:{quote(SERVICE_PASSWORD, safe='')}"
            yield f"postgresql://{login}@127.0.0.1:{port}/{database.name}?sslmode=disable"
        finally:
            process.terminate()
            process.wait(15)
