"""A small picture in every form that is read here."""

from __future__ import annotations

import functools
import io
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import Image, ImageCms, features

SIZE = (37, 23)


def pixels() -> Image.Image:
    """What they all show: a gradient with noise."""
    rng = np.random.default_rng(1)
    ramp = np.add.outer(np.arange(SIZE[1]) * 4, np.arange(SIZE[0]) * 3)[..., None] + np.array([0, 40, 90])
    return Image.fromarray((ramp + rng.integers(0, 16, ramp.shape)).clip(0, 255).astype(np.uint8))


@functools.cache
def seeds() -> dict[str, bytes]:
    """Every form, by a name for it."""
    return {
        **{name: _saved(image, form, **options) for name, image, form, options in _by_pillow()},
        **dict(_by_hand()),
    }


def _saved(image: Image.Image, form: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def _by_pillow() -> Iterator[tuple[str, Image.Image, str, dict[str, Any]]]:
    """A name, a picture, Pillow's name of the format and its options."""
    rgb = pixels()
    grey, rgba, palette, two = rgb.convert("L"), rgb.convert("RGBA"), rgb.convert("P"), rgb.convert("1")
    rgba.putalpha(grey)
    deep = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[0x0112] = 6
    yield "jpeg", rgb, "JPEG", {"exif": exif, "icc_profile": profile, "comment": b"a comment"}
    yield "jpeg-progressive", rgb, "JPEG", {"progressive": True}
    yield "jpeg-grey", grey, "JPEG", {"restart_marker_blocks": 2}
    yield "jpeg-cmyk", rgb.convert("CMYK"), "JPEG", {}
    yield "png", rgb, "PNG", {"icc_profile": profile, "exif": exif}
    yield "png-alpha", rgba, "PNG", {}
    yield "png-palette", palette, "PNG", {"transparency": 3}
    yield "png-16", deep, "PNG", {}
    yield "png-1", two, "PNG", {}
    yield "apng", rgb, "PNG", {"save_all": True, "append_images": [rgb.rotate(90)]}
    yield "gif", palette, "GIF", {"transparency": 1, "comment": b"a comment"}
    yield "gif-moving", palette, "GIF", {"save_all": True, "append_images": [palette.rotate(90)]}
    yield "webp", rgb, "WEBP", {"exif": exif}
    yield "webp-lossless", rgba, "WEBP", {"lossless": True}
    yield "webp-moving", rgb, "WEBP", {"save_all": True, "append_images": [rgb.rotate(90)]}
    if features.check("avif"):
        yield "avif", rgb, "AVIF", {"exif": exif}
        yield "avif-alpha", rgba, "AVIF", {}
    yield "bmp", rgb, "BMP", {}
    yield "bmp-palette", palette, "BMP", {}
    yield "bmp-1", two, "BMP", {}
    yield "bmp-alpha", rgba, "BMP", {}
    for compression in ("raw", "tiff_lzw", "tiff_deflate", "packbits", "jpeg"):
        yield f"tiff-{compression}", rgb, "TIFF", {"compression": compression}
    yield "tiff-g4", two, "TIFF", {"compression": "group4"}
    yield "tiff-16", deep, "TIFF", {}
    yield "tiff-float", grey.convert("F"), "TIFF", {}
    yield "tiff-big", rgba, "TIFF", {"big_tiff": True}
    yield "jpeg2000", rgb, "JPEG2000", {"irreversible": False}
    yield "jpeg2000-alpha", rgba, "JPEG2000", {"quality_layers": [40]}
    yield "jpeg2000-stream", grey, "JPEG2000", {"no_jp2": True, "tile_size": (16, 16)}
    yield "ppm", rgb, "PPM", {}
    yield "pgm-16", deep, "PPM", {}
    yield "pbm", two, "PPM", {}
    yield "pfm", grey.convert("F"), "PPM", {}


def _by_hand() -> Iterator[tuple[str, bytes]]:
    rgb, (width, height) = pixels(), SIZE
    numbers = np.asarray(rgb)
    yield "ppm-text", f"P3 {width} {height} 255\n{' '.join(map(str, numbers.ravel()))}\n".encode()
    yield "pbm-text", f"P1 # words\n{width} {height}\n{'01' * (width * height // 2 + 1)}\n".encode()
    yield "psd", _psd(b"\0\0" + b"".join(numbers[..., channel].tobytes() for channel in range(3)))
    rows = [
        bytes([width - 1]) + numbers[row, :, channel].tobytes()
        for channel in range(3)
        for row in range(height)
    ]
    lengths = b"".join(struct.pack(">H", len(row)) for row in rows)
    yield "psd-runs", _psd(b"\0\1" + lengths + b"".join(rows))
    runs = b"".join(bytes([width, row % 7]) + b"\0\0" for row in range(height)) + b"\0\1"
    start = 14 + 40 + 1024
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, len(runs), 0, 0, 256, 0)
    yield (
        "bmp-runs",
        b"BM" + struct.pack("<IHHI", start + len(runs), 0, 0, start) + head + bytes(1024) + runs,
    )
    try:
        import pillow_heif
    except ImportError:
        return
    buffer = io.BytesIO()
    pillow_heif.from_pillow(rgb).save(buffer, quality=80)
    yield "heif", buffer.getvalue()


def _psd(body: bytes) -> bytes:
    return b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, SIZE[1], SIZE[0], 8, 3) + bytes(12) + body
