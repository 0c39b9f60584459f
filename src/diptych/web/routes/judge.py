"""Judge: pictures one by one, without saying who found them; and marks on hits, which are not blind."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Query
from fastapi.responses import HTMLResponse
from pydantic import BaseModel

from diptych.evaluation.sentences import verdict_clauses
from diptych.evaluation.significance import PairedComparison
from diptych.judgments.ledger import login_name
from diptych.result.assess import DEPTH
from diptych.store.judgment import GRADES
from diptych.web.background import SOON
from diptych.web.schemas import ImageId, Text
from diptych.web.state import PageState
from diptych.web.templating import render, surroundings


class Grades(BaseModel):
    """The grades that stand for a query, by image id."""

    text: str
    grades: dict[str, int]


class ToJudge(Grades):
    """What there is to judge for a query; the first so many are enough for an estimate of which is better."""

    pictures: list[str]
    first: int


class Judgeable(BaseModel):
    """A query, and how many pictures were judged for it."""

    text: str
    judged: int
    relevant: int


class Pair(BaseModel):
    """Two embedders compared by the judgments, over queries; `sentence` is the verdict within a sentence."""

    a: str
    b: str
    metric: str
    queries: int
    wins: int
    ties: int
    losses: int
    difference: float | None
    interval: tuple[float, float] | None
    confidence: float
    needed: tuple[int, int] | None
    verdict: str
    sentence: str
    sentences: list[str]


class Verdict(BaseModel):
    """Is one better? `sentences` say it, `pairs` hold the figures.

    It is of the newest judgments where it is `current`; otherwise of those that were there before the last
    `behind`, and being brought up to date. `left_out` says which texts an embedder has no vector of.
    """

    judged: int = 0
    queries: int = 0
    sentences: list[str] = []
    pairs: list[Pair] = []
    current: bool = True
    behind: int = 0
    left_out: str = ""


def router(state: PageState) -> APIRouter:
    """The addresses of this view."""
    routes = APIRouter()
    by = login_name()

    @routes.get("/judge", response_class=HTMLResponse)
    def page() -> str:
        """The page."""
        return render("judge.html", **surroundings(state, "judge"))

    @routes.get("/api/queries")
    def queries() -> list[Judgeable]:
        """The texts that can be judged."""
        said = state.truth().judgments
        return [
            Judgeable(text=text, judged=len(said.grades(text)), relevant=len(said.relevant(text)))
            for text in state.texts()
        ]

    @routes.get("/api/pool")
    def pool(text: Annotated[Text, Query()], k: Annotated[int, Query(ge=1, le=100)] = DEPTH) -> ToJudge:
        """What any embedder has among its first k, and a few from below, in an order that tells nothing."""
        pooled = state.pool(text, k)
        return ToJudge(
            text=text, grades=_grades(state, text), pictures=list(pooled.images), first=len(pooled.first)
        )

    @routes.get("/api/judgments")
    def judgments(text: Annotated[Text, Query()]) -> Grades:
        """The judgments that stand for a query."""
        return Grades(text=text, grades=_grades(state, text))

    @routes.post("/api/judgments")
    def judge(
        text: Annotated[Text, Body()],
        picture: Annotated[ImageId, Body()],
        grade: Annotated[int | None, Body(ge=0, le=GRADES[-1])],
        blind: Annotated[bool, Body()] = False,
    ) -> Grades:
        """Keep a judgment; without a grade take the last one back. It is on disk when this answers."""
        state.bench.judge(text, picture, grade, by=by, blind=blind)
        return Grades(text=text, grades=_grades(state, text))

    @routes.get("/api/verdict")
    async def say(wait: Annotated[float, Query(ge=0, le=60)] = SOON) -> Verdict:
        """Is one better, by all judgments? So many seconds are waited for what the newest make of it."""
        newest = await state.background.newest("said", state.said, wait=wait, first=wait)
        said = None if newest.made is None else newest.made.get()
        found = None if said is None else said.relevance
        verdict = Verdict(
            current=newest.current,
            behind=newest.behind,
            left_out="" if said is None else said.left_out,
        )
        if found is not None:
            verdict.judged = len(found.judgments)
            verdict.queries = sum(query.relevant + query.irrelevant > 0 for query in found.queries)
            verdict.sentences = list(found.verdicts)
            verdict.pairs = [_pair(pair) for pair in found.decisive]
        return verdict

    return routes


def _grades(state: PageState, text: str) -> dict[str, int]:
    return state.truth([text]).judgments.grades(text)


def _pair(pair: PairedComparison) -> Pair:
    clauses = verdict_clauses(pair)
    return Pair(
        a=pair.a,
        b=pair.b,
        metric=pair.metric,
        queries=pair.queries,
        wins=pair.wins,
        ties=pair.ties,
        losses=pair.losses,
        difference=pair.difference,
        interval=pair.interval,
        confidence=pair.confidence,
        needed=pair.needed_range,
        verdict=pair.verdict,
        sentence=str(clauses[0]),
        sentences=[clause.sentence for clause in clauses],
    )
