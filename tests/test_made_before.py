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


@pytest.mark.parametrize("name", ["comparison", "evaluation"])
def test_a_saved_comparison_opens_and_is_saved_to_the_same_bytes(name: str) -> None:
    path = BEFORE / f"{name}.json"
    opened = diptych.Comparison.load(path)
    assert opened.to_json() == path.read_text(encoding="utf-8")


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
    before, now = saved(BEFORE / f"{name}.json"), saved(place / "now.json")
    if name == "comparison":  # since then a query with less than half of its pool judged is left out of these
        for found in (before, now):
            del found["summary"]["findings"]
            for key in ("comparisons", "verdicts", "abstention", "notes"):
                del found["relevance"][key]
    assert now == before


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
