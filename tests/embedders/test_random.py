"""The random embedder: chance itself, and the same chance everywhere."""

from __future__ import annotations

import hashlib
import math
import struct
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from scipy import stats

from diptych.embedders import EmbedderUnavailable, load
from diptych.embedders.random import Random


def image_vector(embedder: Random, image: Image.Image) -> np.ndarray:
    return embedder.embed_images([embedder.prepare_image(image)])[0]


def by_hand(content: bytes, seed: int, dimension: int) -> list[float]:
    """The documented procedure with nothing but the standard library."""
    pairs = (dimension + 1) // 2
    stream = hashlib.shake_256(f"{seed}\n".encode() + hashlib.sha256(content).digest()).digest(16 * pairs)
    uniform = [((word >> 11) + 0.5) / 2**53 for word in struct.unpack(f"<{2 * pairs}Q", stream)]
    radii = [math.sqrt(-2 * math.log(u)) for u in uniform[:pairs]]
    angles = [2 * math.pi * u for u in uniform[pairs:]]
    normal = [r * math.cos(a) for r, a in zip(radii, angles, strict=True)]
    normal += [r * math.sin(a) for r, a in zip(radii, angles, strict=True)]
    length = math.sqrt(sum(value * value for value in normal[:dimension]))
    return [value / length for value in normal[:dimension]]


@given(st.text(), st.integers(-5, 5), st.integers(1, 40))
def test_a_texts_direction_follows_from_its_utf8_the_seed_and_the_dimension(
    text: str, seed: int, dimension: int
) -> None:
    vector = Random(seed, dimension).embed_texts([text])[0]
    assert vector == pytest.approx(by_hand(b"text\n" + text.encode(), seed, dimension), abs=1e-6)


@given(st.binary(min_size=18, max_size=18), st.sampled_from([(1, 6), (2, 3), (3, 2), (6, 1)]))
def test_a_pictures_direction_follows_from_its_pixels_and_size(pixels: bytes, size: tuple[int, int]) -> None:
    vector = image_vector(Random(), Image.frombytes("RGB", size, pixels))
    content = f"image RGB {size[0]}x{size[1]}\n".encode() + pixels
    assert vector == pytest.approx(by_hand(content, 0, 64), abs=1e-6)


def test_directions_are_those_of_this_revision_on_every_machine() -> None:
    # Vectors are stored under the revision: whoever changes these numbers on purpose raises REVISION.
    embedder = Random()
    assert embedder.info.fingerprint == "random/1/seed=0/dimension=64"
    picture = Image.new("RGB", (4, 3), (200, 30, 30))
    wolf, red = embedder.embed_texts(["wolf"])[0], image_vector(embedder, picture)
    assert wolf[:3] == pytest.approx([0.187153, -0.105455, 0.088979], abs=1e-6)
    assert red[:3] == pytest.approx([-0.085330, 0.081342, -0.056291], abs=1e-6)


def test_copies_of_a_picture_share_a_direction_and_different_ones_do_not() -> None:
    embedder = Random()
    picture = Image.new("RGB", (40, 30), "red")
    other = picture.copy()
    other.putpixel((39, 29), (254, 0, 0))
    vectors = [
        image_vector(embedder, image) for image in (picture, picture.copy(), other, picture.resize((30, 40)))
    ]
    cosines = np.array(vectors) @ vectors[0]
    assert cosines[:2] == pytest.approx([1, 1])
    assert (np.abs(cosines[2:]) < 0.6).all()


def test_a_batch_gives_what_single_calls_give() -> None:
    embedder, texts = Random(), ["one", "two", "three", "\ud800"]
    assert (embedder.embed_texts(texts) == np.vstack([embedder.embed_texts([text]) for text in texts])).all()
    assert embedder.embed_texts([]).shape == embedder.embed_images([]).shape == (0, 64)


@pytest.mark.parametrize("dimension", [2, 16, 64])
def test_cosines_have_mean_0_and_variance_1_over_dimension(dimension: int) -> None:
    embedder = Random(seed=1, dimension=dimension)
    texts = embedder.embed_texts([f"text {number}" for number in range(300)])
    pictures = np.array(
        [
            image_vector(embedder, Image.new("RGB", (1, 1), (number % 256, number // 256, 9)))
            for number in range(300)
        ]
    )
    cosines = (texts @ pictures.T).ravel()
    # All pairs are uncorrelated, so the standard errors are those of independent cosines.
    fourth = 3 / (dimension * (dimension + 2))
    assert abs(cosines.mean()) < 4 * math.sqrt(1 / dimension / len(cosines))
    assert abs(cosines.var() - 1 / dimension) < 4 * math.sqrt((fourth - 1 / dimension**2) / len(cosines))


def test_directions_are_spread_evenly_over_the_sphere() -> None:
    dimension = 10
    vectors = Random(dimension=dimension).embed_texts([str(number) for number in range(4000)])
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(4000), abs=1e-6)
    pairs = (vectors[::2] * vectors[1::2]).sum(axis=1)
    # A cosine c of independent directions: (c + 1) / 2 has the beta distribution with (d - 1) / 2 twice.
    beta = stats.beta((dimension - 1) / 2, (dimension - 1) / 2)
    assert stats.kstest((pairs + 1) / 2, beta.cdf).pvalue > 0.001
    for axis in range(dimension):
        assert stats.kstest((vectors[:, axis] + 1) / 2, beta.cdf).pvalue > 0.0001


def test_another_seed_is_another_embedder() -> None:
    one, other = load("random?seed=1"), load("random?seed=2")
    assert one.info.fingerprint != other.info.fingerprint
    assert abs(one.embed_texts(["a"])[0] @ other.embed_texts(["a"])[0]) < 0.6


def test_the_dimension_is_an_option() -> None:
    embedder = load("random?dimension=7&seed=-3")
    assert embedder.info.dimension == 7
    assert embedder.embed_texts(["a", "b"]).shape == (2, 7)
    assert embedder.embed_texts(["a"]).dtype == np.float32


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ("random:64", "no models"),
        ("random?size=64", "no option size"),
        ("random?seed=luck", "seed is a whole number, not 'luck'"),
        ("random?dimension=0", "from 1 to"),
        ("random?dimension=1e3", "dimension is a whole number"),
        ("random?dimension=100000000", "from 1 to"),
    ],
)
def test_wrong_specs_are_refused_in_a_line(spec: str, reason: str) -> None:
    with pytest.raises(EmbedderUnavailable, match=reason) as refusal:
        load(spec)
    assert "\n" not in str(refusal.value)


def test_its_modules_name_hides_nothing_and_loads_nothing_heavy() -> None:
    code = (
        "import sys, diptych.embedders.random, diptych.embedders.palette, diptych.embedders.vectors, random;"
        "assert random.Random(1).random() > 0;"
        "heavy = {'torch', 'scipy', 'pandas', 'pyarrow', 'httpx2', 'google.auth'} & set(sys.modules);"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
