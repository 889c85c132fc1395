"""Counts and times every request, by route."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from litestar.types import HTTPScope, Message, Receive, Send
    from prometheus_client import Histogram

    from api.http import HttpApp
    from api.telemetry.metrics import Metrics

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""Clients can invent others, and each combination of labels is kept for good."""
OTHER: Final = "other"
NO_ROUTE: Final = "none"


class RequestMetrics:
    """ASGI: counts and times every request."""

    def __init__(self, app: HttpApp, metrics: Metrics) -> None:
        self.app = app
        self._metrics = metrics
        # labels() takes as long as observe()
        self._series: dict[tuple[str, str, int], Histogram] = {}

    async def __call__(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        started = perf_counter()
        status = 0

        async def observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, observed)
        finally:
            key = (scope["method"], scope.get("path_template", NO_ROUTE), status)
            series = self._series.get(key)
            (series or self._add(*key)).observe(perf_counter() - started)
            if code := scope["state"].get("code"):
                self._metrics.refusals.labels(code).inc()

    def _add(self, method: str, route: str, status: int) -> Histogram:
        known = method if method in METHODS else OTHER
        series = self._metrics.requests.labels(known, route, str(status))
        if known is not OTHER:
            self._series[method, route, status] = series
        return series
