"""A model on the Hub is not fetched where the disk can't take it, and its size is said beforehand."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from diptych.embedders.huggingface import Source, weights_in
from embedders.loopback_hub import LoopbackHub
from support import need

FETCH = """
import json, sys, warnings
from diptych.embedders import EmbedderUnavailable, huggingface

for repo in sys.argv[1:]:
    source = huggingface.find_on_hub(repo, None)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            outcome = str(huggingface.fetch(source, None, "model.onnx"))
        except EmbedderUnavailable as error:
            outcome = str(error)
    print(json.dumps([outcome, *(str(one.message) for one in said)]))
"""


def test_what_the_disk_can_not_take_is_not_asked_for_and_what_is_large_is_said(tmp_path: Path) -> None:
    need("huggingface_hub")
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model.onnx").write_bytes(b"weights")
    sizes = {"me/huge": {"model.onnx": 10**18}, "me/large": {"model.onnx": 10**9}}
    models: dict[str, Path | None] = dict.fromkeys([*sizes, "me/small"], tmp_path / "model")
    with LoopbackHub(models, sizes).running() as hub:
        run = subprocess.run(
            [sys.executable, "-c", FETCH, *models, "me/large"],
            env={**os.environ, "HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "hub")},
            capture_output=True,
            text=True,
            timeout=120,
        )
    assert run.returncode == 0, run.stderr
    huge, large, small, again = map(json.loads, run.stdout.splitlines())
    (refused,) = huge
    assert refused.startswith("me/huge takes 1e+09 GB more, and there is room for ")
    assert "HF_HOME" in refused
    assert large[1:] == [f"me/large: fetching 1 GB into {tmp_path / 'hub' / 'hub'}"]
    assert Path(large[0]).read_bytes() == b"weights"
    assert len(small) == 1
    assert again == large[:1], "what is here is not announced anew"


def test_weights_in_several_forms_count_once() -> None:
    names = [
        "model.safetensors",
        "pytorch_model.bin",
        "onnx/model.onnx",
        "0_CLIPModel/pytorch_model.bin",
        "config.json",
    ]
    source = Source("me/clip", "me/clip", "me/clip", sizes=dict.fromkeys(names, 5))
    assert weights_in(source) == ["model.safetensors", "0_CLIPModel/pytorch_model.bin"]
