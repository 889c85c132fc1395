"""Cursors and pages of events over several databases: they lose nothing, and repeat nothing, at any size of a page."""

import json
from base64 import urlsafe_b64encode
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.database.requests import EventFilters
from api.database.rows import EventRow
from api.errors import SQLSTATES, ServiceError
from api.events.cursors import Cursor, Cursors, read_cursor, read_cursors
from api.events.pages import Asked, EventsPage, Part, merged

EPOCHS = st.integers(0, 2**31 - 1)
IDS = st.integers(0, 2**63 - 1)
MADE = st.dictionaries(st.integers(0, 4095), st.builds(Cursor, EPOCHS, IDS), max_size=8)


@given(MADE)
def test_what_was_spelled_is_read_back(found: dict[int, Cursor]) -> None:
    """A database of which nothing was read is at its beginning, which has one spelling: none."""
    read = read_cursors(str(Cursors(found)))
    assert {number: cursor for number, cursor in read.items() if cursor.id} == {
        number: cursor for number, cursor in found.items() if cursor.id
    }
    assert str(read) == str(Cursors(found))


@given(EPOCHS, IDS)
def test_with_the_first_database_alone_it_is_the_cursor_of_one(epoch: int, event: int) -> None:
    cursor = Cursor(epoch, event)
    assert str(Cursors({0: cursor, 3: Cursor(7, 0)})) == str(cursor)
    assert read_cursors(str(cursor)) == {0: cursor}
    assert read_cursor(str(cursor)) == cursor


def raw(*parts: tuple[int, int, int]) -> str:
    packed = b"\2" + b"".join(
        number.to_bytes(2) + epoch.to_bytes(4) + event.to_bytes(8) for number, epoch, event in parts
    )
    return urlsafe_b64encode(packed).decode().rstrip("=")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "A" * 18,
        raw(),
        raw((4096, 1, 1)),
        raw((2, 1, 1), (1, 1, 1)),
        raw((1, 1, 1), (1, 1, 2)),
        raw((1, 1, 0)),
        raw((0, 1, 1)),
        raw((1, 2**31, 1)),
        raw((1, 1, 2**63)),
        raw((1, 1, 1)) + "A",
        raw((1, 1, 1))[:-1],
    ],
)
def test_what_was_not_made_here_is_refused(text: str) -> None:
    with pytest.raises(ServiceError) as refusal:
        read_cursors(text)
    assert refusal.value.kind is SQLSTATES["WA024"]


def test_a_cursor_of_several_is_none_of_one() -> None:
    with pytest.raises(ServiceError):
        read_cursor(raw((1, 1, 1)))


def event(number: int, place: int, second: int) -> EventRow:
    told = json.dumps({"time": f"2026-11-27T00:00:{second:02}.000000Z"})
    return EventRow((number << 40) + place, "transaction.topup", None, None, told.encode())


LISTS = st.lists(st.integers(0, 59), max_size=12)


@settings(max_examples=60, deadline=None)
@given(st.tuples(LISTS, LISTS, LISTS), st.integers(1, 9), st.sampled_from([None, 0, 1, 2]))
def test_pages_have_each_event_once_and_each_database_in_order(
    moments: tuple[list[int], ...], limit: int, away_first: int | None
) -> None:
    """Times need not rise as ids do. A database that is away for the first page is read later."""
    has = {number: [event(number, place, at) for place, at in enumerate(of, 1)] for number, of in enumerate(moments)}
    read: list[EventRow] = []
    after = Cursors()
    page: EventsPage | None = None
    while page is None or page.more or page.away:
        away = [number for number in has if page is None and number == away_first]
        parts = {}
        for number, rows in has.items():
            if number not in away:
                begin = after.at(number)
                left = [row for row in rows if row.id > begin.id]
                last = left[:limit][-1].id if left else begin.id
                parts[number] = Part(left[:limit], Cursor(5, last), len(left) > limit)
        page = merged(parts, Asked(read_cursors(str(after)), limit, EventFilters(), uuid4()), away)
        assert page.away == away
        assert len(page.items) <= limit
        read += page.items
        assert all(page.next.at(number) == after.at(number) for number in away)
        after = read_cursors(str(page.next))
    for number, rows in has.items():
        assert [row for row in read if row.id >> 40 == number] == rows


def test_a_page_is_merged_by_time() -> None:
    parts = {
        0: Part([event(0, 1, 1), event(0, 2, 5)], Cursor(1, 2), more=False),
        1: Part([event(1, 1, 2), event(1, 2, 3)], Cursor(1, (1 << 40) + 2), more=False),
    }
    page = merged(parts, Asked(Cursors(), 3, EventFilters(), uuid4()))
    assert [row.id for row in page.items] == [1, (1 << 40) + 1, (1 << 40) + 2]
    assert page.next == {0: Cursor(1, 1), 1: Cursor(1, (1 << 40) + 2)}
    assert page.more
