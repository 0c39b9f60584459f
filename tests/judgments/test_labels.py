"""Labels and captions judge without anybody judging."""

from __future__ import annotations

from pathlib import Path

import pytest

from diptych.errors import DiptychError
from diptych.judgments.labels import judge_by_captions, judge_by_labels, read_mapping

LABELS = {"1": ["golden_retriever"], "2": ["golden_retriever"], "3": ["Dachshund"], "4": ["grey_wolf"]}


def test_a_query_is_judged_by_the_label_that_has_its_words() -> None:
    found = judge_by_labels(LABELS, ["Golden  Retriever", "dachshund", "cat"])
    assert found.queries == ("Golden  Retriever", "dachshund")
    assert found.judgments.grades("Golden  Retriever") == {"1": 1, "2": 1, "3": 0, "4": 0}
    assert found.judgments.grades("dachshund") == {"1": 0, "2": 0, "3": 1, "4": 0}
    assert found.unmatched_queries == ("cat",)
    assert found.judgments.grades("cat") == {}


def test_without_queries_the_labels_are_the_queries() -> None:
    found = judge_by_labels(LABELS)
    assert found.queries == ("Dachshund", "golden retriever", "grey wolf")
    assert found.judgments.relevant("grey wolf") == {"4"}


def test_an_image_with_several_labels_is_relevant_for_each_of_them() -> None:
    found = judge_by_labels(LABELS | {"5": ["Dachshund", "grey_wolf"]})
    assert found.judgments.relevant("grey wolf") == {"4", "5"}
    assert found.judgments.relevant("Dachshund") == {"3", "5"}
    assert found.judgments.grades("golden retriever")["5"] == 0


def test_a_mapping_lets_a_query_mean_several_labels_and_names_those_that_nothing_has() -> None:
    mapping = {"dog": ["golden_retriever", "Dachshund", "poodle"]}
    found = judge_by_labels(LABELS, ["Dog", "grey wolf"], mapping)
    assert found.judgments.relevant("Dog") == {"1", "2", "3"}
    assert found.judgments.relevant("grey wolf") == {"4"}
    assert found.unknown_labels == ("poodle",)
    assert judge_by_labels(LABELS, mapping=mapping).queries == ("dog",)


def test_a_mapped_query_none_of_whose_labels_exists_has_nothing_relevant() -> None:
    found = judge_by_labels(LABELS, mapping={"cat": ["tabby"]})
    assert found.judgments.relevant("cat") == set()
    assert found.unknown_labels == ("tabby",)


def test_a_captions_own_images_are_relevant_and_all_other_captioned_ones_are_not() -> None:
    judgments = judge_by_captions({"1": "a dog", "2": "a wolf", "3": "a dog"})
    assert judgments.grades("a dog") == {"1": 1, "2": 0, "3": 1}
    assert judgments.grades("a wolf") == {"1": 0, "2": 1, "3": 0}


def test_a_mapping_file_has_a_label_or_a_list_of_labels_for_each_query(tmp_path: Path) -> None:
    (tmp_path / "map.json").write_text('{"dog": ["pug", "dachshund"], "wolf": "grey_wolf"}')
    assert read_mapping(tmp_path / "map.json") == {"dog": ("pug", "dachshund"), "wolf": ("grey_wolf",)}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"dog":\n oops}', "line 2: not valid JSON"),
        ('["dog"]', "is not a JSON object from queries to labels"),
        ('{"dog": []}', "query 'dog' needs a label or a list of labels"),
        ('{"dog": [1]}', "query 'dog' needs a label"),
        ('{"dog": null}', "query 'dog' needs a label"),
        ("[" * 100_000, "line 1: not valid JSON \\(nested too deeply\\)"),
    ],
)
def test_a_mapping_file_of_another_shape_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "map.json").write_text(text)
    with pytest.raises(DiptychError, match=message):
        read_mapping(tmp_path / "map.json")
