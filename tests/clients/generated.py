"""`make test-clients`: linters find nothing in the document, and the clients that generators make of it move money.

The Makefile installs linters and generators into build/clients; what they generate is there too.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.api.service import TLS, Service, serve
from tests.database import Database
from tests.docs.markdown import ROOT

HERE = Path(__file__).parent
TOOLS = ROOT / "build" / "clients"
PYTHON = TOOLS / "venv" / "bin"
ALONE = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true", "NO_COLOR": "1"}
TSC = (
    "--strict",
    "--noUncheckedIndexedAccess",
    "--exactOptionalPropertyTypes",
    "--module",
    "nodenext",
    "--types",
    "node",
)
LAST_BALANCE = "1200\n"
"""The sign-up bonus of 1000, and what both programs do."""

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def service(database: Database, tmp_path: Path) -> Iterator[Service]:
    with serve(database.api_url, tmp_path) as running:
        yield running


@pytest.fixture
def folder(service: Service) -> Path:
    """A folder that sees the tools, with the document in it and nothing else."""
    found = TOOLS / "generated"
    shutil.rmtree(found, ignore_errors=True)
    found.mkdir()
    (found / "openapi.json").write_bytes(httpx.get(f"{service.url}/api/docs/openapi.json", verify=TLS).content)
    return found


def run(folder: Path, *command: str | Path) -> str:
    """Run a tool that must succeed; returns what it prints."""
    path = os.pathsep.join([str(TOOLS / "node_modules" / ".bin"), str(PYTHON), os.environ["PATH"]])
    environment = {**os.environ, **ALONE, "PATH": path, "PYTHONPATH": str(folder)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_spectral_finds_nothing(folder: Path) -> None:
    (folder / "rules.yaml").write_text("extends: spectral:oas\n")
    run(folder, "spectral", "lint", "--ruleset", "rules.yaml", "--fail-severity", "hint", "openapi.json")


def test_redocly_finds_nothing(folder: Path) -> None:
    found = run(folder, "redocly", "lint", "--extends", "recommended", "--format", "json", "openapi.json")
    assert '"warnings": 0' in found
    assert '"errors": 0' in found


def test_a_python_client_moves_money(folder: Path, service: Service) -> None:
    package = folder / "wallet_client"
    options = ("--path", "openapi.json", "--meta", "none", "--fail-on-warning", "--output-path", package)
    run(folder, PYTHON / "openapi-python-client", "generate", *options)
    shutil.copy(HERE / "money.py", folder)
    strict = ("--strict", "--config-file", os.devnull, "--python-executable", PYTHON / "python")
    run(folder, sys.executable, "-m", "mypy", *strict, "money.py", "wallet_client")
    assert run(folder, PYTHON / "python", "money.py", service.url) == LAST_BALANCE


def test_a_typescript_client_moves_money(folder: Path, service: Service) -> None:
    run(folder, "openapi-typescript", "openapi.json", "--default-non-nullable=false", "--output", "schema.ts")
    shutil.copy(HERE / "money.ts", folder)
    run(folder, "tsc", *TSC, "money.ts")
    assert run(folder, "node", "money.js", service.url) == LAST_BALANCE
