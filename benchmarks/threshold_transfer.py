"""Does one threshold do for all queries, on real vectors? `python benchmarks/threshold_transfer.py [FOLDER]`.

FOLDER holds vectors of photographs with five captions each, as for `verdict_break.py`. Half of the
photographs, drawn anew for each split, are the collection; 50 captions of the others are the null bank. A
query is a caption of a photograph in the collection, which alone is relevant to it. A threshold is learned on
all but one of the queries and tried on that one: on raw scores, and on z. Of an F1 of 1, the ranking loss is
what no threshold could save, the threshold loss what one threshold for all queries costs.
"""

from __future__ import annotations

import argparse
import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from diptych.analysis.standing import TextBackground
from diptych.retrieval.search import normalise, score_all
from diptych.thresholds.transfer import Transfer, threshold_transfer

FOLDER = Path(__file__).parents[2] / "shared" / "data" / "embeddings" / "clip_vitb32_flickr8k_pairs"
SPLITS, BANK = 10, 50

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Losses:
    """Mean losses over the splits, and how far the splits lie apart.

    Attributes:
        f1: F1 with a threshold from the other queries.
        threshold: What one threshold for all costs.
        ranking: What no threshold could save.
        spread: The standard deviation of `threshold` over the splits.
        better: In how many splits it is lower than on raw scores.
    """

    f1: float
    threshold: float
    ranking: float
    spread: float
    better: int


def measure(folder: Path, splits: int = SPLITS) -> dict[str, Losses]:
    """The losses on raw scores and on z."""
    of_caption, scores = _read(folder)
    random = np.random.default_rng(0)
    found: dict[str, list[tuple[float, float]]] = {"raw": [], "z": []}
    for _ in range(splits):
        photographs = random.permutation(of_caption.max() + 1)
        collection = np.sort(photographs[: len(photographs) // 2])
        inside = np.isin(of_caption, collection)
        bank = random.permutation(np.flatnonzero(~inside))[:BANK]
        here = scores[:, collection]
        model = TextBackground(here[bank]).model
        asked = here[inside].astype(np.float64)
        relevant = of_caption[inside][:, None] == collection
        for scale, rows in (("raw", asked), ("z", np.stack([model.z(row) for row in asked]))):
            found[scale].append(_losses(threshold_transfer(list(rows), list(relevant))))
    return {scale: _summed_up(pairs, found["raw"]) for scale, pairs in found.items()}


def _losses(transfer: Transfer) -> tuple[float, float]:
    if transfer.threshold_loss is None or transfer.ranking_loss is None:
        raise ValueError("the folder has fewer than two captions")
    return transfer.threshold_loss, transfer.ranking_loss


def _summed_up(pairs: list[tuple[float, float]], raw: list[tuple[float, float]]) -> Losses:
    threshold, ranking = np.array(pairs).T
    return Losses(
        f1=float(1 - threshold.mean() - ranking.mean()),
        threshold=float(threshold.mean()),
        ranking=float(ranking.mean()),
        spread=float(threshold.std(ddof=1)) if len(pairs) > 1 else 0.0,
        better=int((threshold < np.array(raw)[:, 0]).sum()),
    )


def _read(folder: Path) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Which photograph each caption is of, and how each caption scores with each photograph."""
    with (folder / "metadata.csv").open(encoding="utf-8", newline="") as lines:
        ids = [line["image_id"] for line in csv.DictReader(lines)]
    _, first, of_caption = np.unique(ids, return_index=True, return_inverse=True)
    images = normalise(np.load(folder / "image_embeddings.npy")[first])
    return of_caption, score_all(images, normalise(np.load(folder / "text_embeddings.npy")))


def main() -> None:
    """Print one line a scale."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER)
    parser.add_argument("--splits", type=int, default=SPLITS)
    arguments = parser.parse_args()
    print(f"{'scale':8}{'F1':>8}{'threshold loss':>24}{'ranking loss':>16}{'better than raw':>20}")
    for scale, losses in measure(arguments.folder, arguments.splits).items():
        lost = f"{losses.threshold:.3f} (sd {losses.spread:.3f})"
        better = "" if scale == "raw" else f"{losses.better} of {arguments.splits} splits"
        print(f"{scale:8}{losses.f1:8.3f}{lost:>24}{losses.ranking:16.3f}{better:>20}")


if __name__ == "__main__":
    main()
