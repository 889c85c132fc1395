"""Lists over several databases: complete, without doubles, each database in its order; and who does not answer."""

import asyncio
from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from api.database.each import ask
from api.database.merged import Merged, joined, merged, merged_users
from api.database.requests import Before, Places
from api.database.rows import Page
from api.errors import PARTLY, SQLSTATES, TIMEOUT, UNAVAILABLE, ServiceError
from api.routes.parameters import decode_places, encode_cursor
from api.schemas.inspection import StoredUser
from api.schemas.webhooks import Webhook, WebhookRequest

START = datetime(2026, 11, 27, tzinfo=UTC)
DATABASES = (0, 1, 7)


class Row(NamedTuple):
    id: int
    at: datetime


class Listed(NamedTuple):
    """What a database has, newest first, and how many rows a page of it examines: those that are None are filtered."""

    rows: list[Row | None]
    examined: int

    def page(self, number: int, limit: int, before: int | None) -> Page[Row]:
        numbered = [((number << 40) + len(self.rows) - place, row) for place, row in enumerate(self.rows)]
        below = [(row_id, row) for row_id, row in numbered if before is None or row_id < before]
        examined = below[: self.examined]
        found = [(row_id, row) for row_id, row in examined if row is not None]
        if len(found) > limit:
            return Page([row for _, row in found[:limit] if row], found[limit - 1][0])
        stopped = examined[-1][0] if len(examined) < len(below) else None
        return Page([row for _, row in found if row], stopped)


@st.composite
def databases(draw: st.DrawFn) -> dict[int, Listed]:
    made = {}
    for number in DATABASES:
        moments = sorted(draw(st.lists(st.integers(0, 30), max_size=12)), reverse=True)
        count = len(moments)
        rows: list[Row | None] = [
            Row((number << 40) + count - place, START + timedelta(seconds=moment)) if draw(st.integers(0, 4)) else None
            for place, moment in enumerate(moments)
        ]
        made[number] = Listed(rows, draw(st.integers(1, 40)))
    return made


def whole(number: int, rows: list[Row | None]) -> Listed:
    """A list without a filter."""
    left = [row for row in rows if row]
    return Listed([row._replace(id=(number << 40) + len(left) - place) for place, row in enumerate(left)], 10**6)


def pages(found: dict[int, Listed], limit: int, away: Callable[[int], set[int]] = lambda _: set()) -> list[Page[Row]]:
    """All pages, each cursor as a client sends it back; `away` says which databases are, by the number of the page."""
    read: list[Page[Row]] = []
    cursor: str | None = None
    while not read or cursor is not None:
        before: Before = decode_places(cursor)
        places = {} if before is None or isinstance(before, int) else before.before
        gone = away(len(read))
        answered = {
            number: listed.page(number, limit, places.get(number))
            for number, listed in found.items()
            if number not in gone
        }
        read.append(merged(answered, before, limit, lambda row: row.at, lambda row: row.id, sorted(gone)))
        cursor = encode_cursor(read[-1].next)
        assert len(read) < 500
    return read


@settings(max_examples=50, deadline=None)
@given(databases(), st.integers(1, 12))
def test_pages_are_complete_and_without_doubles_at_any_size(found: dict[int, Listed], limit: int) -> None:
    read = [row for page in pages(found, limit) for row in page.items]
    assert sorted(read) == sorted(row for listed in found.values() for row in listed.rows if row)
    for listed, number in ((listed, number) for number, listed in found.items()):
        assert [row for row in read if row.id >> 40 == number] == [row for row in listed.rows if row]


@settings(max_examples=50, deadline=None)
@given(databases(), st.integers(1, 12))
def test_without_a_filter_all_pages_together_are_in_the_order_of_time(found: dict[int, Listed], limit: int) -> None:
    read = pages({number: whole(number, listed.rows) for number, listed in found.items()}, limit)
    moments = [row.at for page in read for row in page.items]
    assert moments == sorted(moments, reverse=True)
    assert all(len(page.items) == limit for page in read[:-1])


@settings(max_examples=80, deadline=None)
@given(databases(), st.integers(1, 12), st.sampled_from(DATABASES), st.integers(0, 2))
def test_what_was_away_comes_when_it_is_back(found: dict[int, Listed], limit: int, number: int, page_of: int) -> None:
    read = pages(found, limit, lambda page: {number} if page == page_of else set())
    if len(read) > page_of:
        assert read[page_of].away == [number]
        assert all(row.id >> 40 != number for row in read[page_of].items)
    if len(read) > page_of + 1:
        rows = [row for page in read for row in page.items]
        assert sorted(rows) == sorted(row for listed in found.values() for row in listed.rows if row)


def test_what_is_behind_a_page_may_come_before_what_others_have() -> None:
    first = Row(9, START + timedelta(seconds=9))
    second = Row((1 << 40) + 7, START + timedelta(seconds=7))
    answered = {0: Page([first], 9), 1: Page([second], None)}
    page = merged(answered, None, 5, lambda row: row.at, lambda row: row.id)
    assert page.items == [first]
    # a filtered list that found nothing holds up no other
    page = merged({0: Page([], 9), 1: Page([second], None)}, None, 5, lambda row: row.at, lambda row: row.id)
    assert page.items == [second]
    assert decode_places(encode_cursor(page.next)) == Places({0: 9, 1: 1})


def test_a_cursor_from_before_the_cluster_is_of_the_first_database() -> None:
    found = {number: Listed([Row((number << 40) + 1, START)], 10) for number in DATABASES}
    answered = {number: listed.page(number, 5, 1 if number == 0 else None) for number, listed in found.items()}
    page = merged(answered, decode_places(encode_cursor(1)), 5, lambda row: row.at, lambda row: row.id)
    assert [row.id >> 40 for row in page.items] == [1, 7]


@pytest.mark.parametrize("text", ["", "0:1,0:2", "1:0", "4096:1", "1:9223372036854775808", "01:1", "1:1,0:1", "1:1,"])
def test_a_cursor_that_was_not_made_here_is_refused(text: str) -> None:
    with pytest.raises(ServiceError) as refusal:
        decode_places(urlsafe_b64encode(text.encode()).decode().rstrip("="))
    assert refusal.value.kind is SQLSTATES["WA024"]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 2**96), unique=True, max_size=30), st.integers(1, 9))
def test_pages_of_users_have_everybody_once(numbers: list[int], limit: int) -> None:
    users = [StoredUser(UUID(int=number), "name", "user", START, None, None) for number in numbers]
    of = {number: [user for user in users if user.id.int % 3 == number] for number in range(3)}
    read: list[StoredUser] = []
    before: UUID | None = None
    while True:
        answered = {}
        for number, all_of in of.items():
            below = sorted((one for one in all_of if before is None or one.id < before), key=lambda one: one.id)[::-1]
            answered[number] = Page(below[:limit], below[limit - 1].id if len(below) > limit else None)
        page = merged_users(answered, limit)
        read += page.items
        if page.next is None:
            break
        assert isinstance(page.next, UUID)
        before = page.next
    assert read == sorted(users, key=lambda user: user.id, reverse=True)


def answering(
    calls: dict[int, Callable[[], Awaitable[int]]], **more: object
) -> tuple[dict[int, int], list[int], list[int]]:
    async def whole() -> tuple[dict[int, int], list[int], list[int]]:
        async with asyncio.timeout(20):
            return tuple(await ask(calls, lambda call: call(), **more))  # type: ignore[return-value, arg-type]

    return asyncio.run(whole())


async def good() -> int:
    return 1


async def away() -> int:
    raise ServiceError(UNAVAILABLE)


async def stuck() -> int:
    """As a call to a frozen server: it does not end when it is cancelled, either."""
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            if asyncio.current_task() in STOPPING:
                raise
            STOPPING.add(asyncio.current_task())


STOPPING: set[object] = set()


async def unknown() -> int:
    raise ServiceError(SQLSTATES["WA042"])


def test_who_does_not_answer_is_named_and_waited_for_no_longer() -> None:
    found = answering({0: good, 1: away, 2: stuck}, patience=0.05)
    assert found == ({0: 1}, [1, 2], [])


def test_a_refusal_of_one_refuses_all() -> None:
    with pytest.raises(ServiceError) as refusal:
        answering({0: good, 1: away, 2: unknown})
    assert refusal.value.kind is SQLSTATES["WA042"]


def test_what_only_some_have_is_found() -> None:
    lacking = (SQLSTATES["WA042"],)
    assert answering({0: unknown, 1: good}, lacking=lacking) == ({1: 1}, [], [0])


def test_while_one_is_away_nobody_says_that_there_is_no_such_thing() -> None:
    lacking = (SQLSTATES["WA042"],)
    with pytest.raises(ServiceError) as refusal:
        answering({0: unknown, 1: away}, lacking=lacking)
    assert (refusal.value.kind, refusal.value.members) == (UNAVAILABLE, {"away": [1]})
    with pytest.raises(ServiceError) as refusal:
        answering({0: unknown, 1: unknown}, lacking=lacking)
    assert refusal.value.kind is SQLSTATES["WA042"]


def test_of_one_database_the_error_is_its_own() -> None:
    with pytest.raises(ServiceError) as refusal:
        answering({0: stuck}, patience=0.05)
    assert (refusal.value.kind, refusal.value.members) == (TIMEOUT, {})


class Member:
    """A database with webhooks, which can go away at one of the calls."""

    def __init__(self) -> None:
        self.hooks: dict[UUID, Webhook] = {}
        self.gone_at = ""
        self.calls: list[str] = []

    def answer(self, call: str) -> None:
        self.calls.append(call)
        if self.gone_at in self.calls:
            raise ServiceError(UNAVAILABLE)

    def known(self, webhook_id: UUID) -> Webhook:
        if webhook_id not in self.hooks:
            raise ServiceError(SQLSTATES["WA042"])
        return self.hooks[webhook_id]

    async def ping(self) -> None:
        self.answer("ping")

    async def webhook(self, webhook_id: UUID, _: UUID) -> Webhook:
        self.answer("webhook")
        return self.known(webhook_id)

    async def create_webhook(self, webhook_id: UUID, *_: object) -> Webhook:
        self.answer("create")
        return self.hooks.setdefault(webhook_id, hook())

    async def delete_webhook(self, webhook_id: UUID, _: UUID) -> Webhook:
        self.answer("delete")
        return self.hooks.pop(self.known(webhook_id).id)


def hook(**more: Any) -> Webhook:
    made: dict[str, Any] = dict.fromkeys(Webhook.__struct_fields__[:20])
    made |= dict.fromkeys(("position", "behind", "backlog", "dead_letters", "failures"), 0)
    return Webhook(**made | {"id": WEBHOOK, "status": "active", "created_at": START} | more)


class Several(Merged):
    """A cluster of such databases."""

    def __init__(self, *members: Member) -> None:
        self.members = dict(enumerate(members))  # type: ignore[arg-type]


WEBHOOK, ACTOR = UUID(int=1), UUID(int=2)
REQUEST = WebhookRequest(url="https://example.com/")


def refused(work: Coroutine[Any, Any, object]) -> ServiceError:
    with pytest.raises(ServiceError) as refusal:
        asyncio.run(work)
    return refusal.value


def create(*members: Member) -> Coroutine[Any, Any, Webhook]:
    return Several(*members).create_webhook(WEBHOOK, REQUEST, b"s", None, ACTOR)


def test_nothing_is_written_while_a_database_is_away() -> None:
    first, second = Member(), Member()
    second.gone_at = "webhook"
    refusal = refused(create(first, second))
    assert (refusal.kind, refusal.members) == (UNAVAILABLE, {"away": [1]})
    assert first.calls == ["webhook"]


def test_a_new_webhook_that_is_not_made_in_all_is_in_none() -> None:
    first, second = Member(), Member()
    second.gone_at = "create"
    refusal = refused(create(first, second))
    assert (refusal.kind, refusal.members) == (PARTLY, {"done": [], "away": [1]})
    assert first.hooks == {}
    assert str(WEBHOOK) in refusal.detail


def test_the_same_request_again_makes_a_webhook_where_it_is_missing_and_undoes_nothing() -> None:
    first, second = Member(), Member()
    first.hooks[WEBHOOK] = hook()
    second.gone_at = "create"
    refusal = refused(create(first, second))
    assert (refusal.kind, refusal.members) == (PARTLY, {"done": [0], "away": [1]})
    assert WEBHOOK in first.hooks
    asyncio.run(create(first, back := Member()))
    assert WEBHOOK in back.hooks


def test_a_change_that_is_half_done_says_where_and_is_completed_by_the_same_request() -> None:
    first, second = Member(), Member()
    first.hooks[WEBHOOK] = second.hooks[WEBHOOK] = hook()
    second.gone_at = "delete"
    refusal = refused(Several(first, second).delete_webhook(WEBHOOK, ACTOR))
    assert (refusal.kind, refusal.members) == (PARTLY, {"done": [0], "away": [1]})
    second.gone_at = ""
    asyncio.run(Several(first, second).delete_webhook(WEBHOOK, ACTOR))
    assert second.hooks == {}
    assert refused(Several(first, second).delete_webhook(WEBHOOK, ACTOR)).kind is SQLSTATES["WA042"]


def test_a_webhook_is_what_all_databases_have_together() -> None:
    later = START + timedelta(hours=1)
    parts = {
        0: hook(behind=5, position=10, backlog=1, failures=2, last_success_at=later, oldest_at=later),
        3: hook(behind=9, position=3 << 40, dead_letters=4, last_success_at=START, oldest_at=START, status="paused"),
    }
    parts[3].pause_reason = "its receiver is gone"
    found = joined(parts, [], [7])
    assert (found.behind, found.backlog, found.dead_letters, found.failures) == (14, 1, 4, 2)
    assert (found.status, found.pause_reason) == ("paused", "its receiver is gone")
    assert (found.position, found.last_success_at, found.oldest_at) == (3 << 40, later, START)
    assert (found.missing, found.away) == ([7], UNSET)
    assert [(part.database, part.behind) for part in found.databases or ()] == [(0, 5), (3, 9)]
