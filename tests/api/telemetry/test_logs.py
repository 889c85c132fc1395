"""What the service writes to stderr: one line per request, and never a secret."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from uuid import uuid4

import httpx
import pytest

from api.http import request_log
from api.telemetry import log_writer
from api.telemetry.log_writer import LogWriter
from tests.api.database.fakes import played, turn
from tests.api.service import JWT_SECRET, PASSWORD, TLS, Service, User, data, problem, serve
from tests.command import Pgwallet, wait_until
from tests.command import Service as Running
from tests.database import SERVICE_PASSWORD, Database


def test_every_request_is_one_line(service: Service, alice: User) -> None:
    request_id = uuid4().hex
    data(alice.get("/api/wallet/transactions?limit=3", headers={"X-Request-Id": request_id}))
    (line,) = service.wait_for(request_id=request_id, event="request")
    assert abs(datetime.fromisoformat(line.pop("time")) - datetime.now(UTC)) < timedelta(minutes=1)
    assert 0 < line.pop("ms") < 10_000
    assert line == {
        "event": "request",
        "level": "info",
        "method": "GET",
        "path": "/api/wallet/transactions",
        "status": 200,
        "request_id": request_id,
        "client": "127.0.0.1",
        "user_id": alice.account["id"],
        "wallet_id": alice.account["wallet_id"],
    }


def test_a_line_names_transaction_and_wallet(service: Service, operator: User, alice: User, bob: User) -> None:
    own, other = alice.account["wallet_id"], bob.account["wallet_id"]
    hold, spend, replay = (str(uuid4()) for _ in range(3))
    data(alice.post("/api/wallet/holds", json={"txn_id": hold, "amount": 10}), 201)
    data(alice.spend(10, spend), 201)
    data(alice.topup(10, replay), 201)
    adjustment = {"amount": -1, "reason": "a test"}

    def line(user: User, method: str, path: str, body: Mapping[str, object] | None = None) -> dict[str, object]:
        request_id = uuid4().hex
        user.request(method, path, json=body, headers={"X-Request-Id": request_id})
        (found,) = service.wait_for(request_id=request_id, event="request")
        return {name: found[name] for name in ("wallet_id", "txn_id", "items") if name in found}

    for user, wallet, path, body in (
        (alice, own, "/api/wallet/topup", {"amount": 1}),
        (alice, own, "/api/wallet/topup", {"amount": 10, "txn_id": replay}),
        (alice, own, "/api/wallet/spend", {"amount": 1}),
        (alice, own, "/api/wallet/spend", {"amount": 10**9}),
        (alice, own, "/api/wallet/transfer", {"amount": 1, "to_wallet_id": other}),
        (alice, own, "/api/wallet/refund", {"amount": 1, "original_txn_id": spend}),
        (alice, own, "/api/wallet/holds", {"amount": 1}),
        (alice, own, f"/api/wallet/holds/{hold}/capture", {"amount": 1, "final": False}),
        (alice, own, f"/api/wallet/holds/{hold}/void", {}),
        (operator, own, f"/api/operator/wallets/{own}/topup", {"amount": 1}),
        (operator, own, f"/api/operator/wallets/{own}/refund", {"original_txn_id": spend}),
        (operator, own, f"/api/operator/wallets/{own}/adjust", adjustment),
        (bob, own, f"/api/operator/wallets/{own}/adjust", adjustment),
    ):
        asked = {"txn_id": str(uuid4()), **body}
        assert line(user, "POST", path, asked) == {"wallet_id": wallet, "txn_id": asked["txn_id"]}, path

    assert line(alice, "GET", f"/api/wallet/transactions/{spend}") == {"wallet_id": own, "txn_id": spend}
    assert line(alice, "HEAD", f"/api/wallet/transactions/{spend}") == {"wallet_id": own, "txn_id": spend}
    for path in ("balance", "transactions", "holds"):
        assert line(alice, "GET", f"/api/wallet/{path}") == {"wallet_id": own}
    status = {"status": "frozen", "reason": "a test"}
    assert line(operator, "POST", f"/api/operator/wallets/{other}/status", status) == {"wallet_id": other}
    assert line(alice, "GET", "/api/wallets") == {}
    assert line(alice, "POST", "/api/wallet/topup", {"txn_id": "s3cr3t", "amount": 1}) == {}


def test_a_line_names_the_wallet_in_the_asset_that_is_asked_for(service: Service, alice: User) -> None:
    euros = data(alice.post("/api/wallets", json={"asset": "EUR"}), 201)["wallet_id"]
    for _ in range(2):
        txn_id = str(uuid4())
        data(alice.topup(1, txn_id, asset="EUR"), 201)
        assert service.wait_for(txn_id=txn_id)[0]["wallet_id"] == euros


def test_the_line_of_a_batch_has_its_size_and_no_ids(service: Service, alice: User) -> None:
    request_id = uuid4().hex
    requests = [{"type": "topup", "txn_id": str(uuid4()), "amount": 1} for _ in range(3)]
    data(alice.post("/api/wallet/batch", json={"requests": requests}, headers={"X-Request-Id": request_id}))
    (line,) = service.wait_for(request_id=request_id)
    assert (line["items"], line["wallet_id"]) == (3, alice.account["wallet_id"])
    assert "txn_id" not in line


@pytest.mark.parametrize(
    ("said", "shown"), [("192.0.2.7", "192.0.2.7"), ("2001:db8::7", "2001:db8::7"), ("x" * 5000, "x" * 45)]
)
def test_the_address_is_what_a_trusted_proxy_says(
    service_database: Database, tmp_path: Path, said: str, shown: str
) -> None:
    with serve(service_database.api_url, tmp_path, PGWALLET_TRUSTED_PROXIES="127.0.0.1") as service:
        headers = {"X-Forwarded-For": said, "X-Request-Id": "one"}
        httpx.get(f"{service.url}/api/health/live", headers=headers, verify=TLS)
        assert [line["client"] for line in service.wait_for(request_id="one")] == [shown]


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/none/s3cr3t", 404, "not_found"),
        ("DELETE", "/api/wallet/balance", 405, "method_not_allowed"),
        ("GET", "/api/wallet/balance?token=s3cr3t", 401, "unauthorized"),
        ("POST", "/api/auth/signin", 400, "malformed_json"),
    ],
)
def test_the_line_of_an_error_has_its_code(
    service: Service, client: httpx.Client, method: str, path: str, status: int, code: str
) -> None:
    request_id = uuid4().hex
    client.request(method, path, headers={"X-Request-Id": request_id})
    (line,) = service.wait_for(request_id=request_id, event="request")
    assert (line["status"], line["code"]) == (status, code)
    assert "user_id" not in line


def test_an_unexpected_error_is_explained_in_the_log_alone(
    service: Service, service_database: Database, alice: User
) -> None:
    with service_database.connect() as administrator:
        administrator.execute("alter function public.wallet_entries rename to wallet_hidden")
        response = alice.get("/api/wallet/transactions")
        administrator.execute("alter function public.wallet_hidden rename to wallet_entries")
    body = problem(response, 500, "internal")
    assert not re.search("wallet_entries|asyncpg|Traceback|42883", response.text)
    service.wait_for(request_id=body["request_id"], event="request")
    error, line = service.lines(request_id=body["request_id"])
    assert (error["level"], error["event"]) == ("error", "unexpected error")
    assert "UndefinedFunctionError" in error["exception"]
    assert (line["event"], line["status"]) == ("request", 500)
    data(alice.get("/api/wallet/transactions"))


def test_no_secret_is_ever_logged(service_database: Database, tmp_path: Path) -> None:
    hidden = f"hidden-{uuid4().hex}"
    credentials = {"username": "alice", "password": hidden}
    with (
        serve(service_database.api_url, tmp_path, PGWALLET_LOG_LEVEL="debug") as service,
        closing(User(service)) as user,
    ):
        user.topup(reference=hidden, metadata={"a": hidden})
        user.topup(hidden)
        user.topup(1, hidden)
        user.post("/api/wallet/topup", content=hidden.encode(), headers={"Content-Type": "application/json"})
        user.post("/api/wallet/topup", json={hidden: hidden})
        user.get(f"/api/wallet/transactions?cursor={hidden}&token={user.token}")
        user.get(f"/{hidden}")
        for path in ("/api/auth/signin", "/api/auth/signup"):
            for body in (credentials, [credentials], {**credentials, "password": [hidden]}, {"password": hidden}):
                user.post(path, json=body)
            user.post(path, json={"username": hidden, "password": hidden})
        for header in (f"Bearer {hidden}", f"Basic {hidden}", f"Bearer {user.token}x"):
            httpx.get(f"{service.url}/api/wallet/balance", headers={"Authorization": header}, verify=TLS)
        with service_database.connect() as administrator:
            administrator.execute("alter function public.wallet_register rename to wallet_hidden")
            problem(
                user.post("/api/auth/signup", json={"username": f"u{uuid4().hex}", "password": hidden}),
                500,
                "internal",
            )
            administrator.execute("alter function public.wallet_hidden rename to wallet_register")
        token = user.token
    log = service.log.read_text()
    # one for each request and one for the error, the last ones too
    assert len(log.splitlines()) >= 24
    for secret in (hidden, PASSWORD, token, token.rpartition(".")[2], JWT_SECRET, SERVICE_PASSWORD, "$2b$"):
        assert secret not in log
    for line in log.splitlines():
        assert json.loads(line)["level"] in {"debug", "info", "warning", "error"}


def test_the_log_level_is_a_setting(service_database: Database, tmp_path: Path) -> None:
    with serve(service_database.api_url, tmp_path, PGWALLET_LOG_LEVEL="warning") as service:
        assert httpx.get(f"{service.url}/api/health", verify=TLS).status_code == 200
    assert service.log.read_text() == ""


@played
async def test_lines_that_come_together_are_written_together_in_pieces_that_a_pipe_takes_whole() -> None:
    written: list[bytes] = []
    lines = request_log.RequestLines(written.append)
    for number in range(25):
        longest = request_log.RequestLine(
            client="x" * 45,
            method="OPTIONS",
            path="/api/wallets/{wallet_id}/status",
            request_id="x" * 64,
            ms=99_999.99,
            status=number,
            time=datetime.now(UTC),
            user_id=str(uuid4()),
            key_id=str(uuid4()),
            wallet_id=uuid4(),
            txn_id=uuid4(),
            code="unsupported_media_type",
            event="request",
            level="info",
        )
        lines.add(longest)
    assert written == []
    await turn()
    assert [len(piece.splitlines()) for piece in written] == [7, 7, 7, 4]
    assert all(piece.endswith(b"\n") and len(piece) <= select.PIPE_BUF for piece in written)
    assert [json.loads(line)["status"] for line in b"".join(written).splitlines()] == list(range(25))


class Watched(LogWriter):
    """Tells in which pieces it writes."""

    def __init__(self, descriptor: int) -> None:
        self.pieces: list[bytes] = []
        super().__init__(descriptor)

    def _write(self, lines: bytes) -> None:
        self.pieces.append(lines)
        super()._write(lines)


def test_a_file_gets_in_one_piece_what_a_pipe_gets_in_several(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    queued = threading.Event()
    # what is queued while the thread sleeps is written together
    monkeypatch.setattr(log_writer, "time", SimpleNamespace(sleep=lambda _: queued.wait()))
    near, far = os.pipe()
    with os.fdopen(near, "rb") as end, os.fdopen(far, "wb") as pipe, (tmp_path / "log").open("wb") as file:
        writers = [Watched(pipe.fileno()), Watched(file.fileno())]
        line = b"x" * 99 + b"\n"
        for writer in writers:
            for _ in range(100):
                writer.write(line)
        queued.set()
        assert end.read(100 * len(line)) == line * 100
        wait_until(lambda: (tmp_path / "log").read_bytes() == line * 100)
        assert [[len(piece) for piece in writer.pieces] for writer in writers] == [[4000, 4000, 2000], [10_000]]


def test_a_closed_stderr_is_written_to_as_a_pipe() -> None:
    assert log_writer.at_once(-1) == select.PIPE_BUF


def test_a_log_that_nobody_reads_stops_nothing(service_database: Database, tmp_path: Path) -> None:
    near, far = os.pipe()
    fcntl.fcntl(far, fcntl.F_SETPIPE_SZ, 4096)
    token = "the metrics' token of the test of a full pipe"
    with (
        os.fdopen(far, "wb") as end,
        serve(service_database.api_url, tmp_path, end, PGWALLET_METRICS_TOKEN=token) as service,
        closing(User(service)) as user,
    ):
        headers = {"Authorization": f"Bearer {token}"}

        def dropped() -> float:
            page = httpx.get(f"{service.url}/metrics", headers=headers, verify=TLS).text
            return float(page.partition("\npgwallet_log_lines_dropped_total ")[2].split()[0])

        def more_and_more() -> bool:
            for _ in range(500):
                user.get("/api/health/live").raise_for_status()
            return dropped() > 0

        assert dropped() == 0
        wait_until(more_and_more, 60)
        # and who reads again is told
        data(user.topup(), 201)
        said = os.read(near, 1 << 20)
        while b"log lines were dropped" not in said:
            said += os.read(near, 1 << 20)
            user.get("/api/health/live")
    os.close(near)


def test_a_log_that_nobody_reads_does_not_stop_the_supervisor(service_database: Database, tmp_path: Path) -> None:
    with Pgwallet(tmp_path, PGWALLET_API_URL=service_database.api_url, JWT_SECRET=JWT_SECRET) as wallet:
        process = wallet.spawn("serve")
        assert process.stderr is not None
        with process.stderr as unread, Path(os.devnull).open() as process.stderr:
            fcntl.fcntl(unread, fcntl.F_SETPIPE_SZ, 4096)
            service = Running(process)
            try:
                service.await_ready()
                for _ in range(40):
                    assert service.request("/api/health/live")[0] == 200
                (worker,) = service.children("api.server.worker")
                os.kill(worker, signal.SIGKILL)
                wait_until(lambda: service.children("api.server.worker") not in ([], [worker]))
                wait_until(lambda: service.request("/api/health/live")[0] == 200)
            finally:
                assert service.stop() == 0


def test_a_log_on_a_full_disk_stops_nothing(service_database: Database, tmp_path: Path) -> None:
    with Path("/dev/full").open("wb") as full, serve(service_database.api_url, tmp_path, full) as service:
        for _ in range(20):
            assert httpx.get(f"{service.url}/api/health/live", verify=TLS).status_code == 200


WRITE = """
import logging, structlog
from api.telemetry import log_config
log_config.configure("info")
structlog.get_logger("ours").info("said", number=1)
logging.getLogger("theirs").warning("a library's %s", "words")
logging.getLogger("theirs").debug("nothing")
"""
FAIL = """
import logging, structlog
from api.telemetry import log_config
log_config.configure("info")
try:
    raise KeyError("the fault")
except KeyError as error:
    structlog.get_logger().error("ours", exc_info=True)
    structlog.get_logger().exception("ours")
    structlog.get_logger().error("ours", exc_info=error)
    logging.getLogger("theirs").exception("theirs")
    logging.getLogger("theirs").error("theirs", exc_info=error)
"""


def test_a_traceback_is_written_out() -> None:
    ended = subprocess.run([sys.executable, "-c", FAIL], stderr=subprocess.PIPE, check=True, timeout=30)
    lines = [json.loads(line) for line in ended.stderr.splitlines()]
    assert [line["event"] for line in lines] == ["ours"] * 3 + ["theirs"] * 2
    for line in lines:
        assert "exc_info" not in line
        assert "Traceback" in line["exception"]
        assert "KeyError: 'the fault'" in line["exception"]


def test_what_libraries_log_has_the_same_form() -> None:
    ended = subprocess.run([sys.executable, "-c", WRITE], stderr=subprocess.PIPE, check=True, timeout=30)
    ours, theirs = (json.loads(line) for line in ended.stderr.splitlines())
    assert (ours["event"], ours["number"], ours["logger"], ours["level"]) == ("said", 1, "ours", "info")
    assert (theirs["event"], theirs["logger"], theirs["level"]) == ("a library's words", "theirs", "warning")


def test_a_terminal_gets_readable_columns() -> None:
    near, far = pty.openpty()
    subprocess.run([sys.executable, "-c", WRITE], stderr=far, check=True, timeout=30)
    os.close(far)
    shown = re.sub(r"\x1b\[[0-9;]*m", "", os.read(near, 10_000).decode())
    os.close(near)
    assert re.search(r"\[info +\] said +\[ours\] +number=1", shown)
    assert re.search(r"\[warning +\] a library's words", shown)
