"""The application: every address, and what is said when something can't be done."""

from __future__ import annotations

import sys
import traceback
from importlib.metadata import version

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse, Response

from diptych.errors import DiptychError
from diptych.text import printable
from diptych.web.routes import compare, downloads, evaluate, history, judge, pictures, status
from diptych.web.security import Access, Gate
from diptych.web.state import PageState
from diptych.web.templating import render, static_files


def make_app(state: PageState, access: Access) -> FastAPI:
    """The application that serves a page to those that `access` lets in."""
    app = FastAPI(
        title="Diptych",
        version=version("diptych"),
        description="Compare image embedders on one collection: what the page asks, as JSON.",
        openapi_url="/api/openapi.json",
        docs_url=None,  # its pages fetch scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
    )
    app.add_middleware(Gate, access=access)
    app.add_exception_handler(DiptychError, _say)
    app.add_exception_handler(Exception, _say_little)
    app.include_router(compare.router(state))
    app.include_router(status.router(state))
    app.include_router(judge.router(state))
    app.include_router(evaluate.router(state))
    app.include_router(downloads.router(state))
    app.include_router(history.router(state))
    app.include_router(pictures.router(state))

    @app.get("/static/{name}", include_in_schema=False)
    def static(name: str) -> Response:
        if name == "columns.css":  # which columns stand side by side depends on how many there are
            return Response(render("columns.css", names=list(state.embedders)), media_type="text/css")
        if name not in static_files():
            raise HTTPException(404, "there is no such file")
        content, media_type = static_files()[name]
        return Response(content, media_type=media_type)

    return app


async def _say(_request: Request, error: Exception) -> Response:
    """Something a person can act on."""
    return JSONResponse({"detail": printable(str(error))}, 400)


async def _say_little(_request: Request, error: Exception) -> Response:
    """A fault of ours: told in full to whoever runs the server, and not to who asks it."""
    traceback.print_exception(error, file=sys.stderr)
    return JSONResponse({"detail": f"unexpected {type(error).__name__}: see where the server runs"}, 500)
