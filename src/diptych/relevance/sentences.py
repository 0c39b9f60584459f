"""A comparison in words."""

from __future__ import annotations

from diptych.relevance.significance import ALPHA, PairedComparison


def verdict_sentence(comparison: PairedComparison) -> str:
    """The verdict as one sentence a person can act on."""
    if comparison.verdict == "cannot tell":
        return _cannot_tell(comparison)
    sign = 1 if comparison.verdict == "a better" else -1
    better, other = (comparison.a, comparison.b)[::sign]
    low, high = sorted(sign * end for end in comparison.interval or (1, 1))
    digits = 2 if low >= 0.005 else 4  # an interval that leaves out 0 must not be shown to begin there
    figures = [f"{comparison.metric} {sign * (comparison.difference or 0):+.{digits}f}"]
    if comparison.interval is not None:
        figures.append(f"95 % {low:.{digits}f} to {high:.{digits}f}")
    figures.append(_queries(comparison.queries))
    return f"{better} ranks better than {other} ({', '.join(figures)})"


def smallest_p_sentence(comparison: PairedComparison) -> str | None:
    """Where so few queries can't show a difference at all, a sentence that says so; otherwise None."""
    smallest = comparison.smallest_p
    if smallest is None or smallest * comparison.pairs <= ALPHA:
        return None
    telling = comparison.wins + comparison.losses
    if not telling:
        return f"{comparison.a} and {comparison.b} are equal on every query"
    among = f", compared among {comparison.pairs} pairs," if comparison.pairs > 1 else ""
    return (
        f"with {_queries(telling)} on which they differ{among} the smallest p possible is"
        f" {min(1.0, smallest * comparison.pairs):.2g}: so few can never show a difference"
    )


def _cannot_tell(comparison: PairedComparison) -> str:
    if not comparison.queries:
        return f"cannot tell: {comparison.undefined['difference']}"
    sentence = f"cannot tell {comparison.a} from {comparison.b} with {_queries(comparison.queries)}"
    needed = comparison.queries_needed
    if needed is None or needed <= comparison.queries:
        return sentence
    return f"{sentence}; about {needed:,} would be needed to see a difference this size"


def _queries(number: int) -> str:
    return "1 query" if number == 1 else f"{number} queries"
