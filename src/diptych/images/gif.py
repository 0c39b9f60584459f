"""GIF as browsers show it: Pillow paints what the first frame leaves uncovered, which is transparent."""

from __future__ import annotations

from PIL import Image, _imaging
from PIL.GifImagePlugin import GifImageFile


class GifFile(GifImageFile):
    """The first frame of a GIF on its canvas."""

    def load(self) -> _imaging.PixelAccess | None:
        """Decode the pixels, once."""
        covered = self.tile[0].extents if self.tile else None
        loaded = super().load()
        if covered is None or covered == (0, 0, *self.size) or "transparency" in self.info:
            return loaded
        canvas = Image.new("RGBA", self.size)
        canvas.paste(self.crop(covered).convert("RGBA"), covered[:2])
        self.im, self._mode, self.palette = canvas.im, "RGBA", None
        return super().load()
