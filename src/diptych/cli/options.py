"""The options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Source = Annotated[
    str,
    typer.Argument(
        metavar="SOURCE", help="A folder, a ZIP, a list of URLs (.txt) or a manifest (.csv, .jsonl)."
    ),
]
Specs = Annotated[
    list[str],
    typer.Option(
        "-e", "--embedder", metavar="SPEC", help="An embedder; give it once for each (see `embedders`)."
    ),
]
Store = Annotated[
    Path | None, typer.Option(help="Where vectors are kept.", envvar="DIPTYCH_STORE", show_envvar=True)
]
MaxCost = Annotated[
    float | None, typer.Option(metavar="USD", min=0, help="Refuse a dearer run before it starts.")
]
Megapixels = Annotated[float, typer.Option("--max-megapixels", min=0, help="Skip larger pictures.")]
Megabytes = Annotated[float, typer.Option("--max-megabytes", min=0, help="Skip larger files.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Show no progress and no notes.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show a traceback where something fails.")]
Hits = Annotated[int, typer.Option("-k", min=1, help="How many hits to show of each ranking.")]
Json = Annotated[
    str | None,
    typer.Option("--json", metavar="PATH|-", help="Write the comparison as JSON; `-` prints it instead."),
]
Queries = Annotated[
    list[str] | None,
    typer.Option("-q", "--query", metavar="TEXT", help="A text to search with; give it once for each."),
]
QueryFile = Annotated[
    Path | None,
    typer.Option("--queries", metavar="FILE", help="Texts to search with, one a line; # begins a comment."),
]
Pictures = Annotated[
    list[Path] | None,
    typer.Option("--image", metavar="PATH", help="A picture to search with; give it once for each."),
]
Bank = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Neutral texts, one a line, that queries are held against."),
]
Templates = Annotated[
    list[str] | None,
    typer.Option(
        "--template",
        metavar="TEXT",
        help="What texts are put into, such as 'a photo of a {}'; several are averaged.",
    ),
]
Contrast = Annotated[
    list[str] | None,
    typer.Option(metavar="TEXT", help="A rival to set every text against; give it once for each."),
]
Report = Annotated[Path | None, typer.Option(metavar="PATH.html", help="Write an HTML report.")]
Export = Annotated[Path | None, typer.Option(metavar="DIR", help="Write files for other tools.")]
Plots = Annotated[Path | None, typer.Option(metavar="DIR", help="Draw each query's figures, as SVG and PNG.")]
Open = Annotated[bool, typer.Option("--open", help="Open the report in the browser.")]
Labels = Annotated[
    str | None,
    typer.Option(
        metavar="folder|captions|FILE",
        help="Judge by the pictures' labels, their captions, or a JSON file from queries to labels.",
    ),
]
JudgmentFile = Annotated[
    Path | None,
    typer.Option(
        "--judgments",
        metavar="FILE",
        help="TREC qrels, .csv or .jsonl; by default the judgments in the store.",
    ),
]
