"""The figures for papers and slides."""

from __future__ import annotations

import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import Image

import diptych
import made_comparisons as made
from diptych.present.files import plots
from support import need


@pytest.fixture(autouse=True)
def _matplotlib() -> None:
    need("matplotlib")


def test_every_figure_is_there_as_svg_and_as_png(tmp_path: Path) -> None:
    written = plots.save(made.comparison(), tmp_path / "plots")
    assert {path.name for path in written} == {
        f"q1-{figure}.{suffix}" for figure in ("curves", "null", "ranks-A-B") for suffix in ("svg", "png")
    }
    for path in written:
        if path.suffix == ".png":
            assert min(Image.open(path).size) > 300
        else:
            assert ElementTree.parse(path).getroot().tag.endswith("svg")


def test_the_same_comparison_makes_the_same_files(tmp_path: Path) -> None:
    first, second = (plots.save(made.comparison(), tmp_path / name) for name in "ab")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_text_is_drawn_as_it_is(tmp_path: Path) -> None:
    nasty = "$\\frac{ <b>& \u202e" + "x" * 500
    for figure in plots.save(made.comparison(made.query(nasty)), tmp_path):
        if figure.suffix == ".png":
            assert Image.open(figure).width < 2000


def test_a_curve_and_its_break_are_where_the_figures_say() -> None:
    named = dict(plots.figures(made.query(), made.comparison()))
    (axes,) = named["curves"].axes
    first = axes.lines[0]
    assert first.get_xdata()[0] == 1
    assert first.get_ydata()[0] == pytest.approx((1 - (1 - 19.5 / 50)) / 0.1)
    letters = [text.get_text() for text in axes.texts]
    assert letters.count("A") == letters.count("B") == 2  # beside the curve, and beside its cuts


def test_the_tail_of_the_null_stands_beside_the_querys() -> None:
    (axes,) = dict(plots.figures(made.query(), made.comparison()))["null"].axes
    query, null = axes.lines[0], axes.lines[1]
    assert query.get_ydata()[-1] == 1
    assert query.get_ydata()[0] == pytest.approx(1 / made.IMAGES)
    assert null.get_xdata()[50] == 0
    assert null.get_ydata()[50] == pytest.approx(0.5)
    assert null.get_linestyle() == "--"


def test_without_matplotlib_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(diptych.DiptychError, match=r"pip install 'diptych\[plots\]'"):
        plots.save(made.comparison(), tmp_path)
