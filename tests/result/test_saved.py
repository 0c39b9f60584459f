"""Saved comparisons: what is not as the schema has it is refused by its place, and nothing is half-read."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

import diptych
import made_comparisons
from diptych.errors import DiptychError
from diptych.present.terminal.rankings import show
from diptych.result.saved import from_dict
from schema import assert_valid
from support import picture_bytes

Place = tuple[str | int, ...]

KINDS = (None, True, 1, 1.5, "one", [], {})
"""A value of each of JSON's types."""

ALIKE = {"random", "RRF", "z-score sum"}
"""Other rankings than the first embedder's, of which the same is saved."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A comparison that has all there is: a picture, texts, rivals, judgments, a copy, a broken file."""
    folder = tmp_path_factory.mktemp("pictures")
    for label, colour in {"red": (210, 30, 30), "green": (30, 160, 40), "blue": (30, 60, 200)}.items():
        (folder / label).mkdir()
        for number in range(2):
            shade = tuple(min(255, c + 6 * number) for c in colour)
            (folder / label / f"{number}.png").write_bytes(picture_bytes(shade))
    (folder / "red" / "copy of 0.png").write_bytes((folder / "red" / "0.png").read_bytes())
    (folder / "broken.png").write_bytes(picture_bytes()[:50])
    bench = diptych.Workbench(folder, ["palette", "random"], store=folder.parent / "store.sqlite")
    asked = [str(folder / "red" / "0.png"), "red"]
    return json.loads(bench.evaluate(asked, k=3, labels="folder", contrast=["green"]).to_json())


@pytest.fixture(scope="module")
def saved(whole: Any) -> Any:
    """The same with less of what is alike."""
    return thinned(whole)


def thinned(value: Any) -> Any:
    """JSON data with two of each list at most, without what is like something else."""
    if isinstance(value, list):
        return [thinned(inner) for inner in value[:2]]
    if isinstance(value, dict):
        return {key: thinned(inner) for key, inner in value.items() if key not in ALIKE}
    return value


def opened(data: Any) -> diptych.Comparison:
    return from_dict(json.loads(json.dumps(data)))


def refusal(data: Any) -> str:
    """Why data is not a saved comparison; empty where it is one."""
    try:
        opened(data)
    except ValueError as error:
        return str(error)
    return ""


def places(value: Any, at: Place = ()) -> Iterator[Place]:
    """Every place in a comparison but its root; of a list the first stands for all."""
    if at:
        yield at
    if isinstance(value, list):
        value = dict(enumerate(value[:1]))
    for key, below in value.items() if isinstance(value, dict) else ():
        yield from places(below, (*at, key))


@contextmanager
def holder_of(saved: Any, at: Place) -> Iterator[Any]:
    """What holds a place, to be changed; it is put back at the end."""
    holder = saved
    for key in at[:-1]:
        holder = holder[key]
    before = holder.copy()
    yield holder
    holder.clear()
    holder.extend(before) if isinstance(holder, list) else holder.update(before)


def named(at: Place) -> str:
    """A pattern for how a message names a place: names of embedders and the like are three dots."""
    steps = (rf"\[{key}\]" if isinstance(key, int) else rf"(\.{key}|\[\.\.\.\])" for key in at)
    return rf" - at `\${''.join(steps)}`" if at else ""


def test_a_value_of_another_type_is_refused_by_its_place_or_comes_back(saved: Any) -> None:
    refused = 0
    for at in list(places(saved)):
        for value in KINDS:
            with holder_of(saved, at) as holder:
                if type(value) is type(holder[at[-1]]):
                    continue
                holder[at[-1]] = value
                if why := refusal(saved):
                    assert re.fullmatch(f"[A-Z].*{named(at)}", why), (at, value, why)
                    refused += 1
                else:
                    assert_valid(saved)
                    assert json.loads(opened(saved).to_json()) == saved
    assert refused > 1500


def test_a_key_that_is_missing_is_named_or_has_a_default(saved: Any) -> None:
    named_missing = 0
    for at in list(places(saved)):
        if isinstance(at[-1], int) or at[-1] == "image_id":  # a text has none
            continue
        with holder_of(saved, at) as holder:
            del holder[at[-1]]
            if why := refusal(saved):
                assert re.fullmatch(rf"Object missing required field `{at[-1]}`{named(at[:-1])}", why), (
                    at,
                    why,
                )
                named_missing += 1
            else:
                assert_valid(json.loads(opened(saved).to_json()))
    assert named_missing > 100


@pytest.mark.parametrize(
    ("at", "value", "said"),
    [
        (
            ("queries", 1, "rankings", "palette", "hits", 1, "rank"),
            "one",
            "Expected `int`, got `str` - at `$.queries[1].rankings[...].hits[1].rank`",
        ),
        (("queries", 0, "kind"), "sound", "Invalid enum value 'sound' - at `$.queries[0].kind`"),
        (("summary", "work"), [], "Expected `object`, got `array` - at `$.summary.work`"),
        (("queries", 0, "agreement", 0, "overlap_at_10"), False, "Expected `int | null`, got `bool` - at"),
        (("relevance", "comparisons", 0, "interval"), [0.1], "Expected `array` of length 2, got 1 - at"),
    ],
)
def test_the_message_says_what_was_expected_where(
    saved: Any, tmp_path: Path, at: Place, value: Any, said: str
) -> None:
    with holder_of(saved, at) as holder:
        holder[at[-1]] = value
        (tmp_path / "changed.saved").write_text(json.dumps(saved))
        with pytest.raises(DiptychError) as caught:
            diptych.Comparison.load(tmp_path / "changed.saved")
    assert str(caught.value).startswith(f"{tmp_path / 'changed.saved'} is not a saved comparison: {said}")
    assert len(str(caught.value).splitlines()) == 1


def test_data_without_an_end_is_refused(tmp_path: Path) -> None:
    (tmp_path / "deep.saved").write_text("[" * 100_000)
    with pytest.raises(DiptychError, match=r"deep\.saved is not a saved comparison: "):
        diptych.Comparison.load(tmp_path / "deep.saved")


def test_numbers_of_numpys_in_a_plug_ins_info_are_saved_as_numbers() -> None:
    made = made_comparisons.comparison()
    info = dataclasses.replace(made.embedders[0], dimension=np.int64(4), logit_scale=np.float32(0.5))
    embedder = dataclasses.replace(made, embedders=(info,)).to_dict()["embedders"][0]
    assert json.dumps([embedder["dimension"], embedder["logit_scale"]]) == "[4, 0.5]"


def test_half_surrogate_pairs_come_in_as_a_mark_and_never_stop_a_write(whole: Any, tmp_path: Path) -> None:
    text = json.dumps(whole).replace('"query": "red"', r'"query": "red \ud800"')
    (tmp_path / "odd.json").write_text(text, encoding="utf-8")
    comparison = diptych.Comparison.load(tmp_path / "odd.json")
    assert comparison.queries[1].query == "red \ufffd"
    comparison.to_json(tmp_path / "again.json")
    comparison.report(tmp_path / "report.html")
    assert comparison._repr_html_().encode()
    assert diptych.Comparison.load(tmp_path / "again.json") == comparison


def without(saved: Any, *at: str | int) -> Any:
    """A copy without one place."""
    copy = json.loads(json.dumps(saved))
    holder = copy
    for key in at[:-1]:
        holder = holder[key]
    del holder[at[-1]]
    return copy


def changed(saved: Any, *at_and_value: Any) -> Any:
    """A copy with another value at one place."""
    *at, value = at_and_value
    copy = without(saved, *at)
    holder = copy
    for key in at[:-1]:
        holder = holder[key]
    holder.insert(at[-1], value) if isinstance(holder, list) else holder.update({at[-1]: value})
    return copy


def test_a_comparison_that_contradicts_itself_is_refused_by_its_place(whole: Any, tmp_path: Path) -> None:
    first = ("queries", 0)
    agreement = (*first, "agreement", 0)
    curve = (*first, "rankings", "palette", "curve")
    file = tmp_path / "odd.saved"
    for odd, at in {
        "queries": (changed(whole, "embedders", 0, "name", "another"), "$.queries[0].rankings"),
        "twice": (changed(whole, "embedders", 1, "name", "palette"), "$.embedders"),
        "id": (without(whole, *first, "image_id"), "$.queries[0].image_id"),
        "break": (without(whole, *first, "rankings", "random", "stratification"), "$.queries[0].rankings"),
        "earlier": (
            changed(whole, *first, "rankings", "palette", "stratification", "breakpoint", 0),
            "$.queries[0].rankings.palette",
        ),
        "pair": (changed(whole, *agreement, "b", "another"), "$.queries[0].agreement[0]"),
        "chance": (changed(whole, *agreement, "rbo_by_chance", None), "$.queries[0].agreement[0]"),
        "curve": (without(whole, *curve, "ranks", 0), "$.queries[0].rankings.palette.curve"),
        "rank": (changed(whole, *curve, "ranks", 0, -1), "$.queries[0].rankings.palette.curve.ranks"),
        "threshold": (without(whole, "relevance", "thresholds", "random"), "$.relevance.thresholds"),
    }.values():
        file.write_text(json.dumps(odd))
        with pytest.raises(DiptychError, match=re.escape(f"at `{at}`")) as refused:
            diptych.Comparison.load(file)
        assert "\n" not in str(refused.value)
        assert "is not a saved comparison" in str(refused.value)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_what_json_has_no_number_for_is_refused(whole: Any, tmp_path: Path, number: str) -> None:
    text = json.dumps(changed(whole, "queries", 0, "rankings", "palette", "hits", 0, "score", "@"))
    (tmp_path / "odd.saved").write_text(text.replace('"@"', number))
    with pytest.raises(DiptychError, match=f"{number} is not a number"):
        diptych.Comparison.load(tmp_path / "odd.saved")


def test_an_embedder_that_has_not_answered_yet_is_shown_without_its_list(whole: Any, tmp_path: Path) -> None:
    """As in what the page gives while one is still at work."""
    partly = json.loads(json.dumps(whole))
    del partly["relevance"], partly["queries"][0]["rankings"]["random"]
    for key, nothing in (("agreement", []), ("contrast", {})):
        partly["queries"][0][key] = nothing
    partly["queries"][0].pop("passing", None)
    (tmp_path / "partly.saved").write_text(json.dumps(partly))
    comparison = diptych.Comparison.load(tmp_path / "partly.saved")
    assert comparison.report(tmp_path / "report.html").read_text()
    assert comparison._repr_html_()


def test_a_comparison_is_for_its_owner_alone_and_a_report_as_the_person_has_it(
    whole: Any, tmp_path: Path
) -> None:
    (tmp_path / "r.saved").write_text(json.dumps(whole))
    comparison = diptych.Comparison.load(tmp_path / "r.saved")
    comparison.to_json(tmp_path / "again.json")
    comparison.report(tmp_path / "report.html")
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE((tmp_path / "again.json").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "report.html").stat().st_mode) == 0o666 & ~mask


def named_places(value: Any, names: set[str], at: Place = ()) -> Iterator[Place]:
    """The place of every key that is the name of an embedder or of a fusion."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        if isinstance(value, dict) and key in names:
            yield (*at, key)
        yield from named_places(each, names, (*at, key))


def test_what_lacks_one_embedder_somewhere_is_refused_or_shown(whole: Any, tmp_path: Path) -> None:
    names = {info["name"] for info in whole["embedders"]} | set(whole["relevance"]["fusions"])
    places = list(named_places(whole, names))
    assert len(places) > 20
    for place in places:
        (tmp_path / "odd.saved").write_text(json.dumps(without(whole, *place)))
        try:
            comparison = diptych.Comparison.load(tmp_path / "odd.saved")
        except DiptychError:
            continue
        comparison.report(tmp_path / "report.html")
        comparison._repr_html_()
        show(comparison, Console(file=io.StringIO()), full=True)
