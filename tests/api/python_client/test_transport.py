"""What the client makes of answers: it tries again, gives up, and never believes what is no answer of the API."""

import asyncio
import gzip
import json
import pickle
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import stamina
from standardwebhooks import Webhook

from pgwallet_client import AsyncClient, BatchItem, Client, errors, models, to_minor_units, to_units, webhooks
from pgwallet_client._core import Call, Messages, wait_before_next
from tests.api.python_client.generate import document
from tests.docs.markdown import ROOT

URL = "http://wallet.example"
TOKEN = "a-secret-token"
TXN_ID = UUID("018f6b5e-7c1a-7f00-9a3b-2f5c1d9e4a77")
EXAMPLES: dict[str, dict[str, Any]] = {
    code: example["value"] for code, example in document()["components"]["examples"].items()
}
TRANSACTION = {
    "id": 42,
    "txn_id": str(TXN_ID),
    "wallet_id": str(uuid4()),
    "type": "spend",
    "amount": 100,
    "asset": "UC",
    "scale": 0,
    "balance": 900,
    "available": 900,
    "replayed": False,
    "created_at": "2026-11-22T12:00:00Z",
    "receipt": "00" * 32,
}
Handler = Callable[[httpx.Request], httpx.Response]


@pytest.fixture(autouse=True)
def at_once() -> Iterator[None]:
    """No test waits between two tries, and none of them is logged."""
    stamina.instrumentation.set_on_retry_hooks([])
    with stamina.set_testing(True, attempts=3):
        yield
    stamina.instrumentation.set_on_retry_hooks(None)


def success(told: object, status: int = 200) -> httpx.Response:
    return httpx.Response(status, json={"success": True, "message": "…", "data": told})


def problem(code: str, **headers: str) -> httpx.Response:
    body = json.dumps(EXAMPLES[code]).encode()
    return httpx.Response(
        EXAMPLES[code]["status"], content=body, headers={"Content-Type": "application/problem+json", **headers}
    )


class Script:
    """Answers one after the other, the last one for ever; what was asked is on record."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(found, Exception):
            raise found
        return found

    @property
    def paths(self) -> list[str]:
        return [request.url.path for request in self.asked]


def client(script: Handler, **more: Any) -> Client:
    if not {"key", "username", "token"} & more.keys():
        more["token"] = TOKEN
    return Client(URL, transport=httpx.MockTransport(script), **more)


LOST = (httpx.ReadError("gone"), httpx.RemoteProtocolError("half an answer"), httpx.ReadTimeout("nothing came"))
PASSING = [problem("unavailable"), problem("timeout"), problem("busy"), problem("rate_limited", **{"Retry-After": "7"})]
GATEWAY = [httpx.Response(status, text="<html>") for status in (429, 502, 503, 504)]


@pytest.mark.parametrize("first", [*LOST, httpx.ConnectError("refused"), *PASSING, *GATEWAY], ids=str)
def test_what_moves_money_is_sent_again_as_it_was(first: httpx.Response | Exception) -> None:
    script = Script(first, first, success(TRANSACTION | {"txn_id": None}))
    script.answers[-1] = httpx.Response(500)

    def answer(request: httpx.Request) -> httpx.Response:
        if len(script.asked) < 2:
            return script(request)
        script.asked.append(request)
        return success(TRANSACTION | {"txn_id": json.loads(request.content)["txn_id"]})

    spent = client(answer).spend(100, metadata={"order": 17})
    bodies = {request.content for request in script.asked}
    assert len(script.asked) == 3
    assert len(bodies) == 1, "the txn_id is made once"
    assert json.loads(bodies.pop()) == {"txn_id": str(spent.txn_id), "amount": 100, "metadata": {"order": 17}}


@pytest.mark.parametrize("code", ["WA003", "internal", "unauthorized", "WA033"])
def test_a_refusal_is_not_sent_again(code: str) -> None:
    script = Script(problem(code))
    with pytest.raises(errors.CODES[code]):
        client(script).spend(100)
    assert len(script.asked) == 1


def test_a_sign_up_is_sent_again_only_where_nothing_was_done() -> None:
    for first, tries in ((LOST[0], 1), (problem("unavailable"), 1), (problem("overloaded"), 3)):
        script = Script(first)
        with pytest.raises(errors.PgwalletError):
            client(script).sign_up("dora", "correct horse")
        assert len(script.asked) == tries, first
    assert "Authorization" not in script.asked[0].headers


@pytest.mark.parametrize(
    ("answer", "uncertain"),
    [
        (LOST[0], True),
        (httpx.ConnectError("refused"), False),
        (problem("unavailable"), True),
        (problem("internal"), True),
        (problem("busy"), False),
        (problem("WA003"), False),
        (httpx.Response(404, text="who?"), False),
        (httpx.Response(201, text="done!"), True),
    ],
    ids=str,
)
def test_the_exception_says_how_to_go_on(answer: httpx.Response | Exception, uncertain: bool) -> None:
    with pytest.raises(errors.PgwalletError) as made:
        client(Script(answer)).spend(100)
    assert isinstance(made.value.txn_id, UUID)
    with pytest.raises(errors.PgwalletError) as given:
        client(Script(answer)).spend(100, txn_id=TXN_ID)
    assert (given.value.txn_id, given.value.uncertain) == (TXN_ID, uncertain)
    with pytest.raises(errors.PgwalletError) as read:
        client(Script(answer)).me()
    assert not read.value.uncertain


def test_it_waits_as_long_as_the_service_says_but_not_for_ever() -> None:
    call: Call[None] = Call("POST", "/api/wallet/spend", {}, again=True)
    refused = errors.refusal(EXAMPLES["rate_limited"])
    assert wait_before_next(call, refused) is True
    refused.retry_after = 8.0
    assert all(8 <= wait_before_next(call, refused) <= 12 for _ in range(20))
    refused.retry_after = 3600.0
    assert wait_before_next(call, refused) is False
    assert wait_before_next(call, ValueError()) is False
    with pytest.raises(errors.TooManyRequests) as told:
        client(Script(problem("rate_limited", **{"Retry-After": "3600"}))).me()
    assert told.value.retry_after == 3600


JSON = "application/json"
DEEP = b'{"data": ' + b"[" * 100_000
HOSTILE = {
    "not JSON": httpx.Response(200, text="<html>", headers={"Content-Type": JSON}),
    "another type": httpx.Response(200, text="{}", headers={"Content-Type": "text/html"}),
    "no data": httpx.Response(200, json={"success": True}),
    "another shape": success({"id": "42"}),
    "null": success(None),
    "nested": httpx.Response(200, content=DEEP, headers={"Content-Type": JSON}),
    "another transaction": success(TRANSACTION | {"txn_id": str(uuid4())}),
    "a redirect": httpx.Response(307, headers={"Location": "http://elsewhere.example/"}),
    "another success": success(TRANSACTION, 203),
    "too large": httpx.Response(200, content=b" " * 3000, headers={"Content-Type": JSON}),
    "a list as a problem": httpx.Response(402, json=[], headers={"Content-Type": "application/problem+json"}),
    "a problem without members": httpx.Response(
        402,
        content=json.dumps({**EXAMPLES["WA003"], "available": "all"}).encode(),
        headers={"Content-Type": "application/problem+json"},
    ),
    "a nested problem": httpx.Response(402, content=DEEP, headers={"Content-Type": "application/problem+json"}),
    "an empty error": httpx.Response(400),
    "a header without sense": httpx.Response(400, headers=[(b"Retry-After", b"9" * 400), (b"Content-Type", b"\xff")]),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_answer_of_the_api_says_so(name: str) -> None:
    script = Script(HOSTILE[name])
    with pytest.raises(errors.UnexpectedAnswerError) as told:
        client(script, largest_answer=2000 if name == "too large" else 10**6).spend(100, txn_id=TXN_ID)
    assert told.value.status == HOSTILE[name].status_code
    assert len(str(told.value)) < 1000
    assert script.paths == ["/api/wallet/spend"], "neither sent again nor anywhere else"


@pytest.mark.parametrize("kind", [JSON, "text/event-stream"])
def test_what_is_compressed_is_not_unpacked(kind: str) -> None:
    packed = httpx.ByteStream(gzip.compress(b" " * 10**6))
    answer = httpx.Response(200, stream=packed, headers={"Content-Type": kind, "Content-Encoding": "gzip"})
    with pytest.raises(errors.UnexpectedAnswerError, match="it is compressed"):
        client(Script(answer)).me()
    with pytest.raises(errors.UnexpectedAnswerError, match="it is compressed"):
        next(client(Script(answer)).events())


class Endless(httpx.SyncByteStream, httpx.AsyncByteStream):
    """An answer that goes on and on, and says nothing."""

    def __iter__(self) -> Iterator[bytes]:
        while True:
            yield b" "

    async def __aiter__(self) -> Any:
        while True:
            yield b" "


def test_an_answer_that_does_not_end_is_given_up() -> None:
    with pytest.raises(errors.NoAnswerError, match="not complete after"):
        client(lambda _: httpx.Response(200, stream=Endless()), timeout=0.02).me()

    async def main() -> None:
        mock = httpx.MockTransport(lambda _: httpx.Response(200, stream=Endless()))
        async with AsyncClient(URL, token=TOKEN, transport=mock, timeout=0.02) as one:
            await one.me()

    with pytest.raises(errors.NoAnswerError, match="not complete after"):
        asyncio.run(main())


def test_a_list_that_leads_to_itself_ends() -> None:
    script = Script(success({"items": [], "next_cursor": "MQ"}))
    with pytest.raises(errors.UnexpectedAnswerError, match="leads to itself"):
        list(client(script).transactions())
    assert [request.url.query for request in script.asked] == [b"", b"cursor=MQ"]


def test_a_statement_that_does_not_add_up_is_refused() -> None:
    told = {
        "wallet_id": str(uuid4()),
        "asset": "UC",
        "scale": 0,
        "opening_balance": 1,
        "closing_balance": 2,
        "from": "2026-01-01T00:00:00Z",
        "to": "2026-02-01T00:00:00Z",
        "entries": [],
    }
    start = datetime(2026, 1, 1, tzinfo=UTC)
    with pytest.raises(errors.UnexpectedAnswerError, match="does not add up"):
        client(Script(success(told))).statement(start, start)
    found = client(Script(success(told | {"closing_balance": 1}))).statement(start, start)
    assert found.start == start


def test_a_batch_is_checked_to_be_the_one_that_was_asked_for() -> None:
    with pytest.raises(errors.UnexpectedAnswerError, match="not those of this batch"):
        client(Script(success({"results": []}))).batch([BatchItem(type="topup", amount=1)])


@pytest.mark.parametrize("code", EXAMPLES)
def test_each_code_has_an_exception_with_its_values(code: str) -> None:
    error = errors.refusal(EXAMPLES[code])
    assert type(error) is errors.CODES[code]
    assert (error.code, error.status, error.title) == (code, EXAMPLES[code]["status"], EXAMPLES[code]["title"])
    assert error.hint.endswith(".")
    assert error.detail not in repr(error)
    assert error.request_id == EXAMPLES[code]["request_id"]
    for name, value in error.members.items():
        assert str(getattr(error, name))[:10] == str(value)[:10] or name in {"results", "expires_at"}
    error.txn_id = TXN_ID
    copied = pickle.loads(pickle.dumps(error))
    assert (type(copied), copied.members, copied.txn_id) == (type(error), error.members, TXN_ID)


def test_values_of_refusals_have_types() -> None:
    refused = errors.refusal(EXAMPLES["WA003"])
    assert isinstance(refused, errors.InsufficientFunds)
    assert refused.requested - refused.available == 3900
    assert refused.errors == (errors.FieldFault("amount", "Insufficient funds"),)
    batch = errors.refusal(EXAMPLES["batch_refused"])
    assert isinstance(batch, errors.BatchRefused)
    assert isinstance(batch.results[0].error, errors.InsufficientFunds)


def test_a_code_that_is_not_known_yet_is_an_error_like_others() -> None:
    told = {**EXAMPLES["WA003"], "code": "WA999", "moon": "full"}
    script = Script(httpx.Response(409, content=json.dumps(told), headers={"Content-Type": "application/problem+json"}))
    with pytest.raises(errors.ApiError) as refused:
        client(script).me()
    assert type(refused.value) is errors.ApiError
    assert (refused.value.code, refused.value.members["moon"]) == ("WA999", "full")


def test_no_secret_is_shown() -> None:
    session = {
        "id": str(uuid4()),
        "username": "dora",
        "wallet_id": str(uuid4()),
        "token_type": "Bearer",
        "expires_in": 60,
        "access_token": TOKEN,
    }
    script = Script(success(session), problem("unauthorized"))
    signed_in = client(script, username="dora", password="correct horse")
    found = signed_in.sign_in("dora", "correct horse")
    machine = client(script, key="pgw_0123456789abcdef")
    with pytest.raises(errors.NotSignedIn) as refused:
        client(script, token=TOKEN).me()
    call: Call[None] = Call("POST", "/api/auth/signin", {}, body={"password": "correct horse"})
    shown = repr((found, signed_in, signed_in.operator, machine, machine.on_behalf_of("dora"), refused.value, call))
    assert found.access_token == TOKEN
    assert "key pgw_01234567…, on behalf of dora>" in shown
    assert not [secret for secret in (TOKEN, "correct horse", "89abcdef") if secret in shown + str(refused.value)]
    for wrong in ("two words", "a\nb", ""):
        with pytest.raises(ValueError, match="printable ASCII") as told:
            client(script, key=wrong)
        assert wrong == "" or wrong not in str(told.value)


def test_who_calls_is_said_once() -> None:
    for wrong in ({"token": "a", "key": "b"}, {"username": "dora"}, {"key": "a", "username": "b", "password": "c"}):
        with pytest.raises(ValueError, match=r"go together|give one of"):
            Client(URL, **wrong)  # type: ignore[arg-type]
    for url in (
        "wallet.example",
        "ftp://wallet.example",
        "http://dora:secret@wallet.example",
        "http://a/?b",
        "http://",
    ):
        with pytest.raises(ValueError, match="the address") as told:
            Client(url)
        assert "secret" not in str(told.value)


def test_a_key_names_for_whom_it_acts() -> None:
    script = Script(success({"results": []}), problem("WA001"))
    machine = client(script, key="pgw_0123456789abcdef")
    with pytest.raises(ValueError, match="on_behalf_of"):
        machine.me()
    with pytest.raises(ValueError, match="only a key"):
        client(script).on_behalf_of("dora")
    for wrong in ("do", "dora\r\nX: y", "d\xf6ra", "a" * 65):
        with pytest.raises(ValueError, match="a user is named by"):
            machine.on_behalf_of(wrong)
    with machine.on_behalf_of(TXN_ID) as dora:
        assert dora.batch([]) == []
        with pytest.raises(errors.UnknownWallet):
            dora.balance(asset="EUR")
    with pytest.raises(errors.UnknownWallet):
        machine.on_behalf_of("dora").balance()  # the connections are those of the machine, which is not closed
    asked = [(request.headers["Authorization"], request.headers["On-Behalf-Of"]) for request in script.asked]
    assert asked == [("Bearer pgw_0123456789abcdef", name) for name in (str(TXN_ID), str(TXN_ID), "dora")]
    assert dict(script.asked[1].url.params) == {"asset": "EUR"}


def test_it_signs_in_when_it_must_and_again_when_the_token_has_ended() -> None:
    tokens: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/auth/signin":
            assert json.loads(request.content) == {"username": "dora", "password": "correct horse"}
            tokens.append(f"token-{len(tokens)}")
            told = {"id": str(uuid4()), "username": "dora", "wallet_id": str(uuid4()), "token_type": "Bearer"}
            return success({**told, "expires_in": 60, "access_token": tokens[-1]})
        fresh = request.headers["Authorization"] == f"Bearer {tokens[-1]}" and len(tokens) > 1
        return success({"items": []}) if fresh else problem("unauthorized")

    one = client(answer, username="dora", password="correct horse")
    assert (one.wallets(), one.assets()) == ([], [])
    assert tokens == ["token-0", "token-1"]
    with pytest.raises(errors.NotSignedIn):
        client(lambda _: problem("unauthorized"), username="dora", password="wrong").wallets()


def test_what_json_has_no_words_for_is_not_sent() -> None:
    script = Script(problem("internal"))
    for wrong in (float("nan"), float("inf"), "\ud800"):
        with pytest.raises(ValueError, match=r"not JSON compliant|surrogates not allowed"):
            client(script).spend(1, metadata={"x": [wrong]})
    assert script.asked == []


def test_it_waits_longer_where_the_service_is_asked_to_wait() -> None:
    script = Script(success({"items": [], "next": "c1"}))
    client(script, timeout=2).operator.event_page(wait=30)
    client(script, timeout=2).operator.event_page()
    assert [request.extensions["timeout"]["read"] for request in script.asked] == [32, 2]


def test_times_have_a_zone() -> None:
    with pytest.raises(ValueError, match="effective_at needs a time zone"):
        client(Script(problem("internal"))).spend(1, effective_at=datetime(2026, 1, 1))  # noqa: DTZ001 - it is refused


def test_amounts_are_exact() -> None:
    assert (to_minor_units("7.00", 2), to_minor_units("-0.07", 2), to_minor_units("7", 0)) == (700, -7, 7)
    assert (str(to_units(700, 2)), str(to_units(7, 0))) == ("7.00", "7")
    for wrong in ("0.001", "NaN", "Infinity"):
        with pytest.raises(ValueError, match="decimal places"):
            to_minor_units(wrong, 2)


# events

EVENT = next(
    one
    for one in json.loads((ROOT / "docs/api/event.examples.json").read_text())
    if one["type"] == "pgwallet.transaction.topup"
)


def told(cursor: str, event: object = EVENT, name: str = "transaction.topup") -> bytes:
    return f"id: {cursor}\nevent: {name}\ndata: {json.dumps(event, ensure_ascii=False)}\n\n".encode()


def stream(*pieces: bytes, lost: bool = False) -> httpx.Response:
    class Pieces(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            yield from (b"retry: 0\nid: Zm9v\n\n", *pieces)
            if lost:
                raise httpx.ReadError("gone")

    return httpx.Response(200, stream=Pieces(), headers={"Content-Type": "text/event-stream; charset=utf-8"})


def test_a_stream_goes_on_after_the_last_event_over_lost_connections() -> None:
    end = told("e2", EXAMPLES["unavailable"], "end").replace(b"id: e2\n", b"")
    script = Script(
        httpx.ConnectError("refused"),
        stream(told("c1"), b": \nid: c2\n\n", lost=True),
        problem("unavailable"),
        stream(told("c3") + b"id: c4\nda", lost=True),
        stream(end),
        stream(told("c4"), told("c5", {**EVENT, "type": "pgwallet.moon.rose", "data": {"full": True}})),
    )
    events = list(client(script).events(after="c0", types=["transaction.topup"], seconds=3600))
    assert [event.cursor for event in events] == ["c1", "c3", "c4", "c5"]
    assert [request.headers.get("Last-Event-ID") for request in script.asked] == [None, None, "c2", "c2", "c3", "Zm9v"]
    assert {request.url.params["after"] for request in script.asked} == {"c0"}
    assert {request.url.params["type"] for request in script.asked} == {"transaction.topup"}
    first, last = events[0], events[-1]
    assert isinstance(first.data, models.TransactionData)
    assert (first.type, first.data.amount, first.data.receipt) == ("transaction.topup", 500, EVENT["data"]["receipt"])
    assert (last.type, last.data) == ("moon.rose", {"full": True})


def test_a_stream_ends_with_why_it_ends() -> None:
    with pytest.raises(errors.NotSignedIn):
        list(client(Script(stream(told("e1", EXAMPLES["unauthorized"], "end")))).events())
    with pytest.raises(errors.HistoryChanged) as changed:
        list(client(Script(problem("WA041"))).events(after="c0"))
    assert changed.value.resume == EXAMPLES["WA041"]["resume"]


@pytest.mark.parametrize(
    "piece",
    [
        b"data: {\n\n",
        b"data: []\n\n",
        b"data: " + b"[" * 100_000 + b"\n\n",
        b"id: a b\r\n\n",
        "id: ä\n\n".encode(),
        told("c1", {**EVENT, "data": {**EVENT["data"], "amount": "500"}}),
        b"data: " + b"x" * 1_100_000,
        b"data: x\n" * 200_000,
    ],
    ids=range(8),
)
def test_a_stream_that_says_what_is_no_event_is_refused(piece: bytes) -> None:
    with pytest.raises(errors.UnexpectedAnswerError):
        list(client(Script(stream(piece))).events(seconds=0))
    with pytest.raises(errors.UnexpectedAnswerError):
        list(client(Script(success([]))).events(seconds=0))


def test_events_are_read_however_they_are_cut() -> None:
    text = b": hello\n\n" + told("c1", {"said": "\u2028\u0085"}) + told("c2").replace(b"\n", b"\r\n")
    whole = list(Messages().feed(text))
    for size in (1, 2, 7):
        messages = Messages()
        pieces = [text[at : at + size] for at in range(0, len(text), size)]
        assert [one for piece in pieces for one in messages.feed(piece)] == whole
    assert [(one.id, one.event) for one in whole] == [("c1", "transaction.topup"), ("c2", "transaction.topup")]
    assert json.loads(whole[0].data) == {"said": "\u2028\u0085"}


# webhooks

SECRET = "whsec_plJ3nmyCDGBKInavdOK15jsl8xvWEBZr5kQgQ9qbQf8="


def signed(body: bytes, at: datetime | None = None) -> dict[str, str]:
    at = at or datetime.now(UTC)
    signature = Webhook(SECRET).sign("42", at, body.decode())
    return {"Webhook-Id": "42", "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signature}


def test_a_delivery_that_is_signed_is_read() -> None:
    body = json.dumps(EVENT).encode()
    (event,) = webhooks.verify(body, signed(body), SECRET)
    assert (event.id, event.type) == (EVENT["id"], "transaction.topup")
    several = json.dumps([EVENT, EVENT]).encode()
    assert len(webhooks.verify(several, signed(several), ["whsec_AAAA", SECRET])) == 2


def test_a_delivery_of_somebody_else_is_refused() -> None:
    body = json.dumps(EVENT).encode()
    good = signed(body)
    for headers, told_body in (
        (good, body + b" "),
        ({**good, "webhook-signature": "v1,AAAA"}, body),
        ({**good, "webhook-signature": "nonsense"}, body),
        ({**good, "webhook-signature": "v1,a,b ,"}, body),
        ({**good, "webhook-timestamp": "nan"}, body),
        ({**good, "Webhook-Id": "43"}, body),
        ({}, body),
        (signed(body, datetime(2026, 1, 1, tzinfo=UTC)), body),
        (good, b"\xff"),
        (good, b" " * 3_000_000),
        (signed(b"42"), b"42"),
        (signed(b"{}"), b"{}"),
        (signed(b"[" * 100_000), b"[" * 100_000),
    ):
        with pytest.raises(errors.WebhookError):
            webhooks.verify(told_body, headers, SECRET)
    with pytest.raises(ValueError, match="whsec_"):
        webhooks.verify(body, good, "")
