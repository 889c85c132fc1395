"""How traces leave a worker, for OpenTelemetry. Imported only where PGWALLET_TRACES is on, and opentelemetry with it.

Not Litestar's plugin: it is middleware of routes, which direct routes (`api.http.fast_path`) do without, it names spans
by the path with its ids, and it knows nothing of group commit.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from typing import TYPE_CHECKING, Final

import structlog
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.environment_variables import OTEL_SPAN_LINK_COUNT_LIMIT
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from api import __version__
from api.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.sdk.trace import ReadableSpan

FLUSH_SECONDS: Final = 2.0
"""What the collector has for the last spans of a worker that stops."""
MOST_LINKS: Final = 1000
"""As many as requests can share a transaction. The library would keep 128."""

log = structlog.get_logger("pgwallet.traces")


class Traces:
    """The spans of this process, and the thread that exports them: a bounded queue, which drops what it cannot hold.

    The variables of the OpenTelemetry SDK (OTEL_…) say where to, how many and under which name. Raises SettingsError.
    """

    def __init__(self, exporter: SpanExporter | None = None) -> None:
        ours = Resource.create({"service.name": "pgwallet", "service.version": __version__})
        links = None if OTEL_SPAN_LINK_COUNT_LIMIT in os.environ else MOST_LINKS
        try:
            self._provider = TracerProvider(
                resource=ours.merge(OTELResourceDetector().detect()),
                span_limits=SpanLimits(max_links=links),
                # that would wait for a collector that is away, however long
                shutdown_on_exit=False,
            )
            self._provider.add_span_processor(BatchSpanProcessor(Watched(exporter or OTLPSpanExporter())))
        except ValueError as error:
            raise SettingsError(f"PGWALLET_TRACES is on, and a variable of OpenTelemetry is wrong: {error}") from error
        self.tracer = self._provider.get_tracer("pgwallet", __version__)

    async def close(self) -> None:
        """Export what is left, as far as the collector takes it in time."""
        thread = threading.Thread(target=self._provider.shutdown, name="traces", daemon=True)
        thread.start()
        await asyncio.to_thread(thread.join, FLUSH_SECONDS)


class Watched(SpanExporter):
    """Exports, and tells the log when that begins to fail and when it succeeds again: the library tells each try."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._lost = 0
        self._reason = Reason()
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        logger = logging.getLogger("opentelemetry.exporter")
        logger.setLevel(logging.WARNING)
        logger.propagate = False
        logger.handlers = [self._reason]

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Export a batch. The library's exporter tries for ten seconds."""
        result = self._exporter.export(spans)
        if result is not SpanExportResult.SUCCESS:
            if not self._lost:
                log.warning("traces do not arrive", reason=self._reason.text)
            self._lost += len(spans)
        elif self._lost:
            log.info("traces arrive again", lost=self._lost)
            self._lost = 0
        return result

    def shutdown(self) -> None:
        """Give up what is under way."""
        self._exporter.shutdown()


class Reason(logging.Handler):
    """Keeps why an export failed: a status, or the name of an error. Texts can hold an address with its password."""

    text = "unknown"

    def emit(self, record: logging.LogRecord) -> None:
        """Look for it among the arguments of a line of the log."""
        for argument in record.args if isinstance(record.args, tuple) else ():
            if isinstance(argument, int):
                self.text = f"HTTP status {argument}"
            elif isinstance(argument, Exception):
                self.text = type(argument).__name__
