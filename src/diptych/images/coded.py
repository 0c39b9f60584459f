"""Colours that a file declares by numbers instead of a profile, read as browsers read them.

PNG: cICP, then a profile, then sRGB, then gAMA with cHRM (PNG, third edition, 4.3, and Chromium 156). AVIF
and HEIF: a profile, then `nclx` (ISO 23008-12, 6.5.5). What the numbers mean is ITU-T H.273, tables 2 and 3.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from diptych.images.boxes import boxes

Matrix = NDArray[np.float64]

_D65, _C = (0.3127, 0.3290), (0.310, 0.316)
_BT709 = (*_D65, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
_SMPTE170 = (*_D65, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070)
PRIMARIES: dict[int, tuple[float, ...]] = {
    1: _BT709,
    4: (*_C, 0.67, 0.33, 0.21, 0.71, 0.14, 0.08),
    5: (*_D65, 0.64, 0.33, 0.29, 0.60, 0.15, 0.06),
    6: _SMPTE170,
    7: _SMPTE170,
    8: (*_C, 0.681, 0.319, 0.243, 0.692, 0.145, 0.049),
    9: (*_D65, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046),
    10: (1 / 3, 1 / 3, 1, 0, 0, 1, 0, 0),
    11: (0.314, 0.351, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
    12: (*_D65, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
    22: (*_D65, 0.630, 0.340, 0.295, 0.605, 0.155, 0.077),
}
"""White, red, green and blue, x and y of each (CIE 1931), by their number."""

_SRGB = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
_VIDEO = {1, 6, 11, 14, 15}
"""Those of cameras, which screens show as BT.1886 says."""

_CURVES = dict.fromkeys(_VIDEO, (2.4,)) | {
    4: (2.2,),
    5: (2.8,),
    7: (1 / 0.45, 1 / 1.1115, 0.1115 / 1.1115, 1 / 4, 0.0913),
    8: (1.0,),
    13: _SRGB,
    17: (2.6, (52.37 / 48) ** (1 / 2.6), 0.0, 0.0, 0.0),
}
PQ, HLG = 16, 18

_USUAL_GAMMA, _NEAR = 1 / 2.2, 0.05
"""A gAMA without cHRM that is so near to what screens had is taken for sRGB's."""


class Colours(NamedTuple):
    """What the numbers of a pixel mean."""

    primaries: tuple[float, ...]
    """As in `PRIMARIES`."""
    curve: tuple[float, ...]
    """g of Y = X^g, or g, a, b, c, d of Y = (aX + b)^g from X = d on and cX below; empty with `hdr`."""
    hdr: int = 0
    """`PQ` or `HLG`, else 0."""

    def profile(self) -> bytes:
        """The same as an ICC profile; only where `hdr` is 0."""
        return _profile(self.primaries, self.curve)


def declared_colours(kind: str, image: Image.Image, data: bytes) -> Colours | None:
    """What a picture's file declares by numbers, None where it declares nothing or a profile comes first.

    Args:
        kind: Its format, as `format_of` names it.
        image: It, with its header read.
        data: The whole file.
    """
    if kind == "PNG":
        return _of_png(image, data)
    if kind in {"AVIF", "HEIF"} and not image.info.get("icc_profile"):
        return _of_boxes(data)
    return None


def _of_png(image: Image.Image, data: bytes) -> Colours | None:
    numbers = _cicp(data)
    if numbers[2:] == b"\0\x01":  # colours are RGB, of the full range: nothing else is there in PNG
        coded = _by_numbers(*numbers[:2])
        if coded is not None:
            return coded
    gamma, info = image.info.get("gamma"), image.info
    if not gamma or info.get("icc_profile") or "srgb" in info:
        return None
    primaries = info.get("chromaticity")
    if primaries:
        return _if_usable(Colours(primaries, (1 / gamma,)))
    return None if abs(gamma / _USUAL_GAMMA - 1) < _NEAR else _if_usable(Colours(_BT709, (1 / gamma,)))


def _if_usable(colours: Colours) -> Colours | None:
    """The same, or None where the numbers make no colours, or none that a profile can hold."""
    try:
        colours.profile()
    except (ValueError, OverflowError, struct.error):
        return None
    return colours


def _cicp(data: bytes) -> bytes:
    """What the chunk of that name holds, which comes before the pixels; nothing without one."""
    at = 8
    while at + 8 <= len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        if name in {b"IDAT", b"IEND"}:
            break
        if name == b"cICP":
            return data[at + 8 : at + 8 + length]
        at += 12 + length
    return b""


def _of_boxes(data: bytes) -> Colours | None:
    found = [data]
    for name, skip in ((b"meta", 0), (b"iprp", 4), (b"ipco", 0), (b"colr", 0)):
        found = [each.body for body in found for each in boxes(body, skip) if each.name == name]
    numbers = next((body[4:8] for body in found if body[:4] == b"nclx" and len(body) >= 8), None)
    if numbers is None:
        return None
    primaries, transfer = struct.unpack(">HH", numbers)
    if primaries not in PRIMARIES:
        primaries = 1
    # Encoders write the curve of video and mean that of screens, so browsers take it for that.
    known = transfer in {PQ, HLG, *_CURVES} - _VIDEO
    return _by_numbers(primaries, transfer if known else 13)


def _by_numbers(primaries: int, transfer: int) -> Colours | None:
    if primaries not in PRIMARIES:
        return None
    if transfer in {PQ, HLG}:
        return Colours(PRIMARIES[primaries], (), transfer)
    curve = _CURVES.get(transfer)
    return None if curve is None else Colours(PRIMARIES[primaries], curve)


def _rgb_to_xyz(primaries: tuple[float, ...]) -> Matrix | None:
    """From linear RGB to XYZ with white at Y = 1 (SMPTE RP 177); None where the numbers make no colours."""
    x, y = np.array(primaries, dtype=float).reshape(4, 2).T
    if not (y[0] > 0 and np.isfinite([*x, *y]).all()):
        return None
    columns: Matrix = np.stack([x, y, 1 - x - y])
    if abs(np.linalg.det(columns[:, 1:])) < 1e-6:
        return None
    white = columns[:, 0] / y[0]
    matrix: Matrix = columns[:, 1:] * np.linalg.solve(columns[:, 1:], white).astype(np.float64)
    return matrix


_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_D50 = np.array([0.9642, 1.0, 0.8249])


def _to_d50(primaries: tuple[float, ...]) -> Matrix:
    """From linear RGB to XYZ under D50, as profiles have it; white is adapted by Bradford's matrix."""
    matrix = _rgb_to_xyz(primaries)
    if matrix is None:
        raise ValueError(primaries)
    scale = (_BRADFORD @ _D50) / (_BRADFORD @ matrix.sum(axis=1))
    adapted: Matrix = np.linalg.inv(_BRADFORD) @ np.diag(scale) @ _BRADFORD @ matrix
    return adapted


def between(primaries: tuple[float, ...], others: tuple[float, ...] = _BT709) -> Matrix:
    """From linear RGB of some primaries to that of others (sRGB's)."""
    matrix: Matrix = np.linalg.solve(_to_d50(others), _to_d50(primaries)).astype(np.float64)
    return matrix


def _profile(primaries: tuple[float, ...], curve: tuple[float, ...]) -> bytes:
    """An ICC profile (ICC.1:2022, 8.3.3) of three primaries and one curve."""
    kind = 0 if len(curve) == 1 else 3
    tags = {
        name: b"XYZ " + bytes(4) + struct.pack(">3i", *(round(value * 65536) for value in column))
        for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), _to_d50(primaries).T, strict=True)
    }
    tags[b"wtpt"] = b"XYZ " + bytes(4) + struct.pack(">3i", *(round(value * 65536) for value in _D50))
    numbers = struct.pack(f">{len(curve)}i", *(round(value * 65536) for value in curve))
    tags |= dict.fromkeys(
        (b"rTRC", b"gTRC", b"bTRC"), b"para" + bytes(4) + struct.pack(">HH", kind, 0) + numbers
    )
    at = 128 + 4 + 12 * len(tags)
    table, bodies = struct.pack(">I", len(tags)), b""
    for name, body in tags.items():
        table += name + struct.pack(">II", at + len(bodies), len(body))
        bodies += body
    head = struct.pack(">I4xI4s4s4s", at + len(bodies), 0x04400000, b"mntr", b"RGB ", b"XYZ ")
    head += bytes(12) + b"acsp" + bytes(28) + struct.pack(">3i", *(round(value * 65536) for value in _D50))
    return head + bytes(128 - len(head)) + table + bodies
