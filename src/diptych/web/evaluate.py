"""Evaluate: the metrics by all judgments, thresholds tried out on them, and what can be taken away."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import HTMLResponse
from pydantic import BaseModel

from diptych.assessment import DEPTH
from diptych.concept import concepts
from diptych.relevance.metrics.figures import Figures, metric_names
from diptych.relevance.thresholds import Threshold
from diptych.web.compare import surroundings
from diptych.web.cutting import Cutting, Judged
from diptych.web.pages import render
from diptych.web.site import Site

Embedder = Annotated[str, Query(max_length=500, description="The embedder's name.")]
Scale = Literal["raw", "z"]
Value = Annotated[float, Query(ge=-1e6, le=1e6, allow_inf_nan=False, description="The threshold.")]


class Effect(BaseModel):
    """What a threshold does to the judged pictures; a figure that is undefined is null, with the reason."""

    value: float | None
    f1: float | None
    precision: float | None
    precision_interval: tuple[float, float] | None
    recall: float | None
    recall_interval: tuple[float, float] | None
    kept: int
    judged: int
    undefined: dict[str, str]


class Bordering(BaseModel):
    """A judged picture near a threshold."""

    text: str
    picture: str
    score: float
    relevant: bool


class Tried(Effect):
    """A threshold tried out: what it does, and the pictures at its border."""

    above: list[Bordering]
    below: list[Bordering]


class Scores(BaseModel):
    """The scores of all judged pictures, best first, and thresholds worth a look."""

    embedder: str
    scale: Scale
    scores: list[float]
    relevant: list[bool]
    suggestions: dict[str, Effect]


def router(site: Site) -> APIRouter:
    """The addresses of this view."""
    routes = APIRouter()

    @routes.get("/evaluate", response_class=HTMLResponse)
    def page() -> str:
        """The page."""
        return render(
            "evaluate.html",
            **surroundings(site, "evaluate"),
            index={name: index for index, name in enumerate(site.embedders)},
            ready=site.ready,
            relevance=site.relevance(),
            metrics=metric_names(DEPTH),
            concepts=concepts(Figures),
        )

    @routes.get("/api/scores")
    def scores(embedder: Embedder, scale: Scale = "raw") -> Scores:
        """The scores of the judged pictures by one embedder."""
        cutting = _cutting(site, embedder, scale)
        return Scores(
            embedder=embedder,
            scale=scale,
            scores=cutting.scores.tolist(),
            relevant=cutting.relevant.tolist(),
            suggestions={name: _effect(found) for name, found in cutting.suggestions().items()},
        )

    @routes.get("/api/threshold")
    def threshold(embedder: Embedder, value: Value, scale: Scale = "raw") -> Tried:
        """Try a threshold out on the judged pictures."""
        cutting = _cutting(site, embedder, scale)
        above, below = cutting.border(value)
        effect = _effect(cutting.apply(value)).model_dump()
        return Tried(
            **effect, above=[_bordering(one) for one in above], below=[_bordering(one) for one in below]
        )

    return routes


def _cutting(site: Site, embedder: str, scale: Scale) -> Cutting:
    if embedder not in site.embedders:
        raise HTTPException(404, "no embedder is called that")
    return Cutting(site, embedder, scale)


def _effect(found: Threshold) -> Effect:
    return Effect(
        value=found.value,
        f1=found.f1,
        precision=found.precision,
        precision_interval=found.precision_interval,
        recall=found.recall,
        recall_interval=found.recall_interval,
        kept=found.kept,
        judged=found.judged,
        undefined=found.undefined,
    )


def _bordering(one: Judged) -> Bordering:
    return Bordering(text=one.text, picture=one.picture, score=one.score, relevant=one.relevant)
