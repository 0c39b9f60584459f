"""Untrusted text is shown without doing anything."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diptych.text import dollars, printable


@given(st.text(st.characters(exclude_categories=()), max_size=40))
def test_what_is_shown_is_one_line_of_valid_text_that_steers_nothing(text: str) -> None:
    shown = printable(text)
    shown.encode()
    assert len(shown) == len(text)
    assert len(shown.splitlines()) <= 1
    assert not set(shown) & set(map(chr, [*range(32), *range(0x7F, 0xA0), 0x061C, 0x200E, 0x200F]))
    assert not set(shown) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@pytest.mark.parametrize("text", ["wolf", "狼", "写真　2024", "👨‍👩‍👧", "می‌خواهم", "naïve", "a\u00a0b"])
def test_letters_of_every_script_stay(text: str) -> None:
    assert printable(text) == text


@pytest.mark.parametrize(
    ("amount", "figures"), [(0.00005, "$0.00005"), (0.0001161, "$0.000116"), (0.0, "$0"), (12.3456, "$12.3")]
)
def test_a_small_sum_is_written_without_powers_of_ten(amount: float, figures: str) -> None:
    assert dollars(amount) == figures
