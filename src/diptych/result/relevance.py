"""What judgments say of a comparison: metrics, who is better, where to cut. Values only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from diptych.evaluation.abstention import Abstention
from diptych.evaluation.complementarity import Complementarity
from diptych.evaluation.drawn import estimated_metric
from diptych.evaluation.metrics.figures import DECIDES, Figures, Mean, metric_names
from diptych.evaluation.significance import PairedComparison
from diptych.judgments.judgments import Contradiction, Judgments
from diptych.thresholds.threshold import Threshold
from diptych.thresholds.transfer import Transfer


@dataclass(frozen=True, kw_only=True)
class QueryRelevance:
    """What judgments say of one query.

    Attributes:
        query: The text, or the name of the picture.
        relevant: How many of the ranked pictures are relevant.
        irrelevant: How many are judged irrelevant.
        unjudged: How many nobody judged.
        unjudged_first: How many of the embedders' first k nobody judged.
        figures: The metrics, by the embedder's or the fusion's name.
        grades: The grades of the pictures that are among the hits, by id; those that nobody judged left out.
    """

    query: str
    relevant: int
    irrelevant: int
    unjudged: int
    unjudged_first: int
    figures: dict[str, Figures]
    grades: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class OnScale:
    """Thresholds on one scale.

    Attributes:
        best_f1: The threshold with the best F1 on these judgments.
        transfer: How far a threshold learned on other queries does for a query.
    """

    best_f1: Threshold
    transfer: Transfer


@dataclass(frozen=True, kw_only=True, slots=True)
class Thresholds:
    """One embedder's thresholds.

    Attributes:
        raw: On cosine similarities.
        z: On how far images stand above unrelated texts; None without a null bank.
        why_no_z: Why there is none.
    """

    raw: OnScale
    z: OnScale | None = None
    why_no_z: str | None = None


@dataclass(frozen=True, kw_only=True)
class Relevance:
    """What judgments say of a comparison.

    Attributes:
        origin: Where the judgments come from, in words.
        k: The depth of the metrics that have one.
        fusions: The names of the fused rankings, which stand beside the embedders in `figures` and `means`.
        queries: Each query asked, in order.
        means: The metrics' means over the queries, by the embedder's or the fusion's name.
        comparisons: Each two embedders by each metric.
        verdicts: The answer to "is one better?" in sentences, by nDCG at k.
        complementarity: Who found the relevant pictures among the first k.
        thresholds: By the embedder's name.
        abstention: Whether an embedder's confident queries are its good ones, by its name.
        contradictions: Pictures that were given different grades for one query.
        notes: What could not be matched or judged, in sentences.
        options: What gives the command line these judgments; empty for those in the store.
        judgments: The judgments themselves, of the ranked pictures; not saved.
    """

    origin: str
    k: int
    fusions: tuple[str, ...]
    queries: tuple[QueryRelevance, ...]
    means: dict[str, dict[str, Mean]]
    comparisons: tuple[PairedComparison, ...]
    verdicts: tuple[str, ...]
    complementarity: Complementarity
    thresholds: dict[str, Thresholds]
    abstention: dict[str, Abstention]
    contradictions: tuple[Contradiction, ...]
    notes: tuple[str, ...]
    options: tuple[str, ...] = ()
    judgments: Judgments = field(default_factory=Judgments, compare=False, repr=False)

    @property
    def decisive(self) -> tuple[PairedComparison, ...]:
        """Each two embedders by the metric that the verdicts rest on."""
        return decisive(self.comparisons, self.k)


def decisive(comparisons: Sequence[PairedComparison], k: int) -> tuple[PairedComparison, ...]:
    """Each two embedders by the metric that decides: DCG@k where it had to be estimated, else nDCG@k."""
    estimated = {(each.a, each.b): each for each in comparisons if each.metric == estimated_metric(k)}
    whole = (each for each in comparisons if each.metric == metric_names(k)[DECIDES])
    return tuple(estimated.get((each.a, each.b), each) for each in whole)
