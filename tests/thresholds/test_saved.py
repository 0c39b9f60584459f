"""A saved threshold comes back whole, for its own embedder only."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from diptych.errors import DiptychError
from diptych.thresholds.saved import SavedThreshold, load_threshold, save_threshold

SAVED = SavedThreshold(
    embedder="clip-ViT-L-14",
    fingerprint="f1",
    scale="z",
    queries=("dog", "grey wolf"),
    judgments=120,
    value=0.2517,
    precision=0.9,
    precision_interval=(0.81, 0.95),
    recall=None,
    recall_interval=None,
)


def test_a_threshold_comes_back_as_it_was(tmp_path: Path) -> None:
    save_threshold(SAVED, tmp_path / "t.json")
    assert load_threshold(tmp_path / "t.json", "f1") == SAVED


def test_a_threshold_for_another_embedder_is_refused_in_one_line(tmp_path: Path) -> None:
    save_threshold(SAVED, tmp_path / "t.json")
    with pytest.raises(
        DiptychError, match=r"is a threshold for clip-ViT-L-14 as it was then .*learn it anew"
    ) as caught:
        load_threshold(tmp_path / "t.json", "f2")
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"diptych_threshold": 2}, "diptych_threshold"),
        ({"embedder": 3}, "embedder"),
        ({"scale": "percent"}, "scale"),
        ({"value": "high"}, "value"),
        ({"value": "0.5"}, "value"),
        ({"value": None}, "value"),
        ({"judgments": 3.5}, "judgments"),
        ({"precision": True}, "precision"),
        ({"precision_interval": [0.1]}, "precision_interval"),
        ({"precision_interval": [0.1, "all"]}, "precision_interval[1]"),
        ({"queries": 3}, "queries"),
        ({"queries": ["wolf", None]}, "queries[1]"),
    ],
)
def test_a_file_that_holds_something_else_is_refused_by_its_place(
    tmp_path: Path, change: dict[str, object], place: str
) -> None:
    fields = {"diptych_threshold": 1} | dataclasses.asdict(SAVED) | change
    (tmp_path / "t.json").write_text(json.dumps(fields))
    with pytest.raises(
        DiptychError, match="is not a threshold file: make one with `diptych threshold`"
    ) as caught:
        load_threshold(tmp_path / "t.json", "f1")
    assert str(caught.value).endswith(f" - at `$.{place}`)")


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_number_that_is_not_finite_is_refused(tmp_path: Path, number: str) -> None:
    save_threshold(SAVED, tmp_path / "t.json")
    text = (tmp_path / "t.json").read_text()
    for figure in ("0.2517", "0.81"):
        (tmp_path / "t.json").write_text(text.replace(figure, number))
        with pytest.raises(DiptychError, match="is not a threshold file"):
            load_threshold(tmp_path / "t.json", "f1")


def test_a_file_from_another_version_opens(tmp_path: Path) -> None:
    fields = {"diptych_threshold": 1, "news": [1]} | dataclasses.asdict(SAVED) | {"value": 1}
    del fields["bank"], fields["unjudged"]
    (tmp_path / "t.json").write_text(json.dumps(fields))
    assert load_threshold(tmp_path / "t.json", "f1") == dataclasses.replace(SAVED, value=1.0)


@pytest.mark.parametrize("text", ["", "[]", "{}", "0.25", "{oops"])
def test_a_file_that_is_no_threshold_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "t.json").write_text(text)
    with pytest.raises(DiptychError, match="is not a threshold file"):
        load_threshold(tmp_path / "t.json", "f1")


def test_what_can_not_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(DiptychError, match="can't read"):
        load_threshold(tmp_path / "gone.json", "f1")
