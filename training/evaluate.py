"""The held-out figures of the models in the package: `python training/evaluate.py [FOLDER …]`.

Each model ranks 1,000 scenes by their captions, scenes that it was not trained on (see `scenes.part_of`).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import captions
from captions import Caption
from scenes import Part, Scene, draw, facts, random_scene

MODELS = Path(__file__).resolve().parents[1] / "src" / "diptych" / "embedders" / "mini" / "models"
PARTS: tuple[Part, ...] = ("scenes", "combinations")
COUNT = 1000
DRAWN = 256
"""Pixels of a side: larger than models take, as a person's pictures are."""

SEED = 1


def held_out(part: Part, count: int = COUNT, side: int = DRAWN) -> tuple[list[Image.Image], list[str]]:
    """Scenes that no model was trained on, and what is said of each: all things in it and the background.

    No text is true of two of the scenes, so that each has one right answer.
    """
    rng = np.random.default_rng((SEED, PARTS.index(part)))
    scenes: list[Scene] = []
    said: list[Caption] = []
    known: list[frozenset[str]] = []
    while len(scenes) < count:
        scene = random_scene(rng, (part,))
        caption, here = captions.full_caption(scene, rng), facts(scene)
        if any(caption.claims <= there for there in known) or any(other.claims <= here for other in said):
            continue
        scenes.append(scene)
        said.append(caption)
        known.append(here)
    return [draw(scene, side) for scene in scenes], [caption.text for caption in said]


def recall(texts: NDArray[np.float32], images: NDArray[np.float32], k: int) -> float:
    """How often a text finds its picture among the first k.

    Args:
        texts: Shape (n, dimension).
        images: Shape (n, dimension), row by row what the texts are about.
        k: At most n.

    Returns:
        0 to 1. Ties count against the picture.
    """
    units = [side / np.linalg.norm(side, axis=1, keepdims=True) for side in (texts, images)]
    scores = units[0] @ units[1].T
    better = (scores >= np.diag(scores)[:, None]).sum(axis=1) - 1
    return float((better < k).mean())


def evaluate(folder: Path, count: int = COUNT) -> list[str]:
    """Lines that tell how well a model in a folder finds held-out scenes."""
    from diptych.embedders.mini.embedder import MiniEmbedder

    embedder = MiniEmbedder(folder)
    lines = []
    for part in PARTS:
        pictures, texts = held_out(part, count)
        of_pictures = embedder.embed_images([embedder.prepare_image(picture) for picture in pictures])
        of_texts = embedder.embed_texts(texts)
        found = "  ".join(f"recall@{k} {recall(of_texts, of_pictures, k):.3f}" for k in (1, 5, 10))
        lines.append(f"{folder.name}  held-out {part:<12}  {found}  of {count:,}")
    return lines


def size(folder: Path) -> str:
    """How large a model is, on disk."""
    total = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return f"{folder.name}  {total / 1e6:.2f} MB"


def main(folders: Sequence[Path]) -> None:
    """Print the figures of each model."""
    for folder in folders:
        print(size(folder))
        for line in evaluate(folder):
            print(line, flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="*", type=Path, default=[MODELS / "mini-s", MODELS / "mini-b"])
    main(parser.parse_args().folders)
