"""How far to believe what is said over all queries: `python benchmarks/verdict_alike.py [REPEATS]`.

Draws many experiments from worlds where the truth is known, and prints with Monte-Carlo errors how often

* the summary's 95 % interval holds the mean, beside the percentile bootstrap that it was before;
* the word for agreement is another one than over all queries, beside the word of the mean alone; how often a
  word is said at all; and how often unrelated rankings of 11 pictures are called largely alike;
* one embedder is said to separate its first pictures further, where it does not and where it does;
* the interval of an nAUC holds, beside the percentile bootstrap.

Each part is a function that gives its rows, for other benchmarks to print.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from diptych.analysis.agreement.likeness import ALIKE, UNALIKE, overlap_p, words
from diptych.analysis.agreement.overlap import overlap_above_chance
from diptych.analysis.separation import separations
from diptych.analysis.stratification import Stratification
from diptych.analysis.summary import FEWEST, over_queries
from diptych.evaluation.abstention import abstention, nauc

Floats = NDArray[np.float64]
World = Callable[[np.random.Generator, int], Floats]

REPEATS = 1000
K = 10


@dataclass(frozen=True)
class Rate:
    """One line of a table.

    Attributes:
        what: What was looked at, in which world.
        queries: How many queries an experiment has.
        rates: How often, by the rule's name; None where the rule says nothing.
        repeats: From how many experiments.
    """

    what: str
    queries: int
    rates: dict[str, float | None]
    repeats: int

    def __str__(self) -> str:
        shown = (
            f"{name} {'–':>11}"
            if rate is None
            else f"{name} {100 * rate:5.1f} ± {100 * self.error(rate):.1f}"
            for name, rate in self.rates.items()
        )
        return f"{self.what:46}{self.queries:4}   {'   '.join(shown)}"

    def error(self, rate: float) -> float:
        """The Monte-Carlo standard error of a rate."""
        return float(np.sqrt(max(rate * (1 - rate), 1 / self.repeats) / self.repeats))


SKEWED: dict[str, tuple[World, float]] = {
    "normal": (lambda random, m: random.normal(2, 1, m), 2.0),
    "z-gaps, skew 1.4 (gamma 2)": (lambda random, m: random.gamma(2, 1, m), 2.0),
    "few large falls, skew 2 (exponential)": (lambda random, m: random.exponential(1, m), 1.0),
    "very few, skew 4 (lognormal .9)": (
        lambda random, m: random.lognormal(0, 0.9, m),
        float(np.exp(0.405)),
    ),
}
"""Figures of a ranking over queries, each with its true mean."""


def percentile_bootstrap(values: Floats, random: np.random.Generator) -> tuple[float, float]:
    """The 95 % interval that the summary had before."""
    drawn = values[random.integers(0, len(values), (2000, len(values)))].mean(axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(low), float(high)


def summary_coverage(random: np.random.Generator, repeats: int) -> Iterator[Rate]:
    """How often the interval of a mean over queries holds the true mean."""
    for what, (draw, truth) in SKEWED.items():
        for queries in (3, 5, 6, 8, 11, 15, 20):
            held = {"before": 0, "now": 0}
            for _ in range(repeats):
                values = draw(random, queries)
                low, high = percentile_bootstrap(values, random)
                held["before"] += low <= truth <= high
                found = over_queries(values.tolist())
                held["now"] += found.low is not None and found.low <= truth <= (found.high or np.inf)
            rates = {"before": held["before"] / repeats, "now": held["now"] / repeats}
            yield Rate(what, queries, rates if queries >= FEWEST else rates | {"now": None}, repeats)


def word_of(above_chance: float) -> str:
    """The word for an overlap that is known exactly, and what was said of any mean before."""
    return "largely" if above_chance >= ALIKE else "hardly" if above_chance < UNALIKE else "in part"


def shares(random: np.random.Generator, share: float, queries: int) -> NDArray[np.int64]:
    """How many of their first 10 two embedders share: some queries are harder than others."""
    return random.binomial(K, random.beta(4 * share, 4 * (1 - share), queries))


def said(shared: NDArray[np.int64], images: int) -> tuple[str, tuple[str, ...]]:
    """The word said before, and the words said now."""
    above = [overlap_above_chance(int(each), K, images) or 0.0 for each in shared]
    p = overlap_p(int(shared.sum()), len(shared), K, images)
    return word_of(float(np.mean(above))), words(over_queries(above), p)


def words_that_differ(random: np.random.Generator, repeats: int, images: int = 100) -> Iterator[Rate]:
    """How often one word is said that is not the one over all queries; and how often one is said at all."""
    for share in (0.79, 0.84, 0.43, 0.48, 0.65, 0.95, 0.15):
        truth = word_of((share - K / images) / (1 - K / images))
        for queries in (1, 4, 8, 11, 20, 60):
            before = now = one = 0
            for _ in range(repeats):
                old, new = said(shares(random, share, queries), images)
                before += old != truth
                one += len(new) == 1
                now += len(new) == 1 and new[0] != truth
            rates = {"wrong before": before / repeats, "wrong now": now / repeats, "said now": one / repeats}
            yield Rate(f"they share {10 * share:.1f} of 10: {truth}", queries, rates, repeats)


def unrelated_called_alike(random: np.random.Generator, repeats: int, images: int = 11) -> Iterator[Rate]:
    """How often unrelated rankings of a few pictures are called largely alike."""
    for queries in (1, 2, 4, 6, 11, 22):
        before = now = 0
        for _ in range(repeats):
            old, new = said(random.hypergeometric(K, images - K, K, queries), images)
            before += old == "largely"
            now += new == ("largely",)
        rates = {"largely before": before / repeats, "largely now": now / repeats}
        yield Rate(f"unrelated rankings of {images} pictures", queries, rates, repeats)


def separation_shown(random: np.random.Generator, repeats: int) -> Iterator[Rate]:
    """How often one embedder is said to separate its first pictures further, where it does and where not."""
    for times in (1.0, 1.5, 2.0, 3.0):
        for queries in (4, 6, 11, 20):
            verdicts = []
            for _ in range(repeats):
                ease = random.gamma(3, 1, queries)  # what both find easy
                falls = ease * random.gamma(4, 1, (2, queries)) * [[times], [1.0]]
                lists = [
                    [Stratification(verdict="gradual", z_gap=float(fall)) for fall in row] for row in falls
                ]
                verdicts.append(separations({"a": lists[0], "b": lists[1]})[0].verdict)
            rates: dict[str, float | None] = {
                word: verdicts.count(word) / repeats for word in ("shown", "suggestive")
            }
            yield Rate(f"falls {times:.1f} times as far", queries, rates, repeats)


METRICS: dict[str, Callable[[Floats], Floats]] = {
    "evenly spread": lambda quality: quality,
    "half are 1": lambda quality: np.minimum(1, 2 * quality),
    "0 or 1": lambda quality: (quality > 0.7).astype(np.float64),
}
"""What a metric makes of a query's quality, 0 to 1."""


def judged_queries(
    random: np.random.Generator, metric: Callable[[Floats], Floats], told: float, queries: int
) -> tuple[Floats, Floats]:
    """The confidence in queries, which tells so much of their quality, and their metric."""
    quality, noise = random.normal(size=(2, queries))
    return told * quality + np.sqrt(1 - told**2) * noise, metric(ndtr(quality))


def percentile_nauc(random: np.random.Generator, confidence: Floats, metric: Floats) -> tuple[float, float]:
    """The percentile bootstrap's 95 % interval of an nAUC."""
    rows = random.integers(0, len(metric), (400, len(metric)))
    drawn = [value for row in rows if (value := nauc(confidence[row], metric[row])) is not None]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(low), float(high)


def nauc_coverage(random: np.random.Generator, repeats: int) -> Iterator[Rate]:
    """How often the interval of an nAUC holds that of 200,000 queries."""
    for (what, metric), told, queries in itertools.product(METRICS.items(), (0.0, 0.4, 0.8), (20, 50)):
        truth = nauc(*judged_queries(random, metric, told, 200_000)) or 0.0
        held: dict[str, list[bool]] = {"percentile": [], "now": []}
        for _ in range(repeats):
            confidence, values = judged_queries(random, metric, told, queries)
            found = abstention(confidence[:, None], values).highest_interval
            if found is not None:
                held["now"].append(found[0] <= truth <= found[1])
                low, high = percentile_nauc(random, confidence, values)
                held["percentile"].append(low <= truth <= high)
        rates: dict[str, float | None] = {rule: float(np.mean(each)) for rule, each in held.items()}
        yield Rate(f"nAUC {truth:.2f}, metric {what}", queries, rates, len(held["now"]))


PARTS: dict[str, Callable[[np.random.Generator, int], Iterator[Rate]]] = {
    "The 95 % interval of a mean over queries holds, in %": summary_coverage,
    "The word for agreement, in % of experiments": words_that_differ,
    "Called largely alike, in %": unrelated_called_alike,
    "One separates its first pictures further, in %": separation_shown,
    "The 95 % interval of an nAUC holds, in %": nauc_coverage,
}


def main(repeats: int) -> None:
    """Print a table for each part."""
    for title, part in PARTS.items():
        print(f"\n{title}\n")
        for rate in part(np.random.default_rng(0), repeats if part is not nauc_coverage else repeats // 4):
            print(rate, flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else REPEATS)
