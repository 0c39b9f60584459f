"""The palette embedder: that colour words find the pictures that people would call so."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageColor, ImageDraw, ImageOps

from diptych.embedders import EmbedderUnavailable, load
from diptych.embedders.palette import DIMENSION, EVERYDAY, Palette, soft_histogram, to_oklch
from diptych.errors import DiptychWarning

SURVEY = {
    "black": "#000000",
    "grey": "#929591",
    "white": "#ffffff",
    "red": "#e50000",
    "orange": "#f97306",
    "yellow": "#ffff14",
    "green": "#15b01a",
    "blue": "#0343df",
    "purple": "#7e1e9c",
    "pink": "#ff81c0",
    "brown": "#653700",
}
"""What the people of the xkcd colour survey called by the eleven basic terms."""

SURVEY_FURTHER = {
    "beige": "#e6daa6",
    "burgundy": "#610023",
    "coral": "#fc5a50",
    "dark blue": "#00035b",
    "dark green": "#033500",
    "dark grey": "#363737",
    "dark red": "#840000",
    "forest green": "#06470c",
    "lavender": "#c79fef",
    "light green": "#96f97b",
    "lime": "#aaff32",
    "magenta": "#c20078",
    "navy": "#01153e",
    "olive": "#6e750e",
    "pale pink": "#ffcfdc",
    "royal blue": "#0504aa",
    "salmon": "#ff796c",
    "sky blue": "#75bbfd",
    "tan": "#d1b26f",
    "teal": "#029386",
    "turquoise": "#06c2ac",
}


def solid(colour: str, size: tuple[int, int] = (32, 24)) -> Image.Image:
    return Image.new("RGB", size, SURVEY.get(colour, colour))


def parts(*shares: tuple[str, float], side: int = 60) -> Image.Image:
    """Stripes of colours, each as wide as its share."""
    picture = Image.new("RGB", (side, side))
    draw, left = ImageDraw.Draw(picture), 0.0
    for colour, share in shares:
        draw.rectangle((round(left), 0, side, side), fill=SURVEY.get(colour, colour))
        left += share * side
    return picture


def gradient(*colours: str) -> Image.Image:
    """From one colour to the next, top to bottom."""
    rows = Image.new("RGB", (1, len(colours)))
    rows.putdata([ImageColor.getrgb(colour)[:3] for colour in colours])
    return rows.resize((40, 90), Image.Resampling.BICUBIC)


def noise() -> Image.Image:
    return Image.fromarray(np.random.default_rng(5).integers(0, 256, (64, 64, 3), dtype=np.uint8))


def speckled(picture: Image.Image, amount: int = 12) -> Image.Image:
    """The picture with a camera's noise."""
    values = np.asarray(picture, dtype=np.int16)
    grain = np.random.default_rng(2).normal(0, amount, values.shape)
    return Image.fromarray(np.clip(values + grain, 0, 255).astype(np.uint8))


def images(*pictures: Image.Image) -> np.ndarray:
    palette = Palette()
    return palette.embed_images([palette.prepare_image(picture) for picture in pictures])


def ranking(text: str, pictures: dict[str, Image.Image]) -> list[str]:
    """The pictures' names, best first."""
    scores = images(*pictures.values()) @ Palette().embed_texts([text])[0]
    return [list(pictures)[place] for place in np.argsort(-scores, kind="stable")]


def scores(text: str, *pictures: Image.Image) -> list[float]:
    return [float(score) for score in images(*pictures) @ Palette().embed_texts([text])[0]]


# Colours


def oklab_through_xyz(xyz: Sequence[float]) -> np.ndarray:
    """Oklab as its author defines it, from CIE XYZ (the code under test goes from sRGB at once)."""
    m1 = [
        [0.8189330101, 0.3618667424, -0.1288597137],
        [0.0329845436, 0.9293118715, 0.0361456387],
        [0.0482003018, 0.2643662691, 0.6338517070],
    ]
    m2 = [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
    return np.array(m2) @ np.cbrt(np.array(m1) @ xyz)


@pytest.mark.parametrize(
    ("xyz", "lab"),
    [
        ((0.950, 1.000, 1.089), (1.000, 0.000, 0.000)),
        ((1.000, 0.000, 0.000), (0.450, 1.236, -0.019)),
        ((0.000, 1.000, 0.000), (0.922, -0.671, 0.263)),
        ((0.000, 0.000, 1.000), (0.153, -1.415, -0.449)),
    ],
)
def test_the_oracle_gives_the_table_that_oklabs_author_published(
    xyz: tuple[float, ...], lab: tuple[float, ...]
) -> None:
    assert oklab_through_xyz(xyz) == pytest.approx(lab, abs=6e-4)


@given(st.tuples(*[st.integers(0, 255)] * 3))
def test_colours_convert_as_by_the_way_through_xyz(rgb: tuple[int, int, int]) -> None:
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in (c / 255 for c in rgb)]
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]  # IEC 61966-2-1
    lightness, chroma, hue = to_oklch(np.array([rgb], np.uint8))[0]
    lab = (lightness, chroma * np.cos(np.radians(hue)), chroma * np.sin(np.radians(hue)))
    assert lab == pytest.approx(oklab_through_xyz(np.array(to_xyz) @ linear), abs=1e-3)


@pytest.mark.parametrize(
    ("colour", "lab"),
    [
        ("#ff0000", (0.6279553606, 0.2248630611, 0.1258462985)),
        ("#00ff00", (0.8664396115, -0.2338875742, 0.1794984799)),
        ("#0000ff", (0.4520137184, -0.0324569842, -0.3115281477)),
        ("#ffffff", (1.0, 0.0, 0.0)),
        ("#000000", (0.0, 0.0, 0.0)),
    ],
)
def test_the_primaries_are_where_the_authors_own_code_puts_them(colour: str, lab: tuple[float, ...]) -> None:
    lightness, chroma, hue = to_oklch(np.array([ImageColor.getrgb(colour)], np.uint8))[0]
    found = (lightness, chroma * np.cos(np.radians(hue)), chroma * np.sin(np.radians(hue)))
    assert found == pytest.approx(lab, abs=1e-6)


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 0.4), st.floats(0, 360)), min_size=1, max_size=20))
def test_a_histogram_is_a_distribution(colours: list[tuple[float, float, float]]) -> None:
    histogram = soft_histogram(np.array(colours))
    assert histogram.shape == (DIMENSION,)
    assert (histogram >= 0).all()
    assert histogram.sum() == pytest.approx(1)


@given(st.floats(0, 1), st.floats(0.06, 0.3), st.floats(0, 360), st.floats(-1, 1))
def test_hue_goes_round_without_a_seam(lightness: float, chroma: float, hue: float, step: float) -> None:
    here, there = (soft_histogram(np.array([[lightness, chroma, h % 360]])) for h in (hue, hue + step))
    assert np.abs(here - there).sum() <= abs(step) / 24 * 2 + 1e-9


# Finding pictures


@pytest.mark.parametrize("term", SURVEY)
def test_each_basic_term_finds_the_colour_that_people_call_so(term: str) -> None:
    assert ranking(term, {name: solid(name) for name in SURVEY})[0] == term


@pytest.mark.parametrize("term", SURVEY)
def test_each_colour_is_found_first_by_the_term_that_people_use(term: str) -> None:
    texts = Palette().embed_texts(list(SURVEY))
    assert list(SURVEY)[int(np.argmax(texts @ images(solid(term))[0]))] == term


@pytest.mark.parametrize("name", SURVEY_FURTHER)
def test_further_names_find_their_colour_among_all(name: str) -> None:
    pictures = {other: solid(colour) for other, colour in (SURVEY | SURVEY_FURTHER).items()}
    assert name in ranking(name, pictures)[:4]


@pytest.mark.parametrize("term", ["red", "orange", "yellow", "green", "blue", "purple", "pink", "brown"])
def test_a_colour_outranks_noise_and_noise_outranks_pictures_without_it(term: str) -> None:
    without = [name for name in SURVEY if name not in (term, "red", "orange", "brown", "pink", "purple")]
    of_term, of_noise, *others = scores(term, solid(term), noise(), *map(solid, without))
    assert of_term > of_noise > max(others)


@pytest.mark.parametrize("term", SURVEY)
def test_the_more_of_a_colour_the_higher_the_score(term: str) -> None:
    rest = "yellow" if term in ("black", "grey", "white", "blue", "purple", "pink") else "blue"
    shares = (0.0, 0.05, 0.2, 0.5, 0.8, 1.0)
    found = scores(term, *(parts((term, share), (rest, 1 - share), side=100) for share in shares))
    assert found == sorted(found)
    assert np.diff(found).min() > 0.02


def test_a_text_with_two_colours_wants_both() -> None:
    pictures = {
        "bus and sky": parts(("red", 0.4), ("#75bbfd", 0.5), ("grey", 0.1)),
        "bus": parts(("red", 0.5), ("grey", 0.5)),
        "only red": solid("red"),
        "only sky": solid("#75bbfd"),
        "sky and meadow": parts(("#75bbfd", 0.5), ("green", 0.5)),
    }
    assert ranking("a red bus and a blue sky", pictures)[0] == "bus and sky"
    assert ranking("a meadow under a blue sky, all green", pictures)[0] == "sky and meadow"


def test_an_orange_sunset_is_not_a_blue_sea() -> None:
    pictures = {
        "sea": gradient("#9fd3f7", "#3f8fd0", "#10457a"),
        "sunset": gradient("#4a2a4a", "#f08a30", "#f9a03a", "#301818"),
        "forest": gradient("#6f9a52", "#2f5a2a", "#173015"),
    }
    assert ranking("orange sunset", pictures)[0] == "sunset"
    assert ranking("deep blue sea", pictures)[0] == "sea"
    assert ranking("dark green forest", pictures)[0] == "forest"


def test_dark_and_bright_are_about_brightness() -> None:
    pictures = {
        "night": speckled(gradient("#05060a", "#101420", "#20242e")),
        "dusk": speckled(gradient("#28304a", "#4a4650", "#2a2622")),
        "noon": speckled(gradient("#9ec9f0", "#e6ecd8", "#cfd8a8")),
        "snow": speckled(gradient("#e8eef6", "#ffffff", "#f2f4f6")),
    }
    assert ranking("dark", pictures)[:2] == ["night", "dusk"]
    assert ranking("a dark room", pictures)[:2] == ["night", "dusk"]
    assert set(ranking("bright", pictures)[:2]) == {"noon", "snow"}
    assert set(ranking("light background", pictures)[:2]) == {"noon", "snow"}


def test_black_and_white_finds_pictures_without_colour() -> None:
    pictures = {
        "chessboard": parts(*[("black", 0.125), ("white", 0.125)] * 4),
        "grey photograph": speckled(gradient("#101010", "#808080", "#f0f0f0")).convert("L").convert("RGB"),
        "grey": solid("grey"),
        "vivid": parts(("red", 0.3), ("yellow", 0.4), ("blue", 0.3)),
        "pastel": parts(("#ffcfdc", 0.5), ("#cfe8ff", 0.5)),
        "brown": solid("brown"),
    }
    for text in ("black and white", "a black-and-white photo", "B&W", "monochrome picture"):
        order = ranking(text, pictures)
        assert set(order[:2]) == {"chessboard", "grey photograph"}, text
        assert order[2] == "grey", text
    assert ranking("colourful", pictures)[0] == "vivid"
    assert ranking("pastel", pictures)[0] == "pastel"


def test_modifiers_move_a_colour() -> None:
    pictures = {"dark": solid("#00035b"), "plain": solid("#0343df"), "light": solid("#95d0fc")}
    for modifier in ("dark", "plain", "light"):
        assert ranking(f"a {modifier.replace('plain', '')} blue wall", pictures)[0] == modifier
    assert ranking("very dark blue", pictures)[0] == "dark"


@pytest.mark.parametrize(
    "spellings",
    [
        ("sky blue", "sky-blue", "SkyBlue", "sky_blue", "Sky  Blue!"),
        ("dark green", "dark-green", "darkgreen", "Dark  GREENs"),
        ("light slate gray", "lightslategrey", "light slate-grey"),
        ("grey", "gray", "GREY", "greys", "greyish"),
        ("red", "reds", "reddish", "a red, thing"),
        ("blue", "bluish", "blueish"),
        ("white", "whitish", "whites"),
        ("black and white", "black & white", "black-and-white", "b&w", "grayscale"),
    ],
)
def test_spellings_mean_the_same(spellings: tuple[str, ...]) -> None:
    vectors = Palette().embed_texts(spellings)
    assert (vectors == vectors[0]).all()


@pytest.mark.parametrize("text", ["a red traffic light", "Peru in red", "red greenhouse", "deep red sea red"])
def test_words_that_only_look_like_colours_change_nothing(text: str) -> None:
    wanted = "deep red and red" if "deep" in text else "red"
    both = Palette().embed_texts([text, wanted])
    assert (both[0] == both[1]).all()


def test_every_css_name_is_known_and_finds_its_own_colour() -> None:
    names = [name for name in ImageColor.colormap if name not in EVERYDAY and name != "peru"]
    texts = Palette().embed_texts(names)
    pictures = images(*(solid(name) for name in names))
    own = (texts * pictures).sum(axis=1)
    rank = (texts @ pictures.T > own[:, None] + 1e-6).sum(axis=1)
    assert np.median(rank) <= 1  # some names share a colour, some lie side by side
    assert (rank < 30).all()  # of 147: people mean another brown than CSS does


def test_a_text_without_colours_scores_nothing_and_says_so_once() -> None:
    palette = Palette()
    with pytest.warns(DiptychWarning, match="palette knows English colour words only") as caught:
        vectors = palette.embed_texts(["a dog", "a red dog", "two cats", ""])
    assert len(caught) == 1
    assert "'a dog' and 2 more" in str(caught[0].message)
    assert vectors.any(axis=1).tolist() == [False, True, False, False]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        palette.embed_texts(["red"])


# Vectors


@st.composite
def drawn(draw: st.DrawFn) -> Image.Image:
    """A background with some rectangles, each a tenth of the picture or more each way."""
    width, height = draw(st.integers(60, 200)), draw(st.integers(60, 200))
    colour = st.tuples(*[st.integers(0, 255)] * 3)
    picture = Image.new("RGB", (width, height), draw(colour))
    pen = ImageDraw.Draw(picture)
    for _ in range(draw(st.integers(0, 4))):
        left, top = draw(st.integers(0, width * 3 // 4)), draw(st.integers(0, height * 3 // 4))
        right, bottom = (
            left + draw(st.integers(width // 5, width)),
            top + draw(st.integers(height // 5, height)),
        )
        pen.rectangle((left, top, right, bottom), fill=draw(colour))
    return picture


@given(drawn(), st.floats(0.75, 1.3))
@settings(max_examples=60)
def test_rescaling_a_picture_changes_its_vector_little(picture: Image.Image, factor: float) -> None:
    size = (round(picture.width * factor), round(picture.height * factor))
    before, after = images(picture, picture.resize(size, Image.Resampling.BICUBIC))
    assert before @ after > 0.9


@given(drawn())
@settings(max_examples=40)
def test_a_picture_is_like_itself_however_it_is_turned(picture: Image.Image) -> None:
    vectors = images(picture, picture.rotate(180), ImageOps.mirror(picture), ImageChops.offset(picture, 7, 9))
    assert vectors @ vectors[0] == pytest.approx([1, 1, 1, 1], abs=1e-4 if max(picture.size) < 192 else 0.1)


@given(drawn(), st.sampled_from(sorted(SURVEY | SURVEY_FURTHER)))
@settings(max_examples=40)
def test_scores_are_shares_from_0_to_1(picture: Image.Image, name: str) -> None:
    image, text = images(picture)[0], Palette().embed_texts([name])[0]
    assert np.linalg.norm(image) == pytest.approx(1, abs=1e-6)
    assert np.linalg.norm(text) == pytest.approx(1, abs=1e-6)
    assert -1e-6 <= image @ text <= 1 + 1e-6


def test_any_size_of_picture_is_taken() -> None:
    pictures = [Image.new("RGB", size, "red") for size in ((1, 1), (3, 5000), (1000, 1000))]
    assert images(*pictures) @ images(solid("#ff0000"))[0] == pytest.approx([1, 1, 1], abs=1e-6)


def test_the_vectors_are_those_of_this_revision() -> None:
    # Vectors are stored under the revision: whoever changes these numbers on purpose raises REVISION.
    assert Palette().info.fingerprint == "palette/1"
    picture = parts(("red", 0.5), ("#75bbfd", 0.3), ("#3a5f2b", 0.2))
    found = [scores(text, picture)[0] for text in ("red", "sky blue", "dark green", "brown", "bright")]
    assert found == pytest.approx([0.6051, 0.5252, 0.4072, 0.0700, 0.1551], abs=1e-4)


def test_what_it_says_of_itself_holds() -> None:
    palette = load("palette")
    assert palette.info.dimension == DIMENSION == 155
    assert palette.embed_texts(["red", "blue"]).shape == (2, DIMENSION)
    assert palette.embed_images([]).shape == (0, DIMENSION)
    assert palette.embed_texts(["red"]).dtype == images(solid("red")).dtype == np.float32
    limit = int(re.findall(r"\d+", palette.info.preprocessing)[0])
    assert max(Image.new("RGB", (191, 10)).reduce(191 // 96).size) < limit


@pytest.mark.parametrize("spec", ["palette:oklab", "palette?bins=8"])
def test_it_has_no_models_and_no_options(spec: str) -> None:
    with pytest.raises(EmbedderUnavailable, match="palette has no"):
        load(spec)


# Photographs


def share_by_hsv(picture: Image.Image, colour: str) -> float:
    """The share of a colour by hue, saturation and value: another colour space, with hard limits."""
    hsv = np.asarray(picture.resize((64, 64), Image.Resampling.BOX).convert("HSV")).reshape(-1, 3) / 255
    hue, saturation, value = hsv[:, 0] * 360, hsv[:, 1], hsv[:, 2]
    lively = (saturation > 0.25) & (value > 0.25)
    return float(
        {
            "white": (value > 0.85) & (saturation < 0.15),
            "black": value < 0.2,
            "green": lively & (hue > 70) & (hue < 160),
            "blue": lively & (hue > 195) & (hue < 250),
            "orange": lively & (hue > 15) & (hue < 42) & (value > 0.6) & (saturation > 0.5),
        }[colour].mean()
    )


def test_photographs_are_found_by_their_colours(shared: Path) -> None:
    folder = shared / "data" / "photos" / "animals"
    paths = sorted(path for path in folder.rglob("*") if path.suffix in (".jpg", ".png", ".webp"))
    photographs = [ImageOps.exif_transpose(Image.open(path)).convert("RGB") for path in paths]
    vectors = images(*photographs)
    for colour in ("white", "black", "green", "blue", "orange"):
        order = np.argsort(-(vectors @ Palette().embed_texts([colour])[0]))
        shares = np.array([share_by_hsv(picture, colour) for picture in photographs])
        best, upper, lower = order[:3], order[: len(order) // 2], order[len(order) // 2 :]
        assert shares[best].mean() > 3 * shares.mean(), colour
        assert shares[upper].mean() > 3 * shares[lower].mean(), colour
