"""What was asked here: the history, and a report of it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, Response

from diptych.queries import Query as Asked
from diptych.web.background import FOR_A_FILE, made
from diptych.web.history import PastQuery
from diptych.web.saved_report import saved_report
from diptych.web.schemas import Ask
from diptych.web.state import PageState


def router(state: PageState) -> APIRouter:
    """The addresses of this view."""
    routes = APIRouter()

    @routes.get("/api/history")
    def history() -> list[PastQuery]:
        """What was asked here, latest first."""
        return state.history.entries()

    @routes.get("/report", response_class=HTMLResponse)
    async def report(ask: Annotated[Ask, Query()]) -> Response:
        """This query and what else was asked, as one file that can be sent: below 5 MB."""
        name = {"Content-Disposition": 'attachment; filename="diptych-report.html"'}
        queries = await run_in_threadpool(_asked, state, ask)
        what = ("report", *(query.key for query in queries), *ask.rivals, ask.k)
        newest = await state.reports.newest(
            what, lambda: saved_report(state, queries, ask.rivals, ask.k), wait=FOR_A_FILE, first=FOR_A_FILE
        )
        return HTMLResponse(made(newest), headers=name)

    return routes


def _asked(state: PageState, ask: Ask) -> list[Asked]:
    """The query, and what else was asked here, each once."""
    asked = [(ask.text, ask.picture), *((past.text, past.picture) for past in state.history.entries())]
    queries = [
        state.query(text, picture)
        for text, picture in asked
        if picture is None or state.pictures.name(picture) is not None
    ]
    return list({query.key: query for query in queries}.values())
