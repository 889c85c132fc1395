"""Section (l): what the relay and webhooks cost top-ups, and how fast events are delivered, pulled and streamed."""

import asyncio
import contextlib
import http.client
import json
import random
import statistics
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from urllib.parse import urlencode, urlsplit
from uuid import UUID, uuid4

import asyncpg

from api.events.secrets import SecretBox, new_secret
from bench import over_http, wrk
from bench.cluster import BenchError, Database
from bench.plan import FIRST, USERS
from bench.receiver import Receiver, receiving
from bench.report import Goal
from bench.rounds import interleave, ratio, rounds
from bench.run import Run
from bench.service import Service, bench_users, serving, write_tokens
from bench.wrk import Load, Users

SECTION = "(l) events: top-ups with a relay, against none"
DELIVERY = "(l) events: delivered, pulled and streamed"
CONNECTIONS = 128
NONE, RELAY, WEBHOOK = "no relay", "a relay, no webhook", "a relay, a webhook that takes all in batches of 100"
GOALS = {RELAY: Goal(">=", 0.97), WEBHOOK: Goal(">=", 0.85)}
CATCHING_UP = Goal(">=", 2000, "/s")
LATENCY = Goal("<=", 100, " ms")
STREAMS, STREAM_MEMORY = 1000, Goal("<=", 60, " MB")

KEY = "the key of the webhooks' secrets here"
WITH_RELAY = {"PGWALLET_RELAY": "on", "PGWALLET_WEBHOOK_KEY": KEY, "PGWALLET_WEBHOOK_NETWORKS": "127.0.0.0/8"}
WAYS = {NONE: {"PGWALLET_RELAY": "off"}, RELAY: WITH_RELAY, WEBHOOK: WITH_RELAY}
OPERATOR = FIRST + USERS
"""Who may read all events: a user who sends nothing."""
PATIENCE = 120.0
BELIEVE = {"PGWALLET_TRUSTED_PROXIES": "127.0.0.1"}
"""Of one address there may be as many streams as are measured, and no more."""
SINGLES, PAUSE = 200, (0.11, 0.2)
"""Top-ups on a quiet service, and the seconds between two: fences are drawn every 0.1 seconds at most."""
TOPUP = "select id from wallet_topup($1, $2, 1, p_actor => $3)"
# from now on, so that the bench wallets' first entries are not delivered
ADD = "select id from wallet_create_webhook(null, $1, p_batch_size => $2, p_secret => $3)"
BACK = "select r.position from wallet.webhooks w, wallet_replay_webhook(w.id, $1) r"
NEWEST = "select last_value from wallet.transaction_ids"


def measure(run: Run) -> None:
    """Run a service in three ways, each on a database of its own, then two services that are quiet otherwise."""
    if not wrk.installed():
        run.report.note(wrk.MISSING)
        return
    tokens = write_tokens(run.cluster.folder, [*bench_users(), OPERATOR])
    with receiving() as receiver:
        with (
            run.cluster.clone("none") as none,
            run.cluster.clone("relay") as relay,
            run.cluster.clone("webhook") as hook,
        ):
            databases = {NONE: none, RELAY: relay, WEBHOOK: hook}
            _loads(run, databases, Users(tokens, 1, USERS), receiver)
        with run.cluster.clone("quiet") as database:
            _delivery(run, database, receiver)
    with run.cluster.clone("streams") as database:
        _streams(run, database, tokens)


def _loads(run: Run, databases: dict[str, Database], users: Users, receiver: Receiver) -> None:
    """Load the three services in turns; the one with a webhook also delivers what it has once more."""
    start = databases[WEBHOOK].value(NEWEST)
    _add(databases[WEBHOOK], receiver, 100)
    names = dict(zip(WAYS, ("no-relay", "relay", "webhook"), strict=True))
    ways = {names[way]: {**run.service, **settings} for way, settings in WAYS.items()}
    figures: dict[str, list[float]] = {"catching up": [], "pulled": []}
    with contextlib.ExitStack() as stack:
        services = {
            way: stack.enter_context(serving(database, run.cluster.folder, {names[way]: ways[names[way]]}))[names[way]]
            for way, database in databases.items()
        }

        def load(way: str, seconds: int = run.plan.http_seconds) -> Load:
            found = _load(services[way], users, databases[way], seconds)
            if way == WEBHOOK:
                # what is left must not be delivered while the next one is measured
                _caught_up(databases[way], start, receiver)
            return found

        for way in WAYS:
            load(way, 1)
        found = interleave(
            {way: partial(load, way) for way in WAYS}, rounds(run.plan.rounds, run.plan.http_budget), run.say
        )
        for _ in rounds(run.plan.rounds, PATIENCE):
            figures["catching up"].append(_catch_up(databases[WEBHOOK], start, receiver))
            figures["pulled"].append(_pull(services[NONE], databases[NONE], users.file))
    without = [load.rate for load in found[NONE]]
    for way, loads in found.items():
        latencies = (statistics.median(load.p50 for load in loads), statistics.median(load.p99 for load in loads))
        rates = [load.rate for load in loads]
        middle = Load(statistics.median(rates), *latencies, sum(load.errors for load in loads))
        compared = None if way == NONE else ratio(rates, without)
        against = "" if way == NONE else NONE
        run.report.add(
            SECTION,
            f"POST topup, 128 connections, {way}",
            middle.rate,
            "/s",
            against=against,
            ratio=compared,
            goal=GOALS.get(way),
            latency=middle.latency(),
            samples=[vars(load) for load in loads],
        )
    rates = figures["catching up"]
    run.report.add(
        DELIVERY, "catching up, batches of 100", statistics.median(rates), "/s", goal=CATCHING_UP, samples=rates
    )
    rates = figures["pulled"]
    run.report.add(
        DELIVERY, "GET /api/operator/events, 1,000 a page, 1 client", statistics.median(rates), "/s", samples=rates
    )


def _load(service: Service, users: Users, database: Database, seconds: int) -> Load:
    found = wrk.load(service.url + over_http.PATHS["topup"], "topup", users, connections=CONNECTIONS, seconds=seconds)
    if not database.value("select bench.quiet()"):
        raise BenchError("the service still works 20 s after its load")
    return found


def _add(database: Database, receiver: Receiver, batch_size: int) -> None:
    """Add a webhook for all that comes."""
    database.value(ADD, receiver.url, batch_size, SecretBox(KEY).seal(new_secret()))


def _caught_up(database: Database, start: int, receiver: Receiver) -> None:
    """Wait until the webhook has all that is newer than `start`."""
    newest = database.value(NEWEST)
    deadline = time.monotonic() + PATIENCE
    while database.value("select min(position) from wallet.webhooks") < newest:
        if time.monotonic() > deadline:
            raise BenchError(f"the webhook took {receiver.events():,} events of {newest - start:,}, and no more")
        time.sleep(0.05)


def _catch_up(database: Database, start: int, receiver: Receiver) -> float:
    """Let the relay deliver all from `start` on; returns events per second, from the first to the last."""
    before = receiver.events()
    wanted = before + database.value("select count(*) from wallet.transactions where id > $1", start)
    database.value(BACK, start)
    began = seen = 0.0
    deadline = time.monotonic() + PATIENCE
    while (now := receiver.events()) < wanted:
        if now > before and not began:
            began, seen = time.monotonic(), now
        if time.monotonic() > deadline:
            raise BenchError(f"the webhook took {now - before:,} events of {wanted - before:,}, and no more")
        time.sleep(0.02)
    return (wanted - seen) / (time.monotonic() - began) if began else 0.0


def _pull(service: Service, database: Database, tokens: Path) -> float:
    """Read all events over HTTP, one page after the other; returns events per second."""
    headers = _operator(database, tokens)
    connection = http.client.HTTPConnection(urlsplit(service.url).netloc, timeout=30)
    query, found, began = {"limit": "1000"}, 0, time.monotonic()
    with contextlib.closing(connection):
        while True:
            connection.request("GET", f"/api/operator/events?{urlencode(query)}", headers=headers)
            response = connection.getresponse()
            answer = response.read()
            if response.status != 200:
                raise BenchError(f"events were answered {response.status}: {answer[:300]!r}")
            data = json.loads(answer)["data"]
            if not data["items"]:
                return found / (time.monotonic() - began)
            found += len(data["items"])
            query["after"] = data["next"]


def _operator(database: Database, tokens: Path) -> dict[str, str]:
    database.execute(f"update wallet.users set role = 'operator' where id = '{_ids(OPERATOR)[0]}'")
    return {"Authorization": f"Bearer {tokens.read_text(encoding='ascii').splitlines()[USERS]}"}


def _ids(number: int) -> tuple[UUID, UUID]:
    """Return the ids of a bench user and of the user's wallet."""
    user, wallet = (UUID(f"00000000-0000-0000-{kind}-0000000{number}") for kind in ("0001", "0000"))
    return user, wallet


def _delivery(run: Run, database: Database, receiver: Receiver) -> None:
    """Time single top-ups until they have reached the receiver, on a service that has nothing else to do."""
    _add(database, receiver, 1)
    count = SINGLES // 3 if run.plan.brief else SINGLES
    with serving(database, run.cluster.folder, {"quiet": {**run.service, **WITH_RELAY}}):
        sent = asyncio.run(_topups(database, count))
        deadline = time.monotonic() + PATIENCE
        while sent.keys() - (came := receiver.times()).keys():
            if time.monotonic() > deadline:
                raise BenchError("the webhook never took some events")
            time.sleep(0.1)
    # the first ones pay for starting
    took = sorted(1000 * (came[number] - at) for number, at in [*sent.items()][count // 10 :])
    p50, p99 = (took[int(len(took) * part)] for part in (0.5, 0.99))
    run.report.add(
        DELIVERY,
        "from the call to its delivery, quiet service, 99th percentile",
        p99,
        "ms",
        goal=LATENCY,
        latency=f"{p50:.1f} · {p99:.1f} ms",
        samples=took,
    )


async def _topups(database: Database, count: int) -> dict[str, float]:
    """Make top-ups one after the other; returns when each was begun, by its id. Its commit was a little later."""
    sent = {}
    connection = await asyncpg.connect(database.api_url)
    try:
        for number in range(count):
            user, wallet = _ids(FIRST + number % USERS)
            began = time.time()
            sent[str(await connection.fetchval(TOPUP, wallet, uuid4(), user))] = began
            await asyncio.sleep(random.uniform(*PAUSE))
    finally:
        await connection.close()
    return sent


def _streams(run: Run, database: Database, tokens: Path) -> None:
    """Open streams of users to one worker, and see how it grows."""
    settings = {**run.service, "PGWALLET_WORKERS": "1", "PGWALLET_RELAY": "off", **BELIEVE}
    users = tokens.read_text(encoding="ascii").splitlines()[:USERS]
    with serving(database, run.cluster.folder, {"streams": settings}) as services:
        service = services["streams"]
        # what a first stream loads is not of the streams
        asyncio.run(_opened(service, users[:1], 1, lambda: 0.0))
        before = service.resident()
        after = asyncio.run(_opened(service, users, STREAMS, service.resident))
    run.report.add(
        DELIVERY,
        f"{STREAMS:,} open streams of {USERS} users: memory more in a worker",
        after - before,
        "MB",
        goal=STREAM_MEMORY,
    )


async def _opened(service: Service, tokens: list[str], count: int, look: Callable[[], float]) -> float:
    """Open so many streams, each user as many as the others; returns what `look` says while all are open."""
    async with contextlib.AsyncExitStack() as stack:
        for number in range(count):
            await stack.enter_async_context(
                _stream(service, tokens[number % len(tokens)], f"10.0.0.{number % len(tokens)}")
            )
        await asyncio.sleep(2)
        return look()


@contextlib.asynccontextmanager
async def _stream(service: Service, token: str, address: str) -> AsyncIterator[None]:
    parts = urlsplit(service.url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=4096)
    try:
        lines = (
            "GET /api/wallet/events/stream HTTP/1.1",
            f"Host: {parts.netloc}",
            f"Authorization: Bearer {token}",
            f"X-Forwarded-For: {address}",
        )
        writer.write("\r\n".join([*lines, "", ""]).encode())
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)
        if b" 200 " not in head.partition(b"\r\n")[0]:
            raise BenchError(f"a stream was answered {head[:300]!r}")
        yield
    finally:
        writer.transport.abort()
