"""What a report and the terminal show of judgments."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

import diptych
import made_comparisons
from accessibility import serious_violations
from diptych.judgments.groundtruth import GroundTruth
from diptych.judgments.judgments import Judgments
from diptych.present.html import relevance as judged
from diptych.present.html.report import render
from diptych.present.terminal.rankings import show, show_relevance
from diptych.present.terminal.relevance import relevance_part
from diptych.result import Comparison, QueryResult
from diptych.result.assess import assess
from diptych.result.findings import overall_findings
from diptych.store.judgment import Judgment
from made_answers import answers, pictures
from support import picture_bytes

if TYPE_CHECKING:
    from playwright.sync_api import Browser

N = 40
NASTY = "<b onload=alert(1)>\x1b[31m\u202e"


def judged_comparison(names: tuple[str, ...] = ("one", "two"), by: str = "ann") -> Comparison:
    """Two queries: list two has last what is relevant to `cat`, the others first; `dog` is not judged."""
    up, down = [1 - row / N for row in range(N)], [row / N for row in range(N)]
    made = answers(["cat", "dog"], {name: [down if name == "two" else up] * 2 for name in names})
    ids = [picture.id for picture in pictures(N)]
    said = [Judgment(query="cat", image=ids[row], grade=int(row < 5), by=by) for row in range(N)]
    said.append(Judgment(query="cat", image=ids[0], grade=2, by=by, at="2026-01-01T00:00:00Z"))
    truth = GroundTruth(
        judgments=Judgments(said), queries=("cat",), origin=f"what {by} said", options=("-x",)
    )
    whole = made_comparisons.comparison(*(listed(text, names) for text in ("cat", "dog")))
    relevance = assess(made, truth)
    relevance = dataclasses.replace(
        relevance,
        queries=tuple(dataclasses.replace(q, grades={"id0": 2, "id1": 0}) for q in relevance.queries),
    )
    findings = overall_findings(whole.queries, N, relevance.decisive)
    return dataclasses.replace(
        whole,
        embedders=tuple(map(made_comparisons.info, names)),
        relevance=relevance,
        overall=dataclasses.replace(whole.overall, findings=findings),
    )


def listed(text: str, names: tuple[str, ...]) -> QueryResult:
    """The query made by hand, with a list of each of these embedders."""
    made = made_comparisons.query(text)
    lists = {name: made.rankings.get(name, made.rankings["one"]) for name in names}
    described = {name: made.stratification.get(name, made.stratification["one"]) for name in names}
    return dataclasses.replace(made, rankings=lists, stratification=described, curves={})


def printed(comparison: Comparison, width: int = 160) -> str:
    console = Console(width=width, highlight=False, markup=False, emoji=False, record=True)
    with console.capture() as capture:
        show_relevance(comparison, console, full=True)
    return capture.get()


def test_dots_that_touch_stand_side_by_side() -> None:
    relevance = judged_comparison().relevance
    assert relevance is not None
    one, two = judged.dots(relevance.queries[0], ["one", "two"])[::-1]
    assert (one.letter, one.value, one.step) == ("A", 1.0, 0.0)
    assert (two.letter, two.value) == ("B", 0.0)
    together = judged.dots(relevance.queries[0], ["one", "one"])
    assert sorted(dot.step for dot in together) == [-1.0, 0.0]
    assert judged.dots(relevance.queries[1], ["one", "two"]) == ()  # nothing to show where nothing is judged


def test_what_one_threshold_keeps_and_loses_is_the_whole(tmp_path: Path) -> None:
    for label, colour in {"red": (210, 30, 30), "blue": (30, 60, 200)}.items():
        (tmp_path / label).mkdir()
        for number in range(3):
            (tmp_path / label / f"{number}.png").write_bytes(picture_bytes((*colour[:2], colour[2] + number)))
    relevance = diptych.Workbench(tmp_path, ["palette"]).evaluate(labels="folder").relevance
    assert relevance is not None
    kept = judged.kept(relevance.thresholds["palette"].raw)
    assert kept is not None
    assert kept.f1 + kept.threshold + kept.ranking == pytest.approx(1)


def test_the_report_says_who_is_better_and_what_that_rests_on() -> None:
    html = render(judged_comparison())
    assert 'id="better"' in html
    assert "what ann said" in html
    assert "Cannot tell one from two with 1 query" in html
    assert 'class="grade"' in html
    assert 'class="grade not"' in html
    assert "this query has not been judged" not in html
    assert "Nobody judged “dog”" in html
    assert "Judged both ways" in html
    assert "diptych evaluate" in html


def test_what_a_link_on_a_judged_figure_leads_to_is_there() -> None:
    html = render(judged_comparison(("one", "two", "three")))
    targets = set(re.findall(r'href="#(read-judged-[^"]+)"', html))
    assert len(targets) > 15
    assert targets <= set(re.findall(r'id="(read-judged-[^"]+)"', html))


def test_without_judgments_nothing_of_them_is_in_the_report() -> None:
    html = render(made_comparisons.comparison())
    assert 'id="better"' not in html
    assert "read-judged" not in html
    assert "nothing has been judged" in html


def test_what_a_judge_is_called_steers_nothing() -> None:
    comparison = judged_comparison(by=NASTY)
    html = render(comparison)
    assert "<b onload" not in html
    assert "\x1b" not in html
    text = printed(comparison)
    assert "\x1b[31m" not in text
    assert "\u202e" not in text


def test_the_terminal_has_the_table_the_differences_and_the_notes() -> None:
    text = printed(judged_comparison())
    assert "Judged by what ann said: 1 query, 5 relevant pictures" in text
    assert re.search(r"nDCG@10 +1 +1\.000 +0\.000", text)
    assert re.search(r"nDCG@10, A − B +\+1\.000 +– +1–0–0 +1", text)
    assert "Where a figure is –, one query has no spread." in text
    assert "Of 5 relevant pictures, 0 are among the first 10 of both A and B, 5 of A only" in text
    assert "1 contradiction; the last word counts:" in text
    assert "class/000.jpg for “cat”: 1 (ann), then 2 (ann)" in text
    assert "Note: Nobody judged “dog”" in text
    assert "Is one better? Cannot tell one from two with 1 query" in text


def test_the_terminal_has_what_few_readers_know_at_the_end() -> None:
    front, _, more = printed(judged_comparison()).partition("More figures")
    assert "bpref" not in front
    assert re.search(r"bpref +1 +1\.000", more)
    assert (
        "Are A's confident queries its good ones? Cannot tell: 1 query is too few: with fewer than 20" in more
    )


def test_the_report_has_what_few_readers_know_behind_more_figures() -> None:
    front, _, rest = render(judged_comparison(("one", "two", "three"))).partition(
        "<summary>More figures</summary>"
    )
    more = rest.partition("</details>")[0]
    better = front.partition('id="better"')[2]
    for words in ("bpref", "effect size d_z", "confident queries its good ones"):
        assert words in more
        assert words not in better
    assert "1 query is too few: with fewer than 20 it would be mostly chance" in more


def test_an_nauc_stands_beside_its_interval() -> None:
    made = judged_comparison()
    assert made.relevance is not None
    sure = dataclasses.replace(
        made.relevance.abstention["one"], highest=0.5, highest_interval=(0.25, 0.75), undefined={}
    )
    relevance = dataclasses.replace(made.relevance, abstention=dict.fromkeys(("one", "two"), sure))
    told = dataclasses.replace(made, relevance=relevance)
    assert "nAUC 0.50 (0.25 to 0.75) by its highest score (1 is perfectly, 0 not at all)." in printed(told)
    assert '>0.50 <small class="quiet">0.25 to 0.75</small></td>' in render(told)


def test_three_embedders_are_compared_in_pairs_corrected_for_their_number() -> None:
    text = printed(judged_comparison(("one", "two", "three")))
    assert "Who ranks better, by nDCG@10" in text
    for pair in ("A − B", "A − C", "B − C"):
        assert f"\n{pair} " in text
    assert "p (Holm)" in text


def test_a_comparison_shows_what_judgments_say_and_then_the_rankings() -> None:
    console = Console(width=160, record=True)
    with console.capture() as capture:
        show(judged_comparison(), console)
    text = capture.get()
    assert text.index("Judged by what ann said") < text.index("Is one better?") < text.index("cat/0.png")


def test_one_embedder_is_judged_without_being_compared() -> None:
    image = pictures(N)[0].id
    said = Judgments([Judgment(query="cat", image=image, grade=1)])
    one = answers(["cat"], {"one": [[row / N for row in range(N)]]})
    relevance = assess(one, GroundTruth(judgments=said, queries=("cat",), origin="ann"))
    assert (relevance.comparisons, relevance.verdicts, relevance.fusions) == ((), (), ())
    console = Console(width=160, record=True)
    with console.capture() as capture:
        for part in relevance_part(relevance, ["one"], 160, full=True):
            console.print(part)
    assert "Who ranks better" not in capture.get()


@pytest.mark.parametrize("names", [("one", "two"), ("one", "two", "three")], ids=["two", "three"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_cut_off_and_axe_finds_nothing_serious(
    browser: Browser, tmp_path: Path, names: tuple[str, ...], scheme: str
) -> None:
    path = judged_comparison(names).report(tmp_path / "judged.html")
    for width in (360, 1280):
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
        page.goto(path.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert serious_violations(page) == {}
        marks = page.locator("#q1 article:visible .hit").first
        rank, grade = marks.locator(".rank").bounding_box(), marks.locator(".grade").bounding_box()
        assert rank is not None
        assert grade is not None
        assert abs((rank["x"] + rank["width"]) - (grade["x"] + grade["width"])) < 2  # beneath the rank
        page.close()


def test_what_one_of_two_finds_is_what_their_lists_and_the_grades_say(tmp_path: Path) -> None:
    result = diptych.Workbench("sample", ["mini-b", "mini-s"], store=tmp_path / "s.sqlite").evaluate(
        ["horses", "sailing boat", "fruit"], k=10
    )
    assert result.relevance is not None
    (counted,) = result.relevance.complementarity.pairs
    for finder, other, number in (
        (counted.a, counted.b, counted.a_only),
        (counted.b, counted.a, counted.b_only),
    ):
        alone = judged.found_alone(result, finder, other)
        assert len(alone) == number
        for one in alone:
            assert one.query is result.queries[one.number - 1]
            assert one.hit.id not in {hit.id for hit in one.query.rankings[other]}
            assert judged.grades(result, one.query)[one.hit.id] > 0
