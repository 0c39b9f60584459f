"""What a comparison is made of: hits, what is said of each ranking and each pair of them, what it took.

Values only; nothing is computed here.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from diptych.analysis.agreement import Likeness, RankAgreement, SpaceAgreement
from diptych.analysis.null import EFFECT, Z
from diptych.analysis.separation import Separation
from diptych.analysis.stratification import Stratification
from diptych.analysis.summary import StratificationSummary
from diptych.concept import measured
from diptych.thresholds.passing import Passing


@dataclass(frozen=True, kw_only=True, slots=True)
class Hit:
    """One image in a ranking.

    Attributes:
        rank: From 1.
        image: Its name in the collection.
        id: The SHA-256 of its bytes, in hexadecimal.
        label: Its class, where the folder or the manifest gives one; of several the first.
        score: Cosine similarity to the query, -1 to 1.
        z: How far that stands above what unrelated texts (for a picture as query: other pictures) get on this
            image; None where there is no bank.
        caption: What a manifest says of it.
        aliases: Further names, of byte-identical copies.
        itself: Whether it is the query picture itself.
        labels: All its classes, where it has several.
    """

    rank: int
    image: str
    id: str
    label: str | None
    score: float
    z: float | None = measured(Z, default=None)
    caption: str | None = None
    aliases: tuple[str, ...] = ()
    itself: bool = False
    labels: tuple[str, ...] = ()

    @property
    def every_label(self) -> tuple[str, ...]:
        """All its classes, one or several."""
        return self.labels or (() if self.label is None else (self.label,))


@dataclass(frozen=True, kw_only=True)
class Curve:
    """The scores of one whole ranking, thinned where it is long.

    Attributes:
        ranks: From 1: all of the first, then evenly spaced ones, the last always.
        scores: The score at each.
    """

    ranks: tuple[int, ...]
    scores: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Disputed:
    """An image that two embedders rank differently for a query.

    Attributes:
        image: Its name.
        id: The SHA-256 of its bytes.
        rank_a: Its rank with the first embedder.
        rank_b: Its rank with the second.
    """

    image: str
    id: str
    rank_a: int
    rank_b: int


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """How far two embedders' rankings for one query agree.

    Attributes:
        a: The first embedder's name.
        b: The second's.
        figures: The figures.
        disputed: The images they disagree on most, first.
    """

    a: str
    b: str
    figures: RankAgreement
    disputed: tuple[Disputed, ...]


@dataclass(frozen=True, kw_only=True)
class Won:
    """An image on which a query beats all its rivals.

    Attributes:
        image: Its name.
        id: The SHA-256 of its bytes.
        label: Its class, where there is one.
        rank: Its rank in the query's own ranking.
        margin: How far the query stands above its best rival there: in z, without a bank in scores.
        rival: The best rival.
    """

    image: str
    id: str
    label: str | None
    rank: int
    margin: float
    rival: str


@dataclass(frozen=True, kw_only=True)
class ContrastResult:
    """A query set against its rivals, by one embedder.

    Attributes:
        rivals: The rivals' texts.
        looked_at: How many images the query or a rival matches; without a bank, all.
        wins: How many of these the query wins.
        rivals_from: The rank in the query's own ranking from which the rivals win; None where it wins to the
            end.
        lost_before: How many of these images it loses above that rank all the same.
        won_after: How many it wins from there on.
        won: The images that the query wins, by margin, the first k of them.
    """

    rivals: tuple[str, ...]
    looked_at: int
    wins: int
    rivals_from: int | None
    lost_before: int
    won_after: int
    won: tuple[Won, ...]


@dataclass(frozen=True, kw_only=True)
class QueryResult:
    """One query and the first hits of each embedder.

    Attributes:
        query: The text, or the name of the picture.
        kind: Which of the two.
        rankings: Hits by the embedder's name, best first.
        stratification: What each ranking does, by the embedder's name.
        curves: The scores of each whole ranking, by the embedder's name.
        agreement: How far each two embedders agree.
        contrast: The query against its rivals, by the embedder's name; empty where none were given.
        related: Texts of the null bank that share a word with this query, and were left out for it.
        findings: Sentences worth reading about these rankings.
        passing: How many pictures pass the threshold learned on other queries, by the embedder's name; left
            out where too few of these were judged.
        image_id: For a picture, the SHA-256 of its bytes.
        thumbnail: For a picture from outside the collection, a small JPEG as a `data:` URI.
    """

    query: str
    kind: Literal["text", "image"]
    rankings: dict[str, tuple[Hit, ...]]
    stratification: dict[str, Stratification] = field(default_factory=dict)
    curves: dict[str, Curve] = field(default_factory=dict)
    agreement: tuple[Agreement, ...] = ()
    contrast: dict[str, ContrastResult] = field(default_factory=dict)
    related: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    passing: dict[str, Passing] = field(default_factory=dict)
    image_id: str | None = None
    thumbnail: str | None = None


@dataclass(frozen=True, kw_only=True)
class Hub:
    """An image that ranks high for everything.

    Attributes:
        image: Its name.
        id: The SHA-256 of its bytes.
        label: Its class, where there is one.
        effect: How high it stands for unrelated texts.
    """

    image: str
    id: str
    label: str | None
    effect: float = measured(EFFECT)


@dataclass(frozen=True, kw_only=True, slots=True)
class NullBank:
    """What one embedder's text queries were compared with.

    Attributes:
        texts: How many texts the bank has; 0 where there is none.
        left_out: Texts that match something in the collection, and were left out for every query.
        unit: The standard deviation of the null scores, in scores; None without a bank.
        quantiles: The null distribution of z at 0, 1, … 100 %; empty without a bank.
        hubs: The images that rank high for everything, highest first.
        why_none: Why there is no bank, where there is none.
    """

    texts: int
    left_out: tuple[str, ...] = ()
    unit: float | None = None
    quantiles: tuple[float, ...] = ()
    hubs: tuple[Hub, ...] = ()
    why_none: str | None = None


@dataclass(frozen=True, kw_only=True)
class DisputedNeighbours:
    """An image that two embedders hold near to different images.

    Attributes:
        image: Its name.
        id: The SHA-256 of its bytes.
        unshared: 1 less the Jaccard index of its two neighbourhoods, 0 to 1.
    """

    image: str
    id: str
    unshared: float


@dataclass(frozen=True, kw_only=True)
class Spaces:
    """How far two embedders hold the same images alike, no query asked.

    Attributes:
        a: The first embedder's name.
        b: The second's.
        figures: The figures.
        disputed: The images whose neighbours differ most.
    """

    a: str
    b: str
    figures: SpaceAgreement
    disputed: tuple[DisputedNeighbours, ...]


Question = Literal["alike", "break", "better"]
"""Do they rank alike? Does a list break? Is one better?"""

_OF_PAIRS: tuple[Question, ...] = ("alike", "break")
"""The questions whose answers may be about two embedders."""


@dataclass(frozen=True)
class Finding:
    """An answer to one of the three questions over all queries; `str` gives the question with it.

    Attributes:
        question: Which; None for a sentence from a file that answers none of them.
        about: The embedders that the question names; none in "Is one better?". Two in "Does a list break?"
            where the answer compares their lists.
        text: The answer, in sentences.
    """

    question: Question | None
    about: tuple[str, ...]
    text: str

    def __str__(self) -> str:
        match self.question:
            case "alike":
                return f"Do {' and '.join(self.about)} rank alike? {self.text}"
            case "break" if len(self.about) > 1:
                return f"Do the lists of {' and '.join(self.about)} fall equally far? {self.text}"
            case "break":
                return f"Does the list of {' and '.join(self.about)} break? {self.text}"
            case "better":
                return f"Is one better? {self.text}"
        return self.text

    @classmethod
    def from_sentence(cls, sentence: str, names: Sequence[str]) -> Finding:
        """The finding that a saved sentence is, where the embedders have these names."""
        possible = [
            cls("better", (), ""),
            *(cls("break", (name,), "") for name in names),
            *(cls(asked, pair, "") for asked in _OF_PAIRS for pair in itertools.combinations(names, 2)),
        ]
        known = max(  # the longest: a name may hold what comes after another name
            (finding for finding in possible if sentence.startswith(str(finding))),
            key=lambda finding: len(str(finding)),
            default=cls(None, (), ""),
        )
        return replace(known, text=sentence.removeprefix(str(known)))


@dataclass(frozen=True, kw_only=True)
class Overall:
    """What holds over all queries.

    Attributes:
        stratification: Each embedder's rankings summed up, by its name.
        banks: The null bank, by the embedder's name; empty where no text was asked.
        spaces: How far each two spaces agree.
        findings: The answers to the three questions.
        likeness: How far each two embedders' rankings agree over the queries.
        separation: Who of each two separates its first pictures further.
    """

    stratification: dict[str, StratificationSummary] = field(default_factory=dict)
    banks: dict[str, NullBank] = field(default_factory=dict)
    spaces: tuple[Spaces, ...] = ()
    findings: tuple[Finding, ...] = ()
    likeness: tuple[Likeness, ...] = ()
    separation: tuple[Separation, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """What one embedder did for a comparison.

    Attributes:
        images_embedded: Pictures embedded now.
        images_from_store: Pictures whose vectors were there already.
        queries_embedded: Queries and rivals embedded now; the others were there already.
        bank_embedded: Texts of the null bank embedded now.
        seconds: Time spent embedding pictures, wall clock.
        dollars: What that is worth by the list price; 0 where it is free.
        dollars_sent: What was sent for it by the list price, what was sent again included, as a limit on cost
            counts it: it may have to be paid for. None where nobody counted.
    """

    images_embedded: int
    images_from_store: int
    queries_embedded: int
    seconds: float
    dollars: float
    bank_embedded: int = 0
    dollars_sent: float | None = None
