"""The access control list that lets one user through a folder, and nobody else."""

import os
import shutil
import struct
from pathlib import Path

import pytest

from api.postgres import os_account
from api.postgres.os_account import ACL, GROUP, GROUP_OBJ, MASK, NOBODY, OTHER, USER, USER_OBJ, Account, AccountError

GUEST = 12345


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "closed"
    found.mkdir(mode=0o700)
    return found


def write_acl(folder: Path, entries: dict[tuple[int, int], int]) -> None:
    packed = [struct.pack("<HHI", tag, entries[tag, owner], owner) for tag, owner in sorted(entries)]
    os.setxattr(folder, ACL, struct.pack("<I", 2) + b"".join(packed))


def test_a_closed_folder_gets_one_entry(folder: Path) -> None:
    os_account._grant_search(folder, GUEST)
    assert os_account._read_acl(folder) == {
        (USER_OBJ, NOBODY): 7,
        (USER, GUEST): 1,
        (GROUP_OBJ, NOBODY): 0,
        (MASK, NOBODY): 1,
        (OTHER, NOBODY): 0,
    }


def test_granting_again_changes_nothing(folder: Path) -> None:
    os_account._grant_search(folder, GUEST)
    before = os.getxattr(folder, ACL)
    os_account._grant_search(folder, GUEST)
    assert os.getxattr(folder, ACL) == before


def test_a_wider_mask_gives_nothing_to_others(folder: Path) -> None:
    # the mask hides x from user 7 and from group 8
    write_acl(
        folder,
        {
            (USER_OBJ, NOBODY): 7,
            (USER, 7): 5,
            (GROUP_OBJ, NOBODY): 5,
            (GROUP, 8): 7,
            (MASK, NOBODY): 4,
            (OTHER, NOBODY): 0,
        },
    )
    os_account._grant_search(folder, GUEST)
    assert os_account._read_acl(folder) == {
        (USER_OBJ, NOBODY): 7,
        (USER, 7): 4,
        (USER, GUEST): 1,
        (GROUP_OBJ, NOBODY): 4,
        (GROUP, 8): 4,
        (MASK, NOBODY): 5,
        (OTHER, NOBODY): 0,
    }


def test_without_lists_it_says_what_to_do(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "setxattr", refuse)
    monkeypatch.setattr(Account, "can", lambda _self, _test, path: path != folder)
    guest = Account("guest", GUEST, GUEST, switch=True)
    with pytest.raises(AccountError) as caught:
        os_account.let_in(guest, folder)
    assert str(caught.value) == (
        f"user guest, who runs PostgreSQL, cannot enter {folder} (its file system has no access control lists): "
        f"run `chmod o+x {folder}`, or work in another folder"
    )


def test_an_ordinary_user_changes_no_permissions(folder: Path) -> None:
    os_account.let_in(Account("me", os.geteuid(), os.getegid(), switch=False), folder)
    assert os.listxattr(folder) == []


def test_a_package_from_a_narrow_umask_becomes_readable(folder: Path) -> None:
    program, data = folder / "program", folder / "data"
    program.touch(0o700)
    data.touch(0o600)
    os_account.make_readable(folder)
    assert [path.stat().st_mode & 0o777 for path in (folder, program, data)] == [0o755, 0o755, 0o644]


def test_without_useradd_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(AccountError, match="there is no useradd"):
        os_account._create_system_user()
