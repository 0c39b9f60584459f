"""The command line as a person meets it: in a process of its own, by what it prints and how it exits."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from commands import run_each
from plugins import environment, install
from support import need, picture_bytes
from warm import diptych_in

Run = Callable[..., subprocess.CompletedProcess[str]]
RunAll = Callable[[Sequence[Sequence[object]]], list[subprocess.CompletedProcess[str]]]

COMMANDS = (
    "compare", "search", "embed", "estimate", "embedders", "doctor", "emulate", "judge", "judgments",
    "evaluate", "threshold", "filter", "serve", "emulate jina",
)  # fmt: skip


@pytest.fixture
def run(tmp_path: Path) -> Run:
    env = environment(install(tmp_path / "plugins"))

    return lambda *arguments, **more: diptych_in(tmp_path, arguments, env | more)


@pytest.fixture
def run_all(tmp_path: Path) -> RunAll:
    """For what ends before anything is embedded: each of several commands, in one process."""
    env = environment(install(tmp_path / "plugins"))
    return lambda commands: run_each(commands, tmp_path, env)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    for label, colour in {"red": (200, 20, 20), "green": (20, 150, 30), "blue": (30, 40, 210)}.items():
        (folder / label).mkdir(parents=True)
        for number in range(3):
            (folder / label / f"{number}.png").write_bytes(
                picture_bytes((colour[0], colour[1], colour[2] + number))
            )
    (folder / "notes.txt").write_text("no picture")
    (folder / "torn.png").write_bytes(picture_bytes()[:45])
    return folder


def fails(process: subprocess.CompletedProcess[str], status: int = 1) -> str:
    """The one line that a failed run prints."""
    assert process.returncode == status, process.stderr
    assert "Traceback" not in process.stderr
    assert process.stdout == ""
    (line,) = process.stderr.strip().splitlines()
    assert line.startswith("diptych: ")
    return line


def test_compare_writes_the_json_of_the_contract(run: Run, pictures: Path, tmp_path: Path) -> None:
    done = run(
        "compare", pictures, "-e", "palette", "-e", "counting", "-q", "red", "-q", "blue",
        "--image", pictures / "green" / "1.png", "-k", 4, "--json", "out.json", "--report", "out.html",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    saved = json.loads((tmp_path / "out.json").read_text())
    assert saved["diptych"]
    assert saved["created"].endswith("Z")
    assert saved["collection"]["source"] == str(pictures)
    assert saved["collection"]["images"] == 9
    assert [skipped["name"] for skipped in saved["collection"]["skipped"]] == ["notes.txt", "torn.png"]
    assert [e["name"] for e in saved["embedders"]] == ["palette", "counting"]
    assert {"provider", "model", "dimension", "preprocessing", "fingerprint"} <= saved["embedders"][0].keys()
    assert [(q["query"], q["kind"]) for q in saved["queries"]][:2] == [("red", "text"), ("blue", "text")]
    assert saved["queries"][2]["kind"] == "image"
    hits = saved["queries"][0]["rankings"]["counting"]["hits"]
    assert [hit["rank"] for hit in hits] == [1, 2, 3, 4]
    assert hits[0].keys() == {"rank", "image", "id", "label", "score", "z"}
    assert [hit["label"] for hit in hits[:3]] == ["red"] * 3
    assert "<html" in (tmp_path / "out.html").read_text()


def test_the_terminal_shows_columns_side_by_side_and_what_was_skipped(run: Run, pictures: Path) -> None:
    done = run("compare", pictures, "-e", "palette", "-e", "counting", "-q", "red", "-k", 2)
    heading = next(line for line in done.stdout.splitlines() if "A palette" in line and "B counting" in line)
    assert heading.index("A palette") < heading.index("B counting")
    after = done.stdout.splitlines()[done.stdout.splitlines().index(heading) + 2 :]
    assert [line.count("red/") for line in after[:2]] == [2, 2]
    assert "torn.png" in done.stdout


def test_json_to_standard_output_is_nothing_but_json(run: Run, pictures: Path) -> None:
    done = run("compare", pictures, "-e", "palette", "-q", "red", "--json", "-")
    assert json.loads(done.stdout)["collection"]["images"] == 9


def test_quiet_prints_results_only(run: Run, pictures: Path) -> None:
    done = run("search", pictures, "wolf", "-e", "palette", "--quiet")
    assert done.returncode == 0
    assert done.stderr == ""
    assert "red/0.png" in done.stdout


def test_the_same_command_again_embeds_nothing(run: Run, pictures: Path, tmp_path: Path) -> None:
    spec = f"counting:?log={tmp_path / 'log'}"
    run("compare", pictures, "-e", spec, "-q", "red", "--image", pictures / "red" / "0.png")
    assert len((tmp_path / "log").read_text().split()) == 9
    again = run("compare", pictures, "-e", spec, "-q", "red", "--image", pictures / "red" / "0.png")
    assert len((tmp_path / "log").read_text().split()) == 9
    assert "embedded now" not in again.stdout


def test_queries_come_from_a_file_too(run: Run, pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "queries.txt").write_bytes("\ufeff# colours\nred\n\n  blue  \n".encode())
    done = run("compare", pictures, "-e", "palette", "-q", "green", "--queries", "queries.txt", "--json", "-")
    assert [q["query"] for q in json.loads(done.stdout)["queries"]] == ["green", "red", "blue"]


def test_a_spreadsheet_runs_nothing_that_an_export_holds(run: Run, tmp_path: Path) -> None:
    names = ['=HYPERLINK("http:..x")', "+1", "-1", "@SUM(A1)", "plain"]
    for number, name in enumerate(names):
        (tmp_path / "odd" / name).mkdir(parents=True)
        (tmp_path / "odd" / name / f"{name}.png").write_bytes(picture_bytes((9 * number, 30, 40)))
    done = run("compare", "odd", "-e", "palette", "-q", "=1+1 red", "--export", "x")
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader((tmp_path / "x" / "rankings.csv").open(newline="", encoding="utf-8")))
    assert {row["label"] for row in rows} == {*(f"'{name}" for name in names[:-1]), "plain"}
    assert {row["query"] for row in rows} == {"'=1+1 red"}
    for row in rows:
        assert not any(row[key].startswith(("=", "+", "-", "@", "\t", "\r")) for key in ("image", "query"))
        assert float(row["score"]) <= 1
    saved = json.loads((tmp_path / "x" / "result.json").read_text())
    assert saved["queries"][0]["query"] == "=1+1 red"  # what Diptych reads is as it was


def test_export_is_what_other_tools_read_and_opens_again(run: Run, pictures: Path, tmp_path: Path) -> None:
    spec = f"counting:?log={tmp_path / 'log'}"
    done = run(
        "compare", pictures, "-e", "palette", "-e", spec, "-q", "red", "-q", "blue", "-k", 3, "--export", "x"
    )
    assert done.returncode == 0, done.stderr
    out = tmp_path / "x"
    rows = list(csv.DictReader((out / "rankings.csv").open(newline="")))
    assert len(rows) == 2 * 2 * 3
    runs = sorted(path.name for path in out.glob("run.*.trec"))
    assert runs[1] == "run.palette.trec"
    for line in (out / "run.palette.trec").read_text().splitlines():
        topic, q0, image, rank, score, tag = line.split(" ")
        assert (topic in {"q1", "q2"}, q0, len(image), tag) == (True, "Q0", 64, "palette")
        assert int(rank) in {1, 2, 3}
        float(score)
    with np.load(out / "vectors" / "palette.npz") as vectors:
        assert len(vectors["names"]) == len(vectors["ids"]) == len(vectors["vectors"]) == 9
    again = run(
        "compare", pictures, "-e", "palette", "-e", "vectors:x/vectors/palette.npz",
        "-q", "blue", "--json", "-",
    )  # fmt: skip
    (query,) = json.loads(again.stdout)["queries"]
    ours, theirs = (ranking["hits"] for ranking in query["rankings"].values())
    assert [(h["image"], h["score"]) for h in ours] == [(h["image"], h["score"]) for h in theirs]
    assert len(json.loads((out / "result.json").read_text())["queries"]) == 2


def test_embed_fills_the_store_and_estimate_says_what_is_left(run: Run, pictures: Path) -> None:
    spec = "counting:?price=0.01"
    before = run("estimate", pictures, "-e", spec)
    assert (
        "0.1000" in before.stdout
    )  # the torn picture might be a picture: nothing is decoded for an estimate
    assert run("embed", pictures, "-e", spec).returncode == 0
    after = run("estimate", pictures, "-e", spec)
    assert "0.0100" in after.stdout


def test_estimate_says_what_its_texts_are(run: Run, pictures: Path) -> None:
    asked = ["estimate", pictures, "-e", "counting", "-q", "red"]
    assert "1 query and 64 null texts" in run(*asked).stdout
    in_two = ["--template", "a photo of {}", "--template", "{}"]
    assert "1 query and 64 null texts (130 texts in their templates)" in run(*asked, *in_two).stdout


def test_a_dearer_run_is_refused_before_anything_is_sent(run: Run, pictures: Path, tmp_path: Path) -> None:
    spec = f"counting:?price=0.01&log={tmp_path / 'log'}"
    line = fails(run("compare", pictures, "-e", spec, "-q", "red", "--max-cost", "0.05", "--quiet"))
    assert "$0.1000" in line
    assert not (tmp_path / "log").exists()


def test_what_is_about_to_be_sent_and_what_it_costs_is_said(run: Run, pictures: Path) -> None:
    costly = ["-e", "counting:?price=0.01", "--store"]
    for command in (["compare", pictures, "-q", "red"], ["search", pictures, "red"], ["embed", pictures]):
        first = run(*command, *costly, f"{command[0]}.sqlite").stderr
        texts = "" if command[0] == "embed" else ", 1 query and 64 null texts"
        sent = rf"counting\S*: 10 pictures{texts} to send, about \$0\.1000\n"
        assert re.search(sent, first), command
        assert ("embedding null texts with" in first) == (command[0] != "embed")
        assert run(*command, *costly, f"{command[0]}-2.sqlite", "--quiet").stderr == ""


def test_a_store_can_be_chosen(run: Run, pictures: Path, tmp_path: Path) -> None:
    run("embed", pictures, "-e", "counting", "--store", "mine.sqlite")
    assert (tmp_path / "mine.sqlite").exists()
    assert not (tmp_path / "store.sqlite").exists()


def test_every_command_helps_by_subject_and_with_examples(tmp_path: Path) -> None:
    narrow = os.environ | {"COLUMNS": "80", "TERM": "dumb"}
    pages = run_each([[*command.split(), "--help"] for command in COMMANDS], tmp_path, narrow)
    for command, page in zip(COMMANDS, pages, strict=True):
        assert page.returncode == 0, command
        assert f"Usage: diptych {command} " in page.stdout
        assert re.search(rf"^ Examples?: *\n( diptych {command} .*\n)+ *\n╭", page.stdout, re.MULTILINE), page
    compare = pages[0].stdout
    subjects = ["Arguments", "Embedders", "Queries", "Outputs", "Limits", "General"]
    assert re.findall(r"^╭─ (\w+) ", compare, re.MULTILINE) == subjects
    assert " diptych compare photos/ -e clip-ViT-L-14 -e palette -q wolf -q " in compare
    assert re.search(r"--quiet +Show no progress", compare)  # a flag takes no value
    assert compare.index("--debug") < compare.index("--help")


def test_embedders_lists_every_one_with_what_it_needs(run: Run) -> None:
    done = run("embedders")
    assert done.returncode == 0, done.stderr
    for name in ("palette", "random", "sentence-transformers", "vectors", "vertex", "counting"):
        assert name in done.stdout
    assert "retires 2027-04-01" in done.stdout
    assert "$0.10" in done.stdout
    assert "not for commercial use" in done.stdout


def test_doctor_says_what_was_tried_and_what_to_run(run: Run) -> None:
    done = run("doctor", HOME="/nowhere")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    states = {line[11:33].strip(): (line[:11].strip(), line[33:].strip()) for line in lines}
    assert states["JPEG"] == ("works", "decodes")
    assert states["cohere"] == ("installed", "no credentials found: set CO_API_KEY")
    assert states["vertex"][1] == "no credentials found: gcloud auth application-default login"
    assert states["bedrock"][0] in {"installed", "missing"}
    assert states["counting"][0] == "installed"
    assert "DIPTYCH_CONTACT" in states["contact"][1]
    tried = {"Python", "store", "cache", "JPEG", "WebP", "AVIF", "JPEG 2000", "GPU"}
    assert {what for what, (state, _) in states.items() if state == "works"} <= tried


def test_alone_it_says_what_it_is_how_to_start_and_the_rest_by_subject(tmp_path: Path) -> None:
    narrow = os.environ | {"COLUMNS": "80", "TERM": "dumb"}
    alone, asked = run_each([[], ["--help"]], tmp_path, narrow)
    assert alone.stdout.strip() == asked.stdout.strip()
    lines = alone.stdout.splitlines()
    assert lines[0].startswith("Diptych compares multimodal image embedders")
    start = lines.index("Start with")
    assert [line.split()[0] for line in lines[start + 1 : start + 4]] == ["diptych"] * 3
    subjects = [line for line in lines if line and not line.startswith(" ")][2:]
    assert subjects[:4] == [
        "Start with",
        "Compare embedders",
        "Judge, evaluate and filter",
        "Set up and test",
    ]
    assert max(map(len, lines)) <= 80


def completed(run: Run, *words: str) -> list[str]:
    """What bash is offered for the last of these words."""
    return run(
        _DIPTYCH_COMPLETE="complete_bash", COMP_WORDS=f"diptych {' '.join(words)}", COMP_CWORD=str(len(words))
    ).stdout.split()


def test_tab_offers_embedders_and_sources(run: Run, pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("")
    assert completed(run, "compare", "x", "-e", "pal") == ["palette"]
    assert {"clip-ViT-L-14", "clip-ViT-B-32"} <= set(completed(run, "compare", "x", "-e", "clip"))
    assert "counting" in completed(run, "doctor", "-e", "count")
    assert completed(run, "compare", "sa") == ["sample"]
    assert completed(run, "compare", "pic") == ["pictures/"]
    assert completed(run, "embed", "pictures/r") == ["pictures/red/"]
    assert completed(run, "embed", "li") == ["list.txt"]


MISTYPED = {
    ("compare", "picture", "-e", "palette", "-q", "x"): "did you mean pictures/?",
    ("compare", "pictures", "-e", "palette", "--queries", "querys.txt"): "did you mean queries.txt?",
    ("compare", "pictures", "-e", "palette", "--image", "red/0.pgn", "--quiet"): "did you mean red/0.png?",
    ("evaluate", "pictures", "-e", "palette", "--labels", "fodler", "--quiet"): "did you mean folder?",
    ("filter", "pictures", "-e", "palette", "-q", "x", "--threshold", "clp.json"): "did you mean clip.json?",
    ("compare", "pictures", "-e", "palete", "-q", "x"): "did you mean palette",
}


def test_where_a_name_was_mistyped_the_nearest_is_named(
    run_all: RunAll, pictures: Path, tmp_path: Path
) -> None:
    for name in ("queries.txt", "clip.json"):
        (tmp_path / name).write_text("red")
    for done, words in zip(run_all(list(MISTYPED)), MISTYPED.values(), strict=True):
        assert words in fails(done)


WRONG_USAGE = [
    [], ["compare"], ["compare", "pictures"], ["compare", "pictures", "-e", "palette"], ["unheard-of"],
    ["compare", "pictures", "-e", "palette", "-q", "x", "-k", "0"],
    ["compare", "pictures", "-e", "palette", "-q", "x", "--open"],
    ["search", "pictures", "-e", "palette"],
    ["search", "pictures", "red", "-e", "palette", "-q", "green"],
    ["compare", "pictures", "-e", "palette", "-q", "x", "--json", "a", "--report", "a"],
    ["compare", "pictures", "-e", "palette", "-q", "x", "--max-cost", "much"],
]  # fmt: skip


def test_wrong_usage_exits_with_2(run_all: RunAll, pictures: Path) -> None:
    for done in run_all(WRONG_USAGE):
        assert done.returncode == 2, done
        assert "Traceback" not in done.stderr


def test_options_and_texts_that_another_command_takes_are_met_with_where_they_go(
    run_all: RunAll, pictures: Path
) -> None:
    palette = ["-e", "palette"]
    for command, said in [
        (["judgments", "pictures", *palette], "No such option: -e (compare, search,"),
        (["embed", "pictures", *palette, "-q", "x"], "No such option: -q (compare, search,"),
        (["threshold", "pictures", *palette, "-k", "3"], "No such option: -k (compare, search, judge,"),
        (["embedders", "--store", "x"], "No such option: --store (compare,"),
        (["compare", "pictures", *palette, "--stor", "x"], "No such option: --stor (Possible options:"),
        (["compare", "pictures", "red", *palette], "(red): write -q before each text to search for"),
        (["search", "pictures", *palette], "nothing to search for: give a QUERY after SOURCE, or -q TEXT"),
        (["search", "pictures", "red", *palette, "-q", "green"], "search takes one query;"),
    ]:  # fmt: skip
        (done,) = run_all([command])
        assert done.returncode == 2
        assert said in " ".join(re.sub("[│╭╮╰╯─]", " ", done.stderr).split())


def test_search_takes_its_query_after_q_too(run_all: RunAll, pictures: Path) -> None:
    one, other = run_all(
        [["search", "pictures", *more, "-e", "palette", "--json", "-"] for more in (["red"], ["-q", "red"])]
    )
    assert json.loads(one.stdout)["queries"] == json.loads(other.stdout)["queries"]


def zip_with(path: Path, name: str) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, picture_bytes())


def make_bad_sources(folder: Path) -> None:
    (folder / "empty").mkdir()
    (folder / "words").mkdir()
    (folder / "words" / "a.txt").write_text("words")
    (folder / "torn.zip").write_bytes(b"PK\x03\x04 and then nothing")
    zip_with(folder / "climbing.zip", "../../climbs.png")
    (folder / "bad.csv").write_text("name,label\na,b\n")
    (folder / "bad.jsonl").write_text('{"path": "pictures/red/0.png"}\n{"path": \n')
    (folder / "urls.txt").write_text("ftp://nowhere/a.jpg\n")


BAD_SOURCES = {
    "empty": "empty", "words": "words", "missing": "missing", "torn.zip": "torn.zip",
    "climbing.zip": "climbing.zip", "bad.csv": "path", "bad.jsonl": "2", "urls.txt": "ftp://nowhere",
}  # fmt: skip


def test_a_bad_source_is_said_in_one_line(run_all: RunAll, pictures: Path, tmp_path: Path) -> None:
    make_bad_sources(tmp_path)
    commands = [["compare", source, "-e", "palette", "-q", "red", "--quiet"] for source in BAD_SOURCES]
    for done, words in zip(run_all(commands), BAD_SOURCES.values(), strict=True):
        assert words in fails(done)


def test_an_unknown_embedder_is_told_the_nearest_names(run: Run, pictures: Path) -> None:
    line = fails(run("compare", pictures, "-e", "palete", "-q", "red"))
    assert "did you mean palette" in line


def test_a_bad_store_is_said_in_one_line(run: Run, pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "store.txt").write_text("just text, long enough to be read as a header " * 30)
    line = fails(run("compare", pictures, "-e", "palette", "-q", "red", "--store", "store.txt", "--quiet"))
    assert "is not a Diptych store" in line


UNWRITABLE = [
    ("--export", "file/out"),
    ("--plots", "file/out"),
    *product(["--json", "--report"], ["file/out", "nowhere/at/all", "folder"]),
]


def test_what_can_not_be_written_is_said_before_anything_is_embedded(
    run_all: RunAll, pictures: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    spec = f"counting:?log={tmp_path / 'log'}"
    for done in run_all([["compare", pictures, "-e", spec, "-q", "red", *option] for option in UNWRITABLE]):
        assert "can't write" in fails(done)
    assert not (tmp_path / "log").exists()


def test_a_bad_query_is_said_before_anything_is_read(run: Run, pictures: Path) -> None:
    (pictures / "notes.jpg").write_text("no picture")
    command = ["compare", "no-such-folder", "-e", "palette"]
    assert "empty" in fails(run(*command, "-q", "  "))
    assert "notes.jpg can't be used" in fails(run(*command, "--image", "pictures/notes.jpg"))


def test_a_picture_to_search_with_that_is_nowhere_is_said_before_anything_is_embedded(
    run: Run, pictures: Path
) -> None:
    done = run("compare", pictures, "-e", "counting:?log=log", "--image", "gone.jpg", "--quiet")
    assert "there is no picture 'gone.jpg', neither as a file nor in the collection" in fails(done)
    assert not (pictures.parent / "log").exists()


def test_the_version_is_told(run: Run) -> None:
    assert run("--version").stdout.startswith("diptych 0.")


def test_an_embedder_that_needs_something_says_what(run: Run, pictures: Path) -> None:
    line = fails(run("compare", pictures, "-e", "counting:?fails=unavailable", "-q", "red", "--quiet"))
    assert "run `counting login`" in line


def test_a_surprise_in_a_plug_in_is_one_line_and_a_traceback_only_for_debug(run: Run, pictures: Path) -> None:
    command = ["embed", pictures, "-e", "counting:?fails=surprise", "--quiet"]
    assert "RuntimeError: a bug in two lines" in fails(run(*command))
    assert "Traceback" in run(*command, "--debug").stderr


def test_a_query_is_not_taken_for_an_option(run: Run, pictures: Path) -> None:
    spec = "counting:?fails=surprise"
    assert "RuntimeError" in fails(run("search", pictures, "-e", spec, "--quiet", "--", "--debug"))
    noted = run("search", pictures, "-e", "counting:?price=0.01", "--", "--quiet")
    assert "to send" in noted.stderr


def test_a_service_that_is_down_stops_the_run_in_one_line(run: Run, pictures: Path) -> None:
    line = fails(run("embed", pictures, "-e", "counting:?fails=all", "--quiet"))
    assert "the service is down" in line
    assert "run the same command again" in line


def test_names_can_not_steer_the_terminal(run: Run, tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "\x1b[31mred\x07[bold].png").write_bytes(picture_bytes())
    done = run("search", "p", "red\x1b]0;title\x07", "-e", "palette")
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
    assert "\x07" not in done.stdout
    assert "[bold].png" in done.stdout


def test_a_reader_that_goes_away_is_no_error(pictures: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "diptych", "search", str(pictures), "red", "-e", "palette", "--quiet"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ, text=True
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == ""
    process.stderr.close()
    process.wait(60)


def test_names_of_every_script_are_shown_as_they_are(run: Run, tmp_path: Path) -> None:
    names = ["写真　2024/狼.png", "👨‍👩‍👧 picnic.png", "می‌خواهم.png", "Ärger.png"]
    for number, name in enumerate(names):
        (tmp_path / "写真　2024" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "写真　2024" / name).write_bytes(picture_bytes((number, 0, 0)))
    done = run("search", "写真　2024", "red", "-e", "palette", "--json", "out.json")
    assert done.returncode == 0, done.stderr
    for name in names:
        assert name in done.stdout
    saved = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert saved["collection"]["source"] == "写真　2024"


def test_files_are_written_though_nobody_reads_the_terminal(pictures: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "diptych", "compare", str(pictures), "-q", "red", "-e", "palette"]
    command += ["--json", str(tmp_path / "o.json"), "--report", str(tmp_path / "r.html")]
    command += ["--export", str(tmp_path / "x"), "--quiet"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ)
    assert process.stdout is not None
    process.stdout.close()
    process.wait(60)
    assert json.loads((tmp_path / "o.json").read_text())["queries"]
    assert "<html" in (tmp_path / "r.html").read_text()
    assert (tmp_path / "x" / "rankings.csv").exists()


def test_a_query_that_is_no_text_is_refused_before_anything_is_read(run: Run) -> None:
    assert "not valid Unicode" in fails(run("compare", "no-such-folder", "-e", "palette", "-q", "red\udcff"))


def test_plots_are_drawn_for_each_query(run: Run, pictures: Path, tmp_path: Path) -> None:
    need("matplotlib")
    done = run(
        "compare", pictures, "-e", "palette", "-e", "random", "-q", "red", "-q", "blue", "--plots", "x"
    )
    assert done.returncode == 0, done.stderr
    assert "plots: x" in done.stderr
    drawn = {path.name for path in (tmp_path / "x").iterdir()}
    assert {f"q{n}-ranks-A-B.{suffix}" for n in (1, 2) for suffix in ("svg", "png")} <= drawn


def test_a_long_spec_can_be_exported(run: Run, pictures: Path, tmp_path: Path) -> None:
    specs = ["-e", f"random?seed={'7' * 260}", "-e", f"random?seed={'7' * 261}"]
    done = run("compare", pictures, *specs, "-q", "x", "--export", "x", "--quiet")
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "x").glob("run.*.trec"))) == 2


def test_doctor_says_what_is_wrong_with_the_contact(run: Run) -> None:
    done = run("doctor", DIPTYCH_CONTACT="é")
    assert done.returncode == 0
    assert "DIPTYCH_CONTACT" in done.stdout


@pytest.mark.parametrize(
    ("setting", "encoding", "shown"),
    [
        ({"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}, "utf-8", "“模”"),
        ({"PYTHONIOENCODING": "cp1252"}, "cp1252", r"“\u6a21”"),
    ],
    ids=["the system's encoding", "one asked for"],
)
def test_any_query_is_printed_whatever_the_encoding(
    tmp_path: Path, pictures: Path, setting: dict[str, str], encoding: str, shown: str
) -> None:
    (tmp_path / "queries.txt").write_text("模\n", encoding="utf-8")
    command = [sys.executable, "-m", "diptych", "compare", str(pictures), "-e", "palette"]
    command += ["--queries", str(tmp_path / "queries.txt")]
    command += ["--store", str(tmp_path / "store.sqlite")]
    env = {name: value for name, value in os.environ.items() if name != "PYTHONIOENCODING"}
    ended = subprocess.run(command, capture_output=True, env=env | setting, timeout=120)
    assert ended.returncode == 0, ended.stderr.decode(encoding)
    assert shown in ended.stdout.decode(encoding)
