"""How fast the page answers: `python benchmarks/serve.py`.

10,000 pictures with their vectors in place, made up for this: plain tiny files, and around the vectors of the
sample's drawn scenes as many others, by mini-b and mini-s. A search is one POST to /api/search that both
embedders answer, with a text that nobody asked before; what is said of it is the part of the page that
follows. 20 people then ask without pause for a minute. Of the times of searches the table gives the median
and what nine tenths of them lie between. Client and server share the machine.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import numpy as np
from PIL import Image
from table import Row, print_rows

from diptych import Store, Workbench, open_collection

PICTURES = 10_000
EMBEDDERS = ("mini-b", "mini-s")
PEOPLE = 20
ALONE = 200
SECONDS = 60
STARTS = 5
WORDS = ("wolf", "dog", "cat", "bird", "apple", "house", "red", "blue", "night", "snow", "two", "small")


def draw(folder: Path) -> None:
    """Plain pictures, no two of them alike."""
    folder.mkdir()
    for number in range(PICTURES):
        colour = (number % 256, number // 256, 100)
        Image.new("RGB", (8, 8), colour).save(folder / f"{number:05}.png")


def make_vectors(folder: Path, store: Path) -> None:
    """Vectors around those of the sample, filed under the ids of the drawn pictures."""
    bench = Workbench("sample", list(EMBEDDERS), store=store)
    ids = [picture.id for picture in open_collection(folder).pictures]
    random = np.random.default_rng(0)
    with Store(store) as opened:
        for embedder in bench.embedders:
            real = bench.vectors()[embedder.info.name].vectors
            near = real[random.integers(len(real), size=len(ids))]
            noise = random.normal(scale=0.5 * real.std(axis=0), size=near.shape)
            opened.put(embedder.info.fingerprint, "image", ids, (near + noise).astype(np.float32))


@contextmanager
def serving(
    source: str, store: Path, embedders: Sequence[str] = EMBEDDERS
) -> Iterator[tuple[str, int, float]]:
    """A server in a process of its own: its address, its process and the seconds until its page was there."""
    command = [sys.executable, "-m", "diptych", "serve", source, "--no-open", "--port", "0", "--quiet"]
    command += ["--store", str(store), *(part for name in embedders for part in ("-e", name))]
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        address = urlsplit(process.stdout.readline().split()[0]).netloc
        Client(address).get("/")
        yield address, process.pid, time.perf_counter() - start
    finally:
        process.terminate()
        process.wait()


class Client:
    """One person's browser."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._connection = http.client.HTTPConnection(address, timeout=60)

    def get(self, path: str) -> bytes:
        """Fetch something; raises where it is refused."""
        return self._send("GET", path, None)

    def post(self, path: str, body: object) -> bytes:
        """Send something as JSON; raises where it is refused."""
        return self._send("POST", path, json.dumps(body))

    def search(self, text: str) -> None:
        """Ask both embedders; raises where one does not answer."""
        found = json.loads(self.post("/api/search", {"text": text}))
        states = {answer["state"] for answer in found["answers"].values()}
        if states != {"answered"}:
            raise RuntimeError(f"not answered: {found}")

    def _send(self, method: str, path: str, body: str | None) -> bytes:
        headers = {"Origin": f"http://{self._address}", "Content-Type": "application/json"}
        self._connection.request(method, path, body, headers)
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status != http.client.OK:
            raise RuntimeError(f"{path}: {answer.status} {content[:200]!r}")
        return content


def texts(person: int) -> Iterator[str]:
    """Texts that nobody else asks."""
    random = np.random.default_rng(person)
    number = 0
    while True:
        number += 1
        yield f"{' and a '.join(random.choice(WORDS, 2))} of {person} in {number}"


def alone(address: str) -> tuple[list[float], list[float]]:
    """Seconds of one person's searches, and of the described answers after them."""
    client, searched, described = Client(address), [], []
    for _, text in zip(range(ALONE), texts(0), strict=False):
        start = time.perf_counter()
        client.search(text)
        middle = time.perf_counter()
        client.get(f"/answer?k=10&text={quote(text)}")
        searched.append(middle - start)
        described.append(time.perf_counter() - middle)
    return searched, described


def together(address: str, seconds: float, pid: int) -> tuple[list[float], list[str], list[float]]:
    """Seconds of everybody's searches, errors, and the server's memory in MB, once a second."""
    took: list[float] = []
    errors: list[str] = []
    memory: list[float] = []
    end = time.perf_counter() + seconds

    def ask(person: int) -> None:
        client, asked = Client(address), texts(person)
        while time.perf_counter() < end:
            start = time.perf_counter()
            try:
                client.search(next(asked))
            except (OSError, RuntimeError, http.client.HTTPException) as error:
                errors.append(repr(error))
            else:
                took.append(time.perf_counter() - start)

    people = [threading.Thread(target=ask, args=(person,)) for person in range(1, PEOPLE + 1)]
    for person in people:
        person.start()
    while time.perf_counter() < end:
        memory.append(resident(pid))
        time.sleep(1)
    for person in people:
        person.join()
    return took, errors, memory


def resident(pid: int) -> float:
    """Memory of a process in MB, where the system tells."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return float("nan")
    found = re.search(r"VmRSS:\s+(\d+)", status)
    return int(found[1]) / 1024 if found else float("nan")


def worked(pid: int) -> float:
    """Processor seconds of a process so far, where the system tells."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return float("nan")
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rows() -> Iterator[Row]:
    """The page of the sample, then of 10,000 pictures: one person, and 20 at once."""
    with tempfile.TemporaryDirectory() as place:
        store, folder = Path(place) / "store.sqlite", Path(place) / "pictures"
        draw(folder)
        make_vectors(folder, store)
        started = []
        for _ in range(STARTS):
            with serving("sample", store) as (_, _, ready):
                started.append(ready)
        yield row("diptych serve sample -e mini-b -e mini-s: until its page is there", started, "s", bar=3)
        with serving(str(folder), store) as (address, pid, ready):
            client = Client(address)
            while any(each["state"] != "ready" for each in json.loads(client.get("/api/state"))["embedders"]):
                time.sleep(0.1)
            yield row(f"the same with {PICTURES:,} pictures", [ready], "s")
            searched, described = alone(address)
            before = worked(pid)
            took, errors, memory = together(address, SECONDS, pid)
            work = worked(pid) - before
    yield row("a search, one person", usual(searched), "ms", bar=50)
    yield row("what is said of it: z, breaks, agreement, findings", usual(described), "ms")
    each = f"{1000 * work / max(1, len(took)):.1f} ms of processor time each"
    done = f"{len(took):,} searches in {SECONDS} s, {each}"
    yield row(f"a search, {PEOPLE} people at once", usual(took), "ms", bar=400, note=done)
    yield row("errors meanwhile", [len(errors)], "", bar=0, note=errors[0] if errors else "")
    half = memory[len(memory) // 2]
    grew = f"{half:.0f} → {memory[-1]:.0f} MB"
    yield row("memory at the end", [memory[-1] / half], "×", bar=1.05, note=grew, against="half-way")


def usual(took: Sequence[float]) -> list[float]:
    """In milliseconds: what a twentieth stays below, the median, and what a twentieth is above."""
    return [1000 * float(one) for one in np.percentile(took, [5, 50, 95])]


def row(work: str, values: Sequence[float], unit: str, **more: Any) -> Row:
    """A row of this part of the table."""
    return Row(part="The page", work=work, values=tuple(values), unit=unit, **more)


if __name__ == "__main__":
    print_rows(rows())
