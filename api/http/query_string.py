"""Strict query strings, as bodies are: Litestar overlooks unknown and repeated names, and reads `1e1` as 10."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

from litestar.params import QueryParameter

from api.errors import FieldError, invalid

if TYPE_CHECKING:
    from litestar import Request
    from litestar.handlers.base import BaseRouteHandler

MOST: Final = 50
MAX_LENGTH: Final = 256
"""Of a value, in characters: the longest parameter's."""

_WHOLE: Final = re.compile(r"0|-?[1-9][0-9]{0,18}")


def check_query(request: Request[Any, Any, Any]) -> None:
    """Raise ServiceError (422) unless the route knows every name, has it once, and every number is written as one.

    What is no number at all is left to Litestar, which names it along with all else that is wrong.
    """
    known = _parameters(request.route_handler)
    # not Litestar's: it remembers each that it has read, and to list them takes it the square of their number
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
        elif name in names:
            errors.append(FieldError(name, "is given more than once"))
        elif len(value) > MAX_LENGTH:
            errors.append(FieldError(name, f"must have at most {MAX_LENGTH} characters"))
        elif known[name] is int and not _WHOLE.fullmatch(value) and _is_number(value):
            errors.append(FieldError(name, "must be a whole number"))
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
def _parameters(handler: BaseRouteHandler) -> dict[str, Any]:
    """The names of the route's query parameters, each with its type."""
    return {
        parameter.name or name: field.annotation
        for name, field in handler.parsed_fn_signature.parameters.items()
        if isinstance(parameter := field.kwarg_definition, QueryParameter)
    }
