"""Check Diptych against reality, and write down what was found: `make real`.

Downloads CLIP models and holds their scores against published values, fetches the seven pictures that it all
began with from Wikimedia Commons, and asks each hosted service that there are credentials for for one picture
and one text, once the cost is confirmed. For a person with a network; never in continuous integration.

What is checked stands in `real.json`; the tests run this script with a plan of their own, against emulators
and the built-in models, so that here only reality can fail.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import json
import os
import platform
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
from numpy.typing import NDArray

import diptych
from diptych import samples
from diptych.embedders import load
from diptych.embedders.base import Embedder
from diptych.errors import DiptychError
from diptych.images.decode import decode

PLAN = Path(__file__).with_name("real.json")
PICTURE, TEXT = "wolf/wolf-1.webp", "a drawing of a wolf"
"""What a hosted service is sent: one of the sample's drawings, and what is on it."""

PACKAGES = ("numpy", "pillow", "torch", "transformers", "sentence-transformers")
SCALE = 100
"""CLIP's logits are its cosines times this."""

Floats = NDArray[np.floating]
Confirm = Callable[[str], bool]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        what: Its name.
        outcome: `verified`, `differs`, `failed` or `not tried`.
        found: In words.
    """

    what: str
    outcome: str
    found: str


def check_model(model: Mapping[str, Any]) -> Iterator[Finding]:
    """Load a model and hold its scores against what was published."""
    spec = model["spec"]
    try:
        embedder = load(spec)
        for case in model["cases"]:
            yield check_case(embedder, spec, case)
    except (DiptychError, httpx2.HTTPError) as error:
        yield Finding(spec, "failed", one_line(error))


def check_case(embedder: Embedder, spec: str, case: Mapping[str, Any]) -> Finding:
    """The scores of one picture with some texts."""
    picture = fetch(case["picture"])
    name = f"{spec}, {case['picture'].rsplit('/', 1)[-1]} with {', '.join(case['texts'])}"
    if "sha256" in case and hashlib.sha256(picture).hexdigest() != case["sha256"]:
        return Finding(name, "not tried", f"{case['picture']} is not the picture that the values are for")
    scores = SCALE * cosines(embedder, picture, case["texts"])
    if "logits" in case or "probabilities" in case:
        shown = scores if "logits" in case else probabilities(scores)
        expected = np.array(case.get("logits", case.get("probabilities")))
        off = float(np.abs(shown - expected).max())
        right = off <= case["within"]
        allowed = f"{off:.4f} apart at most, allowed {case['within']}"
        words = f"{numbers(shown)}; published {numbers(expected)}, {allowed}"
    else:
        right = int(scores.argmax()) == 0
        words = f"{numbers(scores)}; published"
    return Finding(name, "verified" if right else "differs", f"{words} ({case['published']})")


def cosines(embedder: Embedder, picture: bytes, texts: list[str]) -> Floats:
    """A picture's cosines with texts; shape (n,)."""
    of_picture = embedder.embed_images([embedder.prepare_image(decode(picture))])
    sides = [
        side / np.linalg.norm(side, axis=1, keepdims=True)
        for side in (of_picture, embedder.embed_texts(texts))
    ]
    product: Floats = (sides[1] @ sides[0].T)[:, 0]
    return product


def probabilities(logits: Floats) -> Floats:
    """The softmax."""
    shares: Floats = np.exp(logits - logits.max())
    return shares / shares.sum()


def fetch(address: str) -> bytes:
    """A file from the network."""
    answer = httpx2.get(address, follow_redirects=True, timeout=60)
    answer.raise_for_status()
    return answer.content


def check_collection(plan: Mapping[str, Any]) -> Iterator[Finding]:
    """Fetch pictures as Diptych fetches any list, compare, and look which comes first."""
    what = f"{len(plan['pictures'])} pictures from their addresses"
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder) / "pictures.txt"
        listed.write_text("\n".join(plan["pictures"]) + "\n", encoding="utf-8")
        try:
            result = diptych.compare(
                listed, [plan["embedder"]], list(plan["first"]), store=Path(folder) / "s.sqlite"
            )
        except DiptychError as error:
            yield Finding(what, "failed", one_line(error))
            return
    skipped = "".join(f"; {each.name}: {each.reason}" for each in result.skipped)
    outcome = "differs" if result.skipped else "verified"
    yield Finding(what, outcome, f"{result.images} fetched, decoded and embedded{skipped}")
    for query in result.queries:
        (hits,) = query.rankings.values()
        wanted, found = plan["first"][query.query], hits[0].image
        outcome = "verified" if wanted in found else "differs"
        yield Finding(
            f"{plan['embedder']}, first for {query.query!r}", outcome, f"{found} ({hits[0].score:.4f})"
        )


def check_service(service: Mapping[str, Any], confirm: Confirm) -> Finding:
    """Ask a hosted service for one picture and one text, where there are credentials and a person agrees."""
    spec = service["spec"]
    if not any(os.environ.get(name) for name in service["any_of"]):
        return Finding(spec, "not tried", f"none of {', '.join(service['any_of'])} is set")
    try:
        embedder = load(spec)
        price = cost(embedder)
        if not confirm(f"{spec}: one picture and one text, {price}. Ask it?"):
            return Finding(spec, "not tried", f"{price}; declined")
        (score,) = cosines(embedder, (samples.FOLDER / PICTURE).read_bytes(), [TEXT])
    except DiptychError as error:
        return Finding(spec, "failed", one_line(error))
    info = embedder.info
    return Finding(spec, "verified", f"{info.model}, {info.dimension} numbers, cosine {score:.4f}; {price}")


def cost(embedder: Embedder) -> str:
    """What a picture and a text cost, in words."""
    info = embedder.info
    if not info.price_known:
        return "at a price that Diptych does not know"
    dollars = (info.price_per_image or 0) + (info.price_per_1k_characters or 0) * len(TEXT) / 1000
    return f"${dollars:.6f} by list price"


def one_line(error: Exception) -> str:
    """An error for a table."""
    return " ".join(str(error).split()).replace("|", "/") or type(error).__name__


def numbers(values: Floats) -> str:
    """A few numbers for a table."""
    return ", ".join(f"{value:.4f}" for value in values)


def check(plan: Mapping[str, Any], confirm: Confirm) -> Iterator[Finding]:
    """All that the plan asks for."""
    for model in plan["models"]:
        yield from check_model(model)
    yield from check_collection(plan["collection"])
    for service in plan["services"]:
        yield check_service(service, confirm)


def document(findings: list[Finding], when: datetime.datetime) -> str:
    """The Markdown."""
    parts = [f"Python {platform.python_version()}", platform.platform(terse=True)]
    for name in ("diptych", *PACKAGES):
        try:
            parts.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    counts = [
        f"{sum(each.outcome == kind for each in findings)} {kind}"
        for kind in ("verified", "differs", "failed")
    ]
    rows = [f"| {each.what} | {each.outcome} | {each.found} |" for each in findings]
    return "\n".join(
        [
            "# What was verified against reality",
            "",
            f"By `make real` on {when:%Y-%m-%d %H:%M} UTC: {', '.join(counts)}, of {len(findings)}.",
            "",
            f"{', '.join(parts)}; {processor()}.",
            "",
            "| what | outcome | found |",
            "|---|---|---|",
            *rows,
            "",
        ]
    )


def processor() -> str:
    """What torch computes on here."""
    try:
        import torch
    except ImportError:
        return "no torch"
    return torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"


def ask(question: str) -> bool:
    """Let the person decide; without a terminal the answer is no."""
    return sys.stdin.isatty() and input(f"{question} [y/N] ").strip().lower() in {"y", "yes"}


def main() -> None:
    """Check everything, print and write down what is found; exit with 1 where that is not as it should be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("file", type=Path, help="the Markdown file to write")
    parser.add_argument("--plan", type=Path, default=PLAN, help="what to check")
    parser.add_argument("--yes", action="store_true", help="pay what services cost without being asked")
    arguments = parser.parse_args()
    plan = json.loads(arguments.plan.read_text(encoding="utf-8"))
    warnings.simplefilter("ignore", diptych.DiptychWarning)
    findings = []
    for finding in check(plan, (lambda _: True) if arguments.yes else ask):
        print(f"{finding.outcome:10}{finding.what}: {finding.found}", flush=True)
        findings.append(finding)
    now = datetime.datetime.now(datetime.UTC)
    arguments.file.write_text(document(findings, now), encoding="utf-8")
    print(f"written to {arguments.file}")
    raise SystemExit(any(finding.outcome in {"differs", "failed"} for finding in findings))


if __name__ == "__main__":
    main()
