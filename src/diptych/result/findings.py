"""What the figures say, in sentences: each rests on figures that stand beside it and claims no more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from diptych.analysis.stratification import Stratification
from diptych.analysis.summary import NO_PROOF
from diptych.evaluation.sentences import verdict_clauses
from diptych.evaluation.significance import PairedComparison
from diptych.result import Agreement, ContrastResult, Finding, Hit, QueryResult
from diptych.text import count
from diptych.thresholds.passing import Passing

_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")

_NOTEWORTHY = 2.0
"""A dispute is worth a sentence where one ranking has the image at least this many times deeper."""

_FIRM = 0.5
"""Where fewer resamples than this have the break in the same place, its place is said to be unsure."""

_ALIKE, _UNALIKE = 0.8, 0.4
"""Overlaps of the first ten, chance taken off: largely alike from the one on, hardly below the other."""


def query_findings(result: QueryResult, images: int, flat: Sequence[str]) -> tuple[str, ...]:
    """What is worth reading about one query's rankings.

    Args:
        result: The query with its figures.
        images: How many pictures were ranked.
        flat: The embedders that give all of them the same score.
    """
    telling = {name: hits for name, hits in result.rankings.items() if name not in flat}
    return (
        *_on_itself(result),
        *(
            f"{name} gives all {images} pictures the same score: they stand in the order of their names."
            for name in flat
        ),
        *_on_first(telling),
        *(sentence for pair in result.agreement for sentence in _on_pair(pair)),
        *(
            _on_fall(name, ranking, images)
            for name, ranking in result.stratification.items()
            if name in telling
        ),
        *(_on_passing(name, passing, images) for name, passing in result.passing.items()),
        *(_on_contrast(result.query, name, contrast) for name, contrast in result.contrast.items()),
    )


def overall_findings(
    queries: Sequence[QueryResult], images: int, decisive: Sequence[PairedComparison] = ()
) -> tuple[Finding, ...]:
    """The answers over all queries: do they rank alike, does either list break, is one better.

    Args:
        queries: The queries with their figures.
        images: How many pictures were ranked.
        decisive: What judgments say of each two embedders; without any the last can't be told.
    """
    names = list(queries[0].rankings)
    alike = [_on_likeness(a, b, queries) for i, a in enumerate(names) for b in names[i + 1 :]]
    breaks = [_on_breaks(name, queries, images) for name in names]
    return (*alike, *breaks, *(_on_quality(decisive) if len(names) > 1 else ()))


def _on_itself(result: QueryResult) -> list[str]:
    if not any(hit.itself for hits in result.rankings.values() for hit in hits):
        return []
    inside = "The picture asked with is in the collection"
    if all(hits[0].itself for hits in result.rankings.values()):
        return [f"{inside}: each list begins with it."]
    others = [
        name
        for name, hits in result.rankings.items()
        if not any(hit.itself and hit.score == hits[0].score for hit in hits)
    ]
    if not others:
        return [f"{inside}: each list begins with it, or with one that scores the same."]
    return [f"{inside}, yet {' and '.join(others)} {'does' if len(others) == 1 else 'do'} not rank it first."]


def _on_first(rankings: Mapping[str, Sequence[Hit]]) -> list[str]:
    """Which image each embedder ranks first, the picture asked with left aside."""
    firsts = {
        name: next((hit.image for hit in hits if not hit.itself), None) for name, hits in rankings.items()
    }
    if len(firsts) < 2 or None in firsts.values():
        return []
    different = list(dict.fromkeys(firsts.values()))
    if len(different) == 1:
        return [f"{'Both' if len(firsts) == 2 else 'All'} rank {different[0]} first."]
    return ["; ".join(f"{name} ranks {image} first" for name, image in firsts.items()) + "."]


def _on_pair(pair: Agreement) -> list[str]:
    figures, sentences = pair.figures, []
    if pair.disputed and (worst := pair.disputed[0]):
        ranks = sorted((worst.rank_a, worst.rank_b))
        if ranks[1] >= _NOTEWORTHY * ranks[0]:
            sentences.append(
                f"{pair.a} puts {worst.image} {_ordinal(worst.rank_a)}, {pair.b} {_ordinal(worst.rank_b)}."
            )
    if figures.overlap_above_chance is not None:
        sentences.append(
            f"Of their first {figures.k}, {pair.a} and {pair.b} share {figures.overlap_at_k};"
            f" unrelated rankings would share {figures.overlap_by_chance:.1f}."
        )
    return sentences


def _on_fall(name: str, ranking: Stratification, images: int) -> str:
    if ranking.verdict == "nothing matches" and ranking.matches is None:
        return f"The pictures all score the same with {name}: there is no break."
    if ranking.verdict == "nothing matches":
        return f"Nothing matches, says {name}: no picture scores above what unrelated queries get."
    if ranking.verdict == "too few images":
        return f"{count(images, 'picture')}: too few to tell whether the scores of {name} break."
    matches = ""
    if ranking.matches is not None:
        matches = (
            f" {ranking.matches} of {count(images, 'picture')} match{'es' if ranking.matches == 1 else ''}."
        )
    if ranking.breakpoint is None:
        return f"The scores of {name} fall gradually: no clear break.{matches}"
    size = (
        ""
        if ranking.z_gap is None
        else f" by {ranking.z_gap:.1f} {'robust' if ranking.matches is None else 'null'} deviations"
    )
    unsure = "" if ranking.stability is None or ranking.stability >= _FIRM else ", so where exactly is unsure"
    seen = "" if ranking.stability is None else f", seen in {ranking.stability:.0%} of resamples{unsure}"
    return f"The scores of {name} fall{size} after rank {ranking.breakpoint}{seen}.{matches}"


def _on_passing(name: str, passing: Passing, images: int) -> str:
    some = f"About {passing.count}" if passing.count else "None"
    passes = "pass" if passing.count > 1 else "passes"
    return (
        f"{some} of {count(images, 'picture')} {passes} the threshold learned for {name}"
        f" from {passing.queries} other judged queries (F1 there about {passing.f1:.2f})."
    )


def _on_contrast(query: str, name: str, contrast: ContrastResult) -> str:
    rivals = " and ".join(contrast.rivals)
    if contrast.looked_at == 0:
        return f"With {name} no picture matches {query} or {rivals}: there is nothing to tell apart."
    looked_at = count(contrast.looked_at, "picture")
    if contrast.wins == 0:
        return f"With {name}, {query} beats {rivals} on none of {looked_at}."
    won = f"With {name}, {query} beats {rivals} on {contrast.wins} of {looked_at}"
    exceptions = contrast.lost_before + contrast.won_after
    if exceptions > contrast.looked_at / 4:
        return f"{won}, mixed all down its list: there is no rank where one ends and the other begins."
    if contrast.rivals_from is None:
        return f"{won}, down to the last."
    aside = f", {count(exceptions, 'exception')} aside" if exceptions else ""
    win = "win" if len(contrast.rivals) > 1 else "wins"
    return f"{won}; from rank {contrast.rivals_from} on {rivals} {win}{aside}."


def _on_likeness(a: str, b: str, queries: Sequence[QueryResult]) -> Finding:
    pairs = [pair.figures for query in queries for pair in query.agreement if (pair.a, pair.b) == (a, b)]
    defined = [figures for figures in pairs if figures.overlap_above_chance is not None]
    if not defined:
        return Finding("alike", (a, b), "Cannot tell: there are too few pictures, or one ranks nothing.")
    share = np.mean([figures.overlap_above_chance for figures in defined])
    answer = "Largely" if share >= _ALIKE else "Hardly" if share < _UNALIKE else "In part"
    overlap = np.mean([figures.overlap_at_k for figures in defined])
    chance = np.mean([figures.overlap_by_chance for figures in defined])
    text = (
        f"{answer}: of their first {defined[0].k} they share {overlap:.1f} on average over"
        f" {_queries(len(defined))}; unrelated rankings would share {chance:.1f}."
    )
    return Finding("alike", (a, b), text)


def _on_breaks(name: str, queries: Sequence[QueryResult], images: int) -> Finding:
    verdicts = [query.stratification[name].verdict for query in queries]
    broken, empty = verdicts.count("break"), verdicts.count("nothing matches")
    if "too few images" in verdicts and not {"break", "gradual"} & set(verdicts):
        return Finding("break", (name,), f"Cannot tell with {count(images, 'picture')}.")
    nothing = f"; nothing matches for {empty}" if empty else ""
    return Finding("break", (name,), f"For {broken} of {_queries(len(verdicts))}{nothing}.")


def _on_quality(decisive: Sequence[PairedComparison]) -> list[Finding]:
    if not decisive:
        return [Finding("better", (), f"Cannot tell: nothing has been judged. {NO_PROOF}")]
    return [Finding("better", (), clause.sentence) for pair in decisive for clause in verdict_clauses(pair)]


def _queries(number: int) -> str:
    return f"{number} query" if number == 1 else f"{number} queries"


def _ordinal(rank: int) -> str:
    if rank <= len(_ORDINALS):
        return _ORDINALS[rank - 1]
    ending = {1: "st", 2: "nd", 3: "rd"}.get(rank % 10, "th") if rank % 100 not in {11, 12, 13} else "th"
    return f"{rank:,}{ending}"
