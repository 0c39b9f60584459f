"""The `vectors` provider: vectors made elsewhere, `vectors:PATH`.

What `PATH` may be:

* `FILE.npz`: the arrays `vectors` (one row per picture), `names` and/or `ids`, and for queries `texts` and
  `text_vectors`. `diptych compare --export` writes such files.
* `FILE.npy`: one row per picture. Their names, per line, in `names=FILE`, or beside it in `FILE.txt` or
  `names.txt`. For queries, `texts=FILE.txt` and `text_vectors=FILE.npy`.
* `FILE.parquet`: a column `vector`, `embedding` or `image_embedding`; the picture's name in `name`, `path`,
  `image_path` or `file`, or its id in `id`; texts in `text` or `caption`. A row with a text and no name is a
  text, and its vector the text's (but one in `image_embedding` is always a picture's). Beside a picture, the
  text's own vector is in `text_embedding`.
* A folder that clip-retrieval wrote: `img_emb`, `text_emb` and `metadata`.

An id is the SHA-256 of the picture file's bytes, in hexadecimal. A picture finds its vector by its id; else
by its name in the collection; else by the one name here that ends in it, so that `cat/1.jpg` finds
`/data/photos/cat/1.jpg`. A name here without a suffix is compared without it. Where two names here end in it
the picture has no vector, rather than a wrong one. The option `match=filename` compares file names only,
without folders and suffixes, for names that were cut short; those must all differ.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Hashable, Sequence
from pathlib import Path, PurePosixPath
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from diptych.embedders.base import EmbedderInfo, EmbedderUnavailable, InputRejected, Vectors
from diptych.embedders.cards import ProviderCard
from diptych.embedders.registry import reject_unknown_options
from diptych.embedders.vectors.files import NPY_OPTIONS, Rows, VectorFile, read

CARD = ProviderCard(
    about="Vectors made elsewhere: .npz, .npy, .parquet, or a folder that clip-retrieval wrote",
    spec="vectors:PATH",
    needs="pyarrow for .parquet and clip-retrieval: pip install 'diptych[parquet]'",
    licence="that of your vectors",
)

SAME = 0.01  # copies of a vector differ by less than this part of its largest number, as half precision does
MATCHES = ("path", "filename")

_Key = TypeVar("_Key", bound=Hashable)


class VectorsFromFile:
    """The embedder.

    Args:
        path: Where the vectors are, for messages.
        file: What was read there.
        match: Which part of a name counts, "path" or "filename".

    Raises:
        EmbedderUnavailable: A number is not finite, or one name, id or text has two different vectors.
    """

    zero_texts = True  # whoever made the vectors may know such texts, as `palette` does

    def __init__(self, path: Path, file: VectorFile, match: str = "path") -> None:
        digest = _digest(file, path)
        self._path = path
        self._vectors, self._text_vectors = file.vectors, file.text_vectors
        self._only_filename = match == "filename"
        self._by_id = _index([id_ and id_.lower() for id_ in file.ids], file.vectors, path)
        self._by_text = _index(file.texts, file.text_vectors, path)
        self._by_last_part: dict[str, list[tuple[tuple[str, ...], int]]] = {}
        parts = [self._parts(name) if name else None for name in file.names]
        for name, row in _index(parts, file.vectors, path).items():
            self._by_last_part.setdefault(name[-1], []).append((name, row))
        self.info = EmbedderInfo(
            name="vectors",
            provider="vectors",
            model=f"{path.name} (SHA-256 {digest[:12]}…)",
            dimension=file.vectors.dimension,
            preprocessing="not known: these vectors were made elsewhere",
            fingerprint=f"vectors/{digest}/match={match}",
            batch_size=256,
        )

    def find_image(self, image_id: str, names: Sequence[str]) -> NDArray[np.float32] | None:
        """Find one picture's vector; how is said at the top of this file.

        Args:
            image_id: The SHA-256 of the picture's bytes, in hexadecimal.
            names: The names the picture has in the collection; the first one that finds a vector counts.

        Returns:
            Shape (dimension,), or None where there is no vector for it, or it is unclear which.
        """
        row = self._by_id.get(image_id)
        if row is None:
            row = next((found for found in map(self._row_named, names) if found is not None), None)
        return None if row is None else self._vectors[row]

    def prepare_image(self, image: Image.Image) -> Image.Image:  # noqa: ARG002 (the contract names it)
        """Raise `InputRejected`: a picture can't be embedded here, only be found by its name or id."""
        raise InputRejected(f"vectors made elsewhere: {self._path} has no vector for this picture")

    def embed_images(self, prepared: Sequence[Image.Image]) -> Vectors:  # noqa: ARG002 (as above)
        """Raise `InputRejected`, as `prepare_image` does."""
        raise InputRejected(f"vectors made elsewhere: {self._path} has no vector for this picture")

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """Return the vectors of exactly these texts, shape (m, dimension).

        Raises:
            InputRejected: One of them has no vector.
        """
        rows = []
        for text in texts:
            if text not in self._by_text:
                raise InputRejected(
                    f"vectors made elsewhere: {self._path} has no vector for the text {text!r}"
                )
            rows.append(self._text_vectors[self._by_text[text]])
        return np.array(rows, np.float32).reshape(-1, self.info.dimension)

    def _row_named(self, name: str) -> int | None:
        """The row of the one name here that is this name or ends in it, with its suffix or else without."""
        parts = self._parts(name)
        without_suffix = (*parts[:-1], PurePosixPath(parts[-1]).stem)
        for wanted in (parts,) if self._only_filename else (parts, without_suffix):
            ends = [
                (stored, row)
                for stored, row in self._by_last_part.get(wanted[-1], ())
                if stored[-len(wanted) :] == wanted
            ]
            found = [row for stored, row in ends if stored == wanted] or [row for _, row in ends]
            if found:
                return found[0] if len(found) == 1 else None
        return None

    def _parts(self, name: str) -> tuple[str, ...]:
        """A name taken apart at its slashes, of either direction, one way of writing accents for all."""
        parts = PurePosixPath(unicodedata.normalize("NFC", name).replace("\\", "/")).parts or ("",)
        return (PurePosixPath(parts[-1]).stem,) if self._only_filename else parts


def load(model: str, **options: str) -> VectorsFromFile:
    """Open vectors made elsewhere.

    Args:
        model: The path of a file or folder; the formats are at the top of this file.
        **options: `match` ("path" or "filename"); for a `.npy` file also `names`, `texts` and `text_vectors`.

    Raises:
        EmbedderUnavailable: The file or an option is missing, unreadable, unknown or contradicts itself.
    """
    if not model:
        raise EmbedderUnavailable("vectors of what? write vectors:PATH with a .npz, .npy or .parquet file")
    path = Path(model).expanduser()
    known = ("match", *NPY_OPTIONS) if path.suffix.lower() == ".npy" else ("match",)
    reject_unknown_options(f"vectors:{path.name}", options, known)
    match = options.get("match", "path")
    if match not in MATCHES:
        raise EmbedderUnavailable(f"vectors' option match is {' or '.join(MATCHES)}, not {match!r}")
    return VectorsFromFile(path, read(path, options), match)


def _index(keys: Sequence[_Key | None], vectors: Rows, path: Path) -> dict[_Key, int]:
    """The first row of each key; a key may be there again, but only with the same vector."""
    rows: dict[_Key, int] = {}
    for row, key in enumerate(keys):
        if key is None:
            continue
        first = rows.setdefault(key, row)
        if first != row and not _same(vectors[first], vectors[row]):
            what = "/".join(key) if isinstance(key, tuple) else key
            raise EmbedderUnavailable(
                f"{path}: {what} has two different vectors, in rows {first + 1} and {row + 1}"
            )
    return rows


def _same(one: Vectors, other: Vectors) -> bool:
    return bool(np.abs(one - other).max() <= SAME * np.abs(one).max())


def _digest(file: VectorFile, path: Path) -> str:
    """The SHA-256 of all that was read, in one pass that also looks for numbers that are none."""
    digest = hashlib.sha256(json.dumps([file.names, file.ids, file.texts]).encode())
    for rows, what in ((file.vectors, "image"), (file.text_vectors, "text")):
        seen = 0
        for block in rows.blocks():
            bad = np.flatnonzero(~np.isfinite(block).all(axis=1))
            if len(bad):
                raise EmbedderUnavailable(
                    f"{path}: {what} vector {seen + bad[0] + 1} holds a number that is not finite"
                )
            digest.update(block.astype("<f4").tobytes())
            seen += len(block)
    return digest.hexdigest()
