"""Every sentence of the pages, in one file for each language."""

from __future__ import annotations

import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

from markupsafe import Markup, escape

ENGLISH: Final = Path(__file__).with_name("en.toml")


def load(path: Path = ENGLISH) -> Any:
    """Return the words: `words.sign_in.title` for `title` in the table `sign_in`."""
    return _spaced(tomllib.loads(path.read_text(encoding="utf-8")))


def fill(sentence: str, **values: object) -> Markup:
    """Put values, escaped unless they are markup, into a sentence with names in braces."""
    return Markup(escape(sentence)).format(**values)  # noqa: S704 - what is not markup is escaped


def _spaced(found: Any) -> Any:
    if isinstance(found, dict):
        return SimpleNamespace(**{key: _spaced(value) for key, value in found.items()})
    return found
