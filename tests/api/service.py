"""The service under test: the real worker process on a real socket, and a way to take its database away."""

import contextlib
import json
import os
import select
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote
from uuid import uuid4

import httpx

from tests.cluster import MAPS
from tests.command import wait_until
from tests.database import Database
from tests.preloaded import Forked, program

JWT_SECRET = "the secret that signs the tokens of the tests"
WEBHOOK_KEY = "the key that encrypts the secrets of webhooks in the tests"
PASSWORD = "correct horse battery"
# unused, but httpx would make one for every client, which takes longer than most tests here
TLS = ssl.create_default_context()


@dataclass
class Service:
    """A running worker."""

    url: str
    log: Path
    process: subprocess.Popen[Any] | Forked

    def lines(self, **wanted: object) -> list[dict[str, Any]]:
        """The lines with these values that are written by now; those of the last moment are not."""
        whole, _, _ = self.log.read_text().rpartition("\n")
        found = [json.loads(line) for line in whole.splitlines()]
        return [line for line in found if wanted.items() <= line.items()]

    def wait_for(self, **wanted: object) -> list[dict[str, Any]]:
        """The lines with these values, once there is one: a request's line follows its answer."""
        wait_until(lambda: self.lines(**wanted))
        return self.lines(**wanted)

    def all_lines(self, **wanted: object) -> list[dict[str, Any]]:
        """The lines with these values, perhaps none: a later request's line is written after all of them."""
        request_id = uuid4().hex
        httpx.get(f"{self.url}/api/health/live", headers={"X-Request-Id": request_id}, timeout=20, verify=TLS)
        self.wait_for(request_id=request_id)
        return self.lines(**wanted)


@contextlib.contextmanager
def serve(api_url: str, folder: Path, stderr: IO[bytes] | None = None, /, **settings: str) -> Iterator[Service]:
    """Run `api.server.worker` as the supervisor does, but loaded already, logging into `folder` or to `stderr`."""
    listener = socket.create_server(("127.0.0.1", 0))
    log = folder / f"service-{uuid4().hex}.log"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PGWALLET_", "JWT_"))}
    variables = {
        "PGWALLET_API_URL": api_url,
        "JWT_SECRET": JWT_SECRET,
        "PGWALLET_BCRYPT_COST": "4",
        "PGWALLET_RATE_LIMIT": "off",
        "PGWALLET_WEBHOOK_KEY": WEBHOOK_KEY,
        "PGWALLET_WEBHOOK_NETWORKS": "127.0.0.0/8,::1/128",
        **({"PGWALLET_CLUSTER": str(MAPS[api_url])} if api_url in MAPS else {}),
        **settings,
    }
    told, telling = os.pipe()
    with os.fdopen(telling, "wb", buffering=0) as stdin:
        with os.fdopen(told) as order, log.open("wb") as file, listener:
            files: list[IO[Any] | socket.socket] = [order, file, stderr or file, listener]
            process = program("api.server.worker", "-W", "error").start([], environment, files)
            service = Service(f"http://127.0.0.1:{listener.getsockname()[1]}", log, process)
        stdin.write(json.dumps(variables).encode() + b"\n")
        try:
            wait_until(lambda: live(service))
            yield service
        finally:
            process.terminate()
            process.wait(30)


def live(service: Service) -> bool:
    assert service.process.poll() is None, service.log.read_text()
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(f"{service.url}/api/health/live", timeout=5, verify=TLS).status_code == 200
    return False


class User(httpx.Client):
    """A client signed in as a new user of the service."""

    def __init__(self, service: Service, username: str | None = None, **headers: str) -> None:
        super().__init__(base_url=service.url, timeout=20, verify=TLS, headers=headers)
        self.username = username or f"user-{uuid4().hex[:12]}"
        response = self.post("/api/auth/signup", json={"username": self.username, "password": PASSWORD})
        assert response.status_code == 201, response.text
        self.account = response.json()["data"]
        self.token: str = self.account["access_token"]
        self.headers["Authorization"] = f"Bearer {self.token}"

    def sign_in(self) -> None:
        """Get a new token, and use it from now on."""
        credentials = {"username": self.username, "password": PASSWORD}
        self.token = data(self.post("/api/auth/signin", json=credentials))["access_token"]
        self.headers["Authorization"] = f"Bearer {self.token}"

    def topup(self, amount: object = 100, txn_id: object = None, **more: object) -> httpx.Response:
        return self.post("/api/wallet/topup", json={"txn_id": txn_id or str(uuid4()), "amount": amount, **more})

    def spend(self, amount: object = 100, txn_id: object = None, **more: object) -> httpx.Response:
        return self.post("/api/wallet/spend", json={"txn_id": txn_id or str(uuid4()), "amount": amount, **more})

    def balance(self) -> int:
        found: int = data(self.get("/api/wallet/balance"))["balance"]
        return found

    def history(self, **params: str | int) -> dict[str, Any]:
        return data(self.get("/api/wallet/transactions", params=params))


def data(response: httpx.Response, status: int = 200) -> dict[str, Any]:
    """The data of a success, after a look at its envelope."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    body: dict[str, Any] = response.json()
    assert set(body) == {"success", "message", "data"}
    assert body["success"] is True
    assert isinstance(body["message"], str)
    found: dict[str, Any] = body["data"]
    return found


def problem(response: httpx.Response, status: int, code: str, field: str | None = None) -> dict[str, Any]:
    """The body of an error, after a look at what every error must have."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert {"type", "title", "status", "detail", "code", "success", "message", "request_id"} <= set(body)
    assert body["status"] == status
    assert body["code"] == code
    assert body["success"] is False
    assert "Expected `" not in response.text
    assert body["message"].endswith((".", "…"))
    assert body["type"].endswith(f"#{code}")
    assert body["request_id"] == response.headers["x-request-id"]
    assert ("www-authenticate" in response.headers) == (status == 401)
    assert ("retry-after" in response.headers) == (status in {429, 503})
    if field is not None:
        assert field in [error["field"] for error in body["errors"]]
        assert all(error["message"] for error in body["errors"])
    return body


class Line:
    """A Unix socket in front of a PostgreSQL server, which a test can cut, silence and restore."""

    def __init__(self, database: Database, folder: Path) -> None:
        postgres_server = database.server
        self._server = f"{postgres_server.host}/.s.PGSQL.{postgres_server.port}"
        self._path = folder / f".s.PGSQL.{postgres_server.port}"
        self._open: list[socket.socket] = []
        self._listener: socket.socket | None = None
        self.silent = False
        self._silenced: set[socket.socket] = set()
        self.url = database.api_url.replace(quote(postgres_server.host), quote(str(folder)))

    def restore(self) -> None:
        """Accept connections, and pass on what they say."""
        self.silent = False
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self._path))
        self._listener.listen(64)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def silence(self) -> None:
        """Pass nothing on any more on the connections that are open now; `silent` is for later ones too."""
        self._silenced = set(self._open)

    def cut(self, *, refuse: bool = True) -> None:
        """Drop every connection; `refuse` new ones too."""
        if refuse and self._listener is not None:
            self._path.unlink()
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        # not those that come while we cut: whoever lost one connection may make another
        doomed, self._open = self._open, []
        for end in doomed:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX)
            far.connect(self._server)
            self._open += [near, far]
            threading.Thread(target=self._pass_on, args=(near, far), daemon=True).start()

    def _pass_on(self, near: socket.socket, far: socket.socket) -> None:
        with near, far, contextlib.suppress(OSError):
            while True:
                for source in select.select([near, far], [], [])[0]:
                    said = source.recv(65536)
                    if not said:
                        return
                    if not self.silent and source not in self._silenced:
                        (far if source is near else near).sendall(said)
