"""What our own readers share, which stand in for Pillow's where those are wrong or slow, or refuse."""

from __future__ import annotations

from abc import abstractmethod
from typing import cast

from PIL import Image, ImageFile, _imaging

from diptych.images.work import BoundedFile


class OwnReader(ImageFile.ImageFile):
    """A reader that `decode` uses like Pillow's own: `_open` reads the header, `_decoded` the pixels."""

    def load(self) -> _imaging.PixelAccess | None:
        """Decode the pixels, once."""
        if self._im is None:
            self._file.check()
            made = self._decoded()
            self.im, self._mode, self._size = made.im, made.mode, made.size
        return Image.Image.load(self)

    @property
    def _file(self) -> BoundedFile:
        return cast("BoundedFile", self.fp)

    @abstractmethod
    def _decoded(self) -> Image.Image:
        """Decode: a loaded picture of any mode that `to_srgb` takes, without a palette."""
