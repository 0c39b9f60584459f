"""The whole job from Python: what a person at a notebook does, and what they get."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import diptych
from diptych.emulators.vertex import VertexEmulator
from diptych.errors import DiptychError
from diptych.images import open_collection
from diptych.paths import cache_dir
from support import need, picture_bytes

RED, GREEN, BLUE = (210, 30, 30), (30, 160, 40), (30, 60, 200)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    for label, colour in {"red": RED, "green": GREEN, "blue": BLUE}.items():
        (folder / label).mkdir(parents=True)
        for number in range(4):
            shade = tuple(min(255, c + 6 * number) for c in colour)
            (folder / label / f"{number}.png").write_bytes(picture_bytes(shade))
    (folder / "red" / "copy of 0.png").write_bytes((folder / "red" / "0.png").read_bytes())
    (folder / "broken.png").write_bytes(picture_bytes()[:50])
    return folder


def test_a_comparison_names_ranks_scores_and_labels(pictures: Path) -> None:
    result = diptych.compare(pictures, ["palette", "random"], ["red", "blue"], k=4)
    assert [info.name for info in result.embedders] == ["palette", "random"]
    assert result.images == 12
    assert [skipped.name for skipped in result.skipped] == ["broken.png"]
    for query in result.queries:
        hits = query.rankings["palette"]
        assert [hit.rank for hit in hits] == [1, 2, 3, 4]
        assert {hit.label for hit in hits} == {query.query}
        assert list(hits) == sorted(hits, key=lambda hit: -hit.score)
        assert len(query.rankings["random"]) == 4


def test_a_second_comparison_embeds_nothing(pictures: Path) -> None:
    first = diptych.Workbench(pictures, ["palette", "random"]).compare(["red"])
    second = diptych.Workbench(pictures, ["palette", "random"]).compare(["red"])
    assert [w.images_embedded for w in first.work.values()] == [12, 12]
    assert [(w.images_embedded, w.queries_embedded) for w in second.work.values()] == [(0, 0), (0, 0)]
    assert second.queries == first.queries


def test_vectors_are_found_again_wherever_the_pictures_lie(pictures: Path, tmp_path: Path) -> None:
    diptych.Workbench(pictures, ["random"]).embed()
    shutil.move(pictures, tmp_path / "elsewhere")
    filled = diptych.Workbench(tmp_path / "elsewhere", ["random"]).embed()
    assert filled["random"].embedded == 0


def test_a_picture_from_the_collection_finds_itself_first_and_it_is_said(pictures: Path) -> None:
    bench = diptych.Workbench(pictures, ["palette", "random"])
    for asked in ("green/2.png", pictures / "green" / "2.png", str(pictures / "green" / "2.png")):
        (query,) = bench.search(asked, k=3).queries
        assert query.kind == "image"
        assert "is in the collection: each list begins with it" in query.findings[0]
        for hits in query.rankings.values():
            assert hits[0].image == "green/2.png"
            assert hits[0].itself
            assert hits[0].score == pytest.approx(1, abs=1e-6)
            assert not any(hit.itself for hit in hits[1:])


def test_a_picture_from_outside_can_be_a_file_an_image_or_an_array(pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "asked.png").write_bytes(picture_bytes((40, 70, 190)))
    image = Image.open(tmp_path / "asked.png")
    floats = np.asarray(image) / 255
    bench = diptych.Workbench(pictures, ["palette"])
    for asked in (tmp_path / "asked.png", str(tmp_path / "asked.png"), image, np.asarray(image), floats):
        (query,) = bench.search(asked, k=4).queries
        assert query.kind == "image"
        assert {hit.label for hit in query.rankings["palette"]} == {"blue"}
        assert not any("asked with" in finding for finding in query.findings)


def test_a_path_that_leads_nowhere_is_no_text(pictures: Path) -> None:
    bench = diptych.Workbench(pictures, ["palette"])
    with pytest.raises(DiptychError, match=r"there is no picture 'photos/cta\.jpg'"):
        bench.search("photos/cta.jpg")


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((3,)),
        np.zeros((4, 4, 2)),
        np.zeros((4, 4), np.int64),
        np.zeros((0, 4, 3)),
        np.full((4, 4), np.nan),
    ],
)
def test_an_array_that_is_no_picture_is_refused(pictures: Path, array: np.ndarray) -> None:
    with pytest.raises(DiptychError, match=r"an array as a query must be"):
        diptych.Workbench(pictures, ["palette"]).search(array)


def test_ties_are_ordered_by_name(pictures: Path) -> None:
    with pytest.warns(diptych.DiptychWarning, match="colour"):
        (query,) = diptych.Workbench(pictures, ["palette"]).search("wolf").queries
    names = [hit.image for hit in query.rankings["palette"]]
    assert names == sorted(names)
    assert {hit.score for hit in query.rankings["palette"]} == {0.0}
    assert query.findings == (
        "palette gives all 12 pictures the same score: they stand in the order of their names.",
    )


def test_a_picture_that_one_embedder_refuses_is_ranked_by_none(pictures: Path, tmp_path: Path) -> None:
    bench = diptych.Workbench(pictures, ["random"])
    ranked = bench.vectors()["random"]
    keep = [row for row, name in enumerate(ranked.names) if name != "blue/1.png"]
    np.savez(
        tmp_path / "made.npz", names=np.array(ranked.names)[keep], vectors=ranked.vectors[keep],
        texts=np.array(["sky"]), text_vectors=ranked.vectors[:1],
    )  # fmt: skip
    result = diptych.Workbench(pictures, ["random", f"vectors:{tmp_path / 'made.npz'}"]).compare(["sky"])
    assert result.images == 11
    lost = {skipped.name: skipped.reason for skipped in result.skipped}
    assert "no vector" in lost["blue/1.png"]
    for hits in result.queries[0].rankings.values():
        assert "blue/1.png" not in {hit.image for hit in hits}


@pytest.mark.parametrize("work", ["compare", "answers", "vectors", "pool"])
def test_nothing_is_sent_where_it_would_cost_too_much(pictures: Path, work: str) -> None:
    bench = diptych.Workbench(pictures, ["random", "vertex?project=p"], max_cost=0.0005)
    with pytest.raises(
        DiptychError, match=r"about \$0\.0015, more than the \$0\.0005 allowed; nothing was sent"
    ):
        getattr(bench, work)(["red"])
    assert (
        bench.store.known(
            bench.embedders[0].info.fingerprint, "image", [p.id for p in bench.collection.pictures]
        )
        == set()
    )


def test_an_estimate_counts_only_what_is_missing(pictures: Path) -> None:
    bench = diptych.Workbench(pictures, ["random", "vertex?project=p"])
    texts = ["red", "a blue picture", *(text.text for text in bench.bank)]
    before, vertex = bench.estimate(["red", "a blue picture"])
    assert (before.images, before.images_from_store, before.texts, before.dollars) == (13, 0, 2 + 64, 0)
    assert vertex.images == 13
    assert vertex.calls == 13 + 2 + 64
    assert vertex.dollars == pytest.approx(13 * 0.0001 + len("".join(texts)) / 1000 * 0.0002)
    assert vertex.minutes == pytest.approx((13 + 2 + 64) / 120)
    diptych.Workbench(pictures, ["random"]).compare(["red"])
    after = bench.estimate(["red", "a blue picture"])[0]
    assert (after.images_from_store, after.texts) == (12, 1)
    assert after.minutes is not None


@pytest.mark.parametrize("embedders", [[], ["palette", "palette"]])
def test_no_embedder_or_one_twice_is_refused(pictures: Path, embedders: list[str]) -> None:
    with pytest.raises(DiptychError, match=r"no embedder is named|named twice"):
        diptych.Workbench(pictures, embedders)


def test_a_saved_comparison_opens_again(pictures: Path, tmp_path: Path) -> None:
    result = diptych.compare(pictures, ["palette", "random"], ["red", str(pictures / "red" / "1.png")], k=3)
    result.to_json(tmp_path / "result.json")
    loaded = diptych.Comparison.load(tmp_path / "result.json")
    assert loaded == result
    assert loaded.to_json() == result.to_json()


def test_a_file_from_a_later_version_opens_without_what_is_new(pictures: Path, tmp_path: Path) -> None:
    result = diptych.compare(pictures, ["palette"], ["red"], k=3)
    saved = result.to_dict()
    saved["news"] = 1
    saved["embedders"][0]["news"] = 1
    saved["queries"][0]["rankings"]["palette"]["stratification"]["news"] = 1
    saved["queries"][0]["rankings"]["palette"]["hits"][0]["news"] = 4.1
    (tmp_path / "later.saved").write_text(json.dumps(saved))
    assert diptych.Comparison.load(tmp_path / "later.saved") == result


def test_a_file_from_before_the_analysis_opens_without_it(pictures: Path, tmp_path: Path) -> None:
    saved = diptych.compare(pictures, ["palette"], ["red"], k=3).to_dict()
    saved["summary"] = {"work": saved["summary"]["work"]}
    (query,) = saved["queries"]
    for key in ("agreement", "contrast", "related"):
        del query[key]
    ranking = query["rankings"]["palette"]
    del ranking["stratification"], ranking["curve"]
    for hit in ranking["hits"]:
        del hit["z"]
    (tmp_path / "earlier.saved").write_text(json.dumps(saved))
    opened = diptych.Comparison.load(tmp_path / "earlier.saved")
    assert [hit.label for hit in opened.queries[0].rankings["palette"]] == ["red"] * 3
    assert opened.queries[0].stratification == {}


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"diptych": "1"}', "not json", '{"diptych": 1, "created": 2}']
)
def test_what_is_no_saved_comparison_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "other.json").write_text(content)
    with pytest.raises(DiptychError, match=r"other\.json is not a saved comparison"):
        diptych.Comparison.load(tmp_path / "other.json")


def test_a_comparison_becomes_a_dataframe(pictures: Path) -> None:
    need("pandas")
    frame = diptych.compare(pictures, ["palette", "random"], ["red", "blue"], k=3).to_dataframe()
    assert list(frame.columns) == ["query", "kind", "embedder", "rank", "image", "id", "label", "score", "z"]
    assert len(frame) == 2 * 2 * 3
    best = frame[(frame["rank"] == 1) & (frame["embedder"] == "palette")]
    assert best["label"].tolist() == ["red", "blue"]


def test_vectors_by_name_serve_query_pictures_of_the_collection_and_no_others(
    pictures: Path, tmp_path: Path
) -> None:
    ranked = diptych.Workbench(pictures, "random").vectors()["random"]
    np.savez(tmp_path / "made.npz", names=np.array(ranked.names), vectors=ranked.vectors)
    bench = diptych.Workbench(pictures, f"vectors:{tmp_path / 'made.npz'}")
    ((_, hits),) = bench.search(pictures / "blue" / "1.png").queries[0].rankings.items()
    assert hits[0].image == "blue/1.png"
    (tmp_path / "blue").mkdir()
    (tmp_path / "blue" / "1.png").write_bytes(picture_bytes((9, 9, 9)))
    with pytest.raises(DiptychError, match="there is no vector for the query picture"):
        bench.search(tmp_path / "blue" / "1.png")


def test_what_was_done_and_what_it_cost_is_told_once(pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VERTEX_ACCESS_TOKEN", "any")
    with VertexEmulator(diptych.load("random")) as emulator:
        spec = f"vertex?project=p&requests_per_minute=0&dimension=128&endpoint={emulator.url}"
        bench = diptych.Workbench(pictures, spec)
        first, second = bench.compare(["red"]).work["vertex"], bench.compare(["red"]).work["vertex"]
    sent = len("".join(["red", *(text.text for text in bench.bank)]))
    assert first.dollars == pytest.approx(12 * 0.0001 + sent / 1000 * 0.0002)
    assert (first.images_embedded, first.queries_embedded, first.bank_embedded) == (12, 1, 64)
    assert (second.dollars, second.images_embedded, second.queries_embedded) == (0, 0, 0)


def test_equal_pictures_share_the_first_place(tmp_path: Path) -> None:
    for name, fmt in (("a.png", "PNG"), ("b.bmp", "BMP"), ("c.png", "PNG")):
        colour = (9, 9, 200) if name == "c.png" else (200, 9, 9)
        (tmp_path / name).write_bytes(picture_bytes(colour, fmt=fmt))
    (query,) = diptych.Workbench(tmp_path, "palette").search("b.bmp", k=2).queries
    assert [hit.image for hit in query.rankings["palette"]] == ["a.png", "b.bmp"]
    assert query.findings[0].endswith("each list begins with it, or with one that scores the same.")


@pytest.mark.parametrize("mode", ["HSV", "La", "RGBa", "YCbCr", "LAB", "CMYK", "I", "F", "I;16", "1", "P"])
def test_a_picture_of_any_mode_can_be_asked_with(pictures: Path, mode: str) -> None:
    (query,) = diptych.Workbench(pictures, "palette").search(Image.new(mode, (20, 20))).queries
    assert query.kind == "image"


def test_a_saved_list_makes_nobody_ask_the_web(pictures: Path, tmp_path: Path) -> None:
    result = diptych.compare(pictures, "palette", "red")
    (tmp_path / "urls.txt").write_text("http://127.0.0.1:9/a.png\n")
    saved = result.to_dict()
    for source in (str(tmp_path / "urls.txt"), "x" * 300, "http://127.0.0.1:9/"):
        saved["collection"]["source"] = source
        (tmp_path / "r.json").write_text(json.dumps(saved))
        report = diptych.Comparison.load(tmp_path / "r.json").report(tmp_path / "r.html")
        assert "picture not found" in report.read_text()
    assert not (cache_dir() / "downloads").exists()


def test_copies_and_captions_are_told(pictures: Path, tmp_path: Path) -> None:
    (pictures / "list.csv").write_text(
        "path,caption\nred/0.png,a red wall\nred/copy of 0.png,\nblue/1.png,\n"
    )
    result = diptych.compare(pictures / "list.csv", ["palette"], ["red"])
    best, other = result.queries[0].rankings["palette"]
    assert (best.caption, best.aliases) == ("a red wall", ("red/copy of 0.png",))
    assert (other.caption, other.aliases) == (None, ())
    result.to_json(tmp_path / "r.json")
    assert diptych.Comparison.load(tmp_path / "r.json") == result
    assert "a red wall" in result.report(tmp_path / "r.html").read_text()


def test_one_text_and_one_embedder_need_no_list(pictures: Path) -> None:
    result = diptych.compare(pictures, "palette", "red", k=2)
    assert [query.query for query in result.queries] == ["red"]
    with pytest.raises(DiptychError, match="nothing to search for"):
        diptych.compare(pictures, "palette", [])


def test_pictures_that_moved_are_found_where_they_are_now(pictures: Path, tmp_path: Path) -> None:
    diptych.compare(pictures, "palette", "red", k=3).to_json(tmp_path / "r.json")
    pictures.rename(tmp_path / "moved")
    loaded = diptych.Comparison.load(tmp_path / "r.json", source=tmp_path / "moved")
    assert loaded.report(tmp_path / "r.html").read_text().count("data:image/webp") == 3


def test_a_collection_that_is_open_already_can_be_compared_on(pictures: Path) -> None:
    collection = open_collection(pictures)
    assert diptych.Workbench(collection, ["random"]).compare(["red"]).source == collection.source


def test_a_refused_run_says_why_no_picture_is_left(tmp_path: Path) -> None:
    (tmp_path / "only.png").write_bytes(picture_bytes()[:50])
    with pytest.raises(DiptychError, match=r"no picture of .* can be ranked: "):
        diptych.compare(tmp_path, ["palette"], ["red"])
