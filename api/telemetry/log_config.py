"""One format for everything that this process logs to stderr: a JSON object per line, columns on a terminal."""

from __future__ import annotations

import logging
import sys
from functools import cache
from typing import Any

import msgspec
import structlog

from api.telemetry.log_writer import LogWriter


@cache
def log_writer() -> LogWriter:
    """Return the writer that all lines of this process pass."""
    return LogWriter()


def configure(level: str) -> None:
    """Log what our modules and libraries say from `level` (like `info`) upwards."""
    number = logging.getLevelNamesMapping()[level.upper()]
    renderer: Any
    if sys.stderr.isatty():
        renderer = [structlog.dev.ConsoleRenderer()]
    else:
        encoded = structlog.processors.JSONRenderer(
            lambda event, **_: msgspec.json.encode(event, enc_hook=repr).decode()
        )
        renderer = [structlog.processors.format_exc_info, encoded]
    common: list[Any] = [
        structlog.stdlib.add_logger_name,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
    ]
    structlog.configure(
        processors=[*common, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(log_writer().as_text())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=common,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
        )
    )
    logging.basicConfig(handlers=[handler], level=max(number, logging.INFO), force=True)


def _encode(event: Any, **_: Any) -> str:
    return msgspec.json.encode(event, enc_hook=repr).decode()
