"""What `pgoutput` sends, as rows: enough of PostgreSQL's "Logical Replication Message Formats" for what we publish."""

from collections.abc import Iterator
from typing import NamedTuple


class Change(NamedTuple):
    """A row that was inserted or updated, its values as text."""

    kind: str
    table: str
    row: dict[str, str | None]


class Reader:
    """Takes values off a message."""

    def __init__(self, message: bytes) -> None:
        self._rest = message

    def take(self, count: int) -> bytes:
        taken, self._rest = self._rest[:count], self._rest[count:]
        assert len(taken) == count
        return taken

    def number(self, count: int) -> int:
        return int.from_bytes(self.take(count), "big")

    def text(self) -> str:
        return self.take(self._rest.index(0) + 1)[:-1].decode()

    def value(self) -> str | None:
        kind = self.take(1)
        assert kind in b"nt", kind
        return self.take(self.number(4)).decode() if kind == b"t" else None


def changes(messages: list[bytes]) -> Iterator[Change]:
    """Yield the inserts and updates; begins, commits and types are passed over."""
    tables: dict[int, tuple[str, list[str]]] = {}
    for message in messages:
        reader = Reader(message)
        kind = reader.take(1).decode()
        if kind == "R":
            number = reader.number(4)
            name = f"{reader.text()}.{reader.text()}"
            reader.take(1)
            columns = []
            for _ in range(reader.number(2)):
                reader.take(1)
                columns.append(reader.text())
                reader.take(8)
            tables[number] = (name, columns)
        elif kind in "IU":
            name, columns = tables[reader.number(4)]
            assert reader.take(1) == b"N", "no published key changes"
            assert reader.number(2) == len(columns)
            yield Change(kind, name, {column: reader.value() for column in columns})
        else:
            assert kind in "BCYD", kind
