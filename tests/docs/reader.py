"""A reader who enters the commands of a document: a working folder like a clone, a shell in it, a service in front.

The folder holds links to the repository's files, a `.venv` that counts as installed, and its own data dir. Where the
machine has no curl, curl.py stands in for it.
"""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.database import SERVICE_PASSWORD, Database
from tests.docs.markdown import ROOT, Command

LINKED = ("Makefile", "pyproject.toml", "requirements.txt", "requirements-dev.txt", ".env.example", "api", "db")
OURS = re.compile(r"PG|JWT_|PORT$|DATABASE_URL$|MAKE|MFLAGS$|PYTHON|PYTEST")
DONE = "that was it:"
CURL = Path(__file__).with_name("curl.py")

RUN = re.compile(r"(?:\w+=\S+ )*make (?:run|cluster)")
# These would start the tests within the tests, or take minutes.
REHEARSED = re.compile(r"make (?:test|check|bench|install|lock)\b")

UUID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
# What differs from run to run, by pattern. Widths of psql's columns follow from the values.
VARYING = (
    (re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+"), "<token>"),
    (re.compile(r"pgw_[\w-]{8,43}"), "<key>"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00)"), "<time>"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "<hash>"),
    (re.compile(r"\b[0-9a-f]{16}\b"), "<request id>"),
    (re.compile(r'("(?:response_time|ms)": ?)[\d.]+'), r"\1<number>"),
    (re.compile(r"[ ]+"), " "),
    (re.compile(r"-{2,}"), "-"),
    (re.compile(r"[ ]$", re.MULTILINE), ""),
)


class Reader:
    """Enters commands. Addresses, ports and paths of the text stand for others here."""

    def __init__(self, folder: Path, foreign: Database | None, others: Mapping[str, str]) -> None:
        self.folder = folder
        self._stand_ins = {
            **others,
            "8080": str(free_port()),
            "8081": str(free_port()),
            "/home/you/pgwallet": str(folder),
            "/backup": f"{folder}/backup",
            "postgresql://postgres@localhost/wallet": f"'{foreign.url}'" if foreign else "",
            "postgresql://shop:a%20long%20secret@localhost/wallet": foreign.url if foreign else "",
        }
        kept = {name: value for name, value in os.environ.items() if not OURS.match(name)}
        # the foreign server is that of all tests, where wallet_api has this password
        password = {"PGWALLET_API_PASSWORD": SERVICE_PASSWORD} if foreign or others else {}
        path = f"{os.environ['PATH']}:{folder}/.venv/bin"
        ours = {"PORT": self._stand_ins["8080"], "PGWALLET_WORKERS": "1", "LC_ALL": "C.UTF-8", "PATH": path}
        self._service: subprocess.Popen[bytes] | None = None
        self._literal: set[str] = set()
        self._shell = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            cwd=folder,
            env={**kept, **password, **ours},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def enter(self, command: Command) -> None:
        """Enter the command. Raises AssertionError unless it does what the document says."""
        self._literal.update(UUID.findall(command.text))
        text = self._here(command.text)
        if RUN.fullmatch(command.text):
            self.stop()
            output, status = self._start(text), 0
        else:
            output, status = self._run(REHEARSED.sub(r"\g<0> --dry-run", text))
        if command.output is None:
            assert status == 0, f"{command.place}: status {status} of {text}\n{output}"
        elif not REHEARSED.match(text):
            expected = self._here(command.output)
            assert self._constant(output) == self._constant(expected), f"{command.place}: {text}\n{output}"

    def stop(self) -> None:
        """Press Ctrl-C where the service runs."""
        if self._service is None:
            return
        os.killpg(self._service.pid, signal.SIGINT)
        self._service.wait(60)
        self._service = None

    def close(self) -> None:
        """Leave."""
        self.stop()
        self._shell.communicate()

    def _run(self, text: str) -> tuple[str, int]:
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        self._shell.stdin.write(f'{{ {text}\n}} </dev/null; echo "\n{DONE} $?"\n')
        self._shell.stdin.flush()
        lines: list[str] = []
        for line in self._shell.stdout:
            if line.startswith(DONE):
                return "".join(lines), int(line.removeprefix(DONE))
            lines.append(line)
        raise AssertionError(f"the shell ended at {text}\n{''.join(lines)}")

    def _start(self, text: str) -> str:
        """Start the service with the shell's variables and return what it prints until it is ready."""
        variables, _ = self._run("env -0")
        printed, logged = self.folder / "printed", self.folder / "logged"
        with printed.open("wb") as stdout, logged.open("wb") as stderr:
            self._service = subprocess.Popen(
                ["bash", "-c", text],
                cwd=self.folder,
                env=dict(entry.split("=", 1) for entry in variables.split("\0") if "=" in entry),
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
            )
        deadline = time.monotonic() + 90
        while "ready" not in printed.read_text():
            assert self._service.poll() is None, logged.read_text()
            assert time.monotonic() < deadline, logged.read_text()
            time.sleep(0.05)
        return printed.read_text()

    def _here(self, text: str) -> str:
        for written, meant in self._stand_ins.items():
            text = text.replace(written, meant)
        return text

    def _constant(self, text: str) -> str:
        """Replace what may differ: ids that no command named, times, tokens, widths."""
        text = UUID.sub(lambda found: found[0] if found[0] in self._literal else "<uuid>", text)
        for pattern, name in VARYING:
            text = pattern.sub(name, text)
        return text.strip()


@contextlib.contextmanager
def reader(foreign: Database | None = None, others: Mapping[str, str] | None = None) -> Iterator[Reader]:
    """Give a reader a fresh clone; everything is stopped and gone afterwards.

    `foreign` is the text's other server, and `others` says what stands for more of its words.
    """
    folder = Path(tempfile.mkdtemp(prefix="pgwallet-docs-"))
    try:
        for name in LINKED:
            (folder / name).symlink_to(ROOT / name)
        programs = folder / ".venv" / "bin"
        programs.mkdir(parents=True)
        (programs / "pgwallet").write_text(
            f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -P -m api.cli "$@"\n'
        )
        (programs / "pgwallet").chmod(0o755)
        if shutil.which("curl") is None:
            (programs / "curl").write_text(f'#!/bin/sh\nexec "{sys.executable}" "{CURL}" "$@"\n')
            (programs / "curl").chmod(0o755)
        for stamp in (".runtime", ".development"):
            (folder / ".venv" / stamp).write_text(f"{folder}\n")
        one = Reader(folder, foreign, others or {})
        try:
            yield one
        finally:
            one.close()
    finally:
        shutil.rmtree(folder)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port
