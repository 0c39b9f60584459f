"""Where judgments come from, and what is said of those that fit nothing."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from diptych import samples
from diptych.errors import DiptychError
from diptych.images import Collection, open_collection
from diptych.judgments.groundtruth import from_file, from_labels, ground_truth, standing_judgments
from diptych.judgments.judgments import Judgments
from diptych.store.judgment import Judgment
from diptych.store.vectors import Store
from support import picture_bytes


@pytest.fixture
def collection(tmp_path: Path) -> Collection:
    for number, name in enumerate(("golden_retriever/1", "golden_retriever/2", "grey_wolf/1", "cat/1")):
        path = tmp_path / "photos" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture_bytes((number * 40, 0, 0)))
    return open_collection(tmp_path / "photos")


def ids(collection: Collection, *names: str) -> set[str]:
    return {picture.id for picture in collection.pictures if picture.name in names}


def test_labels_are_the_queries_where_nothing_is_asked(collection: Collection) -> None:
    found = from_labels("folder", collection)
    assert found.queries == ("cat", "golden retriever", "grey wolf")
    assert found.judgments.relevant("grey wolf") == ids(collection, "grey_wolf/1.png")
    assert len(found.judgments.grades("cat")) == 4
    assert (found.notes, found.options) == ((), ("--labels", "folder"))


def test_a_query_no_label_goes_with_is_named(collection: Collection) -> None:
    found = from_labels("folder", collection, ["Golden Retriever", "a boat"])
    assert found.queries == ("Golden Retriever",)
    assert found.notes == ("No label goes with “a boat”.",)


def test_a_mapping_gives_the_queries_and_names_labels_that_are_not_there(
    collection: Collection, tmp_path: Path
) -> None:
    (tmp_path / "map.json").write_text(json.dumps({"dog": ["golden_retriever", "pug"], "wolf": "grey_wolf"}))
    found = from_labels(tmp_path / "map.json", collection)
    assert found.queries == ("dog", "wolf")
    assert len(found.judgments.relevant("dog")) == 2
    assert found.notes == ("No picture here has the label “pug”, which the mapping names.",)


def test_captions_are_queries_and_their_own_picture_is_relevant(tmp_path: Path) -> None:
    rows = []
    for number in range(3):
        (tmp_path / f"{number}.png").write_bytes(picture_bytes((number, 0, 0)))
        rows.append(
            {"path": f"{number}.png", "caption": f"picture {number}"} if number else {"path": "0.png"}
        )
    manifest = tmp_path / "pictures.jsonl"
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = from_labels("captions", open_collection(manifest), ["picture 1", "another"])
    assert found.queries == ("picture 1", "picture 2")
    assert len(found.judgments.relevant("picture 1")) == 1
    assert found.notes == ("No picture has the caption “another”.",)


@pytest.mark.parametrize("labels", ["folder", "captions"])
def test_pictures_without_labels_or_captions_are_refused_in_a_line(labels: str, tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "1.png").write_bytes(picture_bytes())
    with pytest.raises(DiptychError, match=r"no picture of .+ has a (label|caption)") as refused:
        from_labels(labels, open_collection(tmp_path / "one"))
    assert "\n" not in str(refused.value)


def test_qrels_name_queries_by_the_ids_of_the_file_beside_them(
    collection: Collection, tmp_path: Path
) -> None:
    (tmp_path / "queries.tsv").write_text("q7\tdog\n")
    (tmp_path / "qrels.trec").write_text("q7 0 golden_retriever/1.png 1\nq7 0 gone.png 1\nq9 0 cat/1.png 1\n")
    found = from_file(tmp_path / "qrels.trec", collection)
    assert found.queries == ("dog",)
    assert found.judgments.relevant("dog") == ids(collection, "golden_retriever/1.png")
    (note,) = found.notes
    assert note.startswith("Ignored in qrels.trec: 2 lines (line 2, 'gone.png': no such image in this")
    assert note.endswith("; line 3, 'q9': no such query was asked).")


def test_qrels_name_queries_by_their_order_where_no_file_says(collection: Collection, tmp_path: Path) -> None:
    (tmp_path / "q.txt").write_text("q2 0 cat/1.png 1\n")
    found = from_file(tmp_path / "q.txt", collection, ["dog", "cat"])
    assert found.queries == ("cat",)
    with pytest.raises(DiptychError, match=r"q\.txt names its queries by ids: give the queries"):
        from_file(tmp_path / "q.txt", collection)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("q.csv", "query,image,grade\ncat,gone.png,1\n", r"nothing in .+ line 2, 'gone.png': no such image"),
        ("q.trec", "cat 0 cat/1.png 4\n", r"line 1: grade '4'; grades are 0 \(irrelevant\) to 3"),
        ("q.trec", "cat 0 cat/1.png 1\ncat 0 cat/1.png\n", r"line 2: 3 fields, where qrels have 4"),
        ("q.jsonl", "{}\n", r"line 1: a query, an image or id, and a grade are needed"),
        ("q.trec", "\n", r"q\.trec holds no judgments"),
    ],
)
def test_a_file_that_fits_nothing_is_refused_in_a_line(
    collection: Collection, tmp_path: Path, name: str, text: str, words: str
) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(DiptychError, match=words) as refused:
        from_file(tmp_path / name, collection)
    assert "\n" not in str(refused.value)


def test_the_store_is_asked_where_nothing_else_is_said(collection: Collection, tmp_path: Path) -> None:
    store = Store(tmp_path / "store.sqlite")
    (cat,) = ids(collection, "cat/1.png")
    elsewhere = hashlib.sha256(b"elsewhere").hexdigest()
    store.add_judgments(
        [Judgment(query="cat", image=cat, grade=1), Judgment(query="cow", image=elsewhere, grade=1)]
    )
    found = ground_truth(collection, store)
    assert found.queries == ("cat",)  # nothing here was judged for a cow
    assert found.origin == "1 judgment in the store"
    assert standing_judgments(collection, store, ["cow"]).queries == ()


def test_judgments_can_be_handed_over_but_not_together_with_labels(
    collection: Collection, tmp_path: Path
) -> None:
    given = Judgments([Judgment(query="cat", image=collection.pictures[0].id, grade=1)])
    store = Store(tmp_path / "store.sqlite")
    assert ground_truth(collection, store, judgments=given).queries == ("cat",)
    with pytest.raises(DiptychError, match="both say what is relevant: give one of them"):
        ground_truth(collection, store, judgments=given, labels="folder")


def test_the_sample_has_its_own_and_a_persons_words_are_added(tmp_path: Path) -> None:
    sample = open_collection("sample")
    store = Store(tmp_path / "store.sqlite")
    found = standing_judgments(sample, store)
    assert found.queries == tuple(samples.queries().values())
    names = {picture.id: picture.name for picture in sample.pictures}
    for text, relevant in samples.relevant().items():
        assert {names[image] for image in found.judgments.relevant(text)} == relevant
    wolf = min(found.judgments.relevant("wolf"))
    store.add_judgments([Judgment(query="wolf", image=wolf, grade=0, at="2026-01-01T00:00:00Z")])
    assert wolf not in standing_judgments(sample, store).judgments.relevant("wolf")


def test_a_folder_called_sample_is_not_the_sample(
    collection: Collection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "photos").rename(tmp_path / "sample")
    monkeypatch.chdir(tmp_path)
    assert standing_judgments(open_collection("sample"), Store(tmp_path / "store.sqlite")).queries == ()
