"""`filter`: the pictures that pass a threshold, listed, copied or linked as they are found."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from diptych.cli.app import app
from diptych.cli.options import (
    Bank,
    Debug,
    MaxCost,
    Megabytes,
    Megapixels,
    Queries,
    QueryFile,
    Quiet,
    Source,
    Specs,
    Store,
    Templates,
)
from diptych.cli.shared import announce_cost, gather_texts, note, open_workbench
from diptych.errors import DiptychError
from diptych.words import printable

if TYPE_CHECKING:
    from diptych.filtering import Cut

Scale = Literal["raw", "z"]


@app.command("filter")
def filter_(
    source: Source,
    embedders: Specs,
    threshold: Annotated[
        str,
        typer.Option(
            metavar="FILE|VALUE|auto",
            help="What a picture must reach: a file of `threshold`, a number, or what unrelated texts get.",
        ),
    ],
    texts: Queries = None,
    queries: QueryFile = None,
    scale: Annotated[Scale | None, typer.Option(help="What a VALUE is on; by default raw scores.")] = None,
    copy: Annotated[Path | None, typer.Option(metavar="DIR", help="Copy what passes there.")] = None,
    link: Annotated[Path | None, typer.Option(metavar="DIR", help="Make links to what passes there.")] = None,
    format_: Annotated[
        Literal["csv", "jsonl"], typer.Option("--format", help="What is written to standard output.")
    ] = "csv",
    bank: Bank = None,
    templates: Templates = None,
    store: Store = None,
    max_cost: MaxCost = None,
    megapixels: Megapixels = 200,
    megabytes: Megabytes = 256,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """List the pictures that pass a threshold; several queries sort each to the one it passes best."""
    from diptych.bank import bank_mark, open_bank
    from diptych.embedders import load
    from diptych.embedders.templates import checked, with_templates
    from diptych.groundtruth import standing_judgments
    from diptych.images import UnreadablePicture
    from diptych.present.filtered import Listing
    from diptych.present.picture_files import PictureFolder

    asked = list(dict.fromkeys(gather_texts(texts, queries)))
    if not asked:
        raise typer.BadParameter("nothing to filter by: give -q TEXT or --queries FILE")
    if len(embedders) > 1:
        raise typer.BadParameter("a threshold holds for one embedder: give one -e")
    if copy is not None and link is not None:
        raise typer.BadParameter("--copy and --link both put pictures into a folder: give one of them")
    # A threshold that can't be used is refused before any picture is read.
    embedder = with_templates(load(embedders[0]), checked(templates or ()))
    cut, promised = _read_cut(threshold, scale, embedder.info.scoring, bank_mark(open_bank(bank)))
    out = sys.stdout  # a progress bar puts its own in that place
    silent = quiet or out.isatty()  # there the list itself shows how far it is
    bench = open_workbench(
        source, [embedder], store, max_cost, megapixels, megabytes, silent, bank, templates
    )
    place = copy or link
    folder = PictureFolder(place, bench.collection, asked, link=link is not None) if place else None
    if not quiet:
        announce_cost(bench.estimate(asked))
    note(promised, quiet)
    known = standing_judgments(bench.collection, bench.store, asked).judgments
    listing, found = Listing(out, format_, asked, known), bench.filter(asked, cut)
    for passed in found:
        file = None
        try:
            file = None if folder is None else folder.put(passed.picture, passed.query)
        except UnreadablePicture as error:
            note(f"{printable(passed.picture.name)} can't be put there: {error}", quiet)
        listing.write(passed, file)
    for line in listing.outcome(bench.collection, found.skipped):
        note(line, quiet)


def _read_cut(threshold: str, scale: Scale | None, fingerprint: str, bank: str) -> tuple[Cut | None, str]:
    """What a picture must reach, and what to expect of it in a sentence."""
    from diptych.filtering import Cut
    from diptych.present.threshold import AUTO, SCALES, promise
    from diptych.relevance.threshold_file import load_threshold

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
