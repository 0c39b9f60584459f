"""How far embedding is, what it cost, and the budget."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, Field

from diptych.text import printable
from diptych.web.indexing import State
from diptych.web.state import PageState


class EmbedderStatus(BaseModel):
    """One embedder at work."""

    name: str
    state: State
    done: int
    total: int
    asks: float
    spent: float
    reason: str
    complaint: Annotated[str, Field(description="Why it looks broken, by a few things that were tried.")]
    refused: int
    bank_done: Annotated[int, Field(description="Null texts embedded, once a first text was answered.")]
    bank_total: Annotated[int, Field(description="Null texts to embed then.")]
    price_per_query: Annotated[float, Field(description="About what a text costs, US dollars by list price.")]


class Status(BaseModel):
    """All of them; `version` grows whenever there is more to rank."""

    version: int
    ranked: int
    images: int
    spent: float
    allowed: float
    embedders: list[EmbedderStatus]


class Allowance(BaseModel):
    """How much may be spent in all."""

    dollars: Annotated[float, Field(ge=0, le=1_000_000)]


class Again(BaseModel):
    """Which embedder is to try again."""

    embedder: str


def router(state: PageState) -> APIRouter:
    """The addresses of this view."""
    routes = APIRouter()

    @routes.get("/api/state")
    def status() -> Status:
        """How far the embedders are."""
        return _status(state)

    @routes.post("/api/allow")
    def allow(allowance: Allowance) -> Status:
        """Let embedders that cost spend so much in all; what was allowed before is never taken back."""
        state.budget.allow(allowance.dollars)
        state.start()
        return _status(state)

    @routes.post("/api/embed")
    def embed(again: Again) -> Status:
        """Let an embedder that stopped go on."""
        if again.embedder not in state.indexers:
            raise HTTPException(404, f"there is no embedder {printable(again.embedder)}")
        state.indexers[again.embedder].start()
        return _status(state)

    return routes


def _status(state: PageState) -> Status:
    return Status(
        version=state.version,
        ranked=len(state.snapshot().pictures),
        images=len(state.collection),
        spent=float(round(state.budget.spent(), 6)),
        allowed=float(state.budget.allowed),
        embedders=[
            EmbedderStatus(
                name=name,
                state=indexer.indexing.state,
                done=indexer.indexing.done,
                total=indexer.indexing.total,
                asks=round(indexer.indexing.asks, 6),
                spent=float(round(state.budget.spent(name), 6)),
                reason=printable(indexer.indexing.reason),
                complaint=printable(indexer.complaint),
                refused=len(indexer.indexing.refused),
                bank_done=indexer.indexing.bank_done,
                bank_total=indexer.indexing.bank_total,
                price_per_query=float(state.queues[name].typical_price),
            )
            for name, indexer in state.indexers.items()
        ],
    )
