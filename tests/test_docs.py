"""What the documents say is what the program does."""

from __future__ import annotations

import html
import json
import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

import diptych
from diptych.embedders.registry import WELL_KNOWN, providers
from plugins import describe, environment
from support import missing, need, picture_bytes
from warm import diptych_in

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"


def blocks(page: Path, language: str) -> list[str]:
    """The code blocks of a page in one language, or in none."""
    found = re.findall(r"^```(\w*)\n(.*?)^```$", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    return [block for marked, block in found if marked == language]


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    for label, colour in {"red": (220, 20, 20), "blue": (20, 20, 220)}.items():
        (tmp_path / "pictures" / label).mkdir(parents=True)
        (tmp_path / "pictures" / label / "1.png").write_bytes(picture_bytes(colour))
    (tmp_path / "pictures" / "torn.png").write_bytes(picture_bytes()[:50])
    return tmp_path / "pictures"


def test_the_command_line_page_is_what_the_program_prints() -> None:
    run = subprocess.run([sys.executable, DOCS / "make_cli.py"], capture_output=True, text=True, check=True)
    page = (DOCS / "cli.md").read_text(encoding="utf-8")
    assert page == run.stdout, "run: python docs/make_cli.py > docs/cli.md"


def test_every_embedder_and_well_known_name_is_documented() -> None:
    page = (DOCS / "embedders.md").read_text(encoding="utf-8")
    for name, entry in providers().items():
        if entry.value.startswith("diptych."):
            assert f"\n## {name}\n" in page
    for name in WELL_KNOWN:
        assert f"`{name}`" in page


def of_one(value: Any, other: str) -> Any:
    """JSON data without the parts of the other embedder."""
    if isinstance(value, list):
        return [of_one(inner, other) for inner in value]
    if isinstance(value, dict):
        return {key: of_one(inner, other) for key, inner in value.items() if key != other}
    return value


def undocumented(made: Any, documented: Any, where: str = "") -> list[str]:
    """Where the keys of JSON data differ from those of an example; an empty list is like any other."""
    if isinstance(made, list) and isinstance(documented, list) and made and documented:
        return undocumented(made[0], documented[0], f"{where}[]")
    if isinstance(made, dict) and isinstance(documented, dict) and made and documented:
        differences = [f"{where}.{key}" for key in made.keys() ^ documented.keys()]
        both = made.keys() & documented.keys()
        return differences + [
            found for key in both for found in undocumented(made[key], documented[key], f"{where}.{key}")
        ]
    return []


def test_the_json_page_shows_the_keys_there_are(pictures: Path) -> None:
    (page,) = blocks(DOCS / "json.md", "json")
    documented = json.loads(page)
    for number in range(20):
        (pictures / f"more-{number}.png").write_bytes(picture_bytes((number, 9 * number, 200)))
    bench = diptych.Workbench(pictures, ["random", "palette"])
    made = bench.compare(["red"], contrast=["blue"]).to_dict()
    listed = documented["embedders"][0].keys()
    (counted,) = documented["summary"]["stratification"]["random"]["verdicts"]
    made["summary"]["stratification"]["random"]["verdicts"] = {counted: 1}  # which one it is, is not a key
    made["embedders"] = [{key: value for key, value in made["embedders"][0].items() if key in listed}]
    assert undocumented(of_one(made, "palette"), of_one(documented, "palette")) == []


def test_the_plug_in_page_holds_a_plug_in_that_works(pictures: Path, tmp_path: Path) -> None:
    (source,) = blocks(DOCS / "plugins.md", "python")
    folder = tmp_path / "plugins"
    folder.mkdir()
    (folder / "diptych_mean.py").write_text(source)
    describe(folder, "mean")
    command = [sys.executable, "-m", "diptych", "compare", pictures, "-e", "mean", "-q", "red", "--json", "-"]
    run = subprocess.run(command, env=environment(folder), capture_output=True, text=True, check=True)
    (query,) = json.loads(run.stdout)["queries"]
    assert query["rankings"]["mean"]["hits"][0]["label"] == "red"


def test_the_python_page_holds_a_program_that_works(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (source,) = blocks(DOCS / "python.md", "python")
    pictures.rename(tmp_path / "photos")
    monkeypatch.chdir(tmp_path)
    exec(source, {})
    assert "<html" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert len(diptych.Comparison.load("result.json").queries) == 2


def test_the_demo_prints_one_screen_as_the_readme_shows_it() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8").replace("\\\n", " ")
    (demo,) = re.findall(r"diptych (compare sample .*) --store", makefile)
    command = [sys.executable, "-m", "diptych", *shlex.split(demo), "--quiet"]
    terminal = {"TTY_COMPATIBLE": "1", "NO_COLOR": "1", "COLUMNS": "100", "TERM": "xterm"}
    run = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | terminal)
    printed = [line.rstrip() for line in re.sub(r"\x1b\[[\d;]*m", "", run.stdout).splitlines()]
    assert len(printed) <= 28  # and two lines that name the report and the page
    (shown,) = (block for block in blocks(ROOT / "README.md", "") if block.startswith("120 pictures"))
    assert printed[: len(shown.splitlines())] == shown.splitlines()
    assert "mini-b ranks better than the baseline palette" in run.stdout
    assert "diptych serve" in makefile


def test_the_example_in_the_readme_prints_what_the_readme_shows(
    embedded_sample: Path, tmp_path: Path
) -> None:
    shutil.copy(embedded_sample, tmp_path / "store.sqlite")
    (source,) = blocks(ROOT / "README.md", "python")
    assert len([line for line in source.splitlines() if line]) <= 5
    run = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True)
    (shown,) = (block for block in blocks(ROOT / "README.md", "") if block.startswith("mini-s ranks"))
    assert shown.split() == run.stdout.split()  # long lines are wrapped there


def test_the_readme_has_the_two_commands_that_a_fresh_copy_needs() -> None:
    commands = blocks(ROOT / "README.md", "")[0]
    assert re.findall(r"^make \w+", commands, re.MULTILINE) == ["make demo", "make test"]


@pytest.mark.parametrize("name", ["choosing.md", "archive.md"])
def test_the_walks_on_the_sample_show_what_is_printed(
    name: str, embedded_sample: Path, tmp_path: Path
) -> None:
    """A block that begins with `$ diptych` holds a command and what it prints; `…` leaves something out."""
    shutil.copy(embedded_sample, tmp_path / "store.sqlite")
    walks = [block for block in blocks(DOCS / name, "") if block.startswith("$ diptych")]
    assert walks
    for walk in walks:
        command, shown = walk.split("\n", 1)
        run = diptych_in(tmp_path, shlex.split(command)[2:], os.environ)
        printed = " ".join((run.stdout + run.stderr).split())
        for part in shown.split("\n…\n"):
            assert " ".join(part.split()) in printed, command


def test_links_between_pages_lead_somewhere() -> None:
    for page in [*ROOT.glob("*.md"), *DOCS.rglob("*.md")]:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_picture_that_is_named_is_there_and_small() -> None:
    kept = {path.name: path.stat().st_size for path in (DOCS / "images").iterdir()}
    named = {
        name
        for page in [ROOT / "README.md", *DOCS.rglob("*.md")]
        for name in re.findall(r"images/([\w-]+\.(?:webp|png|svg|jpg))", page.read_text(encoding="utf-8"))
    }
    assert named
    assert named <= kept.keys()
    assert max(kept.values()) <= 80_000
    assert sum(kept.values()) <= 1_500_000


def test_every_picture_on_a_page_says_in_words_what_it_shows() -> None:
    for page in [ROOT / "README.md", *DOCS.rglob("*.md")]:
        for picture in re.findall(r"<img [^>]*>", page.read_text(encoding="utf-8")):
            assert re.search(r'alt="[^"]{20,}"', picture), f"{page.name}: {picture}"


def test_a_screenshot_shows_the_page(tmp_path: Path) -> None:
    need("fastapi")
    need("playwright")
    if not any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))):
        missing("chromium is not installed (apt-get install chromium)")
    command = [sys.executable, DOCS / "make_screenshots.py", "page-light-1400", "--to", tmp_path]
    subprocess.run(command, check=True, capture_output=True)
    (made,) = tmp_path.glob("*.webp")
    with Image.open(made) as picture:
        assert (made.name, picture.size) == ("page-light-1400.webp", (1400, 900))
        for side in ((0, 250, 660, 900), (740, 250, 1400, 900)):  # each embedder's list, with its pictures
            colours = picture.convert("RGB").crop(side).quantize(8).getcolors()
            assert colours is not None
            assert max(count for count, _ in colours) < 0.9 * 660 * 650


def test_without_a_chromium_screenshots_end_with_one_line(tmp_path: Path) -> None:
    need("playwright")
    command = [sys.executable, DOCS / "make_screenshots.py", "--to", tmp_path / "images"]
    run = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"PATH": str(tmp_path)})
    assert run.returncode == 1
    (line,) = run.stderr.splitlines()
    assert "chromium" in line
    assert not (tmp_path / "images").exists()


def test_the_plug_in_on_the_page_is_short() -> None:
    (source,) = blocks(DOCS / "plugins.md", "python")
    assert len(source.splitlines()) < 40


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The documents as `make docs` builds them."""
    need("mkdocs")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    return folder


def test_the_site_has_every_page_and_the_schema(site: Path) -> None:
    for page in DOCS.rglob("*.md"):
        made = (site / page.relative_to(DOCS)).with_suffix(".html")
        assert page.name.endswith(".in.md") or made.is_file()
    schema = (site / "schema" / "comparison.schema.json").read_text(encoding="utf-8")
    assert schema == (DOCS / "schema" / "comparison.schema.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("word", ["cite", "install", "z", "cost", "back up", "upgrade", "licence", "privacy"])
def test_a_search_on_the_site_finds_a_page_about(word: str, site: Path) -> None:
    """A word stands in a heading of some page, where the site's search weighs it most."""
    index = json.loads((site / "search" / "search_index.json").read_text(encoding="utf-8"))
    headings = [html.unescape(entry["title"]) for entry in index["docs"]]
    assert [title for title in headings if re.search(rf"\b{word}\b|\b{word}ing\b", title, re.IGNORECASE)]


def test_each_page_begins_with_a_sentence() -> None:
    """What a page is for stands before its first table, list, code or further heading."""
    for page in DOCS.rglob("*.md"):
        first = re.split(r"^# .+\n+", page.read_text(encoding="utf-8"), maxsplit=1, flags=re.MULTILINE)[1]
        assert re.match(r"(?![#|>!-]|```)\S", first), f"{page.name} does not begin with what it is for"


def test_the_site_asks_nobody_and_fits_a_telephone(site: Path, browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 800})
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for path in sorted(site.rglob("*.html")):
        page.goto(path.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path.name
        assert [url for url in asked if not url.startswith(("file:", "data:"))] == [], path.name
    page.context.close()
    assert len(asked) > len(list(site.rglob("*.html")))


def test_the_speed_page_shows_the_kept_results(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    run = runpy.run_path(str(ROOT / "benchmarks" / "run.py"))
    results = json.loads((ROOT / "benchmarks" / "results.json").read_text(encoding="utf-8"))
    page = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    assert f"{run['BEGIN']}\n{run['table'](results)}\n{run['END']}" in page
