"""The schema and the examples of events: what consumers are told is what the functions tell."""

import json
import re

import psycopg

from tests.docs.event_files import EXAMPLES, SCHEMA, as_text, examples, read, schema
from tests.docs.markdown import FENCE, ROOT, rows
from tests.event_schema import faults

GUIDE = ROOT / "docs/guides/events.md"
ANEW = "python -m tests.docs.event_files writes it anew"


def test_the_schema_is_that_of_the_service() -> None:
    assert SCHEMA.read_text() == as_text(schema()), ANEW


def test_the_examples_are_what_the_functions_tell(administrator: psycopg.Connection) -> None:
    assert EXAMPLES.read_text() == as_text(examples(administrator)), ANEW


def test_every_event_has_an_example_and_every_example_is_valid(administrator: psycopg.Connection) -> None:
    found = json.loads(EXAMPLES.read_text())
    (types,) = administrator.execute("select wallet.event_types()").fetchone() or ([],)
    assert {event["type"] for event in found} == {f"pgwallet.{name}" for name in types}
    assert faults(found) == []
    assert faults(read(administrator, 0)) == [], "those of the seeds, too"


def test_the_schema_refuses_what_is_no_event() -> None:
    event = json.loads(EXAMPLES.read_text())[3]
    assert faults([event]) == []
    for broken in (
        {**event, "type": "pgwallet.transaction.unknown"},
        {**event, "id": 4},
        {**event, "time": "yesterday"},
        {**event, "data": {**event["data"], "amount": "500"}},
        {**event, "data": {**event["data"], "of_nobody": "undocumented"}},
        {name: value for name, value in event.items() if name != "subject"},
    ):
        assert len(faults([broken])) == 1, broken


def test_the_guide_shows_examples_and_names_all_types(administrator: psycopg.Connection) -> None:
    blocks = [json.loads(block[2]) for block in FENCE.finditer(GUIDE.read_text()) if block[1] == "json"]
    known = json.loads(EXAMPLES.read_text())
    assert blocks
    assert [block for block in blocks if block not in known] == []
    (types,) = administrator.execute("select wallet.event_types()").fetchone() or ([],)
    named = [name for row in rows(GUIDE) for name in re.findall(r"`((?:transaction|hold|user|wallet)\.\w+)`", row[0])]
    assert sorted(named) == sorted(types)
