"""Compare: ask every embedder, look at what came of it, save it."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Query
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, Field

from diptych.embedders.budget import OverBudget
from diptych.errors import DiptychError
from diptych.present.html.layout import columns, figures
from diptych.present.html.report import parts
from diptych.queries import Query as Queried
from diptych.result import Comparison
from diptych.text import printable
from diptych.web.schemas import Ask
from diptych.web.state import PageState
from diptych.web.templating import ByAddress, render, surroundings

_FEW = 24
"""How many pictures are shown before anything is asked."""


class Search(Ask):
    """A query, and whom to ask it."""

    embedders: list[str] | None = None
    live: Annotated[bool, Field(description="Ask for nothing that costs.")] = False
    keep: Annotated[bool, Field(description="Put it into the history.")] = False


class Look(Ask):
    """A query, and how to look at what came of it."""

    view: Literal["list", "gallery"] = "list"


class FoundHit(BaseModel):
    """One picture of a ranking."""

    rank: int
    image: str
    id: str
    label: str | None
    score: float


class Answered(BaseModel):
    """What came of asking one embedder."""

    state: Literal["answered", "failed", "waits", "asks", "empty"]
    hits: list[FoundHit] = []
    reason: str = ""
    dollars: float = 0.0
    seconds: float = 0.0


class Found(BaseModel):
    """What came of a search, by the embedder's name."""

    query: str
    answers: dict[str, Answered]


def router(state: PageState) -> APIRouter:
    """The addresses of this view."""
    routes = APIRouter()

    @routes.get("/", response_class=HTMLResponse)
    def page() -> str:
        """The page."""
        return render(
            "compare.html", **surroundings(state, "compare"), some=some_pictures(state), figures=figures()
        )

    @routes.post("/api/search")
    async def search(search: Search) -> Found:
        """Ask embedders, by default all, and give the first hits; each answers for itself."""
        names = list(state.embedders) if search.embedders is None else search.embedders
        if unknown := set(names) - set(state.embedders):
            raise HTTPException(404, f"there is no embedder {printable(min(unknown))}")
        query = await run_in_threadpool(state.query, search.text, search.picture)
        if search.keep:
            state.history.add(query)
        answers = await asyncio.gather(*(_answer(state, name, query, search) for name in names))
        return Found(query=query.name, answers=dict(zip(names, answers, strict=True)))

    @routes.get("/api/comparison")
    def comparison(ask: Annotated[Ask, Query()]) -> dict[str, Any]:
        """What the embedders that have answered make of a query, described as in a saved comparison."""
        described = _described(state, ask)
        if described is None:
            raise HTTPException(
                404,
                "no embedder has answered this query yet: POST it to /api/search first"
                " (/api/state says whether pictures are still being embedded)",
            )
        return described.to_dict()

    @routes.get("/answer", response_class=HTMLResponse)
    def answer(ask: Annotated[Look, Query()]) -> str:
        """The same as a part of the page."""
        described = _described(state, ask)
        if described is None:
            return render("waiting.html", names=list(state.embedders))
        query, pieces = described.queries[0], parts(described, ByAddress(state.pictures))
        cols = columns(query, pieces["names"])
        shown = {"number": 1, "query": query, "cols": cols, "label": ask.label, "view": ask.view}
        shown["pending"] = query.rankings.keys() - query.stratification.keys()
        return render("answer.html", **shown, **pieces) + render("fairness.html", **pieces)

    return routes


def some_pictures(state: PageState) -> list[Any]:
    """A few pictures, evenly spaced over the collection."""
    pictures = state.collection.pictures
    return (
        [pictures[place * len(pictures) // _FEW] for place in range(_FEW)]
        if len(pictures) > _FEW
        else list(pictures)
    )


def _described(state: PageState, ask: Ask) -> Comparison | None:
    query = state.query(ask.text, ask.picture)
    described = state.compare(query, ask.rivals, ask.k, ask.label)
    if described is not None and ask.label is None:
        state.history.note(query, described.queries[0])
    return described


async def _answer(state: PageState, name: str, query: Queried, search: Search) -> Answered:
    """Ask one embedder and wait for it; what goes wrong with it is its answer."""
    start = time.perf_counter()
    try:
        ticket = await run_in_threadpool(state.queues[name].ask, [query, *search.rivals], live=search.live)
        if ticket.answered is None:
            return Answered(state="waits", dollars=float(ticket.dollars))
        await asyncio.wrap_future(ticket.answered)
        hits = await run_in_threadpool(_hits, state, name, query, search)
    except OverBudget as over:
        return Answered(state="asks", reason=str(over), dollars=float(over.dollars))
    except DiptychError as error:
        return Answered(state="failed", reason=printable(str(error)), seconds=_since(start))
    return Answered(state="answered" if hits else "empty", hits=hits, seconds=_since(start))


def _hits(state: PageState, name: str, query: Queried, search: Search) -> list[FoundHit]:
    snapshot = state.snapshot(search.label)
    unit = state.queues[name].vector(query)
    if name not in snapshot.searchers or unit is None:
        return []
    found = snapshot.searchers[name].first(unit, search.k)
    rows = [snapshot.pictures[row] for row in found.rows]
    return [
        FoundHit(rank=rank, image=p.name, id=p.id, label=p.label, score=float(str(score)))
        for rank, (p, score) in enumerate(zip(rows, found.scores, strict=True), start=1)
    ]


def _since(start: float) -> float:
    return round(time.perf_counter() - start, 4)
