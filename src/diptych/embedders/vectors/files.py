"""Files of vectors made elsewhere, read into one form: `.npz`, `.npy`, `.parquet` and clip-retrieval folders.

Nothing is unpickled. A `.npy` file is mapped into memory, not read, so it may be larger than the memory.
"""

from __future__ import annotations

import math
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import read_array_header_1_0, read_array_header_2_0
from numpy.typing import NDArray

from diptych.embedders.base import EmbedderUnavailable, Vectors
from diptych.errors import DiptychError
from diptych.tabular import read_text

NAME_COLUMNS = ("name", "path", "image_path", "file")
VECTOR_COLUMNS = ("vector", "embedding", "image_embedding")
TEXT_COLUMNS = ("text", "caption")
NPZ_ARRAYS = ("names", "ids", "vectors", "texts", "text_vectors")
NPY_OPTIONS = ("names", "texts", "text_vectors")

_BLOCK = 1 << 22  # numbers looked at together

_MOST_DECLARED = 256_000_000
_MOST_TIMES = 50
"""So many bytes an .npz may hold whatever its size, and so many times its size where that is more."""

Strings = Sequence[str | None]


class Rows:
    """Vectors in one or more arrays of one width, handed out as float32.

    Args:
        arrays: Each of shape (any, dimension), of whole or floating numbers.
        where: What to call them in a message.
    """

    def __init__(self, arrays: Sequence[NDArray[Any]], where: str) -> None:
        for array in arrays:
            if array.ndim != 2 or array.dtype.kind not in "fiu":
                raise EmbedderUnavailable(
                    f"{where}: vectors are rows of numbers, but this is {array.dtype} of shape {array.shape}"
                )
        widths = sorted({array.shape[1] for array in arrays})
        if len(widths) > 1:
            raise EmbedderUnavailable(f"{where}: vectors of {widths[0]} and of {widths[1]} numbers are mixed")
        self._arrays = arrays
        self._starts = np.cumsum([0, *(len(array) for array in arrays)])
        self.dimension = widths[0] if widths else 0

    def __len__(self) -> int:
        return int(self._starts[-1])

    def __getitem__(self, row: int) -> Vectors:
        which = int(np.searchsorted(self._starts, row, side="right")) - 1
        return _float32(self._arrays[which][row - self._starts[which]])

    def blocks(self) -> Iterator[Vectors]:
        """All rows in order, a few megabytes at a time."""
        step = max(1, _BLOCK // max(1, self.dimension))
        for array in self._arrays:
            for start in range(0, len(array), step):
                yield _float32(array[start : start + step])


@dataclass(frozen=True)
class VectorFile:
    """What a file or a folder holds; `names`, `ids` and `texts` are as long as their vectors.

    Attributes:
        names: The name of each image vector's picture, or None where it has none.
        ids: The id of each image vector's picture, or None where it has none.
        vectors: One for each picture.
        texts: The text of each text vector, or None where it has none.
        text_vectors: One for each text.
    """

    names: Strings
    ids: Strings
    vectors: Rows
    texts: Strings
    text_vectors: Rows


def read(path: Path, options: Mapping[str, str]) -> VectorFile:
    """Read vectors.

    Args:
        path: A `.npz`, `.npy` or `.parquet` file, or a folder as clip-retrieval writes it.
        options: For a `.npy` file, the files `names`, `texts` and `text_vectors`, where given.

    Returns:
        What it holds, its counts and dimensions checked.

    Raises:
        EmbedderUnavailable: Something is missing, unreadable or contradicts itself; the message says what.
    """
    if not path.exists():
        raise EmbedderUnavailable(
            f"there is no {path}: write vectors:PATH with the path of vectors made elsewhere"
        )
    if path.is_dir():
        return _checked(_read_clip_retrieval(path), path)
    match path.suffix.lower():
        case ".npz":
            return _checked(_read_npz(path), path)
        case ".npy":
            return _checked(_read_npy(path, options), path)
        case ".parquet":
            return _checked(_read_parquet(path), path)
    raise EmbedderUnavailable(
        f"{path}: vectors are read from .npz, .npy, .parquet or clip-retrieval's folder"
    )


def _checked(file: VectorFile, path: Path) -> VectorFile:
    for strings, vectors, what in (
        (file.names, file.vectors, "names"),
        (file.ids, file.vectors, "ids"),
        (file.texts, file.text_vectors, "texts"),
    ):
        if len(strings) != len(vectors):
            raise EmbedderUnavailable(f"{path} has {len(strings):,} {what} for {len(vectors):,} vectors")
    if not len(file.vectors) or not file.vectors.dimension:
        raise EmbedderUnavailable(f"{path} holds no image vectors")
    if len(file.text_vectors) and file.text_vectors.dimension != file.vectors.dimension:
        raise EmbedderUnavailable(
            f"{path}: image vectors have {file.vectors.dimension} numbers, "
            f"text vectors {file.text_vectors.dimension}"
        )
    return file


def _read_npz(path: Path) -> VectorFile:
    if not zipfile.is_zipfile(path):
        raise EmbedderUnavailable(f"{path} is not an .npz file, or only a part of one")
    try:
        _check_declared(path)
        with np.load(path, allow_pickle=False) as archive:
            arrays = {key: np.asarray(archive[key]) for key in NPZ_ARRAYS if key in archive.files}
            found = ", ".join(archive.files) or "nothing"
    except (OSError, ValueError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise EmbedderUnavailable(f"{path}: {_why(error)}") from error
    if "vectors" not in arrays or not {"names", "ids"} & set(arrays):
        raise EmbedderUnavailable(f"{path} must have `vectors` and `names` or `ids`; it has {found}")
    vectors = Rows([arrays["vectors"]], f"{path}, vectors")
    texts = _strings(arrays["texts"], f"{path}, texts") if "texts" in arrays else []
    if texts and "text_vectors" not in arrays:
        raise EmbedderUnavailable(f"{path} has texts but no text_vectors")
    nothing = [None] * len(vectors)
    return VectorFile(
        names=_strings(arrays["names"], f"{path}, names") if "names" in arrays else nothing,
        ids=_strings(arrays["ids"], f"{path}, ids") if "ids" in arrays else nothing,
        vectors=vectors,
        texts=texts,
        text_vectors=Rows([arrays["text_vectors"]] if texts else [], f"{path}, text_vectors"),
    )


def _check_declared(path: Path) -> None:
    """Refuse arrays that would take far more memory than their file has bytes, before any is made.

    Vectors hardly compress, and names not much: what is declared so large is a bomb, or damaged.

    Raises:
        ValueError: One is; the message says how large.
    """
    declared = 0
    with zipfile.ZipFile(path) as archive:
        for name in {*NPZ_ARRAYS, *(f"{key}.npy" for key in NPZ_ARRAYS)} & set(archive.namelist()):
            with archive.open(name) as member:
                first = np.lib.format.read_magic(member) == (1, 0)
                shape, _, dtype = (read_array_header_1_0 if first else read_array_header_2_0)(member)
            size = math.prod(shape) * dtype.itemsize
            if size > archive.getinfo(name).file_size and not dtype.hasobject:
                raise ValueError(f"{name} is cut short: it says it has {size / 1e6:,.3g} megabytes")
            declared += size
    most = max(_MOST_DECLARED, _MOST_TIMES * path.stat().st_size)
    if declared > most:
        raise ValueError(
            f"its arrays would take {declared / 1e9:.3g} gigabytes, far more than a file of"
            f" {path.stat().st_size / 1e6:.3g} megabytes should hold: write it anew with np.savez"
        )


def _read_npy(path: Path, options: Mapping[str, str]) -> VectorFile:
    beside = (path.with_suffix(".txt"), path.with_name("names.txt"))
    given = [Path(options["names"]).expanduser()] if "names" in options else beside
    names_file = next((file for file in given if file.is_file()), None)
    if names_file is None:
        raise EmbedderUnavailable(
            f"the names for {path} are missing: there is no {' or '.join(map(str, given))}; "
            "say where they are, one per line, with names=FILE"
        )
    if ("texts" in options) != ("text_vectors" in options):
        raise EmbedderUnavailable("texts=FILE.txt and text_vectors=FILE.npy are only of use together")
    texts: list[str] = []
    text_vectors: list[NDArray[Any]] = []
    if "texts" in options:
        texts = _lines(Path(options["texts"]).expanduser())
        text_vectors = [_mapped(Path(options["text_vectors"]).expanduser())]
    names = _lines(names_file)
    return VectorFile(
        names=names,
        ids=[None] * len(names),
        vectors=Rows([_mapped(path)], str(path)),
        texts=texts,
        text_vectors=Rows(text_vectors, options.get("text_vectors", "")),
    )


def _read_clip_retrieval(folder: Path) -> VectorFile:
    """Read the parts `img_emb/img_emb_N.npy`, `text_emb/text_emb_N.npy` and `metadata/metadata_N.parquet`."""
    images = sorted((folder / "img_emb").glob("img_emb_*.npy"), key=lambda file: (len(file.name), file.name))
    if not images:
        raise EmbedderUnavailable(
            f"{folder} has no img_emb/img_emb_*.npy, so it is not clip-retrieval's output"
        )
    names: list[str | None] = []
    texts: list[str | None] = []
    vectors, text_vectors = [], []
    for file in images:
        number = file.stem.removeprefix("img_emb_")
        columns = _columns(folder / "metadata" / f"metadata_{number}.parquet", ("image_path", "caption"))
        if "image_path" not in columns:
            raise EmbedderUnavailable(f"{folder}/metadata/metadata_{number}.parquet has no column image_path")
        vectors.append(_mapped(file))
        names += _same_length(columns["image_path"].to_pylist(), vectors[-1], file)
        text_file = folder / "text_emb" / f"text_emb_{number}.npy"
        if "caption" in columns and text_file.exists():
            text_vectors.append(_mapped(text_file))
            texts += _same_length(columns["caption"].to_pylist(), text_vectors[-1], text_file)
    return VectorFile(
        names=names,
        ids=[None] * len(names),
        vectors=Rows(vectors, f"{folder}/img_emb"),
        texts=texts,
        text_vectors=Rows(text_vectors, f"{folder}/text_emb"),
    )


def _same_length(values: list[str | None], vectors: NDArray[Any], file: Path) -> list[str | None]:
    if len(values) != len(vectors):
        raise EmbedderUnavailable(f"{file} has {len(vectors):,} vectors, its metadata {len(values):,} rows")
    return values


def _read_parquet(path: Path) -> VectorFile:
    """Read a table by its columns' names; the rule is in the docstring of `diptych.embedders.vectors`."""
    wanted = (*NAME_COLUMNS, "id", *VECTOR_COLUMNS, *TEXT_COLUMNS, "text_embedding")
    columns = _columns(path, wanted)
    vector = next((name for name in VECTOR_COLUMNS if name in columns), None)
    if vector is None:
        raise EmbedderUnavailable(f"{path} has no column of vectors: call it {' or '.join(VECTOR_COLUMNS)}")
    count = len(columns[vector])
    names = _first_column(columns, NAME_COLUMNS, count)
    ids = _first_column(columns, ("id",), count)
    texts = _first_column(columns, TEXT_COLUMNS, count)
    of_texts, of_pictures = [], []
    matrix, rows = _matrix(columns[vector], f"{path}, {vector}")
    for place, row in enumerate(rows):
        if texts[row] is not None and names[row] is None and vector != "image_embedding":
            of_texts.append(place)
        elif names[row] is not None or ids[row] is not None:
            of_pictures.append(place)
        else:
            raise EmbedderUnavailable(
                f"{path}, row {row + 1}: a vector without a name or an id of its picture"
            )
    text_vectors = [matrix[of_texts]] if of_texts else []
    text_rows = [rows[place] for place in of_texts]
    if "text_embedding" in columns:
        more, more_rows = _matrix(columns["text_embedding"], f"{path}, text_embedding")
        text_vectors.append(more)
        text_rows += more_rows
    return VectorFile(
        names=[names[rows[place]] for place in of_pictures],
        ids=[ids[rows[place]] for place in of_pictures],
        vectors=Rows([matrix[of_pictures]], f"{path}, {vector}"),
        texts=[texts[row] for row in text_rows],
        text_vectors=Rows(text_vectors, f"{path}, text vectors"),
    )


def _first_column(columns: Mapping[str, Any], names: Sequence[str], count: int) -> Strings:
    """The first of these columns as strings, or nothing but None."""
    for name in names:
        if name in columns:
            return [None if value is None else str(value) for value in columns[name].to_pylist()]
    return [None] * count


def _matrix(column: Any, where: str) -> tuple[NDArray[Any], list[int]]:
    """A column of lists as an array, shape (rows not null, dimension), and the numbers of those rows."""
    column = column.combine_chunks()
    if not hasattr(column, "value_lengths"):
        raise EmbedderUnavailable(f"{where}: a column of {column.type}, not of lists of numbers")
    rows = np.flatnonzero(column.is_valid().to_numpy(zero_copy_only=False)).tolist()
    present = column.drop_null()
    widths = np.unique(present.value_lengths().to_numpy(zero_copy_only=False))
    if len(widths) > 1:
        raise EmbedderUnavailable(f"{where}: vectors of {widths[0]} and of {widths[1]} numbers are mixed")
    numbers = present.flatten().to_numpy(zero_copy_only=False)
    return numbers.reshape(len(present), int(widths[0]) if len(widths) else 0), rows


def _columns(path: Path, wanted: Sequence[str]) -> dict[str, Any]:
    """Those of the wanted columns that a Parquet file has, as pyarrow's chunked arrays."""
    try:
        from pyarrow.lib import ArrowException
        from pyarrow.parquet import ParquetFile
    except ImportError:
        raise EmbedderUnavailable(
            f"{path} needs pyarrow to be read: pip install 'diptych[parquet]'"
        ) from None
    if not path.is_file():
        raise EmbedderUnavailable(f"there is no {path}")
    open_file: Any = ParquetFile  # pyarrow says nothing of its types
    try:
        with open_file(path) as file:
            there = [name for name in wanted if name in file.schema_arrow.names]
            table = file.read(columns=there)
    except (OSError, ArrowException) as error:
        raise EmbedderUnavailable(f"{path}: {_why(error)}") from error
    return {name: table.column(name) for name in there}


def _mapped(path: Path) -> NDArray[Any]:
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise EmbedderUnavailable(f"there is no {path}") from None
    except (OSError, ValueError, EOFError) as error:
        raise EmbedderUnavailable(f"{path}: {_why(error)}") from error
    if not isinstance(array, np.ndarray):
        raise EmbedderUnavailable(f"{path} is not a .npy file")
    return array


def _lines(path: Path) -> list[str]:
    """The lines of a UTF-8 text file; an empty last one is not a line."""
    try:
        text = read_text(path)
    except DiptychError as error:
        raise EmbedderUnavailable(str(error)) from error
    return text.removesuffix("\n").split("\n") if text else []


def _strings(array: NDArray[Any], where: str) -> list[str]:
    if array.ndim != 1 or array.dtype.kind not in "USiu":
        if not array.size:
            return []
        raise EmbedderUnavailable(
            f"{where}: a list of strings, but this is {array.dtype} of shape {array.shape}"
        )
    if array.dtype.kind == "S":
        try:
            array = np.char.decode(array, "utf-8")
        except UnicodeDecodeError as error:
            raise EmbedderUnavailable(f"{where}: {_why(error)}") from error
    return [str(value) for value in array.tolist()]


def _float32(array: NDArray[Any]) -> Vectors:
    with np.errstate(over="ignore"):  # too large for float32 becomes infinite, which is told as such
        return np.asarray(array, dtype=np.float32)


def _why(error: Exception) -> str:
    """One line for what a reading library said."""
    if "allow_pickle" in str(error) or "Python objects" in str(error):
        return "Python objects can hold programs and are not read; save names with numpy.array(…, dtype=str)"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return re.sub(r"\s+", " ", str(error)) or type(error).__name__
