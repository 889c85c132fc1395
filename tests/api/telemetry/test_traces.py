"""Traces: what a span tells and what it must not, what requests that share a transaction know of one another."""

import asyncio
import http.server
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import structlog
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from api.app import create_app
from api.database import traced
from api.database.call_queue import CallQueue, Pending
from api.database.connections import Connections
from api.http import request_log
from api.session import Connection
from api.settings import Settings, SettingsError
from api.telemetry import log_config, traces
from tests.api.service import JWT_SECRET, PASSWORD, User, serve
from tests.database import Database

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
ITEMS = 20
SECRET = "nobody-may-read-this"


class Told:
    """What a service was asked, what it answered, and the spans of that."""

    def __init__(self) -> None:
        self.answers: dict[str, httpx.Response] = {}
        self.spans: list[ReadableSpan] = []
        self.secrets: list[str] = [SECRET, PASSWORD, "127.0.0.1"]

    def request(self, name: str) -> ReadableSpan:
        """The span of an answer."""
        request_id = self.answers[name].headers["x-request-id"]
        (found,) = [one for one in self.spans if attributes(one).get("pgwallet.request_id") == request_id]
        return found

    def within(self, parent: ReadableSpan) -> list[ReadableSpan]:
        """The spans that are its children, in the order of their beginning."""
        found = [one for one in self.spans if one.parent is not None and one.parent.span_id == span_id(parent)]
        return sorted(found, key=lambda one: one.start_time or 0)

    def named(self, name: str) -> list[ReadableSpan]:
        return [one for one in self.spans if one.name == name]


def attributes(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def span_id(span: ReadableSpan) -> int:
    assert span.context is not None
    return int(span.context.span_id)


def trace_id(span: ReadableSpan) -> str:
    assert span.context is not None
    return f"{span.context.trace_id:032x}"


def linked(span: ReadableSpan) -> set[int]:
    return {link.context.span_id for link in span.links}


@contextmanager
def followed() -> Iterator[None]:
    """Let spans be made here, and none afterwards."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CallQueue, "pending", Pending)
        patch.setattr(CallQueue, "around", CallQueue.__dict__["around"])
        patch.setattr(Connections, "connection_class", Connection)
        yield


@pytest.fixture(scope="module")
def told(module_database: Database) -> Told:
    """What is told of one story, by a service in this process."""
    found, exporter = Told(), InMemorySpanExporter()
    with pytest.MonkeyPatch.context() as patch, followed():
        patch.setattr(traces, "OTLPSpanExporter", lambda: exporter)
        # the log is that of all tests in this process
        patch.setattr(log_config, "configure", lambda _: None)
        patch.setattr(request_log, "_write", lambda: None)
        asyncio.run(story(found, module_database))
    found.spans = list(exporter.get_finished_spans())
    return found


@asynccontextmanager
async def service(database: Database) -> AsyncIterator[httpx.AsyncClient]:
    """The service, and a client of it."""
    app = create_app(
        Settings(
            api_url=database.api_url,
            jwt_secret=JWT_SECRET,
            bcrypt_cost=4,
            lock_timeout=0.05,
            rate_limit=0,
            traces=True,
        )
    )

    async def stated(scope: Any, receive: Any, send: Any) -> None:
        scope["state"] = {}
        await app(scope, receive, send)

    async with (
        app.litestar.lifespan(),
        httpx.AsyncClient(transport=httpx.ASGITransport(stated), base_url="http://wallet.example") as client,
    ):
        yield client


async def story(told: Told, database: Database) -> None:
    async with service(database) as client:
        credentials = {"username": f"user-{uuid4().hex[:12]}", "password": PASSWORD}
        user = (await client.post("/api/auth/signup", json=credentials)).json()["data"]
        client.headers["Authorization"] = f"Bearer {user['access_token']}"
        told.secrets += [credentials["username"], user["id"], user["wallet_id"], user["access_token"]]

        async def topup(name: str, **headers: str) -> None:
            told.secrets.append(txn_id := str(uuid4()))
            body = {"txn_id": txn_id, "amount": 7, "reference": SECRET}
            told.answers[name] = await client.post("/api/wallet/topup", json=body, headers=headers)

        async def ask(name: str, method: str, path: str, **more: Any) -> None:
            told.answers[name] = await client.request(method, path, **more)

        await topup("alone")
        await asyncio.gather(*(topup(f"together {number}") for number in range(ITEMS)))
        await topup("continued", traceparent=f"00-{TRACE}-{PARENT}-01", tracestate="vendor=1")
        long = ",".join(f"vendor{number}={'a' * 200}" for number in range(3))
        await topup("too long", traceparent=f"00-{TRACE}-{PARENT}-01", tracestate=long)
        await topup("not sampled", traceparent=f"00-{TRACE}-{PARENT}-00")
        await topup("forged", traceparent=f"00-{SECRET}", tracestate=f"{SECRET}=1,{'a' * 600}=1")
        await asyncio.gather(*(ask(f"balance {number}", "GET", "/api/wallet/balance") for number in range(ITEMS)))
        await ask("refused", "POST", "/api/wallet/spend", json={"txn_id": str(uuid4()), "amount": 10**9})
        hold = str(uuid4())
        told.secrets.append(hold)
        await ask("no such hold", "POST", f"/api/wallet/holds/{hold}/void", json={"txn_id": str(uuid4())})
        await ask("unknown path", "GET", f"/{SECRET}", params={"q": SECRET})
        await ask("unknown method", "SNOOP", "/api/wallet/balance")
        await ask("health", "GET", "/api/health/ready")
        with database.connect() as administrator, administrator.transaction():
            administrator.execute("select from wallet.wallets where id = %s for update", [user["wallet_id"]])
            await asyncio.gather(topup("held"), topup("held, too"))
    statuses = {name: answer.status_code for name, answer in told.answers.items()}
    assert (statuses["refused"], statuses["no such hold"], statuses["held"]) == (402, 404, 503)


def test_a_request_alone_is_one_trace_from_http_to_sql(told: Told) -> None:
    request = told.request("alone")
    assert (request.name, request.kind, request.parent) == ("POST /api/wallet/topup", SpanKind.SERVER, None)
    assert attributes(request) == {
        "http.request.method": "POST",
        "http.route": "/api/wallet/topup",
        "http.response.status_code": 201,
        "url.scheme": "http",
        "network.protocol.version": "1.1",
        "pgwallet.request_id": told.answers["alone"].headers["x-request-id"],
    }
    # there may be one of a new connection, too
    (call,) = [one for one in told.within(request) if one.name == "SELECT wallet_topup"]
    assert call.kind == SpanKind.CLIENT
    assert attributes(call) | {"db.namespace": ""} == {
        "db.system.name": "postgresql",
        "db.namespace": "",
        "db.operation.name": "SELECT",
        "db.query.summary": "SELECT wallet_topup",
        "db.stored_procedure.name": "wallet_topup",
    }
    assert {one.status.status_code for one in (request, call)} == {StatusCode.UNSET}
    assert trace_id(request) == trace_id(call)


def test_requests_that_share_a_transaction_and_its_span_are_linked_both_ways(told: Told) -> None:
    requests = {span_id(one): one for one in (told.request(f"together {number}") for number in range(ITEMS))}
    batches = [one for one in told.spans if one.name.startswith("group commit") and linked(one) & requests.keys()]
    # the first one found no other; their wallet is the same, so some are called again
    assert len(set().union(*map(linked, batches))) == ITEMS - 1
    assert max(attributes(batch)["pgwallet.items"] for batch in batches) > 1
    for batch in batches:
        assert batch.kind == SpanKind.INTERNAL
        assert len(batch.links) == attributes(batch)["pgwallet.items"]
        assert all(span_id(batch) in linked(requests[one]) for one in linked(batch))
        # it is part of one of their traces
        assert batch.parent is not None
        assert batch.parent.span_id in linked(batch)
        assert [one.name for one in told.within(batch)].count("SELECT wallet_batch") == 1
    assert len({trace_id(one) for one in requests.values()}) == ITEMS


def test_balances_that_are_read_together_are_linked_too(told: Told) -> None:
    requests = {span_id(told.request(f"balance {number}")) for number in range(ITEMS)}
    reads = [one for one in told.named("balances together") if linked(one) & requests]
    assert len(set().union(*map(linked, reads)) & requests) == ITEMS - 1
    assert len(reads) < ITEMS - 1


def test_a_trace_that_came_with_the_request_goes_on(told: Told) -> None:
    request = told.request("continued")
    assert trace_id(request) == TRACE
    assert request.parent is not None
    assert (f"{request.parent.span_id:016x}", request.parent.is_remote) == (PARENT, True)
    assert request.context is not None
    assert dict(request.context.trace_state) == {"vendor": "1"}


def test_what_is_longer_than_the_standard_wants_is_not_passed_on(told: Told) -> None:
    request = told.request("too long")
    assert trace_id(request) == TRACE
    assert request.context is not None
    assert not request.context.trace_state


def test_a_request_that_its_caller_does_not_sample_makes_no_span(told: Told) -> None:
    assert told.answers["not sampled"].status_code == 201
    assert [one for one in told.spans if trace_id(one) == TRACE and one.kind == SpanKind.SERVER] == [
        told.request("continued"),
        told.request("too long"),
    ]
    # its group commit has nobody to tell of
    assert all(one.links for one in told.named("group commit"))


def test_a_header_that_is_none_begins_a_trace(told: Told) -> None:
    request = told.request("forged")
    assert request.parent is None
    assert request.context is not None
    assert not request.context.trace_state


def test_a_refusal_is_an_answer_and_not_a_failure_of_the_service(told: Told) -> None:
    request = told.request("refused")
    assert attributes(request)["http.response.status_code"] == 402
    assert attributes(request)["pgwallet.code"] == "WA003"
    assert "error.type" not in attributes(request)
    assert request.status.status_code == StatusCode.UNSET


def test_a_statement_that_raises_an_error_failed_by_its_code(told: Told) -> None:
    request = told.request("no such hold")
    (call,) = [one for one in told.within(request) if one.name == "SELECT wallet_void"]
    code = attributes(request)["pgwallet.code"]
    assert attributes(call)["db.response.status_code"] == attributes(call)["error.type"] == code
    assert (call.status.status_code, call.status.description, call.events) == (StatusCode.ERROR, None, ())
    assert request.status.status_code == StatusCode.UNSET


def test_what_the_service_failed_to_do_failed_by_its_code(told: Told) -> None:
    request = told.request("held")
    assert attributes(request)["http.response.status_code"] == 503
    assert attributes(request)["error.type"] == attributes(request)["pgwallet.code"] == "busy"
    assert (request.status.status_code, request.status.description) == (StatusCode.ERROR, "busy")
    too = span_id(told.request("held, too"))
    (waited,) = [one for one in told.named("group commit, held wallet") if linked(one) == {too}]
    assert (waited.status.status_code, attributes(waited)["error.type"]) == (StatusCode.ERROR, "busy")


def test_what_is_no_route_or_method_has_a_name_that_nobody_can_choose(told: Told) -> None:
    assert told.request("unknown path").name == "GET"
    assert "http.route" not in attributes(told.request("unknown path"))
    assert attributes(told.request("unknown method"))["http.request.method"] == "_OTHER"
    assert "SNOOP" not in str([one.to_json() for one in told.spans])


def test_what_nobody_asked_for_makes_no_span(told: Told) -> None:
    asked = {span_id(told.request(name)) for name in told.answers if name not in {"health", "not sampled"}}
    begun = [one for one in told.spans if one.parent is None or one.parent.is_remote]
    # and the sign-up
    assert {span_id(one) for one in begun} - asked == {span_id(one) for one in told.named("POST /api/auth/signup")}


def test_no_span_holds_what_was_asked_or_by_whom(told: Told) -> None:
    shown = "".join(one.to_json() for one in told.spans)
    assert [secret for secret in told.secrets if secret in shown] == []


def test_a_call_for_those_who_want_no_span_is_not_told_to_whoever_began_the_queues_work() -> None:
    seen: list[bool] = []

    async def share() -> None:
        begun, may_end = asyncio.Event(), asyncio.Event()

        async def call(group: list[Any]) -> None:
            seen.append(trace.get_current_span().is_recording())
            begun.set()
            await may_end.wait()
            for one in group:
                one.settle(None)

        tracer = TracerProvider().get_tracer("a test")
        with followed():
            traced.follow(tracer)
            queue: CallQueue[int, None] = CallQueue(call)
            with tracer.start_as_current_span("a request"):
                first = queue.add(1)
                await begun.wait()
                with trace.use_span(trace.INVALID_SPAN):
                    second = queue.add(2)
                may_end.set()
                await asyncio.gather(first, second)

    asyncio.run(share())
    assert seen == [True, False]


def test_a_statement_is_told_by_its_first_word_and_its_functions() -> None:
    two = "select c.cost, s.* from public.wallet_highest_cost() c left join public.wallet_sign_in($1, $2) s on true"
    assert traced.described(two)["db.query.summary"] == "SELECT wallet_highest_cost wallet_sign_in"
    assert "db.stored_procedure.name" not in traced.described(two)
    assert traced.described("begin; set local jit = 'off'")["db.query.summary"] == "BEGIN"
    stream = "declare stream no scroll cursor for select * from public.wallet_statement($1, $2)"
    assert traced.described(stream)["db.query.summary"] == "DECLARE wallet_statement"


class Collector(SpanExporter):
    """Takes nothing while it is away, and waits as long as it is told."""

    def __init__(self) -> None:
        self.away = True
        self.waits = threading.Event()
        self.asked = threading.Event()

    def export(self, _: object) -> SpanExportResult:
        self.asked.set()
        self.waits.wait(60)
        return SpanExportResult.FAILURE if self.away else SpanExportResult.SUCCESS


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What is written to the log, at any level."""
    capture = structlog.testing.LogCapture()
    every = structlog.make_filtering_bound_logger(0)
    monkeypatch.setattr(traces, "log", structlog.wrap_logger(None, [capture], wrapper_class=every))
    entries: list[Any] = capture.entries
    return entries


def test_a_collector_that_is_away_is_two_lines_of_the_log(told: Told, lines: list[Any]) -> None:
    collector = Collector()
    collector.waits.set()
    watched = traces.Watched(collector)
    for away in (True, True, False, False):
        collector.away = away
        watched.export(told.spans[:3])
    assert lines == [
        {"event": "traces do not arrive", "log_level": "warning", "reason": "unknown"},
        {"event": "traces arrive again", "log_level": "info", "lost": 6},
    ]


def test_the_log_says_why_without_an_address(told: Told, lines: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"http://user:{SECRET}@127.0.0.1:1/v1/traces"
    exporter = OTLPSpanExporter(url)
    monkeypatch.setattr(exporter._client, "_compute_backoff", lambda _: 0.0)
    traces.Watched(exporter).export(told.spans[:1])
    assert lines == [{"event": "traces do not arrive", "log_level": "warning", "reason": "ConnectionError"}]


@pytest.mark.usefixtures("lines")
def test_a_collector_that_hangs_stops_neither_requests_nor_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    collector = Collector()
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "10")
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "5")
    monkeypatch.setattr(traces, "FLUSH_SECONDS", 0.05)
    exported = traces.Traces(collector)
    for _ in range(5):
        exported.tracer.start_span("a request").end()
    assert collector.asked.wait(60)
    for _ in range(100):
        exported.tracer.start_span("a request").end()
    asyncio.run(exported.close())
    assert not collector.waits.is_set()
    collector.waits.set()


def test_a_wrong_variable_of_opentelemetry_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "1")
    with pytest.raises(SettingsError, match="PGWALLET_TRACES is on, and a variable of OpenTelemetry is wrong: max_"):
        traces.Traces(Collector())


def test_without_the_extra_the_setting_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings.load({"PGWALLET_TRACES": "on"}, None).traces is True
    monkeypatch.setattr("api.settings.find_spec", lambda _: None)
    assert Settings.load({"PGWALLET_TRACES": "off"}, None).traces is False
    with pytest.raises(SettingsError, match=r"opentelemetry is not installed \(pip install 'pgwallet\[otel\]'\)"):
        Settings.load({"PGWALLET_TRACES": "on"}, None)


def test_off_nothing_of_opentelemetry_is_loaded() -> None:
    program = (
        "import sys; from api.app import create_app; from api.settings import Settings;"
        f"create_app(Settings(api_url='postgresql://nobody@localhost/none', jwt_secret={JWT_SECRET!r}));"
        "ours = {'api.telemetry.traces', 'api.http.request_traces', 'api.database.traced'};"
        "print(ours & sys.modules.keys(), [name for name in sys.modules if name.startswith('opentelemetry.')])"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    # Litestar looks for names of attributes
    loaded = ["opentelemetry.semconv", "opentelemetry.semconv.attributes"]
    assert found.stdout == f"set() {[*loaded, 'opentelemetry.semconv.attributes.http_attributes']}\n"


def test_a_worker_sends_its_spans_also_the_last_ones(module_database: Database, tmp_path: Path) -> None:
    bodies: list[bytes] = []

    class Receiver(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as collector:
        threading.Thread(target=collector.serve_forever, daemon=True).start()
        variables = {
            "PGWALLET_TRACES": "on",
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.server_port}",
            "OTEL_RESOURCE_ATTRIBUTES": "service.name=wallet,deployment.environment.name=test",
            # only its end makes it export
            "OTEL_BSP_SCHEDULE_DELAY": "3600000",
        }
        with serve(module_database.api_url, tmp_path, **variables) as worker, closing(User(worker)) as user:
            user.topup()
            assert bodies == []
        collector.shutdown()
    sent = [resource for body in bodies for resource in ExportTraceServiceRequest.FromString(body).resource_spans]
    about = {one.key: one.value.string_value for resource in sent for one in resource.resource.attributes}
    assert (about["service.name"], about["deployment.environment.name"]) == ("wallet", "test")
    assert about["service.version"]
    names = {span.name for resource in sent for scope in resource.scope_spans for span in scope.spans}
    assert {"POST /api/auth/signup", "POST /api/wallet/topup", "SELECT wallet_topup"} <= names
