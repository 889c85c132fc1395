"""Checks query strings as strictly as bodies: Litestar ignores unknown and repeated names, and reads `1e1` as 10."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Literal, get_args, get_origin
from urllib.parse import parse_qsl

from litestar.params import QueryParameter

from api.errors import FieldError, invalid
from api.http.wording import one_of

if TYPE_CHECKING:
    from litestar import Request
    from litestar.handlers.base import BaseRouteHandler

MOST: Final = 50
MAX_LENGTH: Final = 256
"""Characters of a value: the longest parameter has so many."""

_WHOLE: Final = re.compile(r"0|-?[1-9][0-9]{0,18}")


def check_query(request: Request[Any, Any, Any]) -> None:
    """Raise ServiceError (422) for unknown names, repeated names, whole numbers in another spelling, and other values.

    Litestar refuses what is no number at all, together with all its other faults.
    """
    known = _parameters(request.route_handler)
    # Litestar's own parser caches every query string, and its time grows with the square of the number of names
    query = request.scope["query_string"].decode("latin-1")
    try:
        given = parse_qsl(query, keep_blank_values=True, max_num_fields=MOST)
    except ValueError:
        raise invalid(FieldError("query", f"has more than {MOST} parameters")) from None
    errors = []
    names = set()
    for name, value in given:
        if name not in known:
            errors.append(FieldError(name, "is not a known parameter"))
        elif name in names and not _is_list(known[name]):
            errors.append(FieldError(name, "is given more than once"))
        elif len(value) > MAX_LENGTH:
            errors.append(FieldError(name, f"must have at most {MAX_LENGTH} characters"))
        elif known[name] is int and not _WHOLE.fullmatch(value) and _is_number(value):
            errors.append(FieldError(name, "must be a whole number"))
        elif (values := _choices(known[name])) and value not in values:
            errors.append(FieldError(name, one_of(values)))
        names.add(name)
    if errors:
        raise invalid(*errors)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


@lru_cache
def _is_list(annotation: Any) -> bool:
    """Whether a parameter can be given several times."""
    return get_origin(annotation) is list or any(_is_list(part) for part in get_args(annotation))


@lru_cache
def _choices(annotation: Any) -> list[str]:
    """Return the values of an enumeration; none for any other type."""
    if get_origin(annotation) is Literal:
        return [str(value) for value in get_args(annotation)]
    return [value for part in get_args(annotation) for value in _choices(part)]


@lru_cache
def _parameters(handler: BaseRouteHandler) -> dict[str, Any]:
    """Return the names of the route's query parameters, each with its type."""
    return {
        parameter.name or name: field.annotation
        for name, field in handler.parsed_fn_signature.parameters.items()
        if isinstance(parameter := field.kwarg_definition, QueryParameter)
    }
