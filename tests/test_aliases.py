"""Short names are heading, subject and key everywhere: from `NAME=SPEC`, a mapping, or the spec itself."""

from __future__ import annotations

import html
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import diptych
from commands import run_each
from diptych.embedders import load
from diptych.errors import DiptychError
from served_page import client, paint, served, wait_until_ready
from test_made_before import BEFORE

GOOGLE = "random?seed=1&dimension=8"
OTHER = "random?seed=2&dimension=8"


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    return paint(tmp_path / "pictures")


def text_of(page: str) -> str:
    """What a reader sees of HTML, without tags."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page)).split())


def again(report: Path) -> list[str]:
    """The command that a report says makes it again."""
    found = re.search(r"diptych compare [^<]*", report.read_text())
    assert found
    return shlex.split(html.unescape(found[0]))


# On the command line


def test_a_short_name_is_everywhere_and_the_spec_stands_beside_it(pictures: Path, tmp_path: Path) -> None:
    compare = ["compare", "pictures", "-e", f"google={GOOGLE}", "-e", "by colour=palette", "-q", "red"]
    asked = [*compare, "-q", "blue", "-k", "3"]
    run, written = run_each([asked, [*asked, "--json", "a.json", "--report", "a.html"]], tmp_path)
    assert (run.returncode, written.returncode) == (0, 0), run.stderr + written.stderr
    assert "A google" in run.stdout
    assert "B by colour" in run.stdout
    assert "random?" not in run.stdout
    saved = json.loads((tmp_path / "a.json").read_text())
    assert [(e["name"], e["spec"]) for e in saved["embedders"]] == [
        ("google", GOOGLE),
        ("by colour", "palette"),
    ]
    assert set(saved["queries"][0]["rankings"]) == set(saved["summary"]["work"]) == {"google", "by colour"}
    report = tmp_path / "a.html"
    assert f"spec {GOOGLE}" in text_of(report.read_text())
    assert "spec palette" in text_of(report.read_text())
    command = again(report)
    assert [command[place + 1] for place, word in enumerate(command) if word == "-e"] == [
        f"google={GOOGLE}",
        "by colour=palette",
    ]
    (once_more,) = run_each([[*command[1:], "--json", "b.json"]], tmp_path)
    assert once_more.returncode == 0, once_more.stderr
    assert json.loads((tmp_path / "b.json").read_text())["queries"] == saved["queries"]


def test_without_short_names_the_telling_part_of_each_spec_stands_there(
    pictures: Path, tmp_path: Path
) -> None:
    specs = ["-e", GOOGLE, "-e", OTHER, "-e", "palette"]
    command = ["compare", "pictures", *specs, "-q", "red", "--json", "a.json", "--report", "a.html"]
    (run,) = run_each([command], tmp_path)
    assert run.returncode == 0, run.stderr
    saved = json.loads((tmp_path / "a.json").read_text())
    assert [(e["name"], e["spec"]) for e in saved["embedders"]] == [
        ("random seed=1", GOOGLE),
        ("random seed=2", OTHER),
        ("palette", "palette"),
    ]
    assert again(tmp_path / "a.html")[3:9] == specs


def test_every_command_takes_a_short_name(pictures: Path, tmp_path: Path) -> None:
    named = ["-e", "google=palette"]
    embed, estimate, search, threshold, filtered, evaluate, doctor = run_each(
        [
            ["embed", "pictures", *named],
            ["estimate", "pictures", *named, "-q", "red"],
            ["search", "pictures", "red", *named, "-k", 2],
            ["threshold", "pictures", *named, "--labels", "folder", "--save", "t.json"],
            # learned under one name, used under another
            ["filter", "pictures", "-e", "hue=palette", "-q", "red", "--threshold", "t.json"],
            ["evaluate", "pictures", *named, "-e", "random", "--labels", "folder", "--json", "e.json"],
            ["doctor", *named],
        ],
        tmp_path,
    )
    for run in (embed, estimate, search, threshold, filtered, evaluate, doctor):
        assert run.returncode == 0, run.stderr
    for run in (embed, estimate, search, threshold, doctor):
        assert "google" in run.stdout + run.stderr
        assert "palette" not in run.stdout
    assert filtered.stdout.count("red/") == 4
    saved = json.loads((tmp_path / "t.json").read_text())
    assert (saved["embedder"], saved["spec"]) == ("google", "palette")
    assert set(json.loads((tmp_path / "e.json").read_text())["relevance"]["means"]) >= {"google", "random"}


@pytest.mark.parametrize(
    ("specs", "reason"),
    [
        (["a=palette", "a=random"], "two embedders are given the short name 'a'"),
        (["a="], "'a=' has a short name and no embedder: write a=SPEC"),
        (["a,b=palette"], "'a,b' can't be a short name"),
        (["palette", "palette"], "an embedder is named twice: palette, palette"),
        (["google=vertx?project=P"], "no embedder named 'vertx'; did you mean"),
        (["clip"], "did you mean clip-ViT-L-14"),
        (["clip"], "written NAME=SPEC"),
    ],
)
def test_what_can_not_be_named_is_told_in_a_line(
    specs: list[str], reason: str, pictures: Path, tmp_path: Path
) -> None:
    options = [part for spec in specs for part in ("-e", spec)]
    (run,) = run_each([["compare", "pictures", *options, "-q", "red"]], tmp_path)
    assert run.returncode == 1
    assert run.stderr.count("\n") == 1
    assert reason in run.stderr


def test_a_threshold_for_another_embedder_is_refused_by_the_spec_it_was_learned_for(
    pictures: Path, tmp_path: Path
) -> None:
    learn = ["threshold", "pictures", "-e", f"google={GOOGLE}", "--labels", "folder", "--save", "t.json"]
    use = ["filter", "pictures", "-e", f"google={OTHER}", "-q", "red", "--threshold", "t.json"]
    learned, used = run_each([learn, use], tmp_path)
    assert learned.returncode == 0, learned.stderr
    assert used.returncode == 1
    assert f"is a threshold for {GOOGLE}" in used.stderr


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("diptych compare x -e pal", ["palette"]),
        ("diptych compare x -e a=pal", ["a=palette"]),
        ("diptych compare x -e a=clip-ViT-L", ["a=clip-ViT-L-14"]),
        ("diptych doctor --embedder mini-", ["mini-s", "mini-b"]),
    ],
)
def test_the_shell_completes_what_comes_after_the_short_name(words: str, expected: list[str]) -> None:
    asked = {"_DIPTYCH_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": words}
    assert re.findall(r'(?:\(\(|\n)"([^"]+)"', completed(asked)) == expected


@pytest.mark.parametrize(
    ("words", "current", "expected"),
    [
        ("diptych compare x -e pal", 4, ["palette"]),
        ("diptych compare x -e a = pal", 6, ["palette"]),  # bash breaks words at =
        ("diptych compare x -e a=pal", 4, ["a=palette"]),  # unless it is told not to
        ("diptych compare x -e b = mini-s -e a = pal", 10, ["palette"]),
        ("diptych compare x -e b = mini-s -e pal", 8, ["palette"]),
        ("diptych compare x -e b = mini-s ", 7, []),
        ("diptych compare x --embedder = pal", 5, ["palette"]),
        ("diptych compare x --embedder = a = pal", 7, ["palette"]),
        ("diptych doctor -", 2, ["--embedder", "--help", "--store"]),
    ],
)
def test_bash_which_takes_words_apart_completes_it_too(words: str, current: int, expected: list[str]) -> None:
    asked = {"_DIPTYCH_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(current)}
    found = completed(asked).split()
    assert set(found) >= set(expected)
    assert bool(found) == bool(expected)


def test_right_after_the_short_name_every_spec_is_offered() -> None:
    asked = {
        "_DIPTYCH_COMPLETE": "complete_bash",
        "COMP_WORDS": "diptych compare x -e a =",
        "COMP_CWORD": "5",
    }
    assert {"palette", "clip-ViT-L-14", "vertex"} <= set(completed(asked).split())


def completed(asked: dict[str, str]) -> str:
    """What the shell is told, by a process of its own."""
    command = "import sys; sys.argv = ['diptych']; from diptych.cli import main; main()"
    env = os.environ | asked
    run = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, env=env, timeout=60)
    return run.stdout


# In Python


def test_a_mapping_gives_short_names_to_specs_and_to_embedders(pictures: Path) -> None:
    mine = load("palette")
    bench = diptych.Workbench(pictures, {"google": GOOGLE, "hue": mine})
    result = bench.compare(["red"])
    assert [(info.name, info.spec) for info in result.embedders] == [("google", GOOGLE), ("hue", "palette")]
    assert set(result.queries[0].rankings) == {"google", "hue"}
    assert mine.info.name == "palette"  # whoever made it keeps it as it was


def test_embedders_that_were_loaded_alone_are_told_apart_in_a_run(pictures: Path) -> None:
    bench = diptych.Workbench(pictures, [load(GOOGLE), load(OTHER), load(f"mine={GOOGLE}"), "hue=palette"])
    assert [e.info.name for e in bench.embedders] == ["random seed=1", "random seed=2", "mine", "hue"]


@pytest.mark.parametrize(
    ("embedders", "reason"),
    [
        ({}, "no embedder is named"),
        ([], "no embedder is named"),
        ({"a/b": "palette"}, "can't be a short name"),
        ({"a": "palette", " a": "random"}, "short name 'a'"),
        ({"a": ""}, "names no embedder"),
    ],
)
def test_a_mapping_that_can_not_be_is_refused(
    embedders: dict[str, str] | list[str], reason: str, pictures: Path
) -> None:
    with pytest.raises(DiptychError, match=re.escape(reason)):
        diptych.Workbench(pictures, embedders)


def test_vectors_are_found_again_under_another_name(pictures: Path) -> None:
    first = diptych.Workbench(pictures, {"first": GOOGLE}).compare(["red"])
    assert first.work["first"].images_embedded == 24
    second = diptych.Workbench(pictures, {"second": GOOGLE}).compare(["red"])
    assert second.work["second"].images_embedded == 0
    assert second.work["second"].queries_embedded == 0
    third = diptych.Workbench(pictures, [GOOGLE]).compare(["red"])
    assert third.work["random"].images_embedded == 0
    assert third.queries[0].rankings["random"] == second.queries[0].rankings["second"]


def test_a_saved_comparison_says_the_same_under_its_short_names(pictures: Path, tmp_path: Path) -> None:
    made = diptych.Workbench(pictures, {"A and B": GOOGLE, "A": OTHER, "B": "palette"}).compare(
        ["red", "blue"]
    )
    made.to_json(tmp_path / "a.json")
    opened = diptych.Comparison.load(tmp_path / "a.json", pictures)
    assert opened == made
    opened.report(tmp_path / "a.html")
    made.report(tmp_path / "b.html")
    assert (tmp_path / "a.html").read_text() == (tmp_path / "b.html").read_text()


def test_a_secret_in_a_spec_is_neither_shown_nor_saved(pictures: Path, tmp_path: Path) -> None:
    from diptych.embedders.spec import without_secrets

    assert without_secrets("toy:m?api_key=HUSH&size=2&endpoint=https://me:HUSH@host/p") == (
        "toy:m?api_key=…&size=2&endpoint=https://…@host/p"
    )
    assert without_secrets("vertex:m@001?project=P&max_tokens=3") == "vertex:m@001?project=P&max_tokens=3"


def test_a_comparison_from_before_there_were_short_names_is_written_by_its_specs(tmp_path: Path) -> None:
    old = diptych.Comparison.load(BEFORE / "comparison.json")
    assert {info.spec for info in old.embedders} == {""}
    old.report(tmp_path / "old.html")
    page = (tmp_path / "old.html").read_text()
    assert "<dt>spec</dt>" not in page
    for info in old.embedders:
        assert f"-e {html.escape(shlex.quote(info.name), quote=True)}" in page


# On the page


def test_the_page_calls_embedders_by_their_short_names(pictures: Path, tmp_path: Path) -> None:
    specs = [f"google={GOOGLE}", "hue=palette"]
    with served(pictures, specs, tmp_path / "s.sqlite") as page, client(page) as http:
        state = wait_until_ready(http)
        assert [each["name"] for each in state["embedders"]] == ["google", "hue"]
        answers = http.post("/api/search", json={"text": "red", "embedders": ["hue"]}).json()["answers"]
        assert set(answers) == {"hue"}
        http.post("/api/search", json={"text": "red"})
        answer = http.get("/answer", params={"text": "red"})
        described = http.get("/api/comparison", params={"text": "red"}).json()
    assert [(e["name"], e["spec"]) for e in described["embedders"]] == [
        ("google", GOOGLE),
        ("hue", "palette"),
    ]
    assert answer.status_code == 200
    assert f"spec {GOOGLE}" in text_of(answer.text)
    assert "random?" not in text_of(answer.text).replace(f"spec {GOOGLE}", "")
