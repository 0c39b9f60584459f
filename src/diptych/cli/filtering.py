"""`filter`: the pictures that pass a threshold, listed, copied or linked as they are found."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from diptych.cli.app import command
from diptych.cli.help import JUDGING, Panel
from diptych.cli.options import Setup, TextQueries
from diptych.cli.outputs import InsideSource
from diptych.cli.shared import check_folder
from diptych.errors import DiptychError
from diptych.progress import Silent
from diptych.text import printable

if TYPE_CHECKING:
    from diptych.thresholds.filter import Cut

Scale = Literal["raw", "z"]


@command(JUDGING, "filter")
def filter_(
    setup: Setup,
    queries: TextQueries,
    threshold: Annotated[
        str,
        Panel.THRESHOLD.option(
            metavar="FILE|VALUE|auto",
            help="What a picture must reach: a file of `threshold`, a number, or what unrelated texts get.",
        ),
    ],
    scale: Annotated[
        Scale | None, Panel.THRESHOLD.option(help="What a VALUE is on; by default raw scores.")
    ] = None,
    copy: Annotated[Path | None, Panel.OUTPUTS.option(metavar="DIR", help="Copy what passes there.")] = None,
    link: Annotated[
        Path | None, Panel.OUTPUTS.option(metavar="DIR", help="Make links to what passes there.")
    ] = None,
    inside_source: InsideSource = False,
    format_: Annotated[
        Literal["csv", "jsonl"], Panel.OUTPUTS.option("--format", help="What is written to standard output.")
    ] = "csv",
) -> None:
    """List the pictures that pass a threshold; several queries sort each to the one it passes best.

    Examples:
      diptych filter photos/ -e clip-ViT-L-14 -q wolf --threshold clip.json
      diptych filter photos/ -e clip-ViT-L-14 -q red --threshold auto --copy out/
    """
    from diptych.embedders import load
    from diptych.embedders.templates import checked, with_templates
    from diptych.images import UnreadablePicture
    from diptych.judgments.groundtruth import standing_judgments
    from diptych.present.files.filtered import FilterListing
    from diptych.present.files.picture_folder import PictureFolder
    from diptych.retrieval.null_bank import bank_mark, open_bank

    asked = queries.texts()
    if not asked:
        raise typer.BadParameter("nothing to filter by: give -q TEXT or --queries FILE")
    setup.check_one_embedder()
    if copy is not None and link is not None:
        raise typer.BadParameter("--copy and --link both put pictures into a folder: give one of them")
    place = copy or link
    check_folder("--copy" if copy else "--link", place, setup.source, inside=inside_source)
    # A threshold that can't be used is refused before any picture is read.
    embedder = with_templates(load(setup.embedders[0]), checked(setup.templates or ()))
    cut, promised = _read_cut(threshold, scale, embedder.info.scoring, bank_mark(open_bank(setup.bank)))
    out = sys.stdout  # a progress bar puts its own in that place
    progress = Silent() if out.isatty() else setup.progress()  # there the list itself shows how far it is
    bench = setup.open_workbench([embedder], progress)
    folder = PictureFolder(place, bench.collection, asked, link=link is not None) if place else None
    setup.announce_cost(bench, asked)
    setup.note(promised)
    known = standing_judgments(bench.collection, bench.store, asked).judgments
    listing, found = FilterListing(out, format_, asked, known), bench.filter(asked, cut)
    for passed in found:
        file = None
        try:
            file = None if folder is None else folder.put(passed.picture, passed.query)
        except UnreadablePicture as error:
            setup.note(f"{printable(passed.picture.name)} can't be put there: {error}")
        listing.write(passed, file)
    for line in listing.outcome(bench.collection, found.skipped):
        setup.note(line)


def _read_cut(threshold: str, scale: Scale | None, fingerprint: str, bank: str) -> tuple[Cut | None, str]:
    """What a picture must reach, and what to expect of it in a sentence."""
    from diptych.present.terminal.threshold import AUTO, SCALES, promise
    from diptych.thresholds.filter import Cut
    from diptych.thresholds.saved import load_threshold

    if threshold == "auto":
        if scale == "raw":
            raise typer.BadParameter("auto is against unrelated texts, on z: leave --scale out")
        return None, AUTO
    value = _number(threshold)
    if value is not None:
        chosen = scale or "raw"
        return Cut(chosen, value), (
            f"{value:g} on {SCALES[chosen]}, as given: what precision to expect is not known;"
            " `diptych threshold` learns it from judgments"
        )
    saved = load_threshold(Path(threshold), fingerprint, bank)
    if scale not in {None, saved.scale}:
        raise DiptychError(f"{printable(threshold)} cuts {SCALES[saved.scale]}: leave --scale out")
    return Cut(saved.scale, saved.value), f"{printable(threshold)}: {promise(saved)}"


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    if not math.isfinite(value):
        raise typer.BadParameter(f"a threshold is a number, not {text}")
    return value
