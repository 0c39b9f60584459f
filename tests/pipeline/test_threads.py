"""Work done ahead in threads: in which portions it is handed out."""

from __future__ import annotations

from itertools import repeat

from hypothesis import given
from hypothesis import strategies as st

from diptych.pipeline.threads import batched, even_sizes


@given(total=st.integers(0, 3000), largest=st.integers(1, 100), workers=st.integers(1, 64))
def test_no_batch_is_more_than_a_worker_s_share_of_what_is_left(
    total: int, largest: int, workers: int
) -> None:
    sizes = list(even_sizes(total, largest, workers))
    assert sum(sizes) == total
    left = total
    for size in sizes:
        assert 1 <= size <= largest
        assert workers * (size - 1) < left
        assert size == largest or workers * (size + 1) > left, "smaller than it need be"
        left -= size


def test_with_one_worker_all_batches_are_of_one_size() -> None:
    assert list(even_sizes(70, 32, 1)) == [32, 32, 6]


def test_the_last_batches_of_several_workers_are_ever_smaller() -> None:
    assert list(even_sizes(40, 8, 2)) == [8, 8, 8, 8, 4, 2, 1, 1]


@given(items=st.lists(st.integers()), size=st.integers(1, 10))
def test_batches_hold_everything_in_order(items: list[int], size: int) -> None:
    batches = list(batched(items, repeat(size)))
    assert [item for batch in batches for item in batch] == items
    assert all(len(batch) == size for batch in batches[:-1])
    assert all(batches)


def test_items_beyond_the_sizes_are_never_lost_where_fewer_come_than_expected() -> None:
    """Sizes are made for all pictures, and some of them can't be read."""
    assert [len(batch) for batch in batched(range(13), even_sizes(40, 8, 2))] == [8, 5]
