"""What was asked here: the history, and a report of it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel

from diptych.present.html import render
from diptych.web.asked import Ask
from diptych.web.site import Site


class Past(BaseModel):
    """A query of the history."""

    name: str
    text: str | None
    picture: str | None
    shared: str
    breaks: dict[str, str]


def router(site: Site) -> APIRouter:
    """The addresses of this view."""
    routes = APIRouter()

    @routes.get("/api/history")
    def history() -> list[Past]:
        """What was asked here, latest first."""
        return [
            Past(name=e.name, text=a.text, picture=a.picture, shared=e.shared, breaks=dict(e.breaks))
            for a, e in site.history.entries()
        ]

    @routes.get("/report", response_class=HTMLResponse)
    def report(ask: Annotated[Ask, Query()]) -> Response:
        """This query and what else was asked, as one file that can be sent."""
        name = {"Content-Disposition": 'attachment; filename="diptych-report.html"'}
        asked = dict.fromkeys([ask.key, *(past for past, _ in site.history.entries())])
        here = [one for one in asked if one.picture is None or site.pictures.name(one.picture) is not None]
        queries = [site.query(one.text, one.picture) for one in here]
        return HTMLResponse(render(site.report(queries, ask.rivals, ask.k)), headers=name)

    return routes
