"""A comparison in words."""

from __future__ import annotations

import math
from dataclasses import dataclass

from diptych.evaluation.sign_flip import ENUMERATED, smallest_p
from diptych.evaluation.significance import ALPHA, PairedComparison
from diptych.text import count


@dataclass(frozen=True)
class Clause:
    """Words that stand within a sentence, as `str` gives them, or as a sentence of their own.

    Attributes:
        opening: The first words, in lower case; empty where a name comes first, which stays as it is written.
        rest: What follows them.
    """

    opening: str
    rest: str

    def __str__(self) -> str:
        return f"{self.opening}{self.rest}"

    @property
    def sentence(self) -> str:
        """With its capital letter and full stop."""
        return f"{self.opening.capitalize()}{self.rest}."


def verdict_clauses(comparison: PairedComparison) -> tuple[Clause, ...]:
    """The verdict, which a person can act on; and where it can't be told, what stands in the way."""
    if comparison.verdict != "cannot tell":
        return (_better(comparison),)
    hindrance = _running(comparison) or _too_few(comparison)
    return (_cannot_tell(comparison),) if hindrance is None else (_cannot_tell(comparison), hindrance)


def _better(comparison: PairedComparison) -> Clause:
    sign = 1 if comparison.verdict == "a better" else -1
    better, other = (comparison.a, comparison.b)[::sign]
    low, high = sorted(sign * end for end in comparison.interval or (1, 1))
    # An interval that leaves out 0 must not be shown to begin there.
    digits = next((digits for digits in (2, 4, 6) if round(low, digits) > 0), 9)
    figures = [f"{comparison.metric} {sign * (comparison.difference or 0):+.{digits}f}"]
    if comparison.interval is not None:
        figures.append(f"{percent(comparison.confidence)} {low:.{digits}f} to {high:.{digits}f}")
    figures.append(_queries(comparison))
    return Clause("", f"{better} ranks better than {_floor(comparison, other)} ({', '.join(figures)})")


def _cannot_tell(comparison: PairedComparison) -> Clause:
    b = _floor(comparison, comparison.b) if comparison.floor == "b" else comparison.b
    if not comparison.queries:
        return Clause("cannot tell", f" {comparison.a} from {b}: {comparison.undefined['difference']}")
    if not comparison.wins + comparison.losses:
        return Clause("", f"{comparison.a} and {comparison.b} are equal on every query")
    apart = f" {comparison.a} from {b} with {_queries(comparison)}"
    needed = comparison.needed_range
    if needed is None or needed[1] <= comparison.queries:
        return Clause("cannot tell", apart)
    fewest = max(needed[0], comparison.queries + 1)
    queries = f"{fewest:,} to {needed[1]:,}" if fewest < needed[1] else f"about {fewest:,}"
    return Clause("cannot tell", f"{apart}; {queries} would show a difference of this size")


def _too_few(comparison: PairedComparison) -> Clause | None:
    """Where not even one embedder ahead on every query would be significant."""
    telling, smallest = comparison.wins + comparison.losses, comparison.smallest_p
    share = (1 - comparison.confidence) / comparison.level if comparison.level else 1 / comparison.pairs
    if not telling or smallest is None or smallest <= ALPHA * share:
        return None
    differ = count(telling, "query", "queries")
    among = f" for {comparison.pairs} pairs of embedders" if comparison.pairs > 1 else ""
    fewest = next((m for m in range(telling, ENUMERATED + 1) if smallest_p(m) <= ALPHA * share), None)
    takes = "" if fewest is None else f": it takes {fewest}"
    return Clause("they", f" differ on {differ}, which is too few to reach significance{among}{takes}")


def _running(comparison: PairedComparison) -> Clause | None:
    """Where the whole rate can't be spent yet, as more queries are to come."""
    if comparison.planned is None or comparison.p is None or comparison.p * comparison.pairs > ALPHA:
        return None
    if comparison.planned > comparison.queries:
        return Clause(
            "the",
            f" difference stands out, but {comparison.planned:,} queries were planned: judge on to be sure",
        )
    if comparison.planned:
        return _beyond(comparison)
    return Clause(
        "the",
        " difference stands out, but not by the stricter test that holds whenever you stop, as the number of"
        " queries was not fixed before the first one: judge more to be sure",
    )


def _beyond(comparison: PairedComparison) -> Clause | None:
    if comparison.queries == comparison.planned:
        return None
    return Clause("the", f" difference stands out, but only {comparison.planned:,} queries were planned")


def _floor(comparison: PairedComparison, name: str) -> str:
    marked = {"a": comparison.a, "b": comparison.b}.get(comparison.floor or "")
    return f"the baseline {name}" if name == marked else name


def percent(confidence: float) -> str:
    """A confidence as it is shown: "95 %", "98.3 %"."""
    return f"{math.floor(round(1000 * confidence, 6)) / 10:g} %"  # 99.99 is not 100


def _queries(comparison: PairedComparison) -> str:
    number = count(comparison.queries, "query", "queries")
    if comparison.planned and comparison.planned > comparison.queries:
        return f"{number} of {comparison.planned:,} planned"
    return number
