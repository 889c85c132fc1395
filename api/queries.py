"""Strict query strings, as bodies are: Litestar overlooks unknown and repeated names, and reads `1e1` as 10."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from litestar.params import QueryParameter

from api.errors import FieldError, invalid

if TYPE_CHECKING:
    from litestar import Request
    from litestar.handlers.base import BaseRouteHandler

_WHOLE: Final = re.compile(r"0|-?[1-9][0-9]{0,18}")


def check_query(request: Request[Any, Any, Any]) -> None:
    """Raise ServiceError (422) unless the route knows every name, has it once, and every number is written as one.

    What is no number at all is left to Litestar, which names it along with all else that is wrong.
    """
    known = _parameters(request.route_handler)
    given = request.query_params
    errors = []
    for name, values in given.dict().items():
        if name not in known:
            errors.append(FieldError(name, "is not a known parameter"))
        elif len(values) > 1:
            errors.append(FieldError(name, "is given more than once"))
        elif known[name] is int and not _WHOLE.fullmatch(values[0]) and _is_number(values[0]):
            errors.append(FieldError(name, "must be a whole number"))
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
