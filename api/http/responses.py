"""What routes share: responses in the envelope of every success, and the errors that they document."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from math import ceil
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar, Union, get_args, get_type_hints

import msgspec
from litestar import Response
from litestar.openapi import ResponseSpec
from litestar.openapi.spec import Example, Reference
from litestar.response.base import ASGIResponse

from api.errors import UNAUTHORIZED, UNAVAILABLE, ServiceError
from api.http.error_examples import EXAMPLES
from api.http.problems import PROBLEM_JSON, RETRY_AFTER_SECONDS, problem
from api.schemas.batch import BatchRefused
from api.schemas.envelope import Envelope, Problem
from api.schemas.operator import Adjustment, Confirmation
from api.schemas.problems import REFUSALS
from api.schemas.transactions import Transaction

if TYPE_CHECKING:
    from litestar.types import Message, Receive, Scope, Send

    from api.database.standby import Age

T = TypeVar("T")
R = TypeVar("R", Transaction, Adjustment)

encode = msgspec.json.Encoder().encode


class EncodedJson(ASGIResponse):
    """Sends JSON, without the work of Litestar's general response for cookies, files and encodings."""

    def __init__(self, body: bytes, status_code: int) -> None:
        self.body = body
        self.status_code = status_code

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Send head and body."""
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(self.body))]
        if self.status_code == UNAVAILABLE.status:
            headers.append((b"retry-after", RETRY_AFTER_SECONDS.encode()))
        await send({"type": "http.response.start", "status": self.status_code, "headers": headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": False})


class JsonResponse(Response[T], Generic[T]):
    """A Struct as JSON, encoded by msgspec."""

    def __init__(self, content: T, status_code: int = 200) -> None:
        self.content = content
        self.status_code = status_code

    def to_asgi_response(self, *_: Any, **__: Any) -> ASGIResponse:
        """Encode."""
        return EncodedJson(encode(self.content), self.status_code or 200)


class AgedJson(EncodedJson):
    """Says how many seconds old it is, as a cache does (RFC 9111)."""

    def __init__(self, body: bytes, status_code: int, age: float) -> None:
        super().__init__(body, status_code)
        self._age = age

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send head and body."""

        async def aged(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], age_header(self._age)]
            await send(message)

        await super().__call__(scope, receive, aged)


class AgedResponse(JsonResponse[T]):
    """A Struct as JSON, and how many seconds old it is."""

    def __init__(self, content: T, age: float) -> None:
        super().__init__(content)
        self._age = age

    def to_asgi_response(self, *_: Any, **__: Any) -> ASGIResponse:
        """Encode."""
        return AgedJson(encode(self.content), 200, self._age)


def age_header(age: float) -> tuple[bytes, bytes]:
    """Return the header that says how old an answer is, never too young."""
    return b"age", b"%d" % ceil(age)


def success(message: str, data: T, status_code: int = 200) -> JsonResponse[Envelope[T]]:
    """Put data into the envelope of every success."""
    return JsonResponse(Envelope(success=True, message=message, data=data), status_code)


def success_of_age(message: str, data: T, age: Age | None) -> JsonResponse[Envelope[T]]:
    """Put data into the envelope, and say how old it is where the caller has said how old it may be."""
    content = Envelope(success=True, message=message, data=data)
    return JsonResponse(content) if age is None else AgedResponse(content, age.found)


ALWAYS: Final = ("bad_request", "method_not_allowed", "rate_limited", "internal", "overloaded", "unavailable")
"""What every route can answer; its path, where the method is another."""
_OWN: Final[Sequence[type[Problem]]] = (*REFUSALS, BatchRefused)
VARIANTS: Final = {code: variant for variant in _OWN for code in get_args(get_type_hints(variant)["code"])}
"""The problems with members of their own, by code."""


class Null(Enum):
    """Null in an example. Litestar leaves None out of objects; of a member of an Enum it shows the value."""

    NULL = None


def shown(example: Any) -> Any:
    """Return an example as Litestar is to show it."""
    if isinstance(example, dict):
        return {name: shown(value) for name, value in example.items()}
    if isinstance(example, list):
        return [shown(value) for value in example]
    return Null.NULL if example is None else example


def errors(*codes: str) -> dict[int, ResponseSpec]:
    """Document these errors, and those that every route can answer, each with an example."""
    found: dict[int, list[ServiceError]] = {}
    # where a token is needed, a key can be refused
    by_key = ("WA047",) if UNAUTHORIZED.code in codes else ()
    for code in (*codes, *by_key, *ALWAYS):
        found.setdefault(EXAMPLES[code].kind.status, []).append(EXAMPLES[code])
    return {
        status: ResponseSpec(
            Union[tuple(VARIANTS.get(error.kind.code, Problem) for error in group)],  # noqa: UP007 - made of a tuple
            generate_examples=False,
            description="; ".join(f"`{error.kind.code}` {error.kind.title}" for error in group),
            media_type=PROBLEM_JSON,
            examples=[_example(error) for error in group],
        )
        for status, group in sorted(found.items())
    }


def _example(error: ServiceError) -> Example:
    value = shown(msgspec.to_builtins(problem(error, "5f2c9a1d7e3b4c60")))
    return Example(summary=error.kind.title, value=value)


def problem_examples() -> dict[str, Example | Reference]:
    """Every code with an example: the glossary that the `type` of a problem leads to."""
    return {code: _example(error) for code, error in EXAMPLES.items()}


BODY_ERRORS: Final = ("malformed_json", "too_large", "unsupported_media_type", "validation")
MUTATION_ERRORS: Final = (
    *BODY_ERRORS,
    *("unauthorized", "WA001", "WA002", "WA004", "WA006", "WA012", "WA013", "WA014", "WA023", "busy", "timeout"),
)
"""What every call that moves money can answer."""
REPLAY: Final = {
    200: ResponseSpec(Envelope[Transaction], generate_examples=False, description="A replay: the first result")
}


def recorded(message: str, result: R) -> JsonResponse[Envelope[R]]:
    """Answer 201 for what was written now, 200 for what was on record already."""
    if result.replayed:
        return success("already on record", result)
    return success(message, result, 201)


def proposed(confirmation: Confirmation) -> JsonResponse[Any]:
    """Answer 202 for what waits for another operator."""
    return success("waits for another operator", confirmation, 202)
