"""From each query's figures to what holds over all of them."""

from __future__ import annotations

import dataclasses

import made_comparisons as made
from diptych.result import Hit
from diptych.result.findings import first_picture
from diptych.result.over_queries import likenesses, separations_over


def hit(image: str, score: float, *, itself: bool = False) -> Hit:
    return Hit(rank=1, image=image, id=image, label=None, score=score, itself=itself)


def test_the_first_picture_is_none_where_several_share_the_place_and_never_the_one_asked_with() -> None:
    assert first_picture([hit("x", 0.9), hit("y", 0.8)]) == "x"
    assert first_picture([hit("me", 0.9, itself=True), hit("y", 0.8)]) == "y"
    assert first_picture([hit("x", 0.9), hit("y", 0.9)]) is None
    assert first_picture([hit("me", 0.9, itself=True), hit("x", 0.5), hit("y", 0.5)]) is None
    assert first_picture([hit("me", 0.9, itself=True)]) is None
    assert first_picture([]) is None


def test_likeness_rests_on_all_queries_and_counts_those_with_the_same_first_picture() -> None:
    one = made.query("cat")
    other = dataclasses.replace(one, rankings=one.rankings | {"two": one.rankings["two"][::-1]})
    (found,) = likenesses([one, other, other], ["one", "two"], made.IMAGES)
    assert (found.a, found.b, found.queries, found.first_queries) == ("one", "two", 3, 3)
    firsts = {name: hits[0].image for name, hits in one.rankings.items()}
    turned = one.rankings["one"][0].image == one.rankings["two"][-1].image
    assert found.first_shared == (firsts["one"] == firsts["two"]) + 2 * turned


def test_only_the_embedders_named_are_compared_by_how_far_they_separate() -> None:
    queries = [made.query("cat"), made.query("dog")]
    assert [(each.a, each.b) for each in separations_over(queries, ["one", "two"])] == [("one", "two")]
    assert separations_over(queries, ["one"]) == ()
