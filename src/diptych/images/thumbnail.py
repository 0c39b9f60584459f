"""Small copies of pictures, for showing."""

from __future__ import annotations

import base64
import io

from PIL import Image

THUMBNAIL_BOX = (256, 192)
"""Pixels; twice the size at which pages show a thumbnail, for dense screens."""


def thumbnail_uri(image: Image.Image, box: tuple[int, int] = THUMBNAIL_BOX) -> str:
    """A small whole copy of a picture (never cropped) as a JPEG in a `data:` URI."""
    small = image.copy()
    small.thumbnail(box, Image.Resampling.LANCZOS, reducing_gap=3.0)
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=80, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
