"""How answers leave: what is written within one turn of the event loop in one piece, and checked headers only."""

from collections.abc import Callable
from typing import Any

import pytest

from api.server.protocol import MAX_CACHED, Joining, cached_line, header_line


class Transport:
    """A transport that notes what it is asked."""

    def __init__(self) -> None:
        self.done: list[object] = []

    def write(self, data: bytes) -> None:
        self.done.append(data)

    def close(self) -> None:
        self.done.append("closed")

    def is_closing(self) -> bool:
        return "closed" in self.done

    def pause_reading(self) -> None:
        self.done.append("paused")


@pytest.fixture
def turn() -> list[Callable[[], None]]:
    """What the event loop runs at its next turn."""
    return []


@pytest.fixture
def joining(turn: list[Callable[[], None]]) -> Any:
    return Joining(Transport(), turn.append)  # type: ignore[arg-type]


def test_the_writes_of_one_turn_are_one(joining: Any, turn: list[Callable[[], None]]) -> None:
    for data in (b"head", b"body", b"head of the next"):
        joining.write(data)
    assert (joining._transport.done, len(turn)) == ([], 1)
    turn.pop()()
    assert joining._transport.done == [b"headbodyhead of the next"]
    joining.write(b"more")
    turn.pop()()
    assert joining._transport.done[1:] == [b"more"]


def test_what_was_written_before_a_close_is_sent_before_it(joining: Any, turn: list[Callable[[], None]]) -> None:
    joining.write(b"last")
    joining.close()
    assert joining._transport.done == [b"last", "closed"]
    assert joining.is_closing()
    turn.pop()()
    assert joining._transport.done == [b"last", "closed"]


def test_what_is_written_to_a_closed_transport_is_dropped(joining: Any, turn: list[Callable[[], None]]) -> None:
    joining.write(b"too late")
    joining._transport.close()
    turn.pop()()
    joining.write(b"much too late")
    turn.pop()()
    assert joining._transport.done == ["closed"]


def test_all_else_is_up_to_the_transport(joining: Any) -> None:
    joining.pause_reading()
    assert joining._transport.done == ["paused"]


def test_short_headers_are_cached_and_long_ones_are_not() -> None:
    before = cached_line.cache_info().currsize
    assert header_line(b"x-short", b"s" * MAX_CACHED) == b"x-short: " + b"s" * MAX_CACHED + b"\r\n"
    assert cached_line.cache_info().currsize == before + 1
    assert header_line(b"x-long", b"l" * 60_000) == b"x-long: " + b"l" * 60_000 + b"\r\n"
    assert cached_line.cache_info().currsize == before + 1


@pytest.mark.parametrize("field", [(b"x-a", b"1\r\nx-b: 2"), (b"x-a:", b"1"), (b"x-a", b"1" * 2000 + b"\n")])
def test_what_would_be_more_than_a_header_is_not_sent(field: tuple[bytes, bytes]) -> None:
    with pytest.raises(RuntimeError):
        header_line(*field)
