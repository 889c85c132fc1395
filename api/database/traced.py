"""Spans within a request: of the call that it shares with others, and of each SQL statement.

Imported only where PGWALLET_TRACES is on. What no request waits for any more makes no spans: looks at the database that
go on all the time would be most of all traces.
"""

from __future__ import annotations

import re
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Final

from opentelemetry import trace
from opentelemetry.semconv.attributes.db_attributes import (
    DB_NAMESPACE,
    DB_OPERATION_NAME,
    DB_QUERY_SUMMARY,
    DB_RESPONSE_STATUS_CODE,
    DB_STORED_PROCEDURE_NAME,
    DB_SYSTEM_NAME,
)
from opentelemetry.semconv.attributes.error_attributes import ERROR_TYPE
from opentelemetry.semconv.attributes.server_attributes import SERVER_ADDRESS, SERVER_PORT
from opentelemetry.trace import INVALID_SPAN, Link, SpanKind, StatusCode

from api.database.call_queue import CallQueue, Pending
from api.database.connections import Connections
from api.errors import ServiceError
from api.session import Connection

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from opentelemetry.trace import Span, Tracer

    from api.database.call_queue import Call

ITEMS: Final = "pgwallet.items"
"""How many requests share a call."""
CALLS: Final = ("execute", "fetch", "fetchrow", "fetchval")
FUNCTION: Final = re.compile(r"\b(wallet_\w+)\(")


class Asked(Pending[Any, Any]):
    """A request, and the span in which it waits."""

    __slots__ = ("span",)

    def __init__(self, request: Any) -> None:
        super().__init__(request)
        self.span = trace.get_current_span()


def follow(tracer: Tracer) -> None:
    """Make spans, in all queues and connections that are made from now on."""
    CallQueue.pending = Asked
    CallQueue.around = partial(_shared, tracer)  # type: ignore[method-assign]
    calls = {name: _traced(tracer, getattr(Connection, name)) for name in CALLS}
    Connections.connection_class = type("TracedConnection", (Connection,), {"__slots__": (), **calls})


def _shared(tracer: Tracer, name: str, call: Call) -> Call:
    """Return `call`, in a span of its own: it is part of the first request's trace, and the others' link to it."""

    async def traced(group: list[Any]) -> None:
        spans: list[Span] = [one.span for one in group if one.span.is_recording()]
        if not spans:
            # the queue works in the context of whoever came first, perhaps long ago
            with trace.use_span(INVALID_SPAN):
                await call(group)
            return
        with tracer.start_as_current_span(
            name,
            trace.set_span_in_context(spans[0]),
            attributes={ITEMS: len(group)},
            links=[Link(span.get_span_context()) for span in spans],
            record_exception=False,
            set_status_on_exception=False,
        ) as shared:
            for span in spans:
                span.add_link(shared.get_span_context())
            try:
                await call(group)
            except BaseException as error:
                _fail(shared, error)
                raise

    return traced


def _traced(tracer: Tracer, call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Return a method of connections, in a span that names the functions it calls: never an argument, never a text."""

    async def traced(connection: Any, query: str, *arguments: Any, **more: Any) -> Any:
        if not trace.get_current_span().is_recording():
            return await call(connection, query, *arguments, **more)
        attributes = {**described(query), DB_NAMESPACE: connection._params.database}  # noqa: SLF001 - asyncpg has no other way
        address = connection._addr  # noqa: SLF001
        if isinstance(address, tuple):
            attributes |= {SERVER_ADDRESS: address[0], SERVER_PORT: address[1]}
        span = tracer.start_span(attributes[DB_QUERY_SUMMARY], kind=SpanKind.CLIENT, attributes=attributes)
        try:
            return await call(connection, query, *arguments, **more)
        except BaseException as error:
            _fail(span, error)
            raise
        finally:
            span.end()

    return traced


@lru_cache(maxsize=500)
def described(query: str) -> dict[str, Any]:
    """Return what can be told of a statement: its first word, and the functions that it calls."""
    operation = query.split(maxsplit=1)[0].strip(";").upper()
    functions = list(dict.fromkeys(FUNCTION.findall(query)))
    attributes = {
        DB_SYSTEM_NAME: "postgresql",
        DB_OPERATION_NAME: operation,
        DB_QUERY_SUMMARY: " ".join([operation, *functions]),
    }
    if len(functions) == 1:
        attributes[DB_STORED_PROCEDURE_NAME] = functions[0]
    return attributes


def _fail(span: Span, error: BaseException) -> None:
    """Note why a call failed, by a code or the error's class: texts hold values."""
    sqlstate = getattr(error, "sqlstate", None)
    if sqlstate:
        span.set_attribute(DB_RESPONSE_STATUS_CODE, sqlstate)
    code = error.kind.code if isinstance(error, ServiceError) else sqlstate or type(error).__name__
    span.set_attribute(ERROR_TYPE, code)
    span.set_status(StatusCode.ERROR)
