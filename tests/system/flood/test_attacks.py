"""One attacker at a time, within the limits that are the default: what the service is for others meanwhile.

Eight clients top up without a pause, one asks for liveness ten times a second, and one makes transfers and reads
statements. Here the worst attacks for a moment, with bounds for loaded machines; `make test-flood` runs all of them
for FLOOD_SECONDS, with the bounds that the service is built for.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from itertools import count, cycle
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
import uvloop

from api.auth.tokens import Tokens
from tests.api.service import JWT_SECRET, Service, serve
from tests.database import Database
from tests.system.flood.attacks import ATTACKS, Order, statement
from tests.system.flood.clients import PATIENCE, read_answer

pytestmark = pytest.mark.long

AT_LENGTH = "FLOOD_SECONDS" in os.environ
SECONDS = float(os.environ.get("FLOOD_SECONDS", "2"))
BEFORE = 5.0 if AT_LENGTH else 0.5
ALIVE = 0.1 if AT_LENGTH else 5.0
"""How long a liveness check may take at the 99th percentile; in the short form any."""
SHARE = 0.5 if AT_LENGTH else 0.0
"""What the others must keep of the rate that they had before."""
OTHERS = 8
"""Connections that top up, each for so many users in turn: without a pause, one has soon used up their limit."""
USERS = 4
HISTORY = 20_000
WORST = [name for name, attack in ATTACKS.items() if attack.worst]
addresses = count(2)


@dataclass
class Account:
    """A user who did not sign up over HTTP, where it counts and takes time."""

    user: str
    wallet: str
    token: str

    @classmethod
    def new(cls, database: Database) -> "Account":
        with database.connect() as administrator:
            found = administrator.execute(
                "select user_id, wallet_id from wallet_register(%s, %s)",
                [f"user-{uuid4().hex[:12]}", "$2b$04$" + "x" * 53],
            ).fetchone()
        assert found is not None
        user_id, wallet_id = found
        token = Tokens([JWT_SECRET], cast("Any", None)).issue(user_id, wallet_id, "user", 0)
        return cls(str(user_id), str(wallet_id), token)


@dataclass
class Meanwhile:
    """What others saw: `times` by what they did, in seconds, and what was not answered as it should be."""

    times: dict[str, list[float]] = field(default_factory=dict)
    failures: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    def rate(self, what: str) -> float:
        return len(self.times.get(what, [])) / self.seconds

    def at(self, what: str, part: float) -> float:
        found = sorted(self.times.get(what, [float("inf")]))
        return found[min(len(found) - 1, int(len(found) * part))]


class Crowd:
    """Everybody else, each from an address of their own."""

    def __init__(self, url: str, users: list[Account]) -> None:
        self._where = urlsplit(url)
        self._users = users

    async def during(self, over: asyncio.Future[Any]) -> Meanwhile:
        """Go on until it is over."""
        seen = Meanwhile()
        began = time.monotonic()
        *busy, witness = self._users
        async with asyncio.TaskGroup() as group:
            for number in range(OTHERS):
                group.create_task(self._topups(busy[number::OTHERS], seen, over))
            group.create_task(self._witness(witness, busy[0], seen, over))
            group.create_task(self._liveness(seen, over))
            await over
            seen.seconds = time.monotonic() - began
        return seen

    async def _topups(self, users: list[Account], seen: Meanwhile, over: asyncio.Future[Any]) -> None:
        async with Client(self._where, seen, *(user.token for user in users)) as client:
            while not over.done():
                await client.ask("topup", "/api/wallet/topup", {"txn_id": str(uuid4()), "amount": 1})

    async def _witness(self, user: Account, to: Account, seen: Meanwhile, over: asyncio.Future[Any]) -> None:
        async with Client(self._where, seen, user.token) as client:
            while not over.done():
                order = {"txn_id": str(uuid4()), "amount": 1, "to_wallet_id": to.wallet}
                await client.ask("transfer", "/api/wallet/transfer", order)
                await client.ask("statement", statement())
                await asyncio.sleep(0.1)

    async def _liveness(self, seen: Meanwhile, over: asyncio.Future[Any]) -> None:
        async with Client(self._where, seen, "") as client:
            while not over.done():
                await client.ask("live", "/api/health/live")
                await asyncio.sleep(0.1)


class Client:
    """One connection."""

    def __init__(self, where: Any, seen: Meanwhile, *tokens: str) -> None:
        self._where = where
        head = f"HTTP/1.1\r\nHost: {where.netloc}\r\nAuthorization: Bearer "
        self._heads = cycle([f"{head}{token}\r\n" for token in tokens])
        self._seen = seen

    async def __aenter__(self) -> "Client":
        address = f"127.0.1.{next(addresses) % 250 + 2}"
        self._reader, self._writer = await asyncio.open_connection(
            self._where.hostname, self._where.port, local_addr=(address, 0), limit=2**20
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()
        await self._writer.wait_closed()

    async def ask(self, what: str, path: str, data: dict[str, Any] | None = None) -> None:
        began, head = time.monotonic(), next(self._heads)
        if data is None:
            self._writer.write(f"GET {path} {head}\r\n".encode())
        else:
            body = json.dumps(data)
            more = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
            self._writer.write(f"POST {path} {head}{more}".encode())
        async with asyncio.timeout(PATIENCE):
            status, _, answer = await read_answer(self._reader)
        if status in {200, 201}:
            self._seen.times.setdefault(what, []).append(time.monotonic() - began)
        else:
            self._seen.failures[f"{what}: {status} {json.loads(answer)['code']}"] += 1


@pytest.fixture(scope="module")
def reader_of_the_log() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as reader:
        yield reader
        reader.send_signal(signal.SIGCONT)
        assert reader.stdin is not None
        reader.stdin.close()


@pytest.fixture(scope="module")
def service(
    module_database: Database, reader_of_the_log: subprocess.Popen[bytes], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """One worker, with the limits and the cost of passwords that are the default."""
    folder: Path = tmp_path_factory.mktemp("attacked")
    settings = {"PGWALLET_RATE_LIMIT": "6000", "PGWALLET_BCRYPT_COST": "12"}
    with serve(module_database.api_url, folder, reader_of_the_log.stdin, **settings) as running:
        yield running


@pytest.mark.timeout(300)
@pytest.mark.parametrize("attack", ATTACKS if AT_LENGTH else WORST)
def test_an_attack(
    module_database: Database,
    service: Service,
    reader_of_the_log: subprocess.Popen[bytes],
    attack: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    attacker, *others = (Account.new(module_database) for _ in range(OTHERS * USERS + 2))
    order = Order(attack, service.url, f"127.0.0.{next(addresses)}", attacker.token, others[0].wallet, SECONDS)
    crowd = Crowd(service.url, others)
    memory = megabytes(service)
    with ExitStack() as stack:
        if attack == "transfers-from-a-held-wallet":
            session = stack.enter_context(module_database.connect())
            stack.enter_context(session.transaction())
            session.execute("select from wallet.wallets where id = %s for update", [attacker.wallet])
        if attack == "slow-readers-of-statements":
            fill(module_database, attacker)
        if attack == "a-log-that-nobody-reads":
            stack.callback(reader_of_the_log.send_signal, signal.SIGCONT)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            before, during, answers = runner.run(measure(crowd, order, reader_of_the_log))
    ratio = during.rate("topup") / before.rate("topup")
    with capsys.disabled():
        if AT_LENGTH:
            print(report(attack, before, during, ratio, answers, megabytes(service) - memory))  # noqa: T201
    assert sum(answers.values()), "nothing was sent"
    assert not before.failures
    assert not during.failures
    assert during.times["topup"]
    assert during.at("live", 0.99 if AT_LENGTH else 1.0) <= ALIVE
    assert ratio >= SHARE


async def measure(
    crowd: Crowd, order: Order, log: subprocess.Popen[bytes]
) -> tuple[Meanwhile, Meanwhile, dict[str, int]]:
    """What others see before the attack and during it, and what the attacker was answered."""
    await crowd.during(asyncio.ensure_future(asyncio.sleep(BEFORE / 2)))  # connections of the pools, plans, caches
    before = await crowd.during(asyncio.ensure_future(asyncio.sleep(BEFORE)))
    attacker = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.system.flood.attacks"), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert attacker.stdin is not None
    assert attacker.stdout is not None
    try:
        attacker.stdin.write(json.dumps(asdict(order)).encode() + b"\n")
        assert await attacker.stdout.readline() == b"begun\n"
        if order.attack == "a-log-that-nobody-reads":
            log.send_signal(signal.SIGSTOP)
        during = await crowd.during(asyncio.ensure_future(asyncio.sleep(order.seconds)))
        async with asyncio.timeout(PATIENCE):
            answers = json.loads(await attacker.stdout.readline())
    finally:
        if attacker.returncode is None:
            attacker.kill()
        await attacker.wait()
    return before, during, answers


def fill(database: Database, user: Account) -> None:
    """Give a wallet a history that takes a while to read."""
    with database.connect() as administrator:
        administrator.execute(
            "select count(wallet_topup(%s, gen_random_uuid(), 1, repeat('x', 200))) from generate_series(1, %s)",
            [user.wallet, HISTORY if AT_LENGTH else HISTORY // 10],
        )


def megabytes(service: Service) -> float:
    status = Path(f"/proc/{service.process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def report(
    attack: str, before: Meanwhile, during: Meanwhile, ratio: float, answers: dict[str, int], grown: float
) -> str:
    lines = [f"\n{attack}: top-ups {before.rate('topup'):.0f}/s, then {during.rate('topup'):.0f}/s: {ratio:.2f}"]
    for what in ("live", "topup", "transfer", "statement"):
        middle, late, latest = (during.at(what, part) * 1000 for part in (0.5, 0.99, 1.0))
        lines.append(f"  {what}: p50 {middle:.1f} ms, p99 {late:.1f} ms, at most {latest:.1f} ms")
    return "\n".join([*lines, f"  the attacker: {answers}; memory {grown:+.0f} MB; failures {dict(during.failures)}"])
