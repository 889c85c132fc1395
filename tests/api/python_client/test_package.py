"""The client is a package of its own: it installs and imports where nothing of the service is."""

import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

from tests.docs.markdown import ROOT

SOURCE = ROOT / "clients/python"
PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
import pgwallet_client
assert pgwallet_client.__file__.startswith(sys.argv[1]), pgwallet_client.__file__
assert not [name for name in sys.modules if name.split(".")[0] in ("api", "tests", "litestar", "asyncpg")]
print(pgwallet_client.__version__, repr(pgwallet_client.Client("https://wallet.example")))
"""


def test_the_wheel_has_all_it_needs(tmp_path: Path) -> None:
    shutil.copytree(SOURCE, tmp_path / "source", ignore=shutil.ignore_patterns("__pycache__", "build", "*.egg-info"))
    alone = ("--quiet", "--no-deps", "--no-build-isolation", "--no-index")
    build = [sys.executable, "-m", "pip", "wheel", *alone, "--wheel-dir", str(tmp_path), str(tmp_path / "source")]
    subprocess.run(build, check=True, cwd=tmp_path)
    (wheel,) = tmp_path.glob("pgwallet_client-*.whl")
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info" not in name}
    files = [file for file in (SOURCE / "pgwallet_client").iterdir() if file.is_file()]
    assert names == {f"pgwallet_client/{file.name}" for file in files}
    done = subprocess.run(
        [sys.executable, "-I", "-c", PROGRAM, wheel], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    version = tomllib.loads((SOURCE / "pyproject.toml").read_text())["project"]["version"]
    assert done.stdout == f"{version} <Client https://wallet.example, not signed in>\n"
