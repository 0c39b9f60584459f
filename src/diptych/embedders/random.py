"""The `random` provider: the floor under every embedder, a random direction for each picture and text.

A direction depends on nothing but the content, the seed and the dimension. SHA-256 and SHAKE-256 (FIPS 180-4
and 202) make its random bits, so it is the same on every machine and with every numpy; only decoders
of lossy formats may differ in the pixels they give. Cosines of different contents have mean 0 and variance
1 / dimension.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from PIL import Image

from diptych.embedders.base import EmbedderInfo, EmbedderUnavailable, Vectors
from diptych.embedders.cards import ModelCard, ProviderCard
from diptych.embedders.registry import reject_unknown_options

CARD = ProviderCard(
    about="A random direction for each picture and text: what no embedder may be worse than",
    spec="random",
    licence="Apache-2.0",
    models=(ModelCard(spec="random", dimension=64, sees="nothing", licence="Apache-2.0", speed="fast"),),
)

REVISION = 1  # raise it whenever a vector changes: stored vectors are found by it
LARGEST_DIMENSION = 65536


class Random:
    """The embedder.

    Args:
        seed: Another seed gives other directions.
        dimension: The length of the vectors.
    """

    only_looks = True

    def __init__(self, seed: int = 0, dimension: int = 64) -> None:
        self._seed = seed
        self.info = EmbedderInfo(
            name="random",
            provider="random",
            model=f"random directions (seed {seed})",
            dimension=dimension,
            preprocessing="none; every different picture gets another direction",
            fingerprint=f"random/{REVISION}/seed={seed}/dimension={dimension}",
            licence="Apache-2.0",
            floor=True,
        )

    def prepare_image(self, image: Image.Image) -> bytes:
        """Return the SHA-256 of the size and the pixels."""
        width, height = image.size
        return hashlib.sha256(f"image {image.mode} {width}x{height}\n".encode() + image.tobytes()).digest()

    def embed_images(self, prepared: Sequence[bytes]) -> Vectors:
        """Return a direction of length 1 for each hash, shape (n, dimension)."""
        rows = [self._direction(content) for content in prepared]
        return np.array(rows, np.float32).reshape(-1, self.info.dimension)

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """Return a direction of length 1 for each text, shape (m, dimension)."""
        contents = [b"text\n" + text.encode("utf-8", "surrogatepass") for text in texts]
        return self.embed_images([hashlib.sha256(content).digest() for content in contents])

    def _direction(self, content: bytes) -> Vectors:
        """A normal deviate for each dimension (G. Box and M. Muller, 1958), scaled to length 1."""
        pairs = (self.info.dimension + 1) // 2
        stream = hashlib.shake_256(f"{self._seed}\n".encode() + content).digest(16 * pairs)
        bits = np.frombuffer(stream, "<u8").reshape(2, pairs) >> 11  # a double holds 53 bits
        uniform = (bits + 0.5) * 2.0**-53  # above 0 and at most 1
        radius, angle = np.sqrt(-2 * np.log(uniform[0])), 2 * np.pi * uniform[1]
        deviates = np.concatenate([radius * np.cos(angle), radius * np.sin(angle)])[: self.info.dimension]
        return np.asarray(deviates / np.linalg.norm(deviates), dtype=np.float32)


def load(model: str, **options: str) -> Random:
    """Make the `random` embedder.

    Args:
        model: Must be empty: there is nothing to choose from.
        **options: `seed` (a whole number, 0 by default) and `dimension` (64 by default).

    Raises:
        EmbedderUnavailable: A model or an unknown option was given, or an option is not such a number.
    """
    if model:
        raise EmbedderUnavailable(f"random has no models to choose from: write random, not random:{model}")
    reject_unknown_options("random", options, ("seed", "dimension"))
    seed = _whole_number("seed", options.get("seed", "0"))
    dimension = _whole_number("dimension", options.get("dimension", "64"))
    if not 1 <= dimension <= LARGEST_DIMENSION:
        raise EmbedderUnavailable(f"random's dimension is from 1 to {LARGEST_DIMENSION}, not {dimension}")
    return Random(seed, dimension)


def _whole_number(option: str, value: str) -> int:
    try:
        return int(value)
    except ValueError:
        raise EmbedderUnavailable(f"random's {option} is a whole number, not {value!r}") from None
