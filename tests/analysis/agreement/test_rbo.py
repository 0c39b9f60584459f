from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diptych.analysis.agreement.rbo import rbo, rbo_by_chance, shared_at_depths

orders = st.integers(1, 60).flatmap(lambda n: st.tuples(st.permutations(range(n)), st.permutations(range(n))))


def ranks(order: list[int] | str, items: list[int] | str) -> np.ndarray:
    """The rank of each item; what the order does not name follows behind, in the items' order."""
    whole = [*order, *(item for item in items if item not in order)]
    return np.array([whole.index(item) + 1 for item in items])


def shared_by_sets(a: list[int], b: list[int]) -> list[int]:
    return [len(set(a[:d]) & set(b[:d])) for d in range(1, len(a) + 1)]


def test_agreement_and_its_average_are_those_of_webbers_table_of_two_lists() -> None:
    """Webber et al. 2010, section 3: <a b c d e f g> against <z c a v w x y> at depths 1 to 7."""
    items = "abcdefgzvwxy"
    shared = shared_at_depths(ranks("abcdefg", items), ranks("zcavwxy", items))[:7]
    agreement = shared / np.arange(1, 8)
    assert agreement.round(3).tolist() == [0, 0, 0.667, 0.5, 0.4, 0.333, 0.286]
    average = agreement.cumsum() / np.arange(1, 8)
    assert average.round(3).tolist() == [0, 0, 0.222, 0.292, 0.313, 0.317, 0.312]


@pytest.mark.parametrize(("p", "depth"), [(0.8, 10), (0.9, 10), (0.95, 10), (0.98, 50), (0.5, 1)])
def test_the_first_ranks_weigh_what_webbers_formula_says(p: float, depth: int) -> None:
    """Eq. 21: lists that are the same to a depth and share nothing after reach the weight of those ranks."""
    series = sum(p**i / i for i in range(1, depth))
    weight = 1 - p ** (depth - 1) + (1 - p) / p * depth * (np.log(1 / (1 - p)) - series)
    assert rbo(np.minimum(np.arange(1, 5001), depth), p) == pytest.approx(weight, abs=1e-9)


def test_at_p_of_nine_tenths_the_first_ten_ranks_weigh_86_percent_as_webber_says() -> None:
    assert rbo(np.minimum(np.arange(1, 5001), 10), 0.9) == pytest.approx(0.86, abs=0.005)


def test_it_gives_the_example_of_another_implementation() -> None:
    """github.com/b4ny4n/rankmeasures: <1 2 3 4 5> against <2 3 4 1 5> at p = 0.9 is 0.828."""
    shared = shared_at_depths(
        ranks([1, 2, 3, 4, 5], [1, 2, 3, 4, 5]), ranks([2, 3, 4, 1, 5], [1, 2, 3, 4, 5])
    )
    assert rbo(shared, 0.9) == pytest.approx(0.828, abs=5e-4)


@given(orders)
def test_images_shared_are_those_in_both_sets(pair: tuple[list[int], list[int]]) -> None:
    a, b = pair
    rows = list(range(len(a)))
    assert shared_at_depths(ranks(a, rows), ranks(b, rows)).tolist() == shared_by_sets(a, b)


@given(orders, st.floats(0.05, 0.98), st.data())
def test_extrapolating_is_going_on_for_ever_with_the_last_agreement(
    pair: tuple[list[int], list[int]], p: float, data: st.DataObject
) -> None:
    """RBO is (1 - p) Σ p^(d-1) A_d over infinitely many depths (Webber's eq. 4)."""
    shared = shared_by_sets(*pair)[: data.draw(st.integers(1, len(pair[0])))]
    agreement = [x / d for d, x in enumerate(shared, start=1)]
    agreement += [agreement[-1]] * 2000
    endless = (1 - p) * sum(p**d * a for d, a in enumerate(agreement))
    assert rbo(np.array(shared), p) == pytest.approx(endless, abs=1e-9)


@given(orders, st.floats(0.05, 0.98))
def test_it_is_between_0_and_1_and_1_for_the_same_order_only(
    pair: tuple[list[int], list[int]], p: float
) -> None:
    a, b = pair
    value = rbo(np.array(shared_by_sets(a, b)), p)
    assert 0 < value <= 1
    assert rbo(np.array(shared_by_sets(a, a)), p) == pytest.approx(1)
    assert (value < 1 - 1e-9) or a == b or a[:8] == b[:8]  # far down a difference weighs next to nothing


@pytest.mark.parametrize("n", [1, 2, 7, 100])
def test_chance_is_the_mean_over_random_orders(n: int) -> None:
    generator = np.random.default_rng(n)
    rows = np.arange(1, n + 1)
    values = [rbo(shared_at_depths(rows, generator.permutation(n) + 1)) for _ in range(4000)]
    error = np.std(values) / np.sqrt(len(values))
    assert rbo_by_chance(n) == pytest.approx(np.mean(values), abs=4 * error + 1e-12)
