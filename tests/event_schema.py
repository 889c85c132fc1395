"""Holds events against docs/api/event.schema.json, strictly: a member that it does not name is a fault, too."""

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs

SCHEMA = Path(__file__).parents[1] / "docs/api/event.schema.json"


@cache
def _validator() -> jsonschema_rs.Draft202012Validator:
    found = json.loads(SCHEMA.read_text())
    for part in found["$defs"].values():
        part["additionalProperties"] = False
    return jsonschema_rs.Draft202012Validator(found, validate_formats=True)


def faults(events: Iterable[dict[str, Any]]) -> list[str]:
    """What is wrong with these events."""
    errors = ((event, next(_validator().iter_errors(event), None)) for event in events)
    return [f"{error}: {event}" for event, error in errors if error is not None]
