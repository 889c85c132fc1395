"""`make mutants`: breaks one guarantee at a time in a copy of the tree, and shows which test notices."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from tests.mutants.mutant import ROOT, Mutant, PatchError, mutants

COPIED = ("api", "db", "docs", "tests", "pyproject.toml")
FAILED = re.compile(r"^FAILED (.+?)(?: - .*)?$", re.MULTILINE)
OURS = ("PGWALLET_", "JWT_", "DATABASE_URL", "PORT")
PATIENCE = 90


class Verdict(NamedTuple):
    """What became of a mutant: the test that caught it, or why none did."""

    mutant: Mutant
    caught_by: str | None
    why: str
    seconds: float


def judge(mutant: Mutant) -> Verdict:
    """Apply the mutant to a copy and run its tests there."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        copy = Path(folder)
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, copy / name)
        try:
            mutant.apply(copy)
        except PatchError as error:
            return Verdict(mutant, None, f"does not apply: {error}", time.monotonic() - began)
        status, output = run(copy, mutant.tests)
    found = FAILED.search(output)
    seconds = time.monotonic() - began
    if status == 1 and found:
        return Verdict(mutant, found[1], "", seconds)
    return Verdict(mutant, None, "SURVIVED" if status == 0 else f"its tests do not run:\n{output[-2000:]}", seconds)


def run(copy: Path, tests: list[str]) -> tuple[int, str]:
    """Run these tests of the copy; returns pytest's exit status and its output."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-x",
            "--long",
            "-p",
            "no:cacheprovider",
            f"--timeout={PATIENCE}",
            *tests,
        ],
        cwd=copy,
        env={**kept, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "200"},
        check=False,
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout + done.stderr


def main() -> int:
    """Judge all, or those named on the command line; returns the exit status."""
    wanted = set(sys.argv[1:])
    chosen = [mutant for mutant in mutants() if not wanted or mutant.name in wanted]
    survivors = 0
    with ThreadPoolExecutor(2) as pool:
        for verdict in pool.map(judge, chosen):
            survivors += verdict.caught_by is None
            print(f"{verdict.mutant.name}: {verdict.mutant.breaks}")
            print(f"    {verdict.caught_by or verdict.why} ({verdict.seconds:.0f} s)", flush=True)
    print(f"{len(chosen) - survivors} of {len(chosen)} mutants were caught")
    return 1 if survivors or not chosen else 0


if __name__ == "__main__":
    sys.exit(main())
