"""The main job on real photographs, with two embedders of known order from a third party's plug-in."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from plugins import install_zs
from support import need


def test_cats_break_noodles_match_nothing_and_a_rival_tells_retrievers_apart(
    shared: Path, tmp_path: Path
) -> None:
    """What `zs-mnv2-256` ranks on 88 photographs, ten of them of cats and six of golden retrievers."""
    need("onnxruntime")
    command = [sys.executable, "-m", "diptych", "compare", shared / "data" / "photos" / "animals", "-k", "30"]
    command += ["-e", "zs:zs-mnv2-256", "-e", "zs:zs-mnv1-025-128", "--contrast", "labrador retriever"]
    command += ["-q", "cat", "-q", "a bowl of fresh noodles", "-q", "golden retriever"]
    command += ["--json", tmp_path / "out.json"]
    env = install_zs(tmp_path / "plugins")
    subprocess.run(command, env=env, check=True, capture_output=True, timeout=300)
    cat, noodles, golden = json.loads((tmp_path / "out.json").read_text())["queries"]

    of_cats = cat["rankings"]["zs-mnv2-256"]
    matching = of_cats["hits"][: of_cats["stratification"]["stands_out"]]
    assert of_cats["stratification"]["verdict"] == "break"
    assert sum(hit["label"] == "cat" for hit in matching) == 10  # all of them, with tiger, lion, cheetah, …
    assert len(matching) <= 20
    for ranking in noodles["rankings"].values():
        assert ranking["stratification"]["stands_out"] == 0
    won = [hit["label"] for hit in golden["contrast"]["zs-mnv2-256"]["won"]]
    assert won.count("golden_retriever") == 6
    assert "labrador_retriever" not in won


def test_wolves_cats_and_retrievers_are_found_and_a_second_run_embeds_nothing(
    shared: Path, tmp_path: Path
) -> None:
    need("onnxruntime")
    animals = shared / "data" / "photos" / "animals"
    cat = min((animals / "cat").iterdir())
    command = [sys.executable, "-m", "diptych", "compare", animals, "-k", "20"]
    command += ["-e", "zs:zs-mnv2-256", "-e", "zs:zs-mnv1-025-128", "-e", "palette"]
    command += ["-q", "golden retriever", "-q", "wolf", "-q", "cat", "--image", cat]
    command += ["--json", tmp_path / "out.json", "--report", tmp_path / "out.html"]
    env = install_zs(tmp_path / "plugins")
    subprocess.run(command, env=env, check=True, capture_output=True, timeout=300)
    first = json.loads((tmp_path / "out.json").read_text())
    passed_over = [{"name": "manifest.csv", "reason": "left out by name: not a kind of picture"}]
    assert first["collection"] == {"source": str(animals), "images": 88, "skipped": passed_over}
    _, wolf, cats, picture = first["queries"]

    def labels(query: dict[str, object], name: str, k: int) -> list[str]:
        return [hit["label"] for hit in query["rankings"][name]["hits"][:k]]  # type: ignore[index]

    wolves = {name: labels(wolf, name, 5).count("grey_wolf") for name in wolf["rankings"]}
    assert wolves["zs-mnv2-256"] > wolves["palette"]
    assert labels(cats, "zs-mnv2-256", 5) == ["cat"] * 5
    for ranking in picture["rankings"].values():
        assert ranking["hits"][0]["image"] == f"cat/{cat.name}"
        assert ranking["hits"][0]["score"] == pytest.approx(1, abs=1e-6)
    subprocess.run(command, env=env, check=True, capture_output=True, timeout=300)
    second = json.loads((tmp_path / "out.json").read_text())
    assert second["queries"] == first["queries"]
    for work in second["summary"]["work"].values():
        assert (work["images_embedded"], work["queries_embedded"]) == (0, 0)
