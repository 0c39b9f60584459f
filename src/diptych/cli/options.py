"""The options that several commands have, in groups, and what the groups do for a command."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from diptych.cli.app import Verbosity
from diptych.cli.completion import complete_embedder, complete_source
from diptych.cli.help import Panel
from diptych.progress import Progress, Silent
from diptych.text import count, printable

if TYPE_CHECKING:
    from diptych.embedders import Embedder
    from diptych.images import Limits
    from diptych.queries import Askable
    from diptych.workbench import Workbench


def _set_quiet(ctx: typer.Context, value: bool) -> bool:
    ctx.ensure_object(Verbosity).quiet = value
    return value


def _set_debug(ctx: typer.Context, value: bool) -> bool:
    ctx.ensure_object(Verbosity).debug = value
    return value


Store = Annotated[
    Path | None,
    Panel.GENERAL.option(help="Where vectors are kept.", envvar="DIPTYCH_STORE", show_envvar=True),
]
Debug = Annotated[
    bool, Panel.GENERAL.option("--debug", callback=_set_debug, help="Show a traceback where something fails.")
]
Hits = Annotated[int, Panel.OUTPUTS.option("-k", min=1, help="How many hits to show of each ranking.")]
Contrast = Annotated[
    list[str] | None,
    Panel.QUERIES.option(metavar="TEXT", help="A rival to set every text against; give it once for each."),
]
Planned = Annotated[
    int | None,
    Panel.JUDGMENTS.option(
        min=1,
        metavar="N",
        help="How many queries you fixed before judging the first, so that verdicts read meanwhile hold.",
    ),
]


@dataclass(frozen=True, kw_only=True)
class SourceOptions:
    """Which pictures to read, where what is known of them is kept, and how much to say meanwhile."""

    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="A folder, a ZIP, a list of URLs (.txt) or a manifest (.csv, .jsonl).",
            autocompletion=complete_source,
        ),
    ]
    max_megapixels: Annotated[float, Panel.LIMITS.option(min=0, help="Skip larger pictures.")] = 200
    max_megabytes: Annotated[float, Panel.LIMITS.option(min=0, help="Skip larger files.")] = 256
    max_seconds: Annotated[
        float,
        Panel.LIMITS.option(
            min=0, help="Skip what takes more processor time to decode, beyond what its pixels justify."
        ),
    ] = 5
    store: Store = None
    quiet: Annotated[
        bool, Panel.GENERAL.option("--quiet", callback=_set_quiet, help="Show no progress and no notes.")
    ] = False
    debug: Debug = False

    @property
    def limits(self) -> Limits:
        """The largest and costliest pictures to read."""
        from diptych.images import Limits

        return Limits(self.max_megapixels, self.max_megabytes, self.max_seconds)

    def progress(self) -> Progress:
        """Who watches long work: a person at standard error, or nobody."""
        if self.quiet:
            return Silent()
        from rich.console import Console

        from diptych.present.terminal.progress import progress_for

        return progress_for(Console(stderr=True))

    def note(self, words: str) -> None:
        """Say something on standard error."""
        if not self.quiet:
            typer.echo(words, err=True)


@dataclass(frozen=True, kw_only=True)
class Setup(SourceOptions):
    """The pictures, and the embedders to use on them."""

    embedders: Annotated[
        list[str],
        Panel.EMBEDDERS.option(
            "-e",
            "--embedder",
            metavar="[NAME=]SPEC",
            help="An embedder; give it once for each (see `embedders`).",
            autocompletion=complete_embedder,
        ),
    ]
    templates: Annotated[
        list[str] | None,
        Panel.EMBEDDERS.option(
            "--template",
            metavar="TEXT",
            help="Prompt template, such as 'a photo of a {}'; several are averaged.",
        ),
    ] = None
    bank: Annotated[
        Path | None,
        Panel.EMBEDDERS.option(
            metavar="FILE", help="Neutral texts, one per line, used as the null baseline for queries."
        ),
    ] = None
    max_cost: Annotated[
        float | None,
        Panel.LIMITS.option(metavar="USD", min=0, help="Send nothing that would cost more in all."),
    ] = None

    def check_one_embedder(self) -> None:
        """Refuse more than one embedder."""
        if len(self.embedders) > 1:
            raise typer.BadParameter("a threshold holds for one embedder: give one -e")

    def open_workbench(
        self, embedders: Sequence[Embedder] | None = None, progress: Progress | None = None
    ) -> Workbench:
        """A workbench as the options ask for.

        Args:
            embedders: Those of the options, where they are loaded already.
            progress: Who watches instead of a person at standard error.
        """
        from diptych.workbench import Workbench

        return Workbench(
            self.source,
            self.embedders if embedders is None else embedders,
            store=self.store,
            limits=self.limits,
            progress=self.progress() if progress is None else progress,
            max_cost=self.max_cost,
            bank=self.bank,
            templates=self.templates or (),
            first_hits=None if self.quiet else self._note_first_hits,
        )

    def _note_first_hits(self, name: str, text: str, pictures: Sequence[str]) -> None:
        first = ", ".join(map(printable, pictures))
        self.note(f"{name} finds for “{printable(text)}” first: {first}; its null texts are embedded now")

    def own_queries(self) -> list[Askable]:
        """The queries that the pictures bring with them, as the sample does."""
        from diptych.images.sources import is_sample
        from diptych.queries import text_query
        from diptych.samples import queries

        return [text_query(text) for text in queries().values()] if is_sample(self.source) else []

    def announce_cost(self, bench: Workbench, queries: Sequence[Askable] = ()) -> None:
        """Say what is about to be sent and what that costs; nothing where it is free."""
        if self.quiet:
            return
        from diptych.present.terminal.estimates import texts_in_words

        for e in bench.estimate(queries):
            if e.dollars or not e.price_known:
                sent = ", ".join([count(e.images, "picture"), *([texts_in_words(e)] if e.texts else [])])
                cost = f"about ${e.dollars:.4f}" if e.price_known else "at a price that is not known here"
                self.note(f"{e.name}: {sent} to send, {cost}")


@dataclass(frozen=True, kw_only=True)
class TextQueries:
    """Texts to search with."""

    given: Annotated[
        list[str] | None,
        Panel.QUERIES.option(
            "-q", "--query", metavar="TEXT", help="A text to search with; give it once for each."
        ),
    ] = None
    file: Annotated[
        Path | None,
        Panel.QUERIES.option(
            "--queries", metavar="FILE", help="Texts to search with, one per line; # begins a comment."
        ),
    ] = None

    def texts(self) -> list[str]:
        """Those given one by one, then those of the file, each once."""
        from diptych.judgments.qrels import read_query_ids

        of_file = read_query_ids(self.file).values() if self.file is not None else ()
        return list(dict.fromkeys([*(self.given or ()), *of_file]))


@dataclass(frozen=True, kw_only=True)
class Queries(TextQueries):
    """Texts and pictures to search with."""

    images: Annotated[
        list[Path] | None,
        Panel.QUERIES.option(
            "--image",
            metavar="PATH",
            help="A picture to search with, by its path or its name here; give it once for each.",
        ),
    ] = None

    def parse(self, limits: Limits) -> list[Askable]:
        """Texts stay texts on the command line, whatever they look like; --image says what is a picture.

        A file is read at once, before anything is embedded; what is none may be a name in the collection.
        """
        from diptych.queries import image_query, text_query

        images = (
            image_query(path, limits) if path.exists() else f"image:{path}"
            for path in dict.fromkeys(self.images or [])
        )
        return [*map(text_query, self.texts()), *images]


@dataclass(frozen=True, kw_only=True)
class JudgmentOptions:
    """What says which pictures are relevant; without any, the judgments in the store."""

    labels: Annotated[
        str | None,
        Panel.JUDGMENTS.option(
            metavar="folder|captions|FILE",
            help="Judge by the pictures' labels, their captions, or a JSON file from queries to labels.",
        ),
    ] = None
    judgments: Annotated[
        Path | None,
        Panel.JUDGMENTS.option(
            "--judgments",
            metavar="FILE",
            help="TREC qrels, .csv or .jsonl; by default the judgments in the store.",
        ),
    ] = None

    def __post_init__(self) -> None:
        if self.labels is not None and self.judgments is not None:
            raise typer.BadParameter("--labels and --judgments both say what is relevant: give one of them")
