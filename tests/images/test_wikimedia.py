from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diptych.images.wikimedia import WIDTHS, addresses, is_wikimedia

COMMONS = "https://upload.wikimedia.org/wikipedia/commons"


@pytest.mark.parametrize(
    ("wanted", "best"),
    [
        (f"{COMMONS}/thumb/a/ab/Dog.jpg/640px-Dog.jpg", f"{COMMONS}/thumb/a/ab/Dog.jpg/960px-Dog.jpg"),
        (f"{COMMONS}/thumb/a/ab/Dog.jpg/1200px-Dog.jpg", f"{COMMONS}/thumb/a/ab/Dog.jpg/1280px-Dog.jpg"),
        (f"{COMMONS}/thumb/a/ab/Dog.jpg/500px-Dog.jpg", f"{COMMONS}/thumb/a/ab/Dog.jpg/500px-Dog.jpg"),
        (f"{COMMONS}/thumb/a/ab/Dog.jpg/1px-Dog.jpg", f"{COMMONS}/thumb/a/ab/Dog.jpg/20px-Dog.jpg"),
        (
            f"{COMMONS}/thumb/a/ab/Dog.jpg/640px-Dog.jpg?v=1",
            f"{COMMONS}/thumb/a/ab/Dog.jpg/960px-Dog.jpg?v=1",
        ),
        (
            f"{COMMONS}/thumb/a/ab/Map.tif/lossy-page1-640px-Map.tif.jpg",
            f"{COMMONS}/thumb/a/ab/Map.tif/lossy-page1-960px-Map.tif.jpg",
        ),
        (
            f"{COMMONS}/thumb/a/ab/Logo.svg/langde-100px-Logo.svg.png",
            f"{COMMONS}/thumb/a/ab/Logo.svg/langde-120px-Logo.svg.png",
        ),
        (
            f"{COMMONS}/thumb/a/ab/A_-9px-b.png/640px-A_-9px-b.png",
            f"{COMMONS}/thumb/a/ab/A_-9px-b.png/960px-A_-9px-b.png",
        ),
        (
            f"{COMMONS}/thumb/archive/a/ab/2020!Dog.jpg/640px-Dog.jpg",
            f"{COMMONS}/thumb/archive/a/ab/2020!Dog.jpg/960px-Dog.jpg",
        ),
        (
            "https://upload.wikimedia.org/wikipedia/en/thumb/0/0f/Dog.png/640px-Dog.png",
            "https://upload.wikimedia.org/wikipedia/en/thumb/0/0f/Dog.png/960px-Dog.png",
        ),
    ],
)
def test_a_thumbnail_is_asked_for_in_the_next_width_there_is(wanted: str, best: str) -> None:
    assert addresses(wanted)[0] == best


@pytest.mark.parametrize(
    ("thumbnail", "original"),
    [
        ("thumb/a/ab/Dog.jpg/640px-Dog.jpg", "a/ab/Dog.jpg"),
        ("thumb/a/ab/Dog.JPEG/640px-thumbnail.jpg", "a/ab/Dog.JPEG"),
        ("thumb/a/ab/Map.tif/lossy-page1-640px-Map.tif.jpg", "a/ab/Map.tif"),
        ("thumb/archive/a/ab/2020!Dog.jpg/640px-Dog.jpg", "archive/a/ab/2020!Dog.jpg"),
    ],
)
def test_the_original_is_the_fallback(thumbnail: str, original: str) -> None:
    assert addresses(f"{COMMONS}/{thumbnail}")[1:] == [f"{COMMONS}/{original}"]


@pytest.mark.parametrize(
    "thumbnail",
    [
        "thumb/a/ab/Logo.svg/640px-Logo.svg.png",
        "thumb/a/ab/Book.pdf/page3-640px-Book.pdf.jpg",
        "thumb/a/ab/Film.webm/640px--Film.webm.jpg",
    ],
)
def test_an_original_that_is_no_picture_is_no_fallback(thumbnail: str) -> None:
    assert addresses(f"{COMMONS}/{thumbnail}") == [f"{COMMONS}/{thumbnail.replace('640px', '960px')}"]


def test_beyond_the_largest_width_there_is_only_the_original() -> None:
    assert addresses(f"{COMMONS}/thumb/a/ab/Dog.jpg/5000px-Dog.jpg") == [f"{COMMONS}/a/ab/Dog.jpg"]
    assert addresses(f"{COMMONS}/thumb/a/ab/Logo.svg/5000px-Logo.svg.png") == [
        f"{COMMONS}/thumb/a/ab/Logo.svg/3840px-Logo.svg.png"
    ]


@pytest.mark.parametrize(
    "url",
    [
        f"{COMMONS}/a/ab/Dog.jpg",
        f"{COMMONS}/thumb/a/ab/Dog.jpg",
        "https://commons.wikimedia.org/wiki/Special:FilePath/Dog.jpg?width=640",
        "https://pictures.org/wikipedia/commons/thumb/a/ab/Dog.jpg/640px-Dog.jpg",
    ],
)
def test_anything_else_is_asked_for_as_it_is(url: str) -> None:
    assert addresses(url) == [url]


@given(st.integers(1, WIDTHS[-1]))
def test_no_width_is_asked_for_that_does_not_exist_or_is_too_small(width: int) -> None:
    asked = addresses(f"{COMMONS}/thumb/a/ab/Dog.jpg/{width}px-Dog.jpg")[0]
    got = int(asked.rpartition("/")[2].removesuffix("px-Dog.jpg"))
    assert got == min(step for step in WIDTHS if step >= width)


@pytest.mark.parametrize(
    ("host", "theirs"),
    [
        ("upload.wikimedia.org", True),
        ("UPLOAD.Wikimedia.org.", True),
        ("de.wikipedia.org", True),
        ("wikipedia.org", True),
        ("notwikipedia.org", False),
        ("wikipedia.org.evil.com", False),
    ],
)
def test_wikimedia_is_known_by_its_domains(host: str, theirs: bool) -> None:
    assert is_wikimedia(host) is theirs
