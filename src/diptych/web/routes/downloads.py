"""What can be taken away: judgments, a threshold, the evaluation as a report."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from fastapi import APIRouter
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, Response

from diptych.judgments.files import write_judgments
from diptych.thresholds.saved import Scale, save_threshold
from diptych.web.background import FOR_A_FILE, made
from diptych.web.routes.evaluate import Embedder, Value, judged_ranking
from diptych.web.saved_report import fitted
from diptych.web.state import PageState


def router(state: PageState) -> APIRouter:
    """The addresses of files."""
    routes = APIRouter()

    @routes.get("/export/judgments.{ending}", response_class=Response)
    def judgments(ending: Literal["csv", "jsonl", "trec"]) -> Response:
        """All judgments: as CSV or JSON Lines every word, as TREC's qrels what counts."""
        said = state.truth().judgments
        names = {picture.id: picture.name for picture in state.collection.pictures}
        return _file(f"judgments.{ending}", lambda path: write_judgments(said, path, names=names))

    @routes.get("/export/threshold.json", response_class=Response)
    async def threshold(embedder: Embedder, value: Value, scale: Scale = "raw") -> Response:
        """A threshold for `diptych filter`, from all judgments there are."""
        ranking = await judged_ranking(state, embedder, scale, wait=FOR_A_FILE)
        saved = await run_in_threadpool(ranking.saved, value)
        return _file("threshold.json", lambda path: save_threshold(saved, path))

    @routes.get("/export/evaluation.html", response_class=HTMLResponse)
    async def evaluation() -> Response:
        """The report of every judged query: pictures inside, nothing fetched.

        It is made once for all who ask meanwhile; with 503 it asks to come again later.
        """
        newest = await state.reports.newest(
            "evaluation", lambda: fitted(state.evaluation()).encode(), wait=FOR_A_FILE, first=FOR_A_FILE
        )
        return _attached("diptych-evaluation.html", made(newest), "text/html; charset=utf-8")

    return routes


def _file(name: str, write: Callable[[Path], object]) -> Response:
    """A file as it would be written to disk."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        write(path)
        return _attached(name, path.read_bytes(), "application/octet-stream")


def _attached(name: str, content: bytes, media_type: str) -> Response:
    return Response(
        content, media_type=media_type, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )
