"""The JSON of what judgments say, there and back."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

from diptych.relevance.judgments import Judgments
from diptych.result.rebuilt import rebuilt
from diptych.result.relevance import Relevance


def relevance_to_dict(relevance: Relevance) -> dict[str, Any]:
    """What judgments say as plain data; the judgments themselves are left out."""
    saved = dataclasses.asdict(dataclasses.replace(relevance, judgments=Judgments()))
    del saved["judgments"]
    for contradiction in saved["contradictions"]:  # each judgment is about its query and image
        for said in contradiction["said"]:
            del said["query"], said["image"], said["blind"]
    for transfer in _transfers(saved):
        transfer["thresholds"] = [t if math.isfinite(t) else None for t in transfer["thresholds"]]
    return saved


def relevance_from_dict(saved: dict[str, Any]) -> Relevance:
    """What judgments said, from the data that was saved."""
    for transfer in _transfers(saved):  # JSON has no infinity: a threshold that keeps everything is null
        transfer["thresholds"] = [-math.inf if t is None else t for t in transfer["thresholds"]]
    for contradiction in saved["contradictions"]:
        about = {"query": contradiction["query"], "image": contradiction["id"]}
        contradiction["said"] = [about | one for one in contradiction["said"]]
    return rebuilt(Relevance, saved)


def _transfers(saved: dict[str, Any]) -> list[dict[str, Any]]:
    scales = [each[scale] for each in saved["thresholds"].values() for scale in ("raw", "z")]
    return [scale["transfer"] for scale in scales if scale is not None]
