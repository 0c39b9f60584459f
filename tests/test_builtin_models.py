"""The built-in models on the sample, through the whole of a comparison: what a person would see."""

from __future__ import annotations

import statistics
from collections.abc import Iterable

import pytest

import diptych
from diptych import samples
from diptych.evaluation.metrics.precision import average_precision
from diptych.evaluation.metrics.ranked import ranked
from diptych.result import Comparison, Hit, QueryResult

MINI = ["mini-s", "mini-b"]
RELEVANT = samples.relevant()
NOTHING = "a helicopter"
MATCHED = [query for query in RELEVANT if query != NOTHING]
COLOURS = ["a yellow background", "a purple background"]
ATTRIBUTES = [*COLOURS, "red apple", "green apples", "a blue car", "a wolf on a blue background"]
THINGS = [query for query in MATCHED if query not in ATTRIBUTES]
CLEAR = ["wolf", "dog", "horses", "guitar", "mushrooms", "a train", "a wolf on a blue background"]


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    with pytest.warns(diptych.DiptychWarning, match="palette knows English colour words only"):
        return diptych.compare(
            "sample",
            [*MINI, "palette"],
            list(RELEVANT),
            k=120,
            store=tmp_path_factory.mktemp("duo") / "store.sqlite",
        )


def asked(result: Comparison, query: str) -> QueryResult:
    (found,) = [one for one in result.queries if one.query == query]
    return found


def hits(result: Comparison, query: str, name: str) -> tuple[Hit, ...]:
    return asked(result, query).rankings[name]


def standing_out(result: Comparison, query: str, name: str) -> int:
    out = asked(result, query).stratification[name].stands_out
    assert out is not None
    return out


def mean_average_precision(result: Comparison, name: str, queries: Iterable[str]) -> float:
    figures = []
    for query in queries:
        found = hits(result, query, name)
        grades = {hit.image: int(hit.image in RELEVANT[query]) for hit in found}
        ranking = ranked([hit.image for hit in found], [hit.score for hit in found], grades)
        figures.append(average_precision(ranking) or 0.0)
    return statistics.mean(figures)


def test_wolves_come_first_for_wolf(result: Comparison) -> None:
    first = hits(result, "wolf", "mini-b")[: len(RELEVANT["wolf"])]
    assert {hit.image for hit in first} == RELEVANT["wolf"]


def test_the_pair_comes_before_the_single_animals(result: Comparison) -> None:
    first = hits(result, "a dog with a bird", "mini-b")[: len(RELEVANT["a dog with a bird"])]
    assert {hit.image for hit in first} == RELEVANT["a dog with a bird"]


def test_two_cats_are_found_before_one(result: Comparison) -> None:
    assert hits(result, "two cats", "mini-b")[0].image in RELEVANT["two cats"]


@pytest.mark.parametrize("name", MINI)
def test_what_is_in_no_picture_matches_nothing(result: Comparison, name: str) -> None:
    assert standing_out(result, NOTHING, name) == 0


def test_what_is_in_no_picture_scores_below_all_that_is_there(result: Comparison) -> None:
    best = hits(result, NOTHING, "mini-b")[0].score
    for query in MATCHED:
        assert hits(result, query, "mini-b")[0].score > best, query


@pytest.mark.parametrize("query", CLEAR)
def test_what_is_plainly_there_matches_something(result: Comparison, query: str) -> None:
    assert standing_out(result, query, "mini-b") > 0


def test_mini_b_ranks_better_than_mini_s(result: Comparison) -> None:
    of_s, of_b = (mean_average_precision(result, name, MATCHED) for name in MINI)
    assert of_b > of_s + 0.05


@pytest.mark.parametrize("name", MINI)
def test_both_rank_better_than_palette_on_named_things(result: Comparison, name: str) -> None:
    floor = mean_average_precision(result, "palette", THINGS)
    assert mean_average_precision(result, name, THINGS) > floor + 0.2


def test_palette_holds_its_own_on_colours(result: Comparison) -> None:
    assert mean_average_precision(result, "palette", COLOURS) > 0.8
