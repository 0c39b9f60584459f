"""Pictures that a saved comparison brings along: shown where they are pictures, and else not there at all."""

from __future__ import annotations

import base64
import json
import re
import warnings
from pathlib import Path

import pytest
from PIL import Image

import diptych
from support import picture_bytes

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def as_uri(data: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A comparison by a picture from outside, saved; its pictures are gone."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}.png").write_bytes(picture_bytes((20 * number, 30, 40)))
    (tmp_path / "asked.png").write_bytes(picture_bytes((200, 30, 40)))
    asked = diptych.compare(folder, ["palette"], [tmp_path / "asked.png"], store=tmp_path / "store.sqlite")
    folder.rename(tmp_path / "moved")
    asked.to_json(tmp_path / "saved.json")
    return tmp_path / "saved.json"


def shown(saved: Path, thumbnail: str) -> tuple[str, str]:
    """The report and the notebook's cell of the comparison with another thumbnail."""
    data = json.loads(saved.read_text())
    data["queries"][0]["thumbnail"] = thumbnail
    changed = saved.with_name("changed.json")
    changed.write_text(json.dumps(data))
    comparison = diptych.Comparison.load(changed)
    report = comparison.report(saved.with_name("report.html")).read_text()
    return report, comparison._repr_html_()


@pytest.mark.parametrize(
    "thumbnail",
    [
        "http://127.0.0.1:9/seen.png",
        "//127.0.0.1:9/seen.png",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==",
        as_uri(SVG, "image/svg+xml"),
        as_uri(SVG),
        as_uri(picture_bytes()) + " http://127.0.0.1:9/seen.png 2x",
        "data:image/png;base64,",
        "data:image/png;base64,A",
        'data:image/png,"><script>alert(1)</script>',
        as_uri(picture_bytes()[:20]),
    ],
)
def test_what_is_no_picture_in_a_comparison_is_never_asked_for(saved: Path, thumbnail: str) -> None:
    for html in shown(saved, thumbnail):
        assert "picture not found" in html
        assert re.findall(r"(?:src|href)=[\"'](?!data:image/|#)", html) == []
        assert thumbnail not in html


def test_a_picture_that_would_fill_the_memory_is_not_shown(
    saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for html in shown(saved, as_uri(picture_bytes(size=(40, 40)))):
            assert "picture not found" in html


def test_a_picture_is_shown_as_it_is_held(saved: Path) -> None:
    for html in shown(saved, as_uri(picture_bytes())):
        assert as_uri(picture_bytes()) in html
