"""Who found which of the relevant images."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from diptych.evaluation.complementarity import FoundBy, complementarity

SETS = st.lists(st.sets(st.sampled_from("abcdef")), min_size=3, max_size=3)


def test_relevant_images_are_counted_by_who_found_them() -> None:
    found = complementarity([set("abcd"), set("a")], {"A": ["abx", "a"], "B": ["bcy", "z"]})
    assert found.pairs == (FoundBy(a="A", b="B", both=1, a_only=2, b_only=1, neither=1),)
    assert found.relevant == 5
    assert found.union_recall == 4 / 5


@given(SETS, SETS, SETS, SETS)
def test_every_relevant_image_is_in_one_place_of_each_pair(
    relevant: list[set[str]], a: list[set[str]], b: list[set[str]], c: list[set[str]]
) -> None:
    lists = {name: [sorted(images) for images in found] for name, found in (("A", a), ("B", b), ("C", c))}
    found = complementarity(relevant, lists)
    for pair in found.pairs:
        assert pair.both + pair.a_only + pair.b_only + pair.neither == found.relevant
    together = sum(len(r & (x | y | z)) for r, x, y, z in zip(relevant, a, b, c, strict=True))
    assert found.union_recall == (together / found.relevant if found.relevant else None)
    assert [(pair.a, pair.b) for pair in found.pairs] == [("A", "B"), ("A", "C"), ("B", "C")]
