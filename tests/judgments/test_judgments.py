"""A person's words on images are all kept, and the last counts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diptych.errors import DiptychError
from diptych.judgments.judgments import Judgments
from diptych.store.judgment import Judgment

SOME = st.lists(
    st.builds(
        Judgment,
        query=st.sampled_from(["dog", "wolf"]),
        image=st.sampled_from("abc"),
        grade=st.integers(0, 3),
        at=st.sampled_from(["", "2026-01-01T00:00:00Z", "2026-01-01T01:00:00+02:00", "2026-02-01"]),
    )
)


def judgment(grade: int, at: str = "", image: str = "a", query: str = "dog") -> Judgment:
    return Judgment(query=query, image=image, grade=grade, at=at)


@given(SOME)
def test_what_was_filed_last_counts_whatever_time_it_names(some: list[Judgment]) -> None:
    last = {(each.query, each.image): each.grade for each in some}
    judgments = Judgments(some)
    found = {(query, image): g for query in judgments.queries for image, g in judgments.grades(query).items()}
    assert found == last
    assert list(judgments.given) == some


@given(SOME)
def test_nothing_given_is_lost_and_contradictions_are_those_with_several_grades(some: list[Judgment]) -> None:
    judgments = Judgments(some)
    assert sorted(map(repr, judgments.given)) == sorted(map(repr, some))
    by_pair: dict[tuple[str, str], set[int]] = {}
    for each in some:
        by_pair.setdefault((each.query, each.image), set()).add(each.grade)
    assert len(judgments) == len(list(judgments)) == len(by_pair)
    contradicted = {(c.query, c.id) for c in judgments.contradictions()}
    assert contradicted == {pair for pair, grades in by_pair.items() if len(grades) > 1}
    for contradiction in judgments.contradictions():
        assert judgments.grades(contradiction.query)[contradiction.id] == contradiction.said[-1].grade


@given(SOME, SOME)
def test_adding_judgments_is_giving_them_together(first: list[Judgment], second: list[Judgment]) -> None:
    together = Judgments([*first, *second])
    assert {q: Judgments(first).with_more(Judgments(second)).grades(q) for q in together.queries} == {
        q: together.grades(q) for q in together.queries
    }


def test_settled_images_are_irrelevant_until_somebody_says_otherwise() -> None:
    settled = Judgments([judgment(1, image="a")], settled={"dog": frozenset("abc")})
    assert settled.grades("dog") == {"a": 1, "b": 0, "c": 0}
    corrected = settled.with_more(Judgments([judgment(2, image="b"), judgment(1, image="z", query="wolf")]))
    assert corrected.grades("dog") == {"a": 1, "b": 2, "c": 0}
    assert corrected.relevant("dog") == {"a", "b"}
    assert corrected.grades("wolf") == {"z": 1}
    assert corrected.grades("cat") == {}


@pytest.mark.parametrize("grade", [-1, 4])
def test_a_grade_out_of_range_is_refused(grade: int) -> None:
    with pytest.raises(DiptychError, match=rf"grade {grade}: grades are 0 \(irrelevant\) to 3"):
        judgment(grade)


def test_a_time_that_is_none_is_refused() -> None:
    with pytest.raises(DiptychError, match="'yesterday' is not a valid time"):
        judgment(1, at="yesterday")
