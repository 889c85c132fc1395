"""The client is a package of its own: it installs and imports where nothing of the service is."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from api import __version__
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
    # as pip does it, with the setuptools that are here
    build = f"from setuptools import build_meta; build_meta.build_wheel({str(tmp_path)!r})"
    subprocess.run([sys.executable, "-c", build], check=True, cwd=tmp_path / "source", capture_output=True)
    (wheel,) = tmp_path.glob("pgwallet_client-*.whl")
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info" not in name}
    files = [file for file in (SOURCE / "pgwallet_client").iterdir() if file.is_file()]
    assert names == {f"pgwallet_client/{file.name}" for file in files}
    done = subprocess.run(
        [sys.executable, "-I", "-c", PROGRAM, wheel], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{__version__} <Client https://wallet.example, not signed in>\n", "one version for all"
