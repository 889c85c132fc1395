"""Amounts as people type them, in any locale, and never another amount than they meant."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.pages.amounts import AmountError, plain, read, shown
from api.schemas.fields import MAX_AMOUNT


@pytest.mark.parametrize(
    ("text", "scale", "minor"),
    [
        ("12", 2, 1200),
        (" 12.5 ", 2, 1250),
        ("12,50", 2, 1250),
        (".5", 2, 50),
        ("1,250.50", 2, 125050),
        ("1.250,50", 2, 125050),
        ("1 250,50", 2, 125050),
        ("1\u202f250", 0, 1250),
        ("1'250.50", 2, 125050),
        ("1,234,567", 2, 123456700),
        ("1.234.567,8", 2, 123456780),
        ("1.234", 3, 1234),
        ("1,234", 0, 1234),
        ("1.234", 0, 1234),
        ("0001", 0, 1),
        ("90,071,992,547,409.91", 2, MAX_AMOUNT),
    ],
)
def test_amounts_are_read_in_every_usual_spelling(text: str, scale: int, minor: int) -> None:
    assert read(text, scale) == minor


@pytest.mark.parametrize(
    ("text", "scale", "reason"),
    [
        ("", 2, "missing"),
        ("   ", 2, "missing"),
        ("abc", 2, "not_a_number"),
        ("-5", 2, "not_a_number"),
        ("+5", 2, "not_a_number"),
        ("\u221212.50", 2, "not_a_number"),
        ("1e5", 2, "not_a_number"),
        ("1_000", 2, "not_a_number"),
        ("٣", 2, "not_a_number"),
        ("1,2,3", 2, "not_a_number"),
        ("1.2.3,4", 2, "not_a_number"),
        ("1,234.567,8", 2, "not_a_number"),
        ("12.345", 2, "two_meanings"),
        ("1,234", 2, "two_meanings"),
        ("1.5", 0, "whole_only"),
        ("1.2345", 2, "too_many_places"),
        ("0", 2, "zero"),
        ("0.00", 2, "zero"),
        ("90,071,992,547,409.92", 2, "too_large"),
        ("9" * 41, 2, "too_large"),
    ],
)
def test_what_is_no_amount_or_two_is_refused(text: str, scale: int, reason: str) -> None:
    with pytest.raises(AmountError) as refused:
        read(text, scale)
    assert refused.value.reason == reason


@given(st.integers(1, MAX_AMOUNT), st.integers(0, 6))
def test_what_is_shown_can_be_typed(minor: int, scale: int) -> None:
    assert read(plain(minor, scale), scale) == minor
    text = shown(minor, scale)
    assert read(text, scale) == minor
    assert shown(-minor, scale) == f"\u2212{text}"


@given(st.text(max_size=60), st.integers(0, 6))
def test_any_text_is_read_or_refused(text: str, scale: int) -> None:
    with contextlib.suppress(AmountError):
        assert 0 < read(text, scale) <= MAX_AMOUNT
