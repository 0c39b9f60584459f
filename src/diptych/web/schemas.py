"""What comes in: queries as the API takes them."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, Field, StringConstraints, model_validator

from diptych.queries import TextQuery, text_query

MOST_HITS = 100
"""How many hits a person can ask for."""

Text = Annotated[str, StringConstraints(max_length=1_000)]
ImageId = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]


class Ask(BaseModel):
    """A query: a text, or a picture by its id."""

    text: Text | None = None
    picture: ImageId | None = None
    against: Annotated[list[Text], Field(max_length=5, description="Rivals to set a text against.")] = []
    k: Annotated[int, Field(ge=1, le=MOST_HITS, description="How many hits of each embedder.")] = 20
    label: Annotated[Text | None, Field(description="Rank only the pictures with this label.")] = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.text is None) == (self.picture is None):
            raise ValueError("ask with a text or with a picture")
        return self

    @property
    def rivals(self) -> list[TextQuery]:
        """The rivals of a text; a picture has none."""
        return [text_query(rival) for rival in self.against if rival.strip()] if self.text is not None else []
