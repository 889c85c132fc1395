"""How every error becomes an HTTP response: problem details (RFC 9457)."""

from __future__ import annotations

import re
import traceback
from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Any, Final

import msgspec
import structlog
from litestar import MediaType, Request, Response
from litestar.exceptions import HTTPException, ValidationException

from api.errors import (
    BAD_REQUEST,
    INTERNAL,
    LONGEST_REASON,
    METHOD_NOT_ALLOWED,
    NOT_FOUND,
    SENTENCES,
    TOO_LARGE,
    UNAUTHORIZED,
    UNAVAILABLE,
    UNSUPPORTED_MEDIA_TYPE,
    FieldError,
    Kind,
    ServiceError,
    invalid,
    shortened,
)
from api.http.wording import fault

if TYPE_CHECKING:
    from litestar.types import ExceptionHandlersMap, Receive, Scope, Send

PROBLEM_JSON: Final = "application/problem+json"
RETRY_AFTER_SECONDS: Final = "1"
MISSING: Final = re.compile(r"Missing required query parameter '(\w+)'")
HTTP_KINDS: Final[Mapping[int, Kind]] = {
    kind.status: kind
    for kind in (
        BAD_REQUEST,
        UNAUTHORIZED,
        NOT_FOUND,
        METHOD_NOT_ALLOWED,
        TOO_LARGE,
        UNSUPPORTED_MEDIA_TYPE,
        UNAVAILABLE,
    )
}
"""What Litestar raises by status."""
PROGRAMS: Final = ("/api", "/metrics")
"""Where no page is."""
PLAIN_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
</head>
<body>
<main>
<h1>{title}</h1>
<p>{message}</p>
</main>
</body>
</html>
"""
OPERATORS: Final = "/api/operator/"
"""Where the wallets and users of a request are those of somebody else."""
OPERATORS_IDS: Final = (
    "There is nothing at this path. An id in it is what a search found: a UUID of a user or wallet, a number of a "
    "transaction, hold, confirmation or event; no name and no txn_id."
)

_STANDARD_MEMBERS: Final = frozenset(
    {"type", "title", "status", "detail", "code", "errors", "success", "message", "request_id", "field"}
)


log = structlog.get_logger("pgwallet.errors")


def from_litestar(error: HTTPException) -> ServiceError:
    """Translate what Litestar itself raises: for routing, body size and query parameters."""
    if isinstance(error, ValidationException):
        found = error.extra if isinstance(error.extra, list) else []
        errors = [fault(str(item.get("key", "")), str(item.get("message", ""))) for item in found]
        if missing := MISSING.match(error.detail):
            errors.append(FieldError(missing[1], "is required"))
        return invalid(*errors)
    if kind := HTTP_KINDS.get(error.status_code):
        return ServiceError(kind, SENTENCES.get(kind.code) or shortened(error.detail, LONGEST_REASON))
    if error.status_code < INTERNAL.status:
        return ServiceError(
            Kind(error.status_code, BAD_REQUEST.code, BAD_REQUEST.title), shortened(error.detail, LONGEST_REASON)
        )
    return ServiceError(INTERNAL)


def problem(error: ServiceError, request_id: str | None, *, to_operator: bool = False) -> dict[str, object]:
    """Return the body of a problem. Its `type` leads to the code's entry in the API documentation."""
    kind = error.kind
    body: dict[str, object] = {
        "type": f"/api/docs#{kind.code}",
        "title": kind.title,
        "status": kind.status,
        "detail": error.detail,
        "code": kind.code,
        "success": False,
        "message": error.told(to_operator=to_operator),
        "request_id": request_id,
    }
    if error.errors:
        body["errors"] = error.errors
    body.update((name, value) for name, value in error.members.items() if name not in _STANDARD_MEMBERS)
    if error.errors:
        # the field's, which errors has
        body.pop("reason", None)
    return body


def judged(request: Request[Any, Any, Any], error: Exception) -> tuple[ServiceError, dict[str, str]]:
    """Return what any exception means, and the headers of the answer.

    An unexpected one is logged, and its words stay out of the response.
    """
    state = request.scope["state"]
    headers: dict[str, str] = {}
    if isinstance(error, ServiceError):
        known = error
    elif isinstance(error, HTTPException):
        known = from_litestar(error)
        for name, value in (error.headers or {}).items():
            if name.lower() == "allow":
                headers[name] = value.replace("GET", "GET, HEAD")
    else:
        known = ServiceError(INTERNAL)
    if known.kind.status == INTERNAL.status:
        log.error("unexpected error", request_id=state.get("request_id"), exception=describe(error))
    elif known.kind.status == UNAVAILABLE.status:
        headers["Retry-After"] = RETRY_AFTER_SECONDS
    headers.update(known.headers)
    state["code"] = known.kind.code
    return known, headers


def problem_response(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Turn any exception into a problem."""
    state = request.scope["state"]
    to_operator = request.scope["path"].startswith(OPERATORS)
    known, headers = judged(request, error)
    if known.kind.status == UNAUTHORIZED.status:
        headers["WWW-Authenticate"] = "Bearer"
    if to_operator and known.kind is NOT_FOUND:
        known = ServiceError(NOT_FOUND, OPERATORS_IDS)
    body = msgspec.json.encode(problem(known, state.get("request_id"), to_operator=to_operator))
    return Response(body, status_code=known.kind.status, media_type=PROBLEM_JSON, headers=headers)


def describe(error: BaseException) -> str:
    """Return the traceback for the log, without the message of a ValueError: that quotes the arguments."""
    if isinstance(error, ValueError):
        return "".join(traceback.format_tb(error.__traceback__)) + type(error).__name__
    return "".join(traceback.format_exception(error))


def wants_page(scope: Scope) -> bool:
    """Whether a browser shows the answer to a person."""
    if scope["path"].startswith(PROGRAMS):
        return False
    return any(name == b"accept" and b"text/html" in value for name, value in scope["headers"])


async def send_problem(error: ServiceError, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with this error from an ASGI layer around the routes."""
    request = Request[Any, Any, Any](scope)
    if wants_page(scope):
        known, headers = judged(request, error)
        page = PLAIN_PAGE.format(title=escape(known.kind.title), message=escape(known.message))
        response = Response(page, status_code=known.kind.status, media_type=MediaType.HTML, headers=headers)
        await response.to_asgi_response(None, request)(scope, receive, send)
        return
    await problem_response(request, error).to_asgi_response(None, request)(scope, receive, send)


EXCEPTION_HANDLERS: Final[ExceptionHandlersMap] = dict.fromkeys(
    (Exception, HTTPException, ServiceError), problem_response
)
