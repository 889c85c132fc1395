"""Forms and queries as people send them: text by name, kept as typed, with what is wrong with each field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import parse_qsl
from uuid import UUID, uuid4

import msgspec
from msgspec import Struct

from api.errors import BAD_REQUEST, INVALID_ARGUMENT, VALIDATION, FieldError, ServiceError, invalid
from api.http.wording import fault
from api.pages import amounts
from api.pages.amounts import AmountError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

S = TypeVar("S", bound=Struct)

MOST_FIELDS: Final = 60
INVALID: Final = (VALIDATION, INVALID_ARGUMENT)
SECRET: Final = ("password", "current_password", "new_password", "again", "token", "_csrf_token")
"""Fields that no page repeats."""


class MistakeError(Exception):
    """A field cannot be read; `text` tells the person why."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(text)
        self.field = field
        self.text = text


class Form:
    """What was typed, and what is wrong with it. Templates read it."""

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        self.values = dict(values or {})
        self.mistakes: dict[str, str] = {}
        self.called: dict[str, str] = {}
        """Fields of the request that have another name in the form."""
        self.message: str | None = None

    def __getitem__(self, name: str) -> str:
        return self.values.get(name, "")

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def text(self, name: str) -> str | None:
        """What was typed, without the spaces around it; None for nothing."""
        return self[name].strip() or None

    def txn_id(self, name: str = "txn_id") -> UUID:
        """Return the id that this form carries. Raises ServiceError (422)."""
        try:
            return UUID(self[name])
        except ValueError:
            raise invalid(FieldError(name, "must be a UUID")) from None

    def amount(self, words: Any, scale: int, name: str = "amount", *, zero: bool = False) -> int:
        """Return the amount in minor units. Raises MistakeError."""
        try:
            return amounts.read(self[name], scale, zero=zero)
        except AmountError as error:
            text = getattr(words.amount, error.reason)
            one = 10**scale
            example, exactly = amounts.plain(12 * one + one // 2, scale), amounts.plain(1250 * one, scale)
            raise MistakeError(name, text.format(scale=scale, example=example, exactly=exactly)) from None

    def whole(self, words: Any, name: str, low: int, high: int) -> int:
        """Return a whole number. Raises MistakeError."""
        text = self[name].strip()
        if not text.isascii() or not text.isdigit() or len(text) > 18 or not low <= int(text) <= high:
            raise MistakeError(name, words.forms.whole.format(low=low, high=high))
        return int(text)

    def fresh(self) -> None:
        """Let it be sent as a new request."""
        self.values["txn_id"] = str(uuid4())

    def kept(self) -> Iterator[tuple[str, str]]:
        """What can be sent once more, without what is secret."""
        return ((name, value) for name, value in self.values.items() if name not in SECRET)

    def note(self, refusal: ServiceError | MistakeError, *, to_operator: bool = False) -> None:
        """Take up why it was refused."""
        if isinstance(refusal, MistakeError):
            self.mistakes[refusal.field] = refusal.text
            return
        self.message = refusal.told(to_operator=to_operator)
        for error in refusal.errors:
            name = error.field.rpartition(".")[2]
            # what is wrong with the values alone is told of each; another refusal has one reason
            alone = ServiceError(refusal.kind, errors=[error]).told(to_operator=to_operator)
            self.mistakes[self.called.get(name, name)] = alone if refusal.kind in INVALID else self.message


def parse(raw: bytes) -> dict[str, str]:
    """Read a query, or the body of a form. Raises ServiceError (400); of a repeated name the last value counts.

    Litestar's parsers keep what they read, passwords with it, and take time that grows with the square of the names.
    """
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict")
    except ValueError:
        raise ServiceError(BAD_REQUEST, f"A form has at most {MOST_FIELDS} fields, in UTF-8.") from None
    return {name: value.replace("\x00", "\ufffd").replace("\r\n", "\n") for name, value in pairs}


def convert(model: type[S], **values: object) -> S:
    """Build the request that the API's route would have read. Raises ServiceError (422) for what it would refuse."""
    given = {name: value for name, value in values.items() if value is not None}
    try:
        return msgspec.convert(given, model)
    except msgspec.ValidationError as error:
        found = fault("", str(error), model)
        raise invalid(FieldError(found.field.lstrip("."), found.message)) from None
