"""What /metrics shows, to whom, and that it is of all workers."""

import os
import platform
import re
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from api import __version__
from api.database.rows import InTransit
from api.server import shared_memory
from api.telemetry import metrics
from api.telemetry.metrics import Facts, Lag, Metrics, RelayMetrics
from tests.api.service import JWT_SECRET, TLS, Service, User, data, problem, serve
from tests.command import Pgwallet, wait_until
from tests.database import Database
from tests.docs.markdown import ROOT, rows

TOKEN = "a token for nothing but metrics, of the tests"
HEADERS = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture(scope="module")
def measured(service_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder: Path = tmp_path_factory.mktemp("measured")
    patient = {"PGWALLET_LOCK_TIMEOUT": "60", "PGWALLET_STATEMENT_TIMEOUT": "60"}
    with serve(service_database.api_url, folder, PGWALLET_METRICS_TOKEN=TOKEN, **patient) as running:
        yield running


def page(url: str) -> str:
    response = httpx.get(f"{url}/metrics", headers=HEADERS, verify=TLS, timeout=20)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/plain; version=")
    return response.text


def value(url: str, sample: str, **labels: str) -> float:
    """The value of a sample, 0 for one that is not there."""
    return sum(
        found.value
        for family in text_string_to_metric_families(page(url))
        for found in family.samples
        if found.name == sample and labels.items() <= found.labels.items()
    )


def test_it_is_not_public(service: Service, measured: Service) -> None:
    with closing(User(measured)) as user:
        for headers in ({}, {"Authorization": f"Bearer {user.token}"}, {"Authorization": f"Basic {TOKEN}"}):
            problem(httpx.get(f"{measured.url}/metrics", headers=headers, verify=TLS), 401, "unauthorized")
    # and without a token of its own there is none
    for headers in ({}, {"Authorization": "Bearer"}, {"Authorization": "Bearer None"}):
        problem(httpx.get(f"{service.url}/metrics", headers=headers, verify=TLS), 404, "not_found")


def test_requests_are_counted_by_route_and_status(measured: Service) -> None:
    sample = "pgwallet_http_request_seconds_count"
    topups = {"method": "POST", "route": "/api/wallet/topup"}
    with closing(User(measured)) as user:
        before = [value(measured.url, sample, **topups, status=status) for status in ("201", "422")]
        for amount in (1, 2, "3"):
            user.topup(amount)
        after = [value(measured.url, sample, **topups, status=status) for status in ("201", "422")]
        assert [new - old for new, old in zip(after, before, strict=True)] == [2, 1]
        user.get(f"/api/wallet/transactions/{uuid4()}")
    assert value(measured.url, sample, route="/api/wallet/transactions/{txn_id}", status="404") >= 1
    assert value(measured.url, "pgwallet_http_request_seconds_sum", **topups) > 0


def test_clients_cannot_make_series(measured: Service) -> None:
    def series() -> set[str]:
        return {line.rpartition(" ")[0] for line in page(measured.url).splitlines()}

    def stray(number: int) -> None:
        httpx.request(f"X{number}", f"{measured.url}/{uuid4()}", verify=TLS)
        httpx.get(f"{measured.url}/api/wallet/transactions/{uuid4()}", verify=TLS)

    stray(0)
    series()
    before = series()
    for number in range(1, 10):
        stray(number)
    assert series() == before


def test_refusals_are_counted_by_code(measured: Service) -> None:
    with closing(User(measured)) as user:
        before = value(measured.url, "pgwallet_refusals_total", code="WA003")
        problem(user.spend(10**9), 402, "WA003")
        assert value(measured.url, "pgwallet_refusals_total", code="WA003") == before + 1


def volume(url: str, kind: str, asset: str = "UC") -> tuple[float, float]:
    """How many transactions, and how much."""
    labels = {"type": kind, "asset": asset}
    return (
        value(url, "pgwallet_transactions_total", **labels),
        value(url, "pgwallet_transaction_minor_units_total", **labels),
    )


def test_what_is_written_counts_by_type_and_asset(measured: Service, service_database: Database) -> None:
    url, kinds = (
        measured.url,
        ("bonus", "topup", "spend", "transfer", "hold", "capture", "void", "refund", "adjustment"),
    )
    before = {kind: volume(url, kind) for kind in kinds}
    euros = volume(url, "topup", "EUR")
    with closing(User(measured)) as user, closing(User(measured)) as other, service_database.connect() as administrator:
        administrator.execute("select wallet_set_role(%s, 'operator')", [other.username])
        other.sign_in()
        own = user.account["wallet_id"]
        adjust, fund = (f"/api/operator/wallets/{own}/{what}" for what in ("adjust", "topup"))
        spend, hold, voided = (str(uuid4()) for _ in range(3))

        def post(by: User, path: str, body: dict[str, object]) -> None:
            asked = {"txn_id": str(uuid4()), **body}
            data(by.post(path, json=asked), 201)
            assert data(by.post(path, json=asked))["replayed"] is True

        post(user, "/api/wallet/topup", {"amount": 30})
        post(user, "/api/wallet/topup", {"amount": 12})
        post(other, fund, {"amount": 100})
        data(user.post("/api/wallets", json={"asset": "EUR"}), 201)
        post(user, "/api/wallet/topup", {"amount": 2, "asset": "EUR"})
        post(user, "/api/wallet/spend", {"amount": 20, "txn_id": spend})
        post(user, "/api/wallet/refund", {"amount": 5, "original_txn_id": spend})
        post(user, "/api/wallet/transfer", {"amount": 7, "to_username": other.username})
        post(user, "/api/wallet/holds", {"amount": 50, "txn_id": hold})
        post(user, "/api/wallet/holds", {"amount": 3, "txn_id": voided})
        post(user, f"/api/wallet/holds/{hold}/capture", {"amount": 40})
        post(user, f"/api/wallet/holds/{voided}/void", {})
        post(other, adjust, {"amount": 9, "reason": "a test"})
        post(other, adjust, {"amount": -2, "reason": "a test"})
        problem(user.spend(10**9), 402, "WA003")
    written = {
        "bonus": (2, 2000),
        "topup": (3, 142),
        "spend": (1, 20),
        "refund": (1, 5),
        "transfer": (1, 7),
        "hold": (2, 53),
        "capture": (1, 40),
        "void": (1, 3),
        "adjustment": (2, 11),
    }
    after = {kind: volume(url, kind) for kind in kinds}
    assert {kind: tuple(a - b for a, b in zip(after[kind], before[kind], strict=True)) for kind in kinds} == written
    assert volume(url, "topup", "EUR") == (euros[0] + 1, euros[1] + 2)


def test_without_group_commit_the_same_counts(service_database: Database, tmp_path: Path) -> None:
    settings = {"PGWALLET_METRICS_TOKEN": TOKEN, "PGWALLET_GROUP_COMMIT": "off"}
    with serve(service_database.api_url, tmp_path, **settings) as service, closing(User(service)) as user:
        txn_id = str(uuid4())
        for _ in range(2):
            user.topup(30, txn_id)
        problem(user.spend(10**9), 402, "WA003")
        assert volume(service.url, "topup") == (1, 30)
        assert volume(service.url, "spend") == (0, 0)


def test_what_a_batch_wrote_and_refused_counts_item_by_item(measured: Service) -> None:
    def counted() -> list[float]:
        refused = [value(measured.url, "pgwallet_batch_refusals_total", code=code) for code in ("WA003", "WA015")]
        return [*volume(measured.url, "topup"), *volume(measured.url, "spend"), *refused]

    def batch(**more: object) -> httpx.Response:
        requests: list[dict[str, object]] = [
            {"type": "topup", "amount": 30},
            {"type": "spend", "amount": 20},
            {"type": "spend", "amount": 10**9},
            {"type": "void", "hold_txn_id": str(uuid4())},
            {"type": "spend", "amount": 10**9},
        ]
        asked = [{"txn_id": str(uuid4())} | item for item in requests]
        asked.append(asked[0])
        return user.post("/api/wallet/batch", json={"requests": asked, **more})

    with closing(User(measured)) as user:
        before = counted()
        data(batch())
        assert [after - then for after, then in zip(counted(), before, strict=True)] == [1, 30, 1, 20, 2, 1]
        before = counted()
        problem(batch(atomic=True), 409, "batch_refused")
        assert [after - then for after, then in zip(counted(), before, strict=True)] == [0, 0, 0, 0, 2, 1]


def test_sign_ups_count_and_refused_ones_do_not(measured: Service) -> None:
    before = value(measured.url, "pgwallet_signups_total")
    with closing(User(measured)) as user:
        again = {"username": user.username, "password": "correct horse battery"}
        problem(httpx.post(f"{measured.url}/api/auth/signup", json=again, verify=TLS), 409, "WA005")
    assert value(measured.url, "pgwallet_signups_total") == before + 1


def test_open_holds_show_until_they_end(measured: Service) -> None:
    with closing(User(measured)) as user:
        before = value(measured.url, "pgwallet_holds_open")
        first, second = (str(uuid4()) for _ in range(2))
        for txn_id in (first, second):
            data(user.post("/api/wallet/holds", json={"txn_id": txn_id, "amount": 1}), 201)
        assert value(measured.url, "pgwallet_holds_open") == before + 2
        data(user.post(f"/api/wallet/holds/{first}/void", json={"txn_id": str(uuid4())}), 201)
        assert value(measured.url, "pgwallet_holds_open") == before + 1


def test_holds_that_cannot_be_counted_in_time_say_nothing_of_the_database(
    measured: Service, service_database: Database
) -> None:
    with service_database.connect() as administrator, administrator.transaction():
        administrator.execute("lock table wallet.holds in access exclusive mode")
        shown = page(measured.url)
    assert 'pgwallet_database_up{database="0"} 1.0' in shown
    assert "pgwallet_holds_open" not in shown


def test_processor_and_memory_of_a_worker_show(measured: Service) -> None:
    worker = {"worker": "0"}
    used = value(measured.url, "pgwallet_process_cpu_seconds_total", **worker)
    assert 0 < used < 600
    wait_until(lambda: value(measured.url, "pgwallet_process_cpu_seconds_total", **worker) > used)
    (resident,) = re.findall(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{measured.process.pid}/status").read_text())
    shown = value(measured.url, "pgwallet_process_resident_memory_bytes", **worker)
    assert abs(shown / 1024 / int(resident) - 1) < 0.5


def test_what_runs_shows(measured: Service, service_database: Database) -> None:
    with service_database.connect() as administrator:
        row = administrator.execute("select current_setting('server_version')").fetchone()
    assert row is not None
    labels = {"version": __version__, "python": platform.python_version(), "postgres": row[0].split()[0]}
    assert value(measured.url, "pgwallet_build_info", **labels) == 1


def test_batches_and_what_waits_show(measured: Service, service_database: Database) -> None:
    waits = {"place": "mutations"}
    with closing(User(measured)) as user, service_database.connect() as administrator, ThreadPoolExecutor(1) as thread:
        before = value(measured.url, "pgwallet_batch_items_sum")
        data(user.topup(), 201)
        assert value(measured.url, "pgwallet_batch_items_sum") == before + 1
        wait_until(lambda: value(measured.url, "pgwallet_connections", pool="shared", state="idle") >= 1)
        with administrator.transaction():
            administrator.execute("select from wallet.wallets where id = %s for update", [user.account["wallet_id"]])
            held = thread.submit(user.topup)
            wait_until(lambda: value(measured.url, "pgwallet_waiting", **waits) == 1)
            wait_until(lambda: value(measured.url, "pgwallet_connections", pool="shared", state="in_use") == 1)
        data(held.result(), 201)
        wait_until(lambda: value(measured.url, "pgwallet_waiting", **waits) == 0)


def test_the_last_verification_shows_with_its_age(database: Database, tmp_path: Path) -> None:
    with (
        serve(database.api_url, tmp_path, PGWALLET_METRICS_TOKEN=TOKEN) as service,
        database.connect() as administrator,
    ):
        assert "pgwallet_verification" not in page(service.url)
        for violations in (3, 0, 2):
            administrator.execute("select wallet_record_verification(%s, 1.5)", [violations])
            assert value(service.url, "pgwallet_verification_violations") == violations
        assert value(service.url, "pgwallet_verification_seconds") == 1.5
        assert 0 <= value(service.url, "pgwallet_verification_age_seconds") < 30
        administrator.execute("update wallet.verifications set ended_at = ended_at - interval '1 day'")
        assert 86_400 <= value(service.url, "pgwallet_verification_age_seconds") < 86_430


def test_a_scrape_does_not_scan_the_ledger(measured: Service, service_database: Database) -> None:
    scans = """
        select sum(seq_scan + coalesce(idx_scan, 0)) from pg_stat_user_tables
        where schemaname = 'wallet' and relname in ('ledger', 'transactions', 'wallets')
    """
    others = "from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
    with service_database.connect() as administrator:

        def settled() -> Any:
            # a session tells what it did some time later, and when it ends
            ended = [pid for (pid,) in administrator.execute(f"select pid {others}").fetchall()]
            administrator.execute(f"select pg_terminate_backend(pid) {others} and pid = any (%s)", [ended])
            running = f"select count(*) {others} and pid = any (%s)"
            wait_until(lambda: administrator.execute(running, [ended]).fetchone() == (0,))
            return administrator.execute(scans).fetchone()

        before = settled()
        for _ in range(5):
            page(measured.url)
        assert settled() == before


def test_without_its_database_the_service_still_shows_what_it_has(tmp_path: Path) -> None:
    with serve("postgresql://wallet_api@localhost:1/none", tmp_path, PGWALLET_METRICS_TOKEN=TOKEN) as service:
        assert value(service.url, "pgwallet_database_up") == 0
        assert value(service.url, "pgwallet_build_info", postgres="") == 1
        assert "pgwallet_holds_open" not in page(service.url)
        assert value(service.url, "pgwallet_http_request_seconds_count", route="/api/health/live") >= 1


@pytest.mark.long
def test_one_scrape_shows_all_workers_also_those_that_were_replaced(service_database: Database, tmp_path: Path) -> None:
    live = {"route": "/api/health/live"}
    with Pgwallet(
        tmp_path,
        PGWALLET_API_URL=service_database.api_url,
        JWT_SECRET=JWT_SECRET,
        PGWALLET_METRICS_TOKEN=TOKEN,
    ) as wallet:
        service = wallet.start("serve", PGWALLET_WORKERS="3")
        url = f"http://127.0.0.1:{service.port}"
        for _ in range(50):
            # a connection each, so that every worker has some
            assert service.request("/api/health/live")[0] == 200
        counted = [value(url, "pgwallet_http_request_seconds_count", **live) for _ in range(10)]
        assert counted == [50] * 10
        for worker in service.children("api.server.worker"):
            os.kill(worker, signal.SIGKILL)
        wait_until(lambda: len(service.children("api.server.worker")) == 3 and service.healthy())
        assert service.request("/api/health/live")[0] == 200
        assert value(url, "pgwallet_http_request_seconds_count", **live) == 51
        assert service.stop() == 0


@pytest.mark.long
@pytest.mark.one_database(reason="it runs a service of its own on one database")
def test_what_two_workers_wrote_is_added_up_and_nothing_is_lost_when_they_stop(
    service_database: Database, tmp_path: Path
) -> None:
    with Pgwallet(
        tmp_path,
        PGWALLET_API_URL=service_database.api_url,
        JWT_SECRET=JWT_SECRET,
        PGWALLET_METRICS_TOKEN=TOKEN,
        PGWALLET_RATE_LIMIT="off",
    ) as wallet:
        running = wallet.start("serve", PGWALLET_WORKERS="2")
        service = Service(f"http://127.0.0.1:{running.port}", tmp_path, running.process)

        def totals() -> list[float]:
            signups, holds = (value(service.url, f"pgwallet_{name}") for name in ("signups_total", "holds_open"))
            refused = value(service.url, "pgwallet_batch_refusals_total", code="WA003")
            return [*volume(service.url, "topup"), *volume(service.url, "bonus"), signups, refused, holds]

        before = totals()[-1]
        for _ in range(12):
            # a connection each, so that every worker has some
            with closing(User(service)) as user:
                txn_id = str(uuid4())
                for _ in range(2):
                    user.topup(5, txn_id)
                data(user.post("/api/wallet/holds", json={"txn_id": str(uuid4()), "amount": 1}), 201)
                item = {"type": "spend", "txn_id": str(uuid4()), "amount": 10**9}
                data(user.post("/api/wallet/batch", json={"requests": [item]}))
        # also what was done in the last second: a worker adds it when it stops
        ended = set(running.children("api.server.worker"))
        for worker in ended:
            os.kill(worker, signal.SIGTERM)
        wait_until(lambda: len(set(running.children("api.server.worker")) - ended) == 2 and running.healthy())
        assert totals() == [12, 60, 12, 12_000, 12, 12, before + 12]
        for number in "01":
            assert value(service.url, "pgwallet_process_cpu_seconds_total", worker=number) > 0
            assert value(service.url, "pgwallet_process_resident_memory_bytes", worker=number) > 2**20
        assert value(service.url, "pgwallet_build_info") == 1
        assert running.stop() == 0


def test_what_workers_share_is_on_no_disk_that_could_be_full(service_database: Database, tmp_path: Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    with Pgwallet(
        tmp_path, PGWALLET_API_URL=service_database.api_url, JWT_SECRET=JWT_SECRET, TMPDIR=str(temporary)
    ) as wallet:
        service = wallet.start("serve")
        (worker,) = service.children("api.server.worker")
        mapped = [line.split(maxsplit=5) for line in Path(f"/proc/{worker}/maps").read_text().splitlines()]
        files = {line[5].strip() for line in mapped if "w" in line[1] and "s" in line[1]}
        # the other ring of memory is the event loop's
        assert files - {"anon_inode:[io_uring]"} == {"/memfd:pgwallet (deleted)"}
        assert list(temporary.iterdir()) == []


def transit() -> str:
    """What only several databases have."""
    facts = {0: {"in_transit": [InTransit(1, "UC", 2, 3.5)]}}
    return "".join(
        line
        for line in generate_latest(Facts(facts)).decode().splitlines(keepends=True)
        if "pgwallet_in_transit" in line
    )


def test_every_metric_is_documented(measured: Service, service_database: Database) -> None:
    with closing(User(measured)) as user, service_database.connect() as administrator:
        problem(user.spend(10**9), 402, "WA003")
        item = {"type": "spend", "txn_id": str(uuid4()), "amount": 10**9}
        data(user.post("/api/wallet/batch", json={"requests": [item]}))
        administrator.execute("select wallet_record_verification(0, 1)")
    documented = {
        (row[0].strip("`"), row[1], frozenset(re.findall(r"`(\w+)`", row[2])))
        for row in rows(ROOT / "docs/operations/observability.md")
        if row[0].startswith("`pgwallet_")
    }
    wait_until(lambda: value(measured.url, "pgwallet_connections") > 0)
    shown = {
        (
            family.name + ("_total" if family.type == "counter" else ""),
            family.type,
            frozenset(name for sample in family.samples for name in sample.labels) - {"le"},
        )
        for family in text_string_to_metric_families(page(measured.url) + relayed() + transit())
        if not family.name.endswith("_created")  # of a process on its own
    }
    assert shown == documented


def relayed() -> str:
    """What the relay adds to the page."""
    relay = RelayMetrics()
    webhook = uuid4()
    relay.note({webhook: Lag(1, 2.0, 3.0)})
    relay.count(webhook, 5, delivered=True)
    relay.give_up(webhook)
    relay.sweep()
    return generate_latest(relay.registry).decode()


def test_what_is_gone_or_another_relays_is_shown_as_zero() -> None:
    relay = RelayMetrics()
    webhook, other = uuid4(), uuid4()

    def shown() -> dict[str, float]:
        page = generate_latest(relay.registry).decode()
        samples = [sample for family in text_string_to_metric_families(page) for sample in family.samples]
        return {
            sample.labels.get("webhook", "leader"): sample.value for sample in samples if "seconds" not in sample.name
        }

    relay.note({webhook: Lag(1, 2.0, 3.0), other: Lag(4, 5.0, 6.0)})
    assert shown() == {"leader": 1, str(webhook): 1, str(other): 4}
    relay.note({other: Lag(7, 0.0, 0.0)})
    assert shown() == {"leader": 1, str(webhook): 0, str(other): 7}
    relay.note(None)
    assert shown() == {"leader": 0, str(webhook): 0, str(other): 0}


def test_a_worker_that_has_measured_nothing_yet_fails_no_scrape(monkeypatch: pytest.MonkeyPatch) -> None:
    with shared_memory.made(2) as memory:
        for module, name in (("values", "ValueClass"), ("values", "MmapedDict"), ("multiprocess", "MmapedDict")):
            monkeypatch.setattr(f"prometheus_client.{module}.{name}", None)
        monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "")
        metrics.share(memory.names(), 0)
        assert b'pgwallet_database_up{database="0"} 1.0' in Metrics(memory.names()).page({0: {}})
