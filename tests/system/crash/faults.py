"""What is done to the service. Each returns how many requests were in flight at that moment."""

import os
import random
import signal
import tempfile
from pathlib import Path

import psycopg

from tests.command import wait_until
from tests.system.crash.arena import BEFORE, SETTINGS, Arena, Fault
from tests.system.crash.check import busy_backend
from tests.system.crash.proxy import Proxy, through


def kill(*processes: int) -> None:
    for process in processes:
        os.kill(process, signal.SIGKILL)


def supervisor(arena: Arena) -> int:
    """`pgwallet run` alone: its workers and PostgreSQL find themselves without it."""
    found = arena.strike(lambda: kill(arena.service.process.pid))
    arena.run_again()
    return found


def service(arena: Arena) -> int:
    """`pgwallet run` and its workers; PostgreSQL stays behind."""
    processes = [arena.service.process.pid, *arena.service.children("api.server.worker")]
    found = arena.strike(lambda: kill(*processes))
    arena.run_again()
    return found


def worker(arena: Arena) -> int:
    """One of the processes that serve."""
    process = random.choice(arena.service.children("api.server.worker"))
    found = arena.strike(lambda: kill(process))
    wait_until(lambda: process not in arena.service.children("api.server.worker"))
    return found


def backend(arena: Arena) -> int:
    """A PostgreSQL process that works for the service: all of them end then, and the database is recovered."""
    process = busy_backend(arena.url)
    return arena.strike(lambda: kill(process))


def postmaster(arena: Arena) -> int:
    """PostgreSQL's first process."""
    [process] = arena.service.children("postgres")
    found = arena.strike(lambda: kill(process))
    wait_until(lambda: arena.service.children("postgres") not in ([], [process]))
    return found


def both(arena: Arena) -> int:
    """`pgwallet run` and PostgreSQL's first process."""
    # first the one that would wait for the other
    processes = [arena.service.process.pid, *arena.service.children("postgres")]
    found = arena.strike(lambda: kill(*processes))
    arena.run_again()
    return found


def terminated(arena: Arena) -> int:
    """The server ends every connection of the service, and goes on."""
    terminate = "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'pgwallet'"
    with psycopg.connect(arena.url, autocommit=True) as connection:
        return arena.strike(lambda: connection.execute(terminate))


def vanished(arena: Arena) -> int:
    """Clients reset their connections while they wait for an answer, others in the middle of sending a request."""
    return arena.strike(arena.load.vanish)


def answers_lost(arena: Arena) -> int:
    """The connections between service and database are cut after a commit, before its answer: here and there twice."""
    load = arena.load
    with tempfile.TemporaryDirectory(prefix="pgwallet-") as folder:
        url, server = through(arena.wallet.call("url", "--role", "api").strip(), Path(folder))
        proxy = Proxy(Path(folder), server)
        load.run(proxy.open())
        secret = str(arena.wallet.data_dir / "jwt_secret")
        load.stop()
        behind = arena.wallet.start("serve", PGWALLET_API_URL=url, JWT_SECRET_FILE=secret, **SETTINGS)
        load.port = behind.port
        load.start()
        arena.acknowledge(BEFORE)
        found: list[int] = []
        arena.strike(lambda: proxy.drop_answers(8, lambda: found.append(load.in_flight())))
        wait_until(lambda: found and load.newest_acknowledged > arena.struck)
        arena.acknowledge(BEFORE)
        load.port = arena.port
        behind.stop()
        load.run(proxy.close())
    return found[0]


KILLS: dict[str, Fault] = {
    "service supervisor": supervisor,
    "service, with its workers": service,
    "worker": worker,
    "PostgreSQL backend": backend,
    "postmaster": postmaster,
    "service supervisor and postmaster": both,
}
CUTS: dict[str, Fault] = {
    "database connections ended": terminated,
    "answers to the service lost": answers_lost,
    "clients vanish": vanished,
}
