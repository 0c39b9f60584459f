"""Three hosted embedders and two local ones compare in one run, the whole tool in a process of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from diptych import samples
from diptych.embedders import load
from diptych.emulators.cohere import CohereEmulator
from diptych.emulators.emulator import Emulator
from diptych.emulators.gemini import GeminiEmulator
from diptych.emulators.voyage import VoyageEmulator
from diptych.retrieval.null_bank import default_bank

SECRET = "a-very-secret-key"
KINDS = ("wolf", "apple", "banana")
COUNT = 8 * len(KINDS)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    for kind in KINDS:
        shutil.copytree(samples.FOLDER / kind, folder / kind)
    return folder


@pytest.fixture
def hosted() -> Iterator[dict[str, Emulator]]:
    """Each sees as mini-b does, on a bad day."""
    kinds = {"gemini": GeminiEmulator, "cohere": CohereEmulator, "voyage": VoyageEmulator}
    with ExitStack() as running:
        yield {
            name: running.enter_context(kind(load("mini-b"), error_rate=0.1, seed=2))
            for name, kind in kinds.items()
        }


def diptych(*arguments: object) -> subprocess.CompletedProcess[str]:
    keys = dict.fromkeys(("GEMINI_API_KEY", "CO_API_KEY", "VOYAGE_API_KEY"), SECRET)
    command = [sys.executable, "-m", "diptych", *map(str, arguments)]
    return subprocess.run(command, env=os.environ | keys, capture_output=True, text=True, timeout=300)


def test_three_hosted_and_two_local_embedders_in_one_run(
    pictures: Path, hosted: dict[str, Emulator], tmp_path: Path
) -> None:
    specs = [f"{name}?endpoint={emulator.url}" for name, emulator in hosted.items()]
    chosen = [part for spec in (*specs, "mini-b", "palette") for part in ("-e", spec)]
    out, report = tmp_path / "out.json", tmp_path / "report.html"
    queries = ["-q", "wolf", "-q", "apple", "-k", COUNT]
    done = diptych("compare", pictures, *chosen, *queries, "--json", out, "--report", report)
    assert done.returncode == 0, done.stderr
    saved = json.loads(out.read_text())
    assert saved["collection"]["skipped"] == []
    for query in saved["queries"]:
        own = {hit["image"]: hit["score"] for hit in query["rankings"]["mini-b"]["hits"]}
        assert len(query["rankings"]) == 5
        for name in hosted:
            hits = query["rankings"][name]["hits"]
            assert len(hits) == COUNT
            assert all(hit["score"] == pytest.approx(own[hit["image"]], abs=0.05) for hit in hits)
            assert hits[0]["label"] == query["query"]
    for emulator in hosted.values():
        good = [served for served in emulator.served if served.status == 200]
        assert len(good) == len({served.sha256 for served in good}) == COUNT + 2 + len(default_bank())
    assert "search_document" in report.read_text()
    assert SECRET not in done.stdout + done.stderr
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert SECRET.encode() not in path.read_bytes()


def test_a_price_that_is_not_known_is_said_and_keeps_to_no_limit(pictures: Path) -> None:
    spec = "cohere?endpoint=http://127.0.0.1:9"
    foreseen = diptych("estimate", pictures, "-e", spec, "-q", "wolf")
    assert foreseen.returncode == 0, foreseen.stderr
    assert "not known" in foreseen.stdout
    refused = diptych("compare", pictures, "-e", spec, "-q", "wolf", "--max-cost", "5", "--quiet")
    assert refused.returncode == 1
    (line,) = refused.stderr.strip().splitlines()
    assert "cohere" in line
    assert "prices.toml" in line
    assert "nothing was sent" in line


def test_a_page_does_not_spend_what_it_can_not_ask_for(pictures: Path) -> None:
    refused = diptych("serve", pictures, "-e", "cohere?endpoint=http://127.0.0.1:9", "--port", "0")
    assert refused.returncode == 1
    assert "cohere" in refused.stderr
    assert "prices.toml" in refused.stderr
