"""A user of another database of the same cluster: what fails elsewhere must not reach that user."""

import http.client
import json
import threading
import time
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import psycopg

from api.cluster_map import ClusterMap, Member
from tests.cluster import JOIN
from tests.database import SERVICE_PASSWORD, Database
from tests.system.failover.nodes import Nodes

HOMES = ((0,), (1,))
"""Whoever signs up now is in database 1."""


def cluster(neighbour: Database, nodes: Nodes, folder: Path) -> Path:
    """Make a cluster of two databases, of which the second is on the servers of `nodes`; returns its map."""
    password = SERVICE_PASSWORD.replace(" ", "%20")
    members = (
        Member(0, neighbour.api_url, neighbour.api_url.replace("wallet_api", "wallet_relay", 1)),
        Member(1, nodes.url("wallet_api", password), nodes.url("wallet_relay", password)),
    )
    for number, url in enumerate((neighbour.url, nodes.leader_url())):
        with psycopg.connect(url, autocommit=True) as administrator:
            administrator.execute(f"alter role wallet_relay login password '{SERVICE_PASSWORD}'".encode())
            administrator.execute(JOIN, [number, json.dumps(HOMES)])
    file = folder / "cluster.toml"
    file.write_text(ClusterMap(members, HOMES).text())
    return file


class Neighbour:
    """Tops up again and again, one request after the other, in a thread of its own."""

    def __init__(self, port: int) -> None:
        self.answered = 0
        self.slowest = 0.0
        self.failures: list[str] = []
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self._headers = {"Content-Type": "application/json"}
        _, signed_in = self._post("/api/auth/signin", {"username": "alice", "password": "password123"})
        self._headers["Authorization"] = f"Bearer {signed_in['data']['access_token']}"
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._connection.close()

    def _run(self) -> None:
        while not self._ended.is_set():
            began = time.monotonic()
            try:
                status, answer = self._post("/api/wallet/topup", {"txn_id": str(uuid4()), "amount": 1})
            except OSError as error:
                self._connection.close()
                status, answer = 0, {"detail": str(error)}
            self.slowest = max(self.slowest, time.monotonic() - began)
            if status == 201:
                self.answered += 1
            else:
                self.failures.append(f"a user of another database was answered {status}: {answer['detail']}")

    def _post(self, path: str, body: dict[str, object]) -> tuple[int, dict[str, Any]]:
        self._connection.request("POST", path, json.dumps(body), self._headers)
        answer = self._connection.getresponse()
        found: dict[str, Any] = json.loads(answer.read())
        return answer.status, found
