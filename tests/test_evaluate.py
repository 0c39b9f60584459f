"""Is one better? The whole way: from pictures and judgments to verdicts, and what other tools make of it."""

from __future__ import annotations

import csv
import itertools
import json
import re
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ir_measures
import numpy as np
import pytest

import diptych
from commands import run_each
from diptych.present.files.export import write_export
from diptych.queries import text_query
from diptych.store.judgment import Judgment
from plugins import environment, install_zs
from support import need, picture_bytes
from warm import diptych_in

ROOT = Path(__file__).resolve().parents[1]
MEASURES = {
    "average_precision": "AP",
    "ndcg": "nDCG@10",
    "precision": "P@10",
    "recall": "R@10",
    "r_precision": "Rprec",
    "reciprocal_rank": "RR",
    "bpref": "Bpref",
    "judged": "Judged@10",
}
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    env = environment(tmp_path / "plugins")
    return lambda *arguments: diptych_in(tmp_path, arguments, env)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    for label, colour in {"red": (210, 30, 30), "green": (30, 160, 40), "blue": (30, 60, 200)}.items():
        (folder / label).mkdir(parents=True)
        for number in range(4):
            shade = tuple(min(255, c + 6 * number) for c in colour)
            (folder / label / f"{number}.png").write_bytes(picture_bytes(shade))
    return folder


def assert_ir_measures_agrees(folder: Path, saved: dict[str, Any]) -> None:
    """Every metric of every query and embedder is what ir-measures computes from the exported files."""
    qrels = list(ir_measures.read_trec_qrels(str(folder / "qrels.trec")))
    measures = {ir_measures.parse_measure(text): field for field, text in MEASURES.items()}
    stems = {path.name.removeprefix("run.").removesuffix(".trec"): path for path in folder.glob("run.*.trec")}
    assert len(stems) == len(saved["embedders"])
    for info in saved["embedders"]:
        (path,) = [path for stem, path in stems.items() if stem == info["name"]]
        run = list(ir_measures.read_trec_run(str(path)))
        compared = 0
        for metric in ir_measures.iter_calc(list(measures), qrels, run):
            query = saved["relevance"]["queries"][int(metric.query_id.removeprefix("q")) - 1]
            ours = query["figures"][info["name"]][measures[metric.measure]]
            if query["relevant"]:
                assert ours == pytest.approx(metric.value, abs=1e-6), (info["name"], query["query"], metric)
                compared += 1
        assert compared == len(measures) * sum(q["relevant"] > 0 for q in saved["relevance"]["queries"])


def test_the_sample_comes_with_its_judgments_and_other_tools_agree(run: Run, tmp_path: Path) -> None:
    done = run(
        "evaluate", "sample", "-e", "mini-b", "-e", "palette", "--export", "out", "--json", "out.json",
        "--report", "out.html",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Judged by what was drawn, as the sample says: 22 queries, 121 relevant pictures" in done.stdout
    assert "Is one better? mini-b ranks better than the baseline palette (nDCG@10 +" in done.stdout
    assert not re.search(r"\bnan\b", done.stdout, re.IGNORECASE)
    saved = json.loads((tmp_path / "out.json").read_text())
    # palette scores most of these pictures alike: ties must not stand in an order of their own elsewhere
    assert_ir_measures_agrees(tmp_path / "out", saved)
    means = saved["relevance"]["means"]["mini-b"]
    assert means["ndcg"]["queries"] == 21  # nothing is relevant to the last one
    qrels = list(ir_measures.read_trec_qrels(str(tmp_path / "out" / "qrels.trec")))
    theirs = ir_measures.calc_aggregate(
        [ir_measures.parse_measure("AP")],
        qrels,
        list(ir_measures.read_trec_run(str(tmp_path / "out" / "run.mini-b.trec"))),
    )
    assert list(theirs.values()) == [pytest.approx(means["average_precision"]["value"])]
    assert "Is one better?" in (tmp_path / "out.html").read_text(encoding="utf-8")


def test_a_run_read_by_rank_is_in_the_order_of_its_scores(pictures: Path, tmp_path: Path) -> None:
    bench = diptych.Workbench(pictures, ["palette"])
    result = bench.evaluate(labels="folder")
    queries = [text_query(query.query) for query in result.queries]
    write_export(result, bench.vectors(queries), tmp_path / "out", bench.answers(queries))
    lines = [line.split() for line in (tmp_path / "out" / "run.palette.trec").read_text().splitlines()]
    assert len(lines) == 3 * 12  # complete
    for query in ("q1", "q2", "q3"):
        scores = [float(line[4]) for line in lines if line[0] == query]
        assert all(a > b for a, b in itertools.pairwise(scores))


def test_judgments_that_were_exported_are_read_again(run: Run, pictures: Path, tmp_path: Path) -> None:
    first = run("evaluate", pictures, "-e", "palette", "-e", "random", "--labels", "folder",
                "--export", "out", "--json", "first.json")  # fmt: skip
    assert first.returncode == 0, first.stderr
    again = run("evaluate", pictures, "-e", "palette", "-e", "random", "--judgments", "out/qrels.trec",
                "--json", "again.json")  # fmt: skip
    assert again.returncode == 0, again.stderr
    one, two = (
        json.loads((tmp_path / name).read_text())["relevance"] for name in ("first.json", "again.json")
    )
    assert one["means"] == two["means"]
    assert two["origin"] == "36 judgments of qrels.trec"
    (tmp_path / "out" / "qrels.trec").rename(tmp_path / "moved.trec")
    moved = run("evaluate", pictures, "-e", "palette", "-e", "random", "--judgments", "moved.trec",
                "--queries", "out/queries.tsv", "--json", "moved.json")  # fmt: skip
    assert moved.returncode == 0, moved.stderr
    assert json.loads((tmp_path / "moved.json").read_text())["relevance"]["means"] == one["means"]


def test_a_comparison_shows_what_the_store_says_of_its_queries(pictures: Path) -> None:
    bench = diptych.Workbench(pictures, ["palette", "random"])
    assert bench.compare(["red"]).relevance is None
    reds = [picture for picture in bench.collection.pictures if picture.label == "red"]
    bench.store.add_judgments([Judgment(query="red", image=picture.id, grade=1) for picture in reds])
    result = bench.compare(["red", "blue"])
    assert result.relevance is not None
    red, blue = result.relevance.queries
    assert (red.relevant, red.figures["palette"].average_precision) == (4, 1.0)
    assert blue.figures["palette"].undefined["ndcg"] == "the query has no judgments"
    assert any("Is one better? Cannot tell" in str(finding) for finding in result.overall.findings)


def test_python_takes_labels_and_queries(pictures: Path) -> None:
    bench = diptych.Workbench(pictures, ["palette", "random"])
    result = bench.evaluate(["red", "blue"], k=4, labels="folder")
    assert result.relevance is not None
    assert result.relevance.k == 4
    assert [query.query for query in result.queries] == ["red", "blue"]
    assert result.relevance.means["palette"]["ndcg"].value == 1.0
    assert len(result.queries[0].rankings["palette"]) == 4


UNUSABLE = [
    ([], 1, "nothing is judged of"),
    (["--labels", "captions"], 1, "has a caption"),
    (["--labels", "gone.json"], 1, "can't read gone.json"),
    (["--judgments", "gone.trec"], 1, "can't read gone.trec"),
    (["--judgments", "bad.trec"], 1, "bad.trec, line 2: 3 fields, where qrels have 4"),
    (["--judgments", "grade.csv"], 1, "grade.csv, line 2: grade '9'; grades are 0 (irrelevant) to 3"),
    (["--judgments", "grade.csv", "--labels", "folder"], 2, "give one of them"),
    (["--open"], 2, "--open opens a report"),
]


def test_what_can_not_be_used_is_said_in_a_line(pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.trec").write_text("red 0 red/1.png 1\nred 0 red/2.png\n")
    (tmp_path / "grade.csv").write_text("query,image,grade\nred,red/1.png,9\n")
    base = ["evaluate", pictures, "-e", "palette", "--quiet"]
    runs = run_each([[*base, *arguments] for arguments, _, _ in UNUSABLE], tmp_path)
    for done, (_, status, words) in zip(runs, UNUSABLE, strict=True):
        assert done.returncode == status, done
        assert words in " ".join(done.stderr.replace("│", " ").split())
        assert "Traceback" not in done.stderr
        assert done.stdout == ""


def test_queries_that_nobody_judged_are_undefined_not_zero(run: Run, pictures: Path, tmp_path: Path) -> None:
    done = run("evaluate", pictures, "-e", "palette", "-e", "random", "-q", "red", "--json", "out.json")
    assert done.returncode == 0
    assert "None of these queries has judgments, so no figure is defined" in done.stdout
    assert re.search("Cannot tell .* from .*: no query has nDCG@10 for both embedders.", done.stdout)
    saved = json.loads((tmp_path / "out.json").read_text())
    assert saved["relevance"]["means"]["palette"]["ndcg"] == {
        "value": None, "queries": 0, "undefined": ["the query has no judgments"],
    }  # fmt: skip


def test_the_benchmark_holds_thresholds_on_scores_against_those_on_z(shared: Path) -> None:
    benchmark = runpy.run_path(str(ROOT / "benchmarks" / "verdict_promise.py"))
    world = benchmark["captions"](shared / "data" / "embeddings" / "clip_vitb32_flickr8k_pairs")
    found, difference = benchmark["losses"](world)
    assert list(found) == ["raw", "z"]
    for losses in found.values():
        assert 0 < losses.ranking_loss < 0.2  # CLIP nearly always has a caption's photograph first
    assert difference.difference == pytest.approx(
        np.mean(found["z"].transferred) - np.mean(found["raw"].transferred)
    )


def test_the_benchmark_holds_promises_and_counts_against_the_rules_before() -> None:
    benchmark = runpy.run_path(str(ROOT / "benchmarks" / "verdict_promise.py"))
    world = benchmark["made"](queries=60, images=40)
    rules = benchmark["RULES"]
    for try_out in (benchmark["split"], lambda *given: benchmark["drawn"](*given[:3], 60, given[3])):
        kept = try_out(world, rules["promised by Diptych"], 0.8, 20)
        assert 0 < kept.promised <= 1
        assert kept.broken <= 0.3  # of 20 draws
        before = try_out(world, rules["judgments, last crossing (before)"], 0.8, 20)
        assert before.broken > kept.broken
    count = benchmark["counts"](world, 5, draws=20)
    assert count.learned > count.standing_out
    assert max(benchmark["false_claims"](11, draws=300).values()) < 0.16


def zs(tmp_path: Path, *arguments: object) -> dict[str, Any]:
    """What `evaluate` saves with the two models for real photographs."""
    need("onnxruntime")
    command = [sys.executable, "-m", "diptych", "evaluate", *arguments]
    command += [
        "-e",
        "zs:zs-mnv2-256",
        "-e",
        "zs:zs-mnv1-025-128",
        "--json",
        tmp_path / "out.json",
        "--quiet",
    ]
    env = install_zs(tmp_path / "plugins")
    subprocess.run(list(map(str, command)), env=env, check=True, capture_output=True, timeout=300)
    saved: dict[str, Any] = json.loads((tmp_path / "out.json").read_text())
    return saved


def by_ndcg(saved: dict[str, Any]) -> dict[str, Any]:
    (pair,) = [each for each in saved["relevance"]["comparisons"] if each["metric"] == "nDCG@10"]
    found: dict[str, Any] = pair
    return found


def test_on_real_photographs_the_larger_model_is_better_and_four_queries_can_not_tell(
    shared: Path, tmp_path: Path
) -> None:
    animals, mapping = shared / "data" / "photos" / "animals", ROOT / "examples" / "animals.json"
    saved = zs(tmp_path, animals, "--labels", mapping, "--export", tmp_path / "out")
    pair = by_ndcg(saved)
    assert pair["queries"] == len(json.loads(mapping.read_text())) >= 12
    assert pair["verdict"] == "a better"
    assert pair["interval"][0] > 0
    assert saved["relevance"]["notes"] == []
    assert_ir_measures_agrees(tmp_path / "out", saved)

    few = zs(tmp_path, animals, "--labels", mapping, *(word for q in list(json.loads(mapping.read_text()))[:4]
                                                       for word in ("-q", q)))  # fmt: skip
    assert by_ndcg(few)["verdict"] == "cannot tell"
    assert few["relevance"]["verdicts"][0].startswith("cannot tell zs-mnv2-256 from zs-mnv1-025-128 with 4")


def test_captions_find_their_own_photographs(shared: Path, tmp_path: Path) -> None:
    photographs = shared / "data" / "photos" / "captions"
    listed = json.loads((photographs / "captions.json").read_text(encoding="utf-8"))
    with (tmp_path / "captions.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "caption"])
        writer.writerows([photographs / each["file"], each["captions"][0]] for each in listed)
    saved = zs(tmp_path, tmp_path / "captions.csv", "--labels", "captions")
    assert [query["relevant"] for query in saved["relevance"]["queries"]] == [1] * len(listed)
    chance = sum(1 / rank for rank in range(1, len(listed) + 1)) / len(listed)
    for info in saved["embedders"]:
        assert saved["relevance"]["means"][info["name"]]["reciprocal_rank"]["value"] > 2 * chance


def test_between_what_is_said_there_is_one_empty_line_and_rivals_are_among_it(run: Run) -> None:
    command = ["evaluate", "sample", "-e", "mini-s", "-e", "mini-b", "-q", "wolf", "-q", "fish"]
    plain, full, rival = (run(*command, *more) for more in ([], ["--full"], ["--contrast", "dog"]))
    for done in (plain, full, rival):
        assert done.returncode == 0, done.stderr
        assert "\n\n\n" not in done.stdout
    assert "wolf beats dog on" in rival.stdout
