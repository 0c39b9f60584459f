"""A comparison as a value: what was asked, who ranked what, what that took. Saved as JSON, opened again.

Nothing is computed here. The JSON's shape is a contract (docs/json.md): keys may be added, never changed.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

from diptych.embedders.base import EmbedderInfo
from diptych.errors import DiptychError
from diptych.images import Collection, Skipped, open_collection

if TYPE_CHECKING:
    import pandas as pd

_Saved = TypeVar("_Saved")


@dataclass(frozen=True, kw_only=True)
class Hit:
    """One image in a ranking.

    Attributes:
        rank: From 1.
        image: Its name in the collection.
        id: The SHA-256 of its bytes, in hexadecimal.
        label: Its class, where the folder or the manifest gives one.
        score: Cosine similarity to the query, -1 to 1.
        caption: What a manifest says of it.
        aliases: Further names, of byte-identical copies.
        itself: Whether it is the very picture that was asked with.
    """

    rank: int
    image: str
    id: str
    label: str | None
    score: float
    caption: str | None = None
    aliases: tuple[str, ...] = ()
    itself: bool = False


@dataclass(frozen=True, kw_only=True)
class QueryResult:
    """One query and the first hits of each embedder.

    Attributes:
        query: The text, or the name of the picture.
        kind: Which of the two.
        rankings: Hits by the embedder's name, best first.
        findings: Sentences worth reading about these rankings.
        image_id: For a picture, the SHA-256 of its bytes.
        thumbnail: For a picture from outside the collection, a small JPEG as a `data:` URI.
    """

    query: str
    kind: Literal["text", "image"]
    rankings: dict[str, tuple[Hit, ...]]
    findings: tuple[str, ...] = ()
    image_id: str | None = None
    thumbnail: str | None = None


@dataclass(frozen=True, kw_only=True)
class Work:
    """What one embedder did for a comparison.

    Attributes:
        images_embedded: Pictures embedded now.
        images_from_store: Pictures whose vectors were there already.
        queries_embedded: Queries embedded now; the others were there already.
        seconds: Time spent embedding pictures, wall clock.
        dollars: What that cost by the list price; 0 where it is free.
    """

    images_embedded: int
    images_from_store: int
    queries_embedded: int
    seconds: float
    dollars: float


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Several embedders' rankings of one collection, side by side.

    Attributes:
        version: The Diptych that made it.
        created: When, in UTC: `2026-11-23T14:05:00Z`.
        source: The collection as the person named it.
        images: How many pictures were ranked: those that every embedder has a vector for.
        skipped: Pictures that were not, each with the reason.
        embedders: Who ranked, in the order asked for.
        queries: The results, in the order asked for.
        work: What it took, by the embedder's name.
        collection: The pictures themselves, for showing them; not saved.
    """

    version: str
    created: str
    source: str
    images: int
    skipped: tuple[Skipped, ...]
    embedders: tuple[EmbedderInfo, ...]
    queries: tuple[QueryResult, ...]
    work: dict[str, Work]
    collection: Collection | None = field(default=None, compare=False, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """The comparison as plain data, in the shape of the JSON contract."""
        return {
            "diptych": self.version,
            "created": self.created,
            "collection": {
                "source": self.source,
                "images": self.images,
                "skipped": [dataclasses.asdict(skipped) for skipped in self.skipped],
            },
            "embedders": [dataclasses.asdict(info) for info in self.embedders],
            "queries": [_query_to_dict(query) for query in self.queries],
            "summary": {"work": {name: dataclasses.asdict(work) for name, work in self.work.items()}},
        }

    @overload
    def to_json(self, path: None = None) -> str: ...

    @overload
    def to_json(self, path: str | Path) -> None: ...

    def to_json(self, path: str | Path | None = None) -> str | None:
        """Write the comparison as JSON to a file, or return the text where no path is given.

        Raises:
            DiptychError: The file can't be written.
        """
        text = json.dumps(self.to_dict(), ensure_ascii=False, indent=1) + "\n"
        if path is None:
            return text
        try:
            Path(path).write_text(text, encoding="utf-8")
        except OSError as error:
            raise DiptychError(f"can't write {path}: {error.strerror}") from error
        return None

    @classmethod
    def load(cls, path: str | Path, source: str | Path | None = None) -> Comparison:
        """Open a comparison that `to_json` saved.

        Args:
            path: The file.
            source: Where its pictures are now, to show them in a report; by default where they were.

        Raises:
            DiptychError: The file can't be read or holds no comparison, or there are no pictures in `source`.
        """
        try:
            saved = json.loads(Path(path).read_text(encoding="utf-8-sig"))
        except OSError as error:
            raise DiptychError(f"can't read {path}: {error.strerror}") from error
        except ValueError as error:
            raise DiptychError(f"{path} is not a saved comparison: {error}") from error
        try:
            comparison = _from_dict(saved)
        except (KeyError, TypeError, AttributeError) as error:
            raise DiptychError(f"{path} is not a saved comparison: {type(error).__name__} {error}") from error
        if source is None:
            return comparison
        return dataclasses.replace(comparison, collection=open_collection(source))

    def rows(self) -> Iterator[dict[str, Any]]:
        """All hits in long form: query, kind, embedder, rank, image, id, label, score."""
        for query in self.queries:
            for name, hits in query.rankings.items():
                for hit in hits:
                    yield {
                        "query": query.query,
                        "kind": query.kind,
                        "embedder": name,
                        "rank": hit.rank,
                        "image": hit.image,
                        "id": hit.id,
                        "label": hit.label,
                        "score": hit.score,
                    }

    def to_dataframe(self) -> pd.DataFrame:
        """All hits in long form as a pandas DataFrame, one row a hit.

        Raises:
            DiptychError: pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise DiptychError("to_dataframe needs pandas: pip install 'diptych[pandas]'") from error
        columns = ["query", "kind", "embedder", "rank", "image", "id", "label", "score"]
        return pd.DataFrame(list(self.rows()), columns=columns)

    def report(self, path: str | Path) -> Path:
        """Write the comparison as one self-contained HTML file.

        Returns:
            The file's path.

        Raises:
            DiptychError: The file can't be written.
        """
        from diptych.present.html import write_report

        return write_report(self, Path(path))


def _query_to_dict(query: QueryResult) -> dict[str, Any]:
    saved: dict[str, Any] = {
        "query": query.query,
        "kind": query.kind,
        "rankings": {
            name: {"hits": [_hit_to_dict(hit) for hit in hits]} for name, hits in query.rankings.items()
        },
        "findings": list(query.findings),
    }
    if query.kind == "image":
        saved |= {"image_id": query.image_id, "thumbnail": query.thumbnail}
    return saved


def _hit_to_dict(hit: Hit) -> dict[str, Any]:
    saved = dataclasses.asdict(hit)
    for rare in ("caption", "aliases", "itself"):
        if not saved[rare]:
            del saved[rare]
    return saved


def _from_dict(saved: dict[str, Any]) -> Comparison:
    """Rebuild a comparison, passing over keys that this version does not know."""
    return Comparison(
        version=saved["diptych"],
        created=saved["created"],
        source=saved["collection"]["source"],
        images=saved["collection"]["images"],
        skipped=tuple(_known(Skipped, skipped) for skipped in saved["collection"]["skipped"]),
        embedders=tuple(_known(EmbedderInfo, info) for info in saved["embedders"]),
        queries=tuple(_query_from_dict(query) for query in saved["queries"]),
        work={name: _known(Work, work) for name, work in saved["summary"]["work"].items()},
    )


def _query_from_dict(saved: dict[str, Any]) -> QueryResult:
    return QueryResult(
        query=saved["query"],
        kind=saved["kind"],
        rankings={
            name: tuple(
                _known(Hit, hit | {"aliases": tuple(hit.get("aliases", ()))}) for hit in ranking["hits"]
            )
            for name, ranking in saved["rankings"].items()
        },
        findings=tuple(saved["findings"]),
        image_id=saved.get("image_id"),
        thumbnail=saved.get("thumbnail"),
    )


def _known(kind: type[_Saved], saved: dict[str, Any]) -> _Saved:
    names = {f.name for f in dataclasses.fields(kind)}  # type: ignore[arg-type]
    return kind(**{name: value for name, value in saved.items() if name in names})
