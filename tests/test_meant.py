"""What a person writes is taken as it was meant: texts in any form, files of any program, and no guesses."""

from __future__ import annotations

import json
import shutil
import unicodedata
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import diptych
from commands import run_each
from diptych.errors import DiptychError
from diptych.judgments.qrels import read_query_ids, write_query_ids
from diptych.queries import text_query
from support import need, picture_bytes

COMPOSED = "Caf\u00e9"
TAKEN_APART = unicodedata.normalize("NFD", COMPOSED)
ODD = [
    "a\u200bb",
    "soft\u00adhyphen",
    "\U0001f3f4\U000e0067\U000e0062\U000e007f",
    "tab\tand\nline\r\\n",
    " # red\u2028",
]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two classes, one with an accent that the disk has taken apart, as macOS wrote it."""
    for number, name in enumerate([f"{TAKEN_APART}/0.png", f"{TAKEN_APART}/1.png", "plain/0.png"]):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture_bytes((200, 30, 40 * number)))
    return tmp_path / "photos"


def run(folder: Path, *commands: list[object]) -> list[str]:
    """What each command printed; each has to succeed."""
    outcomes = run_each([[*command, "--store", "s.sqlite"] for command in commands], folder)
    for done in outcomes:
        assert done.returncode == 0, done.stderr
    return [done.stdout for done in outcomes]


def refused(folder: Path, *commands: list[object]) -> list[str]:
    """What each command said before it did anything."""
    outcomes = run_each([[*command, "--store", "s.sqlite"] for command in commands], folder)
    assert all(done.returncode in {1, 2} and done.stdout == "" for done in outcomes)
    return [" ".join(done.stderr.split()) for done in outcomes]


# Accents


def test_accents_meet_in_manifests_labels_mappings_and_judgments(tmp_path: Path, photos: Path) -> None:
    (tmp_path / "manifest.csv").write_text(
        f"path,label\nphotos/{COMPOSED}/0.png,{COMPOSED}\nphotos/plain/0.png,x\n"
    )
    (tmp_path / "map.json").write_text(json.dumps({"coffee": [COMPOSED]}))
    (tmp_path / "j.csv").write_text(
        f"query,image,grade\n{COMPOSED},{COMPOSED}/0.png,1.0\n{COMPOSED},plain/0.png,0.0\n"
    )
    (tmp_path / "q.trec").write_text(f"{COMPOSED} 0 {COMPOSED}/0.png 1\n{COMPOSED} 0 plain/0.png 0\n")
    evaluate = ["evaluate", photos, "-e", "palette", "--json", "-"]
    listed, *judged = run(
        tmp_path,
        ["compare", "manifest.csv", "-e", "palette", "--image", f"photos/{COMPOSED}/0.png", "--json", "-"],
        [*evaluate, "--labels", "folder", "-q", COMPOSED],
        [*evaluate, "--labels", "folder", "-q", TAKEN_APART],
        [*evaluate, "--labels", "map.json"],
        [*evaluate, "--judgments", "j.csv", "-q", TAKEN_APART],
        [*evaluate, "--judgments", "q.trec", "-q", TAKEN_APART],
        ["judgments", photos, "--import", "j.csv"],
        [*evaluate, "-q", TAKEN_APART],
    )  # fmt: skip
    assert json.loads(listed)["collection"] == {"source": "manifest.csv", "images": 2, "skipped": []}
    del judged[-2]
    relevant = [json.loads(each)["relevance"]["queries"][0]["relevant"] for each in judged]
    assert relevant == [2, 2, 2, 1, 1, 1]


def test_names_are_in_one_form_whatever_the_disk_has(photos: Path) -> None:
    collection = diptych.Workbench(photos, "palette").collection
    assert [picture.name for picture in collection.pictures] == [
        f"{COMPOSED}/0.png",
        f"{COMPOSED}/1.png",
        "plain/0.png",
    ]
    for form in (COMPOSED, TAKEN_APART):
        assert [picture.name for picture in collection.called(f"{form}/0.png")] == [f"{COMPOSED}/0.png"]


# Queries in files


def _can_be_asked(text: str) -> bool:
    return bool(text.strip())


@given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs"])).filter(_can_be_asked), max_size=6))
@example(texts=ODD)
def test_every_text_that_can_be_asked_is_read_back_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    ids = {f"q{number}": text_query(text).text for number, text in enumerate(texts, start=1)}
    path = tmp_path_factory.mktemp("queries") / "queries.tsv"
    write_query_ids(ids, path)
    assert read_query_ids(path) == ids


def test_what_was_judged_for_an_odd_query_comes_back_through_files(tmp_path: Path, photos: Path) -> None:
    bench = diptych.Workbench(photos, "palette", store=tmp_path / "s.sqlite")
    for query in ODD:
        bench.judge(query, "plain/0.png", 1)
    files = ["out/judged.trec", "out/judged.jsonl"]
    (tmp_path / "out").mkdir()
    run(tmp_path, *(["judgments", photos, "--export", file] for file in files))
    for file in files:
        (tmp_path / "s.sqlite").unlink()
        for beside in tmp_path.glob("s.sqlite-*"):
            beside.unlink()
        run(tmp_path, ["judgments", photos, "--import", file])
        fresh = diptych.Workbench(photos, "palette", store=tmp_path / "s.sqlite")
        assert set(fresh.judgments().queries) == set(ODD)


def test_an_export_names_queries_as_they_were_asked(tmp_path: Path, photos: Path) -> None:
    asked = [option for query in ODD for option in ("-q", query)]
    run(tmp_path, ["compare", photos, "-e", "palette", *asked, "--export", "out"])
    assert list(read_query_ids(tmp_path / "out" / "queries.tsv").values()) == ODD


# What spreadsheets write


@pytest.mark.parametrize(
    "data",
    [
        b"path;label\rplain/0.png;x\r",
        b"sep=;\r\npath;label\r\nplain/0.png;x\r\n",
        b'"sep=;"\r\npath;label\r\nplain/0.png;x\r\n',
        "path\tlabel\r\nplain/0.png\tx\r\n".encode("utf-16"),
        b"path,label\r\nplain\\0.png,x\r\n",
    ],
    ids=["CR", "sep", "quoted sep", "Unicode text", "backslashes"],
)
def test_lists_are_read_as_programs_write_them(photos: Path, data: bytes) -> None:
    (photos / "list.csv").write_bytes(data)
    collection = diptych.Workbench(photos / "list.csv", "palette").collection
    assert [(picture.name, picture.label) for picture in collection.pictures] == [("plain/0.png", "x")]


@pytest.mark.parametrize("grade", ["1.0", "1,0", "1.", "1"])
def test_grades_are_read_as_programs_write_them(tmp_path: Path, photos: Path, grade: str) -> None:
    (tmp_path / "j.csv").write_text(f"query;image;grade\nred;plain\\0.png;{grade}\n")
    bench = diptych.Workbench(photos, "palette")
    compared = bench.evaluate(["red"], judgments=tmp_path / "j.csv")
    assert compared.relevance is not None
    assert compared.relevance.queries[0].relevant == 1


# Guesses


def test_a_text_is_a_text_also_where_a_picture_has_that_name(tmp_path: Path, photos: Path) -> None:
    (photos / "names.csv").write_text("path,name\nplain/0.png,golden retriever\n")
    search = ["search", photos / "names.csv", "-e", "palette", "--json", "-"]
    found = run(
        tmp_path,
        [*search, "golden retriever"],
        [*search, "image:golden retriever"],
        [*search, "photos/plain/0.png"],
        [*search, f"image:photos/{COMPOSED}/0.png"],
    )
    assert [json.loads(each)["queries"][0]["kind"] for each in found] == ["text", "image", "image", "image"]
    (said,) = refused(tmp_path, [*search, "image:gone"])
    assert "there is no picture 'gone', neither as a file nor in the collection" in said


def test_a_name_that_several_pictures_have_is_no_choice(photos: Path) -> None:
    (photos / "names.csv").write_text(f"path,name\nplain/0.png,wolf\n{COMPOSED}/0.png,wolf\n")
    with pytest.raises(DiptychError, match="several pictures are called 'wolf'"):
        diptych.Workbench(photos / "names.csv", "palette").search("image:wolf")


def test_labels_of_the_same_words_are_one_query_and_said(tmp_path: Path, photos: Path) -> None:
    shutil.copytree(photos / "plain", photos / "Plain")
    (photos / "Plain" / "0.png").write_bytes(picture_bytes((1, 2, 3)))
    (saved,) = run(tmp_path, ["evaluate", photos, "-e", "palette", "--labels", "folder", "--json", "-"])
    relevance = json.loads(saved)["relevance"]
    assert [(query["query"], query["relevant"]) for query in relevance["queries"]] == [
        (COMPOSED, 2),
        ("Plain", 2),
    ]
    assert any("“Plain”, “plain” are one query" in note for note in relevance["notes"])


def test_the_nearest_by_use_is_suggested(tmp_path: Path, photos: Path) -> None:
    embedder, source = refused(
        tmp_path,
        ["compare", photos, "-e", "clip", "-q", "red"],
        ["compare", "photo", "-e", "palette", "-q", "red"],
    )
    assert "no embedder named 'clip'; did you mean clip-ViT-L-14 or" in embedder
    assert "there is no photo; did you mean photos/?" in source


def test_nothing_is_written_under_the_name_of_another_kind_of_file(tmp_path: Path, photos: Path) -> None:
    need("matplotlib")
    compare = ["compare", photos, "-e", "palette", "-q", "red"]
    commands: list[list[object]] = [
        [*compare, "--report", "out.pdf"],
        [*compare, "--json", "out.html"],
        [*compare, "--plots", "out.png"],
        [*compare, "--export", "out.zip"],
        ["judgments", photos, "--export", "out.xlsx"],
        ["threshold", photos, "-e", "palette", "--labels", "folder", "--save", "out.html"],
        ["filter", photos, "-e", "palette", "-q", "red", "--threshold", "0", "--copy", "out.jpg"],
    ]
    said = refused(tmp_path, *commands)
    for words, ending in zip(
        said, ["html", "json", "folder", "folder", "trec", "json", "folder"], strict=True
    ):
        assert f"name it out.{ending}" in words or f"name a {ending}" in words
    assert not list(tmp_path.glob("out.*"))
    comparison = diptych.compare(photos, "palette", ["red"])
    for write, name in ((comparison.report, "out.pdf"), (comparison.to_json, "out.html")):
        with pytest.raises(DiptychError, match=f"{name} is not what is written there"):
            write(tmp_path / name)
