"""Evaluate: the metrics by all judgments, thresholds tried out on them, and what can be taken away."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse
from pydantic import BaseModel

from diptych.concept import concepts
from diptych.evaluation.metrics.figures import Figures, metric_names
from diptych.present.html.layout import answers
from diptych.result.assess import DEPTH
from diptych.thresholds.saved import Scale
from diptych.thresholds.threshold import Threshold
from diptych.web.background import AT_LAST, SOON, made
from diptych.web.judged_scores import JudgedPicture, JudgedRanking
from diptych.web.state import Evaluated, PageState
from diptych.web.templating import render, surroundings

Embedder = Annotated[str, Query(max_length=500, description="The embedder's name.")]
Value = Annotated[float, Query(ge=-1e6, le=1e6, allow_inf_nan=False, description="The threshold.")]


@dataclass(frozen=True, kw_only=True)
class TriedThreshold(Threshold):
    """A threshold tried out: what it does to the judged pictures, and those at its border."""

    above: list[JudgedPicture]
    below: list[JudgedPicture]


class Scores(BaseModel):
    """The scores of all judged pictures, best first, and thresholds worth a look."""

    embedder: str
    scale: Scale
    scores: list[float]
    relevant: list[bool]
    suggestions: dict[str, Threshold]


def router(state: PageState) -> APIRouter:
    """The addresses of this view."""
    routes = APIRouter()

    @routes.get("/evaluate", response_class=HTMLResponse)
    async def page() -> str:
        """The page, of the newest there is; where that is behind, its script brings it forward."""
        newest = await state.background.newest("said", state.said)
        said = Evaluated(ready=state.ready, asked=0) if newest.made is None else newest.made.get()
        return await run_in_threadpool(
            render,
            "evaluate.html",
            **surroundings(state, "evaluate"),
            index={name: index for index, name in enumerate(state.embedders)},
            ready=said.ready,
            relevance=said.relevance,
            together=answers(said.findings),
            asked=said.asked,
            behind=not newest.current,
            metrics=metric_names(DEPTH),
            concepts=concepts(Figures),
        )

    @routes.get("/api/scores")
    async def scores(embedder: Embedder, scale: Scale = "raw") -> Scores:
        """The scores of the judged pictures by one embedder."""
        ranking = await judged_ranking(state, embedder, scale)
        return Scores(
            embedder=embedder,
            scale=scale,
            scores=ranking.scores.tolist(),
            relevant=ranking.relevant.tolist(),
            suggestions=ranking.suggestions,
        )

    @routes.get("/api/threshold")
    async def threshold(embedder: Embedder, value: Value, scale: Scale = "raw") -> TriedThreshold:
        """Try a threshold out on the judged pictures."""
        ranking = await judged_ranking(state, embedder, scale)
        above, below = ranking.border(value)
        found = await run_in_threadpool(ranking.apply, value)
        figures = {field.name: getattr(found, field.name) for field in fields(found)}
        return TriedThreshold(**figures, above=above, below=below)

    return routes


async def judged_ranking(
    state: PageState, embedder: str, scale: Scale, *, wait: float = SOON
) -> JudgedRanking:
    """The judged pictures by one embedder: from the newest judgments, or from those of a moment ago.

    Args:
        state: The page.
        embedder: Its name.
        scale: "raw" for cosines, "z" for how far they stand above unrelated texts.
        wait: Seconds to wait for the newest, where there are others.

    Raises:
        DiptychError: The embedder is not ready, or has no z.
        HTTPException: There is no such embedder, or it takes too long.
    """
    if embedder not in state.embedders:
        raise HTTPException(404, "there is no such embedder")
    newest = await state.background.newest(
        ("ranking", embedder, scale),
        lambda: JudgedRanking(state, embedder, scale),
        wait=wait,
        first=AT_LAST,
    )
    return made(newest)
