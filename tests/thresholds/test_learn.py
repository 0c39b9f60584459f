"""Thresholds learned on a workbench: the same figures as scikit-learn's, and what they may be used for."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

import diptych
from diptych import samples
from diptych.errors import DiptychError
from diptych.judgments.judgments import Judgments
from diptych.present.terminal.threshold import promise
from diptych.retrieval.null_bank import default_bank
from diptych.store.judgment import Judgment
from diptych.thresholds.saved import load_threshold, save_threshold
from support import need, picture_bytes

QUERIES = ["wolf", "dog", "a bird", "horses", "guitar", "mushrooms", "fruit"]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> diptych.Workbench:
    return diptych.Workbench("sample", ["mini-s"], store=tmp_path_factory.mktemp("store") / "s.sqlite")


def scores(bench: diptych.Workbench, scale: str) -> tuple[np.ndarray, np.ndarray]:
    """All scores of these queries, and which are relevant, by another way than the code's."""
    relevant = samples.relevant()
    values, wanted = [], []
    answers = bench.answers(QUERIES)
    for text, by_name in zip(QUERIES, answers.by_name, strict=True):
        answer = by_name["mini-s"]
        values += list(answer.scores if scale == "raw" else answer.standing.z)
        wanted += [picture.name in relevant[text] for picture in answers.pictures]
    return np.array(values, float), np.array(wanted)


@pytest.mark.parametrize("scale", ["raw", "z"])
def test_the_best_f1_is_scikit_learns(bench: diptych.Workbench, scale: str) -> None:
    need("sklearn")
    from sklearn.metrics import f1_score, precision_recall_curve, precision_score, recall_score

    values, wanted = scores(bench, scale)
    found = bench.learn_threshold(QUERIES, scale=scale).threshold
    precision, recall, _ = precision_recall_curve(wanted, values)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    assert found.f1 == pytest.approx(f1.max())
    kept = values >= found.value
    assert found.f1 == pytest.approx(f1_score(wanted, kept))
    assert found.precision == pytest.approx(precision_score(wanted, kept))
    assert found.recall == pytest.approx(recall_score(wanted, kept))


def test_a_precision_is_promised_with_the_queries_as_the_sample(bench: diptych.Workbench) -> None:
    few = bench.learn_threshold(QUERIES, precision=0.8)
    assert few.threshold.undefined["value"].startswith(
        "not attainable: a precision of 80% can't be promised from 7 judged queries"
    )
    learned = bench.learn_threshold(precision=0.3)
    assert learned.threshold.promise is not None
    assert (learned.threshold.promise.precision, learned.threshold.promise.risk) == (0.3, 0.1)
    assert learned.threshold.expected is not None
    assert learned.threshold.promise.queries == learned.threshold.expected.passing
    assert learned.saved().promise == learned.threshold.promise
    assert "promised: over new queries like these for which anything passes, a precision of at least 30%" in (
        promise(learned.saved())
    )


def test_what_to_expect_is_said_of_new_queries(bench: diptych.Workbench) -> None:
    learned = bench.learn_threshold(QUERIES)
    expected = learned.threshold.expected
    assert expected is not None
    assert (expected.queries, expected.left_out) == (len(QUERIES), True)
    assert f"on a new query expect precision about {expected.precision:.2f}" in promise(learned.saved())
    assert "means over 7 queries, each left out once" in promise(learned.saved())


def test_what_evaluate_says_is_what_threshold_says(bench: diptych.Workbench) -> None:
    relevance = bench.evaluate(QUERIES).relevance
    assert relevance is not None
    thresholds = relevance.thresholds["mini-s"]
    assert thresholds.z is not None
    for scale, on_scale in (("raw", thresholds.raw), ("z", thresholds.z)):
        learned = bench.learn_threshold(QUERIES, scale=scale)
        assert learned.threshold.value == pytest.approx(on_scale.best_f1.value)
        assert learned.transfer[scale].threshold_loss == pytest.approx(on_scale.transfer.threshold_loss)


def test_only_what_was_judged_is_learned_from(tmp_path: Path) -> None:
    bench = diptych.Workbench(samples.MANIFEST, ["mini-s"], store=tmp_path / "s.sqlite")
    own = bench.learn_threshold(["wolf"], labels="folder")
    assert own.judgments == (120, 8)
    assert own.queries == ("wolf",)
    assert own.bank == ""


def test_judgments_in_the_store_are_enough(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    for number in range(8):
        colour = (220, 20 * number, 20) if number < 4 else (20, 20, 220 - number)
        (tmp_path / "p" / f"{number}.png").write_bytes(picture_bytes(colour))
    bench = diptych.Workbench(tmp_path / "p", ["palette"])
    with pytest.raises(DiptychError, match=r"nothing is judged of .* judge with `diptych judge`"):
        bench.learn_threshold(["red"])
    for number in range(6):
        bench.judge("red", f"{number}.png", int(number < 4))
    learned = bench.learn_threshold()
    assert learned.judgments == (6, 4)
    assert learned.threshold.f1 == 1
    assert learned.transfer["raw"].ranking_loss is None
    assert learned.unjudged == 0


def test_what_nobody_judged_and_passes_all_the_same_is_counted(
    bench: diptych.Workbench, tmp_path: Path
) -> None:
    """Judgments of first hits alone say nothing of the others that reach a threshold learned from them."""
    few = diptych.Workbench(bench.collection, ["mini-s"], store=bench.store)
    hits = few.search("wolf", 12).queries[0].rankings["mini-s"]
    said = [Judgment(query="wolf", image=hit.id, grade=int(hit.rank < 12)) for hit in hits if hit.rank > 5]
    learned = few.learn_threshold(["wolf"], judgments=Judgments(said))
    assert learned.judgments == (7, 6)
    assert learned.threshold.kept == 6
    assert learned.unjudged == 5
    save_threshold(learned.saved(), tmp_path / "t.json")
    saved = load_threshold(tmp_path / "t.json", few.embedders[0].info.scoring)
    assert saved.unjudged == 5
    assert "and 5 more reached it that nobody had judged" in promise(saved)


def test_a_saved_threshold_is_for_its_embedder_scale_and_bank(
    bench: diptych.Workbench, tmp_path: Path
) -> None:
    learned = bench.learn_threshold(QUERIES, scale="z")
    save_threshold(learned.saved(), tmp_path / "t.json")
    info = bench.embedders[0].info
    again = load_threshold(tmp_path / "t.json", info.fingerprint, learned.bank)
    assert again == learned.saved()
    assert again.value == learned.threshold.value
    with pytest.raises(DiptychError, match="is a threshold for mini-s as it was then"):
        load_threshold(tmp_path / "t.json", "another/1", learned.bank)
    texts = [text.text for text in default_bank()[:30]]
    banked = diptych.Workbench("sample", ["mini-s"], bank=texts, store=bench.store)
    other = banked.learn_threshold(QUERIES, scale="z")
    assert other.bank != learned.bank
    with pytest.raises(DiptychError, match="another null bank"):
        load_threshold(tmp_path / "t.json", info.fingerprint, other.bank)


def test_where_a_figure_is_undefined_nothing_is_said_to_be_expected(bench: diptych.Workbench) -> None:
    learned = bench.learn_threshold(QUERIES)
    expected = learned.threshold.expected
    assert expected is not None
    half = dataclasses.replace(expected, recall=None, recall_interval=None)
    saved = dataclasses.replace(learned.saved(), expected=half)
    assert f"can't be said from {len(QUERIES)} queries" in promise(saved)
    assert "undefined" not in promise(saved)


def test_what_there_is_no_threshold_for_is_said(bench: diptych.Workbench) -> None:
    learned = bench.learn_threshold(["wolf"], precision=0.99)
    with pytest.raises(DiptychError, match="no threshold to save: not attainable: a precision of 99% can't"):
        learned.saved()
    with pytest.raises(DiptychError, match="one embedder"):
        diptych.Workbench("sample", ["mini-s", "random"], store=bench.store).learn_threshold(QUERIES)
    unbanked = diptych.Workbench("sample", ["mini-s"], bank=[], store=bench.store)
    with pytest.raises(DiptychError, match="mini-s has no z here, none was asked for"):
        unbanked.learn_threshold(QUERIES, scale="z")
    with pytest.raises(DiptychError, match="nothing is judged"):
        bench.learn_threshold(["a word that nobody judged"])
