"""Is one better? How often the verdict errs, and how often it sees what is there: the rules side by side.

`python benchmarks/verdict_better.py [REPEATS]` prints, over worlds where the truth is known: how often each
rule calls one of two equal embedders better, how often it finds a real difference, how often any of several
equal embedders is called better than another, and the same for a verdict read after each judged query.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from rates import Rates, percent
from worlds import CAPTIONS, World, caption_ranks, generated_worlds, outliers, real_worlds

from diptych.evaluation.interval import MeanTest
from diptych.evaluation.sign_flip import subset_means
from diptych.evaluation.significance import ALPHA, compare_embedders
from diptych.evaluation.spending import running_level

Floats = NDArray[np.float64]
Rule = Callable[[Floats], NDArray[np.bool_]]
"""From samples, one per row, to which of them it calls different from 0."""

REPEATS = 1000
QUERIES = (5, 6, 8, 11, 15, 20, 30, 50)
EFFECT = 0.8
SESSION = 60
BOOTSTRAPPED = 200


def main(repeats: int) -> None:
    """Print the tables."""
    for table in tables(repeats):
        print(table.text(), flush=True)


def tables(repeats: int = REPEATS) -> Iterator[Rates]:
    """The tables, one after the other."""
    real = list(real_worlds())
    worlds = [*real, *generated_worlds()]
    yield _false_positives(
        "no difference: chance alone decides which is ahead", [w.symmetric() for w in worlds], repeats
    )
    skewed = [world.with_mean(0) for world in worlds if world.pool.min() < 0]
    yield _false_positives("no difference on average, but skewed", skewed, repeats)
    yield _power(worlds, repeats)
    yield _growing(repeats)
    yield _families(repeats // 4)
    yield _sessions(real, repeats)


def diptych(samples: Floats) -> NDArray[np.bool_]:
    """The verdict; fails where it and its interval say different things."""
    found = []
    for sample in samples:
        test = MeanTest.of(sample, ties=True)
        low, high = test.interval(ALPHA)
        better = test.p <= ALPHA
        if test.error:  # without spread there is no interval
            assert better == (not low <= 0 <= high), "the verdict and its interval disagree"
        found.append(better)
    return np.array(found)


def sign_flip(samples: Floats) -> NDArray[np.bool_]:
    """The sign-flip test alone, every outcome as extreme counted whole."""
    found = []
    for sample in samples:
        telling = sample[sample != 0]
        means = subset_means(telling) if len(telling) else np.zeros(1)
        other_side = min((means <= 0).sum(), (means >= 0).sum())
        found.append(2 * (1 + other_side) / (len(means) + 1) <= ALPHA)
    return np.array(found)


def student(samples: Floats) -> NDArray[np.bool_]:
    """Student's t test."""
    from scipy.stats import ttest_1samp

    with np.errstate(all="ignore"):
        p = ttest_1samp(samples, 0, axis=1).pvalue
    return np.nan_to_num(p, nan=1.0) <= ALPHA


def wilcoxon(samples: Floats) -> NDArray[np.bool_]:
    """Wilcoxon's signed-rank test, ties left out, by its normal approximation."""
    from scipy.stats import wilcoxon as test

    with np.errstate(all="ignore"):
        p = test(samples, axis=1, method="asymptotic").pvalue
    return np.nan_to_num(p, nan=1.0) <= ALPHA


def bca(samples: Floats) -> NDArray[np.bool_]:
    """Whether the bias-corrected and accelerated bootstrap interval leaves out 0; for the first 200 only."""
    from scipy.stats import bootstrap

    with np.errstate(all="ignore"):
        found = bootstrap(
            (samples[:BOOTSTRAPPED],), np.mean, axis=1, n_resamples=999, rng=0
        ).confidence_interval
    return np.asarray((found.low > 0) | (found.high < 0))


RULES: dict[str, Rule] = {
    "Diptych": diptych,
    "sign-flip": sign_flip,
    "Student's t": student,
    "Wilcoxon": wilcoxon,
    "BCa": bca,
}


def _false_positives(title: str, worlds: Sequence[World], repeats: int) -> Rates:
    random = np.random.default_rng(1)
    rates = {name: [] for name in RULES}
    for world in worlds:
        for queries in QUERIES:
            samples = world.draw(random, (repeats, queries)).round(12)
            for name, rule in RULES.items():
                rates[name].append((rule(samples), f"{world.name}, {queries}"))
    rows = []
    for name, found in rates.items():
        worst, where = max(found, key=lambda each: each[0].mean())
        rows.append((name, percent(np.concatenate([each for each, _ in found])), percent(worst), where))
    return Rates(
        title=f"Is one better? Called better although there is {title}, in %",
        note=f"{len(worlds)} worlds; {QUERIES[0]} to {QUERIES[-1]} queries; {repeats} samples. Promised: 5.",
        head=("rule", "on average", "at worst", "where"),
        rows=tuple(rows),
    )


def _power(worlds: Sequence[World], repeats: int) -> Rates:
    random = np.random.default_rng(2)
    rows = []
    for world in worlds:
        is_as_it_is = "outlier" in world.name or "floor" in world.name
        tilted = world if is_as_it_is else world.with_effect(EFFECT)
        samples = tilted.draw(random, (repeats, 11)).round(12)
        found = [percent(rule(samples)) for rule in RULES.values()]
        rows.append(
            (
                world.name,
                f"{tilted.effect:.2f}",
                f"{100 * float(tilted.weights[tilted.pool == 0].sum()):.0f}",
                *found,
            )
        )
    return Rates(
        title="Is one better? A real difference found with 11 queries, in %",
        note=f"{repeats} samples of each world, tilted to an effect of {EFFECT}, or as they are (a model"
        " against a floor, and outliers).",
        head=("world", "effect d_z", "ties, %", *RULES),
        rows=tuple(rows),
    )


def _growing(repeats: int) -> Rates:
    random = np.random.default_rng(3)
    sizes = (8, 11, 15, 20, 30, 50)
    rows = []
    for world in (
        outliers("+0.3, one in twenty −0.7", 0.3, -0.7, 0.05),
        outliers("+0.3, one in ten −0.5", 0.3, -0.5, 0.1),
    ):
        drawn = [world.draw(random, (repeats, size)) for size in sizes]
        rows.append((world.name, *(percent(diptych(samples)) for samples in drawn)))
    return Rates(
        title="Is one better? Found with so many queries, in %: more queries never take power away",
        note=f"{repeats} samples each.",
        head=("world", *map(str, sizes)),
        rows=tuple(rows),
    )


def _families(repeats: int) -> Rates:
    """Several embedders with real reciprocal ranks, or generated ones: Holm against Tukey's HSD."""
    random = np.random.default_rng(4)
    values = _values(5)
    rows = []
    for embedders in (2, 3, 4, 5):
        for queries in (11, 20):
            wrong, seen = {"Holm": [], "Tukey": []}, {"Holm": [], "Tukey": []}
            for _ in range(repeats):
                drawn = values[:embedders, random.integers(0, values.shape[1], queries)]
                equal = random.permuted(drawn, axis=0)
                better = equal.copy()
                better[0] = np.maximum(better[0], random.permuted(np.sort(equal, axis=0)[-1]))
                for name, rule in (("Holm", _holm), ("Tukey", _tukey)):
                    wrong[name].append(any(rule(equal)))
                    seen[name].append(np.mean(rule(better)[: embedders - 1]))
            rows.append(
                (
                    f"{embedders}, {queries} queries",
                    *(percent(np.array(wrong[name])) for name in wrong),
                    *(f"{100 * np.mean(seen[name]):.0f}" for name in seen),
                )
            )
    return Rates(
        title="Several embedders: any called better though all are equal; and the one that is better, found",
        note=f"{repeats} samples; the better one is compared with each of the others. In %.",
        head=("embedders", "wrong, Holm", "wrong, Tukey HSD", "found, Holm", "found, Tukey HSD"),
        rows=tuple(rows),
    )


def _values(embedders: int) -> Floats:
    if CAPTIONS.is_dir():
        return np.stack([1 / ranks for ranks in caption_ranks(embedders)])
    ease = np.random.default_rng(0).normal(size=500)
    noise = np.random.default_rng(1).normal(size=(embedders, 500))
    return np.asarray(1 / (1 + np.exp(-(ease + noise))))


def _holm(values: Floats) -> list[bool]:
    found = compare_embedders("", {str(name): list(row) for name, row in enumerate(values)})
    return [each.verdict != "cannot tell" for each in found]


def _tukey(values: Floats, permutations: int = 999) -> list[bool]:
    """Carterette's randomised Tukey HSD (ACM TOIS 30, 2012), all pairs in order."""
    random = np.random.default_rng(0)
    shuffled = random.permuted(np.tile(values, (permutations, 1, 1)), axis=1).mean(axis=2)
    ranges = np.ptp(shuffled, axis=1)
    means = values.mean(axis=1)
    a, b = np.triu_indices(len(values), 1)
    apart = np.abs(means[a] - means[b])
    return [bool((1 + (ranges >= each - 1e-12).sum()) / (1 + permutations) <= ALPHA) for each in apart]


def _sessions(worlds: Sequence[World], repeats: int) -> Rates:
    """Verdicts read after each of 60 queries."""
    random = np.random.default_rng(5)
    levels = {
        "planned": [running_level(k, SESSION, ALPHA) for k in range(1, SESSION + 1)],
        "not planned": [running_level(k, 0, ALPHA) for k in range(1, SESSION + 1)],
        "5 % each time, from 6 on": [0.0] * 5 + [ALPHA] * (SESSION - 5),
    }
    equal = (
        _ps(worlds[0].symmetric(), random, repeats // 4),
        _ps(worlds[-1].symmetric(), random, repeats // 4),
    )
    weak = _ps(worlds[0].with_effect(0.37), random, repeats // 4)
    fixed = weak[:, -1] <= ALPHA
    rows = []
    for name, level in levels.items():
        rows.append(
            (
                name,
                *(percent((ps <= level).any(axis=1)) for ps in equal),
                percent(weak[:, -1] <= level[-1]),
                percent((weak <= level).any(axis=1)),
                f"{np.mean([np.argmax(row <= level) + 1 for row in weak if (row <= level).any()]):.0f}",
            )
        )
    rows.append(
        (
            "once, at the end",
            *(percent(ps[:, -1] <= ALPHA) for ps in equal),
            percent(fixed),
            percent(fixed),
            str(SESSION),
        )
    )
    return Rates(
        title=f"Read after each of {SESSION} queries: called better at any time, in %",
        note=f"{repeats // 4} sessions each; the real difference has an effect of 0.37.",
        head=(
            "level",
            f"no difference: {worlds[0].name}",
            f"no difference: {worlds[-1].name}",
            "real: at the end",
            "real: at any time",
            "told after, queries",
        ),
        rows=tuple(rows),
    )


def _ps(world: World, random: np.random.Generator, sessions: int) -> Floats:
    drawn = world.draw(random, (sessions, SESSION)).round(12)
    return np.array(
        [[MeanTest.of(session[:k], ties=True).p for k in range(1, SESSION + 1)] for session in drawn]
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else REPEATS)
