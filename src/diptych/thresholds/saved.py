"""A threshold saved for later runs, with what it was learned from and what to expect of it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from diptych.concept import measured
from diptych.embedders import EmbedderInfo
from diptych.errors import DiptychError
from diptych.tabular import check_ending, read_text, write_text
from diptych.text import printable
from diptych.thresholds.expected import Expected
from diptych.thresholds.threshold import KEPT_PRECISION, KEPT_RECALL, THRESHOLD, Promise, Threshold

Scale = Literal["raw", "z"]


class _Format(msgspec.Struct):
    diptych_threshold: Literal[1]


@dataclass(frozen=True, kw_only=True, slots=True)
class SavedThreshold:
    """A threshold for one embedder.

    Attributes:
        embedder: The embedder's name.
        fingerprint: Its fingerprint: scores of another model, or another revision, mean something else.
        scale: What it cuts: cosines as they are ("raw"), or how far they stand above unrelated texts ("z").
        queries: The queries that it was learned on.
        judgments: How many judgments it rests on.
        bank: What tells the null bank that z was measured against from others; empty on the raw scale.
        unjudged: How many pictures reached it that nobody had judged: precision says nothing of them.
        expected: What it is worth on a new query; None in files made before that was measured, which have
            Wilson's intervals over judgments instead.
        promise: What is promised of it, where anything is.
        spec: How the person wrote the embedder, without secrets; empty where that is not known. This and the
            name are for people: whose threshold it is, the fingerprint says.
    """

    embedder: str
    fingerprint: str
    scale: Scale
    queries: tuple[str, ...]
    judgments: int
    value: float = measured(THRESHOLD)
    precision: float | None = measured(KEPT_PRECISION)
    precision_interval: tuple[float, float] | None = measured(KEPT_PRECISION)
    recall: float | None = measured(KEPT_RECALL)
    recall_interval: tuple[float, float] | None = measured(KEPT_RECALL)
    bank: str = ""
    unjudged: int = 0
    expected: Expected | None = None
    promise: Promise | None = None
    spec: str = ""

    @classmethod
    def of(
        cls,
        found: Threshold,
        embedder: EmbedderInfo,
        scale: Scale,
        *,
        queries: Sequence[str],
        unjudged: int,
        bank: str,
    ) -> SavedThreshold:
        """A threshold that has a value, with what it does to the judged pictures.

        Args:
            found: The threshold.
            embedder: Whose scores it cuts.
            scale: What it cuts.
            queries: The queries that it was learned on.
            unjudged: How many pictures reach it that nobody judged.
            bank: What tells the null bank of z from others; empty on the raw scale.
        """
        if found.value is None:
            raise ValueError("there is no threshold to save")
        return cls(
            embedder=embedder.name,
            fingerprint=embedder.scoring,
            scale=scale,
            queries=tuple(queries),
            judgments=found.judged,
            value=found.value,
            precision=found.precision,
            precision_interval=found.precision_interval,
            recall=found.recall,
            recall_interval=found.recall_interval,
            bank=bank,
            unjudged=unjudged,
            expected=found.expected,
            promise=found.promise,
            spec=embedder.spec,
        )


def save_threshold(threshold: SavedThreshold, path: Path | str) -> None:
    """Write a threshold as JSON, for its owner alone: its queries may be nobody else's business.

    Raises:
        DiptychError: The file can't be written.
    """
    check_ending(Path(path), ".json")
    saved = {"diptych_threshold": 1, **dataclasses.asdict(threshold)}
    write_text(Path(path), json.dumps(saved, ensure_ascii=False, indent=1) + "\n", private=True)


def load_threshold(path: Path, fingerprint: str, bank: str = "") -> SavedThreshold:
    """Read a threshold for an embedder.

    Args:
        path: The file.
        fingerprint: The embedder's that it is to be used with.
        bank: What tells the null bank from others that z is measured against now.

    Raises:
        DiptychError: The file can't be read, holds no threshold, or one for another embedder or bank.
    """
    shown = printable(str(path))
    text = read_text(path)
    try:
        msgspec.json.decode(text, type=_Format)
        threshold = msgspec.json.decode(text, type=SavedThreshold)
    except (msgspec.DecodeError, RecursionError) as error:
        raise DiptychError(
            f"{shown} is not a threshold file: make one with `diptych threshold` ({error})"
        ) from error
    if threshold.fingerprint != fingerprint:
        raise DiptychError(
            f"{shown} is a threshold for {printable(threshold.spec or threshold.embedder)} as it was then"
            " (this is another model, revision or preprocessing, whose scores mean something else):"
            " learn it anew with `diptych threshold`"
        )
    if threshold.scale == "z" and threshold.bank != bank:
        raise DiptychError(
            f"{shown} is a threshold on z against another null bank: give the same --bank, or learn it anew"
        )
    return threshold
