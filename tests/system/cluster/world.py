"""Wallets on several databases, transfers between them, and a service whose processes and servers can be killed."""

import asyncio
import contextlib
import os
import random
import signal
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import jwt
import psycopg

from api.auth.tokens import ALGORITHM, ISSUER
from api.cluster_map import home_of
from api.postgres.orphans import processes
from tests.api.service import JWT_SECRET, TLS
from tests.cluster import Databases, own_databases
from tests.command import Pgwallet, Service

WALLETS = 12
"""In each database; of the last two one is frozen and one is closed, and what is sent to the closed one is returned."""
FUNDS = 10**12
SIZE = 50
PATIENCE = 60.0
SETTINGS = {"PGWALLET_WORKERS": "2", "PGWALLET_LOG_LEVEL": "warning", "PGWALLET_RATE_LIMIT": "off"}
UNREACHABLE = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
BATCH = """
  select outcome from public.wallet_batch(
    array_fill('transfer'::text, array[cardinality($1::uuid[])]), $1, $2::uuid[], $3::bigint[],
    p_to_wallet_ids => $4::uuid[]
  ) order by ordinal
"""
SENT = "select count(*) from wallet.outbox where status <> 'pending'"


@dataclass(frozen=True)
class Account:
    """A user with a wallet that holds FUNDS at first, unless it is there to be refused."""

    user_id: UUID
    wallet_id: UUID
    number: int

    def token(self) -> str:
        now = int(time.time())
        claims = {"uid": str(self.user_id), "wid": str(self.wallet_id), "iss": ISSUER, "iat": now, "exp": now + 86_400}
        return jwt.encode(claims, JWT_SECRET, ALGORITHM)


@dataclass(slots=True)
class Transfer:
    """What a client asked for, and whether it was told that it is done; what has no answer is asked again."""

    sender: UUID
    recipient: UUID
    amount: int
    txn_id: UUID = field(default_factory=uuid4)
    acknowledged: bool | None = None


class World:
    """The cluster and its clients: some call the databases with batches, others the service."""

    def __init__(self, databases: Databases, service: Service) -> None:
        self.databases = databases
        self.service = service
        self.accounts: list[Account] = []
        self.refusing: list[UUID] = []
        self.transfers: list[Transfer] = []
        self.answered = dict.fromkeys(range(len(databases.members)), 0)
        """How many batches each database has answered."""
        self._tasks: list[asyncio.Task[None]] = []
        self._going = False

    def settle(self) -> None:
        """Make the wallets."""
        for number, database in enumerate(self.databases.members):
            with database.connect() as administrator:
                for place in range(WALLETS):
                    username = named(number, self.databases.map.homes[-1])
                    query = "select user_id, wallet_id from public.wallet_register(%s, 'no hash')"
                    user_id, wallet_id = administrator.execute(query, [username]).fetchone() or (None, None)
                    account = Account(user_id, wallet_id, number)
                    if place == WALLETS - 1:
                        administrator.execute(
                            "select public.wallet_set_status(%s, 'frozen', 'for this test')", [wallet_id]
                        )
                        self.refusing.append(wallet_id)
                    elif place == WALLETS - 2:
                        # nothing that was given at registration stays in it
                        spend = """select public.wallet_spend(%s, gen_random_uuid(), balance)
                          from public.wallet_balance(%s) where balance > 0"""
                        administrator.execute(spend, [wallet_id, wallet_id])
                        administrator.execute(
                            "select public.wallet_set_status(%s, 'closed', 'for this test')", [wallet_id]
                        )
                        self.refusing.append(wallet_id)
                    else:
                        topup = "select public.wallet_topup(%s, gen_random_uuid(), %s)"
                        administrator.execute(topup, [wallet_id, FUNDS])
                        self.accounts.append(account)

    def draw(self, sender: Account, *, to_refusing: float = 0.05) -> Transfer:
        """A transfer to another database, now and then to a wallet that is frozen, closed or not there."""
        elsewhere = [account.wallet_id for account in self.accounts if account.number != sender.number]
        recipient = random.choice(elsewhere)
        if random.random() < to_refusing:
            others = [wallet_id for wallet_id in self.refusing if wallet_id.int & 4095 != sender.number]
            # an id that its database never drew
            others.append(UUID(int=recipient.int ^ 1 << 20))
            recipient = random.choice(others)
        return Transfer(sender.wallet_id, recipient, random.randint(1, 1000))

    @contextlib.asynccontextmanager
    async def load(self, callers: int = 8) -> Any:
        """Send transfers until the block ends; then all are asked again until they have an answer."""
        self._going = True
        members = range(len(self.databases.members))
        self._tasks = [asyncio.create_task(self._call_database(number)) for number in members]
        self._tasks += [asyncio.create_task(self._call_service()) for _ in range(callers)]
        try:
            yield
        finally:
            self._going = False
            done, late = await asyncio.wait(self._tasks, timeout=PATIENCE)
            for task in late:
                task.cancel()
        for task in done:
            task.result()
        assert not late, "a caller has no answer"

    async def _call_database(self, number: int) -> None:
        """Send batches from the wallets of one database, as its administrator; the same again when it is away."""
        own = [account for account in self.accounts if account.number == number]
        connection: asyncpg.Connection[asyncpg.Record] | None = None
        while self._going:
            batch = [self.draw(random.choice(own)) for _ in range(SIZE)]
            self.transfers += batch
            while batch[0].acknowledged is None:
                try:
                    if connection is None:
                        connection = await asyncpg.connect(self.databases.members[number].url, timeout=5)
                    columns = zip(*((t.sender, t.txn_id, t.amount, t.recipient) for t in batch), strict=True)
                    outcomes = await connection.fetch(BATCH, *map(list, columns), timeout=20)
                except UNREACHABLE:
                    if connection is not None:
                        connection.terminate()
                    connection = None
                    await asyncio.sleep(0.05)
                    continue
                for transfer, (outcome,) in zip(batch, outcomes, strict=True):
                    transfer.acknowledged = outcome in {"ok", "replayed"}
                self.answered[number] += 1
        if connection is not None:
            await connection.close()

    async def _call_service(self) -> None:
        """Send single transfers over HTTP."""
        headers = {account.wallet_id: {"Authorization": f"Bearer {account.token()}"} for account in self.accounts}
        url = f"http://127.0.0.1:{self.service.port}/api/wallet/transfer"
        async with httpx.AsyncClient(timeout=30, verify=TLS) as client:
            while self._going:
                transfer = self.draw(random.choice(self.accounts))
                self.transfers.append(transfer)
                body = {
                    "txn_id": str(transfer.txn_id),
                    "amount": transfer.amount,
                    "to_wallet_id": str(transfer.recipient),
                }
                while transfer.acknowledged is None:
                    with contextlib.suppress(httpx.TransportError):
                        answer = await client.post(url, json=body, headers=headers[transfer.sender])
                        assert answer.status_code in {200, 201, 403, 404, 409, 503}, answer.text
                        if answer.status_code != 503:
                            transfer.acknowledged = answer.status_code in {200, 201}
                            break
                    await asyncio.sleep(0.05)

    def require_load(self) -> None:
        """Fail where a caller has failed."""
        for task in self._tasks:
            if task.done():
                task.result()

    async def carried(self) -> int:
        """How many transfers are concluded by now."""
        return sum(await asyncio.gather(*(one(database.url, SENT) for database in self.databases.members)))

    async def arrived(self) -> None:
        """Return when nothing is in transit any more."""
        deadline = time.monotonic() + PATIENCE
        pending = "select count(*) from wallet.outbox where status = 'pending'"
        while sum(await asyncio.gather(*(one(database.url, pending) for database in self.databases.members))):
            assert time.monotonic() < deadline, "transfers are still in transit"
            await asyncio.sleep(0.1)


async def one(url: str, query: str) -> int:
    """The number that a database answers, once it answers."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            connection = await asyncpg.connect(url, timeout=5)
            try:
                return int(await connection.fetchval(query))
            finally:
                await connection.close(timeout=5)
        except UNREACHABLE:
            assert time.monotonic() < deadline, "a database is away"
            await asyncio.sleep(0.1)


def named(number: int, numbers: tuple[int, ...]) -> str:
    """A new name whose home this database is."""
    while home_of(name := f"user-{uuid4().hex[:12]}", numbers) != number:
        pass
    return name


@contextlib.contextmanager
def world(databases: int = 4, servers: int = 2, **settings: str) -> Iterator[World]:
    """A world with a service of two workers."""
    with own_databases(databases, servers) as found, tempfile.TemporaryDirectory(prefix="pgwallet-") as folder:
        address = found.members[0].api_url
        variables = {"PGWALLET_API_URL": address, "JWT_SECRET": JWT_SECRET, **found.settings, **SETTINGS, **settings}
        with Pgwallet(Path(folder) / "data") as wallet:
            made = World(found, wallet.start("serve", **variables))
            made.settle()
            yield made


def kill_worker(world: World) -> None:
    """A process of the service, with what carries transfers in it."""
    workers = world.service.children("api.server.worker")
    if workers:
        os.kill(random.choice(workers), signal.SIGKILL)


def kill_server(world: World) -> None:
    """A server of databases, which its operator starts again at once."""
    server = random.choice(world.databases.servers)
    server.kill()
    server.start()


def kill_backend(world: World) -> None:
    """A session of a server, which ends all others and recovers."""
    server = random.choice(world.databases.servers)
    sessions = [number for number, title in processes(server.pgdata).items() if ": wallet_" in title]
    if sessions:
        with contextlib.suppress(ProcessLookupError):
            os.kill(random.choice(sessions), signal.SIGKILL)


def end_carriers(world: World) -> None:
    """The connections over which transfers are carried."""
    database = random.choice(world.databases.members)
    end = "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'wallet_relay'"
    with contextlib.suppress(psycopg.OperationalError), database.connect() as administrator:
        administrator.execute(end)


KILLS = {
    "worker of the service": kill_worker,
    "server": kill_server,
    "session of a server": kill_backend,
    "connections of the carrier": end_carriers,
}
