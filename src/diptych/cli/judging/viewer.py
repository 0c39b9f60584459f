"""How `judge` shows a picture: in the terminal where that can, otherwise in a viewer, or by its name."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path
from types import TracebackType

import typer

from diptych.cli.screen import find_screen
from diptych.images import Collection, Picture, UnreadablePicture, decode
from diptych.present.terminal.picture import Screen, inline_picture
from diptych.text import printable

_LONGEST_SIDE = 1600
_LINES_FOR_WORDS = 6


class PictureViewer:
    """Shows pictures of a collection; a context manager that removes the copies it made for a viewer.

    Args:
        collection: Where they are from.
        no_open: Whether to name pictures that the terminal can't show rather than open a viewer.
    """

    def __init__(self, collection: Collection, *, no_open: bool) -> None:
        self._collection, self._no_open = collection, no_open
        self._screen = find_screen()
        self._copies = tempfile.TemporaryDirectory(prefix="diptych-", ignore_cleanup_errors=True)

    def __enter__(self) -> PictureViewer:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._copies.cleanup()

    @property
    def elsewhere(self) -> str:
        """Where pictures are shown instead, in words; empty where the terminal shows them."""
        if self._screen is not None:
            return ""
        named = self._no_open or not _has_viewer()
        return "each is named" if named else "each opens in a window of its own"

    def show(self, image_id: str) -> None:
        """Show a picture; where it can't be read any more, say so."""
        picture = self._collection.find(image_id)
        if picture is None:
            return
        try:
            if self._screen is not None:
                self._inline(picture, self._screen)
            elif self._no_open or not self._open(picture):
                typer.echo(self._name(picture))
        except UnreadablePicture as error:
            typer.echo(f"{self._name(picture)} can't be shown: {printable(str(error))}")

    def _inline(self, picture: Picture, screen: Screen) -> None:
        size = shutil.get_terminal_size()
        image = decode(self._collection.read(picture), self._collection.limits)
        lines = max(4, size.lines - _LINES_FOR_WORDS)
        sys.stdout.write(inline_picture(image, screen, size.columns, lines))

    def _open(self, picture: Picture) -> bool:
        """Open an upright copy in the system's viewer; whether there is one."""
        if not _has_viewer():
            return False
        image = decode(self._collection.read(picture), self._collection.limits)
        image.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
        copy = Path(self._copies.name) / f"{picture.id[:12]}.jpg"
        image.save(copy, quality=90)
        return typer.launch(str(copy)) == 0

    def _name(self, picture: Picture) -> str:
        path = Path(self._collection.source) / picture.name
        return printable(str(path) if path.is_file() else picture.name)


def _has_viewer() -> bool:
    """Whether this is a desktop."""
    return sys.platform != "linux" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
