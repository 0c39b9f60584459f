"""Files of ours that others altered: `python attacks/files.py`.

Comparisons, thresholds, judgments, manifests, archives, vectors, stores, the cache and downloads' notes,
changed and opened. Each must work, or be refused with one line; what is only remembered must heal itself.
"""

from __future__ import annotations

import functools
import io
import json
import os
import random
import shutil
import sqlite3
import tempfile
import threading
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
from mutations import mutate, mutate_json
from outcome import SEED, Outcome, tell
from pictures import decoded
from PIL import Image
from sandbox import attack

import diptych
from diptych.cache import recall, remember
from diptych.errors import DiptychError
from diptych.images.download import download
from diptych.judgments.groundtruth import from_file
from diptych.judgments.ledger import recorded
from diptych.progress import Silent
from diptych.thresholds.saved import load_threshold

COLOURS = {"red": (200, 30, 30), "green": (30, 150, 40), "blue": (30, 50, 190), "white": (250, 250, 250)}


class Place:
    """A folder with pictures and a seed of every kind of file, made once for a process."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="diptych-attack-"))
        os.environ["DIPTYCH_CACHE"] = str(self.folder / "cache")
        self.pictures = self.folder / "pictures"
        self.pictures.mkdir()
        for name, colour in COLOURS.items():
            Image.new("RGB", (24, 16), colour).save(self.pictures / f"{name}.png")
        store = self.folder / "seed.sqlite"
        with diptych.Store(store) as opened:
            bench = diptych.Workbench(self.pictures, ["palette"], store=opened)
            for number, name in enumerate(COLOURS):
                bench.judge("red", f"{name}.png", int(number == 0))
                bench.judge("blue", f"{name}.png", int(number == 2))
            compared = bench.evaluate()
        compared.to_json(self.folder / "seed.json")
        self.store = store.read_bytes()
        self.comparison = (self.folder / "seed.json").read_text(encoding="utf-8")
        self.collection = diptych.open_collection(self.pictures)
        self.picture = (self.pictures / "red.png").read_bytes()

    def write(self, name: str, content: bytes) -> Path:
        """A file of this content."""
        path = self.folder / name
        path.write_bytes(content)
        return path


@functools.cache
def place() -> Place:
    """This process's own."""
    return Place()


def comparison(rng: random.Random) -> None:
    """Open a saved comparison, write it and lay it out."""
    own = place()
    text = mutate_json(own.comparison, rng).encode(errors="surrogatepass")
    data = text if rng.random() < 0.8 else mutate(own.comparison.encode(), rng, [])
    opened = diptych.Comparison.load(own.write("c.json", data))
    opened.to_json(own.folder / "again.json")
    opened.report(own.folder / "again.html")


THRESHOLD = Path(__file__).parents[1] / "tests" / "data" / "before" / "threshold-raw.json"


def threshold(rng: random.Random) -> None:
    """Open a threshold."""
    saved = THRESHOLD.read_text(encoding="utf-8")
    text = mutate_json(saved, rng).encode(errors="surrogatepass")
    data = text if rng.random() < 0.8 else mutate(saved.encode(), rng, [])
    load_threshold(place().write("t.json", data), json.loads(saved)["fingerprint"])


_ROWS = [["red", name + ".png", str(number % 3)] for number, name in enumerate(COLOURS)]
JUDGMENTS = {
    "j.csv": "query,image,grade\n" + "".join(",".join(row) + "\n" for row in _ROWS),
    "j.jsonl": "".join(
        json.dumps({"query": row[0], "image": row[1], "grade": int(row[2])}) + "\n" for row in _ROWS
    ),
    "j.trec": "".join(f"q1 0 {row[1]} {row[2]}\n" for row in _ROWS),
}


def judgments(rng: random.Random) -> None:
    """Read judgments in every form."""
    name = rng.choice(list(JUDGMENTS))
    path = place().write(name, mutate(JUDGMENTS[name].encode(), rng, []))
    from_file(path, place().collection, ["red"])


MANIFESTS = {
    "m.csv": "path;label;caption\n" + "".join(f"pictures/{name}.png;{name};a {name}\n" for name in COLOURS),
    "m.jsonl": "".join(
        json.dumps({"path": f"pictures/{n}.png", "labels": [n], "caption": n}) + "\n" for n in COLOURS
    ),
    "m.txt": "".join(f"http://127.0.0.1:9/{name}.png\n" for name in COLOURS),
}


def manifest(rng: random.Random) -> None:
    """Open lists and manifests; no address in them is that of a server."""
    name = rng.choice(("m.csv", "m.jsonl"))
    diptych.open_collection(place().write(name, mutate(MANIFESTS[name].encode(), rng, [])))


@functools.cache
def _archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number, (name, colour) in enumerate(COLOURS.items()):
            picture = io.BytesIO()
            Image.new("RGB", (9, 7), colour).save(picture, "PNG")
            archive.writestr(
                f"{name}/é-{name}.png",
                picture.getvalue(),
                (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)[number % 2],
            )
    return buffer.getvalue()


def archive(rng: random.Random) -> None:
    """Open a ZIP and decode what is in it."""
    data = bytearray(_archive())
    if rng.random() < 0.5:  # what the directory at its end says: sizes, offsets, names
        at = rng.randrange(data.index(b"PK\x01\x02"), len(data))
        data[at : at + 4] = rng.choice((b"\xff" * 4, bytes(4), b"\0\0\0\x7f"))
    opened = diptych.open_collection(place().write("a.zip", mutate(bytes(data), rng, [])))
    for picture in opened.pictures:
        decoded(opened.read(picture))


@functools.cache
def _vectors(form: str) -> bytes:
    rows = np.random.default_rng(0).normal(size=(8, 16)).astype(np.float32)
    names, buffer = [f"{name}.png" for name in COLOURS], io.BytesIO()
    if form == "npz":
        np.savez(buffer, names=names, vectors=rows[:4], texts=list(COLOURS), text_vectors=rows[4:])
    elif form == "npy":
        np.save(buffer, rows[:4])
    else:
        import pyarrow as pa
        import pyarrow.parquet as pq

        table = pa.table({"image": names, "embedding": [row.tolist() for row in rows[:4]]})
        pq.write_table(table, buffer)
    return buffer.getvalue()


def _altered(data: bytes, rng: random.Random) -> bytes:
    """The file, or one of those in it, changed: checksums hold back most changes of an archive's bytes."""
    if not data.startswith(b"PK") or rng.random() < 0.3:
        return mutate(data, rng, [])
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as was, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as now:
        chosen = rng.choice(was.namelist())
        for name in was.namelist():
            member = was.read(name)
            now.writestr(name, mutate(member, rng, []) if name == chosen else member)
    return buffer.getvalue()


def vectors(rng: random.Random) -> None:
    """Open somebody's vectors."""
    form = rng.choice(("npz", "npy", "parquet"))
    names = place().write("v.txt", "".join(f"{name}.png\n" for name in COLOURS).encode())
    path = place().write(f"v.{form}", _altered(_vectors(form), rng))
    loaded = diptych.load(f"vectors:{path}{'?names=' + str(names) if form == 'npy' else ''}")
    if form == "npz":
        loaded.embed_texts(["red"])


def store(rng: random.Random) -> None:
    """Compare with a store whose file, or whose rows, are others."""
    own = place()
    path = own.folder / "s.sqlite"
    for old in own.folder.glob("s.sqlite*"):
        old.unlink()
    if rng.random() < 0.5:
        path.write_bytes(mutate(own.store, rng, []))
    else:
        path.write_bytes(own.store)
        _alter(path, rng)
    with diptych.Store(path) as opened:
        bench = diptych.Workbench(own.collection, ["palette"], store=opened)
        bench.compare(["red"])
        recorded(opened)


_VALUES: tuple[object, ...] = (
    None,
    5,
    -1,
    1e308,
    "",
    "text",
    "é\0",
    b"",
    b"\xff\xfe",
    b"\0" * 12,
    b"\xff" * 12,
)


def _alter(path: Path, rng: random.Random) -> None:
    """Give one field of one row another value, whatever the table says of its columns."""
    db = sqlite3.connect(path)
    db.execute("PRAGMA ignore_check_constraints = ON")
    tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    table = rng.choice(tables)
    columns = [row[1] for row in db.execute(f'PRAGMA table_info("{table}")')]
    column, value = rng.choice(columns), rng.choice(_VALUES)
    new = "CAST(? AS TEXT)" if rng.random() < 0.3 else "?"
    rows = f'SELECT rowid FROM "{table}" ORDER BY random() LIMIT 1'
    try:
        db.execute(f'UPDATE "{table}" SET "{column}" = {new} WHERE rowid IN ({rows})', [value])
        db.commit()
    except sqlite3.Error:
        pass  # the table's own rules
    finally:
        db.close()


def cache(rng: random.Random) -> None:
    """Remember and recall with a cache that is damaged: nothing may be raised, nothing wrong come back."""
    path = place().folder / "cache" / "memory.sqlite"
    remember({"a fact": ["of", 3, "words"]})
    content = mutate(path.read_bytes(), rng, []) if path.exists() else b""
    for old in path.parent.glob("memory.sqlite*"):
        old.unlink()
    path.write_bytes(content)
    try:
        found = recall(["a fact"]).get("a fact", ["of", 3, "words"])
        if found != ["of", 3, "words"]:
            raise AssertionError(f"the fact is now {found!r}")
        remember({"a fact": ["of", 3, "words"]})
    except DiptychError as error:
        raise AssertionError(f"the cache failed: {error}") from error


@functools.cache
def _server() -> str:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("ETag", '"1"')
            self.send_header("Content-Length", str(len(place().picture)))
            self.end_headers()
            self.wfile.write(place().picture)

        def log_message(self, *_words: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}/red.png"


def downloaded(rng: random.Random) -> None:
    """Fetch a picture whose copy or note in the cache is damaged: the picture must come."""
    folder = place().folder / "cache" / "downloads"
    _fetch()
    notes = list(folder.glob("*.json"))
    note = rng.choice(notes)
    files = [note, *(path for path in folder.iterdir() if path.name.startswith(note.stem + "-"))]
    changed = rng.choice(files)
    if changed.suffix == ".json" and rng.random() < 0.7:
        saved = json.loads(changed.read_text())
        text = mutate_json(json.dumps(saved), rng)
        changed.write_bytes(text.encode(errors="surrogatepass"))
    else:
        changed.write_bytes(mutate(changed.read_bytes(), rng, []))
    try:
        _fetch()
    finally:
        shutil.rmtree(folder)


def _fetch() -> None:
    (outcome,) = download([_server()], max_bytes=10**6, progress=Silent())
    if outcome.path is None or outcome.path.read_bytes() != place().picture:
        raise AssertionError(f"no picture: {outcome.reason}")


KINDS: dict[str, Callable[[random.Random], None]] = {
    "saved comparisons": comparison,
    "thresholds": threshold,
    "judgments": judgments,
    "lists and manifests": manifest,
    "archives": archive,
    "vectors": vectors,
    "stores": store,
    "the cache": cache,
    "downloads in the cache": downloaded,
}


OFTEN = tuple(name for name in KINDS if name not in {"saved comparisons", "stores", "downloads in the cache"})
"""What takes milliseconds is tried oftener than what takes a tenth of a second."""

TURNS = (*KINDS, *OFTEN * 5)


def kind(number: int) -> str:
    """What a number tries."""
    return TURNS[number % len(TURNS)]


def attempt(number: int) -> str:
    """Open one file; refusing it in one line is fine."""
    name = kind(number)
    warnings.simplefilter("ignore")
    try:
        KINDS[name](random.Random(SEED + number))
    except DiptychError as error:
        if "\n" in str(error) or not str(error):
            raise ValueError(f"refused with {str(error)!r}") from error
        return f"{name}: refused"
    except sqlite3.Error as error:
        raise AssertionError(f"SQLite's own words: {error}") from error
    return f"{name}: used"


def outcomes(seconds: float) -> Iterator[Outcome]:
    """A row for each kind of file."""
    place()  # what is wrong with a seed is seen here
    tally = attack("files", seconds, megabytes=4000, longest=60.0)
    through = Counter(kind(number) for number, _ in tally.through)
    for name in KINDS:
        used, refused = tally.words[f"{name}: used"], tally.words[f"{name}: refused"]
        if not used and refused > 20:
            raise SystemExit(f"none of {refused} {name} could be used: the attack is wrong")
        yield Outcome(
            part="Files",
            tried=f"{name} that others altered",
            count=used + refused + through[name],
            through=tuple(
                f"number {number}: {why}" for number, why in sorted(tally.through) if kind(number) == name
            ),
            note=f"{used:,} used, {refused:,} refused in a line",
        )
    yield Outcome(
        part="Memory",
        tried="of a process that opens altered files",
        count=tally.tried,
        worst=tally.peak,
        most=2000,
        unit="MB",
    )


if __name__ == "__main__":
    tell(outcomes)
