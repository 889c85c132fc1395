"""What answers are made of: the base of generated models, and those that no generator can make."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import msgspec

if TYPE_CHECKING:
    from pgwallet_client.errors import ApiError
    from pgwallet_client.models import AccountData, HoldData, TransactionData

T = TypeVar("T")

SECRETS: Final = frozenset({"access_token", "secret", "token", "key"})
"""Members that no repr shows."""
PREFIX: Final = "pgwallet."


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """A part of an answer. Members that a newer service adds are passed over."""

    def __repr__(self) -> str:
        values = ((name, getattr(self, name)) for name in self.__struct_fields__)
        shown = (f"{name}={'…' if name in SECRETS and value else repr(value)}" for name, value in values)
        return f"{type(self).__name__}({', '.join(shown)})"


class Envelope(msgspec.Struct, Generic[T]):
    """What surrounds the data of every success."""

    data: T


class Outcome:
    """What an item of a batch adds to its fields."""

    __slots__ = ()

    if TYPE_CHECKING:
        problem: dict[str, Any] | None

    @property
    def error(self) -> ApiError | None:
        """What the single call would have raised; None where nothing was wrong with it."""
        from pgwallet_client.errors import refusal

        return None if self.problem is None else refusal(self.problem)


class _CloudEvent(msgspec.Struct):
    id: str
    source: str
    type: str
    time: datetime
    data: Any
    subject: str | None = None


class Event:
    """Something that happened (a CloudEvent): https://cloudevents.io.

    `data` is a dict where the type is one that this version does not know: pass over it.
    """

    __slots__ = ("cursor", "data", "id", "source", "subject", "time", "type")

    def __init__(self, told: object, cursor: str | None = None) -> None:
        """Read an event. Raises msgspec.ValidationError."""
        read = msgspec.convert(told, _CloudEvent)
        self.id: Final = read.id
        """Its number, as text: drop what has a number that you have seen."""
        self.source: Final = read.source
        """The database that it happened in."""
        self.type: Final = read.type.removeprefix(PREFIX)
        """What happened, like `transaction.topup`."""
        self.time: Final = read.time
        self.subject: Final = read.subject
        """The wallet, or the user where no wallet is meant."""
        self.data: Final[TransactionData | HoldData | AccountData | dict[str, Any]] = _data(self.type, read.data)
        self.cursor: Final = cursor
        """Of a stream: give it as `after` to go on behind this event."""

    def __repr__(self) -> str:
        return f"Event({self.id} {self.type} {self.data!r})"


def _data(name: str, told: object) -> TransactionData | HoldData | AccountData | dict[str, Any]:
    from pgwallet_client import models  # which are made of this module

    noun = name.partition(".")[0]
    if noun == "transaction":
        return msgspec.convert(told, models.TransactionData)
    if noun == "hold":
        return msgspec.convert(told, models.HoldData)
    if noun in {"user", "wallet"}:
        return msgspec.convert(told, models.AccountData)
    return msgspec.convert(told, dict[str, Any])


def read_event(kind: type, told: object) -> object:
    """Read what msgspec has no words for."""
    if kind is Event:
        return Event(told)
    raise NotImplementedError
