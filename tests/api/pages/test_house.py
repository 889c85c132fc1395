"""The rules of the pages' rooms: words are in one file, script and style in small ones, and no markup has any."""

import html
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from jinja2 import Environment, nodes

import api.pages
from api.pages.routes.moves import PATHS
from api.pages.words import load

HOME = Path(api.pages.__file__).parent
TEMPLATES = sorted((HOME / "templates").iterdir())
CODE = "\n".join(file.read_text() for file in sorted(HOME.rglob("*.py")))
WORDS = {name: set(vars(table)) for name, table in vars(load()).items() if not isinstance(table, str)}
FILLED_IN = "\x00"
TAG = re.compile(r"<!?/?\w[^>]*>")
ATTRIBUTE = re.compile(r'[\w-]+="[^"]*"')
"""In a block that fills an attribute in."""
SAID = re.compile(r"""\s(?:alt|title|placeholder|aria-label|content)="([^"]*)\"""")
NO_WORDS = {"width=device-width, initial-scale=1", "light dark"}
"""What a browser reads, in attributes that people read elsewhere."""
LETTERS = re.compile(r"[^\W\d_]{2,}")


def lexed(template: Path) -> tuple[str, list[str]]:
    """The markup of a template, with one character for what is filled in; and its string literals."""
    markup, literals, inside = [], [], False
    for _, kind, value in Environment(autoescape=True).lex(template.read_text()):
        if kind == "variable_begin":
            markup.append(FILLED_IN)
            inside = True
        elif kind == "variable_end":
            inside = False
        elif kind == "data":
            markup.append(value)
        elif kind == "string" and inside:
            literals.append(value[1:-1])
    return "".join(markup), literals


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda file: file.name)
def test_a_template_has_no_words_of_its_own(template: Path) -> None:
    markup, literals = lexed(template)
    shown = [
        html.unescape(ATTRIBUTE.sub(" ", TAG.sub(" ", markup))),
        *(text for text in SAID.findall(markup) if text not in NO_WORDS),
    ]
    assert [word for text in shown for word in LETTERS.findall(text)] == []
    # a literal that is filled in is a path, a class or an attribute: no sentence, and no capital
    assert [text for text in literals if re.search(r"\b[A-Z][a-z]|[a-z][.!?]( |$)", text)] == []


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda file: file.name)
def test_a_template_has_no_script_and_no_style_in_it(template: Path) -> None:
    markup, _ = lexed(template)
    for tag in TAG.findall(markup):
        assert not re.search(r"\s(style|on\w+)\s*=", tag, re.IGNORECASE), tag
        assert not re.match(r"<style\b", tag, re.IGNORECASE), tag
        assert not re.match(r"<script\b(?!.*\ssrc=)", tag, re.IGNORECASE), tag
        assert not re.search(r"=\s*[\"']?\s*(javascript|data|https?):", tag, re.IGNORECASE), tag


@pytest.mark.parametrize(("name", "most"), [("pages.js", 100), ("pages.css", 300)])
def test_script_and_style_are_small(name: str, most: int) -> None:
    text = (HOME / "static" / name).read_text()
    assert len(text.splitlines()) <= most
    assert max(map(len, text.splitlines())) <= 200
    assert "//" not in re.sub(r"(?m)//.*$", "", text) if name.endswith("js") else "http" not in text


def test_there_are_no_other_files() -> None:
    assert {file.name for file in (HOME / "static").iterdir()} == {"icon.svg", "pages.css", "pages.js"}
    assert {file.suffix for file in TEMPLATES} == {".html"}


# words


def chain(node: nodes.Node) -> list[str | None] | None:
    """What is looked up in `words`, key by key, None for a key that is known later; None for other things."""
    if isinstance(node, nodes.Name):
        return [] if node.name == "words" else None
    if not isinstance(node, nodes.Getattr | nodes.Getitem):
        return None
    before = chain(node.node)
    if before is None:
        return None
    if isinstance(node, nodes.Getattr):
        return [*before, node.attr]
    return [*before, node.arg.value if isinstance(node.arg, nodes.Const) else None]


def used_in_templates() -> Iterator[tuple[str, str | None]]:
    """Table and key of each word that a template names; no key where any of the table can be meant."""
    for template in TEMPLATES:
        tree = Environment(autoescape=True).parse(template.read_text())
        looks = [*tree.find_all((nodes.Getattr, nodes.Getitem))]
        inner = {id(look.node) for look in looks if isinstance(look, nodes.Getattr | nodes.Getitem)}
        for look in looks:
            found = chain(look)
            if found is None or id(look) in inner:
                continue
            table, *keys = found
            if table is None:  # `words[kind]`, for which a name stands
                given = [one.target for one in tree.find_all(nodes.Assign) if one.node is look]
                names = {name.name for name in given if isinstance(name, nodes.Name)}
                for one in tree.find_all(nodes.Getattr):
                    if isinstance(one.node, nodes.Name) and one.node.name in names:
                        yield from ((kind, one.attr) for kind in PATHS.values())
            elif table != "lang":
                yield table, keys[0] if keys else None


def used_in_code() -> Iterator[tuple[str, str | None]]:
    for table, key in re.findall(r"\bwords\.(\w+)(?:\.(\w+))?", CODE):
        yield table, key or None
    for name, table in re.findall(r"\b(\w+) = (?:self\.)?words\.(\w+)$", CODE, re.MULTILINE):
        yield from ((table, key) for key in re.findall(rf"\b{name}\.(\w+)", CODE))


def test_every_word_that_is_used_exists() -> None:
    used = {*used_in_templates(), *used_in_code()}
    assert len(used) > 100
    aliases = set(re.findall(r"\b(\w+) = (?:self\.)?words\.\w+$", CODE, re.MULTILINE))
    assert aliases <= {"nav"}
    assert {table for table, _ in used} - WORDS.keys() == set()
    # the transfer and the hold have less to say than the form can ask for
    assert {(table, key) for table, key in used if key and key not in WORDS[table]} - {
        (kind, key) for kind in PATHS.values() for key in ("closed",)
    } == set()


def test_every_word_is_used() -> None:
    used = {*used_in_templates(), *used_in_code()}
    whole = {table for table, key in used if key is None}
    named = {(table, key) for table, keys in WORDS.items() for key in keys if table not in whole}
    assert named - used == set()


def test_no_two_tables_have_one_name() -> None:
    names = re.findall(r"^\[(\w+)\]$", (HOME / "words" / "en.toml").read_text(), re.MULTILINE)
    assert len(names) == len(set(names)) == len(WORDS)
