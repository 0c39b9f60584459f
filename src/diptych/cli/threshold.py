"""`threshold`: where to cut an embedder's scores, learned from judgments."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from diptych.cli.app import command
from diptych.cli.help import JUDGING, Panel
from diptych.cli.options import JudgmentOptions, Setup, TextQueries
from diptych.cli.shared import check_place, make_console


@command(JUDGING)
def threshold(
    setup: Setup,
    queries: TextQueries,
    relevance: JudgmentOptions,
    scale: Annotated[
        Literal["raw", "z"],
        Panel.THRESHOLD.option(
            help="What to cut: scores as they are, or how far they stand above unrelated texts."
        ),
    ] = "raw",
    precision: Annotated[
        float | None,
        Panel.THRESHOLD.option(
            min=0, max=1, metavar="P", help="Promise this precision for new queries; by default best F1."
        ),
    ] = None,
    save: Annotated[
        Path | None, Panel.OUTPUTS.option(metavar="FILE", help="Write the threshold to a file for `filter`.")
    ] = None,
) -> None:
    """Learn from judgments at which score one embedder's hits stop being relevant.

    Examples:
      diptych threshold photos/ -e clip-ViT-L-14 --labels folder --save clip.json
      diptych threshold photos/ -e clip-ViT-L-14 -q wolf --precision 0.9
    """
    from diptych.present.terminal.threshold import show_threshold
    from diptych.thresholds.saved import save_threshold

    setup.check_one_embedder()
    check_place(save, ".json")
    asked = queries.texts()
    bench = setup.open_workbench()
    setup.announce_cost(bench, asked)
    learned = bench.learn_threshold(
        asked,
        judgments=relevance.judgments,
        labels=relevance.labels,
        scale=scale,
        precision=precision,
    )
    if save is not None and learned.threshold.value is not None:
        save_threshold(learned.saved(), save)
        setup.note(f"threshold: {save}")
    show_threshold(learned, make_console())
    if save is not None:
        learned.saved()  # says that there is none to save
