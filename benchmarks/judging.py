"""How many judgments a verdict takes, and how often it errs: `python benchmarks/judging.py [SESSIONS]`.

Complete judgments are replayed as a person would give them, until a verdict stands: by pooling, where all
that two embedders have among their first ten is judged query by query, and as `judge` asks. Where the truth
is that neither is better, it is tossed for each query which of the two lists is whose. Animals are judged by
labels, with the embedders that the tests have for photographs; captions with parts of CLIP's vectors; both
are left out where there are none.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rates import Rates
from worlds import CAPTIONS, caption_vectors

from diptych.evaluation.drawn import FIRST, Judged, Lists, estimates
from diptych.evaluation.significance import ALPHA, compare_embedders
from diptych.queries import text_query
from diptych.workbench import Workbench

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

K = 10
SESSIONS = 100
ANIMALS = Path(__file__).parents[2] / "shared" / "data" / "photos" / "animals"
_FEWEST = 6
_EVERY = 4
"""In the second round a verdict is looked at after every so many queries, to save time."""


class Query(NamedTuple):
    """Two lists, and what a person would say of every picture: shape (embedders, k), (pictures,)."""

    text: str
    lists: NDArray[np.intp]
    relevant: Mask


@dataclass(frozen=True)
class World:
    """Queries with complete judgments; `queries` of them are judged in a session."""

    name: str
    pool: Sequence[Query]
    queries: int
    no_difference: bool = False

    def session(self, random: np.random.Generator) -> list[Query]:
        """The queries of one session, in their order."""
        rows = random.choice(len(self.pool), self.queries, replace=self.queries > len(self.pool))
        chosen = [self.pool[row] for row in rows]
        if self.no_difference:
            chosen = [each._replace(lists=each.lists[random.permutation(2)]) for each in chosen]
        # By chance the order of judging is another one each time.
        return [each._replace(text=f"{each.text} {random.integers(2**62)}") for each in chosen]

    @property
    def better(self) -> int:
        """1 where the first embedder is better, −1 where the second is, 0 where neither is."""
        if self.no_difference:
            return 0
        return int(np.sign(np.mean([_ndcg(each)[0] - _ndcg(each)[1] for each in self.pool])))


class Outcome(NamedTuple):
    """Who is called better, as in `World.better`, and after how many judgments."""

    verdict: int
    judgments: int


def pooling(queries: Sequence[Query]) -> Outcome:
    """All that the two have among their first ten is judged, query by query."""
    judged, values = 0, []
    for number, query in enumerate(queries, 1):
        judged += len(np.unique(query.lists))
        values.append(_ndcg(query))
        if number >= _FEWEST and (verdict := _verdict(np.array(values), len(queries), ALPHA)):
            return Outcome(verdict, judged)
    return Outcome(0, judged)


def as_asked(queries: Sequence[Query]) -> Outcome:
    """The order of `judge`: a few of each query, then what else can change which is better."""
    pools = [_lists(query) for query in queries]
    seen = [0] * len(queries)
    for number in range(1, len(queries) + 1):
        seen[number - 1] = min(FIRST, len(pools[number - 1][1]))
        if number >= _FEWEST and (verdict := _by_part(pools[:number], seen, len(queries))):
            return Outcome(verdict, sum(seen))
    for number, (_, gains) in enumerate(pools, 1):
        seen[number - 1] = len(gains)
        if number % _EVERY == 0 and number < len(pools) and (verdict := _by_part(pools, seen, len(queries))):
            return Outcome(verdict, sum(seen))
    whole = np.array([_ndcg(query) for query in queries])
    return Outcome(_verdict(whole, len(queries), ALPHA), sum(seen))


def table(worlds: Sequence[World], sessions: int) -> Rates:
    """Each world by both rules."""
    rows = []
    for world in worlds:
        random = np.random.default_rng(0)
        held = [world.session(random) for _ in range(sessions)]
        cells = []
        for rule in (pooling, as_asked):
            found = [rule(queries) for queries in held]
            right = [each.judgments for each in found if each.verdict == world.better != 0]
            wrong = np.mean([each.verdict not in (0, world.better) for each in found])
            median = f"{np.median(right):.0f}" if len(right) > sessions / 2 else "–"
            cells.append((median, f"{len(right) / sessions:.0%}" if world.better else "–", f"{wrong:.0%}"))
        rows.append((world.name, *(cell for pair in zip(*cells, strict=True) for cell in pair)))
        print(*rows[-1], sep=" | ", flush=True)
    return Rates(
        title="Judgments until the right verdict",
        note=f"{sessions} sessions each; where fewer than half end with a verdict there is no median. The"
        " second figure of each pair is that of `judge`.",
        head=("world", "pooling", "judge", "found by pooling", "by judge", "wrong by pooling", "by judge"),
        rows=tuple(rows),
    )


def worlds() -> Iterator[World]:
    """Those whose pictures are here, each also without a difference."""
    every = [*_of_sample(), *_of_animals(), *_of_captions(), *_generated()]
    yield from every
    for world in every:
        yield replace(world, name=f"{world.name}: no difference", no_difference=True)


def _verdict(values: Floats, planned: int, alpha: float) -> int:
    named = {"a": values[:, 0].tolist(), "b": values[:, 1].tolist()}
    (found,) = compare_embedders("metric", named, planned=planned, alpha=alpha)
    return {"a better": 1, "b better": -1}.get(found.verdict, 0)


def _by_part(pools: Sequence[tuple[Lists, Floats]], seen: Sequence[int], planned: int) -> int:
    judged = [
        Judged(lists, np.where(np.arange(len(gains)) < so_far, gains, np.nan))
        for (lists, gains), so_far in zip(pools, seen, strict=False)
    ]
    return _verdict(estimates(judged), planned, ALPHA / 2)


def _lists(query: Query) -> tuple[Lists, Floats]:
    """The lists, and the gains in the order of judging."""
    union = np.unique(query.lists)
    ranks = np.full((2, len(union)), K)
    for row, of_list in zip(ranks, query.lists, strict=True):
        row[np.searchsorted(union, of_list)] = np.arange(len(of_list))
    lists = Lists.of(query.text, [str(row) for row in union], ranks, K)
    return lists, query.relevant[union][lists.order].astype(np.float64)


def _ndcg(query: Query) -> Floats:
    found = query.relevant[query.lists]
    discount = 1 / np.log2(np.arange(2, K + 2))
    ideal = discount[: max(1, int(query.relevant[np.unique(query.lists)].sum()))].sum()
    return np.asarray(found[:, : len(discount)] @ discount[: found.shape[1]] / ideal)


def _of_sample() -> Iterator[World]:
    bench = Workbench("sample", ["mini-b", "mini-s", "palette"], bank=[])
    labels = sorted({label for picture in bench.collection.pictures for label in picture.labels})
    yield from _by_labels("sample", bench, {label: label for label in labels}, [(0, 1), (0, 2)])


def _of_animals() -> Iterator[World]:
    if not ANIMALS.is_dir() or "ZS_HOME" not in os.environ:
        return
    bench = Workbench(ANIMALS, ["zs:zs-mnv2-256", "zs:zs-mnv1-025-128", "palette"], bank=[])
    labels = sorted({label for picture in bench.collection.pictures for label in picture.labels})
    asked = {label.replace("_", " "): label for label in labels}
    yield from _by_labels("animals", bench, asked, [(0, 1), (0, 2)])


def _by_labels(
    name: str, bench: Workbench, asked: dict[str, str], pairs: Sequence[tuple[int, int]]
) -> Iterator[World]:
    answers = bench.answers([text_query(text) for text in asked], K)
    relevant = {
        text: np.array([label in picture.labels for picture in answers.pictures])
        for text, label in asked.items()
    }
    names = list(answers.by_name[0])
    for a, b in pairs:
        pool = [
            Query(text, np.array([_first(by_name[names[each]].scores) for each in (a, b)]), relevant[text])
            for text, by_name in zip(asked, answers.by_name, strict=True)
        ]
        yield World(f"{name}: {names[a]}, {names[b]}", pool, len(pool))


def _of_captions() -> Iterator[World]:
    if not CAPTIONS.is_dir():
        return
    images, texts, of_caption = caption_vectors()
    order = np.random.default_rng(0).permutation(images.shape[1])
    for name, parts in (("two parts", (order[:64], order[64:128])), ("whole, part", (order, order[:64]))):
        scores = [_cosines(texts[:, part], images[:, part]) for part in parts]
        pool = [
            Query(f"{row}", np.array([_first(each[row]) for each in scores]), np.arange(len(images)) == own)
            for row, own in enumerate(of_caption)
        ]
        yield World(f"captions: {name}", pool, 40)


def _generated() -> Iterator[World]:
    """Three hundred pictures, of which some are relevant; one embedder sees them somewhat better."""
    random = np.random.default_rng(1)
    for name, edge in (("small difference", 0.3), ("large difference", 0.6)):
        pool = []
        for number in range(400):
            relevant = random.random(300) < max(random.beta(0.6, 20), 1 / 300)
            alike, hard = random.normal(0, 0.84, 300), random.normal(0, 0.5)
            lists = [
                _first(alike + random.normal(0, 0.55, 300) + relevant * (2.2 + 2.2 * more + hard))
                for more in (edge, 0.0)
            ]
            pool.append(Query(f"{number}", np.array(lists), relevant))
        yield World(f"generated: {name}", pool, 40)


def _cosines(texts: Floats, images: Floats) -> Floats:
    texts, images = (each / np.linalg.norm(each, axis=1, keepdims=True) for each in (texts, images))
    return np.asarray(texts @ images.T)


def _first(scores: NDArray[np.floating]) -> NDArray[np.intp]:
    return np.argsort(-scores, kind="stable")[:K]


if __name__ == "__main__":
    print(table(list(worlds()), int(sys.argv[1]) if len(sys.argv) > 1 else SESSIONS).text())
