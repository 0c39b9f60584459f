"""Pictures out, by id, as small copies; and pictures in, through the one decoder."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Path, Query, Request
from fastapi.responses import Response

from diptych.images import UnreadablePicture
from diptych.web.pictures import AT_ONCE, BroughtPicture
from diptych.web.state import PageState

_FOR_GOOD = {"Cache-Control": "private, max-age=31536000, immutable"}
"""An id is the hash of what it names: a copy never changes."""


_BODIES = 4
_LONGEST_BODY = 60.0
"""How many bodies are read at the same time, and for how many seconds each: they are held whole."""


def router(state: PageState) -> APIRouter:
    """The addresses of pictures."""
    routes = APIRouter()
    reading = asyncio.Semaphore(_BODIES)
    decoding = ThreadPoolExecutor(AT_ONCE, "pictures")  # so that who waits for a turn holds up nobody else

    @routes.get("/pictures/{image_id}/{size}", response_class=Response)
    async def picture(
        image_id: Annotated[str, Path(pattern="^[0-9a-f]{64}$")], size: Literal["thumbnail", "row", "large"]
    ) -> Response:
        """A whole small copy of a picture, as a JPEG."""
        if state.pictures.name(image_id) is None:
            raise HTTPException(404, "there is no such picture here")
        copy = state.pictures.kept(image_id, size)
        if copy is None:
            loop = asyncio.get_running_loop()
            copy = await loop.run_in_executor(decoding, state.pictures.copy, image_id, size)
        return Response(copy, media_type="image/jpeg", headers=_FOR_GOOD)

    @routes.post(
        "/api/pictures",
        openapi_extra={
            "requestBody": {"content": {"image/*": {"schema": {"type": "string", "format": "binary"}}}}
        },
    )
    async def bring(request: Request, name: Annotated[str, Query(max_length=300)] = "") -> BroughtPicture:
        """Bring a picture to ask with: its bytes are the body."""
        async with reading:
            try:
                data = await asyncio.wait_for(request.body(), _LONGEST_BODY)
            except TimeoutError as error:
                raise HTTPException(408, f"the picture did not come within {_LONGEST_BODY:g} s") from error
            loop = asyncio.get_running_loop()
            try:
                return await loop.run_in_executor(decoding, state.pictures.add, data, name)
            except UnreadablePicture as error:
                raise HTTPException(415, f"this can't be used as a picture: {error}") from error

    return routes
