"""PNM as text and of every depth, compared with the numbers that went in."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from diptych.images import UnreadablePicture, decode, pnm

RNG = np.random.default_rng(3)


def scaled(values: NDArray[np.int64], most: int) -> NDArray[np.float64]:
    return values * 255 / most


def shown(data: bytes) -> NDArray[np.int64]:
    return np.asarray(decode(data)).astype(int)


@pytest.mark.parametrize("most", [1, 15, 255, 1000, 65535])
@pytest.mark.parametrize("kind", ["P2", "P3", "P5", "P6"])
def test_every_white(kind: str, most: int) -> None:
    values = RNG.integers(0, most + 1, (5, 4, 3 if kind in {"P3", "P6"} else 1))
    head = f"{kind}\n# drawn here\n4 5\n{most}\n".encode()
    if kind in {"P2", "P3"}:
        body = " ".join(map(str, values.ravel())).encode()
    else:
        body = values.astype(">u2" if most > 255 else np.uint8).tobytes()
    assert np.abs(shown(head + body) - scaled(values, most)).max() < 1


@given(st.data())
def test_text_with_any_space_and_comments_whatever_is_read_at_a_time(data: st.DataObject) -> None:
    values = RNG.integers(0, 256, (6, 5))
    spaces = data.draw(
        st.lists(st.sampled_from([" ", "\n", "\t \r\n", "\n# a comment, 77 12\n"]), min_size=30, max_size=30)
    )
    text = "P2 5 6 255\n" + "".join(f"{v}{s}" for v, s in zip(values.ravel(), spaces, strict=True))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pnm, "_CHUNK", data.draw(st.integers(1, 60)))
        assert (shown(text.encode())[..., 0] == values).all()


@pytest.mark.parametrize("space", [b"", b" ", b"\n"])
def test_bits_as_text(space: bytes) -> None:
    bits = RNG.integers(0, 2, (6, 5))
    body = space.join(b"%d" % bit for bit in bits.ravel())
    assert (shown(b"P1 5 6\n" + body)[..., 1] == np.where(bits, 0, 255)).all()


@pytest.mark.parametrize(
    "data",
    [b"P2 9 9 255\n1 2 3", b"P1 9 9\n10", b"P5 9 9 100\n123", b"P2 2 2 255\n" + b"1 2 3 #" + b"x" * 99],
)
def test_too_few_numbers_are_cut_off(data: bytes) -> None:
    with pytest.raises(UnreadablePicture, match="cut off"):
        decode(data)


@pytest.mark.parametrize("data", [b"P2 2 1 9\n10 1", b"P2 2 1 9\n-1 1", b"P2 2 1 9\nx 1", b"P1 2 1\n12"])
def test_what_is_no_number_is_damaged(data: bytes) -> None:
    with pytest.raises(UnreadablePicture, match="damaged"):
        decode(data)
