"""A verdict from a part of the judgments: by an estimate, said so, and gone where all are there."""

from __future__ import annotations

from pathlib import Path

import pytest

import diptych
from diptych.evaluation.drawn import FIRST
from diptych.result import Relevance
from support import picture_bytes

COLOURS = {"red": (230, 20, 20), "green": (20, 200, 20), "blue": (20, 20, 230), "yellow": (230, 230, 20)}
QUERIES = [f"{colour} {thing}" for colour in COLOURS for thing in ("car", "house", "boat")]


@pytest.fixture
def bench(tmp_path: Path) -> diptych.Workbench:
    """Forty pictures of four colours, and two embedders of which one is blind."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for colour, pixel in COLOURS.items():
        for number in range(10):
            shade = tuple(min(255, channel + 2 * number) for channel in pixel)
            (folder / f"{colour} {number}.png").write_bytes(picture_bytes(shade))  # type: ignore[arg-type]
    return diptych.Workbench(folder, ["palette", "random"], store=tmp_path / "s.sqlite")


def judge(bench: diptych.Workbench, part: str) -> int:
    """Judge a part of the pools by the pictures' colours; returns how many were."""
    names = {picture.id: picture.name for picture in bench.collection.pictures}
    judged = 0
    for query, pool in bench.pool(QUERIES).items():
        for image in getattr(pool, part):
            bench.judge(query, image, int(names[image].split()[0] == query.split()[0]), blind=True)
            judged += 1
    return judged


def evaluated(bench: diptych.Workbench) -> Relevance:
    found = bench.evaluate(QUERIES, planned=len(QUERIES)).relevance
    assert found is not None
    return found


def test_the_first_pictures_of_each_query_are_enough_for_a_large_difference(bench: diptych.Workbench) -> None:
    judged = judge(bench, "first")
    assert judged <= FIRST * len(QUERIES)
    found = evaluated(bench)
    (pair,) = found.decisive
    assert (pair.metric, pair.queries, pair.verdict) == ("DCG@10", len(QUERIES), "a better")
    assert "palette ranks better than random (DCG@10" in found.verdicts[0]
    (note,) = [note for note in found.notes if "estimates" in note]
    assert note.startswith(f"{judged} of the ")
    assert not any("no part in the verdict" in note for note in found.notes)


def test_where_all_is_judged_nothing_is_estimated(bench: diptych.Workbench) -> None:
    for part in ("first", "telling", "others"):
        judge(bench, part)
    found = evaluated(bench)
    assert {pair.metric for pair in found.decisive} == {"nDCG@10"}
    assert not any(pair.metric == "DCG@10" for pair in found.comparisons)
    assert not any("estimates" in note for note in found.notes)


def test_what_makes_it_exact_makes_the_estimate_that_of_all_judgments(bench: diptych.Workbench) -> None:
    judge(bench, "first")
    by_part = evaluated(bench).decisive[0].difference
    judge(bench, "telling")
    found = evaluated(bench)
    assert [(pair.metric, pair.queries) for pair in found.decisive] == [("DCG@10", len(QUERIES))]
    assert any(note.startswith("All ") and "needs no others" in note for note in found.notes)
    exact = found.decisive[0].difference
    assert by_part is not None
    assert exact is not None
    assert abs(by_part - exact) < 0.25


def test_it_is_saved_and_opened_as_it_was_said(bench: diptych.Workbench, tmp_path: Path) -> None:
    judge(bench, "first")
    comparison = bench.evaluate(QUERIES, planned=len(QUERIES))
    path = tmp_path / "c.json"
    path.write_text(comparison.to_json(), encoding="utf-8")
    opened = diptych.Comparison.load(path)
    assert opened.relevance is not None
    assert comparison.relevance is not None
    assert opened.relevance.decisive == comparison.relevance.decisive
    assert opened.relevance.verdicts == comparison.relevance.verdicts
