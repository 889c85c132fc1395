"""A span for each request. Imported only where PGWALLET_TRACES is on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from opentelemetry.propagators.textmap import Getter
from opentelemetry.semconv.attributes.error_attributes import ERROR_TYPE
from opentelemetry.semconv.attributes.http_attributes import (
    HTTP_REQUEST_METHOD,
    HTTP_RESPONSE_STATUS_CODE,
    HTTP_ROUTE,
)
from opentelemetry.semconv.attributes.network_attributes import NETWORK_PROTOCOL_VERSION
from opentelemetry.semconv.attributes.url_attributes import URL_SCHEME
from opentelemetry.trace import SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from api.errors import INTERNAL
from api.http.request_metrics import METHODS

if TYPE_CHECKING:
    from litestar.types import HTTPScope, Message, Receive, Send
    from opentelemetry.trace import Span, Tracer

    from api.http import HttpApp

REQUEST_ID: Final = "pgwallet.request_id"
CODE: Final = "pgwallet.code"
"""Of an error: those that are the service's are in `error.type`, too."""
UNTRACED: Final = ("/api/health", "/metrics")
"""What programs ask every few seconds, for nobody."""
MOST_BYTES: Final = 512
"""Of a header that comes from outside: what the standard wants to be passed on."""

_PROPAGATOR: Final = TraceContextTextMapPropagator()


class Headers(Getter["HTTPScope"]):
    """Reads the headers of a request."""

    def get(self, carrier: HTTPScope, key: str) -> list[str] | None:
        """Return those of a name."""
        wanted = key.encode()
        found = [value.decode("latin-1") for name, value in carrier["headers"] if name == wanted]
        return found if found and sum(map(len, found)) <= MOST_BYTES else None

    def keys(self, carrier: HTTPScope) -> list[str]:
        """Return the names."""
        return [name.decode("latin-1") for name, _ in carrier["headers"]]


_HEADERS: Final = Headers()


class RequestTraces:
    """ASGI: goes on with the trace that a request belongs to, or begins one.

    A span holds no path, query, header, address or user: the line of the log with the same `request_id` has what may
    be known. Refusals are answers as others are, so a span fails only where the service does.
    """

    def __init__(self, app: HttpApp, tracer: Tracer) -> None:
        self._app = app
        self._tracer = tracer

    async def __call__(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["path"].startswith(UNTRACED):
            await self._app(scope, receive, send)
            return
        # clients can invent others
        method = scope["method"] if scope["method"] in METHODS else "_OTHER"
        status = 0

        async def observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        with self._tracer.start_as_current_span(
            "HTTP" if method == "_OTHER" else method,
            _PROPAGATOR.extract(scope, getter=_HEADERS),
            SpanKind.SERVER,
            {
                HTTP_REQUEST_METHOD: method,
                URL_SCHEME: scope["scheme"],
                NETWORK_PROTOCOL_VERSION: scope["http_version"],
            },
            # their texts can hold what was asked
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                await self._app(scope, receive, observed)
            finally:
                _finish(span, scope, status)


def _finish(span: Span, scope: HTTPScope, status: int) -> None:
    """Note what is known at the end."""
    state: dict[str, Any] = scope["state"]
    code = state.get("code")
    if route := scope.get("path_template"):
        method = scope["method"] if scope["method"] in METHODS else "HTTP"
        span.update_name(f"{method} {route}")
        span.set_attribute(HTTP_ROUTE, route)
    if status:
        span.set_attribute(HTTP_RESPONSE_STATUS_CODE, status)
    if request_id := state.get("request_id"):
        span.set_attribute(REQUEST_ID, request_id)
    if code:
        span.set_attribute(CODE, code)
    if not status or status >= INTERNAL.status:
        fault = code or (str(status) if status else INTERNAL.code)
        span.set_attribute(ERROR_TYPE, fault)
        span.set_status(StatusCode.ERROR, fault)
