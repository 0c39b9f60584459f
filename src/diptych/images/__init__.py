"""Pictures come in: from a folder, a ZIP, URLs or a manifest, as bytes and as upright RGB pixels."""

from __future__ import annotations

from diptych.images.collection import Collection, Picture, open_collection
from diptych.images.decode import decode
from diptych.images.entries import Skipped, count_files, gathered
from diptych.images.formats import looks_like_picture
from diptych.images.limits import Limits, UnreadablePicture
from diptych.images.pillow import memory_kept

__all__ = [
    "Collection",
    "Limits",
    "Picture",
    "Skipped",
    "UnreadablePicture",
    "count_files",
    "decode",
    "gathered",
    "looks_like_picture",
    "memory_kept",
    "open_collection",
]
