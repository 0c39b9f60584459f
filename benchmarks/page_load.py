"""Many people at once on one page, who search, judge and read verdicts: `python benchmarks/page_load.py`.

The server is a process of its own with the sample and its built-in models; people are threads that ask over
HTTP as a browser does, with half a second between two requests on average. They judge 60 texts that they
share, and search for others that nobody asked before; now and then somebody takes the report away. For every
address: how long its answers took, beside those of a static file in the same run, which need nothing but the
server's attention. Then its memory, and how long Ctrl-C takes in the midst of it. Client and server share the
machine: on a busy one, compare with the static file.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
from serve import WORDS, Client, resident, serving
from table import Row

IDLE = "/static/theme.js"
SHARED = [f"a {a} and a {b}" for a in WORDS for b in WORDS if a != b][:60]
PAUSE = 0.5
SLOWEST = 1000.0
"""Milliseconds that 95 of 100 answers of every address must come within."""

ENDS_WITHIN = 2.0
FEWEST = 20
"""Of fewer requests 95 of 100 say nothing: the address is told, and compared with no bar."""


class People:
    """Everybody on the page, and how it answered them.

    Args:
        address: Where the page is.
        end: When everybody leaves, by `time.perf_counter`.

    Attributes:
        end: As given.
        took: Milliseconds of every answer, by the address without its query.
        errors: What was not answered with 200.
    """

    def __init__(self, address: str, end: float) -> None:
        self._address, self.end = address, end
        self.took: defaultdict[str, list[float]] = defaultdict(list)
        self.errors: list[str] = []

    def come(self, number: int) -> threading.Thread:
        """Somebody who stays until the end."""
        person = threading.Thread(target=self._stay, args=(number,), daemon=True)
        person.start()
        return person

    def _stay(self, number: int) -> None:
        client, chance = Client(self._address), random.Random(number)
        time.sleep(chance.uniform(0, 2 * PAUSE))
        while time.perf_counter() < self.end:
            try:
                self._visit(client, chance, number)
            except (OSError, RuntimeError, http.client.HTTPException) as error:
                self.errors.append(repr(error))
                client = Client(self._address)

    def _visit(self, client: Client, chance: random.Random, number: int) -> None:
        """One query: searched for, judged, and what follows from it read."""

        def get(path: str, name: str = "", **query: Any) -> bytes:
            asked = f"{path}?{urlencode(query)}" if query else path
            return self._timed(chance, name or path, lambda: client.get(asked))

        def post(path: str, **body: Any) -> bytes:
            return self._timed(chance, path, lambda: client.post(path, body))

        is_new = chance.random() < 0.3
        text = f"{chance.choice(SHARED)} {number} {chance.random()}" if is_new else chance.choice(SHARED)
        found = json.loads(post("/api/search", text=text, keep=True))["answers"]
        hits = [hit["id"] for answer in found.values() for hit in answer["hits"]]
        get("/answer", text=text, k=10)
        for picture in chance.sample(hits, 2):
            get(f"/pictures/{picture}/thumbnail", "/pictures/…/thumbnail")
        if not is_new:
            get("/api/pool", text=text)
            for picture in chance.sample(hits, 3):
                post("/api/judgments", text=text, picture=picture, grade=chance.randrange(2))
        get(IDLE)
        get("/api/state")
        get("/api/verdict")
        if chance.random() < 0.3:
            get("/evaluate")
            asked = {"embedder": chance.choice(list(found)), "scale": chance.choice(["raw", "z"])}
            get("/api/scores", **asked)
            get("/api/threshold", value=chance.random(), **asked)
        if chance.random() < 0.3:
            get("/judge")
            get("/api/queries")
        if chance.random() < 0.02:
            get("/export/evaluation.html")

    def _timed(self, chance: random.Random, name: str, ask: Callable[[], bytes]) -> bytes:
        start = time.perf_counter()
        answer = ask()
        self.took[name].append(1000 * (time.perf_counter() - start))
        time.sleep(chance.uniform(0, 2 * PAUSE))
        return answer


def ends(pid: int) -> float:
    """Seconds from Ctrl-C until a process is gone; endless where it is not after half a minute."""
    start = time.perf_counter()
    os.kill(pid, signal.SIGINT)
    while time.perf_counter() - start < 30:
        if os.waitpid(pid, os.WNOHANG)[0]:
            return time.perf_counter() - start
        time.sleep(0.01)
    return float("inf")


def measure(people: int, seconds: float) -> list[Row]:
    """Rows of the table: each address, errors, memory and Ctrl-C."""
    part = f"The page, {people} people who judge for {seconds:g} s"
    with tempfile.TemporaryDirectory() as place, serving("sample", Path(place) / "s.sqlite") as served:
        address, pid, _ = served
        client = Client(address)
        while any(each["state"] != "ready" for each in json.loads(client.get("/api/state"))["embedders"]):
            time.sleep(0.1)
        for text in SHARED[:5]:
            client.search(text)
        everybody = People(address, time.perf_counter() + seconds)
        there = [everybody.come(number) for number in range(people)]
        memory = []
        while time.perf_counter() < everybody.end:
            memory.append(resident(pid))
            time.sleep(0.5)
        errors = list(everybody.errors)
        ended = ends(pid)  # in the midst of it: that somebody then gets no answer is not an error
        for person in there:
            person.join(10)
    return [*_addresses(part, everybody.took), *_whole(part, errors, memory, ended)]


def _addresses(part: str, took: dict[str, list[float]]) -> list[Row]:
    idle = float(np.percentile(took[IDLE], 95))
    rows = []
    for name, times in sorted(took.items()):
        median, high = (float(one) for one in np.percentile(times, [50, 95]))
        told = f"median {median:.0f}, longest {max(times):.0f} ms of {len(times):,}"
        told += f"; × {high / idle:.1f} of {IDLE}"
        is_told_only = len(times) < FEWEST or name.startswith("/export/")
        bar = None if is_told_only else SLOWEST
        rows.append(
            Row(part=part, work=f"95 of 100 within: {name}", values=(high,), unit="ms", bar=bar, note=told)
        )
    return rows


def _whole(part: str, errors: Sequence[str], memory: Sequence[float], ended: float) -> list[Row]:
    then, last = memory[2 * len(memory) // 3], memory[-1]
    grew = f"{memory[0]:.0f} → {then:.0f} → {last:.0f} MB, at most {max(memory):.0f}"
    return [
        Row(
            part=part, work="errors", values=(len(errors),), unit="", bar=0, note=errors[0] if errors else ""
        ),
        Row(
            part=part,
            work="memory at the end",
            against="after two thirds",
            values=(last / then,),
            bar=1.1,
            note=grew,
        ),
        Row(part=part, work="until Ctrl-C has ended it", values=(ended,), unit="s", bar=ENDS_WITHIN),
    ]


def main(argv: Sequence[str] | None = None) -> list[Row]:
    """Measure as the command line says, and print the table.

    Args:
        argv: The words after the command; by default this process's own.

    Returns:
        The table's rows; those that miss their bar have `met` False.
    """
    parser = argparse.ArgumentParser(description="Many people at once on one page.")
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=180.0)
    asked = parser.parse_args(argv)
    found = measure(asked.people, asked.seconds)
    for row in found:
        met = {None: "", True: "yes", False: "NO"}[row.met]
        print(f"{row.figure:10.1f} {row.unit:3} {met:4} {row.work}  ({row.note})", flush=True)
    return found


if __name__ == "__main__":
    sys.exit(any(row.met is False for row in main()))
