"""The pool is what anybody found and a little of what nobody did, in an order that tells nothing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from diptych.judgments.pool import pool

IMAGES = [f"{number:02}" for number in range(20)]
RANKINGS = st.lists(st.permutations(IMAGES), min_size=1, max_size=3)


@given(RANKINGS, st.integers(1, 25), st.integers(0, 25), st.integers(0, 9))
def test_the_pool_is_the_union_and_some_from_below(
    rankings: list[list[str]], k: int, below: int, seed: int
) -> None:
    shown = pool(rankings, k, below=below, seed=seed)
    union = {image for ranking in rankings for image in ranking[:k]}
    assert len(set(shown)) == len(shown) == min(len(union) + below, len(IMAGES))
    assert union <= set(shown) <= set(IMAGES)


@given(RANKINGS, st.integers(1, 10), st.integers(0, 9))
def test_the_order_does_not_depend_on_who_found_what(rankings: list[list[str]], k: int, seed: int) -> None:
    swapped = [[*reversed(ranking[:k]), *ranking[k:]] for ranking in reversed(rankings)]
    assert pool(swapped, k, seed=seed) == pool(rankings, k, seed=seed)


def test_another_seed_gives_another_order_and_other_images_from_below() -> None:
    pools = {pool([IMAGES], 5, below=3, seed=seed) for seed in range(20)}
    assert len(pools) == 20
    assert {image for shown in pools for image in shown} == set(IMAGES)
