"""A comparison in words."""

from __future__ import annotations

from dataclasses import dataclass

from diptych.evaluation.significance import ALPHA, PairedComparison


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
    """The verdict, which a person can act on; and where so few queries can show no difference, that."""
    too_few = _too_few(comparison)
    return (_verdict(comparison),) if too_few is None else (_verdict(comparison), too_few)


def _verdict(comparison: PairedComparison) -> Clause:
    if comparison.verdict == "cannot tell":
        return Clause("cannot tell", _cannot_tell(comparison))
    sign = 1 if comparison.verdict == "a better" else -1
    better, other = (comparison.a, comparison.b)[::sign]
    low, high = sorted(sign * end for end in comparison.interval or (1, 1))
    digits = 2 if low >= 0.005 else 4  # an interval that leaves out 0 must not be shown to begin there
    figures = [f"{comparison.metric} {sign * (comparison.difference or 0):+.{digits}f}"]
    if comparison.interval is not None:
        figures.append(f"95 % {low:.{digits}f} to {high:.{digits}f}")
    figures.append(_queries(comparison.queries))
    return Clause("", f"{better} ranks better than {other} ({', '.join(figures)})")


def _too_few(comparison: PairedComparison) -> Clause | None:
    smallest = comparison.smallest_p
    if smallest is None or smallest * comparison.pairs <= ALPHA:
        return None
    telling = comparison.wins + comparison.losses
    if not telling:
        return Clause("", f"{comparison.a} and {comparison.b} are equal on every query")
    among = f", compared among {comparison.pairs} pairs," if comparison.pairs > 1 else ""
    return Clause(
        "with",
        f" {_queries(telling)} on which they differ{among} the smallest p possible is"
        f" {min(1.0, smallest * comparison.pairs):.2g}: so few can never show a difference",
    )


def _cannot_tell(comparison: PairedComparison) -> str:
    if not comparison.queries:
        return f": {comparison.undefined['difference']}"
    apart = f" {comparison.a} from {comparison.b} with {_queries(comparison.queries)}"
    needed = comparison.queries_needed
    if needed is None or needed <= comparison.queries:
        return apart
    return f"{apart}; about {needed:,} would be needed to see a difference this size"


def _queries(number: int) -> str:
    return "1 query" if number == 1 else f"{number} queries"
