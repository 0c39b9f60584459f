"""Nothing is left out without a word: in the terminal, the JSON, the report and on the page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from commands import run_each
from diptych.images.outputs import MARK
from diptych.result import Comparison
from support import need, picture_bytes

SAID = "cat-10x10.jpg and 5 more: left out by name: a thumbnail, whose original is here"


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A gallery with thumbnails, and one picture that lies in two classes."""
    folder = tmp_path / "photos"
    for number, name in enumerate(["cat/cat.jpg", "dog/0.jpg", "dog/1.jpg", "dog/both.jpg"]):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(picture_bytes((200, 30, 40 * number), fmt="JPEG"))
    (folder / "cat" / "both.jpg").write_bytes((folder / "dog" / "both.jpg").read_bytes())
    for side in range(10, 70, 10):
        (folder / "cat" / f"cat-{side}x{side}.jpg").write_bytes(picture_bytes((1, 2, side), fmt="JPEG"))
    return folder


def test_what_is_passed_over_is_counted_with_its_reason_in_every_output(tmp_path: Path, photos: Path) -> None:
    compare = ["compare", photos, "-e", "palette", "-q", "red", "--json", "a.json", "--report", "a.html"]
    commands = [
        compare,
        ["embed", photos, "-e", "palette"],
        ["filter", photos, "-e", "palette", "-q", "red", "--threshold", "0"],
    ]
    for done in run_each([[*command, "--store", "s.sqlite"] for command in commands], tmp_path):
        assert done.returncode == 0, done.stderr
        assert f"6 skipped:\n  cat/{SAID}" in done.stdout + done.stderr
    saved = json.loads((tmp_path / "a.json").read_text())["collection"]["skipped"]
    assert saved == [{"name": "cat/cat-10x10.jpg", "reason": SAID.partition(": ")[2], "files": 6}]
    assert Comparison.load(tmp_path / "a.json").skipped[0].files == 6
    assert "6 skipped</a>" in (tmp_path / "a.html").read_text()
    assert f"cat/{SAID.partition(':')[0]}</td><td>left out by name" in (tmp_path / "a.html").read_text()


def test_the_page_says_what_is_passed_over(tmp_path: Path, photos: Path) -> None:
    need("fastapi")
    from served_page import client, served

    with served(photos, ["palette"], tmp_path / "s.sqlite") as page, client(page) as http:
        shown = http.get("/").text
    assert "<summary>6 skipped</summary>" in shown
    assert f"<li>cat/{SAID}</li>" in shown


def test_a_picture_in_two_classes_counts_for_both(tmp_path: Path, photos: Path) -> None:
    evaluate = ["evaluate", photos, "-e", "palette", "--labels", "folder", "--json", "a.json", "-k", "9"]
    listed = ["compare", photos, "-e", "palette", "-q", "dog"]
    done, shown = run_each([[*command, "--store", "s.sqlite"] for command in (evaluate, listed)], tmp_path)
    assert done.returncode == 0, done.stderr
    saved = json.loads((tmp_path / "a.json").read_text())
    relevant = {query["query"]: query["relevant"] for query in saved["relevance"]["queries"]}
    assert relevant == {"cat": 2, "dog": 3}
    hits = {hit["image"]: hit for hit in saved["queries"][1]["rankings"]["palette"]["hits"]}
    assert (hits["cat/both.jpg"]["label"], hits["cat/both.jpg"]["labels"]) == ("cat", ["cat", "dog"])
    assert "labels" not in hits["dog/0.jpg"]
    assert "cat/both.jpg [dog]" in shown.stdout
    again = Comparison.load(tmp_path / "a.json").queries[1].rankings["palette"]
    assert {hit.every_label for hit in again} == {("cat",), ("dog",), ("cat", "dog")}


def test_outputs_among_the_pictures_are_refused_and_where_allowed_never_become_pictures(
    tmp_path: Path, photos: Path
) -> None:
    need("matplotlib")
    filtering = ["filter", photos, "-e", "palette", "-q", "red", "--threshold", "-1"]
    writing = {
        "--plots": ["compare", photos, "-e", "palette", "-q", "red"],
        "--export": ["compare", photos, "-e", "palette", "-q", "red"],
        "--copy": filtering,
        "--link": filtering,
    }
    for option, command in writing.items():
        out = photos / option.strip("-")
        taken = [*command, "--store", "s.sqlite", option, photos / "dog", "--inside-source"]
        refused, taken_up, allowed, again = run_each(
            [
                [*command, "--store", "s.sqlite", option, out],
                taken,
                [*command, "--store", "s.sqlite", option, out, "--inside-source"],
                [*command, "--store", "s.sqlite", option, out, "--inside-source"],
            ],
            tmp_path,
        )
        assert f"{option} {out} lies inside {photos}" in refused.stderr
        assert "--inside-source" in refused.stderr
        assert f"{option} {photos / 'dog'} holds other files" in taken_up.stderr
        assert (allowed.returncode, again.returncode) == (0, 0), allowed.stderr + again.stderr
        assert (out / MARK).is_file()
    judged, elsewhere = run_each(
        [
            ["evaluate", photos, "-e", "palette", "--labels", "folder", "--json", "-", "--store", "s.sqlite"],
            ["compare", photos / "copy", "-e", "palette", "-q", "red", "--json", "-", "--store", "s.sqlite"],
        ],
        tmp_path,
    )
    saved = json.loads(judged.stdout)
    assert [query["query"] for query in saved["queries"]] == ["cat", "dog"]
    assert saved["collection"]["images"] == 4
    assert ("copy", 4) in {(each["name"], each["files"]) for each in saved["collection"]["skipped"]}
    assert json.loads(elsewhere.stdout)["collection"]["images"] == 4
