"""Section (g), the HTTP peer: another service that has the same sign-up and top-up calls (`--http-peer URL`)."""

import http.client
import json
import secrets
import statistics
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from bench import wrk
from bench.cluster import BenchError
from bench.over_http import PATHS
from bench.rounds import interleave, rounds
from bench.run import Run
from bench.wrk import Users

SECTION = "(g) HTTP peer"
SIGN_UP = "/api/auth/signup"
CONNECTIONS = (32, 128)


def measure(run: Run, url: str) -> None:
    """Sign users up at `url` and send top-ups, spread over all of them and on one."""
    if not wrk.installed():
        run.report.note(wrk.MISSING)
        return
    url = url.rstrip("/")
    run.say(f"peer: signing up {run.plan.peer_users} users at {url}")
    with ThreadPoolExecutor(4) as threads:
        tokens = list(threads.map(lambda _: _sign_up(url), range(run.plan.peer_users)))
    file = run.cluster.folder / "peer-tokens"
    file.write_text("\n".join(tokens) + "\n", encoding="ascii")
    whose = {f"spread over {len(tokens)} wallets": Users(file, 1, len(tokens)), "one hot wallet": Users(file, 1, 1)}
    points = {
        f"POST topup, {name}, {connections} connections": partial(
            wrk.load, url + PATHS["topup"], "topup", users, connections=connections, seconds=run.plan.http_seconds
        )
        for connections in CONNECTIONS
        for name, users in whose.items()
    }
    for name, loads in interleave(points, rounds(run.plan.rounds, run.plan.http_budget), run.say).items():
        middle = wrk.Load(
            *(statistics.median(value) for value in zip(*(vars(load).values() for load in loads), strict=True))
        )
        run.report.add(
            SECTION, name, middle.rate, "/s", latency=middle.latency(), samples=[vars(load) for load in loads]
        )


def _sign_up(url: str) -> str:
    """Return the token of a new user. Raises BenchError."""
    body = json.dumps({"username": f"bench-{secrets.token_hex(8)}", "password": secrets.token_urlsafe(12)})
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.netloc, timeout=30)
    try:
        connection.request("POST", parts.path + SIGN_UP, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        answer = response.read()
        token = _token(json.loads(answer)) if response.status in (200, 201) else None
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise BenchError(f"sign-up at {url} failed: {error}") from None
    finally:
        connection.close()
    if token is None:
        raise BenchError(f"sign-up at {url} answered {response.status} without a token: {answer[:300]!r}")
    return token


def _token(answer: Any) -> str | None:
    """Return the token of a sign-up's answer, inside `data` or not."""
    for place in (answer.get("data"), answer) if isinstance(answer, dict) else ():
        for name in ("access_token", "token"):
            if isinstance(place, dict) and isinstance(place.get(name), str):
                return str(place[name])
    return None
