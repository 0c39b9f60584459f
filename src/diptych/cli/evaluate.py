"""`evaluate`: which embedder ranks better, by what is relevant."""

from __future__ import annotations

from typing import Annotated

from diptych.cli.app import command
from diptych.cli.help import JUDGING, Panel
from diptych.cli.options import Contrast, JudgmentOptions, Planned, Setup, TextQueries
from diptych.cli.outputs import Outputs
from diptych.cli.spread import Without


@command(JUDGING)
def evaluate(
    setup: Setup,
    queries: TextQueries,
    relevance: JudgmentOptions,
    *,
    k: Annotated[
        int,
        Panel.OUTPUTS.option("-k", min=1, help="The depth of nDCG@k and others, and how many hits to keep."),
    ] = 10,
    contrast: Contrast = None,
    planned: Planned = None,
    outputs: Annotated[Outputs, Without("pictures")],
) -> None:
    """Say which embedder ranks better by what is relevant, how sure that is, and where to cut.

    Examples:
      diptych evaluate photos/ -e clip-ViT-L-14 -e palette --labels folder
      diptych evaluate photos/ -e clip-ViT-L-14 -e palette --report r.html
    """
    from diptych.queries import text_query

    outputs.check(setup.source)
    asked = [text_query(text) for text in queries.texts()]
    bench = setup.open_workbench()
    setup.announce_cost(bench, asked)
    comparison = bench.evaluate(
        asked,
        k,
        judgments=relevance.judgments,
        labels=relevance.labels,
        contrast=contrast or (),
        planned=planned or 0,
    )
    everything = [text_query(query.query) for query in comparison.queries]
    outputs.write(comparison, bench, everything, setup, rankings=False)
