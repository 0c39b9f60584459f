"""Every metric equals trec_eval's or scikit-learn's, and what is undefined says why."""

from __future__ import annotations

import math

import ir_measures
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, ndcg_score, roc_auc_score

from diptych.concept import concepts
from diptych.evaluation.metrics.figures import Figures, figures, means
from diptych.evaluation.metrics.ranked import Ranked, ranked

MEASURES = {
    "average_precision": "AP",
    "ndcg": "nDCG@{k}",
    "precision": "P@{k}",
    "recall": "R@{k}",
    "r_precision": "Rprec",
    "reciprocal_rank": "RR",
    "bpref": "Bpref",
    "judged": "Judged@{k}",
}

GRADES = st.lists(st.integers(-1, 3), min_size=1, max_size=40)


def ranking(grades: list[int], scores: list[float] | None = None, unranked: tuple[int, ...] = ()) -> Ranked:
    """A ranking with these grades from the top, -1 for unjudged; further judged images are not ranked."""
    images = [f"i{row:03}" for row in range(len(grades))]
    judged = {image: grade for image, grade in zip(images, grades, strict=True) if grade >= 0}
    judged |= {f"u{row:03}": grade for row, grade in enumerate(unranked)}
    return ranked(images, scores or [-float(row) for row in range(len(grades))], judged)


@given(GRADES, st.lists(st.integers(0, 3), max_size=5), st.integers(1, 45))
def test_ranked_metrics_equal_trec_evals(grades: list[int], unranked: list[int], k: int) -> None:
    assume(max([*grades, *unranked]) > 0)
    ours = figures(ranking(grades, unranked=tuple(unranked)), k)
    run = {"q": {f"i{row:03}": -float(row) for row in range(len(grades))}}
    qrels = {"q": {f"i{row:03}": grade for row, grade in enumerate(grades) if grade >= 0}}
    qrels["q"] |= {f"u{row:03}": grade for row, grade in enumerate(unranked)}
    measures = {name: ir_measures.parse_measure(text.format(k=k)) for name, text in MEASURES.items()}
    theirs = ir_measures.calc_aggregate(measures.values(), qrels, run)
    for name, measure in measures.items():
        assert getattr(ours, name) == pytest.approx(theirs[measure], abs=1e-6), name


@given(GRADES, st.data())
def test_separation_equals_scikit_learns_over_the_judged_images(
    grades: list[int], data: st.DataObject
) -> None:
    scores = sorted(data.draw(st.lists(st.integers(0, 6), min_size=len(grades), max_size=len(grades))))[::-1]
    pairs = [(g > 0, s) for g, s in zip(grades, scores, strict=True) if g >= 0]
    assume(len({relevant for relevant, _ in pairs}) == 2)
    truth, judged_scores = zip(*pairs, strict=True)
    ours = figures(ranking(grades, [float(s) for s in scores]))
    assert ours.auroc == pytest.approx(roc_auc_score(truth, judged_scores))
    best_irrelevant = max(score for relevant, score in pairs if not relevant)
    above = [score > best_irrelevant for relevant, score in pairs if relevant]
    assert ours.recall_at_full_precision == pytest.approx(sum(above) / len(above))


@given(st.lists(st.integers(0, 3), min_size=2, max_size=40), st.integers(1, 45))
def test_a_fully_judged_ranking_has_scikit_learns_ap_and_ndcg(grades: list[int], k: int) -> None:
    assume(max(grades) > 0)
    scores = -np.arange(len(grades), dtype=float)
    ours = figures(ranking(grades), k)
    assert ours.average_precision == pytest.approx(average_precision_score(np.array(grades) > 0, scores))
    assert ours.ndcg == pytest.approx(ndcg_score([grades], [scores], k=k))


@given(GRADES, st.integers(1, 45))
def test_every_figure_is_from_0_to_1_or_none_with_a_reason(grades: list[int], k: int) -> None:
    found = figures(ranking(grades), k)
    for name in concepts(Figures):
        value = getattr(found, name)
        assert (value is None) == (name in found.undefined)
        assert value is None or (0 <= value <= 1 and not math.isnan(value))


@pytest.mark.parametrize(
    ("grades", "unranked", "undefined", "reason"),
    [
        ([-1, -1], (), {*MEASURES, "auroc", "recall_at_full_precision"} - {"judged"}, "no judgments"),
        (
            [0, 0, -1],
            (),
            {*MEASURES, "auroc", "recall_at_full_precision"} - {"judged"},
            "none of the 2 judged",
        ),
        ([1, -1], (), {"auroc", "recall_at_full_precision"}, "no image is judged irrelevant"),
        ([0, -1], (2,), {"auroc"}, "no relevant or no irrelevant image is ranked"),
    ],
)
def test_what_is_undefined_says_why(
    grades: list[int], unranked: tuple[int, ...], undefined: set[str], reason: str
) -> None:
    found = figures(ranking(grades, unranked=unranked))
    assert set(found.undefined) == undefined
    assert all(reason in why for why in found.undefined.values())


def test_a_mean_is_over_the_queries_that_have_the_figure() -> None:
    found = means([figures(ranking([1, 0])), figures(ranking([0, 1])), figures(ranking([0, 0]))])
    assert found["average_precision"].value == pytest.approx(0.75)
    assert found["average_precision"].queries == 2
    assert found["average_precision"].undefined == ("none of the 2 judged images is relevant",)
    assert found["judged"].queries == 3


def test_a_mean_over_no_query_is_none() -> None:
    assert {mean.value for mean in means([]).values()} == {None}
    assert means([figures(ranking([0]))])["ndcg"].value is None
