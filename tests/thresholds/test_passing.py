"""How many pictures pass the threshold learned on other queries: never on itself, or on too few."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import diptych
from diptych import samples
from diptych.present.html.report import render
from diptych.thresholds.passing import FEWEST_QUERIES, LearnedOnOthers
from diptych.thresholds.transfer import threshold_transfer
from support import picture_bytes


def queries(seed: int, count: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    random = np.random.default_rng(seed)
    relevant = [random.random(9) < 0.3 for _ in range(count)]
    return [random.normal(size=9) + 3 * r for r in relevant], relevant


@given(st.integers(0, 2**32 - 1), st.integers(1, 10))
def test_a_query_is_cut_at_what_the_others_have_learned(seed: int, count: int) -> None:
    scores, relevant = queries(seed, count)
    learned = LearnedOnOthers([f"query {place}" for place in range(count)], scores, relevant)
    transfer = threshold_transfer(scores, relevant)
    for place in range(count):
        found = learned.passing(f"query {place}", scores[place].astype(np.float32))
        others = len([each for each in transfer.queries if each != place])
        if others < FEWEST_QUERIES:
            assert found is None
            continue
        threshold = dict(zip(transfer.queries, transfer.thresholds, strict=True)).get(place)
        if threshold is None:  # nothing is relevant to it: it teaches the others nothing
            assert found == learned.passing("another", scores[place].astype(np.float32))
        elif threshold == -np.inf:
            assert found is None
        else:
            assert found is not None
            assert (found.threshold, found.queries) == (threshold, others)
            assert found.count == (scores[place].astype(np.float32) >= threshold).sum()
            assert found.f1 == pytest.approx(np.mean(transfer.transferred))


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> diptych.Workbench:
    return diptych.Workbench("sample", ["mini-s"], store=tmp_path_factory.mktemp("store") / "s.sqlite")


def test_each_judged_query_is_counted_by_the_threshold_of_the_others(bench: diptych.Workbench) -> None:
    evaluated = bench.evaluate()
    assert evaluated.relevance is not None
    transfer = evaluated.relevance.thresholds["mini-s"].raw.transfer
    asked = [query.query for query in evaluated.queries]
    answers = bench.answers(asked)
    scores = {
        query.name: by_name["mini-s"].scores
        for query, by_name in zip(answers.queries, answers.by_name, strict=True)
    }
    for place, threshold in zip(transfer.queries, transfer.thresholds, strict=True):
        found = evaluated.queries[place].passing["mini-s"]
        assert found.threshold == pytest.approx(threshold)
        assert found.count == (scores[asked[place]] >= threshold).sum()
        assert found.queries == len(transfer.queries) - 1


def test_what_passes_is_right_more_often_than_what_stands_out(bench: diptych.Workbench) -> None:
    relevant = samples.relevant()
    f1: dict[str, list[float]] = {"passing": [], "matches": []}
    for query in bench.evaluate(k=120).queries:
        wanted = relevant[query.query]
        if not wanted:
            continue
        ranked = [hit.image for hit in query.rankings["mini-s"]]
        for name, kept in (
            ("passing", query.passing["mini-s"].count),
            ("matches", query.stratification["mini-s"].matches or 0),
        ):
            f1[name].append(2 * len(wanted & set(ranked[:kept])) / (kept + len(wanted)))
    assert np.mean(f1["passing"]) > np.mean(f1["matches"]) + 0.1


def test_a_query_that_nobody_judged_is_counted_by_all_that_are(
    bench: diptych.Workbench, tmp_path: Path
) -> None:
    judged = bench.evaluate()
    compared = bench.compare(["a yellow thing"], 5)
    assert compared.relevance is None
    found = compared.queries[0].passing["mini-s"]
    relevance = judged.relevance
    assert relevance is not None
    assert found.queries == len(relevance.thresholds["mini-s"].raw.transfer.queries)
    sentence = next(each for each in compared.queries[0].findings if "the threshold learned" in each)
    assert sentence == (
        f"{f'About {found.count}' if found.count else 'None'} of 120 pictures"
        f" {'pass' if found.count > 1 else 'passes'} the threshold learned for mini-s from {found.queries}"
        f" other judged queries (F1 there about {found.f1:.2f}, of what was judged)."
    )
    assert sentence in render(compared)
    compared.to_json(tmp_path / "c.json")
    assert json.loads((tmp_path / "c.json").read_text())["queries"][0]["passing"]["mini-s"]["scale"] == "raw"
    assert diptych.Comparison.load(tmp_path / "c.json").queries == compared.queries


def test_too_few_judged_queries_count_nothing_and_a_picture_is_no_text(tmp_path: Path) -> None:
    colours = {"red": (210, 30, 30), "green": (30, 160, 40), "blue": (30, 60, 200), "yellow": (240, 220, 40),
               "black": (8, 8, 8), "white": (250, 250, 250)}  # fmt: skip
    for label, colour in colours.items():
        (tmp_path / "p" / label).mkdir(parents=True)
        for number in range(3):
            shade = tuple(min(255, value + number) for value in colour)
            (tmp_path / "p" / label / f"{number}.png").write_bytes(picture_bytes(shade))
    bench = diptych.Workbench(tmp_path / "p", ["palette"])
    names = list(colours)
    bench.embed()
    for judged in range(1, len(names) + 1):
        for image in bench.collection.pictures:
            bench.judge(names[judged - 1], image.id, int(image.label == names[judged - 1]))
        bench.compare(names[:judged], 3)  # now their vectors are in the store
        known, new, picture = bench.compare([names[0], "orange", tmp_path / "p" / "red" / "0.png"], 3).queries
        assert ("palette" in known.passing) == (judged - 1 >= FEWEST_QUERIES)
        assert ("palette" in new.passing) == (judged >= FEWEST_QUERIES)
        assert picture.passing == {}


def test_a_judged_text_that_has_no_vector_is_not_embedded_for_this(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    for number in range(4):
        (tmp_path / "p" / f"{number}.png").write_bytes(picture_bytes((60 * number, 20, 20)))
    bench = diptych.Workbench(tmp_path / "p", ["palette"])
    for word in ("red", "green", "blue", "black", "white", "orange"):
        bench.judge(word, "3.png", 1)
    compared = bench.compare(["yellow"], 3)
    assert compared.queries[0].passing == {}
    assert compared.work["palette"].queries_embedded == 1
