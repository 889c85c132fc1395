"""Asks the service that runs on this machine how it is: over HTTP, as its settings say where it listens."""

from __future__ import annotations

import http.client
import time
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct

from api.settings import SettingsError
from api.setup.service_secrets import metrics_token

if TYPE_CHECKING:
    from collections.abc import Mapping

    from api.settings import Settings

SECONDS: Final = 2.0
INTERVAL: Final = 1.0
LARGEST: Final = 8 * 1024 * 1024
ANYWHERE: Final = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}  # noqa: S104 - what it means, as an address
RATES: Final = {
    "requests": "pgwallet_http_request_seconds_count",
    "refusals": "pgwallet_refusals_total",
    "transactions": "pgwallet_transactions_total",
}


class Health(Struct):
    """What /api/health answers."""

    status: str
    checks: dict[str, dict[str, object]] = {}


class Measured(Struct):
    """What /metrics tells: rates are per second, waiting are requests by the place where they wait."""

    version: str | None
    workers: int
    rates: dict[str, float]
    waiting: dict[str, int]
    connections: dict[str, int]
    streams: int
    seconds: float


class Service(Struct):
    """A service: `health` is None where none answers, `measured` where it tells no metrics; `reason` says why."""

    address: str
    health: str | None = None
    reason: str | None = None
    measured: Measured | None = None


Samples = dict[str, list[tuple["Mapping[str, str]", float]]]


def ask(settings: Settings, interval: float = INTERVAL) -> Service:
    """Ask the service where the settings say that it listens; rates are those of this interval, in seconds."""
    host = ANYWHERE.get(settings.host, settings.host)
    found = Service(f"http://{f'[{host}]' if ':' in host else host}:{settings.port}")
    if settings.port == 0:
        found.reason = "PORT is 0: the service has told only itself where it listens"
        return found
    try:
        status, body = _get(host, settings.port, "/api/health")
        found.health = msgspec.json.decode(body, type=Health).status if status in (200, 503) else None
        found.reason = None if found.health else f"something else answers there, with status {status}"
    except msgspec.DecodeError:
        found.reason = "something else answers there"
    except (OSError, http.client.HTTPException) as error:
        found.reason = str(error) or type(error).__name__
    if found.health is not None:
        try:
            _measure(found, host, settings, interval)
        except (SettingsError, OSError, http.client.HTTPException, ValueError) as error:
            found.reason = f"no rates, no queue: {error}"
    return found


def _measure(found: Service, host: str, settings: Settings, interval: float) -> None:
    """Add what /metrics tells. Raises SettingsError, OSError, HTTPException, ValueError."""
    # nothing is made here: a service that ran has made its token
    file = settings.data_dir / "metrics_token"
    token = settings.metrics_token or (metrics_token(settings) if file.exists() else None)
    if token is None:
        found.reason = "no rates, no queue: PGWALLET_METRICS_TOKEN is not set here"
        return
    before, started = _samples(host, settings.port, token), time.monotonic()
    time.sleep(interval)
    after = _samples(host, settings.port, token)
    seconds = time.monotonic() - started

    def total(samples: Samples, name: str) -> float:
        return sum(value for _, value in samples.get(name, []))

    def by(name: str, label: str) -> dict[str, int]:
        told: dict[str, int] = {}
        for labels, value in after.get(name, []):
            told[labels.get(label, "")] = told.get(labels.get(label, ""), 0) + int(value)
        return told

    found.measured = Measured(
        version=next((labels.get("version") for labels, _ in after.get("pgwallet_build_info", [])), None),
        workers=len(by("pgwallet_process_resident_memory_bytes", "worker")),
        rates={
            what: round(max(total(after, name) - total(before, name), 0) / seconds, 1) for what, name in RATES.items()
        },
        waiting=by("pgwallet_waiting", "place"),
        connections=by("pgwallet_connections", "state"),
        streams=int(total(after, "pgwallet_event_streams")),
        seconds=round(seconds, 3),
    )


def _samples(host: str, port: int, token: str) -> Samples:
    """Return all samples by name. Raises OSError, HTTPException, ValueError."""
    from prometheus_client.parser import text_string_to_metric_families

    status, body = _get(host, port, "/metrics", {"Authorization": f"Bearer {token}"})
    if status != 200:
        raise ValueError(f"/metrics answers {status}, where this token should be that of the service")
    found: Samples = {}
    for family in text_string_to_metric_families(body.decode()):
        for sample in family.samples:
            found.setdefault(sample.name, []).append((sample.labels, sample.value))
    return found


def _get(host: str, port: int, path: str, headers: Mapping[str, str] | None = None) -> tuple[int, bytes]:
    """Return status and body. Raises OSError, HTTPException."""
    connection = http.client.HTTPConnection(host, port, timeout=SECONDS)
    try:
        connection.request("GET", path, headers=dict(headers or {}))
        response = connection.getresponse()
        return response.status, response.read(LARGEST)
    finally:
        connection.close()
