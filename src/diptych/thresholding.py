"""A threshold learned from judgments: where one embedder's scores stop being of relevant pictures.

learned = learn_threshold(Workbench("photos/", ["clip-ViT-L-14"]), labels="folder")
learned.threshold.precision, learned.transfer.threshold_loss
save_threshold(learned.saved(), Path("threshold.json"))
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from diptych.bank import bank_mark
from diptych.comparison import Workbench
from diptych.embedders import Embedder, EmbedderInfo
from diptych.errors import DiptychError
from diptych.groundtruth import Labels, ground_truth
from diptych.queries import text_query
from diptych.relevance.judgments import Judgments
from diptych.relevance.threshold_file import SavedThreshold, Scale
from diptych.relevance.thresholds import Threshold, at_precision, best_f1
from diptych.relevance.transfer import Transfer, threshold_transfer
from diptych.view import Answers
from diptych.words import printable

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class LearnedThreshold:
    """A threshold with what it was learned from.

    Attributes:
        embedder: Whose scores it cuts.
        scale: What it cuts: cosines, or z.
        target: The precision that was asked for; None for the best F1.
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
        found = self.threshold
        if found.value is None:
            raise DiptychError(f"there is no threshold to save: {found.undefined['value']}")
        return SavedThreshold(
            embedder=self.embedder.name,
            fingerprint=self.embedder.scoring,
            scale=self.scale,
            queries=self.queries,
            judgments=self.judgments[0],
            value=found.value,
            precision=found.precision,
            precision_interval=found.precision_interval,
            recall=found.recall,
            recall_interval=found.recall_interval,
            bank=self.bank,
            unjudged=self.unjudged,
        )


def learn_threshold(
    bench: Workbench,
    queries: Sequence[str] = (),
    *,
    judgments: Judgments | str | Path | None = None,
    labels: Labels | None = None,
    scale: Scale = "raw",
    precision: float | None = None,
) -> LearnedThreshold:
    """Learn a threshold for the workbench's embedder, of which there must be one.

    Args:
        bench: The pictures and the embedder.
        queries: Whose judgments to learn from; by default those of every query that has any.
        judgments: What is relevant, or a file of it; by default what is in the store.
        labels: "folder", "captions" or a file from queries to labels, instead.
        scale: "raw" for cosines, "z" for how far they stand above unrelated texts.
        precision: The lowest threshold with at least this precision; by default the one with the best F1.

    Raises:
        DiptychError: There are no judgments, several embedders, no null bank for z, or as for `compare`.
    """
    info = only_embedder(bench).info
    truth = ground_truth(bench.collection, bench.store, queries, judgments, labels)
    asked = list(dict.fromkeys(queries or truth.queries))
    judged = [text_query(text) for text in asked if text in truth.queries]
    answers = bench.answers(judged) if judged else Answers((), (), ())
    cases = _judged(answers, info.name, truth.judgments)
    if not cases:
        raise DiptychError(
            f"nothing is judged of {printable(bench.collection.source)} that was asked: judge with"
            " `diptych judge`, or give --judgments or --labels"
        )
    everything: dict[Scale, list[Floats]] = {"raw": [case.raw for case in cases]}
    if (why := answers.why_no_z.get(info.name)) is None:
        everything["z"] = [case.z for case in cases]
    elif scale == "z":
        raise DiptychError(f"{printable(info.name)} has no z here, {why}: use the raw scale")
    scores = {
        each: [of_query[case.judged] for case, of_query in zip(cases, of_scale, strict=True)]
        for each, of_scale in everything.items()
    }
    relevant = [case.relevant for case in cases]
    pooled, wanted = np.concatenate(scores[scale]), np.concatenate(relevant)
    found = best_f1(pooled, wanted) if precision is None else at_precision(pooled, wanted, precision)
    return LearnedThreshold(
        embedder=info,
        scale=scale,
        target=precision,
        threshold=found,
        unjudged=_reaching(everything[scale], found.value) - found.kept,
        transfer={each: threshold_transfer(of_scale, relevant) for each, of_scale in scores.items()},
        queries=tuple(case.query for case in cases),
        judgments=(len(wanted), int(wanted.sum())),
        origin=truth.origin,
        notes=truth.notes,
        bank=bank_mark(bench.bank) if scale == "z" else "",
    )


def only_embedder(bench: Workbench) -> Embedder:
    """The workbench's embedder: a threshold means something to one alone.

    Raises:
        DiptychError: It has several.
    """
    if len(bench.embedders) > 1:
        raise DiptychError("a threshold holds for one embedder: name one, not several")
    return bench.embedders[0]


@dataclass(frozen=True)
class _Case:
    """One query: all pictures' scores on both scales, which are judged, and which of these are relevant."""

    query: str
    raw: Floats
    z: Floats
    judged: Bools
    relevant: Bools


def _judged(answers: Answers, name: str, judgments: Judgments) -> list[_Case]:
    """Every query that has judgments, by one embedder."""
    cases = []
    for query, by_name in zip(answers.queries, answers.by_name, strict=True):
        grades = judgments.grades(query.name)
        said = [grades.get(picture.id) for picture in answers.pictures]
        judged = np.array([grade is not None for grade in said], bool)
        relevant = np.array([grade > 0 for grade in said if grade is not None], bool)
        raw, z = by_name[name].scores.astype(np.float64), by_name[name].standing.z
        if judged.any():
            cases.append(_Case(query.name, raw, np.zeros(len(raw)) if z is None else z, judged, relevant))
    return cases


def _reaching(scores: Sequence[Floats], value: float | None) -> int:
    """How many scores of all queries reach a threshold; 0 where there is none."""
    return 0 if value is None else sum(int((of_query >= value).sum()) for of_query in scores)
