"""Prices and dates: read from one file, overridden key by key, and what is not known is not free."""

from __future__ import annotations

import re
import tomllib
from datetime import date
from pathlib import Path

import pytest

from diptych.embedders.cards import cards
from diptych.embedders.prices import SHIPPED, terms
from diptych.errors import DiptychError


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "prices.toml"
    monkeypatch.setenv("DIPTYCH_PRICES", str(path))
    return path


def test_the_shipped_prices_are_those_of_hosted_models_that_there_are() -> None:
    hosted = {model.spec for card in cards().values() for model in card.models if model.speed == "network"}
    assert tomllib.loads(SHIPPED.read_text(encoding="utf-8")).keys() - {"as_of"} <= hosted


def test_prices_by_the_picture_the_token_and_the_pixel() -> None:
    vertex = terms("vertex", "multimodalembedding@001")
    assert (vertex.per_image, vertex.per_1k_characters, vertex.retires) == (0.0001, 0.0002, date(2027, 4, 1))
    gemini = terms("gemini", "gemini-embedding-2")
    assert gemini.per_image == pytest.approx(258 * 0.45 / 1_000_000)
    assert gemini.per_1k_characters == pytest.approx(250 * 0.20 / 1_000_000)
    voyage = terms("voyage", "voyage-multimodal-3.5")
    assert voyage.per_image == pytest.approx(1024 * 1024 * 0.60 / 1_000_000_000)
    titan = terms("bedrock", "amazon.titan-embed-image-v1")
    assert titan.per_1k_characters == pytest.approx(0.0008 / 4)


def test_a_price_that_is_not_known_is_not_free() -> None:
    for provider, model in (("jina", "jina-clip-v2"), ("cohere", "embed-v4.0"), ("cohere", "no-such-model")):
        found = terms(provider, model)
        assert not found.price_known
        assert "not known" in found.price


def test_every_shipped_table_can_be_read() -> None:
    names = [name for name in tomllib.loads(SHIPPED.read_text()) if name != "as_of"]
    assert len(names) > 5
    for name in names:
        provider, _, model = name.partition(":")
        assert terms(provider, model).as_of == date(2026, 11, 23)


def test_what_a_person_knows_goes_first_key_by_key(own: Path) -> None:
    own.write_text(
        'as_of = 2027-01-05\n["vertex:multimodalembedding@001"]\nretires = 2027-10-01\n'
        '["cohere:embed-v4.0"]\nimage_tokens = 1000\n'
    )
    vertex = terms("vertex", "multimodalembedding@001")
    assert (vertex.retires, vertex.per_image, vertex.as_of) == (date(2027, 10, 1), 0.0001, date(2027, 1, 5))
    assert terms("cohere", "embed-v4.0").per_image == pytest.approx(0.00047)
    assert terms("gemini", "gemini-embedding-2").as_of == date(2026, 11, 23)


def test_the_documented_example_works(own: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "embedders" / "hosted.md").read_text(encoding="utf-8")
    (example,) = (block for block in re.findall(r"```\n(.*?)```", page, re.DOTALL) if "as_of" in block)
    own.write_text(example)
    assert terms("jina", "jina-clip-v2").price_known
    assert terms("cohere", "embed-v4.0").price_known


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "which is not there"),
        ("nonsense", "not TOML"),
        ('["a:b"]\nimages = 1', "takes image"),
        ('"a:b" = 1', "takes image"),
        ('["a:b"]\nimage = -1', "image of"),
        ('["a:b"]\nimage = true', "image of"),
        ('["a:b"]\nimage = nan', "image of"),
        ('["a:b"]\nretires = "soon"', "retires of"),
        ('["a:b"]\nretires = 2027-01-01T00:00:00', "retires of"),
        ("as_of = 7", "as_of"),
    ],
)
def test_a_wrong_file_is_named_in_one_line(own: Path, content: str | None, says: str) -> None:
    if content is not None:
        own.write_text(content)
    with pytest.raises(DiptychError, match=says) as caught:
        terms("vertex", "multimodalembedding@001")
    assert str(own) in str(caught.value)
    assert "\n" not in str(caught.value)
