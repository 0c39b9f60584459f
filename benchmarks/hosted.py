"""How well calls to a hosted embedder overlap: `python benchmarks/hosted.py`.

Embeds pictures of 640 × 480 with `vertex` against the emulator, which runs in a process of its own and takes
0.2 s for a call. The bar is what no client can beat: as many rounds as the calls in flight need, each as
long as a call.
"""

from __future__ import annotations

import base64
import contextlib
import io
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import requests
import stand_ins
from PIL import Image
from table import Row, in_turn, print_rows, ratios, seconds

import diptych

PICTURES, MEGAPIXELS = 300, 0.3072
LATENCY, IN_FLIGHT = 0.2, 16
FAILING, QUOTA = 0.2, 600
LOOPED = 25
"""Of how many pictures the notebook's loop is timed; it takes as long for each."""

RUNS = 3
PART = "Hosted: the Vertex emulator, 0.2 s a call, 300 pictures of 640 × 480"


@contextlib.contextmanager
def running(*options: str) -> Iterator[tuple[str, int]]:
    """The address of Vertex's emulator while it runs, and the number of its process."""
    command = ["emulate", "vertex", "--embedder", "random", "--port", "0", "--latency", str(LATENCY)]
    with subprocess.Popen(
        [sys.executable, "-m", "diptych", *command, *options], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            yield line[line.index("http://") :].split()[0], process.pid
        finally:
            process.terminate()


@contextlib.contextmanager
def emulator(*options: str) -> Iterator[str]:
    """The address of Vertex's emulator while it runs."""
    with running(*options) as (url, _):
        yield url


def processor_time(process: int) -> float:
    """Seconds that a process has computed for so far; Linux's."""
    user, system = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def embed(pictures: Path, url: str, requests_per_minute: int = 0) -> None:
    """Everything with Diptych, into an empty store: opening the folder, all calls, filing the vectors."""
    options = f"project=p&requests_per_minute={requests_per_minute}&concurrency={IN_FLIGHT}&endpoint={url}"
    with (
        tempfile.TemporaryDirectory() as scratch,
        diptych.Store(Path(scratch) / "store.sqlite") as store,
    ):
        bench = diptych.Workbench(pictures, [f"vertex?{options}"], store=store)
        (filled,) = bench.embed().values()
        assert filled.embedded == PICTURES, filled


def loop(pictures: Path, url: str) -> None:
    """What the notebook does, but for its command for a token: one picture after another."""
    model = "publishers/google/models/multimodalembedding@001:predict"
    for path in sorted(pictures.iterdir())[:LOOPED]:
        image = Image.open(path).resize((1000, 1000))
        encoded = io.BytesIO()
        image.save(encoded, "JPEG")
        instance = {"image": {"bytesBase64Encoded": base64.b64encode(encoded.getvalue()).decode()}}
        answer = requests.post(
            f"{url}/v1/projects/p/locations/us-central1/{model}",
            json={"instances": [instance]},
            headers={"Authorization": "Bearer any"},
            timeout=60,
        )
        answer.json()["predictions"][0]["imageEmbedding"]


def rows() -> Iterator[Row]:
    """On a good day, against the notebook, and with failures under a quota."""
    os.environ["VERTEX_ACCESS_TOKEN"] = "any"
    pictures = stand_ins.photographs(PICTURES, MEGAPIXELS)
    rounds = math.ceil(PICTURES / IN_FLIGHT)
    ideal = rounds * LATENCY
    with emulator() as url:
        embed(pictures, url)  # what is imported at the first call is not the network's
        ours, theirs = in_turn([lambda: embed(pictures, url), lambda: loop(pictures, url)], RUNS)
    took = sorted(ours)[RUNS // 2]
    yield Row(
        part=PART,
        work=f"{IN_FLIGHT} calls in flight",
        against=f"{rounds} rounds of {LATENCY} s",
        values=tuple(each / ideal for each in ours),
        bar=1.15,
        took=took,
        note="the emulator decodes and answers on the same cores",
    )
    yield Row(
        part=PART,
        work="the same",
        against="the notebook's loop, one call after another",
        values=ratios([each * PICTURES / LOOPED for each in theirs], ours),
        bar=12,
        better="at least",
        took=took,
        note=f"the loop timed on {LOOPED} pictures",
    )
    with emulator("--error-rate", str(FAILING), "--requests-per-minute", str(QUOTA)) as url:
        limited = seconds(lambda: embed(pictures, url, QUOTA))
    allowed = PICTURES / (1 - FAILING) / QUOTA * 60  # calls that fail count too
    yield Row(
        part=PART,
        work=f"{FAILING:.0%} of calls failing, a quota of {QUOTA} a minute; all complete",
        against=f"{PICTURES / (1 - FAILING):.0f} calls at {QUOTA} a minute",
        values=(limited / allowed,),
        bar=1.3,
        took=limited,
        note=f"of {PICTURES} calls without a failure: {limited / (allowed * (1 - FAILING)):.3g} ×",
    )


if __name__ == "__main__":
    print_rows(rows())
