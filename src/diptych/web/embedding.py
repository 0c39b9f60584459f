"""Embedding in view: how far each embedder is, what it cost, and leave to spend more."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, Field

from diptych.web.filling import State
from diptych.web.site import Site
from diptych.words import printable


class EmbedderState(BaseModel):
    """One embedder at work."""

    name: str
    state: State
    done: int
    total: int
    asks: float
    spent: float
    reason: str
    complaint: Annotated[str, Field(description="Why it can't be right, by a few things that were tried.")]
    refused: int
    price_per_query: Annotated[float, Field(description="About what a text costs, US dollars by list price.")]


class SiteState(BaseModel):
    """All of them; `version` grows whenever there is more to rank."""

    version: int
    ranked: int
    images: int
    spent: float
    allowed: float
    embedders: list[EmbedderState]


class Leave(BaseModel):
    """Leave to spend so much in all."""

    dollars: Annotated[float, Field(ge=0, le=1_000_000)]


class Again(BaseModel):
    """Which embedder is to try again."""

    embedder: str


def router(site: Site) -> APIRouter:
    """The addresses of this view."""
    routes = APIRouter()

    @routes.get("/api/state")
    def state() -> SiteState:
        """How far the embedders are."""
        return _state(site)

    @routes.post("/api/allow")
    def allow(leave: Leave) -> SiteState:
        """Let embedders that cost spend so much in all; what was allowed before is never taken back."""
        site.purse.allow(leave.dollars)
        site.start()
        return _state(site)

    @routes.post("/api/embed")
    def embed(again: Again) -> SiteState:
        """Let an embedder that stopped go on."""
        if again.embedder not in site.fillers:
            raise HTTPException(404, f"no embedder is called {printable(again.embedder)}")
        site.fillers[again.embedder].start()
        return _state(site)

    return routes


def _state(site: Site) -> SiteState:
    return SiteState(
        version=site.version,
        ranked=len(site.snapshot().pictures),
        images=len(site.collection),
        spent=round(site.purse.spent(), 6),
        allowed=site.purse.allowed,
        embedders=[
            EmbedderState(
                name=name,
                state=filler.filling.state,
                done=filler.filling.done,
                total=filler.filling.total,
                asks=round(filler.filling.asks, 6),
                spent=round(site.purse.spent(name), 6),
                reason=printable(filler.filling.reason),
                complaint=printable(filler.complaint),
                refused=len(filler.filling.refused),
                price_per_query=site.askers[name].typical_price,
            )
            for name, filler in site.fillers.items()
        ],
    )
