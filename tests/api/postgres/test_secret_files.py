"""Secrets that are generated once."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from api.postgres.secret_files import previous, read_or_create, rotate
from api.settings import SettingsError


def test_of_several_that_race_all_get_one_secret(tmp_path: Path) -> None:
    for attempt in range(20):
        path = tmp_path / f"secret{attempt}"
        start = Barrier(4)

        def make(path: Path = path, start: Barrier = start) -> str:
            start.wait()
            return read_or_create(path)

        with ThreadPoolExecutor(4) as pool:
            found = [future.result() for future in [pool.submit(make) for _ in range(4)]]
        assert len(set(found)) == 1
        assert read_or_create(path) == found[0]
    assert len(list(tmp_path.iterdir())) == 20


def test_it_is_long_and_private(tmp_path: Path) -> None:
    path = tmp_path / "new" / "secret"
    assert len(read_or_create(path)) >= 43
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_rotation_keeps_some_of_the_secrets_before(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    found = [read_or_create(path)]
    for _ in range(5):
        rotate(path, keep=True)
        found.insert(0, read_or_create(path))
    assert len(set(found)) == 6
    assert previous(path) == found[1:4]
    assert {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()} == {0o600}


def test_a_secret_that_leaked_is_dropped_with_those_before_it(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    leaked = read_or_create(path)
    rotate(path, keep=True)
    rotate(path, keep=False)
    assert previous(path) == []
    assert read_or_create(path) != leaked


@pytest.mark.parametrize("content", [b"short\n", b"\xff" * 40])
def test_a_file_of_secrets_before_that_holds_others_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "secret.previous").write_bytes(content)
    with pytest.raises(SettingsError, match=str(tmp_path)):
        previous(tmp_path / "secret")


@pytest.mark.parametrize("content", [b"short\n", b"\xff" * 40])
def test_a_file_that_is_no_secret_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "secret"
    path.write_bytes(content)
    with pytest.raises(SettingsError, match=str(path)):
        read_or_create(path)
