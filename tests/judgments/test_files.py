"""Judgments survive going through files, and what does not fit is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diptych.errors import DiptychError
from diptych.judgments.files import read_judgments, write_judgments
from diptych.judgments.judgments import Judgments
from diptych.judgments.qrels import number_queries, read_query_ids
from diptych.store.judgment import Judgment

IMAGES = [
    ("dogs/rex, the first.jpg", "a" * 64),
    ("wolf.jpg", "b" * 64),
    ("copy.jpg", "b" * 64),
    ("x", "c" * 64),
]
NAMES = {image: name for name, image in reversed(IMAGES)}

TEXTS = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=12)
JUDGMENTS = st.lists(
    st.builds(
        Judgment,
        query=TEXTS,
        image=st.sampled_from(sorted(NAMES)),
        grade=st.integers(0, 3),
        by=st.just("") | TEXTS,
        at=st.sampled_from(["", "2026-11-23T14:05:00Z"]),
        blind=st.booleans(),
    )
).map(Judgments)


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".ndjson"])
@given(judgments=JUDGMENTS)
def test_tables_give_back_every_judgment(
    tmp_path_factory: pytest.TempPathFactory, ending: str, judgments: Judgments
) -> None:
    path = tmp_path_factory.mktemp("tables") / f"judgments{ending}"
    write_judgments(judgments, path, names=NAMES)
    imported = read_judgments(path, IMAGES)
    assert imported.judgments.given == judgments.given
    assert imported.unmatched == ()


@given(judgments=JUDGMENTS, asked=st.lists(TEXTS, max_size=4))
def test_qrels_give_back_every_grade(
    tmp_path_factory: pytest.TempPathFactory, judgments: Judgments, asked: list[str]
) -> None:
    path = tmp_path_factory.mktemp("qrels") / "qrels.trec"
    write_judgments(judgments, path, queries=asked)
    imported = read_judgments(path, IMAGES, number_queries(asked, judgments))
    for query in judgments.queries:
        assert imported.judgments.grades(query) == judgments.grades(query)


def test_qrels_number_queries_as_runs_do_a_repeated_one_twice(tmp_path: Path) -> None:
    judgments = Judgments(
        [Judgment(query=query, image="a" * 64, grade=1) for query in ("a dog", "judged but not asked")]
    )
    write_judgments(judgments, tmp_path / "qrels.trec", queries=["wolf", "a dog", "a dog"])
    lines = [f"{query_id} 0 {'a' * 64} 1\n" for query_id in ("q2", "q3", "q4")]
    assert (tmp_path / "qrels.trec").read_text() == "".join(lines)


def test_qrels_hold_what_labels_settle(tmp_path: Path) -> None:
    settled = Judgments([Judgment(query="dog", image="a", grade=1)], settled={"dog": frozenset("ab")})
    write_judgments(settled, tmp_path / "qrels.trec")
    assert (tmp_path / "qrels.trec").read_text() == "q1 0 a 1\nq1 0 b 0\n"


def test_images_may_be_named_or_given_by_id_and_queries_too(tmp_path: Path) -> None:
    path = written(tmp_path / "q.trec", f"q1 0 wolf.jpg 1\nq1\t0\t{'a' * 64}\t0\r\n\nwolf 0 x 2\n")
    imported = read_judgments(path, IMAGES, {"q1": "wolf"})
    assert imported.judgments.grades("wolf") == {"b" * 64: 1, "a" * 64: 0, "c" * 64: 2}


def test_what_matches_nothing_is_listed_with_its_line(tmp_path: Path) -> None:
    lines = "q1 0 gone.jpg 1\nq9 0 x 1\nq1 0 x 1\nq1 0 twice 1\n"
    images = [*IMAGES, ("twice", "d" * 64), ("twice", "e" * 64)]
    imported = read_judgments(written(tmp_path / "q.trec", lines), images, {"q1": "wolf"})
    assert imported.judgments.grades("wolf") == {"c" * 64: 1}
    assert [(each.line, each.text, each.reason) for each in imported.unmatched] == [
        (1, "gone.jpg", "no such image in this collection"),
        (2, "q9", "no such query was asked"),
        (4, "twice", "several images have this name"),
    ]


def test_a_csv_needs_no_more_than_query_image_and_grade_in_any_order(tmp_path: Path) -> None:
    path = written(tmp_path / "j.csv", "\ufeffGrade;image;Query\n2;copy.jpg;grey, wolf\n")
    assert read_judgments(path, IMAGES).judgments.grades("grey, wolf") == {"b" * 64: 2}


QRELS_ERRORS = {
    "q1 0 x\n": "line 1: 3 fields, where qrels have 4",
    "q1 0 x 1\nq1 Q0 x 1 0.31 run\n": "line 2: 6 fields",
    "q1 0 x 4\n": "line 1: grade '4'; grades are 0 \\(irrelevant\\) to 3",
    "q1 0 x -1\n": "grade '-1'",
    "q1 0 x yes\n": "grade 'yes'",
}
CSV_ERRORS = {
    "query,image\ndog,x\n": "line 2: a query, an image or id, and a grade are needed \\(it has query, im",
    "query,image,grade\ndog,x\n": "line 2: 2 fields, where the header has 3",
    "query,image,grade\ndog,x,1,2\n": "line 2: 4 fields, where the header has 3",
    "query,image,grade\n,x,1\n": "line 2: a query, an image",
    'query,image,grade\ndog,"x,1\n': "line 2: unexpected end of data",
    "query,image,grade,at\ndog,x,1,noon\n": "line 2: 'noon' is not a valid time",
    "query,image,grade,blind\ndog,x,1,perhaps\n": "line 2: blind is 'perhaps'",
    "query,image,grade\ndog,x,1.5\n": "line 2: grade '1.5'",
}
JSON_ERRORS = {
    "{}\n": "line 1: a query, an image or id, and a grade are needed \\(it has nothing\\)",
    '{"query": "dog", "image": "x", "grade": 1}\n[1]\n': "line 2: not a JSON object",
    "oops\n": "line 1: not valid JSON",
    '{"query": "dog", "image": ["x"], "grade": 1}\n': "line 1: image must be a string",
    '{"query": "dog", "image": "x", "grade": true}\n': "line 1: grade 'True'",
}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        *(("q.trec", text, message) for text, message in QRELS_ERRORS.items()),
        *(("j.csv", text, message) for text, message in CSV_ERRORS.items()),
        *(("j.jsonl", text, message) for text, message in JSON_ERRORS.items()),
    ],
)
def test_a_malformed_line_is_named_in_one_line(tmp_path: Path, name: str, text: str, message: str) -> None:
    with pytest.raises(DiptychError, match=message) as caught:
        read_judgments(written(tmp_path / name, text), IMAGES)
    assert len(str(caught.value).splitlines()) == 1


def test_a_file_that_can_not_be_read_or_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(DiptychError, match=r"can't read .*gone\.csv: No such file"):
        read_judgments(tmp_path / "gone.csv", IMAGES)
    (tmp_path / "latin.csv").write_bytes("query,image,grade\nhöhle,x,1\n".encode("latin-1"))
    with pytest.raises(DiptychError, match="line 2: not UTF-8"):
        read_judgments(tmp_path / "latin.csv", IMAGES)
    with pytest.raises(DiptychError, match="can't write"):
        write_judgments(Judgments(), tmp_path / "gone" / "q.trec")


def test_json_lines_hold_one_object_a_judgment(tmp_path: Path) -> None:
    given = Judgment(query="Höhle", image="b" * 64, grade=3, by="me", at="2026-11-23", blind=True)
    write_judgments(Judgments([given]), tmp_path / "j.jsonl", names=NAMES)
    assert json.loads((tmp_path / "j.jsonl").read_text(encoding="utf-8")) == {
        "query": "Höhle",
        "image": "wolf.jpg",
        "id": "b" * 64,
        "grade": 3,
        "by": "me",
        "at": "2026-11-23",
        "blind": True,
    }


def test_query_ids_are_read_as_an_export_writes_them(tmp_path: Path) -> None:
    assert read_query_ids(written(tmp_path / "queries.tsv", "q1\ta dog\nq2\twolf\n")) == {
        "q1": "a dog",
        "q2": "wolf",
    }
    with pytest.raises(DiptychError, match="line 2: not a query id, a tab and the query's text"):
        read_query_ids(written(tmp_path / "broken.tsv", "q1\ta dog\nq2 wolf\n"))
