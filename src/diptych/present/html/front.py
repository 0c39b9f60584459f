"""What stands first in a report: the answers in a sentence each, and each query's first pictures."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from diptych.analysis.stratification import Stratification
from diptych.present.html import layout
from diptych.present.html import relevance as judged
from diptych.present.html.curves import is_flat
from diptych.result import Agreement, Comparison, Finding, Hit, QueryResult, Question

FIRST = 3
"""So many pictures of each list stand in the table at a glance."""

MOST_SAID = 3
"""So many answers to a question stand in view; of more embedders the rest is folded."""

_SENTENCE = re.compile(r"(?<=\.) (?=[A-Z])")


@dataclass(frozen=True)
class Sentence:
    """An answer.

    Attributes:
        about: Which embedders it is about, where there are others that it could be.
        parts: Its text, with an embedder's number in the place of each embedder's name: its letter is
            shorter, and stands beside its name above.
    """

    about: tuple[int, ...]
    parts: tuple[str | int, ...]


@dataclass(frozen=True)
class FrontAnswer:
    """The answers to one question.

    Attributes:
        heading: The question.
        said: What stands in view: the first sentence of each answer.
        more: What is folded, in the order in which it was said.
    """

    heading: str
    said: tuple[Sentence, ...]
    more: tuple[Sentence, ...]


@dataclass(frozen=True)
class First:
    """One embedder's first pictures for one query.

    Attributes:
        index: Which embedder.
        name: Its name.
        hits: Its first pictures; none where it ranks nothing.
        flat: Whether it gives all pictures the same score.
        ranking: What its list does; None in comparisons saved before that was said.
        value: What it reaches by the metric that decides; None where that is undefined or nobody judged.
        best: Whether no other reaches more, and one reaches less.
    """

    index: int
    name: str
    hits: tuple[Hit, ...]
    flat: bool
    ranking: Stratification | None
    value: float | None
    best: bool


@dataclass(frozen=True)
class Glance:
    """One query at a glance.

    Attributes:
        number: The query's place, from 1, which its section is linked by.
        query: The query.
        firsts: Each embedder's first pictures.
        pairs: Each two lists, where it can be told how far they agree.
        apart: 0 to 1, the share of their first pictures that two lists do not share, on average; None
            where no pair can be told.
        value: The mean of what the embedders reach by the metric that decides; None without any.
    """

    number: int
    query: QueryResult
    firsts: tuple[First, ...]
    pairs: tuple[Agreement, ...]
    apart: float | None
    value: float | None


def answers(comparison: Comparison) -> tuple[FrontAnswer, ...]:
    """The answers to the three questions, shortest form first."""
    index = {info.name: place for place, info in enumerate(comparison.embedders)}
    by_question: dict[Question, list[Finding]] = {}
    for finding in comparison.overall.findings:
        if finding.question is not None:
            by_question.setdefault(finding.question, []).append(finding)
    return tuple(
        _answer(layout.HEADINGS[question], findings, index) for question, findings in by_question.items()
    )


def _answer(heading: str, findings: Sequence[Finding], index: Mapping[str, int]) -> FrontAnswer:
    said: list[Sentence] = []
    more: list[Sentence] = []
    alone = len(findings) == 1
    for finding in findings:
        about = () if alone else tuple(index[name] for name in finding.about if name in index)
        first, *rest = _SENTENCE.split(finding.text, maxsplit=1)
        # What says more of the answer before it, or sets two embedders' lists side by side, can wait.
        aside = first.startswith("They ") and finding.question == "better"
        aside = aside or (finding.question == "break" and len(finding.about) > 1)
        if aside or len(said) == MOST_SAID:
            more.append(Sentence(about, _parts(finding.text, index)))
        else:
            said.append(Sentence(about, _parts(first, index)))
            more += [Sentence(about, _parts(text, index)) for text in rest]
    return FrontAnswer(heading, tuple(said), tuple(more))


def _parts(text: str, index: Mapping[str, int]) -> tuple[str | int, ...]:
    """A text cut where embedders are named; `clip` is not named by `clip-2`."""
    names = "|".join(re.escape(name) for name in sorted(index, key=len, reverse=True))
    pieces = re.split(rf"(?<![\w:/?=&-])({names})(?![\w:/?=&-])", text)
    return tuple(index[piece] if place % 2 else piece for place, piece in enumerate(pieces) if piece)


def glances(comparison: Comparison) -> tuple[Glance, ...]:
    """Every query at a glance, in the order asked."""
    names = [info.name for info in comparison.embedders]
    return tuple(
        _glance(number, comparison, query, names) for number, query in enumerate(comparison.queries, start=1)
    )


def _glance(number: int, comparison: Comparison, query: QueryResult, names: Sequence[str]) -> Glance:
    said = judged.of_query(comparison, query)
    reached = {name: judged.decisive(said, name) if said and name in said.figures else None for name in names}
    values = [value for value in reached.values() if value is not None]
    differ = len(set(values)) > 1
    pairs = tuple(pair for pair in query.agreement if pair.figures.overlap_at_k is not None)
    shares = [1 - (pair.figures.overlap_at_k or 0) / pair.figures.k for pair in pairs]
    firsts = []
    for place, name in enumerate(names):
        if name not in query.rankings:
            continue
        flat, value = is_flat(query.curves.get(name)), reached[name]
        best = differ and value is not None and value == max(values)
        hits = () if flat else query.rankings[name][:FIRST]
        firsts.append(First(place, name, hits, flat, query.stratification.get(name), value, best))
    return Glance(
        number=number,
        query=query,
        firsts=tuple(firsts),
        pairs=pairs,
        apart=_mean(shares),
        value=_mean(values),
    )


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
