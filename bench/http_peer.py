"""Section (g), the HTTP peer: another service that has the same calls, in turns with ours (`--http-peer URL`)."""

import http.client
import json
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench import over_http, wrk
from bench.cluster import BenchError
from bench.over_http import PATHS, Point
from bench.plan import USERS
from bench.rounds import interleave, ratio, rounds
from bench.run import Run
from bench.service import bench_users, serving, write_tokens
from bench.wrk import Load, Users

SECTION = "(g) HTTP, another service in turns with this one, over as many connections"
SIGN_UP = "/api/auth/signup"
CONNECTIONS = (1, 32, 128, 512)
PEER, OURS = "peer", "pgwallet"
WORK = (("topup", "spread"), ("topup", "hot"), ("balance", "spread"))


def measure(run: Run, url: str) -> None:
    """Load both services in turns, point by point, each on as many wallets. Raises BenchError."""
    if not wrk.installed():
        run.report.note(wrk.MISSING)
        return
    url, folder = url.rstrip("/"), run.cluster.folder
    lines = _given(run.http_peer_tokens) if run.http_peer_tokens else _signed_up(run, url)
    theirs = folder / "peer-tokens"
    theirs.write_text("".join(f"{line}\n" for line in lines), encoding="ascii")
    files = {PEER: theirs, OURS: write_tokens(folder, bench_users()[: len(lines)])}
    with run.cluster.clone("peer") as database, serving(database, folder, {OURS: run.service}) as services:
        urls = {PEER: url, OURS: services[OURS].url}

        def load(point: Point, seconds: int = run.plan.http_seconds) -> Load:
            side, kind, whose, connections = point
            users = Users(files[side], 1, 1 if whose == "hot" else len(lines))
            found = wrk.load(urls[side] + PATHS[kind], kind, users, connections=connections, seconds=seconds)
            # the other side must not pay for the requests that wrk left, which take as long as its slowest
            time.sleep(found.p99 / 1000)
            return found

        run.say("peer: warming up")
        kinds = ("topup", "balance")
        answered = {(side, kind): load((side, kind, "spread", 32), 1).rate > 0 for side in urls for kind in kinds}
        if not answered[PEER, "topup"]:
            raise BenchError(f"no POST {PATHS['topup']} succeeds at {url}: are its tokens valid, its rate limits off?")
        points: list[Point] = [
            (side, *work, connections)
            for connections in CONNECTIONS
            if connections in run.plan.http_connections
            for work in WORK
            if answered[PEER, work[0]]
            for side in urls
        ]
        names = {point: f"{over_http.figure(point, len(lines))}, {point[0]}" for point in points}
        calls = {name: partial(load, point) for point, name in names.items()}
        found = interleave(calls, rounds(run.plan.rounds, run.plan.http_budget), run.say)
    for point, name in names.items():
        loads, others = found[name], found[names[PEER, *point[1:]]]
        middle, ours = wrk.middle(loads), point[0] == OURS
        run.report.add(
            SECTION,
            name,
            middle.rate,
            "/s",
            latency=middle.latency(),
            against=PEER if ours else "",
            ratio=ratio([load.rate for load in loads], [load.rate for load in others]) if ours else None,
            samples=[vars(load) for load in loads],
        )


def _given(file: Path) -> list[str]:
    """Return the lines of a file of tokens, as wrk.lua reads them. Raises BenchError."""
    lines = [" ".join(words) for words in map(str.split, file.read_text(encoding="ascii").splitlines()) if words]
    if not lines:
        raise BenchError(f"there is no token in {file}")
    return lines[:USERS]


def _signed_up(run: Run, url: str) -> list[str]:
    """Return the tokens of new users. Raises BenchError."""
    run.say(f"peer: signing up {run.plan.peer_users} users at {url}")
    with ThreadPoolExecutor(4) as threads:
        return list(threads.map(lambda _: _sign_up(url), range(run.plan.peer_users)))


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
