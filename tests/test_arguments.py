"""Whatever is given to a public function, what is wrong of it is said in one line; nothing else comes out."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import diptych
from diptych.result import Comparison
from support import picture_bytes

WRONG = [
    None, 1, 1.5, True, b"x", object(), {1: 2}, {"a": None}, [None], [1], [["x"]], (), "", "  ", [], {},
    float("nan"), -1, "x\0y", np.zeros((2, 2)),
]  # fmt: skip


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> diptych.Workbench:
    return diptych.Workbench("sample", ["mini-s"], store=tmp_path_factory.mktemp("store") / "s.sqlite")


@pytest.fixture(scope="module")
def result(bench: diptych.Workbench) -> Comparison:
    return bench.compare(["wolf"])


def functions(bench: diptych.Workbench, result: Comparison, file: Path) -> Mapping[str, Callable[[Any], Any]]:
    """Every argument of the public functions that takes more than any value, by its name."""
    made, name = diptych.Workbench, bench.collection.pictures[0].name
    with_it = {"store": bench.store}
    return {
        "source": lambda v: made(v, ["mini-s"], **with_it),
        "embedders": lambda v: made("sample", v, **with_it),
        "limits": lambda v: made("sample", ["mini-s"], limits=v, **with_it),
        "progress": lambda v: made("sample", ["mini-s"], progress=v, **with_it),
        "max_cost": lambda v: made("sample", ["mini-s"], max_cost=v, **with_it),
        "bank": lambda v: made("sample", ["mini-s"], bank=v, **with_it),
        "templates": lambda v: made("sample", ["mini-s"], templates=v, **with_it),
        "compare": bench.compare,
        "compare k": lambda v: bench.compare(["wolf"], v),
        "contrast": lambda v: bench.compare(["wolf"], contrast=v),
        "search": bench.search,
        "estimate": bench.estimate,
        "evaluate": bench.evaluate,
        "evaluate k": lambda v: bench.evaluate(["wolf"], v),
        "judgments file": lambda v: bench.evaluate(["wolf"], judgments=v),
        "labels": lambda v: bench.evaluate(["wolf"], labels=v),
        "planned": lambda v: bench.evaluate(["wolf"], planned=v),
        "pool": bench.pool,
        "pool k": lambda v: bench.pool(["wolf"], v),
        "below": lambda v: bench.pool(["wolf"], below=v),
        "judge query": lambda v: bench.judge(v, name, None),
        "judge image": lambda v: bench.judge("wolf", v, None),
        "judge by": lambda v: bench.judge("wolf", name, None, by=v),
        "judge blind": lambda v: bench.judge("wolf", name, None, blind=v),
        "judgments": bench.judgments,
        "learn": bench.learn_threshold,
        "scale": lambda v: bench.learn_threshold(scale=v),
        "precision": lambda v: bench.learn_threshold(precision=v),
        "filter": lambda v: list(bench.filter(v)),
        "cut": lambda v: list(bench.filter(["wolf"], v)),
        "answers": bench.answers,
        "answers k": lambda v: bench.answers(["wolf"], v),
        "vectors": bench.vectors,
        "load": diptych.load,
        "open_collection": diptych.open_collection,
        "Comparison.load": diptych.Comparison.load,
        "Comparison.load source": lambda v: diptych.Comparison.load(file, v),
        "gallery": result.gallery,
        "compare function": lambda v: diptych.compare("sample", v, ["wolf"], store=bench.store),
    }


ARGUMENTS = [
    "source", "embedders", "limits", "progress", "max_cost", "bank", "templates", "compare", "compare k",
    "contrast", "search", "estimate", "evaluate", "evaluate k", "judgments file", "labels", "planned", "pool",
    "pool k", "below", "judge query", "judge image", "judge by", "judge blind", "judgments", "learn", "scale",
    "precision", "filter", "cut", "answers", "answers k", "vectors", "load", "open_collection",
    "Comparison.load", "Comparison.load source", "gallery", "compare function",
]  # fmt: skip


@pytest.mark.parametrize("argument", ARGUMENTS)
def test_a_wrong_value_ends_in_one_line(
    bench: diptych.Workbench, result: Comparison, tmp_path: Path, argument: str
) -> None:
    file = tmp_path / "c.json"
    result.to_json(file)
    call = functions(bench, result, file)[argument]
    for value in WRONG:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                call(value)
                said = ""
            except diptych.DiptychError as error:
                said = str(error)
        assert len(said.splitlines()) <= 1


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda b: diptych.Workbench("sample", {1: "mini-s"}), "embedders[1]: a key must be a text"),
        (
            lambda b: diptych.Workbench("sample", {"a": None}),
            "embedders['a'] must be a text or an Embedder, not None",
        ),
        (
            lambda b: diptych.Workbench("sample", None),
            "embedders must be a text, a list or a mapping, not None",
        ),
        (lambda b: b.compare(None), "queries must be a list, not None"),
        (lambda b: b.compare(["wolf", 5]), "queries[1] must be a text, a path, an Image, "),
        (lambda b: b.compare(["wolf"], "ten"), "k must be a whole number, not 'ten'"),
        (lambda b: b.compare(["wolf"], 2.0), "k must be a whole number, not 2.0"),
        (lambda b: b.pool(["wolf"], below=-1), "below is -1: ask for none or more"),
        (lambda b: b.judge("wolf", None, 1), "image must be a text, not None"),
        (lambda b: b.learn_threshold(scale="zz"), "scale must be 'raw' or 'z', not 'zz'"),
        (lambda b: b.filter(["wolf"], (0.2,)), "cut must be a Cut or None, not (0.2,)"),
    ],
)
def test_it_says_which_argument_and_what_it_must_be(
    bench: diptych.Workbench, call: Callable[[diptych.Workbench], Any], said: str
) -> None:
    with pytest.raises(diptych.DiptychError) as raised:
        call(bench)
    assert str(raised.value).startswith(said)


def test_one_text_is_one_query_and_no_list_of_its_letters(bench: diptych.Workbench) -> None:
    assert list(bench.pool("wolf")) == ["wolf"]
    assert [p.query for p in bench.filter("wolf")] == [p.query for p in bench.filter(["wolf"])]
    (query,) = bench.compare("wolf", contrast="dog").queries
    assert query.contrast["mini-s"].rivals == ("dog",)


def test_numbers_of_numpy_and_anything_that_can_be_gone_through_stay_welcome(
    bench: diptych.Workbench,
) -> None:
    by_list = bench.compare(["wolf", "fish"], 3)
    for queries in (("wolf", "fish"), (text for text in ("wolf", "fish")), {"wolf": 1, "fish": 2}.keys()):
        again = bench.compare(queries, np.int64(3))  # type: ignore[arg-type]
        assert dataclasses.replace(again, created="", work={}) == dataclasses.replace(
            by_list, created="", work={}
        )


@pytest.mark.parametrize("number", [np.int8, np.int64, np.uint16])
def test_a_grade_of_numpys_is_filed_as_the_number_it_is(tmp_path: Path, number: type) -> None:
    bench = diptych.Workbench("sample", ["mini-s"], store=tmp_path / "s.sqlite")
    bench.judge("wolf", bench.collection.pictures[0].name, number(1))
    ((_, grade),) = bench.judgments(["wolf"]).grades("wolf").items()
    assert (grade, type(grade)) == (1, int)
    bench.evaluate(["wolf"], number(5), planned=number(7)).to_json(tmp_path / "c.json")
    assert Comparison.load(tmp_path / "c.json").relevance is not None


class OwnList:
    """What can be gone through and has no truth of its own, as a pandas Series."""

    def __init__(self, items: list[Any]) -> None:
        self._items = items

    def __iter__(self) -> Iterator[Any]:
        return iter(self._items)

    def __bool__(self) -> bool:
        raise ValueError("the truth value is ambiguous")


@pytest.mark.parametrize("kind", [iter, tuple, OwnList, np.array])
def test_whatever_can_be_gone_through_stands_for_a_list(
    bench: diptych.Workbench, tmp_path: Path, kind: Callable[[list[Any]], Any]
) -> None:
    for name in ("1.png", "2.png"):
        (tmp_path / name).write_bytes(picture_bytes((len(name), int(name[0]), 0)))
    source = kind([str(tmp_path / name) for name in ("1.png", "2.png")])
    own = diptych.Workbench(source, kind(["mini-s"]), store=tmp_path / "s.sqlite")
    assert own.compare(kind(["red", "blue"])).images == 2
    (query,) = bench.compare(kind(["wolf"]), contrast=kind(["dog"])).queries
    assert query == bench.compare(["wolf"], contrast=["dog"]).queries[0]
