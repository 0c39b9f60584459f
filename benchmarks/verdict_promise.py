"""Do thresholds hold what they promise? `python benchmarks/verdict_promise.py [--draws N] [--shared FOLDER]`.

Worlds are real judged queries: captions of photographs with CLIP's vectors and folders of animals with `zs`,
where FOLDER has them, the sample's queries with Diptych's own small models, and one that is made, with
queries of their own level and spread. A world's queries are the population. A set of judgments is drawn from
it, query by query with replacement, a threshold is learned, and what it is worth on all queries of the
population is known exactly: no noise of held-out queries hides or makes a broken promise. Printed are, over
the draws,

- how often a precision of .8 or .9 is promised, how often the promise is broken (the precision of what
  passes, averaged over the population's queries for which anything passes, is lower), and what share of the
  relevant pictures passes: by the rule that Diptych uses, by others, and by a fixed score;
- the same with half of the queries to learn on and the other half to try it on, where a promise counts as
  broken if the held-out queries' mean is lower, and as clearly broken if it is so by more than their noise;
- how often the test takes a mean for higher than it is, where it is the least that is not to be promised;
- F1 of what passes the threshold learned on other queries, and of what stands out from unrelated texts;
- what one threshold for all costs, raw and on z, and whether one scale carries better than the other.
"""

from __future__ import annotations

import argparse
import csv
import functools
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.special import bdtr

import diptych
from diptych.analysis.null import discoveries
from diptych.analysis.standing import TextBackground
from diptych.errors import DiptychError
from diptych.judgments.groundtruth import ground_truth
from diptych.retrieval.search import normalise, score_all
from diptych.thresholds.bound import chance_of_at_most, fewest
from diptych.thresholds.expected import precisions
from diptych.thresholds.judged_scores import judged_scores
from diptych.thresholds.promise import RISK, at_precision
from diptych.thresholds.threshold import pooled
from diptych.thresholds.transfer import (
    Sample,
    ScaleDifference,
    Transfer,
    scale_difference,
    threshold_transfer,
)

SHARED = Path(__file__).parents[2] / "shared"
ANIMALS = Path(__file__).parents[1] / "examples" / "animals.json"
DRAWS, BANK, FIXED = 200, 50, 0.25
TARGETS = (0.8, 0.9)

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Rule = Callable[[Sequence[Floats], Sequence[Bools], float], "float | None"]
"""From judged scores, which are relevant, and a precision to a threshold at which it is promised, or none."""


@dataclass(frozen=True)
class World:
    """Queries with judgments of all pictures.

    Attributes:
        name: What it is called.
        raw: Cosines; shape (queries, images).
        z: How far they stand above unrelated texts; shape (queries, images).
        matches: What stands out from unrelated texts; shape (queries, images).
        relevant: Shape (queries, images).
    """

    name: str
    raw: Floats
    z: Floats
    matches: Bools
    relevant: Bools


def worlds(shared: Path = SHARED) -> Iterator[World]:
    """Those that are there."""
    clip = shared / "data" / "embeddings" / "clip_vitb32_flickr8k_pairs"
    if clip.is_dir():
        yield captions(clip)
    yield from animals(shared)
    for model in ("mini-b", "mini-s"):
        yield _on_workbench("sample", model, None)
    yield made()


def captions(folder: Path, seed: int = 0) -> World:
    """Half of the photographs, their captions, and as bank 50 captions of the others.

    Args:
        folder: Vectors of photographs with five captions each: `image_embeddings.npy` and
            `text_embeddings.npy`, one row per caption, and `metadata.csv` with the column `image_id`.
        seed: Which half.
    """
    with (folder / "metadata.csv").open(encoding="utf-8", newline="") as lines:
        ids = [line["image_id"] for line in csv.DictReader(lines)]
    _, first, of_caption = np.unique(ids, return_index=True, return_inverse=True)
    images = normalise(np.load(folder / "image_embeddings.npy")[first])
    scores = score_all(images, normalise(np.load(folder / "text_embeddings.npy")))
    random = np.random.default_rng(seed)
    photographs = random.permutation(len(first))
    collection = np.sort(photographs[: len(photographs) // 2])
    inside = np.isin(of_caption, collection)
    bank = random.permutation(np.flatnonzero(~inside))[:BANK]
    model = TextBackground(scores[:, collection][bank]).model
    raw = scores[inside][:, collection].astype(np.float64)
    z = np.stack([model.z(row) for row in raw])
    matches = np.stack([discoveries(model.p(row)) for row in z])
    return World("CLIP, captions", raw, z, matches, of_caption[inside][:, None] == collection)


def animals(shared: Path) -> Iterator[World]:
    """Photographs in folders, by words that name these; none where they or the plug-in are not there."""
    folder, plugin = shared / "data" / "photos" / "animals", shared / "plugins" / "diptych-zs" / "src"
    if plugin.is_dir() and str(plugin) not in sys.path:
        sys.path.append(str(plugin))
        os.environ.setdefault("ZS_HOME", str(shared / "models"))
    if folder.is_dir():
        try:
            yield _on_workbench(str(folder), "zs:zs-mnv2-256", str(ANIMALS))
        except DiptychError as error:
            print(f"without animals: {error}", file=sys.stderr)


def _on_workbench(source: str, embedder: str, labels: str | None) -> World:
    with tempfile.TemporaryDirectory() as place:
        bench = diptych.Workbench(source, [embedder], store=Path(place) / "store.sqlite")
        truth = ground_truth(bench.collection, bench.store, labels=labels)
        answers = bench.answers(list(truth.queries))
        name = bench.embedders[0].info.name
        cases = judged_scores(answers, name, truth.judgments)
        standing = {
            query.name: by_name[name].standing
            for query, by_name in zip(answers.queries, answers.by_name, strict=True)
        }
    return World(
        f"{Path(source).name}, {embedder}",
        np.stack([case.raw for case in cases]),
        np.stack([standing[case.query].z for case in cases]),
        np.stack([standing[case.query].matches for case in cases]),
        np.stack([case.grades > 0 for case in cases]),
    )


def made(queries: int = 200, images: int = 100, seed: int = 0) -> World:
    """Normal scores: queries differ in level, in how many images are relevant and how far these stand out."""
    random = np.random.default_rng(seed)
    relevant = np.zeros((queries, images), bool)
    for row in relevant:
        row[: random.choice([1, 3, 10, 30])] = True
    level, apart = random.normal(0, 0.6, (queries, 1)), random.uniform(1, 5, (queries, 1))
    raw = level + relevant * apart + random.normal(size=(queries, images))
    z = raw - np.median(raw, axis=1, keepdims=True)
    matches = np.stack([discoveries(stats.norm.sf(row)) for row in z])
    return World("made", raw, z, matches, relevant)


# Rules that promise.


def promised(scores: Sequence[Floats], relevant: Sequence[Bools], target: float) -> float | None:
    """Diptych's."""
    return at_precision(scores, relevant, target).value


def by_judgments(
    scores: Sequence[Floats], relevant: Sequence[Bools], target: float, *, first: bool
) -> float | None:
    """Wilson's lower bound over the judgments of all queries together: where it crosses, first or last."""
    together, wanted, _ = pooled(scores, relevant)
    order = np.argsort(-together, kind="stable")
    together, wanted = together[order], wanted[order]
    ends = np.flatnonzero(np.append(np.diff(together) != 0, True))
    sure = _wilson(np.cumsum(wanted)[ends], ends + 1) >= target
    if not sure.any():
        return None
    begin = int(sure.argmax())
    last = begin + int(np.append(sure[begin:], False).argmin()) - 1 if first else np.flatnonzero(sure)[-1]
    return float(together[ends[last]])


def _wilson(right: NDArray[np.intp], of: NDArray[np.intp]) -> Floats:
    """The lower end of Wilson's 95 % interval of a share (JASA 1927)."""
    z, share = stats.norm.ppf(0.975), right / of
    reach = z * np.sqrt(share * (1 - share) / of + z**2 / (4 * of**2))
    return np.asarray((share + z**2 / (2 * of) - reach) / (1 + z**2 / of))


def hoeffding_bentkus(mean: float, values: Floats) -> float:
    """The p of "the mean is at most this" in learn then test as published."""
    n, loss, limit = len(values), 1 - float(values.mean()), 1 - mean
    low = min(loss, limit)
    entropy = sum(
        a * np.log(a / b) for a, b in ((low, limit), (1 - low, 1 - limit)) if a > 0
    )  # of one bound against the other
    bentkus = np.e * bdtr(np.ceil(n * loss - 1e-9), n, limit)
    return float(min(1.0, np.exp(-n * entropy), bentkus))


def from_the_top(
    scores: Sequence[Floats],
    relevant: Sequence[Bools],
    target: float,
    *,
    test: Callable[[float, Floats], float],
    faultless: bool,
) -> float | None:
    """Fixed-sequence testing of every threshold.

    Args:
        scores: For each query those of its judged images.
        relevant: For each query which of these are relevant.
        target: The precision.
        test: The p of "the mean is at most this".
        faultless: Whether a query for which nothing passes counts as one with a precision of 1.
    """
    needed = max(fewest(target, RISK), -(-len(scores) // 4))
    cuts = np.unique(np.concatenate(scores))[::-1]
    kept, right = (
        np.stack([len(s) - np.searchsorted(np.sort(s), cuts) for s in of_each], axis=1)
        for of_each in (scores, [s[r] for s, r in zip(scores, relevant, strict=True)])
    )
    lowest = None
    for value, keeps, hits in zip(cuts.tolist(), kept, right, strict=True):
        passing = keeps > 0
        found = hits[passing] / keeps[passing]
        if faultless:
            found = np.append(found, np.ones(len(scores) - len(found)))
        elif len(found) < needed:
            continue
        if test(target, found) > RISK:
            break
        lowest = value
    return lowest


RULES: dict[str, Rule] = {
    "promised by Diptych": promised,
    "with Hoeffding and Bentkus's test": functools.partial(
        from_the_top, test=hoeffding_bentkus, faultless=False
    ),
    "nothing passing counted as faultless": functools.partial(
        from_the_top, test=hoeffding_bentkus, faultless=True
    ),
    "judgments, last crossing (before)": functools.partial(by_judgments, first=False),
    "judgments, first crossing": functools.partial(by_judgments, first=True),
    f"a fixed score of {FIXED}": lambda _scores, _relevant, _target: FIXED,
}


@dataclass(frozen=True)
class Kept:
    """How a rule keeps its promises, as shares of all draws.

    Attributes:
        promised: Promised anything.
        broken: Promised what does not hold.
        clearly: Promised what is lower on the held-out queries by more than noise; None where the truth is
            known.
        recall: The share of the relevant pictures that passes, over queries, where something is promised.
    """

    promised: float
    broken: float
    clearly: float | None
    recall: float


def drawn(world: World, rule: Rule, target: float, queries: int, draws: int = DRAWS) -> Kept:
    """Sets of judgments drawn with replacement, each promise checked on the whole population."""
    random = np.random.default_rng(1)
    everything = np.arange(len(world.raw))
    tried = []
    for _ in range(draws):
        some = random.integers(0, len(world.raw), queries)
        value = rule(list(world.raw[some]), list(world.relevant[some]), target)
        tried.append(None if value is None else _worth(world, everything, value))
    return _summed_up(tried, target)


def split(world: World, rule: Rule, target: float, draws: int = DRAWS) -> Kept:
    """Half of the queries to learn on, each promise checked on the other half."""
    random = np.random.default_rng(2)
    tried = []
    for _ in range(draws):
        some, others = np.array_split(random.permutation(len(world.raw)), 2)
        value = rule(list(world.raw[some]), list(world.relevant[some]), target)
        tried.append(None if value is None else _worth(world, others, value))
    return _summed_up(tried, target, held_out=True)


def _worth(world: World, queries: NDArray[np.intp], value: float) -> tuple[Floats, float]:
    """The precisions of the queries for which anything passes, and the mean recall of all that have any."""
    raw, relevant = world.raw[queries], world.relevant[queries]
    wanted = relevant.any(axis=1)
    recall = (((raw >= value) & relevant).sum(axis=1)[wanted] / relevant.sum(axis=1)[wanted]).mean()
    return precisions([value] * len(raw), list(raw), list(relevant)), float(recall)


def _summed_up(tried: Sequence[tuple[Floats, float] | None], target: float, held_out: bool = False) -> Kept:
    made = [each for each in tried if each is not None and len(each[0])]
    broken = [precision for precision, _ in made if precision.mean() < target]
    clearly = [
        precision
        for precision in broken
        if len(precision) > 1 and stats.ttest_1samp(precision, target, alternative="less").pvalue < 0.05
    ]
    return Kept(
        promised=len(made) / len(tried),
        broken=len(broken) / len(tried),
        clearly=len(clearly) / len(tried) if held_out else None,
        recall=float(np.mean([recall for _, recall in made])) if made else float("nan"),
    )


VALUES: dict[str, Callable[[np.random.Generator, int], Floats]] = {
    "0 or 1": lambda random, n: (random.random(n) < 0.8).astype(float),
    "0, ½ or 1": lambda random, n: random.choice([0, 0.5, 1], n, p=[0.1, 0.2, 0.7]),
    "0.5 or 1": lambda random, n: random.choice([0.5, 1], n, p=[0.4, 0.6]),
    "0, or 0.85": lambda random, n: random.choice([0, 0.85], n, p=[1 - 0.8 / 0.85, 0.8 / 0.85]),
    "rarely 0, mostly 0.82": lambda random, n: random.choice([0, 0.82], n, p=[1 - 0.8 / 0.82, 0.8 / 0.82]),
    "beta(4, 1)": lambda random, n: random.beta(4, 1, n),
    "all the same": lambda _random, n: np.full(n, 0.8),
}
"""Precisions with a mean of 0.8, by what they look like."""


def false_claims(queries: int, draws: int = 2000) -> dict[str, float]:
    """How often a mean of .8 is taken for more than .8, by what the values look like; `RISK` at most."""
    random = np.random.default_rng(3)
    return {
        name: float(np.mean([chance_of_at_most(0.8, draw(random, queries)) <= RISK for _ in range(draws)]))
        for name, draw in VALUES.items()
    }


@dataclass(frozen=True)
class Count:
    """F1 of two answers to "which pictures are relevant?", over queries that have any.

    Attributes:
        learned: What passes the threshold learned on other queries.
        standing_out: What stands out from unrelated texts.
        better: In what share of the draws of the other queries the first is higher.
    """

    learned: float
    standing_out: float
    better: float


def counts(world: World, others: int, draws: int = DRAWS) -> Count:
    """The learned threshold against what stands out, by how many other queries it is learned on."""
    random = np.random.default_rng(4)
    having = np.flatnonzero(world.relevant.any(axis=1))
    pairs = []
    for _ in range(draws):
        order = random.permutation(having)
        on, left = order[:others], order[others:]
        threshold = Sample(list(world.raw[on]), list(world.relevant[on])).threshold()
        pairs.append((_f1(world.raw[left] >= threshold, world, left), _f1(world.matches[left], world, left)))
    learned, standing_out = np.array(pairs).T
    return Count(float(learned.mean()), float(standing_out.mean()), float((learned > standing_out).mean()))


def _f1(kept: Bools, world: World, queries: NDArray[np.intp]) -> float:
    relevant = world.relevant[queries]
    return float((2 * (kept & relevant).sum(axis=1) / (kept.sum(axis=1) + relevant.sum(axis=1))).mean())


def losses(world: World) -> tuple[dict[str, Transfer], ScaleDifference | None]:
    """What one threshold for all costs, raw and on z, and how much better z is."""
    relevant = list(world.relevant)
    found = {scale: threshold_transfer(list(getattr(world, scale)), relevant) for scale in ("raw", "z")}
    return found, scale_difference(found["raw"], found["z"])


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--draws", type=int, default=DRAWS)
    parser.add_argument("--shared", type=Path, default=SHARED)
    arguments = parser.parse_args()
    found = list(worlds(arguments.shared))
    for world in found:
        _print_promises(world, arguments.draws)
    print("\na mean of .8 taken for more than .8 (±.01)" + "".join(f"{n:>10}" for n in (11, 20, 50)))
    rates = [false_claims(n) for n in (11, 20, 50)]
    for name in VALUES:
        print(f"  {name:40}" + "".join(f"{rate[name]:10.3f}" for rate in rates))
    print("\nF1: learned on others / stands out / learned is better in")
    for world in found:
        print(f"  {world.name}")
        most = int(world.relevant.any(axis=1).sum()) - 1
        for others in sorted({min(others, most) for others in (1, 2, 3, 5, 10, 20)}):
            one = counts(world, others, arguments.draws)
            print(f"    {others:3} others {one.learned:8.2f} {one.standing_out:8.2f} {one.better:8.0%}")
    print("\none threshold for all: F1, threshold loss, ranking loss")
    for world in found:
        by_scale, difference = losses(world)
        for scale, of in by_scale.items():
            if of.threshold_loss is not None and of.ranking_loss is not None:
                f1 = 1 - of.threshold_loss - of.ranking_loss
                print(f"  {world.name:28}{scale:5}{f1:7.3f}{of.threshold_loss:7.3f}{of.ranking_loss:7.3f}")
        if difference is not None:
            low, high = difference.interval
            told = difference.sentence if difference.tells else "nothing is said"
            print(f"  {'':28}z − raw {difference.difference:+.3f} ({low:+.3f} to {high:+.3f}): {told}")


def _print_promises(world: World, draws: int) -> None:
    size = len(world.raw)
    print(f"\n{world.name}: {size} queries, {world.raw.shape[1]} pictures")
    for target in TARGETS:
        for name, rule in RULES.items():
            for queries in (20, 50, 100) if size >= 100 else (size, 2 * size):
                kept = drawn(world, rule, target, queries, draws)
                print(
                    f"  {target} {name:38}{queries:4} drawn  promised {kept.promised:5.0%}"
                    f"  broken {kept.broken:5.1%}  recall {kept.recall:5.2f}",
                    flush=True,
                )
            kept = split(world, rule, target, draws)
            print(
                f"  {target} {name:38}{size // 2:4} split  promised {kept.promised:5.0%}"
                f"  broken {kept.broken:5.1%}  clearly {kept.clearly:5.1%}  recall {kept.recall:5.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
