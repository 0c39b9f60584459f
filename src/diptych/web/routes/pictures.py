"""Pictures out, by id, as small copies; and pictures in, through the one decoder."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request
from fastapi.responses import Response

from diptych.images import UnreadablePicture
from diptych.web.pictures import BroughtPicture
from diptych.web.state import PageState

_FOR_GOOD = {"Cache-Control": "private, max-age=31536000, immutable"}
"""An id is the hash of what it names: a copy never changes."""


async def _body(request: Request) -> bytes:
    return await request.body()


def router(state: PageState) -> APIRouter:
    """The addresses of pictures."""
    routes = APIRouter()

    @routes.get("/pictures/{image_id}/{size}", response_class=Response)
    def picture(
        image_id: Annotated[str, Path(pattern="^[0-9a-f]{64}$")], size: Literal["thumbnail", "row", "large"]
    ) -> Response:
        """A whole small copy of a picture, as a JPEG."""
        if state.pictures.name(image_id) is None:
            raise HTTPException(404, "there is no such picture here")
        return Response(state.pictures.copy(image_id, size), media_type="image/jpeg", headers=_FOR_GOOD)

    @routes.post(
        "/api/pictures",
        openapi_extra={
            "requestBody": {"content": {"image/*": {"schema": {"type": "string", "format": "binary"}}}}
        },
    )
    def bring(
        data: Annotated[bytes, Depends(_body)], name: Annotated[str, Query(max_length=300)] = ""
    ) -> BroughtPicture:
        """Bring a picture to ask with: its bytes are the body."""
        try:
            return state.pictures.add(data, name)
        except UnreadablePicture as error:
            raise HTTPException(415, f"this can't be used as a picture: {error}") from error

    return routes
