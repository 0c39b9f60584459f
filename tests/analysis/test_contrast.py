from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from diptych.analysis.contrast import contrast

standings = hnp.arrays(
    np.float64,
    st.tuples(st.integers(2, 5), st.integers(1, 25)),
    elements=st.integers(-40, 40).map(lambda eighths: eighths / 8),
)


def along(pattern: str, looked_at: str = "") -> tuple[int | None, int, int]:
    """The turn in a ranking of wins (w) and losses (l)."""
    n = len(pattern)
    own = np.arange(n, 0, -1.0)
    rival = np.where([letter == "w" for letter in pattern], own - 0.5, own + 0.5)
    among = np.array([letter == "x" for letter in looked_at]) if looked_at else None
    result = contrast(np.array([own, rival]), 0, [1], among=among)
    return result.rivals_from, result.lost_before, result.won_after


def test_dogs_wolves_and_a_cat_by_hand() -> None:
    z = np.array(
        [
            [6.0, 5.0, 4.0, 3.0, 0.5],  # dog
            [2.0, 1.0, 5.0, 4.5, 0.0],  # wolf
            [1.0, 3.0, 0.0, 0.0, 6.0],  # cat
        ]
    )
    result = contrast(z, query=0, rivals=[1, 2])
    assert result.wins.tolist() == [True, True, False, False, False]
    assert result.margins.tolist() == [4, 2, -1, -1.5, -5.5]
    assert result.best_rivals.tolist() == [1, 2, 1, 1, 2]
    assert result.ranking.tolist() == [0, 1, 2, 3, 4]
    assert (result.rivals_from, result.lost_before, result.won_after) == (3, 0, 0)


@pytest.mark.parametrize(
    ("pattern", "turn"),
    [
        ("wwwlll", (4, 0, 0)),
        ("wwlwwwlllwl", (7, 1, 1)),
        ("www", (None, 0, 0)),
        ("lll", (1, 0, 0)),
        ("lw", (1, 0, 1)),  # as many exceptions as when the query won to the end: the first cut
        ("wlwlll", (2, 0, 1)),
        ("lwww", (None, 1, 0)),
        ("w", (None, 0, 0)),
        ("l", (1, 0, 0)),
    ],
)
def test_rivals_win_from_the_cut_with_the_fewest_exceptions(
    pattern: str, turn: tuple[int | None, int, int]
) -> None:
    assert along(pattern) == turn


def test_only_images_looked_at_decide_the_turn_and_ranks_stay_those_of_the_whole_ranking() -> None:
    assert along("wwlwllwwwwww") == (None, 3, 0)
    assert along("wwlwllwwwwww", "xx.xxx......") == (5, 0, 0)
    assert along("wwl", "...") == (None, 0, 0)


@given(standings, st.data())
def test_it_is_what_a_loop_over_images_and_cuts_finds(z: np.ndarray, data: st.DataObject) -> None:
    query = data.draw(st.integers(0, len(z) - 1))
    rivals = [row for row in data.draw(st.permutations(range(len(z)))) if row != query]
    among = data.draw(hnp.arrays(np.bool_, z.shape[1]))
    result = contrast(z, query, rivals, among=among)
    for image in range(z.shape[1]):
        best = max(rivals, key=lambda row, image=image: z[row, image])
        assert result.best_rivals[image] == best
        assert result.margins[image] == z[query, image] - z[best, image]
        assert result.wins[image] == all(z[query, image] > z[row, image] for row in rivals)
    images = range(z.shape[1])
    assert result.ranking.tolist() == sorted(images, key=lambda i: (-result.margins[i], i))
    own = [i for i in sorted(images, key=lambda i: (-z[query, i], i)) if among[i]]
    exceptions = [
        sum(not result.wins[i] for i in own[:cut]) + sum(result.wins[i] for i in own[cut:])
        for cut in range(len(own) + 1)
    ]
    assert result.lost_before + result.won_after == min(exceptions)
    cut = exceptions.index(min(exceptions))
    if cut == len(own):
        assert result.rivals_from is None
    else:
        whole = sorted(images, key=lambda i: (-z[query, i], i))
        assert result.rivals_from == whole.index(own[cut]) + 1


@given(standings)
def test_who_wins_is_unchanged_when_all_standings_are_scaled_and_shifted(z: np.ndarray) -> None:
    rivals = range(1, len(z))
    before, after = contrast(z, 0, rivals), contrast(4 * z - 3, 0, rivals)
    np.testing.assert_array_equal(after.wins, before.wins)
    np.testing.assert_array_equal(after.ranking, before.ranking)
    np.testing.assert_array_equal(after.margins, 4 * before.margins)
    assert after.rivals_from == before.rivals_from


@given(standings)
def test_each_image_is_won_by_at_most_one_query_and_by_none_only_where_the_best_are_equal(
    z: np.ndarray,
) -> None:
    rows = range(len(z))
    wins = np.array([contrast(z, row, [other for other in rows if other != row]).wins for row in rows])
    equal_best = (z == z.max(axis=0)).sum(axis=0) > 1
    assert wins.sum(axis=0).tolist() == (~equal_best).astype(int).tolist()


def test_where_all_stand_equal_the_query_wins_nothing() -> None:
    result = contrast(np.ones((3, 4)), 1, [2, 0])
    assert not result.wins.any()
    assert result.ranking.tolist() == [0, 1, 2, 3]
    assert result.best_rivals.tolist() == [2, 2, 2, 2]
    assert result.rivals_from == 1


@given(standings, st.data())
def test_the_turn_is_looked_for_along_the_ranking_that_is_given(z: np.ndarray, data: st.DataObject) -> None:
    """As where z orders the images otherwise than the scores that are shown."""
    order = np.array(data.draw(st.permutations(range(z.shape[1]))))
    as_given = contrast(z, 0, [1], order=order)
    sorted_so = contrast(z[:, order], 0, [1], order=np.arange(z.shape[1]))
    turn = (sorted_so.rivals_from, sorted_so.lost_before, sorted_so.won_after)
    assert (as_given.rivals_from, as_given.lost_before, as_given.won_after) == turn
    by_z = contrast(z, 0, [1])
    np.testing.assert_array_equal(as_given.margins, by_z.margins)
    np.testing.assert_array_equal(as_given.ranking, by_z.ranking)
    assert contrast(z, 0, [1], order=np.argsort(-z[0], kind="stable")).rivals_from == by_z.rivals_from


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        contrast(np.array([[0, 0, 0], [0, bad, 0]]), 0, [1])


@pytest.mark.parametrize(
    ("query", "rivals", "says"),
    [
        (0, [], "at least one rival"),
        (0, [0, 1], "other than itself"),
        (0, [3], "3 rows"),
        (-1, [1], "3 rows"),
    ],
)
def test_a_query_has_rivals_that_are_there(query: int, rivals: list[int], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        contrast(np.zeros((3, 2)), query, rivals)
