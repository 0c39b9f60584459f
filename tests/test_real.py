"""`make real`, to its end, against emulators, the built-in models and a web server on this machine."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from diptych import samples
from diptych.embedders import load
from embedders.hosted_cases import CASES, Case, Colours

ROOT = Path(__file__).resolve().parents[1]
WOLF, APPLE = "wolf/wolf-1.webp", "apple/apple-1.webp"
SECRET = "a-key-that-nobody-may-see"
TEXTS = ["a wolf", "an apple"]


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None: ...


@pytest.fixture(scope="module")
def web() -> Iterator[str]:
    """The sample's pictures, served."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(samples.FOLDER))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def logits() -> list[float]:
    """What mini-s says of the wolf: the published values of this test."""
    embedder = load("mini-s")
    with Image.open(samples.FOLDER / WOLF) as image:
        picture = embedder.embed_images([embedder.prepare_image(image.convert("RGB"))])
    both = (picture, embedder.embed_texts(TEXTS))
    sides = [side / np.linalg.norm(side, axis=1, keepdims=True) for side in both]
    return [100 * float(score) for score in (sides[1] @ sides[0].T)[:, 0]]


def plan_of(web: str, services: list[dict[str, Any]], **case: Any) -> dict[str, Any]:
    whole = {"picture": f"{web}/{WOLF}", "texts": TEXTS, "within": 0.01, "published": "this test"}
    sha256 = hashlib.sha256((samples.FOLDER / WOLF).read_bytes()).hexdigest()
    return {
        "models": [{"spec": "mini-s", "cases": [whole | {"sha256": sha256, "logits": logits()} | case]}],
        "collection": {
            "embedder": "mini-b",
            "pictures": [f"{web}/{name}" for name in (WOLF, APPLE, "banana/banana-1.webp")],
            "first": {"wolf": "wolf-1", "apple": "apple-1"},
        },
        "services": services,
    }


def run(plan: dict[str, Any], folder: Path, *options: str, **env: str) -> tuple[int, str]:
    """The exit status, and the document that was written."""
    (folder / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
    out = folder / "verified.md"
    command = [
        sys.executable,
        ROOT / "maintenance" / "real.py",
        out,
        "--plan",
        folder / "plan.json",
        *options,
    ]
    done = subprocess.run(
        command, env=os.environ | env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300
    )
    assert "Traceback" not in done.stderr, done.stderr
    text = out.read_text(encoding="utf-8")
    assert SECRET not in text + done.stdout + done.stderr
    return done.returncode, text


def test_what_is_as_it_should_be_is_verified_and_written_down(web: str, tmp_path: Path) -> None:
    status, text = run(plan_of(web, [{"spec": "cohere", "any_of": ["CO_API_KEY"]}]), tmp_path)
    assert status == 0, text
    assert "| mini-s, wolf-1.webp with a wolf, an apple | verified |" in text
    assert "| 3 pictures from their addresses | verified | 3 fetched, decoded and embedded |" in text
    assert "| mini-b, first for 'apple' | verified |" in text
    assert "| cohere | not tried | none of CO_API_KEY is set |" in text
    assert "4 verified, 0 differs, 0 failed, of 5." in text


def test_every_hosted_service_is_asked_once_its_cost_is_confirmed(web: str, tmp_path: Path) -> None:
    with ExitStack() as running:
        emulators = {case.id: running.enter_context(case.emulator(Colours())) for case in CASES}
        services = [
            {"spec": spec_of(case, emulators[case.id].url), "any_of": case.secret_variables} for case in CASES
        ]
        keys = {name: SECRET for case in CASES for name in case.secret_variables}
        status, asked_nobody = run(plan_of(web, services), tmp_path, **keys)
        assert status == 0
        assert asked_nobody.count("; declined |") == len(CASES), "without a terminal nobody agrees"
        assert all(emulator.served == [] for emulator in emulators.values())
        status, text = run(plan_of(web, services), tmp_path, "--yes", **keys)
        assert status == 0, text
        for service, emulator in zip(services, emulators.values(), strict=True):
            (line,) = [line for line in text.splitlines() if line.startswith(f"| {service['spec']} |")]
            assert "| verified | " in line
            assert "numbers, cosine " in line
            assert len(emulator.served) == 2, "one picture and one text"
    assert "by list price" in text


def spec_of(case: Case, endpoint: str) -> str:
    options = {"endpoint": endpoint, "requests_per_minute": "0", **case.options}
    written = "&".join(f"{name}={value}" for name, value in options.items())
    return f"{case.provider}{':' * bool(case.model)}{case.model}?{written}"


def test_what_differs_or_fails_is_told_and_the_rest_goes_on(web: str, tmp_path: Path) -> None:
    plan = plan_of(web, [], logits=[1.0, 2.0])
    plan["collection"]["pictures"].append(f"{web}/nothing.webp")
    plan["models"].append({"spec": "mini-s", "cases": [{"picture": f"{web}/no.webp", "texts": TEXTS}]})
    plan["models"].append({"spec": "mini:x", "cases": []})
    status, text = run(plan, tmp_path)
    assert status == 1
    assert "| mini-s, wolf-1.webp with a wolf, an apple | differs |" in text
    assert "| mini-s | failed | " in text
    assert "| mini:x | failed | mini has no model" in text
    assert "| 4 pictures from their addresses | differs | 3 fetched" in text
    assert "nothing.webp" in text


def test_another_picture_than_the_published_values_are_for_is_not_compared(web: str, tmp_path: Path) -> None:
    status, text = run(plan_of(web, [], sha256="0" * 64), tmp_path)
    assert status == 0
    assert "| not tried | http://" in text


def test_the_plan_for_reality_names_every_hosted_service() -> None:
    plan = json.loads((ROOT / "maintenance" / "real.json").read_text(encoding="utf-8"))
    assert {service["spec"] for service in plan["services"]} == {case.provider for case in CASES}
    assert len(plan["collection"]["pictures"]) == 7
