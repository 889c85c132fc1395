"""Health, while all is well; test_outage.py has the rest."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest


@pytest.mark.one_database(reason="health names each of several databases")
@pytest.mark.parametrize("path", ["/api/health", "/api/health/ready"])
def test_health_looks_at_the_database(client: httpx.Client, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 200
    body = response.json()
    assert set(body) == {"status", "timestamp", "checks"}
    assert body["status"] == "healthy"
    assert abs(datetime.fromisoformat(body["timestamp"]) - datetime.now(UTC)) < timedelta(minutes=1)
    assert set(body["checks"]) == {"database"}
    assert set(body["checks"]["database"]) == {"status", "response_time"}
    assert body["checks"]["database"]["status"] == "healthy"
    assert 0 < body["checks"]["database"]["response_time"] < 20_000


def test_liveness_asks_nobody(client: httpx.Client) -> None:
    response = client.get("/api/health/live")
    assert response.status_code == 200
    body = response.json()
    assert (body["status"], body["checks"]) == ("healthy", {})
