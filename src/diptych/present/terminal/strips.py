"""The first pictures of each ranking, in a terminal that shows pictures: one strip per embedder."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from diptych.images import Collection, UnreadablePicture, decode
from diptych.present.html.curves import letter
from diptych.present.terminal.columns import letter_style
from diptych.present.terminal.names import shorten_all
from diptych.present.terminal.picture import Screen, inline_picture
from diptych.result import Hit, QueryResult
from diptych.text import printable

_WIDE, _HIGH = 18, 7
"""Cells of a picture's place, and lines."""

_MOST = 8
"""More pictures in a strip than a person compares at a glance."""


def show_strips(query: QueryResult, collection: Collection, console: Console, screen: Screen) -> None:
    """Show a query's first pictures by each embedder, below each other, so that ranks stand in columns."""
    places = max(1, min(_MOST, console.width // _WIDE))
    console.print(Text(printable(query.query), "bold"))
    shown = [hit.image for hits in query.rankings.values() for hit in hits[:places]]
    names = shorten_all(shown, _WIDE - 4)
    for index, (name, hits) in enumerate(query.rankings.items()):
        first = hits[:places]
        console.print(Text(f"{letter(index)} {printable(name)}", f"bold {letter_style(index)}"))
        strip = _strip(first, collection, screen)
        console.file.write(inline_picture(strip, screen, _WIDE * len(first), _HIGH))
        console.print(_captions(first, names))


def _strip(hits: Sequence[Hit], collection: Collection, screen: Screen) -> Image.Image:
    """Pictures side by side, each whole in a place of its own; one that can't be read leaves its empty."""
    width, height = _WIDE * screen.cell[0], _HIGH * screen.cell[1]
    strip = Image.new("RGBA", (width * len(hits), height))
    for place, hit in enumerate(hits):
        picture = collection.find(hit.id)
        if picture is None:
            continue
        try:
            image = decode(collection.read(picture), collection.limits)
        except UnreadablePicture:
            continue
        image.thumbnail((width - screen.cell[0], height))
        strip.paste(image, (place * width, height - image.height))
    return strip


def _captions(hits: Sequence[Hit], names: dict[str, str]) -> Text:
    line = Text(no_wrap=True)
    for hit in hits:
        caption = f"{hit.rank:,} {names[hit.image]}"
        line.append(caption + " " * (_WIDE - cell_len(caption)))
    line.rstrip()
    return line
