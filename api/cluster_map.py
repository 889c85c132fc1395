"""The map of a cluster: the file that names its databases, and the rules by which ids and names find theirs.

homes = [[0, 1]]            # generations, oldest first: the databases among which names are spread

[[databases]]
number = 0
api_url = "postgresql://wallet_api:…@db0/wallet"       # of the service
relay_url = "postgresql://wallet_relay:…@db0/wallet"   # of what carries transfers between databases
read_url = "postgresql://wallet_api:…@db0b/wallet"     # a standby for reads, may be left out
url = "postgresql://postgres@db0/wallet"               # of administrators: only the commands need it
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from api import urls
from api.errors import CommandError

if TYPE_CHECKING:
    from pathlib import Path
    from uuid import UUID

NUMBERS: Final = 4096
SHIFT: Final = 40
"""Numbers of transactions, events, holds and others begin at the database's number, shifted by so many bits."""
ADDRESSES: Final = ("api_url", "relay_url", "read_url", "url")


class ClusterError(CommandError):
    """The map cannot be used; the text is one line that names the file and what is wrong in it."""


@dataclass(frozen=True)
class Member:
    """One database: its number, and its addresses as the file has them."""

    number: int
    api_url: str | None = None
    relay_url: str | None = None
    read_url: str | None = None
    url: str | None = None

    def __repr__(self) -> str:
        return f"Member({self.number})"


@dataclass(frozen=True)
class ClusterMap:
    """What the file says. `homes` has a row of numbers for each generation, the oldest first."""

    members: tuple[Member, ...]
    homes: tuple[tuple[int, ...], ...]

    def homes_of(self, username: str) -> list[int]:
        """Return the databases in which the name may live, the newest generation first, each once."""
        return list(dict.fromkeys(home_of(username, numbers) for numbers in reversed(self.homes)))

    def text(self) -> str:
        """Return the file that says this."""
        lines = [f"homes = {[list(row) for row in self.homes]}"]
        for member in self.members:
            lines += ["", "[[databases]]", f"number = {member.number}"]
            found = ((name, getattr(member, name)) for name in ADDRESSES)
            # what JSON escapes in a URL, TOML escapes in the same way
            lines += [f"{name} = {json.dumps(url, ensure_ascii=False)}" for name, url in found if url is not None]
        return "\n".join(lines) + "\n"


def number_of(identifier: UUID) -> int:
    """Return the number of the database in which a user or wallet lives: `wallet.number_of()`."""
    value = identifier.int
    return value & (NUMBERS - 1) if value >> 76 & 15 == 8 else 0


def number_of_row(row_id: int) -> int:
    """Return the number of the database that drew this number of a transaction, event, hold or other row."""
    return row_id >> SHIFT


def home_of(username: str, numbers: tuple[int, ...]) -> int:
    """Return the database among these in which a name lives: `wallet.home_of()`."""
    # folded as the database does: ASCII letters alone
    folded = bytes(byte + 32 if 65 <= byte <= 90 else byte for byte in username.encode("utf-8", "surrogatepass"))
    return numbers[int.from_bytes(hashlib.sha256(folded).digest()[:7]) % len(numbers)]


def load(file: Path) -> ClusterMap:
    """Read the file. Raises ClusterError."""
    try:
        found = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        # whatever is in the file: also a number of too many digits, and lists in lists without end
        raise ClusterError(f"the map of the cluster, {file}, cannot be read: {error}") from None
    try:
        return parse(found)
    except ValueError as error:
        raise ClusterError(f"the map of the cluster, {file}: {error}") from None


def parse(found: dict[str, Any]) -> ClusterMap:
    """Return what the parsed file says. Raises ValueError with what is wrong."""
    if unknown := sorted(set(found) - {"homes", "databases"}):
        raise ValueError(f"unknown key {unknown[0]}; there are homes and databases")
    databases = found.get("databases")
    if not isinstance(databases, list) or not databases:
        raise ValueError("databases must be a list of tables: [[databases]]")
    members = tuple(sorted((_member(entry) for entry in databases), key=lambda member: member.number))
    numbers = [member.number for member in members]
    if len(set(numbers)) < len(numbers):
        raise ValueError("two databases have the same number")
    homes = found.get("homes")
    if not isinstance(homes, list) or not homes or not all(isinstance(row, list) and row for row in homes):
        raise ValueError("homes must be a list of lists of numbers, one for each generation, the oldest first")
    for row in homes:
        if missing := [number for number in row if type(number) is not int or number not in numbers]:
            raise ValueError(f"homes name {missing[0]!r}, which is no database")
        if len(set(row)) < len(row):
            raise ValueError("a generation of homes names a database twice")
    return ClusterMap(members, tuple(tuple(row) for row in homes))


def _member(entry: Any) -> Member:
    if not isinstance(entry, dict) or type(entry.get("number")) is not int or not 0 <= entry["number"] < NUMBERS:
        raise ValueError(f"each database needs a number from 0 to {NUMBERS - 1}")
    if unknown := sorted(set(entry) - {"number", *ADDRESSES}):
        raise ValueError(f"database {entry['number']}: unknown key {unknown[0]}")
    for name in ADDRESSES:
        if name in entry and (not isinstance(entry[name], str) or urls.fault(entry[name])):
            fault = urls.fault(entry[name]) if isinstance(entry[name], str) else "text"
            raise ValueError(f"database {entry['number']}: {name} must be {fault}")
    return Member(entry["number"], **{name: entry[name] for name in ADDRESSES if name in entry})
