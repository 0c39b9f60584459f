"""A comparison as a value: what was asked, who ranked what, what that took. Saved as JSON, opened again.

Nothing is computed here. The JSON's shape is a contract (docs/json.md): keys may be added, never changed.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from diptych.arguments import checked
from diptych.embedders.base import EmbedderInfo
from diptych.errors import DiptychError
from diptych.images import Collection, Skipped, open_collection
from diptych.result.rankings import Overall, QueryResult, Work
from diptych.result.relevance import Relevance
from diptych.tabular import check_ending, write_text
from diptych.text import count

if TYPE_CHECKING:
    import pandas as pd

    from diptych.present.html.notebook import Gallery


REPORT_ENDINGS = (".html", ".htm")
"""What a report may be called."""


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
        overall: What holds over all queries.
        relevance: What judgments say; None where nothing asked here was judged.
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
    overall: Overall = field(default_factory=Overall)
    relevance: Relevance | None = None
    collection: Collection | None = field(default=None, compare=False, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """The comparison as plain data, in the shape of the JSON contract."""
        from diptych.result.saved import to_dict

        return to_dict(self)

    @overload
    def to_json(self, path: None = None) -> str: ...

    @overload
    def to_json(self, path: str | Path) -> None: ...

    @checked
    def to_json(self, path: str | Path | None = None) -> str | None:
        """Write the comparison as JSON to a file for its owner alone, or return the text without a path.

        Raises:
            DiptychError: The file can't be written, or is called something else than `.json`.
        """
        text = json.dumps(self.to_dict(), ensure_ascii=False, indent=1) + "\n"
        if path is None:
            return text
        check_ending(Path(path), ".json")
        write_text(Path(path), text, private=True)
        return None

    @classmethod
    @checked
    def load(cls, path: str | Path, source: str | Path | None = None) -> Comparison:
        """Open a comparison that `to_json` saved.

        Args:
            path: The file.
            source: Where its pictures are now, to show them in a report; by default where they were.

        Raises:
            DiptychError: The file can't be read or holds no comparison, or there are no pictures in `source`.
        """
        from diptych.result.saved import from_text

        try:
            comparison = from_text(Path(path).read_text(encoding="utf-8-sig"))
        except OSError as error:
            raise DiptychError(f"can't read {path}: {error.strerror}") from error
        except (ValueError, RecursionError) as error:
            raise DiptychError(f"{path} is not a saved comparison: {error}") from error
        if source is None:
            return comparison
        return dataclasses.replace(comparison, collection=open_collection(source))

    def rows(self) -> Iterator[dict[str, Any]]:
        """All hits in long form: query, kind, embedder, rank, image, id, label, score, z."""
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
                        "z": hit.z,
                    }

    def to_dataframe(self) -> pd.DataFrame:
        """All hits in long form as a pandas DataFrame, one row per hit.

        Raises:
            DiptychError: pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise DiptychError("to_dataframe needs pandas: pip install 'diptych[pandas]'") from error
        columns = ["query", "kind", "embedder", "rank", "image", "id", "label", "score", "z"]
        return pd.DataFrame(list(self.rows()), columns=columns)

    @checked
    def report(self, path: str | Path) -> Path:
        """Write the comparison as one self-contained HTML file.

        Returns:
            The file's path.

        Raises:
            DiptychError: The file can't be written, or is called something else than `.html`.
        """
        from diptych.present.html.report import write_report

        check_ending(Path(path), *REPORT_ENDINGS)
        return write_report(self, Path(path))

    @checked
    def plots(self, folder: str | Path) -> list[Path]:
        """Draw each query's figures for papers and slides.

        Returns:
            The files, each figure as SVG and as PNG.

        Raises:
            DiptychError: matplotlib is missing, or a file can't be written.
        """
        from diptych.present.files.plots import save

        return save(self, Path(folder))

    @checked
    def gallery(self, query: str) -> Gallery:
        """One query's hits as pictures, large, at the end of a notebook's cell.

        Args:
            query: Its text, or its picture's path or file name.

        Raises:
            DiptychError: It was not asked.
        """
        from diptych.present.html.notebook import gallery

        return gallery(self, query)

    def __repr__(self) -> str:
        """In a line: all of it would fill pages, and be saved with every notebook."""
        names = ", ".join(info.name for info in self.embedders)
        asked = count(len(self.queries), "query", "queries")
        return f"<Comparison of {names}: {asked}, {count(self.images, 'picture')}>"

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        from diptych.present.html.notebook import to_html

        return to_html(self)
