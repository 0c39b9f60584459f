"""The application: every address, and what is said when something can't be done."""

from __future__ import annotations

import sys
import traceback
from importlib.metadata import version
from typing import TYPE_CHECKING

from fastapi import FastAPI, HTTPException, Request
from fastapi.exception_handlers import http_exception_handler
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException as AnyHTTPException

from diptych.errors import DiptychError
from diptych.text import printable
from diptych.web.routes import compare, downloads, evaluate, history, judge, pictures, status
from diptych.web.security import Access, Gate
from diptych.web.state import PageState
from diptych.web.templating import render, static_files

if TYPE_CHECKING:
    from starlette.types import ASGIApp


def make_app(state: PageState, access: Access) -> ASGIApp:
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
    app.add_exception_handler(DiptychError, _say)
    app.add_exception_handler(RequestValidationError, _say_what_is_wrong)
    app.add_exception_handler(AnyHTTPException, _say_no)
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

    return Gate(app, access)  # around all of it: what is said of our own faults passes through it too


async def _say(_request: Request, error: Exception) -> Response:
    """Something a person can act on."""
    return JSONResponse({"detail": printable(str(error))}, 400)


async def _say_what_is_wrong(_request: Request, error: Exception) -> Response:
    """What a request asks is not of the form that its address takes.

    What was sent is not sent back, as FastAPI does: JSON that comes in can hold NaN and half surrogate pairs,
    JSON that goes out can't.
    """
    wrong = error.errors() if isinstance(error, RequestValidationError) else ()
    return JSONResponse(
        {
            "detail": [
                {
                    "type": each["type"],
                    "loc": [at if isinstance(at, int) else printable(at) for at in each["loc"]],
                    "msg": printable(each["msg"]),
                }
                for each in wrong
            ]
        },
        422,
    )


async def _say_no(request: Request, error: Exception) -> Response:
    """An address that is not there, or a body that FastAPI could not read at all.

    Only such bodies get 400 from it: bytes that are not UTF-8, brackets within brackets within brackets.
    """
    if not isinstance(error, AnyHTTPException):
        raise error
    if error.status_code != 400:
        return await http_exception_handler(request, error)
    unread = {"type": "json_invalid", "loc": ["body"], "msg": "the body is not JSON that can be read"}
    return JSONResponse({"detail": [unread]}, 422)


async def _say_little(_request: Request, error: Exception) -> Response:
    """A fault of ours: told in full to whoever runs the server, and not to who asks it."""
    traceback.print_exception(error, file=sys.stderr)
    return JSONResponse({"detail": f"unexpected {type(error).__name__}: see where the server runs"}, 500)
