"""What a call is, what its answer means, and when it is made again: all without a connection."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final, Generic, NamedTuple, TypeVar
from urllib.parse import quote, urlsplit
from uuid import UUID

import httpx
import msgspec

from pgwallet_client._errors import NOTHING_DONE, ApiError, NoAnswerError, PgwalletError, UnexpectedAnswerError
from pgwallet_client._model import Envelope, Event, read_event
from pgwallet_client.errors import refusal

T = TypeVar("T")

SUBJECT: Final = re.compile(r"[A-Za-z0-9_.-]{3,64}")
SECRET: Final = re.compile(r"[\x21-\x7e]{1,8192}")
SHOWN_OF_KEY: Final = 12
LONGEST_WAIT: Final = 30.0
"""Seconds: a service that says it is away for longer is not waited for."""
LARGEST_EVENT: Final = 1024 * 1024
GATEWAYS: Final = frozenset({429, 502, 503, 504})
"""Statuses of proxies in front of a service that is away or busy."""
NOT_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
CURSOR: Final = re.compile(rb"[A-Za-z0-9_-]{1,7680}")
ENVELOPE: Final[Any] = Envelope
"""To be made for a type that is known when it runs."""
JSON: Final = "application/json"
PROBLEM: Final = "application/problem+json"


def _version() -> str:
    try:
        return version("pgwallet-client")
    except PackageNotFoundError:  # of a working copy that nobody installed
        return "0"


VERSION: Final = _version()


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """A call of the API: what is sent, and what is answered."""

    method: str
    path: str
    kinds: Mapping[int, Any]
    """The type of the answer's data, by status."""
    query: Mapping[str, object] = field(default_factory=dict)
    body: Mapping[str, object] | None = field(default=None, repr=False)
    again: bool = False
    """Whether it takes effect once, however often it is sent."""
    public: bool = False
    """Whether it is made without a token."""

    @property
    def txn_id(self) -> UUID | None:
        """The idempotency key."""
        found = (self.body or {}).get("txn_id")
        return found if isinstance(found, UUID) else None

    @property
    def wait(self) -> int:
        """Seconds for which the service is asked to wait before it answers."""
        found = self.query.get("wait")
        return found if isinstance(found, int) else 0


class Credentials(NamedTuple):
    """A username and its password."""

    username: str
    password: str

    def __repr__(self) -> str:
        return f"Credentials({self.username!r})"


def part(value: object) -> str:
    """Spell a value as one part of a path."""
    return quote(str(value), safe="")


def given(values: Mapping[str, object]) -> dict[str, object]:
    """Return the values that are given. Raises ValueError for a time without a zone, which nobody could place."""
    for name, value in values.items():
        if isinstance(value, datetime) and value.tzinfo is None:
            raise ValueError(f"{name} needs a time zone: datetime(…, tzinfo=UTC)")
    return {name: value for name, value in values.items() if value is not None}


def checked_url(url: str) -> str:
    """Return the service's address. Raises ValueError."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("the address of a service is like https://wallet.example, without query and fragment")
    if "@" in parts.netloc:
        raise ValueError("the address must hold no username and password: give them as such")
    return url.rstrip("/")


def checked_secret(name: str, secret: str) -> str:
    """Return a token or key. Raises ValueError, which does not show it."""
    if not SECRET.fullmatch(secret):
        raise ValueError(f"the {name} must be printable ASCII without spaces")
    return secret


def checked_subject(user: UUID | str) -> str:
    """Return for whom a key acts. Raises ValueError."""
    if not SUBJECT.fullmatch(str(user)):
        raise ValueError("a user is named by id or username: 3 to 64 letters, digits, _, . and -")
    return str(user)


def headers(secret: str | None, subject: str | None, accept: str = JSON) -> dict[str, str]:
    """Return the headers of a request."""
    found = {"Accept": accept, "Accept-Encoding": "identity", "User-Agent": f"pgwallet-client/{VERSION}"}
    if secret is not None:
        found["Authorization"] = f"Bearer {secret}"
    if subject is not None:
        found["On-Behalf-Of"] = subject
    return found


def parameters(query: Mapping[str, object]) -> list[tuple[str, str | int | float | bool | None]]:
    """Spell a query: a list is given several times."""
    found: list[tuple[str, str | int | float | bool | None]] = []
    for name, value in query.items():
        several = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
        found += [(name, _text(one)) for one in several]
    return found


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, datetime) else str(value)


def encode(body: Mapping[str, object] | None) -> bytes | None:
    """Spell a body as JSON. Raises ValueError for what JSON has no words for, like NaN."""
    if body is None:
        return None
    return json.dumps(msgspec.to_builtins(body), allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode()


class Answer(NamedTuple):
    """An answer that came whole."""

    status: int
    headers: httpx.Headers
    body: bytes

    @property
    def kind(self) -> str:
        """The media type."""
        return str(self.headers.get("content-type", "")).partition(";")[0].strip().lower()


def not_packed(response: httpx.Response) -> None:
    """Refuse what is compressed, which nobody asked for: a little of it can be a lot. Raises UnexpectedAnswerError."""
    if response.headers.get("content-encoding", "identity") != "identity":
        raise unexpected(Answer(response.status_code, response.headers, b""), "it is compressed")


def read(call: Call[T], answer: Answer) -> T:
    """Return the data of a success. Raises ApiError, UnexpectedAnswerError."""
    if answer.status >= 400:
        raise failure(answer)
    kind = call.kinds.get(answer.status)
    if kind is None or answer.kind != JSON:
        raise unexpected(answer, "it is no answer of this call")
    try:
        data = msgspec.json.decode(answer.body, type=ENVELOPE[kind], dec_hook=read_event).data
    except (msgspec.MsgspecError, RecursionError) as error:
        raise unexpected(answer, f"it has another shape: {error}") from None
    # a proxy or a cache that mixes answers up must not pass for money that moved
    if call.txn_id is not None and getattr(data, "txn_id", call.txn_id) != call.txn_id:
        raise unexpected(answer, "it is of another txn_id")
    result: T = data
    return result


def failure(answer: Answer) -> PgwalletError:
    """Return the exception of an error's answer."""
    error: PgwalletError = unexpected(answer, "it is no problem document")
    if answer.kind == PROBLEM:
        try:
            error = refusal(msgspec.json.decode(answer.body, type=dict[str, Any]))
        except (msgspec.MsgspecError, RecursionError) as fault:
            error = unexpected(answer, f"its problem document has another shape: {fault}")
    error.retry_after = _seconds(answer.headers.get("retry-after"))
    return error


def unexpected(answer: Answer, why: str) -> UnexpectedAnswerError:
    """Return the exception for what is no answer of this API."""
    text = f"{answer.status} of type {answer.kind[:100] or 'none'} with {len(answer.body)} bytes: {why}"
    return UnexpectedAnswerError(text, answer.status, answer.headers.get("x-request-id"))


def _seconds(header: str | None) -> float | None:
    return float(header) if header and re.fullmatch(r"[0-9]{1,6}", header) else None


def no_answer(error: httpx.TransportError) -> NoAnswerError:
    """Return the exception for a connection that failed."""
    found = NoAnswerError(f"no answer: {type(error).__name__}{f': {error}' if str(error) else ''}"[:300])
    found.sent = not isinstance(error, NOT_SENT)
    return found


def note(call: Call[T], error: PgwalletError) -> None:
    """Tell the exception of which call it is."""
    error.txn_id = call.txn_id
    if isinstance(error, ApiError):
        lost = error.status >= 500 and error.code not in NOTHING_DONE
    elif isinstance(error, NoAnswerError):
        lost = error.sent
    else:
        lost = not isinstance(error, UnexpectedAnswerError) or not 400 <= error.status < 500
    error.uncertain = lost and call.method != "GET"


def wait_before_next(call: Call[T], error: Exception) -> bool | float:
    """Say whether the call is made again after this error: False, True for soon, or in how many seconds."""
    if isinstance(error, NoAnswerError):
        return call.again or not error.sent
    if isinstance(error, ApiError):
        passes = error.code in NOTHING_DONE or (call.again and error.status == 503)
    elif isinstance(error, UnexpectedAnswerError):
        passes = call.again and error.status in GATEWAYS
    else:
        return False
    seconds = error.retry_after
    if not passes or seconds is None:
        return passes
    # not all at once
    return seconds <= LONGEST_WAIT and seconds + random.uniform(0, max(seconds, 0.2) / 2)  # noqa: S311 - no secret


class Message(NamedTuple):
    """What a stream of server-sent events said; `data` is empty for a comment with a new position."""

    id: str | None
    event: str
    data: bytes


class Messages:
    """Reads server-sent events (WHATWG HTML, 9.2) out of pieces as they come."""

    def __init__(self) -> None:
        self.retry = 2.0
        """Seconds before one comes again, as the service says."""
        self._rest = bytearray()
        self._size = 0
        self._id: str | None = None
        self._event = ""
        self._data: list[bytes] = []

    def feed(self, piece: bytes) -> Iterator[Message]:
        """Return the events that are whole now. Raises UnexpectedAnswerError."""
        self._rest += piece
        if b"\n" in piece:
            *lines, rest = bytes(self._rest).split(b"\n")
            self._rest = bytearray(rest)
            for line in lines:
                yield from self._read(line.rstrip(b"\r"))
        self._bound(len(self._rest))

    def _read(self, line: bytes) -> Iterator[Message]:
        self._size += len(line)
        self._bound(0)
        if line:
            self._take(line)
            return
        if self._data or self._id:
            yield Message(self._id, self._event, b"\n".join(self._data))
        self._id, self._event, self._data, self._size = None, "", [], 0

    def _bound(self, more: int) -> None:
        if self._size + more > LARGEST_EVENT:
            raise UnexpectedAnswerError("an event of the stream is too large", 200)

    def _take(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data.append(value)
        elif name == b"event":
            self._event = value.decode(errors="replace")
        elif name == b"id":
            if not CURSOR.fullmatch(value):
                raise UnexpectedAnswerError("an event of the stream has an id that is no cursor", 200)
            self._id = value.decode()
        elif name == b"retry" and re.fullmatch(rb"[0-9]{1,6}", value):
            self.retry = min(int(value) / 1000, LONGEST_WAIT)


def event_of(message: Message) -> Event:
    """Read an event of a stream. Raises UnexpectedAnswerError; ApiError where it says why the stream ends."""
    try:
        told = msgspec.json.decode(message.data)
        if message.event == "end":
            raise refusal(msgspec.convert(told, dict[str, Any]))
        return Event(told, message.id)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise UnexpectedAnswerError(f"an event of the stream has another shape: {error}", 200) from None
