"""Says in plain words what msgspec finds wrong with a value: its own name Python's types and regular expressions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from msgspec import inspect

from api.errors import FieldError
from api.schemas.fields import ASSET_PATTERN, RESET_TOKEN_PATTERN, TEXT_PATTERN, USERNAME_PATTERN
from api.schemas.keys import NETWORK_PATTERN
from api.schemas.webhooks import AFTER_PATTERN, URL_PATTERN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TIME: Final = "a time in RFC 3339 with an offset, like 2026-11-22T12:00:00Z"
KINDS: Final[Mapping[str, str]] = {
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "bool": "true or false",
    "uuid": "a UUID",
    "datetime": TIME,
    "array": "a list",
    "object": "a JSON object",
    "null": "null",
}
PATTERNS: Final[Mapping[str, str]] = {
    repr(pattern): words
    for pattern, words in (
        (USERNAME_PATTERN, "must be 3 to 64 of letters, digits, _, . and -"),
        (ASSET_PATTERN, "must be 2 to 12 of A-Z and 0-9, a letter first"),
        (TEXT_PATTERN, "must not contain U+0000"),
        (URL_PATTERN, "must be a URL like https://shop.example/events, without credentials and fragment"),
        (AFTER_PATTERN, "must be a cursor of events, or beginning"),
        (NETWORK_PATTERN, "must be an address or a network, like 203.0.113.0/24"),
        (RESET_TOKEN_PATTERN, "must be the 43 characters that an operator handed over"),
    )
}
UNKNOWN: Final = "is not a known field"
REQUIRED: Final = "is required"

_SAID: Final[tuple[tuple[re.Pattern[str], str], ...]] = tuple(
    (re.compile(pattern, re.DOTALL), words)
    for pattern, words in (
        (r"Expected `int( \| null)?`, got `float`", "must be a whole number, without a point or exponent"),
        (r"Expected `int` >= (-?\d+)", "must be a whole number of at least {0}"),
        (r"Expected `int` <= (-?\d+)", "must be a whole number of at most {0}"),
        (r"Expected `(?:str|array)` of length >= 1", "must not be empty"),
        (r"Expected `str` of length >= (\d+)", "must have at least {0} characters"),
        (r"Expected `str` of length <= (\d+)", "must have at most {0} characters"),
        (r"Expected `array` of length >= (\d+)", "must have at least {0} items"),
        (r"Expected `array` of length <= (\d+)", "must have at most {0} items"),
        (r"Invalid UUID", "must be a UUID"),
        (r"Invalid RFC3339 encoded datetime", f"must be {TIME}"),
        (r"Expected `datetime` with a timezone component", f"must be {TIME}"),
        (r"(?:Integer value|Number) out of range", "is out of range"),
        (r"Invalid enum value .*", "must be one of the values in the documentation"),
    )
)
_TYPES: Final = re.compile(r"Expected `([a-z |]+)`(?:, got `[a-z]+`)?")
_LOCATION: Final = " - at `$"
_PATH: Final = re.compile(r"(?:\.\w+|\[\d+\])*")
_STEP: Final = re.compile(r"\.(\w+)|\[")
_MEMBER: Final = re.compile(r"Object (contains unknown|missing required) field `(.*)`", re.DOTALL)


def fault(name: str, said: str, annotation: Any = None) -> FieldError:
    """Return the fault of the field, or of what is inside it, for what msgspec says of a value of this type."""
    before, _, path = said.rpartition(_LOCATION)
    if before and path.endswith("`") and _PATH.fullmatch(path[:-1]):
        said, path = before, path[:-1]
    else:
        path = ""
    if member := _MEMBER.fullmatch(said):
        return FieldError(f"{name}{path}.{member[2]}", REQUIRED if member[1].startswith("missing") else UNKNOWN)
    if said.startswith("Invalid enum value") and (values := _choices(annotation, path)):
        return FieldError(name + path, one_of(values))
    return FieldError(name + path, _in_words(said))


def one_of(values: list[str]) -> str:
    """Say which values there are."""
    return f"must be one of {', '.join(values)}"


def _in_words(said: str) -> str:
    for pattern, words in _SAID:
        if found := pattern.fullmatch(said):
            return words.format(*found.groups())
    if found := _TYPES.fullmatch(said):
        return f"must be {' or '.join(KINDS.get(kind, kind) for kind in found[1].split(' | '))}"
    return PATTERNS.get(said.removeprefix("Expected `str` matching regex "), "is not valid")


def _choices(annotation: Any, path: str) -> list[str]:
    """Return the values of the enumeration at this place of the type; none if there is none."""
    kinds = list(_kinds(inspect.type_info(annotation)))
    for step in _STEP.finditer(path):
        name = step[1]
        kinds = [
            inner
            for kind in kinds
            for found in (
                [field.type for field in kind.fields if field.encode_name == name]
                if isinstance(kind, inspect.StructType)
                else [kind.item_type]
                if isinstance(kind, inspect.ListType)
                else []
            )
            for inner in _kinds(found)
        ]
    return [str(value) for kind in kinds if isinstance(kind, inspect.LiteralType) for value in kind.values]


def _kinds(kind: inspect.Type) -> Iterator[inspect.Type]:
    """Return the alternatives of a type, without the wrapper of its documentation."""
    if isinstance(kind, inspect.Metadata):
        yield from _kinds(kind.type)
    elif isinstance(kind, inspect.UnionType):
        for inner in kind.types:
            yield from _kinds(inner)
    else:
        yield kind
