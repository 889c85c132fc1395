"""`pip install` of the built wheel is all that one needs: nothing of this repository is in reach of what runs here."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from api import __version__
from tests.command import OURS, ROOT, Service

pytestmark = [pytest.mark.long, pytest.mark.timeout(180)]
PIP = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input"]
OFFLINE = ["--no-deps", "--no-index"]


def run(command: list[str], folder: Path) -> str:
    kept = {name: value for name, value in os.environ.items() if not name.startswith((*OURS, "PYTHON"))}
    done = subprocess.run(command, cwd=folder, env=kept, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy, in which the build leaves its files."""
    folder: Path = tmp_path_factory.mktemp("wheel")
    for name in ("api", "db"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    run([*PIP, "wheel", *OFFLINE, "--no-build-isolation", "."], folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path) -> Iterator[Path]:
    """An empty folder, where the program lies in `clean/bin`: its virtual environment has what pgwallet needs."""
    with tempfile.TemporaryDirectory(prefix="pgwallet-") as name:
        folder = Path(name)
        run([sys.executable, "-m", "venv", "--without-pip", "clean"], folder)
        python = folder / "clean/bin/python"
        run([*PIP, "--python", str(python), "install", *OFFLINE, str(wheel)], folder)
        packages = run([str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'), end='')"], folder)
        # the path alone: what makes this repository importable there is not read
        (Path(packages) / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
        yield folder


def test_everything_is_in_the_wheel(wheel: Path) -> None:
    source = [file.relative_to(wheel.parent) for top in ("api", "db") for file in (wheel.parent / top).rglob("*.*")]
    expected = {f"{'api/' if file.parts[0] == 'db' else ''}{file}" for file in source if file.suffix != ".md"}
    found = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert found == expected
    assert wheel.name.startswith(f"pgwallet-{__version__}-")


def test_it_runs_in_an_empty_folder(installed: Path) -> None:
    program = str(installed / "clean/bin/pgwallet")
    kept = {name: value for name, value in os.environ.items() if not name.startswith((*OURS, "PYTHON"))}
    service = Service(
        subprocess.Popen(
            [program, "run"],
            cwd=installed,
            env={**kept, "PGWALLET_BCRYPT_COST": "4", "PGWALLET_WORKERS": "1", "PORT": "0"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
    )
    try:
        service.await_ready()
        assert service.request("/api/health")[1]["status"] == "healthy"
        assert service.request("/api/docs/openapi.json")[1]["info"]["version"] == __version__
        signed_in = service.request("/api/auth/signin", {"username": "alice", "password": "password123"})
        assert signed_in[0] == 200, "the seeds are there"
        for page in ("/", "/api/docs"):
            assert httpx.get(f"http://127.0.0.1:{service.port}{page}", follow_redirects=True).status_code == 200, page
        assert run([program, "--version"], installed) == f"pgwallet {__version__}\n"
        assert Path(installed / ".pgwallet/jwt_secret").exists()
    finally:
        service.end()
