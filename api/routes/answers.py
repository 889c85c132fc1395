"""What every route shares: the answer in its envelope, and the errors it documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import msgspec
from litestar import Response
from litestar.openapi import ResponseSpec
from litestar.openapi.spec import Example, Reference
from litestar.response.base import ASGIResponse

from api.errors import (
    BAD_REQUEST,
    BUSY,
    HTTP_KINDS,
    INTERNAL,
    MALFORMED,
    PROBLEM_JSON,
    RETRY_AFTER_SECONDS,
    SQLSTATES,
    TIMEOUT,
    UNAUTHORIZED,
    UNAVAILABLE,
    UNSUPPORTED_MEDIA_TYPE,
    FieldError,
    ServiceError,
    from_postgres,
    invalid,
    problem,
)
from api.schemas import Envelope, Problem

if TYPE_CHECKING:
    from litestar.types import Receive, Scope, Send

T = TypeVar("T")

encode = msgspec.json.Encoder().encode


class Encoded(ASGIResponse):
    """JSON bytes on their way out, without what Litestar's general response does for cookies, files and encodings."""

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


class Answer(Response[T], Generic[T]):
    """A Struct as JSON, encoded by msgspec."""

    def __init__(self, content: T, status_code: int = 200) -> None:
        self.content = content
        self.status_code = status_code

    def to_asgi_response(self, *_: Any, **__: Any) -> ASGIResponse:
        """Encode."""
        return Encoded(encode(self.content), self.status_code or 200)


def success(message: str, data: T, status_code: int = 200) -> Answer[Envelope[T]]:
    """Put data into the envelope of every success."""
    return Answer(Envelope(success=True, message=message, data=data), status_code)


_AVAILABLE: Final = '{"field": "amount", "requested": 5000, "balance": 1100, "available": 1100}'


def _refusal(code: str, detail: str, hint: str) -> ServiceError:
    """A domain error as `wallet.refuse()` raises it."""
    return from_postgres(code, detail, hint) or ServiceError(SQLSTATES[code])


_EXAMPLES: Final = {
    error.kind.code: error
    for error in (
        ServiceError(BAD_REQUEST, "Invalid host header"),
        ServiceError(MALFORMED, "The body is not valid JSON in UTF-8."),
        ServiceError(UNAUTHORIZED, "A valid bearer token is required."),
        ServiceError(HTTP_KINDS[404]),
        ServiceError(HTTP_KINDS[405]),
        ServiceError(HTTP_KINDS[413]),
        ServiceError(UNSUPPORTED_MEDIA_TYPE, "The content type must be application/json."),
        invalid(FieldError("amount", "Expected `int` >= 1")),
        ServiceError(INTERNAL),
        ServiceError(BUSY),
        ServiceError(TIMEOUT),
        ServiceError(UNAVAILABLE),
        _refusal("WA001", "{}", "Use the wallet_id that registration or sign-in returned; only its owner can use it."),
        _refusal("WA002", '{"field": "username", "reason": "must not look like a UUID"}', ""),
        _refusal("WA003", _AVAILABLE, "Nothing was written. Top up, or ask for at most what is available."),
        _refusal("WA004", '{"field": "amount"}', "Send the original request to get its result, or use a new txn_id."),
        _refusal("WA005", '{"field": "username"}', "Choose another username."),
        _refusal("WA006", '{"field": "amount"}', "A balance holds at most 9007199254740991 minor units."),
    )
}


def errors(*codes: str) -> dict[int, ResponseSpec]:
    """Document these errors, and those that every route can answer, each with an example."""
    found: dict[int, list[ServiceError]] = {}
    for code in (*codes, "bad_request", "internal", "unavailable"):
        found.setdefault(_EXAMPLES[code].kind.status, []).append(_EXAMPLES[code])
    return {
        status: ResponseSpec(
            Problem,
            generate_examples=False,
            description="; ".join(f"`{error.kind.code}` {error.kind.title}" for error in group),
            media_type=PROBLEM_JSON,
            examples=[_example(error) for error in group],
        )
        for status, group in sorted(found.items())
    }


def _example(error: ServiceError) -> Example:
    value = msgspec.to_builtins(problem(error, "5f2c9a1d7e3b4c60"))
    return Example(summary=error.kind.title, value=value)


def problem_examples() -> dict[str, Example | Reference]:
    """Every code with an example: the glossary that the `type` of a problem leads to."""
    return {code: _example(error) for code, error in _EXAMPLES.items()}


BODY_ERRORS: Final = ("malformed_json", "too_large", "unsupported_media_type", "validation")
