"""A built-in model as an embedder."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from diptych.embedders import speed
from diptych.embedders.base import EmbedderInfo, Vectors
from diptych.embedders.mini.network import image_vectors, text_vectors
from diptych.embedders.mini.words import LIMIT, WordReader
from diptych.embedders.notices import CutTexts
from diptych.embedders.pictures import PictureProcessor, PictureRules

PROVIDER = "mini"

SIDE = 64
"""Pixels of a picture's side."""

RULES = PictureRules(
    shortest_side=None,
    squashed_to=(SIDE, SIDE),
    resample=Image.Resampling.BICUBIC.value,
    crop=None,
    factor=1 / 255,
    mean=(0.5,) * 3,
    std=(0.5,) * 3,
)
"""How pictures are prepared: squashed, and brought to -1 to 1."""


class MiniEmbedder:
    """A small CLIP that NumPy runs.

    Args:
        folder: As `training/export.py` writes it: `weights.npz` and `words.txt`. Its name is the model's.
    """

    only_looks = True
    info: EmbedderInfo

    def __init__(self, folder: Path) -> None:
        weights, words = (folder / "weights.npz").read_bytes(), (folder / "words.txt").read_bytes()
        with np.load(io.BytesIO(weights)) as arrays:
            self._weights: dict[str, NDArray[np.float32]] = dict(arrays)
        self._reader = WordReader(words.decode().splitlines())
        self._processor = PictureProcessor(RULES)
        self._cut_texts = CutTexts()
        contents = hashlib.sha256(weights + words).hexdigest()
        batch_size, concurrency = speed.calls("cpu", None, os.cpu_count() or 1)
        self.info = EmbedderInfo(
            name=folder.name,
            provider=PROVIDER,
            model=f"{folder.name}@{contents[:12]}",
            dimension=len(self._weights["image.out.bias"]),
            preprocessing=RULES.describe(),
            fingerprint=f"{PROVIDER}:{contents}",
            batch_size=batch_size,
            concurrency=concurrency,
            max_text_tokens=LIMIT,
            licence="apache-2.0",
        )

    def prepare_image(self, image: Image.Image) -> NDArray[np.float32]:
        """Squash an upright RGB picture; the result has shape (3, `SIDE`, `SIDE`)."""
        return self._processor(image)

    def embed_images(self, prepared: Sequence[NDArray[np.float32]]) -> Vectors:
        """Embed what `prepare_image` returned; the result has shape (n, dimension), not normalised."""
        if not prepared:
            return np.empty((0, self.info.dimension), np.float32)
        with speed.one_thread_each():
            return image_vectors(self._weights, np.stack(prepared))

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """Embed texts; one that is too long is cut, with one `DiptychWarning`.

        Returns:
            Shape (n, dimension), not normalised.

        Raises:
            InputRejected: A text is not valid Unicode.
        """
        if not texts:
            return np.empty((0, self.info.dimension), np.float32)
        tokens = self._reader(texts)
        with speed.one_thread_each():
            vectors = text_vectors(self._weights, tokens.ids)
        self._cut_texts.tell([texts[row] for row in tokens.cut], self.info.name, LIMIT)
        return vectors
