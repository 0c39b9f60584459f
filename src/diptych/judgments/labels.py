"""Judgments that nobody had to give: from the images' labels, and from their captions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from diptych.errors import DiptychError
from diptych.judgments.judgments import Judgments
from diptych.store.judgment import Judgment
from diptych.tabular import read_json
from diptych.text import one_form, printable


@dataclass(frozen=True, kw_only=True)
class FromLabels:
    """Judgments made from labels.

    Attributes:
        judgments: An image is relevant where it has one of the query's labels, irrelevant where it has
            another; without a label it is not judged.
        queries: The queries that they judge, in their order.
        unmatched_queries: Queries that no label goes with: they stay without judgments.
        unknown_labels: Labels that the mapping names and no image has.
        alike: Labels that are one query, as they are the same words: "Dog" and "dog".
    """

    judgments: Judgments
    queries: tuple[str, ...]
    unmatched_queries: tuple[str, ...]
    unknown_labels: tuple[str, ...]
    alike: tuple[tuple[str, ...], ...] = ()


def read_mapping(path: Path) -> dict[str, tuple[str, ...]]:
    """Read which labels a query means: `{"dog": ["golden_retriever", "dachshund"], "wolf": "grey_wolf"}`.

    Raises:
        DiptychError: The file can't be read, or is not a JSON object from queries to labels.
    """
    shown, mapping = printable(str(path)), read_json(path)
    if not isinstance(mapping, dict):
        raise DiptychError(
            f'{shown} is not a JSON object from queries to labels: {{"dog": ["dachshund", "pug"]}}'
        )
    labels = {query: [told] if isinstance(told, str) else told for query, told in mapping.items()}
    for query, told in labels.items():
        if not isinstance(told, list) or not told or not all(isinstance(label, str) for label in told):
            raise DiptychError(f"{shown}: query {printable(query)!r} needs a label or a list of labels")
    return {query: tuple(told) for query, told in labels.items()}


def judge_by_labels(
    labels: Mapping[str, Sequence[str]],
    queries: Sequence[str] = (),
    mapping: Mapping[str, Sequence[str]] | None = None,
) -> FromLabels:
    """Judge queries by the images' labels.

    A query is judged by the labels that the mapping gives it, otherwise by the label that is written with
    its words: `golden_retriever` for "golden retriever", upper and lower case alike.

    Args:
        labels: Each image's labels by its id; images without a label are left out. An image with several is
            relevant for each of them.
        queries: What to judge; without any, the mapping's queries, and without a mapping the labels
            themselves. Of those that are the same words, such as "Dog" and "dog", the first stands for all.
        mapping: Labels by query.

    Returns:
        The judgments, and what went with nothing.
    """
    of_image = {image: {one_form(label) for label in several} for image, several in labels.items()}
    known = sorted(set().union(*of_image.values()))
    asked = list(dict.fromkeys(queries) or _each_once(mapping or map(_as_query, known)))
    told: dict[tuple[str, ...], set[str]] = {}
    for query, means in (mapping or {}).items():
        told.setdefault(_words(query), set()).update(map(one_form, means))
    meant = {
        query: told.get(_words(query)) or {label for label in known if _words(label) == _words(query)}
        for query in asked
    }
    judged = tuple(query for query in asked if meant[query])
    relevant = [
        Judgment(query=query, image=image, grade=1, by="labels")
        for query in judged
        for image, own in of_image.items()
        if meant[query] & own
    ]
    return FromLabels(
        judgments=Judgments(relevant, settled=dict.fromkeys(judged, frozenset(labels))),
        queries=judged,
        unmatched_queries=tuple(query for query in asked if not meant[query]),
        unknown_labels=tuple(sorted(set().union(*told.values()) - set(known))),
        alike=() if mapping else tuple(_alike(known)),
    )


def _alike(labels: Iterable[str]) -> Iterator[tuple[str, ...]]:
    by_words: dict[tuple[str, ...], list[str]] = {}
    for label in labels:
        by_words.setdefault(_words(label), []).append(label)
    return (tuple(several) for several in by_words.values() if len(several) > 1)


def judge_by_captions(captions: Mapping[str, str]) -> Judgments:
    """Judge each caption as a query: its own image is relevant, the other captioned ones are not.

    Args:
        captions: Captions by image id. Images with the same caption are all relevant to it.
    """
    own = [
        Judgment(query=caption, image=image, grade=1, by="captions") for image, caption in captions.items()
    ]
    return Judgments(own, settled=dict.fromkeys(captions.values(), frozenset(captions)))


def _each_once(texts: Iterable[str]) -> list[str]:
    """Texts without those that only write the words of an earlier one otherwise."""
    first: dict[tuple[str, ...], str] = {}
    for text in texts:
        first.setdefault(_words(text), text)
    return list(first.values())


def _as_query(label: str) -> str:
    return " ".join(label.replace("_", " ").split())


def _words(text: str) -> tuple[str, ...]:
    return tuple(one_form(text).replace("_", " ").replace("-", " ").casefold().split())
