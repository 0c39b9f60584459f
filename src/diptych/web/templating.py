"""The pages' templates: those of the report, with what a page that can be asked puts in their place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, PrefixLoader

from diptych.images import gathered
from diptych.present.html.pictures import Embedded
from diptych.present.html.report import environment
from diptych.web.pictures import Pictures
from diptych.web.state import PageState

_STATIC = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}


class ByAddress(Mapping[str, Embedded]):
    """Pictures as the templates want them, each with the address it is fetched from.

    Args:
        pictures: Those of the page, which know their sizes.
    """

    def __init__(self, pictures: Pictures) -> None:
        self._pictures = pictures

    def __getitem__(self, image_id: str) -> Embedded:
        return Embedded(image_id, f"/pictures/{image_id}/thumbnail", *self._pictures.size(image_id))

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


@lru_cache(maxsize=1)
def _templates() -> Environment:
    """A template of the page stands before the report's of the same name, which is then `report/NAME`."""
    report = PackageLoader("diptych.present")
    return environment(ChoiceLoader([PackageLoader("diptych.web"), report, PrefixLoader({"report": report})]))


def render(template: str, **values: Any) -> str:
    """A page, or a part of one."""
    return _templates().get_template(template).render(**values)


def surroundings(state: PageState, view: str) -> dict[str, Any]:
    """What every page shows around its view."""
    return {
        "view": view,
        "source": state.collection.source,
        "images": len(state.collection),
        "skipped": gathered(state.collection.skipped),
        "labels": state.labels,
        "names": list(state.embedders),
    }


@lru_cache(maxsize=1)
def static_files() -> dict[str, tuple[bytes, str]]:
    """Every script and style sheet with its type, by its name: nothing else is served as a file."""
    shared = files("diptych.present").joinpath("templates")
    found = {name: shared.joinpath(name) for name in ("report.css", "gallery.css")}
    for file in files("diptych.web").joinpath("static").iterdir():
        found[file.name] = file
    return {
        name: (file.read_bytes(), _STATIC[suffix])
        for name, file in found.items()
        for suffix in _STATIC
        if name.endswith(suffix)
    }
