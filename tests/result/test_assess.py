"""What judgments say of answers: the figures are those of the rankings, and what is unknown says why."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import made_comparisons
from diptych.concept import concepts
from diptych.evaluation.metrics.figures import Figures, figures
from diptych.evaluation.metrics.ranked import ranked
from diptych.judgments.groundtruth import GroundTruth
from diptych.judgments.judgments import Judgments
from diptych.result import Relevance
from diptych.result.assess import assess
from diptych.result.saved import from_dict
from diptych.store.judgment import Judgment
from made_answers import answers, pictures

N = 12
RANDOM = np.random.default_rng(5)


def truth(grades: dict[str, dict[int, int]], **more: Any) -> GroundTruth:
    """Judgments by the query and the picture's row."""
    ids = [picture.id for picture in pictures(N)]
    given = Judgments(
        Judgment(query=query, image=ids[row], grade=grade)
        for query, rows in grades.items()
        for row, grade in rows.items()
    )
    return GroundTruth(judgments=given, queries=given.queries, origin="somebody", **more)


def scored(queries: int, *names: str) -> dict[str, list[list[float]]]:
    return {name: RANDOM.random((queries, N)).tolist() for name in names}


def numbers(value: Any) -> Iterator[float]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from numbers(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from numbers(inner)
    elif isinstance(value, float):
        yield value


def test_each_figure_is_that_of_the_whole_ranking() -> None:
    scores = scored(3, "one", "two")
    grades = {f"q{n}": {row: int(RANDOM.integers(0, 4)) for row in range(N)} for n in range(3)}
    found = assess(answers(list(grades), scores), truth(grades), k=4)
    ids = [picture.id for picture in pictures(N)]
    for place, query in enumerate(found.queries):
        for name in ("one", "two"):
            order = sorted(range(N), key=lambda row: -scores[name][place][row])
            whole = ranked(
                [ids[row] for row in order],
                [float(np.float32(scores[name][place][row])) for row in order],
                {ids[row]: grade for row, grade in grades[query.query].items()},
            )
            assert query.figures[name] == figures(whole, 4)
        assert query.relevant + query.irrelevant + query.unjudged == N
    ndcg = [query.figures["one"].ndcg for query in found.queries]
    assert found.means["one"]["ndcg"].value == pytest.approx(np.mean(ndcg))
    assert found.fusions == ("RRF", "z-score sum")
    assert set(found.queries[0].figures) == {"one", "two", "RRF", "z-score sum"}


def test_equal_scores_stand_by_id_so_that_names_give_nothing_away() -> None:
    flat = [[0.0] * N]
    by_id = sorted(range(N), key=lambda row: pictures(N)[row].id)
    grades = {"dog": {row: int(row < 3) for row in range(N)}}  # the first three names
    found = assess(answers(["dog"], {"flat": flat, "other": flat}), truth(grades))
    first = 1 + min(by_id.index(row) for row in range(3))
    assert first > 1
    assert found.queries[0].figures["flat"].reciprocal_rank == 1 / first


def test_who_scores_all_alike_adds_nothing_to_a_fused_ranking() -> None:
    scores = scored(1, "one") | {"flat": [[0.5] * N]}
    grades = {"dog": {row: int(row % 3 == 0) for row in range(N)}}
    (query,) = assess(answers(["dog"], scores), truth(grades)).queries
    for fusion in ("RRF", "z-score sum"):
        assert query.figures[fusion].average_precision == query.figures["one"].average_precision


def test_the_better_embedder_is_named_and_few_queries_cannot_tell() -> None:
    queries = [f"q{n}" for n in range(12)]
    grades = {query: {row: int(row < 4) for row in range(N)} for query in queries}
    good = [[1 - row / N for row in range(N)] for _ in queries]
    bad = [[row / N for row in range(N)] for _ in queries]
    found = assess(answers(queries, {"good": good, "bad": bad}), truth(grades), k=4)
    assert found.verdicts[0].startswith("good ranks better than bad (nDCG@4 +1.00")
    few = assess(answers(queries[:4], {"good": good[:4], "bad": bad[:4]}), truth(grades), k=4)
    assert few.verdicts[0].startswith("cannot tell good from bad with 4 queries")
    assert "differ on 4 queries, which is too few" in few.verdicts[1]


def test_where_nothing_is_judged_every_figure_is_none_and_says_why() -> None:
    found = assess(answers(["dog"], scored(1, "one", "two")), truth({"cat": {0: 1}}))
    (query,) = found.queries
    for name, of_name in query.figures.items():
        for field in set(concepts(Figures)) - {"judged"}:
            assert getattr(of_name, field) is None, name
            assert of_name.undefined[field] == "the query has no judgments"
    assert found.verdicts == ("cannot tell one from two: no query has nDCG@10 for both embedders",)
    assert found.notes == ("Nobody judged “dog”: every figure is undefined there.",)


def test_a_query_without_relevant_pictures_is_left_out_of_the_means_and_named() -> None:
    grades = {"dog": {0: 1, 1: 0}, "unicorn": {0: 0, 1: 0}}
    found = assess(answers(["dog", "unicorn"], scored(2, "one", "two")), truth(grades))
    assert found.means["one"]["ndcg"].queries == 1
    assert any("relevant to “unicorn”" in note for note in found.notes)
    assert any("never judged" in note for note in found.notes)


def test_uneven_judging_is_told() -> None:
    scores = {"one": [[1 - row / N for row in range(N)]], "two": [[row / N for row in range(N)]]}
    found = assess(answers(["dog"], scores), truth({"dog": {row: row % 2 for row in range(5)}}), k=5)
    assert any(
        note.startswith("100% of the first 5 of one are judged, and 0% of two") for note in found.notes
    )


def test_contradictions_are_shown_and_the_last_word_counts() -> None:
    image = pictures(N)[0].id
    said = [
        Judgment(query="dog", image=image, grade=1, by="ann", at="2026-01-01T00:00:00Z"),
        Judgment(query="dog", image=image, grade=0, by="ben", at="2026-01-02T00:00:00Z"),
    ]
    given = GroundTruth(judgments=Judgments(said), queries=("dog",), origin="two people")
    found = assess(answers(["dog"], scored(1, "one")), given)
    (each,) = found.contradictions
    assert (each.image, [judge.grade for judge in each.said]) == ("class/000.jpg", [1, 0])
    assert found.queries[0].relevant == 0


def test_thresholds_are_on_scores_and_on_z_or_say_why_not() -> None:
    scores, grades = scored(3, "one", "two"), {f"q{n}": {0: 1, 1: 0, 2: 1, 3: 0} for n in range(3)}
    z = {"one": RANDOM.normal(size=(3, N)).tolist()}
    found = assess(answers(list(grades), scores, z, why_no_z={"two": "it takes no texts"}), truth(grades))
    assert found.thresholds["one"].z is not None
    assert found.thresholds["two"].z is None
    assert found.thresholds["two"].why_no_z == "it takes no texts"
    assert found.thresholds["two"].raw.best_f1.judged == 12


def test_the_grades_are_those_of_the_hits() -> None:
    grades = {"dog": {row: row % 2 for row in range(N)}}
    made = answers(["dog"], scored(1, "one", "two"), k=3)
    (query,) = assess(made, truth(grades)).queries
    shown = {int(row) for answer in made.by_name[0].values() for row in answer.ranking.rows}
    assert query.grades == {pictures(N)[row].id: row % 2 for row in shown}


@settings(max_examples=40)
@given(st.data())
def test_whatever_is_judged_is_saved_and_opened_again_without_a_number_that_is_none(
    data: st.DataObject,
) -> None:
    names = data.draw(st.sampled_from([("one",), ("one", "two"), ("one", "two", "three")]))
    queries = [f"q{n}" for n in range(data.draw(st.integers(1, 4)))]
    score = st.integers(0, 3).map(lambda value: value / 4)  # many ties, and flat rankings
    row = st.lists(score, min_size=N, max_size=N)
    scores = {name: [data.draw(row) for _ in queries] for name in names}
    grades = {
        query: data.draw(st.dictionaries(st.integers(0, N - 1), st.integers(0, 3))) for query in queries
    }
    found = assess(answers(queries, scores, scores if data.draw(st.booleans()) else None), truth(grades))
    whole = dataclasses.replace(made_comparisons.comparison(), relevance=found)
    saved = whole.to_dict()
    assert all(math.isfinite(number) for number in numbers(saved))
    assert from_dict(json.loads(json.dumps(saved, allow_nan=False))) == whole


def test_a_comparison_is_saved_with_what_judgments_say(tmp_path: Any) -> None:
    grades = {"cat": {0: 1, 1: 0, 2: 2}}
    relevance: Relevance = assess(answers(["cat"], scored(1, "one", "two")), truth(grades))
    whole = dataclasses.replace(made_comparisons.comparison(), relevance=relevance)
    (tmp_path / "judged.saved").write_text(
        whole.to_json(), encoding="utf-8"
    )  # ids made up: not for the schema
    opened = type(whole).load(tmp_path / "judged.saved")
    assert opened.relevance == relevance
    assert opened == whole
