"""The built-in models on the sample, through the whole of a comparison: what a person would see."""

from __future__ import annotations

import pytest

import diptych
from diptych import samples
from diptych.result import Comparison, Hit

NAMES = ["mini-s", "mini-b", "palette"]
RELEVANT = samples.relevant()
COLOURS = {"a yellow background", "a purple background"}
ATTRIBUTES = {*COLOURS, "red apple", "green apples", "a blue car", "a wolf on a blue background"}
NOTHING = "a helicopter"


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    with pytest.warns(diptych.DiptychWarning, match="palette knows English colour words only"):
        return diptych.compare(
            "sample", NAMES, list(RELEVANT), k=120, store=tmp_path_factory.mktemp("duo") / "store.sqlite"
        )


def hits(result: Comparison, query: str, name: str = "mini-b") -> tuple[Hit, ...]:
    (found,) = [one for one in result.queries if one.query == query]
    return tuple(found.rankings[name])


def average_precision(result: Comparison, query: str, name: str) -> float:
    """The mean, over the relevant pictures, of the precision at each one's rank."""
    ranks = sorted(hit.rank for hit in hits(result, query, name) if hit.image in RELEVANT[query])
    return sum(found / rank for found, rank in enumerate(ranks, 1)) / len(RELEVANT[query])


def mean_average_precision(result: Comparison, name: str, queries: set[str]) -> float:
    return sum(average_precision(result, query, name) for query in queries) / len(queries)


def test_wolves_come_first_for_wolf(result: Comparison) -> None:
    assert all(hit.label == "wolf" for hit in hits(result, "wolf")[:5])


def test_the_pair_comes_before_the_single_animals(result: Comparison) -> None:
    first = [hit.image for hit in hits(result, "a dog with a bird")[:3]]
    assert set(first) == RELEVANT["a dog with a bird"]


def test_two_cats_are_found_before_one(result: Comparison) -> None:
    assert hits(result, "two cats")[0].image in RELEVANT["two cats"]


def test_nothing_is_convincing_for_what_matches_nothing(result: Comparison) -> None:
    best = hits(result, NOTHING)[0].score
    for query, relevant in RELEVANT.items():
        if relevant and query not in COLOURS:
            assert hits(result, query)[0].score > best, query


def test_mini_b_ranks_better_than_mini_s(result: Comparison) -> None:
    matched = {query for query, relevant in RELEVANT.items() if relevant}
    of_b, of_s = (mean_average_precision(result, name, matched) for name in ("mini-b", "mini-s"))
    assert of_b > of_s + 0.05


def test_both_rank_better_than_palette_on_named_things(result: Comparison) -> None:
    things = {query for query, relevant in RELEVANT.items() if relevant} - ATTRIBUTES
    floor = mean_average_precision(result, "palette", things)
    for name in ("mini-s", "mini-b"):
        assert mean_average_precision(result, name, things) > floor + 0.2


def test_palette_holds_its_own_on_colours(result: Comparison) -> None:
    assert mean_average_precision(result, "palette", COLOURS) > 0.8
