"""AVIF whose alpha has no size of its own."""

from __future__ import annotations

import io
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, UnidentifiedImageError, features

from diptych.images import UnreadablePicture, decode

pytestmark = pytest.mark.skipif(not features.check("avif"), reason="this Pillow has no AVIF")

RGBA = Image.fromarray(np.random.default_rng(7).integers(0, 256, (40, 50, 4)).astype(np.uint8))


def avif() -> bytes:
    buffer = io.BytesIO()
    RGBA.save(buffer, "AVIF", quality=100, subsampling="4:4:4")
    return buffer.getvalue()


def without_size_of_alpha() -> bytes:
    """The size, property 1 of item 2, replaced by a second mention of its pixel information, property 5."""
    data = avif()
    alpha = b"\0\x02\x04\x01\x05"  # item 2 has four properties: 1, 5, …
    assert data.count(alpha) == 1
    return data.replace(alpha, b"\0\x02\x04\x05\x05")


def test_alpha_without_a_size_has_the_size_of_the_picture() -> None:
    with pytest.raises(UnidentifiedImageError):
        Image.open(io.BytesIO(without_size_of_alpha()))
    assert np.array_equal(np.asarray(decode(without_size_of_alpha())), np.asarray(decode(avif())))


def test_colours_without_a_size_have_that_of_alpha() -> None:
    data = avif()
    first = data.index(b"ipma") + 15  # behind version, count, item 1, and how many properties it has
    assert data[first] == 1
    without = data[:first] + data[first + 1 : first + 2] + data[first + 1 :]
    assert np.array_equal(np.asarray(decode(without)), np.asarray(decode(data)))


def test_without_any_size_it_is_damaged() -> None:
    with pytest.raises(UnreadablePicture):
        decode(avif().replace(b"ispe", b"free"))


@given(st.data())
def test_what_is_damaged_besides_ends_in_a_reason(data: st.DataObject) -> None:
    broken = bytearray(without_size_of_alpha())
    for _ in range(data.draw(st.integers(1, 4))):
        broken[data.draw(st.integers(12, 420))] = data.draw(st.integers(0, 255))
    with suppress(UnreadablePicture):
        decode(bytes(broken))
