"""A client of server-sent events, as the standard has it."""

import contextlib
import json
from collections.abc import Iterator
from types import TracebackType
from typing import Any, NamedTuple, Self

import httpx

from tests.api.service import TLS, Service

PATIENCE = 20.0


class Received(NamedTuple):
    """An event of a stream."""

    id: str
    event: str
    data: dict[str, Any]


class Listener:
    """An open stream."""

    def __init__(self, service: Service, token: str, path: str = "/api/wallet/events/stream", **given: Any) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        if last_event_id := given.pop("last_event_id", None):
            headers["Last-Event-ID"] = last_event_id
        if on_behalf_of := given.pop("on_behalf_of", None):
            headers["On-Behalf-Of"] = on_behalf_of
        self._stack = contextlib.ExitStack()
        self.last_event_id = last_event_id or ""
        self.retry = 0
        self.comments = 0
        client = self._stack.enter_context(httpx.Client(base_url=service.url, timeout=PATIENCE, verify=TLS))
        try:
            self.response = self._stack.enter_context(client.stream("GET", path, params=given, headers=headers))
            self.events = self._parsed(self.response.iter_lines())
            if self.response.status_code != 200:
                self.response.read()
        except BaseException:
            self._stack.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def next(self) -> Received:
        """The next event, when it comes."""
        return next(self.events)

    def _parsed(self, lines: Iterator[str]) -> Iterator[Received]:
        event, told = "", ""
        for line in lines:
            name, _, value = line.partition(": ")
            if name == "id":
                self.last_event_id = value
            elif name == "event":
                event = value
            elif name == "data":
                told += value
            elif name == "retry":
                self.retry = int(value)
            elif name == "":
                self.comments += line.startswith(":")
                if not line and told:
                    yield Received(self.last_event_id, event, json.loads(told))
                if not line:
                    event, told = "", ""
