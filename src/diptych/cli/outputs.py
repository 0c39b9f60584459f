"""Where a comparison goes: files, the terminal, the browser."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from diptych.cli.shared import check_place, make_console, note

if TYPE_CHECKING:
    from diptych.comparison import Workbench
    from diptych.queries import Query
    from diptych.result import Comparison


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """What was asked for.

    Attributes:
        json: A file for the JSON; `-` prints it instead of the rankings.
        report: A file for the report.
        export: A folder for other tools' files.
        plots: A folder for the figures.
        open: Whether to open the report.
        rankings: Whether to print every query's rankings.
    """

    json: str | None
    report: Path | None = None
    export: Path | None = None
    plots: Path | None = None
    open: bool = False
    rankings: bool = True

    def check(self) -> None:
        """Make sure that all can be written later, and make the folders.

        What would stop a run at its end stops it before anything is read or paid for.
        """
        if self.open and self.report is None:
            raise typer.BadParameter("--open opens a report: name it with --report PATH.html")
        if self.report is not None and str(self.report) == self.json:
            raise typer.BadParameter("--json and --report name the same file")
        for path in (self.report, Path(self.json) if self.json and self.json != "-" else None):
            check_place(path)
        if self.export is not None:
            from diptych.present.export import make_folders

            make_folders(self.export)
        if self.plots is not None:
            from diptych.present.plots import make_folder

            make_folder(self.plots)

    def write(
        self, comparison: Comparison, bench: Workbench, queries: Sequence[Query], *, quiet: bool
    ) -> None:
        """Write everything, files first: whoever reads the terminal's output may stop reading."""
        if self.json and self.json != "-":
            comparison.to_json(self.json)
        if self.report is not None:
            comparison.report(self.report)
            note(f"report: {self.report}", quiet)
        if self.plots is not None:
            comparison.plots(self.plots)
            note(f"plots: {self.plots}", quiet)
        if self.export is not None:
            self._export(comparison, bench, queries, self.export)
            note(f"files for other tools: {self.export}", quiet)
        self._print(comparison)
        if self.open and self.report is not None:
            typer.launch(self.report.resolve().as_uri())

    def _export(
        self, comparison: Comparison, bench: Workbench, queries: Sequence[Query], folder: Path
    ) -> None:
        from diptych.present.export import write_export

        answers = None if comparison.relevance is None else bench.answers(queries)
        write_export(comparison, bench.vectors(queries), folder, answers)

    def _print(self, comparison: Comparison) -> None:
        if self.json == "-":
            typer.echo(comparison.to_json(), nl=False)
            return
        from diptych.present.text import show, show_relevance

        if self.rankings:
            show(comparison, make_console())
        else:
            show_relevance(comparison, make_console())
