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
    for scales in found.get("relevance", {}).get("thresholds", {}).values():
        for scale in ("raw", "z"):
            if scales[scale] is not None:
                scales[scale]["best_f1"] = figures(json.dumps(scales[scale]["best_f1"]))
    return found


def figures(threshold: str) -> dict[str, Any]:
    """A threshold without what depends on its sample: judgments once, queries now."""
    found: dict[str, Any] = json.loads(threshold)
    for key in ("precision_interval", "recall_interval", "expected", "promise"):
        found.pop(key, None)
    return found


JUDGED_ANEW = {"stratification", "findings", "comparisons", "verdicts", "abstention", "thresholds"}
"""Verdicts and intervals: their arithmetic has changed since, so they come out otherwise where made anew."""


def assert_holds(now: Any, before: Any, at: str = "$") -> None:
    """Fail where something that was said before is missing or another; there may be more."""
    if isinstance(before, dict):
        assert isinstance(now, dict), at
        for key, value in before.items():
            assert key in now, f"{at}.{key}"
            assert_holds(now[key], value, f"{at}.{key}")
    elif isinstance(before, list):
        assert isinstance(now, list), at
        assert len(now) == len(before), at
        for place, (one, other) in enumerate(zip(now, before, strict=True)):
            assert_holds(one, other, f"{at}[{place}]")
    else:
        assert now == before, at


def without(said: Any, keys: set[str]) -> Any:
    """The same without some keys, wherever they are."""
    if isinstance(said, dict):
        return {key: without(value, keys) for key, value in said.items() if key not in keys}
    return [without(each, keys) for each in said] if isinstance(said, list) else said


@pytest.mark.parametrize("name", ["comparison", "evaluation"])
def test_a_saved_comparison_opens_and_still_says_what_it_said(name: str) -> None:
    path = BEFORE / f"{name}.json"
    again = json.loads(diptych.Comparison.load(path).to_json())
    assert_holds(again, json.loads(path.read_text(encoding="utf-8")))


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
    before = saved(BEFORE / f"{name}.json")
    anew = JUDGED_ANEW | (
        {"notes", "means"} if name == "comparison" else set()
    )  # of two queries too little is judged
    assert_holds(saved(place / "now.json"), without(before, anew))


@pytest.mark.parametrize(("scale", "embedder"), [("raw", "palette"), ("z", "random")])
def test_a_threshold_is_learned_alike_and_the_saved_one_keeps_the_same_pictures(
    place: Path, scale: str, embedder: str
) -> None:
    learn = ["threshold", "pictures", "-e", embedder, "--scale", scale, "--save", place / "now.json"]
    threshold = BEFORE / f"threshold-{scale}.json"
    keep = ["filter", "pictures", "-e", embedder, "-q", "red", "-q", "blue", "--threshold", threshold]
    learned, kept = run_each([learn, keep], place)
    assert learned.returncode == 0, learned.stderr
    assert_holds(figures((place / "now.json").read_text()), figures(threshold.read_text()))
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
