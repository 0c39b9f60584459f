"""Names that are shortened for a narrow terminal: they fit, and names that differ still do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from diptych.present.terminal.names import shorten, shorten_all
from diptych.text import printable

NAMES = st.lists(st.text("ab/_.…1写é", min_size=1, max_size=60), min_size=1, max_size=12, unique=True)


@given(NAMES, st.integers(8, 40))
def test_short_names_fit_and_differ_where_names_do(names: list[str], cells: int) -> None:
    short = shorten_all(names, cells)
    assert all(cell_len(shown) <= cells for shown in short.values())
    assert len(set(short.values())) == len(set(map(printable, names)))


@given(NAMES, st.integers(8, 40))
def test_a_name_that_fits_is_shown_as_it_is(names: list[str], cells: int) -> None:
    short = shorten_all(names, cells)
    assert all(short[name] == name for name in names if cell_len(name) <= cells)


def test_the_beginning_and_the_end_are_kept() -> None:
    assert shorten("grey_wolf/commons_eurasian_wolf_2.jpg", 20) == "grey_wolf…wolf_2.jpg"


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (
            ["album/2024-06-01 at the lake, long.jpg", "album/2024-07-01 at the lake, long.jpg"],
            ["06", "07"],
        ),
        (["vertex?project=a&dimension=128&x=y", "vertex?project=a&dimension=256&x=y"], ["128", "256"]),
        ([f"{'x' * 40}{number}{'y' * 40}" for number in "12"], ["1", "2"]),
    ],
)
def test_where_they_differ_in_the_middle_that_is_what_is_shown(names: list[str], told: list[str]) -> None:
    short = shorten_all(names, 24)
    for name, part in zip(names, told, strict=True):
        assert part in short[name]


def test_nothing_in_a_name_steers_the_terminal() -> None:
    assert "\x1b" not in shorten_all(["a\x1b[31m", "b"], 20)["a\x1b[31m"]
