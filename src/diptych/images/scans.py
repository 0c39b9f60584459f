"""A progressive JPEG may go over all its pixels again for each scan, and a scan may take a few bytes."""

from __future__ import annotations

from PIL import Image

from diptych.images.work import BoundedFile

SECONDS_PER_MEGAPIXEL = 0.0015
"""What a scan of a component takes for each megapixel of the picture, at least, on a present machine."""

USUAL_SCANS = 32
"""More than any usual program makes, and fewer than are worth counting in time."""

_SCAN = b"\xff\xda"
"""Begins a scan (ITU T.81, B.2.3); among a scan's own data no 0xFF is followed by this."""


def check_scans(image: Image.Image, file: BoundedFile) -> None:
    """Raise `UnreadablePicture` where a JPEG's scans would take longer than its pixels justify."""
    if "progressive" not in image.info:
        return
    scans = file.getvalue().count(_SCAN)
    if scans > USUAL_SCANS:
        file.expect(scans * image.width * image.height / 1e6 * SECONDS_PER_MEGAPIXEL)
