"""What the null-query bank finds, on real vectors: `python benchmarks/null_bank.py [FOLDER]`.

FOLDER holds vectors of photographs with five captions each: `image_embeddings.npy` and
`text_embeddings.npy`, one row a caption, and `metadata.csv` with the column `image_id`. Half of the
photographs, drawn anew for each split, are the collection. 50 captions of the others are the bank. The
captions of the collection's photographs have one relevant image each; the other captions have none.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from diptych.analysis.cuts.robust import robust_cut
from diptych.analysis.null import discoveries
from diptych.analysis.standing import TextBackground
from diptych.retrieval.search import normalise, score_all

FOLDER = Path(__file__).parents[2] / "shared" / "data" / "embeddings" / "clip_vitb32_flickr8k_pairs"
SPLITS, BANK = 10, 50

Method = Callable[[NDArray[np.float32]], NDArray[np.bool_]]
"""From the scores of all images to which of them match."""


@dataclass(frozen=True)
class Outcome:
    """One way to decide what matches, over all queries of all splits.

    Attributes:
        found: The share of captions whose photograph is among the matches, of those in the collection.
        wrong: How many other images match, a caption of these, on average.
        nothing: The share of captions that nothing matches, of those that have none in the collection.
    """

    found: float
    wrong: float
    nothing: float


def measure(folder: Path, splits: int = SPLITS) -> dict[str, Outcome]:
    """What each method finds: the mean over the splits."""
    of_caption, scores = _read(folder)
    rng = np.random.default_rng(0)
    per_split: dict[str, list[tuple[float, float, float]]] = {}
    for _ in range(splits):
        photographs = rng.permutation(of_caption.max() + 1)
        collection = np.sort(photographs[: len(photographs) // 2])
        inside = np.isin(of_caption, collection)
        outside = rng.permutation(np.flatnonzero(~inside))
        here = scores[:, collection]
        methods: dict[str, Method] = {
            "raw robust z, 10 %": _robust,
            "null bank, 10 %": _against(here[outside[:BANK]]),
        }
        answer = np.searchsorted(collection, of_caption[inside])
        for name, method in methods.items():
            outcome = _outcome(method, here[inside], answer, here[outside[BANK:]])
            per_split.setdefault(name, []).append(outcome)
    return {name: Outcome(*np.mean(rows, axis=0).tolist()) for name, rows in per_split.items()}


def _read(folder: Path) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Which photograph each caption is of, and how each caption scores with each photograph."""
    with (folder / "metadata.csv").open(encoding="utf-8", newline="") as lines:
        ids = [line["image_id"] for line in csv.DictReader(lines)]
    _, first, of_caption = np.unique(ids, return_index=True, return_inverse=True)
    images = normalise(np.load(folder / "image_embeddings.npy")[first])
    return of_caption, score_all(images, normalise(np.load(folder / "text_embeddings.npy")))


def _robust(scores: NDArray[np.float32]) -> NDArray[np.bool_]:
    descending = np.argsort(-scores, kind="stable")
    matches = np.zeros(len(scores), bool)
    matches[descending[: robust_cut(scores[descending].astype(np.float64))]] = True
    return matches


def _against(bank: NDArray[np.float32]) -> Method:
    model = TextBackground(bank).model
    return lambda scores: discoveries(model.p(model.z(scores)))


def _outcome(
    method: Method,
    with_answer: NDArray[np.float32],
    answer: NDArray[np.intp],
    without: NDArray[np.float32],
) -> tuple[float, float, float]:
    kept = np.array([method(scores) for scores in with_answer])
    found = kept[np.arange(len(answer)), answer]
    nothing = [not method(scores).any() for scores in without]
    return float(found.mean()), float((kept.sum(axis=1) - found).mean()), float(np.mean(nothing))


def main() -> None:
    """Print one line a method."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER)
    parser.add_argument("--splits", type=int, default=SPLITS)
    arguments = parser.parse_args()
    print(f"{'':20} {'found':>8} {'wrong':>8} {'nothing':>8}")
    for name, outcome in measure(arguments.folder, arguments.splits).items():
        print(f"{name:20} {outcome.found:8.2f} {outcome.wrong:8.2f} {outcome.nothing:8.2f}")


if __name__ == "__main__":
    main()
