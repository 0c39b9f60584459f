"""A threshold learned from judgments: the score below which one embedder's pictures stop being relevant.

learned = Workbench("photos/", ["clip-ViT-L-14"]).learn_threshold(labels="folder")
learned.threshold.expected, learned.transfer["raw"].threshold_loss
save_threshold(learned.saved(), Path("threshold.json"))
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from diptych.embedders import EmbedderInfo
from diptych.errors import DiptychError
from diptych.judgments.groundtruth import GroundTruth
from diptych.queries import TextQuery
from diptych.retrieval.null_bank import bank_mark
from diptych.retrieval.searcher import Answers
from diptych.text import printable
from diptych.thresholds.best import best_threshold
from diptych.thresholds.judged_scores import judged_scores, unjudged_above
from diptych.thresholds.promise import at_precision
from diptych.thresholds.saved import SavedThreshold, Scale
from diptych.thresholds.threshold import Threshold
from diptych.thresholds.transfer import Transfer, threshold_transfer


@dataclass(frozen=True, kw_only=True)
class LearnedThreshold:
    """A threshold with what it was learned from.

    Attributes:
        embedder: Whose scores it cuts.
        scale: What it cuts: cosines, or z.
        target: The precision that was to be promised; None for the best F1.
        threshold: The threshold, without a value where there is none such.
        unjudged: How many pictures reach it, over the queries, that nobody judged: precision says nothing of
            them.
        transfer: How far a threshold with the best F1 on other queries does for a query, by scale; z is
            missing without a null bank.
        queries: The queries with judgments.
        judgments: How many judgments there are, and of these how many say relevant.
        origin: Where they come from, in words.
        notes: What could not be matched, in sentences.
        bank: What tells the null bank of z from others; empty for raw scores.
    """

    embedder: EmbedderInfo
    scale: Scale
    target: float | None
    threshold: Threshold
    unjudged: int
    transfer: dict[Scale, Transfer]
    queries: tuple[str, ...]
    judgments: tuple[int, int]
    origin: str
    notes: tuple[str, ...]
    bank: str

    def saved(self) -> SavedThreshold:
        """What is kept of it in a file.

        Raises:
            DiptychError: There is no such threshold.
        """
        if self.threshold.value is None:
            raise DiptychError(f"there is no threshold to save: {self.threshold.undefined['value']}")
        return SavedThreshold.of(
            self.threshold,
            self.embedder,
            self.scale,
            queries=self.queries,
            unjudged=self.unjudged,
            bank=self.bank,
        )


def learn_threshold(
    info: EmbedderInfo,
    answers: Answers,
    truth: GroundTruth,
    bank: Sequence[TextQuery],
    *,
    source: str,
    scale: Scale = "raw",
    precision: float | None = None,
) -> LearnedThreshold:
    """Learn a threshold for one embedder.

    Args:
        info: The embedder.
        answers: What it makes of the judged queries.
        truth: The judgments.
        bank: The texts that z is measured against.
        source: The collection as the person named it, for messages.
        scale: "raw" for cosines, "z" for how far they stand above unrelated texts.
        precision: The lowest threshold at which this precision can be promised; by default the best F1's.

    Raises:
        DiptychError: Nothing is judged, or there is no null bank for z.
    """
    cases = judged_scores(answers, info.name, truth.judgments)
    if not cases:
        raise DiptychError(
            f"nothing is judged of {printable(source)} that was asked: judge with `diptych judge`, or give"
            " --judgments or --labels"
        )
    scales: list[Scale] = ["raw"]
    if (why := answers.why_no_bank.get(info.name)) is None:
        scales.append("z")
    elif scale == "z":
        raise DiptychError(f"{printable(info.name)} has no z here, {why}: use the raw scale")
    scores = {each: [case.on(each)[case.judged] for case in cases] for each in scales}
    relevant = [case.relevant for case in cases]
    of_scale = scores[scale]
    found = (
        best_threshold(of_scale, relevant)
        if precision is None
        else at_precision(of_scale, relevant, precision)
    )
    return LearnedThreshold(
        embedder=info,
        scale=scale,
        target=precision,
        threshold=found,
        unjudged=0 if found.value is None else unjudged_above(cases, scale, found.value),
        transfer={each: threshold_transfer(scores[each], relevant) for each in scales},
        queries=tuple(case.query for case in cases),
        judgments=(sum(map(len, relevant)), int(sum(each.sum() for each in relevant))),
        origin=truth.origin,
        notes=truth.notes,
        bank=bank_mark(bank) if scale == "z" else "",
    )
