"""The operating-system account that PostgreSQL runs under, and its access to its files.

PostgreSQL refuses to run as root. If root starts it, the server runs as a system user of its own. Folders on the path
that this user cannot enter (a 0700 home, a `mktemp -d`) get an access control list that lets it in.
"""

import errno
import os
import pwd
import shutil
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from api.errors import CommandError

SYSTEM_USER = "pgwallet"
ACL = "system.posix_acl_access"
ACL_VERSION = 2
USER_OBJ, USER, GROUP_OBJ, GROUP, MASK, OTHER = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
NOBODY = 0xFFFFFFFF
SEARCH = 1


class AccountError(CommandError):
    """The account cannot be made or cannot reach its files; the text is one line that says what to do."""


@dataclass(frozen=True)
class Account:
    """The account that runs the server. `switch`: it is not the one we run as."""

    name: str
    uid: int
    gid: int
    switch: bool

    def popen(self) -> dict[str, Any]:
        """Return the arguments that make `subprocess` start a program as this account."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.switch else {}

    def can(self, test: str, path: Path) -> bool:
        """Return what `test`, an option of test(1) such as -x, says about `path` when this account asks."""
        command = ["/bin/sh", "-c", f'test {test} "$1"', "sh", str(path)]
        return subprocess.run(command, check=False, cwd="/", **self.popen()).returncode == 0  # noqa: S603


def operator() -> str:
    """Return the name of the account that we run as."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        raise AccountError(
            f"user id {os.geteuid()} has no name in /etc/passwd, which PostgreSQL needs: add one, or set DATABASE_URL"
        ) from None


def server_account(pgdata: Path) -> Account:
    """Return who runs the server: our account; for root the owner of `pgdata`, at first a new system user."""
    if os.geteuid() != 0:
        return Account(operator(), os.geteuid(), os.getegid(), switch=False)
    try:
        owner = pgdata.stat().st_uid
    except FileNotFoundError:
        owner = 0
    try:
        entry = pwd.getpwuid(owner) if owner else pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        entry = _create_system_user()
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, switch=True)


def let_in(account: Account, folder: Path) -> None:
    """Make sure that the account can reach `folder`: grant it search permission, no more, where it has none."""
    folder = folder.resolve()
    if not account.switch or account.can("-x", folder):
        return
    for step in [*reversed(folder.parents), folder]:
        if account.can("-x", step):
            continue
        try:
            _grant_search(step, account.uid)
        except OSError as error:
            supported = error.errno not in (errno.ENOTSUP, errno.ENOSYS)
            reason = error.strerror if supported else "its file system has no access control lists"
            raise AccountError(
                f"user {account.name}, who runs PostgreSQL, cannot enter {step} ({reason}): "
                f"run `chmod o+x {step}`, or work in another folder"
            ) from None


def make_readable(folder: Path) -> None:
    """Give everybody read access to the files of an installed package, which a narrow umask may have taken away."""
    for path in [folder, *folder.rglob("*")]:
        if path.is_symlink():
            continue
        mode = path.stat().st_mode & 0o7777
        wanted = mode | 0o444 | (0o111 if mode & 0o100 else 0)
        if wanted != mode:
            path.chmod(wanted)


def _create_system_user() -> pwd.struct_passwd:
    command = ["useradd", "--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin", SYSTEM_USER]
    advice = f"PostgreSQL does not run as root, and user {SYSTEM_USER} cannot be made"
    if shutil.which(command[0]) is None:
        raise AccountError(f"{advice}: there is no useradd. Make that user, or run pgwallet as an ordinary user")
    result = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603
    try:
        # a second pgwallet may have made it meanwhile
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        raise AccountError(f"{advice}: {' '.join(result.stderr.split())}") from None


def _grant_search(folder: Path, uid: int) -> None:
    """Add the entry `user:UID:--x` to the folder's access control list; nobody else gains or loses anything."""
    entries = _read_acl(folder)
    if (MASK, NOBODY) in entries:
        # The mask must grant search to our entry. The others first lose the permissions that the mask denied.
        mask = entries[MASK, NOBODY]
        for tag, owner in entries:
            if tag in (USER, GROUP_OBJ, GROUP):
                entries[tag, owner] &= mask
        entries[MASK, NOBODY] = mask | SEARCH
    else:
        entries[MASK, NOBODY] = entries[GROUP_OBJ, NOBODY] | SEARCH
    entries[USER, uid] = entries.get((USER, uid), 0) | SEARCH
    packed = [struct.pack("<HHI", tag, entries[tag, owner], owner) for tag, owner in sorted(entries)]
    os.setxattr(folder, ACL, struct.pack("<I", ACL_VERSION) + b"".join(packed))


def _read_acl(folder: Path) -> dict[tuple[int, int], int]:
    """Return {(tag, id): permissions}; without a list, the three entries of the folder's mode."""
    try:
        raw = os.getxattr(folder, ACL)
    except OSError as error:
        if error.errno != errno.ENODATA:
            raise
        mode = folder.stat().st_mode
        return {
            (USER_OBJ, NOBODY): mode >> 6 & 7,
            (GROUP_OBJ, NOBODY): mode >> 3 & 7,
            (OTHER, NOBODY): mode & 7,
        }
    return {(tag, owner): permissions for tag, permissions, owner in struct.iter_unpack("<HHI", raw[4:])}
