"""What an earlier Diptych made opens and gives the same: a store, comparisons, thresholds, judgments.

The files in tests/data/before were made by `make.py` there with commit a9079f6.
"""

from __future__ import annotations

import json
import runpy
import shutil
from pathlib import Path
from typing import Any

import pytest

import diptych
from commands import run_each
from diptych.judgments.ledger import recorded
from diptych.store.vectors import Store

BEFORE = Path(__file__).parent / "data" / "before"
MAKE = runpy.run_path(str(BEFORE / "make.py"))


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the pictures, and in the place of the test's own store the one that was made before."""
    MAKE["draw"](tmp_path / "pictures")
    shutil.copy(BEFORE / "store.sqlite", tmp_path / "store.sqlite")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def saved(path: Path) -> dict[str, Any]:
    """A saved comparison without what differs from run to run."""
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    del found["created"], found["summary"]["work"]
    return found


def holds(now: Any, before: Any) -> bool:
    """Whether all that was said before is said now: there may be keys more."""
    if isinstance(before, dict):
        return isinstance(now, dict) and all(
            key in now and holds(now[key], value) for key, value in before.items()
        )
    if isinstance(before, list):
        return isinstance(now, list) and len(now) == len(before) and all(map(holds, now, before))
    return bool(now == before)


def without_breaks(comparison: dict[str, Any]) -> dict[str, Any]:
    """What is computed as it was: not where a list breaks, and no sentence on that."""
    for query in comparison["queries"]:
        del query["findings"]
        for ranking in query["rankings"].values():
            card = ranking["stratification"]
            ranking["stratification"] = {key: card[key] for key in ("matches", "excess_variance")}
    del comparison["summary"]["stratification"], comparison["summary"]["findings"]
    return comparison


@pytest.mark.parametrize("name", ["comparison", "evaluation"])
def test_a_saved_comparison_opens_and_says_what_it_said(name: str) -> None:
    path = BEFORE / f"{name}.json"
    opened = diptych.Comparison.load(path)
    assert holds(json.loads(opened.to_json()), json.loads(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", ["comparison", "evaluation"])
def test_where_nothing_matched_it_still_says_so(name: str) -> None:
    comparison = diptych.Comparison.load(BEFORE / f"{name}.json")
    cards = [card for query in comparison.queries for card in query.stratification.values()]
    assert any(card.verdict == "nothing matches" for card in cards)
    shown = comparison._repr_html_()
    assert "nothing matches" in shown


@pytest.mark.parametrize("name", ["comparison", "evaluation"])
def test_its_store_gives_the_same_comparison_and_nothing_is_embedded(place: Path, name: str) -> None:
    asked = [word for query in MAKE["QUERIES"] for word in ("-q", query)]
    image = ["--image", "pictures/red/red-blue.bmp", "--contrast", "blue"]
    options = ["compare", *asked, *image] if name == "comparison" else ["evaluate"]
    command = [options[0], "pictures", "-e", "palette", "-e", "random", "-k", "6", *options[1:]]
    (done,) = run_each([[*command, "--json", place / "now.json"]], place)
    assert done.returncode == 0, done.stderr
    work = json.loads((place / "now.json").read_text())["summary"]["work"]
    assert [each["images_embedded"] + each["queries_embedded"] for each in work.values()] == [0, 0]
    now, before = (without_breaks(saved(path)) for path in (place / "now.json", BEFORE / f"{name}.json"))
    assert holds(now, before)


@pytest.mark.parametrize(("scale", "embedder"), [("raw", "palette"), ("z", "random")])
def test_a_threshold_is_learned_alike_and_the_saved_one_keeps_the_same_pictures(
    place: Path, scale: str, embedder: str
) -> None:
    learn = ["threshold", "pictures", "-e", embedder, "--scale", scale, "--save", place / "now.json"]
    threshold = BEFORE / f"threshold-{scale}.json"
    keep = ["filter", "pictures", "-e", embedder, "-q", "red", "-q", "blue", "--threshold", threshold]
    learned, kept = run_each([learn, keep], place)
    assert learned.returncode == 0, learned.stderr
    assert json.loads((place / "now.json").read_text()) == json.loads(threshold.read_text())
    assert kept.returncode == 0, kept.stderr
    assert kept.stdout == (BEFORE / f"filtered-{scale}.csv").read_text()


@pytest.mark.parametrize("ending", ["csv", "jsonl", "trec"])
def test_judgments_are_exported_alike_and_an_exported_file_is_known(place: Path, ending: str) -> None:
    out = place / f"judgments.{ending}"
    (done,) = run_each([["judgments", "pictures", "--export", out]], place)
    assert done.returncode == 0, done.stderr
    assert out.read_bytes() == (BEFORE / out.name).read_bytes()
    if ending == "trec":  # it has only what counts, without who said it
        return
    (again,) = run_each([["judgments", "pictures", "--import", BEFORE / out.name]], place)
    assert again.returncode == 0, again.stderr
    with Store(place / "store.sqlite") as store:
        assert f"0 judgments added, {len(recorded(store).given)} were there already" in again.stderr
