"""Vectors made elsewhere: every format, finding by id and by name, and what is refused."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
import tracemalloc
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from diptych.embedders import EmbedderUnavailable, InputRejected, load
from diptych.embedders.base import PrecomputedImages
from diptych.embedders.vectors import VectorsFromFile
from support import need

NAMES = ["/data/photos/cat/1.jpg", "/data/photos/cat/2.jpg", "/data/photos/dog/1.jpg"]
IDS = ["a" * 64, "b" * 64, "c" * 64]
TEXTS = ["a cat", "a dog, naïvely"]
VECTORS = np.array([[1, 0, 0.5], [0, 1, 0.25], [0.5, -2, 0]], np.float32)
TEXT_VECTORS = np.array([[1, 1, 0], [0, 0, 1]], np.float32)


def opened(spec: str) -> VectorsFromFile:
    embedder = load(spec)
    assert isinstance(embedder, VectorsFromFile)
    return embedder


def refusal(spec: str) -> str:
    """The one line with which a spec is refused."""
    with pytest.raises(EmbedderUnavailable) as caught:
        load(spec)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def found(embedder: VectorsFromFile, *names: str, image_id: str = "") -> list[float] | None:
    vector = embedder.find_image(image_id, names)
    return None if vector is None else vector.tolist()


# Formats: each writes the same vectors and returns the spec that opens them.


def write_npz(folder: Path, vectors: np.ndarray = VECTORS, text_vectors: np.ndarray = TEXT_VECTORS) -> str:
    path = folder / "some model.npz"
    np.savez_compressed(path, names=NAMES, ids=IDS, vectors=vectors, texts=TEXTS, text_vectors=text_vectors)
    return f"vectors:{path}"


def write_npy(folder: Path, vectors: np.ndarray = VECTORS, text_vectors: np.ndarray = TEXT_VECTORS) -> str:
    np.save(folder / "some.npy", vectors)
    np.save(folder / "queries.npy", text_vectors)
    (folder / "some.txt").write_text("\n".join(NAMES) + "\n", encoding="utf-8")
    (folder / "queries.txt").write_text("\r\n".join(TEXTS), encoding="utf-8-sig", newline="")
    options = f"texts={folder / 'queries.txt'}&text_vectors={folder / 'queries.npy'}"
    return f"vectors:{folder / 'some.npy'}?{options}"


def write_parquet(
    folder: Path, vectors: np.ndarray = VECTORS, text_vectors: np.ndarray = TEXT_VECTORS
) -> str:
    rows = [{"name": name, "vector": vector} for name, vector in zip(NAMES, vectors, strict=True)]
    rows += [{"text": text, "vector": vector} for text, vector in zip(TEXTS, text_vectors, strict=True)]
    return parquet(folder, rows)


def write_clip_retrieval(
    folder: Path, vectors: np.ndarray = VECTORS, text_vectors: np.ndarray = TEXT_VECTORS
) -> str:
    """Two parts, captions for the first one only, as its writer names them."""
    need("pandas")
    import pandas as pd

    for part in ("img_emb", "text_emb", "metadata"):
        (folder / part).mkdir()
    np.save(folder / "img_emb" / "img_emb_0.npy", vectors[:2])
    np.save(folder / "img_emb" / "img_emb_1.npy", vectors[2:])
    np.save(folder / "text_emb" / "text_emb_0.npy", text_vectors)
    first = pd.DataFrame({"image_path": NAMES[:2], "caption": TEXTS, "url": ["", ""]})
    first.to_parquet(folder / "metadata" / "metadata_0.parquet")
    pd.DataFrame({"image_path": NAMES[2:]}).to_parquet(folder / "metadata" / "metadata_1.parquet")
    return f"vectors:{folder}"


def parquet(folder: Path, rows: Sequence[dict[str, Any]], **types: Any) -> str:
    need("pyarrow")
    import pyarrow as pa
    import pyarrow.parquet

    columns = dict.fromkeys(key for row in rows for key in row)
    values = {key: [_plain(row.get(key)) for row in rows] for key in columns}
    table = pa.table({key: pa.array(values[key], types.get(key)) for key in columns})
    pyarrow.parquet.write_table(table, folder / "some.parquet", row_group_size=2)
    return f"vectors:{folder / 'some.parquet'}"


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray) else value


FORMATS = [write_npz, write_npy, write_parquet, write_clip_retrieval]
every_format = pytest.mark.parametrize(
    "write", FORMATS, ids=lambda write: write.__name__.removeprefix("write_")
)
Write = Callable[..., str]


@every_format
def test_every_format_gives_back_what_was_written(write: Write, tmp_path: Path) -> None:
    spec = write(tmp_path)
    embedder = opened(spec)
    assert embedder.info.spec == spec
    assert embedder.info.name == Path(spec.partition("?")[0]).name
    assert embedder.info.dimension == 3
    assert isinstance(embedder, PrecomputedImages)
    assert [found(embedder, name) for name in NAMES] == VECTORS.tolist()
    texts = embedder.embed_texts(TEXTS[::-1])
    assert texts.dtype == np.float32
    assert texts.tolist() == TEXT_VECTORS[::-1].tolist()
    assert embedder.embed_texts([]).shape == (0, 3)


@every_format
@pytest.mark.parametrize("dtype", [np.float16, np.float64, ">f4"])
def test_other_precisions_become_float32(write: Write, dtype: Any, tmp_path: Path) -> None:
    embedder = opened(write(tmp_path, VECTORS.astype(dtype), TEXT_VECTORS.astype(dtype)))
    vector = embedder.find_image("", [NAMES[2]])
    assert vector is not None
    assert vector.dtype == np.float32
    assert vector.tolist() == VECTORS[2].tolist()


@every_format
def test_the_fingerprint_is_of_the_content(write: Write, tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    (tmp_path / "2").mkdir()
    (tmp_path / "3").mkdir()
    other = VECTORS.copy()
    other[2, 2] += 0.001
    one, copy, changed = (
        opened(write(tmp_path / place, vectors)).info.fingerprint
        for place, vectors in (("1", VECTORS), ("2", VECTORS), ("3", other))
    )
    assert one == copy != changed


def test_renaming_a_vector_changes_the_fingerprint(tmp_path: Path) -> None:
    fingerprints = {named(tmp_path, names).info.fingerprint for names in (NAMES, NAMES[::-1], NAMES)}
    assert len(fingerprints) == 2


@every_format
def test_a_text_without_a_vector_is_rejected_by_name(write: Write, tmp_path: Path) -> None:
    embedder = opened(write(tmp_path))
    with pytest.raises(InputRejected, match=r"has no vector for the text 'A cat'") as caught:
        embedder.embed_texts(["a cat", "A cat"])
    assert str(tmp_path) in str(caught.value)


def test_pictures_can_only_be_found_not_embedded(tmp_path: Path) -> None:
    embedder = opened(write_npz(tmp_path))
    with pytest.raises(InputRejected, match="made elsewhere"):
        embedder.prepare_image(Image.new("RGB", (2, 2)))
    with pytest.raises(InputRejected, match="made elsewhere"):
        embedder.embed_images([Image.new("RGB", (2, 2))])


# Finding


def test_an_id_goes_before_a_name(tmp_path: Path) -> None:
    embedder = opened(write_npz(tmp_path))
    assert found(embedder, NAMES[0], image_id=IDS[1]) == VECTORS[1].tolist()
    assert found(embedder, NAMES[0], image_id="d" * 64) == VECTORS[0].tolist()
    assert found(embedder, "unknown.jpg", image_id="d" * 64) is None


def test_ids_alone_are_enough(tmp_path: Path) -> None:
    np.savez(tmp_path / "v.npz", ids=[one.upper() for one in IDS], vectors=VECTORS)
    embedder = opened(f"vectors:{tmp_path / 'v.npz'}")
    assert found(embedder, "whatever.jpg", image_id=IDS[2]) == VECTORS[2].tolist()


def named(tmp_path: Path, names: Sequence[str], options: str = "") -> VectorsFromFile:
    """Vectors under these names, the first one's first number being 0, the second's 1, and so on."""
    vectors = np.stack([np.arange(len(names)), np.full(len(names), 0.5)], axis=1)
    np.savez(tmp_path / "named.npz", names=np.array(names, str), vectors=vectors)
    return opened(f"vectors:{tmp_path / 'named.npz'}{options}")


@pytest.mark.parametrize(
    ("stored", "asked", "row"),
    [
        (NAMES, "cat/1.jpg", 0),
        (NAMES, "photos/dog/1.jpg", 2),
        (NAMES, "2.jpg", 1),
        (NAMES, "1.jpg", None),  # two names end so
        (NAMES, "t/1.jpg", None),  # half a folder's name is not part of the path
        (NAMES, "more/data/photos/cat/2.jpg", None),
        (NAMES, "cat/3.jpg", None),
        (NAMES, "", None),
        ([*NAMES, "1.jpg"], "1.jpg", 3),  # the very name goes before names that end in it
        (["C:\\photos\\cat\\1.jpg", "C:\\photos\\cat\\2.jpg"], "cat/2.jpg", 1),
        (["../data/images/1000.jpg", "./b.jpg"], "1000.jpg", 0),
        (["../data/images/1000.jpg", "./b.jpg"], "b.jpg", 1),
        (["a/000123", "a/000124"], "000124.jpg", 1),  # clip-retrieval's keys have no suffix
        (["a/photo.2020", "a/photo.2021"], "photo.2021.jpeg", 1),
        (["a/1.png", "a/2.png"], "1.jpg", None),  # another file
        (["a/1.png", "b/1"], "a/1.png", 0),
        (["cafe\u0301.jpg", "b.jpg"], "caf\u00e9.jpg", 0),  # one accent, written in two ways
        (["https://host/x/1.jpg", "https://host/y/1.jpg"], "https://host/y/1.jpg", 1),
    ],
)
def test_names_are_found_as_told(stored: list[str], asked: str, row: int | None, tmp_path: Path) -> None:
    expected = None if row is None else [float(row), 0.5]
    assert found(named(tmp_path, stored), asked) == expected


def test_the_first_name_that_finds_a_vector_counts(tmp_path: Path) -> None:
    embedder = named(tmp_path, NAMES)
    assert found(embedder, "1.jpg", "copy.jpg", "cat/2.jpg", "dog/1.jpg") == [1, 0.5]


def test_file_names_alone_match_when_asked_to(tmp_path: Path) -> None:
    embedder = named(tmp_path, ["000123", "old/b.png", "photo.2020.jpg"], "?match=filename")
    assert found(embedder, "00000/000123.jpg") == [0, 0.5]
    assert found(embedder, "new/b.jpg") == [1, 0.5]
    assert found(embedder, "photo.2020.webp") == [2, 0.5]
    assert found(embedder, "photo.jpg") is None
    assert (
        embedder.info.fingerprint
        != named(tmp_path, ["000123", "old/b.png", "photo.2020.jpg"]).info.fingerprint
    )


def test_file_names_that_are_not_unique_can_not_match_alone(tmp_path: Path) -> None:
    with pytest.raises(EmbedderUnavailable, match="1 has two different vectors, in rows 1 and 3"):
        named(tmp_path, NAMES, "?match=filename")


segments = st.text("abc1.", min_size=1, max_size=3).filter(lambda part: part.strip("."))


@given(
    st.lists(st.lists(segments, min_size=1, max_size=3), min_size=1, max_size=6, unique_by=tuple), st.data()
)
def test_a_whole_name_always_finds_its_own_vector(paths: list[list[str]], data: st.DataObject) -> None:
    from diptych.embedders.vectors.files import Rows, VectorFile

    names = ["/".join(path) for path in paths]
    rows = Rows([np.eye(len(names), dtype=np.float32)], "here")
    file = VectorFile(names, [None] * len(names), rows, [], Rows([], "here"))
    embedder = VectorsFromFile(Path("here"), file)
    row = data.draw(st.integers(0, len(names) - 1))
    assert found(embedder, names[row]) == np.eye(len(names))[row].tolist()


def test_a_name_may_be_there_again_with_the_same_vector_only(tmp_path: Path) -> None:
    again = np.vstack([VECTORS, VECTORS[:1].astype(np.float16)])
    np.savez(tmp_path / "v.npz", names=[*NAMES, NAMES[0]], vectors=again)
    assert found(opened(f"vectors:{tmp_path / 'v.npz'}"), NAMES[0]) == VECTORS[0].tolist()
    np.savez(tmp_path / "v.npz", names=[*NAMES, NAMES[1]], vectors=again)
    assert "/data/photos/cat/2.jpg has two different vectors, in rows 2 and 4" in refusal(
        f"vectors:{tmp_path / 'v.npz'}"
    )


# Rules of single formats


def test_names_may_lie_beside_an_npy_file_or_anywhere(tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", VECTORS)
    assert "v.txt" in refusal(f"vectors:{tmp_path / 'v.npy'}")
    assert "names=FILE" in refusal(f"vectors:{tmp_path / 'v.npy'}")
    (tmp_path / "names.txt").write_text("\n".join(["x", "y", "z"]))
    assert found(opened(f"vectors:{tmp_path / 'v.npy'}"), "z.jpg") == VECTORS[2].tolist()
    (tmp_path / "v.txt").write_text("\n".join(["r", "s", "t"]))
    assert found(opened(f"vectors:{tmp_path / 'v.npy'}"), "t.jpg") == VECTORS[2].tolist()
    assert (
        found(opened(f"vectors:{tmp_path / 'v.npy'}?names={tmp_path}/names.txt"), "z.jpg")
        == VECTORS[2].tolist()
    )


def test_an_npy_file_is_mapped_not_read(tmp_path: Path) -> None:
    rows, dimension = 30_000, 1024  # 120 MB
    big = np.lib.format.open_memmap(tmp_path / "big.npy", "w+", np.float32, (rows, dimension))
    big[:, 0] = np.arange(rows)
    big.flush()
    del big
    (tmp_path / "big.txt").write_text("\n".join(f"{row}.jpg" for row in range(rows)))
    code = (
        "import sys, diptych.embedders as e;"
        "embedder = e.load('vectors:' + sys.argv[1]);"
        "assert embedder.find_image('', ['29999.jpg'])[0] == 29999;"
        "anonymous = [l for l in open('/proc/self/status') if l.startswith('RssAnon')][0].split()[1];"
        "print(int(anonymous) // 1024)"
    )
    if not Path("/proc/self/status").exists():
        pytest.skip("memory is measured by /proc")
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "big.npy"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 100  # MB of its own, of which the interpreter and its libraries take some 40


@pytest.mark.parametrize("column", ["name", "path", "image_path", "file"])
@pytest.mark.parametrize("vector", ["vector", "embedding", "image_embedding"])
def test_parquet_columns_go_by_their_usual_names(column: str, vector: str, tmp_path: Path) -> None:
    rows = [{column: name, vector: row, "extra": 1} for name, row in zip(NAMES, VECTORS, strict=True)]
    embedder = opened(parquet(tmp_path, rows))
    assert [found(embedder, name) for name in NAMES] == VECTORS.tolist()


@pytest.mark.parametrize("column", ["text", "caption"])
def test_a_parquet_row_may_hold_a_picture_and_its_caption(column: str, tmp_path: Path) -> None:
    rows = [
        {"path": NAMES[0], "embedding": VECTORS[0], column: TEXTS[0], "text_embedding": TEXT_VECTORS[0]},
        {"path": NAMES[1], "embedding": VECTORS[1], column: TEXTS[1], "text_embedding": TEXT_VECTORS[1]},
        {"path": NAMES[2], "embedding": VECTORS[2]},
    ]
    embedder = opened(parquet(tmp_path, rows))
    assert [found(embedder, name) for name in NAMES] == VECTORS.tolist()
    assert embedder.embed_texts(TEXTS).tolist() == TEXT_VECTORS.tolist()


def test_parquet_rows_of_one_column_are_told_apart_by_what_names_them(tmp_path: Path) -> None:
    rows = [
        {"id": IDS[0], "name": None, "text": None, "vector": VECTORS[0]},
        {"id": None, "name": NAMES[1], "text": "seen in the picture", "vector": VECTORS[1]},
        {"id": "text-7", "name": None, "text": TEXTS[0], "vector": TEXT_VECTORS[0]},
        {"id": IDS[2], "name": NAMES[2], "text": None, "vector": None},
    ]
    embedder = opened(parquet(tmp_path, rows))
    assert found(embedder, image_id=IDS[0]) == VECTORS[0].tolist()
    assert found(embedder, NAMES[1]) == VECTORS[1].tolist()
    assert found(embedder, NAMES[2], image_id=IDS[2]) is None
    assert embedder.embed_texts(TEXTS[:1]).tolist() == TEXT_VECTORS[:1].tolist()
    with pytest.raises(InputRejected):
        embedder.embed_texts(["seen in the picture"])


def test_an_image_embedding_is_a_pictures_whatever_its_row_says(tmp_path: Path) -> None:
    rows = [{"id": IDS[0], "caption": TEXTS[0], "image_embedding": VECTORS[0]}]
    assert found(opened(parquet(tmp_path, rows)), image_id=IDS[0]) == VECTORS[0].tolist()


@pytest.mark.parametrize("kind", ["list", "large_list", "fixed", "half"])
def test_parquet_lists_of_every_kind_are_read(kind: str, tmp_path: Path) -> None:
    need("pyarrow")
    import pyarrow as pa

    kinds = {
        "list": pa.list_(pa.float64()),
        "large_list": pa.large_list(pa.float32()),
        "fixed": pa.list_(pa.float32(), 3),
        "half": pa.list_(pa.float16()),
    }
    rows = [{"name": name, "vector": row} for name, row in zip(NAMES, VECTORS, strict=True)]
    rows.append({"name": "without a vector", "vector": None})
    embedder = opened(parquet(tmp_path, rows, vector=kinds[kind]))
    assert [found(embedder, name) for name in NAMES] == VECTORS.tolist()
    assert found(embedder, "without a vector") is None


def test_clip_retrievals_parts_are_taken_in_order_whatever_their_number(tmp_path: Path) -> None:
    need("pyarrow")
    import pyarrow as pa
    import pyarrow.parquet

    (tmp_path / "img_emb").mkdir()
    (tmp_path / "metadata").mkdir()
    for part in range(12):
        np.save(tmp_path / "img_emb" / f"img_emb_{part}.npy", np.full((2, 2), part, np.float16))
        keys = [f"{part:05d}{row:04d}" for row in range(2)]
        pyarrow.parquet.write_table(
            pa.table({"image_path": keys}), tmp_path / "metadata" / f"metadata_{part}.parquet"
        )
    embedder = opened(f"vectors:{tmp_path}")
    for part in range(12):
        assert found(embedder, f"{part:05d}0001.jpg") == [part, part]


# What is refused


def bad(**arrays: Any) -> Callable[[Path], str]:
    def write(folder: Path) -> str:
        np.savez(folder / "v.npz", **({"names": NAMES, "vectors": VECTORS} | arrays))
        return f"vectors:{folder / 'v.npz'}"

    return write


def with_number(number: float, row: int = 1) -> np.ndarray:
    vectors = VECTORS.astype(np.float64)
    vectors[row, 1] = number
    return vectors


def without(key: str) -> Callable[[Path], str]:
    def write(folder: Path) -> str:
        np.savez(
            folder / "v.npz", **{k: v for k, v in {"names": NAMES, "vectors": VECTORS}.items() if k != key}
        )
        return f"vectors:{folder / 'v.npz'}"

    return write


def text_file(name: str, content: bytes = b"nothing") -> Callable[[Path], str]:
    def write(folder: Path) -> str:
        (folder / "names.txt").write_text("a\nb\nc\n")
        (folder / name).write_bytes(content)
        return f"vectors:{folder / name}"

    return write


def npy(array: np.ndarray, names: bytes = b"a\nb\nc\n", options: str = "") -> Callable[[Path], str]:
    def write(folder: Path) -> str:
        np.save(folder / "v.npy", array)
        (folder / "v.txt").write_bytes(names)
        return f"vectors:{folder / 'v.npy'}{options}"

    return write


def table(*rows: dict[str, Any]) -> Callable[[Path], str]:
    return lambda folder: parquet(folder, rows)


def clip_retrieval(change: Callable[[Path], Any]) -> Callable[[Path], str]:
    def write(folder: Path) -> str:
        spec = write_clip_retrieval(folder)
        change(folder)
        return spec

    return write


REFUSED: dict[str, tuple[Callable[[Path], str], str]] = {
    "no path": (lambda _: "vectors", "vectors of what?"),
    "no file": (lambda folder: f"vectors:{folder}/none.npz", "there is no"),
    "another format": (text_file("v.csv"), "read from .npz, .npy, .parquet"),
    "empty folder": (lambda folder: f"vectors:{folder}", "no img_emb/img_emb_*.npy"),
    "unknown option": (lambda folder: write_npz(folder) + "?names=x", "has no option names: it takes match"),
    "unknown match": (lambda folder: write_npz(folder) + "?match=stem", "path or filename, not 'stem'"),
    "npz: no zip": (text_file("v.npz"), "is not an .npz file"),
    "npz: object names": (bad(names=np.array(NAMES, object)), "Python objects can hold programs"),
    "npz: object vectors": (bad(vectors=np.array([[1], [2, 3]], object)), "Python objects can hold programs"),
    "npz: no vectors": (without("vectors"), "it has names"),
    "npz: no names": (without("names"), "it has vectors"),
    "npz: names too few": (bad(names=NAMES[:2]), "2 names for 3 vectors"),
    "npz: ids too many": (bad(ids=[*IDS, "d"]), "4 ids for 3 vectors"),
    "npz: texts too few": (bad(texts=TEXTS, text_vectors=TEXT_VECTORS[:1]), "2 texts for 1 vectors"),
    "npz: no text vectors": (bad(texts=TEXTS), "texts but no text_vectors"),
    "npz: names are a table": (bad(names=[NAMES]), "a list of strings"),
    "npz: names are numbers": (bad(names=np.array([1.5, 2, 3])), "a list of strings"),
    "npz: one row of numbers": (bad(vectors=VECTORS[0]), "of shape (3,)"),
    "npz: three dimensions": (bad(vectors=VECTORS[None]), "of shape (1, 3, 3)"),
    "npz: words": (bad(vectors=np.array([["a"], ["b"], ["c"]])), "rows of numbers"),
    "npz: complex": (bad(vectors=VECTORS.astype(complex)), "rows of numbers"),
    "npz: nothing": (bad(names=np.array([], str), vectors=VECTORS[:0]), "no image vectors"),
    "npz: no numbers": (bad(vectors=VECTORS[:, :0]), "no image vectors"),
    "npz: NaN": (bad(vectors=with_number(np.nan)), "image vector 2 holds a number that is not finite"),
    "npz: infinite": (bad(vectors=with_number(-np.inf, 2)), "image vector 3"),
    "npz: beyond float32": (bad(vectors=with_number(1e300)), "image vector 2"),
    "npz: NaN in texts": (bad(texts=["a"], text_vectors=[[0, 0, np.nan]]), "text vector 1"),
    "npz: two dimensions": (bad(texts=TEXTS, text_vectors=np.eye(2)), "have 3 numbers, text vectors 2"),
    "npz: text twice": (bad(texts=["a", "a"], text_vectors=TEXT_VECTORS), "a has two different vectors"),
    "npy: no npy": (text_file("v.npy"), "v.npy"),
    "npy: empty": (text_file("v.npy", b""), "v.npy"),
    "npy: cut short": (text_file("v.npy", b"\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran"), "v.npy"),
    "npy: objects": (npy(np.array([[1], [2]], object)), "Python objects can hold programs"),
    "npy: names too many": (npy(VECTORS, b"a\nb\nc\n\n"), "4 names for 3 vectors"),
    "npy: names not UTF-8": (npy(VECTORS, b"a\n\xff\nc"), "v.txt"),
    "npy: texts alone": (npy(VECTORS, options="?texts=x.txt"), "only of use together"),
    "npy: no such names": (npy(VECTORS, options="?names=no.txt"), "there is no no.txt"),
    "npy: no such texts": (npy(VECTORS, options="?texts=no.txt&text_vectors=no.npy"), "no.txt"),
    "parquet: no parquet": (text_file("v.parquet"), "v.parquet"),
    "parquet: no vectors": (
        table({"name": "a", "vec": [1.0]}),
        "call it vector or embedding or image_embedding",
    ),
    "parquet: no lists": (table({"name": "a", "vector": 1.0}), "a column of double, not of lists"),
    "parquet: words": (table({"name": "a", "vector": ["x"]}), "rows of numbers"),
    "parquet: mixed": (
        table({"name": "a", "vector": [1.0]}, {"name": "b", "vector": [1.0, 2.0]}),
        "vectors of 1 and of 2 numbers are mixed",
    ),
    "parquet: a hole": (table({"name": "a", "vector": [1.0, None]}), "image vector 1"),
    "parquet: nobody's": (
        table({"name": "a", "vector": [1.0]}, {"name": None, "vector": [2.0]}),
        "row 2: a vector without a name or an id",
    ),
    "parquet: only texts": (table({"text": "a", "vector": [1.0]}), "no image vectors"),
    "clip-retrieval: no metadata": (
        clip_retrieval(lambda folder: (folder / "metadata" / "metadata_1.parquet").unlink()),
        "metadata_1.parquet",
    ),
    "clip-retrieval: too few rows": (
        clip_retrieval(lambda folder: np.save(folder / "img_emb" / "img_emb_1.npy", VECTORS)),
        "has 3 vectors, its metadata 1 rows",
    ),
    "clip-retrieval: mixed": (
        clip_retrieval(lambda folder: np.save(folder / "img_emb" / "img_emb_1.npy", np.eye(1, 2))),
        "vectors of 2 and of 3 numbers are mixed",
    ),
}


@pytest.mark.parametrize(("write", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_what_can_not_be_right_is_refused_in_a_line(
    write: Callable[[Path], str], reason: str, tmp_path: Path
) -> None:
    assert reason in refusal(write(tmp_path))


def test_an_npz_file_that_lost_its_end_is_refused(tmp_path: Path) -> None:
    path = Path(write_npz(tmp_path).removeprefix("vectors:"))
    whole = path.read_bytes()
    for kept in (0, 10, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:kept])
        assert "some model.npz" in refusal(f"vectors:{path}")
    damaged = bytearray(whole)
    damaged[60:90] = bytes(30)
    path.write_bytes(damaged)
    assert "some model.npz" in refusal(f"vectors:{path}")


def test_without_pyarrow_parquet_says_what_to_install(tmp_path: Path) -> None:
    spec = write_parquet(tmp_path)
    code = (
        "import sys; sys.modules['pyarrow'] = None\n"
        "from diptych.embedders import load, EmbedderUnavailable\n"
        "try: load(sys.argv[1])\n"
        "except EmbedderUnavailable as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code, spec], capture_output=True, text=True)
    assert done.stdout.strip().endswith("needs pyarrow to be read: pip install 'diptych[parquet]'")


# Real vectors


@pytest.fixture(scope="module")
def flickr(shared: Path) -> tuple[np.ndarray, np.ndarray, list[dict[str, str]]]:
    """CLIP ViT-B/32 of 100 photographs, each five times, and of its five captions."""
    folder = shared / "data" / "embeddings" / "clip_vitb32_flickr8k_pairs"
    with (folder / "metadata.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return np.load(folder / "image_embeddings.npy"), np.load(folder / "text_embeddings.npy"), rows


def write_real(
    kind: str, folder: Path, images: np.ndarray, texts: np.ndarray, rows: Sequence[dict[str, str]]
) -> str:
    paths, captions = [row["image_path"] for row in rows], [row["caption"] for row in rows]
    if kind == "npz":
        np.savez(folder / "real.npz", names=paths, vectors=images, texts=captions, text_vectors=texts)
        return f"vectors:{folder / 'real.npz'}"
    if kind == "npy":
        np.save(folder / "real.npy", images)
        np.save(folder / "captions.npy", texts)
        (folder / "names.txt").write_text("\n".join(paths), encoding="utf-8")
        (folder / "captions.txt").write_text("\n".join(captions), encoding="utf-8")
        return f"vectors:{folder}/real.npy?texts={folder}/captions.txt&text_vectors={folder}/captions.npy"
    if kind == "parquet":
        data = zip(rows, images, texts, strict=True)
        return parquet(
            folder, [{**row, "image_embedding": image, "text_embedding": text} for row, image, text in data]
        )
    need("pandas")
    import pandas as pd

    for part in ("img_emb", "text_emb", "metadata"):
        (folder / part).mkdir()
    for number, part in enumerate((slice(0, 250), slice(250, 500))):
        np.save(folder / "img_emb" / f"img_emb_{number}.npy", images[part].astype(np.float16))
        np.save(folder / "text_emb" / f"text_emb_{number}.npy", texts[part].astype(np.float16))
        pd.DataFrame(rows[part]).to_parquet(folder / "metadata" / f"metadata_{number}.parquet")
    return f"vectors:{folder}"


@pytest.mark.parametrize("kind", ["npz", "npy", "parquet", "clip-retrieval"])
def test_captions_find_their_photographs_by_real_vectors(
    kind: str, flickr: tuple[np.ndarray, np.ndarray, list[dict[str, str]]], tmp_path: Path
) -> None:
    images, texts, rows = flickr
    embedder = opened(write_real(kind, tmp_path, images, texts, rows))
    names = sorted({f"{row['image_id']}.jpg" for row in rows})  # the collection is the folder of photographs
    vectors = [embedder.find_image("", [name]) for name in names]
    pictures = np.stack([vector for vector in vectors if vector is not None])
    assert pictures.shape == (100, 512)
    scores = embedder.embed_texts([row["caption"] for row in rows]) @ pictures.T
    right = np.array([[name == f"{row['image_id']}.jpg" for name in names] for row in rows])
    # Mann and Whitney: the chance that a matching pair scores above another pair.
    matching, others = scores[right], np.sort(scores[~right])
    area = np.searchsorted(others, matching).sum() / (len(matching) * len(others))
    assert area == pytest.approx(0.994, abs=0.001)
    assert matching.mean() == pytest.approx(0.325, abs=0.001)
    assert others.mean() == pytest.approx(0.175, abs=0.001)
    assert right[np.arange(500), scores.argmax(axis=1)].mean() > 0.75


def test_one_vector_for_each_of_five_captions_is_one_picture(
    flickr: tuple[np.ndarray, np.ndarray, list[dict[str, str]]], tmp_path: Path
) -> None:
    images, texts, rows = flickr
    embedder = opened(write_real("npz", tmp_path, images, texts, rows))
    assert found(embedder, f"images/{rows[7]['image_id']}.jpg") == images[7].tolist()


def test_what_an_npz_declares_is_looked_at_before_memory_is_taken(tmp_path: Path) -> None:
    """Zeros compress a thousandfold, and a header may say anything: neither costs memory."""
    zeros = np.broadcast_to(np.float32(0), (300_000, 256))  # 307 megabytes
    np.savez_compressed(tmp_path / "bomb.npz", names=NAMES, vectors=zeros)
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f4", "fortran_order": False, "shape": (10**12, 512)}
    )
    with zipfile.ZipFile(tmp_path / "says.npz", "w") as archive:
        archive.writestr("vectors.npy", header.getvalue() + bytes(2_048))
    for name, why in {"bomb": "would take 0.307 gigabytes", "says": "is cut short"}.items():
        tracemalloc.start()
        with pytest.raises(EmbedderUnavailable, match=why):
            opened(f"vectors:{tmp_path / name}.npz")
        assert tracemalloc.get_traced_memory()[1] < 50e6
        tracemalloc.stop()
