"""The command line: parse, call, print.

Results go to standard output, everything else to standard error. Exit status: 0 done, 1 failed with a reason
in one line, 2 wrong usage.
"""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from diptych.errors import DiptychError, DiptychWarning
from diptych.words import count, printable

if TYPE_CHECKING:
    from rich.console import Console

    from diptych.comparison import Workbench
    from diptych.estimate import Estimate
    from diptych.images import Limits
    from diptych.queries import Query
    from diptych.result import Comparison

app = typer.Typer(
    help="Compare multimodal image embedders side by side on your own pictures.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
emulate_app = typer.Typer(help="Run a stand-in for a hosted embedder on this machine.", no_args_is_help=True)
app.add_typer(emulate_app, name="emulate")

_UNCUT = 10_000  # columns
_INTERRUPTED = 130  # the exit status that a shell gives to Ctrl-C

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
Contrast = Annotated[
    list[str] | None,
    typer.Option(metavar="TEXT", help="A rival to set every text against; give it once for each."),
]


@app.callback(invoke_without_command=True)
def diptych(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Compare multimodal image embedders side by side on your own pictures."""
    if version:
        from importlib.metadata import version as version_of

        typer.echo(f"diptych {version_of('diptych')}")


@app.command()
def compare(
    source: Source,
    embedders: Specs,
    texts: Queries = None,
    queries: QueryFile = None,
    images: Pictures = None,
    k: Hits = 20,
    contrast: Contrast = None,
    each_other: Annotated[
        bool, typer.Option("--contrast-each-other", help="Set each text against the others.")
    ] = False,
    bank: Bank = None,
    json: Json = None,
    report: Annotated[Path | None, typer.Option(metavar="PATH.html", help="Write an HTML report.")] = None,
    export: Annotated[Path | None, typer.Option(metavar="DIR", help="Write files for other tools.")] = None,
    open_: Annotated[bool, typer.Option("--open", help="Open the report in the browser.")] = False,
    store: Store = None,
    max_cost: MaxCost = None,
    megapixels: Megapixels = 200,
    megabytes: Megabytes = 256,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Rank the pictures for each query by each embedder, side by side."""
    from diptych.images import Limits
    from diptych.present.export import make_folders, write_export

    asked = [*(texts or []), *(_lines(queries) if queries else [])]
    if not asked and not images:
        raise typer.BadParameter("nothing to search for: give -q TEXT, --queries FILE or --image PATH")
    if open_ and report is None:
        raise typer.BadParameter("--open opens a report: name it with --report PATH.html")
    if each_other and contrast:
        raise typer.BadParameter("--contrast names rivals, --contrast-each-other takes the queries: give one")
    # What would stop the run at its end, or soon, stops it before anything is read or paid for.
    _check_places(json, report)
    if export is not None:
        make_folders(export)
    everything = _queries(asked, images or [], Limits(megapixels, megabytes))
    bench = _workbench(source, embedders, store, max_cost, megapixels, megabytes, quiet, bank)
    if not quiet:
        _announce_cost(bench.estimate(everything))
    comparison = bench.compare(everything, k, contrast="each other" if each_other else contrast or ())
    # Files first: whoever reads the terminal's output may stop reading.
    _save_json(comparison, json)
    if report is not None:
        comparison.report(report)
        _note(f"report: {report}", quiet)
    if export is not None:
        write_export(comparison, bench.vectors(everything), export)
        _note(f"files for other tools: {export}", quiet)
    _print(comparison, json)
    if open_ and report is not None:
        typer.launch(report.resolve().as_uri())


@app.command()
def search(
    source: Source,
    query: Annotated[str, typer.Argument(metavar="QUERY", help="A text, or the path of a picture.")],
    embedders: Specs,
    k: Hits = 10,
    contrast: Contrast = None,
    bank: Bank = None,
    json: Json = None,
    store: Store = None,
    max_cost: MaxCost = None,
    megapixels: Megapixels = 200,
    megabytes: Megabytes = 256,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Rank the pictures for one query, in the terminal."""
    bench = _workbench(source, embedders, store, max_cost, megapixels, megabytes, quiet, bank)
    _check_places(json, None)
    found = bench.search(query, k, contrast=contrast or ())
    _save_json(found, json)
    _print(found, json)


@app.command()
def embed(
    source: Source,
    embedders: Specs,
    store: Store = None,
    max_cost: MaxCost = None,
    megapixels: Megapixels = 200,
    megabytes: Megabytes = 256,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Embed the pictures that are not embedded yet, and nothing else."""
    from diptych.present.text import show_filled

    bench = _workbench(source, embedders, store, max_cost, megapixels, megabytes, quiet)
    if not quiet:
        _announce_cost(bench.estimate())
    show_filled(bench.collection, bench.embed(), _console())


@app.command()
def estimate(
    source: Source,
    embedders: Specs,
    texts: Queries = None,
    queries: QueryFile = None,
    images: Pictures = None,
    bank: Bank = None,
    store: Store = None,
    megapixels: Megapixels = 200,
    megabytes: Megabytes = 256,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Say what a run would take: pictures to embed, calls, minutes, money. Nothing is sent."""
    from diptych.images import Limits
    from diptych.present.text import show_estimates

    asked = [*(texts or []), *(_lines(queries) if queries else [])]
    everything = _queries(asked, images or [], Limits(megapixels, megabytes))
    bench = _workbench(source, embedders, store, None, megapixels, megabytes, quiet, bank)
    show_estimates(bench.estimate(everything), _console())


@app.command()
def embedders(debug: Debug = False) -> None:
    """List the embedders: what there is, what each needs, licence, price, retirement date."""
    from diptych.embedders.cards import cards
    from diptych.present.text import show_cards

    show_cards(cards(), _console())


@app.command()
def doctor(store: Store = None, debug: Debug = False) -> None:
    """Say what works here and what is missing, with the line to run."""
    from diptych.doctor import examine
    from diptych.present.text import show_checks

    show_checks(examine(store), _console())


@emulate_app.callback()
def emulate() -> None:
    """Run a stand-in for a hosted embedder on this machine."""


@emulate_app.command("vertex")
def emulate_vertex(
    embedder: Annotated[
        str, typer.Option("--embedder", metavar="SPEC", help="Whose vectors it answers with.")
    ],
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free port.")] = 8765,
    latency: Annotated[float, typer.Option(min=0, metavar="SECONDS", help="Added to each call.")] = 0.0,
    error_rate: Annotated[float, typer.Option(min=0, max=1, help="The share of calls that fail.")] = 0.0,
    requests_per_minute: Annotated[
        float | None, typer.Option(min=0, help="Answer 429 above this rate; 0 is no limit, as by default.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Decides which calls fail.")] = 0,
    debug: Debug = False,
) -> None:
    """Vertex AI's multimodal embedding endpoint, on 127.0.0.1, without an account."""
    from diptych.embedders import load
    from diptych.emulators.vertex import VertexEmulator

    emulator = VertexEmulator(
        load(embedder),
        port=port,
        latency=latency,
        error_rate=error_rate,
        requests_per_minute=requests_per_minute or None,
        seed=seed,
    )
    typer.echo(f"Vertex's multimodal embedding endpoint, as {embedder} sees: {emulator.url} (Ctrl-C ends it)")
    typer.echo(
        f"  VERTEX_ACCESS_TOKEN=any diptych compare SOURCE -e 'vertex?project=any&endpoint={emulator.url}' …"
    )
    sys.stdout.flush()
    with contextlib.suppress(KeyboardInterrupt):
        emulator.serve_forever()


def main() -> None:
    """Run the command line; what goes wrong is said in one line, with --debug also in a traceback."""
    warnings.showwarning = _show_warning
    try:
        app(prog_name="diptych")
    except SystemExit as exit_:
        if exit_.code == _INTERRUPTED:
            _stop()
        raise
    except DiptychError as error:
        _fail(str(error))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader has gone: say no more
        sys.exit(1)
    except OSError as error:
        _fail(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}")
    except Exception as error:  # noqa: BLE001 (a person sees one line, and how to get the rest)
        _fail(f"unexpected {type(error).__name__}: {error} (run with --debug for the traceback)")


def _stop() -> NoReturn:
    """End after Ctrl-C: calls under way have been awaited, or Ctrl-C was pressed again."""
    typer.echo("diptych: stopped; what was embedded is stored, the same command goes on from here", err=True)
    sys.stdout.flush()
    os._exit(_INTERRUPTED)


def _fail(reason: str) -> None:
    if "--debug" in sys.argv:
        traceback.print_exc()
    typer.echo(f"diptych: {printable(' '.join(reason.split()))}", err=True)
    sys.exit(1)


def _show_warning(message: Warning | str, category: type[Warning], *_where: Any, **_also: Any) -> None:
    """Say our own warnings in one line, and leave other people's for --debug."""
    if issubclass(category, DiptychWarning) and "--quiet" not in sys.argv:
        typer.echo(f"note: {printable(str(message))}", err=True)


def _workbench(
    source: str,
    specs: list[str],
    store: Path | None,
    max_cost: float | None,
    megapixels: float,
    megabytes: float,
    quiet: bool,
    bank: Path | None = None,
) -> Workbench:
    from rich.console import Console

    from diptych.comparison import Workbench
    from diptych.images import Limits
    from diptych.present.progress import progress_for

    return Workbench(
        source,
        specs,
        store=store,
        limits=Limits(megapixels, megabytes),
        progress=progress_for(Console(stderr=True), quiet=quiet),
        max_cost=max_cost,
        bank=bank,
    )


def _queries(texts: Sequence[str], pictures: Sequence[Path], limits: Limits) -> list[Query]:
    """Texts stay texts on the command line, whatever they look like; --image says what is a picture."""
    from diptych.queries import image_query, text_query

    words = (text_query(text) for text in dict.fromkeys(texts))
    return [*words, *(image_query(path, limits) for path in dict.fromkeys(pictures))]


def _check_places(json: str | None, report: Path | None) -> None:
    """Make sure that the files can be written here later."""
    if report is not None and str(report) == json:
        raise typer.BadParameter("--json and --report name the same file")
    for path in (report, Path(json) if json and json != "-" else None):
        if path is not None and path.is_dir():
            raise DiptychError(f"can't write {path}: it is a folder")
        if path is not None and not (path.parent.is_dir() and os.access(path.parent, os.W_OK)):
            raise DiptychError(f"can't write {path}: there is no folder {path.parent} to write to")


def _save_json(comparison: Comparison, json: str | None) -> None:
    if json and json != "-":
        comparison.to_json(json)


def _lines(path: Path) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise DiptychError(f"can't read the queries {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DiptychError(f"the queries {path} are not UTF-8 text") from error
    return [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]


def _announce_cost(estimates: Sequence[Estimate]) -> None:
    for e in estimates:
        if e.dollars:
            sent = f"{count(e.images, 'picture')} and {count(e.texts, 'text')}"
            _note(f"{e.name}: {sent} to send, about ${e.dollars:.4f}", quiet=False)


def _print(comparison: Comparison, json: str | None) -> None:
    """Print the comparison, as JSON where that is asked for with a dash."""
    from diptych.present.text import show

    if json == "-":
        typer.echo(comparison.to_json(), nl=False)
    else:
        show(comparison, _console())


def _console() -> Console:
    """Standard output; where it is no terminal, as wide as the tables are, so that nothing is cut."""
    from rich.console import Console

    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = _UNCUT
    return console


def _note(words: str, quiet: bool) -> None:
    if not quiet:
        typer.echo(words, err=True)
