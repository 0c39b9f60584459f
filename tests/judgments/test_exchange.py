"""Judgments from Python: given by name or id, read back, taken from files and written to them."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

import diptych
from diptych import samples
from diptych.errors import DiptychError
from diptych.judgments.exchange import export_judgments, import_judgments
from diptych.judgments.ledger import find_picture, recorded
from diptych.store.vectors import Store
from support import picture_bytes


@pytest.fixture
def bench(tmp_path: Path) -> diptych.Workbench:
    for folder in ("red", "blue"):
        (tmp_path / "p" / folder).mkdir(parents=True)
        for number in range(6):
            colour = (200 - number, 10, 10) if folder == "red" else (10, 10, 200 - number)
            (tmp_path / "p" / folder / f"{number}.png").write_bytes(picture_bytes(colour))
    return diptych.Workbench(tmp_path / "p", ["palette", "random"])


def test_a_word_is_kept_with_who_when_and_whether_blind(bench: diptych.Workbench) -> None:
    bench.judge("red", "red/0.png", 2, by="Ada", blind=True)
    (given,) = bench.judgments().given
    assert (given.query, given.grade, given.by, given.blind) == ("red", 2, "Ada", True)
    assert given.image == find_picture(bench.collection, "red/0.png").id
    assert given.at.endswith("Z")


def test_a_word_can_be_taken_back_and_said_anew(bench: diptych.Workbench) -> None:
    image = bench.collection.pictures[0].id
    for grade in (1, 0, None, None, 3):
        bench.judge("red", image, grade, by="Ada")
    assert bench.judgments().grades("red") == {image: 3}


def test_only_words_about_these_pictures_are_read(bench: diptych.Workbench, tmp_path: Path) -> None:
    bench.judge("red", "red/0.png", 1)
    (tmp_path / "q").mkdir()
    (tmp_path / "q" / "other.png").write_bytes(picture_bytes((1, 2, 3)))
    other = diptych.Workbench(tmp_path / "q", ["palette"])
    other.judge("red", "other.png", 1)
    assert len(bench.judgments()) == len(other.judgments()) == 1
    assert len(bench.judgments(["blue"])) == 0
    assert len(recorded(bench.store)) == 2


@pytest.mark.parametrize(
    ("query", "image", "grade", "words"),
    [
        ("red", "nowhere.png", 1, "no picture is called 'nowhere.png'"),
        ("red", "\x1b[31m", 1, "no picture is called"),
        ("red", "red/0.png", 4, "grade 4: grades are 0"),
        ("  ", "red/0.png", 1, "a query is empty"),
    ],
)
def test_what_can_not_be_is_refused_in_words(
    bench: diptych.Workbench, query: str, image: str, grade: int, words: str
) -> None:
    with pytest.raises(DiptychError, match=words) as error:
        bench.judge(query, image, grade)
    assert "\x1b" not in str(error.value)
    assert len(bench.judgments()) == 0


def test_the_pool_is_the_hits_and_some_from_below_in_the_same_order_each_time(
    bench: diptych.Workbench,
) -> None:
    pools = bench.pool(["red", "blue", "red"], 3, below=2)
    assert list(pools) == ["red", "blue"]
    for query, pool in pools.items():
        shown = pool.images
        rankings = bench.search(query, 3).queries[0].rankings.values()
        found = {hit.id for hits in rankings for hit in hits}
        assert found <= set(shown)
        assert len(shown) == len(set(shown)) == len(found) + 2
    assert bench.pool(["blue"], 3, below=2)["blue"] == pools["blue"]


@pytest.mark.parametrize("name", ["j.csv", "j.jsonl"])
def test_judgments_go_out_and_in_again_word_for_word(
    bench: diptych.Workbench, tmp_path: Path, name: str
) -> None:
    for number, query in enumerate(["red", "a “strange”, one", "blue"]):
        bench.judge(query, f"red/{number}.png", number, by="Ada", blind=number == 1)
    assert export_judgments(bench.judgments(), tmp_path / name, bench.collection) is None
    with Store(tmp_path / "other.sqlite") as other:
        added = import_judgments(tmp_path / name, bench.collection, other)
        assert (added.added, added.there, added.notes) == (3, 0, ())
        assert recorded(other).given == bench.judgments().given
        again = import_judgments(tmp_path / name, bench.collection, other)
        assert (again.added, again.there) == (0, 3)
        assert len(other.judgments()) == 3


def test_a_correction_counts_though_a_clock_was_a_year_ahead(
    bench: diptych.Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as ahead:
        ahead.setattr("diptych.judgments.ledger.now", lambda: "2099-01-01T00:00:00Z")
        bench.judge("red", "red/0.png", 1)
    bench.judge("red", "red/0.png", 0)
    (image,) = bench.judgments().grades("red")
    assert bench.judgments().grades("red") == {image: 0}
    relevance = bench.evaluate(["red"]).relevance
    assert relevance is not None
    assert (relevance.queries[0].relevant, relevance.queries[0].irrelevant) == (0, 1)
    for name in ("j.csv", "j.jsonl"):
        export_judgments(bench.judgments(), tmp_path / name, bench.collection)
        by_file = bench.evaluate(["red"], judgments=tmp_path / name).relevance
        assert by_file is not None
        assert by_file.queries[0].relevant == 0
        with Store(tmp_path / f"{name}.sqlite") as other:
            import_judgments(tmp_path / name, bench.collection, other)
            assert recorded(other).grades("red") == {image: 0}


def test_what_is_imported_counts_as_filed_now_and_an_old_copy_changes_nothing(
    bench: diptych.Workbench, tmp_path: Path
) -> None:
    bench.judge("red", "red/0.png", 1)
    bench.judge("red", "red/1.png", 1)
    export_judgments(bench.judgments(), tmp_path / "old.csv", bench.collection)
    bench.judge("red", "red/0.png", 0)
    bench.judge("red", "red/1.png", None)
    stands = bench.judgments().grades("red")
    assert import_judgments(tmp_path / "old.csv", bench.collection, bench.store) == (0, 2, ())
    assert bench.judgments().grades("red") == stands
    theirs = "query,image,grade,by,at\nred,red/0.png,3,Ada,2001-01-01\nred,red/1.png,0,Ada,2001-01-01\n"
    (tmp_path / "theirs.csv").write_text(theirs)
    added = import_judgments(tmp_path / "theirs.csv", bench.collection, bench.store)
    assert added.notes == (
        "1 picture had another grade in the store: that of theirs.csv counts now, as it was added last.",
    )
    assert sorted(bench.judgments().grades("red").values()) == [0, 3]


def test_qrels_come_with_the_queries_they_are_about(bench: diptych.Workbench, tmp_path: Path) -> None:
    bench.judge("red wolf", "red/0.png", 1)
    bench.judge("blue", "red/0.png", 0)
    (tmp_path / "out").mkdir()
    beside = export_judgments(bench.judgments(), tmp_path / "out" / "j.trec", bench.collection)
    assert beside == tmp_path / "out" / "queries.tsv"
    assert beside.read_text() == "q1\tred wolf\nq2\tblue\n"
    with Store(tmp_path / "other.sqlite") as other:
        import_judgments(tmp_path / "out" / "j.trec", bench.collection, other)
        assert {(j.query, j.grade) for j in recorded(other)} == {("red wolf", 1), ("blue", 0)}
    bench.judge("green", "red/0.png", 0)
    beside.write_text("q1\tsomething else\n")
    with pytest.raises(DiptychError, match="is of other queries"):
        export_judgments(bench.judgments(), tmp_path / "out" / "j.trec", bench.collection)
    assert beside.read_text() == "q1\tsomething else\n"


def test_the_samples_own_qrels_can_be_imported(tmp_path: Path) -> None:
    bench = diptych.Workbench("sample", ["random"], store=tmp_path / "s.sqlite")
    added = import_judgments(samples.QRELS, bench.collection, bench.store, samples.queries())
    assert added.added == 22 * 120
    names = {picture.id: picture.name for picture in bench.collection.pictures}
    relevant = {names[image] for image in recorded(bench.store).relevant("wolf")}
    assert relevant == samples.relevant()["wolf"]


def test_a_file_about_other_pictures_adds_nothing_and_says_so(
    bench: diptych.Workbench, tmp_path: Path
) -> None:
    (tmp_path / "j.csv").write_text("query,image,grade\nred,gone.png,1\n")
    with pytest.raises(DiptychError, match=r"nothing in .*j\.csv can be used here; line 2, 'gone\.png'"):
        import_judgments(tmp_path / "j.csv", bench.collection, bench.store)
    (tmp_path / "j.csv").write_text("query,image,grade\nred,gone.png,1\nred,red/0.png,1\n")
    added = import_judgments(tmp_path / "j.csv", bench.collection, bench.store)
    assert added.added == 1
    assert "gone.png" in added.notes[0]


def test_what_is_judged_to_the_end_is_all_that_evaluate_looks_at(bench: diptych.Workbench) -> None:
    """Ties too: of an embedder that scores everything alike, the same pictures are judged and looked at."""
    for query in ("red", "a word without colour"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", diptych.DiptychWarning)
            for image in bench.pool([query], 3, below=0)[query].images:
                bench.judge(query, image, 1)
            relevance = bench.evaluate([query], 3).relevance
        assert relevance is not None
        assert [each.unjudged_first for each in relevance.queries] == [0]
