"""A comparison as one self-contained HTML file: pictures inside, nothing fetched, no script.

Each picture is in the file once, in an SVG that all its uses refer to.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from diptych.embedders.base import EmbedderInfo
from diptych.errors import DiptychError
from diptych.images import Collection, UnreadablePicture, decode, open_collection
from diptych.images.thumbnail import thumbnail_uri
from diptych.result import Comparison, QueryResult
from diptych.words import printable

_THREADS = 4


@dataclass(frozen=True)
class Thumbnail:
    """A picture's small copy in the page; `uri` is None where the picture is gone or can't be read."""

    anchor: str
    uri: str | None


def write_report(comparison: Comparison, path: Path) -> Path:
    """Write the report.

    Args:
        comparison: What to show; one opened from a file finds its pictures again where they still are.
        path: The file to write.

    Returns:
        The path.

    Raises:
        DiptychError: The file can't be written.
    """
    page = render(comparison)
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise DiptychError(f"can't write {path}: {error.strerror}") from error
    return path


def render(comparison: Comparison) -> str:
    """The report as one HTML page."""
    environment = Environment(
        loader=PackageLoader("diptych.present"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["printable"] = printable
    return environment.get_template("report.html").render(
        comparison=comparison,
        letters={info.name: chr(65 + index) for index, info in enumerate(comparison.embedders)},
        thumbnails=_thumbnails(comparison),
        facts={info.name: _facts(info) for info in comparison.embedders},
    )


def _thumbnails(comparison: Comparison) -> dict[str, Thumbnail]:
    """Small copies of every picture that the page shows, by image id."""
    collection = comparison.collection or _reopened(comparison.source)
    shown = list(dict.fromkeys(image_id for query in comparison.queries for image_id in _shown(query)))
    with ThreadPoolExecutor(_THREADS) as pool:
        uris = dict(zip(shown, pool.map(lambda image_id: _uri(collection, image_id), shown), strict=True))
    uris |= {q.image_id: q.thumbnail for q in comparison.queries if q.image_id and q.thumbnail}
    return {image_id: Thumbnail(f"p{number}", uri) for number, (image_id, uri) in enumerate(uris.items())}


def _shown(query: QueryResult) -> Sequence[str]:
    hits = [hit.id for ranking in query.rankings.values() for hit in ranking]
    return hits if query.image_id is None else [query.image_id, *hits]


def _reopened(source: str) -> Collection | None:
    """The collection, where it is a folder or a ZIP that is still there: a list would make us ask the web."""
    try:
        if not (Path(source).is_dir() or source.lower().endswith(".zip")):
            return None
        return open_collection(source)
    except (DiptychError, OSError, ValueError):
        return None  # the pictures have moved; the page shows their names


def _uri(collection: Collection | None, image_id: str) -> str | None:
    picture = collection.find(image_id) if collection is not None else None
    if collection is None or picture is None:
        return None
    try:
        return thumbnail_uri(decode(collection.read(picture), collection.limits))
    except UnreadablePicture:
        return None


def _facts(info: EmbedderInfo) -> list[tuple[str, str]]:
    """What the reader must know to judge whether the comparison is fair."""
    cut = f"cut after {info.max_text_tokens} tokens" if info.max_text_tokens else "no limit stated"
    facts = [
        ("model", info.model),
        ("sees", info.preprocessing),
        ("text", cut),
        ("vectors", f"{info.dimension} numbers"),
        ("price", _price(info)),
        ("licence", info.licence or "not stated"),
    ]
    return [*facts, ("retires", info.retires)] if info.retires else facts


def _price(info: EmbedderInfo) -> str:
    if info.price_per_image is None and info.price_per_1k_characters is None:
        return "free"
    prices = [f"${info.price_per_image or 0:g} a picture"]
    if info.price_per_1k_characters:
        prices.append(f"${info.price_per_1k_characters:g} for 1,000 characters of text")
    return ", ".join(prices)
