"""The pool is what anybody found and a little of what nobody did, in an order that tells nothing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from diptych.evaluation.drawn import FIRST
from diptych.judgments.pool import pool

IMAGES = [f"{number:02}" for number in range(20)]
RANKINGS = st.lists(st.permutations(IMAGES), min_size=1, max_size=3)


def scores(rankings: Sequence[Sequence[str]]) -> list[NDArray[np.float32]]:
    return [np.array([-ranking.index(image) for image in IMAGES], np.float32) for ranking in rankings]


@given(RANKINGS, st.integers(1, 25), st.integers(0, 25))
def test_the_pool_is_the_union_and_some_from_below(rankings: list[list[str]], k: int, below: int) -> None:
    found = pool("query", IMAGES, scores(rankings), k, below=below)
    union = {image for ranking in rankings for image in ranking[:k]}
    assert len(set(found.images)) == len(found.images) == min(len(union) + below, len(IMAGES))
    assert union <= set(found.images) <= set(IMAGES)


@given(RANKINGS, st.integers(1, 10))
def test_what_all_rank_alike_comes_last(rankings: list[list[str]], k: int) -> None:
    found = pool("query", IMAGES, scores(rankings), k)
    ranks = {image: {min(ranking.index(image), k) for ranking in rankings} for image in IMAGES}
    telling = {image for image in IMAGES if len(ranks[image]) > 1}
    assert set(found.first + found.telling) == telling
    assert len(found.first) == min(FIRST, len(telling))


@given(RANKINGS, st.integers(1, 10))
def test_the_order_does_not_tell_which_embedder_found_what(rankings: list[list[str]], k: int) -> None:
    assert pool("query", IMAGES, scores(rankings[::-1]), k) == pool("query", IMAGES, scores(rankings), k)


def test_another_query_has_another_order_and_other_images_from_below() -> None:
    rankings = scores([IMAGES, IMAGES[::-1]])
    pools = [pool(f"query {number}", IMAGES, rankings, 5, below=3) for number in range(20)]
    assert len({found.first + found.telling for found in pools}) > 15
    assert {image for found in pools for image in found.others} == set(IMAGES[5:15])
