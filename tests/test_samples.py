"""The sample collection: that it is what it says it is."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

import diptych
from diptych import samples
from diptych.images import open_collection
from warm import diptych_in

COLLECTION = open_collection("sample")
CAPTIONS = {picture.name: picture.caption or "" for picture in COLLECTION.pictures}
RELEVANT = samples.relevant()


def named(*words: str) -> set[str]:
    """Pictures whose caption has each of these, as words of its own or in the plural."""
    return {
        name
        for name, caption in CAPTIONS.items()
        if all(re.search(rf"\b{word}(s|es)?\b", caption) for word in words)
    }


def test_it_holds_120_labelled_and_captioned_pictures_in_2_mb() -> None:
    assert COLLECTION.source == "sample"
    assert len(COLLECTION) == 120
    assert not COLLECTION.skipped
    assert all(picture.caption and not picture.aliases for picture in COLLECTION.pictures)
    assert Counter(picture.label for picture in COLLECTION.pictures) == dict.fromkeys(
        {path.name for path in samples.FOLDER.iterdir() if path.is_dir() and path.name != "__pycache__"}, 8
    )
    files = [path for path in samples.FOLDER.rglob("*") if path.suffix != ".pyc"]
    assert sum(path.stat().st_size for path in files if path.is_file()) < 2_000_000
    with Image.open(samples.FOLDER / "wolf" / "wolf-1.webp") as picture:
        assert picture.size == (320, 320)


def test_what_is_called_sample_in_the_working_directory_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert len(open_collection("sample")) == 120
    (tmp_path / "sample").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "sample" / "own.png")
    assert [picture.name for picture in open_collection("sample").pictures] == ["own.png"]


def test_a_saved_comparison_finds_its_pictures_again(tmp_path: Path) -> None:
    saved = tmp_path / "saved.json"
    diptych.Workbench("sample", ["palette"]).compare(["red"], k=3).to_json(saved)
    opened = diptych.Comparison.load(saved)
    opened.report(tmp_path / "report.html")
    for shown in (opened._repr_html_(), (tmp_path / "report.html").read_text(encoding="utf-8")):
        assert "picture not found" not in shown


def test_every_query_judges_every_picture_once() -> None:
    judged = Counter((line.split()[0], line.split()[2]) for line in samples.QRELS.read_text().splitlines())
    assert judged == dict.fromkeys(
        ((query_id, name) for query_id in samples.queries() for name in CAPTIONS), 1
    )


def test_only_the_helicopter_matches_nothing() -> None:
    assert len(RELEVANT) == len(samples.queries()) == 22
    assert [text for text, names in RELEVANT.items() if not names] == ["a helicopter"]
    assert not named("helicopter")


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("dog", ["dog"]),
        ("horses", ["horse"]),
        ("guitar", ["guitar"]),
        ("mushrooms", ["mushroom"]),
        ("sailing boat", ["sailboat"]),
        ("a train", ["train"]),
        ("red apple", ["red apple"]),
        ("green apples", ["green apple"]),
        ("a blue car", ["blue car"]),
        ("a dog with a bird", ["dog", "bird"]),
        ("a cat and a fish", ["cat", "fish"]),
        ("a wolf and the moon", ["wolf", "moon"]),
        ("a car next to a tree", ["car", "tree"]),
        ("two cats", ["two cats"]),
        ("three bananas", ["three bananas"]),
        ("a wolf on a blue background", ["wolf", r"on a (\w+ )?blue background"]),
        ("a yellow background", ["yellow background"]),
        ("a purple background", ["purple background"]),
    ],
)
def test_what_is_relevant_is_what_the_captions_say(query: str, words: list[str]) -> None:
    assert RELEVANT[query] == named(*words)


def test_kinds_are_judged_too() -> None:
    assert RELEVANT["wolf"] == named("wolf") | named("wolves")
    assert RELEVANT["a bird"] == named("bird") | named("owl") | named("eagle") | named("duck")
    assert RELEVANT["fruit"] == named("apple") | named("banana") | named("cherries") | named("strawberry")


def test_it_is_reached_from_the_package() -> None:
    assert diptych.samples is samples
    assert samples.MANIFEST.is_file()
    assert (samples.FOLDER / "LICENSE.md").is_file()


def test_compare_asks_the_queries_of_its_own_where_none_is_given(
    tmp_path: Path,
) -> None:
    command = ["compare", "sample", "-e", "palette", "--store", str(tmp_path / "s.sqlite"), "--json", "-"]
    compared = json.loads(diptych_in(tmp_path, command, os.environ).stdout)
    assert [query["query"] for query in compared["queries"]] == list(samples.queries().values())
