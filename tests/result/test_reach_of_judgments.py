"""Judgments of one collection do not decide which embedder is better on another that shares pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

import diptych
from diptych.result import Relevance
from support import picture_bytes

QUERIES = [f"red {number}" for number in range(8)]


def draw(folder: Path, shade: int) -> Path:
    """Forty pictures, of which every collection has the first."""
    folder.mkdir()
    (folder / "shared.png").write_bytes(picture_bytes((220, 20, 20)))
    for number in range(39):
        (folder / f"{number}.png").write_bytes(picture_bytes((5 * number, shade, 200 - 5 * number)))
    return folder


@pytest.fixture
def judged(tmp_path: Path) -> diptych.Workbench:
    """A collection whose pools were judged to the end for eight queries."""
    bench = workbench(tmp_path, draw(tmp_path / "judged", 10))
    judge(bench, QUERIES)
    return bench


@pytest.fixture
def other(tmp_path: Path, judged: diptych.Workbench) -> diptych.Workbench:
    """Another collection in the same store, with one picture of the first."""
    bench = workbench(tmp_path, draw(tmp_path / "other", 90))
    assert len(bench.collection.pictures) == len(judged.collection.pictures) == 40
    return bench


def workbench(tmp_path: Path, pictures: Path) -> diptych.Workbench:
    return diptych.Workbench(pictures, ["palette", "random"], store=tmp_path / "s.sqlite")


def judge(bench: diptych.Workbench, queries: Sequence[str], share: float = 1.0) -> None:
    names = {picture.id: picture.name for picture in bench.collection.pictures}
    for query, pool in bench.pool(queries, below=0).items():
        for image in pool.images[: round(share * len(pool.images))]:
            bench.judge(query, image, int(names[image] == "shared.png" or int(names[image][:-4]) > 30))


def relevance(comparison: diptych.Comparison) -> Relevance:
    assert comparison.relevance is not None
    return comparison.relevance


def test_a_collection_that_was_judged_itself_has_its_verdict(judged: diptych.Workbench) -> None:
    found = relevance(judged.compare(QUERIES))
    assert {each.queries for each in found.decisive} == {8}
    assert not any("half" in note for note in found.notes)


def test_another_collection_that_shares_a_picture_has_none(other: diptych.Workbench) -> None:
    for comparison in (other.compare(QUERIES), other.evaluate()):
        found = relevance(comparison)
        assert [each.queries for each in found.decisive] == [0]
        assert found.verdicts == (
            (
                "cannot tell palette from random: for no query are at least half of the embedders' first 10"
                " judged"
            ),
        )
        findings = [str(finding) for finding in comparison.overall.findings]
        assert any(": for no query" in said for said in findings)
        (note,) = [note for note in found.notes if "half" in note]
        assert "are judged for “red 0” (1 of " in note
        assert "these queries take no part in the verdict" in note


def test_what_is_judged_of_its_own_pool_counts_query_by_query(other: diptych.Workbench) -> None:
    judge(other, QUERIES[:3])
    judge(other, QUERIES[3:4], share=0.6)
    judge(other, QUERIES[4:5], share=0.3)
    found = relevance(other.compare(QUERIES))
    assert [each.queries for each in found.decisive] == [4]
    (note,) = [note for note in found.notes if "half" in note]
    assert [query in note for query in QUERIES] == [False] * 4 + [True] * 4


def test_files_and_labels_keep_their_rule(other: diptych.Workbench, tmp_path: Path) -> None:
    (tmp_path / "j.csv").write_text("query,image,grade\nred 0,shared.png,1\n")
    found = relevance(other.evaluate(judgments=tmp_path / "j.csv"))
    assert [each.queries for each in found.decisive] == [1]
    assert not any("half" in note for note in found.notes)
