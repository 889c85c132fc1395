"""Nobody but the account that runs pgwallet gets at the embedded server: not with a short path, not with a long one."""

import os
import pwd
import signal
import socket
import stat
import struct
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from api.postgres import embedded
from api.postgres.os_account import Account
from api.urls import PORT, on_socket
from tests.command import wait_until

ROOT = os.geteuid() == 0
OK, SASL = struct.pack(">ci", b"R", 8) + struct.pack(">i", 0), struct.pack(">i", 10)


@pytest.fixture(scope="module", params=["short", "long"])
def server(request: pytest.FixtureRequest) -> Iterator[embedded.Server]:
    with tempfile.TemporaryDirectory(prefix="pgwallet-") as root:
        folder = Path(root) / ("long" * 20 if request.param == "long" else "data")
        folder.mkdir(0o700)
        found = embedded.Server(folder)
        try:
            found.start()
            assert (found.socket.parent == folder) == (request.param == "short")
            yield found
        finally:
            found.stop(patience=5.0)


def as_somebody_else(ask: Callable[[], str]) -> str:
    """Return what `ask` returns in a process of user nobody; where we cannot become that user, of ourselves."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if ROOT:
                os.setgroups([])
                os.setgid(65534)
                os.setuid(pwd.getpwnam("nobody").pw_uid)
            os.write(write, ask().encode())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    return answer


def login(folder: Path, user: str) -> str:
    """Ask for a session as `user`, as a client does first: "let in", "password?", or why not."""
    parameters = f"user\0{user}\0database\0postgres\0\0".encode()
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(folder / f".s.PGSQL.{PORT}"))
            client.sendall(struct.pack(">ii", len(parameters) + 8, 196608) + parameters)
            answer = client.recv(4096)
    except PermissionError:
        return "no way to the socket"
    if answer.startswith(OK):
        return "let in"
    return "password?" if answer[5:9] == SASL else "refused"


def reload(server: embedded.Server) -> None:
    os.kill(int((server.pgdata / "postmaster.pid").read_text().split()[0]), signal.SIGHUP)


def test_we_are_let_in_as_the_administrator_only(server: embedded.Server) -> None:
    assert login(server.socket, "postgres") == "let in"
    assert login(server.socket, "wallet_api") == "password?"
    assert login(server.socket, "wallet_owner") == "refused"


def test_somebody_else_does_not_reach_the_socket(server: embedded.Server) -> None:
    if not ROOT:
        # what keeps others out, where we cannot try
        server.socket.chmod(0o000)
    try:
        assert as_somebody_else(lambda: login(server.socket, "postgres")) == "no way to the socket"
    finally:
        server.socket.chmod(0o700)


def test_somebody_else_at_the_socket_is_no_administrator(server: embedded.Server) -> None:
    socket_file = server.socket / f".s.PGSQL.{PORT}"
    closed = {path: path.stat().st_mode for path in server.socket.parents if not path.stat().st_mode & 0o001}
    ident = server.pgdata / "pg_ident.conf"
    kept = ident.read_text()
    try:
        for path, mode in closed.items():
            path.chmod(stat.S_IMODE(mode) | 0o001)
        server.socket.chmod(0o755)
        socket_file.chmod(0o777)
        if not ROOT:
            # we become somebody whom the map does not know
            ident.write_text("")
            reload(server)
            wait_until(lambda: login(server.socket, "postgres") == "refused")
        assert as_somebody_else(lambda: login(server.socket, "postgres")) == "refused"
        assert as_somebody_else(lambda: login(server.socket, "wallet_api")) == "password?"
    finally:
        server.socket.chmod(0o700)
        for path, mode in closed.items():
            path.chmod(stat.S_IMODE(mode))
        ident.write_text(kept)
        reload(server)
        wait_until(lambda: login(server.socket, "postgres") == "let in")


def test_the_folders_are_private(server: embedded.Server) -> None:
    for folder in (server.pgdata, server.socket):
        found = folder.lstat()
        assert stat.S_ISDIR(found.st_mode)
        assert stat.S_IMODE(found.st_mode) == 0o700
        assert found.st_uid == server.account.uid


def test_nothing_listens_on_the_network(server: embedded.Server) -> None:
    with psycopg.connect(on_socket(server.socket, database="postgres")) as connection:
        assert connection.execute("show listen_addresses").fetchone() == ("",)


@pytest.mark.parametrize("squat", ["link", "open", "file", "foreign"])
def test_a_socket_folder_of_somebody_else_is_refused(tmp_path: Path, squat: str) -> None:
    us = Account("us", os.geteuid(), os.getegid(), switch=False)
    path = tmp_path / "taken"
    if squat == "link":
        path.symlink_to(tmp_path)
    elif squat == "file":
        path.touch()
    else:
        path.mkdir(0o777 if squat == "open" else 0o700)
        path.chmod(0o777 if squat == "open" else 0o700)
    if squat == "foreign":
        us = Account("other", os.geteuid() + 1, os.getegid(), switch=False)
    with pytest.raises(embedded.EmbeddedError, match="somebody else's"):
        embedded._private_folder(path, us)
