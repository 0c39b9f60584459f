"""`judgments`, `threshold` and `filter` as a person meets them: processes, what they print, how they exit."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from commands import run_each
from diptych.images.outputs import MARK
from plugins import environment, install, install_zs
from support import need, picture_bytes
from warm import diptych_in

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    env = environment(install(tmp_path / "plugins"))

    return lambda *arguments, **more: diptych_in(tmp_path, arguments, env | more)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    for label, colour in {"red": (200, 20, 20), "green": (20, 150, 30), "blue": (30, 40, 210)}.items():
        (folder / label).mkdir(parents=True)
        for number in range(4):
            shade = (colour[0], colour[1], colour[2] + number)
            (folder / label / f"{number}.png").write_bytes(picture_bytes(shade))
    (folder / "torn.png").write_bytes(picture_bytes()[:45])
    return folder


def fails(process: subprocess.CompletedProcess[str], status: int = 1) -> str:
    """The last line that a failed run prints."""
    assert process.returncode == status, process.stderr
    assert "Traceback" not in process.stderr
    assert process.stdout == ""
    *_, line = process.stderr.strip().splitlines()
    assert line.startswith("diptych: ") or status == 2
    return line


def rows(process: subprocess.CompletedProcess[str]) -> list[dict[str, str]]:
    assert process.returncode == 0, process.stderr
    return list(csv.DictReader(process.stdout.splitlines()))


def learn(run: Run, *more: object) -> subprocess.CompletedProcess[str]:
    done = run("threshold", "pictures", "-e", "counting", "--labels", "folder", "--save", "t.json", *more)
    assert done.returncode == 0, done.stderr
    return done


def test_a_threshold_is_learned_saved_and_used(run: Run, pictures: Path, tmp_path: Path) -> None:
    done = learn(run)
    assert "counting, the raw score" in done.stdout
    assert "3 queries, 36 judgments, 12 relevant" in done.stdout
    assert "with the best F1" in done.stdout
    assert "On a new query, expect precision about " in done.stdout
    assert "lost to one cut-off for all" in done.stdout
    saved = json.loads((tmp_path / "t.json").read_text())
    assert (saved["scale"], saved["judgments"], saved["fingerprint"]) == ("raw", 36, "counting/1")
    filtered = run(
        "filter", "pictures", "-q", "red", "-q", "blue", "-e", "counting", "--threshold", "t.json", "--quiet"
    )
    found = rows(filtered)
    assert list(found[0]) == ["query", "image", "id", "label", "score", "z", "file"]
    assert {(row["query"], row["label"]) for row in found} == {("red", "red"), ("blue", "blue")}
    assert len(found) == 8
    assert all(float(row["score"]) >= saved["value"] and row["z"] == row["file"] == "" for row in found)
    assert filtered.stderr == ""


def test_what_precision_to_expect_is_said_and_from_what(run: Run, pictures: Path) -> None:
    learn(run)
    command = ["filter", "pictures", "-q", "red", "-e", "counting", "--threshold"]
    by_file = run(*command, "t.json").stderr
    assert "on a new query expect precision about 1.00" in by_file
    assert "means over 3 queries, each left out once" in by_file
    assert "4 of 13 pictures pass" in by_file
    assert "1 skipped:\n  torn.png: " in by_file
    assert "what precision to expect is not known" in run(*command, "0.9").stderr


def test_judgments_in_the_store_check_what_passed(run: Run, pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "j.csv").write_text("query,image,grade\nred,red/0.png,1\nred,red/1.png,0\nred,blue/1.png,0\n")
    added = run("judgments", "pictures", "--import", "j.csv")
    assert "3 judgments added, 0 were there already" in added.stderr
    filtered = run("filter", "pictures", "-q", "red", "-e", "counting", "--threshold", "0.9")
    said = "Of the pictures judged, 1 of 1 relevant and 1 of 2 not relevant pass: precision 0.50"
    assert said in filtered.stderr
    nothing = run("filter", "pictures", "-e", "counting", "-q", "red", "--threshold", "2")
    assert "0 of 13 pictures pass" in nothing.stderr
    assert "Of the pictures judged, 0 of 1 relevant and 0 of 2 not relevant pass" in nothing.stderr
    assert "not relevant pass:" not in nothing.stderr


def test_json_lines_and_categories_copied_twice_into_the_same_folder(
    run: Run, pictures: Path, tmp_path: Path
) -> None:
    command = ["filter", "pictures", "-q", "red", "-q", "blue", "-e", "counting", "--threshold", "0.9"]
    for _ in range(2):
        done = run(*command, "--copy", "out", "--format", "jsonl", "--quiet")
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        files = (p for p in (tmp_path / "out").rglob("*") if p.is_file() and p.name != MARK)
        copies = sorted(str(p.relative_to(tmp_path)) for p in files)
        assert sorted(line["file"] for line in lines) == copies
        assert len(copies) == 8
        assert {Path(copy).parent.name for copy in copies} == {"red", "blue"}
    for line in lines:
        assert (tmp_path / line["file"]).read_bytes() == (pictures / line["image"]).read_bytes()
        assert line["z"] is None
    linked = run(*command, "--link", "links", "--quiet")
    assert all((tmp_path / row["file"]).is_symlink() for row in rows(linked))


def test_a_threshold_of_another_model_is_refused_before_anything_is_read(
    run: Run, pictures: Path, tmp_path: Path
) -> None:
    learn(run)
    command = ["filter", "no-such-folder", "-q", "red", "--threshold", "t.json"]
    assert "is a threshold for counting as it was then" in fails(run(*command, "-e", "palette"))
    (tmp_path / "t.json").write_text("{}")
    assert "is not a threshold file" in fails(run(*command, "-e", "counting"))
    assert "can't read gone.json" in fails(run(*command[:-1], "gone.json", "-e", "counting"))


def test_a_threshold_on_z_is_for_its_bank(run: Run, tmp_path: Path) -> None:
    command = ["sample", "-e", "mini-s", "-q", "wolf", "-q", "dog"]
    done = run("threshold", *command, "--scale", "z", "--save", "t.json")
    assert "mini-s, z" in done.stdout
    assert "what was drawn" in done.stdout
    (tmp_path / "bank.txt").write_text("".join(f"text {n}\n" for n in range(30)))
    line = fails(run("filter", *command, "--threshold", "t.json", "--bank", "bank.txt"))
    assert "another null bank" in line
    assert "cuts z: leave --scale out" in fails(
        run("filter", *command, "--threshold", "t.json", "--scale", "raw")
    )
    found = rows(run("filter", *command, "--threshold", "t.json", "--quiet"))
    value = json.loads((tmp_path / "t.json").read_text())["value"]
    assert all(float(row["z"]) >= value - 1e-3 for row in found)


def test_auto_says_that_matching_is_not_relevance(run: Run) -> None:
    done = run("filter", "sample", "-e", "mini-b", "-q", "red apple", "--threshold", "auto")
    assert "one in ten of it by chance" in done.stderr
    assert "relevant only judgments can tell" in done.stderr
    assert "judged" in done.stderr  # the sample's own judgments
    assert all(float(row["z"]) > 0 for row in rows(done))


def test_a_precision_that_can_not_be_promised_is_said(run: Run, pictures: Path, tmp_path: Path) -> None:
    command = ["threshold", "pictures", "-e", "counting", "--labels", "folder", "--precision", "0.999"]
    done = run(*command)
    assert done.returncode == 0
    assert "not attainable: a precision of 99.9% can't be promised from 3 judged queries" in done.stdout
    saving = run(*command, "--save", "t.json", "--quiet")
    assert saving.returncode == 1
    assert saving.stderr.startswith("diptych: there is no threshold to save: not attainable")
    assert not (tmp_path / "t.json").exists()


def test_nothing_judged_is_said(run: Run, pictures: Path) -> None:
    assert "judge with `diptych judge`" in fails(run("threshold", "pictures", "-e", "counting", "--quiet"))


WRONG_USAGE = [
    ["filter", "pictures", "-e", "counting", "--threshold", "0.5"],
    ["filter", "pictures", "-e", "counting", "-q", "red"],
    ["filter", "pictures", "-e", "counting", "-q", "red", "--threshold", "nan"],
    ["filter", "pictures", "-e", "counting", "-q", "red", "--threshold", "auto", "--scale", "raw"],
    ["filter", "pictures", "-e", "counting", "-e", "palette", "-q", "red", "--threshold", "0.5"],
    ["filter", "pictures", "-e", "counting", "-q", "red", "--threshold", "1", "--copy", "a", "--link", "b"],
    ["threshold", "pictures", "-e", "counting", "-e", "palette", "--labels", "folder"],
    ["threshold", "pictures", "-e", "counting", "--labels", "folder", "--judgments", "j.csv"],
    ["threshold", "pictures", "-e", "counting", "--labels", "folder", "--precision", "2"],
    ["threshold", "pictures", "-e", "counting", "--scale", "percent"],
]


def test_wrong_usage_exits_with_2(pictures: Path, tmp_path: Path) -> None:
    for done in run_each(WRONG_USAGE, tmp_path, environment(install(tmp_path / "plugins"))):
        assert done.returncode == 2, done
        assert done.stdout == ""


def test_a_place_that_can_not_be_written_is_said_first(run: Run, pictures: Path, tmp_path: Path) -> None:
    spec = f"counting:?log={tmp_path / 'log'}"
    line = fails(run("threshold", "pictures", "-e", spec, "--labels", "folder", "--save", "no/t.json"))
    assert "there is no folder no to write to" in line
    (tmp_path / "file").write_text("")
    command = ["filter", "pictures", "-e", spec, "-q", "red", "--threshold", "0.5", "--quiet"]
    assert "can't make the folder" in fails(run(*command, "--copy", "file/out"))
    assert not (tmp_path / "log").exists()


def test_a_reader_that_has_seen_enough_ends_it(pictures: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    env = environment(install(tmp_path / "plugins"))
    for number in range(200):
        (pictures / "red" / f"more {number}.png").write_bytes(picture_bytes((255, number, 1)))
    spec = f"counting:?batch_size=2&log={log}"
    command = ["filter", str(pictures), "-e", spec, "-q", "red", "--threshold", "0.1", "--quiet"]
    process = subprocess.Popen(
        [sys.executable, "-m", "diptych", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=env,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline().startswith("query,image")
    assert process.stdout.readline().startswith("red,")
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    process.wait(60)
    assert len(log.read_text().split()) < 212


def test_names_can_not_steer_the_terminal_that_a_list_goes_to(tmp_path: Path) -> None:
    need("pexpect")
    import pexpect

    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "\x1b[31mred\x07.png").write_bytes(picture_bytes())
    command = ["-m", "diptych", "filter", str(tmp_path / "p"), "-e", "palette", "-q", "red"]
    env = {**os.environ, "TERM": "xterm"}
    child = pexpect.spawn(
        sys.executable, [*command, "--threshold", "-1", "--quiet"], env=env, encoding="utf-8", timeout=60
    )
    child.expect(pexpect.EOF)
    assert "red" in child.before
    assert "\x1b" not in child.before
    assert "\x07" not in child.before


def test_judgments_are_shown_with_their_contradictions(run: Run, pictures: Path, tmp_path: Path) -> None:
    assert "nothing is judged of pictures" in run("judgments", "pictures").stdout
    (tmp_path / "j.jsonl").write_text(
        '{"query": "red", "image": "red/0.png", "grade": 1, "by": "Ada", "at": "2026-11-01T10:00:00Z"}\n'
        '{"query": "red", "image": "red/0.png", "grade": 0, "by": "Ben", "at": "2026-11-02T10:00:00Z"}\n'
    )
    shown = run("judgments", "pictures", "--import", "j.jsonl", "--export", "out.trec")
    assert "1 picture got different grades" in shown.stdout
    assert "1 (Ada 2026-11-01T10:00:00Z), then 0 (Ben 2026-11-02T10:00:00Z)" in shown.stdout
    assert (tmp_path / "out.trec").read_text().split()[::3] == ["q1", "0"]
    assert (tmp_path / "queries.tsv").read_text() == "q1\tred\n"
    (tmp_path / "bad.trec").write_text("q1 0 red/0.png\n")
    assert "bad.trec, line 1: 3 fields" in fails(run("judgments", "pictures", "--import", "bad.trec"))
    (tmp_path / "texts.txt").write_text("red\nblue\n")
    (tmp_path / "ids.trec").write_text("q2 0 blue/0.png 1\n")
    done = run(
        "judgments", "pictures", "--import", "ids.trec", "--queries", "texts.txt", "--export", "all.csv"
    )
    assert done.returncode == 0, done.stderr
    assert "blue,blue/0.png," in (tmp_path / "all.csv").read_text()


def test_on_photographs_a_threshold_is_learned_and_used(shared: Path, tmp_path: Path) -> None:
    env = install_zs(tmp_path / "plugins") | {"OMP_NUM_THREADS": "1"}
    animals = shared / "data" / "photos" / "animals"

    def diptych(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "diptych", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, env=env, cwd=tmp_path, timeout=300)

    spec = ["-e", "zs:zs-mnv2-256"]
    learned = diptych("threshold", animals, *spec, "--labels", "folder", "--save", "t.json")
    assert learned.returncode == 0, learned.stderr
    asked = ["-q", "golden retriever", "-q", "grey wolf"]
    found = rows(diptych("filter", animals, *spec, *asked, "--threshold", "t.json"))
    right = [row["query"] == (row["label"] or "").replace("_", " ") for row in found]
    assert len(found) >= 8
    assert sum(right) / len(right) > 0.7
    foreign = diptych("filter", animals, "-e", "zs:zs-mnv1-025-128", *asked, "--threshold", "t.json")
    assert "is a threshold for zs:zs-mnv2-256" in fails(foreign)
