"""The catalogue of embedders: at any width, as JSON, and true where the library itself can be asked."""

from __future__ import annotations

import io
import json
import subprocess
import sys

import pytest
from rich.console import Console

from diptych.embedders import load
from diptych.embedders.cards import ModelCard, ProviderCard, cards
from diptych.embedders.registry import parse, providers
from diptych.present.terminal.catalogue import rows, show_catalogue
from support import need


def shown(width: int, **more: ProviderCard) -> str:
    console = Console(file=io.StringIO(), width=width, highlight=False, markup=False, emoji=False)
    show_catalogue(cards() | more, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("width", [80, 140, 10_000])
def test_every_model_is_shown_whole_at_any_width(width: int) -> None:
    page = shown(width)
    assert max(map(len, page.splitlines())) <= width
    for model in (model for card in cards().values() for model in card.models):
        assert model.spec in page
    assert "retires 2027-04-01" in page
    assert page.count("not for commercial use") == 3


def test_what_a_plug_in_says_steers_no_terminal() -> None:
    odd = ProviderCard(about="a\x1b[31m", spec="x\n", licence="\u202e", models=(ModelCard(spec="b\x07"),))
    assert not {"\x1b", "\x07", "\u202e"} & set(shown(80, odd=odd))


def test_every_name_in_it_can_be_given_to_minus_e() -> None:
    for row in rows(cards()):
        assert parse(row["name"]).provider in providers()


def test_the_json_has_a_row_a_model() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "diptych", "embedders", "--json"], capture_output=True, text=True, check=True
    )
    found = {row["name"]: row for row in json.loads(run.stdout)}
    vertex = found["vertex:multimodalembedding@001"]
    assert vertex["usd_per_1000_images"] == pytest.approx(0.1)
    assert (vertex["dimension"], vertex["max_text_tokens"], vertex["retires"]) == (1408, 32, "2027-04-01")
    assert found["palette"]["usd_per_1000_images"] == 0
    assert found["open_clip:MobileCLIP2-S0"]["not_for_commerce"] is True
    assert found["cohere:embed-v4.0"]["usd_per_1000_images"] is None  # not known is not free


@pytest.mark.parametrize("name", ["palette", "random"])
def test_what_needs_no_download_is_as_the_catalogue_says(name: str) -> None:
    (model,) = cards()[name].models
    info = load(model.spec).info
    assert (model.dimension, model.text_tokens) == (info.dimension, info.max_text_tokens)


def test_open_clip_s_models_are_as_open_clip_says() -> None:
    """Length, text limit and size from its own configurations; the speed from counted multiplications."""
    need("open_clip")
    import open_clip
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    for model in cards()["open_clip"].models:
        spec = parse(model.spec)
        settings = open_clip.get_model_config(spec.model)
        tags = open_clip.list_pretrained_tags_by_model(spec.model)
        assert spec.options.get("pretrained", tags[0]) in tags
        assert "pretrained" in spec.options or len(tags) == 1, model.spec
        size = settings["vision_cfg"]["image_size"]
        of_weights = open_clip.get_pretrained_cfg(spec.model, spec.options.get("pretrained", tags[0]))
        how = {"squash": "squashed to", "shortest": "the middle,"}[of_weights["resize_mode"]]
        assert model.sees == f"{how} {size}×{size}"
        assert model.dimension == settings["embed_dim"]
        assert model.text_tokens == settings["text_cfg"].get("context_length", 77)
        if "timm_model_name" in settings["vision_cfg"] and spec.model.startswith(("PE", "ViT")):
            continue  # an operation of these can't be counted without weights
        with torch.device("meta"):
            sides = open_clip.create_model(spec.model, load_weights=False, device="meta").eval()
            with FlopCounterMode(display=False) as counted, torch.no_grad():
                sides.encode_image(torch.zeros(1, 3, size, size))
        work = counted.get_total_flops() / 2 / 1e9
        speeds = [(5, "fast"), (25, "medium"), (100, "slow")]
        assert model.speed == next((name for most, name in speeds if work <= most), "very slow"), work
