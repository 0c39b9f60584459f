"""Where a comparison goes: files, the terminal, the browser."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from diptych.cli.help import Panel
from diptych.cli.shared import check_folder, check_place, make_console

if TYPE_CHECKING:
    from diptych.cli.options import Setup
    from diptych.present.terminal.picture import Screen
    from diptych.queries import Askable
    from diptych.result import Comparison
    from diptych.workbench import Workbench

InsideSource = Annotated[
    bool,
    Panel.OUTPUTS.option(
        "--inside-source", help="Let a new folder of outputs lie inside SOURCE; it is not read as pictures."
    ),
]


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """What was asked for beside the tables in the terminal."""

    json: Annotated[
        str | None,
        Panel.OUTPUTS.option(metavar="PATH|-", help="Write the comparison as JSON; `-` prints it instead."),
    ] = None
    report: Annotated[
        Path | None, Panel.OUTPUTS.option(metavar="PATH.html", help="Write an HTML report.")
    ] = None
    export: Annotated[
        Path | None, Panel.OUTPUTS.option(metavar="DIR", help="Write files for other tools.")
    ] = None
    plots: Annotated[
        Path | None,
        Panel.OUTPUTS.option(metavar="DIR", help="Draw each query's figures, as SVG and PNG."),
    ] = None
    inside_source: InsideSource = False
    open: Annotated[bool, Panel.OUTPUTS.option("--open", help="Open the report in the browser.")] = False
    full: Annotated[
        bool,
        Panel.OUTPUTS.option("--full", help="Print every hit, figure and finding, not the answers alone."),
    ] = False

    pictures: Annotated[
        bool,
        Panel.OUTPUTS.option(
            "--pictures", help="Show the first pictures of each ranking, in a terminal that can show any."
        ),
    ] = False

    def check(self, source: str) -> None:
        """Make sure that all can be written later, and make the folders; none among the pictures of `source`.

        What would stop a run at its end stops it before anything is read or paid for.
        """
        from diptych.result.comparison import REPORT_ENDINGS

        if self.open and self.report is None:
            raise typer.BadParameter("--open opens a report: name it with --report PATH.html")
        if self.report is not None and str(self.report) == self.json:
            raise typer.BadParameter("--json and --report name the same file")
        check_place(self.report, *REPORT_ENDINGS)
        check_place(Path(self.json) if self.json and self.json != "-" else None, ".json")
        for option, folder in (("--export", self.export), ("--plots", self.plots)):
            check_folder(option, folder, source, inside=self.inside_source)
        if self.export is not None:
            from diptych.present.files.export import make_folders

            make_folders(self.export)
        if self.plots is not None:
            from diptych.present.files.plots import make_folder

            make_folder(self.plots)

    def write(
        self,
        comparison: Comparison,
        bench: Workbench,
        queries: Sequence[Askable],
        setup: Setup,
        *,
        rankings: bool = True,
        rows: int | None = None,
    ) -> None:
        """Write everything, files first: whoever reads the terminal's output may stop reading.

        Args:
            comparison: What came of it.
            bench: Where the vectors for the export are.
            queries: Whose vectors to export.
            setup: Says whether to note what is written.
            rankings: Whether to print every query's rankings.
            rows: How many hits of each to print; by default as many as can be looked over.
        """
        if self.json and self.json != "-":
            comparison.to_json(self.json)
        if self.report is not None:
            comparison.report(self.report)
            setup.note(f"report: {self.report}")
        if self.plots is not None:
            comparison.plots(self.plots)
            setup.note(f"plots: {self.plots}")
        if self.export is not None:
            self._export(comparison, bench, queries, self.export)
            setup.note(f"files for other tools: {self.export}")
        self._print(comparison, setup, rankings=rankings, rows=rows)
        if self.open and self.report is not None:
            typer.launch(self.report.resolve().as_uri())

    def _export(
        self, comparison: Comparison, bench: Workbench, queries: Sequence[Askable], folder: Path
    ) -> None:
        from diptych.present.files.export import write_export

        answers = None if comparison.relevance is None else bench.answers(queries)
        write_export(comparison, bench.vectors(queries), folder, answers)

    def _print(self, comparison: Comparison, setup: Setup, *, rankings: bool, rows: int | None) -> None:
        if self.json == "-":
            typer.echo(comparison.to_json(), nl=False)
            return
        from diptych.present.terminal.rankings import show, show_relevance

        if rankings:
            screen = self._screen(setup) if self.pictures else None
            show(comparison, make_console(), full=self.full, rows=rows, screen=screen)
        else:
            show_relevance(comparison, make_console(), full=self.full)

    def _screen(self, setup: Setup) -> Screen | None:
        """How the terminal shows pictures; where it can't, that is said."""
        from diptych.cli.screen import find_screen

        screen = find_screen()
        if screen is None:
            setup.note(
                "this terminal can't show pictures: --report PATH.html does, and so does `diptych serve` in a"
                " browser"
            )
        return screen
